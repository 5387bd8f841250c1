// Builders of string and binary: 32-bit offsets and one arena of bytes. Texts of many rows are joined and encoded in
// one call; where all of them are ASCII (the usual case) their lengths already are the offsets.
import { type Data, makeData } from 'apache-arrow'
import { BaseBuilder, grownByteSize, usedPart } from './base-builder.js'
import type { CellFault, MemberKey } from './column-builder.js'
import { memberOf } from './column-builder.js'
import { kindOf } from './print-value.js'
import { toArrowType } from './types.js'
import { plainBytes, textBytes, writeText, writeTextChecked } from './utf8-text.js'

/** Characters joined before they are encoded: bounds the room kept free for the worst case of 3 bytes each. */
const JOINED_LENGTH = 65_536

/** What string and binary columns have in common. */
abstract class BytesBuilder extends BaseBuilder {
  protected bytes: Uint8Array<ArrayBuffer> = textBytes(0)
  protected offsets: Int32Array<ArrayBuffer> = new Int32Array(1)
  /** Bytes of the last batch: the next one will not need many fewer. */
  private expectedBytes: number = 0

  get byteLength(): number {
    return this.usedBytes + this.length * 4 + this.bitmapBytes
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(lent = false): Data {
    const { length, usedBytes } = this
    const valueOffsets = usedPart(this.offsets, length + 1, lent)
    const data = plainBytes(this.bytes, usedBytes, lent)
    this.expectedBytes = usedBytes
    if (!lent) {
      this.bytes = textBytes(0)
      this.offsets = new Int32Array(1)
    }
    return makeData({ type: toArrowType(this.field.dataType), valueOffsets, data, ...this.takeValidity(lent) } as never) as Data
  }

  /** Bytes of all cells so far. */
  protected get usedBytes(): number {
    return this.offsets[this.length] as number
  }

  /** Ends the cell under construction at byte `end`. */
  protected endCell(end: number): void {
    if (this.length === this.capacity) this.reserve(1)
    this.offsets[++this.length] = end
  }

  protected appendBytes(source: Uint8Array, start: number, end: number): void {
    const at = this.usedBytes
    const length = end - start
    this.reserveBytes(length)
    const { bytes } = this
    if (length > 48) bytes.set(source.subarray(start, end), at)
    else for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number
    this.endCell(at + length)
  }

  /** Room for `count` bytes after those in use. */
  protected reserveBytes(count: number): void {
    const used = this.usedBytes
    if (used + count > this.bytes.length) this.growBytes(used, used + count)
  }

  /** Makes the arena hold `needed` bytes, keeping the first `used`. */
  protected growBytes(used: number, needed: number): void {
    const grown = textBytes(grownByteSize(needed, Math.max(this.bytes.length, this.expectedBytes >> 1), this.path))
    grown.set(this.bytes.subarray(0, used))
    this.bytes = grown
  }

  protected putZero(): void {
    this.endCell(this.usedBytes)
  }

  protected resize(capacity: number): void {
    const grown = new Int32Array(capacity + 1)
    grown.set(this.offsets.subarray(0, this.length + 1))
    this.offsets = grown
  }
}

/** `string`. A text with an unpaired surrogate has no UTF-8 form and is a fault. */
export class Utf8Builder extends BytesBuilder {
  /** Appends bytes that are valid UTF-8 (not checked). */
  appendUtf8(source: Uint8Array, start: number, end: number): void {
    this.appendBytes(source, start, end)
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    this.reserve(end - start)
    let text = ''
    let first = start
    for (let i = start; i < end; i++) {
      const value = memberOf(rows[i] as object, key)
      if (typeof value === 'string') {
        text += value
        // The offset as it is when all is ASCII; endJoined checks that.
        this.offsets[this.length + 1] = (this.offsets[this.length] as number) + value.length
        this.length++
        if (text.length < JOINED_LENGTH) continue
      } else if (value === null || value === undefined) {
        if (this.append(value) !== undefined) return false
        continue
      } else {
        return false
      }
      if (!this.endJoined(text, rows, key, first, i + 1)) return false
      text = ''
      first = i + 1
    }
    return this.endJoined(text, rows, key, first, end)
  }

  // Encodes the joined texts of rows[first, end), whose cells are the last ones and have offsets that assume ASCII.
  private endJoined(text: string, rows: readonly object[], key: MemberKey, first: number, end: number): boolean {
    if (text.length === 0) return true
    const firstCell = this.length - (end - first)
    const at = this.offsets[firstCell] as number
    const room = at + text.length * 3
    if (room > this.bytes.length) this.growBytes(at, room)
    if (writeText(this.bytes, text, at) === text.length) return true
    this.truncate(firstCell)
    return super.appendMembers(rows, key, first, end)
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (typeof value !== 'string') return this.fault(value, `expected a string, got ${kindOf(value)}`, faults)
    const at = this.usedBytes
    this.reserveBytes(value.length * 3)
    const written = writeTextChecked(this.bytes, value, at)
    if (written < 0) return this.fault(value, 'a text with an unpaired surrogate has no UTF-8 form', faults)
    this.endCell(at + written)
    return undefined
  }
}

/** `binary`. */
export class BinaryBuilder extends BytesBuilder {
  /** Appends `source[start, end)`. */
  appendBinary(source: Uint8Array, start: number, end: number): void {
    this.appendBytes(source, start, end)
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (!(value instanceof Uint8Array)) return this.fault(value, `expected a Uint8Array, got ${kindOf(value)}`, faults)
    this.appendBytes(value, 0, value.length)
    return undefined
  }
}
