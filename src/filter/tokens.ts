// Splits filter text into tokens, one at a time. Rule: linear in the text, and every fault shows where it stands.
import { AlluviumError } from '../errors.js'

export interface Token {
  /** `name` is a bare word (keyword or column), `quoted` a name in backticks. */
  readonly kind: 'name' | 'quoted' | 'number' | 'string' | 'symbol' | 'end'
  /** The value: quotes taken off, names as written. */
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Reads tokens with one of look-ahead. */
export class Tokens {
  readonly source: string
  #next: Token

  constructor(source: string) {
    this.source = source
    this.#next = this.#scan(0)
  }

  peek(): Token {
    return this.#next
  }

  take(): Token {
    const token = this.#next
    if (token.kind !== 'end') this.#next = this.#scan(token.end)
    return token
  }

  /** Whether the next token is this keyword (in any case). */
  isWord(word: string): boolean {
    return this.#next.kind === 'name' && this.#next.text.toUpperCase() === word
  }

  isSymbol(symbol: string): boolean {
    return this.#next.kind === 'symbol' && this.#next.text === symbol
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false
    this.take()
    return true
  }

  takeSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.take()
    return true
  }

  /** The error for a token that does not belong: what stood there and what was expected. */
  unexpected(expected: string, token: Token = this.#next): AlluviumError {
    const found = token.kind === 'end' ? 'the end of the filter' : shorten(this.source.slice(token.start, token.end))
    return filterFault(this.source, token.start, `expected ${expected} but found ${found}`)
  }

  #scan(from: number): Token {
    const { source } = this
    SPACE.lastIndex = from
    SPACE.test(source)
    const start = SPACE.lastIndex
    if (start >= source.length) return { kind: 'end', text: '', start: source.length, end: source.length }
    const c = source[start] as string
    if (c === "'") return this.#quoted('string', start, "'", 'a text without its closing quote')
    if (c === '`') return this.#quoted('quoted', start, '`', 'a name without its closing backtick')
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = start
      if (!pattern.test(source)) continue
      const end = pattern.lastIndex
      if (kind === 'number' && end < source.length && NAME_PART.test(source[end] as string))
        throw filterFault(source, end, 'a number runs into a word: put a space between them, or the name in backticks')
      return { kind, text: source.slice(start, end), start, end }
    }
    const hint = c === '"' ? ': text stands in single quotes, names in backticks' : ''
    throw filterFault(source, start, `${shorten(String.fromCodePoint(source.codePointAt(start) as number))} has no meaning here${hint}`)
  }

  // A doubled quote stands for one.
  #quoted(kind: 'string' | 'quoted', start: number, quote: string, fault: string): Token {
    let text = ''
    let from = start + 1
    for (;;) {
      const end = this.source.indexOf(quote, from)
      if (end < 0) throw filterFault(this.source, start, fault)
      text += this.source.slice(from, end)
      if (this.source[end + 1] !== quote) return { kind, text, start, end: end + 1 }
      text += quote
      from = end + 2
    }
  }
}

/** `INVALID_OPTIONS` with the place in the text under a caret; `facts.position` is the 0-based character offset. */
export function filterFault(source: string, position: number, problem: string): AlluviumError {
  const lineStart = source.lastIndexOf('\n', position - 1) + 1
  const lineEnd = source.indexOf('\n', position)
  const line = source.slice(lineStart, lineEnd < 0 ? source.length : lineEnd)
  // A window around the place keeps the message short however long the filter is.
  const from = Math.max(0, position - lineStart - WINDOW)
  const before = (from > 0 ? '…' : '') + line.slice(from, position - lineStart)
  const after = line.slice(position - lineStart, position - lineStart + WINDOW) + (line.length > position - lineStart + WINDOW ? '…' : '')
  const caret = `${before.replace(/[^\t]/g, ' ')}^`
  return new AlluviumError(
    'INVALID_OPTIONS',
    `the filter cannot be read at character ${position + 1}: ${problem}\n  ${before}${after}\n  ${caret}`,
    {
      position,
      filter: source.length <= 200 ? source : `${source.slice(0, 200)}…`,
    },
  )
}

/** Printable and short, in double quotes. */
export function shorten(text: string): string {
  return JSON.stringify(text.length <= 40 ? text : `${text.slice(0, 40)}…`)
}

const WINDOW = 60
const SPACE = /\s*/y
const NAME_PART = /[\p{L}\p{M}\p{N}_$]/u
const PATTERNS: readonly (readonly ['number' | 'name' | 'symbol', RegExp])[] = [
  ['number', /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['name', /[\p{L}_][\p{L}\p{M}\p{N}_$]*/uy],
  ['symbol', /<=|>=|<>|!=|==|[=<>(),.+-]/y],
]
