// One data file being streamed to S3: gathered into parts of one size, of which a few are on their way at once.
// One rule: a chunk is copied before `write` resolves, and what is held in memory never exceeds the parts in flight and the
// one being filled, whatever the caller's speed.
import { AlluviumError } from '../../errors.js'
import { QueuedWriter } from '../queued-writer.js'
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

export class S3Writer extends QueuedWriter {
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
  #finishing = false

  constructor(options: S3WriterOptions) {
    super()
    this.#options = options
    this.#upload = options.upload
    this.#stop = follow(options.signal)
  }

  protected override hurry(): void {
    this.#stop.controller.abort(new Error('this writer was aborted'))
  }

  protected override stopIfAborted(): void {
    stopIfAborted(this.#options.signal, this.#options.attempt)
  }

  // Stopping the parts in flight makes them fail too; the caller's signal is the reason then.
  protected override reasonOf(error: unknown): unknown {
    const { signal, attempt } = this.#options
    return signal?.aborted ? s3Aborted(signal, attempt, false) : error
  }

  protected override async append(chunk: Uint8Array): Promise<void> {
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

  protected override async finish(): Promise<{ sizeBytes: number }> {
    if (!this.#upload.begun) {
      this.#finishing = true
      await this.#upload.putWhole(this.#buffer.subarray(0, this.#buffered))
    } else {
      if (this.#buffered > 0) await this.#sendPart()
      const parts = await Promise.all(this.#parts)
      this.#finishing = true
      await this.#upload.complete(parts)
    }
    this.#release()
    return { sizeBytes: this.#sizeBytes }
  }

  protected override async drop(failure: unknown): Promise<void> {
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
