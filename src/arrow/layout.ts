// Other Arrow layouts of the same values (dictionaries, views, 64-bit offsets, fixed sizes) in their plain form.
// One rule: what an index or a view points at is checked before it is followed.
import {
  type Field as ArrowField,
  type DataType as ArrowType,
  Binary,
  type Data,
  type Dictionary,
  List,
  makeData,
  Type,
  Utf8,
} from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { bitAt, bytesOf, offsetsOf, validityOf, valuesOf } from './buffers.js'
import { concatData } from './concat.js'
import { NO_ROW, takeData } from './take.js'

/** The longest text or binary that a view holds by itself, in bytes. */
const INLINE_BYTES = 12
const VIEW_BYTES = 16

/**
 * The column itself as Utf8, Binary, List or the dictionary's values; other layouts are answered as they are, children too.
 * @throws AlluviumError `CORRUPT_DATA` where an index, view or offset points outside.
 */
export function plainLayout(data: Data): Data {
  switch (data.typeId) {
    case Type.Dictionary:
      return decodeDictionary(data)
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return makeData({
        ...validityProps(data),
        type: plainBytesType(data),
        valueOffsets: rebased(data),
        data: usedBytes(data),
      } as never) as Data
    case Type.Utf8View:
    case Type.BinaryView:
      return decodeViews(data)
    case Type.FixedSizeBinary: {
      const valueOffsets = Int32Array.from({ length: data.length + 1 }, (_, i) => i * data.stride)
      return makeData({ ...validityProps(data), type: new Binary(), valueOffsets, data: valuesOf(data) } as never) as Data
    }
    case Type.LargeList:
    case Type.FixedSizeList: {
      const valueOffsets =
        data.typeId === Type.LargeList ? offsetsOf(data) : Int32Array.from({ length: data.length + 1 }, (_, i) => i * data.stride)
      const type = new List(data.type.children[0] as ArrowField)
      return makeData({ ...validityProps(data), type, valueOffsets, child: data.children[0] } as never) as Data
    }
    default:
      return data
  }
}

/** Length and validity of a column, for a column of other values with the same nulls. */
export function validityProps(data: Data): { length: number; offset: number; nullCount: number; nullBitmap: Uint8Array | undefined } {
  const { length, offset } = data
  return { length, offset, nullCount: Math.max(0, data.nullCount), nullBitmap: data.nullCount > 0 ? data.nullBitmap : undefined }
}

function decodeDictionary(data: Data): Data {
  const chunks = (data.dictionary?.data ?? []) as readonly Data[]
  const { dictionary } = data.type as Dictionary
  const values = chunks.length === 0 ? (makeData({ type: dictionary, length: 0 } as never) as Data) : concatData(chunks, plainLayout)
  const keys = valuesOf<Int32Array>(data)
  const validity = validityOf(data)
  const indices = new Int32Array(data.length)
  for (let i = 0; i < indices.length; i++) {
    if (validity !== undefined && !bitAt(validity, i)) {
      indices[i] = NO_ROW
      continue
    }
    const index = Number(keys[i])
    if (!(index >= 0 && index < values.length)) throw outside(`index ${index} of a dictionary of ${values.length} values`)
    indices[i] = index
  }
  return takeData(values, indices)
}

function decodeViews(data: Data): Data {
  const views = new DataView(valuesOf(data).buffer, valuesOf(data).byteOffset, valuesOf(data).byteLength)
  const validity = validityOf(data)
  const { length } = data
  const valueOffsets = new Int32Array(length + 1)
  for (let i = 0; i < length; i++) {
    const size = validity === undefined || bitAt(validity, i) ? views.getInt32(i * VIEW_BYTES, true) : 0
    const end = (valueOffsets[i] as number) + size
    if (size < 0) throw outside(`a view of ${size} bytes`)
    if (end > 0x7fff_ffff) throw new AlluviumError('LIMIT_EXCEEDED', 'a column of one batch holds more than 2 GiB: use smaller batches')
    valueOffsets[i + 1] = end
  }
  const bytes = new Uint8Array(valueOffsets[length] as number)
  for (let i = 0; i < length; i++) {
    const at = valueOffsets[i] as number
    const size = (valueOffsets[i + 1] as number) - at
    if (size > 0) bytes.set(viewBytes(data, views, i, size), at)
  }
  return makeData({ ...validityProps(data), type: plainBytesType(data), valueOffsets, data: bytes } as never) as Data
}

function viewBytes(data: Data, views: DataView, index: number, size: number): Uint8Array {
  const at = index * VIEW_BYTES
  if (size <= INLINE_BYTES) return valuesOf(data).subarray(at + 4, at + 4 + size)
  const buffer = data.variadicBuffers[views.getInt32(at + 8, true)]
  const start = views.getInt32(at + 12, true)
  if (buffer === undefined || start < 0 || start + size > buffer.length) throw outside('a view beyond its buffer')
  return buffer.subarray(start, start + size)
}

function plainBytesType(data: Data): ArrowType {
  return data.typeId === Type.LargeUtf8 || data.typeId === Type.Utf8View ? new Utf8() : new Binary()
}

// 64-bit offsets may start anywhere: moved to start at 0, a slice of a column beyond 2 GiB still fits.
function rebased(data: Data): Int32Array {
  const offsets = data.valueOffsets as unknown as BigInt64Array
  const narrow = new Int32Array(data.length + 1)
  if (data.length === 0) return narrow
  const start = offsets[0] as bigint
  for (let i = 0; i <= data.length; i++) {
    const offset = (offsets[i] as bigint) - start
    if (offset > 0x7fff_ffffn) throw new AlluviumError('LIMIT_EXCEEDED', 'a column of one batch holds more than 2 GiB: use smaller batches')
    narrow[i] = Number(offset)
  }
  return narrow
}

function usedBytes(data: Data): Uint8Array {
  if (data.length === 0) return new Uint8Array(0)
  const offsets = data.valueOffsets as unknown as BigInt64Array
  return bytesOf(data).subarray(Number(offsets[0]), Number(offsets[data.length]))
}

function outside(what: string): AlluviumError {
  return new AlluviumError('CORRUPT_DATA', `Arrow data points outside of itself: ${what}`)
}
