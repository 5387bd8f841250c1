// How the buffers of an Arrow column are read, slices included. The rule of apache-arrow's slices, kept here only:
// values, offsets and children are already moved to the slice; validity and boolean bits are not, and need `offset`.
import type { Data } from 'apache-arrow'
import { AlluviumError } from '../errors.js'

/** Bits of validity or of booleans: cell i is bit `offset + i`, least significant bit first. */
export interface Bits {
  readonly bytes: Uint8Array
  readonly offset: number
}

/** The validity bits, or undefined where no cell is null. */
export function validityOf(data: Data): Bits | undefined {
  return data.nullCount > 0 && data.nullBitmap !== undefined ? { bytes: data.nullBitmap, offset: data.offset } : undefined
}

/** Whether a cell's bit is 1. */
export function bitAt(bits: Bits, index: number): boolean {
  const at = bits.offset + index
  return (((bits.bytes[at >> 3] as number) >> (at & 7)) & 1) === 1
}

/** A bitmap of `length` bits, all 0, padded as Arrow wants it. */
export function zeroBits(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(((length + 63) & ~63) >> 3)
}

/** Sets bits of `target` from bit `at` on, where those of `source` are 1; `target` has 0 there before. */
export function writeBits(target: Uint8Array, at: number, source: Bits, length: number): void {
  let done = 0
  if (((at | source.offset) & 7) === 0) {
    // Whole bytes where both sides start on one.
    const bytes = length >> 3
    target.set(source.bytes.subarray(source.offset >> 3, (source.offset >> 3) + bytes), at >> 3)
    done = bytes * 8
  }
  for (let i = done; i < length; i++) if (bitAt(source, i)) setBit(target, at + i)
}

/** Sets `length` bits from bit `at` on to 1. */
export function fillBits(target: Uint8Array, at: number, length: number): void {
  let i = at
  const end = at + length
  while (i < end && (i & 7) !== 0) setBit(target, i++)
  const bytes = (end - i) >> 3
  if (bytes > 0) target.fill(255, i >> 3, (i >> 3) + bytes)
  i += Math.max(0, bytes) * 8
  while (i < end) setBit(target, i++)
}

export function setBit(target: Uint8Array, at: number): void {
  target[at >> 3] = (target[at >> 3] as number) | (1 << (at & 7))
}

/** The fixed-width values as a typed array. */
export function valuesOf<T extends ArrayBufferView = Uint8Array>(data: Data): T {
  return data.values as unknown as T
}

/** A typed array over `buffer` of the kind of `values` (a plain Uint8Array where that is one of Node's). */
export function sameKind(values: ArrayBufferView, buffer: ArrayBuffer): ArrayBufferView {
  if (values instanceof Uint8Array) return new Uint8Array(buffer)
  return new (values.constructor as new (buffer: ArrayBuffer) => ArrayBufferView)(buffer)
}

/** Values of 64 bits as pairs of a low and a high half. */
export function halvesOf(data: Data): Int32Array {
  const values = valuesOf(data)
  return new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
}

/** Offsets as 32-bit numbers, with `length + 1` entries (empty columns may come without any). */
export function offsetsOf(data: Data): Int32Array {
  const offsets = data.valueOffsets as unknown as Int32Array | BigInt64Array | undefined
  if (offsets === undefined || offsets.length === 0) return new Int32Array(data.length + 1)
  if (offsets instanceof Int32Array) return offsets
  const narrow = new Int32Array(data.length + 1)
  for (let i = 0; i <= data.length; i++) {
    const offset = offsets[i] as bigint
    if (offset < 0n || offset > 0x7fff_ffffn) {
      throw new AlluviumError('LIMIT_EXCEEDED', 'a column of one batch holds more than 2 GiB: use smaller batches')
    }
    narrow[i] = Number(offset)
  }
  return narrow
}

/** The bytes of a string or binary column that `offsetsOf` points into. */
export function bytesOf(data: Data): Uint8Array {
  return (data.values as Uint8Array | undefined) ?? new Uint8Array(0)
}
