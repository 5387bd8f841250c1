// Statistics of data files. Expected values come from PROTOCOL.md ("Per-file Statistics") and from naive computation.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareText } from '../../src/bytes.js'
import { jsonObject, parseJson } from '../../src/json.js'
import { StatisticsCollector, type StatisticsOptions } from '../../src/parquet/index.js'
import { parseColumns, type StructType } from '../../src/schema/index.js'
import { batchOfRows } from './files.js'

interface Stats {
  numRecords: number
  minValues: Record<string, unknown>
  maxValues: Record<string, unknown>
  nullCount: Record<string, unknown>
}

function text(columns: string | StructType, rows: readonly object[], options?: StatisticsOptions): string {
  const schema = typeof columns === 'string' ? parseColumns(columns) : columns
  const collector = new StatisticsCollector(schema, options)
  // In two batches, so that bounds are carried over.
  const half = rows.length >> 1
  for (const part of [rows.slice(0, half), rows.slice(half)]) if (part.length > 0) collector.add(batchOfRows(schema, part))
  return collector.finish()
}

function stats(columns: string | StructType, rows: readonly object[], options?: StatisticsOptions): Stats {
  return JSON.parse(text(columns, rows, options)) as Stats
}

describe('statistics', () => {
  test('counts, nulls and bounds mirror the schema, nested ones too', () => {
    const rows = [
      { a: 3, s: { x: 5n, y: { z: 'm' } } },
      { a: null, s: null },
      { a: -7, s: { x: null, y: { z: 'b' } } },
      { a: 1, s: { x: 9n, y: null } },
    ]
    expect(stats('a int, s struct<x:long,y:struct<z:string>>', rows)).toEqual({
      numRecords: 4,
      minValues: { a: -7, s: { x: 5, y: { z: 'b' } } },
      maxValues: { a: 3, s: { x: 9, y: { z: 'm' } } },
      nullCount: { a: 1, s: { x: 2, y: { z: 2 } } },
    })
  })

  test('a null under a null parent is counted once and its filler is no bound', () => {
    const rows = [{ s: { x: 5 } }, { s: null }, { s: { x: 7 } }]
    expect(stats('s struct<x:int not null>', rows)).toMatchObject({ minValues: { s: { x: 5 } }, nullCount: { s: { x: 1 } } })
  })

  test('longs and decimals keep every digit', () => {
    const rows = [
      { l: -9_223_372_036_854_775_808n, d: '-9999999999999999999999999999.9999999999', e: '1.10' },
      { l: 9_223_372_036_854_775_807n, d: '12345678901234567890.0000000001', e: '-0.05' },
      { l: 9_007_199_254_740_993n, d: null, e: '100.00' },
    ]
    const json = text('l long, d decimal(38,10), e decimal(5,2)', rows)
    expect(json).toContain('"minValues":{"l":-9223372036854775808,"d":-9999999999999999999999999999.9999999999,"e":-0.05}')
    expect(json).toContain('"maxValues":{"l":9223372036854775807,"d":12345678901234567890.0000000001,"e":100.00}')
    expect(() => parseJson(json)).not.toThrow()
  })

  test('every long order is right, around the borders of the 32-bit words too', () => {
    const long = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constantFrom(0n, -1n, 1n, 2n ** 31n, 2n ** 32n, -(2n ** 31n), -(2n ** 32n), 2n ** 32n - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
    )
    fc.assert(
      fc.property(fc.array(fc.option(long), { minLength: 1, maxLength: 50 }), (values) => {
        const json = text(
          'l long',
          values.map((l) => ({ l })),
        )
        const present = values.filter((v) => v !== null).sort((a, b) => (a < b ? -1 : 1))
        if (present.length === 0) expect(json).toContain('"minValues":{},"maxValues":{}')
        else expect(json).toContain(`"minValues":{"l":${present[0]}},"maxValues":{"l":${present.at(-1)}}`)
        expect(json).toContain(`"nullCount":{"l":${values.length - present.length}}`)
      }),
    )
  })

  test('decimals are ordered as numbers, not as words', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), { minLength: 1, maxLength: 30 }), (values) => {
        const json = text(
          'd decimal(38,0)',
          values.map((d) => ({ d })),
        )
        const sorted = [...values].sort((a, b) => (a < b ? -1 : 1))
        expect(json).toContain(`"minValues":{"d":${sorted[0]}},"maxValues":{"d":${sorted.at(-1)}}`)
      }),
    )
  })

  test('texts are ordered by their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 12 })), { minLength: 1, maxLength: 40 }), (values) => {
        const { minValues, maxValues } = stats(
          's string',
          values.map((s) => ({ s })),
        )
        const present = values.filter((v) => v !== null).sort(compareText)
        expect([minValues.s, maxValues.s]).toEqual([present[0], present.at(-1)])
      }),
    )
  })

  test('texts that share their first bytes are told apart', () => {
    const rows = ['user-0002', 'user-0001', 'user-00010', 'user-0003', 'user-0', 'user-0003\u0000'].map((s) => ({ s }))
    expect(stats('s string', rows)).toMatchObject({ minValues: { s: 'user-0' }, maxValues: { s: 'user-0003\u0000' } })
    expect(stats('s string', [{ s: '' }, { s: '\u0000' }])).toMatchObject({ minValues: { s: '' }, maxValues: { s: '\u0000' } })
  })

  test('a long text is cut to 32 characters; the greatest stays an upper bound', () => {
    const a = 'a'.repeat(40)
    const { minValues, maxValues } = stats('s string', [{ s: a }])
    expect(minValues.s).toBe('a'.repeat(32))
    expect(maxValues.s).toBe(`${'a'.repeat(32)}\u007f`)
    // The next character is beyond ASCII: only the last code point is surely beyond it.
    expect(stats('s string', [{ s: `${'a'.repeat(32)}é` }]).maxValues.s).toBe(`${'a'.repeat(32)}\u{10ffff}`)
    expect(stats('s string', [{ s: `${'a'.repeat(32)}\u007f!` }]).maxValues.s).toBe(`${'a'.repeat(32)}\u{10ffff}`)
    expect(stats('s string', [{ s: 'a'.repeat(32) }]).maxValues.s).toBe('a'.repeat(32))
  })

  test('characters beyond the BMP count once and are never split', () => {
    const emoji = '😀'.repeat(40)
    const { minValues, maxValues } = stats('s string', [{ s: emoji }])
    expect(minValues.s).toBe('😀'.repeat(32))
    expect(maxValues.s).toBe(`${'😀'.repeat(32)}\u{10ffff}`)
  })

  test('a prefix grows past the last code point, and a text of nothing else has no upper bound', () => {
    const last = '\u{10ffff}'
    expect(stats('s string', [{ s: `${'a'.repeat(32)}${last}${last}` }]).maxValues.s).toBe(`${'a'.repeat(32)}${last}${last}`)
    expect(stats('s string', [{ s: `${'a'.repeat(32)}${last}b${'c'.repeat(50)}` }]).maxValues.s).toBe(`${'a'.repeat(32)}${last}\u007f`)
    const none = stats('s string', [{ s: last.repeat(100) }])
    expect(none.maxValues).toEqual({})
    expect(none.minValues.s).toBe(last.repeat(32))
  })

  test('every text lies between its bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 100 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (values, stringPrefixLength) => {
          const { minValues, maxValues } = stats(
            's string',
            values.map((s) => ({ s })),
            { stringPrefixLength },
          )
          for (const value of values) {
            expect(compareText(minValues.s as string, value)).toBeLessThanOrEqual(0)
            if ('s' in maxValues) expect(compareText(maxValues.s as string, value)).toBeGreaterThanOrEqual(0)
          }
        },
      ),
    )
  })

  test('timestamps are floored to milliseconds, before 1970 too', () => {
    const rows = [
      { t: -1n, n: '1969-12-31T23:59:59.999999' },
      { t: 1_700_000_000_123_999n, n: '2023-11-14T22:13:20.123999' },
    ]
    const { minValues, maxValues } = stats('t timestamp, n timestamp_ntz', rows)
    expect(minValues).toEqual({ t: '1969-12-31T23:59:59.999Z', n: '1969-12-31T23:59:59.999' })
    expect(maxValues).toEqual({ t: '2023-11-14T22:13:20.123Z', n: '2023-11-14T22:13:20.123' })
  })

  test('dates are dates, and years that readers disagree about have no bound', () => {
    expect(stats('d date', [{ d: '0001-01-01' }, { d: '9999-12-31' }])).toMatchObject({
      minValues: { d: '0001-01-01' },
      maxValues: { d: '9999-12-31' },
    })
    expect(stats('d date', [{ d: '-0001-01-01' }, { d: '2024-02-29' }])).toMatchObject({ minValues: {}, maxValues: { d: '2024-02-29' } })
    expect(stats('t timestamp', [{ t: 2n ** 62n }, { t: 0n }])).toMatchObject({
      minValues: { t: '1970-01-01T00:00:00.000Z' },
      maxValues: {},
    })
  })

  test('a column with NaN has no bounds, one with an infinity lacks that bound', () => {
    expect(stats('d double', [{ d: 1 }, { d: Number.NaN }])).toMatchObject({ minValues: {}, maxValues: {}, nullCount: { d: 0 } })
    expect(stats('f float', [{ f: Number.NaN }])).toMatchObject({ minValues: {}, maxValues: {} })
    expect(stats('d double', [{ d: 1 }, { d: Number.POSITIVE_INFINITY }])).toMatchObject({ minValues: { d: 1 }, maxValues: {} })
    expect(stats('d double', [{ d: Number.NEGATIVE_INFINITY }])).toMatchObject({ minValues: {}, maxValues: {} })
  })

  test('a zero bound covers both zeros', () => {
    expect(text('d double', [{ d: 0 }, { d: -0 }])).toContain('"minValues":{"d":-0.0},"maxValues":{"d":0}')
    expect(text('d double', [{ d: -0 }, { d: 0 }])).toContain('"minValues":{"d":-0.0},"maxValues":{"d":0}')
    expect(text('d double', [{ d: 0 }, { d: 1 }])).toContain('"minValues":{"d":0}')
    expect(text('d double', [{ d: -1 }, { d: -0 }])).toContain('"maxValues":{"d":0}')
  })

  test('a float bound is the exact value of the float', () => {
    const value = Math.fround(0.1)
    expect(text('f float', [{ f: 0.1 }])).toContain(`"minValues":{"f":${value}},"maxValues":{"f":${value}}`)
  })

  test('booleans, binaries, arrays and maps have null counts only', () => {
    const rows = [
      { t: true, b: Uint8Array.of(1), a: [1], m: new Map([['k', 1]]) },
      { t: null, b: null, a: null, m: null },
      { t: false, b: null, a: [null], m: null },
    ]
    expect(stats('t boolean, b binary, a array<int>, m map<string,int>', rows)).toEqual({
      numRecords: 3,
      minValues: {},
      maxValues: {},
      nullCount: { t: 1, b: 2, a: 1, m: 2 },
    })
  })

  test('a column of nulls has no bounds', () => {
    const columns = 'a int, b long, c double, d decimal(5,2), e string, f date, g timestamp'
    const all = stats(columns, [{}, {}, {}])
    expect(all).toMatchObject({ minValues: {}, maxValues: {}, nullCount: { a: 3, b: 3, c: 3, d: 3, e: 3, f: 3, g: 3 } })
  })

  test('only the first 32 leaves are indexed, counted through structs', () => {
    const fields = Array.from({ length: 20 }, (_, i) => `c${i} int`).join(', ')
    const inner = Array.from({ length: 20 }, (_, i) => `d${i}:int`).join(',')
    const { nullCount } = stats(`${fields}, s struct<${inner}>, last int`, [{}])
    expect(Object.keys(nullCount)).toHaveLength(21)
    expect(Object.keys(nullCount.s as object)).toHaveLength(12)
    expect(Object.keys(stats(`${fields}, s struct<${inner}>, last int`, [{}], { numIndexedCols: -1 }).nullCount)).toContain('last')
    expect(stats(fields, [{}], { numIndexedCols: 0 }).nullCount).toEqual({})
  })

  test('named columns alone are indexed; a struct stands for its leaves, a dotted name for itself', () => {
    const columns = 'a int, `b.c` int, b struct<c:int,d:int>, e struct<f:int>'
    expect(stats(columns, [{}], { columns: [['b', 'd'], 'e'] }).nullCount).toEqual({ b: { d: 1 }, e: { f: 1 } })
    expect(stats(columns, [{}], { columns: ['b.c', 'a', 'absent'] }).nullCount).toEqual({ a: 1, 'b.c': 1 })
    expect(stats('b struct<c:int,d:int>', [{}], { columns: ['b.c'] }).nullCount).toEqual({ b: { c: 1 } })
  })

  test('columns named like parts of objects are columns', () => {
    expect(text('`__proto__` int, `constructor` string', [{ ['__proto__']: 5, constructor: 'x' }])).toBe(
      '{"numRecords":1,"minValues":{"__proto__":5,"constructor":"x"},"maxValues":{"__proto__":5,"constructor":"x"},"nullCount":{"__proto__":0,"constructor":0}}',
    )
  })

  test('slices of a batch count their own rows only', () => {
    const schema = parseColumns('i int, s string, st struct<x:int>')
    const rows = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? {} : { i, s: `${i + 100}`, st: i % 5 === 0 ? null : { x: i } }))
    const batch = batchOfRows(schema, rows)
    const collector = new StatisticsCollector(schema)
    collector.add(batch.slice(13, 27))
    const part = rows.slice(13, 27) as { i?: number; st?: { x: number } | null }[]
    const present = part.filter((r) => r.i !== undefined).map((r) => r.i as number)
    const inner = part.filter((r) => r.st != null).map((r) => r.st!.x)
    expect(JSON.parse(collector.finish())).toEqual({
      numRecords: 14,
      minValues: { i: Math.min(...present), s: `${Math.min(...present) + 100}`, st: { x: Math.min(...inner) } },
      maxValues: { i: Math.max(...present), s: `${Math.max(...present) + 100}`, st: { x: Math.max(...inner) } },
      nullCount: { i: 14 - present.length, s: 14 - present.length, st: { x: 14 - inner.length } },
    })
  })

  test('a batch of another type is refused instead of giving wrong bounds', () => {
    const batch = batchOfRows(parseColumns('a int'), [{ a: 1 }])
    expect(() => new StatisticsCollector(parseColumns('a long')).add(batch)).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
    expect(() => new StatisticsCollector(parseColumns('b int')).add(batch)).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
  })

  test('void columns take a place among the first leaves but are in no statistics', () => {
    const schema: StructType = {
      type: 'struct',
      fields: [{ name: 'v', dataType: { type: 'void' }, nullable: true, metadata: jsonObject() }, ...parseColumns('a int, b int').fields],
    }
    expect(stats(schema, [{ a: 1, b: 2 }], { numIndexedCols: 2 }).nullCount).toEqual({ a: 0 })
  })
})
