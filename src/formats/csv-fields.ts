// The records of CSV and their fields, as ranges of bytes. One rule: a record is taken apart only where its quotes are as
// RFC 4180 has them; what could be read in two ways is a problem of the whole record.

const QUOTE = 0x22
const NEWLINE = 0x0a

/** How a field was written. */
const PLAIN = 0
const QUOTED = 1
/** Quoted, with doubled quotes inside. */
const DOUBLED = 2

/** Where in a record the splitter stands. */
type Place = 'field start' | 'unquoted' | 'quoted' | 'after quote'

/** Finds where records end: at a line feed that is not inside quotes. Goes on over chunk borders. */
export class CsvSplitter {
  /** The line that was reached, from 1. */
  lines = 1
  private readonly delimiter: number
  private place: Place = 'field start'

  constructor(delimiter: number) {
    this.delimiter = delimiter
  }

  /** Index after the end of the record that `bytes[start, end)` holds the beginning or the rest of, or -1. */
  recordEnd(bytes: Uint8Array, start: number, end: number): number {
    const { delimiter } = this
    let { place } = this
    for (let i = start; i < end; i++) {
      const c = bytes[i] as number
      if (place === 'quoted') {
        if (c === QUOTE) place = 'after quote'
        else if (c === NEWLINE) this.lines++
      } else if (c === NEWLINE) {
        this.lines++
        this.place = 'field start'
        return i + 1
      } else if (c === delimiter) place = 'field start'
      // A quote after a quote stands for itself; elsewhere it opens a field only at its start.
      else if (c === QUOTE && place !== 'unquoted') place = 'quoted'
      else place = 'unquoted'
    }
    this.place = place
    return -1
  }
}

/** Takes records apart; reused from record to record. */
export class CsvFields {
  /** Fields of the last record. */
  count = 0
  /** The field last selected is `bytes[start, end)`, without quotes. */
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  private readonly delimiter: number
  private source: Uint8Array = this.bytes
  private ranges: Int32Array = new Int32Array(64)
  private scratch: Uint8Array = new Uint8Array(256)

  constructor(delimiter: number) {
    this.delimiter = delimiter
  }

  /** Finds the fields of `bytes[start, stop)`, a record without its line end. Answers the problem, or undefined. */
  split(bytes: Uint8Array, start: number, stop: number): string | undefined {
    this.source = bytes
    this.count = 0
    let i = start
    for (;;) {
      i = i < stop && bytes[i] === QUOTE ? this.quoted(bytes, i + 1, stop) : this.plain(bytes, i, stop)
      if (i === -1) return 'malformed CSV: a quote inside a field that does not begin with one'
      if (i === -2) return 'malformed CSV: a quoted field is not closed'
      if (i >= stop) return undefined
      if (bytes[i] !== this.delimiter) return 'malformed CSV: text after the closing quote of a field'
      i++
    }
  }

  /** Makes field `i` the one at hand. False where it is empty and without quotes: a null. */
  select(i: number): boolean {
    this.bytes = this.source
    this.start = this.ranges[i * 3] as number
    this.end = this.ranges[i * 3 + 1] as number
    const form = this.ranges[i * 3 + 2] as number
    if (form === DOUBLED) this.unescape()
    return form !== PLAIN || this.end > this.start
  }

  /** Narrows the field at hand to what stands between its spaces. */
  trim(): void {
    while (this.start < this.end && this.bytes[this.start] === 0x20) this.start++
    while (this.end > this.start && this.bytes[this.end - 1] === 0x20) this.end--
  }

  private plain(bytes: Uint8Array, start: number, stop: number): number {
    let i = start
    for (; i < stop && bytes[i] !== this.delimiter; i++) if (bytes[i] === QUOTE) return -1
    this.add(start, i, PLAIN)
    return i
  }

  private quoted(bytes: Uint8Array, start: number, stop: number): number {
    let form = QUOTED
    for (let i = start; i < stop; i++) {
      if (bytes[i] !== QUOTE) continue
      if (i + 1 < stop && bytes[i + 1] === QUOTE) {
        form = DOUBLED
        i++
      } else {
        this.add(start, i, form)
        return i + 1
      }
    }
    return -2
  }

  private add(start: number, end: number, form: number): void {
    const at = this.count * 3
    if (at === this.ranges.length) {
      const grown = new Int32Array(at * 2)
      grown.set(this.ranges)
      this.ranges = grown
    }
    this.ranges[at] = start
    this.ranges[at + 1] = end
    this.ranges[at + 2] = form
    this.count++
  }

  private unescape(): void {
    const { source, start, end } = this
    if (this.scratch.length < end - start) this.scratch = new Uint8Array((end - start) * 2)
    let o = 0
    for (let i = start; i < end; i++) {
      const c = source[i] as number
      this.scratch[o++] = c
      if (c === QUOTE) i++
    }
    this.bytes = this.scratch
    this.start = 0
    this.end = o
  }
}
