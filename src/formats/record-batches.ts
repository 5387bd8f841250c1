// Records into batches: where a record counts, is taken back, and where a batch ends. One rule: every record has one
// ordinal, good, bad or blank, and where batches end depends on the input alone, never on how it was cut into chunks.
import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/types.js'
import type { Cell } from './cell.js'
import { FaultList, type InputFault } from './faults.js'
import type { ObjectReader } from './object-reader.js'

/** What a decoder makes of a run of records. */
export interface DecodedBatch {
  /** The good rows, in the schema given. */
  readonly batch: RecordBatch
  /** Ordinal of the first record of the run, from 0 at the start of the input. */
  readonly firstRecord: number
  /** Ordinals of the run: good, bad and blank records. The next run starts at `firstRecord + records`. */
  readonly records: number
  /** How many of them were blank lines: no rows, and no faults either. */
  readonly blanks: number
  /** Bytes of input in the run (0 for Parquet and Arrow input). */
  readonly bytes: number
  readonly faults: readonly InputFault[]
  /** For each row its ordinal less `firstRecord`; absent when row i is record `firstRecord + i`. */
  readonly rows?: Int32Array
}

export interface BatchLimits {
  /** Records of a batch, at most. Default 65536. */
  readonly rowsPerBatch?: number
  /** Bytes of input after which a batch ends. Default 8 MiB, at most 1 GiB. */
  readonly bytesPerBatch?: number
}

const DEFAULT_ROWS = 65_536
const DEFAULT_BYTES = 8 * 1024 * 1024
const MAX_BYTES = 1024 * 1024 * 1024
/** Cells of a batch, about: wide schemas end batches earlier, because absent members cost memory too. */
const MAX_CELLS = 1 << 24

/** Grows batches from records that cells append. */
export class RecordBatches {
  readonly builder: BatchBuilder
  readonly faults: FaultList = new FaultList()
  /** Ordinal of the record being read. */
  ordinal = 0
  private readonly maxRows: number
  private readonly maxBytes: number
  private cells: readonly Cell[] = []
  /** Cells that a row makes at least. */
  private weight = 0
  private cellCount = 0
  private ready: DecodedBatch[] = []
  private firstRecord = 0
  private blanks = 0
  private bytes = 0
  private listed: InputFault[] = []
  private rows: Int32Array | undefined

  constructor(schema: StructType, limits: BatchLimits) {
    this.builder = new BatchBuilder(schema)
    this.maxRows = checkLimit('rowsPerBatch', limits.rowsPerBatch ?? DEFAULT_ROWS, MAX_CELLS)
    this.maxBytes = checkLimit('bytesPerBatch', limits.bytesPerBatch ?? DEFAULT_BYTES, MAX_BYTES)
  }

  /** The reader of rows: its cells are told when a record is taken back. */
  use(rows: ObjectReader): void {
    this.cells = rows.cells
    this.weight = rows.weight
  }

  /** Ends a record of `bytes` bytes that has no fault: every column has one more cell. `structCells` were made inside of structs. */
  good(bytes: number, structCells: number): void {
    this.cellCount += this.weight + structCells
    if (this.rows !== undefined) this.note(this.builder.rowCount)
    this.builder.endRows(1)
    this.endRecord(bytes)
  }

  /** Ends a record with faults: what it appended is dropped. `raw` is copied; `rawCut` says that it is only the beginning. */
  bad(bytes: number, line: number, raw: Uint8Array, rawCut = false): void {
    this.takeBack()
    this.irregular()
    this.list(line, raw, rawCut)
    this.endRecord(bytes)
  }

  /** Ends a blank line. */
  blank(bytes: number): void {
    this.irregular()
    this.blanks++
    this.endRecord(bytes)
  }

  /** Lists faults that belong to no record of their own, such as text between records. */
  between(line: number, raw: Uint8Array): void {
    this.list(line, raw, false)
  }

  /** Counts bytes that are no part of a record: a header, or brackets around the records. */
  count(bytes: number): void {
    this.bytes += bytes
  }

  /** Goes over records without reading them. No batch is under way then. */
  skip(records: number): void {
    this.ordinal += records
    this.firstRecord = this.ordinal
    this.bytes = 0
  }

  /** The batches that are full, in order. */
  take(): DecodedBatch[] {
    if (this.ready.length === 0) return []
    const ready = this.ready
    this.ready = []
    return ready
  }

  /** Ends the batch under way, where it has anything in it. */
  flush(): void {
    if (this.ordinal === this.firstRecord && this.listed.length === 0) return
    const { firstRecord, blanks, bytes, listed, rows } = this
    const rowCount = this.builder.rowCount
    const shared = { batch: this.builder.finish(), firstRecord, records: this.ordinal - firstRecord, blanks, bytes, faults: listed }
    this.ready.push(rows === undefined ? shared : { ...shared, rows: rows.slice(0, rowCount) })
    this.firstRecord = this.ordinal
    this.blanks = 0
    this.bytes = 0
    this.cellCount = 0
    this.listed = []
    this.rows = undefined
  }

  private endRecord(bytes: number): void {
    this.ordinal++
    this.bytes += bytes
    if (this.ordinal - this.firstRecord >= this.maxRows || this.bytes >= this.maxBytes || this.cellCount >= MAX_CELLS) this.flush()
  }

  private takeBack(): void {
    const { rowCount, columns } = this.builder
    for (const cell of this.cells) cell.abandon()
    for (const column of columns) column.truncate(rowCount)
  }

  private list(line: number, source: Uint8Array, rawCut: boolean): void {
    const raw = source.slice()
    for (const problem of this.faults.take()) {
      const fault = { ...problem, record: this.ordinal, line, raw }
      this.listed.push(rawCut ? { ...fault, rawCut } : fault)
    }
  }

  // From here on rows and ordinals differ.
  private irregular(): void {
    if (this.rows !== undefined) return
    this.rows = new Int32Array(Math.max(64, this.builder.rowCount * 2))
    for (let i = 0; i < this.builder.rowCount; i++) this.rows[i] = i
  }

  private note(row: number): void {
    let rows = this.rows as Int32Array
    if (row >= rows.length) {
      rows = new Int32Array(rows.length * 2)
      rows.set(this.rows as Int32Array)
      this.rows = rows
    }
    rows[row] = this.ordinal - this.firstRecord
  }
}

function checkLimit(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new AlluviumError('INVALID_OPTIONS', `${name} must be a whole number from 1 to ${max}, not ${value}`, { option: name })
}
