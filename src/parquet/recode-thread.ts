// Threads that recode columns, several at once, so that the event loop is free to read and write. Rule: a thread that fails answers
// nothing, which leaves the column to others; it never loses or changes one.
import { AlluviumError } from '../errors.js'
import { type RecodedChunk, type RecodePart, type RecodeTask, recodeColumn, recodeModule } from './kernel/recode.js'
import { canShare } from './shared-memory.js'
import { ThreadPool, threadStarter } from './thread-pool.js'

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

interface Job {
  readonly bytes: Uint8Array
  readonly task: RecodeTask
  readonly parts: readonly RecodePart[]
}
interface Answer {
  readonly id: number
  readonly chunk: RecodedChunk | undefined
}
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
  const start = threadStarter()
  if (count < 1 || start === undefined || !canShare) return recodeHere
  const pool = new ThreadPool<Job, Answer>({
    count,
    start: () => start(THREAD_CODE, recodeModule()),
    message: (job) => ({ ...job }),
    ended: () => new AlluviumError('ABORTED', 'recoding was aborted: its file was given up'),
  })
  return {
    concurrency: count,
    isShared: true,
    column: async (bytes, task, parts) => (await pool.run({ bytes, task, parts }))?.chunk,
    close: () => pool.close(),
  }
}
