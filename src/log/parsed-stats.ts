// Statistics that a checkpoint keeps as columns (`stats_parsed`) as the JSON text they stand for (PROTOCOL.md, "Per-file
// Statistics"). What has no place in that text is left out; readers know such values as unknown.
import { type Data, DataType, TimeUnit } from 'apache-arrow'
import { formatDateDays, formatDecimal, formatTimestampMicros, formatTimestampNtzMicros } from '../schema/index.js'
import { textAt } from './arrow-json.js'

/** The text of one cell, undefined where it is null or of a type that statistics do not have. */
export function statsText(data: Data, index: number): string | undefined {
  if (!data.getValid(index)) return undefined
  const { type } = data
  if (DataType.isStruct(type)) return structText(data, index)
  if (DataType.isInt(type)) return String(data.values[index])
  if (DataType.isFloat(type)) return numberText(Number(data.values[index]))
  if (DataType.isUtf8(type)) return JSON.stringify(textAt(data, index))
  if (DataType.isBool(type)) return String(((data.values[(data.offset + index) >> 3] as number) & (1 << ((data.offset + index) & 7))) !== 0)
  if (DataType.isDecimal(type)) return formatDecimal(decimalAt(data, index), type.scale)
  if (DataType.isDate(type)) return dateText(data, index)
  if (DataType.isTimestamp(type)) return timestampText(data, type, index)
  return undefined
}

function structText(data: Data, index: number): string {
  const members: string[] = []
  for (const [n, { name }] of data.type.children.entries()) {
    const text = statsText(data.children[n] as Data, index)
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${members.join(',')}}`
}

function numberText(value: number): string | undefined {
  if (Number.isNaN(value)) return undefined
  if (Object.is(value, -0)) return '-0.0'
  return Number.isFinite(value) ? String(value) : `"${value}"`
}

// Only days: the other unit of Arrow is none of Parquet's.
function dateText(data: Data, index: number): string | undefined {
  return data.values instanceof Int32Array && data.stride === 1 ? `"${formatDateDays(data.values[index] as number)}"` : undefined
}

function timestampText(data: Data, type: { unit: TimeUnit; timezone?: string | null }, index: number): string | undefined {
  const value = data.values[index] as bigint
  const micros = microsOf(value, type.unit)
  if (micros === undefined) return undefined
  const isZoned = type.timezone !== undefined && type.timezone !== null && type.timezone !== ''
  return `"${isZoned ? formatTimestampMicros(micros) : formatTimestampNtzMicros(micros)}"`
}

// Cut down, as all timestamps in statistics may be: readers allow for a millisecond above.
function microsOf(value: bigint, unit: TimeUnit): bigint | undefined {
  if (unit === TimeUnit.MICROSECOND) return value
  if (unit === TimeUnit.MILLISECOND) return value * 1000n
  if (unit === TimeUnit.NANOSECOND) return (value - (((value % 1000n) + 1000n) % 1000n)) / 1000n
  return undefined
}

function decimalAt(data: Data, index: number): bigint {
  const words = data.values as Uint32Array
  const perValue = (data.type as unknown as { bitWidth: number }).bitWidth / 32
  let value = 0n
  for (let k = perValue - 1; k >= 0; k--) value = (value << 32n) | BigInt((words[index * perValue + k] as number) >>> 0)
  return BigInt.asIntN(32 * perValue, value)
}
