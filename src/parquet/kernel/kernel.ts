// The loops over pages that are worth machine code: unpacking snappy, finding texts, hashing them. One instance for the
// process, with memory for one page at a time. Rule: what comes out is copied out before the next call.
import { KERNEL_MODULE } from './kernel-module.js'

/** A page that needs more than this is left to the codec. */
const MAX_MEMORY_BYTES = 96 * 2 ** 20
const WASM_PAGE_BYTES = 65_536
// Spare bytes after an area that the kernel may touch without use.
const SPARE_BYTES = 16

interface Exports {
  readonly memory: WebAssembly.Memory
  unpack(at: number, end: number, to: number, outEnd: number): number
  texts(at: number, end: number, base: number, count: number, starts: number, lengths: number): number
  hashes(base: number, count: number, starts: number, lengths: number, out: number): void
}

let exports: Exports | undefined
let memory = new Uint8Array(0)

/** A page in the kernel's memory, until the next one. */
export interface LoadedPage {
  /** Where it lies in the kernel's memory. */
  readonly at: number
  readonly size: number
  /** Room behind it begins here. */
  readonly free: number
}

/** Whether a page of these sizes, with room for `count` texts, fits the kernel. */
export function fitsKernel(packedSize: number, size: number, count: number): boolean {
  return packedSize + size + count * 12 + 8 * SPARE_BYTES <= MAX_MEMORY_BYTES
}

/** Copies a page that is not packed into the kernel's memory. */
export function loadPage(bytes: Uint8Array, count: number): LoadedPage {
  reserve(bytes.length + count * 12 + 8 * SPARE_BYTES)
  memory.set(bytes, 0)
  return { at: 0, size: bytes.length, free: aligned(bytes.length) }
}

/** Unpacks a snappy page of `size` bytes into the kernel's memory; undefined where it is damaged or has another size. */
export function unpackPage(bytes: Uint8Array, size: number, count: number): LoadedPage | undefined {
  const from = sizeEnd(bytes, size)
  if (from < 0) return undefined
  const kernel = reserve(bytes.length + size + count * 12 + 8 * SPARE_BYTES)
  memory.set(from === 0 ? bytes : bytes.subarray(from), 0)
  const at = aligned(bytes.length)
  if (kernel.unpack(0, bytes.length - from, at, at + size) === 0) return undefined
  return { at, size, free: aligned(at + size) }
}

/** Copies a loaded page out. */
export function copyPage(page: LoadedPage, from: number, out: Uint8Array, outAt: number): void {
  out.set(memory.subarray(page.at + from, page.at + page.size), outAt)
}

/** The bytes of a loaded page: a view, until the next page. */
export function viewPage(page: LoadedPage): Uint8Array {
  return memory.subarray(page.at, page.at + page.size)
}

/** Where the texts of a page go, from the `at`th on; all three have room for them. */
export interface TextsOut {
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly hashes: Int32Array | undefined
}

/**
 * Finds `count` texts of a PLAIN page from `from` on. Their places are those in the page, plus `shift`. False where they
 * lead out of the page.
 */
export function findTexts(page: LoadedPage, from: number, count: number, shift: number, out: TextsOut, outAt: number): boolean {
  const kernel = exports as Exports
  const starts = page.free
  const lengths = starts + count * 4
  const base = page.at - shift
  if (kernel.texts(page.at + from, page.at + page.size, base, count, starts, lengths) === 0 && count > 0) return false
  const { buffer } = kernel.memory
  out.starts.set(new Int32Array(buffer, starts, count), outAt)
  out.lengths.set(new Int32Array(buffer, lengths, count), outAt)
  if (out.hashes !== undefined) {
    const hashes = lengths + count * 4
    kernel.hashes(base, count, starts, lengths, hashes)
    out.hashes.set(new Int32Array(buffer, hashes, count), outAt)
  }
  return true
}

/** The same as views of the kernel's memory, until the next page: places are those in `bytes`. */
export function viewTexts(
  page: LoadedPage,
  from: number,
  count: number,
): { readonly bytes: Uint8Array; readonly starts: Int32Array; readonly lengths: Int32Array } | undefined {
  const kernel = exports as Exports
  const starts = page.free
  const lengths = starts + count * 4
  if (kernel.texts(page.at + from, page.at + page.size, 0, count, starts, lengths) === 0 && count > 0) return undefined
  const { buffer } = kernel.memory
  return { bytes: memory, starts: new Int32Array(buffer, starts, count), lengths: new Int32Array(buffer, lengths, count) }
}

// Snappy's first bytes: the size it unpacks to. Answers where they end, or -1 where it is another size.
function sizeEnd(bytes: Uint8Array, size: number): number {
  let announced = 0
  for (let at = 0, unit = 1; at < Math.min(bytes.length, 5); at++, unit *= 128) {
    const byte = bytes[at] as number
    announced += (byte & 0x7f) * unit
    if (byte < 0x80) return announced === size ? at + 1 : -1
  }
  return -1
}

function reserve(bytes: number): Exports {
  const kernel = (exports ??= load())
  const missing = bytes - kernel.memory.buffer.byteLength
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / WASM_PAGE_BYTES))
  if (memory.buffer !== kernel.memory.buffer) memory = new Uint8Array(kernel.memory.buffer)
  return kernel
}

function load(): Exports {
  const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL_MODULE), (char) => char.charCodeAt(0)))
  return new WebAssembly.Instance(module).exports as unknown as Exports
}

function aligned(at: number): number {
  return (at + SPARE_BYTES + 15) & ~15
}
