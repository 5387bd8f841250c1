// JSON without loss: integers beyond 2^53 become bigint, other numbers that a double cannot hold exactly keep their
// text, and every key is only a name (objects have no prototype, so `__proto__` is a column like any other).
import { AlluviumError } from './errors.js'

/** A number whose decimal text a double would change, kept as written. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type JsonValue = null | boolean | number | bigint | string | JsonNumber | JsonValue[] | JsonObject
/** A JSON object: no prototype, keys in the order of the text (integer-like keys first, as in all of JavaScript). */
export interface JsonObject {
  [key: string]: JsonValue
}

/** An empty object without a prototype. */
export function jsonObject(): JsonObject {
  return Object.create(null) as JsonObject
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}

const MAX_DEPTH = 512
/** Longer numbers stay texts. The longest double has 767 digits that matter. */
const MAX_NUMBER_LENGTH = 4096

/**
 * Parses one JSON value that takes the whole text. Duplicate keys: the last wins. `maxContainers` bounds the arrays and
 * objects that are made of it: two bytes of text make a hundred of memory.
 * @throws AlluviumError `INVALID_ROW` with the offset where the text stops being JSON; callers wrap it in their own code.
 */
export function parseJson(text: string, maxContainers: number = Number.POSITIVE_INFINITY): JsonValue {
  const parser = new Parser(text, maxContainers)
  const value = parser.value(0)
  parser.end()
  return value
}

/** The exact form of a JSON number's text: number where nothing is lost, else bigint or {@link JsonNumber}. */
export function exactNumber(text: string): number | bigint | JsonNumber {
  const value = Number(text)
  // Nothing counts this far, and a bigint of millions of digits takes seconds to make.
  if (text.length > MAX_NUMBER_LENGTH) return new JsonNumber(text)
  if (/^-?\d+$/.test(text)) {
    if (Number.isSafeInteger(value) && text !== '-0') return value
    return text === '-0' ? -0 : BigInt(text)
  }
  return sameDecimal(text, value) ? value : new JsonNumber(text)
}

// Compares sign, digits and exponent of both decimal texts, so that 1.50 equals 1.5 but 0.1000000000000000055 is kept.
function sameDecimal(text: string, value: number): boolean {
  if (!Number.isFinite(value)) return false
  return canonicalDecimal(text) === canonicalDecimal(String(value))
}

function canonicalDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign, whole, fraction = '', exponent = '0'] = match as unknown as [string, string, string, string?, string?]
  const digits = (whole + fraction).replace(/^0+/, '')
  // Not /0+$/, which takes quadratic time on a long run of zeros that is not at the end.
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--
  const trimmed = digits.slice(0, end)
  if (trimmed === '') return `${sign}0`
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`
}

class Parser {
  private at = 0
  private containersLeft: number
  private readonly text: string
  constructor(text: string, maxContainers: number) {
    this.text = text
    this.containersLeft = maxContainers
  }

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.fault(`nested deeper than ${MAX_DEPTH} levels`)
    this.space()
    const c = this.text.charCodeAt(this.at)
    if (c === 0x7b || c === 0x5b) {
      if (--this.containersLeft < 0) throw this.fault('more arrays and objects than are read')
      return c === 0x7b ? this.object(depth) : this.array(depth)
    }
    if (c === 0x22) return this.string()
    if (c === 0x2d || (c >= 0x30 && c <= 0x39)) return this.number()
    if (this.word('true')) return true
    if (this.word('false')) return false
    if (this.word('null')) return null
    throw this.fault('not a JSON value')
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) throw this.fault('text after the JSON value')
  }

  private object(depth: number): JsonObject {
    const object = jsonObject()
    this.at++
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return object
    }
    for (;;) {
      this.space()
      if (this.text[this.at] !== '"') throw this.fault('a key must be a string')
      const key = this.string()
      this.space()
      if (this.text[this.at] !== ':') throw this.fault("':' expected after a key")
      this.at++
      object[key] = this.value(depth + 1)
      if (this.more('}')) return object
    }
  }

  private array(depth: number): JsonValue[] {
    const array: JsonValue[] = []
    this.at++
    this.space()
    if (this.text[this.at] === ']') {
      this.at++
      return array
    }
    for (;;) {
      array.push(this.value(depth + 1))
      if (this.more(']')) return array
    }
  }

  private more(close: string): boolean {
    this.space()
    const c = this.text[this.at++]
    if (c === close) return true
    if (c === ',') return false
    this.at--
    throw this.fault(`',' or '${close}' expected`)
  }

  private string(): string {
    const start = this.at++
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (c === 0x22) break
      if (Number.isNaN(c)) throw this.fault('a string without its closing quote')
      if (c < 0x20) throw this.fault('a control character inside a string')
      this.at += c === 0x5c ? 2 : 1
    }
    this.at++
    const raw = this.text.slice(start, this.at)
    if (!raw.includes('\\')) return raw.slice(1, -1)
    try {
      return JSON.parse(raw) as string
    } catch {
      this.at = start
      throw this.fault('a malformed escape in a string')
    }
  }

  private number(): number | bigint | JsonNumber {
    const pattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) throw this.fault('a malformed number')
    this.at += match[0].length
    return exactNumber(match[0])
  }

  private word(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.at++
    }
  }

  private fault(what: string): AlluviumError {
    return new AlluviumError('INVALID_ROW', `malformed JSON at character ${this.at}: ${what}`, { offset: this.at })
  }
}

/** Prints a value as compact JSON, bigint and {@link JsonNumber} as the numbers they are. `undefined` members are left out. */
export function formatJson(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    default:
      break
  }
  if (value === null || value === undefined) return 'null'
  if (value instanceof JsonNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(formatJson).join(',')}]`
  const members: string[] = []
  for (const [key, member] of Object.entries(value as object)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${formatJson(member)}`)
  }
  return `{${members.join(',')}}`
}
