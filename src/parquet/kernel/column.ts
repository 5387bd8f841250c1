// A column chunk by the column kernel (column.c): bytes of pages in, buffers of Arrow arrays out. One instance for the
// thread. Rule: the answer is the whole chunk or nothing; who gets nothing asks the Parquet codec, which has the last word.
import { COLUMN_MODULE } from './column-module.js'

/** What the kernel makes of the values; numbers as in column.h. */
export const ColumnKind = {
  BOOL: 0,
  FOUR_BYTES: 1,
  EIGHT_BYTES: 2,
  TEXT: 3,
  BINARY: 4,
  INT32_TO_8: 5,
  INT32_TO_16: 6,
  INT32_TO_128: 7,
  INT64_TO_128: 8,
  FIXED_TO_128: 9,
  INT96: 10,
} as const

/** A column chunk as the kernel needs to know it. */
export interface ColumnTask {
  /** Parquet's number of the codec. */
  readonly codec: number
  /** One of {@link ColumnKind}. */
  readonly kind: number
  /** Bytes of a value that comes out; 0 for texts, binaries and booleans. */
  readonly width: number
  /** Bytes of a FIXED_LEN_BYTE_ARRAY, else 0. */
  readonly typeLength: number
  /** 1 where values may be null, else 0. */
  readonly maxLevel: number
  readonly numRows: number
  readonly batchRows: number
  /** What texts may take in all. */
  readonly maxBytes: number
}

/** The buffers of one Arrow array, each with memory of its own. */
export interface ColumnBuffers {
  readonly length: number
  readonly nullCount: number
  readonly validity: Uint8Array | undefined
  readonly values: Uint8Array
  readonly offsets: Int32Array | undefined
}

interface Exports {
  readonly memory: WebAssembly.Memory
  begin(size: number): number
  open(size: number, codec: number, kind: number, width: number, typeLength: number, maxLevel: number): void
  next(rows: number, most: number): number
  isDone(): number
}

// An instance that grew beyond this is let go: its memory never shrinks.
const KEEP_BYTES = 128 * 2 ** 20
// What instances may have together that wait for another chunk to be read some rows at a time.
const KEEP_IDLE_BYTES = 256 * 2 ** 20

let module: WebAssembly.Module | undefined
let kernel: Exports | undefined
const idle: Exports[] = []

/** The kernel, compiled; threads get it as it is. */
export function columnModule(): WebAssembly.Module {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(COLUMN_MODULE), (char) => char.charCodeAt(0)))
  return module
}

/** The arrays of a chunk, `batchRows` rows each; undefined where it is left to the codec. */
export function decodeColumn(bytes: Uint8Array, task: ColumnTask): ColumnBuffers[] | undefined {
  kernel ??= instance()
  try {
    return decodeAll(kernel, bytes, task)
  } catch (error) {
    // A trap leaves the instance in no state that is known.
    kernel = undefined
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  } finally {
    if (kernel !== undefined && kernel.memory.buffer.byteLength > KEEP_BYTES) kernel = undefined
  }
}

/** A chunk that is decoded some rows at a time, by an instance of its own until it is closed. */
export class ColumnReader {
  readonly #kernel: Exports
  readonly #task: ColumnTask
  #isLeft: boolean
  #isBroken = false

  constructor(bytes: Uint8Array, task: ColumnTask) {
    this.#kernel = idle.pop() ?? instance()
    this.#task = task
    this.#isLeft = !open(this.#kernel, bytes, task)
  }

  /** Whether every value was taken. */
  get isDone(): boolean {
    return this.#kernel.isDone() !== 0
  }

  /** The array of the next rows; undefined where they, and all after them, are left to the codec. */
  next(rows: number): ColumnBuffers | undefined {
    try {
      const array = this.#isLeft ? undefined : next(this.#kernel, this.#task, rows, this.#task.maxBytes)
      this.#isLeft = array === undefined
      return array
    } catch (error) {
      this.#isLeft = this.#isBroken = true
      if (error instanceof WebAssembly.RuntimeError) return undefined
      throw error
    }
  }

  /** Lets another chunk have the instance. Once only, and nothing is read afterwards. */
  close(): void {
    const held = idle.reduce((sum, { memory }) => sum + memory.buffer.byteLength, this.#kernel.memory.buffer.byteLength)
    if (!this.#isBroken && held <= KEEP_IDLE_BYTES) idle.push(this.#kernel)
  }
}

function instance(): Exports {
  return new WebAssembly.Instance(columnModule()).exports as unknown as Exports
}

// The same stands as text in decode-thread.ts.
function decodeAll(wasm: Exports, bytes: Uint8Array, task: ColumnTask): ColumnBuffers[] | undefined {
  if (!open(wasm, bytes, task)) return undefined
  const arrays: ColumnBuffers[] = []
  let left = task.maxBytes
  for (let done = 0; done < task.numRows; done += task.batchRows) {
    const array = next(wasm, task, Math.min(task.batchRows, task.numRows - done), left)
    if (array === undefined) return undefined
    if (array.offsets !== undefined) left -= array.values.length
    arrays.push(array)
  }
  return wasm.isDone() === 0 ? undefined : arrays
}

function open(wasm: Exports, bytes: Uint8Array, task: ColumnTask): boolean {
  const at = wasm.begin(bytes.length)
  if (at === 0) return false
  new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes)
  wasm.open(bytes.length, task.codec, task.kind, task.width, task.typeLength, task.maxLevel)
  return true
}

function next(wasm: Exports, { kind }: ColumnTask, length: number, maxBytes: number): ColumnBuffers | undefined {
  const out = wasm.next(length, maxBytes)
  if (out === 0) return undefined
  const { buffer } = wasm.memory
  const [nullCount, validity, values, valueBytes, offsets] = new Uint32Array(buffer, out, 5) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ]
  // Bits come in whole words of 8 bytes.
  const bitBytes = ((length + 63) >> 6) << 3
  const isText = kind === ColumnKind.TEXT || kind === ColumnKind.BINARY
  return {
    length,
    nullCount,
    validity: nullCount === 0 ? undefined : new Uint8Array(buffer, validity, bitBytes).slice(),
    values: new Uint8Array(buffer, values, kind === ColumnKind.BOOL ? bitBytes : valueBytes).slice(),
    offsets: isText ? new Int32Array(buffer, offsets, length + 1).slice() : undefined,
  }
}
