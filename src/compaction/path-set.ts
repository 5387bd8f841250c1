// A set of paths by their hashes: some ten bytes a path, whatever its length. It may take a path for one of its own that is
// not (one in 2^53), never the other way round: made for what must be kept.
import { encodeUtf8 } from '../bytes.js'

export class PathSet {
  readonly #hashes = new Set<number>()

  get size(): number {
    return this.#hashes.size
  }

  add(path: string): void {
    this.#hashes.add(hashOf(path))
  }

  has(path: string): boolean {
    return this.#hashes.has(hashOf(path))
  }
}

// Two FNV-1a hashes of 32 bits, of which 53 bits are kept.
function hashOf(path: string): number {
  let a = 0x811c9dc5
  let b = 0x01234567
  for (const byte of encodeUtf8(path)) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 13)
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1f_ffff)
}
