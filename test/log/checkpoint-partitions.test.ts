// Partition values of a checkpoint: as maps of texts, as columns of `partitionValues_parsed` alone, or some rows one way and some
// the other. What is expected are the texts of the protocol, "Partition Value Serialization".
import { isAlluviumError, memoryStorage, openTable, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { loadLog } from '../../src/log/index.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'
import { writeRows } from '../parquet/files.js'

const PARTITIONS =
  'l long, i int, f float, d double, t string, b boolean, bin binary, dt date, ts timestamp, ntz timestamp_ntz, p decimal(9,2), q decimal(38,3)'
const NAMES = PARTITIONS.split(', ').map((column) => column.split(' ')[0] as string)
const PARSED = `partitionValues_parsed:struct<${PARTITIONS.replaceAll(/(^|, )(\w+) /g, '$1$2:')}>`
const MAP = 'partitionValues:map<string,string>'

async function tableOf(
  adds: readonly object[],
  columns: string,
  options: Parameters<typeof writeRows>[2] = {},
  partitionColumns = NAMES,
): Promise<Storage> {
  const storage = memoryStorage()
  const metaData = {
    id: 'partitions',
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(parseColumns(`id long, ${PARTITIONS}`)),
    partitionColumns,
    configuration: {},
  }
  const features = ['timestampNtz', 'v2Checkpoint']
  const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features }
  const rows = adds.map((add) => ({ add: { size: 1, modificationTime: 1, ...add } }))
  const sidecar = await writeRows(`add struct<path:string,${columns},size:long,modificationTime:long>`, rows, options)
  await storage.put('_delta_log/_sidecars/one.parquet', sidecar)
  const lines = [
    { checkpointMetadata: { version: 3 } },
    { protocol },
    { metaData },
    { sidecar: { path: 'one.parquet', sizeInBytes: sidecar.length, modificationTime: 1 } },
  ]
  const name = '_delta_log/00000000000000000003.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'
  await storage.put(name, encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
  await storage.put('_delta_log/00000000000000000003.json', encodeUtf8('{"commitInfo":{}}\n'))
  return storage
}

async function textsOf(storage: Storage): Promise<Record<string, Record<string, string | null>>> {
  const { files } = await loadLog(storage)
  return Object.fromEntries(
    [...files.liveRows()].map((row) => {
      const texts = NAMES.map((name) => {
        const { values, ids } = files.partition(name)
        return [name, values[ids(row)] ?? null] as const
      })
      return [files.path(row), Object.fromEntries(texts)]
    }),
  )
}

const VALUES = {
  l: -9007199254740993n,
  i: 7,
  f: 1e10,
  d: Number.NaN,
  t: 'a/b é\n',
  b: false,
  bin: encodeUtf8('bytes'),
  dt: '0001-02-03',
  ts: '1969-12-31T23:59:59.999999Z',
  ntz: '2024-02-29T12:00:00.5',
  p: '-0.50',
  q: '12345678901234567890123456789012345.678',
}
const TEXTS = {
  l: '-9007199254740993',
  i: '7',
  f: '1.0E10',
  d: 'NaN',
  t: 'a/b é\n',
  b: 'false',
  bin: 'bytes',
  dt: '0001-02-03',
  ts: '1969-12-31T23:59:59.999999Z',
  ntz: '2024-02-29 12:00:00.5',
  p: '-0.50',
  q: '12345678901234567890123456789012345.678',
}
const NULLS = Object.fromEntries(NAMES.map((name) => [name, null]))
const adds = [
  { path: 'one', partitionValues_parsed: VALUES },
  { path: 'two', partitionValues_parsed: NULLS },
  { path: 'three', partitionValues_parsed: { ...NULLS, i: 8 } },
]
const expected = { one: TEXTS, two: NULLS, three: { ...NULLS, i: '8' } }

describe('partition values kept as columns', () => {
  test.each<[string, string, object]>([
    ['without maps', PARSED, {}],
    ['with maps that are null', `${MAP},${PARSED}`, { partitionValues: null }],
    ['with maps that are empty', `${MAP},${PARSED}`, { partitionValues: new Map() }],
  ])('%s are those of the files, whatever their types', async (_, columns, more) => {
    for (const options of [{}, { rowGroupRows: 1 }, { codec: 'zstd' as const }]) {
      const storage = await tableOf(
        adds.map((add) => ({ ...add, ...more })),
        columns,
        options,
      )
      const texts = await textsOf(storage)
      // Fractions of seconds may have any number of digits.
      expect(texts.one?.ntz).toMatch(/^2024-02-29 12:00:00\.50{0,5}$/)
      expect({ ...texts, one: { ...texts.one, ntz: TEXTS.ntz } }).toEqual(expected)
    }
  })

  test('give way to maps, row by row', async () => {
    const full = new Map(NAMES.map((name) => [name, name === 'i' ? '42' : null]))
    const mixed = [
      { path: 'map', partitionValues: full, partitionValues_parsed: VALUES },
      { path: 'columns', partitionValues: null, partitionValues_parsed: { ...NULLS, i: 9 } },
      { path: 'neither', partitionValues: null, partitionValues_parsed: null },
      { path: 'again', partitionValues: full, partitionValues_parsed: null },
    ]
    for (const options of [{}, { rowGroupRows: 2 }, { rowGroupRows: 1 }]) {
      const texts = await textsOf(await tableOf(mixed, `${MAP},${PARSED}`, options))
      expect(Object.entries(texts).map(([path, { i }]) => [path, i])).toEqual([
        ['map', '42'],
        ['columns', '9'],
        ['neither', null],
        ['again', '42'],
      ])
      expect(texts.map?.t).toBeNull()
    }
  })

  test('prune files as the maps would', async () => {
    const table = await openTable(await tableOf(adds, PARSED))
    const paths = async (where: string) => {
      const snapshot = await table.snapshot()
      const { files } = await snapshot.scan({ where }).plan()
      return [...files].map((row) => snapshot.view.files.path(row))
    }
    expect(await paths('i = 8')).toEqual(['three'])
    expect(await paths("ts < TIMESTAMP '1970-01-01T00:00:00Z'")).toEqual(['one'])
    expect(await paths('l IS NULL')).toEqual(['two', 'three'])
    expect(await paths('l = -9007199254740993')).toEqual(['one'])
  })
})

async function codeOf(storage: Storage): Promise<string> {
  const error: unknown = await loadLog(storage).catch((e: unknown) => e)
  return isAlluviumError(error) ? `${error.code} ${error.message}` : 'no error'
}

describe('a checkpoint of a partitioned table', () => {
  test('that says nothing of partitions is refused, not read as nulls', async () => {
    const only = [{ path: 'one', tags: null }]
    expect(await codeOf(await tableOf(only, 'tags:map<string,string>'))).toMatch(/^CORRUPT_CHECKPOINT .*_sidecars\/one\.parquet/)
    expect(await codeOf(await tableOf(only, 'tags:map<string,string>', {}, []))).toBe('no error')
    expect(await codeOf(await tableOf([], 'tags:map<string,string>'))).toBe('no error')
  })

  test('whose columns are of types that partition nothing is refused', async () => {
    const bad = [{ path: 'one', partitionValues_parsed: { i: [1] } }]
    expect(await codeOf(await tableOf(bad, 'partitionValues_parsed:struct<i:array<int>>'))).toMatch(
      /^CORRUPT_CHECKPOINT .*partitionValues_parsed/,
    )
    const bytes = [{ path: 'one', partitionValues_parsed: { bin: Uint8Array.of(0xff) } }]
    expect(await codeOf(await tableOf(bytes, 'partitionValues_parsed:struct<bin:binary>'))).toMatch(
      /^CORRUPT_CHECKPOINT .*partitionValues_parsed/,
    )
  })
})
