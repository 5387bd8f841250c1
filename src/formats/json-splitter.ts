// Where the values of a JSON array, or of a sequence of JSON values, begin and end. One rule: brackets and quotes alone
// decide it, so that a broken value is one fault and the next one is found all the same. Goes on over chunk borders.

/** Where the splitter stands between calls. */
type Place =
  | 'start' // nothing but white space yet
  | 'first' // in the array, before its first value or its end
  | 'value' // before a value: after a comma of the array, or between the values of a sequence
  | 'comma' // in the array, after a value
  | 'inside' // inside an object, an array or a string
  | 'scalar' // inside a number or a word
  | 'done' // after the array
  | 'ignored' // after text that follows the array

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a

export class JsonSplitter {
  /** Bytes between the value before and the one under way. */
  leading = 0
  /** Line on which the value under way begins, from 1. */
  valueLine = 1
  /** The line that was reached. */
  lines = 1
  private place: Place = 'start'
  private inArray = false
  private depth = 0
  private inString = false
  private escaped = false
  private readonly misplaced: (value: string, problem: string) => void

  /** `misplaced` is told of punctuation between values that no array has. */
  constructor(misplaced: (value: string, problem: string) => void) {
    this.misplaced = misplaced
  }

  /** True inside a value: it is cut where the input ends. */
  get inValue(): boolean {
    return this.place === 'inside' || this.place === 'scalar'
  }

  /** True inside an array: it is cut where the input ends. */
  get open(): boolean {
    return this.inArray && this.place !== 'done' && this.place !== 'ignored'
  }

  /** Index after the end of the value that `bytes[start, end)` holds the beginning or the rest of, or -1. */
  valueEnd(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    if (!this.inValue) i = this.passBetween(bytes, i, end)
    const found = this.place === 'inside' ? this.passInside(bytes, i, end) : this.place === 'scalar' ? passScalar(bytes, i, end) : -1
    if (found >= 0) this.place = this.inArray ? 'comma' : 'value'
    return found
  }

  // Goes on to the first byte of the next value (after it, for a scalar) and answers its index, or `end`.
  private passBetween(bytes: Uint8Array, start: number, end: number): number {
    if (this.place === 'ignored') return end
    for (let i = start; i < end; i++) {
      const c = bytes[i] as number
      if (c === NEWLINE) this.lines++
      if (isSpace(c) || !this.startsValue(c)) continue
      this.valueLine = this.lines
      this.depth = 0
      this.inString = false
      this.escaped = false
      this.place = c === 0x7b || c === 0x5b || c === QUOTE ? 'inside' : 'scalar'
      this.leading += i - start
      return this.place === 'inside' ? i : i + 1
    }
    this.leading += end - start
    return end
  }

  // Takes a byte between values, checking the punctuation of the array; true where it begins a value.
  private startsValue(c: number): boolean {
    const { place } = this
    if (place === 'start') {
      this.inArray = c === 0x5b
      this.place = this.inArray ? 'first' : 'value'
      return !this.inArray
    }
    if (place === 'done') {
      this.misplaced(String.fromCharCode(c), 'malformed JSON: text after the end of the array')
      this.place = 'ignored'
    }
    if (!this.inArray) return true
    if (place === 'done' || place === 'ignored') return false
    if (c === 0x5d) {
      if (place === 'value') this.misplaced(']', 'malformed JSON: a comma before the end of the array')
      this.place = 'done'
      return false
    }
    if (c === 0x2c) {
      if (place !== 'comma') this.misplaced(',', 'malformed JSON: a comma without a value before it')
      this.place = 'value'
      return false
    }
    if (place === 'comma') this.misplaced(String.fromCharCode(c), "malformed JSON: ',' expected between values")
    return true
  }

  // Goes on inside an object, array or string; the index after its end, or -1.
  private passInside(bytes: Uint8Array, start: number, end: number): number {
    let { depth, inString, escaped } = this
    for (let i = start; i < end; i++) {
      const c = bytes[i] as number
      if (c === NEWLINE) this.lines++
      if (inString) {
        if (escaped) escaped = false
        else if (c === BACKSLASH) escaped = true
        else if (c === QUOTE) {
          inString = false
          if (depth === 0) return i + 1
        }
      } else if (c === QUOTE) inString = true
      else if (c === 0x7b || c === 0x5b) depth++
      else if (c === 0x7d || c === 0x5d) {
        depth--
        if (depth === 0) return i + 1
      }
    }
    this.depth = depth
    this.inString = inString
    this.escaped = escaped
    return -1
  }
}

// Goes on inside a number or word; the index after its end, or -1.
function passScalar(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const c = bytes[i] as number
    if (isSpace(c) || c === 0x2c || c === 0x5d || c === 0x5b || c === 0x7b || c === QUOTE) return i
  }
  return -1
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === NEWLINE || c === 0x0d || c === 0x09
}
