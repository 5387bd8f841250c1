// Bounds as JSON values of a file's statistics (PROTOCOL.md, "Per-file Statistics"). One rule: a bound that JSON, or
// some reader, cannot hold faithfully is left out; a missing bound keeps the file, a wrong one loses rows.
import { decodeUtf8 } from '../bytes.js'
import { formatDateDays, formatDecimal } from '../schema/index.js'

const TIE_ASCII = '\u007f'
const TIE_MAX = '\u{10ffff}'
// Day numbers of 0001-01-01 and 9999-12-31: readers disagree about years beyond.
const FIRST_DAY = -719_162
const LAST_DAY = 2_932_896
const FIRST_MILLIS = FIRST_DAY * 86_400_000
const LAST_MILLIS = (LAST_DAY + 1) * 86_400_000 - 1

/** The JSON of a floating-point bound; infinities have none. */
export function floatBound(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** The JSON of a decimal bound: a plain number with all digits of its scale. */
export function decimalBound(unscaled: bigint, scale: number): string {
  return formatDecimal(unscaled, scale)
}

/** The JSON of a day. */
export function dateBound(days: number): string | undefined {
  return days < FIRST_DAY || days > LAST_DAY ? undefined : `"${formatDateDays(days)}"`
}

/** The JSON of an instant, floored to milliseconds: readers add one to the greatest. */
export function timestampBound(micros: bigint, zone: 'Z' | ''): string | undefined {
  const whole = micros / 1000n
  const millis = Number(micros < 0n && whole * 1000n !== micros ? whole - 1n : whole)
  if (millis < FIRST_MILLIS || millis > LAST_MILLIS) return undefined
  return `"${new Date(millis).toISOString().slice(0, -1)}${zone}"`
}

/** The JSON of the least text: its first characters, a lower bound of the whole. */
export function leastTextBound(bytes: Uint8Array, prefixLength: number): string {
  const end = prefixEnd(bytes, prefixLength)
  return JSON.stringify(decodeUtf8(bytes, 0, end))
}

/**
 * The JSON of the greatest text. A shortened one gets a character beyond the one it cuts off, so that it stays an upper
 * bound; where none exists, the prefix grows up to twice its length, and then there is no bound.
 */
export function greatestTextBound(bytes: Uint8Array, prefixLength: number): string | undefined {
  for (let length = prefixLength; length <= prefixLength * 2; length++) {
    const end = prefixEnd(bytes, length)
    if (end === bytes.length) return JSON.stringify(decodeUtf8(bytes))
    const next = (decodeUtf8(bytes, end, prefixEnd(bytes, 1, end)).codePointAt(0) ?? 0) as number
    if (next < 0x7f) return JSON.stringify(decodeUtf8(bytes, 0, end) + TIE_ASCII)
    if (next < 0x10ffff) return JSON.stringify(decodeUtf8(bytes, 0, end) + TIE_MAX)
  }
  return undefined
}

// Where the first `count` code points after `start` end.
function prefixEnd(bytes: Uint8Array, count: number, start = 0): number {
  let at = start
  for (let seen = 0; seen < count && at < bytes.length; seen++) {
    at++
    while (at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80) at++
  }
  return at
}
