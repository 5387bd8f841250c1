// What all column builders share: length, growth, nulls, faults. One rule: validity bits at and beyond `length` are
// always 1, so a value costs no bit work, only a null does, and the bitmap exists only once there is a null.
import type { Data } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import type { Field } from '../schema/index.js'
import type { CellFault, ColumnBuilder, MemberKey } from './column-builder.js'
import { memberOf } from './column-builder.js'
import { printValue } from './print-value.js'

/** What the constructor of every builder takes. */
export interface BuilderInit {
  readonly field: Field
  readonly path: string
  readonly capacityRows: number
}

/** The problem text of a null that may not be. */
export const NULL_PROBLEM = 'null in a NOT NULL column'

/** Arrow's 32-bit offsets end here. */
const MAX_BYTES = 0x7fff_ffff

export abstract class BaseBuilder implements ColumnBuilder {
  readonly field: Field
  readonly path: string
  length: number = 0
  /** Cells there is room for: a multiple of 64, 0 before the first. */
  protected capacity: number = 0
  private firstCapacity: number
  private bitmap: Uint8Array | undefined

  constructor(init: BuilderInit) {
    this.field = init.field
    this.path = init.path
    this.firstCapacity = init.capacityRows
  }

  abstract get byteLength(): number
  abstract finish(lent?: boolean): Data
  abstract appendFiller(): void
  /** Appends a value that is neither null nor undefined. */
  protected abstract put(value: unknown, faults: CellFault[] | undefined): string | undefined
  /** Appends whatever stands under a null. */
  protected abstract putZero(): void
  /** Makes room for `capacity` cells (a multiple of 64), keeping those there are. */
  protected abstract resize(capacity: number): void

  append(value: unknown, faults?: CellFault[]): string | undefined {
    if (value !== null && value !== undefined) return this.put(value, faults)
    if (!this.field.nullable) return this.fault(value, NULL_PROBLEM, faults)
    this.appendNull()
    return undefined
  }

  appendNull(): void {
    this.markNull(this.length)
    this.putZero()
  }

  appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      if (this.append(memberOf(rows[i] as object, key)) !== undefined) return false
    }
    return true
  }

  truncate(length: number): void {
    if (this.bitmap !== undefined && length < this.length) setBits(this.bitmap, length, this.length)
    this.length = length
  }

  /** Marks a cell as null; the cell itself is appended by the caller. */
  protected markNull(at: number): void {
    if (at >= this.capacity) this.reserve(1)
    const bitmap = this.bitmap ?? this.createBitmap()
    bitmap[at >> 3] = (bitmap[at >> 3] as number) & ~(1 << (at & 7))
  }

  /** Room for `count` more cells. */
  protected reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.capacity) return
    const capacity = (Math.max(needed, this.capacity === 0 ? this.firstCapacity : this.capacity * 2) + 63) & ~63
    if (this.bitmap !== undefined) {
      const grown = new Uint8Array(capacity >> 3).fill(255)
      grown.set(this.bitmap)
      this.bitmap = grown
    }
    this.resize(capacity)
    this.capacity = capacity
  }

  /** Hands out the validity of all cells and starts afresh: `length` is 0 then, and so is `capacity` unless the cells' memory stays. */
  protected takeValidity(staying = false): { length: number; nullCount: number; nullBitmap: Uint8Array | undefined } {
    const { length, bitmap } = this
    // The next batch will be about as long; one long batch shall not make every later one allocate as much.
    this.firstCapacity = Math.max(64, length)
    this.length = 0
    if (!staying) this.capacity = 0
    this.bitmap = undefined
    const nullCount = bitmap === undefined ? 0 : countZeros(bitmap, length)
    return { length, nullCount, nullBitmap: nullCount === 0 ? undefined : bitmap?.subarray(0, ((length + 63) & ~63) >> 3) }
  }

  /** Answers a fault, and lists it where somebody listens. */
  protected fault(value: unknown, problem: string, faults: CellFault[] | undefined): string {
    faults?.push({ column: this.path, value: printValue(value), problem })
    return problem
  }

  /** Bytes of the validity bitmap. */
  protected get bitmapBytes(): number {
    return this.bitmap === undefined ? 0 : (this.length + 7) >> 3
  }

  private createBitmap(): Uint8Array {
    this.bitmap = new Uint8Array(this.capacity >> 3).fill(255)
    return this.bitmap
  }
}

/** The used part of a buffer: a view where little is wasted or it is only lent, else a copy. */
export function usedPart<T extends { readonly length: number; subarray(a: number, b: number): T; slice(a: number, b: number): T }>(
  array: T,
  length: number,
  lent = false,
): T {
  return lent || length * 4 >= array.length * 3 ? array.subarray(0, length) : array.slice(0, length)
}

/** The next size of a byte buffer that must hold `needed` bytes. @throws AlluviumError `LIMIT_EXCEEDED` beyond Arrow's 2 GiB. */
export function grownByteSize(needed: number, current: number, path: string): number {
  if (needed > MAX_BYTES) {
    throw new AlluviumError('LIMIT_EXCEEDED', `column ${path} would hold more than 2 GiB in one batch: finish batches earlier`, {
      column: path,
    })
  }
  return Math.min(MAX_BYTES, Math.max(needed, current * 2, 1024))
}

function setBits(bitmap: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) bitmap[i >> 3] = (bitmap[i >> 3] as number) | (1 << (i & 7))
}

function countZeros(bitmap: Uint8Array, length: number): number {
  let zeros = 0
  for (let i = 0; i < (length + 7) >> 3; i++) {
    let byte = ~(bitmap[i] as number) & 255
    while (byte !== 0) {
      byte &= byte - 1
      zeros++
    }
  }
  return zeros
}
