// What can be appended: rows, Arrow batches, or iterables of either, turned into batches of exactly the table's schema.
import { Table as ArrowTable, RecordBatch } from 'apache-arrow'
import { BatchBuilder, conformBatch, type RowFault } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/index.js'

/** Rows of a table's row type, Arrow data, or (async) iterables of rows, arrays of rows, or Arrow data. */
export type RowSource<Row> =
  | RecordBatch
  | ArrowTable
  | Iterable<Row | readonly Row[] | RecordBatch>
  | AsyncIterable<Row | readonly Row[] | RecordBatch>

export interface RowSourceOptions {
  /** Leave out keys that are no column instead of refusing the row. */
  readonly ignoreUnknown?: boolean
}

const CHUNK_ROWS = 8192
// Few enough rows to become one batch whatever is in them.
const ROWS_AT_ONCE = 256
// Small enough to stay in the processor's caches from building over statistics to the copy for the encoder.
const BATCH_BYTES = 4 * 2 ** 20
const FAULTS_LISTED = 100

/** A batch of the schema; a lent one only until the next is asked for. */
export interface SourceBatch {
  readonly batch: RecordBatch
  readonly lent: boolean
}

/**
 * Batches of the schema from any source, in order.
 * @throws AlluviumError `INVALID_ROW` with every fault of the chunk (facts.faults, the first 100; facts.faultCount), `SCHEMA_MISMATCH` for Arrow data.
 */
export async function* batchesOf(
  source: RowSource<object>,
  schema: StructType,
  options: RowSourceOptions = {},
): AsyncGenerator<SourceBatch, void, undefined> {
  if (source instanceof RecordBatch) {
    yield given(source, schema)
    return
  }
  if (source instanceof ArrowTable) {
    for (const batch of source.batches) yield given(batch, schema)
    return
  }
  const isRows = Array.isArray(source) && !hasBatches(source)
  if (isRows && source.length <= ROWS_AT_ONCE) {
    const batch = buildAtOnce(source, schema, options)
    if (batch.numRows > 0) yield { batch, lent: false }
    return
  }
  const collector = new RowCollector(schema, options)
  if (isRows) {
    // The common case, an array of rows, without a copy of it.
    for (let at = 0; at < source.length; at += CHUNK_ROWS) {
      const batch = collector.add(at === 0 && source.length <= CHUNK_ROWS ? source : source.slice(at, at + CHUNK_ROWS))
      if (batch !== undefined) yield batch
    }
  } else {
    for await (const item of source) {
      if (item instanceof RecordBatch) {
        const before = collector.flush()
        if (before !== undefined) yield before
        yield given(item, schema)
        continue
      }
      const batch = Array.isArray(item) ? collector.add(item) : collector.addOne(item)
      if (batch !== undefined) yield batch
    }
  }
  const rest = collector.flush()
  if (rest !== undefined) yield rest
}

function given(batch: RecordBatch, schema: StructType): SourceBatch {
  return { batch: conformBatch(batch, schema), lent: false }
}

// Builders that are idle: one for each schema is worth keeping where a few rows come at a time.
const idleBuilders = new WeakMap<StructType, BatchBuilder>()

function buildAtOnce(rows: readonly object[], schema: StructType, { ignoreUnknown = false }: RowSourceOptions): RecordBatch {
  const builder = idleBuilders.get(schema) ?? new BatchBuilder(schema, { capacityRows: ROWS_AT_ONCE })
  idleBuilders.delete(schema) // a getter of a row may come here again
  const faults = builder.appendRows(rows, { ignoreUnknown })
  if (faults.length > 0) throw invalidRows(faults)
  const batch = builder.finish()
  idleBuilders.set(schema, builder)
  return batch
}

class RowCollector {
  readonly #builder: BatchBuilder
  readonly #options: RowSourceOptions
  #pending: object[] = []
  #firstRow = 0

  constructor(schema: StructType, options: RowSourceOptions) {
    this.#builder = new BatchBuilder(schema)
    this.#options = options
  }

  addOne(row: object): SourceBatch | undefined {
    this.#pending.push(row)
    return this.#pending.length >= CHUNK_ROWS ? this.add([]) : undefined
  }

  add(rows: readonly object[]): SourceBatch | undefined {
    if (this.#pending.length > 0) this.#appendChecked(this.#pending)
    this.#pending = []
    this.#appendChecked(rows)
    // Lent, since fresh memory for every batch would make the garbage collector go over all the rows again and again.
    return this.#builder.byteLength >= BATCH_BYTES ? { batch: this.#builder.finish({ lent: true }), lent: true } : undefined
  }

  flush(): SourceBatch | undefined {
    if (this.#pending.length > 0) this.#appendChecked(this.#pending)
    this.#pending = []
    return this.#builder.rowCount > 0 ? { batch: this.#builder.finish(), lent: false } : undefined
  }

  #appendChecked(rows: readonly object[]): void {
    const { ignoreUnknown = false } = this.#options
    const faults = this.#builder.appendRows(rows, { ignoreUnknown, firstRow: this.#firstRow })
    this.#firstRow += rows.length
    if (faults.length > 0) throw invalidRows(faults)
  }
}

/** The error for rows that do not fit: every fault by row, column and value. */
export function invalidRows(faults: readonly RowFault[]): AlluviumError {
  const rows = new Set(faults.map((fault) => fault.row)).size
  const shown = faults.slice(0, 5).map((fault) => `row ${fault.row}, column ${fault.column}: ${fault.problem} (${fault.value})`)
  const more = faults.length > shown.length ? `; and ${faults.length - shown.length} more faults` : ''
  return new AlluviumError(
    'INVALID_ROW',
    `${rows} row${rows === 1 ? ' does' : 's do'} not fit the table, nothing was written: ${shown.join('; ')}${more}`,
    {
      faults: faults.slice(0, FAULTS_LISTED),
      faultCount: faults.length,
    },
  )
}

function hasBatches(rows: readonly unknown[]): boolean {
  return rows.some((row) => row instanceof RecordBatch || Array.isArray(row))
}
