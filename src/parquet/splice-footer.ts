// The footer of a spliced file: the files' row groups, with every place moved to where its bytes went. Rule: a place that was
// not carried along is left out, so that no offset leads anywhere else.
import type { ChunkInfo, Footer } from './footer.js'
import { schemaBytes } from './splice-open.js'
import { BINARY, LIST, STRUCT, type ThriftField, ThriftReader, ThriftWriter } from './thrift.js'
import { fieldsAt, int32At, int64At, rangesOf } from './thrift-values.js'

/** Where the parts of one chunk are in the spliced file. */
export interface ChunkTarget {
  /** Added to the places of its pages. */
  readonly shift: number
  /** Where the bloom filter begins. */
  readonly bloomFilter: number | undefined
  readonly offsetIndex: { readonly at: number; readonly length: number } | undefined
  readonly columnIndex: { readonly at: number; readonly length: number } | undefined
}

/** Writes one row group as the next element of the list of row groups. */
export function writeGroup(writer: ThriftWriter, footer: Footer, group: number, targets: readonly ChunkTarget[], ordinal: number): void {
  const { bytes, rowGroupRanges, rowGroups } = footer
  const range = rowGroupRanges[group] as ThriftField
  const columns = rowGroups[group]?.columns as readonly ChunkInfo[]
  const fields = fieldsAt(bytes, range.start, range.end)
  const chunks = rangesOf(bytes, fields.get(1) as ThriftField)
  writer.beginStruct()
  writer.list(1, STRUCT, chunks.length)
  for (const [i, chunk] of chunks.entries()) writeChunk(writer, bytes, chunk, targets[i] as ChunkTarget)
  for (const id of [2, 3, 4]) copyField(writer, bytes, fields.get(id))
  writer.int64(5, Math.min(...columns.map(({ offset }, i) => offset + (targets[i] as ChunkTarget).shift)))
  writer.int64(
    6,
    columns.reduce((sum, { compressedSize }) => sum + compressedSize, 0),
  )
  if (ordinal <= 0x7fff) writer.int16(7, ordinal)
  writer.endStruct()
}

// ColumnChunk: 2 file_offset (no longer used, and 0 then), 3 meta_data, 4 to 7 the places of the indexes.
function writeChunk(writer: ThriftWriter, bytes: Uint8Array, chunk: ThriftField, target: ChunkTarget): void {
  const meta = fieldsAt(bytes, chunk.start, chunk.end).get(3) as ThriftField
  const fields = [...fieldsAt(bytes, meta.start, meta.end).values()].sort((a, b) => a.id - b.id)
  writer.beginStruct()
  writer.int64(2, 0)
  writer.beginStruct(3)
  for (const field of fields) {
    if (field.id >= 9 && field.id <= 11) {
      const offset = int64At(bytes, field) ?? 0
      if (offset > 0) writer.int64(field.id, offset + target.shift)
    } else if (field.id === 14) {
      if (target.bloomFilter !== undefined) writer.int64(14, target.bloomFilter)
    } else if (field.id !== 15 || target.bloomFilter !== undefined) {
      writer.copy(bytes, field)
    }
  }
  writer.endStruct()
  const { offsetIndex, columnIndex } = target
  if (offsetIndex !== undefined) {
    writer.int64(4, offsetIndex.at)
    writer.int32(5, offsetIndex.length)
  }
  if (columnIndex !== undefined) {
    writer.int64(6, columnIndex.at)
    writer.int32(7, columnIndex.length)
  }
  writer.endStruct()
}

/** What a footer says besides its row groups. */
export interface FooterHead {
  /** Gives the schema, the format version and the column orders. */
  readonly first: Footer
  readonly numRows: number
  readonly createdBy: string | undefined
  readonly keyValues: ReadonlyMap<string, string | undefined>
}

/** Footer, its length and the closing magic. `writeGroups` writes as many row groups as it is said to. */
export function writeFooter(head: FooterHead, numGroups: number, writeGroups: (writer: ThriftWriter) => void): Uint8Array {
  const { bytes, fields, version } = head.first
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, version)
  copyField(
    writer,
    bytes,
    fields.find(({ id }) => id === 2),
  )
  writer.int64(3, head.numRows)
  writer.list(4, STRUCT, numGroups)
  writeGroups(writer)
  if (head.keyValues.size > 0) {
    writer.list(5, STRUCT, head.keyValues.size)
    for (const [key, value] of head.keyValues) {
      writer.beginStruct()
      writer.text(1, key)
      if (value !== undefined) writer.text(2, value)
      writer.endStruct()
    }
  }
  if (head.createdBy !== undefined) writer.text(6, head.createdBy)
  copyField(
    writer,
    bytes,
    fields.find(({ id }) => id === 7),
  )
  writer.endStruct()
  const footer = writer.finish()
  const end = new Uint8Array(footer.length + 8)
  end.set(footer)
  new DataView(end.buffer).setUint32(footer.length, footer.length, true)
  end.set([0x50, 0x41, 0x52, 0x31], footer.length + 4)
  return end
}

/**
 * An offset index for pages that moved; undefined where it is not understood, or does not fit its chunk. `numPages` is how many
 * pages it has.
 */
export function moveOffsetIndex(
  bytes: Uint8Array,
  chunk: { readonly start: number; readonly end: number },
  shift: number,
): { readonly bytes: Uint8Array; readonly numPages: number } | undefined {
  const reader = new ThriftReader(bytes)
  const fields = reader.fields()
  const [locations, ...others] = fields
  if (reader.at !== bytes.length || locations?.id !== 1 || locations.type !== LIST || others.some(({ id }) => id !== 2)) return undefined
  const writer = new ThriftWriter()
  const pages = rangesOf(bytes, locations)
  writer.beginStruct()
  writer.list(1, STRUCT, pages.length)
  let reached = chunk.start
  let row = -1
  for (const page of pages) {
    const location = fieldsAt(bytes, page.start, page.end)
    const offset = int64At(bytes, location.get(1))
    const size = int32At(bytes, location.get(2))
    const firstRow = int64At(bytes, location.get(3))
    if (offset === undefined || size === undefined || firstRow === undefined || location.size !== 3) return undefined
    if (offset < reached || size < 0 || offset + size > chunk.end || firstRow < row) return undefined
    reached = offset + size
    row = firstRow
    writer.beginStruct()
    writer.int64(1, offset + shift)
    writer.int32(2, size)
    writer.int64(3, firstRow)
    writer.endStruct()
  }
  for (const field of others) writer.copy(bytes, field)
  writer.endStruct()
  return { bytes: writer.finish(), numPages: pages.length }
}

/** Whether the bytes are a column index of so many pages. */
export function isColumnIndex(bytes: Uint8Array, numPages: number): boolean {
  const reader = new ThriftReader(bytes)
  const fields = reader.fields()
  if (reader.at !== bytes.length || fields.some(({ id }) => id < 1 || id > 7)) return false
  return [1, 2, 3].every((id) => {
    const list = fields.find((field) => field.id === id)
    if (list === undefined || list.type !== LIST) return false
    const { type, count } = new ThriftReader(bytes, list.start, list.end).listHead()
    return count === numPages && (id === 1 || type === BINARY || count === 0)
  })
}

function copyField(writer: ThriftWriter, bytes: Uint8Array, field: ThriftField | undefined): void {
  if (field !== undefined) writer.copy(bytes, field)
}

/** Whether two footers have the same schema and column orders, byte for byte. */
export function sameSchema(a: Footer, b: Footer): boolean {
  const other = schemaBytes(b)
  return schemaBytes(a).every((bytes, i) => bytes.length === other[i]?.length && bytes.every((byte, at) => byte === other[i]?.[at]))
}
