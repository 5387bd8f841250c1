// What operations ask of an S3 store: requests and dependent round trips, counted by the store. No clock is involved.
import { long, openTable, schema } from 'alluvium'
import { dependentRoundTrips, type LoggedRequest, type S3Emulator, startS3Emulator } from 'alluvium/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import { putVersions } from './long-log.js'

const VERSIONS = 100_000
const CHECKPOINT = 99_990

let s3: S3Emulator
beforeAll(async () => {
  // Long enough that requests which do not wait for one another overlap.
  s3 = await startS3Emulator({ latencyMs: 10 })
  await putVersions(s3, 'tables', 'long', { versions: VERSIONS, checkpoint: CHECKPOINT, liveFiles: 3000 })
})
afterAll(() => s3.stop())

const open = async (table = 'long') => {
  const storage = s3Storage(`s3://tables/${table}`, { endpoint: s3.endpoint, region: s3.region, ...s3.credentials })
  return openTable(storage, { schema: schema({ id: long() }) })
}
const isData = ({ method, path }: LoggedRequest): boolean => method === 'PUT' && path.endsWith('.parquet') && !path.includes('_delta_log')

test('opening a table of 100,000 versions takes three dependent round trips', async () => {
  s3.clearLog()
  await open()
  expect(dependentRoundTrips(s3.log)).toBeLessThanOrEqual(3)
  // The hint, the listing, the checkpoint, and each commit after it once.
  expect(s3.count()).toBe(3 + VERSIONS - CHECKPOINT)
})

test('also where the checkpoint is too large to be read whole along with the listing', async () => {
  await putVersions(s3, 'tables', 'large', { versions: 60, checkpoint: 50, liveFiles: 60_000 })
  const sizeBytes = s3.object('tables', `large/_delta_log/${'50'.padStart(20, '0')}.checkpoint.parquet`)?.bytes.length ?? 0
  expect(sizeBytes).toBeGreaterThan(600_000)
  s3.clearLog()
  await open('large')
  expect(dependentRoundTrips(s3.log)).toBeLessThanOrEqual(3)
})

test('a refresh with nothing new is one request', async () => {
  const table = await open()
  for (let n = 0; n < 3; n++) {
    s3.clearLog()
    expect((await table.snapshot()).version).toBe(VERSIONS)
    expect(s3.log.map(({ kind }) => kind)).toEqual(['GetObject'])
  }
})

test('an append makes 2.1 requests beyond its data, its checksum included; a checkpoint comes on top once in a while', async () => {
  await putVersions(s3, 'tables', 'appended', {
    versions: 60,
    checkpoint: 50,
    liveFiles: 300,
    properties: { 'delta.checkpointInterval': '500' },
  })
  const table = await open('appended')
  // The first one of a process tries whether the store honours conditions.
  await table.append([{ id: 0n }])
  await table.settled()
  s3.clearLog()
  const appends = 60
  for (let i = 0; i < appends; i++) await table.append([{ id: BigInt(i) }])
  await table.settled()
  const beyond = s3.log.filter((request) => !isData(request))
  expect(s3.log.length - beyond.length).toBe(appends)
  expect(beyond.length / appends).toBeLessThanOrEqual(2.1)
  expect(beyond.filter(({ kind, path }) => kind === 'PutObject' && /\/\d{20}\.json$/.test(path))).toHaveLength(appends)
  s3.clearLog()
  await table.checkpoint()
  // The hint, a listing, the checkpoint before with its tombstones, the new one, the hint anew, and the few commits that this
  // handle has not seen by itself: what it wrote or read, it knows the removes of.
  expect(s3.count()).toBeLessThanOrEqual(10)
})
