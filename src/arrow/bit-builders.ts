// Builders of boolean and void. One rule for boolean: bits at and beyond `length` are 0, so only `true` costs work.
import { type Data, makeData } from 'apache-arrow'
import { BaseBuilder, type BuilderInit, usedPart } from './base-builder.js'
import type { CellFault, MemberKey } from './column-builder.js'
import { memberOf } from './column-builder.js'
import { kindOf } from './print-value.js'
import { toArrowType } from './types.js'

/** `boolean`. */
export class BoolBuilder extends BaseBuilder {
  private bits: Uint8Array<ArrayBuffer>

  constructor(init: BuilderInit) {
    super(init)
    this.bits = new Uint8Array(0)
  }

  get byteLength(): number {
    return ((this.length + 7) >> 3) + this.bitmapBytes
  }

  appendBool(value: boolean): void {
    if (this.length === this.capacity) this.reserve(1)
    if (value) this.bits[this.length >> 3] = (this.bits[this.length >> 3] as number) | (1 << (this.length & 7))
    this.length++
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    this.reserve(end - start)
    for (let i = start; i < end; i++) {
      const value = memberOf(rows[i] as object, key)
      if (value === true || value === false) this.appendBool(value)
      else if (this.append(value) !== undefined) return false
    }
    return true
  }

  override truncate(length: number): void {
    for (let i = length; i < this.length; i++) this.bits[i >> 3] = (this.bits[i >> 3] as number) & ~(1 << (i & 7))
    super.truncate(length)
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(): Data {
    const bits = usedPart(this.bits, ((this.length + 63) & ~63) >> 3)
    const data = makeData({ type: toArrowType(this.field.dataType), data: bits, ...this.takeValidity() } as never) as Data
    this.bits = new Uint8Array(0)
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (typeof value !== 'boolean') return this.fault(value, `expected true or false, got ${kindOf(value)}`, faults)
    this.appendBool(value)
    return undefined
  }

  protected putZero(): void {
    this.appendBool(false)
  }

  protected resize(capacity: number): void {
    const grown = new Uint8Array(capacity >> 3)
    grown.set(this.bits)
    this.bits = grown
  }
}

/** `void`: nothing but nulls, which take no memory. */
export class NullBuilder extends BaseBuilder {
  get byteLength(): number {
    return 0
  }

  override appendNull(): void {
    this.length++
  }

  appendFiller(): void {
    this.length++
  }

  finish(): Data {
    const length = this.length
    this.length = 0
    return makeData({ type: toArrowType(this.field.dataType), length } as never) as Data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    return this.fault(value, 'a void column holds only nulls', faults)
  }

  protected putZero(): void {
    this.length++
  }

  protected resize(): void {}
}
