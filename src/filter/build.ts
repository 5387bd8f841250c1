// The typed builder: `col('score').gt(5)`. Rule: it only makes plain data; types are checked when the filter meets a schema.
import type { And, Column, CompareOp, Expression, Literal, Operand, Or } from './expression.js'
import { parseColumnName } from './parse.js'

/**
 * A value to compare a column with: a string (also for date, timestamp and decimal columns), a number or bigint, a boolean,
 * a `Date` (a timestamp), or bytes.
 */
export type FilterValue = string | number | bigint | boolean | Date | Uint8Array

/** A column in a filter: a plain {@link Column} with methods that make comparisons. */
export class FilterColumn<Value = FilterValue> implements Column {
  readonly kind = 'column'
  readonly path: readonly string[]

  constructor(path: readonly string[]) {
    this.path = path
  }

  eq(value: Value | Column): Expression {
    return this.#compare('=', value)
  }
  ne(value: Value | Column): Expression {
    return this.#compare('!=', value)
  }
  lt(value: Value | Column): Expression {
    return this.#compare('<', value)
  }
  le(value: Value | Column): Expression {
    return this.#compare('<=', value)
  }
  gt(value: Value | Column): Expression {
    return this.#compare('>', value)
  }
  ge(value: Value | Column): Expression {
    return this.#compare('>=', value)
  }
  /** True when the column equals one of the values; false for an empty list. A null in the list makes every miss unknown, as in SQL. */
  in(values: Iterable<Value | null>): Expression {
    const literals = Array.from(values, (value) => (value === null ? NULL : literal(value)))
    return literals.length === 0 ? FALSE : { kind: 'in', operand: this.#plain(), values: literals, negated: false }
  }
  /** Both ends belong to the range. */
  between(low: Value | Column, high: Value | Column): Expression {
    return { kind: 'between', operand: this.#plain(), low: operand(low), high: operand(high), negated: false }
  }
  /** `%` any text, `_` one character, `\` before either takes it literally. */
  like(pattern: string): Expression {
    if (typeof pattern !== 'string') throw new TypeError(`a LIKE pattern is a string, not ${typeof pattern}`)
    return { kind: 'like', operand: this.#plain(), pattern, negated: false }
  }
  isNull(): Expression {
    return { kind: 'isNull', operand: this.#plain(), negated: false }
  }
  isNotNull(): Expression {
    return { kind: 'isNull', operand: this.#plain(), negated: true }
  }

  #compare(op: CompareOp, value: Value | Column): Expression {
    return { kind: 'compare', op, left: this.#plain(), right: operand(value) }
  }

  #plain(): Column {
    return { kind: 'column', path: this.path }
  }
}

/**
 * A column by name. Dots lead into structs and backticks quote, as in the text form: `` col('address.city') ``, ``col('`a.b`')``;
 * a list of names is taken as it is.
 * @throws AlluviumError `INVALID_OPTIONS` when the text is not a column name.
 *
 * @example
 * and(col('country').in(['NZ', 'AU']), col('score').gt(5))
 */
export function col<Value = FilterValue>(name: string | readonly string[]): FilterColumn<Value> {
  if (typeof name === 'string') return new FilterColumn(parseColumnName(name))
  if (!Array.isArray(name) || name.length === 0 || name.some((part) => typeof part !== 'string'))
    throw new TypeError('col() takes a name or a non-empty list of names')
  return new FilterColumn([...name])
}

/** True when all are; true for none at all. */
export function and(...operands: readonly Expression[]): Expression {
  return join('and', operands, TRUE)
}

/** True when one is; false for none at all. */
export function or(...operands: readonly Expression[]): Expression {
  return join('or', operands, FALSE)
}

/** True when the operand is false; unknown stays unknown. */
export function not(operand: Expression): Expression {
  return { kind: 'not', operand: plain(operand) }
}

/**
 * The literal of a JavaScript value.
 * @throws TypeError for null and undefined (SQL compares nothing equal to null: use `isNull()`) and for other kinds of values.
 */
export function literal(value: unknown): Literal {
  switch (typeof value) {
    case 'string':
      return { kind: 'literal', type: 'string', text: value }
    case 'boolean':
      return value ? TRUE : FALSE
    case 'bigint':
      return { kind: 'literal', type: 'number', text: value.toString() }
    case 'number':
      return Number.isFinite(value)
        ? { kind: 'literal', type: 'number', text: String(value) }
        : { kind: 'literal', type: 'double', text: String(value) }
    default:
      break
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError('an invalid Date cannot be compared with')
    return { kind: 'literal', type: 'timestamp', text: value.toISOString() }
  }
  if (value instanceof Uint8Array) {
    return { kind: 'literal', type: 'binary', text: Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') }
  }
  if (value === null) throw new TypeError('nothing compares as equal to null: use isNull() or isNotNull()')
  throw new TypeError(`a column cannot be compared with ${typeof value}`)
}

const NULL: Literal = { kind: 'literal', type: 'null', text: 'null' }
const TRUE: Literal = { kind: 'literal', type: 'boolean', text: 'true' }
const FALSE: Literal = { kind: 'literal', type: 'boolean', text: 'false' }

function operand(value: unknown): Operand {
  if (typeof value === 'object' && value !== null && (value as Column).kind === 'column') return plain(value as Column) as Column
  return literal(value)
}

// Drops the builder's methods, so that what it made is data only.
function plain(expression: Expression): Expression {
  return expression instanceof FilterColumn ? { kind: 'column', path: expression.path } : expression
}

// Operands of the same kind are taken in, so that a filter built in a loop does not grow deep.
function join(kind: 'and' | 'or', operands: readonly Expression[], neutral: Literal): Expression {
  const flat = operands.flatMap((operand) => (operand.kind === kind ? (operand as And | Or).operands : [plain(operand)]))
  return flat.length === 0 ? neutral : flat.length === 1 ? (flat[0] as Expression) : { kind, operands: flat }
}
