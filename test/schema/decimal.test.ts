// Decimals as text. The oracle is integer arithmetic on BigInt.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitsPrecision, formatDecimal, parseDecimal, parseDecimalBytes, powerOfTen, rescaleDecimal } from '../../src/schema/index.js'

const decimalType = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) => fc.tuple(fc.constant(precision), fc.integer({ min: 0, max: precision })))
const unscaled = (precision: number) => fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n })
const sample = decimalType.chain(([precision, scale]) => fc.tuple(fc.constant(precision), fc.constant(scale), unscaled(precision)))

// The value of a plain decimal text times 10^scale, or undefined when that is no integer.
function oracle(text: string, scale: number): bigint | undefined {
  const [, sign, whole, fraction = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) as unknown as [string, string, string, string?]
  const digits = BigInt(whole + fraction || '0') * 10n ** BigInt(scale)
  const divisor = 10n ** BigInt(fraction.length)
  if (digits % divisor !== 0n) return undefined
  return sign === '-' ? -(digits / divisor) : digits / divisor
}

describe('parseDecimal', () => {
  it('reads back what formatDecimal prints, for every precision and scale', () => {
    fc.assert(
      fc.property(sample, ([precision, scale, value]) => {
        const text = formatDecimal(value, scale)
        expect(parseDecimal(text, precision, scale)).toBe(value)
        expect(oracle(text, scale)).toBe(value)
        expect(text.split('.')[1]?.length ?? 0).toBe(scale)
      }),
    )
  })

  it('agrees with integer arithmetic on any plain text: exact or no value', () => {
    const digits = fc.stringMatching(/^[0-9]{0,25}$/)
    fc.assert(
      fc.property(fc.constantFrom('', '-', '+'), digits, fc.option(digits), decimalType, (sign, whole, fraction, [precision, scale]) => {
        fc.pre(whole.length + (fraction?.length ?? 0) > 0)
        const text = fraction === null ? `${sign}${whole}` : `${sign}${whole}.${fraction}`
        const exact = oracle(text, scale)
        const fits = exact !== undefined && exact > -(10n ** BigInt(precision)) && exact < 10n ** BigInt(precision)
        expect(parseDecimal(text, precision, scale)).toBe(fits ? exact : undefined)
      }),
    )
  })

  it('takes exponents as the shifts they are', () => {
    fc.assert(
      fc.property(sample, fc.integer({ min: -60, max: 60 }), ([precision, scale, value], shift) => {
        expect(parseDecimal(`${value}e${shift - scale}`, precision, scale)).toBe(
          parseDecimal(formatDecimal(value * 10n ** 60n, scale + 60 - shift), precision, scale),
        )
      }),
    )
  })

  it.each([
    ['12.5', 10, 2, 1250n],
    ['-0.05', 3, 2, -5n],
    ['.5', 2, 1, 5n],
    ['5.', 2, 1, 50n],
    ['1e3', 4, 0, 1000n],
    ['1.50E-1', 3, 2, 15n],
    ['100e-2', 1, 0, 1n],
    ['0e999999999999', 1, 0, 0n],
    ['-0', 1, 0, 0n],
    ['000000000000000000000000000000000000000000000001', 1, 0, 1n],
    ['1.000000000000000000000000000000000000000000000000', 1, 0, 1n],
    ['99999999999999999999999999999999999999', 38, 0, 10n ** 38n - 1n],
    ['0.00000000000000000000000000000000000001', 38, 38, 1n],
  ])('%s fits decimal(%i,%i)', (text, precision, scale, value) => {
    expect(parseDecimal(text, precision, scale)).toBe(value)
  })

  it.each([
    ['12.345', 10, 2],
    ['100', 2, 0],
    ['1', 2, 2],
    ['1e38', 38, 0],
    ['1e999999999999999999', 38, 0],
    ['1e-999999999999999999', 38, 38],
    ['', 10, 2],
    ['.', 10, 2],
    ['-', 10, 2],
    ['1.2.3', 10, 2],
    ['1e', 10, 2],
    ['1e+', 10, 2],
    ['e5', 10, 2],
    ['1 ', 10, 2],
    [' 1', 10, 2],
    ['1_000', 10, 2],
    ['1,5', 10, 2],
    ['NaN', 10, 2],
    ['Infinity', 10, 2],
    ['0x10', 10, 2],
    ['１', 10, 2],
    [`${'9'.repeat(70_000)}`, 38, 0],
  ])('%.20s is no decimal(%i,%i)', (text, precision, scale) => {
    expect(parseDecimal(text, precision, scale)).toBeUndefined()
  })

  it('reads bytes within their bounds', () => {
    const bytes = new TextEncoder().encode('[12.50,7]')
    expect(parseDecimalBytes(bytes, 1, 6, 10, 2)).toBe(1250n)
    expect(parseDecimalBytes(bytes, 1, 5, 10, 2)).toBe(1250n)
    expect(parseDecimalBytes(bytes, 1, 3, 10, 2)).toBe(1200n)
    expect(parseDecimalBytes(bytes, 1, 7, 10, 2)).toBeUndefined()
  })
})

describe('rescaling', () => {
  it('is exact or refused', () => {
    expect(rescaleDecimal(1250n, 2, 4)).toBe(125_000n)
    expect(rescaleDecimal(1250n, 2, 1)).toBe(125n)
    expect(rescaleDecimal(1255n, 2, 1)).toBeUndefined()
    expect(rescaleDecimal(-1250n, 2, 1)).toBe(-125n)
  })

  it('knows what a precision holds', () => {
    expect(fitsPrecision(999n, 3)).toBe(true)
    expect(fitsPrecision(-999n, 3)).toBe(true)
    expect(fitsPrecision(1000n, 3)).toBe(false)
    expect(fitsPrecision(-1000n, 3)).toBe(false)
    expect(powerOfTen(38)).toBe(100_000_000_000_000_000_000_000_000_000_000_000_000n)
  })
})
