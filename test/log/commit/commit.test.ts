// The commit loop, case by case: what is written, what is asked of the store, and what every way out says.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import type { Action } from '../../../src/log/actions.js'
import { commit, fileSystemCommitter, mayDeleteDataFiles } from '../../../src/log/commit/index.js'
import { type LogView, loadLog, refreshLog } from '../../../src/log/index.js'
import type { Storage } from '../../../src/storage/storage.js'
import { logPath, readRawLog } from './ledger.js'
import { METADATA, rawAdd, rawCommit } from './rig.js'
import { add, creation, paths, Scene } from './scene.js'

describe('without rivals', () => {
  test('a commit is one create: no listing, no reading, no looking', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    scene.counted.calls()
    const first = await scene.commit(base, [add('a')])
    expect(scene.counted.calls()).toEqual({ create: 1 })
    const second = await scene.commit(first.view, [add('b')])
    expect(scene.counted.calls()).toEqual({ create: 1 })
    expect([first.version, first.attempts, second.version, second.attempts]).toEqual([1, 1, 2, 1])
  })

  test('the file begins with the commitInfo, and holds the actions in their order', async () => {
    const scene = new Scene()
    const { txnId } = await scene.commit(await scene.begin(), [{ kind: 'txn', appId: 'app', version: 9_007_199_254_740_993n }, add('a')], {
      operation: 'STREAMING UPDATE',
      operationMetrics: { numAddedFiles: '1' },
      userMetadata: 'note',
    })
    const lines = new TextDecoder().decode(await scene.raw.read(logPath(1))).split('\n')
    expect(JSON.parse(lines[0] as string)).toEqual({
      commitInfo: {
        timestamp: scene.simulation.now(),
        operation: 'STREAMING UPDATE',
        operationParameters: { mode: 'Append' },
        readVersion: 0,
        isolationLevel: 'Serializable',
        isBlindAppend: true,
        operationMetrics: { numAddedFiles: '1' },
        userMetadata: 'note',
        engineInfo: expect.stringMatching(/^Alluvium\/\d/),
        txnId,
      },
    })
    expect(lines[1]).toBe('{"txn":{"appId":"app","version":9007199254740993}}')
    expect(Object.keys(JSON.parse(lines[2] as string))).toEqual(['add'])
    expect(lines.slice(3)).toEqual([''])
  })

  test('a removal that was planned long ago is dated when it is committed (simulation, seed 458301)', async () => {
    const scene = new Scene()
    const { view } = await scene.commit(await scene.begin(), [add('a'), add('b'), add('c')])
    const now = scene.simulation.now()
    const planned = [now - 3 * 86_400_000, now - 30_000, undefined]
    await scene.commit(
      view,
      planned.map((deletionTimestamp, i) => ({
        ...{ kind: 'remove' as const, path: 'abc'.charAt(i), dataChange: true },
        ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      })),
    )
    const lines = new TextDecoder()
      .decode(await scene.raw.read(logPath(2)))
      .trim()
      .split('\n')
    expect(lines.slice(1).map((line) => JSON.parse(line).remove.deletionTimestamp)).toEqual([now, now - 30_000, undefined])
  })

  test('the view of the result is what a fresh reader sees, and the base stays as it was', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    const { view } = await scene.commit(base, [add('a')])
    expect(paths(view)).toEqual(paths(await loadLog(scene.raw)))
    expect([view.version, paths(view), base.version, paths(base)]).toEqual([1, ['a'], 0, []])
  })
})

describe('data files that are still becoming durable', () => {
  const withStage = async (): Promise<{ scene: Scene; base: LogView; events: string[]; raw: Storage }> => {
    const scene = new Scene()
    const base = await scene.begin()
    const events: string[] = []
    const { raw } = scene
    scene.counted.replace({
      stage: async (path, bytes) => {
        events.push('staged')
        return {
          place: (options) => {
            events.push('placed')
            return raw.create(path, bytes, options)
          },
          discard: async () => {
            events.push('discarded')
          },
        }
      },
    })
    return { scene, base, events, raw }
  }

  test('let the commit file be staged meanwhile, and are waited for before it is placed', async () => {
    const { scene, base, events } = await withStage()
    const ready = scene.simulation.sleep(500).then(() => events.push('ready'))
    expect((await scene.commit(base, [add('a')], { ready })).version).toBe(1)
    expect(events).toEqual(['staged', 'ready', 'placed'])
    expect(scene.counted.calls()).not.toHaveProperty('create')
  })

  test('for so long that the commit file would be out of date let it be made anew (simulation, seed 544760)', async () => {
    const { scene, base, events } = await withStage()
    const startMs = scene.simulation.now()
    const ready = scene.simulation.sleep(86_400_000).then(() => events.push('ready'))
    await scene.commit(base, [add('a')], { ready })
    expect(events.filter((event) => event !== 'staged')).toEqual(['ready', 'discarded'])
    const [line] = new TextDecoder().decode(await scene.raw.read(logPath(1))).split('\n')
    expect(JSON.parse(line as string).commitInfo.timestamp).toBe(startMs + 86_400_000)
  })

  test('that fail end the commit with their error, and nothing is placed', async () => {
    const { scene, base, events } = await withStage()
    const ready = scene.simulation.sleep(500).then(() => Promise.reject(new AlluviumError('STORAGE_FULL', 'no space for the data')))
    expect(await scene.fails(base, [add('a')], { ready })).toMatchObject({ code: 'STORAGE_FULL', facts: { committed: false } })
    expect(events).toEqual(['staged', 'discarded'])
    expect(await scene.versions()).toBe(1)
  })

  test('are waited for on a store that cannot stage, or fails to', async () => {
    for (const stage of [undefined, () => Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'away'))] as const) {
      const scene = new Scene()
      const base = await scene.begin()
      if (stage !== undefined) scene.counted.replace({ stage })
      let seen = 0
      const ready = scene.simulation.sleep(500).then(async () => {
        seen = await scene.versions()
      })
      expect((await scene.commit(base, [add('a')], { ready })).version).toBe(1)
      expect(seen).toBe(1)
    }
  })

  test('need a put of its own when the staged one met a rival', async () => {
    const { scene, base, events, raw } = await withStage()
    await rawCommit(raw, 1, [rawAdd('r')])
    expect((await scene.commit(base, [add('a')], { ready: scene.simulation.sleep(5) })).version).toBe(2)
    expect(events).toEqual(['staged', 'placed'])
    expect(scene.counted.calls().create).toBe(1)
  })
})

describe('a lost race', () => {
  test('is rebased on every winner, with the txnId and readVersion of the first try', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (let version = 1; version <= 40; version++) await rawCommit(scene.raw, version, [rawAdd(`r${version}`)])
    const { version, attempts, view, txnId } = await scene.commit(base, [add('a')])
    expect([version, attempts]).toEqual([41, 2])
    expect(paths(view)).toEqual(paths(await loadLog(scene.raw)))
    const log = await readRawLog(scene.raw)
    expect(log[41]?.[0]?.commitInfo).toMatchObject({ txnId, readVersion: 0 })
    expect(scene.counted.calls()).not.toHaveProperty('list')
  })

  test('to a hundred winners reads them in few rounds, not one after the other', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (let version = 1; version <= 100; version++) await rawCommit(scene.raw, version, [])
    const read = scene.raw.read.bind(scene.raw)
    scene.counted.replace({
      read: async (path) => {
        await scene.simulation.sleep(100)
        return read(path)
      },
    })
    const startMs = scene.simulation.now()
    expect((await scene.commit(base, [add('a')])).version).toBe(101)
    // The version itself, then groups of 1, 2, 4, 8 and 16: eleven rounds of 100 ms.
    expect(scene.simulation.now() - startMs).toBeLessThanOrEqual(1200)
  })

  test.each([
    ['for a while reads them later', 3],
    ['for good is the store’s error and not committed', Number.POSITIVE_INFINITY],
  ])('whose winners cannot be read %s', async (_, times) => {
    const scene = new Scene()
    const base = await scene.begin()
    for (const version of [1, 2]) await rawCommit(scene.raw, version, [])
    const read = scene.raw.read.bind(scene.raw)
    let failures = times
    scene.counted.replace({
      read: async (path) => {
        if (path === logPath(2) && failures-- > 0) throw new AlluviumError('STORAGE_UNAVAILABLE', 'away')
        return read(path)
      },
    })
    if (times === 3) expect((await scene.commit(base, [add('a')])).version).toBe(3)
    else {
      const error = await scene.fails(base, [add('b')], {}, { timeoutMs: 10_000 })
      expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { committed: false } })
    }
  })

  test('whose winners land while they are read is no gap', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (const version of [1, 2, 3, 4]) await rawCommit(scene.raw, version, [])
    const read = scene.raw.read.bind(scene.raw)
    let early = true
    scene.counted.replace({
      read: async (path) => {
        if (path !== logPath(3) || !early) return read(path)
        early = false
        return undefined
      },
    })
    expect((await scene.commit(base, [add('a')])).version).toBe(5)
  })

  test('that reads a gap is a corrupt log, and nothing is written into it', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (const version of [1, 2, 4]) await rawCommit(scene.raw, version, [])
    expect(await scene.fails(base, [add('a')])).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 3, committed: false } })
    expect(await scene.raw.read(logPath(3))).toBeUndefined()
  })

  test('that reads a gap before a checkpoint has fallen behind a log that is being cleaned', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (const version of [1, 2, 4]) await rawCommit(scene.raw, version, [])
    await scene.raw.create('_delta_log/00000000000000000004.checkpoint.parquet', new Uint8Array([1]))
    expect(await scene.fails(base, [add('a')])).toMatchObject({
      code: 'COMMIT_CONFLICT',
      facts: { rule: 'log-cleaned', version: 2, committed: false },
    })
    expect(await scene.raw.read(logPath(3))).toBeUndefined()
  })

  test('calls onRebase with each newer snapshot before the next try, never without a race', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    const seen: number[] = []
    const onRebase = (newer: LogView): void => {
      seen.push(newer.version)
    }
    const { view } = await scene.commit(base, [add('a')], { onRebase })
    expect(seen).toEqual([])
    await rawCommit(scene.raw, 2, [rawAdd('r')])
    let create = 0
    const inner = scene.raw.create.bind(scene.raw)
    scene.counted.replace({
      create: async (path, bytes) => {
        if (++create === 2) await rawCommit(scene.raw, 3, [rawAdd('r2')])
        return inner(path, bytes)
      },
    })
    expect((await scene.commit(view, [add('b')], { onRebase })).version).toBe(4)
    expect(seen).toEqual([2, 3])
  })

  test('ends with what onRebase throws, and nothing of it is in the table', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await rawCommit(scene.raw, 1, [rawAdd('r')])
    const fenced = new AlluviumError('FENCED', 'somebody else is at it', { source: 's' })
    const error = await scene.fails(base, [add('a')], {
      onRebase: () => {
        throw fenced
      },
    })
    expect(error).toMatchObject({ code: 'FENCED', facts: { source: 's', committed: false } })
    expect(await scene.versions()).toBe(2)
  })

  test('to a writer of the same application is a conflict that says how far it got', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await rawCommit(scene.raw, 1, [rawAdd('r')])
    await rawCommit(scene.raw, 2, [rawAdd('r2'), { txn: { appId: 'app', version: 77 } }])
    const error = await scene.fails(base, [add('a'), { kind: 'txn', appId: 'app', version: 5n }], { readSet: { appIds: ['app'] } })
    expect(error).toMatchObject({
      code: 'COMMIT_CONFLICT',
      facts: { rule: 'txn', version: 2, appId: 'app', txnVersion: '77', committed: false },
    })
    expect(mayDeleteDataFiles(error)).toBe(true)
    expect(await scene.versions()).toBe(3)
  })

  test('to a change of metadata is a conflict', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await rawCommit(scene.raw, 1, [{ metaData: { ...METADATA, configuration: { 'delta.appendOnly': 'true' } } }])
    expect(await scene.fails(base, [add('a')])).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'metadata', version: 1 } })
  })

  test('to a protocol that this library cannot write is refused by the name of the feature', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await rawCommit(scene.raw, 1, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'clustering'] } },
    ])
    expect(await scene.fails(base, [add('a')])).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      facts: { features: ['clustering'], committed: false },
    })
    expect(await scene.versions()).toBe(2)
  })

  test('to a commit that is torn is a corrupt log, and nothing is written after it', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await scene.raw.create(logPath(1), new TextEncoder().encode('{"commitInfo":{}}\n{"add":{"path":"r'))
    expect(await scene.fails(base, [add('a')])).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 1, committed: false } })
    expect(await scene.raw.read(logPath(2))).toBeUndefined()
  })

  test('without end is given up after maxAttempts, surely not committed', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    let next = 1
    const inner = scene.raw.create.bind(scene.raw)
    scene.counted.replace({
      create: async (path, bytes) => {
        await rawCommit(scene.raw, next++, [])
        return inner(path, bytes)
      },
    })
    const error = await scene.fails(base, [add('a')], {}, { maxAttempts: 7 })
    expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'contention', attempts: 7, committed: false } })
  })
})

describe('making a table', () => {
  test('writes version 0 with everything in it', async () => {
    const scene = new Scene()
    const { version, view } = await scene.commit(undefined, creation, { operation: 'CREATE TABLE' })
    expect([version, view.version, view.metadata.id]).toEqual([0, 0, METADATA.id])
    expect((await readRawLog(scene.raw))[0]?.[0]?.commitInfo).not.toHaveProperty('readVersion')
    expect((await scene.commit(view, [add('a')])).version).toBe(1)
  })

  test('where there is one is ALREADY_EXISTS, also when its log was cleaned and begins later', async () => {
    const scene = new Scene()
    await rawCommit(scene.raw, 12, [rawAdd('r')])
    expect(await scene.fails(undefined, creation)).toMatchObject({ code: 'ALREADY_EXISTS', facts: { committed: false } })
    expect(await scene.raw.read(logPath(0))).toBeUndefined()
  })

  test('by many at once succeeds for one, and never puts a second metaData after it', async () => {
    const scene = new Scene()
    const context = { storage: scene.raw, runtime: scene.simulation, committer: fileSystemCommitter(scene.raw) }
    const request = { base: undefined, actions: creation, operation: 'CREATE TABLE', operationParameters: {}, readSet: { appIds: [] } }
    const outcomes = await scene.simulation.run(() => Promise.allSettled(Array.from({ length: 20 }, () => commit(context, request))))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await scene.versions()).toBe(1)
  })

  test('is success when the answer was lost but the table is ours', async () => {
    const scene = new Scene()
    const inner = scene.raw.create.bind(scene.raw)
    scene.counted.replace({
      create: async (path, bytes) => {
        await inner(path, bytes)
        throw new AlluviumError('STORAGE_UNAVAILABLE', 'reset', { applied: 'unknown' })
      },
    })
    expect((await scene.commit(undefined, creation)).version).toBe(0)
  })

  test.each([[[]], [[creation[0] as Action]], [[creation[1] as Action]]])('needs protocol and metadata: %j', async (actions) => {
    await expect(new Scene().commit(undefined, [add('a'), ...actions])).rejects.toThrow(TypeError)
  })
})

test('a commit that is in the table but cannot be shown says so, and its files stay', async () => {
  const scene = new Scene()
  const base = await scene.begin()
  const blind = Object.create(base, {
    applyCommit: {
      value: () => {
        throw new AlluviumError('LIMIT_EXCEEDED', 'too much')
      },
    },
  }) as LogView
  const error = await scene.fails(blind, [add('a')])
  expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', facts: { committed: true, version: 1 } })
  expect(mayDeleteDataFiles(error)).toBe(false)
  expect(await scene.versions()).toBe(2)
})

describe('what is refused before anything is put', () => {
  test('a file with a deletion vector, which could not be read back', async () => {
    const scene = new Scene()
    const deletionVector = { storageType: 'u', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 }
    const error = await scene.fails(await scene.begin(), [{ ...add('a'), deletionVector }])
    expect(error).toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { features: ['deletionVectors'], committed: false } })
    expect(await scene.versions()).toBe(1)
  })

  test('a snapshot that the log was cleaned past: what follows it looks free and is not', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (let version = 1; version <= 5; version++) await rawCommit(scene.raw, version, [])
    for (let version = 0; version < 4; version++) await scene.raw.delete(logPath(version))
    await scene.simulation.run(() => scene.simulation.sleep(3_600_000))
    const error = await scene.fails(base, [add('a')])
    expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 0, committed: false } })
    expect(await scene.raw.read(logPath(1))).toBeUndefined()
  })

  test('a snapshot that a refresh has gone past, and then a cleaning: that the newest version is known says nothing of an older one', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (let version = 1; version <= 5; version++) await rawCommit(scene.raw, version, [])
    await refreshLog(base, scene.raw, { runtime: scene.simulation })
    for (let version = 0; version < 4; version++) await scene.raw.delete(logPath(version))
    const error = await scene.fails(base, [add('a')])
    expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 0, committed: false } })
    expect(await scene.raw.read(logPath(1))).toBeUndefined()
  })

  test('a snapshot opened at an old version, just before a cleaning', async () => {
    const scene = new Scene()
    await scene.begin()
    for (let version = 1; version <= 5; version++) await rawCommit(scene.raw, version, [])
    const base = await loadLog(scene.raw, { runtime: scene.simulation, version: 2 })
    for (let version = 0; version < 4; version++) await scene.raw.delete(logPath(version))
    expect(await scene.fails(base, [add('a')])).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 2 } })
    expect(await scene.raw.read(logPath(3))).toBeUndefined()
  })

  test('a snapshot that was gone past in two ways is no newer for what was seen of the other', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    for (let version = 1; version <= 5; version++) await rawCommit(scene.raw, version, [])
    await refreshLog(base, scene.raw, { runtime: scene.simulation })
    const other = base.applyCommit(1, [add('other')])
    expect(other.newest.version).toBe(1)
    for (let version = 0; version < 4; version++) await scene.raw.delete(logPath(version))
    expect(await scene.fails(other, [add('a')])).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned', version: 1 } })
    expect(await scene.raw.read(logPath(2))).toBeUndefined()
  })

  test('an old snapshot whose version is still there is committed on', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await scene.simulation.run(() => scene.simulation.sleep(3_600_000))
    expect((await scene.commit(base, [add('a')])).version).toBe(1)
  })

  test('removing rows of an append-only table; rearranging them is allowed', async () => {
    const scene = new Scene()
    const metaData = { ...METADATA, configuration: { 'delta.appendOnly': 'true' } }
    await rawCommit(scene.raw, 0, [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }, rawAdd('a')])
    const base = await loadLog(scene.raw)
    const remove = (dataChange: boolean): Action => ({ kind: 'remove', path: 'a', dataChange, deletionTimestamp: 1 })
    expect(await scene.fails(base, [remove(true)])).toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
      facts: { property: 'delta.appendOnly', committed: false },
    })
    expect((await scene.commit(base, [remove(false), { ...add('b'), dataChange: false }])).version).toBe(1)
  })

  test('a table that this library cannot write, by the name of the feature', async () => {
    const scene = new Scene()
    await rawCommit(scene.raw, 0, [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['clustering', 'domainMetadata'] } },
      { metaData: METADATA },
    ])
    expect(await scene.fails(await loadLog(scene.raw), [add('a')])).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      facts: { features: ['clustering'], committed: false },
    })
  })

  test.each<[string, Action[]]>([
    ['two adds of one file', [add('a%20b'), add('a b')]],
    ['an add and a remove of one file', [add('a'), { kind: 'remove', path: 'a', dataChange: true }]],
    [
      'two txns of one application',
      [
        { kind: 'txn', appId: 'a', version: 1n },
        { kind: 'txn', appId: 'a', version: 2n },
      ],
    ],
    ['two protocols', [creation[0] as Action, creation[0] as Action]],
    ['a commitInfo', [{ kind: 'commitInfo', info: {} }]],
    ['an action of checkpoints', [{ kind: 'checkpointMetadata', version: 1 }]],
  ])('%s, as a fault of the caller', async (_, actions) => {
    const scene = new Scene()
    await expect(scene.commit(await scene.begin(), actions)).rejects.toThrow(TypeError)
    expect(await scene.versions()).toBe(1)
  })

  test.each([{ maxAttempts: 0 }, { timeoutMs: Number.NaN }, { callTimeoutMs: -1 }, { graceMs: Number.POSITIVE_INFINITY }])(
    'limits that are none: %j',
    async (options) => {
      const scene = new Scene()
      await expect(scene.commit(await scene.begin(), [add('a')], {}, options)).rejects.toThrow(RangeError)
    },
  )
})
