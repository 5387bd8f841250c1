// What becomes of variant values: JavaScript values for rows, JSON texts for lines.
import { compareText } from '../../bytes.js'
import { formatDateDays, formatDecimal, formatTimestampMicros, formatTimestampNtzMicros } from '../../schema/index.js'
import { encodeBase64 } from '../base64.js'
import { shortestSingle } from '../text-leaves.js'
import { variantFault } from './faults.js'
import type { VariantSink } from './read-value.js'

const MAX_DATE_MS = 8_640_000_000_000_000n
const MICROS_PER_DAY = 86_400_000_000n

/**
 * Values as in rows: number for integers (bigint beyond 2^53) and floats, text for decimals, dates, times, timestamps
 * without a zone, timestamps with nanoseconds and UUIDs, `Date` or bigint microseconds for timestamps, plain objects.
 */
export function valueSink(timestamps: 'date' | 'micros'): VariantSink<unknown> {
  return {
    null: () => null,
    boolean: (value) => value,
    integer: (value) => value,
    float: (value) => value,
    decimal: formatDecimal,
    date: formatDateDays,
    time: timeText,
    timestamp: (value, unit, zoned) => {
      if (unit === 'nanos' || !zoned) return timestampText(value, unit, zoned)
      if (timestamps === 'micros') return value
      const ms = floorDiv(value, 1000n)
      // No Date can hold it; its text can.
      return ms > MAX_DATE_MS || ms < -MAX_DATE_MS ? timestampText(value, unit, zoned) : new Date(Number(ms))
    },
    binary: (bytes) => bytes.slice(),
    text: (text) => text,
    uuid: uuidText,
    array: (items) => items,
    object: (names, values) => {
      const object: Record<string, unknown> = {}
      names.forEach((name, i) => {
        if (name !== '__proto__') object[name] = values[i]
        else Object.defineProperty(object, name, { value: values[i], enumerable: true, writable: true, configurable: true })
      })
      return object
    },
  }
}

/**
 * JSON texts. `canonical`: integers beyond 2^53 and decimals are strings, members in the order of `JSON.stringify` over
 * sorted keys, floats the doubles they equal. `json`: numbers of any length and as short as they can be, members as they
 * stand.
 */
export function jsonSink(style: 'canonical' | 'json'): VariantSink<string> {
  const canonical = style === 'canonical'
  return {
    null: () => 'null',
    boolean: String,
    integer: (value) => (canonical && typeof value === 'bigint' ? `"${value}"` : `${value}`),
    float: (value, single) => {
      if (!Number.isFinite(value)) return `"${value}"`
      if (canonical) return `${value}`
      return Object.is(value, -0) ? '-0' : single ? shortestSingle(value) : `${value}`
    },
    decimal: (unscaled, scale) => (canonical ? `"${formatDecimal(unscaled, scale)}"` : formatDecimal(unscaled, scale)),
    date: (days) => `"${formatDateDays(days)}"`,
    time: (micros) => `"${timeText(micros)}"`,
    timestamp: (value, unit, zoned) => `"${timestampText(value, unit, zoned)}"`,
    binary: (bytes) => `"${encodeBase64(bytes)}"`,
    text: (text) => JSON.stringify(text),
    uuid: (bytes) => `"${uuidText(bytes)}"`,
    array: (items) => `[${items.join(',')}]`,
    object: (names, values) => {
      const order = names.map((_, i) => i)
      if (canonical) order.sort((a, b) => compareKeys(names[a] as string, names[b] as string))
      return `{${order.map((i) => `${JSON.stringify(names[i])}:${values[i]}`).join(',')}}`
    },
  }
}

// Names that are array indices come first, by number: no object of JavaScript can have them elsewhere.
function compareKeys(a: string, b: string): number {
  const [x, y] = [arrayIndex(a), arrayIndex(b)]
  if (x >= 0 && y >= 0) return x - y
  return x >= 0 ? -1 : y >= 0 ? 1 : compareText(a, b)
}

function arrayIndex(name: string): number {
  if (name.length > 10) return -1
  const value = Number(name)
  return value >= 0 && value < 4_294_967_295 && Number.isInteger(value) && String(value) === name ? value : -1
}

function timestampText(value: bigint, unit: 'micros' | 'nanos', zoned: boolean): string {
  const micros = unit === 'micros' ? value : floorDiv(value, 1000n)
  const text = formatTimestampNtzMicros(micros)
  if (unit === 'micros') return zoned ? formatTimestampMicros(micros) : text
  return `${text}${String(value - micros * 1000n).padStart(3, '0')}${zoned ? 'Z' : ''}`
}

function timeText(micros: bigint): string {
  if (micros < 0n || micros >= MICROS_PER_DAY) throw variantFault(`a time of ${micros} microseconds since midnight`)
  return formatTimestampNtzMicros(micros).slice(11)
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function floorDiv(value: bigint, by: bigint): bigint {
  const rest = value % by
  return value / by - (rest < 0n ? 1n : 0n)
}
