// Bytes as base64 text (RFC 4648, with padding), by Node's Buffer where there is one.

interface Base64Bytes {
  toString(encoding: 'base64'): string
}
interface BufferStatic {
  from(buffer: ArrayBuffer, byteOffset: number, length: number): Base64Bytes
}

const NodeBuffer = (globalThis as unknown as { Buffer?: BufferStatic }).Buffer
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The base64 text of `bytes[start, end)`. */
export function encodeBase64(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (NodeBuffer !== undefined)
    return NodeBuffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start).toString('base64')
  return encodePortable(bytes, start, end)
}

/** {@link encodeBase64} without Node's Buffer. */
export function encodePortable(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i += 3) {
    const left = end - i
    const group = ((bytes[i] as number) << 16) | (left > 1 ? (bytes[i + 1] as number) << 8 : 0) | (left > 2 ? (bytes[i + 2] as number) : 0)
    text += ALPHABET[group >> 18]
    text += ALPHABET[(group >> 12) & 63]
    text += left > 1 ? ALPHABET[(group >> 6) & 63] : '='
    text += left > 2 ? ALPHABET[group & 63] : '='
  }
  return text
}
