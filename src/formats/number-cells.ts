// Cells of long, integer, short, byte, float, double and decimal. One rule: whole numbers and decimals are exact or
// refused; only float and double round, and never to infinity.
import type { DecimalBuilder, FloatBuilder, Int64Builder, IntBuilder } from '../arrow/index.js'
import { decodeUtf8 } from '../bytes.js'
import { parseDecimal } from '../schema/index.js'
import type { DecimalType } from '../schema/types.js'
import { Cell } from './cell.js'
import type { JsonScanner } from './json-scanner.js'

const TWO_32 = 4_294_967_296

/** A cell whose values are number texts, bare or in quotes. */
abstract class NumberCell extends Cell {
  protected abstract readonly expected: string

  appendText(scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (scan.number.scan(bytes, start, end, true) !== end) return this.appendWord(bytes, start, end)
    return this.appendScanned(scan, bytes)
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c === 0x22) {
      this.readQuoted(scan)
      return
    }
    if (c !== 0x2d && (c < 0x30 || c > 0x39)) {
      scan.mismatch(this.path, this.expected)
      return
    }
    const start = scan.pos
    if (!scan.readNumber(this.path)) return
    const problem = this.appendScanned(scan, scan.bytes)
    if (problem !== undefined) scan.bad(this.path, start, problem)
  }

  /** Appends `scan.number`, which was scanned in `bytes`. */
  protected abstract appendScanned(scan: JsonScanner, bytes: Uint8Array): string | undefined

  /** Appends a text that is no decimal number. */
  protected appendWord(_bytes: Uint8Array, _start: number, _end: number): string | undefined {
    return 'not a number'
  }
}

export class LongCell extends NumberCell {
  protected readonly expected = 'a whole number'
  private readonly builder: Int64Builder

  constructor(builder: Int64Builder) {
    super(builder)
    this.builder = builder
  }

  override canonical(text: string): string {
    return canonicalNumber(text, 0)
  }

  protected appendScanned(scan: JsonScanner, bytes: Uint8Array): string | undefined {
    const { number } = scan
    if (number.smallWhole) {
      const value = number.wholeValue
      const high = Math.floor(value / TWO_32)
      this.builder.appendInt64(value - high * TWO_32, high)
      return undefined
    }
    if (!number.toInt64(bytes)) return 'not a whole number of 64 bits'
    this.builder.appendInt64(number.lo, number.hi)
    return undefined
  }
}

/** `integer`, `short` and `byte`; the builder knows the range. */
export class IntCell extends NumberCell {
  protected readonly expected = 'a whole number'
  private readonly builder: IntBuilder

  constructor(builder: IntBuilder) {
    super(builder)
    this.builder = builder
  }

  override canonical(text: string): string {
    return canonicalNumber(text, 0)
  }

  protected appendScanned(scan: JsonScanner, bytes: Uint8Array): string | undefined {
    const { number } = scan
    if (number.smallWhole) return this.builder.appendNumber(number.wholeValue)
    // 1.0 and 1e3 are whole; what does not fit 32 bits fails in the builder.
    if (!number.toInt64(bytes)) return 'not a whole number of this range'
    return this.builder.appendNumber(number.hi * TWO_32 + (number.lo >>> 0))
  }
}

export class FloatCell extends NumberCell {
  protected readonly expected = 'a number'
  private readonly builder: FloatBuilder

  constructor(builder: FloatBuilder) {
    super(builder)
    this.builder = builder
  }

  override canonical(text: string): string {
    return String(Number(text) + 0)
  }

  protected appendScanned(scan: JsonScanner, bytes: Uint8Array): string | undefined {
    const value = scan.number.toDouble(bytes)
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return 'outside the range of double'
    return this.builder.appendNumber(value)
  }

  // JSON has no numbers for these three; their names are what the canonical form prints.
  protected override appendWord(bytes: Uint8Array, start: number, end: number): string | undefined {
    const text = end - start <= 9 ? decodeUtf8(bytes, start, end) : ''
    if (text === 'NaN') return this.builder.appendNumber(Number.NaN)
    if (text === 'Infinity') return this.builder.appendNumber(Number.POSITIVE_INFINITY)
    if (text === '-Infinity') return this.builder.appendNumber(Number.NEGATIVE_INFINITY)
    return 'not a number'
  }
}

export class DecimalCell extends NumberCell {
  protected readonly expected = 'a decimal number'
  private readonly builder: DecimalBuilder
  private readonly precision: number
  private readonly scale: number

  constructor(builder: DecimalBuilder) {
    super(builder)
    this.builder = builder
    const { precision, scale } = builder.field.dataType as DecimalType
    this.precision = precision
    this.scale = scale
  }

  override canonical(text: string): string {
    return canonicalNumber(text, this.scale)
  }

  protected appendScanned(scan: JsonScanner, bytes: Uint8Array): string | undefined {
    const { precision, scale } = this
    const small = scan.number.toDecimalNumber(precision, scale)
    if (!Number.isNaN(small)) {
      this.builder.appendUnscaledNumber(small)
      return undefined
    }
    const unscaled = scan.number.toDecimal(bytes, precision, scale)
    if (unscaled === undefined) return `does not fit decimal(${precision},${scale}) exactly`
    this.builder.appendUnscaled(unscaled)
    return undefined
  }
}

function canonicalNumber(text: string, scale: number): string {
  return String(parseDecimal(text, 38, scale) ?? text)
}
