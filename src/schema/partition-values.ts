// Partition values as the texts of `add.partitionValues` (PROTOCOL.md, "Partition Value Serialization").
// One rule: what is written reads back as the same value in every engine; null and the empty text are both null.
import { decodeUtf8Strict, encodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { formatDecimal, parseDecimal } from './decimal.js'
import { formatJavaDouble, formatJavaFloat, parseJavaDouble } from './java-double.js'
import {
  formatDateDays,
  formatTimestampMicros,
  formatTimestampNtzPartition,
  parseDateDays,
  parseTimestampMicrosAssumingUtc,
  parseTimestampNtzMicros,
} from './time.js'
import { typeName } from './type-names.js'
import type { DataType, DecimalType, PhysicalValue, PrimitiveName } from './types.js'

/** Whether a column of this type can partition a table. */
export function isPartitionType(type: DataType): boolean {
  return type.type === 'decimal' || PARTITION_TYPES.has(type.type)
}

/**
 * The text of a value in `partitionValues`; null for null, the empty text and no bytes.
 * Timestamps are written in UTC as `1970-01-01T00:00:00.123456Z`, floats as Java prints them, bytes as the UTF-8 text they hold.
 * @throws AlluviumError `INVALID_ROW` for bytes that are no UTF-8 text, `INVALID_OPTIONS` for a type that cannot partition.
 * @throws TypeError when the value is not of the type's physical form.
 */
export function formatPartitionValue(type: DataType, value: PhysicalValue | null): string | null {
  if (value === null || value === '') return null
  switch (type.type) {
    case 'string':
      // Half a surrogate pair has no UTF-8: it becomes U+FFFD here, as it does in the data.
      return expect(type, value, 'string').replace(LONE_SURROGATE, '\ufffd')
    case 'long':
      return expect(type, value, 'bigint').toString()
    case 'integer':
    case 'short':
    case 'byte':
      return String(expect(type, value, 'number'))
    case 'float':
      return formatJavaFloat(expect(type, value, 'number'))
    case 'double':
      return formatJavaDouble(expect(type, value, 'number'))
    case 'boolean':
      return String(expect(type, value, 'boolean'))
    case 'date':
      return formatDateDays(expect(type, value, 'number'))
    case 'timestamp':
      return formatTimestampMicros(expect(type, value, 'bigint'))
    case 'timestamp_ntz':
      return formatTimestampNtzPartition(expect(type, value, 'bigint'))
    case 'decimal':
      return formatDecimal(expect(type, value, 'bigint'), type.scale)
    case 'binary':
      return formatBytes(value)
    default:
      throw notPartitionType(type)
  }
}

/**
 * The value of a text in `partitionValues`; null for null and for the empty text, whatever the type.
 * Timestamps without a zone (the form of older writers) are taken as UTC.
 * @throws AlluviumError `CORRUPT_LOG` when the text is no value of the type.
 */
export function parsePartitionValue(type: DataType, text: string | null): PhysicalValue | null {
  if (text === null || text === '') return null
  const value = parseText(type, text)
  if (value === undefined) {
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
    throw new AlluviumError('CORRUPT_LOG', `the partition value '${shown}' is no ${typeName(type)}`, { value: shown, type: typeName(type) })
  }
  return value
}

const PARTITION_TYPES: ReadonlySet<string> = new Set<PrimitiveName>([
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
])

const LONE_SURROGATE = /\p{Surrogate}/gu
const INTEGER = /^[+-]?\d{1,40}$/

interface Forms {
  string: string
  bigint: bigint
  number: number
  boolean: boolean
}

function expect<F extends keyof Forms>(type: DataType, value: PhysicalValue, form: F): Forms[F] {
  if (typeof value !== form) throw new TypeError(`a ${typeName(type)} partition value must be a ${form}, not a ${typeof value}`)
  return value as Forms[F]
}

function formatBytes(value: PhysicalValue): string | null {
  if (!(value instanceof Uint8Array)) throw new TypeError(`a binary partition value must be a Uint8Array, not a ${typeof value}`)
  const text = decodeUtf8Strict(value)
  if (text === undefined || !sameBytes(encodeUtf8(text), value)) {
    throw new AlluviumError(
      'INVALID_ROW',
      'a binary partition value must hold UTF-8 text, because the log stores it as text; partition by another column',
    )
  }
  return text === '' ? null : text
}

// A decoder drops a byte order mark; such bytes would not come back.
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function parseText(type: DataType, text: string): PhysicalValue | undefined {
  switch (type.type) {
    case 'string':
      return text
    case 'binary':
      return encodeUtf8(text)
    case 'long':
      return parseInteger(text, -(2n ** 63n), 2n ** 63n - 1n)
    case 'integer':
      return parseSmallInteger(text, 2 ** 31)
    case 'short':
      return parseSmallInteger(text, 2 ** 15)
    case 'byte':
      return parseSmallInteger(text, 2 ** 7)
    case 'float': {
      const value = parseJavaDouble(text)
      return value === undefined ? undefined : Math.fround(value)
    }
    case 'double':
      return parseJavaDouble(text)
    case 'boolean':
      return parseBoolean(text)
    case 'date':
      return parseDateDays(text)
    case 'timestamp':
      return parseTimestampMicrosAssumingUtc(text)
    case 'timestamp_ntz':
      return parseTimestampNtzMicros(text) ?? parseDateMicros(text)
    case 'decimal':
      return parseDecimalText(type, text)
    default:
      throw notPartitionType(type)
  }
}

function parseInteger(text: string, min: bigint, max: bigint): bigint | undefined {
  if (!INTEGER.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value >= min && value <= max ? value : undefined
}

function parseSmallInteger(text: string, bound: number): number | undefined {
  if (!INTEGER.test(text)) return undefined
  const value = Number(text)
  return value >= -bound && value < bound ? value + 0 : undefined
}

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

// A column that was a date before its type was widened.
function parseDateMicros(text: string): bigint | undefined {
  const days = parseDateDays(text)
  return days === undefined ? undefined : BigInt(days) * 86_400_000_000n
}

function parseDecimalText(type: DecimalType, text: string): bigint | undefined {
  return parseDecimal(text, type.precision, type.scale)
}

function notPartitionType(type: DataType): AlluviumError {
  return new AlluviumError('INVALID_OPTIONS', `a column of type ${typeName(type)} cannot partition a table`, { type: typeName(type) })
}
