// Texts into UTF-8 bytes, many at a time. Node's Buffer does it several times faster than TextEncoder on short texts;
// where there is none, TextEncoder does. One rule: an unpaired surrogate is reported, never replaced.
import { decodeUtf8 } from '../bytes.js'

interface TextBytes extends Uint8Array<ArrayBuffer> {
  utf8Write?(text: string, offset: number): number
}
interface BufferStatic {
  from(buffer: ArrayBuffer, byteOffset?: number, length?: number): Uint8Array<ArrayBuffer>
  byteLength(text: string): number
}

const NodeBuffer = (globalThis as unknown as { Buffer?: BufferStatic }).Buffer
const encoder = new TextEncoder()
const UNPAIRED_SURROGATE = /\p{Surrogate}/u
/** Shorter texts are encoded faster by a loop here than by a call into the engine. */
const SHORT_TEXT = 32

/** Zeroed bytes that {@link writeText} is fast on. */
export function textBytes(length: number): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(length)
  return NodeBuffer === undefined ? new Uint8Array(buffer) : NodeBuffer.from(buffer)
}

/** The same memory as a plain Uint8Array, without Node's methods; a copy where much would be wasted, unless it is only lent. */
export function plainBytes(bytes: Uint8Array<ArrayBuffer>, length: number, lent = false): Uint8Array<ArrayBuffer> {
  return lent || length * 4 >= bytes.length * 3
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, length)
    : new Uint8Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + length))
}

/** Writes a text at `at` and answers its byte count. There must be room for three bytes a UTF-16 unit. */
export function writeText(bytes: Uint8Array<ArrayBuffer>, text: string, at: number): number {
  const target = bytes as TextBytes
  if (target.utf8Write !== undefined) return target.utf8Write(text, at)
  return encoder.encodeInto(text, at === 0 ? bytes : bytes.subarray(at)).written
}

/** {@link writeText}, or -1 where the text has an unpaired surrogate (some bytes may be written then). */
export function writeTextChecked(bytes: Uint8Array<ArrayBuffer>, text: string, at: number): number {
  if (text.length <= SHORT_TEXT) return writeShort(bytes, text, at)
  const written = writeText(bytes, text, at)
  return written === text.length || !UNPAIRED_SURROGATE.test(text) ? written : -1
}

function writeShort(bytes: Uint8Array, text: string, start: number): number {
  let at = start
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) {
      bytes[at++] = code
    } else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6)
      bytes[at++] = 0x80 | (code & 0x3f)
    } else if (code < 0xd800 || code > 0xdfff) {
      bytes[at++] = 0xe0 | (code >> 12)
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f)
      bytes[at++] = 0x80 | (code & 0x3f)
    } else {
      const low = text.charCodeAt(++i)
      if (code > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return -1
      const point = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    }
  }
  return at - start
}

interface SliceableBytes extends Uint8Array {
  utf8Slice(start: number, end: number): string
}

/** Reads texts of one arena; invalid UTF-8 becomes U+FFFD. */
export function textReader(bytes: Uint8Array): (start: number, end: number) => string {
  if (NodeBuffer === undefined) return (start, end) => decodeUtf8(bytes, start, end)
  const view = NodeBuffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length) as unknown as SliceableBytes
  return (start, end) => (start < end ? view.utf8Slice(start, end) : '')
}
