// Walks the bytes of one variant value and hands its parts, innermost first, to a sink. Rule: what a value claims to
// contain is checked against its own bytes first, and its parts never take more bytes than it has, so that no few bytes
// can stand for many values.
import * as code from './encoding.js'
import { MAX_VARIANT_DEPTH, tooDeep, unknownVariant, variantFault } from './faults.js'
import { textAt, uintAt, type VariantNames } from './names.js'

/** What is made of the parts of a value. */
export interface VariantSink<T> {
  null(): T
  boolean(value: boolean): T
  /** Number where it is a safe integer, bigint beyond. */
  integer(value: number | bigint): T
  /** `single`: the double that a 32-bit float equals. */
  float(value: number, single: boolean): T
  decimal(unscaled: bigint, scale: number): T
  date(days: number): T
  /** Microseconds since midnight. */
  time(micros: bigint): T
  timestamp(value: bigint, unit: 'micros' | 'nanos', zoned: boolean): T
  binary(bytes: Uint8Array): T
  text(text: string): T
  uuid(bytes: Uint8Array): T
  array(items: T[]): T
  /** Names are in the order of their UTF-8 bytes, each once. */
  object(names: readonly string[], values: T[]): T
}

/** One value; `value` begins with it. @throws AlluviumError `CORRUPT_DATA`, `UNSUPPORTED_FEATURE`, `LIMIT_EXCEEDED` */
export function readVariant<T>(value: Uint8Array, names: VariantNames, sink: VariantSink<T>): T {
  return new ValueReader(value, names, sink).read(0, value.length, 0)
}

/** The fields of an object by their places, for whoever puts objects together; undefined for another value. */
export function objectFields(value: Uint8Array): { ids: number[]; values: Uint8Array[] } | undefined {
  if (value.length === 0 || ((value[0] as number) & 3) !== code.OBJECT) return undefined
  const { parts, size } = layoutOf(value, 0, value.length)
  if (parts === undefined) throw variantFault('an object that ends early')
  const ids: number[] = []
  const values: Uint8Array[] = []
  for (let i = 0; i < parts.count; i++) {
    ids.push(uintAt(value, parts.idsAt + i * parts.idSize, parts.idSize))
    const at = childAt(value, parts, i, size)
    values.push(value.subarray(at, at + layoutOf(value, at, size).size))
  }
  return { ids, values }
}

/** Where the parts of an object or array lie. */
interface Parts {
  readonly count: number
  readonly idSize: number
  readonly idsAt: number
  readonly offsetSize: number
  readonly offsetsAt: number
  readonly valuesAt: number
}

/** The bytes of a value, and where its parts are if it has any. Everything it claims lies before `end`. */
function layoutOf(bytes: Uint8Array, at: number, end: number): { size: number; parts: Parts | undefined } {
  if (at >= end) throw variantFault(`a value is due at byte ${at} of ${end}`)
  const first = bytes[at] as number
  const header = first >> 2
  const basic = first & 3
  if (basic === code.OBJECT || basic === code.ARRAY) return partsOf(bytes, at, end, header, basic)
  let size = 1
  if (basic === code.SHORT_STRING) size += header
  else {
    const fixed = code.PRIMITIVE_BYTES[header]
    if (fixed === undefined) throw unknownVariant(`the primitive type ${header}`)
    if (fixed >= 0) size += fixed
    else if (end - at < 5) throw variantFault(`a length is cut off at byte ${end}`)
    else size += 4 + uintAt(bytes, at + 1, 4)
  }
  if (size > end - at) throw variantFault(`a value of ${size} bytes at byte ${at} of ${end}`)
  return { size, parts: undefined }
}

function partsOf(bytes: Uint8Array, at: number, end: number, header: number, basic: number): { size: number; parts: Parts } {
  const isObject = basic === code.OBJECT
  const countSize = (header >> (isObject ? 4 : 2)) & 1 ? 4 : 1
  const offsetSize = (header & 3) + 1
  const idSize = isObject ? ((header >> 2) & 3) + 1 : 0
  const idsAt = at + 1 + countSize
  if (idsAt > end) throw variantFault(`a count is cut off at byte ${end}`)
  const count = uintAt(bytes, at + 1, countSize)
  const offsetsAt = idsAt + count * idSize
  const valuesAt = offsetsAt + (count + 1) * offsetSize
  if (valuesAt > end) throw variantFault(`${count} values cannot lie in ${end - at} bytes`)
  const size = valuesAt - at + uintAt(bytes, offsetsAt + count * offsetSize, offsetSize)
  if (size > end - at) throw variantFault(`a value of ${size} bytes at byte ${at} of ${end}`)
  return { size, parts: { count, idSize, idsAt, offsetSize, offsetsAt, valuesAt } }
}

function childAt(bytes: Uint8Array, parts: Parts, i: number, end: number): number {
  const at = parts.valuesAt + uintAt(bytes, parts.offsetsAt + i * parts.offsetSize, parts.offsetSize)
  if (at >= end) throw variantFault(`a part at byte ${at} of ${end}`)
  return at
}

class ValueReader<T> {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly names: VariantNames
  private readonly sink: VariantSink<T>

  constructor(bytes: Uint8Array, names: VariantNames, sink: VariantSink<T>) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.names = names
    this.sink = sink
  }

  read(at: number, limit: number, depth: number): T {
    if (depth > MAX_VARIANT_DEPTH) throw tooDeep()
    const { size, parts } = layoutOf(this.bytes, at, limit)
    const end = at + size
    const first = this.bytes[at] as number
    if (parts === undefined) {
      if ((first & 3) === code.SHORT_STRING) return this.sink.text(textAt(this.bytes, at + 1, end))
      return this.primitive(first >> 2, at + 1, end)
    }
    const children = this.childrenOf(parts, end)
    const values = children.map((child) => this.read(child, end, depth + 1))
    if ((first & 3) === code.ARRAY) return this.sink.array(values)
    return this.sink.object(this.namesOf(parts), values)
  }

  // Where the parts begin. All of them together fit into the value, so that none is counted twice.
  private childrenOf(parts: Parts, end: number): number[] {
    const children: number[] = []
    let left = end - parts.valuesAt
    for (let i = 0; i < parts.count; i++) {
      const at = childAt(this.bytes, parts, i, end)
      left -= layoutOf(this.bytes, at, end).size
      if (left < 0) throw variantFault('parts that overlap')
      children.push(at)
    }
    return children
  }

  private namesOf(parts: Parts): string[] {
    const names: string[] = []
    for (let i = 0; i < parts.count; i++) names.push(this.names.name(uintAt(this.bytes, parts.idsAt + i * parts.idSize, parts.idSize)))
    if (new Set(names).size < names.length) throw variantFault('an object has a field twice')
    return names
  }

  private primitive(id: number, at: number, end: number): T {
    const { view, sink } = this
    switch (id) {
      case code.NULL:
        return sink.null()
      case code.TRUE:
      case code.FALSE:
        return sink.boolean(id === code.TRUE)
      case code.INT8:
        return sink.integer(view.getInt8(at))
      case code.INT16:
        return sink.integer(view.getInt16(at, true))
      case code.INT32:
        return sink.integer(view.getInt32(at, true))
      case code.INT64: {
        const value = view.getBigInt64(at, true)
        const number = Number(value)
        return sink.integer(Number.isSafeInteger(number) ? number : value)
      }
      case code.DOUBLE:
        return sink.float(view.getFloat64(at, true), false)
      case code.FLOAT:
        return sink.float(view.getFloat32(at, true), true)
      case code.DECIMAL4:
      case code.DECIMAL8:
      case code.DECIMAL16:
        return this.decimal(id, at)
      case code.DATE:
        return sink.date(view.getInt32(at, true))
      case code.TIME:
        return sink.time(view.getBigInt64(at, true))
      case code.TIMESTAMP:
      case code.TIMESTAMP_NTZ:
        return sink.timestamp(view.getBigInt64(at, true), 'micros', id === code.TIMESTAMP)
      case code.TIMESTAMP_NANOS:
      case code.TIMESTAMP_NTZ_NANOS:
        return sink.timestamp(view.getBigInt64(at, true), 'nanos', id === code.TIMESTAMP_NANOS)
      case code.BINARY:
        return sink.binary(this.bytes.subarray(at + 4, end))
      case code.STRING:
        return sink.text(textAt(this.bytes, at + 4, end))
      default:
        return sink.uuid(this.bytes.subarray(at, end))
    }
  }

  private decimal(id: number, at: number): T {
    const { view, sink } = this
    const scale = view.getUint8(at)
    if (scale > 38) throw variantFault(`a decimal with ${scale} digits after the point`)
    if (id === code.DECIMAL4) return sink.decimal(BigInt(view.getInt32(at + 1, true)), scale)
    const low = view.getBigInt64(at + 1, true)
    if (id === code.DECIMAL8) return sink.decimal(low, scale)
    return sink.decimal((view.getBigInt64(at + 9, true) << 64n) | BigInt.asUintN(64, low), scale)
  }
}
