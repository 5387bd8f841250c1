// A bound of a column as statistics print it, in a form that orders as the column does. Rule: what is not exactly a value of the
// type is no bound.
import { JsonNumber, type JsonValue } from '../json.js'
import { type DataType, parseDateDays, parseTimestampMicros, parseTimestampNtzMicros } from '../schema/index.js'

/** Orders with `<` among those of one column; texts by their UTF-8 bytes. */
export type Bound = number | bigint | string

// The digits of a decimal, and what writers that print it as a double may add.
const DECIMAL = /^(-?)(\d{1,60})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,3}))?$/
const MAX_EXPONENT = 100
// All decimals are compared as multiples of this power of ten.
const SCALE = 200

/** How the bounds of a type are read; undefined for types without bounds. */
export function boundReader(type: DataType): ((value: JsonValue) => Bound | undefined) | undefined {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return whole
    case 'float':
    case 'double':
      return double
    case 'decimal':
      return decimal
    case 'string':
      return (value) => (typeof value === 'string' ? value : undefined)
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? Number(value) : undefined)
    case 'date':
      return (value) => (typeof value === 'string' ? parseDateDays(value) : undefined)
    case 'timestamp':
      return (value) => (typeof value === 'string' ? parseTimestampMicros(value) : undefined)
    case 'timestamp_ntz':
      return (value) => (typeof value === 'string' ? parseTimestampNtzMicros(value) : undefined)
    default:
      return undefined
  }
}

function whole(value: JsonValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

function double(value: JsonValue): number | undefined {
  const number = value instanceof JsonNumber ? Number(value.text) : typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

function decimal(value: JsonValue): bigint | undefined {
  const text = value instanceof JsonNumber ? value.text : typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
  const [, sign, digits, fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? []
  const power = Number(exponent)
  if (digits === undefined || Math.abs(power) > MAX_EXPONENT) return undefined
  const unscaled = BigInt(digits + fraction) * 10n ** BigInt(SCALE - fraction.length + power)
  return sign === '-' ? -unscaled : unscaled
}
