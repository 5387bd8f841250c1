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

let module: WebAssembly.Module | undefined
let kernel: Exports | undefined

/** The kernel, compiled; threads get it as it is. */
export function columnModule(): WebAssembly.Module {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(COLUMN_MODULE), (char) => char.charCodeAt(0)))
  return module
}

/** The arrays of a chunk, `batchRows` rows each; undefined where it is left to the codec. */
export function decodeColumn(bytes: Uint8Array, task: ColumnTask): ColumnBuffers[] | undefined {
  kernel ??= new WebAssembly.Instance(columnModule()).exports as unknown as Exports
  try {
    return runKernel(kernel, bytes, task)
  } catch (error) {
    // A trap leaves the instance in no state that is known.
    kernel = undefined
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  } finally {
    if (kernel !== undefined && kernel.memory.buffer.byteLength > KEEP_BYTES) kernel = undefined
  }
}

// The same stands as text in decode-thread.ts.
function runKernel(wasm: Exports, bytes: Uint8Array, task: ColumnTask): ColumnBuffers[] | undefined {
  const { kind, numRows, batchRows } = task
  const at = wasm.begin(bytes.length)
  if (at === 0) return undefined
  new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes)
  wasm.open(bytes.length, task.codec, kind, task.width, task.typeLength, task.maxLevel)
  const isText = kind === ColumnKind.TEXT || kind === ColumnKind.BINARY
  const arrays: ColumnBuffers[] = []
  let left = task.maxBytes
  for (let done = 0; done < numRows; done += batchRows) {
    const length = Math.min(batchRows, numRows - done)
    const out = wasm.next(length, left)
    if (out === 0) return undefined
    const { buffer } = wasm.memory
    const [nullCount, validity, values, valueBytes, offsets] = new Uint32Array(buffer, out, 5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ]
    if (isText) left -= valueBytes
    // Bits come in whole words of 8 bytes.
    const bitBytes = ((length + 63) >> 6) << 3
    arrays.push({
      length,
      nullCount,
      validity: nullCount === 0 ? undefined : new Uint8Array(buffer, validity, bitBytes).slice(),
      values: new Uint8Array(buffer, values, kind === ColumnKind.BOOL ? bitBytes : valueBytes).slice(),
      offsets: isText ? new Int32Array(buffer, offsets, length + 1).slice() : undefined,
    })
  }
  return wasm.isDone() === 0 ? undefined : arrays
}
