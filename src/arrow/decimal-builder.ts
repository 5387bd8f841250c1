// The builder of decimal(p,s): 128-bit unscaled integers. One rule: a value fits exactly or is refused.
import { type Data, makeData } from 'apache-arrow'
import { type DecimalType, fitsPrecision, parseDecimal, powerOfTen } from '../schema/index.js'
import { BaseBuilder, type BuilderInit, usedPart } from './base-builder.js'
import type { CellFault } from './column-builder.js'
import { kindOf } from './print-value.js'
import { toArrowType } from './types.js'

const TWO_32 = 4_294_967_296

/** `decimal` (text, bigint, or a whole number a double holds exactly). */
export class DecimalBuilder extends BaseBuilder {
  /** Low and high 64 bits of each value. */
  private words: BigInt64Array<ArrayBuffer>
  private quarters: Int32Array<ArrayBuffer>
  private readonly type: DecimalType
  /** Whole numbers up to here can be scaled as doubles, exactly and within the precision. */
  private readonly maxPlain: number

  constructor(init: BuilderInit) {
    super(init)
    this.type = init.field.dataType as DecimalType
    this.words = new BigInt64Array(0)
    this.quarters = new Int32Array(this.words.buffer)
    const { precision, scale } = this.type
    this.maxPlain = Math.min(10 ** (precision - scale) - 1, Math.floor(Number.MAX_SAFE_INTEGER / 10 ** scale))
  }

  get byteLength(): number {
    return this.length * 16 + this.bitmapBytes
  }

  /** Appends an unscaled value that fits the precision; not checked. */
  appendUnscaled(unscaled: bigint): void {
    if (this.length === this.capacity) this.reserve(1)
    this.words[this.length * 2] = unscaled
    this.words[this.length * 2 + 1] = unscaled >> 64n
    this.length++
  }

  /** Appends an unscaled value that a double holds exactly and that fits the precision; not checked. */
  appendUnscaledNumber(unscaled: number): void {
    if (this.length === this.capacity) this.reserve(1)
    const at = this.length++ * 4
    const sign = unscaled < 0 ? -1 : 0
    this.quarters[at] = unscaled % TWO_32
    this.quarters[at + 1] = Math.floor(unscaled / TWO_32)
    this.quarters[at + 2] = sign
    this.quarters[at + 3] = sign
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(): Data {
    const used = usedPart(this.words, this.length * 2)
    const values = new Uint32Array(used.buffer, used.byteOffset, used.length * 2)
    const data = makeData({ type: toArrowType(this.type), data: values, ...this.takeValidity() } as never) as Data
    this.words = new BigInt64Array(0)
    this.quarters = new Int32Array(this.words.buffer)
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    const { precision, scale } = this.type
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) {
        return this.fault(value, 'a number that is not whole is not exact: pass decimals as text', faults)
      }
      if (Math.abs(value) <= this.maxPlain) {
        this.appendUnscaledNumber(value * 10 ** scale)
        return undefined
      }
    }
    let unscaled: bigint | undefined
    if (typeof value === 'string') unscaled = parseDecimal(value, precision, scale)
    else if (typeof value === 'bigint' || typeof value === 'number') unscaled = scaled(BigInt(value), precision, scale)
    else return this.fault(value, `expected a decimal text, a bigint or a whole number, got ${kindOf(value)}`, faults)
    if (unscaled === undefined) return this.fault(value, `does not fit decimal(${precision},${scale}) exactly`, faults)
    this.appendUnscaled(unscaled)
    return undefined
  }

  protected putZero(): void {
    this.appendUnscaledNumber(0)
  }

  protected resize(capacity: number): void {
    const grown = new BigInt64Array(capacity * 2)
    grown.set(this.words)
    this.words = grown
    this.quarters = new Int32Array(grown.buffer)
  }
}

function scaled(whole: bigint, precision: number, scale: number): bigint | undefined {
  // The check comes first: a bigint of a caller may have a million digits.
  if (!fitsPrecision(whole, precision - scale)) return undefined
  return whole * powerOfTen(scale)
}
