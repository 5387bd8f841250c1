// NDJSON: one JSON object a line. One rule: the ordinal of a record is its line number less one, blank lines included,
// so that an input can be taken up again by counting line feeds.
import type { StructType } from '../schema/types.js'
import { type DecoderOptions, TextFormatDecoder, withoutLineEnd } from './decoder.js'
import { RECORD_BROKEN } from './faults.js'

const NEWLINE = 0x0a

export class NdjsonDecoder extends TextFormatDecoder {
  constructor(schema: StructType, options: DecoderOptions) {
    super(schema, options, false)
  }

  protected get line(): number {
    return this.batches.ordinal + 1
  }

  protected recordEnd(bytes: Uint8Array, start: number, end: number): number {
    const at = bytes.indexOf(NEWLINE, start)
    return at < 0 || at >= end ? -1 : at + 1
  }

  protected readRun(bytes: Uint8Array, start: number, end: number): number {
    let pos = start
    while (this.batches.ordinal < this.skipUntil) {
      const next = this.recordEnd(bytes, pos, end)
      if (next < 0) return pos
      this.batches.skip(1)
      pos = next
    }
    const last = bytes.lastIndexOf(NEWLINE, end - 1)
    if (last < pos) return pos
    this.readLines(bytes, pos, last + 1)
    return last + 1
  }

  protected readRecord(bytes: Uint8Array, start: number, end: number): void {
    this.readLines(bytes, start, end)
  }

  protected readLast(pending: boolean): void {
    // The last line need not have a line end.
    if (pending) this.readCarried()
  }

  // Lines are not looked for: reading a record ends at its line feed, because no JSON token goes over one.
  private readLines(bytes: Uint8Array, start: number, end: number): void {
    const { scan, batches, maxRecordBytes } = this
    scan.attach(bytes, start, end)
    while (scan.pos < end) {
      const from = scan.pos
      const c = scan.next()
      const blank = c === NEWLINE || c === -1
      if (!blank) {
        scan.cells = 0
        this.readObject(c)
      }
      if (!batches.faults.empty || scan.pos + 1 - from > maxRecordBytes) this.endBad(bytes, from, end)
      else {
        if (scan.pos < end) scan.pos++
        if (blank) batches.blank(scan.pos - from)
        else batches.good(scan.pos - from, scan.cells)
      }
    }
  }

  private readObject(c: number): void {
    const { scan } = this
    try {
      if (c !== 0x7b) {
        scan.mismatch('', 'a JSON object')
        return
      }
      this.rows.read(scan)
      const after = scan.next()
      if (after !== NEWLINE && after !== -1) scan.broken('', 'text after the record')
    } catch (error) {
      if (error !== RECORD_BROKEN) throw error
    }
  }

  private endBad(bytes: Uint8Array, from: number, end: number): void {
    const found = this.recordEnd(bytes, this.scan.pos, end)
    const next = found < 0 ? end : found
    this.scan.pos = next
    if (next - from > this.maxRecordBytes) this.tooLarge(bytes, from, next, next - from)
    else this.batches.bad(next - from, this.line, bytes.subarray(from, withoutLineEnd(bytes, from, next)))
  }
}
