// Rewriting through Arrow: files are decoded, brought to the schema and encoded again. It takes every file that can be read.
import { conformBatch } from '../arrow/index.js'
import { concatBytes } from '../bytes.js'
import { throwIfAborted } from '../errors.js'
import type { StructType } from '../schema/index.js'
import { corrupt } from './faults.js'
import { footerOf } from './open.js'
import { parquetOf } from './reader.js'
import type { RewriteOptions, Rewritten } from './rewrite-options.js'
import type { RowGroupEncoder } from './row-group-encoder.js'
import { type ByteSource, readExactly } from './source.js'
import type { OpenedForSplice } from './splice-open.js'
import { StatisticsCollector } from './statistics.js'
import { type ByteSink, createParquetWriter, type ParquetWriter } from './writer.js'

// The process grows by about six times this while a row group is encoded, and two are at once.
const DEFAULT_ROW_GROUP_BYTES = 8 * 2 ** 20
// A file up to this size is read with one request.
const WHOLE_FILE_BYTES = 4 * 2 ** 20
// Whole files that are read before they are decoded.
const AHEAD_BYTES = 16 * 2 ** 20
const AHEAD_FILES = 16

/** Writes the new file. */
export async function rewriteDecoded(
  inputs: readonly OpenedForSplice[],
  sink: ByteSink,
  options: RewriteOptions,
  encoder: RowGroupEncoder,
): Promise<Rewritten> {
  const { schema, codec, rowGroupBytes = DEFAULT_ROW_GROUP_BYTES, rowGroupRows, signal } = options
  const statistics = options.statistics && new StatisticsCollector(schema, options.statistics)
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
}

/** Some row groups of files, as a file of their own in memory. `statistics` counts the rows too. */
export async function decodedGroup(
  members: readonly { readonly input: OpenedForSplice; readonly group: number }[],
  { schema, codec, signal }: RewriteOptions,
  statistics: StatisticsCollector | undefined,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const sink = {
    write: async (bytes: Uint8Array) => {
      parts.push(bytes.slice())
    },
  }
  const writer = createParquetWriter(sink, { schema, codec })
  for (const { input, group } of members) {
    const { source, footerBytes, dataEnd, name } = input
    const parquet = await parquetOf({ source, footer: footerOf(footerBytes, name), dataEnd }, name)
    for await (const read of parquet.read({ rowGroups: [group], ...(signal === undefined ? {} : { signal }) })) {
      const batch = conformBatch(read, schema, { purpose: 'read', name })
      statistics?.add(batch)
      await writer.write(batch)
    }
  }
  await writer.finish()
  return concatBytes(parts)
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
