// Column chunks of several files as one, by the recoding kernel (recode.c). One instance for the thread. Rule: the answer is the
// whole chunk or nothing; who gets nothing asks the Parquet codec, which has the last word.
import { nodeModule } from '../../runtime.js'
import { RECODE_MODULE } from './recode-module.js'

/** What a column is to become. */
export interface RecodeTask {
  /** One of `ColumnKind`: as in the file, but decimals of fixed length, which are gathered in 16 bytes. */
  readonly kind: number
  /** Bytes of a value; 0 for texts, binaries and booleans. */
  readonly width: number
  /** Bytes of a decimal of fixed length, else 0. */
  readonly typeLength: number
  readonly isFloat: boolean
  /** 1 where values may be null, else 0. */
  readonly maxLevel: number
  /** Parquet's number of the codec. */
  readonly codec: number
}

/** A chunk that is part of it, in bytes shared by many. */
export interface RecodePart {
  readonly at: number
  readonly size: number
  readonly codec: number
  readonly typeLength: number
  readonly maxLevel: number
  readonly numRows: number
}

/** A column chunk that was made. Extremes are in the plain encoding, decimals of 16 bytes with the lowest first. */
export interface RecodedChunk {
  readonly bytes: Uint8Array
  readonly uncompressedSize: number
  /** Of the dictionary page, with its header; 0 for none. */
  readonly dictionaryBytes: number
  readonly nullCount: number
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
  readonly hasNaN: boolean
}

/** Packs bytes into others, and answers how many those are; 0 where they do not fit. */
export type PackPage = (codec: number, bytes: Uint8Array, to: Uint8Array) => number

interface Exports {
  readonly memory: WebAssembly.Memory
  reset(): void
  begin(kind: number, width: number, typeLength: number, isFloat: number, maxLevel: number, codec: number): void
  place(size: number): number
  take(size: number, codec: number, typeLength: number, maxLevel: number, rows: number): number
  finish(): number
}

interface Zlib {
  readonly constants: Readonly<Record<string, number>>
  gzipSync(bytes: Uint8Array): Uint8Array
  zstdCompressSync?(bytes: Uint8Array, options: object): Uint8Array
}

const UNCOMPRESSED = 0
const SNAPPY = 1
const GZIP = 2
const ZSTD = 6
// An instance that grew beyond this is let go: its memory never shrinks.
const KEEP_BYTES = 96 * 2 ** 20

let module: WebAssembly.Module | undefined
let kernel: Exports | undefined

/** The kernel, compiled; threads get it as it is. */
export function recodeModule(): WebAssembly.Module {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(RECODE_MODULE), (char) => char.charCodeAt(0)))
  return module
}

/** Whether pages can be packed with a codec here, by its number. */
export function canPack(codec: number): boolean {
  if (codec === UNCOMPRESSED || codec === SNAPPY) return true
  const zlib = nodeModule<Zlib>('zlib')
  return codec === GZIP ? zlib !== undefined : codec === ZSTD && zlib?.zstdCompressSync !== undefined
}

/** The chunk that the parts become; undefined where it is left to the codec. */
export function recodeColumn(bytes: Uint8Array, task: RecodeTask, parts: readonly RecodePart[]): RecodedChunk | undefined {
  try {
    kernel ??= instance(packPage)
    return recode(kernel, bytes, task, parts)
  } catch (error) {
    // A trap leaves the instance in no state that is known.
    kernel = undefined
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  } finally {
    if (kernel !== undefined && kernel.memory.buffer.byteLength > KEEP_BYTES) kernel = undefined
  }
}

function packPage(codec: number, bytes: Uint8Array, to: Uint8Array): number {
  const zlib = nodeModule<Zlib>('zlib')
  const level = zlib?.constants.ZSTD_c_compressionLevel ?? 0
  const packed =
    codec === GZIP ? zlib?.gzipSync(bytes) : codec === ZSTD ? zlib?.zstdCompressSync?.(bytes, { params: { [level]: 1 } }) : undefined
  if (packed === undefined || packed.length > to.length) return 0
  to.set(packed)
  return packed.length
}

// This and what follows stand as text in recode-thread.ts.
function instance(packer: PackPage): Exports {
  let memory: WebAssembly.Memory
  const pack = (codec: number, from: number, size: number, to: number, space: number): number =>
    packer(codec, new Uint8Array(memory.buffer, from, size), new Uint8Array(memory.buffer, to, space))
  const made = new WebAssembly.Instance(recodeModule(), { host: { pack } }).exports as unknown as Exports
  memory = made.memory
  made.reset()
  return made
}

function recode(wasm: Exports, bytes: Uint8Array, task: RecodeTask, parts: readonly RecodePart[]): RecodedChunk | undefined {
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
  const [at, size, uncompressedSize, dictionaryBytes, nullCount, min, minSize, max, maxSize, hasNaN] = new Uint32Array(
    buffer,
    out,
    10,
  ) as unknown as [...Ten]
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

type Ten = [number, number, number, number, number, number, number, number, number, number]
