// Where row groups are encoded: small ones in this thread, for which the way to another is not worth it; large ones on
// threads of their own, started when first needed. Encoding neither blocks the event loop then nor waits for more rows.
import { type EncodeRowGroup, encodeInThread } from './encode.js'
import { createEncodeWorker, type EncodeWorker, processors } from './encode-worker.js'
import { ordinaryMemory, type StreamMemory } from './ipc.js'
import { createRecoder, type Recoder } from './recode-thread.js'
import { canShare, SharedMemory } from './shared-memory.js'

/** An encoder that chooses the thread. One can serve many files. */
export interface RowGroupEncoder {
  readonly encode: EncodeRowGroup
  /** Memory for streams: shared with the threads where a stream is large enough for them. */
  readonly memory: StreamMemory
  /** Row groups that it can work on at once. */
  readonly concurrency: number
  /** Threads for columns of files that are rewritten, as many. */
  readonly recoder?: Recoder
  /** Ends the threads; row groups under way fail. Idle threads keep no process alive. */
  close(): Promise<void>
}

export interface RowGroupEncoderOptions {
  /** Threads at most. Default: 2, or fewer where there are fewer processors; 0 encodes everything in this thread. */
  readonly threads?: number
  /** Arrow bytes from which a row group goes to a thread. Default 4 MiB. */
  readonly threadFromBytes?: number
}

const DEFAULT_THREADS = 2
const DEFAULT_THREAD_FROM_BYTES = 4 * 2 ** 20

/**
 * Makes an encoder; no thread is started before a row group is large enough.
 *
 * @example
 * const encoder = createRowGroupEncoder()
 * const { encode: encodeRowGroup, memory, concurrency: encodeAhead } = encoder
 * const writer = createParquetWriter(sink, { schema, codec, encodeRowGroup, memory, encodeAhead })
 * await writer.finish()
 * await encoder.close()
 */
export function createRowGroupEncoder(options: RowGroupEncoderOptions = {}): RowGroupEncoder {
  return new ThreadChooser(options.threads ?? Math.min(DEFAULT_THREADS, processors()), options.threadFromBytes ?? DEFAULT_THREAD_FROM_BYTES)
}

interface Worker {
  readonly worker: EncodeWorker
  busy: number
}

class ThreadChooser implements RowGroupEncoder {
  readonly concurrency: number
  readonly memory: StreamMemory
  readonly #shared = new SharedMemory()
  readonly #threads: number
  readonly #fromBytes: number
  readonly #workers: Worker[] = []
  #recoder: Recoder | undefined

  constructor(threads: number, fromBytes: number) {
    this.#threads = threads
    this.#fromBytes = fromBytes
    this.concurrency = Math.max(1, threads)
    this.memory = {
      take: (sizeBytes) => {
        if (sizeBytes < this.#fromBytes) return ordinaryMemory.take(sizeBytes)
        // Threads that start while the stream is still being put together cost no time of their own.
        while (this.#workers.length < this.#threads) if (this.#start() === undefined) break
        return canShare ? this.#shared.take(sizeBytes) : ordinaryMemory.take(sizeBytes)
      },
      give: (memory) => this.#shared.give(memory),
    }
  }

  readonly encode: EncodeRowGroup = async (ipc, properties) => {
    const chosen = ipc.length < this.#fromBytes ? undefined : this.#choose()
    if (chosen === undefined) return encodeInThread(ipc, properties)
    chosen.busy++
    try {
      return await chosen.worker.encode(ipc, properties)
    } finally {
      chosen.busy--
    }
  }

  get recoder(): Recoder {
    this.#recoder ??= createRecoder(this.#threads)
    return this.#recoder
  }

  async close(): Promise<void> {
    this.#shared.clear()
    const recoder = this.#recoder
    this.#recoder = undefined
    await Promise.all([recoder?.close(), ...this.#workers.splice(0).map(({ worker }) => worker.close())])
  }

  #choose(): Worker | undefined {
    const idlest = this.#workers.reduce<Worker | undefined>(
      (best, each) => (best === undefined || each.busy < best.busy ? each : best),
      undefined,
    )
    if ((idlest !== undefined && idlest.busy === 0) || this.#workers.length >= this.#threads) return idlest
    return this.#start() ?? idlest
  }

  #start(): Worker | undefined {
    if (this.#workers.length >= this.#threads) return undefined
    const worker = createEncodeWorker(this.#shared)
    if (worker === undefined) return undefined
    const started = { worker, busy: 0 }
    this.#workers.push(started)
    return started
  }
}
