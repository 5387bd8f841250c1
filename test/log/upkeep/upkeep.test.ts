// What follows commits: checksums, due checkpoints, cleaning. Whatever becomes of it, the commits stand.
import { AlluviumError, createTable, long, memoryStorage, openTable, type Storage, schema } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { decodeUtf8 } from '../../../src/bytes.js'
import { commitPath } from '../../../src/log/file-names.js'
import { loadLog } from '../../../src/log/load.js'
import { deletedBin, SIZE_BOUNDS, sizeBin } from '../../../src/log/tally.js'
import { checksumText } from '../../../src/log/upkeep/write-checksum.js'
import { manualRuntime } from '../../support/manual-runtime.js'

const ids = schema({ id: long() })
const DAY_MS = 86_400_000
const V2 = { 'delta.checkpointPolicy': 'v2' }

async function text(storage: Storage, path: string): Promise<string | undefined> {
  const bytes = await storage.read(path)
  return bytes === undefined ? undefined : decodeUtf8(bytes)
}

async function names(storage: Storage, pattern: RegExp): Promise<string[]> {
  const found: string[] = []
  for await (const page of storage.list('_delta_log')) found.push(...page.map(({ path }) => path).filter((path) => pattern.test(path)))
  return found
}

/** A store on which creates and writes of some names fail. */
function failing(storage: Storage, pattern: RegExp): Storage {
  const refuse = (path: string): void => {
    if (pattern.test(path)) throw new AlluviumError('STORAGE_FULL', `no room for ${path}`, { path, applied: false })
  }
  return new Proxy(storage, {
    get: (target, key) => {
      const own = Reflect.get(target, key, target) as unknown
      if (typeof own !== 'function') return own
      if (key !== 'create' && key !== 'write' && key !== 'put') return own.bind(target)
      return async (path: string, ...rest: unknown[]) => {
        refuse(path)
        return (own as (...words: unknown[]) => unknown).call(target, path, ...rest)
      }
    },
  })
}

describe('the checksum of a commit', () => {
  test('is there for every commit and says what the version is', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: ids, properties: { 'delta.checkpointInterval': '1000' } })
    for (let n = 0; n < 5; n++) await table.append(Array.from({ length: 10 ** n }, (_, i) => ({ id: BigInt(i) })))
    await table.append([{ id: 1n }], { txn: { appId: 'a', version: 7n } })
    await table.overwrite([{ id: 5n }])
    await table.append([{ id: 6n }])
    await table.settled()
    for (let version = 0; version <= 8; version++) {
      const view = await loadLog(storage, { version })
      expect(await view.verifyChecksum(storage)).toEqual({ state: 'valid' })
      const crc = JSON.parse((await text(storage, `_delta_log/${String(version).padStart(20, '0')}.crc`)) as string)
      expect(crc).toMatchObject({ numFiles: view.files.numFiles, numMetadata: 1, numProtocol: 1, txnId: view.commitInfo?.txnId })
      expect(crc.setTransactions).toEqual(version < 6 ? [] : [expect.objectContaining({ appId: 'a', version: 7 })])
      const sizes = [...view.files.liveRows()].map((row) => view.files.size(row))
      const inBin = (n: number): number[] =>
        sizes.filter((size) => size >= (SIZE_BOUNDS[n] as number) && size < (SIZE_BOUNDS[n + 1] ?? Number.POSITIVE_INFINITY))
      const { sortedBinBoundaries, fileCounts, totalBytes } = crc.fileSizeHistogram
      expect(sortedBinBoundaries).toEqual(SIZE_BOUNDS)
      expect(fileCounts).toEqual(SIZE_BOUNDS.map((_, n) => inBin(n).length))
      expect(totalBytes).toEqual(SIZE_BOUNDS.map((_, n) => inBin(n).reduce((sum, size) => sum + size, 0)))
      // Counted on from commit to commit, or all at once: the same.
      expect(JSON.parse(checksumText(view, crc.txnId, 0))).toEqual(crc)
    }
  })

  test('that cannot be written is reported and fails no commit', async () => {
    const storage = memoryStorage()
    await createTable(storage, { schema: ids })
    const failures: unknown[] = []
    const table = await openTable(failing(storage, /\.crc$/), {
      onUpkeep: (report) => {
        if (report.kind === 'failure') failures.push([report.what, report.version, report.error.code])
      },
    })
    expect((await table.append([{ id: 1n }])).version).toBe(1)
    await table.settled()
    expect(failures).toEqual([['checksum', 1, 'STORAGE_FULL']])
  })

  test('never takes the place of one that is there', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: ids })
    await storage.put('_delta_log/00000000000000000001.crc', new TextEncoder().encode('of somebody else'))
    await table.append([{ id: 1n }])
    await table.settled()
    expect(await text(storage, '_delta_log/00000000000000000001.crc')).toBe('of somebody else')
  })
})

test('files are counted by size and by deleted rows in the bins of the protocol', () => {
  expect([0, 8191, 8192, 16_383, 16_384].map(sizeBin)).toEqual([0, 0, 1, 1, 2])
  const bins = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 9_999_999, 10_000_000, 2_147_483_646]
  expect(bins.map(deletedBin)).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8])
  expect([2_147_483_647, 2 ** 40].map(deletedBin)).toEqual([9, 9])
})

describe('checkpoints by policy', () => {
  const checkpoints = async (storage: Storage): Promise<string[]> =>
    (await names(storage, /checkpoint\.parquet$/)).map((path) => path.slice(11, 31))

  // A memory store that says it is behind a network.
  const remoteStorage = (): Storage => Object.assign(memoryStorage(), { remote: true })

  async function appended(properties: Record<string, string>, count: number, storage: Storage = remoteStorage()): Promise<Storage> {
    const table = await createTable(storage, { schema: ids, properties })
    for (let n = 0; n < count; n++) {
      await table.append([{ id: BigInt(n) }])
      await table.settled()
    }
    return storage
  }

  test('come exactly as often as the table says, where it says so', async () => {
    expect((await checkpoints(await appended({ 'delta.checkpointInterval': '10' }, 21))).map(Number)).toEqual([10, 20])
    expect((await checkpoints(await appended({ 'delta.checkpointInterval': '3' }, 7))).map(Number)).toEqual([3, 6])
  })

  test('come after ten commits on a store at hand, where it does not', async () => {
    expect((await checkpoints(await appended({}, 31, memoryStorage()))).map(Number)).toEqual([10, 20, 30])
  })

  test('come after a hundred small commits on a remote store', async () => {
    expect((await checkpoints(await appended({}, 201))).map(Number)).toEqual([100, 200])
    expect((await checkpoints(await appended({ ...V2 }, 101))).length).toBe(1)
  })

  test('come after ten commits, where it does not and these are large', async () => {
    const storage = remoteStorage()
    const table = await createTable(storage, { schema: schema({ p: long(), id: long() }), partitionBy: ['p'] })
    // Each names 400 files: more than 100 kB.
    for (let n = 0; n < 21; n++) {
      await table.append(Array.from({ length: 400 }, (_, p) => ({ p: BigInt(p), id: 1n })))
      await table.settled()
    }
    expect((await checkpoints(storage)).map(Number)).toEqual([10, 20])
  })

  test('come also from processes that make one commit each', async () => {
    for (const [properties, commits, expected] of [
      [{ 'delta.checkpointInterval': '10' }, 12, [10]],
      [{}, 102, [100]],
    ] as const) {
      const storage = remoteStorage()
      await createTable(storage, { schema: ids, properties })
      for (let n = 0; n < commits; n++) {
        const table = await openTable(storage)
        await table.append([{ id: BigInt(n) }])
        await table.settled()
      }
      expect((await checkpoints(storage)).map(Number)).toEqual(expected)
    }
  })

  test('come once from two handles that have not heard of each other', async () => {
    const storage = remoteStorage()
    await createTable(storage, { schema: ids })
    const [a, b] = [await openTable(storage), await openTable(storage)]
    for (let n = 0; n < 115; n++) {
      // Both have all commits since version 0 in mind; `a` makes version 100, `b` version 110.
      const table = n % 20 < 10 ? b : a
      await table.append([{ id: BigInt(n) }])
      await table.settled()
    }
    expect((await checkpoints(storage)).map(Number)).toEqual([100])
  })

  test('that fail are reported and fail no commit', async () => {
    const storage = remoteStorage()
    await createTable(storage, { schema: ids, properties: { 'delta.checkpointInterval': '1' } })
    const failures: string[] = []
    const table = await openTable(failing(storage, /checkpoint/), {
      onUpkeep: (report) => {
        if (report.kind === 'failure') failures.push(report.what)
      },
    })
    await table.append([{ id: 1n }])
    await table.settled()
    await table.append([{ id: 2n }])
    await table.settled()
    expect(failures).toEqual(['checkpoint', 'checkpoint'])
    expect(await (await openTable(storage)).scan().count()).toBe(2)
  })

  test('and checksums are not written where the handle does not want them', async () => {
    const storage = remoteStorage()
    const table = await createTable(storage, { schema: ids, properties: { 'delta.checkpointInterval': '1' }, upkeep: 'none' })
    await table.append([{ id: 1n }])
    await table.settled()
    expect(await names(storage, /./)).toEqual([commitPath(0), commitPath(1)])
  })
})

describe('cleaning the log', () => {
  /** A table with a commit a day, and a checkpoint at some versions. */
  async function days(count: number, checkpointsAt: readonly number[], properties: Record<string, string> = {}) {
    const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1, 12) })
    const storage = memoryStorage({ runtime })
    const table = await createTable(storage, {
      schema: ids,
      runtime,
      properties: { 'delta.checkpointInterval': '1000', 'delta.enableExpiredLogCleanup': 'false', ...properties },
    })
    for (let day = 1; day <= count; day++) {
      await runtime.advance(DAY_MS)
      await table.append([{ id: BigInt(day) }])
      if (checkpointsAt.includes(day)) await table.checkpoint()
      await table.settled()
    }
    return { storage, table, runtime }
  }
  const versionsOf = async (storage: Storage): Promise<number[]> =>
    (await names(storage, /\d{20}\.json$/)).map((path) => Number(path.slice(11, 31)))

  test('keeps the newest checkpoint before the cut-off, its own commit, and all that follows', async () => {
    const { storage, table } = await days(40, [3, 6, 20])
    // On day 40 at noon the log is kept from midnight of day 10 on; the newest commit before that is version 9.
    const dry = await table.cleanup({ dryRun: true })
    expect(dry.keptFrom).toBe(6)
    expect((await versionsOf(storage)).length).toBe(41)
    const { keptFrom, paths } = await table.cleanup()
    expect(keptFrom).toBe(6)
    expect(paths).toEqual(dry.paths)
    expect(await versionsOf(storage)).toEqual(Array.from({ length: 35 }, (_, n) => n + 6))
    expect((await names(storage, /\d\.(checkpoint|crc)/)).every((path) => Number(path.slice(11, 31)) >= 6)).toBe(true)
    for (let version = 6; version <= 40; version++) expect((await loadLog(storage, { version })).files.numFiles).toBe(version)
    await expect(loadLog(storage, { version: 5 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  })

  test('deletes nothing without a checkpoint that is old enough', async () => {
    const { storage, table } = await days(40, [20])
    expect(await table.cleanup()).toMatchObject({ keptFrom: undefined, paths: [] })
    expect((await versionsOf(storage)).length).toBe(41)
  })

  test('relies on no checkpoint that cannot be read', async () => {
    const { storage, table } = await days(40, [3, 6])
    await storage.put('_delta_log/00000000000000000006.checkpoint.parquet', new TextEncoder().encode('PAR1 torn PAR1'))
    expect((await table.cleanup()).keptFrom).toBe(3)
    expect((await loadLog(storage)).files.numFiles).toBe(40)
  })

  test('deletes compactions that begin at or below the checkpoint, and no other', async () => {
    const { storage, table } = await days(40, [6])
    const compacted = (from: number, to: number): string =>
      `_delta_log/${String(from).padStart(20, '0')}.${String(to).padStart(20, '0')}.compacted.json`
    const commits = await storage.read(commitPath(7))
    for (const [from, to] of [
      [2, 4],
      [6, 8],
      [7, 9],
    ] as const)
      await storage.put(compacted(from, to), commits as Uint8Array)
    await table.cleanup()
    expect(await names(storage, /compacted/)).toEqual([compacted(7, 9)])
  })

  test('keeps the sidecars that remaining checkpoints name, and young ones that nobody names yet', async () => {
    const { storage, table, runtime } = await days(40, [3, 6, 20, 40], { 'delta.checkpointPolicy': 'v2' })
    await storage.put('_delta_log/_sidecars/being-written.parquet', new Uint8Array(1))
    const before = (await sidecars(storage)).length
    const { keptFrom } = await table.cleanup()
    expect(keptFrom).toBe(6)
    const after = await sidecars(storage)
    expect(after).toContain('_delta_log/_sidecars/being-written.parquet')
    expect(after.length).toBe(before) // every sidecar is used again by a later checkpoint
    for (const version of [6, 19, 20, 40]) expect((await loadLog(storage, { version })).files.numFiles).toBe(version)
    await storage.put('_delta_log/_sidecars/orphan.parquet', new Uint8Array(1))
    await runtime.advance(3 * DAY_MS)
    await table.append([{ id: 0n }])
    await table.cleanup()
    expect((await sidecars(storage)).filter((path) => /orphan|being-written/.test(path))).toEqual([])
    expect((await loadLog(storage, { version: 20 })).files.numFiles).toBe(20)
  })

  test('that sleeps while it lists keeps the sidecars of checkpoints made meanwhile (seed 969039)', async () => {
    const { storage, table, runtime } = await days(40, [3, 6, 20], { 'delta.checkpointPolicy': 'v2' })
    let isArmed = false
    let named: string[] = []
    const sleepy = new Proxy(storage, {
      get: (target, key) => {
        const own = Reflect.get(target, key, target) as unknown
        if (key !== 'list') return typeof own === 'function' ? own.bind(target) : own
        return async function* (...args: Parameters<Storage['list']>) {
          yield* target.list(...args)
          if (!isArmed || args[0] !== '_delta_log') return
          isArmed = false
          await table.append([{ id: 0n }])
          await table.checkpoint()
          named = await sidecars(storage)
          await runtime.advance(3 * DAY_MS)
        }
      },
    })
    const sleeping = await openTable(sleepy, { runtime, upkeep: 'none' })
    isArmed = true
    expect((await sleeping.cleanup()).keptFrom).toBe(6)
    expect(named).toHaveLength(4)
    expect(await sidecars(storage)).toEqual(named)
  })

  test('follows a checkpoint by itself, where the table lets it', async () => {
    for (const [wanted, kept] of [
      ['true', 33],
      ['false', 41],
    ] as const) {
      const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1, 12) })
      const storage = memoryStorage({ runtime })
      const table = await createTable(storage, {
        schema: ids,
        runtime,
        properties: { 'delta.checkpointInterval': '8', 'delta.enableExpiredLogCleanup': wanted },
      })
      for (let day = 1; day <= 40; day++) {
        await runtime.advance(DAY_MS)
        await table.append([{ id: BigInt(day) }])
        await table.settled()
      }
      expect((await versionsOf(storage)).length).toBe(kept)
    }
  })
})

async function sidecars(storage: Storage): Promise<string[]> {
  const found: string[] = []
  for await (const page of storage.list('_delta_log/_sidecars')) found.push(...page.map(({ path }) => path))
  return found
}
