// What a commit is put on top of: knowledge that is fresh, however it came, and a question where there is none.
import { beforeEach, describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { Footing, FRESH_MS } from '../../../src/log/commit/footing.js'
import type { HoldsOutcome } from '../../../src/log/commit/index.js'
import { type ManualRuntime, manualRuntime } from '../../support/manual-runtime.js'

const newest: HoldsOutcome = { kind: 'held', isFollowed: false }
/** Versions that are remembered. */
const REMEMBERED = 64

let runtime: ManualRuntime
let footing: Footing
let asked: number[]

beforeEach(() => {
  runtime = manualRuntime()
  footing = new Footing(runtime)
  asked = []
})

/** Whether the version before is asked for when this one is put. */
async function asksFor(version: number): Promise<boolean> {
  asked = []
  const outcome = await footing.refusal(version, async (before) => {
    asked.push(before)
    return { kind: 'gone', isCleaned: true }
  })
  if (asked.length > 0) expect(asked).toEqual([version - 1])
  expect(outcome === undefined).toBe(asked.length === 0)
  return asked.length > 0
}

describe('a version on which something is put', () => {
  test('is asked for where nothing is known of it', async () => {
    expect(await asksFor(4)).toBe(true)
    expect(await asksFor(1)).toBe(true)
  })

  test('is known for a minute from when it was asked for, not from when the answer came', async () => {
    const askedMs = footing.nowMs()
    await runtime.advance(20_000)
    footing.knows(3, askedMs)
    await runtime.advance(40_000)
    expect(footing.nowMs() - askedMs).toBe(60_000)
    expect(await asksFor(4)).toBe(false)
    await runtime.advance(1)
    expect(await asksFor(4)).toBe(true)
    expect(FRESH_MS).toBe(60_000)
  })

  test('is known as of the latest time that it was, in whatever order the answers come', async () => {
    const earlyMs = footing.nowMs()
    await runtime.advance(50_000)
    footing.knows(3, footing.nowMs())
    footing.knows(3, earlyMs)
    await runtime.advance(60_000)
    expect(await asksFor(4)).toBe(false)
  })

  test('says nothing of those beside it', async () => {
    footing.knows(3, footing.nowMs())
    expect(await asksFor(3)).toBe(true)
    expect(await asksFor(5)).toBe(true)
    expect(await asksFor(4)).toBe(false)
  })
})

describe('a version that was only read', () => {
  test('is no footing', async () => {
    footing.follows(3)
    expect(await asksFor(4)).toBe(true)
    footing.follows(4)
    expect(await asksFor(4)).toBe(true)
    expect(await asksFor(5)).toBe(true)
  })

  test('counts from when the one before it was the newest, whichever is heard of first', async () => {
    const earlyMs = footing.nowMs()
    await runtime.advance(10_000)
    footing.knows(3, earlyMs)
    footing.follows(4)
    footing.follows(8)
    footing.knows(7, earlyMs)
    await runtime.advance(50_000)
    expect(await asksFor(5)).toBe(false)
    expect(await asksFor(9)).toBe(false)
    await runtime.advance(1)
    expect(await asksFor(5)).toBe(true)
    expect(await asksFor(9)).toBe(true)
  })

  test('carries those read after it, as far as they go without a gap', async () => {
    for (const version of [6, 5, 4, 8]) footing.follows(version)
    footing.knows(3, footing.nowMs())
    for (const version of [5, 6, 7]) expect(await asksFor(version)).toBe(false)
    expect(await asksFor(8)).toBe(true)
    expect(await asksFor(9)).toBe(true)
  })

  test('joins those read after it to those known before it', async () => {
    footing.knows(3, footing.nowMs())
    for (const version of [6, 5]) footing.follows(version)
    expect(await asksFor(6)).toBe(true)
    footing.follows(4)
    expect(await asksFor(6)).toBe(false)
    expect(await asksFor(7)).toBe(false)
  })
})

describe('what is remembered', () => {
  test('is the last that was known of 64 versions', async () => {
    for (let n = 0; n < REMEMBERED; n++) footing.knows(10 * n, footing.nowMs())
    expect(await asksFor(1)).toBe(false)
    footing.knows(10 * REMEMBERED, footing.nowMs())
    expect(await asksFor(1)).toBe(true)
    expect(await asksFor(11)).toBe(false)
    expect(await asksFor(10 * REMEMBERED + 1)).toBe(false)
  })

  test('a version known anew is forgotten last', async () => {
    for (let n = 0; n < REMEMBERED; n++) footing.knows(10 * n, footing.nowMs())
    await runtime.advance(1)
    footing.knows(0, footing.nowMs())
    footing.knows(10 * REMEMBERED, footing.nowMs())
    expect(await asksFor(1)).toBe(false)
    expect(await asksFor(11)).toBe(true)
  })

  test('are 64 versions that were read, too', async () => {
    for (let n = 1; n <= REMEMBERED; n++) footing.follows(10 * n)
    footing.knows(9, footing.nowMs())
    expect(await asksFor(11)).toBe(false)
    footing.follows(10 * (REMEMBERED + 1))
    for (const version of [19, 29]) footing.knows(version, footing.nowMs())
    expect(await asksFor(21)).toBe(false)
    await runtime.advance(60_001)
    for (const version of [9, 19]) footing.knows(version, footing.nowMs())
    expect(await asksFor(11)).toBe(true)
    expect(await asksFor(21)).toBe(false)
  })

  test('is not pushed out by versions of which nothing is known', async () => {
    for (let n = 1; n <= REMEMBERED; n++) footing.knows(10 * n, footing.nowMs())
    footing.follows(5)
    expect(await asksFor(11)).toBe(false)
  })
})

describe('the answer to the question', () => {
  const ask = (outcome: HoldsOutcome): ReturnType<Footing['refusal']> => footing.refusal(4, async () => outcome)

  test('that the version is the newest lets the next be put', async () => {
    const outcome = footing.refusal(4, async (before) => {
      footing.knows(before, footing.nowMs())
      return newest
    })
    expect(await outcome).toBeUndefined()
  })

  test('that took longer than it is good for is asked again', async () => {
    let times = 0
    const outcome = footing.refusal(4, async (before) => {
      const askedMs = footing.nowMs()
      await runtime.advance(times++ === 0 ? FRESH_MS + 1 : 1)
      footing.knows(before, askedMs)
      return newest
    })
    expect(await outcome).toBeUndefined()
    expect(times).toBe(2)
  })

  test('that there is one after it already means that the next is taken', async () => {
    expect(await ask({ kind: 'held', isFollowed: true })).toEqual({ kind: 'exists' })
  })

  test.each([true, false])(
    'that it is gone (cleaned: %s) means that nothing is put, as the table must be opened again',
    async (isCleaned) => {
      expect(await ask({ kind: 'gone', isCleaned })).toMatchObject({
        kind: 'refused',
        error: { code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 3 } },
      })
    },
  )

  test('that cannot be had is the store’s error, and nothing is put', async () => {
    const error = new AlluviumError('STORAGE_UNAVAILABLE', 'away')
    const outcome = await ask({ kind: 'unreadable', error })
    expect(outcome?.kind).toBe('refused')
    expect(outcome !== undefined && 'error' in outcome && outcome.error).toBe(error)
  })
})
