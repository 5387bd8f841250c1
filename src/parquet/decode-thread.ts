// Threads that decode column chunks, so that reading does not wait for one processor. Node only; elsewhere there are none and
// columns are decoded in the calling thread. Rule: a thread knows nothing but how to answer; whatever it leaves or fails at
// is decoded again by whoever asked, and what it made is handed over without a copy.
import { AlluviumError } from '../errors.js'
import { nodeModule } from '../runtime.js'
import { CodecFault, codecFile } from './engine.js'
import { type ColumnBuffers, type ColumnTask, columnModule } from './kernel/column.js'
import { canShare, SharedMemory } from './shared-memory.js'

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

interface Thread {
  postMessage(message: unknown): void
  on(event: string, listener: (value: never) => void): void
  ref(): void
  unref(): void
  terminate(): Promise<unknown>
}
interface Threads {
  Worker: new (code: string, options: { eval: true; workerData: unknown }) => Thread
}

interface Answer {
  readonly id: number
  readonly arrays?: ColumnBuffers[]
  readonly ipc?: Uint8Array
  readonly error?: string
  readonly isTrap?: boolean
  readonly memoryBytes: number
}
type Outcome = Pick<Answer, 'arrays' | 'ipc'>

interface Job {
  readonly bytes: Uint8Array
  readonly task: ColumnTask | undefined
  readonly batchRows: number
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

interface Member {
  readonly thread: Thread
  readonly jobs: Map<number, { readonly job: Job; readonly memory: Uint8Array }>
}

/** Jobs that a thread has at once: the next one is there when one is done. */
const JOBS_AT_ONCE = 2
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
  const threads = nodeModule<Threads>('worker_threads')
  const codec = codecFile()
  if (count < 1 || threads === undefined || codec === undefined || !canShare) return undefined
  return new Pool(count, () => new threads.Worker(THREAD_CODE, { eval: true, workerData: { module: columnModule(), codec } }))
}

class Pool implements DecodeThreads {
  readonly count: number
  readonly #start: () => Thread
  readonly #memory = new SharedMemory()
  readonly #members: Member[] = []
  readonly #waiting: Job[] = []
  readonly #ending: Promise<unknown>[] = []
  #nextId = 0
  #isClosed = false

  constructor(count: number, start: () => Thread) {
    this.count = count
    this.#start = start
  }

  async column(bytes: Uint8Array, task: ColumnTask): Promise<ColumnBuffers[] | undefined> {
    return (await this.#run(bytes, task, task.batchRows)).arrays
  }

  async slice(bytes: Uint8Array, batchRows: number): Promise<Uint8Array | undefined> {
    return (await this.#run(bytes, undefined, batchRows)).ipc
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const ended = new AlluviumError('ABORTED', 'decoding was aborted: its reading has ended')
    for (const job of this.#waiting.splice(0)) job.reject(ended)
    const members = this.#members.splice(0)
    for (const { jobs } of members) for (const { job } of jobs.values()) job.reject(ended)
    this.#memory.clear()
    await Promise.all([...this.#ending, ...members.map(({ thread }) => thread.terminate())])
  }

  #run(bytes: Uint8Array, task: ColumnTask | undefined, batchRows: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new AlluviumError('ABORTED', 'decoding was aborted: its reading has ended'))
      this.#waiting.push({ bytes, task, batchRows, resolve, reject })
      this.#handOut()
    })
  }

  #handOut(): void {
    for (;;) {
      const job = this.#waiting[0]
      const member = job === undefined ? undefined : this.#free()
      if (job === undefined || member === undefined) return
      this.#waiting.shift()
      const id = this.#nextId++
      const memory = this.#memory.take(job.bytes.length).subarray(0, job.bytes.length)
      memory.set(job.bytes)
      member.jobs.set(id, { job, memory })
      member.thread.ref()
      member.thread.postMessage({ id, bytes: memory, task: job.task, batchRows: job.batchRows })
    }
  }

  // An idle thread, else a new one, else one that has room for a job.
  #free(): Member | undefined {
    let best: Member | undefined
    for (const member of this.#members) if (best === undefined || member.jobs.size < best.jobs.size) best = member
    if (best?.jobs.size === 0) return best
    if (this.#members.length < this.count) return this.#add()
    return best !== undefined && best.jobs.size < JOBS_AT_ONCE ? best : undefined
  }

  #add(): Member {
    const thread = this.#start()
    const member: Member = { thread, jobs: new Map() }
    this.#members.push(member)
    thread.unref()
    thread.on('message', (answer: Answer) => this.#settle(member, answer))
    thread.on('error', () => this.#drop(member))
    thread.on('exit', () => this.#drop(member))
    return member
  }

  #settle(member: Member, { id, arrays, ipc, error, isTrap = false, memoryBytes }: Answer): void {
    const held = member.jobs.get(id)
    if (held === undefined) return
    member.jobs.delete(id)
    this.#memory.give(held.memory)
    const { job } = held
    if (error === undefined) job.resolve({ ...(arrays === undefined ? {} : { arrays }), ...(ipc === undefined ? {} : { ipc }) })
    // What the kernel fails at is no more than what it leaves.
    else if (job.task !== undefined) job.resolve({})
    else job.reject(new CodecFault(error, isTrap, isTrap && memoryBytes > NEARLY_FULL_BYTES, undefined))
    if (isTrap || (member.jobs.size === 0 && memoryBytes > GIVE_BACK_BYTES)) this.#drop(member)
    else if (member.jobs.size === 0) member.thread.unref()
    this.#handOut()
  }

  // A thread that trapped, grew or died: its other jobs are left to whoever asked.
  #drop(member: Member): void {
    const at = this.#members.indexOf(member)
    if (at < 0) return
    this.#members.splice(at, 1)
    // Memory that the thread may still write to is not used again.
    for (const { job } of member.jobs.values()) job.resolve({})
    member.jobs.clear()
    this.#ending.push(member.thread.terminate())
    this.#handOut()
  }
}
