// Partition values and statistics in the types of their columns: `partitionValues_parsed` and `stats_parsed` of a
// checkpoint. What cannot be read in its column's type becomes null there; readers know null as unknown.
import { type ColumnBuilder, StructBuilder } from '../../arrow/index.js'
import { decodeUtf8 } from '../../bytes.js'
import { isAlluviumError } from '../../errors.js'
import { isJsonObject, JsonNumber, type JsonValue, parseJson } from '../../json.js'
import {
  type DataType,
  formatDateDays,
  formatDecimal,
  formatTimestampNtzMicros,
  type PhysicalValue,
  parsePartitionValue,
  parseTimestampMicros,
} from '../../schema/index.js'
import type { FileTable } from '../file-table.js'
import type { RowChunk } from '../row-chunk.js'

export class ParsedColumns {
  private readonly table: FileTable
  private readonly partitions: StructBuilder | undefined
  private readonly stats: StructBuilder | undefined
  /** By partition column of the struct: its values by dictionary id, as far as they were asked for. */
  private readonly known: Map<number, unknown>[] = []

  constructor(table: FileTable, partitions: ColumnBuilder | undefined, stats: ColumnBuilder | undefined) {
    this.table = table
    this.partitions = partitions as StructBuilder | undefined
    this.stats = stats as StructBuilder | undefined
  }

  get wantsStats(): boolean {
    return this.stats !== undefined
  }

  appendPartitions(chunk: RowChunk, i: number): void {
    if (this.partitions === undefined) return
    for (const [n, column] of this.partitions.children.entries()) {
      const value = this.partitionValue(n, column, chunk, i)
      if (value === null || column.append(value) !== undefined) column.appendNull()
    }
    this.partitions.endCell()
  }

  /** Appends the statistics of one file, undefined for none. */
  appendStats(bytes: Uint8Array | undefined, start: number, end: number): void {
    if (this.stats === undefined) return
    const json = bytes === undefined ? undefined : parsed(decodeUtf8(bytes, start, end))
    if (json === undefined) this.stats.appendNull()
    else appendMember(this.stats, json)
  }

  private partitionValue(n: number, builder: ColumnBuilder, chunk: RowChunk, i: number): unknown {
    const column = this.table.partitionColumns.find(({ name }) => name === builder.field.name)
    const id = column === undefined ? 0 : (chunk.partitions[column.ordinal]?.[i] ?? 0)
    if (column === undefined || id === 0) return null
    const known = (this.known[n] ??= new Map())
    let value = known.get(id)
    if (value === undefined) {
      value = physicalValue(builder.field.dataType, column.dictionary.values[id] ?? null)
      known.set(id, value)
    }
    return value
  }
}

function physicalValue(type: DataType, text: string | null): unknown {
  try {
    const value = parsePartitionValue(type, text)
    return value === null ? null : rowForm(type, value)
  } catch (error) {
    if (isAlluviumError(error)) return null
    throw error
  }
}

// Builders take some types as the texts that they are in rows.
function rowForm(type: DataType, value: PhysicalValue): unknown {
  if (type.type === 'date') return formatDateDays(value as number)
  if (type.type === 'timestamp_ntz') return formatTimestampNtzMicros(value as bigint)
  if (type.type === 'decimal') return formatDecimal(value as bigint, type.scale)
  return value
}

function parsed(text: string): JsonValue | undefined {
  try {
    const json = parseJson(text)
    return isJsonObject(json) ? json : undefined
  } catch (error) {
    if (isAlluviumError(error)) return undefined
    throw error
  }
}

function appendMember(builder: ColumnBuilder, value: JsonValue | undefined): void {
  if (!(builder instanceof StructBuilder)) {
    const cell = cellOf(builder.field.dataType, value)
    if (cell === undefined || builder.append(cell) !== undefined) builder.appendNull()
  } else if (!isJsonObject(value)) builder.appendNull()
  else {
    for (const child of builder.children) appendMember(child, Object.hasOwn(value, child.field.name) ? value[child.field.name] : undefined)
    builder.endCell()
  }
}

function cellOf(type: DataType, value: JsonValue | undefined): unknown {
  if (value === null || value === undefined) return undefined
  switch (type.type) {
    case 'date':
      return typeof value === 'string' ? value : undefined
    case 'timestamp':
      return typeof value === 'string' ? parseTimestampMicros(value) : undefined
    case 'timestamp_ntz':
      return typeof value === 'string' ? value : undefined
    case 'decimal':
      return typeof value === 'string' ? value : value instanceof JsonNumber ? value.text : String(value)
    case 'float':
    case 'double':
      return typeof value === 'string' ? SPECIAL.get(value) : Number(value instanceof JsonNumber ? value.text : value)
    default:
      return value instanceof JsonNumber ? undefined : value
  }
}

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])
