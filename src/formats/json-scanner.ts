// JSON tokens straight from bytes. Owns the grammar (RFC 8259) and the position; its one rule: no text is made of what is
// only copied or compared, and nothing beyond the record is consumed, whatever the bytes are.
import { decodeUtf8 } from '../bytes.js'
import { type FaultList, printBytes, RECORD_BROKEN } from './faults.js'
import { NumberScan } from './number-scan.js'
import { invalidUtf8At, StringUnescaper } from './string-bytes.js'

/** Values nested deeper than this are refused. */
const MAX_DEPTH = 256
/** Cells that structs of one record may make: `{}` of a wide struct is two bytes that become thousands. */
const MAX_STRUCT_CELLS = 1 << 24

// What ends a string's plain run: quote, backslash, control characters, and bytes of longer characters.
const SPECIAL = new Uint8Array(256)
// What may follow a number or a word: space, comma, closing brackets, and every other structural byte.
const DELIMITER = new Uint8Array(256)
for (let c = 0; c < 256; c++) if (c < 0x20 || c === 0x22 || c === 0x5c || c >= 0x80) SPECIAL[c] = 1
for (const c of ' \t\r\n,:]}[{"') DELIMITER[c.charCodeAt(0)] = 1

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const UNCLOSED = 'a string without its closing quote'

/**
 * Reads tokens of one record after the other. `pos` is the next byte. A method that finds the structure broken lists the
 * fault and throws {@link RECORD_BROKEN}; one that finds only a bad value lists it and goes on after it.
 */
export class JsonScanner {
  readonly faults: FaultList
  readonly number: NumberScan = new NumberScan()
  bytes: Uint8Array = new Uint8Array(0)
  pos = 0
  /** Nothing at or beyond this index belongs to the record or run of records. */
  end = 0
  /** The last string: its UTF-8 bytes are `textBytes[textStart, textEnd)`, in the input or in a scratch buffer. */
  textBytes: Uint8Array = this.bytes
  textStart = 0
  textEnd = 0
  /** Why the last string is none, or undefined. */
  textProblem: string | undefined = undefined
  /** Cells that structs of the record under way made: what a few bytes can make of memory is bounded by it. */
  cells = 0
  private words: Uint32Array = new Uint32Array(0)
  private readonly newlineIsSpace: boolean
  private readonly unescaper: StringUnescaper = new StringUnescaper()

  /** With `newlineIsSpace` false a line feed ends the record wherever it stands (NDJSON). */
  constructor(faults: FaultList, newlineIsSpace: boolean) {
    this.faults = faults
    this.newlineIsSpace = newlineIsSpace
  }

  /** Takes `bytes` as the input; use {@link alignedBytes} on a chunk first. */
  attach(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.words = bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : new Uint32Array(0)
    }
    this.pos = start
    this.end = end
  }

  /** Skips white space and answers the next byte without consuming it; -1 at the end of the input. */
  next(): number {
    const c = this.bytes[this.pos] as number
    return c > 0x20 && this.pos < this.end ? c : this.nextAfterSpace()
  }

  /** Consumes a string whose opening quote is at `pos`; sets `textBytes`, `textStart`, `textEnd`, `textProblem`. `column` is for faults. */
  string(column: string): void {
    const bytes = this.bytes
    const start = this.pos + 1
    const i = this.plainRun(start)
    if (bytes[i] === QUOTE && i < this.end) {
      this.textBytes = bytes
      this.textStart = start
      this.textEnd = i
      this.textProblem = undefined
      this.pos = i + 1
      return
    }
    this.specialString(column, start, i)
  }

  /** The last string as text. */
  text(): string {
    return decodeUtf8(this.textBytes, this.textStart, this.textEnd)
  }

  /** Consumes a number at `pos` into `number`. False (and a fault for `column`) where the token is no JSON number. */
  readNumber(column: string): boolean {
    const i = this.number.scan(this.bytes, this.pos, this.end, false)
    if (i < 0 || (i < this.end && DELIMITER[this.bytes[i] as number] === 0)) return this.badToken(column)
    this.pos = i
    return true
  }

  /** Consumes `true`, `false` or `null` at `pos` and answers 1, 0 or 2; 3 (and a fault for `column`) for any other word. */
  word(column: string): 0 | 1 | 2 | 3 {
    const { bytes, pos } = this
    const length = this.tokenEnd() - pos
    const c = bytes[pos]
    if (length === 4 && c === 0x74 && bytes[pos + 1] === 0x72 && bytes[pos + 2] === 0x75 && bytes[pos + 3] === 0x65) {
      this.pos = pos + 4
      return 1
    }
    if (length === 4 && c === 0x6e && bytes[pos + 1] === 0x75 && bytes[pos + 2] === 0x6c && bytes[pos + 3] === 0x6c) {
      this.pos = pos + 4
      return 2
    }
    if (
      length === 5 &&
      c === 0x66 &&
      bytes[pos + 1] === 0x61 &&
      bytes[pos + 2] === 0x6c &&
      bytes[pos + 3] === 0x73 &&
      bytes[pos + 4] === 0x65
    ) {
      this.pos = pos + 5
      return 0
    }
    this.badToken(column)
    return 3
  }

  /** Consumes the byte `c` after white space, or breaks the record. */
  expect(c: number, column: string, problem: string): void {
    if (this.next() !== c) this.broken(column, problem)
    this.pos++
  }

  /** After a member or element: true for another one (the comma is consumed), false at `close` (consumed). */
  more(close: number, column: string): boolean {
    const c = this.next()
    if (c !== 0x2c && c !== close) this.broken(column, `',' or '${String.fromCharCode(close)}' expected`)
    this.pos++
    return c === 0x2c
  }

  /** Consumes any value, checking that it is JSON. */
  skip(column: string, depth = 0): void {
    const c = this.next()
    switch (c) {
      case QUOTE:
        this.string(column)
        if (this.textProblem !== undefined) this.faults.add(column, '', this.textProblem)
        return
      case 0x7b:
        this.skipObject(column, depth)
        return
      case 0x5b:
        this.skipArray(column, depth)
        return
      default:
        if (c === 0x2d || (c >= 0x30 && c <= 0x39)) this.readNumber(column)
        else this.word(column)
    }
  }

  /** Lists that the value at `pos` is not what its column holds, and consumes it. */
  mismatch(column: string, expected: string): void {
    this.next()
    const start = this.pos
    const before = this.faults.problems.length
    const kind = this.kind()
    this.skip(column)
    // A value that is no JSON at all has its fault already.
    if (this.faults.problems.length === before) {
      this.faults.addBytes(column, this.bytes, start, this.pos, `${expected} expected, found ${kind}`)
    }
  }

  /** Lists a fault of the value `bytes[start, pos)`. */
  bad(column: string, start: number, problem: string): void {
    this.faults.addBytes(column, this.bytes, start, this.pos, problem)
  }

  /** Lists a fault of the structure at `pos` and gives the record up. */
  broken(column: string, problem: string): never {
    this.faults.add(column, this.rest(), `malformed JSON: ${problem}`)
    throw RECORD_BROKEN
  }

  /** Gives the record up because it is too deep or too large when built. */
  tooMuch(column: string, problem: string): never {
    this.faults.add(column, '', problem, 'LIMIT_EXCEEDED')
    throw RECORD_BROKEN
  }

  /** Counts the cells of a struct. */
  addCells(count: number, column: string): void {
    this.cells += count
    if (this.cells > MAX_STRUCT_CELLS) this.tooMuch(column, `a record of more than ${MAX_STRUCT_CELLS} values in structs`)
  }

  // What stands at `pos`, as far as it belongs to the record.
  private rest(): string {
    const { bytes, pos, end } = this
    const line = this.newlineIsSpace ? -1 : bytes.indexOf(NEWLINE, pos)
    const stop = line < 0 || line > end ? end : line
    return pos < stop ? printBytes(bytes, pos, stop) : ''
  }

  private kind(): string {
    const c = this.next()
    if (c === QUOTE) return 'a string'
    if (c === 0x7b) return 'an object'
    if (c === 0x5b) return 'an array'
    if (c === 0x74 || c === 0x66) return 'a boolean'
    return c === 0x6e ? 'null' : 'a number'
  }

  private nextAfterSpace(): number {
    const { bytes, end } = this
    let i = this.pos
    for (; i < end; i++) {
      const c = bytes[i] as number
      if (c === 0x20 || c === 0x09 || c === 0x0d || (c === NEWLINE && this.newlineIsSpace)) continue
      this.pos = i
      return c
    }
    this.pos = i
    return -1
  }

  // The first index from `start` on that holds a special byte, or `end`. Whole words of four plain bytes at a time.
  private plainRun(start: number): number {
    const { bytes, words, end } = this
    let i = start
    while ((i & 3) !== 0) {
      if (SPECIAL[bytes[i] as number] !== 0) return i
      i++
    }
    const wordEnd = Math.min(end >> 2, words.length)
    let k = i >> 2
    while (k < wordEnd) {
      const w = words[k] as number
      // A set high bit marks a byte >= 0x80, below 0x20, a quote or a backslash (or, after such a one, a false alarm).
      if (((w | (w - 0x20202020) | ((w ^ 0x22222222) - 0x01010101) | ((w ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080) !== 0) break
      k++
    }
    i = Math.max(i, k << 2)
    while (i < end && SPECIAL[bytes[i] as number] === 0) i++
    return i
  }

  // A string with escapes or characters beyond ASCII, or one that is broken. `from` is its first special byte.
  private specialString(column: string, start: number, from: number): void {
    const { bytes, end } = this
    let i = from
    let escaped = false
    let nonAscii = false
    let problem: string | undefined
    for (;;) {
      if (i >= end) this.broken(column, UNCLOSED)
      const c = bytes[i] as number
      if (c === QUOTE) break
      if (c === BACKSLASH) {
        escaped = true
        // The escaped byte is looked at by the unescaper, unless it is a line end.
        i += (bytes[i + 1] as number) < 0x20 ? 1 : 2
      } else if (c >= 0x80) {
        nonAscii = true
        i++
      } else if (c < 0x20) {
        if (c === NEWLINE && !this.newlineIsSpace) this.broken(column, UNCLOSED)
        problem = 'malformed JSON: a control character inside a string'
        i++
      }
      i = this.plainRun(i)
    }
    this.pos = i + 1
    this.textBytes = bytes
    this.textStart = start
    this.textEnd = i
    if (problem === undefined && nonAscii && invalidUtf8At(bytes, start, i) >= 0) problem = 'invalid UTF-8'
    this.textProblem = problem
    if (escaped && problem === undefined) this.unescape(start, i)
  }

  private unescape(start: number, end: number): void {
    this.textProblem = this.unescaper.unescape(this.bytes, start, end)
    this.textBytes = this.unescaper.bytes
    this.textStart = 0
    this.textEnd = this.unescaper.length
  }

  private skipObject(column: string, depth: number): void {
    if (depth >= MAX_DEPTH) this.tooMuch(column, `nested deeper than ${MAX_DEPTH} levels`)
    this.pos++
    if (this.next() === 0x7d) {
      this.pos++
      return
    }
    do {
      if (this.next() !== QUOTE) this.broken(column, 'a key in quotes expected')
      this.string(column)
      if (this.textProblem !== undefined) this.faults.add(column, '', this.textProblem)
      this.expect(0x3a, column, "':' expected after a key")
      this.skip(column, depth + 1)
    } while (this.more(0x7d, column))
  }

  private skipArray(column: string, depth: number): void {
    if (depth >= MAX_DEPTH) this.tooMuch(column, `nested deeper than ${MAX_DEPTH} levels`)
    this.pos++
    if (this.next() === 0x5d) {
      this.pos++
      return
    }
    do this.skip(column, depth + 1)
    while (this.more(0x5d, column))
  }

  // Consumes a token that is neither number nor word as far as the next delimiter, so that the rest can be read.
  private badToken(column: string): false {
    const start = this.pos
    const end = this.tokenEnd()
    if (end === start) this.broken(column, 'a value expected')
    this.pos = end
    this.faults.addBytes(column, this.bytes, start, end, 'malformed JSON: not a value')
    return false
  }

  private tokenEnd(): number {
    let i = this.pos
    while (i < this.end && DELIMITER[this.bytes[i] as number] === 0) i++
    return i
  }
}

/** `bytes[0, length)` at an address that is a multiple of four, which {@link JsonScanner.attach} wants for its fast path. */
export function alignedBytes(chunk: Uint8Array): { bytes: Uint8Array; start: number } {
  const start = chunk.byteOffset & 3
  return { bytes: new Uint8Array(chunk.buffer, chunk.byteOffset - start, chunk.length + start), start }
}
