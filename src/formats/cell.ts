// One column of a text format: reads a value from JSON or from a text cell and appends it to its column builder. One
// rule: a bad value is listed and consumed and nothing else; the record that holds it is taken back as a whole.
import type { ColumnBuilder } from '../arrow/index.js'
import type { JsonScanner } from './json-scanner.js'

const NULL_FAULT = 'null in a NOT NULL column'

/** How values are read; the same for all columns. */
export interface CellOptions {
  /** Unknown members of objects are skipped instead of being a fault. */
  readonly ignoreUnknown: boolean
  /** The unit of bare numbers in `timestamp` columns; without it they are faults. */
  readonly timestampUnit: 's' | 'ms' | 'us' | undefined
  /** String columns take any other JSON value as its text. */
  readonly jsonAsText: boolean
}

export abstract class Cell {
  /** Dotted path, as in faults. */
  readonly path: string
  readonly nullable: boolean
  private readonly target: ColumnBuilder

  /** Whether spaces around a text cell mean nothing: true but for string columns. */
  readonly trimsText: boolean

  /** Cells that one value makes in columns of its own members, however short its text: 0 but for structs. */
  readonly weight: number

  constructor(builder: ColumnBuilder, weight = 0) {
    this.target = builder
    this.weight = weight
    this.path = builder.path
    this.nullable = builder.field.nullable
    this.trimsText = builder.field.dataType.type !== 'string'
  }

  /** Consumes the JSON value at `scan.pos`, whose first byte is `c`, and appends it. */
  readJson(scan: JsonScanner, c: number): void {
    if (c === 0x6e) this.readNull(scan)
    else this.readValue(scan, c)
  }

  /** Appends the null that a missing member or an empty field stands for. */
  missing(scan: JsonScanner, problem: string = NULL_FAULT): void {
    if (this.nullable) this.target.appendNull()
    else scan.faults.add(this.path, '', problem)
  }

  /** Appends the value that the text `bytes[start, end)` denotes. Answers the problem, or undefined. */
  abstract appendText(scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined

  /** Drops what is left of a value given up in the middle, in this column and in those inside it. */
  abandon(): void {}

  /** A text for a value of this column that equal values share, whatever their spelling: keys of maps are compared by it. */
  canonical(text: string): string {
    return text
  }

  /** As {@link readJson}, for anything but a null. */
  protected abstract readValue(scan: JsonScanner, c: number): void

  /** Consumes a JSON string and appends what it denotes. */
  protected readQuoted(scan: JsonScanner): void {
    const start = scan.pos
    scan.string(this.path)
    const problem = scan.textProblem ?? this.appendText(scan, scan.textBytes, scan.textStart, scan.textEnd)
    if (problem !== undefined) scan.bad(this.path, start, problem)
  }

  private readNull(scan: JsonScanner): void {
    if (scan.word(this.path) !== 2) return
    if (this.weight > 0) scan.addCells(this.weight, this.path)
    if (this.nullable) this.target.appendNull()
    else scan.faults.add(this.path, 'null', NULL_FAULT)
  }
}
