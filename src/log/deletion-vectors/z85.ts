// Z85, the base-85 text of deletion vectors and of UUIDs in them (ZeroMQ RFC 32). Five characters are four bytes, always.

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const NO_DIGIT = 255
const DIGITS = new Uint8Array(128).fill(NO_DIGIT)
for (let i = 0; i < ALPHABET.length; i++) DIGITS[ALPHABET.charCodeAt(i)] = i

/** The bytes of a Z85 text, or undefined where it is none: another character, a group that is short or beyond 32 bits. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let at = 0, out = 0; at < text.length; at += 5, out += 4) {
    let value = 0
    for (let i = at; i < at + 5; i++) {
      const digit = DIGITS[text.charCodeAt(i)] ?? NO_DIGIT
      if (digit === NO_DIGIT) return undefined
      value = value * 85 + digit
    }
    if (value > 0xffff_ffff) return undefined
    view.setUint32(out, value)
  }
  return bytes
}
