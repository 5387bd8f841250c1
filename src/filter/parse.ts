// The SQL-like text form of a filter. Rule: recursion is bounded, work is linear in the text, and a fault says where it
// stands and what was expected.
import type { Column, CompareOp, Expression, Literal, LiteralType, Operand } from './expression.js'
import { MAX_DEPTH } from './expression.js'
import { isReserved } from './print.js'
import { filterFault, type Token, Tokens } from './tokens.js'

/**
 * Reads a filter: `= != <> < <= > >= IS [NOT] NULL [NOT] IN (…) [NOT] BETWEEN [NOT] LIKE AND OR NOT ( )`, literals
 * `'text'` (a quote is doubled), numbers of any length, `true`, `false`, `null`, `DATE '2024-01-31'`,
 * `TIMESTAMP '2024-01-31T08:00:00Z'` (UTC when no zone is given), `X'00ff'`, `DOUBLE 'NaN'`; names in backticks where
 * they are not plain words; `a.b` for a member of a struct.
 *
 * @throws AlluviumError `INVALID_OPTIONS`; `facts.position` is the 0-based character offset.
 * @example
 * parseFilter("country IN ('NZ', 'AU') AND score > 5")
 */
export function parseFilter(sql: string): Expression {
  if (typeof sql !== 'string') throw new TypeError(`a filter is a string, not ${typeof sql}`)
  const parser = new Parser(sql)
  const expression = parser.disjunction(0)
  parser.end('AND, OR or the end of the filter')
  return expression
}

/** Reads a column name of the text form: ``a``, ``a.b``, ``` `odd name`.b ```. @throws AlluviumError `INVALID_OPTIONS`. */
export function parseColumnName(text: string): string[] {
  const parser = new Parser(text)
  const column = parser.column(true)
  parser.end("'.' or the end of the name")
  return [...column.path]
}

const COMPARE: Readonly<Record<string, CompareOp>> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const TYPED: ReadonlyMap<string, LiteralType> = new Map<string, LiteralType>([
  ['DATE', 'date'],
  ['TIMESTAMP', 'timestamp'],
  ['TIMESTAMP_NTZ', 'timestamp_ntz'],
  ['DOUBLE', 'double'],
  ['X', 'binary'],
])

class Parser {
  readonly #tokens: Tokens

  constructor(source: string) {
    this.#tokens = new Tokens(source)
  }

  end(expected: string): void {
    if (this.#tokens.peek().kind !== 'end') throw this.#tokens.unexpected(expected)
  }

  disjunction(depth: number): Expression {
    const operands = [this.#conjunction(depth)]
    while (this.#tokens.takeWord('OR')) operands.push(this.#conjunction(depth))
    return operands.length === 1 ? (operands[0] as Expression) : { kind: 'or', operands }
  }

  column(anyWord = false): Column {
    const first = this.#tokens.take()
    if (first.kind !== 'quoted' && (first.kind !== 'name' || (!anyWord && isReserved(first.text))))
      throw this.#tokens.unexpected('a column name', first)
    const path = [first.text]
    while (this.#tokens.takeSymbol('.')) {
      const part = this.#tokens.take()
      if (part.kind !== 'quoted' && part.kind !== 'name') throw this.#tokens.unexpected("a name after '.'", part)
      path.push(part.text)
    }
    return { kind: 'column', path, at: first.start }
  }

  #conjunction(depth: number): Expression {
    const operands = [this.#negation(depth)]
    while (this.#tokens.takeWord('AND')) operands.push(this.#negation(depth))
    return operands.length === 1 ? (operands[0] as Expression) : { kind: 'and', operands }
  }

  #negation(depth: number): Expression {
    this.#checkDepth(depth)
    if (this.#tokens.takeWord('NOT')) return { kind: 'not', operand: this.#negation(depth + 1) }
    if (!this.#tokens.isSymbol('(')) return this.#predicate(this.#operand(depth))
    this.#tokens.take()
    const inner = this.disjunction(depth + 1)
    this.#close()
    return inner.kind === 'column' || inner.kind === 'literal' ? this.#predicate(inner) : inner
  }

  // What follows the first operand: a comparison, IS NULL, IN, BETWEEN, LIKE, or nothing after a boolean.
  #predicate(left: Operand): Expression {
    const token = this.#tokens.peek()
    const op = token.kind === 'symbol' ? COMPARE[token.text] : undefined
    if (op !== undefined) {
      this.#tokens.take()
      return { kind: 'compare', op, left, right: this.#operand(0) }
    }
    if (this.#tokens.takeWord('IS')) {
      const negated = this.#tokens.takeWord('NOT')
      if (!this.#tokens.takeWord('NULL')) throw this.#tokens.unexpected(negated ? 'NULL' : 'NULL or NOT NULL')
      return { kind: 'isNull', operand: left, negated }
    }
    const negated = this.#tokens.takeWord('NOT')
    if (this.#tokens.takeWord('IN')) return { kind: 'in', operand: left, values: this.#list(), negated }
    if (this.#tokens.takeWord('BETWEEN')) {
      const low = this.#operand(0)
      if (!this.#tokens.takeWord('AND')) throw this.#tokens.unexpected('AND and the upper end of BETWEEN')
      return { kind: 'between', operand: left, low, high: this.#operand(0), negated }
    }
    if (this.#tokens.takeWord('LIKE')) {
      const pattern = this.#tokens.take()
      if (pattern.kind !== 'string') throw this.#tokens.unexpected('a pattern in single quotes after LIKE', pattern)
      return { kind: 'like', operand: left, pattern: pattern.text, negated, at: pattern.start }
    }
    if (negated) throw this.#tokens.unexpected('IN, BETWEEN or LIKE after NOT')
    if (left.kind === 'literal' && left.type !== 'boolean' && left.type !== 'null')
      throw this.#tokens.unexpected('a comparison (=, <, IN, …)')
    // A literal's or column's parenthesis may close here and the comparison follow, so the type is checked when bound.
    return left
  }

  #list(): Literal[] {
    if (!this.#tokens.takeSymbol('(')) throw this.#tokens.unexpected("'(' after IN")
    const values: Literal[] = []
    do {
      const token = this.#tokens.peek()
      const value = this.#operand(0)
      if (value.kind !== 'literal') throw this.#tokens.unexpected('a literal in the list of IN', token)
      values.push(value)
    } while (this.#tokens.takeSymbol(','))
    if (!this.#tokens.takeSymbol(')')) throw this.#tokens.unexpected("',' or ')'")
    return values
  }

  #operand(depth: number): Operand {
    this.#checkDepth(depth)
    const token = this.#tokens.peek()
    if (this.#tokens.takeSymbol('(')) {
      const inner = this.#operand(depth + 1)
      this.#close()
      return inner
    }
    switch (token.kind) {
      case 'string':
      case 'number':
        this.#tokens.take()
        return { kind: 'literal', type: token.kind, text: token.text, at: token.start }
      case 'symbol':
        if (token.text === '-' || token.text === '+') return this.#signed()
        break
      case 'name':
        return this.#word(token)
      case 'quoted':
        return this.column()
      default:
        break
    }
    throw this.#tokens.unexpected('a column or a literal')
  }

  #signed(): Literal {
    const sign = this.#tokens.take()
    const number = this.#tokens.take()
    if (number.kind !== 'number') throw this.#tokens.unexpected(`a number after '${sign.text}'`, number)
    return { kind: 'literal', type: 'number', text: sign.text === '-' ? `-${number.text}` : number.text, at: sign.start }
  }

  // A word is a literal (true, DATE '…') or a column; DATE and the like are columns unless a text follows.
  #word(token: Token): Operand {
    const word = token.text.toUpperCase()
    if (word === 'TRUE' || word === 'FALSE' || word === 'NULL') {
      this.#tokens.take()
      return { kind: 'literal', type: word === 'NULL' ? 'null' : 'boolean', text: word.toLowerCase(), at: token.start }
    }
    const column = this.column()
    const type = TYPED.get(word)
    const text = this.#tokens.peek()
    if (type === undefined || column.path.length > 1 || text.kind !== 'string') return column
    this.#tokens.take()
    if (type === 'double' && !/^(?:NaN|-?Infinity)$/.test(text.text))
      throw filterFault(
        this.#tokens.source,
        text.start,
        "DOUBLE takes 'NaN', 'Infinity' or '-Infinity'; write other numbers without quotes",
      )
    if (type === 'binary' && !/^(?:[0-9a-fA-F]{2})*$/.test(text.text))
      throw filterFault(this.#tokens.source, text.start, 'X takes pairs of hexadecimal digits')
    return { kind: 'literal', type, text: text.text, at: token.start }
  }

  #close(): void {
    if (!this.#tokens.takeSymbol(')')) throw this.#tokens.unexpected("')'")
  }

  #checkDepth(depth: number): void {
    if (depth > MAX_DEPTH) throw filterFault(this.#tokens.source, this.#tokens.peek().start, `nested deeper than ${MAX_DEPTH} levels`)
  }
}
