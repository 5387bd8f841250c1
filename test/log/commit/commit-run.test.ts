// One run of the commit loop over a committer that answers by script: what it asks in which order, and what it says at its end.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { txnIdOf } from '../../../src/log/commit/committer.js'
import { CommitStateUnknownError } from '../../../src/log/commit/index.js'
import { rivalryOf } from '../../../src/log/commit/rivalry.js'
import { type LogView, loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { newTable } from './rig.js'
import { creation } from './scene.js'
import { Script } from './script.js'

async function table(): Promise<LogView> {
  const storage = memoryStorage()
  await newTable(storage)
  return loadLog(storage)
}

const infoOf = (bytes: Uint8Array): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes).split('\n')[0] as string).commitInfo as Record<string, unknown>

describe('a commit without rivals', () => {
  test('is offered, put, published and told, and stands whatever publishing says', async () => {
    const script = new Script()
    const result = await script.run(await table())
    expect(script.events).toEqual(['start', 'offer 1', 'put 1', 'publish 1'])
    expect(result).toMatchObject({ version: 1, txnId: 'my-txn', attempts: 1 })
    expect(result.view.version).toBe(1)
    expect(script.upkeep).toEqual([[1, 'my-txn']])
    expect(infoOf(script.proposals[0]?.bytes as Uint8Array)).toMatchObject({ timestamp: 1_800_000_000_000, readVersion: 0 })
  })

  test('is known as of when it was put, not of when the answer came', async () => {
    const script = new Script()
    script.onPut = () => {
      script.nowMs += 30_000
      return undefined
    }
    const { view } = await script.run(await table())
    expect(view.shared.confirmedMs).toBe(1000)
  })

  test('that makes the table is its first version', async () => {
    const script = new Script()
    script.newest = -1
    const { version, view } = await script.run(undefined, creation)
    expect([version, view.version]).toEqual([0, 0])
    expect(infoOf(script.proposals[0]?.bytes as Uint8Array)).not.toHaveProperty('readVersion')
    expect(script.upkeep).toEqual([[0, 'my-txn']])
  })

  test('on the last version that there can be is refused', async () => {
    const script = new Script()
    const last = Object.create(await table(), { version: { value: Number.MAX_SAFE_INTEGER } }) as LogView
    const error = await script.fails(last)
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', facts: { version: Number.MAX_SAFE_INTEGER, committed: false } })
    expect(error.message).toContain('is at the last version there can be')
    expect(script.proposals).toEqual([])
  })

  test('that cannot be shown says that it is in the table', async () => {
    const script = new Script()
    const blind = Object.create(await table(), {
      applyCommit: {
        value: () => {
          throw new TypeError('no such thing')
        },
      },
    }) as LogView
    const error = await script.fails(blind)
    expect(error).toMatchObject({ code: 'CORRUPT_LOG', facts: { committed: true, version: 1 }, cause: expect.any(TypeError) })
    expect(error.message).toBe('WRITE on a table is committed as version 1, but this library cannot show it: TypeError: no such thing')
  })
})

describe('a lost race', () => {
  test('is read to its end, met, and tried again under the same txnId', async () => {
    const script = new Script()
    script.newest = 4
    const base = await table()
    const result = await script.run(base)
    expect(script.events.filter((event) => !event.startsWith('look'))).toEqual([
      ...['start', 'offer 1', 'put 1'],
      'meet 1,2,3,4',
      ...['offer 5', 'put 5', 'publish 5'],
    ])
    // All to the newest, each once, and one that is not there.
    expect(script.looks()[0]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(result).toMatchObject({ version: 5, attempts: 2 })
    expect(script.proposals.map(({ version, txnId, bytes }) => [version, txnId, txnIdOf(bytes)])).toEqual([
      [1, 'my-txn', 'my-txn'],
      [5, 'my-txn', 'my-txn'],
    ])
    const [meeting] = script.met
    expect([meeting?.before, meeting?.newer.version, meeting?.txnId]).toEqual([base, 4, 'my-txn'])
    expect(meeting?.winners.map(({ version, actions }) => [version, actions.map(({ kind }) => kind)])).toEqual(
      [1, 2, 3, 4].map((version) => [version, ['commitInfo']]),
    )
  })

  test('once lost, others are looked at beside the next put: two, and twice as many as long as all of them are there', async () => {
    const script = new Script()
    script.newest = 1
    // Others are always so many ahead; after the seventh put they are two, and after the eighth none.
    const ahead = [1, 2, 4, 8, 16, 16, 2, 2]
    script.onPut = (nth) => {
      const { version } = script.proposals.at(-1) as { version: number }
      const count = ahead[nth - 1]
      if (count !== undefined) script.newest = version + count - 1
      return undefined
    }
    const result = await script.run(await table())
    const looks = script.looks()
    const counts = looks.map((versions) => versions.length)
    // The first is a look at the winner and at what follows; of the others each is beside its put.
    expect(counts.slice(1)).toEqual([2, 4, 8, 16, 16, 16, 2, 4])
    expect(looks[1]?.[0]).toBe(script.proposals[1]?.version)
    expect(result.attempts).toBe(9)
    expect(result.version).toBe(1 + ahead.reduce((sum, count) => sum + count, 0))
    expect(script.met.flatMap(({ winners }) => winners.map(({ version }) => version))).toEqual(
      Array.from({ length: result.version - 1 }, (_, i) => i + 1),
    )
  })

  test('in which one of the winners is this very commit is won', async () => {
    const script = new Script()
    script.newest = 1
    script.find = (version) => (version === 2 ? { kind: 'ours' } : undefined)
    const result = await script.run(await table())
    expect(result).toMatchObject({ version: 2, attempts: 1 })
    expect(result.view.version).toBe(2)
    expect(script.met).toEqual([])
    expect(script.events.at(-1)).toBe('publish 2')
  })

  test('is not gone on with when what it meets ends it', async () => {
    const script = new Script()
    script.newest = 1
    script.onMeet = () => {
      throw new AlluviumError('COMMIT_CONFLICT', 'no', { rule: 'txn' })
    }
    expect(await script.fails(await table())).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'txn', committed: false } })
    expect(script.proposals).toHaveLength(1)
  })

  test('too many times is given up, in words that say how far the others got', async () => {
    const script = new Script()
    script.options = { maxAttempts: 3 }
    script.onPut = () => {
      script.newest = (script.proposals.at(-1) as { version: number }).version
      return undefined
    }
    const error = await script.fails(await table())
    expect(error).toMatchObject({
      code: 'COMMIT_CONFLICT',
      facts: { rule: 'contention', version: 3, attempts: 3, txnId: 'my-txn', committed: false },
    })
    expect(error.message).toBe(
      'WRITE on a table was not committed: other writers took every version up to 3 in 3 attempts; try again, or raise maxAttempts and timeoutMs',
    )
  })

  test('the last of which the caller does not wait for is aborted, not given up', async () => {
    const script = new Script()
    const controller = new AbortController()
    script.options = { maxAttempts: 1, signal: controller.signal }
    script.newest = 1
    script.onMeet = () => controller.abort()
    expect(await script.fails(await table())).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
  })

  test('against one who made the table is ALREADY_EXISTS', async () => {
    const script = new Script()
    expect(await script.fails(undefined, creation)).toMatchObject({ code: 'ALREADY_EXISTS', facts: { committed: false } })
    expect(script.met).toEqual([])
  })
})

describe('an answer that stays unclear', () => {
  test('leaves the commit in doubt, with what is needed to ask later and why', async () => {
    const script = new Script()
    const reset = new AlluviumError('STORAGE_UNAVAILABLE', 'connection reset')
    script.options = { maxAttempts: 2, graceMs: 100 }
    script.onPut = () => ({ kind: 'unclear', error: reset })
    const error = await script.fails(await table())
    expect(error).toBeInstanceOf(CommitStateUnknownError)
    expect(error).toMatchObject({ facts: { txnId: 'my-txn', version: 1, attempts: 2 }, cause: reset })
    expect(error.message).toMatch(/^WRITE on a table may or may not have become version 1: connection reset; keep its data files/)
    expect(script.upkeep).toEqual([])
    script.newest = 1
    expect(await (error as CommitStateUnknownError).resolve()).toEqual({ kind: 'not-committed', version: 1 })
  })

  test('that surely did nothing is the error of the store, or of the caller who does not wait', async () => {
    const full = new AlluviumError('STORAGE_FULL', 'full', { applied: false })
    const script = new Script()
    script.onPut = () => ({ kind: 'refused', error: full })
    expect(await script.fails(await table())).toMatchObject({ code: 'STORAGE_FULL', facts: { committed: false } })
    const controller = new AbortController()
    const stopped = new Script()
    stopped.options = { signal: controller.signal }
    stopped.onPut = () => {
      controller.abort()
      return { kind: 'refused', error: full }
    }
    expect(await stopped.fails(await table())).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
  })
})

describe('files that are on their way', () => {
  interface Staging {
    readonly script: Script
    readonly settle: (error?: Error) => void
  }
  function staging(kind: 'staged' | 'not staged' = 'staged'): Staging {
    const script = new Script()
    let settleReady: (error?: Error) => void = () => {}
    script.ready = new Promise((resolve, reject) => {
      settleReady = (error) => (error === undefined ? resolve(undefined) : reject(error))
    })
    script.committer.stage = async ({ version }) => {
      script.events.push(`stage ${version}`)
      if (kind === 'not staged') return undefined
      return {
        place: async () => {
          script.events.push(`place ${version}`)
          return { kind: version <= script.newest ? 'exists' : 'created' }
        },
        discard: async () => {
          script.events.push('discard')
        },
      }
    }
    return { script, settle: settleReady }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  test('let the commit be staged meanwhile; it is placed once they are there', async () => {
    const { script, settle: ready } = staging()
    const running = script.run(await table())
    await turn()
    expect(script.events).toEqual(['start', 'stage 1'])
    ready()
    expect(await running).toMatchObject({ version: 1, attempts: 1 })
    expect(script.events).toEqual(['start', 'stage 1', 'offer 1', 'place 1', 'publish 1'])
  })

  test('are waited for where nothing could be staged', async () => {
    const { script, settle: ready } = staging('not staged')
    const running = script.run(await table())
    await turn()
    expect(script.events).toEqual(['start', 'stage 1'])
    ready()
    await running
    expect(script.events).toEqual(['start', 'stage 1', 'offer 1', 'put 1', 'publish 1'])
  })

  test('are waited for by a committer that has no such half', async () => {
    const { script, settle: ready } = staging()
    delete script.committer.stage
    const running = script.run(await table())
    await turn()
    expect(script.events).toEqual(['start'])
    ready()
    expect(await running).toMatchObject({ version: 1, attempts: 1 })
    expect(script.events).toEqual(['start', 'offer 1', 'put 1', 'publish 1'])
  })

  test('that fail end the commit, and what was staged is dropped', async () => {
    for (const kind of ['staged', 'not staged'] as const) {
      const { script, settle: ready } = staging(kind)
      const running = script.fails(await table())
      await turn()
      ready(new AlluviumError('STORAGE_FULL', 'full'))
      expect(await running).toMatchObject({ code: 'STORAGE_FULL', facts: { committed: false } })
      expect(script.events).toEqual(['start', 'stage 1', ...(kind === 'staged' ? ['discard'] : [])])
    }
  })

  test('that nobody waits for any more are not put into the table', async () => {
    const { script, settle: ready } = staging()
    const controller = new AbortController()
    script.options = { signal: controller.signal }
    const running = script.fails(await table())
    await turn()
    controller.abort()
    ready()
    expect(await running).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(script.events).toEqual(['start', 'stage 1', 'discard'])
  })

  test('are there after the first race: nothing is staged again', async () => {
    const { script, settle: ready } = staging()
    script.newest = 2
    ready()
    expect(await script.run(await table())).toMatchObject({ version: 3, attempts: 2 })
    expect(script.events.filter((event) => /stage|place|put/.test(event))).toEqual(['stage 1', 'place 1', 'put 3'])
  })

  test('where there are none nothing is staged', async () => {
    const { script } = staging()
    script.ready = undefined
    await script.run(await table())
    expect(script.events).toEqual(['start', 'offer 1', 'put 1', 'publish 1'])
  })
})

describe('a writer that met rivals last time', () => {
  /** Ten rivals in 1100 ms up to version 0: four versions are let pass, in looks of three. */
  async function afterRivals(newest: number): Promise<{ script: Script; base: LogView }> {
    const script = new Script()
    const rivalry = rivalryOf(script.committer, script.runtime)
    rivalry.committed(0, -100, 10)
    script.newest = newest
    return { script, base: await table() }
  }

  test('lets them go first, follows what they do, and puts on top of it', async () => {
    const { script, base } = await afterRivals(4)
    const result = await script.run(base)
    // random is 0.5: the pace of 100 ms, times the commits that are waited for.
    expect(script.slept).toEqual([300, 100])
    expect(script.met.map(({ winners }) => winners.map(({ version }) => version))).toEqual([[1, 2, 3], [4]])
    expect(result).toMatchObject({ version: 5, attempts: 1 })
    expect(script.proposals.map(({ version }) => version)).toEqual([5])
  })

  test('puts at once where nobody comes, and waits no more', async () => {
    const { script, base } = await afterRivals(0)
    expect(await script.run(base)).toMatchObject({ version: 1, attempts: 1 })
    expect(script.slept).toEqual([300])
    expect(script.met).toEqual([])
    // Nor does it look beside its put.
    expect(script.looks()).toEqual([[]])
    expect(rivalryOf(script.committer, script.runtime).isKnown).toBe(false)
  })

  test('looks beside its first put already', async () => {
    const { script, base } = await afterRivals(4)
    await script.run(base)
    expect(script.looks()).toEqual([[5, 6]])
  })

  test('may be told to stop while it waits', async () => {
    const { script, base } = await afterRivals(4)
    const controller = new AbortController()
    script.options = { signal: controller.signal }
    const { sleep } = script.runtime
    Object.assign(script.runtime, {
      sleep: async (ms: number) => {
        await sleep(ms)
        controller.abort()
      },
    })
    expect(await script.fails(base)).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(script.events).toEqual(['start'])
  })

  test('does not wait in order to make a table', async () => {
    const { script } = await afterRivals(-1)
    await script.run(undefined, creation)
    expect(script.slept).toEqual([])
  })

  test('remembers how many it met and how long it took, for the next time', async () => {
    const script = new Script()
    script.newest = 10
    script.onPut = () => {
      script.nowMs += 550
      return undefined
    }
    await script.run(await table())
    const rivalry = rivalryOf(script.committer, script.runtime)
    expect(rivalry.isKnown).toBe(true)
    // Eleven versions in 1100 ms; four tenths of ten are let pass after version 11.
    expect(rivalry.waiting(14)).toEqual({ ms: 100, commits: 1 })
    expect(rivalry.waiting(15)).toBeUndefined()
  })
})
