// Decimal numbers read from bytes. Owns the grammar of a number and its exact conversions to long, double and decimal;
// its one rule: a value is either exact for the column's type or refused, never rounded (doubles and floats excepted).
import { decodeUtf8 } from '../bytes.js'
import { parseDecimalBytes } from '../schema/index.js'

const POWERS_OF_TEN: Float64Array = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
/** Digits that a double holds exactly whatever they are. */
const EXACT_DIGITS = 15
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * The last number scanned, in parts. Reused for every cell, so that a number costs no allocation.
 *
 * `mantissa` is the digits without the point, exact while `digits <= 15`; the value is `mantissa * 10^(exponent - fraction)`.
 */
export class NumberScan {
  start = 0
  end = 0
  negative = false
  mantissa = 0
  /** Significant digits, leading zeros not counted. */
  digits = 0
  /** Digits after the point. */
  fraction = 0
  exponent = 0
  /** Neither a point nor an exponent was written. */
  plain = true
  /** Low and high halves of the last {@link toInt64}. */
  lo = 0
  hi = 0

  /**
   * Scans a number at `start`, not reading at or beyond `limit`. Returns the index after it, or -1 where the text is no number.
   * `lenient` is the form of text cells: a plus sign and leading zeros are allowed there, as JSON does not.
   */
  scan(bytes: Uint8Array, start: number, limit: number, lenient: boolean): number {
    let i = start
    let c = i < limit ? (bytes[i] as number) : 0
    this.start = start
    this.negative = c === 0x2d
    if (this.negative || (lenient && c === 0x2b)) c = ++i < limit ? (bytes[i] as number) : 0
    if (c < 0x30 || c > 0x39) return -1
    const firstDigit = i
    let mantissa = 0
    let digits = 0
    do {
      mantissa = mantissa * 10 + (c - 0x30)
      if (mantissa !== 0) digits++
      c = ++i < limit ? (bytes[i] as number) : 0
    } while (c >= 0x30 && c <= 0x39)
    if (!lenient && bytes[firstDigit] === 0x30 && i - firstDigit > 1) return -1
    this.mantissa = mantissa
    this.digits = digits
    this.fraction = 0
    this.exponent = 0
    this.plain = true
    if (c === 0x2e || c === 0x65 || c === 0x45) {
      i = this.scanRest(bytes, i, limit, c)
      if (i < 0) return -1
    }
    this.end = i
    return i
  }

  /** The text as written. */
  text(bytes: Uint8Array): string {
    return decodeUtf8(bytes, this.start, this.end)
  }

  /** The nearest double; infinite where the number is beyond all doubles. */
  toDouble(bytes: Uint8Array): number {
    const power = this.exponent - this.fraction
    if (this.digits <= EXACT_DIGITS && power >= -22 && power <= 22) {
      // Both operands are exact, so one correctly rounded operation gives the nearest double.
      const value = power < 0 ? this.mantissa / (POWERS_OF_TEN[-power] as number) : this.mantissa * (POWERS_OF_TEN[power] as number)
      return this.negative ? -value : value
    }
    return Number(this.text(bytes))
  }

  /** True for a whole number that a double holds exactly; it is then `wholeValue`. */
  get smallWhole(): boolean {
    return this.plain && this.digits <= EXACT_DIGITS
  }

  get wholeValue(): number {
    // 0 - x rather than -x: an integer column has no minus zero.
    return this.negative ? 0 - this.mantissa : this.mantissa
  }

  /** Puts the exact value into `lo` and `hi`; false where it is no whole number of 64 bits (signed). */
  toInt64(bytes: Uint8Array): boolean {
    if (this.plain && this.digits <= 18) {
      this.splitPlain(bytes)
      return true
    }
    const value = parseDecimalBytes(bytes, this.start, this.end, 19, 0)
    if (value === undefined || value < INT64_MIN || value > INT64_MAX) return false
    this.lo = Number(BigInt.asIntN(32, value))
    this.hi = Number(BigInt.asIntN(32, value >> 32n))
    return true
  }

  /** The value times `10^scale` where a double holds that exactly and it has at most `precision` digits, else NaN: ask {@link toDecimal} then. */
  toDecimalNumber(precision: number, scale: number): number {
    if (this.exponent !== 0 || this.fraction > scale || this.digits + scale - this.fraction > EXACT_DIGITS) return Number.NaN
    const unscaled = this.mantissa * (POWERS_OF_TEN[scale - this.fraction] as number)
    if (precision < EXACT_DIGITS && unscaled >= (POWERS_OF_TEN[precision] as number)) return Number.NaN
    return this.negative ? 0 - unscaled : unscaled
  }

  /** The value times `10^scale` where that is a whole number of at most `precision` digits. */
  toDecimal(bytes: Uint8Array, precision: number, scale: number): bigint | undefined {
    return parseDecimalBytes(bytes, this.start, this.end, precision, scale)
  }

  private scanRest(bytes: Uint8Array, start: number, limit: number, first: number): number {
    let i = start
    let c = first
    this.plain = false
    if (c === 0x2e) {
      c = ++i < limit ? (bytes[i] as number) : 0
      if (c < 0x30 || c > 0x39) return -1
      const from = i
      do {
        this.mantissa = this.mantissa * 10 + (c - 0x30)
        if (this.mantissa !== 0) this.digits++
        c = ++i < limit ? (bytes[i] as number) : 0
      } while (c >= 0x30 && c <= 0x39)
      this.fraction = i - from
    }
    if (c !== 0x65 && c !== 0x45) return i
    c = ++i < limit ? (bytes[i] as number) : 0
    const negative = c === 0x2d
    if (negative || c === 0x2b) c = ++i < limit ? (bytes[i] as number) : 0
    if (c < 0x30 || c > 0x39) return -1
    let exponent = 0
    do {
      // Past this the value is 0 or infinite anyway; the text is what Number() sees.
      if (exponent < 100_000_000) exponent = exponent * 10 + (c - 0x30)
      c = ++i < limit ? (bytes[i] as number) : 0
    } while (c >= 0x30 && c <= 0x39)
    this.exponent = negative ? -exponent : exponent
    return i
  }

  // Up to 18 digits as two halves of 32 bits, without a bigint: high digits and the last nine are each exact in a double.
  private splitPlain(bytes: Uint8Array): void {
    let high = 0
    let low = 0
    const cut = this.end - 9
    let i = this.start
    const c = bytes[i] as number
    if (c === 0x2d || c === 0x2b) i++
    for (; i < cut; i++) high = high * 10 + ((bytes[i] as number) - 0x30)
    for (; i < this.end; i++) low = low * 10 + ((bytes[i] as number) - 0x30)
    // high < 10^9 and 10^9 = 15258 * 2^16 + 51712, so every product and sum below stays under 2^53.
    const upper = high * 15258
    const lower = high * 51712 + low + (upper % 65536) * 65536
    let lo = lower % 4294967296
    let hi = Math.floor(upper / 65536) + Math.floor(lower / 4294967296)
    if (this.negative) {
      lo = lo === 0 ? 0 : 4294967296 - lo
      hi = lo === 0 ? -hi : -hi - 1
    }
    this.lo = lo | 0
    this.hi = hi | 0
  }
}
