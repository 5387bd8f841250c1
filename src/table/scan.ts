// A scan: a plan that can be printed before it runs, then batches or rows. One file at a time, one row group at a time.
import { RecordBatch as Batch, makeData, type RecordBatch, type Schema, Struct } from 'apache-arrow'
import { conformBatch, constantColumn, maskToIndices, project, rowsOf, take, toArrowSchema } from '../arrow/index.js'
import { isAlluviumError, throwIfAborted } from '../errors.js'
import { type LogView, resolveDataPath } from '../log/index.js'
import { openParquet, type ParquetFile } from '../parquet/index.js'
import { type Field, parsePartitionValue, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { missingFile, storageByteSource } from './byte-source.js'
import { formatPlan, planScan, type ScanOptions, type ScanPlan } from './scan-plan.js'

export interface RowOptions {
  /** `date` (default): timestamps as `Date`, cut to milliseconds. `micros`: bigint microseconds since 1970, exact. */
  readonly timestamps?: 'date' | 'micros'
}

/**
 * A planned reading of one version. Iterate it as often as needed: the version does not change.
 *
 * @example
 * const scan = snapshot.scan({ columns: ['player', 'score'], where: 'score > 5' })
 * console.log(await scan.explain())
 * for await (const row of scan.rows()) console.log(row)
 */
export class Scan<Row = Record<string, unknown>> {
  readonly #storage: Storage
  readonly #view: LogView
  readonly #options: ScanOptions
  #planned: Promise<ScanPlan> | undefined

  constructor(storage: Storage, view: LogView, options: ScanOptions) {
    this.#storage = storage
    this.#view = view
    this.#options = options
  }

  /** The plan, made once. @throws AlluviumError `INVALID_OPTIONS`. */
  plan(): Promise<ScanPlan> {
    this.#planned ??= planScan(this.#view, this.#options)
    return this.#planned
  }

  /** The plan as text for people. */
  async explain(): Promise<string> {
    return formatPlan(await this.plan(), this.#view)
  }

  /** Arrow batches of the output columns, filtered; memory is bounded by one row group. */
  async *batches(): AsyncGenerator<RecordBatch, void, undefined> {
    const plan = await this.plan()
    let left = plan.limit ?? Number.POSITIVE_INFINITY
    for (const row of plan.files) {
      if (left <= 0) return
      for await (const batch of this.#readFile(plan, row)) {
        throwIfAborted(this.#options.signal, 'the scan')
        const kept = keepRows(batch, plan, left)
        left -= kept.numRows
        if (kept.numRows > 0) yield kept
        if (left <= 0) return
      }
    }
  }

  /** Rows as objects; see the table of value forms in the README. */
  async *rows(options: RowOptions = {}): AsyncGenerator<Row, void, undefined> {
    const { output } = await this.plan()
    for await (const batch of this.batches()) yield* rowsOf(batch, output, options) as Row[]
  }

  /** All rows in an array: for results that are known to be small. */
  async toArray(options: RowOptions = {}): Promise<Row[]> {
    const rows: Row[] = []
    for await (const row of this.rows(options)) rows.push(row)
    return rows
  }

  /** The number of rows that the scan would return. */
  async count(): Promise<number> {
    let count = 0
    for await (const batch of this.batches()) count += batch.numRows
    return count
  }

  // A file whose very size makes no sense is often no file at all: say which.
  async #open(path: string, sizeBytes: number): Promise<ParquetFile> {
    const { signal } = this.#options
    const source = storageByteSource(this.#storage, path, sizeBytes)
    try {
      return await openParquet(source, { name: path, ...(signal === undefined ? {} : { signal }) })
    } catch (error) {
      if (isAlluviumError(error, 'CORRUPT_DATA') && (await this.#storage.stat(path, { signal })) === undefined)
        throw missingFile(this.#storage, path)
      throw error
    }
  }

  async *#readFile(plan: ScanPlan, row: number): AsyncGenerator<RecordBatch, void, undefined> {
    const { files, metadata } = this.#view
    const { signal } = this.#options
    const path = resolveDataPath(files.path(row))
    const file = await this.#open(path, files.size(row))
    const isPartition = (field: Field): boolean => metadata.partitionColumns.includes(field.name)
    const data: StructType = { type: 'struct', fields: plan.needed.fields.filter((field) => !isPartition(field)) }
    const constants = new Map(
      plan.needed.fields
        .filter(isPartition)
        .map((field) => [field.name, parsePartitionValue(field.dataType, partitionText(files, row, field.name))] as const),
    )
    // Names count without regard to case, as in Spark; an exact match wins.
    const wanted = new Set(data.fields.map((field) => field.name.toLowerCase()))
    const columns = file.arrowSchema.fields.map((field) => field.name).filter((name) => wanted.has(name.toLowerCase()))
    for await (const batch of file.read({
      columns,
      ...(plan.batchRows === undefined ? {} : { batchRows: plan.batchRows }),
      ...(signal === undefined ? {} : { signal }),
    })) {
      yield assemble(plan.needed, conformBatch(batch, data, { purpose: 'read', name: path }), constants)
    }
  }
}

// Puts the columns of the file and the constants of its partition together in the order of `needed`.
function assemble(needed: StructType, data: RecordBatch, constants: ReadonlyMap<string, unknown>): RecordBatch {
  if (constants.size === 0) return data
  const schema: Schema = toArrowSchema(needed)
  const children = needed.fields.map((field) => {
    if (constants.has(field.name)) return constantColumn(field.dataType, constants.get(field.name) as never, data.numRows)
    const at = data.schema.fields.findIndex((candidate) => candidate.name === field.name)
    return data.data.children[at] as (typeof data.data.children)[number]
  })
  return new Batch(schema, makeData({ type: new Struct(schema.fields), length: data.numRows, nullCount: 0, children }))
}

function keepRows(batch: RecordBatch, plan: ScanPlan, left: number): RecordBatch {
  let kept = batch
  if (plan.filter !== undefined) {
    const indices = maskToIndices(plan.filter.evaluate(batch))
    if (indices.length < batch.numRows) kept = take(batch, indices)
  }
  if (kept.numRows > left) kept = kept.slice(0, left)
  return plan.output.fields.length === plan.needed.fields.length
    ? kept
    : project(
        kept,
        plan.output.fields.map((field) => field.name),
      )
}

function partitionText(files: LogView['files'], row: number, column: string): string | null {
  const partition = files.partition(column)
  return partition.values[partition.ids(row)] ?? null
}
