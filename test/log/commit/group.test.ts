// Group commit, case by case: who shares, what the shared commit says, and that sharing changes no outcome.
// Holds C8 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Action } from '../../../src/log/actions.js'
import { addMetrics } from '../../../src/log/commit/combine.js'
import {
  type CommitRequest,
  type CommitResult,
  CommitStateUnknownError,
  commitShared,
  fileSystemCommitter,
  identifyStore,
  mayDeleteDataFiles,
  mayShare,
} from '../../../src/log/commit/index.js'
import { loadLog } from '../../../src/log/index.js'
import { add, GroupScene, ROUND_TRIP_MS, txn } from './group-scene.js'
import { METADATA, rawAdd, rawCommit } from './rig.js'

const names = (count: number, prefix = 'f'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('commits that are made at the same time', () => {
  test('share: the first goes at once, the others together after it', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const startMs = scene.simulation.now()
    const versions = await scene.outcomes(() => names(10).map((name) => scene.submit(base, [add(name)])))
    expect(versions).toEqual([1, ...Array.from({ length: 9 }, () => 2)])
    expect(scene.simulation.now() - startMs).toBe(2 * ROUND_TRIP_MS)
    expect(scene.creations).toBe(2)
    expect(await scene.paths(1)).toEqual(['f0'])
    expect(await scene.paths(2)).toEqual(names(10).slice(1))
  })

  test('share even when some have read older versions than others', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const results: CommitResult[] = []
    const lane = async (lane: number): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        // Every other lane goes on from what it has read at first.
        const on = lane % 2 === 0 ? (results.at(-1)?.view ?? base) : base
        results.push(await scene.submit(on, [add(`l${lane}-${i}`)]))
      }
    }
    await scene.simulation.run(() => Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(lane)))
    expect(results).toHaveLength(40)
    // Eight lanes of five: no creation was lost to another of this process.
    expect(scene.creations).toBe((await scene.log()).length - 1)
    for (const { version, view } of results) expect(view.version).toBe(version)
    expect([...(results.at(-1)?.view.files.liveRows() ?? [])]).toHaveLength(40)
  })

  test('say in one commitInfo what is true of all, and of each what is its own', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const metrics = (rows: number): Partial<CommitRequest> => ({
      operation: 'STREAMING UPDATE',
      operationParameters: { outputMode: 'Append', queryId: `q${rows}` },
      operationMetrics: { numOutputRows: String(rows), numAddedFiles: '1' },
    })
    const results = await scene.simulation.run(() =>
      Promise.all([5, 6, 7].map((rows) => scene.submit(base, [txn(`app${rows}`, 1n), add(`f${rows}`)], metrics(rows)))),
    )
    const [alone, together] = (await scene.log()).slice(1)
    expect(alone?.[0]?.commitInfo).not.toHaveProperty('logicalCommits')
    expect(alone?.[0]?.commitInfo).toMatchObject({ operationParameters: { queryId: 'q5' }, operationMetrics: { numOutputRows: '5' } })
    expect(together?.[0]?.commitInfo).toEqual({
      timestamp: expect.any(Number),
      operation: 'STREAMING UPDATE',
      operationParameters: { outputMode: 'Append' },
      readVersion: 0,
      isolationLevel: 'Serializable',
      isBlindAppend: true,
      operationMetrics: { numOutputRows: '13', numAddedFiles: '2' },
      engineInfo: expect.stringMatching(/^Alluvium/),
      txnId: results[1]?.txnId,
      logicalCommits: [6, 7].map((rows) => ({
        readVersion: 0,
        operationParameters: { outputMode: 'Append', queryId: `q${rows}` },
        operationMetrics: { numOutputRows: String(rows), numAddedFiles: '1' },
        actions: 2,
      })),
    })
    // The actions of each stand together, in the order of the list.
    expect(together?.slice(1).map(({ add: file, txn: position }) => file?.path ?? position?.appId)).toEqual(['app6', 'f6', 'app7', 'f7'])
  })

  test('of different kinds go one kind after the other', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const kinds: (Partial<CommitRequest> & { maxAttempts?: number })[] = [
      {},
      {},
      { operation: 'STREAMING UPDATE' },
      { userMetadata: 'u' },
      {},
    ]
    const versions = await scene.outcomes(() => kinds.map((more, i) => scene.submit(base, [add(`f${i}`)], more)))
    expect(versions).toEqual([1, 2, 3, 4, 2])
  })

  test('of one application are a conflict, as without sharing: one of them is not in the table', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const outcomes = await scene.outcomes(() => [
      scene.submit(base, [add('other')]),
      scene.submit(base, [txn('a', 1n), add('a1')]),
      scene.submit(base, [txn('a', 2n), add('a2')]),
      scene.submit(base, [txn('b', 1n), add('b1')]),
    ])
    expect(outcomes).toEqual([1, 2, expect.anything(), 2])
    expect(outcomes[2]).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'txn', appId: 'a', version: 2, committed: false } })
    expect(await scene.paths(2)).toEqual(['a1', 'b1'])
  })
})

describe('stores that were opened apart', () => {
  const apart = async (identities: readonly (string | undefined)[]): Promise<{ scene: GroupScene; versions: unknown[] }> => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const contexts = identities.map((identity) => {
      const storage = new Proxy(scene.store, {
        get: (store, name) => {
          const value: unknown = Reflect.get(store, name)
          return typeof value === 'function' ? value.bind(store) : value
        },
      })
      if (identity !== undefined) identifyStore(storage, identity)
      return { ...scene.context, storage, committer: fileSystemCommitter(storage) }
    })
    const request = (name: string): CommitRequest => ({
      base,
      actions: [add(name)],
      operation: 'WRITE',
      operationParameters: {},
      readSet: { appIds: [] },
    })
    const versions = await scene.outcomes(() =>
      contexts.flatMap((context, c) => names(3, `c${c}-`).map((name) => commitShared(context, request(name)))),
    )
    return { scene, versions }
  }

  test('share where they are one place', async () => {
    const { scene, versions } = await apart(['one', 'one'])
    expect(versions).toEqual([1, 2, 2, 2, 2, 2])
    expect(scene.creations).toBe(2)
  })

  test('race where nothing says so', async () => {
    for (const identities of [
      [undefined, undefined],
      ['one', 'other'],
      ['one', undefined],
    ]) {
      const { scene, versions } = await apart(identities)
      expect([...new Set(versions)].sort()).toEqual([1, 2, 3, 4])
      expect(scene.creations).toBeGreaterThan(4)
    }
  })
})

describe('a conflict of one', () => {
  test('does not fail the others, which go on top of the winner', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const outcomes = await scene.outcomes(() => {
      const first = scene.submit(base, [add('first')])
      scene.store.rival = {
        // Nobody of this process: while the first is on its way, version 2 is taken.
        after: async () => {
          await rawCommit(scene.raw, 2, [rawAdd('r'), { txn: { appId: 'b', version: 9 } }])
        },
      }
      return [first, ...['a', 'b', 'c'].map((app) => scene.submit(base, [txn(app, 1n), add(app)]))]
    })
    expect(outcomes).toEqual([1, 3, expect.anything(), 3])
    expect(outcomes[2]).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'txn', version: 2, txnVersion: '9', committed: false } })
    expect(mayDeleteDataFiles(outcomes[2])).toBe(true)
    expect(await scene.paths(3)).toEqual(['a', 'c'])
  })

  test('that all have fails each with it', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const outcomes = await scene.outcomes(() => {
      scene.store.rival = {
        after: async () => {
          await rawCommit(scene.raw, 2, [{ metaData: { ...METADATA, configuration: { 'delta.appendOnly': 'true' } } }])
        },
      }
      return names(4).map((name) => scene.submit(base, [add(name)]))
    })
    expect(outcomes[0]).toBe(1)
    for (const error of outcomes.slice(1))
      expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'metadata', version: 2, committed: false } })
    expect(await scene.log()).toHaveLength(3)
  })

  test('before it is put at all: what is wrong with it by itself', async () => {
    const scene = new GroupScene()
    await rawCommit(scene.raw, 0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking', 'domainMetadata'] } },
      { metaData: METADATA },
    ])
    const base = await loadLog(scene.raw, { runtime: scene.simulation })
    const stats = '{"numRecords":3}'
    const outcomes = await scene.outcomes(() => [
      scene.submit(base, [add('f0', { stats })]),
      scene.submit(base, [add('f1', { stats })]),
      scene.submit(base, [add('uncounted')]),
      scene.submit(base, [add('f2', { stats })]),
    ])
    expect(outcomes[2]).toMatchObject({ code: 'CONSTRAINT_VIOLATED', facts: { path: 'uncounted', committed: false } })
    expect([outcomes[0], outcomes[1], outcomes[3]].every((version) => typeof version === 'number')).toBe(true)
    const ids = (await scene.log()).flatMap((commit) =>
      commit.flatMap(({ add: file }) => (file as { baseRowId?: number } | undefined)?.baseRowId ?? []),
    )
    expect(ids).toEqual([0, 3, 6])
  })

  test('an action that no commit may hold is a fault of its caller alone', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const outcomes = await scene.outcomes(() => [
      scene.submit(base, [add('f0')]),
      scene.submit(base, [add('f1'), add('f1')]),
      scene.submit(base, [add('f2')]),
    ])
    expect(outcomes).toEqual([1, expect.any(TypeError), 2])
  })

  test('a file that two of them add is in the table once', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const outcomes = await scene.outcomes(() => ['x', 'same', 'same', 'y'].map((name) => scene.submit(base, [add(name)])))
    expect(outcomes.filter((outcome) => typeof outcome === 'number')).toHaveLength(3)
    expect(outcomes[2]).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'duplicate' } })
    expect((await scene.log()).flatMap((commit) => commit.flatMap(({ add: file }) => file?.path ?? [])).sort()).toEqual(['same', 'x', 'y'])
  })
})

describe('an outcome that is unclear', () => {
  test('is found out once, for all', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    scene.store.script = [{ kind: 'none' }, { kind: 'fails-after' }]
    expect(await scene.outcomes(() => names(4).map((name) => scene.submit(base, [add(name)])))).toEqual([1, 2, 2, 2])
    expect(await scene.log()).toHaveLength(3)
  })

  test('and stays so is unknown for all, and each can ask later', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    scene.store.script = [
      { kind: 'none' },
      { kind: 'lands-late', afterMs: 3_600_000 },
      ...Array.from({ length: 500 }, () => ({ kind: 'fails-before' as const })),
    ]
    const outcomes = await scene.outcomes(() => names(4).map((name) => scene.submit(base, [add(name)])))
    expect(outcomes[0]).toBe(1)
    for (const error of outcomes.slice(1)) {
      expect(error).toBeInstanceOf(CommitStateUnknownError)
      expect(error).toMatchObject({ facts: { version: 2 } })
      expect(mayDeleteDataFiles(error)).toBe(false)
    }
    await scene.simulation.drain()
    const answers = await scene.simulation.run(() =>
      Promise.all((outcomes.slice(1) as CommitStateUnknownError[]).map((error) => error.resolve())),
    )
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ kind: 'committed', version: 2 })))
    expect(await scene.paths(2)).toEqual(['f1', 'f2', 'f3'])
  })

  test('a store that surely did nothing fails all, and all may delete their files', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const denied = new AlluviumError('PERMISSION_DENIED', 'no', { applied: false })
    const { create } = scene.store
    let calls = 0
    scene.store.create = (...args) => (++calls === 1 ? create(...args) : Promise.reject(denied))
    const outcomes = await scene.outcomes(() => names(3).map((name) => scene.submit(base, [add(name)])))
    for (const error of outcomes.slice(1)) expect(error).toMatchObject({ code: 'PERMISSION_DENIED', facts: { committed: false } })
  })
})

describe('data files that are still on their way', () => {
  test('do not hold up commits whose files are there', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const startMs = scene.simulation.now()
    const done: [string, number][] = []
    const note = (name: string, one: Promise<CommitResult>): Promise<CommitResult> =>
      one.then((result) => {
        done.push([name, scene.simulation.now() - startMs])
        return result
      })
    await scene.outcomes(() => [
      note('slow', scene.submit(base, [add('slow')], { ready: scene.simulation.sleep(1000) })),
      note('quick', scene.submit(base, [add('quick')])),
      note('quicker', scene.submit(base, [add('quicker')], { ready: Promise.resolve() })),
    ])
    expect(done.find(([name]) => name === 'slow')?.[1]).toBe(1000 + ROUND_TRIP_MS)
    for (const name of ['quick', 'quicker']) expect(done.find(([other]) => other === name)?.[1]).toBeLessThanOrEqual(2 * ROUND_TRIP_MS)
  })

  test('are there before anything names them', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const ready = new Map(names(6).map((name, i) => [name, i * 37]))
    const there = new Set<string>()
    const early: string[] = []
    scene.store.onCreate = (_, bytes) => {
      for (const name of ready.keys()) if (new TextDecoder().decode(bytes).includes(`"${name}"`) && !there.has(name)) early.push(name)
    }
    await scene.outcomes(() =>
      [...ready].map(([name, ms]) => scene.submit(base, [add(name)], { ready: scene.simulation.sleep(ms).then(() => there.add(name)) })),
    )
    expect(early).toEqual([])
  })

  test('that fail, fail their own commit only', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const full = scene.simulation.sleep(10).then(() => Promise.reject(new AlluviumError('STORAGE_FULL', 'no space')))
    const outcomes = await scene.outcomes(() => [
      scene.submit(base, [add('f0')]),
      scene.submit(base, [add('bad')], { ready: full }),
      scene.submit(base, [add('f1')]),
    ])
    expect(outcomes).toEqual([1, expect.anything(), 2])
    expect(outcomes[1]).toMatchObject({ code: 'STORAGE_FULL', facts: { committed: false } })
  })
})

describe('a caller that stops waiting', () => {
  test('while its turn has not come is aborted, and nothing of it is in the table', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const controller = new AbortController()
    const outcomes = await scene.outcomes(() => {
      scene.simulation.setTimer(ROUND_TRIP_MS / 2, () => controller.abort())
      return [
        scene.submit(base, [add('f0')]),
        scene.submit(base, [add('given-up')], {}, { signal: controller.signal }),
        scene.submit(base, [add('f1')]),
      ]
    })
    expect(outcomes).toEqual([1, expect.anything(), 2])
    expect(outcomes[1]).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(await scene.paths(2)).toEqual(['f1'])
  })

  test('while the put is on its way succeeds when the put does', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const controller = new AbortController()
    const outcomes = await scene.outcomes(() => {
      scene.simulation.setTimer(1.5 * ROUND_TRIP_MS, () => controller.abort())
      return ['f0', 'f1', 'f2'].map((name) => scene.submit(base, [add(name)], {}, name === 'f1' ? { signal: controller.signal } : {}))
    })
    expect(outcomes).toEqual([1, 2, 2])
  })

  test('while the put hangs is told after the grace that nobody knows; the others wait on', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const controller = new AbortController()
    scene.store.script = [{ kind: 'none' }, { kind: 'hangs', lands: 'now', afterMs: 0 }]
    const startMs = scene.simulation.now()
    let toldMs = 0
    const outcomes = await scene.outcomes(() => {
      scene.simulation.setTimer(1.5 * ROUND_TRIP_MS, () => controller.abort())
      const [first, stopped, waiting] = ['f0', 'f1', 'f2'].map((name) =>
        scene.submit(base, [add(name)], {}, { ...(name === 'f1' && { signal: controller.signal }), graceMs: 3000 }),
      ) as [Promise<CommitResult>, Promise<CommitResult>, Promise<CommitResult>]
      void stopped.catch(() => {
        toldMs = scene.simulation.now() - startMs
      })
      return [first, stopped, waiting]
    })
    expect(toldMs).toBeLessThanOrEqual(1.5 * ROUND_TRIP_MS + 3000)
    expect(outcomes[1]).toBeInstanceOf(CommitStateUnknownError)
    expect(outcomes[2]).toBe(2)
    expect(await scene.simulation.run(() => (outcomes[1] as CommitStateUnknownError).resolve())).toEqual({ kind: 'committed', version: 2 })
  })

  test('before a lost race is over is not committed with the next try', async () => {
    const scene = new GroupScene()
    const base = await scene.begin()
    const controller = new AbortController()
    scene.store.onCreate = (path) => {
      if (!path.endsWith('2.json')) return
      scene.store.onCreate = () => {}
      scene.store.rival = {
        before: async () => {
          await rawCommit(scene.raw, 2, [rawAdd('r')])
          controller.abort()
        },
      }
    }
    const outcomes = await scene.outcomes(() =>
      ['f0', 'f1', 'f2'].map((name) => scene.submit(base, [add(name)], {}, name === 'f1' ? { signal: controller.signal } : {})),
    )
    expect(outcomes).toEqual([1, expect.anything(), 3])
    expect(outcomes[1]).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect((await scene.log()).flatMap((commit) => commit.flatMap(({ add: file }) => file?.path ?? []))).toEqual(['f0', 'r', 'f2'])
  })
})

describe('who may share', () => {
  const base = {} as CommitRequest['base']
  const request = (actions: readonly Action[], more: Partial<CommitRequest> = {}): CommitRequest => ({
    base,
    actions,
    operation: 'WRITE',
    operationParameters: {},
    readSet: { appIds: [] },
    ...more,
  })
  test.each<[string, CommitRequest, boolean]>([
    ['an append', request([add('f')]), true],
    ['an append with positions', request([txn('a', 1n), add('f')], { readSet: { appIds: ['a'] } }), true],
    ['positions alone', request([txn('a', 1n)]), true],
    ['nothing', request([]), false],
    ['what makes a table', request([add('f')], { base: undefined }), false],
    ['what has read rows', request([add('f')], { readSet: { appIds: [], readsWholeTable: true } }), false],
    ['what has read some rows', request([add('f')], { readSet: { appIds: [], mayRead: () => false } }), false],
    ['what removes', request([{ kind: 'remove', path: 'g', dataChange: true }]), false],
    ['what rearranges', request([add('f', { dataChange: false })]), false],
    ['what changes the table', request([{ kind: 'metaData', ...METADATA }]), false],
    ['what sets a domain', request([{ kind: 'domainMetadata', domain: 'd', configuration: '', removed: false }]), false],
    ['what nobody knows', request([{ kind: 'unknown', name: 'x', value: 1 }]), false],
    ['what must see each newer version', request([add('f')], { onRebase: () => {} }), false],
  ])('%s: %3$s', (_, given, expected) => {
    expect(mayShare(given)).toBe(expected)
  })
})

describe('metrics', () => {
  test('are added up exactly, where everybody counts', () => {
    expect(addMetrics([{ a: '1', b: '2' }, { a: '9007199254740993' }])).toEqual({ a: '9007199254740994' })
    expect(addMetrics([{ a: '1' }, { a: 'many' }])).toBeUndefined()
    expect(addMetrics([{ a: '1' }, {}])).toBeUndefined()
    expect({ ...addMetrics([JSON.parse('{"__proto__":"1"}'), JSON.parse('{"__proto__":"2"}')]) }).toEqual(JSON.parse('{"__proto__":"3"}'))
  })
})
