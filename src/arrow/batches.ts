// Batches put together, narrowed and measured.
import { type Data, type RecordBatch, type Schema, Type } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { batchOf } from './batch-builder.js'
import { offsetsOf } from './buffers.js'
import { concatData } from './concat.js'
import { plainLayout } from './layout.js'
import { placesOf, schemaOf } from './schema.js'

/**
 * The named top-level columns, in the order given, without a copy.
 * @throws AlluviumError `SCHEMA_MISMATCH` naming the columns that the batch lacks.
 */
export function project(batch: RecordBatch, columns: readonly string[]): RecordBatch {
  const { fields } = batch.schema
  const known = placesOf(fields)
  const places = columns.map((name) => known.get(name) ?? -1)
  const missing = columns.filter((_, i) => places[i] === -1)
  if (missing.length > 0) {
    throw new AlluviumError(
      'SCHEMA_MISMATCH',
      `no column ${missing.join(', ')} in the batch (it has ${fields.map((field) => field.name).join(', ')})`,
      {
        columns: missing,
      },
    )
  }
  const schema = schemaOf(places.map((place) => fields[place]) as never)
  return batchOf(
    schema,
    places.map((place) => batch.data.children[place] as Data),
    batch.numRows,
  )
}

/**
 * One batch with the rows of all, in order. The batches have the same columns; types that hold their values elsewhere
 * (dictionaries that differ, views, 64-bit offsets) come out in their plain form.
 * @throws RangeError without any batch; TypeError where the columns differ; AlluviumError `LIMIT_EXCEEDED` beyond 2 GiB in a column.
 */
export function concatBatches(batches: readonly RecordBatch[]): RecordBatch {
  const first = batches[0]
  if (first === undefined) throw new RangeError('no batches to concatenate')
  if (batches.length === 1) return first
  for (const batch of batches) assertSameColumns(first.schema, batch.schema)
  const children = first.data.children.map((_, c) =>
    concatData(
      batches.map((batch) => batch.data.children[c] as Data),
      plainLayout,
    ),
  )
  const fields = first.schema.fields.map((field, c) => field.clone({ type: (children[c] as Data).type }))
  return batchOf(
    schemaOf(fields),
    children,
    batches.reduce((sum, batch) => sum + batch.numRows, 0),
  )
}

/** The bytes that the rows of a batch use: of a slice, its own part only. Dictionaries count in full. */
export function batchBytes(batch: RecordBatch): number {
  return batch.data.children.reduce((sum, child) => sum + dataBytes(child, 0, child.length), 0)
}

function assertSameColumns(a: Schema, b: Schema): void {
  const same =
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => field.name === b.fields[i]?.name && `${field.type}` === `${b.fields[i]?.type}`)
  if (!same) throw new TypeError(`batches of different columns cannot be concatenated: ${a} and ${b}`)
}

function dataBytes(data: Data, start: number, end: number): number {
  const cells = end - start
  const bitmap = data.nullBitmap !== undefined && data.nullBitmap.length > 0 ? (cells + 7) >> 3 : 0
  switch (data.typeId) {
    case Type.Null:
      return 0
    case Type.Bool:
      return ((cells + 7) >> 3) + bitmap
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary: {
      const offsets = offsetsOf(data)
      return (offsets[end] as number) - (offsets[start] as number) + cells * 4 + bitmap
    }
    case Type.List:
    case Type.Map:
    case Type.LargeList: {
      const offsets = offsetsOf(data)
      return dataBytes(data.children[0] as Data, offsets[start] as number, offsets[end] as number) + cells * 4 + bitmap
    }
    case Type.FixedSizeList:
      return dataBytes(data.children[0] as Data, start * data.stride, end * data.stride) + bitmap
    case Type.Struct:
      return data.children.reduce((sum, child) => sum + dataBytes(child, start, end), bitmap)
    default: {
      const values = data.values as { BYTES_PER_ELEMENT?: number } | undefined
      const dictionary = data.dictionary?.data.reduce((sum, chunk) => sum + dataBytes(chunk, 0, chunk.length), 0) ?? 0
      const variadic = data.variadicBuffers.reduce((sum, buffer) => sum + buffer.byteLength, 0)
      return cells * (values?.BYTES_PER_ELEMENT ?? 0) * data.stride + bitmap + dictionary + variadic
    }
  }
}
