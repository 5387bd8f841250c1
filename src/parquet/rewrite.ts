// "Rewrite": several Parquet files decoded and encoded again as one, in row groups of a good size. Rule: every row of every file, in
// order; memory depends on the size of a row group, not on the files.
import { conformBatch } from '../arrow/index.js'
import { throwIfAborted } from '../errors.js'
import type { StructType } from '../schema/index.js'
import type { WriteCodec } from './encode.js'
import { corrupt } from './faults.js'
import { footerOf } from './open.js'
import { parquetOf } from './reader.js'
import { createRowGroupEncoder, type RowGroupEncoder } from './row-group-encoder.js'
import { type ByteSource, readExactly } from './source.js'
import type { OpenedForSplice } from './splice-open.js'
import { StatisticsCollector, type StatisticsOptions } from './statistics.js'
import { type ByteSink, createParquetWriter, type ParquetWriter } from './writer.js'

/** How files are rewritten. */
export interface RewriteOptions {
  /** The columns of the new file. Files may lack some, which are null there; others of theirs are left out. */
  readonly schema: StructType
  readonly codec: WriteCodec
  /** Arrow bytes that make a row group; default 16 MiB. */
  readonly rowGroupBytes?: number
  /** Rows that make a row group; default 1,048,576. */
  readonly rowGroupRows?: number
  /** Which statistics to collect for the log; none where it is left out. */
  readonly statistics?: StatisticsOptions
  /** Encodes the row groups; default: an encoder of this call's own. */
  readonly encoder?: RowGroupEncoder
  readonly signal?: AbortSignal | undefined
}

/** A file that was made. */
export interface Rewritten {
  readonly sizeBytes: number
  readonly numRows: number
  /** The statistics asked for, as an `add` action has them. */
  readonly stats?: string
}

const DEFAULT_ROW_GROUP_BYTES = 16 * 2 ** 20
// A file up to this size is read with one request.
const WHOLE_FILE_BYTES = 4 * 2 ** 20
// Whole files that are read before they are decoded.
const AHEAD_BYTES = 16 * 2 ** 20
const AHEAD_FILES = 16

/**
 * Writes one file with the rows of all files, in order. The sink is not closed.
 * @throws AlluviumError `CORRUPT_DATA`, `SCHEMA_MISMATCH`, `LIMIT_EXCEEDED`, `UNSUPPORTED_FEATURE`, `CONSTRAINT_VIOLATED` for a null in a
 * column that must have none; the sources' and the sink's own errors
 *
 * @example
 * const opened = await Promise.all(inputs.map((input) => openForSplice(input)))
 * const { sizeBytes, stats } = await rewriteFiles(opened, sink, { schema, codec: 'zstd', statistics: {} })
 */
export async function rewriteFiles(inputs: readonly OpenedForSplice[], sink: ByteSink, options: RewriteOptions): Promise<Rewritten> {
  const { schema, codec, rowGroupBytes = DEFAULT_ROW_GROUP_BYTES, rowGroupRows, signal } = options
  const encoder = options.encoder ?? createRowGroupEncoder()
  const statistics = options.statistics && new StatisticsCollector(schema, options.statistics)
  try {
    const writer = createParquetWriter(sink, {
      schema,
      codec,
      rowGroupBytes,
      ...(rowGroupRows === undefined ? {} : { rowGroupRows }),
      encodeRowGroup: encoder.encode,
      encodeAhead: encoder.concurrency,
      memory: encoder.memory,
      statistics,
    })
    for await (const file of filesAhead(inputs, signal)) await rewriteFile(file, schema, writer, signal)
    const { sizeBytes, numRows } = await writer.finish()
    return { sizeBytes, numRows, ...(statistics === undefined ? {} : { stats: statistics.finish() }) }
  } finally {
    if (options.encoder === undefined) await encoder.close()
  }
}

async function rewriteFile(
  { name, source, footerBytes, dataEnd, numRows }: OpenedForSplice,
  schema: StructType,
  writer: ParquetWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const parquet = await parquetOf({ source, footer: footerOf(footerBytes, name), dataEnd }, name)
  const before = writer.numRows
  for await (const batch of parquet.read(signal === undefined ? {} : { signal })) {
    await writer.write(conformBatch(batch, schema, { purpose: 'read', name }))
  }
  const found = writer.numRows - before
  if (found !== numRows) throw corrupt(name, `${numRows} rows announced, ${found} found`)
}

// The files in order, small ones with all their bytes at hand and read while others are at work.
async function* filesAhead(inputs: readonly OpenedForSplice[], signal: AbortSignal | undefined): AsyncGenerator<OpenedForSplice> {
  const ahead: { readonly input: OpenedForSplice; readonly bytes: Promise<Uint8Array> | undefined }[] = []
  let aheadBytes = 0
  for (let next = 0; ; ) {
    while (next < inputs.length && ahead.length < AHEAD_FILES) {
      const input = inputs[next] as OpenedForSplice
      const isSmall = input.dataEnd <= WHOLE_FILE_BYTES
      if (ahead.length > 0 && isSmall && aheadBytes + input.dataEnd > AHEAD_BYTES) break
      const bytes = isSmall ? readExactly(input.source, input.name, { start: 0, end: input.dataEnd }, signal) : undefined
      bytes?.catch(() => undefined) // Seen in its turn.
      ahead.push({ input, bytes })
      if (isSmall) aheadBytes += input.dataEnd
      next++
    }
    const first = ahead.shift()
    if (first === undefined) return
    throwIfAborted(signal, 'rewriting files')
    const { input, bytes } = first
    if (bytes === undefined) yield input
    else {
      yield { ...input, source: beginningOf(input.source, await bytes) }
      aheadBytes -= input.dataEnd
    }
  }
}

function beginningOf({ sizeBytes }: ByteSource, bytes: Uint8Array): ByteSource {
  return { sizeBytes, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}
