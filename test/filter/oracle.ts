// The meaning of a filter, spelled out a row at a time over plain values: slow, obvious, and independent of the code under
// test. Numbers are exact fractions, text is compared as bytes, LIKE by dynamic programming.
import type { CompareOp, Expression, Literal, Operand } from '../../src/filter/index.js'
import type { DataType, Field, StructType } from '../../src/schema/index.js'
import type { Cell, Row } from './batches.js'

/** null is SQL's unknown. */
export type Truth = boolean | null

export function truthOf(expression: Expression, row: Row, schema: StructType): Truth {
  switch (expression.kind) {
    case 'literal':
      return expression.type === 'null' ? null : expression.text === 'true'
    case 'column':
      return (cellOf(expression, row, schema)?.value ?? null) as Truth
    case 'and': {
      const truths = expression.operands.map((operand) => truthOf(operand, row, schema))
      return truths.includes(false) ? false : truths.includes(null) ? null : true
    }
    case 'or': {
      const truths = expression.operands.map((operand) => truthOf(operand, row, schema))
      return truths.includes(true) ? true : truths.includes(null) ? null : false
    }
    case 'not':
      return negate(truthOf(expression.operand, row, schema))
    case 'compare':
      return compare(expression.op, expression.left, expression.right, row, schema)
    case 'between': {
      const low = compare('>=', expression.operand, expression.low, row, schema)
      const high = compare('<=', expression.operand, expression.high, row, schema)
      const both = low === false || high === false ? false : low === null || high === null ? null : true
      return expression.negated ? negate(both) : both
    }
    case 'in': {
      const truths = expression.values.map((value) => compare('=', expression.operand, value, row, schema))
      const any = truths.includes(true) ? true : truths.includes(null) ? null : false
      return expression.negated ? negate(any) : any
    }
    case 'like': {
      const value = cellOf(expression.operand, row, schema)
      if (value === null) return null
      const matches = like([...(value.value as string)], expression.pattern)
      return expression.negated ? !matches : matches
    }
    case 'isNull':
      return (cellOf(expression.operand, row, schema) === null) !== expression.negated
  }
}

function negate(truth: Truth): Truth {
  return truth === null ? null : !truth
}

interface Typed {
  readonly type: DataType
  readonly value: Cell
}

function cellOf(operand: Operand, row: Row, schema: StructType): Typed | null {
  if (operand.kind === 'literal') return null
  let value: Cell = row as Cell
  let type: DataType = schema
  for (const name of operand.path) {
    if (type.type !== 'struct') throw new Error('not a struct')
    const field: Field | undefined = type.fields.find((candidate) => candidate.name === name)
    if (field === undefined) throw new Error(`no ${name}`)
    value = value === null ? null : ((value as Row)[name] ?? null)
    type = field.dataType
  }
  return value === null ? null : { type, value }
}

function compare(op: CompareOp, left: Operand, right: Operand, row: Row, schema: StructType): Truth {
  if (left.kind === 'literal' && left.type === 'null') return null
  if (right.kind === 'literal' && right.type === 'null') return null
  const a = left.kind === 'column' ? cellOf(left, row, schema) : undefined
  const b = right.kind === 'column' ? cellOf(right, row, schema) : undefined
  if (a === null || b === null) return null
  const order = orderOf(ordinal(a, left, b?.type), ordinal(b, right, a?.type))
  switch (op) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}

type Ordinal = Fraction | 'NaN' | 'Infinity' | '-Infinity' | Uint8Array
interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

// The value as something with an order, told by its own type, or for a literal by the type of the other side.
function ordinal(typed: Typed | undefined, operand: Operand, other: DataType | undefined): Ordinal {
  if (typed === undefined) return literalOrdinal(operand as Literal, other)
  const { type, value } = typed
  if (typeof value === 'string') return new TextEncoder().encode(value)
  if (value instanceof Uint8Array) return value
  if (type.type === 'decimal') return { numerator: value as bigint, denominator: 10n ** BigInt(type.scale) }
  if (typeof value === 'number') return fractionOfDouble(value)
  return { numerator: BigInt(value as bigint), denominator: 1n }
}

function literalOrdinal(literal: Literal, other: DataType | undefined): Ordinal {
  const isDouble = other?.type === 'float' || other?.type === 'double'
  switch (literal.type) {
    case 'number':
      return isDouble && Number.isFinite(Number(literal.text)) ? fractionOfDouble(Number(literal.text)) : fractionOfText(literal.text)
    case 'double':
      return fractionOfDouble(Number(literal.text))
    case 'boolean':
      return { numerator: literal.text === 'true' ? 1n : 0n, denominator: 1n }
    case 'string':
      return new TextEncoder().encode(literal.text)
    case 'binary':
      return Uint8Array.from(literal.text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    case 'date':
      return { numerator: BigInt(Date.parse(`${literal.text}T00:00:00Z`)) / 86_400_000n, denominator: 1n }
    default:
      return { numerator: BigInt(Date.parse(literal.text.endsWith('Z') ? literal.text : `${literal.text}Z`)) * 1000n, denominator: 1n }
  }
}

function fractionOfText(text: string): Fraction {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const power = Number(exponent) - fraction.length
  const digits = BigInt(`${whole.replace(/^[+-]/, '')}${fraction}` || '0') * (text.startsWith('-') ? -1n : 1n)
  return power >= 0
    ? { numerator: digits * 10n ** BigInt(power), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-power) }
}

function fractionOfDouble(value: number): Ordinal {
  if (!Number.isFinite(value)) return String(value) as 'NaN' | 'Infinity' | '-Infinity'
  let numerator = value
  let denominator = 1n
  while (!Number.isInteger(numerator)) {
    numerator *= 2
    denominator *= 2n
  }
  return { numerator: BigInt(numerator), denominator }
}

const RANK = { '-Infinity': 0, Infinity: 2, NaN: 3 }

function orderOf(a: Ordinal, b: Ordinal): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
    return a.length - b.length
  }
  if (a instanceof Uint8Array || b instanceof Uint8Array) throw new Error('text against number')
  const rankA = typeof a === 'string' ? RANK[a] : 1
  const rankB = typeof b === 'string' ? RANK[b] : 1
  if (rankA !== rankB || typeof a === 'string' || typeof b === 'string') return rankA - rankB
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The order of two values of one type. */
export function compareCells(type: DataType, a: Cell, b: Cell): number {
  const column = { kind: 'column' as const, path: [] }
  return orderOf(ordinal({ type, value: a }, column, undefined), ordinal({ type, value: b }, column, undefined))
}

export function like(text: readonly string[], pattern: string): boolean {
  type Unit = { readonly any: boolean; readonly many: boolean; readonly character: string }
  const units: Unit[] = []
  const characters = [...pattern]
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i] as string
    if (c === '\\') units.push({ any: false, many: false, character: characters[++i] as string })
    else units.push({ any: c === '_', many: c === '%', character: c })
  }
  // reachable[j]: the first j units can have taken all characters so far.
  let reachable = [true, ...units.map(() => false)]
  const closure = (): void => {
    for (let j = 0; j < units.length; j++) if (reachable[j] && (units[j] as Unit).many) reachable[j + 1] = true
  }
  closure()
  for (const character of text) {
    const next = [false, ...units.map(() => false)]
    units.forEach((unit, j) => {
      if (!reachable[j]) return
      if (unit.many) next[j] = true
      else if (unit.any || unit.character === character) next[j + 1] = true
    })
    reachable = next
    closure()
  }
  return reachable[units.length] === true
}
