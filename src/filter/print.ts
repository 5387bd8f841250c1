// Prints a filter so that parsing the text gives the same filter back.
import type { Expression, Literal, Operand } from './expression.js'

/**
 * The text form of a filter, with the parentheses it needs and no more.
 * @example
 * formatExpression(and(col('a').gt(5), col('b').isNull())) // a > 5 AND b IS NULL
 */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return formatColumn(expression.path)
    case 'literal':
      return formatLiteral(expression)
    case 'compare':
      return `${formatOperand(expression.left)} ${expression.op} ${formatOperand(expression.right)}`
    case 'in':
      return `${formatOperand(expression.operand)} ${word(expression.negated, 'IN')} (${expression.values.map(formatLiteral).join(', ')})`
    case 'between':
      return `${formatOperand(expression.operand)} ${word(expression.negated, 'BETWEEN')} ${formatOperand(expression.low)} AND ${formatOperand(expression.high)}`
    case 'like':
      return `${formatOperand(expression.operand)} ${word(expression.negated, 'LIKE')} ${quote(expression.pattern)}`
    case 'isNull':
      return `${formatOperand(expression.operand)} IS ${expression.negated ? 'NOT ' : ''}NULL`
    case 'and':
      return formatJunction(expression.operands, ' AND ', 'true')
    case 'or':
      return formatJunction(expression.operands, ' OR ', 'false')
    case 'not':
      return `NOT ${formatNested(expression.operand, expression.operand.kind !== 'not')}`
    default:
      return unknownKind(expression)
  }
}

/** A column path as the text form writes it. */
export function formatColumn(path: readonly string[]): string {
  return path
    .map((name, i) => (PLAIN_NAME.test(name) && (i > 0 || !isReserved(name)) ? name : `\`${name.replaceAll('`', '``')}\``))
    .join('.')
}

/** Words of the text form that a column can only share in backticks. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name.toUpperCase())
}

/** For plain data that is not a filter, e.g. JSON from elsewhere. */
export function unknownKind(expression: never): never {
  throw new TypeError(`not a filter expression: ${JSON.stringify(expression)?.slice(0, 100)}`)
}

const PLAIN_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_$]*$/u
const RESERVED: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT', 'IN', 'BETWEEN', 'LIKE', 'IS', 'NULL', 'TRUE', 'FALSE'])
const TYPED: Readonly<Partial<Record<Literal['type'], string>>> = {
  date: 'DATE ',
  timestamp: 'TIMESTAMP ',
  timestamp_ntz: 'TIMESTAMP_NTZ ',
  double: 'DOUBLE ',
  binary: 'X',
}

function formatLiteral(literal: Literal): string {
  if (literal.type === 'null' || literal.type === 'boolean' || literal.type === 'number') return literal.text
  return (TYPED[literal.type] ?? '') + quote(literal.text)
}

function formatOperand(operand: Operand): string {
  return operand.kind === 'column' ? formatColumn(operand.path) : formatLiteral(operand)
}

function formatJunction(operands: readonly Expression[], separator: string, neutral: string): string {
  if (operands.length === 0) return neutral
  if (operands.length === 1) return formatExpression(operands[0] as Expression)
  return operands.map((operand) => formatNested(operand, operand.kind === 'and' || operand.kind === 'or')).join(separator)
}

function formatNested(expression: Expression, parentheses: boolean): string {
  const bare = expression.kind === 'column' || expression.kind === 'literal'
  return parentheses && !bare ? `(${formatExpression(expression)})` : formatExpression(expression)
}

function word(negated: boolean, keyword: string): string {
  return negated ? `NOT ${keyword}` : keyword
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
