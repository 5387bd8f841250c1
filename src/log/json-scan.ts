// Walking JSON as bytes without building anything. A walk accepts exactly what the JSON grammar accepts (and only
// valid UTF-8), so that whoever skips a value here knows that parsing it would have succeeded.

/** Byte classes inside a JSON string: 0 plain, 1 closing quote, 2 backslash, 3 forbidden control, 4 not ASCII. */
const STRING_CLASS: Uint8Array = new Uint8Array(256)
STRING_CLASS.fill(3, 0, 0x20)
STRING_CLASS[0x22] = 1
STRING_CLASS[0x5c] = 2
STRING_CLASS.fill(4, 0x80)

const MAX_DEPTH = 512

// Whether the last string walked held an escape; module state because a scan returns one number only.
let escaped = false

/** An ASCII text to look for, four bytes a step. */
export class Pattern {
  readonly length: number
  readonly words: Int32Array
  readonly rest: Uint8Array

  constructor(text: string | Uint8Array) {
    const bytes = typeof text === 'string' ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : text
    const whole = bytes.length & ~3
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.length = bytes.length
    this.words = Int32Array.from({ length: whole >> 2 }, (_, i) => view.getInt32(i * 4, true))
    this.rest = bytes.slice(whole)
  }
}

/** Whether the pattern stands at `at`, wholly inside the view. */
export function standsAt(view: DataView, at: number, pattern: Pattern): boolean {
  if (at + pattern.length > view.byteLength) return false
  const { words, rest } = pattern
  for (let i = 0; i < words.length; i++, at += 4) if (view.getInt32(at, true) !== words[i]) return false
  for (let i = 0; i < rest.length; i++) if (view.getUint8(at + i) !== rest[i]) return false
  return true
}

/** First position at or after `at` of a byte that is not plain inside a string: the quote, an escape, control or non-ASCII. */
export function plainEnd(view: DataView, bytes: Uint8Array, at: number, end: number): number {
  // Four bytes at once: each term sets the top bit of a byte below 0x20, equal to a quote or a backslash, or not ASCII.
  for (const last = end - 3; at < last; at += 4) {
    const w = view.getInt32(at, true)
    const quote = w ^ 0x22222222
    const slash = w ^ 0x5c5c5c5c
    const odd = w | ((w - 0x20202020) & ~w) | ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash)
    if ((odd & 0x80808080) !== 0) break
  }
  while (at < end && STRING_CLASS[bytes[at] as number] === 0) at++
  return at
}

/** Whether the string walked last holds an escape, so that its bytes are not yet its text. */
export function stringWasEscaped(): boolean {
  return escaped
}

/**
 * Position of the quote that closes the string whose first byte after the opening quote is at `at`;
 * -1 where the string is cut off or malformed.
 */
export function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  escaped = false
  while (at < end) {
    const kind = STRING_CLASS[bytes[at] as number] as number
    if (kind === 0) at++
    else if (kind === 1) return at
    else {
      const next = kind === 2 ? escapeEnd(bytes, at, end) : kind === 4 ? sequenceEnd(bytes, at, end) : -1
      if (next < 0) return -1
      at = next
    }
  }
  return -1
}

// The end of the escape that starts with the backslash at `at`.
function escapeEnd(bytes: Uint8Array, at: number, end: number): number {
  escaped = true
  if (at + 1 >= end) return -1
  switch (bytes[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2
    case 0x75: // u
      for (let i = at + 2; i < at + 6; i++) if (i >= end || !isHex(bytes[i] as number)) return -1
      return at + 6
    default:
      return -1
  }
}

function isHex(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66)
}

// The end of the UTF-8 sequence at `at`, by the table of well-formed byte sequences in the Unicode standard.
function sequenceEnd(bytes: Uint8Array, at: number, end: number): number {
  const a = bytes[at] as number
  const length = a >= 0xc2 && a <= 0xdf ? 2 : a >= 0xe0 && a <= 0xef ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > end) return -1
  const b = bytes[at + 1] as number
  const low = a === 0xe0 ? 0xa0 : a === 0xf0 ? 0x90 : 0x80
  const high = a === 0xed ? 0x9f : a === 0xf4 ? 0x8f : 0xbf
  if (b < low || b > high) return -1
  for (let i = at + 2; i < at + length; i++) if (((bytes[i] as number) & 0xc0) !== 0x80) return -1
  return at + length
}

/** First position at or after `at` that is no space, tab or carriage return. */
export function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const c = bytes[at]
    if (c !== 0x20 && c !== 0x09 && c !== 0x0d) break
    at++
  }
  return at
}

/** The end of the number at `at` (one past its last byte), or -1. */
export function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === 0x2d) at++
  const whole = digitsEnd(bytes, at, end)
  if (whole === at || (bytes[at] === 0x30 && whole > at + 1)) return -1
  at = whole
  if (at < end && bytes[at] === 0x2e) {
    const fraction = digitsEnd(bytes, at + 1, end)
    if (fraction === at + 1) return -1
    at = fraction
  }
  if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
    at++
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++
    const exponent = digitsEnd(bytes, at, end)
    if (exponent === at) return -1
    at = exponent
  }
  return at
}

function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at++
  return at
}

/** Whether the ASCII text stands at `at`, wholly before `end`. */
export function matches(bytes: Uint8Array, at: number, end: number, ascii: Uint8Array): boolean {
  if (at + ascii.length > end) return false
  for (let i = 0; i < ascii.length; i++) if (bytes[at + i] !== ascii[i]) return false
  return true
}

const TRUE = Uint8Array.of(0x74, 0x72, 0x75, 0x65)
const FALSE = Uint8Array.of(0x66, 0x61, 0x6c, 0x73, 0x65)
const NULL = Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c)

// The end of the string, number or literal at `at`, or -1.
function scalarEnd(bytes: Uint8Array, at: number, end: number): number {
  const c = bytes[at]
  if (c === 0x22) {
    const close = stringEnd(bytes, at + 1, end)
    return close < 0 ? -1 : close + 1
  }
  if (c === 0x74) return matches(bytes, at, end, TRUE) ? at + 4 : -1
  if (c === 0x66) return matches(bytes, at, end, FALSE) ? at + 5 : -1
  if (c === 0x6e) return matches(bytes, at, end, NULL) ? at + 4 : -1
  return at < end ? numberEnd(bytes, at, end) : -1
}

// One flag a level of nesting, 1 for an object; shared because a walk never yields.
const LEVELS = new Uint8Array(MAX_DEPTH)

/**
 * The end of the JSON value at `at` (one past its last byte), or -1 where it is malformed, cut off or nested deeper
 * than 512 levels (`outerDepth` of them already around it). Blanks are space, tab and carriage return: a value of a log never spans lines.
 */
export function valueEnd(bytes: Uint8Array, at: number, end: number, outerDepth = 0): number {
  const levels = LEVELS
  let depth = outerDepth
  for (;;) {
    at = skipBlanks(bytes, at, end)
    if (at >= end) return -1
    const c = bytes[at] as number
    if (c === 0x7b || c === 0x5b) {
      if (depth === MAX_DEPTH) return -1
      levels[depth++] = c === 0x7b ? 1 : 0
      const inside = skipBlanks(bytes, at + 1, end)
      if (inside < end && bytes[inside] === c + 2) {
        depth--
        at = inside + 1
      } else {
        at = c === 0x7b ? keyEnd(bytes, inside, end) : inside
        if (at < 0) return -1
        continue
      }
    } else {
      at = scalarEnd(bytes, at, end)
      if (at < 0) return -1
    }
    // After a value: close what closes here, then go on to the next member.
    for (;;) {
      if (depth === outerDepth) return at
      at = skipBlanks(bytes, at, end)
      if (at >= end) return -1
      const object = levels[depth - 1] === 1
      const d = bytes[at++]
      if (d === 0x2c) {
        if (object && (at = keyEnd(bytes, skipBlanks(bytes, at, end), end)) < 0) return -1
        break
      }
      if (d !== (object ? 0x7d : 0x5d)) return -1
      depth--
    }
  }
}

// Past `"key" :`, or -1.
function keyEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== 0x22) return -1
  const close = stringEnd(bytes, at + 1, end)
  if (close < 0) return -1
  at = skipBlanks(bytes, close + 1, end)
  return at < end && bytes[at] === 0x3a ? at + 1 : -1
}
