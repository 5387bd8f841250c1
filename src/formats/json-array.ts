// A JSON array of objects, or JSON objects one after the other that need not keep to lines. One rule: every value is a
// record with an ordinal, whatever it is; faults of the array itself belong to no record and stop nothing.
import type { StructType } from '../schema/types.js'
import { type DecoderOptions, TextFormatDecoder } from './decoder.js'
import { RECORD_BROKEN } from './faults.js'
import { JsonSplitter } from './json-splitter.js'

export class JsonDecoder extends TextFormatDecoder {
  private readonly splitter: JsonSplitter = new JsonSplitter((value, problem) => this.misplaced(value, problem))

  constructor(schema: StructType, options: DecoderOptions) {
    super(schema, options, true)
  }

  protected get line(): number {
    return this.splitter.valueLine
  }

  protected recordEnd(bytes: Uint8Array, start: number, end: number): number {
    return this.splitter.valueEnd(bytes, start, end)
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

  protected override readChecked(bytes: Uint8Array, start: number, end: number, size?: number): void {
    super.readChecked(bytes, start, end, size)
    this.splitter.leading = 0
  }

  protected readRecord(bytes: Uint8Array, start: number, end: number): void {
    const { scan, batches } = this
    // What stands before the value was checked by the splitter.
    const from = start + this.splitter.leading
    scan.attach(bytes, from, end)
    scan.cells = 0
    try {
      if (bytes[from] === 0x7b) this.rows.read(scan)
      else scan.mismatch('', 'a JSON object')
      // The splitter may end a broken record elsewhere than the reader does.
      if (batches.faults.empty && scan.next() !== -1) scan.broken('', 'text after the record')
    } catch (error) {
      if (error !== RECORD_BROKEN) throw error
    }
    if (batches.faults.empty) batches.good(end - start, scan.cells)
    else batches.bad(end - start, this.splitter.valueLine, bytes.subarray(from, end))
  }

  protected readLast(pending: boolean): void {
    if (pending && this.splitter.inValue) this.readCarried()
    else this.dropCarried()
    if (this.splitter.open) this.misplaced('', 'malformed JSON: the input ends before the end of the array')
  }

  private misplaced(value: string, problem: string): void {
    if (this.batches.ordinal < this.skipUntil) return
    this.batches.faults.add('', value, problem)
    this.batches.between(this.splitter.lines, new Uint8Array(0))
  }
}
