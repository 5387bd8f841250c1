// One data file being streamed to a local file system: written under its own name, durable when `close` resolves.
// One rule: a chunk is in the file or copied before `write` resolves, so a caller may reuse it, and what is held in memory
// never exceeds the buffer, whatever the caller's speed.

import { quietly, writeAll } from './local-create.js'
import { abortedCall, type LocalAttempt, localError } from './local-errors.js'
import type { LocalRoot } from './local-root.js'
import { QueuedWriter } from './queued-writer.js'

/** Small chunks are gathered up to this size; a chunk at least as large goes to the file as it is. */
const BUFFER_BYTES = 256 * 1024

/** What a writer holds: an open new file in a folder. */
export interface OpenFile {
  readonly fd: number
  readonly folder: string
  readonly absolute: string
  readonly signal: AbortSignal | undefined
}

export class LocalWriter extends QueuedWriter {
  readonly #root: LocalRoot
  readonly #file: OpenFile
  readonly #attempt: LocalAttempt
  #buffer: Uint8Array | undefined
  #buffered = 0
  #sizeBytes = 0
  #isOpen = true

  constructor(root: LocalRoot, file: OpenFile, attempt: LocalAttempt) {
    super()
    this.#root = root
    this.#file = file
    this.#attempt = attempt
  }

  protected override stopIfAborted(): void {
    const { signal } = this.#file
    if (signal?.aborted) throw abortedCall(signal, this.#attempt)
  }

  protected override reasonOf(error: unknown): unknown {
    return localError(error, this.#attempt)
  }

  protected override async append(chunk: Uint8Array): Promise<void> {
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

  protected override async finish(): Promise<{ sizeBytes: number }> {
    const { fd, folder } = this.#file
    await this.#flush()
    this.#buffer = undefined
    if (this.#root.durable) await settleBoth(this.#root.fs.fsync(fd), this.#root.sync(folder))
    this.#isOpen = false
    await this.#root.fs.close(fd)
    return { sizeBytes: this.#sizeBytes }
  }

  protected override async drop(): Promise<void> {
    this.#buffer = undefined
    if (this.#isOpen) await quietly(() => this.#root.fs.close(this.#file.fd))
    await quietly(() => this.#root.fs.unlink(this.#file.absolute))
  }
}

/** Waits for both, so that no sync still runs on a descriptor about to be closed; then fails with the first failure. */
async function settleBoth(first: Promise<unknown>, second: Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled([first, second])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
