// Decimal texts of any length, placed on a fixed-point scale without ever passing through a double.
// Rule: work and memory are bounded by the digits that matter, whatever the text or its exponent.

/** `digits` times ten to the `exponent`; no zeros at either end of `digits`, which is empty for zero. */
export interface NumberText {
  readonly negative: boolean
  readonly digits: string
  readonly exponent: number
}

/** Where a number lies on an integer scale: on it, between `floor` and the next, or beyond every value a column can hold. */
export type Placed = { readonly floor: bigint; readonly exact: boolean } | 'above' | 'below'

/** Reads `12`, `-1.50`, `.5`, `1e-3`; undefined for anything else. */
export function parseNumberText(text: string): NumberText | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match
  const all = whole + fraction
  if (all === '') return undefined
  let start = 0
  let end = all.length
  while (start < end && all.charCodeAt(start) === 0x30) start++
  while (end > start && all.charCodeAt(end - 1) === 0x30) end--
  const digits = all.slice(start, end)
  const exponent = Number(exponentText) - fraction.length + (all.length - end)
  return digits === '' ? { negative: false, digits, exponent: 0 } : { negative: sign === '-', digits, exponent }
}

/** The number times ten to the `scale`, rounded down, and whether nothing was rounded away. */
export function placeNumber(number: NumberText, scale: number): Placed {
  const { negative, digits, exponent } = number
  if (digits === '') return { floor: 0n, exact: true }
  const shift = exponent + scale
  const magnitude = digits.length + shift
  if (magnitude > MAX_MAGNITUDE) return negative ? 'below' : 'above'
  if (magnitude <= 0) return { floor: negative ? -1n : 0n, exact: false }
  if (shift >= 0) {
    const value = BigInt(digits) * 10n ** BigInt(shift)
    return { floor: negative ? -value : value, exact: true }
  }
  const whole = BigInt(digits.slice(0, magnitude))
  return { floor: negative ? -whole - 1n : whole, exact: false }
}

/** Orders two numbers exactly: negative, 0 or positive. */
export function compareNumbers(a: NumberText, b: NumberText): number {
  if (a.digits === '' || b.digits === '' || a.negative !== b.negative) return signOf(a) - signOf(b)
  const magnitude = a.digits.length + a.exponent - (b.digits.length + b.exponent)
  const order = magnitude !== 0 ? magnitude : a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0
  return a.negative ? -order : order
}

function signOf(number: NumberText): number {
  return number.digits === '' ? 0 : number.negative ? -1 : 1
}

// Ten to the 40th is beyond every decimal(38) and every 64-bit integer.
const MAX_MAGNITUDE = 40
