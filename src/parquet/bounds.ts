// The least and greatest value of one column over many batches, from typed arrays alone. Hot path: one loop per
// physical layout, no value object per cell. `valid` has a bit per row; undefined means that all are valid.
import type { Data } from 'apache-arrow'

/** The least and the greatest of some values. */
export interface Range<T> {
  readonly min: T
  readonly max: T
}

/** Collects bounds of one column. */
export interface Bounds<T> {
  /** Takes the cells of a column; those without a bit in `valid` are null. */
  add(data: Data, valid: Uint8Array | undefined): void
  /** The bounds of what came since the last call, undefined where that has none. Begins anew. */
  take(): Range<T> | undefined
}

/** Integers of 32 bits and less, and days. */
export class Int32Bounds implements Bounds<number> {
  private min: number = Number.POSITIVE_INFINITY
  private max: number = Number.NEGATIVE_INFINITY

  take(): Range<number> | undefined {
    const { min, max } = this
    this.min = Number.POSITIVE_INFINITY
    this.max = Number.NEGATIVE_INFINITY
    return min > max ? undefined : { min, max }
  }

  add(data: Data, valid: Uint8Array | undefined): void {
    const values = data.values as Int32Array
    let { min, max } = this
    for (let i = 0; i < data.length; i++) {
      if (valid !== undefined && ((valid[i >> 3] as number) & (1 << (i & 7))) === 0) continue
      const v = values[i] as number
      if (v < min) min = v
      if (v > max) max = v
    }
    this.min = min
    this.max = max
  }
}

/** Floats and doubles. Values with NaN among them have no bounds; a negative zero is remembered where it is the least value. */
export class FloatBounds implements Bounds<number> {
  /** Whether there was a NaN, ever. */
  sawNaN = false
  private min: number = Number.POSITIVE_INFINITY
  private max: number = Number.NEGATIVE_INFINITY
  private hasNaN = false
  private sawNegativeZero = false

  take(): Range<number> | undefined {
    const { min, max, hasNaN } = this
    this.min = Number.POSITIVE_INFINITY
    this.max = Number.NEGATIVE_INFINITY
    this.hasNaN = false
    this.sawNegativeZero = false
    return hasNaN || min > max ? undefined : { min, max }
  }

  add(data: Data, valid: Uint8Array | undefined): void {
    const values = data.values as Float64Array
    let { min, max, hasNaN } = this
    for (let i = 0; i < data.length; i++) {
      if (valid !== undefined && ((valid[i >> 3] as number) & (1 << (i & 7))) === 0) continue
      const v = values[i] as number
      if (v < min) min = v
      if (v > max) max = v
      // biome-ignore lint/suspicious/noSelfCompare: the fastest test for NaN in a hot loop
      if (v !== v) hasNaN = true
    }
    this.min = min
    this.max = max
    this.hasNaN = hasNaN
    this.sawNaN ||= hasNaN
    // -0 equals 0 in every comparison above; a reader may order it below, so the least zero keeps its sign.
    if (min === 0 && !this.sawNegativeZero) this.sawNegativeZero = hasNegativeZero(values, data.length, valid)
    if (min === 0) this.min = this.sawNegativeZero ? -0 : 0
    if (max === 0) this.max = 0
  }
}

function hasNegativeZero(values: ArrayLike<number>, length: number, valid: Uint8Array | undefined): boolean {
  for (let i = 0; i < length; i++) {
    if (!Object.is(values[i], -0)) continue
    if (valid === undefined || ((valid[i >> 3] as number) & (1 << (i & 7))) !== 0) return true
  }
  return false
}

/** 64-bit integers and timestamps, as pairs of 32-bit words: a BigInt per cell would cost ten times as much. */
export class Int64Bounds implements Bounds<bigint> {
  private isEmpty = true
  private minHigh = 0x7fffffff
  private minLow = 0xffffffff
  private maxHigh = -0x80000000
  private maxLow = 0

  take(): Range<bigint> | undefined {
    const { isEmpty } = this
    const min = (BigInt(this.minHigh) << 32n) | BigInt(this.minLow)
    const max = (BigInt(this.maxHigh) << 32n) | BigInt(this.maxLow)
    this.isEmpty = true
    this.minHigh = 0x7fffffff
    this.minLow = 0xffffffff
    this.maxHigh = -0x80000000
    this.maxLow = 0
    return isEmpty ? undefined : { min, max }
  }

  add(data: Data, valid: Uint8Array | undefined): void {
    const words = int32Words(data, 2)
    let { minHigh, minLow, maxHigh, maxLow, isEmpty } = this
    for (let i = 0; i < data.length; i++) {
      if (valid !== undefined && ((valid[i >> 3] as number) & (1 << (i & 7))) === 0) continue
      const high = words[2 * i + 1] as number
      if (high <= minHigh) {
        const low = (words[2 * i] as number) >>> 0
        if (high < minHigh || low < minLow) {
          minHigh = high
          minLow = low
        }
      }
      if (high >= maxHigh) {
        const low = (words[2 * i] as number) >>> 0
        if (high > maxHigh || low > maxLow) {
          maxHigh = high
          maxLow = low
        }
      }
      isEmpty = false
    }
    this.minHigh = minHigh
    this.minLow = minLow
    this.maxHigh = maxHigh
    this.maxLow = maxLow
    this.isEmpty = isEmpty
  }
}

/** Decimals in 128 bits: four words, the last one signed. */
export class DecimalBounds implements Bounds<bigint> {
  private min: bigint | undefined
  private max: bigint | undefined

  take(): Range<bigint> | undefined {
    const { min, max } = this
    this.min = this.max = undefined
    return min === undefined || max === undefined ? undefined : { min, max }
  }

  add(data: Data, valid: Uint8Array | undefined): void {
    const words = int32Words(data, 4)
    let least = -1
    let greatest = -1
    for (let i = 0; i < data.length; i++) {
      if (valid !== undefined && ((valid[i >> 3] as number) & (1 << (i & 7))) === 0) continue
      if (least < 0) least = greatest = i
      else if (compare128(words, i, least) < 0) least = i
      else if (compare128(words, i, greatest) > 0) greatest = i
    }
    if (least < 0) return
    const min = bigint128(words, least)
    const max = bigint128(words, greatest)
    if (this.min === undefined || min < this.min) this.min = min
    if (this.max === undefined || max > this.max) this.max = max
  }
}

function compare128(words: Int32Array, a: number, b: number): number {
  const high = (words[4 * a + 3] as number) - (words[4 * b + 3] as number)
  if (high !== 0) return high
  for (let k = 2; k >= 0; k--) {
    const d = ((words[4 * a + k] as number) >>> 0) - ((words[4 * b + k] as number) >>> 0)
    if (d !== 0) return d
  }
  return 0
}

function bigint128(words: Int32Array, i: number): bigint {
  let value = BigInt(words[4 * i + 3] as number)
  for (let k = 2; k >= 0; k--) value = (value << 32n) | BigInt((words[4 * i + k] as number) >>> 0)
  return value
}

/** The 32-bit words of a column of wider values, `perValue` of them each. */
function int32Words(data: Data, perValue: number): Int32Array {
  const values = data.values as { buffer: ArrayBufferLike; byteOffset: number }
  return new Int32Array(values.buffer, values.byteOffset, data.length * perValue)
}

/** Texts in the order of their UTF-8 bytes. The first four bytes decide nearly always; the rest is compared when they do not. */
export class TextBounds implements Bounds<Uint8Array> {
  private min: Uint8Array | undefined
  private max: Uint8Array | undefined
  private minHead = 0xffffffff
  private maxHead = 0

  take(): Range<Uint8Array> | undefined {
    const { min, max } = this
    this.min = this.max = undefined
    this.minHead = 0xffffffff
    this.maxHead = 0
    return min === undefined || max === undefined ? undefined : { min, max }
  }

  add(data: Data, valid: Uint8Array | undefined): void {
    const bytes = data.values as Uint8Array
    const offsets = data.valueOffsets as Int32Array
    const view = viewOf(bytes)
    const lastWhole = bytes.length - 4
    let { minHead, maxHead } = this
    let min = this.min === undefined ? undefined : viewOf(this.min)
    let max = this.max === undefined ? undefined : viewOf(this.max)
    for (let i = 0; i < data.length; i++) {
      if (valid !== undefined && ((valid[i >> 3] as number) & (1 << (i & 7))) === 0) continue
      const start = offsets[i] as number
      const end = offsets[i + 1] as number
      // Shorter than four bytes: zeros fill up, which orders a prefix first; equal heads are settled below.
      const head = end - start >= 4 && start <= lastWhole ? view.getUint32(start) : shortHead(bytes, start, end)
      if (head > minHead && head < maxHead) continue
      if (min === undefined || head < minHead || (head === minHead && compareTo(view, start, end, min) < 0)) {
        this.min = bytes.slice(start, end)
        min = viewOf(this.min)
        minHead = head
      }
      if (max === undefined || head > maxHead || (head === maxHead && compareTo(view, start, end, max) > 0)) {
        this.max = bytes.slice(start, end)
        max = viewOf(this.max)
        maxHead = head
      }
    }
    this.minHead = minHead
    this.maxHead = maxHead
  }
}

/** Compares two texts by their UTF-8 bytes. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return compareTo(viewOf(a), 0, a.length, viewOf(b))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function shortHead(bytes: Uint8Array, start: number, end: number): number {
  let head = 0
  for (let k = 0; k < 4; k++) head = head * 256 + (start + k < end ? (bytes[start + k] as number) : 0)
  return head
}

// Four bytes at a time, most significant first, orders as byte by byte does.
function compareTo(view: DataView, start: number, end: number, other: DataView): number {
  const length = Math.min(end - start, other.byteLength)
  let k = 0
  for (; k + 4 <= length; k += 4) {
    const d = view.getUint32(start + k) - other.getUint32(k)
    if (d !== 0) return d
  }
  for (; k < length; k++) {
    const d = view.getUint8(start + k) - other.getUint8(k)
    if (d !== 0) return d
  }
  return end - start - other.byteLength
}
