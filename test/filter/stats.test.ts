// Statistics texts as they are found in tables: exact where they are exact, widened where writers cut, unknown where odd.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ColumnBounds, parseStatsBounds, type StatsColumn, StatsIndex } from '../../src/filter/index.js'
import type { DataType } from '../../src/schema/index.js'

function bound(type: DataType, min: string, max = min): ColumnBounds | undefined {
  const text = `{"numRecords":2,"minValues":{"c":${min}},"maxValues":{"c":${max}},"nullCount":{"c":0}}`
  return parseStatsBounds(text, [{ path: ['c'], type }]).get(['c'])
}

function ends(type: DataType, min: string, max = min): unknown[] {
  const found = bound(type, min, max)
  return [found?.min, found?.max].map((end) => (end instanceof Uint8Array ? Buffer.from(end).toString('latin1') : end))
}

const LONG: DataType = { type: 'long' }
const COLUMN: StatsColumn = { path: ['c'], type: LONG }
const UNKNOWN = [undefined, undefined]
const micros = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n

describe('reading statistics', () => {
  it('reads counts and bounds of the columns asked for, nested ones too', () => {
    const text =
      '{"numRecords":3,"minValues":{"a":1,"b":{"c":{"d":"x"}},"z":[1,{"q":"}"}]},"maxValues":{"b":{"c":{"d":"y"}},"a":2},"nullCount":{"a":0,"b":{"c":{"d":3}}},"tightBounds":true}'
    const bounds = parseStatsBounds(text, [
      { path: ['a'], type: LONG },
      { path: ['b', 'c', 'd'], type: { type: 'string' } },
      { path: ['z'], type: LONG },
    ])
    expect(bounds.numRecords).toBe(3)
    expect(bounds.get(['a'])).toEqual({ min: 1n, max: 2n, nullCount: 0, numRecords: 3, maxCoversNaN: false })
    expect(bounds.get(['b', 'c', 'd'])).toMatchObject({ min: Uint8Array.of(0x78), max: Uint8Array.of(0x79), nullCount: 3 })
    expect(bounds.get(['z'])).toMatchObject({ min: undefined, max: undefined, nullCount: undefined })
    expect(bounds.get(['b'])).toBeUndefined()
  })

  it('reads statistics under the physical names of mapped columns', () => {
    const bounds = parseStatsBounds('{"minValues":{"col-1f":{"col-2e":7}}}', [
      { path: ['s', 'n'], type: LONG, statsPath: ['col-1f', 'col-2e'] },
    ])
    expect(bounds.get(['s', 'n'])?.min).toBe(7n)
    expect(bounds.get(['col-1f', 'col-2e'])).toBeUndefined()
  })

  it('knows names with escapes, and __proto__ as a name like any other', () => {
    const text = '{"minValues":{"a\\"b":1,"\\u0063":2,"__proto__":3,"d\\\\":4}}'
    const columns = ['a"b', 'c', '__proto__', 'd\\'].map((name) => ({ path: [name], type: LONG }))
    const bounds = parseStatsBounds(text, columns)
    expect(columns.map(({ path }) => bounds.get(path)?.min)).toEqual([1n, 2n, 3n, 4n])
    expect(parseStatsBounds('{"minValues":{}}', columns).get(['__proto__'])?.min).toBeUndefined()
  })

  it.each([
    '',
    ' ',
    'null',
    '5',
    '[]',
    '"text"',
    '{',
    '{"numRecords":3',
    '{"numRecords":3,"minValues":{"c":1},"max',
    '{"numRecords":3,"minValues":{"c":1}}}',
    '{"numRecords":3,"minValues":{"c":1}} {}',
    '{"numRecords":3,"minValues":{"c":1},}',
    '{"numRecords":3 "minValues":{"c":1}}',
    '{"numRecords":3,"minValues":{"c":1,"c":2}}',
    '{"minValues":{"c":1},"minValues":{"d":2},"numRecords":3}',
    '{"numRecords":3,"numRecords":4,"minValues":{"c":1}}',
    "{'numRecords':3,'minValues':{'c':1}}",
    '{numRecords:3,"minValues":{"c":1}}',
    '{"stats_json":"{\\"numRecords\\":3,\\"minValues\\":{\\"c\\":1}}"}',
    '{"numRecords":"3","minValues":[1],"maxValues":"c","nullCount":5}',
    '{"numRecords":-3,"minValues":null}',
    '{"numRecords":3.5}',
    '{"minValues":{"c":{"d":1}},"nullCount":{"c":{"d":1}}}',
    '{"minValues":{"c":[1]},"maxValues":{"c":null},"nullCount":{"c":"0"}}',
    '{"minValues":{"c":"1"},"maxValues":{"c":true}}',
  ])('takes a malformed or odd text as knowing nothing: %s', (text) => {
    const bounds = parseStatsBounds(text, [COLUMN])
    const { min, max, nullCount, numRecords } = bounds.get(['c']) ?? {}
    expect([bounds.numRecords, min, max, nullCount, numRecords]).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it('knows nothing of a file without statistics', () => {
    expect(parseStatsBounds(undefined, [COLUMN]).get(['c'])).toBeUndefined()
  })

  it('never fails, whatever the text', () => {
    const good = '{"numRecords":3,"minValues":{"c":1,"x":{"y":"\\"z"}},"maxValues":{"c":2},"nullCount":{"c":0}}'
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), fc.nat(good.length), fc.nat(5), (junk, at, cut) => {
        parseStatsBounds(junk, [COLUMN])
        const damaged = parseStatsBounds(good.slice(0, at) + junk.slice(0, 3) + good.slice(at + cut), [COLUMN]).get(['c'])
        // What is read at all is read as a JSON parser would.
        if (damaged?.min !== undefined) expect(typeof damaged.min).toBe('bigint')
      }),
      { numRuns: 2000 },
    )
  })

  it('walks deep and long texts without recursion', () => {
    const deep = `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)},"minValues":{"c":1}}`
    expect(parseStatsBounds(deep, [COLUMN]).get(['c'])?.min).toBe(1n)
  })

  it('agrees with JSON.parse on any statistics object', () => {
    const names = fc.constantFrom('a', 'b', 'odd "name"', '\u{1f600}', '__proto__')
    const values = fc.dictionary(names, fc.oneof(fc.integer(), fc.constant(null), fc.string()), { noNullPrototype: false })
    fc.assert(
      fc.property(values, values, fc.nat(1000), fc.constantFrom(undefined, 2), (minValues, maxValues, numRecords, indent) => {
        const text = JSON.stringify({ extra: [minValues, { deep: maxValues }], minValues, maxValues, numRecords }, null, indent)
        const parsed = JSON.parse(text) as { minValues: object; maxValues: object }
        for (const name of ['a', 'b', 'odd "name"', '\u{1f600}', '__proto__']) {
          const bounds = parseStatsBounds(text, [{ path: [name], type: LONG }])
          const expected = (object: object): unknown => {
            const value = Object.getOwnPropertyDescriptor(object, name)?.value
            return typeof value === 'number' ? BigInt(value) : undefined
          }
          expect(bounds.numRecords).toBe(numRecords)
          expect(bounds.get([name])?.min).toBe(expected(parsed.minValues))
          expect(bounds.get([name])?.max).toBe(expected(parsed.maxValues))
        }
      }),
    )
  })
})

describe('bounds of each type', () => {
  it('keeps longs exact', () => {
    expect(ends(LONG, '9007199254740993')).toEqual([9007199254740993n, 9007199254740993n])
    expect(ends(LONG, '-9223372036854775808', '9223372036854775807')).toEqual([-(2n ** 63n), 2n ** 63n - 1n])
    expect(ends(LONG, '-5', '1e3')).toEqual([-5n, 1000n])
    // A fraction does not belong there; rounded outward it still bounds.
    expect(ends(LONG, '1.5', '2.5')).toEqual([1n, 3n])
    expect(ends(LONG, '-1.5', '-1.5')).toEqual([-2n, -1n])
    expect(ends(LONG, '1e999999999', '1e999999999')).toEqual(UNKNOWN)
  })

  it('keeps decimals exact, as numbers or not at all', () => {
    const type: DataType = { type: 'decimal', precision: 38, scale: 2 }
    expect(ends(type, '1.5', '12345678901.23')).toEqual([150n, 1234567890123n])
    expect(ends(type, '0.001', '0.001')).toEqual([0n, 1n])
    expect(ends(type, '"1.5"')).toEqual(UNKNOWN)
  })

  it('moves bounds of long decimals out by what a double rounds away', () => {
    // As delta-rs wrote a column of decimal(20,3) whose greatest value is 12345678901234567.891.
    const type: DataType = { type: 'decimal', precision: 20, scale: 3 }
    const [, max] = ends(type, '0.3', '1.2345678901234568e+16')
    expect(max).toBeGreaterThanOrEqual(12345678901234567891n)
    // Above 10^15 a double cannot hold two digits after the point: 1000000000000000.01 is written as 1000000000000000.0.
    const [low, high] = ends({ type: 'decimal', precision: 18, scale: 2 }, '1000000000000000.0') as bigint[]
    expect(low).toBeLessThanOrEqual(99999999999999999n)
    expect(high).toBeGreaterThanOrEqual(100000000000000001n)
    expect(high as bigint).toBeLessThan(100000000000001000n)
    expect(ends(type, '-1.2345678901234568e+16')[0]).toBeLessThan(-12345678901234568000n)
  })

  it('reads doubles with their special values, and floats as the floats their texts mean', () => {
    const double: DataType = { type: 'double' }
    expect(ends(double, '-0.0', '1.5e300')).toEqual([-0, 1.5e300])
    expect(ends(double, '"-Infinity"', '"Infinity"')).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
    expect(ends(double, '"NaN"')).toEqual(UNKNOWN)
    expect(ends(double, 'NaN')).toEqual(UNKNOWN)
    expect(ends(double, '1e999')).toEqual(UNKNOWN)
    // Java prints the float nearest to 0.1 as 0.1, below its true value.
    expect(ends({ type: 'float' }, '0.1')).toEqual([Math.fround(0.1), Math.fround(0.1)])
    expect(ends({ type: 'float' }, '1.1E-7')).toEqual([Math.fround(1.1e-7), Math.fround(1.1e-7)])
  })

  it('reads any number as the double or the exact decimal that its text means', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(ends({ type: 'double' }, Object.is(value, -0) ? '-0.0' : String(value))).toEqual([value, value])
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n }), fc.nat(6), fc.nat(3), (unscaled, places, extra) => {
        const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(places + 1, '0')
        const text =
          (unscaled < 0n ? '-' : '') +
          digits.slice(0, digits.length - places) +
          (places > 0 ? `.${digits.slice(digits.length - places)}` : '')
        expect(ends({ type: 'double' }, text)[0]).toBe(Number(text))
        const exact = unscaled * 10n ** BigInt(extra)
        const [low, high] = ends({ type: 'decimal', precision: 38, scale: places + extra }, text) as [bigint, bigint]
        expect(low <= exact && exact <= high).toBe(true)
        if (exact < 10n ** 15n && exact > -(10n ** 15n)) expect([low, high]).toEqual([exact, exact])
      }),
      { numRuns: 2000 },
    )
  })

  it('adds the millisecond that writers cut off to the greatest timestamp, and not beyond 64 bits', () => {
    const at: DataType = { type: 'timestamp' }
    const ntz: DataType = { type: 'timestamp_ntz' }
    expect(ends(at, '"2020-01-01T00:00:00.123Z"')).toEqual([micros('2020-01-01T00:00:00.123Z'), micros('2020-01-01T00:00:00.124Z')])
    expect(ends(at, '"2020-01-01T00:00:00.000+02:00"')[0]).toBe(micros('2019-12-31T22:00:00Z'))
    expect(ends(ntz, '"1960-01-01 00:00:00.123"')[0]).toBe(micros('1960-01-01T00:00:00.123Z'))
    expect(ends(ntz, '"2020-01-01T00:00:00.123Z"')[0]).toBe(micros('2020-01-01T00:00:00.123Z'))
    expect(ends(at, '"2020-01-01T00:00:00.123"')).toEqual(UNKNOWN)
    expect(ends(at, '"+294247-01-10T04:00:54.775Z"')).toEqual([9223372036854775000n, undefined])
    expect(ends(at, '"+294247-01-10T04:00:54.774Z"')).toEqual([9223372036854774000n, 9223372036854775000n])
    expect(ends(at, '1577836800000')).toEqual(UNKNOWN)
  })

  it('reads dates and booleans', () => {
    expect(ends({ type: 'date' }, '"1970-01-02"', '"9999-12-31"')).toEqual([1, 2932896])
    expect(ends({ type: 'date' }, '"1970-01-02T00:00:00Z"')).toEqual(UNKNOWN)
    expect(ends({ type: 'boolean' }, 'false', 'true')).toEqual([false, true])
    expect(ends({ type: 'boolean' }, '0', '1')).toEqual(UNKNOWN)
    expect(ends({ type: 'binary' }, '"a"')).toEqual(UNKNOWN)
  })

  it('takes a text that may have been cut as the beginning of a greater one', () => {
    const text: DataType = { type: 'string' }
    expect(ends(text, '"ab"', '"b\\u0041\\n"')).toEqual(['ab', 'bA\n'])
    expect(ends(text, `"${'x'.repeat(31)}"`)[1]).toBe('x'.repeat(31))
    expect(ends(text, `"${'x'.repeat(32)}"`)).toEqual(['x'.repeat(32), `${'x'.repeat(32)}\u00ff`])
  })

  it('does not trust a text that was cut inside a character', () => {
    const text: DataType = { type: 'string' }
    expect(ends(text, '"a\ufffd"', '"b"')).toEqual([undefined, 'b'])
    expect(ends(text, '"a\\ud83d"', '"a\\ud83d\\u007f"')).toEqual(UNKNOWN)
    expect(ends(text, '"a\\ud83d\\ude00"')[0]).toBe('a\u00f0\u009f\u0098\u0080')
    expect(ends(text, '5')).toEqual(UNKNOWN)
  })
})

describe('the index of statistics', () => {
  it('reads texts that still stand escaped in a line of the log', () => {
    const column: StatsColumn = { path: ['c'], type: { type: 'string' } }
    for (const text of ['{"minValues":{"c":"a\\"\\\\b"}}', '{"minValues":{"c":"tab\\tand é"}}', '{"minValues":{"c":"\ttab"}}', 'junk']) {
      const index = new StatsIndex([column])
      const line = new TextEncoder().encode(`xx${JSON.stringify(text)}yy`)
      index.addEscaped(0, line, 3, line.length - 3)
      expect(index.known(['c'], 0)?.min).toEqual(parseStatsBounds(text, [column]).get(['c'])?.min)
    }
  })

  it('says what it knows of a row', () => {
    const index = new StatsIndex([COLUMN])
    index.addText(7, '{"numRecords":2,"minValues":{"c":-9223372036854775808},"maxValues":{"c":-5},"nullCount":{"c":2}}')
    expect(index.known(['c'], 7)).toEqual({ min: -(2n ** 63n), max: -5n, nulls: 2, nan: true })
    expect(index.known(['c'], 3)).toMatchObject({ min: undefined, max: undefined, nulls: 0 })
    expect(index.known(['d'], 7)).toBeUndefined()
    expect(index.hasColumn(['c'])).toBe(true)
  })
})
