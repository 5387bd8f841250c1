// One data file being streamed to S3: gathered into parts of one size, of which a few are on their way at once.
// One rule: a chunk is copied before `write` resolves, and what is held in memory never exceeds the parts in flight and the
// one being filled, whatever the caller's speed.
import { AlluviumError } from '../../errors.js'
import type { ObjectWriter } from '../storage.js'
import { type S3Attempt, s3Aborted, stopIfAborted } from './failure.js'
import { type Followed, follow } from './follow.js'
import type { S3Part, S3Upload } from './upload.js'

/** Parts on their way at once. With the one being filled: 40 MiB of memory at parts of 8 MiB. */
const PARTS_IN_FLIGHT = 4
const MAX_PARTS = 10_000
const FIRST_BUFFER_BYTES = 64 * 1024

export interface S3WriterOptions {
  readonly upload: S3Upload
  readonly attempt: S3Attempt
  readonly partBytes: number
  readonly signal: AbortSignal | undefined
}

export class S3Writer implements ObjectWriter {
  readonly #upload: S3Upload
  readonly #options: S3WriterOptions
  /** Ends the parts in flight: the caller's signal, or a failure of another part. */
  readonly #stop: Followed
  #buffer: Uint8Array = new Uint8Array(0)
  #buffered = 0
  #spare: Uint8Array[] = []
  #sizeBytes = 0
  readonly #parts: Promise<S3Part>[] = []
  #inFlight: Promise<unknown>[] = []
  #state: 'open' | 'closing' | 'closed' | 'dropped' = 'open'
  #finishing = false
  #failure: unknown
  /** Calls run one after another, in the order they were made. */
  #tail: Promise<unknown> = Promise.resolve()
  #closed: Promise<{ sizeBytes: number }> | undefined

  constructor(options: S3WriterOptions) {
    this.#options = options
    this.#upload = options.upload
    this.#stop = follow(options.signal)
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
    if (this.#state === 'open') this.#stop.controller.abort(new Error('this writer was aborted'))
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
    const { signal, attempt } = this.#options
    try {
      stopIfAborted(signal, attempt)
      return await step()
    } catch (error) {
      // Stopping the parts in flight makes them fail too; the caller's signal is the reason then.
      await this.#drop(signal?.aborted ? s3Aborted(signal, attempt, false) : error)
      throw this.#failure
    }
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length
    const { partBytes } = this.#options
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, partBytes - this.#buffered)
      this.#room(this.#buffered + count).set(chunk.subarray(at, at + count), this.#buffered)
      this.#buffered += count
      at += count
      // A full part waits for a byte to follow: an object of exactly one part is still put whole.
      if (this.#buffered === partBytes && at < chunk.length) await this.#sendPart()
    }
  }

  /** The buffer, grown to hold `bytes`: a small file never pays for a large one. */
  #room(bytes: number): Uint8Array {
    if (bytes <= this.#buffer.length) return this.#buffer
    const { partBytes } = this.#options
    if (this.#buffered === 0 && this.#upload.begun) this.#buffer = this.#spare.pop() ?? new Uint8Array(partBytes)
    else {
      const larger = new Uint8Array(Math.min(partBytes, Math.max(bytes, FIRST_BUFFER_BYTES, 2 * this.#buffer.length)))
      larger.set(this.#buffer.subarray(0, this.#buffered))
      this.#buffer = larger
    }
    return this.#buffer
  }

  async #sendPart(): Promise<void> {
    const number = this.#parts.length + 1
    if (number > MAX_PARTS) throw tooLarge(this.#options)
    if (!this.#upload.begun) await this.#upload.begin()
    if (this.#inFlight.length >= PARTS_IN_FLIGHT) await Promise.race(this.#inFlight)
    const buffer = this.#buffer
    const sending = this.#upload.part(number, buffer.subarray(0, this.#buffered), this.#stop.controller.signal)
    this.#buffer = new Uint8Array(0)
    this.#buffered = 0
    this.#parts.push(sending)
    const done: Promise<unknown> = sending.then(() => {
      this.#inFlight = this.#inFlight.filter((each) => each !== done)
      if (this.#spare.length < PARTS_IN_FLIGHT && buffer.length === this.#options.partBytes) this.#spare.push(buffer)
    })
    done.catch(() => {}) // Seen by whoever waits for room, or at the end.
    this.#inFlight.push(done)
  }

  async #finish(): Promise<{ sizeBytes: number }> {
    if (!this.#upload.begun) {
      this.#finishing = true
      await this.#upload.putWhole(this.#buffer.subarray(0, this.#buffered))
    } else {
      if (this.#buffered > 0) await this.#sendPart()
      const parts = await Promise.all(this.#parts)
      this.#finishing = true
      await this.#upload.complete(parts)
    }
    this.#state = 'closed'
    this.#release()
    return { sizeBytes: this.#sizeBytes }
  }

  /** Ends the writer with an error for every later call, and removes what was sent. */
  async #drop(failure: unknown): Promise<void> {
    if (this.#state === 'dropped') return
    this.#state = 'dropped'
    this.#failure = failure
    if (!this.#stop.controller.signal.aborted) this.#stop.controller.abort(new Error('the upload failed'))
    // A part that is still under way would stay behind on its own.
    await Promise.allSettled(this.#parts)
    this.#release()
    const taken = failure instanceof AlluviumError && failure.code === 'ALREADY_EXISTS'
    await this.#upload.drop(this.#finishing && !taken)
  }

  #release(): void {
    this.#stop.release()
    this.#buffer = new Uint8Array(0)
    this.#spare = []
  }
}

function tooLarge({ attempt: { path, location }, partBytes }: S3WriterOptions): AlluviumError {
  return new AlluviumError(
    'LIMIT_EXCEEDED',
    `'${path}' in ${location} grows beyond ${MAX_PARTS} parts of ${partBytes} bytes, the most an S3 object can have. Write smaller files, or raise partBytes.`,
    { path, location, partBytes },
  )
}
