// Rows of one partition that are not committed yet, as Arrow, with the range of offsets they cover and the receipts that
// wait for them. What a partition has accepted only rises, until the partition is taken over anew.
import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder, batchBytes, conformBatch, type RowFault, take } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/index.js'
import type { CheckedPosition } from './positions.js'
import { type CommittedVersion, Settlement } from './tickets.js'

/** What one partition puts into a commit. */
export interface PartitionCut {
  readonly buffer: PartitionBuffer
  /** Emptied once the rows are in files: their memory is not held while those become durable. */
  readonly batches: BufferedBatch[]
  readonly rows: number
  readonly bytes: number
  /** The position that the table must still hold for the commit to be right. */
  readonly after: bigint | undefined
  /** The last offset covered. */
  readonly lastOffset: bigint
}

/** A batch and the schema it was built for, which the table may have left behind. */
export interface BufferedBatch {
  readonly batch: RecordBatch
  readonly schema: StructType
}

/** What one write did to the buffer. */
export interface Taken {
  readonly rowsAccepted: number
  readonly rowsDuplicate: number
  readonly bytes: number
}

interface Flight {
  readonly lastOffset: bigint
  readonly settlement: Settlement | undefined
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
  /** Owners that are leaving; while there are any, and after they left, nothing is taken. */
  leaving = 0
  isOwned = true
  /** Rows are made a batch at this size, so that they can be encoded before their commit is due. */
  readonly #sealBytes: number
  #flight: Flight | undefined
  #settlement: Settlement | undefined
  #builder: { readonly rows: BatchBuilder; readonly schema: StructType } | undefined
  #batches: BufferedBatch[] = []
  #batchRows = 0
  #batchBytes = 0

  constructor(
    source: string,
    partition: number | string,
    appId: string | undefined,
    committed: bigint | undefined,
    sealBytes: number = Number.POSITIVE_INFINITY,
  ) {
    this.source = source
    this.partition = partition
    this.appId = appId
    this.committed = committed
    this.accepted = committed
    this.#sealBytes = sealBytes
  }

  get rows(): number {
    return this.#batchRows + (this.#builder?.rows.rowCount ?? 0)
  }

  get bytes(): number {
    return this.#batchBytes + (this.#builder?.rows.rowCount ? this.#builder.rows.byteLength : 0)
  }

  /** The batches that are whole; more may follow until the cut. */
  get sealed(): readonly BufferedBatch[] {
    return this.#batches
  }

  /** True when something was accepted that neither the table nor a commit in flight carries. */
  get isDirty(): boolean {
    return this.rows > 0 || this.accepted !== this.#carried
  }

  // The last offset in the table or on its way there.
  get #carried(): bigint | undefined {
    return this.#flight?.lastOffset ?? this.committed
  }

  /**
   * Takes what is new of a write, all of it or nothing. Of a batch, `faults` stays empty: it is refused by throwing.
   * @throws AlluviumError `FENCED` when the partition was given up, `SCHEMA_MISMATCH`, `INVALID_ROW` of batches, `INVALID_OPTIONS`.
   */
  take(
    rows: readonly object[] | RecordBatch,
    position: CheckedPosition,
    schema: StructType,
    ignoreUnknown: boolean,
  ): Taken | { readonly faults: RowFault[] } {
    if (!this.isOwned || this.leaving > 0) throw this.#givenUp()
    const [rowsBefore, bytesBefore] = [this.rows, this.bytes]
    const isRows = Array.isArray(rows)
    const count = isRows ? rows.length : (rows as RecordBatch).numRows
    const skip = this.#duplicates(count, position)
    if (skip < count) {
      const faults = isRows ? this.#appendRows(rows, skip, schema, ignoreUnknown) : this.#appendBatch(rows as RecordBatch, skip, schema)
      if (faults.length > 0) return { faults }
    }
    if (this.accepted === undefined || position.lastOffset > this.accepted) this.accepted = position.lastOffset
    return { rowsAccepted: this.rows - rowsBefore, rowsDuplicate: skip, bytes: this.bytes - bytesBefore }
  }

  /** Settled when everything up to `lastOffset` is in the table; undefined when it is, or when that is not recorded. */
  settlementOf(lastOffset: bigint): Promise<CommittedVersion> | undefined {
    if (this.committed !== undefined && lastOffset <= this.committed) return undefined
    if (this.#flight !== undefined && lastOffset <= this.#flight.lastOffset) return this.#flight.settlement?.promise
    if (this.rows === 0 && this.appId === undefined) return this.#flight?.settlement?.promise
    this.#settlement ??= new Settlement()
    return this.#settlement.promise
  }

  /** Takes everything out for a commit. */
  cut(): PartitionCut {
    this.#seal()
    const lastOffset = this.accepted as bigint
    const cut: PartitionCut = {
      buffer: this,
      batches: this.#batches,
      rows: this.#batchRows,
      bytes: this.#batchBytes,
      after: this.committed,
      lastOffset,
    }
    this.#flight = { lastOffset, settlement: this.#settlement }
    this.#settlement = undefined
    this.#forget()
    return cut
  }

  /** The cut became part of a version. */
  land(version: number): void {
    this.committed = this.#flight?.lastOffset
    this.#flight?.settlement?.resolve(version)
    this.#flight = undefined
  }

  /** The cut did not, or nobody knows. */
  crash(error: unknown): void {
    this.#flight?.settlement?.reject(error)
    this.#flight = undefined
  }

  /** Drops what is buffered: the next rows are those after what the table holds or is about to hold. */
  drop(reason: unknown): void {
    this.#settlement?.reject(reason)
    this.#settlement = undefined
    this.#builder = undefined
    this.#forget()
    this.accepted = this.#carried
  }

  /** Begins anew from what the table holds. Nothing may be in flight. */
  takeOver(committed: bigint | undefined): void {
    this.drop(
      new AlluviumError(
        'ABORTED',
        `${this.#name} was taken over anew before these rows were committed; they are dropped, and come again from its position`,
        {
          source: this.source,
          partition: this.partition,
        },
      ),
    )
    this.committed = committed
    this.accepted = committed
    this.isOwned = true
  }

  /** Drops what is buffered and takes nothing more until the partition is taken over again. */
  giveUp(): void {
    this.drop(this.#givenUp())
    this.isOwned = false
  }

  get #name(): string {
    return `${this.source}, partition ${this.partition}`
  }

  #givenUp(): AlluviumError {
    return new AlluviumError(
      'FENCED',
      `${this.#name} was given up: its rows belong to whoever has it now; assign it before writing to it again`,
      { source: this.source, partition: this.partition, ours: this.committed },
    )
  }

  #appendRows(rows: readonly object[], skip: number, schema: StructType, ignoreUnknown: boolean): RowFault[] {
    if (this.#builder?.schema !== schema) {
      this.#seal()
      this.#builder = { rows: new BatchBuilder(schema), schema }
    }
    const builder = this.#builder.rows
    const before = builder.rowCount
    const faults = builder.appendRows(skip === 0 ? rows : rows.slice(skip), { ignoreUnknown, firstRow: skip })
    if (faults.length > 0) builder.truncate(before)
    else if (builder.byteLength >= this.#sealBytes) this.#seal()
    return faults
  }

  #appendBatch(batch: RecordBatch, skip: number, schema: StructType): RowFault[] {
    const conformed = conformBatch(batch, schema)
    this.#seal()
    // A copy of the tail, so that the whole batch is not kept for it.
    this.#keep(
      skip === 0
        ? conformed
        : take(
            conformed,
            Int32Array.from({ length: batch.numRows - skip }, (_, i) => i + skip),
          ),
      schema,
    )
    return []
  }

  // How many rows at the head were taken before.
  #duplicates(rowCount: number, { firstOffset, lastOffset, offsetOf }: CheckedPosition): number {
    const { accepted } = this
    if (accepted === undefined || firstOffset > accepted) return 0
    if (lastOffset <= accepted) return rowCount
    if (rowCount === 0) return 0
    if (offsetOf === undefined) {
      throw new AlluviumError(
        'INVALID_OPTIONS',
        `offsets ${firstOffset} to ${lastOffset} of ${this.#name}, were taken in part (up to ${accepted}); with fewer rows than offsets, give the offset of each row in position.offsets`,
        { source: this.source, partition: this.partition },
      )
    }
    let low = 0
    let high = rowCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (offsetOf(middle) <= accepted) low = middle + 1
      else high = middle
    }
    return low
  }

  #seal(): void {
    if (this.#builder === undefined || this.#builder.rows.rowCount === 0) return
    this.#keep(this.#builder.rows.finish(), this.#builder.schema)
  }

  #keep(batch: RecordBatch, schema: StructType): void {
    this.#batches.push({ batch, schema })
    this.#batchRows += batch.numRows
    this.#batchBytes += batchBytes(batch)
  }

  #forget(): void {
    this.#batches = []
    this.#batchRows = 0
    this.#batchBytes = 0
  }
}
