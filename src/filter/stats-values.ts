// Reads one bound out of a statistics text as a key. Rule: what comes back truly bounds the values of the file, also
// where writers cut, rounded or went through a double on the way; where that cannot be known nothing comes back.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import {
  type DataType,
  parseDateDaysBytes,
  parseTimestampMicrosBytes,
  parseTimestampMicrosBytesExact,
  parseTimestampNtzMicrosBytes,
  parseTimestampNtzMicrosBytesExact,
} from '../schema/index.js'
import type { Key } from './domain.js'
import { parseNumberText, placeNumber } from './number-text.js'
import { parseString } from './stats-scan.js'

/** Whether the least or the greatest value is read: they are widened in different directions. */
export type Side = 'min' | 'max'

/** The bound that `bytes[start, end)`, one JSON scalar, gives for a column of this type; undefined when it gives none. */
export function readBound(type: DataType, bytes: Uint8Array, start: number, end: number, side: Side): Key | undefined {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return readInteger(bytes, start, end, 0, side)
    case 'decimal':
      return readInteger(bytes, start, end, type.scale, side)
    case 'float':
    case 'double':
      return readDouble(bytes, start, end, type.type === 'float')
    case 'date': {
      const days = isString(bytes, start) ? parseDateDaysBytes(bytes, start + 1, end - 1) : Number.NaN
      return Number.isNaN(days) ? undefined : days
    }
    case 'timestamp':
    case 'timestamp_ntz':
      return isString(bytes, start) ? readTimestamp(bytes, start + 1, end - 1, type.type === 'timestamp', side) : undefined
    case 'string':
      return isString(bytes, start) ? readText(bytes, start, end, side) : undefined
    case 'boolean': {
      const text = decodeUtf8(bytes, start, end)
      return text === 'true' ? 1 : text === 'false' ? 0 : undefined
    }
    default:
      return undefined
  }
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

function isString(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === 0x22
}

function readInteger(bytes: Uint8Array, start: number, end: number, scale: number, side: Side): Key | undefined {
  if (scanShort(bytes, start, end) && shortPlaces <= scale) {
    const unscaled = shortDigits * (POWERS[scale - shortPlaces] as number)
    if (Math.abs(unscaled) < Number(DOUBLE_EXACT)) return unscaled
  }
  if (end - start > 400) return undefined
  const text = isString(bytes, start) ? '' : decodeUtf8(bytes, start, end)
  const number = JSON_NUMBER.test(text) ? parseNumberText(text) : undefined
  if (number === undefined) return undefined
  const placed = placeNumber(number, scale)
  if (typeof placed === 'string') return undefined
  const value = side === 'min' || placed.exact ? placed.floor : placed.floor + 1n
  const size = value < 0n ? -value : value
  // Some writers put decimals through a double, which keeps 15 digits for sure: from 16 on, a bound is moved out by more
  // than that rounding. Plain integers of any length are taken as they stand.
  if (size < DOUBLE_EXACT || (scale === 0 && /^-?\d+$/.test(text))) return value
  const slack = (size >> 50n) + 1n
  return side === 'min' ? value - slack : value + slack
}

const DOUBLE_EXACT = 10n ** 15n
// What is written otherwise (`+1`, `01`, `1.`) was made by somebody who does not write JSON, and may mean anything.
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

// Powers of ten that are exact as doubles.
const POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

// The digits and places of the last short number scanned; module state, because a million files have millions of them.
let shortDigits = 0
let shortPlaces = 0

// Numbers of up to 15 digits without an exponent, the usual case: `shortDigits` over ten to the `shortPlaces`, exactly.
function scanShort(bytes: Uint8Array, start: number, end: number): boolean {
  const negative = bytes[start] === 0x2d
  const from = negative ? start + 1 : start
  if (end - from > 16 || from >= end) return false
  if (bytes[from] === 0x30 && end - from > 1 && bytes[from + 1] !== 0x2e) return false
  let value = 0
  let point = end
  for (let i = from; i < end; i++) {
    const c = bytes[i] as number
    if (c === 0x2e && point === end && i > from) point = i
    else if (c >= 0x30 && c <= 0x39) value = value * 10 + (c - 0x30)
    else return false
  }
  const places = end - point - 1
  if (places === 0 || (places < 0 && end - from > 15)) return false
  shortDigits = negative ? -value : value
  shortPlaces = Math.max(places, 0)
  return true
}

// Texts of a float are those of the shortest decimal that means it, so they are rounded back to it.
function readDouble(bytes: Uint8Array, start: number, end: number, single: boolean): number | undefined {
  if (scanShort(bytes, start, end)) {
    // Both are exact, so that the quotient is the double nearest to the text.
    const value = shortDigits / (POWERS[shortPlaces] as number)
    return single ? Math.fround(value) : value
  }
  if (end - start > 400) return undefined
  const text = isString(bytes, start) ? parseString(bytes, start, end) : decodeUtf8(bytes, start, end)
  if (isString(bytes, start))
    return text === 'Infinity' ? Number.POSITIVE_INFINITY : text === '-Infinity' ? Number.NEGATIVE_INFINITY : undefined
  if (text === undefined || !JSON_NUMBER.test(text)) return undefined
  const value = single ? Math.fround(Number(text)) : Number(text)
  return Number.isFinite(value) ? value : undefined
}

// Writers cut timestamps down to milliseconds, so that the greatest value may be up to a millisecond later than it says.
function readTimestamp(bytes: Uint8Array, start: number, end: number, zoned: boolean, side: Side): Key | undefined {
  const noZone = !zoned && bytes[end - 1] === 0x5a ? end - 1 : end
  const micros = zoned ? parseTimestampMicrosBytes(bytes, start, end) : parseTimestampNtzMicrosBytes(bytes, start, noZone)
  if (!Number.isNaN(micros)) return side === 'min' ? micros : micros + 1000
  const exact = zoned ? parseTimestampMicrosBytesExact(bytes, start, end) : parseTimestampNtzMicrosBytesExact(bytes, start, noZone)
  if (exact === undefined || exact < MIN_INT64) return undefined
  if (side === 'min') return exact
  return exact + 1000n > MAX_INT64 ? undefined : exact + 1000n
}

/** From this many bytes on a text may have been cut: writers keep a prefix, by default of 32 characters. */
const CUT_BYTES = 32

// The greatest text may be a prefix of the greatest value; a byte that no UTF-8 holds makes it greater than all of those.
function readText(bytes: Uint8Array, start: number, end: number, side: Side): Uint8Array | undefined {
  const raw = bytes.subarray(start + 1, end - 1)
  const text = raw.includes(0x5c) ? unescapeText(bytes, start, end) : raw
  if (text === undefined || !isTrustedText(text)) return undefined
  if (side === 'min' || text.length < CUT_BYTES) return text.slice()
  const key = new Uint8Array(text.length + 1)
  key.set(text)
  key[text.length] = 0xff
  return key
}

function unescapeText(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const text = parseString(bytes, start, end)
  return text === undefined || /\p{Surrogate}/u.test(text) ? undefined : encodeUtf8(text)
}

// A cut inside a character leaves U+FFFD or half a surrogate pair, which sort elsewhere than the character did.
function isTrustedText(text: Uint8Array): boolean {
  for (let i = text.indexOf(0xef); i >= 0; i = text.indexOf(0xef, i + 1)) if (text[i + 1] === 0xbf && text[i + 2] === 0xbd) return false
  for (let i = text.indexOf(0xed); i >= 0; i = text.indexOf(0xed, i + 1)) if ((text[i + 1] as number) >= 0xa0) return false
  return true
}
