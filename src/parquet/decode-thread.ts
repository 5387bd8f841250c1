// Threads that decode column chunks, so that reading does not wait for one processor. Node only; elsewhere there are none and
// columns are decoded in the calling thread. Rule: a thread knows nothing but how to answer; whatever it leaves or fails at
// is decoded again by whoever asked, and what it made is handed over without a copy.
import { AlluviumError } from '../errors.js'
import { CodecFault, codecFile } from './engine.js'
import { type ColumnBuffers, type ColumnTask, columnModule } from './kernel/column.js'
import { canShare, SharedMemory } from './shared-memory.js'
import { ThreadPool, threadStarter } from './thread-pool.js'

/** Threads for one reading. They start when there is work for them, and keep no process alive while idle. */
export interface DecodeThreads {
  readonly count: number
  /** The arrays of a chunk by the column kernel; undefined where it, or the thread, leaves it. The bytes are copied at once. */
  column(bytes: Uint8Array, task: ColumnTask): Promise<ColumnBuffers[] | undefined>
  /** The codec's batches of a slice file as an Arrow IPC stream. @throws CodecFault, undefined where the thread died */
  slice(bytes: Uint8Array, batchRows: number): Promise<Uint8Array | undefined>
  /** Ends the threads. Work under way fails with `ABORTED`, and nothing of it is heard again. */
  close(): Promise<void>
}

interface Answer {
  readonly id: number
  readonly arrays?: ColumnBuffers[]
  readonly ipc?: Uint8Array
  readonly error?: string
  readonly isTrap?: boolean
  readonly memoryBytes: number
}

interface Job {
  readonly bytes: Uint8Array
  readonly task: ColumnTask | undefined
  readonly batchRows: number
  /** Where the bytes lie for the thread. What a thread that died may still write to is not used again. */
  memory?: Uint8Array
}

// A thread with more WebAssembly memory than this is replaced once it is idle: such memory never shrinks.
const GIVE_BACK_BYTES = 2 ** 29
const NEARLY_FULL_BYTES = 3 * 2 ** 30

// Runs in the thread. It is text because this module may be compiled, bundled or run from its source. `runKernel` is the one of
// kernel/column.ts.
const THREAD_CODE = `
const { parentPort, workerData } = require('worker_threads')
let kernel
let codec
const runKernel = (wasm, bytes, task, transfer) => {
  const { kind, numRows, batchRows } = task
  const at = wasm.begin(bytes.length)
  if (at === 0) return undefined
  new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes)
  wasm.open(bytes.length, task.codec, kind, task.width, task.typeLength, task.maxLevel)
  const isText = kind === 3 || kind === 4
  const arrays = []
  let left = task.maxBytes
  for (let done = 0; done < numRows; done += batchRows) {
    const length = Math.min(batchRows, numRows - done)
    const out = wasm.next(length, left)
    if (out === 0) return undefined
    const { buffer } = wasm.memory
    const [nullCount, validityAt, valuesAt, valueBytes, offsetsAt] = new Uint32Array(buffer, out, 5)
    if (isText) left -= valueBytes
    const bitBytes = ((length + 63) >> 6) << 3
    const validity = nullCount === 0 ? undefined : new Uint8Array(buffer, validityAt, bitBytes).slice()
    const values = new Uint8Array(buffer, valuesAt, kind === 0 ? bitBytes : valueBytes).slice()
    const offsets = isText ? new Int32Array(buffer, offsetsAt, length + 1).slice() : undefined
    transfer.push(values.buffer)
    if (validity) transfer.push(validity.buffer)
    if (offsets) transfer.push(offsets.buffer)
    arrays.push({ length, nullCount, validity, values, offsets })
  }
  return wasm.isDone() === 0 ? undefined : arrays
}
const memoryBytes = () => (kernel ? kernel.memory.buffer.byteLength : 0) + (codec ? codec.wasmMemory().buffer.byteLength : 0)
parentPort.on('message', ({ id, bytes, task, batchRows }) => {
  const transfer = []
  let answer
  try {
    if (task !== undefined) {
      kernel ??= new WebAssembly.Instance(workerData.module).exports
      const arrays = runKernel(kernel, bytes, task, transfer)
      answer = { id, arrays }
    } else {
      codec ??= require(workerData.codec)
      const ipc = codec.readParquet(bytes, { batchSize: batchRows }).intoIPCStream()
      transfer.push(ipc.buffer)
      answer = { id, ipc }
    }
  } catch (error) {
    transfer.length = 0
    answer = { id, error: String((error && error.message) || error), isTrap: error instanceof WebAssembly.RuntimeError }
  }
  answer.memoryBytes = memoryBytes()
  parentPort.postMessage(answer, answer.arrays === undefined && answer.ipc === undefined ? [] : transfer)
})
`

/** Threads for a reading, at most `count`; undefined for none, and where the platform has none. */
export function createDecodeThreads(count: number): DecodeThreads | undefined {
  const start = threadStarter()
  const codec = codecFile()
  if (count < 1 || start === undefined || codec === undefined || !canShare) return undefined
  const memory = new SharedMemory()
  const pool = new ThreadPool<Job, Answer>({
    count,
    start: () => start(THREAD_CODE, { module: columnModule(), codec }),
    message: (job) => {
      const bytes = memory.take(job.bytes.length).subarray(0, job.bytes.length)
      bytes.set(job.bytes)
      job.memory = bytes
      return { bytes, task: job.task, batchRows: job.batchRows }
    },
    answered: ({ memory: used }, { isTrap = false, memoryBytes }, isIdle) => {
      if (used !== undefined) memory.give(used)
      return isTrap || (isIdle && memoryBytes > GIVE_BACK_BYTES)
    },
    ended: () => new AlluviumError('ABORTED', 'decoding was aborted: its reading has ended'),
  })
  return {
    count,
    // What the kernel fails at is no more than what it leaves.
    column: async (bytes, task) => (await pool.run({ bytes, task, batchRows: task.batchRows }))?.arrays,
    slice: async (bytes, batchRows) => {
      const answer = await pool.run({ bytes, task: undefined, batchRows })
      if (answer?.error === undefined) return answer?.ipc
      const { error, isTrap = false, memoryBytes } = answer
      throw new CodecFault(error, isTrap, isTrap && memoryBytes > NEARLY_FULL_BYTES, undefined)
    },
    close: async () => {
      const closing = pool.close()
      memory.clear()
      await closing
    },
  }
}
