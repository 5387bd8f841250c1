// What is wrong with a record. Owns the shape of a fault and the list that one record collects; its one rule: a record
// reports all it can, but never more than a bounded number of bounded texts, whatever the input holds.
import { decodeUtf8 } from '../bytes.js'

/** One thing wrong with one record of the input. */
export interface InputFault {
  /** `LIMIT_EXCEEDED` for a record that is too large or too deep, else `INVALID_ROW`. */
  readonly code: 'INVALID_ROW' | 'LIMIT_EXCEEDED'
  /** Ordinal of the record in the input, from 0. */
  readonly record: number
  /** Line of the input on which the record starts, from 1 (0 in Parquet and Arrow files, which have no lines). */
  readonly line: number
  /** Dotted path of the column (`id`, `address.city`, `tags.element`), empty where the record as a whole is wrong. */
  readonly column: string
  /** The value as short printable text. */
  readonly value: string
  readonly problem: string
  /** The bytes of the record as they stood in the input, without the line ending. All faults of a record share them. */
  readonly raw: Uint8Array
  /** True where `raw` holds only the beginning of a record beyond the size limit. */
  readonly rawCut?: boolean
}

/** A problem before it is known which record it belongs to. */
export interface Problem {
  readonly code: InputFault['code']
  readonly column: string
  readonly value: string
  readonly problem: string
}

/** More faults of one record than this are counted, not listed. */
export const MAX_FAULTS_PER_RECORD = 100
const MAX_PRINTED_BYTES = 60

/** The faults of the record being read. */
export class FaultList {
  readonly problems: Problem[] = []
  private dropped = 0

  /** True while nothing is wrong. */
  get empty(): boolean {
    return this.problems.length === 0
  }

  add(column: string, value: string, problem: string, code: InputFault['code'] = 'INVALID_ROW'): void {
    if (this.problems.length < MAX_FAULTS_PER_RECORD) this.problems.push({ code, column, value, problem })
    else this.dropped++
  }

  addBytes(column: string, bytes: Uint8Array, start: number, end: number, problem: string): void {
    // The text is made only where it is kept: a hostile record may have a million faults.
    if (this.problems.length < MAX_FAULTS_PER_RECORD) this.add(column, printBytes(bytes, start, end), problem)
    else this.dropped++
  }

  /** Hands the problems out and forgets them. */
  take(): Problem[] {
    const taken = this.problems.splice(0)
    if (this.dropped > 0)
      taken.push({ code: 'INVALID_ROW', column: '', value: '', problem: `and ${this.dropped} more faults in this record` })
    this.dropped = 0
    return taken
  }
}

/** Reading of a record stopped: its structure is broken and the fault is listed already. Made once, so that it costs no stack trace. */
export class RecordBroken extends Error {}
export const RECORD_BROKEN: RecordBroken = new RecordBroken('the record is broken')

/** `bytes[start, end)` as short text for a message: control characters escaped, a cut marked by `…`. */
export function printBytes(bytes: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + MAX_PRINTED_BYTES)
  const text = decodeUtf8(bytes, start, charBoundary(bytes, stop, end))
  return printable(text) + (stop < end ? '…' : '')
}

/** A text as short printable text. */
export function printText(text: string): string {
  return text.length <= MAX_PRINTED_BYTES ? printable(text) : `${printable(text.slice(0, MAX_PRINTED_BYTES))}…`
}

// Not within a character: at most three continuation bytes are left out at a cut.
function charBoundary(bytes: Uint8Array, stop: number, end: number): number {
  if (stop === end) return stop
  let i = stop
  for (let back = 0; back < 3 && i > 0 && ((bytes[i] as number) & 0xc0) === 0x80; back++) i--
  return i
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
