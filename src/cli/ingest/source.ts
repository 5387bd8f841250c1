// One input of ingest: a file or stdin, with its first bytes at hand to tell what it is before it is read.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { concatBytes } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'
import { detectFormat, type InputFormat } from '../../formats/index.js'
import type { ByteSource } from '../../parquet/index.js'
import { usageError } from '../command.js'

const HEAD_BYTES = 1 << 20
const CHUNK_BYTES = 1 << 20
const FINGERPRINT_BYTES = 64 * 1024

export interface IngestSource {
  /** As the user named it; `-` is stdin. */
  readonly name: string
  readonly format: InputFormat
  /** The first bytes, up to 1 MiB. */
  readonly head: Uint8Array
  /** The head is the whole input. */
  readonly isComplete: boolean
  /** Tells this input from others under one application id: its file name and its first record. */
  readonly identity: string
  /** Everything, head included, once. */
  chunks(): AsyncIterable<Uint8Array>
  /** For formats with random access: the same source however often it is asked. */
  bytes(): Promise<ByteSource>
  /** Lets the file go. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Opens an input and looks at its head.
 * @throws AlluviumError `INVALID_OPTIONS` when its format cannot be told or is not one; `STORAGE_UNAVAILABLE`, `PERMISSION_DENIED`.
 */
export async function openSource(name: string, format: string | undefined, stdin: Readable): Promise<IngestSource> {
  const stream = name === '-' ? stdin : await openFile(name)
  const iterator = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let headBytes = 0
  let ended = false
  while (headBytes < HEAD_BYTES) {
    const next = await iterator.next()
    if (next.done === true) {
      ended = true
      break
    }
    head.push(next.value)
    headBytes += next.value.length
    // Someone types or a slow program writes: one whole line is enough to begin with.
    if (name === '-' && next.value.includes(0x0a)) break
  }
  const first = concatBytes(head)
  const known = formatOf(name, first, format)
  let random: Promise<RandomAccess> | undefined
  return {
    name,
    format: known,
    head: first,
    isComplete: ended,
    identity: `${name === '-' ? 'stdin' : basename(name)}#${fingerprint(first, known)}`,
    chunks: async function* () {
      if (first.length > 0) yield first
      if (ended) return
      for (;;) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    },
    bytes: () => {
      random ??=
        name === '-' ? collect(first, ended ? undefined : iterator).then((all) => ({ source: bytesOf(all) })) : openFileSource(name)
      return random.then(({ source }) => source)
    },
    close: async () => {
      stream.destroy()
      await (await random?.catch(() => undefined))?.close?.()
    },
  }
}

async function openFile(name: string): Promise<Readable> {
  try {
    const info = await stat(name)
    if (info.isDirectory()) throw usageError(`${name} is a folder, not an input file`)
  } catch (error) {
    if (error instanceof AlluviumError) throw error
    throw inputError(name, error)
  }
  const stream = createReadStream(name, { highWaterMark: CHUNK_BYTES })
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve())
    stream.once('error', (error) => reject(inputError(name, error)))
  })
  return stream
}

function inputError(name: string, error: unknown): AlluviumError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return usageError(`there is no input file ${name}`, { path: name })
  if (code === 'EACCES' || code === 'EPERM') {
    return new AlluviumError(
      'PERMISSION_DENIED',
      `the input file ${name} may not be read; check its permissions`,
      { path: name },
      { cause: error },
    )
  }
  return new AlluviumError(
    'STORAGE_UNAVAILABLE',
    `reading the input ${name} failed: ${code ?? 'unknown error'}`,
    { path: name },
    { cause: error },
  )
}

const FORMATS: readonly InputFormat[] = ['ndjson', 'json', 'csv', 'parquet', 'arrow']

function formatOf(name: string, head: Uint8Array, given: string | undefined): InputFormat {
  if (given !== undefined) {
    if (!FORMATS.includes(given as InputFormat)) throw usageError(`--format is one of ${FORMATS.join(', ')}, not ${JSON.stringify(given)}`)
    // What is called JSON may be lines of it; the decoder of lines is told only of lines.
    return given as InputFormat
  }
  const found = detectFormat(name, head)
  if (found === undefined && head.length === 0) return 'ndjson'
  if (found === undefined) throw usageError(`cannot tell the format of ${name === '-' ? 'stdin' : name}; say --format ${FORMATS.join('|')}`)
  return found
}

// The first record, so that an input that grew is still the same and another under the same name is not.
function fingerprint(head: Uint8Array, format: InputFormat): string {
  const lines = format === 'csv' ? 2 : 1
  let end = 0
  if (format === 'ndjson' || format === 'csv') {
    for (let i = 0; i < lines; i++) {
      const next = head.indexOf(0x0a, end)
      end = next < 0 ? head.length : next + 1
    }
  } else {
    end = 1024
  }
  return createHash('sha256')
    .update(head.subarray(0, Math.min(end, FINGERPRINT_BYTES)))
    .digest('hex')
    .slice(0, 12)
}

async function collect(first: Uint8Array, rest: AsyncIterator<Uint8Array> | undefined): Promise<Uint8Array> {
  const chunks = [first]
  while (rest !== undefined) {
    const next = await rest.next()
    if (next.done === true) break
    chunks.push(next.value)
  }
  return concatBytes(chunks)
}

function bytesOf(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}

interface RandomAccess {
  readonly source: ByteSource
  close?(): Promise<void>
}

async function openFileSource(name: string): Promise<RandomAccess> {
  const handle = await open(name).catch((error: unknown) => {
    throw inputError(name, error)
  })
  const { size } = await handle.stat()
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const buffer = new Uint8Array(length)
    const { bytesRead } = await handle.read(buffer, 0, length, offset)
    return buffer.subarray(0, bytesRead)
  }
  return { source: { sizeBytes: size, read }, close: () => handle.close() }
}
