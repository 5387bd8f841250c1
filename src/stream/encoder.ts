// Where the row groups of a commit are encoded. Large ones go to a thread of their own, so that encoding neither blocks
// the event loop (a Kafka consumer must send heartbeats) nor waits for the rows of the next commit; small ones are not
// worth the way there.
import { createEncodeWorker, type EncodeRowGroup, type EncodeWorker } from '../table/index.js'

/** Arrow bytes of a commit from which the thread is used. */
const THREAD_FROM_BYTES = 4 * 2 ** 20

export class CommitEncoder {
  readonly #mayUseThread: boolean
  #worker: EncodeWorker | undefined

  constructor(mayUseThread: boolean) {
    this.#mayUseThread = mayUseThread
  }

  /** The encoder for a commit of so many bytes; undefined to encode in this thread. */
  forBytes(bytes: number): EncodeRowGroup | undefined {
    if (!this.#mayUseThread || bytes < THREAD_FROM_BYTES) return undefined
    this.#worker ??= createEncodeWorker()
    return this.#worker?.encode
  }

  async close(): Promise<void> {
    await this.#worker?.close()
    this.#worker = undefined
  }
}
