// Columns recoded by the kernel: whatever dictionaries, pages, codecs and nulls the files have, the values are the same, as DuckDB
// and our own decoder find them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesSource,
  createRowGroupEncoder,
  openForSplice,
  openParquet,
  type RewriteOptions,
  rewriteFiles,
} from '../../src/parquet/index.js'
import { ColumnKind } from '../../src/parquet/kernel/column.js'
import { type RecodePart, recodeColumn } from '../../src/parquet/kernel/recode.js'
import { createRecoder } from '../../src/parquet/recode-thread.js'
import { planRecoding } from '../../src/parquet/rewrite-recoded.js'
import { parseColumns } from '../../src/schema/index.js'
import { Duck, MemorySink, readRows, writeRows } from './files.js'

const duck = new Duck()

/** Rewrites files that the kernel must take. */
async function recoded(files: readonly Uint8Array[], columns: string, options: Partial<RewriteOptions> = {}): Promise<Uint8Array> {
  const opened = await Promise.all(files.map((file, i) => openForSplice({ name: `${i}.parquet`, source: bytesSource(file) })))
  const all = { schema: parseColumns(columns), codec: 'snappy', ...options } as const
  expect(await planRecoding(opened, all)).toBeDefined()
  const sink = new MemorySink()
  await rewriteFiles(opened, sink, all)
  return sink.bytes()
}

async function sameInDuck(files: readonly Uint8Array[], made: Uint8Array): Promise<void> {
  const sql = 'select count(*)::integer as n, sum(hash(t)::hugeint) as h from (select * from read_parquet($file)) t'
  const parts = await Promise.all(files.map((file) => duck.query(sql, file)))
  const [whole] = await duck.query(sql, made)
  expect(whole).toEqual({
    n: parts.reduce((sum, [part]) => sum + Number(part?.n), 0),
    h: parts.reduce((sum, [part]) => sum + BigInt((part?.h as bigint | null) ?? 0n), 0n),
  })
}

const COLUMNS =
  'id long, few long, n integer, t short, b byte, f float, d double, s string, words string, yes boolean, day date, at timestamp, small decimal(7,2), middle decimal(18,4), large decimal(38,10)'
const query = (from: number, count: number): string => `select
  i as id, i % 11 as few, (hash(i) % 100000)::integer as n, (i % 30000)::smallint as t, (i % 100)::tinyint as b,
  case when i % 5 = 0 then null else (hash(i) % 1000 / 7.0)::float end as f, case when i % 97 = 0 then 'nan'::double else hash(i)::double / 3 end as d,
  case when i % 3 = 1 then null else md5(i::varchar) end as s, 'wörd ' || (i // 1000) % 7 as words, case when i % 4 = 0 then null else i % 3 = 0 end as yes,
  date '1999-12-31' + (i % 5000)::integer as day, make_timestamptz(i * 1000003) as at,
  ((i % 99999) / 100.0)::decimal(7,2) as small, (i * 1.0001)::decimal(18,4) as middle, (hash(i)::decimal(38,0) / 3)::decimal(38,10) as large
  from range(${from}, ${from + count}) t(i)`

describe('files of DuckDB', () => {
  test.each([
    ['snappy', '', 'snappy'],
    ['zstd, and uncompressed out', 'compression zstd', 'uncompressed'],
    ['lz4, and gzip out', 'compression lz4_raw', 'gzip'],
    ['uncompressed, pages of version 1', 'compression uncompressed', 'snappy'],
    ['several row groups', 'row_group_size 4096', 'snappy'],
  ] as const)('with %s come out the same', async (_, options, codec) => {
    // Timestamps with a zone are microseconds of UTC in the file; decimals of 38 digits take 16 bytes.
    const files = [
      await duck.copy(query(0, 30_000), options),
      await duck.copy(query(30_000, 7), options),
      await duck.copy(query(40_000, 60_001), options),
    ]
    await sameInDuck(files, await recoded(files, COLUMNS, { codec }))
  })

  test('come out the same from threads', async () => {
    const files = [await duck.copy(query(0, 60_000), 'compression uncompressed')]
    expect(files[0]?.length).toBeGreaterThan(4 * 2 ** 20)
    const encoder = createRowGroupEncoder({ threads: 2 })
    try {
      const [first, second] = await Promise.all([recoded(files, COLUMNS, { encoder }), recoded(files, COLUMNS, { encoder })])
      expect(Buffer.compare(first, second)).toBe(0)
      await sameInDuck(files, first)
    } finally {
      await encoder.close()
    }
  })

  test('with texts longer than a page come out the same', async () => {
    const long = (from: number): string =>
      `select i as id, case when i % 2 = 0 then null else repeat(md5(i::varchar), (hash(i) % 20000)::integer) end as s from range(${from}, ${from + 40}) t(i)`
    const files = [await duck.copy(long(0)), await duck.copy(long(40))]
    await sameInDuck(files, await recoded(files, 'id long, s string'))
  })

  test('with a long text repeated often come out as a dictionary, and small', async () => {
    const files = [
      await duck.copy(`select repeat('x', 100000) as s from range(5000)`),
      await duck.copy(`select repeat('y', 100000) as s from range(5000)`),
    ]
    const made = await recoded(files, 's string')
    expect(made.length).toBeLessThan(100_000)
    await sameInDuck(files, made)
  })
})

describe('values', () => {
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 3 })
  const record = fc.record({
    a: maybe(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    few: maybe(fc.bigInt(0n, 3n)),
    s: maybe(fc.oneof(fc.constantFrom('', 'x', 'longer than eight', 'longer than eighu'), fc.string({ unit: 'grapheme', maxLength: 40 }))),
    bin: maybe(fc.uint8Array({ maxLength: 20 })),
    d: maybe(fc.double()),
    yes: maybe(fc.boolean()),
    p: maybe(fc.bigInt(-(10n ** 25n), 10n ** 25n).map((n) => `${n}`)),
  })
  const schema = 'a long, few long, s string, bin binary, d double, yes boolean, p decimal(30,2)'

  test('of any kind come back from any mix of dictionaries, runs and plain pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.array(record, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), fc.constantFrom('auto', 'always', 'never')),
          { minLength: 1, maxLength: 4 },
        ),
        async (files) => {
          // Repeated, so that there are runs and groups of eight.
          const written = await Promise.all(
            files.map(([rows, times, dictionary]) =>
              writeRows(
                schema,
                rows.flatMap((row) => Array(times).fill(row)),
                { dictionary: dictionary as 'auto' },
              ),
            ),
          )
          const made = await recoded(written, schema)
          expect(await readRows(made)).toEqual((await Promise.all(written.map((file) => readRows(file)))).flat())
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  test('that begin to repeat late, or stop, are right on both sides of giving a dictionary up', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({ a: BigInt(i < 10_000 ? i % 5 : i), s: i < 20_000 ? `v${i}` : 'same' }))
    const files = await Promise.all([rows.slice(0, 9000), rows.slice(9000)].map((part) => writeRows('a long, s string', part)))
    const made = await recoded(files, 'a long, s string')
    expect(await readRows(made)).toEqual(rows.map(({ a, s }) => ({ a: Number(a), s })))
  })

  test('zeros of both signs stay apart, and bounds cover both', async () => {
    const made = await recoded([await writeRows('d double', [{ d: 0 }, { d: -0 }, { d: 0 }])], 'd double')
    const values: number[] = []
    for await (const batch of (await openParquet(bytesSource(made), { name: 'x' })).read())
      values.push(...(batch.data.children[0]!.values as Float64Array).slice(0, 3))
    expect(values.map((value) => Object.is(value, -0))).toEqual([false, true, false])
    const [column] = (await openParquet(bytesSource(made), { name: 'x' })).rowGroups[0]?.columns ?? []
    expect(new DataView(column!.minValue!.slice().buffer).getFloat64(0, true)).toBe(-0)
    expect(new DataView(column!.maxValue!.slice().buffer).getFloat64(0, true)).toBe(0)
  })
})

describe('the kernel', () => {
  const task = { kind: ColumnKind.EIGHT_BYTES, width: 8, typeLength: 0, isFloat: false, maxLevel: 1, codec: 1 }

  test('answers nothing for damaged chunks, whatever is damaged, or the very values', async () => {
    const file = await writeRows(
      'a long',
      Array.from({ length: 3000 }, (_, i) => ({ a: i % 7 === 0 ? null : BigInt(i % 50) })),
      { codec: 'snappy' },
    )
    const { rowGroups } = await openParquet(bytesSource(file), { name: 'x' })
    const { offset, compressedSize, codec } = rowGroups[0]!.columns[0]!
    const chunk = file.slice(offset, offset + compressedSize)
    const part: RecodePart = { at: 0, size: chunk.length, codec, typeLength: 0, maxLevel: 1, numRows: 3000 }
    expect(recodeColumn(chunk, task, [part])).toMatchObject({ nullCount: 429 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(chunk.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const damaged = chunk.slice()
          for (const [at, byte] of changes) damaged[at] = byte
          const made = recodeColumn(damaged, task, [part])
          if (made === undefined) return
          // What is taken for sound has as many values as rows, and can be taken again.
          const again: RecodePart = { ...part, size: made.bytes.length, codec: 1 }
          expect(recodeColumn(made.bytes, task, [again])?.nullCount).toBe(made.nullCount)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('answers nothing for fewer or more rows than there are, or nulls where none may be', async () => {
    const file = await writeRows('a long', [{ a: 1n }, { a: null }])
    const { rowGroups } = await openParquet(bytesSource(file), { name: 'x' })
    const { offset, compressedSize, codec } = rowGroups[0]!.columns[0]!
    const chunk = file.slice(offset, offset + compressedSize)
    const part: RecodePart = { at: 0, size: chunk.length, codec, typeLength: 0, maxLevel: 1, numRows: 2 }
    expect(recodeColumn(chunk, task, [part])).toMatchObject({ nullCount: 1 })
    expect(recodeColumn(chunk, task, [{ ...part, numRows: 3 }])).toBeUndefined()
    expect(recodeColumn(chunk, task, [{ ...part, numRows: 1 }])).toBeUndefined()
    expect(recodeColumn(chunk, { ...task, maxLevel: 0 }, [part])).toBeUndefined()
  })

  test('answers the same from a thread, and a closed recoder fails what is under way', async () => {
    const file = await writeRows('a long', [{ a: 1n }, { a: 5n }])
    const { rowGroups } = await openParquet(bytesSource(file), { name: 'x' })
    const { offset, compressedSize, codec } = rowGroups[0]!.columns[0]!
    const bytes = new Uint8Array(new SharedArrayBuffer(compressedSize))
    bytes.set(file.subarray(offset, offset + compressedSize))
    const part: RecodePart = { at: 0, size: compressedSize, codec, typeLength: 0, maxLevel: 1, numRows: 2 }
    const recoder = createRecoder(1)
    const made = await recoder.column(bytes, task, [part])
    expect(made).toEqual(recodeColumn(bytes, task, [part]))
    const pending = recoder.column(bytes, task, [part])
    await Promise.all([expect(pending).rejects.toMatchObject({ code: 'ABORTED' }), recoder.close()])
    await expect(recoder.column(bytes, task, [part])).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('files that the kernel leaves', () => {
  test('in the middle of others go through the decoder, in their place', async () => {
    const plain = await duck.copy(`select i as a from range(100) t(i)`)
    // DELTA_BINARY_PACKED is none of the kernel's encodings.
    const delta = await duck.copy(`select i + 1000000 as a from range(5000) t(i)`, 'parquet_version v2')
    const opened = await Promise.all([plain, delta, plain].map((file, i) => openForSplice({ name: `${i}`, source: bytesSource(file) })))
    const sink = new MemorySink()
    const { stats } = await rewriteFiles(opened, sink, {
      schema: parseColumns('a long'),
      codec: 'snappy',
      statistics: {},
      rowGroupRows: 100,
    })
    const rows = await readRows(sink.bytes())
    expect(rows.map(({ a }) => a)).toEqual([
      ...Array(100).keys(),
      ...Array.from({ length: 5000 }, (_, i) => i + 1_000_000),
      ...Array(100).keys(),
    ])
    expect(JSON.parse(stats ?? '')).toEqual({ numRecords: 5200, minValues: { a: 0 }, maxValues: { a: 1_004_999 }, nullCount: { a: 0 } })
  })
})
