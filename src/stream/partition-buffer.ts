// Rows of one partition that are not committed yet, as Arrow, with the range of offsets they cover.
// What a partition has accepted only rises, until the owner of the partition changes.
import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder, batchBytes, type RowFault } from '../arrow/index.js'
import type { StructType } from '../schema/index.js'

/** What one partition puts into a commit. */
export interface PartitionCut {
  readonly buffer: PartitionBuffer
  readonly batches: readonly RecordBatch[]
  readonly rows: number
  readonly bytes: number
  /** The last offset covered. */
  readonly lastOffset: bigint
}

export class PartitionBuffer {
  readonly source: string
  readonly partition: number | string
  /** The `txn` application id; undefined when positions are not kept. */
  readonly appId: string | undefined
  /** The last offset that is in the table. */
  committed: bigint | undefined
  /** The last offset taken, committed or not. */
  accepted: bigint | undefined
  readonly #schema: StructType
  #builder: BatchBuilder | undefined
  #batches: RecordBatch[] = []
  #batchRows = 0
  #batchBytes = 0

  constructor(schema: StructType, source: string, partition: number | string, appId: string | undefined, committed: bigint | undefined) {
    this.#schema = schema
    this.source = source
    this.partition = partition
    this.appId = appId
    this.committed = committed
    this.accepted = committed
  }

  get rows(): number {
    return this.#batchRows + (this.#builder?.rowCount ?? 0)
  }

  get bytes(): number {
    return this.#batchBytes + (this.#builder?.rowCount ? this.#builder.byteLength : 0)
  }

  /** True when something was accepted that no commit carries yet. */
  get isDirty(): boolean {
    return this.rows > 0 || this.accepted !== this.committed
  }

  /** Takes all rows or none: with any fault, nothing stays. */
  appendRows(rows: readonly object[], ignoreUnknown: boolean): RowFault[] {
    this.#builder ??= new BatchBuilder(this.#schema)
    const before = this.#builder.rowCount
    const faults = this.#builder.appendRows(rows, { ignoreUnknown })
    if (faults.length > 0) this.#builder.truncate(before)
    return faults
  }

  appendBatch(batch: RecordBatch): void {
    this.#seal()
    this.#batches.push(batch)
    this.#batchRows += batch.numRows
    this.#batchBytes += batchBytes(batch)
  }

  /** Takes everything out for a commit. */
  cut(): PartitionCut {
    this.#seal()
    const cut: PartitionCut = { buffer: this, batches: this.#batches, rows: this.#batchRows, bytes: this.#batchBytes, lastOffset: this.accepted as bigint }
    this.#forget()
    return cut
  }

  /** Drops what is buffered and starts again from what the table holds. */
  reset(committed: bigint | undefined): void {
    this.#builder = undefined
    this.#forget()
    this.committed = committed
    this.accepted = committed
  }

  #forget(): void {
    this.#batches = []
    this.#batchRows = 0
    this.#batchBytes = 0
  }

  #seal(): void {
    if (this.#builder === undefined || this.#builder.rowCount === 0) return
    const batch = this.#builder.finish()
    this.#batches.push(batch)
    this.#batchRows += batch.numRows
    this.#batchBytes += batchBytes(batch)
  }
}
