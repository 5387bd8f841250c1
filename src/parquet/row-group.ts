// A row group's chunks as record batches: flat columns by the column kernel, the others by the codec, put together by their
// rows. Rule: where the kernel leaves one column, or both do not cut alike, the codec decodes the whole group, and it alone
// says what is wrong with it.
import { type Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow'
import { decodeGroup, decodeWhole } from './decode.js'
import { initParquet } from './engine.js'
import { arrayOf, columnTask } from './flat-columns.js'
import type { Footer } from './footer.js'
import { decodeColumn } from './kernel/column.js'
import { type Projection, project } from './open.js'
import type { FetchedChunk } from './read-ahead.js'

/** The file and the columns that are read of it. */
export interface GroupReading {
  readonly name: string
  readonly footer: Footer
  readonly projection: Projection
  readonly batchRows: number
}

/** A flat column by its field's place: an array for each batch. */
type FlatArrays = ReadonlyMap<number, readonly Data[]>

// What the kernel may make of one row group; larger ones are decoded piece by piece.
const MAX_FLAT_BYTES = 192 * 2 ** 20

/** The batches of a row group. */
export async function* groupBatches(
  { name, footer, projection, batchRows }: GroupReading,
  numRows: number,
  chunks: readonly FetchedChunk[],
): AsyncGenerator<RecordBatch, void, undefined> {
  const flat = decodeFlat(projection, numRows, chunks, batchRows)
  const rest = chunks.filter(({ leaf }) => flat?.has(projection.flat.get(leaf.leaf)?.at ?? -1) !== true)
  if (flat !== undefined && rest.length === 0) {
    yield* joined(projection.schema, numRows, batchRows, flat, undefined)
    return
  }
  await initParquet()
  if (flat !== undefined && flat.size > 0) {
    const others = await project(footer, name, new Set(rest.map(({ leaf }) => leaf.leaf)))
    const batches = decodeWhole(name, footer, others, numRows, rest, batchRows)
    if (batches?.every((batch, i) => batch.numRows === Math.min(batchRows, numRows - i * batchRows))) {
      yield* joined(projection.schema, numRows, batchRows, flat, batches)
      return
    }
  }
  yield* decodeGroup(name, footer, projection, numRows, chunks, batchRows)
}

// Undefined where the kernel meets something that it leaves, or would make too much.
function decodeFlat(projection: Projection, numRows: number, chunks: readonly FetchedChunk[], batchRows: number): FlatArrays | undefined {
  const arrays = new Map<number, readonly Data[]>()
  let left = MAX_FLAT_BYTES
  for (const { leaf, chunk, bytes } of chunks) {
    const column = projection.flat.get(leaf.leaf)
    const task = column && columnTask(column, chunk, numRows, batchRows)
    if (column === undefined || task === undefined) continue
    if (left < numRows * task.width) return undefined
    const buffers = decodeColumn(bytes, { ...task, maxBytes: Math.min(task.maxBytes, left) })
    if (buffers === undefined) return undefined
    for (const one of buffers) left -= one.values.byteLength + (one.offsets?.byteLength ?? 0)
    const { type } = column.field
    arrays.set(
      column.at,
      buffers.map((one) => arrayOf(type, column.kind, one)),
    )
  }
  return arrays
}

function* joined(
  schema: Schema,
  numRows: number,
  batchRows: number,
  flat: FlatArrays,
  others: readonly RecordBatch[] | undefined,
): Generator<RecordBatch, void, undefined> {
  const type = new Struct(schema.fields)
  for (let done = 0, i = 0; done < numRows; done += batchRows, i++) {
    let next = 0
    const children = schema.fields.map((_, at) => (flat.get(at)?.[i] ?? others?.[i]?.data.children[next++]) as Data)
    yield new RecordBatch(schema, makeData({ type, length: Math.min(batchRows, numRows - done), nullCount: 0, children }))
  }
}
