// Gathers: the rows of a batch at given places, for every type. One rule: the result owns its memory, however the
// source was sliced, so that a few rows never keep a whole batch alive (dictionaries are shared).
import { type Data, makeData, type RecordBatch, Type } from 'apache-arrow'
import { batchOf } from './batch-builder.js'
import { type Bits, bitAt, bytesOf, offsetsOf, sameKind, setBit, validityOf, valuesOf, zeroBits } from './buffers.js'

/** Stands for "no row" in the indices of {@link takeData}: the cell becomes null. */
export const NO_ROW = -1

/**
 * The rows at `indices`, in that order (repeats allowed).
 * @throws RangeError where an index is not a row of the batch.
 */
export function take(batch: RecordBatch, indices: Int32Array | Uint32Array): RecordBatch {
  const rows = batch.numRows
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index < 0 || index >= rows) throw new RangeError(`row ${index} of a batch of ${rows} rows`)
  }
  const signed = indices instanceof Int32Array ? indices : new Int32Array(indices.buffer, indices.byteOffset, indices.length)
  const children = batch.data.children.map((child) => takeData(child, signed))
  return batchOf(batch.schema, children, indices.length)
}

/** The indices of the rows whose mask byte is not 0. */
export function maskToIndices(mask: Uint8Array): Int32Array {
  let count = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) count++
  const indices = new Int32Array(count)
  let at = 0
  for (let i = 0; at < count; i++) if (mask[i] !== 0) indices[at++] = i
  return indices
}

/** The cells of a column at `indices` (not checked); {@link NO_ROW} gives null. */
export function takeData(data: Data, indices: Int32Array): Data {
  const { type } = data
  const length = indices.length
  const base = { type, length, ...takeValidity(data, indices) }
  switch (type.typeId) {
    case Type.Null:
      return makeData({ type, length } as never) as Data
    case Type.Bool:
      return makeData({ ...base, data: takeBits({ bytes: valuesOf(data), offset: data.offset }, indices) } as never) as Data
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return takeBytes(data, indices, base)
    case Type.List:
    case Type.Map:
    case Type.LargeList: {
      const { offsets, children } = expandRanges(offsetsOf(data), indices)
      const child = takeData(data.children[0] as Data, children)
      return makeData({ ...base, valueOffsets: sameWidth(data, offsets), child } as never) as Data
    }
    case Type.FixedSizeList:
      return makeData({ ...base, child: takeData(data.children[0] as Data, expandFixed(data.stride, indices)) } as never) as Data
    case Type.Struct:
      return makeData({ ...base, children: data.children.map((child) => takeData(child, indices)) } as never) as Data
    case Type.Dictionary:
      return makeData({ ...base, data: takeFixed(data, indices), dictionary: data.dictionary } as never) as Data
    case Type.Utf8View:
    case Type.BinaryView:
      return makeData({ ...base, views: takeFixed(data, indices), variadicBuffers: data.variadicBuffers } as never) as Data
    case Type.Union:
      throw new TypeError('rows of a union column cannot be taken')
    default:
      return makeData({ ...base, data: takeFixed(data, indices) } as never) as Data
  }
}

function takeValidity(data: Data, indices: Int32Array): { nullCount: number; nullBitmap?: Uint8Array } {
  const validity = validityOf(data)
  let hasGaps = false
  for (let i = 0; i < indices.length && !hasGaps; i++) hasGaps = indices[i] === NO_ROW
  if (validity === undefined && !hasGaps) return { nullCount: 0 }
  const nullBitmap = zeroBits(indices.length)
  let nullCount = 0
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index === NO_ROW || (validity !== undefined && !bitAt(validity, index))) nullCount++
    else setBit(nullBitmap, i)
  }
  return { nullCount, nullBitmap }
}

function takeBits(bits: Bits, indices: Int32Array): Uint8Array {
  const taken = zeroBits(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index !== NO_ROW && bitAt(bits, index)) setBit(taken, i)
  }
  return taken
}

type Units = Uint8Array | Uint16Array | Int32Array
interface FixedValues extends ArrayBufferView {
  readonly BYTES_PER_ELEMENT: number
}

// Copies cells as units of 1, 2 or 4 bytes, never as floats: bits of NaNs stay as they are.
function takeFixed(data: Data, indices: Int32Array): ArrayBufferView {
  const values = valuesOf<FixedValues>(data)
  const width = values.BYTES_PER_ELEMENT * data.stride
  const taken = new ArrayBuffer(width * indices.length)
  const unit = Math.min(values.BYTES_PER_ELEMENT, 4)
  copyUnits(
    unitsOf(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength, unit),
    unitsOf(taken, 0, taken.byteLength, unit),
    width / unit,
    indices,
  )
  return sameKind(values, taken)
}

function unitsOf(buffer: ArrayBuffer, byteOffset: number, byteLength: number, unit: number): Units {
  if (unit === 1) return new Uint8Array(buffer, byteOffset, byteLength)
  return unit === 2 ? new Uint16Array(buffer, byteOffset, byteLength >> 1) : new Int32Array(buffer, byteOffset, byteLength >> 2)
}

function copyUnits(source: Units, target: Units, perCell: number, indices: Int32Array): void {
  if (perCell === 1) {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number
      if (index !== NO_ROW) target[i] = source[index] as number
    }
    return
  }
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index === NO_ROW) continue
    for (let j = 0; j < perCell; j++) target[i * perCell + j] = source[index * perCell + j] as number
  }
}

function takeBytes(data: Data, indices: Int32Array, base: object): Data {
  const offsets = offsetsOf(data)
  const bytes = bytesOf(data)
  const newOffsets = takeOffsets(offsets, indices)
  const taken = new Uint8Array(newOffsets[indices.length] as number)
  // Neighbours in the source are copied in one go: a filter mostly keeps runs of rows.
  for (let i = 0; i < indices.length; ) {
    const first = indices[i] as number
    let run = 1
    if (first !== NO_ROW) while (i + run < indices.length && indices[i + run] === first + run) run++
    if (first !== NO_ROW) copyRange(bytes, offsets[first] as number, offsets[first + run] as number, taken, newOffsets[i] as number)
    i += run
  }
  return makeData({ ...base, valueOffsets: sameWidth(data, newOffsets), data: taken } as never) as Data
}

function copyRange(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > 48) target.set(source.subarray(start, end), at)
  else for (let i = start; i < end; i++) target[at + i - start] = source[i] as number
}

function takeOffsets(offsets: Int32Array, indices: Int32Array): Int32Array {
  const taken = new Int32Array(indices.length + 1)
  let total = 0
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index !== NO_ROW) total += (offsets[index + 1] as number) - (offsets[index] as number)
    if (total > 0x7fff_ffff) throw new RangeError('the rows taken hold more than 2 GiB in one column')
    taken[i + 1] = total
  }
  return taken
}

function expandRanges(offsets: Int32Array, indices: Int32Array): { offsets: Int32Array; children: Int32Array } {
  const taken = takeOffsets(offsets, indices)
  const children = new Int32Array(taken[indices.length] as number)
  let at = 0
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (index === NO_ROW) continue
    for (let child = offsets[index] as number; child < (offsets[index + 1] as number); child++) children[at++] = child
  }
  return { offsets: taken, children }
}

function expandFixed(size: number, indices: Int32Array): Int32Array {
  const children = new Int32Array(indices.length * size)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    for (let j = 0; j < size; j++) children[i * size + j] = index === NO_ROW ? NO_ROW : index * size + j
  }
  return children
}

// The offsets in the width that the column's type has.
function sameWidth(data: Data, offsets: Int32Array): Int32Array | BigInt64Array {
  return data.valueOffsets instanceof BigInt64Array ? BigInt64Array.from(offsets, (offset) => BigInt(offset)) : offsets
}
