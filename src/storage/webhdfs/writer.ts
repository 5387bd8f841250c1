// One object being streamed to HDFS: into a hidden temporary, renamed when it is whole.
// One rule: memory is bounded whatever the caller's speed, and what was sent is kept until the namenode knows the file, so that a
// datanode that refuses it, or is not there, costs another try and not the object.
import type { AlluviumError } from '../../errors.js'
import { QueuedWriter } from '../queued-writer.js'
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

export class HdfsWriter extends QueuedWriter {
  readonly #parts: WriterParts
  #pieces: Uint8Array[] = []
  #filled = PIECE_BYTES
  #sizeBytes = 0
  #stream: Stream | undefined

  constructor(parts: WriterParts) {
    super()
    this.#parts = parts
  }

  protected override stopIfAborted(): void {
    stopIfAborted(this.#parts.trying().signal)
  }

  protected override async reasonOf(error: unknown): Promise<unknown> {
    return this.#parts.failure(await reasonOf(this.#parts.work, this.#parts.path, error, this.#parts.trying()))
  }

  protected override async append(chunk: Uint8Array): Promise<void> {
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

  protected override async finish(): Promise<{ sizeBytes: number }> {
    const { work, path, place } = this.#parts
    const trying = this.#parts.trying()
    const staged =
      this.#stream === undefined
        ? await stageObject(work, path, joined(this.#content(), this.#sizeBytes), trying)
        : await this.#finishStream(this.#stream, trying)
    this.#pieces = []
    this.#stream = undefined
    await place(staged)
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

  protected override async drop(): Promise<void> {
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
