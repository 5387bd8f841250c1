// Builders of date, timestamp and timestamp_ntz, in days and microseconds since 1970. One rule: an instant is exact or
// refused; text goes through the scanners of schema/time.ts as bytes, without a bigint for each value.
import { type Data, makeData } from 'apache-arrow'
import {
  parseDateDaysBytes,
  parseTimestampMicrosBytes,
  parseTimestampMicrosBytesExact,
  parseTimestampNtzMicrosBytes,
  parseTimestampNtzMicrosBytesExact,
} from '../schema/index.js'
import { BaseBuilder, type BuilderInit, usedPart } from './base-builder.js'
import type { CellFault, MemberKey } from './column-builder.js'
import { memberOf } from './column-builder.js'
import { Int64Builder } from './number-builders.js'
import { kindOf } from './print-value.js'
import { toArrowType } from './types.js'

const MS_PER_DAY = 86_400_000
const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
/** Below this a number of milliseconds times 1000 is exact in a double. */
const MAX_EXACT_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

const scratch = new Uint8Array(64)

// The text's bytes in `scratch`: their count, or 0 where it is too long or not ASCII (and so no date or time).
function toScratch(text: string): number {
  const length = text.length
  if (length > scratch.length) return 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return 0
    scratch[i] = code
  }
  return length
}

/** `timestamp` (Date, bigint microseconds, ISO text with a zone) and `timestamp_ntz` (ISO text without one, bigint microseconds). */
export class TimestampBuilder extends Int64Builder {
  private readonly zoned: boolean

  constructor(init: BuilderInit) {
    super(init)
    this.zoned = init.field.dataType.type === 'timestamp'
  }

  /** Appends microseconds since 1970 that a double holds exactly; not checked. */
  appendMicrosNumber(micros: number): void {
    this.appendNumber(micros)
  }

  /** Appends microseconds since 1970 that fit 64 bits; not checked. */
  appendMicros(micros: bigint): void {
    this.appendBigInt(micros)
  }

  override appendMembers(rows: readonly object[], key: MemberKey, start: number, end: number): boolean {
    this.reserve(end - start)
    for (let i = start; i < end; i++) {
      if (this.append(memberOf(rows[i] as object, key)) !== undefined) return false
    }
    return true
  }

  protected override put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    let problem: string | undefined
    if (this.zoned && value instanceof Date) problem = this.putMs(value.getTime())
    else if (typeof value === 'string') problem = this.putText(value)
    else if (typeof value === 'bigint') {
      if (value < MIN_INT64 || value > MAX_INT64) problem = 'outside the range of 64-bit microseconds'
      else this.appendBigInt(value)
    } else {
      problem = `expected ${this.zoned ? 'a Date, a text with a zone' : 'a text without a zone'} or microseconds as a bigint, got ${kindOf(value)}`
    }
    return problem === undefined ? undefined : this.fault(value, problem, faults)
  }

  private putMs(ms: number): string | undefined {
    if (Number.isNaN(ms)) return 'an invalid Date'
    if (ms <= MAX_EXACT_MS && ms >= -MAX_EXACT_MS) this.appendNumber(ms * 1000)
    else this.appendBigInt(BigInt(ms) * 1000n)
    return undefined
  }

  private putText(text: string): string | undefined {
    const length = toScratch(text)
    if (length === 0) return this.textProblem()
    const micros = this.zoned ? parseTimestampMicrosBytes(scratch, 0, length) : parseTimestampNtzMicrosBytes(scratch, 0, length)
    if (!Number.isNaN(micros)) {
      this.appendNumber(micros)
      return undefined
    }
    const exact = this.zoned ? parseTimestampMicrosBytesExact(scratch, 0, length) : parseTimestampNtzMicrosBytesExact(scratch, 0, length)
    if (exact === undefined) return this.textProblem()
    this.appendBigInt(exact)
    return undefined
  }

  private textProblem(): string {
    return this.zoned
      ? 'not an ISO 8601 timestamp with a zone and at most microseconds, such as 2024-05-01T12:00:00.5Z'
      : 'not an ISO 8601 timestamp without a zone and with at most microseconds, such as 2024-05-01T12:00:00.5'
  }
}

/** `date` (text `YYYY-MM-DD`, or a Date at midnight UTC). */
export class DateBuilder extends BaseBuilder {
  private values: Int32Array<ArrayBuffer>

  constructor(init: BuilderInit) {
    super(init)
    this.values = new Int32Array(0)
  }

  get byteLength(): number {
    return this.length * 4 + this.bitmapBytes
  }

  /** Appends days since 1970 that fit 32 bits; not checked. */
  appendDays(days: number): void {
    if (this.length === this.capacity) this.reserve(1)
    this.values[this.length++] = days
  }

  appendFiller(): void {
    if (this.field.nullable) this.appendNull()
    else this.putZero()
  }

  finish(lent = false): Data {
    const values = usedPart(this.values, this.length, lent)
    const data = makeData({ type: toArrowType(this.field.dataType), data: values, ...this.takeValidity(lent) } as never) as Data
    if (!lent) this.values = new Int32Array(0)
    return data
  }

  protected put(value: unknown, faults: CellFault[] | undefined): string | undefined {
    if (typeof value === 'string') {
      const days = parseDateDaysBytes(scratch, 0, toScratch(value))
      if (Number.isNaN(days)) return this.fault(value, 'not a date in the form YYYY-MM-DD', faults)
      this.appendDays(days)
    } else if (value instanceof Date) {
      const days = value.getTime() / MS_PER_DAY
      if (!Number.isInteger(days)) return this.fault(value, 'a Date that is not midnight UTC is no date', faults)
      this.appendDays(days)
    } else {
      return this.fault(value, `expected a text YYYY-MM-DD or a Date at midnight UTC, got ${kindOf(value)}`, faults)
    }
    return undefined
  }

  protected putZero(): void {
    this.appendDays(0)
  }

  protected resize(capacity: number): void {
    const grown = new Int32Array(capacity)
    grown.set(this.values)
    this.values = grown
  }
}
