// The statistics of many files as columns, for the columns that filters ask about. Rule: a file's text is scanned once;
// rows that were never added, and whatever could not be read, are unknown and keep their files.
import { encodeUtf8 } from '../bytes.js'
import { pathKey } from './bound.js'
import { type BoundStore, createBoundStore } from './bound-store.js'
import { type Known, nullsOf } from './bounds.js'
import { compareKeys, domainOf, type Key } from './domain.js'
import { MAX, MIN, parseString, type StatsColumn, StatsScanner } from './stats-scan.js'
import { readBound } from './stats-values.js'

/** Flags of a row in a column: two bits of nulls (`Nulls`), then what is known of its values. */
export const NULLS_MASK = 3
export const HAS_MIN = 4
export const HAS_MAX = 8
export const MAX_COVERS_NAN = 16

/** One column of the index. */
export interface IndexedColumn {
  readonly column: StatsColumn
  readonly flags: Uint8Array
  readonly min: BoundStore | undefined
  readonly max: BoundStore | undefined
}

class MutableColumn implements IndexedColumn {
  readonly column: StatsColumn
  readonly min: BoundStore | undefined
  readonly max: BoundStore | undefined
  flags: Uint8Array = new Uint8Array(0)

  constructor(column: StatsColumn) {
    this.column = column
    const domain = domainOf(column.type)
    if (domain === undefined || domain === 'binary') return
    const digits = column.type.type === 'decimal' ? column.type.precision : 0
    this.min = createBoundStore(domain, digits)
    this.max = createBoundStore(domain, digits)
  }

  reserve(capacity: number): void {
    const flags = new Uint8Array(capacity)
    flags.set(this.flags)
    this.flags = flags
    this.min?.reserve(capacity)
    this.max?.reserve(capacity)
  }
}

/**
 * Minima and maxima of chosen columns by row number of the file table. Rows may be added at any time, also for versions
 * that come later: row numbers never change their meaning.
 */
export class StatsIndex {
  readonly #columns: readonly MutableColumn[]
  readonly #byPath: ReadonlyMap<string, MutableColumn>
  readonly #scanner: StatsScanner
  #added: Uint8Array = new Uint8Array(0)
  #scratch: Uint8Array = new Uint8Array(0)

  constructor(columns: readonly StatsColumn[]) {
    this.#columns = columns.map((column) => new MutableColumn(column))
    this.#byPath = new Map(this.#columns.map((column) => [pathKey(column.column.path), column]))
    this.#scanner = new StatsScanner(columns)
  }

  /** Whether the index knows this column at all. */
  hasColumn(path: readonly string[]): boolean {
    return this.#byPath.has(pathKey(path))
  }

  /** Whether this row was added. */
  has(row: number): boolean {
    return this.#added[row] === 1
  }

  /** Adds the rows that are missing; `statsOf` answers a row's statistics text, undefined where it has none. */
  addMissing(rows: Int32Array, statsOf: (row: number) => string | undefined): void {
    for (const row of rows) if (!this.has(row)) this.addText(row, statsOf(row))
  }

  /** Adds a row by its statistics text. */
  addText(row: number, stats: string | undefined): void {
    const bytes = stats === undefined ? EMPTY : encodeUtf8(stats)
    this.addBytes(row, bytes, 0, bytes.length)
  }

  /** Adds a row whose statistics text still stands escaped, as the inside of a JSON string (a line of the log). */
  addEscaped(row: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#scratch.length < end - start) this.#scratch = new Uint8Array(2 * (end - start))
    const length = unescapeQuotes(bytes, start, end, this.#scratch)
    if (length >= 0) this.addBytes(row, this.#scratch, 0, length)
    else {
      const text = parseEscaped(bytes, start, end)
      this.addText(row, text)
    }
  }

  /** Adds a row whose statistics text is `bytes[start, end)`. */
  addBytes(row: number, bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(row + 1)
    this.#added[row] = 1
    const found = this.#scanner.scan(bytes, start, end)
    const numRecords = this.#scanner.numRecords()
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i] as MutableColumn
      column.flags[row] = found ? this.#readColumn(column, i, row, bytes, numRecords) : 0
    }
  }

  /** A column's arrays, or undefined when the index was not made for it. */
  column(path: readonly string[]): IndexedColumn | undefined {
    return this.#byPath.get(pathKey(path))
  }

  /** What is known of one row in one column. */
  known(path: readonly string[], row: number): Known | undefined {
    const column = this.#byPath.get(pathKey(path))
    const flags = column?.flags[row]
    if (column === undefined || flags === undefined) return undefined
    return {
      min: (flags & HAS_MIN) !== 0 ? column.min?.get(row) : undefined,
      max: (flags & HAS_MAX) !== 0 ? column.max?.get(row) : undefined,
      nulls: (flags & NULLS_MASK) as Known['nulls'],
      nan: (flags & MAX_COVERS_NAN) === 0,
    }
  }

  #readColumn(column: MutableColumn, i: number, row: number, bytes: Uint8Array, numRecords: number): number {
    const scanner = this.#scanner
    const nullCount = scanner.nullCount(i)
    let flags: number = nullsOf(nullCount < 0 ? undefined : nullCount, numRecords < 0 ? undefined : numRecords)
    if (scanner.nanCount(i) === 0) flags |= MAX_COVERS_NAN
    if (column.min === undefined || column.max === undefined) return flags
    const { type } = column.column
    const minStart = scanner.start(i, MIN)
    const maxStart = scanner.start(i, MAX)
    const min = minStart < 0 ? undefined : readBound(type, bytes, minStart, scanner.end(i, MIN), 'min')
    const max = maxStart < 0 ? undefined : readBound(type, bytes, maxStart, scanner.end(i, MAX), 'max')
    if (isContradiction(min, max)) return flags
    if (min !== undefined && column.min.set(row, min, 'min')) flags |= HAS_MIN
    if (max !== undefined && column.max.set(row, max, 'max')) flags |= HAS_MAX
    return flags
  }

  #reserve(rows: number): void {
    if (rows <= this.#added.length) return
    const capacity = Math.max(rows, 2 * this.#added.length, 1024)
    const added = new Uint8Array(capacity)
    added.set(this.#added)
    this.#added = added
    for (const column of this.#columns) column.reserve(capacity)
  }
}

const EMPTY = new Uint8Array(0)

function isContradiction(min: Key | undefined, max: Key | undefined): boolean {
  return min !== undefined && max !== undefined && compareKeys(min, max) > 0
}

// The usual escapes of a JSON text inside a JSON string: `\"`, and `\\` for the backslashes of its own strings.
// Answers the length written to `out`, or -1 where another escape stands.
function unescapeQuotes(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let length = 0
  for (let at = start; at < end; at++) {
    let c = bytes[at] as number
    if (c === 0x5c) {
      c = bytes[++at] as number
      if (c !== 0x22 && c !== 0x5c && c !== 0x2f) return -1
    }
    out[length++] = c
  }
  return length
}

function parseEscaped(bytes: Uint8Array, start: number, end: number): string | undefined {
  const quoted = new Uint8Array(end - start + 2)
  quoted[0] = 0x22
  quoted.set(bytes.subarray(start, end), 1)
  quoted[quoted.length - 1] = 0x22
  return parseString(quoted, 0, quoted.length)
}
