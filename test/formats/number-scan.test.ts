import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { NumberScan } from '../../src/formats/number-scan.js'

const scan = new NumberScan()
const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 24 })
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.option(digits),
    fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(330))),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole.replace(/^0+(?=\d)/, '')}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`,
  )

test('a double is the one that JavaScript reads', () => {
  fc.assert(
    fc.property(fc.oneof(numberText, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), (text) => {
      const bytes = encodeUtf8(text)
      expect(scan.scan(bytes, 0, bytes.length, false)).toBe(bytes.length)
      expect(scan.toDouble(bytes)).toBe(Number(text))
    }),
    { numRuns: 3000 },
  )
})

test('the halves of a long make up its value', () => {
  const near = fc
    .tuple(fc.nat(63), fc.integer({ min: -3, max: 3 }), fc.boolean())
    .map(([bits, off, negative]) => ((1n << BigInt(bits)) + BigInt(off)) * (negative ? -1n : 1n))
  fc.assert(
    fc.property(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), near), (value) => {
      const bytes = encodeUtf8(String(value))
      scan.scan(bytes, 0, bytes.length, false)
      const fits = BigInt.asIntN(64, value) === value
      expect(scan.toInt64(bytes)).toBe(fits)
      if (fits) expect((BigInt(scan.hi) << 32n) | BigInt(scan.lo >>> 0)).toBe(value)
      if (scan.smallWhole) expect(BigInt(scan.wholeValue)).toBe(value)
    }),
    { numRuns: 3000 },
  )
})

test('text cells may have a plus sign and leading zeros, JSON may not', () => {
  for (const [text, value] of [
    ['+5', 5],
    ['007', 7],
    ['-00.50', -0.5],
    ['+0e1', 0],
  ] as const) {
    const bytes = encodeUtf8(text)
    expect(scan.scan(bytes, 0, bytes.length, false)).toBe(-1)
    expect(scan.scan(bytes, 0, bytes.length, true)).toBe(bytes.length)
    expect(scan.toDouble(bytes)).toBe(value)
  }
})

test('nothing at or beyond the limit is read', () => {
  const bytes = encodeUtf8('12345.5e3')
  expect(scan.scan(bytes, 0, 3, false)).toBe(3)
  expect(scan.wholeValue).toBe(123)
  expect(scan.scan(bytes, 0, 6, false)).toBe(-1)
  expect(scan.scan(bytes, 0, 7, false)).toBe(7)
  expect(scan.scan(bytes, 0, 8, false)).toBe(-1)
})
