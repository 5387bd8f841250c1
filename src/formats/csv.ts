// CSV: RFC 4180 with a header. One rule: an empty field without quotes is null and "" is the empty text; a record that
// does not have the header's number of fields is a fault, never filled up or cut.
import { decodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/types.js'
import type { Cell } from './cell.js'
import { CsvFields, CsvSplitter } from './csv-fields.js'
import { type DecoderOptions, TextFormatDecoder, withoutLineEnd } from './decoder.js'
import { printText, RECORD_BROKEN } from './faults.js'
import { invalidUtf8At } from './string-bytes.js'

export class CsvDecoder extends TextFormatDecoder {
  private readonly schema: StructType
  private readonly ignoreUnknown: boolean
  private readonly fields: CsvFields
  private readonly splitter: CsvSplitter
  private header: readonly string[] | undefined = undefined
  /** The cell of each header column; undefined for one that is ignored. */
  private columns: readonly (Cell | undefined)[] = []
  /** Cells that no header column fills. */
  private absent: readonly Cell[] = []
  private recordLine = 1

  constructor(schema: StructType, options: DecoderOptions) {
    super(schema, options, true)
    this.schema = schema
    this.ignoreUnknown = options.ignoreUnknown === true
    const delimiter = delimiterByte(options.delimiter)
    this.fields = new CsvFields(delimiter)
    this.splitter = new CsvSplitter(delimiter)
  }

  protected get line(): number {
    return this.recordLine
  }

  protected recordEnd(bytes: Uint8Array, start: number, end: number): number {
    return this.splitter.recordEnd(bytes, start, end)
  }

  protected readRun(bytes: Uint8Array, start: number, end: number): number {
    let pos = start
    for (;;) {
      const next = this.recordEnd(bytes, pos, end)
      if (next < 0) return pos
      this.readChecked(bytes, pos, next)
      pos = next
    }
  }

  protected override readChecked(bytes: Uint8Array, start: number, end: number, size: number = end - start): void {
    if (this.header !== undefined) super.readChecked(bytes, start, end, size)
    else this.readHeader(bytes, start, end, size)
    this.recordLine = this.splitter.lines
  }

  protected readRecord(bytes: Uint8Array, start: number, end: number): void {
    const { batches } = this
    const width = this.columns.length
    const stop = withoutLineEnd(bytes, start, end)
    // In a file of one column an empty line is a record, whose only field is null.
    if (stop === start && width > 1) {
      batches.blank(end - start)
      return
    }
    const problem = this.fields.split(bytes, start, stop)
    if (problem !== undefined) batches.faults.addBytes('', bytes, start, stop, problem)
    else if (this.fields.count !== width) {
      batches.faults.addBytes('', bytes, start, stop, `${this.fields.count} fields, the header has ${width}`)
    } else this.readFields()
    if (batches.faults.empty) batches.good(end - start, this.scan.cells)
    else batches.bad(end - start, this.recordLine, bytes.subarray(start, stop))
  }

  protected readLast(pending: boolean): void {
    if (pending) this.readCarried()
  }

  private readFields(): void {
    this.scan.cells = 0
    try {
      for (const cell of this.absent) cell.missing(this.scan)
      for (let i = 0; i < this.columns.length; i++) {
        const cell = this.columns[i]
        if (cell !== undefined) this.readField(cell, i)
      }
    } catch (error) {
      if (error !== RECORD_BROKEN) throw error
    }
  }

  private readField(cell: Cell, i: number): void {
    const { fields, scan } = this
    const { faults } = scan
    if (!fields.select(i)) {
      cell.missing(scan, 'empty, and the column is NOT NULL')
      return
    }
    if (cell.trimsText) fields.trim()
    const { bytes, start, end } = fields
    const before = faults.problems.length
    const problem = invalidUtf8At(bytes, start, end) >= 0 ? 'invalid UTF-8' : cell.appendText(scan, bytes, start, end)
    if (problem !== undefined && faults.problems.length === before) faults.addBytes(cell.path, bytes, start, end, problem)
  }

  private readHeader(bytes: Uint8Array, start: number, end: number, size: number): void {
    const problem =
      size > this.maxRecordBytes ? 'larger than a record may be' : this.fields.split(bytes, start, withoutLineEnd(bytes, start, end))
    if (problem !== undefined) throw new AlluviumError('SCHEMA_MISMATCH', `the CSV header cannot be read: ${problem}`)
    const names = headerNames(this.fields)
    const faults = this.bind(names)
    if (faults.length > 0) {
      throw new AlluviumError('SCHEMA_MISMATCH', `the CSV header does not fit the schema: ${faults.join('; ')}`, { faults, header: names })
    }
    this.header = names
    this.batches.count(size)
  }

  // Gives each header column its cell. Answers what does not fit.
  private bind(names: readonly string[]): string[] {
    const faults: string[] = []
    const known = new Map(this.schema.fields.map((field, i) => [field.name, this.rows.cells[i] as Cell]))
    const used = new Set<string>()
    this.columns = names.map((name) => {
      const cell = known.get(name)
      if (used.has(name)) faults.push(`column ${printText(name)} stands twice`)
      else if (cell === undefined && !this.ignoreUnknown) faults.push(`column ${printText(name)} is not in the schema`)
      used.add(name)
      return cell
    })
    this.absent = this.schema.fields.flatMap((field, i) => (used.has(field.name) ? [] : [this.rows.cells[i] as Cell]))
    for (const cell of this.absent) if (!cell.nullable) faults.push(`column ${cell.path} is NOT NULL and missing`)
    return faults
  }
}

/** The byte of the delimiter option. @throws AlluviumError `INVALID_OPTIONS` where it cannot separate fields. */
export function delimiterByte(delimiter: string = ','): number {
  const code = delimiter.length === 1 ? delimiter.charCodeAt(0) : -1
  if (code > 0x7f || code < 0 || '"\r\n'.includes(delimiter)) {
    throw new AlluviumError('INVALID_OPTIONS', 'the delimiter of CSV must be one ASCII character, no quote and no line end', {
      option: 'delimiter',
    })
  }
  return code
}

/** The names in a header that was taken apart. */
export function headerNames(fields: CsvFields): string[] {
  return Array.from({ length: fields.count }, (_, i) => {
    fields.select(i)
    return decodeUtf8(fields.bytes, fields.start, fields.end)
  })
}
