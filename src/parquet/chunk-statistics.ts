// Statistics of one column chunk as a Parquet footer holds them (parquet.thrift, `Statistics`), made from our own bounds, so
// that the codec need not look at every value again. One rule: a bound may be missing or too wide, never too narrow.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import type { ThriftWriter } from './thrift.js'

/** Bounds in the plain encoding of the column's physical type. */
export interface ChunkStatistics {
  readonly nullCount: number
  readonly min?: ChunkBound | undefined
  readonly max?: ChunkBound | undefined
}

export interface ChunkBound {
  readonly bytes: Uint8Array
  /** Whether a cell has this very value; a shortened text is none. */
  readonly isExact: boolean
}

/** Bytes that are kept of a text bound. */
const MAX_TEXT_BYTES = 64

/** Writes the statistics as the field with this id. */
export function writeStatistics(writer: ThriftWriter, id: number, { nullCount, min, max }: ChunkStatistics): void {
  writer.beginStruct(id)
  writer.int64(3, nullCount)
  if (max !== undefined) writer.binary(5, max.bytes)
  if (min !== undefined) writer.binary(6, min.bytes)
  if (max !== undefined) writer.bool(7, max.isExact)
  if (min !== undefined) writer.bool(8, min.isExact)
  writer.endStruct()
}

export function int32Bound(value: number): ChunkBound {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return { bytes, isExact: true }
}

export function int64Bound(value: bigint): ChunkBound {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, value, true)
  return { bytes, isExact: true }
}

export function floatChunkBound(value: number): ChunkBound {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return { bytes, isExact: true }
}

export function doubleChunkBound(value: number): ChunkBound {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value, true)
  return { bytes, isExact: true }
}

/** The least text, or its first characters: they order before the whole. */
export function leastTextChunkBound(text: Uint8Array): ChunkBound {
  const end = prefixEnd(text)
  return { bytes: text.slice(0, end), isExact: end === text.length }
}

/** The greatest text, or a prefix whose last character that can be raised is: it orders after the whole. Undefined where none can. */
export function greatestTextChunkBound(text: Uint8Array): ChunkBound | undefined {
  const end = prefixEnd(text)
  if (end === text.length) return { bytes: text, isExact: true }
  const points = Array.from(decodeUtf8(text, 0, end), (char) => char.codePointAt(0) as number)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue
    points.push(last === 0xd7ff ? 0xe000 : last + 1) // no character lies between: surrogates are none
    return { bytes: encodeUtf8(String.fromCodePoint(...points)), isExact: false }
  }
  return undefined
}

// Where the characters end that fit.
function prefixEnd(text: Uint8Array): number {
  if (text.length <= MAX_TEXT_BYTES) return text.length
  let end = MAX_TEXT_BYTES
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end--
  return end
}
