// The bytes of an answer. One rule: what was announced must come, no more and no less, before anybody sees any of it.
import { concatBytes } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'

/** An answer's body, as Node's streams and the SDK's wrapping of them both are. */
export type S3Body = AsyncIterable<Uint8Array> & { destroy?: (error?: Error) => unknown }

/** Part of an object that an answer holds more of: what to pass over, and how much to take at most. */
export interface S3Window {
  readonly skip: number
  readonly take: number
}

/** The largest object that is read whole. */
const MAX_WHOLE_READ_BYTES = 2 ** 31 - 1

/** A body that ended early or said too much. Understood as a broken connection: the request is sent again. */
class TornBody extends Error {
  readonly code = 'TornBody'
}

/**
 * Reads a body of `length` announced bytes into memory of its own; with a window, only that part of it.
 * @throws AlluviumError `LIMIT_EXCEEDED` before memory is taken; an error that counts as a broken connection
 */
export async function readBody(body: S3Body | undefined, length: number | undefined, path: string, window?: S3Window): Promise<Uint8Array> {
  if (body === undefined) throw new TornBody('the answer has no body')
  const wanted = window === undefined ? length : Math.max(0, Math.min(window.take, (length ?? Infinity) - window.skip))
  if (wanted !== undefined && wanted !== Infinity && wanted > MAX_WHOLE_READ_BYTES) {
    body.destroy?.()
    throw new AlluviumError('LIMIT_EXCEEDED', `'${path}' has ${wanted} bytes, too many to read at once; read it in ranges.`, {
      path,
      sizeBytes: wanted,
    })
  }
  if (window !== undefined) return readWindow(body, window, length)
  return length === undefined ? readUnannounced(body, path) : readAnnounced(body, length)
}

async function readAnnounced(body: S3Body, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const chunk of body) {
    if (at + chunk.length > length) throw new TornBody(`more than the ${length} bytes announced`)
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at !== length) throw new TornBody(`${at} of ${length} bytes came`)
  return bytes
}

async function readUnannounced(body: S3Body, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_WHOLE_READ_BYTES) throw new AlluviumError('LIMIT_EXCEEDED', `'${path}' is too large to read at once.`, { path })
    chunks.push(chunk.slice())
  }
  return concatBytes(chunks)
}

/** For a server that answers a range with the whole object. */
async function readWindow(body: S3Body, { skip, take }: S3Window, length: number | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let [at, taken] = [0, 0]
  for await (const chunk of body) {
    const from = Math.max(0, skip - at)
    const part = from >= chunk.length ? undefined : chunk.slice(from, from + take - taken)
    if (part !== undefined) chunks.push(part)
    taken += part?.length ?? 0
    at += chunk.length
    // Leaving the loop closes the connection; the rest may be gigabytes.
    if (taken >= take) return concatBytes(chunks)
  }
  if (length !== undefined && at !== length) throw new TornBody(`${at} of ${length} bytes came`)
  return concatBytes(chunks)
}
