// A set of paths by their hashes: 16 bytes a path at most times, whatever its length. It may take a path for one of its own that is
// not (one in 2^53), never the other way round: made for what must be kept.
import { encodeUtf8 } from '../bytes.js'

const LEAST_SLOTS = 1024

export class PathSet {
  // Open addressing; 0 is an empty slot, and no hash. At most half of the slots are taken.
  #slots: Float64Array
  #size = 0

  /** `expected` paths fit without moving any. */
  constructor(expected = 0) {
    this.#slots = new Float64Array(slotsFor(expected))
  }

  get size(): number {
    return this.#size
  }

  add(path: string): void {
    this.addBytes(encodeUtf8(path))
  }

  /** Adds a path by its UTF-8. */
  addBytes(path: Uint8Array): void {
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow()
    const hash = hashOf(path)
    const at = this.#find(hash)
    if (this.#slots[at] === hash) return
    this.#slots[at] = hash
    this.#size++
  }

  has(path: string): boolean {
    const hash = hashOf(encodeUtf8(path))
    return this.#slots[this.#find(hash)] === hash
  }

  // Where the hash is, or would be.
  #find(hash: number): number {
    const mask = this.#slots.length - 1
    let at = Math.floor(hash / 2 ** 21) & mask
    while (this.#slots[at] !== 0 && this.#slots[at] !== hash) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Float64Array(before.length * 2)
    for (const hash of before) if (hash !== 0) this.#slots[this.#find(hash)] = hash
  }
}

function slotsFor(paths: number): number {
  return Math.max(LEAST_SLOTS, 2 ** Math.ceil(Math.log2(paths * 2 + 2)))
}

// Two FNV-1a hashes of 32 bits, of which 53 bits are kept.
function hashOf(path: Uint8Array): number {
  let a = 0x811c9dc5
  let b = 0x01234567
  for (let i = 0; i < path.length; i++) {
    const byte = path[i] as number
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 13)
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1f_ffff) || 1
}
