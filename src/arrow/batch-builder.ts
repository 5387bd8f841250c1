// Row objects into record batches, a column at a time over chunks of rows. One rule: the common case (every row good)
// pays for no fault reporting; a chunk with a fault is taken back and done again row by row, listing everything.
import { type Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow'
import { jsonObject } from '../json.js'
import type { StructType } from '../schema/index.js'
import type { BuildSettings, CellFault, ColumnBuilder, MemberKey } from './column-builder.js'
import { memberKey, memberOf } from './column-builder.js'
import { createColumnBuilder } from './create-builder.js'
import { isPlainValue } from './nested-builders.js'
import { kindOf, printValue } from './print-value.js'
import { toArrowSchema } from './types.js'

/** One thing wrong with one row. */
export interface RowFault {
  /** The row's number: its index in the call, plus `firstRow`. */
  readonly row: number
  /** Dotted path of the column; empty when the row as a whole is wrong. */
  readonly column: string
  /** The value, as short printable text. */
  readonly value: string
  readonly problem: string
}

export interface AppendRowsOptions {
  /** Skip keys that are no column, at any depth, instead of refusing the row. */
  readonly ignoreUnknown?: boolean
  /** Number of the first row, for faults; default 0. */
  readonly firstRow?: number
}

/** Rows of one pass over the columns: their texts are encoded together, and the rows stay in the processor's caches. */
const CHUNK_ROWS = 2048

/**
 * Builds record batches of a schema from row objects.
 *
 * @example
 * const builder = new BatchBuilder(struct)
 * const faults = builder.appendRows([{ id: 1n, name: 'kim' }, { id: 'x' }])
 * // [{ row: 1, column: 'id', value: '"x"', problem: 'expected a bigint or a whole number, got a string' }]
 * const batch = builder.finish() // 1 row
 */
export class BatchBuilder {
  /** The schema of the batches. */
  readonly schema: Schema
  /** One builder a column, in schema order, for whoever appends cells by itself (then `endRows`). */
  readonly columns: readonly ColumnBuilder[]
  private rows = 0
  private readonly keys: readonly MemberKey[]
  private readonly unknownKeys: UnknownKeys
  private readonly settings: BuildSettings = { ignoreUnknown: false }

  /** @throws AlluviumError `UNSUPPORTED_FEATURE` where a column has a type that cannot be written. */
  constructor(schema: StructType, options: { readonly capacityRows?: number } = {}) {
    this.schema = toArrowSchema(schema)
    const init = { capacityRows: options.capacityRows ?? 1024, settings: this.settings }
    this.columns = schema.fields.map((field) => createColumnBuilder(field, init))
    this.keys = schema.fields.map((field) => memberKey(field.name))
    this.unknownKeys = new UnknownKeys(schema.fields.map((field) => field.name))
  }

  /** Rows since the last `finish`. */
  get rowCount(): number {
    return this.rows
  }

  /** Bytes of the cells since the last `finish`. */
  get byteLength(): number {
    let sum = 0
    for (const column of this.columns) sum += column.byteLength
    return sum
  }

  /**
   * Appends rows and answers all faults of all rows that have any; those rows are left out, the others stay in order.
   * Types, ranges, NOT NULL (also inside structs, arrays and maps) and unknown keys are checked.
   * @throws AlluviumError `LIMIT_EXCEEDED` when one column would pass 2 GiB in this batch; nothing of the call stays then.
   */
  appendRows(rows: readonly object[], options: AppendRowsOptions = {}): RowFault[] {
    this.settings.ignoreUnknown = options.ignoreUnknown === true
    const faults: RowFault[] = []
    const before = this.rows
    try {
      for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
        const end = Math.min(start + CHUNK_ROWS, rows.length)
        if (this.appendChunk(rows, start, end)) this.rows += end - start
        else this.appendOneByOne(rows, start, end, (options.firstRow ?? 0) + start, faults)
      }
    } catch (error) {
      this.rows = before
      this.truncateColumns()
      throw error
    }
    return faults
  }

  /** Takes note of `count` rows whose cells were appended to every one of `columns` directly. */
  endRows(count: number): void {
    this.rows += count
  }

  /** Drops the rows from `rowCount` on, and the cells of a row under construction. */
  truncate(rowCount: number): void {
    this.rows = Math.min(this.rows, rowCount)
    this.truncateColumns()
  }

  /**
   * The rows so far as a batch; the builder is empty again and can be used on. A batch that is only lent is worthless once
   * more is appended, whatever is still reading it: its memory is used again.
   */
  finish(options: { readonly lent?: boolean } = {}): RecordBatch {
    const length = this.rows
    this.rows = 0
    const children: Data[] = this.columns.map((column) => column.finish(options.lent))
    const type = new Struct(this.schema.fields)
    return new RecordBatch(this.schema, makeData({ type, length, nullCount: 0, children }))
  }

  private appendChunk(rows: readonly object[], start: number, end: number): boolean {
    let good = this.looksGood(rows, start, end)
    for (let c = 0; good && c < this.columns.length; c++) {
      good = (this.columns[c] as ColumnBuilder).appendMembers(rows, this.keys[c] as MemberKey, start, end)
    }
    if (!good) this.truncateColumns()
    return good
  }

  // Whether all rows are objects, and no unknown key is found.
  private looksGood(rows: readonly object[], start: number, end: number): boolean {
    const strict = !this.settings.ignoreUnknown
    for (let i = start; i < end; i++) {
      const row: unknown = rows[i]
      if (!isPlainValue(row) || (strict && this.unknownKeys.someIn(row))) return false
    }
    return true
  }

  private appendOneByOne(rows: readonly object[], start: number, end: number, firstRow: number, faults: RowFault[]): void {
    for (let i = start; i < end; i++) {
      const found = this.appendRow(rows[i])
      for (const fault of found) faults.push({ row: firstRow + i - start, ...fault })
      if (found.length === 0) this.rows++
      else this.truncateColumns()
    }
  }

  private appendRow(row: unknown): CellFault[] {
    if (!isPlainValue(row)) return [{ column: '', value: printValue(row), problem: `a row must be an object, got ${kindOf(row)}` }]
    const faults = this.settings.ignoreUnknown ? [] : this.unknownKeys.faultsOf(row)
    this.columns.forEach((column, c) => {
      column.append(memberOf(row, this.keys[c] as MemberKey), faults)
    })
    return faults
  }

  private truncateColumns(): void {
    for (const column of this.columns) if (column.length > this.rows) column.truncate(this.rows)
  }
}

/** The search for keys that are no column. Rows mostly have their keys in the same order, so it expects that order. */
class UnknownKeys {
  private readonly positions: ReadonlyMap<string, number>
  private readonly names: readonly string[]

  constructor(names: readonly string[]) {
    this.names = names
    this.positions = new Map(names.map((name, i) => [name, i]))
  }

  /** Whether a row has a key that is no column. An inherited one only looks like it: `faultsOf` decides. */
  someIn(row: object): boolean {
    const { names } = this
    let at = 0
    for (const key in row) {
      if (key === names[at]) at++
      else {
        const position = this.positions.get(key)
        if (position === undefined) return true
        at = position + 1
      }
    }
    return false
  }

  faultsOf(row: object): CellFault[] {
    return Object.keys(row)
      .filter((key) => !this.positions.has(key))
      .map((key) => ({ column: key, value: printValue((row as Record<string, unknown>)[key]), problem: 'no such column in the schema' }))
  }
}

/** A batch of a struct's columns. All columns have `length` rows. */
export function batchOf(schema: Schema, children: Data[], length: number): RecordBatch {
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }))
}

/** The schema's columns without any row. */
export function emptyBatch(schema: StructType): RecordBatch {
  return new BatchBuilder({ ...schema, fields: schema.fields.map((field) => ({ ...field, metadata: jsonObject() })) }).finish()
}
