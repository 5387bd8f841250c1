// A row group's chunks as record batches: flat columns by the column kernel, the others by the codec, put together by their
// rows. A large row group of flat columns is decoded a batch at a time. Rule: where the kernel leaves one column, or both do not
// cut alike, the codec decodes what is left of the group, and it alone says what is wrong with it.
import { type Data, makeData, RecordBatch, type Schema, Struct, tableFromIPC } from 'apache-arrow'
import { decodeGroup, decodeWhole, namedFault, wholeSlice, wrongRows } from './decode.js'
import type { DecodeThreads } from './decode-thread.js'
import { initParquet } from './engine.js'
import { arrayOf, columnTask } from './flat-columns.js'
import type { ChunkInfo, Footer } from './footer.js'
import { ColumnReader, decodeColumn } from './kernel/column.js'
import { type PlacedColumn, type Projection, project } from './open.js'
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

// What is made of one row group at once; larger ones are decoded piece by piece.
const MAX_FLAT_BYTES = 128 * 2 ** 20
// Each column of a large row group has a kernel of its own, and WebAssembly takes much of the address space for each.
const MAX_STREAMED_COLUMNS = 256
// What the texts of one batch may take.
const MAX_BATCH_BYTES = 32 * 2 ** 20

/** The batches of a row group. */
export async function* groupBatches(
  reading: GroupReading,
  numRows: number,
  chunks: readonly FetchedChunk[],
): AsyncGenerator<RecordBatch, void, undefined> {
  const { name, footer, projection, batchRows } = reading
  const isSmall = decodedBytes(numRows, chunks) <= MAX_FLAT_BYTES
  const flat = isSmall ? decodeFlat(projection, numRows, chunks, batchRows) : undefined
  const rest = restOf(projection, chunks, flat)
  if (flat !== undefined && rest.length === 0) {
    yield* joined(projection.schema, numRows, batchRows, flat, undefined)
    return
  }
  if (flat !== undefined && flat.size > 0) {
    await initParquet()
    const others = await project(footer, name, leavesOf(rest))
    const batches = decodeWhole(name, footer, others, numRows, rest, batchRows)
    if (isCutAlike(batches, numRows, batchRows)) {
      yield* joined(projection.schema, numRows, batchRows, flat, batches)
      return
    }
  }
  const done = isSmall ? 0 : yield* streamed(reading, numRows, chunks)
  if (done === numRows) return
  await initParquet()
  yield* decodeGroup(name, footer, projection, numRows, chunks, batchRows, done)
}

interface OpenColumn {
  readonly column: PlacedColumn
  readonly reader: ColumnReader
}

// Batch by batch, as far as the kernel goes; answers how many rows that was.
function* streamed(
  { projection, batchRows }: GroupReading,
  numRows: number,
  chunks: readonly FetchedChunk[],
): Generator<RecordBatch, number, undefined> {
  const columns: OpenColumn[] = []
  try {
    if (!openColumns(columns, projection, numRows, chunks, batchRows)) return 0
    for (let done = 0; done < numRows; done += batchRows) {
      const length = Math.min(batchRows, numRows - done)
      const arrays = new Map<number, readonly Data[]>()
      for (const { column, reader } of columns) {
        const buffers = reader.next(length)
        if (buffers === undefined) return done
        arrays.set(column.at, [arrayOf(column.field.type, column.kind, buffers)])
      }
      // More values than rows: the codec says so.
      if (done + length === numRows && !columns.every(({ reader }) => reader.isDone)) return done
      yield* joined(projection.schema, length, batchRows, arrays, undefined)
    }
    return numRows
  } finally {
    for (const { reader } of columns) reader.close()
  }
}

// False where the codec must read a column.
function openColumns(
  columns: OpenColumn[],
  { flat }: Projection,
  numRows: number,
  chunks: readonly FetchedChunk[],
  batchRows: number,
): boolean {
  if (chunks.length > MAX_STREAMED_COLUMNS) return false
  for (const { leaf, chunk, bytes } of chunks) {
    const column = flat.get(leaf.leaf)
    const task = column && columnTask(column, chunk, numRows, batchRows)
    if (column === undefined || task === undefined) return false
    try {
      columns.push({ column, reader: new ColumnReader(bytes, { ...task, maxBytes: MAX_BATCH_BYTES }) })
    } catch (error) {
      if (error instanceof RangeError) return false // No address space for so many.
      throw error
    }
  }
  return true
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

/** About what a row group takes when it is decoded. */
export function decodedBytes(numRows: number, chunks: readonly { readonly chunk: ChunkInfo }[]): number {
  return chunks.reduce((sum, { chunk }) => sum + Math.max(chunk.uncompressedSize, numRows * GUESSED_WIDTH), 0)
}

const GUESSED_WIDTH = 8

/**
 * The batches of a row group, decoded on threads column by column; undefined where it is left to this thread.
 * @throws AlluviumError `CORRUPT_DATA`, `LIMIT_EXCEEDED`
 */
export async function decodeInThreads(
  { name, footer, projection, batchRows }: GroupReading,
  numRows: number,
  chunks: readonly FetchedChunk[],
  threads: DecodeThreads,
): Promise<RecordBatch[] | undefined> {
  if (chunks.length === 0 || decodedBytes(numRows, chunks) > MAX_FLAT_BYTES) return undefined
  const arrays = new Map<number, readonly Data[]>()
  const working: Promise<boolean>[] = []
  const rest: FetchedChunk[] = []
  for (const fetched of chunks) {
    const column = projection.flat.get(fetched.leaf.leaf)
    const task = column && columnTask(column, fetched.chunk, numRows, batchRows)
    if (column === undefined || task === undefined) rest.push(fetched)
    else {
      const { type } = column.field
      const decode = async (): Promise<boolean> => {
        const buffers = await threads.column(fetched.bytes, task)
        if (buffers !== undefined)
          arrays.set(
            column.at,
            buffers.map((one) => arrayOf(type, column.kind, one)),
          )
        return buffers !== undefined
      }
      working.push(decode())
    }
  }
  const others = rest.length === 0 ? undefined : decodeRest(name, footer, rest, numRows, batchRows, threads)
  const [batches, ...done] = await Promise.all([others, ...working])
  if (done.includes(false)) return undefined
  if (rest.length > 0 && !isCutAlike(batches, numRows, batchRows)) return undefined
  return [...joined(projection.schema, numRows, batchRows, arrays, batches)]
}

async function decodeRest(
  name: string,
  footer: Footer,
  rest: readonly FetchedChunk[],
  numRows: number,
  batchRows: number,
  threads: DecodeThreads,
): Promise<RecordBatch[] | undefined> {
  await initParquet()
  const projection = await project(footer, name, leavesOf(rest))
  const slice = wholeSlice(name, footer, projection, numRows, rest)
  if (slice === undefined) return undefined
  const ipc = await threads.slice(slice, Math.min(batchRows, numRows)).catch((error: unknown) => {
    throw namedFault(name, error)
  })
  if (ipc === undefined) return undefined
  const batches = tableFromIPC(ipc).batches
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  if (rows !== numRows) throw wrongRows(name, numRows, rows)
  return batches.map((batch) => new RecordBatch(projection.schema, batch.data))
}

function leavesOf(chunks: readonly FetchedChunk[]): Set<number> {
  return new Set(chunks.map(({ leaf }) => leaf.leaf))
}

function restOf(projection: Projection, chunks: readonly FetchedChunk[], flat: FlatArrays | undefined): FetchedChunk[] {
  return chunks.filter(({ leaf }) => {
    const column = projection.flat.get(leaf.leaf)
    return column === undefined || flat?.has(column.at) !== true
  })
}

function isCutAlike(batches: readonly RecordBatch[] | undefined, numRows: number, batchRows: number): boolean {
  return batches?.every((batch, i) => batch.numRows === Math.min(batchRows, numRows - i * batchRows)) === true
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
