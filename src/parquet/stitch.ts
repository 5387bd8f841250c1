// "Stitch": one footer for row groups that come from several small files. Each source's pages are copied as they are;
// only offsets change. The same works for files of others with an equal schema: no page is decoded.

import { type ChunkStatistics, writeStatistics } from './chunk-statistics.js'
import type { ChunkInfo, Footer } from './footer.js'
import { STRUCT, type ThriftField, ThriftWriter } from './thrift.js'
import { fieldsAt, int64At, rangesOf } from './thrift-values.js'

/** What a stitched file says of itself. */
export interface StitchOptions {
  /** The `created_by` text. */
  readonly createdBy: string
}

/** The bytes of a source that belong into the stitched file: all its column chunks, without page indexes. */
export function bodyRange(footer: Footer): { start: number; end: number } {
  let start = Number.POSITIVE_INFINITY
  let end = 4
  for (const group of footer.rowGroups) {
    for (const chunk of group.columns as readonly ChunkInfo[]) {
      start = Math.min(start, chunk.offset)
      end = Math.max(end, chunk.offset + chunk.compressedSize)
    }
  }
  return { start: Math.min(start, end), end }
}

/** Collects row groups, then makes the footer of the whole file. */
export class FooterStitcher {
  private readonly groups: Uint8Array[] = []
  private readonly first: Footer
  private readonly options: StitchOptions
  private rows = 0

  /** `first` gives the schema, the format version and the column orders. */
  constructor(first: Footer, options: StitchOptions) {
    this.first = first
    this.options = options
  }

  get numRows(): number {
    return this.rows
  }

  get numRowGroups(): number {
    return this.groups.length
  }

  /**
   * Adds the row groups of a source whose byte `x` now lies at `x + shift`. `statistics`, by the names of top-level columns,
   * take the place of what the source says of them.
   */
  add(footer: Footer, shift: number, statistics?: ReadonlyMap<string, ChunkStatistics>): void {
    for (const [i, range] of footer.rowGroupRanges.entries()) {
      const replaced = (chunk: number): ChunkStatistics | undefined => {
        if (statistics === undefined) return undefined
        const path = footer.rowGroups[i]?.columns[chunk]?.path
        return path?.length === 1 ? statistics.get(path[0] as string) : undefined
      }
      this.groups.push(shiftedGroup(footer.bytes, range, { shift, ordinal: this.groups.length, replaced }))
      this.rows += footer.rowGroups[i]?.numRows ?? 0
    }
  }

  /** Adds a row group that lies where it says; it is written with its ordinal in the file. */
  addGroup(write: (ordinal: number) => Uint8Array, numRows: number): void {
    this.groups.push(write(this.groups.length))
    this.rows += numRows
  }

  /** Footer, its length, and the closing magic: what follows the last row group. */
  finish(): Uint8Array {
    const { bytes, fields } = this.first
    const writer = new ThriftWriter()
    writer.beginStruct()
    writer.int32(1, this.first.version)
    const schema = fields.find((field) => field.id === 2)
    if (schema !== undefined) writer.copy(bytes, schema)
    writer.int64(3, this.rows)
    writer.list(4, STRUCT, this.groups.length)
    for (const group of this.groups) writer.rawValue(group)
    writer.text(6, this.options.createdBy)
    const orders = fields.find((field) => field.id === 7)
    if (orders !== undefined) writer.copy(bytes, orders)
    writer.endStruct()
    const footer = writer.finish()
    const end = new Uint8Array(footer.length + 8)
    end.set(footer)
    new DataView(end.buffer).setUint32(footer.length, footer.length, true)
    end.set([0x50, 0x41, 0x52, 0x31], footer.length + 4)
    return end
  }
}

interface Placement {
  readonly shift: number
  readonly ordinal: number
  /** The statistics of a chunk, where they are not the source's. */
  replaced(chunk: number): ChunkStatistics | undefined
}

// RowGroup: 1 columns, 5 file_offset, 7 ordinal (16 bits, so only the first 32,767 have one).
function shiftedGroup(bytes: Uint8Array, range: ThriftField, { shift, ordinal, replaced }: Placement): Uint8Array {
  const writer = new ThriftWriter()
  writer.beginStruct()
  for (const field of sorted(fieldsAt(bytes, range.start, range.end))) {
    if (field.id === 1) {
      const chunks = rangesOf(bytes, field)
      writer.list(1, STRUCT, chunks.length)
      for (const [i, chunk] of chunks.entries()) writeChunk(writer, bytes, chunk, shift, replaced(i))
    } else if (field.id === 5) {
      writer.int64(5, (int64At(bytes, field) ?? 0) + shift)
    } else if (field.id !== 7) {
      writer.copy(bytes, field)
    }
  }
  if (ordinal <= 0x7fff) writer.int16(7, ordinal)
  writer.endStruct()
  return writer.finish()
}

// ColumnChunk: 2 file_offset, 3 meta_data; 4 to 7 are page indexes, which are not carried over.
function writeChunk(
  writer: ThriftWriter,
  bytes: Uint8Array,
  chunk: ThriftField,
  shift: number,
  statistics: ChunkStatistics | undefined,
): void {
  writer.beginStruct()
  for (const field of sorted(fieldsAt(bytes, chunk.start, chunk.end))) {
    if (field.id === 2) {
      const offset = int64At(bytes, field) ?? 0
      writer.int64(2, offset === 0 ? 0 : offset + shift)
    } else if (field.id === 3) {
      writeMetaData(writer, bytes, field, shift, statistics)
    } else if (field.id < 4 || field.id > 7) {
      writer.copy(bytes, field)
    }
  }
  writer.endStruct()
}

// ColumnMetaData: 9 data_page_offset, 10 index_page_offset, 11 dictionary_page_offset, 12 statistics; 14 and 15 are a Bloom
// filter outside the chunk.
function writeMetaData(
  writer: ThriftWriter,
  bytes: Uint8Array,
  meta: ThriftField,
  shift: number,
  statistics: ChunkStatistics | undefined,
): void {
  writer.beginStruct(3)
  const fields = sorted(fieldsAt(bytes, meta.start, meta.end))
  const isBefore = (field: ThriftField): boolean => field.id < STATISTICS
  const copy = (field: ThriftField): void => {
    if (field.id >= 9 && field.id <= 11) {
      const offset = int64At(bytes, field) ?? 0
      writer.int64(field.id, offset > 0 ? offset + shift : offset)
    } else if (field.id !== 14 && field.id !== 15) {
      writer.copy(bytes, field)
    }
  }
  for (const field of fields.filter(isBefore)) copy(field)
  if (statistics !== undefined) writeStatistics(writer, STATISTICS, statistics)
  for (const field of fields) if (!isBefore(field) && (field.id !== STATISTICS || statistics === undefined)) copy(field)
  writer.endStruct()
}

const STATISTICS = 12

function sorted(fields: Map<number, ThriftField>): ThriftField[] {
  return [...fields.values()].sort((a, b) => a.id - b.id)
}
