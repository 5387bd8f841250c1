// Files rewritten as one: every row in its order, under the schema that the table writes, in row groups of a good size.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFooter } from '../../src/parquet/footer.js'
import { bytesSource, openForSplice, openParquet, type RewriteOptions, rewriteFiles, StatisticsCollector } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { batchOfRows, Duck, MemorySink, readRows, writeRows } from './files.js'

const duck = new Duck()

async function rewrite(
  files: readonly Uint8Array[],
  columns: string,
  options: Partial<RewriteOptions> = {},
): Promise<{ bytes: Uint8Array; stats: string | undefined }> {
  const opened = await Promise.all(files.map((file, i) => openForSplice({ name: `${i}.parquet`, source: bytesSource(file) })))
  const sink = new MemorySink()
  const { sizeBytes, numRows, stats } = await rewriteFiles(opened, sink, { schema: parseColumns(columns), codec: 'snappy', ...options })
  const bytes = sink.bytes()
  expect(sizeBytes).toBe(bytes.length)
  expect(numRows).toBe(opened.reduce((sum, file) => sum + file.numRows, 0))
  return { bytes, stats }
}

function footerOf(file: Uint8Array): ReturnType<typeof parseFooter> {
  const length = new DataView(file.buffer, file.byteOffset, file.length).getUint32(file.length - 8, true)
  return parseFooter(file.subarray(file.length - 8 - length, file.length - 8), 'test')
}

const FLAT = `id long not null, n integer, t short, b byte, f float, d double, s string, bin binary, yes boolean, day date, at timestamp,
  local timestamp_ntz, small decimal(7,2), middle decimal(18,4), large decimal(38,10)`
const NESTED = `${FLAT}, list array<string>, m map<string,long>, st struct<x:integer,y:array<struct<z:string>>>`

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 4 })
const flat = {
  id: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  n: maybe(fc.integer()),
  t: maybe(fc.integer({ min: -32768, max: 32767 })),
  b: maybe(fc.integer({ min: -128, max: 127 })),
  f: maybe(fc.float()),
  d: maybe(fc.double()),
  s: maybe(fc.oneof(fc.constantFrom('x', 'y', ''), fc.string({ unit: 'grapheme' }))),
  bin: maybe(fc.uint8Array({ maxLength: 9 })),
  yes: maybe(fc.boolean()),
  day: maybe(fc.constantFrom('1969-12-31', '2024-02-29', '9999-12-31')),
  at: maybe(fc.bigInt(-(10n ** 15n), 10n ** 15n)),
  local: maybe(fc.constantFrom('2024-01-01T00:00:00.000001', '1900-05-06T07:08:09')),
  small: maybe(fc.constantFrom('1.25', '-99999.99')),
  middle: maybe(fc.constantFrom('12345678901234.5678', '-0.0001')),
  large: maybe(fc.constantFrom('1234567890123456789012345678.0123456789', '-1.5')),
}
const nested = {
  ...flat,
  list: maybe(fc.array(maybe(fc.string({ maxLength: 4 })), { maxLength: 4 })),
  m: maybe(fc.array(fc.tuple(fc.constantFrom('k1', 'k2'), maybe(fc.bigInt(0n, 9n))), { maxLength: 1 })),
  st: maybe(
    fc.record({ x: maybe(fc.integer()), y: maybe(fc.array(fc.record({ z: maybe(fc.string({ maxLength: 3 })) }), { maxLength: 2 })) }),
  ),
}

describe.each([
  ['flat columns', FLAT, flat],
  ['nested ones too', NESTED, nested],
] as const)('rows of %s', (_, columns, shape) => {
  test('come back from any files in their order, with the statistics of the whole', async () => {
    const schema = parseColumns(columns)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.record(shape), { maxLength: 20 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('snappy', 'zstd', 'uncompressed', 'gzip', 'lz4_raw'),
        fc.constantFrom('snappy', 'zstd', 'uncompressed', 'gzip', 'lz4_raw'),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 5, max: 60 }),
        async (files, from, to, groupsFrom, groupsTo) => {
          const written = await Promise.all(
            files.map((rows) => writeRows(columns, rows, { codec: from as 'snappy', rowGroupRows: groupsFrom })),
          )
          const { bytes, stats } = await rewrite(written, columns, { codec: to as 'snappy', rowGroupRows: groupsTo, statistics: {} })
          expect(await readRows(bytes)).toEqual((await Promise.all(written.map((file) => readRows(file)))).flat())
          const collector = new StatisticsCollector(schema)
          const rows = files.flat()
          if (rows.length > 0) collector.add(batchOfRows(schema, rows))
          expect(JSON.parse(stats ?? 'null')).toEqual(JSON.parse(collector.finish()))
        },
      ),
      { numRuns: 40 },
    )
  }, 90_000)
})

describe('the new file', () => {
  const query = (from: number, count: number): string =>
    `select i as id, i % 7 as n, 'text ' || i % 13 as s, md5(i::varchar) as token, case when i % 3 = 0 then null else i / 7.0::double end as d, i % 2 = 0 as yes, date '2024-01-01' + (i % 400)::integer as day from range(${from}, ${from + count}) t(i)`
  const columns = 'id long, n long, s string, token string, d double, yes boolean, day date'

  test('has the rows of files of DuckDB, as DuckDB reads them', async () => {
    const files = await Promise.all(Array.from({ length: 30 }, (_, i) => duck.copy(query(i * 700, 700), i % 2 ? 'compression zstd' : '')))
    const { bytes } = await rewrite(files, columns)
    const [whole] = await duck.query(
      'select count(*)::integer as n, sum(hash(t)::hugeint) as h from (select * from read_parquet($file)) t',
      bytes,
    )
    const [wanted] = await duck.query(`select count(*)::integer as n, sum(hash(t)::hugeint) as h from (${query(0, 21_000)}) t`)
    expect(whole).toEqual(wanted)
    expect((await duck.query('select id from read_parquet($file)', bytes)).map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 21_000 }, (_, i) => i),
    )
  })

  test('has one row group of many small ones', async () => {
    const files = await Promise.all(Array.from({ length: 10 }, (_, i) => duck.copy(query(i * 700, 700))))
    expect(footerOf((await rewrite(files, columns)).bytes).rowGroups.map(({ numRows }) => numRows)).toEqual([7000])
  })

  test('has bounds in its footer that filter as they should', async () => {
    const { bytes } = await rewrite([await duck.copy(query(0, 1000)), await duck.copy(query(1000, 1000))], columns)
    const facts = await duck.query(
      `select path_in_schema as p, stats_min_value as lo, stats_max_value as hi, stats_null_count as nulls from parquet_metadata($file)`,
      bytes,
    )
    const of = (name: string): unknown => facts.find(({ p }) => p === name)
    expect(of('id')).toMatchObject({ lo: '0', hi: '1999', nulls: 0n })
    expect(of('s')).toMatchObject({ lo: 'text 0', hi: 'text 9' })
    expect(of('d')).toMatchObject({ nulls: 667n })
    expect(of('day')).toMatchObject({ lo: '2024-01-01' })
  })

  test('has the schema that the writer of tables writes, whatever the files had', async () => {
    const rows = [{ id: 1n, n: 2n, s: 'x', token: 'y', d: 0.5, yes: true, day: '2024-01-01' }]
    const own = footerOf(await writeRows(columns, rows))
    const { bytes } = await rewrite([await duck.copy(query(0, 100))], columns)
    const schemaOf = ({ bytes: footer, fields }: typeof own): Uint8Array => {
      const field = fields.find(({ id }) => id === 2)!
      return footer.slice(field.start, field.end)
    }
    expect(schemaOf(footerOf(bytes))).toEqual(schemaOf(own))
  })

  test('has nulls where a file lacks a column, and no column that the schema lacks', async () => {
    const files = [await writeRows('a long, gone long', [{ a: 1n, gone: 9n }]), await writeRows('b string, a long', [{ a: 2n, b: 'x' }])]
    expect(await readRows((await rewrite(files, 'a long, b string')).bytes)).toEqual([
      { a: 1, b: null },
      { a: 2, b: 'x' },
    ])
  })

  test('has columns widened, where the table was', async () => {
    const files = [await writeRows('a integer', [{ a: 1 }]), await writeRows('a long', [{ a: 2n ** 40n }])]
    expect(await readRows((await rewrite(files, 'a long')).bytes)).toEqual([{ a: 1 }, { a: 2 ** 40 }])
  })

  test('is empty where all files are', async () => {
    const { bytes, stats } = await rewrite([await writeRows('a long', [])], 'a long', { statistics: {} })
    expect((await openParquet(bytesSource(bytes), { name: 'x' })).numRows).toBe(0)
    expect(JSON.parse(stats ?? '')).toMatchObject({ numRecords: 0 })
  })
})

describe('rewriting fails', () => {
  test('for a null in a column that must have none', async () => {
    const file = await writeRows('a long', [{ a: null }])
    await expect(rewrite([file], 'a long not null')).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  })

  test('for damaged pages, with the name of the file', async () => {
    const file = await writeRows(
      'a long, s string',
      Array.from({ length: 500 }, (_, i) => ({ a: BigInt(i), s: `s${i}` })),
      { codec: 'snappy' },
    )
    const damaged = file.slice()
    damaged.fill(0xff, 10, 60)
    await expect(rewrite([file, damaged], 'a long, s string')).rejects.toMatchObject({ code: 'CORRUPT_DATA', facts: { path: '1.parquet' } })
  })

  test('for columns of another kind', async () => {
    await expect(rewrite([await writeRows('a string', [{ a: 'x' }])], 'a long')).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
  })

  test('when it is told to stop, and with the errors of source and sink', async () => {
    const file = await writeRows('a long', [{ a: 1n }])
    const opened = await openForSplice({ name: 'x', source: bytesSource(file) })
    const schema = parseColumns('a long')
    const options = { schema, codec: 'snappy' } as const
    await expect(rewriteFiles([opened], new MemorySink(), { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    const gone = { ...opened, source: { ...opened.source, read: () => Promise.reject(new Error('the disk is gone')) } }
    await expect(rewriteFiles([opened, gone, gone], new MemorySink(), options)).rejects.toThrow('the disk is gone')
    await expect(rewriteFiles([opened], { write: () => Promise.reject(new Error('full')) }, options)).rejects.toThrow('full')
  })
})
