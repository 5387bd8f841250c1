// Cells of string, binary, boolean, date, timestamp, timestamp_ntz and void. One rule: a text means exactly one value of
// the column's type, or it is a fault.
import type { BinaryBuilder, BoolBuilder, ColumnBuilder, DateBuilder, TimestampBuilder, Utf8Builder } from '../arrow/index.js'
import { decodeUtf8 } from '../bytes.js'
import {
  parseDateDaysBytes,
  parseTimestampMicrosBytes,
  parseTimestampMicrosBytesExact,
  parseTimestampNtzMicrosBytes,
  parseTimestampNtzMicrosBytesExact,
} from '../schema/index.js'
import { Base64Decoder } from './base64.js'
import { Cell, type CellOptions } from './cell.js'
import type { JsonScanner } from './json-scanner.js'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

export class StringCell extends Cell {
  private readonly builder: Utf8Builder
  private readonly jsonAsText: boolean

  constructor(builder: Utf8Builder, options: CellOptions) {
    super(builder)
    this.builder = builder
    this.jsonAsText = options.jsonAsText
  }

  appendText(_scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    this.builder.appendUtf8(bytes, start, end)
    return undefined
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c === 0x22) {
      const start = scan.pos
      scan.string(this.path)
      if (scan.textProblem === undefined) this.builder.appendUtf8(scan.textBytes, scan.textStart, scan.textEnd)
      else scan.bad(this.path, start, scan.textProblem)
    } else if (this.jsonAsText) this.readAsText(scan)
    else scan.mismatch(this.path, 'a string')
  }

  private readAsText(scan: JsonScanner): void {
    const start = scan.pos
    scan.skip(this.path)
    if (scan.faults.empty) this.builder.appendUtf8(scan.bytes, start, scan.pos)
  }
}

/** `binary`: base64, the standard alphabet, padded or not. */
export class BinaryCell extends Cell {
  private readonly builder: BinaryBuilder
  private readonly base64: Base64Decoder = new Base64Decoder()

  constructor(builder: BinaryBuilder) {
    super(builder)
    this.builder = builder
  }

  override canonical(text: string): string {
    return text.replace(/={1,2}$/, '')
  }

  appendText(_scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (!this.base64.decode(bytes, start, end)) return 'not base64'
    this.builder.appendBinary(this.base64.bytes, 0, this.base64.length)
    return undefined
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c === 0x22) this.readQuoted(scan)
    else scan.mismatch(this.path, 'a base64 string')
  }
}

export class BoolCell extends Cell {
  private readonly builder: BoolBuilder

  constructor(builder: BoolBuilder) {
    super(builder)
    this.builder = builder
  }

  override canonical(text: string): string {
    return text.toLowerCase()
  }

  appendText(_scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    const text = end - start <= 5 ? decodeUtf8(bytes, start, end) : ''
    if (text === 'true' || text === 'True' || text === 'TRUE') this.builder.appendBool(true)
    else if (text === 'false' || text === 'False' || text === 'FALSE') this.builder.appendBool(false)
    else return 'not true or false'
    return undefined
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c !== 0x74 && c !== 0x66) {
      scan.mismatch(this.path, 'true or false')
      return
    }
    const word = scan.word(this.path)
    if (word < 2) this.builder.appendBool(word === 1)
  }
}

export class DateCell extends Cell {
  private readonly builder: DateBuilder

  constructor(builder: DateBuilder) {
    super(builder)
    this.builder = builder
  }

  appendText(_scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    const days = start === end ? Number.NaN : parseDateDaysBytes(bytes, start, end)
    if (Number.isNaN(days)) return 'not a date in the form YYYY-MM-DD'
    this.builder.appendDays(days)
    return undefined
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c === 0x22) this.readQuoted(scan)
    else scan.mismatch(this.path, 'a date "YYYY-MM-DD"')
  }
}

/** `timestamp` and `timestamp_ntz`. */
export class TimestampCell extends Cell {
  private readonly builder: TimestampBuilder
  private readonly zoned: boolean
  /** Decimal places from a bare number to microseconds, -1 where bare numbers are refused. */
  private readonly places: number

  constructor(builder: TimestampBuilder, options: CellOptions) {
    super(builder)
    this.builder = builder
    this.zoned = builder.field.dataType.type === 'timestamp'
    const unit = this.zoned ? options.timestampUnit : undefined
    this.places = unit === undefined ? -1 : unit === 's' ? 6 : unit === 'ms' ? 3 : 0
  }

  override canonical(text: string): string {
    const bytes = new TextEncoder().encode(text)
    return String(this.exact(bytes, 0, bytes.length) ?? text)
  }

  appendText(scan: JsonScanner, bytes: Uint8Array, start: number, end: number): string | undefined {
    const micros = this.zoned ? parseTimestampMicrosBytes(bytes, start, end) : parseTimestampNtzMicrosBytes(bytes, start, end)
    if (!Number.isNaN(micros)) {
      this.builder.appendMicrosNumber(micros)
      return undefined
    }
    const exact = this.exact(bytes, start, end)
    if (exact !== undefined) {
      this.builder.appendMicros(exact)
      return undefined
    }
    if (this.places >= 0 && scan.number.scan(bytes, start, end, true) === end) return this.appendUnits(scan, bytes)
    return this.zoned
      ? 'not an ISO 8601 timestamp with a zone and at most microseconds, such as 2024-05-01T12:00:00.5Z'
      : 'not an ISO 8601 timestamp without a zone and with at most microseconds, such as 2024-05-01T12:00:00.5'
  }

  protected readValue(scan: JsonScanner, c: number): void {
    if (c === 0x22) {
      this.readQuoted(scan)
      return
    }
    if (c !== 0x2d && (c < 0x30 || c > 0x39)) {
      scan.mismatch(this.path, 'a timestamp text')
      return
    }
    const start = scan.pos
    if (!scan.readNumber(this.path)) return
    const problem = this.places < 0 ? this.bareNumberProblem() : this.appendUnits(scan, scan.bytes)
    if (problem !== undefined) scan.bad(this.path, start, problem)
  }

  private appendUnits(scan: JsonScanner, bytes: Uint8Array): string | undefined {
    const small = scan.number.toDecimalNumber(38, this.places)
    if (!Number.isNaN(small)) {
      this.builder.appendMicrosNumber(small)
      return undefined
    }
    const exact = scan.number.toDecimal(bytes, 38, this.places)
    if (exact === undefined || exact < MIN_INT64 || exact > MAX_INT64) return 'not a whole number of microseconds within 64 bits'
    this.builder.appendMicros(exact)
    return undefined
  }

  private exact(bytes: Uint8Array, start: number, end: number): bigint | undefined {
    return this.zoned ? parseTimestampMicrosBytesExact(bytes, start, end) : parseTimestampNtzMicrosBytesExact(bytes, start, end)
  }

  private bareNumberProblem(): string {
    return this.zoned
      ? 'a bare number as a timestamp: say its unit with the timestamp unit option, or give ISO 8601 text with a zone'
      : 'a timestamp text expected, found a number'
  }
}

/** `void`: nothing but nulls. */
export class VoidCell extends Cell {
  constructor(builder: ColumnBuilder) {
    super(builder)
  }

  appendText(): string | undefined {
    return 'a column of type void holds only nulls'
  }

  protected readValue(scan: JsonScanner): void {
    scan.mismatch(this.path, 'null')
  }
}
