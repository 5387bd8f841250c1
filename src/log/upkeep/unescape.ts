// The text of a JSON string from its bytes, as bytes: statistics stand in commits as strings of JSON that are JSON
// themselves, so that every quote of theirs is escaped. The string has been found to be valid before.

/** Writes the text of `bytes[start, end)`, the inside of a JSON string, to the beginning of `out`, which is as long at least. Answers its end. */
export function unescapeJson(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let to = 0
  for (let at = start; at < end; ) {
    const byte = bytes[at++] as number
    if (byte !== 0x5c) {
      out[to++] = byte
      continue
    }
    const letter = bytes[at++] as number
    if (letter !== 0x75) {
      out[to++] = SIMPLE[letter] as number
      continue
    }
    let code = hex(bytes, at)
    at += 4
    if (code >= 0xd800 && code < 0xdc00 && bytes[at] === 0x5c && bytes[at + 1] === 0x75) {
      const low = hex(bytes, at + 2)
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        at += 6
      }
    }
    to = writeCodePoint(out, to, code)
  }
  return to
}

const SIMPLE: Uint8Array = new Uint8Array(256)
for (const [letter, byte] of [
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 8],
  [0x66, 12],
  [0x6e, 10],
  [0x72, 13],
  [0x74, 9],
] as const)
  SIMPLE[letter] = byte

function hex(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] as number
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
  }
  return value
}

// Half of a surrogate pair has no UTF-8 form; it becomes the replacement character, as in every decoder.
function writeCodePoint(out: Uint8Array, at: number, code: number): number {
  const point = code >= 0xd800 && code < 0xe000 ? 0xfffd : code
  if (point < 0x80) out[at++] = point
  else if (point < 0x800) {
    out[at++] = 0xc0 | (point >> 6)
    out[at++] = 0x80 | (point & 63)
  } else {
    if (point < 0x10000) out[at++] = 0xe0 | (point >> 12)
    else {
      out[at++] = 0xf0 | (point >> 18)
      out[at++] = 0x80 | ((point >> 12) & 63)
    }
    out[at++] = 0x80 | ((point >> 6) & 63)
    out[at++] = 0x80 | (point & 63)
  }
  return at
}
