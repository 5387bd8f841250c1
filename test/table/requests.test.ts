// What operations ask of a store: requests and dependent round trips, counted by the store. No clock is involved.
import { createTable, long, openTable, type Storage, schema } from 'alluvium'
import { dependentRoundTrips, type LoggedRequest, type S3Emulator, startS3Emulator, startWebHdfsEmulator } from 'alluvium/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteAll } from '../../src/log/index.js'
import { s3Storage } from '../../src/storage/s3/index.js'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { putVersions } from './long-log.js'

const VERSIONS = 100_000
const CHECKPOINT = 99_990
// Long enough that the requests which are sent at once also overlap on a machine with much else to do.
const SLOW_MS = 250

let s3: S3Emulator
beforeAll(async () => {
  // Long enough that requests which do not wait for one another overlap.
  s3 = await startS3Emulator({ latencyMs: 10 })
  await putVersions(s3, 'tables', 'long', { versions: VERSIONS, checkpoint: CHECKPOINT, liveFiles: 3000 })
})
afterAll(() => s3.stop())

const open = async (table = 'long', on = s3) => {
  const storage = s3Storage(`s3://tables/${table}`, { endpoint: on.endpoint, region: on.region, ...on.credentials })
  return openTable(storage, { schema: schema({ id: long() }) })
}
/** What belongs to a data file, which an append cannot do without. */
const isData = ({ path }: { readonly path: string }): boolean => path.includes('.parquet') && !path.includes('_delta_log')

test('opening a table of 100,000 versions takes three dependent round trips', async () => {
  await using slow = await startS3Emulator({ latencyMs: SLOW_MS })
  await putVersions(slow, 'tables', 'long', { versions: VERSIONS, checkpoint: CHECKPOINT, liveFiles: 3000 })
  slow.clearLog()
  await open('long', slow)
  expect(dependentRoundTrips(slow.log)).toBeLessThanOrEqual(3)
  // The hint, the listing, the checkpoint, and each commit after it once.
  expect(slow.count()).toBe(3 + VERSIONS - CHECKPOINT)
})

test('also where the checkpoint is too large to be read whole along with the listing', async () => {
  await using slow = await startS3Emulator({ latencyMs: SLOW_MS })
  await putVersions(slow, 'tables', 'large', { versions: 60, checkpoint: 50, liveFiles: 60_000 })
  const sizeBytes = slow.object('tables', `large/_delta_log/${'50'.padStart(20, '0')}.checkpoint.parquet`)?.bytes.length ?? 0
  expect(sizeBytes).toBeGreaterThan(600_000)
  slow.clearLog()
  await open('large', slow)
  expect(dependentRoundTrips(slow.log)).toBeLessThanOrEqual(3)
})

test('a refresh with nothing new is one request', async () => {
  const table = await open()
  for (let n = 0; n < 3; n++) {
    s3.clearLog()
    expect((await table.snapshot()).version).toBe(VERSIONS)
    expect(s3.log.map(({ kind }) => kind)).toEqual(['GetObject'])
  }
})

test('as far behind its checkpoint as the policy for checkpoints lets it come, it opens in three round trips too', async () => {
  await using slow = await startS3Emulator({ latencyMs: SLOW_MS })
  await putVersions(slow, 'tables', 'behind', { versions: 1100, checkpoint: 1001, liveFiles: 300 })
  const storage = s3Storage('s3://tables/behind', { endpoint: slow.endpoint, region: slow.region, ...slow.credentials })
  slow.clearLog()
  const table = await openTable(storage)
  expect(dependentRoundTrips(slow.log)).toBeLessThanOrEqual(3)
  expect(slow.count()).toBe(3 + 99)
  expect((await table.snapshot()).version).toBe(1100)
})

const APPENDS = 200

/** A new table with default settings, and one handle that appends to it so often. */
async function append(storage: Storage, beforeCounting: () => void): Promise<void> {
  const table = await createTable(storage, { schema: schema({ id: long() }) })
  // The first append of a process tries whether the store honours conditions.
  await table.append([{ id: 0n }])
  await table.settled()
  beforeCounting()
  for (let i = 0; i < APPENDS; i++) await table.append([{ id: BigInt(i) }])
  await table.settled()
}

test('on S3 an append makes 2.1 requests beyond its data: its commit, its checksum, and its part of checkpoints and cleaning', async () => {
  const storage = s3Storage('s3://tables/appended', { endpoint: s3.endpoint, region: s3.region, ...s3.credentials })
  s3.setLatency(0)
  await append(storage, () => s3.clearLog()).finally(() => s3.setLatency(10))
  const beyond = s3.log.filter((request) => !isData(request))
  expect(s3.log.length - beyond.length).toBe(APPENDS)
  expect(beyond.length / APPENDS).toBeLessThanOrEqual(2.1)
  const puts = (name: RegExp): LoggedRequest[] => beyond.filter(({ kind, path }) => kind === 'PutObject' && name.test(path))
  expect(puts(/\/\d{20}\.json$/)).toHaveLength(APPENDS)
  expect(puts(/\/\d{20}\.crc$/)).toHaveLength(APPENDS)
  expect(puts(/\/\d{20}\.checkpoint\.parquet$/)).toHaveLength(2)
})

test('on WebHDFS an append makes 2.1 operations beyond its data, of 7.2 requests of HTTP', async () => {
  await using hdfs = await startWebHdfsEmulator()
  const operations: { readonly name: string; readonly path: string }[] = []
  const storage = counting(webhdfsStorage(`${hdfs.url}/tables/appended`, { user: hdfs.user }), operations)
  await append(storage, () => {
    hdfs.clearLog()
    operations.length = 0
  })
  const beyond = operations.filter((operation) => !isData(operation))
  expect(beyond.length / APPENDS).toBeLessThanOrEqual(2.1)
  expect(beyond.filter(({ name }) => name === 'stage')).toHaveLength(APPENDS)
  // A commit is a CREATE in two steps, a look whether all of it is there, and a RENAME; a checksum goes without the look.
  expect(hdfs.log.filter((request) => !isData(request)).length / APPENDS).toBeLessThanOrEqual(7.2)
})

test('what vacuum and cleaning delete on S3 goes a thousand objects at a time', async () => {
  const storage = s3Storage('s3://tables/deleted', { endpoint: s3.endpoint, region: s3.region, ...s3.credentials })
  const objects = Array.from({ length: 2500 }, (_, n) => ({ path: `part-${n}.parquet` }))
  for (const { path } of objects.slice(0, 5)) await storage.put(path, new Uint8Array(1))
  s3.clearLog()
  await deleteAll(storage, objects, undefined)
  expect(s3.log.map(({ kind }) => kind)).toEqual(['DeleteObjects', 'DeleteObjects', 'DeleteObjects'])
  expect(s3.keys('tables', 'deleted/')).toEqual([])
})

/** The store, and the operations of it that are used. A page of a listing is one. Placing is the second half of staging. */
function counting<S extends Storage>(storage: S, operations: { readonly name: string; readonly path: string }[]): S {
  return new Proxy(storage, {
    get: (target, key) => {
      const own = Reflect.get(target, key, target) as unknown
      if (typeof own !== 'function') return own
      return (path: string, ...rest: unknown[]) => {
        operations.push({ name: String(key), path })
        return (own as (...words: unknown[]) => unknown).call(target, path, ...rest)
      }
    },
  })
}
