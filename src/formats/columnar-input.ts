// Parquet and Arrow input: batches made to fit the table's schema, with the same book-keeping as text. One rule: a value
// that does not fit costs its row, which becomes a fault; a column that does not fit is an error before the first row.
import type { RecordBatch } from 'apache-arrow'
import { concatBatches, conformBatch, emptyBatch, fromArrowSchema, project } from '../arrow/index.js'
import { isAlluviumError } from '../errors.js'
import { type ByteSource, openParquet } from '../parquet/index.js'
import type { StructType } from '../schema/types.js'
import { openArrow } from './arrow-input.js'
import type { InputFault } from './faults.js'
import type { DecodedBatch } from './record-batches.js'

export interface ColumnarOptions {
  /** Skip top-level columns that the schema does not have, instead of refusing them. */
  readonly ignoreUnknown?: boolean
  /** Ordinal of the first row to read; those before it are skipped, by row groups where that is possible. */
  readonly skipTo?: number
  /** Rows of a batch, at most. Default 65536. */
  readonly rowsPerBatch?: number
  readonly signal?: AbortSignal
}

/** Input with columns and a schema of its own. */
export interface ColumnarInput {
  /** The input's schema as Delta types. */
  readonly schema: StructType
  /** Rows in all, where the input says so beforehand. */
  readonly numRecords: number | undefined
  /**
   * The rows in order, as batches of `target`: columns by name, missing ones null, types widened exactly. To be called once.
   * Faults have no line and no raw bytes: `record` is the row's number in the input.
   * @throws AlluviumError `SCHEMA_MISMATCH` naming every column that does not fit; `CORRUPT_DATA`.
   */
  read(target: StructType, options?: ColumnarOptions): AsyncIterable<DecodedBatch>
}

const DEFAULT_ROWS = 65_536

/**
 * Opens a Parquet file, or an Arrow IPC file or stream. `name` is for messages. Arrow can be given as chunks too.
 * @throws AlluviumError `CORRUPT_DATA`, `UNSUPPORTED_FEATURE`, `SCHEMA_MISMATCH` where a column's type is none of Delta's.
 *
 * @example
 * const input = await openInput('parquet', bytesSource(bytes), { name: 'flights.parquet' })
 * for await (const { batch, faults } of input.read(table.schema)) …
 */
export async function openInput(
  format: 'parquet' | 'arrow',
  input: ByteSource | AsyncIterable<Uint8Array>,
  options: { readonly name: string; readonly signal?: AbortSignal },
): Promise<ColumnarInput> {
  const { name, signal } = options
  if (format === 'arrow') {
    const reader = await openArrow(input, name, signal)
    const batches = async function* (): AsyncIterable<Placed> {
      let first = 0
      for await (const batch of reader.batches()) {
        yield { batch, first }
        first += batch.numRows
      }
    }
    return {
      schema: fromArrowSchema(reader.schema),
      numRecords: undefined,
      read: (target, how = {}) => conformed(batches(), target, name, how),
    }
  }
  if (!('sizeBytes' in input)) throw new TypeError('Parquet is read from its end: it needs a ByteSource, not chunks')
  const file = await openParquet(input, signal === undefined ? { name } : { name, signal })
  const batches = async function* (how: ColumnarOptions): AsyncIterable<Placed> {
    const groups = file.rowGroups.map((group, i) => ({ ...group, i })).filter((group) => group.firstRow + group.numRows > (how.skipTo ?? 0))
    let first = groups[0]?.firstRow ?? 0
    const reading = { rowGroups: groups.map((group) => group.i), batchRows: how.rowsPerBatch ?? DEFAULT_ROWS }
    for await (const batch of file.read(how.signal === undefined ? reading : { ...reading, signal: how.signal })) {
      yield { batch, first }
      first += batch.numRows
    }
  }
  const schema = fromArrowSchema(file.arrowSchema)
  return { schema, numRecords: file.numRows, read: (target, how = {}) => conformed(batches(how), target, name, how) }
}

interface Placed {
  readonly batch: RecordBatch
  /** Ordinal of its first row. */
  readonly first: number
}

async function* conformed(
  batches: AsyncIterable<Placed>,
  target: StructType,
  name: string,
  options: ColumnarOptions,
): AsyncIterable<DecodedBatch> {
  const known = new Set(target.fields.map((field) => field.name))
  const skipTo = options.skipTo ?? 0
  const maxRows = options.rowsPerBatch ?? DEFAULT_ROWS
  for await (const { batch, first } of batches) {
    const wanted =
      options.ignoreUnknown === true
        ? project(
            batch,
            batch.schema.fields.map((field) => field.name).filter((column) => known.has(column)),
          )
        : batch
    for (let from = Math.max(0, skipTo - first); from < batch.numRows; from += maxRows) {
      const rows = Math.min(maxRows, batch.numRows - from)
      const piece = rows === batch.numRows ? wanted : wanted.slice(from, from + rows)
      yield conformPiece(piece, first + from, target, name)
    }
  }
}

function conformPiece(piece: RecordBatch, firstRecord: number, target: StructType, name: string): DecodedBatch {
  const records = piece.numRows
  const shared = { firstRecord, records, blanks: 0, bytes: 0 }
  const good: RecordBatch[] = []
  const faults: InputFault[] = []
  const rows: number[] = []
  // Halves until the rows that do not fit stand alone.
  const split = (part: RecordBatch, at: number): void => {
    try {
      good.push(conformBatch(part, target, { name }))
      for (let i = 0; i < part.numRows; i++) rows.push(at + i)
    } catch (error) {
      if (!isAlluviumError(error, 'INVALID_ROW')) throw error
      if (part.numRows === 1) {
        const { facts, message } = error
        faults.push({
          code: 'INVALID_ROW',
          record: firstRecord + at,
          line: 0,
          column: String(facts.column ?? ''),
          value: '',
          problem: message,
          raw: new Uint8Array(0),
        })
        return
      }
      const half = part.numRows >> 1
      split(part.slice(0, half), at)
      split(part.slice(half), at + half)
    }
  }
  split(piece, 0)
  if (faults.length === 0) return { ...shared, batch: good[0] as RecordBatch, faults }
  return { ...shared, batch: good.length === 0 ? emptyBatch(target) : concatBatches(good), faults, rows: Int32Array.from(rows) }
}
