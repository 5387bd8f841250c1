// Splits a batch by its partition columns: one row list per distinct combination of partition values.
// Values are compared in the text form of the protocol, so that two spellings of one value can never make two partitions.
import type { RecordBatch, Vector } from 'apache-arrow'
import { physicalValue } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { type Field, formatPartitionValue, type StructType } from '../schema/index.js'

export interface PartitionSlice {
  /** The text of each partition value, in the order of the partition columns. */
  readonly texts: readonly (string | null)[]
  readonly rows: Int32Array
}

/** The row numbers of `batch` by partition, in first-seen order; rows keep their order within a partition. */
export function splitByPartition(batch: RecordBatch, struct: StructType, partitionColumns: readonly string[]): PartitionSlice[] {
  if (batch.numRows === 0) return []
  const ids = partitionColumns.map((name) => columnIds(batch, fieldOf(struct, name)))
  const slices: { texts: (string | null)[]; rows: number[] }[] = []
  const byKey = new Map<string, number>()
  let lastKey = ''
  let last: { rows: number[] } | undefined
  for (let row = 0; row < batch.numRows; row++) {
    let key = ''
    for (const column of ids) key += `${column.ids[row]},`
    if (last === undefined || key !== lastKey) {
      let at = byKey.get(key)
      if (at === undefined) {
        at = slices.length
        byKey.set(key, at)
        slices.push({ texts: ids.map((column) => column.texts[column.ids[row] as number] ?? null), rows: [] })
      }
      last = slices[at]
      lastKey = key
    }
    last?.rows.push(row)
  }
  return slices.map((slice) => ({ texts: slice.texts, rows: Int32Array.from(slice.rows) }))
}

interface ColumnIds {
  readonly ids: Int32Array
  readonly texts: readonly (string | null)[]
}

function columnIds(batch: RecordBatch, field: Field): ColumnIds {
  const vector = batch.getChild(field.name) as Vector | null
  if (vector === null)
    throw new AlluviumError('SCHEMA_MISMATCH', `the partition column ${field.name} is missing from the rows`, { column: field.name })
  const ids = new Int32Array(batch.numRows)
  const texts: (string | null)[] = []
  const byText = new Map<string | null, number>()
  const byValue = new Map<unknown, number>()
  for (let row = 0; row < batch.numRows; row++) {
    const value = physicalValue(vector, field.dataType, row)
    let id = byValue.get(value)
    if (id === undefined) {
      const text = formatPartitionValue(field.dataType, value)
      if (text === null && !field.nullable) throw nullPartition(field, row)
      id = byText.get(text)
      if (id === undefined) {
        id = texts.length
        texts.push(text)
        byText.set(text, id)
      }
      if (!(value instanceof Uint8Array)) byValue.set(value, id)
    }
    ids[row] = id
  }
  return { ids, texts }
}

function nullPartition(field: Field, row: number): AlluviumError {
  return new AlluviumError('INVALID_ROW', `row ${row}: the partition column ${field.name} is NOT NULL but the value is null or empty`, {
    column: field.name,
    row,
  })
}

function fieldOf(struct: StructType, name: string): Field {
  const field = struct.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw new AlluviumError('SCHEMA_MISMATCH', `the partition column ${name} is not in the schema`, { column: name })
  return field
}
