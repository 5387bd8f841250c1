// Variant values by the letter of the encoding (apache/parquet-format, VariantEncoding.md): bytes are written out here.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VariantNames } from '../../../src/arrow/variant/names.js'
import { readVariant } from '../../../src/arrow/variant/read-value.js'
import { jsonSink, valueSink } from '../../../src/arrow/variant/sinks.js'
import { type ErrorCode, isAlluviumError } from '../../../src/errors.js'

const NO_NAMES = Uint8Array.of(1, 0, 0)

/** Metadata of some names with 1-byte offsets. */
function namesOf(...names: string[]): Uint8Array {
  const texts = names.map((name) => Buffer.from(name))
  const offsets = [0]
  for (const text of texts) offsets.push((offsets.at(-1) as number) + text.length)
  return new Uint8Array(Buffer.concat([Buffer.of(1, names.length, ...offsets), ...texts]))
}

function value(bytes: Uint8Array, metadata: Uint8Array = NO_NAMES): unknown {
  return readVariant(bytes, new VariantNames(metadata), valueSink('date'))
}
function json(bytes: Uint8Array, metadata: Uint8Array = NO_NAMES, style: 'canonical' | 'json' = 'canonical'): string {
  return readVariant(bytes, new VariantNames(metadata), jsonSink(style))
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}
const header = (primitive: number): string => (primitive << 2).toString(16).padStart(2, '0')

// The id of the primitive type, its bytes, the value in rows, in canonical lines, and as JSON.
const PRIMITIVES: readonly [string, number, string, unknown, string, string][] = [
  ['null', 0, '', null, 'null', 'null'],
  ['true', 1, '', true, 'true', 'true'],
  ['false', 2, '', false, 'false', 'false'],
  ['int8', 3, '80', -128, '-128', '-128'],
  ['int16', 4, '0080', -32_768, '-32768', '-32768'],
  ['int32', 5, 'ffffff7f', 2_147_483_647, '2147483647', '2147483647'],
  ['int64', 6, 'ffffffffffffffff', -1, '-1', '-1'],
  ['int64 beyond 2^53', 6, '0000000000000080', -(2n ** 63n), '"-9223372036854775808"', '-9223372036854775808'],
  ['double', 7, '9a9999999999f13f', 1.1, '1.1', '1.1'],
  ['double -0', 7, '0000000000000080', -0, '0', '-0'],
  ['double NaN', 7, '000000000000f87f', Number.NaN, '"NaN"', '"NaN"'],
  ['double -Infinity', 7, '000000000000f0ff', Number.NEGATIVE_INFINITY, '"-Infinity"', '"-Infinity"'],
  ['decimal4', 8, '02 39300000', '123.45', '"123.45"', '123.45'],
  ['decimal4 below zero', 8, '03 ffffffff', '-0.001', '"-0.001"', '-0.001'],
  ['decimal8', 9, '00 ffffffffffffff7f', '9223372036854775807', '"9223372036854775807"', '9223372036854775807'],
  ['decimal16', 10, '01 ffffffffffffffffffffffffffffffff', '-0.1', '"-0.1"', '-0.1'],
  [
    'decimal16 beyond 64 bits',
    10,
    '00 00000000000000000100000000000000',
    '18446744073709551616',
    '"18446744073709551616"',
    '18446744073709551616',
  ],
  ['date', 11, 'ffffffff', '1969-12-31', '"1969-12-31"', '"1969-12-31"'],
  ['timestamp', 12, '0100000000000000', new Date(0), '"1970-01-01T00:00:00.000001Z"', '"1970-01-01T00:00:00.000001Z"'],
  ['timestamp_ntz', 13, 'ffffffffffffffff', '1969-12-31T23:59:59.999999', '"1969-12-31T23:59:59.999999"', '"1969-12-31T23:59:59.999999"'],
  ['float', 14, 'cdcc8c3f', Math.fround(1.1), '1.100000023841858', '1.1'],
  ['binary', 15, '03000000 00ff10', Uint8Array.of(0, 255, 16), '"AP8Q"', '"AP8Q"'],
  ['string', 16, '05000000 68c3a96c6c', 'héll', '"héll"', '"héll"'],
  ['time', 17, '40420f0000000000', '00:00:01.000000', '"00:00:01.000000"', '"00:00:01.000000"'],
  [
    'timestamp of nanoseconds',
    18,
    'ffffffffffffffff',
    '1969-12-31T23:59:59.999999999Z',
    '"1969-12-31T23:59:59.999999999Z"',
    '"1969-12-31T23:59:59.999999999Z"',
  ],
  [
    'timestamp_ntz of nanoseconds',
    19,
    'e803000000000000',
    '1970-01-01T00:00:00.000001000',
    '"1970-01-01T00:00:00.000001000"',
    '"1970-01-01T00:00:00.000001000"',
  ],
  [
    'uuid',
    20,
    '00112233445566778899aabbccddeeff',
    '00112233-4455-6677-8899-aabbccddeeff',
    '"00112233-4455-6677-8899-aabbccddeeff"',
    '"00112233-4455-6677-8899-aabbccddeeff"',
  ],
]

describe('a primitive', () => {
  test.each(PRIMITIVES)('%s', (_, id, bytes, row, canonical, plain) => {
    const encoded = hex(header(id) + bytes)
    expect(value(encoded)).toEqual(row)
    expect(json(encoded)).toBe(canonical)
    expect(json(encoded, NO_NAMES, 'json')).toBe(plain)
  })

  test.each(PRIMITIVES)('%s that is cut off is refused', (_, id, bytes) => {
    const encoded = hex(header(id) + bytes)
    for (let length = 0; length < encoded.length; length++) expect(codeOf(() => value(encoded.subarray(0, length)))).toBe('CORRUPT_DATA')
  })

  test('a short string has its length in its first byte', () => {
    expect(value(hex('01'))).toBe('')
    expect(value(hex('0d 616263'))).toBe('abc')
    expect(value(Uint8Array.of((63 << 2) | 1, ...new Uint8Array(63).fill(0x7a)))).toBe('z'.repeat(63))
    expect(codeOf(() => value(hex('0d 6162')))).toBe('CORRUPT_DATA')
  })

  test('timestamps come as bigint microseconds where rows ask for them', () => {
    expect(readVariant(hex('30 0100000000000000'), new VariantNames(NO_NAMES), valueSink('micros'))).toBe(1n)
  })

  test('a timestamp that no Date can hold is its text', () => {
    expect(value(hex('30 ffffffffffffff7f'))).toBe('+294247-01-10T04:00:54.775807Z')
  })

  test.each([21, 40, 63])('of the unknown type %i is refused by its number', (id) => {
    expect(() => value(hex(`${header(id)} 0000000000`))).toThrow(`primitive type ${id}`)
    expect(codeOf(() => value(hex(`${header(id)} 0000000000`)))).toBe('UNSUPPORTED_FEATURE')
  })
})

describe('arrays and objects', () => {
  test('an array is its values in order', () => {
    expect(value(hex('03 03 00020407 0c01 0561 030000'))).toEqual([1, 'a', []])
  })

  test('an array with offsets of every size, and a count of 4 bytes', () => {
    for (let size = 1; size <= 4; size++) {
      const offset = (n: number): number[] => [n, 0, 0, 0].slice(0, size)
      for (const large of [0, 1]) {
        const count = large === 1 ? [2, 0, 0, 0] : [2]
        const bytes = Uint8Array.of(
          (((large << 2) | (size - 1)) << 2) | 3,
          ...count,
          ...offset(0),
          ...offset(2),
          ...offset(4),
          0x0c,
          1,
          0x0c,
          2,
        )
        expect(value(bytes)).toEqual([1, 2])
      }
    }
  })

  test('an object finds its names in the dictionary and its values anywhere', () => {
    // {"a": 1, "b": 2, "c": 3}, the values stored in the order c, b, a, as in the specification.
    const bytes = hex('02 03 000102 040200 06 0c03 0c02 0c01')
    expect(value(bytes, namesOf('a', 'b', 'c'))).toEqual({ a: 1, b: 2, c: 3 })
    expect(json(bytes, namesOf('a', 'b', 'c'))).toBe('{"a":1,"b":2,"c":3}')
  })

  test('an object with ids and offsets of every size', () => {
    for (let idSize = 1; idSize <= 4; idSize++) {
      for (let size = 1; size <= 4; size++) {
        const wide = (n: number, bytes: number): number[] => [n, 0, 0, 0].slice(0, bytes)
        const first = ((((idSize - 1) << 2) | (size - 1)) << 2) | 2
        const bytes = Uint8Array.of(first, 1, ...wide(1, idSize), ...wide(0, size), ...wide(2, size), 0x0c, 7)
        expect(value(bytes, namesOf('x', 'y'))).toEqual({ y: 7 })
      }
    }
  })

  test('canonical members are sorted by code points, array indices first by number', () => {
    const names = ['b', 'ﬀ', '😀', '10', '9', 'a', '01', '-1']
    const ids = names.map((_, i) => i)
    const bytes = Uint8Array.of(2, names.length, ...ids, ...names.map((_, i) => i), names.length, ...names.map(() => 0))
    const keys = [...json(bytes, namesOf(...names)).matchAll(/"([^"]+)":/g)].map((match) => match[1])
    expect(keys).toEqual(['9', '10', '-1', '01', 'a', 'b', 'ﬀ', '😀'])
    expect(JSON.stringify(JSON.parse(json(bytes, namesOf(...names))))).toBe(json(bytes, namesOf(...names)))
  })

  test('names that mean something to JavaScript are only names', () => {
    const names = ['__proto__', 'constructor', 'toString']
    const bytes = Uint8Array.of(2, 3, 0, 1, 2, 0, 1, 2, 3, 4, 8, 0)
    const object = value(bytes, namesOf(...names)) as object
    expect(Object.entries(object)).toEqual([
      ['__proto__', true],
      ['constructor', false],
      ['toString', null],
    ])
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(json(bytes, namesOf(...names))).toBe('{"__proto__":true,"constructor":false,"toString":null}')
  })

  test('metadata may have wide offsets and be sorted', () => {
    const metadata = Uint8Array.of(1 | (1 << 4) | (1 << 6), 1, 0, 0, 0, 3, 0, 0x61, 0x62, 0x63)
    expect(value(Uint8Array.of(2, 1, 0, 0, 1, 0), metadata)).toEqual({ abc: null })
  })
})

describe('bytes that are no variant', () => {
  test.each<[string, Uint8Array, Uint8Array, ErrorCode]>([
    ['no bytes', hex(''), NO_NAMES, 'CORRUPT_DATA'],
    ['empty metadata', hex('00'), hex(''), 'CORRUPT_DATA'],
    ['metadata of another version', hex('00'), hex('02 00 00'), 'UNSUPPORTED_FEATURE'],
    ['metadata that counts 4 billion names', hex('00'), hex('c1 ffffffff 00000000'), 'CORRUPT_DATA'],
    ['metadata without its offsets', hex('00'), hex('01 05'), 'CORRUPT_DATA'],
    ['a name beyond the metadata', hex('02 01 00 00 01 00'), hex('01 01 00 09 61'), 'CORRUPT_DATA'],
    ['a name that ends before it begins', hex('02 01 00 00 01 00'), hex('01 01 01 00 61'), 'CORRUPT_DATA'],
    ['a name that is not UTF-8', hex('02 01 00 00 01 00'), hex('01 01 00 01 ff'), 'CORRUPT_DATA'],
    ['an id beyond the dictionary', hex('02 01 07 00 01 00'), namesOf('a'), 'CORRUPT_DATA'],
    ['a field twice', hex('02 02 0000 000102 0000'), namesOf('a'), 'CORRUPT_DATA'],
    ['a field twice by two ids', hex('02 02 0001 000102 0000'), namesOf('a', 'a'), 'CORRUPT_DATA'],
    ['4 billion elements', hex('13 ffffffff 00'), NO_NAMES, 'CORRUPT_DATA'],
    ['a string of 4 billion bytes', hex('40 ffffffff 61'), NO_NAMES, 'CORRUPT_DATA'],
    ['text that is not UTF-8', hex('05 ff'), NO_NAMES, 'CORRUPT_DATA'],
    ['parts beyond the end', hex('03 01 00 05 00'), NO_NAMES, 'CORRUPT_DATA'],
    ['a part that begins beyond the end', hex('03 01 09 01 00'), NO_NAMES, 'CORRUPT_DATA'],
    ['parts that share bytes', hex('03 02 00 00 01 00'), NO_NAMES, 'CORRUPT_DATA'],
    ['a decimal with 39 digits after the point', hex('20 27 01000000'), NO_NAMES, 'CORRUPT_DATA'],
    ['a time of 24 hours', hex('44 0060d71d14000000'), NO_NAMES, 'CORRUPT_DATA'],
    ['a time before midnight', hex('44 ffffffffffffffff'), NO_NAMES, 'CORRUPT_DATA'],
  ])('%s', (_, bytes, metadata, code) => {
    expect(codeOf(() => value(bytes, metadata))).toBe(code)
  })

  test('few bytes cannot stand for many values', () => {
    // Each level is an array whose 200 elements all claim the level below.
    let level = hex('00')
    for (let i = 0; i < 6; i++) {
      const offsets = new Uint8Array(201)
      offsets[200] = Math.min(255, level.length)
      level = new Uint8Array(Buffer.concat([hex('03 c8'), offsets, level]))
    }
    expect(codeOf(() => value(level))).toBe('CORRUPT_DATA')
  })

  test('deep nesting is a limit, not a stack overflow', () => {
    let bytes = hex('00')
    for (let i = 0; i < 20_000; i++) {
      const head = Buffer.alloc(10)
      head[0] = (((0 << 2) | 3) << 2) | 3
      head[1] = 1
      head.writeUInt32LE(0, 2)
      head.writeUInt32LE(bytes.length, 6)
      bytes = new Uint8Array(Buffer.concat([head, bytes]))
      if (i === 400) expect(JSON.stringify(value(bytes))).toBe(`${'['.repeat(401)}null${']'.repeat(401)}`)
    }
    expect(codeOf(() => value(bytes))).toBe('LIMIT_EXCEEDED')
  }, 120_000)

  test('any bytes end in a value or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 20 }), fc.boolean(), (bytes, metadata, named) => {
        const code = codeOf(() => json(bytes, named ? namesOf('a', 'b', 'c', 'd') : metadata))
        return code === undefined || ['CORRUPT_DATA', 'UNSUPPORTED_FEATURE', 'LIMIT_EXCEEDED'].includes(code)
      }),
      { numRuns: 3000 },
    )
  })
})

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return isAlluviumError(error) ? error.code : `untyped: ${String(error)}`
  }
}
