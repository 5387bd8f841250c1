// Checkpoints that this library writes, against the plainest replay there is: what is read from one, once the commits
// before it are gone, is what the commits said.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../../src/bytes.js'
import { isAlluviumError } from '../../../src/errors.js'
import { isJsonObject, type JsonObject, parseJson } from '../../../src/json.js'
import type { Action, RemoveFile } from '../../../src/log/actions.js'
import { formatCommit, parseCommit } from '../../../src/log/commit-json.js'
import { commitPath } from '../../../src/log/file-names.js'
import { loadLog, refreshLog } from '../../../src/log/load.js'
import type { LogView } from '../../../src/log/log-view.js'
import { CHUNK_MASK } from '../../../src/log/row-chunk.js'
import { loadTombstones } from '../../../src/log/upkeep/tombstones.js'
import { writeCheckpoint } from '../../../src/log/upkeep/write-checkpoint.js'
import { compactLog } from '../../../src/log/upkeep/write-compaction.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { manualRuntime } from '../../support/manual-runtime.js'
import { FIRST_COMMIT, soundCommits } from '../log-arbitrary.js'
import { filesOf, filesOfOracle, Oracle, restOf } from '../oracle.js'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 0, 31)
const runtime = manualRuntime({ startMs: NOW })
const PLAIN = commitText([metadata({})])
const V2 = commitText([
  { kind: 'protocol', minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['v2Checkpoint'], writerFeatures: ['v2Checkpoint'] },
  metadata({ 'delta.checkpointPolicy': 'v2' }),
])

function metadata(configuration: Record<string, string>, schemaString = '{"type":"struct","fields":[]}'): Action {
  return { kind: 'metaData', id: 'id-0', format: { provider: 'parquet', options: {} }, schemaString, partitionColumns: [], configuration }
}

function commitText(actions: readonly Action[]): string {
  return decodeUtf8(formatCommit(actions))
}

async function tableOf(history: readonly string[]): Promise<Storage> {
  const storage = memoryStorage()
  for (const [version, text] of history.entries()) await storage.put(commitPath(version), encodeUtf8(text))
  return storage
}

function oracleOf(history: readonly string[]): Oracle {
  const oracle = new Oracle()
  for (const [version, text] of history.entries()) oracle.apply(parseCommit(encodeUtf8(text), { version, path: 'x' }))
  return oracle
}

/** Opens the table as if it had always begun at its checkpoint. */
async function openWithoutCommits(storage: Storage, upTo: number): Promise<LogView> {
  for (let version = 0; version <= upTo; version++) await storage.delete(commitPath(version))
  const view = await loadLog(storage)
  await view.files.loadStats()
  return view
}

async function jsonOf(storage: Storage, path: string): Promise<JsonObject> {
  const json = parseJson(decodeUtf8((await storage.read(path)) as Uint8Array))
  if (!isJsonObject(json)) throw new Error(`${path} holds no object`)
  return json
}

async function namesIn(storage: Storage, folder: string): Promise<string[]> {
  const names: string[] = []
  for await (const page of storage.list(folder)) names.push(...page.map(({ path }) => path.slice(folder.length + 1)))
  return names
}

describe('a checkpoint', () => {
  test.each([
    ['classic', PLAIN],
    ['v2', V2],
  ] as const)('of kind %s says what the commits said', async (kind, last) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(soundCommits, { minLength: 1, maxLength: 6 }),
        fc.array(soundCommits, { maxLength: 2 }),
        async (some, more) => {
          const history = [FIRST_COMMIT, ...some, last]
          const storage = await tableOf(history)
          const result = await writeCheckpoint({ storage, runtime }, await loadLog(storage))
          expect(result).toMatchObject({ version: history.length - 1, kind, written: true })
          const oracle = oracleOf(history)
          const view = await openWithoutCommits(storage, history.length - 1)
          expect(filesOf(view.files, false)).toEqual(filesOfOracle(oracle, false))
          expect(restOf(view)).toEqual(restOf(oracle))
          // And once more on top of it, from the view that was read from the first.
          const longer = [...history, ...more, last]
          for (const [n, text] of longer.entries()) if (n >= history.length) await storage.put(commitPath(n), encodeUtf8(text))
          const newer = await refreshLog(view, storage)
          await writeCheckpoint({ storage, runtime }, newer)
          const again = await openWithoutCommits(storage, longer.length - 1)
          expect(filesOf(again.files, false)).toEqual(filesOfOracle(oracleOf(longer), false))
          expect(restOf(again)).toEqual(restOf(oracleOf(longer)))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('keeps tags, row ids, clustering providers and deletion vectors of files', async () => {
    const add = (path: string, more: object): Action =>
      ({ kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 2, dataChange: false, ...more }) as Action
    const deletionVector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 4, sizeInBytes: 40, cardinality: 6 }
    const files = [
      add('tagged', { tags: { a: 'b', 'weird "key"': '' }, clusteringProvider: 'liquid' }),
      add('numbered', { baseRowId: 9_007_199_254_740_993n, defaultRowCommitVersion: 7 }),
      add('plain', {}),
      add('vectored', { deletionVector }),
    ]
    for (const last of [PLAIN, V2]) {
      const storage = await tableOf([FIRST_COMMIT, commitText(files), last])
      await writeCheckpoint({ storage, runtime }, await loadLog(storage))
      const view = await openWithoutCommits(storage, 2)
      for (const file of files) {
        const wanted = file as Extract<Action, { kind: 'add' }>
        const found = view.files.add(view.files.find(wanted.path, wanted.deletionVector))
        expect({ ...found, partitionValues: {}, tags: found.tags && { ...found.tags } }).toEqual({ tags: undefined, ...wanted })
      }
    }
  })

  test('has the statistics as columns where the table wants them, and none as text where it does not', async () => {
    const field = (name: string, type: unknown): object => ({ name, type, nullable: true, metadata: {} })
    const inner = { type: 'struct', fields: [field('x', 'double'), field('d', 'date')] }
    const columns = [field('id', 'long'), field('s', 'string'), field('n', inner), field('t', 'timestamp'), field('m', 'decimal(20,2)')]
    const schemaString = JSON.stringify({ type: 'struct', fields: [...columns, field('p', 'date')] })
    const configuration = { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' }
    const meta = { ...metadata(configuration, schemaString), partitionColumns: ['p'] } as Action
    const bounds = '{"id":9007199254740993,"s":"é","n":{"x":1.5,"d":"2026-01-31"},"t":"2026-01-31T10:00:00.123Z","m":123456789012345678.25}'
    const stats = `{"numRecords":3,"minValues":${bounds},"maxValues":${bounds},"nullCount":{"id":0,"s":1,"n":{"x":0,"d":3},"t":0,"m":0}}`
    const file: Action = {
      kind: 'add',
      path: 'a',
      partitionValues: { p: '2026-01-30' },
      size: 1,
      modificationTime: 2,
      dataChange: false,
      stats,
    }
    const storage = await tableOf([commitText([{ kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }, meta]), commitText([file])])
    await writeCheckpoint({ storage, runtime }, await loadLog(storage))
    const view = await openWithoutCommits(storage, 1)
    expect(parseJson(view.files.stats(0) as string)).toEqual(parseJson(stats.replaceAll('10:00:00.123Z', '10:00:00.123000Z')))
  })

  test('is not written for a table that must not be written, and leaves nothing behind', async () => {
    const protocol: Action = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['fancyFeature'] }
    const storage = await tableOf([commitText([protocol, metadata({})])])
    await expect(writeCheckpoint({ storage, runtime }, await loadLog(storage))).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    expect(await namesIn(storage, '_delta_log')).toEqual(['00000000000000000000.json'])
  })

  test('that is there already is left as it is', async () => {
    const storage = await tableOf([FIRST_COMMIT])
    await storage.put('_delta_log/00000000000000000000.checkpoint.parquet', encodeUtf8('of somebody else'))
    const view = await loadLog(await tableOf([FIRST_COMMIT]))
    expect(await writeCheckpoint({ storage, runtime }, view)).toMatchObject({ written: false, bytesWritten: 0 })
    expect(decodeUtf8((await storage.read('_delta_log/00000000000000000000.checkpoint.parquet')) as Uint8Array)).toBe('of somebody else')
  })
})

describe('transactions and domains in a checkpoint', () => {
  test('leave when they have expired or were removed, and stay otherwise', async () => {
    const txn = (appId: string, lastUpdated?: number): Action => ({
      kind: 'txn',
      appId,
      version: 5n,
      ...(lastUpdated === undefined ? {} : { lastUpdated }),
    })
    const domain = (name: string, removed: boolean): Action => ({ kind: 'domainMetadata', domain: name, configuration: '{}', removed })
    const commit = [txn('new', NOW - 1), txn('old', NOW - 3 * DAY_MS), txn('timeless'), domain('kept', false), domain('gone', true)]
    const read = async (configuration: Record<string, string>): Promise<LogView> => {
      const storage = await tableOf([FIRST_COMMIT, commitText([...commit, metadata(configuration)])])
      await writeCheckpoint({ storage, runtime }, await loadLog(storage))
      return openWithoutCommits(storage, 1)
    }
    const kept = await read({})
    expect([...kept.txns.keys()].sort()).toEqual(['new', 'old', 'timeless'])
    expect([...kept.domains.keys()]).toEqual(['kept'])
    const cut = await read({ 'delta.setTransactionRetentionDuration': 'interval 2 days' })
    expect([...cut.txns.keys()]).toEqual(['new'])
  })
})

interface Stone {
  readonly path: string
  readonly deletedAt: number
}

async function stonesOf(storage: Storage): Promise<Stone[]> {
  const { table, rows } = await loadTombstones(storage, await loadLog(storage), { expiredAtMs: NOW - 7 * DAY_MS })
  return [...rows]
    .map((row) => {
      const chunk = table.chunkOf(row)
      const start = chunk.path[row & CHUNK_MASK] as number
      const path = decodeUtf8(table.sourceOf(row).bytes, start, start + (chunk.pathLength[row & CHUNK_MASK] as number))
      return { path: `${path} ${table.vectorIdOf(row) ?? ''}`, deletedAt: chunk.modificationTime[row & CHUNK_MASK] as number }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

describe('tombstones', () => {
  const paths = fc.constantFrom('a', 'b', 'ü c', 'p=1/"d"')
  const vectors = fc.constantFrom(undefined, undefined, {
    storageType: 'u',
    pathOrInlineDv: 'v',
    offset: 1,
    sizeInBytes: 4,
    cardinality: 1,
  })
  const step = fc.record({
    path: paths,
    deletionVector: vectors,
    added: fc.boolean(),
    daysAgo: fc.integer({ min: 0, max: 14 }),
    extended: fc.boolean(),
  })
  const actionOf = ({ path, deletionVector, added, daysAgo, extended }: typeof step extends fc.Arbitrary<infer T> ? T : never): Action => {
    const vector = deletionVector === undefined ? {} : { deletionVector }
    if (added) return { kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...vector }
    const more = extended ? { extendedFileMetadata: true, partitionValues: { p: '1' }, size: 9 } : {}
    return { kind: 'remove', path, deletionTimestamp: NOW - daysAgo * DAY_MS, dataChange: true, ...more, ...vector }
  }

  test.each([
    ['classic', PLAIN],
    ['v2', V2],
  ] as const)('are in a %s checkpoint until they expire or their file comes back', async (_, last) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (commits, at) => {
          const texts = [FIRST_COMMIT + last, ...commits.map((steps) => commitText(steps.map(actionOf)))]
          // The last word about each file, and whether it was a removal young enough.
          const words = new Map<string, RemoveFile | undefined>()
          for (const action of commits.flat().map(actionOf)) {
            if (action.kind !== 'add' && action.kind !== 'remove') continue
            const key = `${action.path} ${action.deletionVector === undefined ? '' : 'uv@1'}`
            words.set(key, action.kind === 'remove' ? action : undefined)
          }
          const wanted = [...words]
            .filter(([, word]) => word !== undefined && (word.deletionTimestamp as number) > NOW - 7 * DAY_MS)
            .map(([path, word]) => ({ path, deletedAt: word?.deletionTimestamp as number }))
            .sort((a, b) => (a.path < b.path ? -1 : 1))
          const storage = await tableOf(texts)
          expect(await stonesOf(storage)).toEqual(wanted)
          // A checkpoint on the way, and one at the end, from which alone they are read.
          const middle = at % texts.length
          await writeCheckpoint({ storage, runtime }, await loadLog(storage, { version: middle }))
          await writeCheckpoint({ storage, runtime }, await loadLog(storage))
          for (let version = 0; version < texts.length; version++) await storage.delete(commitPath(version))
          expect(await stonesOf(storage)).toEqual(wanted)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('sidecars', () => {
  const adds = (from: number, count: number): string =>
    commitText(
      Array.from({ length: count }, (_, n) => ({
        kind: 'add',
        path: `f${from + n}`,
        partitionValues: {},
        size: 1,
        modificationTime: 1,
        dataChange: true,
      })),
    )
  const removal = (path: string): string => commitText([{ kind: 'remove', path, deletionTimestamp: NOW, dataChange: true }])

  async function grown(): Promise<{
    storage: Storage
    view: LogView
    add: (text: string) => Promise<void>
    checkpoint: () => ReturnType<typeof writeCheckpoint>
  }> {
    const storage = await tableOf([FIRST_COMMIT + V2, adds(0, 20)])
    let view = await loadLog(storage)
    return {
      storage,
      view,
      add: async (text) => {
        await storage.put(commitPath(view.version + 1), encodeUtf8(text))
        view = await refreshLog(view, storage)
      },
      checkpoint: () => writeCheckpoint({ storage, runtime }, view),
    }
  }

  test('without change are used again, by the writer that made them and by one that read them', async () => {
    const table = await grown()
    expect(await table.checkpoint()).toMatchObject({ sidecarsWritten: 1, sidecarsReused: 0 })
    const [first] = await namesIn(table.storage, '_delta_log/_sidecars')
    await table.add(adds(20, 3))
    expect(await table.checkpoint()).toMatchObject({ sidecarsWritten: 1, sidecarsReused: 1 })
    expect(await namesIn(table.storage, '_delta_log/_sidecars')).toContain(first)
    await table.add(adds(23, 3))
    const another = await loadLog(table.storage)
    expect(await writeCheckpoint({ storage: table.storage, runtime }, another)).toMatchObject({ sidecarsWritten: 1, sidecarsReused: 2 })
    const view = await openWithoutCommits(table.storage, another.version)
    expect(view.files.numFiles).toBe(26)
  })

  test('that lost a file are written anew, without it', async () => {
    const table = await grown()
    await table.checkpoint()
    await table.add(removal('f7'))
    expect(await table.checkpoint()).toMatchObject({ sidecarsWritten: 2, sidecarsReused: 0, numAddFiles: 19, numRemoveFiles: 1 })
    const view = await openWithoutCommits(table.storage, 2)
    expect(view.files.find('f7')).toBe(-1)
    expect(view.files.numFiles).toBe(19)
  })

  test('are put together once there are many small ones, and no file is lost or doubled on the way', async () => {
    const table = await grown()
    for (let n = 0; n < 30; n++) {
      await table.add(adds(100 + n, 1))
      await table.checkpoint()
      const reopened = await loadLog(table.storage)
      expect(reopened.files.numFiles).toBe(21 + n)
    }
    const { sidecarsReused, sidecarsWritten } = await (await grown()).checkpoint()
    expect(sidecarsReused + sidecarsWritten).toBe(1)
    await table.add(adds(200, 1))
    const last = await table.checkpoint()
    expect(last.sidecarsReused + last.sidecarsWritten).toBeLessThanOrEqual(12)
  })

  describe.each([
    ['new ones', false],
    ['those of an earlier checkpoint', true],
  ])('that were cleaned away while their writer slept are not named by anything: %s', (_, isReused) => {
    const sleeping = async (hours: number, isCleaned: boolean) => {
      const slow = manualRuntime({ startMs: NOW })
      const table = await grown()
      if (isReused) {
        await table.checkpoint()
        await table.add(adds(20, 1))
      }
      const view = await loadLog(table.storage)
      const before = new Set(await namesIn(table.storage, '_delta_log'))
      const { storage } = table
      const write = storage.write.bind(storage)
      storage.write = async (path, options) => {
        const writer = await write(path, options)
        const close = async () => {
          const closed = await writer.close()
          await slow.advance(hours * 3_600_000)
          const gone = (await namesIn(storage, '_delta_log/_sidecars')).filter((name) => path.endsWith(name) !== isReused)
          if (isCleaned) for (const name of gone) await storage.delete(`_delta_log/_sidecars/${name}`)
          return closed
        }
        return { write: (bytes) => writer.write(bytes), abort: () => writer.abort(), close }
      }
      const error = await writeCheckpoint({ storage, runtime: slow }, view).catch((thrown: unknown) => thrown)
      return {
        error,
        made: (await namesIn(table.storage, '_delta_log')).filter((name) => !before.has(name) && name.includes('.checkpoint')),
      }
    }

    test('then there is no checkpoint, and the caller is told', async () => {
      const { error, made } = await sleeping(3, true)
      expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned' } })
      expect(made).toEqual([])
    })

    test('where they are still there it is written', async () => {
      const { error, made } = await sleeping(3, false)
      expect(error).toMatchObject({ written: true })
      expect(made).toHaveLength(1)
    })

    test('after a day they are not named though they are still there: who cleans may be about to take them', async () => {
      const { error, made } = await sleeping(30, false)
      expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned' } })
      expect(made).toEqual([])
    })
  })

  test('in other columns than the table now wants are not used again', async () => {
    const table = await grown()
    await table.checkpoint()
    await table.add(commitText([metadata({ 'delta.checkpointPolicy': 'v2', 'delta.checkpoint.writeStatsAsJson': 'false' })]))
    expect(await table.checkpoint()).toMatchObject({ sidecarsWritten: 1, sidecarsReused: 0 })
  })

  test('that the newest checkpoint does not name are not used again: a cleaner may have taken them', async () => {
    const table = await grown()
    await table.checkpoint()
    await table.add(adds(20, 1))
    const other = await loadLog(table.storage, { version: 1 })
    // Another writer replaced the checkpoint by one that names nothing of ours.
    for (const name of await namesIn(table.storage, '_delta_log'))
      if (name.includes('checkpoint')) await table.storage.delete(`_delta_log/${name}`)
    for (const name of await namesIn(table.storage, '_delta_log/_sidecars')) await table.storage.delete(`_delta_log/_sidecars/${name}`)
    await writeCheckpoint({ storage: table.storage, runtime }, await loadLog(table.storage, { version: other.version }))
    expect(await table.checkpoint()).toMatchObject({ sidecarsReused: 0 })
    expect((await openWithoutCommits(table.storage, 2)).files.numFiles).toBe(21)
  })
})

describe('a log compaction', () => {
  test('stands in for the commits it covers, on top of any checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(soundCommits, { minLength: 2, maxLength: 6 }), fc.nat(), async (some, at) => {
        const history = [FIRST_COMMIT, ...some, PLAIN]
        const storage = await tableOf(history)
        const middle = at % history.length
        if (at % 2 === 0) await writeCheckpoint({ storage, runtime }, await loadLog(storage, { version: middle }))
        const { path } = await compactLog(storage, await loadLog(storage)).catch((error: unknown) => {
          if (isAlluviumError(error, 'UNSUPPORTED_FEATURE')) return { path: undefined } // an action that nobody knows
          throw error
        })
        if (path === undefined) return
        // Only the compaction tells of the versions that it covers now, the last one aside.
        const from = Number(path.slice(11, 31))
        for (let version = from; version < history.length; version++) await storage.delete(commitPath(version))
        const view = await loadLog(storage)
        await view.files.loadStats()
        expect(view.version).toBe(history.length - 1)
        expect(filesOf(view.files, false)).toEqual(filesOfOracle(oracleOf(history), false))
        expect(restOf(view)).toEqual(restOf(oracleOf(history)))
      }),
      { numRuns: 60 },
    )
  })
})

describe('_last_checkpoint', () => {
  const path = '_delta_log/_last_checkpoint'

  test('names the version, what is in it and how large it is', async () => {
    const storage = await tableOf([FIRST_COMMIT, commitText([{ kind: 'txn', appId: 'a', version: 1n }])])
    const { bytesWritten } = await writeCheckpoint({ storage, runtime }, await loadLog(storage))
    expect(await jsonOf(storage, path)).toMatchObject({ version: 1, size: 3, sizeInBytes: bytesWritten, numOfAddFiles: 0 })
  })

  test('never goes back to an older checkpoint', async () => {
    const storage = await tableOf([FIRST_COMMIT, PLAIN])
    await writeCheckpoint({ storage, runtime }, await loadLog(storage))
    await writeCheckpoint({ storage, runtime }, await loadLog(storage, { version: 0 }))
    expect((await jsonOf(storage, path)).version).toBe(1)
  })

  test('goes back where it points at a checkpoint that is not there', async () => {
    const storage = await tableOf([FIRST_COMMIT, PLAIN])
    await storage.put(path, encodeUtf8('{"version":100,"size":1}'))
    await writeCheckpoint({ storage, runtime }, await loadLog(storage))
    expect((await jsonOf(storage, path)).version).toBe(1)
  })
})
