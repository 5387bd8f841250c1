// Thrift's compact protocol, as far as Parquet's footers and page headers use it. Reading never trusts a size: a
// length is compared with the bytes that remain before anything is made of it, and nesting is bounded.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'

/** Wire types of the compact protocol. */
export const BOOLEAN_TRUE = 1
export const BOOLEAN_FALSE = 2
const BYTE = 3
export const I16 = 4
export const I32 = 5
export const I64 = 6
const DOUBLE = 7
export const BINARY = 8
export const LIST = 9
export const SET = 10
export const MAP = 11
export const STRUCT = 12
const UUID = 13

const MAX_DEPTH = 48
/** Fields of one struct: Parquet's have below twenty. A field can be one byte long, what is kept of it is not. */
const MAX_FIELDS = 1024

/** The bytes are not what the compact protocol allows; callers turn it into their own error with the file's name. */
export class ThriftFault extends Error {
  constructor(what: string, at: number) {
    super(`${what} at byte ${at}`)
    this.name = 'ThriftFault'
  }
}

/** One field of a struct: its value takes `[start, end)` of the reader's bytes. Booleans live in the type and take none. */
export interface ThriftField {
  readonly id: number
  readonly type: number
  readonly start: number
  readonly end: number
}

/** A cursor over thrift bytes. */
export class ThriftReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  /** The fields of the struct that starts here, in order; the cursor moves past it. Values are skipped, not decoded. */
  fields(): ThriftField[] {
    const found: ThriftField[] = []
    this.eachField((id, type, start, end) => found.push({ id, type, start, end }))
    return found
  }

  /** Calls back with every field of the struct that starts here; the cursor moves past it. */
  eachField(visit: (id: number, type: number, start: number, end: number) => void, depth = 0): void {
    if (depth > MAX_DEPTH) throw new ThriftFault('thrift nested too deeply', this.at)
    let id = 0
    for (let count = 0; ; count++) {
      const head = this.byte()
      const type = head & 0x0f
      if (type === 0) return
      if (count === MAX_FIELDS) throw new ThriftFault(`a struct of more than ${MAX_FIELDS} fields`, this.at)
      id = head >> 4 === 0 ? this.int32() : id + (head >> 4)
      const start = this.at
      this.skip(type, depth + 1)
      visit(id, type, start, this.at)
    }
  }

  /** Element type and count of the list that starts here; the cursor moves to its first element. */
  listHead(): { type: number; count: number } {
    const head = this.byte()
    const count = head >> 4 === 15 ? this.varint32() : head >> 4
    // Every element takes a byte at least, so a count beyond the bytes left is a lie.
    if (count > this.end - this.at) throw new ThriftFault(`a list of ${count} elements in ${this.end - this.at} bytes`, this.at)
    return { type: head & 0x0f, count }
  }

  /** Moves past one value. */
  skip(type: number, depth = 0): void {
    if (type === BOOLEAN_TRUE || type === BOOLEAN_FALSE) return
    if (type === I16 || type === I32 || type === I64) this.skipVarint()
    else if (type === BINARY) this.forward(this.varint32())
    else if (type === STRUCT) this.skipStruct(depth)
    else if (type === LIST || type === SET) this.skipList(depth)
    else if (type === MAP) this.skipMap(depth)
    else if (type === BYTE) this.forward(1)
    else if (type === DOUBLE) this.forward(8)
    else if (type === UUID) this.forward(16)
    else throw new ThriftFault(`unknown thrift type ${type}`, this.at)
  }

  /** A zigzag 32-bit integer (also i16). */
  int32(): number {
    const raw = this.varint32()
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** A zigzag 64-bit integer that must fit a JavaScript number exactly. */
  int64(): number {
    let low = 0
    let scale = 1
    let bits = 0
    const start = this.at
    // Zigzag on the whole value, without 64-bit integers: the lowest bit is the sign.
    for (;;) {
      const byte = this.byte()
      low += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
      bits += 7
      if (bits > 63) throw new ThriftFault('an integer of more than 64 bits', start)
    }
    if (low > Number.MAX_SAFE_INTEGER) throw new ThriftFault('an integer beyond 2^52', start)
    return low % 2 === 0 ? low / 2 : -(low + 1) / 2
  }

  /** A byte string, as a view. */
  binary(): Uint8Array {
    const length = this.varint32()
    const start = this.at
    this.forward(length)
    return this.bytes.subarray(start, start + length)
  }

  text(): string {
    const value = this.binary()
    return decodeUtf8(value)
  }

  private byte(): number {
    if (this.at >= this.end) throw new ThriftFault('thrift ends too early', this.at)
    return this.bytes[this.at++] as number
  }

  private varint32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ThriftFault('an integer of more than 32 bits', this.at)
  }

  private forward(length: number): void {
    if (length > this.end - this.at) throw new ThriftFault(`${length} bytes announced, ${this.end - this.at} left`, this.at)
    this.at += length
  }

  private skipVarint(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return
    throw new ThriftFault('an integer of more than 64 bits', this.at)
  }

  private skipStruct(depth: number): void {
    if (depth > MAX_DEPTH) throw new ThriftFault('thrift nested too deeply', this.at)
    for (;;) {
      const head = this.byte()
      if ((head & 0x0f) === 0) return
      if (head >> 4 === 0) this.skipVarint()
      this.skip(head & 0x0f, depth + 1)
    }
  }

  private skipList(depth: number): void {
    if (depth > MAX_DEPTH) throw new ThriftFault('thrift nested too deeply', this.at)
    const { type, count } = this.listHead()
    if (type === BOOLEAN_TRUE || type === BOOLEAN_FALSE) this.forward(count)
    else for (let i = 0; i < count; i++) this.skip(type, depth + 1)
  }

  private skipMap(depth: number): void {
    if (depth > MAX_DEPTH) throw new ThriftFault('thrift nested too deeply', this.at)
    const count = this.varint32()
    if (count === 0) return
    if (count > this.end - this.at) throw new ThriftFault(`a map of ${count} entries in ${this.end - this.at} bytes`, this.at)
    const types = this.byte()
    for (let i = 0; i < count; i++) {
      this.skipElement(types >> 4, depth)
      this.skipElement(types & 0x0f, depth)
    }
  }

  private skipElement(type: number, depth: number): void {
    if (type === BOOLEAN_TRUE || type === BOOLEAN_FALSE) this.forward(1)
    else this.skip(type, depth + 1)
  }
}

/** Builds thrift bytes. Fields of a struct must be written in ascending order of their ids. */
export class ThriftWriter {
  private bytes: Uint8Array = new Uint8Array(1024)
  private length = 0
  private lastId = 0
  private readonly outer: number[] = []

  /** Bytes so far. */
  get size(): number {
    return this.length
  }

  /** Starts a struct as the value of a field, or of a list element where no id is given. */
  beginStruct(id?: number): void {
    if (id !== undefined) this.head(id, STRUCT)
    this.outer.push(this.lastId)
    this.lastId = 0
  }

  endStruct(): void {
    this.put(0)
    this.lastId = this.outer.pop() ?? 0
  }

  int32(id: number, value: number): void {
    this.head(id, I32)
    this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  int16(id: number, value: number): void {
    this.head(id, I16)
    this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  /** A 64-bit field of a safe integer. */
  int64(id: number, value: number): void {
    this.head(id, I64)
    if (Math.abs(value) >= 2 ** 52) throw new RangeError(`${value} is beyond 2^52`)
    this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  bool(id: number, value: boolean): void {
    this.head(id, value ? BOOLEAN_TRUE : BOOLEAN_FALSE)
  }

  text(id: number, value: string): void {
    this.binary(id, encodeUtf8(value))
  }

  binary(id: number, value: Uint8Array): void {
    this.head(id, BINARY)
    this.varint(value.length)
    this.append(value)
  }

  /** Starts a list field; the elements follow as `beginStruct()`, `rawValue` or `textElement`. */
  list(id: number, elementType: number, count: number): void {
    this.head(id, LIST)
    this.put((count < 15 ? count << 4 : 0xf0) | elementType)
    if (count >= 15) this.varint(count)
  }

  textElement(value: string): void {
    const bytes = encodeUtf8(value)
    this.varint(bytes.length)
    this.append(bytes)
  }

  /** A field copied from elsewhere, byte for byte. */
  copy(source: Uint8Array, field: ThriftField): void {
    this.head(field.id, field.type)
    this.append(source.subarray(field.start, field.end))
  }

  /** A value without a field head: an element of a list, already encoded. */
  rawValue(bytes: Uint8Array): void {
    this.append(bytes)
  }

  /** The bytes so far. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }

  private head(id: number, type: number): void {
    const delta = id - this.lastId
    if (delta > 0 && delta <= 15) this.put((delta << 4) | type)
    else {
      this.put(type)
      this.varint(id < 0 ? -id * 2 - 1 : id * 2)
    }
    this.lastId = id
  }

  private varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.put((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.put(rest)
  }

  private put(byte: number): void {
    if (this.length === this.bytes.length) this.grow(1)
    this.bytes[this.length++] = byte
  }

  private append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  private grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + atLeast))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
}
