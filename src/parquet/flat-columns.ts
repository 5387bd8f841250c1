// Columns that the column kernel can decode: leaves of the root of the usual types and encodings. Rule: the Arrow type is
// the one that the codec gives, so that nobody can tell which of the two has decoded a column.
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  Timestamp,
  TimestampMicrosecond,
  TimeUnit,
  Utf8,
} from 'apache-arrow'
import { type ChunkInfo, PhysicalType } from './footer.js'
import { type ColumnBuffers, ColumnKind, type ColumnTask } from './kernel/column.js'
import type { SchemaNode } from './schema-tree.js'
import { BOOLEAN_TRUE, STRUCT, type ThriftField } from './thrift.js'
import { fieldsAt, int32At } from './thrift-values.js'

/** A column that the kernel may decode. */
export interface FlatColumn {
  readonly field: Field
  readonly kind: number
  readonly width: number
  readonly typeLength: number
  readonly maxLevel: number
}

/** What the texts of a chunk may take that is decoded at once: about what the codec makes in one call. */
const MAX_TEXT_BYTES = 128 * 2 ** 20
const MAX_CHUNK_BYTES = 256 * 2 ** 20

/** A leaf of the root as a column for the kernel; undefined for repeated ones and unusual types. `bytes` are the footer's. */
export function flatColumn(bytes: Uint8Array, leaf: SchemaNode): FlatColumn | undefined {
  if (leaf.repetition === 2) return undefined
  const found = formOf(leaf, annotationOf(bytes, leaf))
  if (found === undefined) return undefined
  const [type, kind, width] = found
  const metadata = leaf.fieldId === undefined ? undefined : new Map([['PARQUET:field_id', String(leaf.fieldId)]])
  const field = new Field(leaf.name, type, leaf.repetition === 1, metadata)
  const typeLength = leaf.physicalType === PhysicalType.FIXED_LEN_BYTE_ARRAY ? (leaf.typeLength ?? 0) : 0
  return { field, kind, width, typeLength, maxLevel: leaf.repetition }
}

/** The task of decoding a chunk; undefined where its size, codec or encodings are not the kernel's. */
export function columnTask(column: FlatColumn, chunk: ChunkInfo, numRows: number, batchRows: number): ColumnTask | undefined {
  const { kind, width, typeLength, maxLevel } = column
  const { codec, encodings, numValues, compressedSize } = chunk
  if (numValues !== numRows || compressedSize > MAX_CHUNK_BYTES) return undefined
  if (!CODECS.has(codec) || !encodings.every((encoding) => ENCODINGS.has(encoding))) return undefined
  return { codec, kind, width, typeLength, maxLevel, numRows, batchRows, maxBytes: MAX_TEXT_BYTES }
}

/** The array of decoded buffers. */
export function arrayOf(type: DataType, kind: number, buffers: ColumnBuffers): Data {
  const { length, nullCount, validity, values, offsets } = buffers
  const base = { type, length, nullCount, nullBitmap: validity ?? null }
  if (offsets !== undefined) return makeAny({ ...base, valueOffsets: offsets, data: values })
  if (kind === ColumnKind.BOOL) return makeAny({ ...base, data: values })
  return makeAny({ ...base, data: new (type.ArrayType as new (buffer: ArrayBufferLike) => Uint8Array)(values.buffer) })
}

// Uncompressed, snappy, zstd, lz4_raw.
const CODECS: ReadonlySet<number> = new Set([0, 1, 6, 7])
// Plain, plain dictionary, runs, packed bits (of levels only), dictionary.
const ENCODINGS: ReadonlySet<number> = new Set([0, 2, 3, 4, 8])

/** A logical type by its number in the union, with its own fields; or a converted type. */
interface Annotation {
  readonly logical: number | undefined
  readonly own: ReadonlyMap<number, ThriftField>
  readonly converted: number | undefined
  readonly precision: number
  readonly scale: number
  readonly bytes: Uint8Array
}

const STRING = 1
const DECIMAL = 5
const DATE = 6
const TIMESTAMP = 8
const INTEGER = 10
const CONVERTED_UTF8 = 0
const CONVERTED_DECIMAL = 5
const CONVERTED_DATE = 6
const CONVERTED_TIMESTAMP_MILLIS = 9
const CONVERTED_TIMESTAMP_MICROS = 10
const CONVERTED_INT_8 = 15
const MAX_DECIMAL_PRECISION = 38

function annotationOf(bytes: Uint8Array, leaf: SchemaNode): Annotation {
  const element = fieldsAt(bytes, leaf.start, leaf.end)
  const union = element.get(10)
  const members = union?.type === STRUCT ? [...fieldsAt(bytes, union.start, union.end).values()] : []
  const [member] = members
  return {
    logical: member?.id,
    own: member?.type === STRUCT ? fieldsAt(bytes, member.start, member.end) : new Map(),
    converted: int32At(bytes, element.get(6)),
    precision: int32At(bytes, element.get(8)) ?? 0,
    scale: int32At(bytes, element.get(7)) ?? 0,
    bytes,
  }
}

type Form = readonly [type: DataType, kind: number, width: number]

function formOf(leaf: SchemaNode, annotation: Annotation): Form | undefined {
  const { logical, converted } = annotation
  const isPlain = logical === undefined && converted === undefined
  switch (leaf.physicalType) {
    case PhysicalType.BOOLEAN:
      return isPlain ? [new Bool(), ColumnKind.BOOL, 0] : undefined
    case PhysicalType.INT32:
      return isPlain ? [new Int32(), ColumnKind.FOUR_BYTES, 4] : int32Form(annotation)
    case PhysicalType.INT64:
      return isPlain ? [new Int64(), ColumnKind.EIGHT_BYTES, 8] : int64Form(annotation)
    case PhysicalType.INT96:
      return isPlain ? [new TimestampMicrosecond('UTC'), ColumnKind.INT96, 8] : undefined
    case PhysicalType.FLOAT:
      return isPlain ? [new Float32(), ColumnKind.FOUR_BYTES, 4] : undefined
    case PhysicalType.DOUBLE:
      return isPlain ? [new Float64(), ColumnKind.EIGHT_BYTES, 8] : undefined
    case PhysicalType.BYTE_ARRAY:
      if (isPlain) return [new Binary(), ColumnKind.BINARY, 0]
      return logical === STRING || (logical === undefined && converted === CONVERTED_UTF8) ? [new Utf8(), ColumnKind.TEXT, 0] : undefined
    case PhysicalType.FIXED_LEN_BYTE_ARRAY: {
      const length = leaf.typeLength ?? 0
      const type = length > 0 && length <= 16 ? decimalType(annotation) : undefined
      return type && [type, ColumnKind.FIXED_TO_128, 16]
    }
    default:
      return undefined
  }
}

function int32Form(annotation: Annotation): Form | undefined {
  const { logical, converted } = annotation
  if (logical === DATE || (logical === undefined && converted === CONVERTED_DATE)) return [new DateDay(), ColumnKind.FOUR_BYTES, 4]
  const bits = signedBits(annotation)
  if (bits === 8) return [new Int8(), ColumnKind.INT32_TO_8, 1]
  if (bits === 16) return [new Int16(), ColumnKind.INT32_TO_16, 2]
  if (bits === 32) return [new Int32(), ColumnKind.FOUR_BYTES, 4]
  const type = decimalType(annotation)
  return type && [type, ColumnKind.INT32_TO_128, 16]
}

function int64Form(annotation: Annotation): Form | undefined {
  if (signedBits(annotation) === 64) return [new Int64(), ColumnKind.EIGHT_BYTES, 8]
  const timestamp = timestampType(annotation)
  if (timestamp !== undefined) return [timestamp, ColumnKind.EIGHT_BYTES, 8]
  const type = decimalType(annotation)
  return type && [type, ColumnKind.INT64_TO_128, 16]
}

// The width of a signed integer; unsigned ones are left to the codec.
function signedBits({ logical, converted, own, bytes }: Annotation): number | undefined {
  if (logical === INTEGER) {
    const width = own.get(1)
    const isSigned = own.get(2)?.type === BOOLEAN_TRUE
    // The width is a single byte.
    return isSigned && width !== undefined ? bytes[width.start] : undefined
  }
  if (logical !== undefined || converted === undefined) return undefined
  return [8, 16, 32, 64][converted - CONVERTED_INT_8]
}

function timestampType({ logical, converted, own, bytes }: Annotation): DataType | undefined {
  if (logical === undefined) {
    if (converted === CONVERTED_TIMESTAMP_MILLIS) return new Timestamp(TimeUnit.MILLISECOND, 'UTC')
    return converted === CONVERTED_TIMESTAMP_MICROS ? new TimestampMicrosecond('UTC') : undefined
  }
  const unit = own.get(2)
  if (logical !== TIMESTAMP || unit?.type !== STRUCT) return undefined
  const zone = own.get(1)?.type === BOOLEAN_TRUE ? 'UTC' : undefined
  const [member] = fieldsAt(bytes, unit.start, unit.end).keys()
  const units: Readonly<Record<number, TimeUnit>> = { 1: TimeUnit.MILLISECOND, 2: TimeUnit.MICROSECOND, 3: TimeUnit.NANOSECOND }
  const found = member === undefined ? undefined : units[member]
  return found === undefined ? undefined : new Timestamp(found, zone)
}

function decimalType({ logical, converted, own, bytes, precision, scale }: Annotation): DataType | undefined {
  if (logical !== undefined ? logical !== DECIMAL : converted !== CONVERTED_DECIMAL) return undefined
  const [digits, places] = logical === DECIMAL ? [int32At(bytes, own.get(2)), int32At(bytes, own.get(1))] : [precision, scale]
  if (digits === undefined || places === undefined || digits < 1 || digits > MAX_DECIMAL_PRECISION || places < 0) return undefined
  return new Decimal(places, digits, 128)
}

function makeAny(parts: object): Data {
  return makeData(parts as Parameters<typeof makeData>[0]) as Data
}
