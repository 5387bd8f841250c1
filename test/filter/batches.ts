// Arrow batches for the tests of filters, laid out by hand so that nothing under test takes part in making them.
import {
  Field as ArrowField,
  type DataType as ArrowType,
  Binary,
  Bool,
  type Data,
  DateDay,
  Decimal,
  Dictionary,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeUtf8,
  makeData,
  makeVector,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  Utf8View,
} from 'apache-arrow'
import type { DataType, StructType } from '../../src/schema/index.js'

/** A value of a test: physical values, null, and plain objects for structs. */
export type Cell = bigint | number | string | boolean | Uint8Array | null | { readonly [name: string]: Cell }
export type Row = { readonly [name: string]: Cell }

export interface Layouts {
  /** Rows of rubbish put before and after, then sliced away: offsets must be honoured. */
  readonly padding?: number
  /** String columns as `utf8` (default), `large`, `view` or `dictionary`. */
  readonly strings?: 'utf8' | 'large' | 'view' | 'dictionary'
}

export function struct(fields: Readonly<Record<string, DataType>>): StructType {
  return {
    type: 'struct',
    fields: Object.entries(fields).map(([name, dataType]) => ({ name, dataType, nullable: true, metadata: Object.create(null) as never })),
  }
}

export function batchOf(schema: StructType, rows: readonly Row[], layouts: Layouts = {}): RecordBatch {
  const padding = layouts.padding ?? 0
  const filler = Object.fromEntries(schema.fields.map((field, i) => [field.name, i % 2 === 0 ? null : someValue(field.dataType)])) as Row
  const padded = [...Array<Row>(padding).fill(filler), ...rows, ...Array<Row>(padding).fill(filler)]
  const children = schema.fields.map((field) =>
    dataOf(
      field.dataType,
      padded.map((row) => row[field.name] ?? null),
      layouts,
    ),
  )
  const fields = schema.fields.map((field, i) => new ArrowField(field.name, (children[i] as Data).type as ArrowType, true))
  const batch = new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: padded.length, nullCount: 0, children }))
  return padding > 0 ? batch.slice(padding, padding + rows.length) : batch
}

function someValue(type: DataType): Cell {
  switch (type.type) {
    case 'string':
      return 'filler'
    case 'binary':
      return new Uint8Array([1])
    case 'boolean':
      return true
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
    case 'decimal':
      return 1n
    case 'struct':
      return {}
    case 'void':
      return null
    default:
      return 1
  }
}

function bitmapOf(flags: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(((flags.length + 63) >> 6) << 3)
  flags.forEach((flag, i) => {
    if (flag) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7))
  })
  return bits
}

function dataOf(type: DataType, values: readonly Cell[], layouts: Layouts): Data {
  const length = values.length
  const nullBitmap = bitmapOf(values.map((value) => value !== null))
  const nullCount = values.filter((value) => value === null).length
  const common = { length, nullBitmap, nullCount }
  const numbers = (): number[] => values.map((value) => (value === null ? 77 : Number(value)))
  const longs = (): BigInt64Array => BigInt64Array.from(values.map((value) => (value === null ? 77n : BigInt(value as bigint))))
  switch (type.type) {
    case 'byte':
      return makeData({ type: new Int8(), data: Int8Array.from(numbers()), ...common })
    case 'short':
      return makeData({ type: new Int16(), data: Int16Array.from(numbers()), ...common })
    case 'integer':
      return makeData({ type: new Int32(), data: Int32Array.from(numbers()), ...common })
    case 'date':
      return makeData({ type: new DateDay(), data: Int32Array.from(numbers()), ...common })
    case 'long':
      return makeData({ type: new Int64(), data: longs(), ...common })
    case 'timestamp':
      return makeData({ type: new TimestampMicrosecond('UTC'), data: longs(), ...common })
    case 'timestamp_ntz':
      return makeData({ type: new TimestampMicrosecond(), data: longs(), ...common })
    case 'float':
      return makeData({ type: new Float32(), data: Float32Array.from(numbers()), ...common })
    case 'double':
      return makeData({ type: new Float64(), data: Float64Array.from(numbers()), ...common })
    case 'boolean':
      return makeData({ type: new Bool(), data: bitmapOf(values.map((value) => value === true)), ...common })
    case 'decimal': {
      const words = new Uint32Array(4 * length)
      values.forEach((value, i) => {
        for (let w = 0; w < 4; w++) words[4 * i + w] = Number(BigInt.asUintN(32, BigInt((value ?? 77n) as bigint) >> BigInt(32 * w)))
      })
      return makeData({ type: new Decimal(type.scale, type.precision, 128), data: words, ...common })
    }
    case 'binary':
    case 'string':
      return textData(type.type, values, layouts, common)
    case 'struct': {
      const children = type.fields.map((field) =>
        dataOf(
          field.dataType,
          // Under a null struct the member holds rubbish that must not show.
          values.map((value) => (value === null ? someValue(field.dataType) : ((value as Row)[field.name] ?? null))),
          layouts,
        ),
      )
      const fields = type.fields.map((field, i) => new ArrowField(field.name, (children[i] as Data).type as ArrowType, true))
      return makeData({ type: new Struct(fields), children, ...common })
    }
    case 'void':
      return makeData({ type: new Null(), length })
    default:
      throw new TypeError(`no test data of ${type.type}`)
  }
}

function textData(
  type: 'string' | 'binary',
  values: readonly Cell[],
  layouts: Layouts,
  common: { length: number; nullBitmap: Uint8Array; nullCount: number },
): Data {
  const encoder = new TextEncoder()
  const parts = values.map((value) =>
    value === null ? encoder.encode('rubbish') : typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array),
  )
  if (type === 'string' && layouts.strings === 'view') return viewData(parts, common)
  const offsets = [0]
  for (const part of parts) offsets.push((offsets.at(-1) as number) + part.length)
  const data = new Uint8Array(offsets.at(-1) as number)
  parts.forEach((part, i) => {
    data.set(part, offsets[i])
  })
  if (type === 'binary') return makeData({ type: new Binary(), valueOffsets: Int32Array.from(offsets), data, ...common })
  if (layouts.strings === 'large')
    return makeData({ type: new LargeUtf8(), valueOffsets: BigInt64Array.from(offsets, (offset) => BigInt(offset)), data, ...common })
  if (layouts.strings === 'dictionary') return dictionaryData(values, common)
  return makeData({ type: new Utf8(), valueOffsets: Int32Array.from(offsets), data, ...common })
}

// Null rows are null in the index for even rows and point to a null of the dictionary for odd ones.
function dictionaryData(values: readonly Cell[], common: { length: number }): Data {
  const distinct: Cell[] = [null, ...new Set(values.filter((value) => value !== null))]
  const half = Math.ceil(distinct.length / 2)
  const dictionary = makeVector(dataOf({ type: 'string' }, distinct.slice(0, half), {}) as Data<Utf8>).concat(
    makeVector(dataOf({ type: 'string' }, distinct.slice(half), {}) as Data<Utf8>),
  )
  const valid = values.map((value, i) => value !== null || i % 2 === 1)
  const indices = values.map((value, i) => (value === null && i % 2 === 0 ? 99_999 : distinct.indexOf(value)))
  return makeData({
    type: new Dictionary(new Utf8(), new Int32()),
    data: Int32Array.from(indices),
    dictionary,
    length: common.length,
    nullBitmap: bitmapOf(valid),
    nullCount: valid.filter((flag) => !flag).length,
  })
}

function viewData(parts: readonly Uint8Array[], common: { length: number; nullBitmap: Uint8Array; nullCount: number }): Data {
  const views = new Uint8Array(16 * parts.length)
  const words = new DataView(views.buffer)
  const long: number[] = []
  parts.forEach((part, i) => {
    words.setInt32(16 * i, part.length, true)
    if (part.length <= 12) {
      views.set(part, 16 * i + 4)
      return
    }
    views.set(part.subarray(0, 4), 16 * i + 4)
    words.setInt32(16 * i + 12, long.length, true)
    long.push(...part)
  })
  return makeData({
    type: new Utf8View(),
    views,
    variadicBuffers: [Uint8Array.from(long)],
    length: common.length,
    nullBitmap: common.nullBitmap,
  })
}
