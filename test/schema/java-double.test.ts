// Floating point as Java prints it. Vectors from Java's documentation of Double.toString and Float.toString (19 and later).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatJavaDouble, formatJavaFloat, parseJavaDouble } from '../../src/schema/index.js'

describe('doubles', () => {
  it.each([
    [1e10, '1.0E10'],
    [1e-5, '1.0E-5'],
    [100, '100.0'],
    [12345678, '1.2345678E7'],
    [Number.MIN_VALUE, '4.9E-324'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
    [2.2250738585072014e-308, '2.2250738585072014E-308'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [0, '0.0'],
    [-0, '-0.0'],
    [-1.5, '-1.5'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [9999999, '9999999.0'],
    [1e7, '1.0E7'],
    [0.1, '0.1'],
    [1 / 3, '0.3333333333333333'],
    [123456.789, '123456.789'],
    [2e-3, '0.002'],
    [1e23, '1.0E23'],
    [2e23, '2.0E23'],
    [-1.2345e-10, '-1.2345E-10'],
  ])('%d is %s', (value, text) => {
    expect(formatJavaDouble(value)).toBe(text)
    expect(parseJavaDouble(text)).toBe(value)
  })

  it('come back from their text, every one', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(parseJavaDouble(formatJavaDouble(value))).toBe(value)
        expect(formatJavaDouble(value)).toMatch(/^-?(\d+\.\d+(E-?\d+)?|Infinity)$|^NaN$/)
      }),
    )
  })
})

describe('32-bit floats', () => {
  it.each([
    [3.4028234663852886e38, '3.4028235E38'],
    [1.401298464324817e-45, '1.4E-45'],
    // Java before 19 printed one digit more than it needs to (JDK-4511638).
    [1.1754943508222875e-38, '1.1754944E-38'],
    [0.1, '0.1'],
    [16777216, '1.6777216E7'],
    [1e10, '1.0E10'],
    [1 / 3, '0.33333334'],
    [100, '100.0'],
    [9999999, '9999999.0'],
    [8.41e21, '8.41E21'],
    [2e-44, '2.0E-44'],
    [123456.789, '123456.79'],
    [-0, '-0.0'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('%d is %s', (value, text) => {
    expect(formatJavaFloat(value)).toBe(text)
  })

  it('come back from their text, every one', () => {
    fc.assert(
      fc.property(fc.float(), (value) => {
        expect(Math.fround(parseJavaDouble(formatJavaFloat(value)) as number)).toBe(value)
      }),
    )
  })
})

describe('texts of other writers', () => {
  it('are read: integers, plain decimals, spellings of infinity', () => {
    expect(parseJavaDouble('10')).toBe(10)
    expect(parseJavaDouble('+1.5e+3')).toBe(1500)
    expect(parseJavaDouble('inf')).toBe(Number.POSITIVE_INFINITY)
    expect(parseJavaDouble('nan')).toBeNaN()
  })

  it.each(['', ' 1', '1d', '0x1p3', '1e', '.', 'one', 'null', '1_0'])('%j is no number', (text) => {
    expect(parseJavaDouble(text)).toBeUndefined()
  })
})
