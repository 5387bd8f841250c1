// LZ4 frames as Arrow IPC has them (Feather files of pandas are written so by default). Decoding only; one rule: every
// length and distance is checked against what there is, and the output against a limit, before a byte is copied.

const MAGIC = 0x184d2204
const MAX_OUTPUT_BYTES = 2 ** 30

/** The content of a frame. @throws Error where it is no sound LZ4 frame, or its content is beyond 1 GiB. */
export function decodeLz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 7 || view.getUint32(0, true) !== MAGIC) throw damaged('no LZ4 frame')
  const flags = view.getUint8(4)
  if (flags >> 6 !== 1) throw damaged('an unknown version')
  const blockChecksumBytes = (flags & 0x10) !== 0 ? 4 : 0
  // Magic, two bytes of flags, content size and dictionary id where flagged, a checksum of the header.
  let at = 6 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0) + 1
  const out = new Output(bytes.length * 4)
  for (;;) {
    if (at + 4 > bytes.length) throw damaged('it is cut')
    const word = view.getUint32(at, true)
    at += 4
    if (word === 0) return out.content()
    const size = word & 0x7fff_ffff
    if (at + size > bytes.length) throw damaged('it is cut')
    if (word > 0x7fff_ffff) out.append(bytes, at, size)
    else decodeBlock(bytes, at, at + size, out)
    at += size + blockChecksumBytes
  }
}

// Sequences of a run of plain bytes and a copy of earlier output.
function decodeBlock(bytes: Uint8Array, start: number, end: number, out: Output): void {
  let at = start
  const extended = (length: number): number => {
    if (length < 15) return length
    let sum = length
    for (;;) {
      if (at >= end) throw damaged('a block is cut')
      const more = bytes[at++] as number
      sum += more
      if (more !== 255) return sum
    }
  }
  while (at < end) {
    const token = bytes[at++] as number
    const plain = extended(token >> 4)
    if (at + plain > end) throw damaged('a block is cut')
    out.append(bytes, at, plain)
    at += plain
    // The last sequence has no copy.
    if (at === end) return
    if (at + 2 > end) throw damaged('a block is cut')
    const distance = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    at += 2
    out.repeat(distance, extended(token & 15) + 4)
  }
}

/** Decoded bytes so far. */
class Output {
  private bytes: Uint8Array
  private length = 0

  constructor(sizeHint: number) {
    this.bytes = new Uint8Array(Math.min(sizeHint, MAX_OUTPUT_BYTES))
  }

  append(source: Uint8Array, start: number, count: number): void {
    this.reserve(count)
    this.bytes.set(source.subarray(start, start + count), this.length)
    this.length += count
  }

  /** Appends `count` bytes that begin `distance` before the end; they may run into themselves. */
  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw damaged('a copy from before its beginning')
    this.reserve(count)
    const { bytes, length } = this
    if (distance >= count) bytes.copyWithin(length, length - distance, length - distance + count)
    else for (let i = length; i < length + count; i++) bytes[i] = bytes[i - distance] as number
    this.length += count
  }

  content(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed > MAX_OUTPUT_BYTES) throw damaged('its content is beyond 1 GiB')
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.min(MAX_OUTPUT_BYTES, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

function damaged(what: string): Error {
  return new Error(`its LZ4 data is damaged (${what})`)
}
