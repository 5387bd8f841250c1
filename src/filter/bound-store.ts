// The least or greatest value of a column for many files, one typed array. Rule: a row's value is set once and compared by
// loops; whether a row has one is kept elsewhere.
import { compareKeys, type Domain, type Key } from './domain.js'

/** One bound of one column, by row number. */
export interface BoundStore {
  /** Makes room for rows below `capacity`. */
  reserve(capacity: number): void
  /** Keeps a bound; false when it cannot be kept and is unknown. */
  set(row: number, key: Key, side: 'min' | 'max'): boolean
  get(row: number): Key
  /** For each of `rows`, 0, 1 or 2: the row's value is below, at or above the key. */
  compare(rows: Int32Array, key: Key, out: Uint8Array): void
}

/** The store for a domain; `digits` is the precision of a decimal. */
export function createBoundStore(domain: Domain, digits: number): BoundStore {
  switch (domain) {
    case 'int':
    case 'double':
    case 'boolean':
      return new DoubleStore()
    case 'long':
      return new Int64Store()
    case 'decimal':
      // Ten to the 18th fits 64 bits, with the slack that long decimals get.
      return digits <= 18 ? new Int64Store() : new BigStore()
    default:
      return new TextStore()
  }
}

class DoubleStore implements BoundStore {
  #values = new Float64Array(0)

  reserve(capacity: number): void {
    if (capacity <= this.#values.length) return
    const values = new Float64Array(capacity)
    values.set(this.#values)
    this.#values = values
  }

  set(row: number, key: Key): boolean {
    this.#values[row] = Number(key)
    return typeof key === 'number'
  }

  get(row: number): Key {
    return this.#values[row] as number
  }

  compare(rows: Int32Array, key: Key, out: Uint8Array): void {
    const k = Number(key)
    const values = this.#values
    if (Number.isNaN(k)) {
      for (let i = 0; i < rows.length; i++) out[i] = Number.isNaN(values[rows[i] as number]) ? 1 : 0
      return
    }
    for (let i = 0; i < rows.length; i++) {
      const value = values[rows[i] as number] as number
      out[i] = value < k ? 0 : value === k ? 1 : 2
    }
  }
}

class Int64Store implements BoundStore {
  #values = new BigInt64Array(0)
  #words = new Int32Array(0)

  reserve(capacity: number): void {
    if (capacity <= this.#values.length) return
    const values = new BigInt64Array(capacity)
    values.set(this.#values)
    this.#values = values
    this.#words = new Int32Array(values.buffer)
  }

  set(row: number, key: Key): boolean {
    if (typeof key === 'number') {
      const high = Math.floor(key / 2 ** 32)
      this.#words[2 * row] = key - high * 2 ** 32
      this.#words[2 * row + 1] = high
      return true
    }
    this.#values[row] = key as bigint
    return this.#values[row] === key
  }

  get(row: number): Key {
    return this.#values[row] as bigint
  }

  compare(rows: Int32Array, key: Key, out: Uint8Array): void {
    const big = BigInt(key as bigint)
    const high = Number(big >> 32n)
    const low = Number(big & 0xffffffffn)
    const words = this.#words
    for (let i = 0; i < rows.length; i++) {
      const at = 2 * (rows[i] as number)
      const h = words[at + 1] as number
      if (h !== high) out[i] = h < high ? 0 : 2
      else {
        const l = (words[at] as number) >>> 0
        out[i] = l < low ? 0 : l === low ? 1 : 2
      }
    }
  }
}

class BigStore implements BoundStore {
  readonly #values: Key[] = []

  reserve(): void {
    // Decimals this long are rare enough to be kept one by one.
  }

  set(row: number, key: Key): boolean {
    this.#values[row] = key
    return true
  }

  get(row: number): Key {
    return this.#values[row] as Key
  }

  compare(rows: Int32Array, key: Key, out: Uint8Array): void {
    for (let i = 0; i < rows.length; i++) {
      const value = this.#values[rows[i] as number]
      out[i] = value === undefined ? 0 : Math.sign(compareKeys(value, key)) + 1
    }
  }
}

/** Longer texts are cut: a beginning bounds from below, and from above with the byte after all others at its end. */
const MAX_TEXT_BYTES = 64
const MAX_ARENA_BYTES = 2 ** 31 - 1

class TextStore implements BoundStore {
  #starts = new Int32Array(0)
  #lengths = new Uint8Array(0)
  #arena = new Uint8Array(1024)
  #used = 0

  reserve(capacity: number): void {
    if (capacity <= this.#starts.length) return
    const starts = new Int32Array(capacity)
    starts.set(this.#starts)
    this.#starts = starts
    const lengths = new Uint8Array(capacity)
    lengths.set(this.#lengths)
    this.#lengths = lengths
  }

  set(row: number, key: Key, side: 'min' | 'max'): boolean {
    const text = key as Uint8Array
    const cut = text.length > MAX_TEXT_BYTES
    const length = cut ? MAX_TEXT_BYTES + (side === 'max' ? 1 : 0) : text.length
    if (this.#used + length > this.#arena.length && !this.#grow(length)) return false
    this.#arena.set(cut ? text.subarray(0, MAX_TEXT_BYTES) : text, this.#used)
    if (cut && side === 'max') this.#arena[this.#used + MAX_TEXT_BYTES] = 0xff
    this.#starts[row] = this.#used
    this.#lengths[row] = length
    this.#used += length
    return true
  }

  get(row: number): Key {
    const start = this.#starts[row] as number
    return this.#arena.subarray(start, start + (this.#lengths[row] as number))
  }

  compare(rows: Int32Array, key: Key, out: Uint8Array): void {
    const text = key as Uint8Array
    const arena = this.#arena
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number
      const start = this.#starts[row] as number
      const length = this.#lengths[row] as number
      const shorter = Math.min(length, text.length)
      let j = 0
      while (j < shorter && arena[start + j] === text[j]) j++
      const order = j < shorter ? (arena[start + j] as number) - (text[j] as number) : length - text.length
      out[i] = order < 0 ? 0 : order === 0 ? 1 : 2
    }
  }

  #grow(length: number): boolean {
    const size = Math.min(MAX_ARENA_BYTES, Math.max(this.#arena.length * 2, this.#used + length))
    if (size < this.#used + length) return false
    const arena = new Uint8Array(size)
    arena.set(this.#arena)
    this.#arena = arena
    return true
  }
}
