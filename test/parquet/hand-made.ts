// Footers made by hand, each with exactly what a test wants said. Only the footer makes sense; the bytes before it are zeros.
import { BINARY, I32, STRUCT, ThriftWriter } from '../../src/parquet/thrift.js'

export interface HandMadeColumn {
  readonly name: string
  readonly physicalType?: number
  readonly repetition?: number
  readonly typeLength?: number
  readonly converted?: number
  readonly scale?: number
  readonly precision?: number
  readonly fieldId?: number
  /** The number of the logical type in its union. */
  readonly logical?: number
  readonly codec?: number
  readonly offset?: number
  readonly size?: number
  readonly numValues?: number
  readonly dictionaryOffset?: number
  readonly filePath?: string
  readonly claimedType?: number
  readonly claimedName?: string
  readonly encrypted?: boolean
  readonly bloomFilter?: readonly [offset: number, length: number]
  readonly offsetIndex?: readonly [offset: number, length: number]
  /** The id of a field beyond those that the format has. */
  readonly strange?: number
}

export interface HandMade {
  readonly columns: readonly HandMadeColumn[]
  readonly numRows?: number
  readonly createdBy?: string
  readonly keyValues?: readonly (readonly [string, string])[]
  readonly version?: number
  readonly orders?: number
  readonly bodyBytes?: number
  readonly strange?: number
  readonly encrypted?: boolean
}

/** A file with one row group. By default each column has ten bytes, one after the other. */
export function handMade(file: HandMade): Uint8Array {
  const { columns, numRows = 3, createdBy = 'alluvium version 1.0.0', keyValues = [], version = 1, orders = columns.length } = file
  const bodyBytes = file.bodyBytes ?? 4 + columns.length * 10
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, version)
  writer.list(2, STRUCT, columns.length + 1)
  writer.beginStruct()
  writer.text(4, 'schema')
  writer.int32(5, columns.length)
  writer.endStruct()
  for (const column of columns) writeElement(writer, column)
  writer.int64(3, numRows)
  writer.list(4, STRUCT, 1)
  writer.beginStruct()
  writer.list(1, STRUCT, columns.length)
  for (const [i, column] of columns.entries()) writeChunk(writer, column, 4 + i * 10, numRows)
  writer.int64(2, columns.length * 10)
  writer.int64(3, numRows)
  writer.endStruct()
  if (keyValues.length > 0) {
    writer.list(5, STRUCT, keyValues.length)
    for (const [key, value] of keyValues) {
      writer.beginStruct()
      writer.text(1, key)
      writer.text(2, value)
      writer.endStruct()
    }
  }
  if (createdBy !== '') writer.text(6, createdBy)
  writer.list(7, STRUCT, orders)
  for (let i = 0; i < orders; i++) {
    writer.beginStruct()
    writer.beginStruct(1)
    writer.endStruct()
    writer.endStruct()
  }
  if (file.encrypted) {
    writer.beginStruct(8)
    writer.endStruct()
  }
  if (file.strange !== undefined) writer.int32(file.strange, 1)
  writer.endStruct()
  const footer = writer.finish()
  const bytes = new Uint8Array(bodyBytes + footer.length + 8)
  bytes.set([0x50, 0x41, 0x52, 0x31])
  bytes.set(footer, bodyBytes)
  new DataView(bytes.buffer).setUint32(bytes.length - 8, footer.length, true)
  bytes.set([0x50, 0x41, 0x52, 0x31], bytes.length - 4)
  return bytes
}

function writeElement(writer: ThriftWriter, column: HandMadeColumn): void {
  const { name, physicalType = 1, repetition = 1, typeLength, converted, scale, precision, fieldId, logical } = column
  writer.beginStruct()
  writer.int32(1, physicalType)
  if (typeLength !== undefined) writer.int32(2, typeLength)
  writer.int32(3, repetition)
  writer.text(4, name)
  if (converted !== undefined) writer.int32(6, converted)
  if (scale !== undefined) writer.int32(7, scale)
  if (precision !== undefined) writer.int32(8, precision)
  if (fieldId !== undefined) writer.int32(9, fieldId)
  if (logical !== undefined) {
    writer.beginStruct(10)
    writer.beginStruct(logical)
    writer.endStruct()
    writer.endStruct()
  }
  writer.endStruct()
}

function writeChunk(writer: ThriftWriter, column: HandMadeColumn, at: number, numRows: number): void {
  const { name, physicalType = 1, codec = 0, offset = at, size = 10, numValues = numRows } = column
  writer.beginStruct()
  if (column.filePath !== undefined) writer.text(1, column.filePath)
  writer.int64(2, 0)
  writer.beginStruct(3)
  writer.int32(1, column.claimedType ?? physicalType)
  writer.list(2, I32, 1)
  writer.rawValue(Uint8Array.of(0))
  writer.list(3, BINARY, 1)
  writer.textElement(column.claimedName ?? name)
  writer.int32(4, codec)
  writer.int64(5, numValues)
  writer.int64(6, size)
  writer.int64(7, size)
  writer.int64(9, offset)
  if (column.dictionaryOffset !== undefined) writer.int64(11, column.dictionaryOffset)
  if (column.bloomFilter !== undefined) {
    writer.int64(14, column.bloomFilter[0])
    writer.int32(15, column.bloomFilter[1])
  }
  if (column.strange !== undefined) writer.int32(column.strange, 1)
  writer.endStruct()
  if (column.offsetIndex !== undefined) {
    writer.int64(4, column.offsetIndex[0])
    writer.int32(5, column.offsetIndex[1])
  }
  if (column.encrypted) {
    writer.beginStruct(8)
    writer.endStruct()
  }
  writer.endStruct()
}
