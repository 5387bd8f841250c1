// Builders of byte, short, integer, long, float, double and boolean. Integers must fit exactly; a number is rounded
// only to fit `float`, and never to infinity.
import { type DataType as ArrowType, type Data, makeData } from 'apache-arrow'
import { BaseBuilder, type BuilderInit, usedPart } from './base-builder.js'
import type { CellFault, MemberKey } from './column-builder.js'
import { memberOf } from './column-builder.js'
import { kindOf } from './print-value.js'
import { toArrowType } from './types.js'

type IntValues = Int8Array<ArrayBuffer> | Int16Array<ArrayBuffer> | Int32Array<ArrayBuffer>

const INT_BITS: Readonly<Record<string, 8 | 16 | 32>> = { byte: 8, short: 16, integer: 32 }
const TWO_TO_MINUS_32 = 2 ** -32
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** `byte`, `short` and `integer`. */
export class IntBuilder extends BaseBuilder {
  private values: IntValues
  private readonly bits: 8 | 16 | 32
  private readonly min: number
  private readonly max: number

  constructor(init: BuilderInit) {
    super(init)
    this.bits = INT_BITS[init.field.dataType.type] as 8 | 16 | 32
    this.min = -(2 ** (this.bits - 1))
    this.max = 2 ** (this.bits - 1) - 1
    this.values = this.allocate(0)
  }

  get byteLength(): number {
    return (this.length * this.bits) / 8 + this.bitmapBytes
  }

  /** Appends a number. A fault where it is no whole number of this type's range. */
  appendNumber(value: number): string | undefined {
    if ((value | 0) !== value || value < this.min || value > this.max) return this.rangeProblem(value)
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = value
    return undefined
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    if (key.inherited) return super.appendMembers(rows, key, start, end)
    this.reserve(end - start)
    const { values, min, max } = this
    for (let i = start; i < end; i++) {
      const value = memberOf(rows[i] as object, key)
      if (typeof value === 'number' && (value | 0) === value && value >= min && value <= max) values[this.length++] = value
      else if (this.append(value) !== undefined) return false
    }
    return true
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(lent = false): Data {
    const values = usedPart(this.values as Int32Array<ArrayBuffer>, this.length, lent)
    const data = makeData({
      type: toArrowType(this.field.dataType) as ArrowType,
      data: values,
      ...this.takeValidity(lent),
    } as never) as Data
    if (!lent) this.values = this.allocate(0)
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    const problem = typeof value === 'number' ? this.appendNumber(value) : `expected a number, got ${kindOf(value)}`
    return problem === undefined ? undefined : this.fault(value, problem, faults)
  }

  protected putZero(): void {
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = 0
  }

  protected resize(capacity: number): void {
    const grown = this.allocate(capacity)
    grown.set(this.values)
    this.values = grown
  }

  private allocate(capacity: number): IntValues {
    if (this.bits === 8) return new Int8Array(capacity)
    return this.bits === 16 ? new Int16Array(capacity) : new Int32Array(capacity)
  }

  private rangeProblem(value: number): string {
    if (!Number.isInteger(value)) return 'not a whole number'
    return `outside the range of ${this.field.dataType.type} (${this.min} to ${this.max})`
  }
}

/**
 * `long`. Numbers go in as two 32-bit halves: no bigint is made for a value that is none. Storing into an Int32Array takes
 * the value modulo 2^32, which is the low half.
 */
export class Int64Builder extends BaseBuilder {
  private values: BigInt64Array<ArrayBuffer>
  /** The same memory: low half, high half of each value. */
  private halves: Int32Array<ArrayBuffer>

  constructor(init: BuilderInit) {
    super(init)
    this.values = new BigInt64Array(0)
    this.halves = new Int32Array(this.values.buffer)
  }

  get byteLength(): number {
    return this.length * 8 + this.bitmapBytes
  }

  /** Appends a whole number that a double holds exactly (-(2^53)+1 to 2^53-1); not checked. */
  appendNumber(value: number): void {
    if (this.length === this.capacity) this.reserve(1)
    this.halves[this.length * 2] = value
    this.halves[this.length * 2 + 1] = Math.floor(value * TWO_TO_MINUS_32)
    this.length++
  }

  /** Appends a value by its halves (two's complement). */
  appendInt64(low: number, high: number): void {
    if (this.length === this.capacity) this.reserve(1)
    this.halves[this.length * 2] = low
    this.halves[this.length * 2 + 1] = high
    this.length++
  }

  /** Appends a value that fits 64 bits; not checked. */
  appendBigInt(value: bigint): void {
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = value
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    if (key.inherited) return super.appendMembers(rows, key, start, end)
    this.reserve(end - start)
    const { values, halves } = this
    for (let i = start; i < end; i++) {
      const value = memberOf(rows[i] as object, key)
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) {
        values[this.length++] = value
      } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
        halves[this.length * 2] = value
        halves[this.length * 2 + 1] = Math.floor(value * TWO_TO_MINUS_32)
        this.length++
      } else if (this.append(value) !== undefined) return false
    }
    return true
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(lent = false): Data {
    const values = usedPart(this.values, this.length, lent)
    const data = makeData({ type: toArrowType(this.field.dataType), data: values, ...this.takeValidity(lent) } as never) as Data
    if (!lent) {
      this.values = new BigInt64Array(0)
      this.halves = new Int32Array(this.values.buffer)
    }
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (typeof value === 'bigint') {
      if (value < MIN_INT64 || value > MAX_INT64) return this.fault(value, 'outside the range of long (64 bits)', faults)
      this.appendBigInt(value)
    } else if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) return this.fault(value, unsafeProblem(value), faults)
      this.appendNumber(value)
    } else {
      return this.fault(value, `expected a bigint or a whole number, got ${kindOf(value)}`, faults)
    }
    return undefined
  }

  protected putZero(): void {
    this.appendInt64(0, 0)
  }

  protected resize(capacity: number): void {
    const grown = new BigInt64Array(capacity)
    grown.set(this.values)
    this.values = grown
    this.halves = new Int32Array(grown.buffer)
  }
}

function unsafeProblem(value: number): string {
  return Number.isInteger(value) ? 'beyond 2^53, where a number is not exact: pass a bigint' : 'not a whole number'
}

/** `float` and `double`. */
export class FloatBuilder extends BaseBuilder {
  private values: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
  private readonly single: boolean

  constructor(init: BuilderInit) {
    super(init)
    this.single = init.field.dataType.type === 'float'
    this.values = this.allocate(0)
  }

  get byteLength(): number {
    return this.length * (this.single ? 4 : 8) + this.bitmapBytes
  }

  /** Appends a number, rounded to the nearest where this is a `float`. A fault where that would be an infinity. */
  appendNumber(value: number): string | undefined {
    if (this.single && !Number.isFinite(Math.fround(value)) && Number.isFinite(value)) return 'outside the range of float'
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = value
    return undefined
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    if (key.inherited || this.single) return super.appendMembers(rows, key, start, end)
    this.reserve(end - start)
    const values = this.values as Float64Array
    for (let i = start; i < end; i++) {
      const value = memberOf(rows[i] as object, key)
      if (typeof value === 'number') values[this.length++] = value
      else if (this.append(value) !== undefined) return false
    }
    return true
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(lent = false): Data {
    const values = usedPart(this.values as Float64Array<ArrayBuffer>, this.length, lent)
    const data = makeData({ type: toArrowType(this.field.dataType), data: values, ...this.takeValidity(lent) } as never) as Data
    if (!lent) this.values = this.allocate(0)
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    const problem = typeof value === 'number' ? this.appendNumber(value) : `expected a number, got ${kindOf(value)}`
    return problem === undefined ? undefined : this.fault(value, problem, faults)
  }

  protected putZero(): void {
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = 0
  }

  protected resize(capacity: number): void {
    const grown = this.allocate(capacity)
    grown.set(this.values)
    this.values = grown
  }

  private allocate(capacity: number): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
    return this.single ? new Float32Array(capacity) : new Float64Array(capacity)
  }
}
