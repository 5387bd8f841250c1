// Statistics of files of random rows, computed the slow way and written as the writers in the field write them.
import fc from 'fast-check'
import type { DataType } from '../../src/schema/index.js'
import { formatDateDays, formatDecimal, formatTimestampMicros, formatTimestampNtzMicros } from '../../src/schema/index.js'
import { type Cell, type Row, struct } from './batches.js'
import { compareCells } from './oracle.js'

/** How a writer deviates from exact statistics, all of it seen in the field or allowed by the protocol. */
export interface Writer {
  /** Rows deleted by a deletion vector still count: bounds are wide. */
  readonly wide: boolean
  /** NaN is left out of minimum and maximum. */
  readonly skipsNaN: boolean
  /** Texts are cut to this many characters; the maximum gets a tie-breaker, or not. */
  readonly cut: number | undefined
  readonly tieBreaker: boolean
  /** Decimals pass through a double. */
  readonly doubles: boolean
  /** Column names of which no statistics are written. */
  readonly without: readonly string[]
  readonly withNullCount: boolean
  readonly withNumRecords: boolean
  readonly withNanCount: boolean
}

export const WRITERS: fc.Arbitrary<Writer> = fc.record({
  wide: fc.boolean(),
  skipsNaN: fc.boolean(),
  cut: fc.constantFrom(undefined, 32),
  tieBreaker: fc.boolean(),
  doubles: fc.boolean(),
  without: fc.subarray(['i', 'l', 'd', 't', 'st', 'big']),
  withNullCount: fc.boolean(),
  withNumRecords: fc.boolean(),
  withNanCount: fc.boolean(),
})

/** The JSON text of the statistics of `rows` (all physical rows of a file). */
export function statsText(columns: Readonly<Record<string, DataType>>, rows: readonly Row[], writer: Writer): string {
  const counts = writer.withNumRecords ? [`"numRecords":${rows.length}`] : []
  const [minValues, maxValues, nullCount, nanCount] = levels(columns, rows, writer)
  counts.push(`"minValues":${minValues}`, `"maxValues":${maxValues}`)
  if (writer.withNullCount) counts.push(`"nullCount":${nullCount}`)
  if (writer.withNanCount) counts.push(`"nanCount":${nanCount}`)
  if (writer.wide) counts.push('"tightBounds":false')
  return `{${counts.join(',')}}`
}

function levels(
  columns: Readonly<Record<string, DataType>>,
  rows: readonly (Row | null)[],
  writer: Writer,
): [string, string, string, string] {
  const parts: [string[], string[], string[], string[]] = [[], [], [], []]
  for (const [name, type] of Object.entries(columns)) {
    if (writer.without.includes(name)) continue
    const key = JSON.stringify(name)
    const cells = rows.map((row) => row?.[name] ?? null)
    if (type.type === 'struct') {
      const members = Object.fromEntries(type.fields.map((field) => [field.name, field.dataType]))
      const texts = levels(members, cells as (Row | null)[], { ...writer, without: [] })
      for (const [i, text] of texts.entries()) parts[i]?.push(`${key}:${text}`)
      continue
    }
    const values = cells.filter((cell) => cell !== null)
    parts[2].push(`${key}:${cells.length - values.length}`)
    const isNotANumber = (value: Cell): boolean => typeof value === 'number' && Number.isNaN(value)
    if (type.type === 'double' || type.type === 'float') parts[3].push(`${key}:${values.filter(isNotANumber).length}`)
    // A NaN count of zero promises that the maximum covers NaN, which a writer that skips NaN can only do where there is none.
    const counted = (writer.skipsNaN ? values.filter((value) => !isNotANumber(value)) : values).sort((a, b) => compareCells(type, a, b))
    if (counted.length === 0 || type.type === 'binary') continue
    const min = textOf(type, counted[0] as Cell, 'min', writer)
    const max = textOf(type, counted[counted.length - 1] as Cell, 'max', writer)
    if (min !== undefined) parts[0].push(`${key}:${min}`)
    if (max !== undefined) parts[1].push(`${key}:${max}`)
  }
  return parts.map((members) => `{${members.join(',')}}`) as [string, string, string, string]
}

function textOf(type: DataType, value: Cell, side: 'min' | 'max', writer: Writer): string | undefined {
  switch (type.type) {
    case 'float':
    case 'double':
      return Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : floatText(type, value as number)) : `"${value}"`
    case 'decimal': {
      const exact = formatDecimal(value as bigint, type.scale)
      return writer.doubles ? String(Number(exact)) : exact
    }
    case 'date':
      return `"${formatDateDays(value as number)}"`
    case 'timestamp':
      return `"${cutToMillis(formatTimestampMicros(value as bigint)).slice(0, -1)}Z"`
    case 'timestamp_ntz':
      return `"${cutToMillis(formatTimestampNtzMicros(value as bigint))}"`
    case 'string':
      return JSON.stringify(cutText(value as string, side, writer))
    case 'boolean':
      return String(value)
    default:
      return String(value)
  }
}

// As Java's Float.toString: the shortest text that rounds to the float, not the digits of the double it equals.
function floatText(type: DataType, value: number): string {
  if (type.type === 'double') return String(value)
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return String(value)
}

function cutToMillis(text: string): string {
  return text.replace(/(\.\d{3})\d{3}(Z?)$/, '$1$2')
}

function cutText(text: string, side: 'min' | 'max', { cut, tieBreaker }: Writer): string {
  const characters = [...text]
  if (cut === undefined || characters.length <= cut) return text
  return characters.slice(0, cut).join('') + (side === 'max' && tieBreaker ? '\u{10ffff}' : '')
}

/** Files of rows that lie near each other, so that bounds are narrow and pruning has something to do. */
export const FILE_COLUMNS: Readonly<Record<string, DataType>> = {
  i: { type: 'integer' },
  l: { type: 'long' },
  f: { type: 'float' },
  d: { type: 'double' },
  big: { type: 'decimal', precision: 38, scale: 10 },
  small: { type: 'decimal', precision: 9, scale: 2 },
  t: { type: 'string' },
  flag: { type: 'boolean' },
  bytes: { type: 'binary' },
  day: { type: 'date' },
  at: { type: 'timestamp' },
  ntz: { type: 'timestamp_ntz' },
  st: struct({ n: { type: 'integer' }, t: { type: 'string' } }),
  p: { type: 'integer' },
  q: { type: 'string' },
}
