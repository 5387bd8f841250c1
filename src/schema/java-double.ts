// Floating-point numbers as Java prints them (Double.toString, Float.toString), the form of partition values.
// Digits are the fewest that give the number back, as Java's documentation defines them since version 19: of all
// such decimals of one or two digits, or of the least length, the nearest.

/** The text of a 64-bit float: `100.0`, `1.0E10`, `1.0E-5`, `NaN`, `-Infinity`, `-0.0`. */
export function formatJavaDouble(value: number): string {
  const special = specialText(value)
  if (special !== undefined) return special
  const shortest = digitsOf(value.toExponential())
  if (shortest.digits.length > 1) return layout(value < 0, shortest)
  const two = value.toExponential(1)
  return layout(value < 0, Number(two) === value ? digitsOf(two) : shortest)
}

/** The text of a 32-bit float, with the digits that tell it from other 32-bit floats: `3.4028235E38`. */
export function formatJavaFloat(value: number): string {
  const single = Math.fround(value)
  const special = specialText(single)
  if (special !== undefined) return special
  for (let fraction = 1; fraction < 8; fraction++) {
    const text = single.toExponential(fraction)
    if (Math.fround(Number(text)) === single) return layout(single < 0, digitsOf(text))
  }
  // Nine digits tell every 32-bit float from its neighbours.
  return layout(single < 0, digitsOf(single.toExponential(8)))
}

/**
 * The number of a text in Java's form, in plain decimal or scientific form, or one of the spellings of NaN and infinity
 * that other writers use; undefined for anything else.
 */
export function parseJavaDouble(text: string): number | undefined {
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  return SPECIAL.get(text.toLowerCase())
}

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['+infinity', Number.POSITIVE_INFINITY],
  ['-infinity', Number.NEGATIVE_INFINITY],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

interface Digits {
  /** Significant digits without trailing zeros, at least one. */
  readonly digits: string
  /** Power of ten of the first digit. */
  readonly exponent: number
}

function specialText(value: number): string | undefined {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (Number.isFinite(value)) return undefined
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? 'Infinity' : '-Infinity'
}

function digitsOf(exponential: string): Digits {
  const [mantissa, exponent] = exponential.replace('-', (sign, at: number) => (at === 0 ? '' : sign)).split('e') as [string, string]
  const digits = mantissa.replace('.', '').replace(/0+$/, '')
  return { digits, exponent: Number(exponent) }
}

// From 10^-3 up to below 10^7 plain, otherwise scientific; always at least one digit after the point.
function layout(negative: boolean, { digits, exponent }: Digits): string {
  const sign = negative ? '-' : ''
  if (exponent < -3 || exponent >= 7) return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}
