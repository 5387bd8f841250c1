// Text as bytes: JSON escapes undone and UTF-8 checked without making strings. Its one rule: what is stored is valid
// UTF-8, so an escape that names half a surrogate pair is refused, not replaced.

/** Undoes JSON escapes into a buffer of its own that grows and is reused. */
export class StringUnescaper {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0

  /** Unescapes `source[start, end)` (valid UTF-8, without the quotes). Answers the problem, or undefined. */
  unescape(source: Uint8Array, start: number, end: number): string | undefined {
    // No escape is shorter than what it stands for.
    if (this.bytes.length < end - start) this.bytes = new Uint8Array(Math.max(end - start, this.bytes.length * 2))
    const out = this.bytes
    let o = 0
    let i = start
    while (i < end) {
      const c = source[i++] as number
      if (c !== 0x5c) {
        out[o++] = c
        continue
      }
      const e = i < end ? (source[i++] as number) : 0
      if (e === 0x75) {
        const unit = hexUnit(source, i, end)
        if (unit < 0) return 'malformed JSON: \\u without four hexadecimal digits'
        i += 4
        let code = unit
        if (unit >= 0xd800 && unit <= 0xdfff) {
          const low = unit < 0xdc00 && source[i] === 0x5c && source[i + 1] === 0x75 ? hexUnit(source, i + 2, end) : -1
          if (low < 0xdc00 || low > 0xdfff) return 'half a surrogate pair: no Unicode text has it'
          i += 6
          code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
        }
        o = putCodePoint(out, o, code)
        continue
      }
      const plain = simpleEscape(e)
      if (plain < 0) return 'malformed JSON: an unknown escape in a string'
      out[o++] = plain
    }
    this.length = o
    return undefined
  }
}

/** Index of the first byte that is not part of a well-formed UTF-8 character in `bytes[start, end)`, or -1. */
export function invalidUtf8At(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end) {
    const c = bytes[i] as number
    if (c < 0x80) {
      i++
      continue
    }
    const length = sequenceLength(bytes, i, c)
    if (length === 0 || i + length > end) return i
    for (let k = 1; k < length; k++) if (((bytes[i + k] as number) & 0xc0) !== 0x80) return i
    i += length
  }
  return -1
}

// Length of the sequence that `c` leads, 0 where none starts so: overlong forms, surrogates and beyond U+10FFFF are none.
function sequenceLength(bytes: Uint8Array, at: number, c: number): number {
  const next = bytes[at + 1] as number
  if (c >= 0xc2 && c <= 0xdf) return 2
  if (c >= 0xe0 && c <= 0xef) {
    if (c === 0xe0 && next < 0xa0) return 0
    if (c === 0xed && next > 0x9f) return 0
    return 3
  }
  if (c < 0xf0 || c > 0xf4) return 0
  if (c === 0xf0 && next < 0x90) return 0
  if (c === 0xf4 && next > 0x8f) return 0
  return 4
}

function hexUnit(source: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1
  let unit = 0
  for (let i = at; i < at + 4; i++) {
    const c = source[i] as number
    const lower = c | 0x20
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
    if (digit < 0) return -1
    unit = unit * 16 + digit
  }
  return unit
}

function simpleEscape(c: number): number {
  switch (c) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return c
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return -1
  }
}

function putCodePoint(out: Uint8Array, at: number, code: number): number {
  let o = at
  if (code < 0x80) {
    out[o++] = code
  } else if (code < 0x800) {
    out[o++] = 0xc0 | (code >> 6)
    out[o++] = 0x80 | (code & 63)
  } else if (code < 0x10000) {
    out[o++] = 0xe0 | (code >> 12)
    out[o++] = 0x80 | ((code >> 6) & 63)
    out[o++] = 0x80 | (code & 63)
  } else {
    out[o++] = 0xf0 | (code >> 18)
    out[o++] = 0x80 | ((code >> 12) & 63)
    out[o++] = 0x80 | ((code >> 6) & 63)
    out[o++] = 0x80 | (code & 63)
  }
  return o
}
