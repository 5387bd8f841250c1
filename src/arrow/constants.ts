// Columns whose cells are all the same: partition values, and columns a file does not have.
import { type DataType as ArrowType, type Data, makeData, type Struct, Type } from 'apache-arrow'
import { encodeUtf8 } from '../bytes.js'
import type { DataType, PhysicalValue } from '../schema/index.js'
import { fillBits, zeroBits } from './buffers.js'
import { toArrowType } from './types.js'

/**
 * A column of `length` cells that all hold `value`.
 * @throws TypeError where the value is not the physical form of the type; RangeError where texts would pass 2 GiB.
 */
export function constantColumn(type: DataType, value: PhysicalValue | null, length: number): Data {
  const arrowType = toArrowType(type)
  if (value === null) return nullData(arrowType, length)
  const base = { type: arrowType, length, nullCount: 0 }
  switch (type.type) {
    case 'string':
    case 'binary':
      return makeData({
        ...base,
        ...repeated(type.type === 'string' ? encodeUtf8(expect(value, 'string')) : bytesValue(value), length),
      } as never) as Data
    case 'boolean': {
      const data = zeroBits(length)
      if (expect(value, 'boolean')) fillBits(data, 0, length)
      return makeData({ ...base, data } as never) as Data
    }
    case 'byte':
      return makeData({ ...base, data: new Int8Array(length).fill(expect(value, 'number')) } as never) as Data
    case 'short':
      return makeData({ ...base, data: new Int16Array(length).fill(expect(value, 'number')) } as never) as Data
    case 'integer':
    case 'date':
      return makeData({ ...base, data: new Int32Array(length).fill(expect(value, 'number')) } as never) as Data
    case 'float':
      return makeData({ ...base, data: new Float32Array(length).fill(expect(value, 'number')) } as never) as Data
    case 'double':
      return makeData({ ...base, data: new Float64Array(length).fill(expect(value, 'number')) } as never) as Data
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      return makeData({ ...base, data: new BigInt64Array(length).fill(expect(value, 'bigint')) } as never) as Data
    case 'decimal': {
      const unscaled = expect(value, 'bigint')
      const words = new BigInt64Array(length * 2)
      for (let i = 0; i < length; i++) {
        words[i * 2] = unscaled
        words[i * 2 + 1] = unscaled >> 64n
      }
      return makeData({ ...base, data: new Uint32Array(words.buffer) } as never) as Data
    }
    default:
      throw new TypeError(`a column of type ${type.type} cannot hold a constant`)
  }
}

/** A column of `length` nulls, of any type. */
export function nullColumn(type: DataType, length: number): Data {
  return nullData(toArrowType(type), length)
}

/** {@link nullColumn} of an Arrow type (in the layouts that {@link toArrowType} gives). */
export function nullData(type: ArrowType, length: number): Data {
  const base = { type, length, nullCount: length, nullBitmap: zeroBits(length) }
  switch (type.typeId) {
    case Type.Null:
      return makeData({ type, length } as never) as Data
    case Type.Bool:
      return makeData({ ...base, data: zeroBits(length) } as never) as Data
    case Type.Utf8:
    case Type.Binary:
      return makeData({ ...base, valueOffsets: new Int32Array(length + 1), data: new Uint8Array(0) } as never) as Data
    case Type.List:
    case Type.Map: {
      const child = nullData((type.children[0] as { type: ArrowType }).type, 0)
      return makeData({ ...base, valueOffsets: new Int32Array(length + 1), child } as never) as Data
    }
    case Type.Struct:
      return makeData({ ...base, children: (type as Struct).children.map((field) => nullData(field.type, length)) } as never) as Data
    case Type.Decimal:
      return makeData({ ...base, data: new Uint32Array(length * 4) } as never) as Data
    default:
      return makeData({ ...base, data: new (type.ArrayType as Int32ArrayConstructor)(length) } as never) as Data
  }
}

interface TypeNames {
  string: string
  boolean: boolean
  number: number
  bigint: bigint
}

function expect<K extends keyof TypeNames>(value: PhysicalValue, kind: K): TypeNames[K] {
  if (typeof value !== kind) throw new TypeError(`expected a ${kind} as the constant of a column, got a ${typeof value}`)
  return value as unknown as TypeNames[K]
}

function bytesValue(value: PhysicalValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`expected bytes as the constant of a binary column, got a ${typeof value}`)
  return value
}

function repeated(bytes: Uint8Array, count: number): { valueOffsets: Int32Array; data: Uint8Array } {
  if (bytes.length * count > 0x7fff_ffff)
    throw new RangeError(`${count} copies of ${bytes.length} bytes do not fit one column: use smaller batches`)
  const data = new Uint8Array(bytes.length * count)
  if (data.length > 0) data.set(bytes)
  // Doubles what is there until it is full.
  for (let done = bytes.length; done > 0 && done < data.length; done *= 2) data.copyWithin(done, 0, Math.min(done, data.length - done))
  return { valueOffsets: Int32Array.from({ length: count + 1 }, (_, i) => i * bytes.length), data }
}
