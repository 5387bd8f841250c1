// A scan: a plan that can be printed before it runs, then batches or rows. One row group is decoded at a time; the next
// bytes are on their way then. With threads, several are decoded before they are needed.
import type { RecordBatch } from 'apache-arrow'
import { maskToIndices, project, rowsOf, take } from '../arrow/index.js'
import { throwIfAborted } from '../errors.js'
import type { LogView } from '../log/index.js'
import { createDecodeThreads, ReadAhead } from '../parquet/index.js'
import type { Storage } from '../storage/storage.js'
import { batchesInOrder } from './files-ahead.js'
import { type FileBatch, type OpenFile, openFile } from './read-file.js'
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

  /** Arrow batches of the output columns, filtered; memory is bounded by one row group and what may be in flight. */
  async *batches(): AsyncGenerator<RecordBatch, void, undefined> {
    const plan = await this.plan()
    const { needed, filter, batchRows, limit } = plan
    const { signal } = this.#options
    let left = limit ?? Number.POSITIVE_INFINITY
    if (left <= 0) return
    // Threads that are never asked to do anything are never started.
    const threads = createDecodeThreads(plan.threads)
    // A few rows are most likely in the first bytes: no others are asked for before they are needed.
    const ahead = new ReadAhead(limit === undefined ? plan.bytesInFlight : 0, threads)
    const open = (index: number, stop: AbortSignal): Promise<OpenFile> =>
      openFile(this.#storage, this.#view, plan.files[index] as number, { needed, filter, batchRows, ahead, signal: stop })
    try {
      for await (const batch of batchesInOrder(plan.files.length, open, { readsAhead: ahead.maxBytes > 0, signal })) {
        throwIfAborted(signal, 'the scan')
        const kept = keepRows(batch, plan, left)
        left -= kept.numRows
        if (kept.numRows > 0) yield kept
        if (left <= 0) return
      }
    } finally {
      await threads?.close()
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
    // What is not looked at is not read: without a filter, footers and deletion vectors are enough.
    const scan = new Scan(this.#storage, this.#view, { ...this.#options, columns: [] })
    for await (const batch of scan.batches()) count += batch.numRows
    return count
  }
}

function keepRows({ batch, keep }: FileBatch, plan: ScanPlan, left: number): RecordBatch {
  let kept = batch
  const mask = bothMasks(plan.filter?.evaluate(batch), keep)
  if (mask !== undefined) {
    const indices = maskToIndices(mask)
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

function bothMasks(filtered: Uint8Array | undefined, keep: Uint8Array | undefined): Uint8Array | undefined {
  if (filtered === undefined || keep === undefined) return filtered ?? keep
  for (let i = 0; i < filtered.length; i++) filtered[i] = (filtered[i] as number) & (keep[i] as number)
  return filtered
}
