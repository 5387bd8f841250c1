// One data file being streamed to a local file system: written under its own name, durable when `close` resolves.
// One rule: a chunk is in the file or copied before `write` resolves, so a caller may reuse it, and what is held in memory
// never exceeds the buffer, whatever the caller's speed.

import { quietly, writeAll } from './local-create.js'
import { abortedCall, type LocalAttempt, localError } from './local-errors.js'
import type { LocalRoot } from './local-root.js'
import type { ObjectWriter } from './storage.js'

/** Small chunks are gathered up to this size; a chunk at least as large goes to the file as it is. */
const BUFFER_BYTES = 256 * 1024

/** What a writer holds: an open new file in a folder. */
export interface OpenFile {
  readonly fd: number
  readonly folder: string
  readonly absolute: string
  readonly signal: AbortSignal | undefined
}

export class LocalWriter implements ObjectWriter {
  readonly #root: LocalRoot
  readonly #file: OpenFile
  readonly #attempt: LocalAttempt
  #buffer: Uint8Array | undefined
  #buffered = 0
  #sizeBytes = 0
  #state: 'open' | 'closing' | 'closed' | 'dropped' = 'open'
  #failure: unknown
  /** Calls run one after another, in the order they were made. */
  #tail: Promise<unknown> = Promise.resolve()
  #closed: Promise<{ sizeBytes: number }> | undefined

  constructor(root: LocalRoot, file: OpenFile, attempt: LocalAttempt) {
    this.#root = root
    this.#file = file
    this.#attempt = attempt
  }

  write(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) return Promise.reject(new TypeError(`a chunk is a Uint8Array, not ${typeof chunk}`))
    if (this.#state === 'closing' || this.#state === 'closed') return Promise.reject(new TypeError('this writer was closed before'))
    return this.#next(() => this.#append(chunk))
  }

  close(): Promise<{ sizeBytes: number }> {
    if (this.#closed !== undefined) return this.#closed
    if (this.#state === 'open') this.#state = 'closing'
    this.#closed = this.#next(() => this.#finish())
    return this.#closed
  }

  async abort(): Promise<void> {
    await this.#tail.catch(() => {})
    if (this.#state !== 'closed') await this.#drop(new TypeError('this writer was aborted before'))
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(() => this.#guarded(step))
    this.#tail = run.catch(() => {})
    return run
  }

  async #guarded<T>(step: () => Promise<T>): Promise<T> {
    if (this.#state === 'dropped') throw this.#failure
    const { signal } = this.#file
    try {
      if (signal?.aborted) throw abortedCall(signal, this.#attempt)
      return await step()
    } catch (error) {
      await this.#drop(localError(error, this.#attempt))
      throw this.#failure
    }
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length
    if (this.#buffered + chunk.length > BUFFER_BYTES) await this.#flush()
    if (chunk.length >= BUFFER_BYTES) return writeAll(this.#root, this.#file.fd, chunk)
    this.#room(this.#buffered + chunk.length).set(chunk, this.#buffered)
    this.#buffered += chunk.length
  }

  /** The buffer, grown to hold `bytes`: a small file never pays for a large one. */
  #room(bytes: number): Uint8Array {
    if (this.#buffer !== undefined && bytes <= this.#buffer.length) return this.#buffer
    const larger = new Uint8Array(Math.min(BUFFER_BYTES, Math.max(bytes, 2 * (this.#buffer?.length ?? 0))))
    if (this.#buffer !== undefined) larger.set(this.#buffer.subarray(0, this.#buffered))
    this.#buffer = larger
    return larger
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return
    await writeAll(this.#root, this.#file.fd, (this.#buffer as Uint8Array).subarray(0, this.#buffered))
    this.#buffered = 0
  }

  async #finish(): Promise<{ sizeBytes: number }> {
    const { fd, folder } = this.#file
    await this.#flush()
    this.#buffer = undefined
    if (this.#root.durable) await settleBoth(this.#root.fs.fsync(fd), this.#root.sync(folder))
    this.#state = 'closed'
    await this.#root.fs.close(fd)
    return { sizeBytes: this.#sizeBytes }
  }

  /** Ends the writer with an error for every later call, and removes the file. */
  async #drop(failure: unknown): Promise<void> {
    if (this.#state === 'dropped') return
    const open = this.#state !== 'closed'
    this.#state = 'dropped'
    this.#failure = failure
    this.#buffer = undefined
    if (open) await quietly(() => this.#root.fs.close(this.#file.fd))
    await quietly(() => this.#root.fs.unlink(this.#file.absolute))
  }
}

/** Waits for both, so that no sync still runs on a descriptor about to be closed; then fails with the first failure. */
async function settleBoth(first: Promise<unknown>, second: Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled([first, second])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
