// A row group of recoded columns, as a footer has it (parquet.thrift, `RowGroup`).
import { type ChunkStatistics, writeStatistics } from './chunk-statistics.js'
import type { RecodedChunk } from './kernel/recode.js'
import type { RecodeColumn } from './recode-columns.js'
import { BINARY, I32, STRUCT, ThriftWriter } from './thrift.js'

export interface RecodedGroup {
  readonly columns: readonly RecodeColumn[]
  readonly chunks: readonly RecodedChunk[]
  /** By the names of columns; the counts of nulls are those of the chunks. */
  readonly bounds: ReadonlyMap<string, ChunkStatistics>
  readonly numRows: number
  /** Where the first chunk begins; the others follow. */
  readonly at: number
  readonly ordinal: number
}

const PLAIN = 0
const RLE = 3
const RLE_DICTIONARY = 8
// Lists of enums, as zigzag varints.
const PLAIN_ENCODINGS = Uint8Array.of(PLAIN << 1, RLE << 1)
const DICTIONARY_ENCODINGS = Uint8Array.of(PLAIN << 1, RLE << 1, RLE_DICTIONARY << 1)

/** The struct of the row group. */
export function writeRecodedGroup({ columns, chunks, bounds, numRows, at, ordinal }: RecodedGroup): Uint8Array {
  const writer = new ThriftWriter()
  let place = at
  writer.beginStruct()
  writer.list(1, STRUCT, chunks.length)
  for (const [i, chunk] of chunks.entries()) {
    const column = columns[i] as RecodeColumn
    writeChunk(writer, column, chunk, { place, numRows, statistics: { ...bounds.get(column.node.name), nullCount: chunk.nullCount } })
    place += chunk.bytes.length
  }
  writer.int64(
    2,
    chunks.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
  )
  writer.int64(3, numRows)
  writer.int64(5, at)
  writer.int64(6, place - at)
  if (ordinal <= 0x7fff) writer.int16(7, ordinal)
  writer.endStruct()
  return writer.finish()
}

// ColumnChunk: 2 file_offset (no longer used), 3 meta_data with 9 data_page_offset and 11 dictionary_page_offset.
function writeChunk(
  writer: ThriftWriter,
  { node, task }: RecodeColumn,
  { bytes, uncompressedSize, dictionaryBytes }: RecodedChunk,
  { place, numRows, statistics }: { readonly place: number; readonly numRows: number; readonly statistics: ChunkStatistics },
): void {
  const encodings = dictionaryBytes > 0 ? DICTIONARY_ENCODINGS : PLAIN_ENCODINGS
  writer.beginStruct()
  writer.int64(2, 0)
  writer.beginStruct(3)
  writer.int32(1, node.physicalType as number)
  writer.list(2, I32, encodings.length)
  writer.rawValue(encodings)
  writer.list(3, BINARY, 1)
  writer.textElement(node.name)
  writer.int32(4, task.codec)
  writer.int64(5, numRows)
  writer.int64(6, uncompressedSize)
  writer.int64(7, bytes.length)
  writer.int64(9, place + dictionaryBytes)
  if (dictionaryBytes > 0) writer.int64(11, place)
  writeStatistics(writer, 12, statistics)
  writer.endStruct()
  writer.endStruct()
}
