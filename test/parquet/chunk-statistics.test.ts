// Footer statistics from our own bounds, against those that the codec makes of the same values.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { greatestTextChunkBound, leastTextChunkBound } from '../../src/parquet/chunk-statistics.js'
import { bytesSource, openParquet, StatisticsCollector } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { batchOfRows, Duck, writeBatches } from './files.js'

const duck = new Duck()
const COLUMNS =
  'b byte, sh short, i int, l long, f float, d double, s string, t boolean, bin binary, dt date, ts timestamp, n timestamp_ntz, ' +
  'd5 decimal(5,2), d18 decimal(18,4), d38 decimal(38,10), st struct<a:int,s:string>, `x.y` int, last long'
const schema = parseColumns(COLUMNS)

const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 5 })
const unscaled = (digits: number, scale: number): fc.Arbitrary<string> =>
  fc
    .bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n })
    .map(
      (n) =>
        `${n < 0n ? '-' : ''}${(n < 0n ? -n : n) / 10n ** BigInt(scale)}.${String((n < 0n ? -n : n) % 10n ** BigInt(scale)).padStart(scale, '0')}`,
    )
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
const rowArbitrary = fc.record({
  b: nullable(fc.integer({ min: -128, max: 127 })),
  sh: nullable(fc.integer({ min: -32768, max: 32767 })),
  i: nullable(fc.integer()),
  l: nullable(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  f: nullable(fc.float({ noNaN: true })),
  d: nullable(fc.double({ noNaN: true })),
  s: nullable(fc.string({ unit: 'grapheme', maxLength: 12 })),
  t: nullable(fc.boolean()),
  bin: nullable(fc.uint8Array({ maxLength: 5 })),
  dt: nullable(fc.integer({ min: 0, max: 20_000 }).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10))),
  ts: nullable(micros),
  n: nullable(fc.integer({ min: 0, max: 2 ** 40 }).map((ms) => new Date(ms).toISOString().slice(0, -1))),
  d5: nullable(unscaled(5, 2)),
  d18: nullable(unscaled(18, 4)),
  d38: nullable(unscaled(38, 10)),
  st: nullable(fc.record({ a: fc.integer(), s: fc.string() })),
  'x.y': nullable(fc.integer()),
  last: nullable(fc.constant(null)),
})

async function chunksOf(bytes: Uint8Array): Promise<object[][]> {
  const file = await openParquet(bytesSource(bytes), { name: 'test.parquet' })
  return file.rowGroups.map(({ columns }) =>
    columns.map(({ path, minValue, maxValue, nullCount, numValues }) => ({ path, minValue, maxValue, nullCount, numValues })),
  )
}

describe('footer statistics', () => {
  test('are those that the codec makes, in every row group, for every type', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 30 }),
        async (rows, rowGroupRows) => {
          const batch = batchOfRows(schema, rows)
          const ours = await writeBatches(schema, [batch], { rowGroupRows, statistics: new StatisticsCollector(schema) })
          const theirs = await writeBatches(schema, [batch], { rowGroupRows })
          expect(await chunksOf(ours)).toEqual(await chunksOf(theirs))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('of the file do not depend on how rows fall into row groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowArbitrary, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 30 }),
        async (rows, rowGroupRows) => {
          const batch = batchOfRows(schema, rows)
          const whole = new StatisticsCollector(schema)
          whole.add(batch)
          const grouped = new StatisticsCollector(schema)
          await writeBatches(schema, [batch], { rowGroupRows, statistics: grouped })
          expect(grouped.finish()).toBe(whole.finish())
        },
      ),
      { numRuns: 60 },
    )
  })

  test('have no bounds where a NaN is among the values, and those of other row groups stay', async () => {
    const columns = parseColumns('f float, d double')
    const values = [1, 2, Number.NaN, 3, 5, 4]
    const batch = batchOfRows(
      columns,
      values.map((v) => ({ f: v, d: v })),
    )
    const statistics = new StatisticsCollector(columns)
    const groups = await chunksOf(await writeBatches(columns, [batch], { rowGroupRows: 2, statistics }))
    const doubles = groups.map((chunks) => chunks[1] as { minValue?: Uint8Array; maxValue?: Uint8Array; nullCount?: number })
    const number = (bytes?: Uint8Array): number | undefined => (bytes === undefined ? undefined : Buffer.from(bytes).readDoubleLE())
    expect(doubles.map(({ minValue, maxValue, nullCount }) => [number(minValue), number(maxValue), nullCount])).toEqual([
      [1, 2, 0],
      [undefined, undefined, 0],
      [4, 5, 0],
    ])
    expect(JSON.parse(statistics.finish())).toEqual({ numRecords: 6, minValues: {}, maxValues: {}, nullCount: { f: 0, d: 0 } })
  })

  // Parquet, "TypeDefinedOrder" of floats: zeros of both signs may lie between.
  test('of zeros take both signs in', async () => {
    const columns = parseColumns('f float, d double')
    const batch = batchOfRows(columns, [{ f: 0, d: -0 }])
    const [[f, d]] = (await chunksOf(await writeBatches(columns, [batch], { statistics: new StatisticsCollector(columns) }))) as [
      { minValue: Uint8Array; maxValue: Uint8Array }[],
    ]
    expect([f?.minValue, f?.maxValue]).toEqual([Uint8Array.of(0, 0, 0, 128), Uint8Array.of(0, 0, 0, 0)])
    expect([d?.minValue.at(7), d?.maxValue.at(7)]).toEqual([128, 0])
  })

  test("of columns that are not counted are the codec's", async () => {
    const columns = parseColumns('a int, b int')
    const batch = batchOfRows(columns, [
      { a: 1, b: 2 },
      { a: 3, b: null },
    ])
    const statistics = new StatisticsCollector(columns, { columns: ['a'] })
    const ours = await writeBatches(columns, [batch], { rowGroupRows: 2, statistics })
    expect(await chunksOf(ours)).toEqual(await chunksOf(await writeBatches(columns, [batch])))
  })

  test('another engine prunes with them and finds every row', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      i,
      l: BigInt(i) * 10_000_000_000n,
      s: `${String(i).padStart(4, '0')}${'é'.repeat(40)}`,
      d: i / 2 - 100,
    }))
    const columns = parseColumns('i int, l long, s string, d double')
    const bytes = await writeBatches(columns, [batchOfRows(columns, rows)], {
      rowGroupRows: 100,
      statistics: new StatisticsCollector(columns),
    })
    for (const i of [0, 99, 100, 555, 999]) {
      const { l, s, d } = rows[i] as (typeof rows)[number]
      for (const predicate of [`i = ${i}`, `l = ${l}`, `s = '${s}'`, `d = ${d}`, `s >= '${s}' and i <= ${i}`]) {
        expect(await duck.query(`select i from $file where ${predicate}`, bytes), predicate).toEqual([{ i }])
      }
    }
  })
})

describe('bounds of long texts', () => {
  test('lie on both sides of the text, whatever its characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 10, maxLength: 100 }), (text) => {
        const bytes = encodeUtf8(text)
        const least = leastTextChunkBound(bytes)
        const greatest = greatestTextChunkBound(bytes)
        expect(Buffer.compare(least.bytes, bytes)).toBeLessThanOrEqual(0)
        expect(least.bytes.length).toBeLessThanOrEqual(64)
        if (greatest !== undefined) expect(Buffer.compare(greatest.bytes, bytes)).toBeGreaterThanOrEqual(0)
        expect(least.isExact).toBe(bytes.length <= 64)
      }),
    )
  })

  test('step over what is no character', () => {
    const text = encodeUtf8(`${'a'.repeat(61)}\ud7ff and more`)
    expect(greatestTextChunkBound(text)?.bytes).toEqual(encodeUtf8(`${'a'.repeat(61)}\ue000`))
  })

  test('are left out where no character is greater', () => {
    expect(greatestTextChunkBound(encodeUtf8('\u{10ffff}'.repeat(30)))).toBeUndefined()
    expect(greatestTextChunkBound(encodeUtf8(`b${'\u{10ffff}'.repeat(30)}`))?.bytes).toEqual(encodeUtf8('c'))
  })
})
