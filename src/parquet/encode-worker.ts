// An encoder on a thread of its own, so that encoding neither blocks the event loop nor waits for it. Node only; elsewhere
// there is none and row groups are encoded in the calling thread.
import { AlluviumError } from '../errors.js'
import { nodeModule } from '../runtime.js'
import { builderCalls, type EncodeRowGroup } from './encode.js'
import { CodecFault, codecFile } from './engine.js'
import type { StreamMemory } from './ipc.js'
import { canShare, isShared, SharedMemory } from './shared-memory.js'
import { type Thread, threadStarter } from './thread-pool.js'

/** A thread that encodes row groups, in the order asked. Keeps no process alive while idle. */
export interface EncodeWorker {
  readonly encode: EncodeRowGroup
  /** Memory that this thread sees without a copy: a stream put there is encoded where it lies, and so is the answer. */
  readonly memory: StreamMemory
  /** Ends the thread; calls that are under way fail. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface Answer {
  id: number
  /** The file, or its size where it lies in the stream's memory. */
  file?: Uint8Array
  sizeBytes?: number
  error?: string
  trapped?: boolean
  memoryBytes?: number
}
interface Waiting {
  memory: Uint8Array
  /** Whether the memory was taken here; else whoever called gives it back. */
  isOwn: boolean
  resolve(file: Uint8Array): void
  reject(error: unknown): void
}

// Runs in the thread. It is text because this module may be compiled, bundled or run from its source; it knows nothing but
// how to make the calls it is sent.
const THREAD_CODE = `
const { parentPort, workerData } = require('worker_threads')
const codec = require(workerData)
parentPort.on('message', ({ id, memory, calls }) => {
  try {
    let builder = new codec.WriterPropertiesBuilder()
    for (const [method, ...args] of calls) builder = builder[method](...args)
    const file = codec.writeParquet(codec.Table.fromIPCStream(memory), builder.build())
    const memoryBytes = codec.wasmMemory().buffer.byteLength
    if (file.length > memory.length) parentPort.postMessage({ id, file, memoryBytes }, [file.buffer])
    else {
      memory.set(file)
      parentPort.postMessage({ id, sizeBytes: file.length, memoryBytes })
    }
  } catch (error) {
    const trapped = error instanceof WebAssembly.RuntimeError
    parentPort.postMessage({ id, error: String((error && error.message) || error), trapped, memoryBytes: codec.wasmMemory().buffer.byteLength })
  }
})
`
// A thread whose codec grew beyond this is replaced once it is idle: WebAssembly memory never shrinks.
const GIVE_BACK_BYTES = 2 ** 30
const NEARLY_FULL_BYTES = 3 * 2 ** 30

/**
 * Starts an encoder on a thread of its own, or answers undefined where the platform has none. One can serve many writers, and
 * several can share one `memory`.
 *
 * @example
 * await using worker = createEncodeWorker()
 * const writer = createParquetWriter(sink, { schema, codec: 'zstd', encodeRowGroup: worker?.encode, memory: worker?.memory })
 */
export function createEncodeWorker(memory: StreamMemory = new SharedMemory()): EncodeWorker | undefined {
  const start = threadStarter()
  const file = codecFile()
  if (start === undefined || file === undefined || !canShare) return undefined
  return new ThreadEncoder(() => start(THREAD_CODE, file), memory)
}

/** Processors that this process may use; 1 where that cannot be told. */
export function processors(): number {
  known ??= nodeModule<{ availableParallelism(): number }>('os')?.availableParallelism() ?? 1
  return known
}

// Asked for every writer, and a system call.
let known: number | undefined

class ThreadEncoder implements EncodeWorker {
  private readonly begin: () => Thread
  readonly memory: StreamMemory
  private readonly waiting = new Map<number, Waiting>()
  private thread: Thread | undefined
  private next = 0
  private closed = false

  constructor(begin: () => Thread, memory: StreamMemory) {
    this.begin = begin
    this.memory = memory
    this.thread = this.start()
  }

  readonly encode: EncodeRowGroup = (ipc, properties) =>
    new Promise((resolve, reject) => {
      if (this.closed) return reject(new TypeError('the encode worker is closed'))
      this.thread ??= this.start()
      const id = this.next++
      const isOwn = !isShared(ipc)
      const memory = isOwn ? this.copyOf(ipc) : ipc
      this.waiting.set(id, { memory, isOwn, resolve, reject })
      this.thread.ref()
      this.thread.postMessage({ id, memory, calls: builderCalls(properties) })
    })

  async close(): Promise<void> {
    this.closed = true
    await this.drop(new AlluviumError('ABORTED', 'encoding was aborted: the encode worker was closed'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private start(): Thread {
    const thread = this.begin()
    thread.unref()
    thread.on('message', (answer: Answer) => this.settle(answer))
    const died = (what: string): void => {
      if (this.thread === thread) void this.drop(new Error(`the encode worker ${what}`))
    }
    thread.on('error', (error: Error) => died(`failed: ${error.message}`))
    thread.on('exit', (code: number) => died(`ended with code ${code}`))
    return thread
  }

  private copyOf(ipc: Uint8Array): Uint8Array {
    const memory = this.memory.take(ipc.length).subarray(0, ipc.length)
    memory.set(ipc)
    return memory
  }

  private settle(answer: Answer): void {
    const { id, file, sizeBytes, memoryBytes = 0 } = answer
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    if (sizeBytes !== undefined) waiting?.resolve(waiting.memory.subarray(0, sizeBytes))
    else {
      if (waiting?.isOwn) this.memory.give(waiting.memory)
      if (file !== undefined) waiting?.resolve(file)
      else waiting?.reject(new CodecFault(answer.error ?? 'no answer', answer.trapped === true, memoryBytes > NEARLY_FULL_BYTES, undefined))
    }
    if (answer.trapped || (memoryBytes > GIVE_BACK_BYTES && this.waiting.size === 0)) {
      void this.drop(new Error('the encode worker was replaced after a trap'))
    } else if (this.waiting.size === 0) {
      this.thread?.unref()
    }
  }

  private async drop(reason: Error): Promise<void> {
    const { thread } = this
    this.thread = undefined
    for (const waiting of this.waiting.values()) waiting.reject(reason)
    this.waiting.clear()
    await thread?.terminate()
  }
}
