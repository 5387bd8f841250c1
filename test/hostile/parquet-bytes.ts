// Parquet files as bytes: sound ones by our writer, and ones made by hand field by field, so that any field can lie.
// One rule: no test runner and no disk in here, because the fuzzer uses it too.
import { BatchBuilder } from '../../src/arrow/index.js'
import { concatBytes } from '../../src/bytes.js'
import { createParquetWriter, type ParquetWriterOptions } from '../../src/parquet/index.js'
import { BINARY, I32, STRUCT, ThriftWriter } from '../../src/parquet/thrift.js'
import { parseColumns, type StructType } from '../../src/schema/index.js'

/** The bytes of a sound Parquet file of rows. Columns as in SQL, or a schema. */
export async function writeRows(
  columns: string | StructType,
  rows: readonly object[],
  options: Partial<ParquetWriterOptions> = {},
): Promise<Uint8Array> {
  const schema = typeof columns === 'string' ? parseColumns(columns) : columns
  const parts: Uint8Array[] = []
  const sink = { write: async (bytes: Uint8Array): Promise<void> => void parts.push(bytes.slice()) }
  const writer = createParquetWriter(sink, { schema, codec: 'snappy', ...options })
  if (rows.length > 0) {
    const builder = new BatchBuilder(schema)
    const faults = builder.appendRows(rows)
    if (faults.length > 0) throw new Error(`a fault in test rows: ${JSON.stringify(faults[0])}`)
    await writer.write(builder.finish())
  }
  await writer.finish()
  return concatBytes(parts)
}

export interface HandPage {
  /** 0 data (default), 2 dictionary. */
  readonly type?: number
  readonly uncompressed?: number
  readonly compressed?: number
  readonly numValues: number
  readonly encoding?: number
  readonly body: Uint8Array
}

/** A file of one column in one row group, each fact of it free to lie. */
export interface HandFile {
  readonly name?: string
  readonly physicalType: number
  readonly typeLength?: number
  readonly repetition?: number
  readonly codec?: number
  readonly pages: readonly HandPage[]
  readonly numRows: number
  readonly numValues?: number
  readonly compressedSize?: number
  readonly uncompressedSize?: number
  readonly offset?: number
  readonly footerRows?: number
  readonly convertedType?: number
}

export const PAR1: Uint8Array = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Little-endian 32-bit values. */
export function int32s(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer)
}

/** Little-endian 64-bit values. */
export function int64s(...values: bigint[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values).buffer)
}

export function pageBytes(page: HandPage): Uint8Array {
  const { type = 0, numValues, encoding = 0, body } = page
  const head = new ThriftWriter()
  head.beginStruct()
  head.int32(1, type)
  head.int32(2, page.uncompressed ?? body.length)
  head.int32(3, page.compressed ?? body.length)
  head.beginStruct(type === 2 ? 7 : 5)
  head.int32(1, numValues)
  head.int32(2, encoding)
  if (type === 0) {
    head.int32(3, 3)
    head.int32(4, 3)
  }
  head.endStruct()
  head.endStruct()
  return concatBytes([head.finish().slice(), body])
}

/** A file of one column made by hand. */
export function handFile(file: HandFile): Uint8Array {
  const name = file.name ?? 'id'
  const pages = file.pages.map(pageBytes)
  const body = concatBytes([new Uint8Array(0), ...pages])
  const dictionaryBytes = file.pages[0]?.type === 2 ? (pages[0] as Uint8Array).length : 0
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, 1)
  writer.list(2, STRUCT, 2)
  writer.beginStruct()
  writer.text(4, 'root')
  writer.int32(5, 1)
  writer.endStruct()
  writer.beginStruct()
  writer.int32(1, file.physicalType)
  if (file.typeLength !== undefined) writer.int32(2, file.typeLength)
  writer.int32(3, file.repetition ?? 0)
  writer.text(4, name)
  if (file.convertedType !== undefined) writer.int32(6, file.convertedType)
  writer.endStruct()
  writer.int64(3, file.footerRows ?? file.numRows)
  writer.list(4, STRUCT, 1)
  writer.beginStruct()
  writer.list(1, STRUCT, 1)
  writer.beginStruct()
  writer.int64(2, 4)
  writer.beginStruct(3)
  writer.int32(1, file.physicalType)
  writer.list(2, I32, 3)
  for (const encoding of [0, 3, 8]) writer.rawValue(Uint8Array.of(encoding * 2))
  writer.list(3, BINARY, 1)
  writer.textElement(name)
  writer.int32(4, file.codec ?? 0)
  writer.int64(5, file.numValues ?? file.numRows)
  writer.int64(6, file.uncompressedSize ?? body.length)
  writer.int64(7, file.compressedSize ?? body.length)
  writer.int64(9, (file.offset ?? 4) + dictionaryBytes)
  if (dictionaryBytes > 0) writer.int64(11, file.offset ?? 4)
  writer.endStruct()
  writer.endStruct()
  writer.int64(2, body.length)
  writer.int64(3, file.numRows)
  writer.endStruct()
  writer.endStruct()
  return sealed(body, writer.finish().slice())
}

/** Body and footer as a file. */
export function sealed(body: Uint8Array, footer: Uint8Array, announced: number = footer.length): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, announced, true)
  return concatBytes([PAR1, body, footer, length, PAR1])
}
