// One row group from its bytes to record batches: which chunks, what they may cost, and in how many pieces they are
// decoded so that memory stays bounded whatever the file claims.
import { type RecordBatch, type Schema, tableFromIPC } from 'apache-arrow'
import type { AlluviumError } from '../errors.js'
import { CodecFault, callCodec } from './engine.js'
import { corrupt, tooLarge, unsupported } from './faults.js'
import { importBatch } from './ffi.js'
import { type ChunkInfo, CODEC_NAMES, type Footer, PhysicalType, type RowGroupInfo } from './footer.js'
import type { Opened, Projection } from './open.js'
import { scanPages } from './pages.js'
import type { FetchedChunk } from './read-ahead.js'
import type { SchemaNode } from './schema-tree.js'
import { buildDictionarySlice, buildSlice, type SliceChunk } from './slice.js'
import type { Range } from './source.js'

/** About how many decoded bytes one call of the codec may make. */
const WINDOW_BYTES = 128 * 2 ** 20
/** The most that repeated dictionary entries may make of one call, were every row the longest entry. */
const WORST_WINDOW_BYTES = 64 * 2 ** 20
/** Chunks of one row group that are decoded together; beyond, a 32-bit codec could not hold them. */
const MAX_GROUP_BYTES = 1.5 * 2 ** 30

const LZO = 3

/** The chunks of a row group that a projection needs, with their places in the file; every place is checked. */
export function chunksOf(
  name: string,
  opened: Opened,
  group: RowGroupInfo,
  selected: ReadonlySet<number>,
): { leaf: SchemaNode; chunk: ChunkInfo; range: Range }[] {
  const wanted: { leaf: SchemaNode; chunk: ChunkInfo; range: Range }[] = []
  let total = 0
  for (const leaf of opened.footer.leaves) {
    if (!selected.has(leaf.leaf)) continue
    const chunk = group.columns[leaf.leaf] as ChunkInfo
    const column = chunk.path.join('.')
    if (chunk.isEncrypted)
      throw unsupported(name, `column ${column || leaf.name} is encrypted (Parquet modular encryption)`, ['encryption'])
    if (chunk.filePath !== undefined)
      throw unsupported(name, `column ${column} lies in another file, ${chunk.filePath}`, ['external column chunks'])
    if (chunk.codec === LZO)
      throw unsupported(name, `column ${column} is compressed with LZO, which is not supported; rewrite the file with snappy or zstd`, [
        'lzo',
      ])
    if (CODEC_NAMES[chunk.codec] === undefined)
      throw unsupported(name, `column ${column} is compressed with an unknown codec (${chunk.codec})`, [`codec ${chunk.codec}`])
    const range = { start: chunk.offset, end: chunk.offset + chunk.compressedSize }
    if (range.start < 4 || range.end > opened.dataEnd) {
      throw corrupt(name, `column ${column} claims bytes ${range.start} to ${range.end} of ${opened.dataEnd}`, { column })
    }
    if (chunk.physicalType !== leaf.physicalType) throw corrupt(name, `column ${column} changes its physical type`, { column })
    total += chunk.compressedSize
    wanted.push({ leaf, chunk, range })
  }
  if (total > MAX_GROUP_BYTES) {
    throw tooLarge(
      name,
      `a row group of ${total} bytes in the chosen columns; at most ${MAX_GROUP_BYTES} are decoded together. Choose fewer columns.`,
    )
  }
  return wanted
}

/** The record batches of a row group by the codec, from a row on, at most `batchRows` rows each; decoded piece by piece as they are asked for. */
export function* decodeGroup(
  name: string,
  footer: Footer,
  projection: Projection,
  numRows: number,
  chunks: readonly FetchedChunk[],
  batchRows: number,
  firstRow = 0,
): Generator<RecordBatch> {
  const sliced = slicedChunks(name, chunks, numRows)
  const windowRows = planWindow(name, sliced, numRows)
  const slice = buildSlice(footer, projection.selected, { numRows, chunks: sliced }, projection.hint())
  for (let offset = firstRow; offset < numRows; offset += windowRows) {
    const limit = Math.min(windowRows, numRows - offset)
    const whole = limit === numRows
    const batches = decodeWindow(name, slice, projection.schema, limit, {
      batchSize: Math.min(batchRows, limit),
      ...(whole ? {} : { offset, limit }),
    })
    yield* batches
  }
}

/** The same at once; undefined where the row group is to be decoded piece by piece. */
export function decodeWhole(
  name: string,
  footer: Footer,
  projection: Projection,
  numRows: number,
  chunks: readonly FetchedChunk[],
  batchRows: number,
): RecordBatch[] | undefined {
  const slice = wholeSlice(name, footer, projection, numRows, chunks)
  return slice && decodeWindow(name, slice, projection.schema, numRows, { batchSize: Math.min(batchRows, numRows) })
}

/** A row group for one call of the codec, wherever that is made; undefined where it is to be decoded piece by piece. */
export function wholeSlice(
  name: string,
  footer: Footer,
  projection: Projection,
  numRows: number,
  chunks: readonly FetchedChunk[],
): Uint8Array | undefined {
  const sliced = slicedChunks(name, chunks, numRows)
  if (planWindow(name, sliced, numRows) < numRows) return undefined
  return buildSlice(footer, projection.selected, { numRows, chunks: sliced }, projection.hint())
}

function slicedChunks(name: string, chunks: readonly FetchedChunk[], numRows: number): SliceChunk[] {
  return chunks.map(({ leaf, chunk, bytes }) => ({ leaf, chunk, bytes, pages: scanPages(name, leaf, chunk, bytes, numRows) }))
}

function decodeWindow(
  name: string,
  slice: Uint8Array,
  schema: Schema,
  expectedRows: number,
  options: { batchSize: number; offset?: number; limit?: number },
): RecordBatch[] {
  const batches = faultsNamed(name, () =>
    callCodec((codec) => {
      const stream = codec.readParquet(slice, options).intoFFI()
      try {
        const memory = codec.wasmMemory().buffer
        return Array.from({ length: stream.numArrays() }, (_, i) => importBatch(memory, stream.arrayAddr(i), schema))
      } finally {
        stream.drop()
      }
    }),
  )
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  if (rows !== expectedRows) throw wrongRows(name, expectedRows, rows)
  return batches
}

// How many rows to decode in one call, from what the pages say their columns unpack to.
function planWindow(name: string, chunks: readonly SliceChunk[], numRows: number): number {
  let expected = 0
  let worstPerRow = 0
  for (const { leaf, chunk, pages } of chunks) {
    const width = fixedWidth(leaf)
    if (width !== undefined) {
      expected += pages.numValues * width
      worstPerRow += width
    } else {
      const { dictionary } = pages
      const average = dictionary === undefined || dictionary.numValues === 0 ? 0 : dictionary.uncompressedSize / dictionary.numValues
      expected += Math.max(pages.uncompressedSize, pages.numValues * (average + 4))
      if (dictionary !== undefined) worstPerRow += longestEntryBound(dictionary)
      if (pages.sharesBytes) worstPerRow += Math.min(pages.uncompressedSize, WINDOW_BYTES / 4096)
    }
    if (chunk.uncompressedSize < 0) throw corrupt(name, 'a negative size')
  }
  let rows = expected <= WINDOW_BYTES ? numRows : Math.max(1, Math.floor((numRows / expected) * WINDOW_BYTES))
  if (worstPerRow * rows > WORST_WINDOW_BYTES) {
    // The bound is far off where a dictionary has many entries: look at the entries themselves.
    worstPerRow = 0
    for (const chunk of chunks) worstPerRow += fixedWidth(chunk.leaf) ?? longestEntry(name, chunk)
    rows = Math.max(1, Math.min(rows, Math.floor(WORST_WINDOW_BYTES / Math.max(1, worstPerRow))))
  }
  return Math.min(rows, numRows)
}

function fixedWidth(leaf: SchemaNode): number | undefined {
  switch (leaf.physicalType) {
    case PhysicalType.BYTE_ARRAY:
      return undefined
    case PhysicalType.BOOLEAN:
      return 1
    case PhysicalType.INT32:
    case PhysicalType.FLOAT:
      return 4
    case PhysicalType.FIXED_LEN_BYTE_ARRAY:
      return Math.max(16, leaf.typeLength ?? 0)
    default:
      return 8
  }
}

function longestEntryBound(dictionary: { numValues: number; uncompressedSize: number }): number {
  return Math.max(0, dictionary.uncompressedSize - 4 * dictionary.numValues)
}

// The longest entry of the chunk's dictionary. Values outside the dictionary are bounded by their pages' own bytes.
function longestEntry(name: string, source: SliceChunk): number {
  const shared = source.pages.sharesBytes ? Math.min(source.pages.uncompressedSize, WINDOW_BYTES / 4096) : 0
  const slice = buildDictionarySlice(source)
  if (slice === undefined || source.pages.dictionary?.numValues === 0) return shared
  return faultsNamed(name, () =>
    callCodec((codec) => {
      const table = codec.readParquet(slice, { batchSize: source.pages.dictionary?.numValues ?? 1 })
      const entries = tableFromIPC(table.intoIPCStream())
      let longest = shared
      for (const batch of entries.batches) {
        const offsets = batch.data.children[0]?.valueOffsets
        if (offsets === undefined) continue
        for (let i = 0; i < batch.numRows; i++) longest = Math.max(longest, (offsets[i + 1] as number) - (offsets[i] as number))
      }
      return longest
    }),
  )
}

function faultsNamed<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw namedFault(name, error)
  }
}

/** A fault of the codec as an error about the file; anything else as it is. */
export function namedFault(name: string, error: unknown): unknown {
  if (!(error instanceof CodecFault)) return error
  if (error.outOfMemory) return tooLarge(name, 'a row group needs more memory than the codec can address. Choose fewer columns.')
  return corrupt(name, `a row group cannot be decoded (${error.message.slice(0, 300)})`, {}, error)
}

/** The error for a row group of another length than the footer says. */
export function wrongRows(name: string, announced: number, found: number): AlluviumError {
  return corrupt(name, `${announced} rows announced, ${found} found`)
}
