// Statistics of a checkpoint: as JSON text, as columns of `stats_parsed` alone, or some rows one way and some the other.
// What is expected is written out from the protocol's table of statistics.
import { memoryStorage, openTable, type Storage, type Table } from 'alluvium'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { type FileView, loadLog } from '../../src/log/index.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'
import { writeRows } from '../parquet/files.js'

const TABLE =
  'id long, n int, f float, d double, t string, dt date, ts timestamp, ntz timestamp_ntz, p decimal(9,2), q decimal(38,3), s struct<a:int>'
const BOUNDS = `struct<${TABLE.replaceAll(/(^|, )(\w+) /g, '$1$2:')}>`.replace('s:struct<a:int>', 's:struct<a:int>')
const COLUMNS = `add struct<path:string,partitionValues:map<string,string>,size:long,modificationTime:long,stats:string,stats_parsed:struct<numRecords:long,minValues:${BOUNDS},maxValues:${BOUNDS},nullCount:struct<id:long,n:long>>>`

interface Add {
  readonly path: string
  readonly stats?: string | null
  readonly stats_parsed?: object | null
}

async function tableOf(adds: readonly Add[], options: Parameters<typeof writeRows>[2] = {}, columns = COLUMNS): Promise<Storage> {
  const storage = memoryStorage()
  const metaData = {
    id: 'stats',
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(parseColumns(TABLE)),
    partitionColumns: [],
    configuration: {},
  }
  const protocol = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['timestampNtz', 'v2Checkpoint'],
    writerFeatures: ['timestampNtz', 'v2Checkpoint'],
  }
  const rows = adds.map((add) => ({ add: { partitionValues: new Map(), size: 1, modificationTime: 1, ...add } }))
  const sidecar = await writeRows(columns, rows, options)
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

async function survivors(storage: Storage, where: string): Promise<string[]> {
  const table = (await openTable(storage)) as unknown as Table
  const snapshot = await table.snapshot()
  const { files } = await snapshot.scan({ where }).plan()
  const view = await loadLog(storage)
  return [...files].map((row) => view.files.path(row))
}

const low = {
  id: -(2n ** 62n),
  n: -3,
  f: 0.1,
  d: -1.5,
  t: 'a"b\\é',
  dt: '1969-12-31',
  ts: '1969-12-31T23:59:59.999999Z',
  ntz: '2024-02-29T00:00:00',
  p: '-0.01',
  q: '-12345678901234567890123456789012345.678',
  s: { a: 1 },
}
const high = {
  id: 2n ** 62n,
  n: 3,
  f: 0.5,
  d: Number.POSITIVE_INFINITY,
  t: 'b',
  dt: '2024-02-29',
  ts: '2024-02-29T12:00:00.000001Z',
  ntz: '2024-02-29T12:00:00.5',
  p: '9999999.99',
  q: '0.001',
  s: { a: 2 },
}

describe('statistics kept as columns', () => {
  test('read as the JSON text they stand for', async () => {
    const parsed = { numRecords: 5n, minValues: low, maxValues: high, nullCount: { id: 0n, n: 2n } }
    const { files } = await loadLog(await tableOf([{ path: 'one', stats_parsed: parsed }, { path: 'two' }]))
    await files.loadStats()
    const [one, two] = [...files.liveRows()] as [number, number]
    expect(files.stats(two)).toBeUndefined()
    const text = files.stats(one) as string
    expect(text).toContain('"id":-4611686018427387904')
    expect(text).toContain('"q":-12345678901234567890123456789012345.678')
    const { numRecords, minValues, maxValues, nullCount } = JSON.parse(text) as Record<string, Record<string, unknown>>
    expect(numRecords).toBe(5)
    expect(nullCount).toEqual({ id: 0, n: 2 })
    expect(minValues).toMatchObject({ n: -3, f: Math.fround(0.1), d: -1.5, t: 'a"b\\é', dt: '1969-12-31', p: -0.01, s: { a: 1 } })
    expect(minValues).toMatchObject({ ts: '1969-12-31T23:59:59.999999Z', ntz: '2024-02-29T00:00:00.000000' })
    expect(maxValues).toMatchObject({ d: 'Infinity', dt: '2024-02-29', ntz: '2024-02-29T12:00:00.500000', p: 9999999.99, s: { a: 2 } })
  })

  test.each(['snappy', 'uncompressed', 'zstd'] as const)(
    'prune the files of a %s checkpoint, alone and beside JSON text, over row groups',
    async (codec) => {
      const adds = Array.from({ length: 40 }, (_, i): Add => {
        const id = BigInt(i) * 10n
        const bounds = { numRecords: 10n, minValues: { id }, maxValues: { id: id + 9n }, nullCount: { id: 0n } }
        const text = `{"numRecords":10,"minValues":{"id":${id}},"maxValues":{"id":${id + 9n}},"nullCount":{"id":0}}`
        return { path: `f${i}`, stats: i % 3 === 0 || i % 3 === 2 ? text : null, stats_parsed: i % 3 === 1 || i % 3 === 2 ? bounds : null }
      })
      const storage = await tableOf(adds, { codec, rowGroupRows: 7 })
      expect(await survivors(storage, 'id >= 95 and id < 131')).toEqual(['f9', 'f10', 'f11', 'f12', 'f13'])
      expect(await survivors(storage, 'id = 0 or id = 399')).toEqual(['f0', 'f39'])
      expect(await survivors(storage, 'id is null')).toEqual([])
    },
  )

  test('that are null, or a struct of nulls, keep their file', async () => {
    const storage = await tableOf([
      { path: 'null', stats: null, stats_parsed: null },
      { path: 'nulls', stats_parsed: { numRecords: null, minValues: null } },
      { path: 'empty', stats: '' },
      { path: 'far', stats_parsed: { numRecords: 1n, minValues: { id: 9n }, maxValues: { id: 9n } } },
    ])
    expect(await survivors(storage, 'id = 1')).toEqual(['null', 'nulls', 'empty'])
  })
})

test('statistics visited row by row are those that are kept, whichever rows are asked for and however the file is cut', async () => {
  const visited = async (files: FileView, rows: Int32Array): Promise<Map<number, string>> => {
    const seen = new Map<number, string>()
    const note = (row: number, text: string): void => {
      if (seen.has(row)) throw new Error(`row ${row} comes twice`)
      seen.set(row, text)
    }
    await files.visitStats(rows, {
      addBytes: (row, bytes, start, end) => note(row, new TextDecoder().decode(bytes.subarray(start, end))),
      addEscaped: (row, bytes, start, end) => note(row, JSON.parse(`"${new TextDecoder().decode(bytes.subarray(start, end))}"`) as string),
      addText: (row, text) => note(row, text ?? ''),
    })
    return seen
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(fc.option(fc.constantFrom('{"numRecords":1}', '{"numRecords":22}', '')), fc.option(fc.integer({ min: 1, max: 99 }))),
        { minLength: 1, maxLength: 30 },
      ),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom('snappy' as const, 'zstd' as const),
      fc.infiniteStream(fc.boolean()),
      async (stats, rowGroupRows, codec, picks) => {
        const adds = stats.map(([text, parsed], i) => ({
          path: `f${i}`,
          stats: text,
          stats_parsed: parsed === null ? null : { numRecords: BigInt(parsed) },
        }))
        const wanted = stats.map(([text, parsed]) => text || (parsed === null ? '' : `{"numRecords":${parsed}}`))
        const storage = await tableOf(adds, { codec, rowGroupRows })
        const { files } = await loadLog(storage)
        const rows = files.liveRows().filter(() => picks.next().value as boolean)
        expect(await visited(files, rows)).toEqual(new Map([...rows].map((row) => [row, wanted[row]])))
        await files.loadStats()
        expect([...files.liveRows()].map((row) => files.stats(row) ?? '')).toEqual(wanted)
        expect(await visited(files, rows)).toEqual(new Map([...rows].map((row) => [row, wanted[row]])))
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)
