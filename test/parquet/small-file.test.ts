// Files of a few rows that are laid out without the codec, judged by DuckDB and by the codec's own reader against the file
// that the codec makes of the same rows.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFooter } from '../../src/parquet/footer.js'
import { bytesSource, encodeInThread, openParquet, type ParquetWriterOptions, StatisticsCollector } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { batchOfRows, Duck, readRows, writeBatches } from './files.js'

const duck = new Duck()

const FLAT =
  'id long not null, b byte, sh short, i int, l long, f float, d double, s string, t boolean, bin binary, dt date, ts timestamp, n timestamp_ntz, ' +
  'd5 decimal(5,2), d18 decimal(18,4), d38 decimal(38,10), req string not null, flag boolean not null'
const schema = parseColumns(FLAT)

const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 4 })
const decimal = (digits: number, scale: number): fc.Arbitrary<string> =>
  fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n }).map((n) => {
    const text = String(n < 0n ? -n : n).padStart(scale + 1, '0')
    return `${n < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
  })
const rowArbitrary = fc.record({
  id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  b: nullable(fc.integer({ min: -128, max: 127 })),
  sh: nullable(fc.integer({ min: -32768, max: 32767 })),
  i: nullable(fc.integer()),
  l: nullable(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  f: nullable(fc.float()),
  d: nullable(fc.double()),
  s: nullable(fc.string({ unit: 'grapheme', maxLength: 12 })),
  t: nullable(fc.boolean()),
  bin: nullable(fc.uint8Array({ maxLength: 9 })),
  dt: nullable(fc.integer({ min: -700_000, max: 2_000_000 }).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10))),
  ts: nullable(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })),
  n: nullable(fc.integer({ min: 0, max: 2 ** 40 }).map((ms) => new Date(ms).toISOString().slice(0, -1))),
  d5: nullable(decimal(5, 2)),
  d18: nullable(decimal(18, 4)),
  d38: nullable(decimal(38, 10)),
  req: fc.string({ maxLength: 3 }),
  flag: fc.boolean(),
})

const neverCalled = async (): Promise<Uint8Array> => {
  throw new Error('the codec was asked')
}
const small = (options: Partial<ParquetWriterOptions> = {}): Partial<ParquetWriterOptions> => ({
  statistics: new StatisticsCollector(options.schema ?? schema),
  encodeRowGroup: neverCalled,
  ...options,
})

describe('a small file', () => {
  test('holds what the codec would have written, for every flat type, to both engines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 24 }),
        fc.constantFrom('snappy', 'uncompressed'),
        async (rows, codec) => {
          const batch = batchOfRows(schema, rows)
          const ours = await writeBatches(schema, [batch], small({ codec }))
          const theirs = await writeBatches(schema, [batch], { codec })
          expect(await readRows(ours)).toEqual(await readRows(theirs))
          const all = 'select columns(*)::varchar from $file'
          expect(await duck.query(all, ours)).toEqual(await duck.query(all, theirs))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('holds the values that were appended', async () => {
    const rows = [
      {
        id: 9_007_199_254_740_993n,
        s: 'snow ☃',
        d38: '-9999999999999999999999999999.9999999999',
        d5: '-0.01',
        t: true,
        req: '',
        flag: false,
      },
      { id: -1n, b: -128, sh: -32768, i: -2147483648, f: -0, bin: Uint8Array.of(0, 255), dt: '0001-01-01', req: 'x', flag: true },
    ]
    const ours = await writeBatches(schema, [batchOfRows(schema, rows)], small())
    expect(
      await duck.query(
        'select id::varchar id, b, sh, i, f::varchar f, s, t, hex(bin) bin, dt::varchar dt, d5::varchar d5, d38::varchar d38, req, flag from $file',
        ours,
      ),
    ).toEqual([
      {
        id: '9007199254740993',
        b: null,
        sh: null,
        i: null,
        f: null,
        s: 'snow ☃',
        t: true,
        bin: null,
        dt: null,
        d5: '-0.01',
        d38: '-9999999999999999999999999999.9999999999',
        req: '',
        flag: false,
      },
      {
        id: '-1',
        b: -128,
        sh: -32768,
        i: -2147483648,
        f: '-0.0',
        s: null,
        t: null,
        bin: '00FF',
        dt: '0001-01-01',
        d5: null,
        d38: null,
        req: 'x',
        flag: true,
      },
    ])
  })

  test('has the schema, the column orders and the writer of a file of the codec, byte for byte', async () => {
    const batch = batchOfRows(schema, [{ id: 1n, req: '', flag: true }])
    const [ours, theirs] = [await writeBatches(schema, [batch], small()), await writeBatches(schema, [batch])].map((file) => {
      const length = Buffer.from(file).readUInt32LE(file.length - 8)
      const footer = parseFooter(file.subarray(file.length - 8 - length, file.length - 8), 'a test file')
      return footer.fields
        .filter(({ id }) => id !== 4)
        .map(({ id, start, end }) => [id, Buffer.from(footer.bytes.subarray(start, end)).toString('hex')])
    })
    expect(ours).toEqual(theirs)
  })

  test('says of every chunk where it is, how many values and nulls it has, and its codec', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ id: BigInt(i), s: i % 3 === 0 ? null : `s${i}`, req: '', flag: true }))
    const ours = await writeBatches(schema, [batchOfRows(schema, rows)], small())
    const facts = await duck.query(
      "select path_in_schema p, num_values::int n, stats_null_count::int missing, compression c, stats_min_value lo, stats_max_value hi from parquet_metadata($file) where path_in_schema in ('id', 's', 'flag')",
      ours,
    )
    expect(facts).toEqual([
      { p: 'id', n: 20, missing: 0, c: 'SNAPPY', lo: '0', hi: '19' },
      { p: 's', n: 20, missing: 7, c: 'SNAPPY', lo: 's1', hi: 's8' },
      { p: 'flag', n: 20, missing: 0, c: 'SNAPPY', lo: null, hi: null },
    ])
  })

  test.each([0, 1, 50, 51, 52, 53, 54, 200, 240, 250, 251, 252, 253, 300, 4000, 7000])(
    'holds a text of %i bytes: every form of a literal',
    async (length) => {
      const columns = parseColumns('s string')
      const text = 'abcdefghij'.repeat(length / 10 + 1).slice(0, length)
      const ours = await writeBatches(columns, [batchOfRows(columns, [{ s: text }])], small({ schema: columns }))
      expect(await duck.query('select s from $file', ours)).toEqual([{ s: text }])
      expect(await readRows(ours)).toEqual([{ s: text }])
    },
  )

  test('holds the rows of a slice and no others', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({
      id: BigInt(i),
      s: i % 3 === 0 ? null : `s${i}`,
      t: i % 4 === 0 ? null : i % 2 === 0,
      req: `r${i}`,
      flag: i % 5 === 0,
    }))
    const batch = batchOfRows(schema, rows).slice(13, 30)
    const ours = await writeBatches(schema, [batch], small())
    const expected = rows.slice(13, 30).map(({ id, s, t, req, flag }) => ({ id: String(id), s, t, req, flag }))
    expect(await duck.query('select id::varchar id, s, t, req, flag from $file', ours)).toEqual(expected)
  })

  test('is left to the codec once more rows come, with all of them', async () => {
    const columns = parseColumns('i int')
    let asked = 0
    const encodeRowGroup: typeof encodeInThread = (...args) => {
      asked++
      return encodeInThread(...args)
    }
    const batches = [[{ i: 1 }], [{ i: null }], [{ i: 3 }]].map((rows) => batchOfRows(columns, rows))
    const statistics = new StatisticsCollector(columns)
    const file = await writeBatches(columns, batches, { statistics, encodeRowGroup })
    expect(asked).toBe(1)
    expect(await duck.query('select i from $file', file)).toEqual([{ i: 1 }, { i: null }, { i: 3 }])
    expect(JSON.parse(statistics.finish())).toEqual({ numRecords: 3, minValues: { i: 1 }, maxValues: { i: 3 }, nullCount: { i: 1 } })
    const { rowGroups } = await openParquet(bytesSource(file), { name: 'test.parquet' })
    expect(rowGroups[0]?.columns[0]?.nullCount).toBe(1)
  })

  test.each(['l array<int>', 'st struct<a:int>', 'm map<string,int>'])('with the nested column %s is left to the codec', async (text) => {
    const columns = parseColumns(`i int, ${text}`)
    const file = await writeBatches(columns, [batchOfRows(columns, [{ i: 7 }])], { statistics: new StatisticsCollector(columns) })
    expect(await duck.query('select i from $file', file)).toEqual([{ i: 7 }])
  })

  test.each(['zstd', 'gzip', 'lz4_raw'] as const)('in %s is left to the codec', async (codec) => {
    const columns = parseColumns('i int')
    const file = await writeBatches(columns, [batchOfRows(columns, [{ i: 7 }])], { codec, statistics: new StatisticsCollector(columns) })
    expect(await duck.query('select distinct compression c from parquet_metadata($file)', file)).toEqual([{ c: codec.toUpperCase() }])
  })

  test('keeps the field ids of a table that maps its columns', async () => {
    const field = { ...schema.fields[0], name: 'col-1', metadata: { 'delta.columnMapping.id': 17 } } as (typeof schema.fields)[0]
    const columns = { type: 'struct', fields: [field] } as const
    const file = await writeBatches(columns, [batchOfRows(columns, [{ 'col-1': 1n }])], small({ schema: columns }))
    expect(await duck.query('select name, field_id::int id from parquet_schema($file) where field_id is not null', file)).toEqual([
      { name: 'col-1', id: 17 },
    ])
  })
})
