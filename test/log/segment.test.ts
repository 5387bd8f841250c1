// Which files make up a version, and what is said when they do not.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import type { AlluviumError } from '../../src/errors.js'
import { parseCommit } from '../../src/log/commit-json.js'
import { commitPath, padVersion } from '../../src/log/file-names.js'
import { loadLog, refreshLog } from '../../src/log/load.js'
import { findSegment, type LogSegment } from '../../src/log/segment.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { ObjectInfo, Storage } from '../../src/storage/storage.js'
import { writeCheckpoint } from './checkpoint-writer.js'
import { FIRST_COMMIT } from './log-arbitrary.js'
import { Oracle } from './oracle.js'

const add = (path: string): string => `{"add":{"path":"${path}","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}\n`
const log = (name: string): string => `_delta_log/${name}`
const classic = (version: number): string => log(`${padVersion(version)}.checkpoint.parquet`)
const part = (version: number, n: number, of: number): string =>
  log(`${padVersion(version)}.checkpoint.${String(n).padStart(10, '0')}.${String(of).padStart(10, '0')}.parquet`)

async function storageWith(paths: readonly string[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const path of paths) await storage.put(path, encodeUtf8('x'))
  return storage
}
const versions = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => commitPath(from + i))
const summary = (segment: LogSegment): unknown => ({
  version: segment.version,
  checkpoint: segment.checkpoint?.files.map((file) => file.path),
  commits: segment.steps.map((step) => step.file.path),
})
const failure = async (promise: Promise<unknown>): Promise<AlluviumError> =>
  promise.then(
    () => {
      throw new Error('it should have failed')
    },
    (error: unknown) => error as AlluviumError,
  )

/** A real table of `count` versions, one file each. */
async function table(count: number): Promise<Storage> {
  const storage = memoryStorage()
  await storage.put(commitPath(0), encodeUtf8(FIRST_COMMIT))
  for (let version = 1; version < count; version++) await storage.put(commitPath(version), encodeUtf8(add(`f${version}`)))
  return storage
}
async function checkpointOf(storage: Storage, version: number): Promise<void> {
  const oracle = new Oracle()
  for (let v = 0; v <= version; v++) oracle.apply(parseCommit((await storage.read(commitPath(v))) as Uint8Array, { version: v, path: '' }))
  await writeCheckpoint(storage, version, oracle, 'classic')
}

describe('a log segment', () => {
  test('without a checkpoint is every commit from 0', async () => {
    const segment = await findSegment(await storageWith(versions(0, 3)))
    expect(summary(segment)).toEqual({ version: 3, checkpoint: undefined, commits: versions(0, 3) })
  })

  test('starts at the newest complete checkpoint and holds every later commit', async () => {
    const segment = await findSegment(await storageWith([...versions(0, 25), classic(10), classic(20)]))
    expect(summary(segment)).toEqual({ version: 25, checkpoint: [classic(20)], commits: versions(21, 25) })
  })

  test('of an earlier version uses no checkpoint that is newer', async () => {
    const storage = await storageWith([...versions(0, 25), classic(10), classic(20), log('_last_checkpoint')])
    await storage.put(log('_last_checkpoint'), encodeUtf8('{"version":20,"size":1}'))
    expect(summary(await findSegment(storage, { version: 15 }))).toEqual({
      version: 15,
      checkpoint: [classic(10)],
      commits: versions(11, 15),
    })
    expect(summary(await findSegment(storage, { version: 20 }))).toEqual({ version: 20, checkpoint: [classic(20)], commits: [] })
    expect(summary(await findSegment(storage, { version: 9 }))).toEqual({ version: 9, checkpoint: undefined, commits: versions(0, 9) })
  })

  test('does not need the commits that a checkpoint covers', async () => {
    const segment = await findSegment(await storageWith([...versions(12, 14), classic(11)]))
    expect(summary(segment)).toEqual({ version: 14, checkpoint: [classic(11)], commits: versions(12, 14) })
    expect(summary(await findSegment(await storageWith([classic(11)])))).toEqual({ version: 11, checkpoint: [classic(11)], commits: [] })
  })

  test('takes a multi-part checkpoint only with all of its parts', async () => {
    const parts = [part(10, 1, 3), part(10, 2, 3), part(10, 3, 3)]
    expect(summary(await findSegment(await storageWith([...versions(0, 11), ...parts])))).toMatchObject({ checkpoint: parts })
    expect(summary(await findSegment(await storageWith([...versions(0, 11), parts[0] as string, parts[2] as string])))).toEqual({
      version: 11,
      checkpoint: undefined,
      commits: versions(0, 11),
    })
    // Parts of two different writings do not add up to one.
    const mixed = [part(10, 1, 3), part(10, 2, 3), part(10, 2, 2)]
    expect((await findSegment(await storageWith([...versions(0, 11), ...mixed]))).checkpoint).toBeUndefined()
  })

  test('passes over empty checkpoint files', async () => {
    const storage = await storageWith(versions(0, 11))
    await storage.put(classic(10), new Uint8Array(0))
    expect((await findSegment(storage)).checkpoint).toBeUndefined()
  })

  test('passes over nested keys and names that are not the protocol’s', async () => {
    const strange = [
      '00000000000000000004.json.tmp',
      '.00000000000000000004.json.crc',
      '4.json',
      '00000000000000000003.crc',
      '00000000000000000002.00000000000000000002.compacted.json',
      '00000000000000000000.2.compacted.json',
      '_commits/00000000000000000009.json',
      '_staged_commits/00000000000000000004.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json',
      '_sidecars/a.parquet',
      '99999999999999999999.json',
      '00000000000000000010.checkpoint.0000000000.0000000001.parquet',
      '00000000000000000003.checkpoint.parquet.tmp',
      'notes.txt',
    ]
    const segment = await findSegment(await storageWith([...versions(0, 3), ...strange.map(log)]))
    expect(summary(segment)).toEqual({ version: 3, checkpoint: undefined, commits: versions(0, 3) })
  })

  test('is refused when a commit is missing, whatever comes before or after', async () => {
    for (const paths of [
      [commitPath(0), commitPath(2)],
      [classic(10), commitPath(11), commitPath(13)],
      [classic(10), commitPath(12)],
    ]) {
      const error = await failure(findSegment(await storageWith(paths)))
      expect(error.code).toBe('CORRUPT_LOG')
      expect(error.message).toContain(padVersion(error.facts.version as number))
    }
    expect((await failure(findSegment(await storageWith([commitPath(0), commitPath(2)])))).facts.version).toBe(1)
    expect((await failure(findSegment(await storageWith([classic(10), commitPath(11), commitPath(13)])))).facts.version).toBe(12)
  })

  test('is refused at once however wide the gap', async () => {
    const storage = await storageWith([commitPath(0), commitPath(Number.MAX_SAFE_INTEGER)])
    for (const version of [undefined, Number.MAX_SAFE_INTEGER - 1, 2 ** 52]) {
      expect(await failure(findSegment(storage, { version }))).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 1 } })
    }
  })

  test('of a version before a gap is whole', async () => {
    expect(summary(await findSegment(await storageWith([...versions(0, 3), ...versions(5, 6)]), { version: 2 }))).toMatchObject({
      version: 2,
    })
  })

  test('of a log that does not start at 0 and has no checkpoint is refused', async () => {
    const error = await failure(findSegment(await storageWith(versions(3, 5))))
    expect(error.code).toBe('CORRUPT_LOG')
    expect(error.facts.version).toBe(0)
  })

  test('of a version that was never written, or was cleaned away, is not found', async () => {
    const storage = await storageWith([...versions(10, 12), classic(10)])
    const late = await failure(findSegment(storage, { version: 13 }))
    expect(late).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 13, latest: 12 } })
    const early = await failure(findSegment(storage, { version: 4 }))
    expect(early).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 4, earliest: 10 } })
  })

  test('of a folder without a log says that it is no table', async () => {
    for (const paths of [[], ['data.parquet'], [log('_last_checkpoint')], [log('00000000000000000000.crc')], [part(3, 1, 2)]]) {
      expect((await failure(findSegment(await storageWith(paths)))).code).toBe('NOT_A_TABLE')
    }
  })

  test.each([
    ['is no JSON', 'not json at all'],
    ['is empty', ''],
    ['is no object', '[20]'],
    ['has no version', '{"size":3}'],
    ['has a version that is none', '{"version":-1}'],
    ['has a version beyond all', '{"version":9007199254740993}'],
    ['has a version as text', '{"version":"20"}'],
    ['points at a checkpoint that is gone', '{"version":15,"size":3}'],
    ['points beyond the log', '{"version":400,"size":3}'],
    ['points at an older checkpoint', '{"version":10,"size":3}'],
  ])('is the same when _last_checkpoint %s', async (_, hint) => {
    const storage = await storageWith([...versions(0, 25), classic(10), classic(20)])
    await storage.put(log('_last_checkpoint'), encodeUtf8(hint))
    expect(summary(await findSegment(storage))).toEqual({ version: 25, checkpoint: [classic(20)], commits: versions(21, 25) })
  })

  test('with a true hint lists from the checkpoint on', async () => {
    const storage = await storageWith([...versions(0, 25), classic(20)])
    await storage.put(log('_last_checkpoint'), encodeUtf8('{"version":20,"size":1}'))
    const listed: (string | undefined)[] = []
    const watched = watch(storage, (from) => listed.push(from))
    await findSegment(watched)
    expect(listed).toEqual([log(padVersion(20))])
  })

  test('does not mind a listing that repeats entries', async () => {
    const storage = await storageWith([...versions(0, 3), classic(2)])
    const list = storage.list.bind(storage)
    const doubled: Storage = Object.assign(Object.create(storage) as Storage, {
      read: storage.read.bind(storage),
      readRange: storage.readRange.bind(storage),
      async *list(folder: string, options: object): AsyncIterable<readonly ObjectInfo[]> {
        for await (const page of list(folder, options)) {
          yield page
          yield page
        }
      },
    })
    expect(summary(await findSegment(doubled))).toEqual({ version: 3, checkpoint: [classic(2)], commits: [commitPath(3)] })
  })
})

function watch(storage: Storage, onList: (from: string | undefined) => void): Storage {
  return Object.assign(Object.create(storage) as Storage, {
    read: storage.read.bind(storage),
    readRange: storage.readRange.bind(storage),
    list(folder: string, options: { from?: string }) {
      onList(options.from)
      return storage.list(folder, options)
    },
  })
}

describe('opening', () => {
  test('falls back to older ways in when a checkpoint is damaged', async () => {
    const storage = await table(8)
    await checkpointOf(storage, 3)
    await checkpointOf(storage, 6)
    await storage.put(classic(6), encodeUtf8('PAR1 no, not really PAR1'))
    const view = await loadLog(storage)
    expect(view.files.numFiles).toBe(7)
    await storage.put(classic(3), encodeUtf8('nor this one'))
    expect((await loadLog(storage)).files.numFiles).toBe(7)
  })

  test('names the damaged checkpoint when there is no other way in', async () => {
    const storage = await table(8)
    await checkpointOf(storage, 6)
    await storage.delete(commitPath(2))
    await storage.put(classic(6), encodeUtf8('PAR1 no, not really PAR1'))
    const error = await failure(loadLog(storage))
    expect(error.code).toBe('CORRUPT_CHECKPOINT')
    expect(error.message).toContain(classic(6))
  })

  test('refuses a torn commit by its file and line', async () => {
    const storage = await table(3)
    const whole = encodeUtf8(add('x') + add('y'))
    for (const cut of [whole.length - 2, whole.length - 30, 5]) {
      await storage.put(commitPath(3), whole.slice(0, cut))
      const error = await failure(loadLog(storage))
      expect(error.code).toBe('CORRUPT_LOG')
      expect(error.facts).toMatchObject({ version: 3, path: commitPath(3), line: cut > whole.length / 2 ? 2 : 1 })
    }
    // Only the line end is missing: whole.
    await storage.put(commitPath(3), whole.slice(0, -1))
    expect((await loadLog(storage)).files.numFiles).toBe(4)
  })

  test('refuses an empty commit file by its name', async () => {
    const storage = await table(3)
    await storage.put(commitPath(2), new Uint8Array(0))
    const error = await failure(loadLog(storage))
    expect(error.code).toBe('CORRUPT_LOG')
    expect(error.message).toContain(commitPath(2))
  })

  test('refuses a log without protocol or metadata', async () => {
    const [protocol, metadata] = FIRST_COMMIT.split('\n') as [string, string]
    for (const [text, missing] of [
      [protocol, 'metaData'],
      [metadata, 'protocol'],
      [add('a'), 'protocol'],
    ] as const) {
      const storage = memoryStorage()
      await storage.put(commitPath(0), encodeUtf8(text))
      expect(await failure(loadLog(storage))).toMatchObject({ code: 'CORRUPT_LOG', facts: { missing } })
    }
  })

  test('refuses commits beyond the limit, and reads them when it is raised', async () => {
    const storage = await table(3)
    const limits = { maxCommitBytes: FIRST_COMMIT.length }
    await storage.put(commitPath(3), encodeUtf8(Array.from({ length: 10 }, (_, i) => add(`many-${i}`)).join('')))
    expect(await failure(loadLog(storage, { limits }))).toMatchObject({ code: 'LIMIT_EXCEEDED', facts: { path: commitPath(3) } })
    const before = await loadLog(storage, { version: 2, limits })
    expect((await failure(refreshLog(before, storage))).code).toBe('LIMIT_EXCEEDED')
    expect((await loadLog(storage, { limits: { maxCommitBytes: 10_000 } })).files.numFiles).toBe(12)
  })

  test('refuses more partition columns than the limit', async () => {
    const storage = await table(1)
    const many = Array.from({ length: 600 }, (_, i) => `"c${i}":"v"`).join(',')
    await storage.put(commitPath(1), encodeUtf8(add('a').replace('"partitionValues":{}', `"partitionValues":{${many}}`)))
    expect((await failure(loadLog(storage))).code).toBe('LIMIT_EXCEEDED')
    expect((await loadLog(storage, { limits: { maxPartitionColumns: 600 } })).files.numFiles).toBe(1)
  })

  test('stops when the signal fires', async () => {
    const storage = await table(3)
    const signal = AbortSignal.abort()
    expect((await failure(loadLog(storage, { signal }))).code).toBe('ABORTED')
  })

  test('of a version that is no version is the caller’s mistake', async () => {
    const storage = await table(2)
    for (const version of [-1, 1.5, Number.NaN, 2 ** 53]) await expect(loadLog(storage, { version })).rejects.toBeInstanceOf(RangeError)
  })
})

describe('refreshing', () => {
  test('asks for one object when nothing is new, and for two when one commit is', async () => {
    const storage = await table(5)
    const asked: string[] = []
    const counted: Storage = Object.assign(Object.create(storage) as Storage, {
      read: (path: string, options: object) => {
        asked.push(path)
        return storage.read(path, options)
      },
      list: () => {
        throw new Error('a refresh lists nothing')
      },
    })
    const view = await loadLog(storage)
    expect(await refreshLog(view, counted)).toBe(view)
    expect(asked).toEqual([commitPath(5)])
    await storage.put(commitPath(5), encodeUtf8(add('new')))
    asked.length = 0
    const next = await refreshLog(view, counted)
    expect(next.version).toBe(5)
    expect(asked).toEqual([commitPath(5), commitPath(6)])
  })

  test('keeps the view when the new commit is damaged', async () => {
    const storage = await table(5)
    const view = await loadLog(storage)
    await storage.put(commitPath(5), encodeUtf8(`${add('new')}{"add":{"path":"torn`))
    expect(await failure(refreshLog(view, storage))).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 5, line: 2 } })
    expect(view.files.numFiles).toBe(4)
    await storage.put(commitPath(5), encodeUtf8(add('new')))
    expect((await refreshLog(view, storage)).files.numFiles).toBe(5)
  })

  test('refuses a new commit that needs what we lack, and keeps the view', async () => {
    const storage = await table(5)
    const view = await loadLog(storage)
    await storage.put(
      commitPath(5),
      encodeUtf8(
        `${add('new')}{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["fromTheFuture"],"writerFeatures":["fromTheFuture"]}}\n`,
      ),
    )
    expect(await failure(refreshLog(view, storage))).toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { features: ['fromTheFuture'] } })
    expect(view.newest).toBe(view)
    expect(view.files.numFiles).toBe(4)
  })

  test('by several at once advances once', async () => {
    const storage = await table(5)
    const view = await loadLog(storage)
    for (let version = 5; version < 40; version++) await storage.put(commitPath(version), encodeUtf8(add(`f${version}`)))
    const all = await Promise.all(Array.from({ length: 5 }, () => refreshLog(view, storage)))
    for (const next of all) {
      expect(next.version).toBe(39)
      expect(next.files.numFiles).toBe(39)
    }
    expect(new Set(all).size).toBe(1)
  })

  test('is opened while it is being cleaned: what was listed and is gone is listed anew', async () => {
    const storage = await table(6)
    const list = storage.list.bind(storage)
    let listings = 0
    storage.list = async function* (folder, options) {
      const pages = []
      for await (const page of list(folder, options)) pages.push(page)
      // The commits listed first are cleaned away before they are read, after a checkpoint was written.
      if (listings++ === 0) {
        await storage.put(commitPath(6), encodeUtf8(add('f6')))
        await checkpointOf(storage, 6)
        for (const page of pages) for (const { path } of page) if (!path.endsWith('06.json')) await storage.delete(path)
      }
      yield* pages
    }
    expect((await loadLog(storage)).version).toBe(6)
  })

  test('is listed anew where a cleaning came between two pages of the listing: a version that is gone is no gap (simulation, seed 320982)', async () => {
    const storage = await table(8)
    await checkpointOf(storage, 6)
    const list = storage.list.bind(storage)
    let listings = 0
    storage.list = async function* (folder, options) {
      if (listings++ > 0) return yield* list(folder, options)
      const objects: ObjectInfo[] = []
      for await (const page of list(folder, options)) objects.push(...page)
      yield objects.filter(({ path }) => path <= commitPath(2))
      for (let version = 0; version < 6; version++) await storage.delete(commitPath(version))
      yield objects.filter(({ path }) => path >= classic(6))
    }
    expect(await failure(findSegment(storage, { version: 4 }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { earliest: 6 } })
    expect(listings).toBe(2)
  })

  test('after a long silence is not taken in by commits that a cleaner has not come to yet', async () => {
    const storage = await table(5)
    const clock = { at: 0 }
    const runtime = { monotonicMs: () => clock.at } as never
    const view = await loadLog(storage, { runtime })
    for (let version = 5; version < 9; version++) await storage.put(commitPath(version), encodeUtf8(add(`f${version}`)))
    await checkpointOf(storage, 8)
    for (const version of [0, 1, 2, 3, 4, 6, 7]) await storage.delete(commitPath(version))
    clock.at = 3_600_000
    expect((await refreshLog(view, storage, { runtime })).version).toBe(8)
  })

  test('after a long silence notices that the log was cleaned past the view', async () => {
    const storage = await table(5)
    const clock = { at: 0 }
    const runtime = { monotonicMs: () => clock.at } as never
    const view = await loadLog(storage, { runtime })
    for (let version = 5; version < 9; version++) await storage.put(commitPath(version), encodeUtf8(add(`f${version}`)))
    await checkpointOf(storage, 8)
    for (let version = 0; version < 8; version++) await storage.delete(commitPath(version))
    clock.at = 3_600_000
    const next = await refreshLog(view, storage, { runtime })
    expect(next.version).toBe(8)
    expect(next.files.numFiles).toBe(8)
  })
})
