// One object being streamed to HDFS: into a hidden temporary, renamed when it is whole.
// One rule: memory is bounded whatever the caller's speed, and what was sent is kept until the namenode knows the file, so that a
// datanode that refuses it, or is not there, costs another try and not the object.
import type { AlluviumError } from '../../errors.js'
import type { ObjectWriter } from '../storage.js'
import type { SecondStep } from './client.js'
import { stopIfAborted, WebHdfsFault } from './fault.js'
import type { Trying } from './files.js'
import { checkWhole, drop, type HdfsStaged, reasonOf, stageObject, temporaryPath, type Work } from './stage.js'

/** An object up to this size is sent in one piece when it is closed, with all tries; of a longer one so much is kept at first. */
const HELD_BYTES = 4 * 1024 * 1024
const PIECE_BYTES = 256 * 1024
const SEEN_PAUSE_MS = 20

/** What a writer has to know of the store. */
export interface WriterParts {
  readonly work: Work
  readonly path: string
  readonly trying: () => Trying
  /** Puts the staged object in place; throws for a name in use. */
  readonly place: (staged: HdfsStaged) => Promise<void>
  /** Turns a failure into what the caller gets. */
  readonly failure: (error: unknown) => AlluviumError
}

interface Stream {
  readonly temporary: string
  readonly step: SecondStep
}

export class HdfsWriter implements ObjectWriter {
  readonly #parts: WriterParts
  #pieces: Uint8Array[] = []
  #filled = PIECE_BYTES
  #sizeBytes = 0
  #stream: Stream | undefined
  #state: 'open' | 'closing' | 'closed' | 'dropped' = 'open'
  #failure: unknown
  /** Calls run one after another, in the order they were made. */
  #tail: Promise<unknown> = Promise.resolve()
  #closed: Promise<{ sizeBytes: number }> | undefined

  constructor(parts: WriterParts) {
    this.#parts = parts
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
    try {
      stopIfAborted(this.#parts.trying().signal)
      return await step()
    } catch (error) {
      const reason = await reasonOf(this.#parts.work, this.#parts.path, error, this.#parts.trying())
      await this.#drop(this.#parts.failure(reason))
      throw this.#failure
    }
  }

  async #append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === PIECE_BYTES) {
        await this.#makeRoom()
        this.#pieces.push(new Uint8Array(PIECE_BYTES))
        this.#filled = 0
      }
      const piece = this.#pieces[this.#pieces.length - 1] as Uint8Array
      const part = chunk.subarray(at, at + PIECE_BYTES - this.#filled)
      piece.set(part, this.#filled)
      this.#filled += part.length
      this.#sizeBytes += part.length
      at += part.length
    }
  }

  /** All pieces are full. They are kept as long as they are few, then the stream is begun, from there on each is sent. */
  async #makeRoom(): Promise<void> {
    if (this.#stream === undefined && this.#pieces.length * PIECE_BYTES < HELD_BYTES) return
    await this.#sendPieces()
    this.#pieces = []
  }

  async #sendPieces(): Promise<void> {
    if (this.#stream === undefined) {
      this.#stream = await this.#begin()
      return
    }
    for (const piece of this.#content()) await this.#send(this.#stream.step, piece)
  }

  /** Opens the stream and sends what is held; when the cluster refuses, with a fresh name and from the beginning. */
  async #begin(): Promise<Stream> {
    const { work, path } = this.#parts
    const trying = this.#parts.trying()
    for (;;) {
      const temporary = temporaryPath(path, work.runtime.uuid())
      let step: SecondStep | undefined
      try {
        step = await work.files.startMaking(temporary, 'stream', trying)
        for (const piece of this.#content()) await this.#send(step, piece)
        await this.#untilSeen(temporary, step, trying)
        return { temporary, step }
      } catch (error) {
        step?.exchange.cancel()
        await drop(work, temporary)
        await trying.patience.orGiveUp(error)
      }
    }
  }

  /** Waits until the namenode has the file: what makes a CREATE fail comes before that. */
  async #untilSeen(temporary: string, step: SecondStep, trying: Trying): Promise<void> {
    const { work } = this.#parts
    const startMs = work.runtime.monotonicMs()
    while ((await work.files.status(temporary, trying)) === undefined) {
      if (step.exchange.answered) await this.#refused(step)
      if (work.runtime.monotonicMs() - startMs > work.stallTimeoutMs) {
        throw new WebHdfsFault({ kind: 'network', name: 'timeout', message: 'the datanode did not make the file in time' })
      }
      await trying.patience.pause(SEEN_PAUSE_MS)
    }
  }

  async #finish(): Promise<{ sizeBytes: number }> {
    const { work, path, place } = this.#parts
    const trying = this.#parts.trying()
    const staged =
      this.#stream === undefined
        ? await stageObject(work, path, joined(this.#content(), this.#sizeBytes), trying)
        : await this.#finishStream(this.#stream, trying)
    this.#pieces = []
    this.#stream = undefined
    await place(staged)
    this.#state = 'closed'
    return { sizeBytes: this.#sizeBytes }
  }

  async #finishStream(stream: Stream, trying: Trying): Promise<HdfsStaged> {
    const { work } = this.#parts
    await this.#sendPieces()
    stream.step.exchange.finish()
    try {
      await work.files.madeBy(stream.step)
    } catch (error) {
      if (!(error instanceof WebHdfsFault) || error.changedNothing || error.kind === 'aborted') throw error
      // All was sent, and the answer may be all that got lost.
      return checkWhole(work.files, stream.temporary, this.#sizeBytes, trying).catch(() => {
        throw error
      })
    }
    return checkWhole(work.files, stream.temporary, this.#sizeBytes, trying)
  }

  async #send(step: SecondStep, piece: Uint8Array): Promise<void> {
    if (step.exchange.answered) await this.#refused(step)
    await step.exchange.send(piece)
  }

  /** An answer that comes before the body was sent is a refusal; says why. */
  async #refused(step: SecondStep): Promise<never> {
    await this.#parts.work.files.madeBy(step)
    throw new WebHdfsFault({ kind: 'network', name: 'early answer', message: 'the datanode answered before it had all' })
  }

  #content(): Uint8Array[] {
    return this.#pieces.map((piece, i) => (i === this.#pieces.length - 1 ? piece.subarray(0, this.#filled) : piece))
  }

  /** Ends the writer with an error for every later call, and takes away what was written. */
  async #drop(failure: unknown): Promise<void> {
    if (this.#state === 'dropped') return
    this.#state = 'dropped'
    this.#failure = failure
    this.#pieces = []
    const stream = this.#stream
    this.#stream = undefined
    if (stream === undefined) return
    stream.step.exchange.cancel()
    await drop(this.#parts.work, stream.temporary)
  }
}

function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
