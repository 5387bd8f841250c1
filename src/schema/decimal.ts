// Decimals as unscaled integers. One rule: a text that does not fit its precision and scale exactly is no value;
// nothing is rounded.

const MAX_TEXT_LENGTH = 65_536
/** More than any exponent that could leave a value within 38 digits of a text of the greatest length. */
const MAX_EXPONENT = 100_000

const POWERS_OF_TEN: readonly bigint[] = Array.from({ length: 78 }, (_, n) => 10n ** BigInt(n))
const scratch = new Uint8Array(128)

/** 10 to the power n, for n from 0 to 77. */
export function powerOfTen(n: number): bigint {
  const power = POWERS_OF_TEN[n]
  if (power === undefined) throw new RangeError(`10^${n} is not needed by any decimal`)
  return power
}

/**
 * The unscaled value of a decimal text (`-12.50`, `1e3`, `.5`), or undefined when it is no number or does not fit:
 * more than `precision - scale` digits before the point or a digit other than 0 after `scale` digits.
 *
 * @example parseDecimal('12.5', 10, 2) // 1250n
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const length = text.length
  if (length > MAX_TEXT_LENGTH) return undefined
  const bytes = length <= scratch.length ? scratch : new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c > 0x7f) return undefined
    bytes[i] = c
  }
  return parseDecimalBytes(bytes, 0, length, precision, scale)
}

/** {@link parseDecimal} over `bytes[start, end)`. */
export function parseDecimalBytes(bytes: Uint8Array, start: number, end: number, precision: number, scale: number): bigint | undefined {
  if (end - start > MAX_TEXT_LENGTH) return undefined
  const negative = bytes[start] === 0x2d
  let at = negative || bytes[start] === 0x2b ? start + 1 : start
  const digitsStart = at
  let point = -1
  let firstDigit = -1
  let lastDigit = -1
  for (; at < end; at++) {
    const c = bytes[at] as number
    if (c > 0x30 && c <= 0x39) {
      if (firstDigit < 0) firstDigit = at
      lastDigit = at
    } else if (c === 0x2e) {
      if (point >= 0) return undefined
      point = at
    } else if (c !== 0x30) break
  }
  const digitsEnd = at
  if (digitsEnd - digitsStart - (point >= 0 ? 1 : 0) === 0) return undefined
  const exponent = at === end ? 0 : scanExponent(bytes, at, end)
  if (Number.isNaN(exponent)) return undefined
  if (firstDigit < 0) return 0n
  // Powers of ten of the first and of the last digit that is not 0.
  const ones = point >= 0 ? point : digitsEnd
  const highest = (firstDigit < ones ? ones - 1 - firstDigit : ones - firstDigit) + exponent
  const lowest = (lastDigit < ones ? ones - 1 - lastDigit : ones - lastDigit) + exponent
  if (highest >= precision - scale || lowest < -scale) return undefined
  const unscaled = digitsValue(bytes, firstDigit, lastDigit) * powerOfTen(lowest + scale)
  return negative ? -unscaled : unscaled
}

/** The plain text of an unscaled value, with exactly `scale` digits after the point: `formatDecimal(-5n, 2)` is `-0.05`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString()
  if (scale === 0) return negative ? `-${digits}` : digits
  const padded = digits.padStart(scale + 1, '0')
  const cut = padded.length - scale
  return `${negative ? '-' : ''}${padded.slice(0, cut)}.${padded.slice(cut)}`
}

/** The unscaled value at another scale, or undefined where digits other than 0 would be lost. */
export function rescaleDecimal(unscaled: bigint, fromScale: number, toScale: number): bigint | undefined {
  if (toScale >= fromScale) return unscaled * powerOfTen(toScale - fromScale)
  const divisor = powerOfTen(fromScale - toScale)
  return unscaled % divisor === 0n ? unscaled / divisor : undefined
}

/** Whether an unscaled value has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const bound = powerOfTen(precision)
  return unscaled < bound && unscaled > -bound
}

function scanExponent(bytes: Uint8Array, start: number, end: number): number {
  const marker = bytes[start] as number
  if (marker !== 0x65 && marker !== 0x45) return Number.NaN
  let at = start + 1
  const negative = bytes[at] === 0x2d
  if (negative || bytes[at] === 0x2b) at++
  if (at >= end) return Number.NaN
  let exponent = 0
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    // A greater exponent leaves the value out of range all the same; it must only not overflow.
    exponent = Math.min(exponent * 10 + digit, MAX_EXPONENT)
  }
  return negative ? -exponent : exponent
}

// The digits of bytes[first..last] (a point is skipped) as an integer. They are at most 38, checked by the caller.
function digitsValue(bytes: Uint8Array, first: number, last: number): bigint {
  let value = 0
  let high = 0n
  let digits = 0
  for (let at = first; at <= last; at++) {
    const c = bytes[at] as number
    if (c === 0x2e) continue
    value = value * 10 + c - 0x30
    digits++
    if (digits === 15) {
      high = high * POWERS_OF_TEN[15]! + BigInt(value)
      value = 0
      digits = 0
    }
  }
  return high === 0n ? BigInt(value) : high * powerOfTen(digits) + BigInt(value)
}
