// Reaches into Arrow's buffers. Rule: offsets of slices are honoured here and nowhere else; no vector is asked cell by cell.
import { DataType as ArrowType, type Data, DateUnit, type RecordBatch, TimeUnit } from 'apache-arrow'
import { UNKNOWN } from './bound.js'
import { compareKeys, type Key } from './domain.js'

/** A column's buffers, and the struct levels above it that can be null. */
export interface ColumnData {
  readonly data: Data
  readonly parents: readonly Data[]
}

/**
 * The buffers of a column or struct member of a batch.
 * @throws TypeError when the batch lacks it: batches are conformed to the schema before they are filtered.
 */
export function columnData(batch: RecordBatch, path: readonly string[]): ColumnData {
  const parents: Data[] = []
  let data: Data = batch.data
  for (const name of path) {
    const fields = (data.type as ArrowType & { children?: readonly { name: string }[] | null }).children ?? []
    const at = fields.findIndex((field) => field.name === name)
    const child = data.children[at]
    if (at < 0 || child === undefined)
      throw new TypeError(`the batch has no column ${path.join('.')}: conform it to the table's schema before filtering`)
    if (data !== batch.data) parents.push(data)
    data = child
  }
  return { data, parents }
}

/** Rows where the data is null become unknown. */
export function markNulls(out: Uint8Array, data: Data): void {
  if (ArrowType.isNull(data.type)) {
    out.fill(UNKNOWN)
    return
  }
  const bitmap = data.nullBitmap as Uint8Array | undefined
  if (bitmap === undefined || bitmap.length === 0 || data.nullCount === 0) return
  const { offset } = data
  const n = out.length
  for (let i = 0; i < n; ) {
    const bit = offset + i
    const byte = bitmap[bit >> 3] as number
    if ((bit & 7) === 0 && byte === 0xff) {
      i += 8
      continue
    }
    if (((byte >> (bit & 7)) & 1) === 0) out[i] = UNKNOWN
    i++
  }
}

/** Text or bytes laid end to end: row i is `bytes[starts[i], starts[i + 1])`. */
export interface ByteRows {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
}

/** The rows of a text or binary column, or undefined for another type. */
export function byteRows(data: Data): ByteRows | undefined {
  const { type } = data
  if (ArrowType.isUtf8(type) || ArrowType.isBinary(type))
    return { bytes: data.values as Uint8Array, starts: data.valueOffsets as Int32Array }
  if (ArrowType.isLargeUtf8(type) || ArrowType.isLargeBinary(type)) {
    const wide = data.valueOffsets as unknown as BigInt64Array
    return { bytes: data.values as Uint8Array, starts: Int32Array.from(wide, Number) }
  }
  if (ArrowType.isUtf8View(type) || ArrowType.isBinaryView(type)) return viewRows(data)
  if (ArrowType.isFixedSizeBinary(type)) {
    const width = type.byteWidth
    return { bytes: data.values as Uint8Array, starts: Int32Array.from({ length: data.length + 1 }, (_, i) => i * width) }
  }
  return undefined
}

// A view is 16 bytes: the length, then up to 12 bytes in place, or 4 of prefix, a buffer number and an offset into it.
function viewRows(data: Data): ByteRows {
  const views = data.values as unknown as Uint8Array
  const words = new DataView(views.buffer, views.byteOffset, views.byteLength)
  const starts = new Int32Array(data.length + 1)
  for (let i = 0; i < data.length; i++) starts[i + 1] = (starts[i] as number) + words.getInt32(16 * i, true)
  const bytes = new Uint8Array(starts[data.length] as number)
  for (let i = 0; i < data.length; i++) {
    const length = words.getInt32(16 * i, true)
    const inPlace = length <= 12
    const buffer = inPlace ? views : (data.variadicBuffers[words.getInt32(16 * i + 8, true)] as Uint8Array)
    const from = inPlace ? 16 * i + 4 : words.getInt32(16 * i + 12, true)
    bytes.set(buffer.subarray(from, from + length), starts[i])
  }
  return { bytes, starts }
}

/** How the values of a data are stored, as far as comparisons care. */
export type Layout = 'number' | 'int64' | 'decimal' | 'bytes' | 'boolean' | 'null'

/** @throws TypeError for a layout that no Delta type has: the batch was not conformed. */
export function layoutOf(type: ArrowType): Layout {
  if (ArrowType.isNull(type)) return 'null'
  if (ArrowType.isBool(type)) return 'boolean'
  if (ArrowType.isInt(type)) return type.bitWidth === 64 ? 'int64' : 'number'
  if (ArrowType.isFloat(type) && type.precision !== 0) return 'number'
  if (ArrowType.isDate(type) && type.unit === DateUnit.DAY) return 'number'
  if (ArrowType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND) return 'int64'
  if (ArrowType.isDecimal(type) && type.bitWidth === 128) return 'decimal'
  if (ArrowType.isUtf8(type) || ArrowType.isBinary(type) || ArrowType.isLargeUtf8(type) || ArrowType.isLargeBinary(type)) return 'bytes'
  if (ArrowType.isUtf8View(type) || ArrowType.isBinaryView(type) || ArrowType.isFixedSizeBinary(type)) return 'bytes'
  throw new TypeError(`a column of ${type} cannot be compared: conform the batch to the table's schema before filtering`)
}

/** Reads one value after another, for comparisons of two columns; null rows give something, to be marked afterwards. */
export function keyReader(data: Data): (row: number) => Key {
  if (ArrowType.isDictionary(data.type)) {
    const indices = data.values as Int32Array
    const readers = (data.dictionary?.data ?? []).flatMap((chunk) => {
      const read = keyReader(chunk)
      return Array.from({ length: chunk.length }, (_, i) => () => read(i))
    })
    return (row) => readers[Number(indices[row])]?.() ?? 0
  }
  const values = data.values as Int32Array & BigInt64Array & Uint8Array
  switch (layoutOf(data.type)) {
    case 'number':
    case 'int64':
      return (row) => values[row] as Key
    case 'boolean':
      return (row) => ((values[(data.offset + row) >> 3] as number) >> ((data.offset + row) & 7)) & 1
    case 'decimal':
      return (row) => decimalAt(data.values as unknown as Uint32Array, row)
    case 'bytes': {
      const { bytes, starts } = byteRows(data) as ByteRows
      return (row) => bytes.subarray(starts[row], starts[row + 1])
    }
    default:
      return () => 0
  }
}

function decimalAt(words: Uint32Array, row: number): bigint {
  const at = 4 * row
  const high = (BigInt((words[at + 3] as number) | 0) << 32n) | BigInt(words[at + 2] as number)
  return (high << 64n) | (BigInt(words[at + 1] as number) << 32n) | BigInt(words[at] as number)
}

/** Orders values of two columns, of scales that may differ; doubles against decimals by their exact values. */
export function compareScaled(a: Key, aScale: number, b: Key, bScale: number): number {
  if (aScale === bScale) return compareKeys(a, b)
  if (typeof a === 'number' && !Number.isInteger(a)) return -compareWithDouble(b as bigint, bScale, a)
  if (typeof b === 'number' && !Number.isInteger(b)) return compareWithDouble(a as bigint, aScale, b)
  const scale = Math.max(aScale, bScale)
  return compareKeys(BigInt(a as bigint) * 10n ** BigInt(scale - aScale), BigInt(b as bigint) * 10n ** BigInt(scale - bScale))
}

// A double that is no integer is at most 2^52 in size: splitting its binary fraction off is exact.
function compareWithDouble(unscaled: bigint, scale: number, double: number): number {
  if (Number.isNaN(double) || double === Number.POSITIVE_INFINITY) return -1
  if (double === Number.NEGATIVE_INFINITY) return 1
  let mantissa = double
  let twos = 0
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2
    twos++
  }
  return compareKeys(BigInt(unscaled) * 2n ** BigInt(twos), BigInt(mantissa) * 10n ** BigInt(scale))
}
