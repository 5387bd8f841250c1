// Rows as short text for a terminal. For eyes only: exact forms are ndjson, csv and canonical.
import type { RecordBatch } from 'apache-arrow'
import { rowsOf } from '../arrow/index.js'
import { type DataType, formatTimestampMicros, type StructType } from '../schema/index.js'

const CELL_CHARS = 60

/** One array of texts a row. */
export function tableCells(batch: RecordBatch, struct: StructType): string[][] {
  const rows = rowsOf(batch, struct, { timestamps: 'micros' }) as Record<string, unknown>[]
  return rows.map((row) => struct.fields.map((field) => shorten(cellText(row[field.name], field.dataType))))
}

function cellText(value: unknown, type: DataType): string {
  if (value === null || value === undefined) return 'null'
  switch (type.type) {
    case 'timestamp':
      return formatTimestampMicros(value as bigint).replace(/\.?0*Z$/, 'Z')
    case 'binary':
      return `0x${Array.from((value as Uint8Array).subarray(0, CELL_CHARS), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
    case 'array':
      return `[${(value as unknown[]).map((item) => cellText(item, type.elementType)).join(', ')}]`
    case 'map':
      return `{${[...(value as Map<unknown, unknown>)].map(([key, item]) => `${cellText(key, type.keyType)}: ${cellText(item, type.valueType)}`).join(', ')}}`
    case 'struct':
      return `{${type.fields.map((field) => `${field.name}: ${cellText((value as Record<string, unknown>)[field.name], field.dataType)}`).join(', ')}}`
    default:
      return String(value)
  }
}

// Control characters would move the cursor; they are shown as what they are.
function shorten(text: string): string {
  const visible = text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return visible.length > CELL_CHARS ? `${visible.slice(0, CELL_CHARS - 1)}…` : visible
}
