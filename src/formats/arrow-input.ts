// Arrow IPC, files and streams, as record batches. One rule: a message reaches apache-arrow whole and with checked
// metadata, or not at all; input that ends within a message is an error, never fewer rows.
import { CompressionType, compressionRegistry, type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow'
import { AlluviumError, throwIfAborted } from '../errors.js'
import { type ByteSource, unzstd } from '../parquet/index.js'
import { checkArrowBatch } from './arrow-check.js'
import { checkFooter, checkMessage } from './arrow-metadata.js'
import { type ByteReader, chunkReader, sourceReader } from './byte-reader.js'
import { decodeLz4Frame } from './lz4.js'

/** Arrow input that was opened: its schema, then its batches in order, once. */
export interface ArrowReader {
  readonly schema: Schema
  batches(): AsyncIterable<RecordBatch>
}

const MAGIC = 'ARROW1'
/** Magic bytes and padding at the beginning of a file. */
const FILE_HEAD_BYTES = 8
const MAX_METADATA_BYTES = 64 * 1024 * 1024
const MAX_BODY_BYTES = 2 ** 31 - 1

/**
 * Opens an IPC file or stream. A file is read by random access; as chunks it cannot be read.
 * @throws AlluviumError `CORRUPT_DATA` where it is none, `LIMIT_EXCEEDED`, `UNSUPPORTED_FEATURE` for zstd frames of a kind that is not read here.
 */
export async function openArrow(
  input: ByteSource | AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ArrowReader> {
  throwIfAborted(signal, `reading ${name}`)
  // A codec that the program has registered itself is left in place.
  if (!compressionRegistry.get(CompressionType.LZ4_FRAME)?.decode)
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decodeLz4Frame })
  if (!compressionRegistry.get(CompressionType.ZSTD)?.decode) compressionRegistry.set(CompressionType.ZSTD, { decode: decodeZstdBuffer })
  const open = (from: object): Promise<RecordBatchReader> =>
    guarded(name, async () => {
      const reader: RecordBatchReader = await RecordBatchReader.from(from as AsyncIterable<Uint8Array>)
      return reader.open()
    })
  let reader: RecordBatchReader
  if ('sizeBytes' in input) {
    const isFile = await hasMagic(input, 0, signal)
    if (isFile) await checkFile(input, name, signal)
    reader = await open(isFile ? fileHandle(input, signal) : checkedMessages(sourceReader(input, signal), name))
  } else reader = await open(checkedMessages(chunkReader(input), name))
  const schema = reader.schema as Schema | undefined
  if (!schema) throw corrupt(name, 'it has no schema')
  return { schema, batches: () => read(reader as unknown as AsyncIterable<RecordBatch>, name, signal) }
}

async function* read(reader: AsyncIterable<RecordBatch>, name: string, signal: AbortSignal | undefined): AsyncIterable<RecordBatch> {
  const iterator = reader[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await guarded(name, () => iterator.next())
      throwIfAborted(signal, `reading ${name}`)
      if (next.done === true) return
      checkArrowBatch(next.value, name)
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

// A buffer's content begins with its size, which apache-arrow leaves out of the view that it hands over.
function decodeZstdBuffer(frame: Uint8Array): Uint8Array {
  const size = frame.byteOffset < 8 ? -1 : Number(new DataView(frame.buffer, frame.byteOffset - 8, 8).getBigInt64(0, true))
  if (size > MAX_BODY_BYTES) throw new Error(`a buffer of ${size} bytes`)
  const content = unzstd(frame, size)
  if (content === undefined) throw new CodecMissing('zstd frames with checksums, or of more than 128 MiB, need Node 22.15 or newer')
  return content
}

class CodecMissing extends Error {}

// The messages of a stream, each in one piece: a mark and its length, metadata, body.
async function* checkedMessages(reader: ByteReader, name: string): AsyncIterable<Uint8Array> {
  for (let first = true; ; first = false) {
    const head = await reader.read(8)
    if (head.length === 0 && !first) return
    const { prefix, length } = messageHead(head)
    if (length === 0 && !first) return
    const pending = head.subarray(prefix)
    if (length < 8 || length > MAX_METADATA_BYTES) throw corrupt(name, 'it does not begin as a stream, or goes on with no message')
    const metadata = await reader.read(length - pending.length)
    const facts = metadata.length === length - pending.length ? checkMessage(joined(pending, metadata)) : undefined
    if (facts === undefined) throw corrupt(name, 'a message is cut or damaged')
    if (facts.bodyLength > MAX_BODY_BYTES) throw tooLarge(name, facts.bodyLength)
    const body = await reader.read(facts.bodyLength)
    if (body.length !== facts.bodyLength) throw corrupt(name, 'it ends within a message')
    yield joined(head, metadata, body)
  }
}

// A file's ends, its footer, and the metadata of every message that the footer names.
async function checkFile(source: ByteSource, name: string, signal: AbortSignal | undefined): Promise<void> {
  const { sizeBytes } = source
  const tail = FILE_HEAD_BYTES + 4 + MAGIC.length
  if (sizeBytes < tail || !(await hasMagic(source, sizeBytes - MAGIC.length, signal)))
    throw corrupt(name, 'the file is cut: it does not end as an Arrow file')
  const length = int32(await source.read(sizeBytes - MAGIC.length - 4, 4, signal), 0)
  if (length <= 0 || length > Math.min(MAX_METADATA_BYTES, sizeBytes - tail)) throw corrupt(name, `a footer of ${length} bytes`)
  const end = sizeBytes - MAGIC.length - 4 - length
  const blocks = checkFooter(await source.read(end, length, signal))
  if (blocks === undefined) throw corrupt(name, 'its footer is damaged')
  for (const { offset, metadataLength, bodyLength } of blocks) {
    const inside = offset >= 0 && metadataLength > 8 && bodyLength >= 0 && offset + metadataLength + bodyLength <= end
    if (!inside || metadataLength > MAX_METADATA_BYTES) throw corrupt(name, 'its footer names a message outside of the file')
    if (bodyLength > MAX_BODY_BYTES) throw tooLarge(name, bodyLength)
    const message = await source.read(offset, metadataLength, signal)
    const { prefix, length: size } = messageHead(message)
    const facts = size > 0 && prefix + size <= metadataLength ? checkMessage(message.subarray(prefix, prefix + size)) : undefined
    if (facts === undefined || facts.kind === 'schema' || facts.bodyLength > bodyLength) throw corrupt(name, 'a message is damaged')
  }
}

// A message begins with a mark (absent in old files) and the length of its metadata.
function messageHead(bytes: Uint8Array): { prefix: number; length: number } {
  if (bytes.length < 4) return { prefix: 4, length: -1 }
  const first = int32(bytes, 0)
  if (first !== -1) return { prefix: 4, length: first }
  return { prefix: 8, length: bytes.length < 8 ? -1 : int32(bytes, 4) }
}

function int32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(at, true)
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

async function hasMagic(source: ByteSource, at: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (at + MAGIC.length > source.sizeBytes) return false
  const bytes = await source.read(at, MAGIC.length, signal)
  return [...MAGIC].every((c, i) => bytes[i] === c.charCodeAt(0))
}

// What apache-arrow takes for an open file: it wants a descriptor to recognise one, and never uses it.
function fileHandle(source: ByteSource, signal: AbortSignal | undefined): object {
  return {
    fd: -1,
    stat: async () => ({ size: source.sizeBytes }),
    close: async () => {},
    read: async (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const bytes = await source.read(position, length, signal)
      if (bytes.length === 0) throw new Error('the file ended early')
      buffer.set(bytes, offset)
      return { bytesRead: bytes.length, buffer }
    },
  }
}

async function guarded<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof AlluviumError) throw error
    const problem = error instanceof Error ? error.message : String(error)
    if (!(error instanceof CodecMissing)) throw corrupt(name, problem, error)
    const features = ['arrow-ipc-compression']
    throw new AlluviumError(
      'UNSUPPORTED_FEATURE',
      `${name} holds compressed Arrow data that cannot be read here (${problem}): write it with lz4 or without compression`,
      { path: name, features },
      { cause: error },
    )
  }
}

function corrupt(name: string, problem: string, cause?: unknown): AlluviumError {
  return new AlluviumError('CORRUPT_DATA', `${name} cannot be read as Arrow IPC: ${problem}`, { path: name }, { cause })
}

function tooLarge(name: string, bytes: number): AlluviumError {
  return new AlluviumError('LIMIT_EXCEEDED', `${name} has a batch of ${bytes} bytes, more than ${MAX_BODY_BYTES}: write smaller batches`, {
    path: name,
  })
}
