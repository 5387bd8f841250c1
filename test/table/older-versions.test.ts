// An older version of a table whose newest one cannot be read: it is there for whoever asks for it, and the newest is refused by
// name, never passed over.
import { isAlluviumError, memoryStorage, openTable, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { field, rawTable, struct, structType } from './raw-table.js'

const PLAIN = { minReaderVersion: 1, minWriterVersion: 2 }
const COLUMNS = struct(field('id', 'long'))
const commitPath = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

async function threeVersions(newest: string): Promise<Storage> {
  const file = (id: number) => ({ path: `${id}.parquet`, columns: structType(field('id', 'long')), rows: [{ id }] })
  const storage = await rawTable({ protocol: PLAIN, schema: COLUMNS, files: [file(1)] }, { files: [file(2)] })
  await storage.put(commitPath(2), encodeUtf8(newest))
  return storage
}

const BAD: readonly [string, string, RegExp][] = [
  ['is cut', '{"add":{"path":"3.parquet","part', /^CORRUPT_LOG .*00000000000000000002\.json/],
  ['is no JSON', 'not a commit\n', /^CORRUPT_LOG .*00000000000000000002\.json/],
  [
    'needs a feature that nobody knows',
    `${JSON.stringify({ protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['quantumRows'], writerFeatures: ['quantumRows'] } })}\n`,
    /^UNSUPPORTED_FEATURE .*quantumRows/,
  ],
  ['is of a later protocol', `${JSON.stringify({ protocol: { minReaderVersion: 9, minWriterVersion: 9 } })}\n`, /^UNSUPPORTED_FEATURE .*9/],
]

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'no error',
    (e: unknown) => e,
  )
  return isAlluviumError(error) ? `${error.code} ${error.message}` : String(error)
}

describe.each(BAD)('where the newest commit %s', (_, newest, refused) => {
  test('an older version is opened and read; the newest is refused by name', async () => {
    const storage = await threeVersions(newest)
    expect(await refusal(openTable(storage))).toMatch(refused)
    const table = await openTable(storage, { version: 1 })
    expect(await (await table.snapshot({ version: 1 })).scan().toArray()).toEqual([{ id: 1n }, { id: 2n }])
    expect(await (await table.snapshot({ version: 0 })).scan().toArray()).toEqual([{ id: 1n }])
    expect(table.schema.fields.map(({ name }) => name)).toEqual(['id'])
    expect(await refusal(table.snapshot())).toMatch(refused)
    expect(await refusal(table.snapshot({ version: 2 }))).toMatch(refused)
    expect(await refusal(table.scan().toArray())).toMatch(refused)
    expect(await refusal(table.append([{ id: 3 }]))).toMatch(refused)
    expect(new TextDecoder().decode(await storage.read(commitPath(2)))).toBe(newest)
    expect(await storage.stat(commitPath(3))).toBeUndefined()
  })

  test('an older version is found by its time', async () => {
    const storage = await threeVersions(newest)
    const { modifiedMs } = (await storage.stat(commitPath(0))) as { modifiedMs: number }
    const timestamp = Math.floor(modifiedMs)
    const table = await openTable(storage, { timestamp })
    expect(await (await table.snapshot({ timestamp })).scan().toArray()).toEqual([{ id: 1n }])
  })
})

describe('with in-commit timestamps', () => {
  const MINUTE = 60_000

  /** Version v is of minute v; the newest commit is cut. */
  async function timed(): Promise<Storage> {
    const storage = memoryStorage()
    const features = ['inCommitTimestamp']
    for (let version = 0; version < 6; version++) {
      const lines: object[] = [{ commitInfo: { inCommitTimestamp: version * MINUTE } }]
      if (version === 0) {
        lines.push({ protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: features } })
        const format = { provider: 'parquet', options: {} }
        const configuration = { 'delta.enableInCommitTimestamps': 'true' }
        lines.push({ metaData: { id: 'raw', format, schemaString: JSON.stringify(COLUMNS), partitionColumns: [], configuration } })
      }
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
      await storage.put(commitPath(version), encodeUtf8(version === 5 ? text.slice(0, 20) : text))
    }
    return storage
  }

  test('times before the last commit that can be read find their versions', async () => {
    const storage = await timed()
    for (let version = 0; version < 4; version++) {
      for (const timestamp of [version * MINUTE, version * MINUTE + MINUTE - 1]) {
        const table = await openTable(storage, { timestamp })
        expect((await table.snapshot({ timestamp })).version).toBe(version)
      }
    }
  })

  test('a time that may be that of the damaged commit is refused, never guessed', async () => {
    expect(await refusal(openTable(await timed(), { timestamp: 4 * MINUTE }))).toMatch(/^CORRUPT_LOG .*00000000000000000005\.json/)
  })
})

test('a version and a time at once are refused, and so is a version that is not there', async () => {
  const storage = await threeVersions('')
  expect(await refusal(openTable(storage, { version: 1, timestamp: 1 }))).toMatch(/^INVALID_OPTIONS /)
  expect(await refusal(openTable(storage, { version: 9 }))).toMatch(/^VERSION_NOT_FOUND /)
})
