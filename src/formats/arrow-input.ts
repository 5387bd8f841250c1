// Arrow IPC, files and streams, as record batches. One rule: whatever the bytes make apache-arrow do, the caller sees
// sound batches or an error that names the input.
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow'
import { AlluviumError, throwIfAborted } from '../errors.js'
import type { ByteSource } from '../parquet/index.js'
import { checkArrowBatch } from './arrow-check.js'

/** Arrow input that was opened: its schema, then its batches in order, once. */
export interface ArrowReader {
  readonly schema: Schema
  batches(): AsyncIterable<RecordBatch>
}

/**
 * Opens an IPC file (by random access, or whole from chunks) or an IPC stream.
 * @throws AlluviumError `CORRUPT_DATA` where it is none, `UNSUPPORTED_FEATURE` for compressed bodies.
 */
export async function openArrow(
  input: ByteSource | AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ArrowReader> {
  throwIfAborted(signal, `reading ${name}`)
  const reader = await guarded(name, async () => {
    const opened = await RecordBatchReader.from(
      isSource(input) ? (fileHandle(input, signal) as never) : (input as AsyncIterable<Uint8Array>),
    )
    return opened.open()
  })
  if (reader.schema === undefined || reader.schema === null) throw notArrow(name, undefined)
  return { schema: reader.schema, batches: () => read(reader as never, name, signal) }
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

function isSource(input: ByteSource | AsyncIterable<Uint8Array>): input is ByteSource {
  return 'sizeBytes' in input
}

// What apache-arrow takes for an open file: it wants a descriptor to recognise one, and never uses it.
function fileHandle(source: ByteSource, signal: AbortSignal | undefined): object {
  return {
    fd: -1,
    stat: async () => ({ size: source.sizeBytes }),
    close: async () => {},
    read: async (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const bytes = await source.read(position, length, signal)
      if (bytes.length === 0) throw new AlluviumError('CORRUPT_DATA', 'the Arrow file ended early')
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
    throw notArrow(name, error)
  }
}

function notArrow(name: string, cause: unknown): AlluviumError {
  const problem = cause instanceof Error ? ` (${cause.message})` : ''
  if (/compress|codec/i.test(problem)) {
    return new AlluviumError(
      'UNSUPPORTED_FEATURE',
      `${name} holds compressed Arrow data, which is not read yet: write it without compression`,
      { path: name, features: ['arrow-ipc-compression'] },
      { cause },
    )
  }
  return new AlluviumError('CORRUPT_DATA', `${name} cannot be read as Arrow IPC${problem}`, { path: name }, { cause })
}
