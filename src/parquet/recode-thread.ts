// Threads that recode columns, several at once, so that the event loop is free to read and write. Rule: a thread that fails answers
// nothing, which leaves the column to others; it never loses or changes one.
import { AlluviumError } from '../errors.js'
import { nodeModule } from '../runtime.js'
import { type RecodedChunk, type RecodePart, type RecodeTask, recodeColumn, recodeModule } from './kernel/recode.js'
import { canShare } from './shared-memory.js'

/** Where columns are recoded. */
export interface Recoder {
  /** Columns that are worked on at once. */
  readonly concurrency: number
  /** Whether bytes must lie in shared memory. */
  readonly isShared: boolean
  /** The chunk that the parts become; undefined where it is left to the codec. The bytes must not change meanwhile. */
  column(bytes: Uint8Array, task: RecodeTask, parts: readonly RecodePart[]): Promise<RecodedChunk | undefined>
  /** Ends the threads; columns under way fail. Idle threads keep no process alive. */
  close(): Promise<void>
}

/** Everything in the calling thread. */
export const recodeHere: Recoder = {
  concurrency: 1,
  isShared: false,
  column: async (bytes, task, parts) => recodeColumn(bytes, task, parts),
  close: async () => undefined,
}

interface Thread {
  postMessage(message: unknown): void
  on(event: string, listener: (value: never) => void): void
  ref(): void
  unref(): void
  terminate(): Promise<unknown>
}
interface Threads {
  Worker: new (code: string, options: { eval: true; workerData: unknown; resourceLimits?: object }) => Thread
}
interface Job {
  readonly bytes: Uint8Array
  readonly task: RecodeTask
  readonly parts: readonly RecodePart[]
  resolve(chunk: RecodedChunk | undefined): void
  reject(error: unknown): void
}
interface Answer {
  readonly id: number
  readonly chunk: RecodedChunk | undefined
}
interface Member {
  readonly thread: Thread
  readonly jobs: Map<number, Job>
}

/** Jobs that a thread has at once: the next one is there when one is done. */
const JOBS_AT_ONCE = 2

// Runs in the thread. It is text because this module may be compiled, bundled or run from its source. `instance`, `recode` and
// `packPage` are those of kernel/recode.ts.
const THREAD_CODE = `
const { parentPort, workerData } = require('worker_threads')
const zlib = require('zlib')
const KEEP_BYTES = 96 * 2 ** 20
let kernel
const packPage = (codec, bytes, to) => {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 1 }
  const packed = codec === 2 ? zlib.gzipSync(bytes) : codec === 6 && zlib.zstdCompressSync ? zlib.zstdCompressSync(bytes, { params }) : undefined
  if (packed === undefined || packed.length > to.length) return 0
  to.set(packed)
  return packed.length
}
const instance = () => {
  let memory
  const pack = (codec, from, size, to, space) => packPage(codec, new Uint8Array(memory.buffer, from, size), new Uint8Array(memory.buffer, to, space))
  const made = new WebAssembly.Instance(workerData, { host: { pack } }).exports
  memory = made.memory
  made.reset()
  return made
}
const recode = (wasm, bytes, task, parts) => {
  wasm.begin(task.kind, task.width, task.typeLength, task.isFloat ? 1 : 0, task.maxLevel, task.codec)
  for (const { at, size, codec, typeLength, maxLevel, numRows } of parts) {
    const place = wasm.place(size)
    if (place === 0) return undefined
    new Uint8Array(wasm.memory.buffer, place, size).set(bytes.subarray(at, at + size))
    if (wasm.take(size, codec, typeLength, maxLevel, numRows) === 0) return undefined
  }
  const out = wasm.finish()
  if (out === 0) return undefined
  const { buffer } = wasm.memory
  const [at, size, uncompressedSize, dictionaryBytes, nullCount, min, minSize, max, maxSize, hasNaN] = new Uint32Array(buffer, out, 10)
  return {
    bytes: new Uint8Array(buffer, at, size).slice(),
    uncompressedSize,
    dictionaryBytes,
    nullCount,
    min: min === 0 ? undefined : new Uint8Array(buffer, min, minSize).slice(),
    max: max === 0 ? undefined : new Uint8Array(buffer, max, maxSize).slice(),
    hasNaN: hasNaN !== 0,
  }
}
parentPort.on('message', ({ id, bytes, task, parts }) => {
  let chunk
  try {
    kernel ??= instance()
    chunk = recode(kernel, bytes, task, parts)
    if (kernel.memory.buffer.byteLength > KEEP_BYTES) kernel = undefined
  } catch {
    kernel = undefined
  }
  parentPort.postMessage({ id, chunk }, chunk === undefined ? [] : [chunk.bytes.buffer])
})
`

/** Threads for columns, started as they are needed; {@link recodeHere} where the platform has none. */
export function createRecoder(count: number): Recoder {
  const threads = nodeModule<Threads>('worker_threads')
  if (count < 1 || threads === undefined || !canShare) return recodeHere
  return new Pool(count, () => new threads.Worker(THREAD_CODE, { eval: true, workerData: recodeModule() }))
}

class Pool implements Recoder {
  readonly concurrency: number
  readonly isShared = true
  readonly #start: () => Thread
  readonly #members: Member[] = []
  readonly #waiting: Job[] = []
  readonly #ending: Promise<unknown>[] = []
  #nextId = 0
  #isClosed = false

  constructor(count: number, start: () => Thread) {
    this.concurrency = count
    this.#start = start
  }

  column(bytes: Uint8Array, task: RecodeTask, parts: readonly RecodePart[]): Promise<RecodedChunk | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(ended())
      this.#waiting.push({ bytes, task, parts, resolve, reject })
      this.#handOut()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const job of this.#waiting.splice(0)) job.reject(ended())
    const members = this.#members.splice(0)
    for (const { jobs } of members) for (const job of jobs.values()) job.reject(ended())
    await Promise.all([...this.#ending, ...members.map(({ thread }) => thread.terminate())])
  }

  #handOut(): void {
    for (;;) {
      const job = this.#waiting[0]
      const member = job === undefined ? undefined : this.#free()
      if (job === undefined || member === undefined) return
      this.#waiting.shift()
      const id = this.#nextId++
      member.jobs.set(id, job)
      member.thread.ref()
      member.thread.postMessage({ id, bytes: job.bytes, task: job.task, parts: job.parts })
    }
  }

  // An idle thread, else a new one, else one that has room for a job.
  #free(): Member | undefined {
    let best: Member | undefined
    for (const member of this.#members) if (best === undefined || member.jobs.size < best.jobs.size) best = member
    if (best?.jobs.size === 0) return best
    if (this.#members.length < this.concurrency) return this.#add()
    return best !== undefined && best.jobs.size < JOBS_AT_ONCE ? best : undefined
  }

  #add(): Member {
    const thread = this.#start()
    const member: Member = { thread, jobs: new Map() }
    this.#members.push(member)
    thread.unref()
    thread.on('message', ({ id, chunk }: Answer) => {
      member.jobs.get(id)?.resolve(chunk)
      member.jobs.delete(id)
      if (member.jobs.size === 0) thread.unref()
      this.#handOut()
    })
    thread.on('error', () => this.#drop(member))
    thread.on('exit', () => this.#drop(member))
    return member
  }

  // A thread that died: its columns are left to whoever asked.
  #drop(member: Member): void {
    const at = this.#members.indexOf(member)
    if (at < 0) return
    this.#members.splice(at, 1)
    for (const job of member.jobs.values()) job.resolve(undefined)
    member.jobs.clear()
    this.#ending.push(member.thread.terminate())
    this.#handOut()
  }
}

function ended(): AlluviumError {
  return new AlluviumError('ABORTED', 'recoding was aborted: its file was given up')
}
