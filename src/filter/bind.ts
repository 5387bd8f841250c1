// Binds a filter to a schema. Rule: after binding nothing can fail; every mistake of names and types is told here, with
// the part of the filter that holds it.
import { encodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { type DataType, type Field, type StructType, typeName } from '../schema/index.js'
import { type Bound, type BoundColumn, boundJunction, boundNot, FALSE, TRUE, type Truth, UNKNOWN } from './bound.js'
import { compareKeys, domainOf, type Key } from './domain.js'
import { type Column, type CompareOp, type Expression, type Literal, MAX_DEPTH, type Operand } from './expression.js'
import { compileLike } from './like.js'
import { placeLiteral } from './literal.js'
import { compareNumbers, parseNumberText } from './number-text.js'
import { formatColumn, formatExpression, unknownKind } from './print.js'

/** The bound tree of a filter. @throws AlluviumError `INVALID_OPTIONS` naming the column, the types and the place. */
export function bindExpression(expression: Expression, schema: StructType): Bound {
  return bind(expression, schema, 0)
}

const OUTCOMES: Readonly<Record<CompareOp, readonly [Truth, Truth, Truth]>> = {
  '=': [FALSE, TRUE, FALSE],
  '!=': [TRUE, FALSE, TRUE],
  '<': [TRUE, FALSE, FALSE],
  '<=': [TRUE, TRUE, FALSE],
  '>': [FALSE, FALSE, TRUE],
  '>=': [FALSE, TRUE, TRUE],
}
const SWAPPED: Readonly<Record<CompareOp, CompareOp>> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

function bind(expression: Expression, schema: StructType, depth: number): Bound {
  // Printing such a filter would overflow the stack as binding it would, so the message does not show it.
  if (depth > MAX_DEPTH + 8) throw new AlluviumError('INVALID_OPTIONS', `the filter is nested deeper than ${MAX_DEPTH} levels`)
  switch (expression.kind) {
    case 'and':
    case 'or':
      return boundJunction(
        expression.kind,
        expression.operands.map((operand) => bind(operand, schema, depth + 1)),
      )
    case 'not':
      return boundNot(bind(expression.operand, schema, depth + 1))
    case 'column':
    case 'literal':
      return bindTruth(expression, schema)
    case 'compare':
      return compare(expression.op, expression.left, expression.right, schema, expression)
    case 'between':
      return negate(
        expression.negated,
        boundJunction('and', [
          compare('>=', expression.operand, expression.low, schema, expression),
          compare('<=', expression.operand, expression.high, schema, expression),
        ]),
      )
    case 'in':
      return negate(expression.negated, bindIn(expression.operand, expression.values, schema, expression))
    case 'like':
      return negate(expression.negated, bindLike(expression, schema))
    case 'isNull':
      return negate(expression.negated, bindIsNull(expression.operand, schema))
    default:
      return unknownKind(expression)
  }
}

function negate(negated: boolean, bound: Bound): Bound {
  return negated ? boundNot(bound) : bound
}

function constant(truth: Truth): Bound {
  return { kind: 'constant', truth }
}

function bindTruth(operand: Operand, schema: StructType): Bound {
  if (operand.kind === 'literal') {
    if (operand.type === 'null') return constant(UNKNOWN)
    if (operand.type === 'boolean') return constant(operand.text === 'true' ? TRUE : FALSE)
    throw fault(operand, operand, 'it is no condition: compare it with a column')
  }
  const column = resolve(operand, schema)
  if (column.type.type !== 'boolean') {
    throw fault(
      operand,
      operand,
      `column ${formatColumn(column.path)} is ${typeName(column.type)} and no condition by itself: compare it with a value`,
    )
  }
  return { kind: 'compare', column, key: 1, below: FALSE, at: TRUE, above: FALSE }
}

function compare(op: CompareOp, left: Operand, right: Operand, schema: StructType, whole: Expression): Bound {
  if (left.kind === 'literal') {
    return right.kind === 'literal' ? compareLiterals(op, left, right, whole) : compare(SWAPPED[op], right, left, schema, whole)
  }
  const column = resolve(left, schema)
  if (right.kind === 'column') return compareColumns(op, column, right, schema, whole)
  const [below, at, above] = OUTCOMES[op]
  if (isNullColumn(column) || right.type === 'null') return constant(UNKNOWN)
  const placed = placeLiteral(right, column.type)
  switch (placed.kind) {
    case 'at':
      return { kind: 'compare', column, key: placed.key, below, at, above }
    case 'after':
      // Values up to the key are below the literal, all others above it.
      return joined(column, placed.key, below, above)
    case 'above':
      return { kind: 'unlessNull', column, truth: below }
    case 'below':
      return { kind: 'unlessNull', column, truth: above }
    default:
      throw typeFault(right, column, placed.problem, whole)
  }
}

function joined(column: BoundColumn, key: Key, upTo: Truth, above: Truth): Bound {
  if (upTo === above) return { kind: 'unlessNull', column, truth: upTo }
  return { kind: 'compare', column, key, below: upTo, at: upTo, above }
}

function compareColumns(op: CompareOp, left: BoundColumn, rightName: Column, schema: StructType, whole: Expression): Bound {
  const right = resolve(rightName, schema)
  if (isNullColumn(left) || isNullColumn(right)) return constant(UNKNOWN)
  if (family(left.type) === undefined || family(left.type) !== family(right.type)) {
    const types = `column ${formatColumn(left.path)} is ${typeName(left.type)} and column ${formatColumn(right.path)} is ${typeName(right.type)}`
    throw fault(whole, rightName, `${types}: they cannot be compared`)
  }
  const [below, at, above] = OUTCOMES[op]
  return { kind: 'columns', left, right, below, at, above }
}

// Types whose values compare with each other.
function family(type: DataType): string | undefined {
  const domain = domainOf(type)
  if (domain === undefined) return undefined
  if (type.type === 'date' || type.type === 'timestamp' || type.type === 'timestamp_ntz') return type.type
  return domain === 'int' || domain === 'long' || domain === 'double' || domain === 'decimal' ? 'number' : domain
}

function compareLiterals(op: CompareOp, left: Literal, right: Literal, whole: Expression): Bound {
  if (left.type === 'null' || right.type === 'null') return constant(UNKNOWN)
  const order = literalOrder(left, right)
  if (order === undefined) throw fault(whole, right, 'the two literals cannot be compared')
  const [below, at, above] = OUTCOMES[op]
  return constant(order < 0 ? below : order > 0 ? above : at)
}

const LITERAL_TYPES: Readonly<Partial<Record<Literal['type'], DataType>>> = {
  boolean: { type: 'boolean' },
  number: { type: 'double' },
  double: { type: 'double' },
  string: { type: 'string' },
  binary: { type: 'binary' },
  date: { type: 'timestamp' },
  timestamp: { type: 'timestamp' },
  timestamp_ntz: { type: 'timestamp' },
}

function literalOrder(left: Literal, right: Literal): number | undefined {
  if (left.type === 'number' && right.type === 'number') {
    const a = parseNumberText(left.text)
    const b = parseNumberText(right.text)
    return a === undefined || b === undefined ? undefined : compareNumbers(a, b)
  }
  const type = LITERAL_TYPES[left.type]
  if (type === undefined || type.type !== LITERAL_TYPES[right.type]?.type) return undefined
  const a = placeLiteral(left, type)
  const b = placeLiteral(right, type)
  return a.kind === 'at' && b.kind === 'at' ? compareKeys(a.key, b.key) : undefined
}

function bindIn(operand: Operand, values: readonly Literal[], schema: StructType, whole: Expression): Bound {
  const miss = values.some((value) => value.type === 'null') ? UNKNOWN : FALSE
  if (values.length === 0) return constant(FALSE)
  if (operand.kind === 'literal') {
    return boundJunction(
      'or',
      values.map((value) => compareLiterals('=', operand, value, whole)),
    )
  }
  const column = resolve(operand, schema)
  if (isNullColumn(column)) return constant(UNKNOWN)
  const keys: Key[] = []
  for (const value of values) {
    if (value.type === 'null') continue
    const placed = placeLiteral(value, column.type)
    if (placed.kind === 'fault') throw typeFault(value, column, placed.problem, whole)
    if (placed.kind === 'at') keys.push(placed.key)
  }
  keys.sort(compareKeys)
  const distinct = keys.filter((key, i) => i === 0 || compareKeys(key, keys[i - 1] as Key) !== 0)
  if (distinct.length === 0) return { kind: 'unlessNull', column, truth: miss }
  if (distinct.length === 1) return { kind: 'compare', column, key: distinct[0] as Key, below: miss, at: TRUE, above: miss }
  return { kind: 'in', column, keys: distinct, miss }
}

function bindLike(expression: Extract<Expression, { kind: 'like' }>, schema: StructType): Bound {
  const { operand, pattern: text } = expression
  const pattern = compileLike(text)
  if (typeof pattern === 'string') throw fault(expression, expression, pattern)
  if (operand.kind === 'literal') {
    if (operand.type === 'null') return constant(UNKNOWN)
    if (operand.type !== 'string') throw fault(expression, operand, 'LIKE applies to text')
    const bytes = encodeUtf8(operand.text)
    return constant(pattern.matches(bytes, 0, bytes.length) ? TRUE : FALSE)
  }
  const column = resolve(operand, schema)
  if (isNullColumn(column)) return constant(UNKNOWN)
  if (column.domain !== 'text')
    throw fault(expression, operand, `column ${formatColumn(column.path)} is ${typeName(column.type)}: LIKE applies to strings`)
  if (pattern.kind === 'equals') return { kind: 'compare', column, key: pattern.prefix, below: FALSE, at: TRUE, above: FALSE }
  if (pattern.kind === 'prefix' && pattern.prefix.length === 0) return { kind: 'unlessNull', column, truth: TRUE }
  return { kind: 'like', column, pattern }
}

function bindIsNull(operand: Operand, schema: StructType): Bound {
  if (operand.kind === 'literal') return constant(operand.type === 'null' ? TRUE : FALSE)
  const column = resolve(operand, schema)
  return isNullColumn(column) ? constant(TRUE) : { kind: 'isNull', column }
}

function isNullColumn(column: BoundColumn): boolean {
  return column.type.type === 'void'
}

function resolve(column: Column, schema: StructType): BoundColumn {
  const path: string[] = []
  let type: DataType = schema
  for (const name of column.path) {
    if (type.type !== 'struct') {
      throw fault(column, column, `${formatColumn(path)} is ${typeName(type)} and has no member ${formatColumn([name])}`)
    }
    const field = findColumn(type, name)
    if (field === undefined) throw unknownColumn(column, path, name, type)
    path.push(field.name)
    type = field.dataType
  }
  return { path, type, domain: domainOf(type) }
}

// The exact name first; then the only one that differs in case.
function findColumn(struct: StructType, name: string): Field | undefined {
  const exact = struct.fields.find((field) => field.name === name)
  if (exact !== undefined) return exact
  const lower = name.toLowerCase()
  const similar = struct.fields.filter((field) => field.name.toLowerCase() === lower)
  return similar.length === 1 ? similar[0] : undefined
}

function unknownColumn(column: Column, path: readonly string[], name: string, struct: StructType): AlluviumError {
  const names = struct.fields.slice(0, 20).map((field) => formatColumn([field.name]))
  if (struct.fields.length > names.length) names.push('…')
  const owner = path.length === 0 ? 'the table' : formatColumn(path)
  const dotted = column.path.join('.')
  const hint =
    column.path.length > 1 && struct.fields.some((field) => field.name === dotted)
      ? ` (for the column with a dot in its name write \`${dotted}\`)`
      : ''
  return fault(column, column, `${owner} has no column ${formatColumn([name])}${hint}; it has ${names.join(', ') || 'none'}`)
}

function typeFault(literal: Literal, column: BoundColumn, problem: string, whole: Expression): AlluviumError {
  const what = formatExpression(literal)
  const shown = what.length <= 60 ? what : `${what.slice(0, 60)}…`
  return fault(
    whole,
    literal,
    `column ${formatColumn(column.path)} is ${typeName(column.type)} and cannot be compared with ${shown}: ${problem}`,
  )
}

function fault(whole: Expression, place: { readonly at?: number; readonly path?: readonly string[] }, problem: string): AlluviumError {
  const text = formatExpression(whole)
  const shown = text.length <= 120 ? text : `${text.slice(0, 120)}…`
  const where = place.at === undefined ? '' : ` at character ${place.at + 1}`
  return new AlluviumError('INVALID_OPTIONS', `the filter does not fit the table${where}: in \`${shown}\`, ${problem}`, {
    ...(place.at === undefined ? {} : { position: place.at }),
    ...(place.path === undefined ? {} : { column: place.path.join('.') }),
  })
}
