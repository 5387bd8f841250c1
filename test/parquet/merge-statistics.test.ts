// The statistics of several files as those of one. Expected values are reasoned from the protocol; the property holds them
// against statistics collected from all rows at once.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeStatistics, StatisticsCollector } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { batchOfRows } from './files.js'

const stats = (numRecords: number, min: object, max: object, nulls: object, more: object = {}): string =>
  JSON.stringify({ numRecords, minValues: min, maxValues: max, nullCount: nulls, ...more })

/** Of one column `a`: what is said of it in each file, its bounds as JSON texts. */
function merged(type: string, bounds: readonly (readonly [min: string, max: string])[]): unknown {
  const texts = bounds.map(([min, max]) => `{"numRecords":2,"minValues":{"a":${min}},"maxValues":{"a":${max}},"nullCount":{"a":0}}`)
  return mergeStatistics(texts, parseColumns(`a ${type}`))
}

const one = (min: string, max: string, rows = 4): string =>
  `{"numRecords":${rows},"minValues":{"a":${min}},"maxValues":{"a":${max}},"nullCount":{"a":0}}`

describe('bounds are compared as the type orders them', () => {
  test.each([
    ['long', ['9007199254740993', '9007199254740993'], ['9007199254740992', '9007199254740992'], '9007199254740992', '9007199254740993'],
    ['long', ['-9223372036854775808', '5'], ['-3', '9223372036854775807'], '-9223372036854775808', '9223372036854775807'],
    ['integer', ['9', '10'], ['-1', '2'], '-1', '10'],
    ['double', ['1.5', '1e300'], ['-2.25', '3'], '-2.25', '1e+300'],
    ['double', ['0', '0'], ['-0.0', '-0.0'], '-0.0', '0'],
    [
      'decimal(38,2)',
      ['12345678901234567890.25', '12345678901234567890.25'],
      ['12345678901234567890.5', '99999999999999999999'],
      '12345678901234567890.25',
      '99999999999999999999',
    ],
    ['decimal(10,2)', ['1.5', '10'], ['9', '9.99'], '1.5', '10'],
    ['string', ['"B"', '"a"'], ['"Ä"', '"ä"'], '"B"', '"ä"'],
    // Beyond U+FFFF comes after U+FF5E, though not by UTF-16 units.
    ['string', ['"\u{1F600}"', '"\u{1F600}"'], ['"\uFF5E"', '"\uFF5E"'], '"\uFF5E"', '"\u{1F600}"'],
    ['date', ['"2024-01-31"', '"2024-02-01"'], ['"0099-12-31"', '"9999-12-31"'], '"0099-12-31"', '"9999-12-31"'],
    [
      'timestamp',
      ['"2024-01-01T00:00:00.500Z"', '"2024-01-01T00:00:00.500Z"'],
      ['"2024-01-01T00:00:00Z"', '"2024-01-01T01:30:00.000+01:00"'],
      '"2024-01-01T00:00:00Z"',
      '"2024-01-01T01:30:00.000+01:00"',
    ],
    [
      'timestamp_ntz',
      ['"2024-01-01T00:00:00.5"', '"2024-01-01T00:00:00.5"'],
      ['"2024-01-01T00:00:00"', '"2024-01-01T00:00:01"'],
      '"2024-01-01T00:00:00"',
      '"2024-01-01T00:00:01"',
    ],
    ['boolean', ['true', 'true'], ['false', 'false'], 'false', 'true'],
  ] as const)('%s %j %j', (type, first, second, min, max) => {
    expect(merged(type, [first, second])).toBe(one(min, max))
    expect(merged(type, [second, first])).toBe(one(min, max))
  })

  test.each([
    ['a long that is a text', 'long', '"5"'],
    ['a long with a fraction', 'long', '1.5'],
    ['a long beyond any number', 'long', '1e400'],
    ['a double that is a text', 'double', '"NaN"'],
    ['a date that is none', 'date', '"2024-02-30"'],
    ['a timestamp without a zone', 'timestamp', '"2024-01-01T00:00:00"'],
    ['a text that is a number', 'string', '5'],
    ['null', 'long', 'null'],
    ['a struct', 'long', '{"x":1}'],
    ['a list', 'array<long>', '[1]'],
    ['a binary', 'binary', '"x"'],
  ])('%s leaves no bound, and keeps the other counts', (_, type, value) => {
    expect(merged(type, [[value, value]])).toBe('{"numRecords":2,"minValues":{},"maxValues":{},"nullCount":{"a":0}}')
  })
})

describe('what a file does not say', () => {
  const schema = parseColumns('a long, s struct<x:long,y:string>')

  test('makes no statistics where it is everything', () => {
    const good = stats(1, { a: 1 }, { a: 1 }, { a: 0 })
    for (const text of [
      undefined,
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"numRecords":-1}',
      '{"numRecords":"1"}',
      '{"numRecords":1.5}',
      '{"numRecords":1,"tightBounds":1}',
    ])
      expect(mergeStatistics([good, text], schema), String(text)).toBeUndefined()
    expect(mergeStatistics([], schema)).toBeUndefined()
  })

  test('is not said of all: a column that one file says nothing of has no statistics', () => {
    const texts = [
      stats(2, { a: 1, s: { x: 1, y: 'p' } }, { a: 2, s: { x: 3, y: 'q' } }, { a: 0, s: { x: 1, y: 0 } }),
      stats(3, { s: { x: 0 } }, { s: { x: 9 } }, { s: { x: 2, y: 1 } }),
    ]
    expect(mergeStatistics(texts, schema)).toBe(stats(5, { s: { x: 0 } }, { s: { x: 9 } }, { s: { x: 3, y: 1 } }))
  })

  test('does not matter where all its values are null, or it has no rows', () => {
    const texts = [stats(2, { a: 1 }, { a: 2 }, { a: 0 }), stats(3, {}, {}, { a: 3 }), stats(0, {}, {}, { a: 0 })]
    expect(mergeStatistics(texts, parseColumns('a long'))).toBe(stats(5, { a: 1 }, { a: 2 }, { a: 3 }))
  })

  test('a bound of a column that is always null is not believed', () => {
    const texts = [stats(2, { a: 5 }, { a: 6 }, { a: 0 }), stats(3, { a: -9 }, { a: 99 }, { a: 3 })]
    expect(mergeStatistics(texts, parseColumns('a long'))).toBe(stats(5, { a: 5 }, { a: 6 }, { a: 3 }))
  })

  test('more nulls than rows are a sign of damage', () => {
    expect(mergeStatistics([stats(2, {}, {}, { a: 3 })], parseColumns('a long'))).toBeUndefined()
  })

  test('columns that the schema lacks are left out, whatever their names', () => {
    const text =
      '{"numRecords":1,"minValues":{"__proto__":1,"gone":2},"maxValues":{"__proto__":1,"gone":2},"nullCount":{"__proto__":0,"gone":0}}'
    expect(mergeStatistics([text], parseColumns('`__proto__` long'))).toBe(
      '{"numRecords":1,"minValues":{"__proto__":1},"maxValues":{"__proto__":1},"nullCount":{"__proto__":0}}',
    )
    expect(mergeStatistics([text], parseColumns('a long, constructor long'))).toBe(
      '{"numRecords":1,"minValues":{},"maxValues":{},"nullCount":{}}',
    )
  })
})

describe('tight bounds', () => {
  const schema = parseColumns('a long')
  const file = (tightBounds: boolean | undefined, nulls: number): string =>
    stats(2, { a: 1 }, { a: 2 }, { a: nulls }, tightBounds === undefined ? {} : { tightBounds })
  const tightOf = (text: string | undefined): unknown => JSON.parse(text ?? 'null')?.tightBounds

  test('are tight where all are, and not said of where nobody does', () => {
    expect(tightOf(mergeStatistics([file(true, 0), file(undefined, 0)], schema))).toBe(true)
    expect(tightOf(mergeStatistics([file(undefined, 0), file(undefined, 0)], schema))).toBeUndefined()
  })

  test('are wide where one is', () => {
    expect(tightOf(mergeStatistics([file(true, 0), file(false, 0)], schema))).toBe(false)
  })

  test('a count of nulls never says more of wide bounds than the files did: none or all of them only where each says so', () => {
    const nulls = (...counts: number[]): unknown =>
      JSON.parse(
        mergeStatistics(
          counts.map((count) => file(false, count)),
          schema,
        ) ?? 'null',
      ).nullCount.a
    expect(nulls(0, 0)).toBe(0)
    expect(nulls(2, 2)).toBe(4)
    for (const [x, y] of [
      [0, 2],
      [1, 0],
      [2, 1],
      [1, 1],
    ] as const) {
      expect(nulls(x, y)).toBeGreaterThan(0)
      expect(nulls(x, y)).toBeLessThan(4)
    }
  })
})

describe('collected statistics', () => {
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null })
  const COLUMNS = 'a long, d double, s string, day date, at timestamp, p decimal(20,3), st struct<x:integer,y:string>, list array<long>'
  const row = fc.record({
    a: maybe(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    d: maybe(fc.double({ noNaN: true, noDefaultInfinity: true })),
    s: maybe(fc.string({ unit: 'grapheme', maxLength: 50 })),
    day: maybe(
      fc
        .date({ min: new Date('1500-01-01'), max: new Date('9000-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
    ),
    at: maybe(fc.bigInt(-(10n ** 16n), 10n ** 17n)),
    p: maybe(fc.bigInt(-(10n ** 19n), 10n ** 19n).map((n) => `${n / 1000n}.${String(n < 0n ? -n % 1000n : n % 1000n).padStart(3, '0')}`)),
    st: maybe(fc.record({ x: maybe(fc.integer()), y: maybe(fc.string()) })),
    list: maybe(fc.array(maybe(fc.bigInt(0n, 5n)), { maxLength: 2 })),
  })

  test('of parts, merged, are those of the whole', () => {
    const schema = parseColumns(COLUMNS)
    const collect = (rows: readonly object[]): string => {
      const collector = new StatisticsCollector(schema)
      if (rows.length > 0) collector.add(batchOfRows(schema, rows))
      return collector.finish()
    }
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 6 }), { minLength: 1, maxLength: 4 }), (files) => {
        const all = JSON.parse(collect(files.flat()))
        const parts = mergeStatistics(files.map(collect), schema)
        expect(JSON.parse(parts ?? 'null')).toEqual(withoutEmpty(all))
      }),
      { numRuns: 200 },
    )
  })

  // The collector prints empty objects of structs, the merged text leaves them out; they say the same.
  function withoutEmpty(value: Record<string, unknown>): Record<string, unknown> {
    const clean = (one: unknown, depth: number): unknown => {
      if (typeof one !== 'object' || one === null) return one
      const members = Object.entries(one)
        .map(([key, member]) => [key, clean(member, depth + 1)] as const)
        .filter(([, member]) => depth === 0 || typeof member !== 'object' || member === null || Object.keys(member).length > 0)
      return Object.fromEntries(members)
    }
    return clean(value, 0) as Record<string, unknown>
  }
})
