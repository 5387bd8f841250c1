// Reading the commits that came first: all of them, in order, up to the newest; a gap is an error only once it is surely one.
import { beforeEach, describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Committer, FindOutcome, HoldsOutcome } from '../../../src/log/commit/committer.js'
import type { Limits } from '../../../src/log/commit/limits.js'
import { readGroup, readWinners } from '../../../src/log/commit/winners.js'

const bytesOf = (version: number): Uint8Array => new Uint8Array([version])
const other = (version: number): FindOutcome => ({ kind: 'other', bytes: bytesOf(version) }) as FindOutcome
const absent = { kind: 'absent' } as FindOutcome
const failure = (code: 'STORAGE_UNAVAILABLE' | 'PERMISSION_DENIED'): FindOutcome => ({
  kind: 'unreadable',
  error: new AlluviumError(code, 'x', {}),
})

let looks: number[]
let txnIds: Set<string>
let open: number
let pauses: number
let mayLook: boolean

const limits = {
  call: () => {
    open++
    return { end: () => open-- }
  },
  allowance: () => ({ mayLook, mayPut: true }),
  pauseAfterFault: async () => {
    pauses++
  },
} as unknown as Limits

/** A log whose versions are answered by a function, which is told how often a version was looked at before. */
function log(
  answer: (version: number, times: number) => FindOutcome,
  holds: (version: number) => HoldsOutcome = () => ({ kind: 'gone', isCleaned: false }),
): Committer {
  const times = new Map<number, number>()
  return {
    findOut: async (version: number, { txnId }: { txnId: string }) => {
      looks.push(version)
      txnIds.add(txnId)
      const before = times.get(version) ?? 0
      times.set(version, before + 1)
      return answer(version, before)
    },
    holds: async (version: number) => holds(version),
  } as unknown as Committer
}

beforeEach(() => {
  looks = []
  txnIds = new Set()
  open = 0
  pauses = 0
  mayLook = true
})

const versionsOf = (found: readonly { readonly version: number; readonly bytes: Uint8Array }[]): number[] =>
  found.map(({ version, bytes }) => {
    expect(bytes).toEqual(bytesOf(version))
    return version
  })
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('the winners', () => {
  test('are all commits from the first one wanted to the newest, in order', async () => {
    for (const newest of [6, 7, 8, 12, 20, 60]) {
      const { winners, ours } = await readWinners(
        log((version) => (version <= newest ? other(version) : absent)),
        7,
        't',
        limits,
      )
      expect(versionsOf(winners)).toEqual(range(7, newest))
      expect(ours).toBeUndefined()
    }
    expect(open).toBe(0)
    expect([...txnIds]).toEqual(['t'])
  })

  test('are looked for one, two, four, eight and then sixteen at a time', async () => {
    const groups: number[] = []
    const { findOut } = log((version) => (version <= 50 ? other(version) : absent))
    const slow = {
      findOut: async (...args: Parameters<Committer['findOut']>) => {
        if (open === 1) groups.push(0)
        groups[groups.length - 1] = (groups.at(-1) as number) + 1
        await new Promise((resolve) => setImmediate(resolve))
        return findOut(...args)
      },
    } as unknown as Committer
    await readWinners(slow, 0, 't', limits)
    expect(groups).toEqual([1, 2, 4, 8, 16, 16, 16])
  })

  test('end before our own commit, should one of them be it', async () => {
    const found = await readWinners(
      log((version) => (version === 9 ? ({ kind: 'ours' } as FindOutcome) : other(version))),
      5,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual([5, 6, 7, 8])
    expect(found.ours).toBe(9)
  })

  test('may land while they are read: what was missing and is then there is no gap', async () => {
    // Version 6 is not there yet when 7 is seen.
    const found = await readWinners(
      log((version, times) => (version > 8 || (version === 6 && times === 0) ? absent : other(version))),
      5,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual([5, 6, 7, 8])
  })

  test('after version 0 may land while they are read like any others', async () => {
    const found = await readWinners(
      log((version, times) => (version > 3 || (version === 1 && times === 0) ? absent : other(version))),
      0,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual([0, 1, 2, 3])
  })

  test('may land while they are read, and our own commit after them', async () => {
    const found = await readWinners(
      log((version, times) => {
        if (version === 7) return { kind: 'ours' } as FindOutcome
        return version === 6 && times === 0 ? absent : other(version)
      }),
      5,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual([5, 6])
    expect(found.ours).toBe(7)
  })

  test('with a gap that stays are an error that names it', async () => {
    const reading = readWinners(
      log((version) => (version === 6 || version > 8 ? absent : other(version))),
      5,
      't',
      limits,
    )
    await expect(reading).rejects.toMatchObject({
      code: 'CORRUPT_LOG',
      message: expect.stringMatching(/^_delta_log\/00000000000000000006\.json is missing while later commits exist/),
      facts: { version: 6, path: '_delta_log/00000000000000000006.json' },
    })
  })

  test('with a gap that a later checkpoint explains have been cleaned: whoever is so far behind opens the table again', async () => {
    const asked: number[] = []
    const cleaned = log(
      (version) => (version === 6 || version > 8 ? absent : other(version)),
      (version) => {
        asked.push(version)
        return { kind: 'gone', isCleaned: true }
      },
    )
    const error = await readWinners(cleaned, 5, 't', limits).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 5 } })
    expect((error as Error).message).toContain('open the table again')
    expect(asked).toEqual([5])
    expect(open).toBe(0)
  })

  test('with a gap of which the store cannot say more are its error', async () => {
    const error = new AlluviumError('PERMISSION_DENIED', 'no lists', {})
    const silent = log(
      (version) => (version === 6 || version > 8 ? absent : other(version)),
      () => ({ kind: 'unreadable', error }),
    )
    await expect(readWinners(silent, 5, 't', limits)).rejects.toBe(error)
  })

  test('two gaps that both close are none', async () => {
    const found = await readWinners(
      log((version, times) => (version > 12 || ((version === 6 || version === 9) && times === 0) ? absent : other(version))),
      5,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual(range(5, 12))
  })

  test('that cannot be read now are read again, after a pause, as long as the limits allow', async () => {
    const found = await readWinners(
      log((version, times) => (version > 5 ? absent : times < 3 ? failure('STORAGE_UNAVAILABLE') : other(version))),
      5,
      't',
      limits,
    )
    expect(versionsOf(found.winners)).toEqual([5])
    expect(pauses).toBe(3)
    mayLook = false
    const failing = readWinners(
      log(() => failure('STORAGE_UNAVAILABLE')),
      5,
      't',
      limits,
    )
    await expect(failing).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect(pauses).toBe(3)
    expect(open).toBe(0)
  })

  test('that may not be read are an error at once', async () => {
    const failing = readWinners(
      log(() => failure('PERMISSION_DENIED')),
      5,
      't',
      limits,
    )
    await expect(failing).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(pauses).toBe(0)
  })
})

describe('one look at some versions', () => {
  test('answers the commits of others up to the first that is none, and asks for each once', async () => {
    for (const [end, expected] of [
      [absent, [4, 5]],
      [{ kind: 'ours' } as FindOutcome, [4, 5]],
      [failure('STORAGE_UNAVAILABLE'), [4, 5]],
      [other(6), [4, 5, 6, 7]],
    ] as const) {
      looks = []
      const found = await readGroup(
        log((version) => (version === 6 ? end : other(version))),
        { version: 4, txnId: 't' },
        4,
        limits,
      )
      expect(versionsOf(found)).toEqual(expected)
      expect(looks).toEqual([4, 5, 6, 7])
    }
    expect(open).toBe(0)
    expect(pauses).toBe(0)
    expect([...txnIds]).toEqual(['t'])
  })

  test('at none is nothing', async () => {
    expect(await readGroup(log(other), { version: 4, txnId: 't' }, 0, limits)).toEqual([])
    expect(looks).toEqual([])
  })
})
