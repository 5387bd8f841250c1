// Places a literal on the values of a column. Rule: nothing is rounded in silence. A literal between two values of the
// column keeps both its neighbours' order (`long < 1.5` is `long <= 1`), one beyond the type's range stays beyond it.
import { encodeUtf8 } from '../bytes.js'
import { type DataType, parseDateDays, parseTimestampMicros, parseTimestampNtzMicros } from '../schema/index.js'
import type { Key } from './domain.js'
import type { Literal } from './expression.js'
import { parseNumberText, placeNumber } from './number-text.js'

/**
 * `at`: the literal is that value. `after`: it lies between that value and the next one of the type. `above`, `below`:
 * beyond every value. `fault`: the literal does not go with the type; the text says why and what to write.
 */
export type Placement =
  | { readonly kind: 'at' | 'after'; readonly key: Key }
  | { readonly kind: 'above' | 'below' }
  | { readonly kind: 'fault'; readonly problem: string }

/** Where a literal (not null) stands among the values of a type. */
export function placeLiteral(literal: Literal, type: DataType): Placement {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return placeInteger(literal, 0, LONG_LIMIT)
    case 'decimal':
      // The text of a decimal is also its form in rows, so text is taken when it is a number.
      return placeInteger(
        literal.type === 'string' && isNumber(literal.text) ? { ...literal, type: 'number' } : literal,
        type.scale,
        DECIMAL_LIMIT,
      )
    case 'float':
    case 'double':
      return placeDouble(literal)
    case 'boolean':
      return literal.type === 'boolean' ? at(literal.text === 'true' ? 1 : 0) : fault('write true or false')
    case 'string':
      return literal.type === 'string' ? at(encodeUtf8(literal.text)) : fault(`write '${literal.text}' in single quotes`)
    case 'binary':
      return literal.type === 'binary' ? at(hexBytes(literal.text)) : fault("write the bytes as X'00ff'")
    case 'date':
      return placeDate(literal)
    case 'timestamp':
    case 'timestamp_ntz':
      return placeTimestamp(literal, type.type === 'timestamp')
    default:
      return fault('only IS NULL and IS NOT NULL apply to it')
  }
}

const MICROS_PER_DAY = 86_400_000_000n
const LONG_LIMIT = 2n ** 63n
const DECIMAL_LIMIT = 10n ** 38n

function at(key: Key): Placement {
  return { kind: 'at', key }
}

function fault(problem: string): Placement {
  return { kind: 'fault', problem }
}

function isNumber(text: string): boolean {
  return parseNumberText(text) !== undefined
}

// Integers run from -limit to limit - 1; a narrower type needs no narrower limit, since its values end before.
function placeInteger(literal: Literal, scale: number, limit: bigint): Placement {
  if (literal.type === 'double') return { kind: literal.text === '-Infinity' ? 'below' : 'above' }
  const number = literal.type === 'number' ? parseNumberText(literal.text) : undefined
  if (number === undefined) return notANumber(literal)
  const placed = placeNumber(number, scale)
  if (typeof placed === 'string') return { kind: placed }
  if (placed.floor >= limit) return { kind: 'above' }
  if (placed.floor < -limit) return { kind: 'below' }
  return { kind: placed.exact ? 'at' : 'after', key: placed.floor }
}

// Decimal text means the nearest double, as in every engine; beyond the largest double it stays below Infinity.
function placeDouble(literal: Literal): Placement {
  if (literal.type === 'double') return at(Number(literal.text))
  if (literal.type !== 'number' || !isNumber(literal.text)) return notANumber(literal)
  const value = Number(literal.text)
  if (value === Number.POSITIVE_INFINITY) return { kind: 'after', key: Number.MAX_VALUE }
  if (value === Number.NEGATIVE_INFINITY) return { kind: 'after', key: value }
  return at(value)
}

function notANumber(literal: Literal): Placement {
  return fault(literal.type === 'string' && isNumber(literal.text) ? `write ${literal.text} without quotes` : 'write a number')
}

function placeDate(literal: Literal): Placement {
  if (literal.type === 'timestamp' || literal.type === 'timestamp_ntz') {
    const micros = timestampMicros(literal.text)
    if (micros === undefined) return fault(TIMESTAMP_FORM)
    const days = micros / MICROS_PER_DAY - (micros % MICROS_PER_DAY < 0n ? 1n : 0n)
    return { kind: days * MICROS_PER_DAY === micros ? 'at' : 'after', key: Number(days) }
  }
  const days = literal.type === 'date' || literal.type === 'string' ? parseDateDays(literal.text) : undefined
  return days === undefined ? fault("write DATE '2024-01-31'") : at(days)
}

function placeTimestamp(literal: Literal, hasZone: boolean): Placement {
  if (!['timestamp', 'timestamp_ntz', 'date', 'string'].includes(literal.type)) return fault(TIMESTAMP_FORM)
  const micros = hasZone ? timestampMicros(literal.text) : ntzMicros(literal.text)
  if (micros !== undefined) return at(micros)
  const zoned = !hasZone && parseTimestampMicros(literal.text) !== undefined
  return fault(zoned ? "a timestamp_ntz has no zone: write TIMESTAMP '2024-01-31T08:00:00'" : TIMESTAMP_FORM)
}

const TIMESTAMP_FORM = "write TIMESTAMP '2024-01-31T08:00:00Z'"

// A timestamp without a zone is taken as UTC.
function timestampMicros(text: string): bigint | undefined {
  return parseTimestampMicros(text) ?? ntzMicros(text)
}

function ntzMicros(text: string): bigint | undefined {
  const micros = parseTimestampNtzMicros(text)
  if (micros !== undefined) return micros
  const days = parseDateDays(text)
  return days === undefined ? undefined : BigInt(days) * MICROS_PER_DAY
}

function hexBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
