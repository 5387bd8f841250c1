// A file of one small row group of flat columns, laid out here: one plain page a column, no dictionary. For a handful of rows
// the way through the codec costs ten times this. One rule: the schema is the codec's own, byte for byte, so that small files and
// large ones cannot differ in it; what is not flat is left to the codec.
import type { Data, RecordBatch, Schema } from 'apache-arrow'
import { type ChunkStatistics, writeStatistics } from './chunk-statistics.js'
import { encodeInThread } from './encode.js'
import { guarded } from './faults.js'
import { type Footer, parseFooter } from './footer.js'
import { ordinaryMemory, StreamBuilder } from './ipc.js'
import { type PlainColumn, plainPage } from './plain-page.js'
import type { SchemaNode } from './schema-tree.js'
import { BINARY, I32, STRUCT, ThriftWriter } from './thrift.js'

/** Codecs whose blocks can hold bytes as they are, without any work. */
export type SmallCodec = 'snappy' | 'uncompressed'

/** What files of one schema have in common. */
export interface SmallLayout {
  readonly footer: Footer
  readonly columns: readonly SmallColumn[]
}

interface SmallColumn extends PlainColumn {
  readonly name: string
}

/** Rows and Arrow bytes up to which a file is small: about two blocks of a disk, where compressing would save none. */
export const SMALL_ROWS = 1024
export const SMALL_BYTES: number = 8 * 1024

const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)
const CODEC_IDS = { uncompressed: 0, snappy: 1 } as const
const PLAIN = 0
const RLE = 3
// Both encodings as the elements of a list of enums: zigzag varints.
const ENCODINGS = Uint8Array.of(PLAIN << 1, RLE << 1)
// The longest literal of snappy that is written here.
const MAX_LITERAL_BYTES = 65_536

const layouts = new WeakMap<Schema, SmallLayout | 'nested'>()

/** The layout of files of a schema, if it is known already: undefined, or `nested` where there is none. */
export function knownLayout(schema: Schema): SmallLayout | 'nested' | undefined {
  return layouts.get(schema)
}

/** Learns the layout from a file without rows that the codec makes. */
export async function learnLayout(schema: Schema): Promise<SmallLayout | 'nested'> {
  const file = await encodeInThread(new StreamBuilder(schema, ordinaryMemory).finish(), {
    codec: 'uncompressed',
    createdBy: '',
    dictionary: false,
    dictionaryOf: [],
  })
  const length = new DataView(file.buffer, file.byteOffset, file.length).getUint32(file.length - 8, true)
  const bytes = file.slice(file.length - 8 - length, file.length - 8)
  const footer = guarded('a file without rows', () => parseFooter(bytes, 'a file without rows'))
  const columns = footer.root.children.map(columnOf)
  const layout = columns.every((column) => column !== undefined) ? { footer, columns } : 'nested'
  layouts.set(schema, layout)
  return layout
}

function columnOf({ name, physicalType, typeLength, repetition, children }: SchemaNode): SmallColumn | undefined {
  if (physicalType === undefined || repetition > 1 || children.length > 0) return undefined
  return { name, physicalType, typeLength: typeLength ?? 0, isOptional: repetition === 1 }
}

/** The bytes of a whole file. The batch has the schema of the layout. */
export function encodeSmallFile(
  batch: RecordBatch,
  { footer, columns }: SmallLayout,
  options: {
    readonly codec: SmallCodec
    readonly createdBy: string
    readonly statistics: ReadonlyMap<string, ChunkStatistics> | undefined
  },
): Uint8Array {
  const writer = new ThriftWriter()
  writer.rawValue(MAGIC)
  const chunks = columns.map((column, i) => writeChunk(writer, batch.data.children[i] as Data, column, options.codec))
  const start = writer.size
  writeFooter(
    writer,
    footer,
    () => {
      writer.list(4, STRUCT, 1)
      writer.beginStruct()
      writer.list(1, STRUCT, chunks.length)
      chunks.forEach((chunk, i) => {
        const column = columns[i] as SmallColumn
        const statistics = options.statistics?.get(column.name) ?? { nullCount: chunk.nullCount }
        writeColumn(writer, column, chunk, CODEC_IDS[options.codec], statistics)
      })
      writer.int64(
        2,
        chunks.reduce((sum, chunk) => sum + chunk.uncompressedSize, 0),
      )
      writer.int64(3, batch.numRows)
      writer.int64(5, 4)
      writer.int64(
        6,
        chunks.reduce((sum, chunk) => sum + chunk.compressedSize, 0),
      )
      writer.int16(7, 0)
      writer.endStruct()
    },
    batch.numRows,
    options.createdBy,
  )
  const length = writer.size - start
  writer.rawValue(Uint8Array.of(length & 255, (length >> 8) & 255, (length >> 16) & 255, length >>> 24))
  writer.rawValue(MAGIC)
  return writer.finish()
}

interface Chunk {
  readonly offset: number
  readonly numValues: number
  readonly nullCount: number
  readonly compressedSize: number
  readonly uncompressedSize: number
}

function writeChunk(writer: ThriftWriter, data: Data, column: PlainColumn, codec: SmallCodec): Chunk {
  const offset = writer.size
  const page = plainPage(data, column)
  const { head, size } = codec === 'snappy' ? literalBlock(page.length) : { head: undefined, size: page.length }
  writer.beginStruct()
  writer.int32(1, 0) // a data page
  writer.int32(2, page.length)
  writer.int32(3, size)
  writer.beginStruct(5)
  writer.int32(1, data.length)
  writer.int32(2, PLAIN)
  writer.int32(3, RLE)
  writer.int32(4, RLE)
  writer.endStruct()
  writer.endStruct()
  const headerSize = writer.size - offset
  if (head !== undefined) writer.rawValue(head)
  writer.rawValue(page)
  return {
    offset,
    numValues: data.length,
    nullCount: data.nullCount,
    compressedSize: headerSize + size,
    uncompressedSize: headerSize + page.length,
  }
}

/** What comes before bytes that stand in a snappy block as one literal. */
function literalBlock(length: number): { head: Uint8Array | undefined; size: number } {
  if (length > MAX_LITERAL_BYTES) throw new RangeError(`a small page of ${length} bytes`)
  const head: number[] = []
  for (let rest = length; ; rest >>>= 7) {
    head.push(rest < 128 ? rest : (rest & 127) | 128)
    if (rest < 128) break
  }
  if (length > 0) {
    const last = length - 1
    if (last < 60) head.push(last << 2)
    else if (last < 256) head.push(60 << 2, last)
    else head.push(61 << 2, last & 255, last >> 8)
  }
  return { head: Uint8Array.from(head), size: head.length + length }
}

// ColumnChunk: 2 file_offset, 3 meta_data.
function writeColumn(writer: ThriftWriter, column: SmallColumn, chunk: Chunk, codec: number, statistics: ChunkStatistics): void {
  writer.beginStruct()
  writer.int64(2, 0)
  writer.beginStruct(3)
  writer.int32(1, column.physicalType)
  writer.list(2, I32, ENCODINGS.length)
  writer.rawValue(ENCODINGS)
  writer.list(3, BINARY, 1)
  writer.textElement(column.name)
  writer.int32(4, codec)
  writer.int64(5, chunk.numValues)
  writer.int64(6, chunk.uncompressedSize)
  writer.int64(7, chunk.compressedSize)
  writer.int64(9, chunk.offset)
  writeStatistics(writer, 12, statistics)
  writer.endStruct()
  writer.endStruct()
}

// FileMetaData: 1 version, 2 schema, 3 num_rows, 4 row_groups, 6 created_by, 7 column_orders.
function writeFooter(
  writer: ThriftWriter,
  { bytes, fields, version }: Footer,
  rowGroups: () => void,
  numRows: number,
  createdBy: string,
): void {
  writer.beginStruct()
  writer.int32(1, version)
  for (const field of fields) if (field.id === 2) writer.copy(bytes, field)
  writer.int64(3, numRows)
  rowGroups()
  writer.text(6, createdBy)
  for (const field of fields) if (field.id === 7) writer.copy(bytes, field)
  writer.endStruct()
}
