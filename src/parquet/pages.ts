// A look at the page headers of a column chunk before the codec sees it: sizes that lie, or that would unpack to more
// memory than the file can justify, are found here, where refusing costs nothing.

import { corrupt, guarded, tooLarge } from './faults.js'
import { type ChunkInfo, CODEC_NAMES, PhysicalType } from './footer.js'
import type { SchemaNode } from './schema-tree.js'
import { BOOLEAN_FALSE, STRUCT, type ThriftField, ThriftReader } from './thrift.js'
import { fieldsAt, int32At } from './thrift-values.js'
import { unpacksBeyond } from './unpacked.js'

/** A dictionary page of a chunk. */
export interface DictionaryPage {
  readonly numValues: number
  readonly uncompressedSize: number
  /** Where the page's body lies in the chunk's bytes. */
  readonly start: number
  readonly end: number
}

/** What the page headers of one chunk say. */
export interface ChunkPages {
  readonly dictionary: DictionaryPage | undefined
  /** Where the first data page begins, in the chunk's bytes. */
  readonly dataStart: number
  /** Where the last page ends; what follows is padding. */
  readonly end: number
  readonly numValues: number
  readonly uncompressedSize: number
  /** DELTA_BYTE_ARRAY is among the encodings: values may share bytes, so their size is not bounded by the page. */
  readonly sharesBytes: boolean
}

export const DATA_PAGE = 0
export const DICTIONARY_PAGE = 2
export const DATA_PAGE_V2 = 3
const DELTA_BYTE_ARRAY = 7

/** No page may unpack to more. */
const MAX_PAGE_BYTES = 2 ** 30
/** Pages up to this size pass whatever their ratio. */
const FREE_PAGE_BYTES = 32 * 2 ** 20
/** Pages of few values may be padded so far: whole blocks of an encoding. */
const FREE_FILL_BYTES = 2 ** 20
/** The most that repetition and definition levels take for one value. */
const LEVEL_BYTES = 8
/** The most a codec can unpack from one byte (snappy 64 of 3, lz4 255, gzip 1032); zstd and brotli have no useful bound. */
const MAX_RATIO: readonly number[] = [1, 24, 1100, 1, 4000, 300, 4000, 300]
/** Values of a repeated column beyond this many must be backed by bytes: run lengths alone are a bomb. */
const FREE_REPEATED_VALUES = 2 ** 25

/**
 * Reads all page headers of a chunk.
 * @throws AlluviumError `CORRUPT_DATA` where they contradict the chunk, `LIMIT_EXCEEDED` where they would unpack to too much.
 */
export function scanPages(name: string, leaf: SchemaNode, chunk: ChunkInfo, bytes: Uint8Array, numRows: number): ChunkPages {
  const column = chunk.path.join('.')
  let at = 0
  let dictionary: DictionaryPage | undefined
  let dataStart = -1
  let numValues = 0
  let uncompressedSize = 0
  let sharesBytes = false
  while (at < bytes.length && (numValues < chunk.numValues || dataStart < 0)) {
    const page = guarded(name, () => pageHeader(bytes, at))
    checkPageSize(name, column, chunk, page, bytes.length)
    checkPageFill(name, column, leaf, chunk, page)
    checkPageBody(name, column, chunk.codec, page, bytes)
    if (page.type === DICTIONARY_PAGE) {
      if (dictionary !== undefined || dataStart >= 0) throw corrupt(name, `a misplaced dictionary page in column ${column}`)
      dictionary = { numValues: page.numValues, uncompressedSize: page.uncompressedSize, start: page.bodyStart, end: page.end }
    } else if (page.type === DATA_PAGE || page.type === DATA_PAGE_V2) {
      if (dataStart < 0) dataStart = at
      numValues += page.numValues
      sharesBytes ||= page.encoding === DELTA_BYTE_ARRAY
    }
    uncompressedSize += page.uncompressedSize
    at = page.end
  }
  if (dataStart < 0) dataStart = at
  const pages = { dictionary, dataStart, end: at, numValues, uncompressedSize, sharesBytes }
  checkTotals(name, column, leaf, chunk, pages, numRows)
  return pages
}

/** One page of a chunk: where its body lies in the chunk's bytes, and what its header says. */
export interface PageHeader {
  readonly type: number
  readonly uncompressedSize: number
  readonly compressedSize: number
  readonly numValues: number
  readonly encoding: number
  readonly bodyStart: number
  readonly end: number
  /** The page header's own struct, for what only some readers need. */
  readonly own: ReadonlyMap<number, ThriftField> | undefined
}

/** The page header at a place. @throws ThriftFault */
export function pageHeader(bytes: Uint8Array, at: number): PageHeader {
  const reader = new ThriftReader(bytes, at)
  const fields = new Map<number, ThriftField>()
  reader.eachField((id, type, start, end) => fields.set(id, { id, type, start, end }))
  const type = int32At(bytes, fields.get(1)) ?? -1
  const compressedSize = int32At(bytes, fields.get(3)) ?? -1
  // data_page_header 5, dictionary_page_header 7, data_page_header_v2 8: all begin with the value count.
  const own = fields.get(type === DATA_PAGE ? 5 : type === DICTIONARY_PAGE ? 7 : type === DATA_PAGE_V2 ? 8 : -1)
  const inner = own?.type === STRUCT ? fieldsAt(bytes, own.start, own.end) : undefined
  return {
    type,
    uncompressedSize: int32At(bytes, fields.get(2)) ?? -1,
    compressedSize,
    numValues: int32At(bytes, inner?.get(1)) ?? (type === 1 ? 0 : -1),
    encoding: int32At(bytes, inner?.get(type === DATA_PAGE_V2 ? 4 : 2)) ?? -1,
    bodyStart: reader.at,
    end: reader.at + compressedSize,
    own: inner,
  }
}

function checkPageSize(name: string, column: string, chunk: ChunkInfo, page: PageHeader, length: number): void {
  const { compressedSize, uncompressedSize } = page
  if (page.type < 0 || page.type > 3 || compressedSize < 0 || uncompressedSize < 0 || page.numValues < 0) {
    throw corrupt(name, `a malformed page header in column ${column}`)
  }
  if (page.end > length) throw corrupt(name, `a page of ${compressedSize} bytes that leads out of column ${column}`)
  if (uncompressedSize > MAX_PAGE_BYTES) {
    throw tooLarge(name, `a page of column ${column} would unpack to ${uncompressedSize} bytes; at most ${MAX_PAGE_BYTES} are read`)
  }
  const ratio = MAX_RATIO[chunk.codec] ?? 1
  if (uncompressedSize > compressedSize * ratio + 64 && ((chunk.codec !== 6 && chunk.codec !== 4) || uncompressedSize > FREE_PAGE_BYTES)) {
    const what = `a page of column ${column} claims to unpack ${compressedSize} ${CODEC_NAMES[chunk.codec] ?? 'unknown'} bytes to ${uncompressedSize}`
    throw chunk.codec === 6 || chunk.codec === 4 ? tooLarge(name, what) : corrupt(name, what)
  }
}

// Values of fixed width fill a page only so far, whatever their encoding and levels: what is beyond is only there to unpack.
function checkPageFill(name: string, column: string, leaf: SchemaNode, chunk: ChunkInfo, page: PageHeader): void {
  const { physicalType } = chunk
  if (physicalType === PhysicalType.BYTE_ARRAY || page.uncompressedSize <= FREE_FILL_BYTES) return
  const width = physicalType === PhysicalType.FIXED_LEN_BYTE_ARRAY ? Math.max(0, leaf.typeLength ?? 0) : 12
  if (page.uncompressedSize <= FREE_FILL_BYTES + page.numValues * (width + LEVEL_BYTES)) return
  throw corrupt(name, `a page of column ${column} claims to unpack ${page.numValues} values to ${page.uncompressedSize} bytes`)
}

function checkPageBody(name: string, column: string, codec: number, page: PageHeader, bytes: Uint8Array): void {
  let start = page.bodyStart
  if (page.type === DATA_PAGE_V2) {
    // Levels come first and uncompressed; the values may be uncompressed too.
    if (page.own?.get(7)?.type === BOOLEAN_FALSE) return
    start += Math.max(0, int32At(bytes, page.own?.get(5)) ?? 0) + Math.max(0, int32At(bytes, page.own?.get(6)) ?? 0)
  }
  if (start >= page.end || !unpacksBeyond(codec, bytes.subarray(start, page.end), page.uncompressedSize)) return
  throw tooLarge(name, `a page of column ${column} unpacks to far more than the ${page.uncompressedSize} bytes it claims`)
}

function checkTotals(name: string, column: string, leaf: SchemaNode, chunk: ChunkInfo, pages: ChunkPages, numRows: number): void {
  if (!leaf.isRepeated && pages.numValues !== numRows) {
    throw corrupt(name, `column ${column} holds ${pages.numValues} values for ${numRows} rows`)
  }
  if (leaf.isRepeated && pages.numValues > FREE_REPEATED_VALUES && pages.numValues > pages.uncompressedSize * 64) {
    throw tooLarge(name, `column ${column} claims ${pages.numValues} values in ${pages.uncompressedSize} bytes`)
  }
  const { dictionary } = pages
  if (dictionary === undefined) return
  const width = chunk.physicalType === PhysicalType.BYTE_ARRAY ? 4 : 1
  if (chunk.physicalType !== PhysicalType.BOOLEAN && dictionary.numValues * width > dictionary.uncompressedSize) {
    throw corrupt(name, `column ${column} has a dictionary of ${dictionary.numValues} values in ${dictionary.uncompressedSize} bytes`)
  }
}
