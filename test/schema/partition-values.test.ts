// Partition values as texts: the forms of the protocol, old forms in, exact values out.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DataType,
  formatPartitionValue,
  isPartitionType,
  type PhysicalValue,
  parsePartitionValue,
  parseType,
} from '../../src/schema/index.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('what is written', () => {
  it.each<[string, PhysicalValue, string]>([
    ['string', 'US/East', 'US/East'],
    ['string', ' ', ' '],
    ['long', 9223372036854775807n, '9223372036854775807'],
    ['long', -9223372036854775808n, '-9223372036854775808'],
    ['integer', -2147483648, '-2147483648'],
    ['short', 32767, '32767'],
    ['byte', -128, '-128'],
    ['float', 1e10, '1.0E10'],
    ['float', Math.fround(0.1), '0.1'],
    ['double', 0.1, '0.1'],
    ['double', 100, '100.0'],
    ['double', Number.NaN, 'NaN'],
    ['double', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['boolean', true, 'true'],
    ['boolean', false, 'false'],
    ['date', 0, '1970-01-01'],
    ['timestamp', 123_456n, '1970-01-01T00:00:00.123456Z'],
    ['timestamp_ntz', 123_456n, '1970-01-01 00:00:00.123456'],
    ['timestamp_ntz', 0n, '1970-01-01 00:00:00'],
    ['decimal(10,2)', 1250n, '12.50'],
    ['decimal(38,18)', 200n * 10n ** 18n, '200.000000000000000000'],
    ['decimal(3,0)', 0n, '0'],
    ['binary', new Uint8Array([1, 2, 3]), '\u0001\u0002\u0003'],
  ])('%s %s is %j', (type, value, text) => {
    expect(formatPartitionValue(parseType(type), value)).toBe(text)
    expect(parsePartitionValue(parseType(type), text)).toEqual(value)
  })

  it.each(['string', 'long', 'date', 'binary', 'decimal(5,1)', 'timestamp'])('null of type %s is null', (type) => {
    expect(formatPartitionValue(parseType(type), null)).toBeNull()
    expect(parsePartitionValue(parseType(type), null)).toBeNull()
  })

  it('of an empty text or no bytes is null, because the empty text means null', () => {
    expect(formatPartitionValue(parseType('string'), '')).toBeNull()
    expect(formatPartitionValue(parseType('binary'), new Uint8Array(0))).toBeNull()
  })

  it('is refused where bytes are no text: nothing is replaced in silence', () => {
    expect(() => formatPartitionValue({ type: 'binary' }, new Uint8Array([0xff]))).toThrow(expect.objectContaining({ code: 'INVALID_ROW' }))
    expect(() => formatPartitionValue({ type: 'binary' }, new Uint8Array([0xc0, 0x80]))).toThrow(
      expect.objectContaining({ code: 'INVALID_ROW' }),
    )
    for (const bytes of [utf8('é😈'), utf8('\ufeff'), utf8('\ufeffa'), utf8('\u0000')]) {
      let text: string | null
      try {
        text = formatPartitionValue({ type: 'binary' }, bytes)
      } catch (error) {
        expect(error).toHaveProperty('code', 'INVALID_ROW')
        continue
      }
      expect(parsePartitionValue({ type: 'binary' }, text)).toEqual(bytes)
    }
  })

  it('is refused in another form than the physical one of the type', () => {
    expect(() => formatPartitionValue({ type: 'long' }, 5)).toThrow(TypeError)
    expect(() => formatPartitionValue({ type: 'string' }, 5)).toThrow(TypeError)
    expect(() => formatPartitionValue({ type: 'binary' }, 'text')).toThrow(TypeError)
  })
})

describe('what is read', () => {
  it.each(['string', 'long', 'date', 'boolean', 'binary', 'double', 'timestamp'])('the empty text is null for %s', (type) => {
    expect(parsePartitionValue(parseType(type), '')).toBeNull()
  })

  it.each<[string, string, PhysicalValue]>([
    ['timestamp', '1970-01-01 00:00:01', 1_000_000n],
    ['timestamp', '2020-10-21 01:00:00.123', BigInt(Date.UTC(2020, 9, 21, 1)) * 1000n + 123_000n],
    ['timestamp', '1971-07-22T03:06:40.000000Z', BigInt(Date.UTC(1971, 6, 22, 3, 6, 40)) * 1000n],
    ['timestamp', '1970-01-01T01:00:00+01:00', 0n],
    ['timestamp', '10000-01-01 00:00:00', 253_402_300_800_000_000n],
    ['timestamp_ntz', '1970-01-01T00:00:01', 1_000_000n],
    ['double', '10.2', 10.2],
    ['double', '1', 1],
    ['float', '0.1', Math.fround(0.1)],
    ['boolean', 'True', true],
    ['integer', '+7', 7],
    ['integer', '-0', 0],
    ['decimal(20,10)', '1', 10n ** 10n],
    ['decimal(10,5)', '0.00004', 4n],
  ])('%s %s of other writers', (type, text, value) => {
    expect(parsePartitionValue(parseType(type), text)).toEqual(value)
  })

  it.each([
    ['long', '9223372036854775808'],
    ['long', '1.0'],
    ['integer', '2147483648'],
    ['short', '-32769'],
    ['byte', '128'],
    ['byte', ' 1'],
    ['boolean', 'yes'],
    ['date', '2023-02-29'],
    ['timestamp', 'yesterday'],
    ['timestamp_ntz', '1970-01-01T00:00:00Z'],
    ['decimal(3,1)', '1.25'],
    ['decimal(3,1)', '100'],
    ['double', 'one'],
    ['long', `1${'0'.repeat(1000)}`],
  ])('%s never reads %.20s', (type, text) => {
    expect(() => parsePartitionValue(parseType(type), text)).toThrow(expect.objectContaining({ code: 'CORRUPT_LOG' }))
  })

  it('is what was written, for every value of every type', () => {
    const cases: [DataType, fc.Arbitrary<PhysicalValue>][] = [
      [{ type: 'string' }, fc.string({ unit: 'grapheme', minLength: 1 })],
      [{ type: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      [{ type: 'integer' }, fc.integer()],
      [{ type: 'short' }, fc.integer({ min: -32768, max: 32767 })],
      [{ type: 'byte' }, fc.integer({ min: -128, max: 127 })],
      [{ type: 'float' }, fc.float()],
      [{ type: 'double' }, fc.double()],
      [{ type: 'boolean' }, fc.boolean()],
      [{ type: 'date' }, fc.integer()],
      [{ type: 'timestamp' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      [{ type: 'timestamp_ntz' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      [{ type: 'decimal', precision: 38, scale: 10 }, fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
      [{ type: 'binary' }, fc.string({ unit: 'grapheme', minLength: 1 }).map(utf8)],
    ]
    for (const [type, arbitrary] of cases) {
      fc.assert(
        fc.property(arbitrary, (value) => {
          expect(parsePartitionValue(type, formatPartitionValue(type, value))).toEqual(value)
        }),
      )
    }
  })
})

describe('types', () => {
  it('that hold parts, nothing or anything cannot partition', () => {
    for (const type of ['array<long>', 'map<string,long>', 'struct<a:long>', 'variant', 'void']) {
      expect(isPartitionType(parseType(type))).toBe(false)
      expect(() => parsePartitionValue(parseType(type), 'x')).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
    }
    expect(isPartitionType(parseType('decimal(5,2)'))).toBe(true)
    expect(isPartitionType({ type: 'unknown', json: 'interval' })).toBe(false)
  })
})
