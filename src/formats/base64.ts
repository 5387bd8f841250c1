// Base64 (RFC 4648, the standard alphabet) from bytes to bytes. Its one rule: exactly one text for each value, padding
// aside: characters outside the alphabet, a wrong length and stray bits are refused.

const VALUES: Int8Array = new Int8Array(256).fill(-1)
for (let i = 0; i < 64; i++) VALUES['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(i)] = i

/** Decodes into a buffer of its own that grows and is reused. */
export class Base64Decoder {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0

  /** Decodes `source[start, end)` into `bytes[0, length)`; false where it is not base64. */
  decode(source: Uint8Array, start: number, end: number): boolean {
    let stop = end
    if ((end - start) % 4 === 0) {
      if (stop > start && source[stop - 1] === 0x3d) stop--
      if (stop > start && stop < end && source[stop - 1] === 0x3d) stop--
    }
    const rest = (stop - start) % 4
    if (rest === 1) return false
    const size = Math.floor(((stop - start) * 3) / 4)
    if (this.bytes.length < size) this.bytes = new Uint8Array(Math.max(size, this.bytes.length * 2))
    const out = this.bytes
    let o = 0
    let bits = 0
    let held = 0
    for (let i = start; i < stop; i++) {
      const value = VALUES[source[i] as number] as number
      if (value < 0) return false
      bits = ((bits << 6) | value) & 0xffff
      held += 6
      if (held >= 8) {
        held -= 8
        out[o++] = (bits >> held) & 0xff
      }
    }
    if ((bits & ((1 << held) - 1)) !== 0) return false
    this.length = o
    return true
  }
}
