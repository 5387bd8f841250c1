// A filter bound to a schema: columns resolved, literals turned into keys. Rule: a leaf says what a value below, at and
// above its key gives, so that one loop a type serves every operator, over rows and over bounds of files alike.
import type { DataType } from '../schema/index.js'
import { compareKeys, type Domain, type Key } from './domain.js'
import type { LikePattern } from './like.js'

/** The three truth values, in the order that makes AND the smaller and OR the larger. */
export type Truth = 0 | 1 | 2
export const FALSE: Truth = 0
export const UNKNOWN: Truth = 1
export const TRUE: Truth = 2

/** A column, or a member of structs, that a filter looks at. Its names are the schema's. */
export interface BoundColumn {
  readonly path: readonly string[]
  readonly type: DataType
  /** Undefined where values have no order: only nullness can be asked. */
  readonly domain: Domain | undefined
}

export interface BoundConstant {
  readonly kind: 'constant'
  readonly truth: Truth
}
/** The same answer for every value but null. */
export interface BoundUnlessNull {
  readonly kind: 'unlessNull'
  readonly column: BoundColumn
  readonly truth: Truth
}
/** What a value below, at, and above the key gives. */
export interface BoundCompare {
  readonly kind: 'compare'
  readonly column: BoundColumn
  readonly key: Key
  readonly below: Truth
  readonly at: Truth
  readonly above: Truth
}
/** Comparisons of one column with constants of which all must hold: one stretch of values. */
export interface BoundRange {
  readonly kind: 'range'
  readonly column: BoundColumn
  readonly parts: readonly BoundCompare[]
  readonly low: RangeEnd | undefined
  readonly high: RangeEnd | undefined
}
export interface RangeEnd {
  readonly key: Key
  readonly inclusive: boolean
}
export interface BoundIn {
  readonly kind: 'in'
  readonly column: BoundColumn
  /** Ascending, each once. */
  readonly keys: readonly Key[]
  /** What a value that is not among the keys gives: unknown when the list has a null. */
  readonly miss: Truth
}
export interface BoundLike {
  readonly kind: 'like'
  readonly column: BoundColumn
  readonly pattern: LikePattern
}
export interface BoundIsNull {
  readonly kind: 'isNull'
  readonly column: BoundColumn
}
/** What left below, equal to, and above right gives. */
export interface BoundColumns {
  readonly kind: 'columns'
  readonly left: BoundColumn
  readonly right: BoundColumn
  readonly below: Truth
  readonly at: Truth
  readonly above: Truth
}
export interface BoundJunction {
  readonly kind: 'and' | 'or'
  readonly operands: readonly Bound[]
}
export interface BoundNot {
  readonly kind: 'not'
  readonly operand: Bound
}

export type Bound =
  | BoundConstant
  | BoundUnlessNull
  | BoundCompare
  | BoundRange
  | BoundIn
  | BoundLike
  | BoundIsNull
  | BoundColumns
  | BoundJunction
  | BoundNot

/** Every column of the tree, each once. */
export function columnsOf(bound: Bound): BoundColumn[] {
  const found = new Map<string, BoundColumn>()
  const visit = (node: Bound): void => {
    switch (node.kind) {
      case 'constant':
        return
      case 'and':
      case 'or':
        for (const operand of node.operands) visit(operand)
        return
      case 'not':
        visit(node.operand)
        return
      case 'columns':
        found.set(pathKey(node.left.path), node.left)
        found.set(pathKey(node.right.path), node.right)
        return
      default:
        found.set(pathKey(node.column.path), node.column)
    }
  }
  visit(bound)
  return [...found.values()]
}

/** A text that no other path has. */
export function pathKey(path: readonly string[]): string {
  return path.length === 1 && !(path[0] as string).includes('\u0000') ? (path[0] as string) : `\u0000${JSON.stringify(path)}`
}

/** NOT, with constants and double negations resolved. */
export function boundNot(operand: Bound): Bound {
  if (operand.kind === 'not') return operand.operand
  if (operand.kind === 'constant') return { kind: 'constant', truth: (2 - operand.truth) as Truth }
  return { kind: 'not', operand }
}

/** AND or OR, with constants resolved, and for AND the comparisons of one column gathered into ranges. */
export function boundJunction(kind: 'and' | 'or', operands: readonly Bound[]): Bound {
  const deciding = kind === 'and' ? FALSE : TRUE
  const neutral = kind === 'and' ? TRUE : FALSE
  const flat: Bound[] = []
  for (const operand of operands) {
    if (operand.kind === 'constant' && operand.truth === neutral) continue
    if (operand.kind === 'constant' && operand.truth === deciding) return operand
    if (operand.kind === kind) flat.push(...operand.operands)
    else flat.push(operand)
  }
  const merged = kind === 'and' ? gatherRanges(flat) : flat
  if (merged.length === 0) return { kind: 'constant', truth: neutral }
  return merged.length === 1 ? (merged[0] as Bound) : { kind, operands: merged }
}

// Bounds of a file can refute `a > 1 AND a < 5` as a whole where they refute neither side.
function gatherRanges(operands: readonly Bound[]): Bound[] {
  const byColumn = new Map<string, BoundCompare[]>()
  for (const operand of operands) {
    const parts = operand.kind === 'range' ? operand.parts : operand.kind === 'compare' && isOneStretch(operand) ? [operand] : []
    if (parts.length > 0) {
      const key = pathKey((parts[0] as BoundCompare).column.path)
      byColumn.set(key, [...(byColumn.get(key) ?? []), ...parts])
    }
  }
  const out: Bound[] = []
  for (const operand of operands) {
    if (operand.kind !== 'range' && !(operand.kind === 'compare' && isOneStretch(operand))) {
      out.push(operand)
      continue
    }
    const key = pathKey(operand.column.path)
    const parts = byColumn.get(key)
    if (parts === undefined) continue
    byColumn.delete(key)
    out.push(parts.length === 1 ? (parts[0] as BoundCompare) : rangeOf(parts))
  }
  return out
}

// False up to a place or from a place on: what `=`, `<` and the like give, but `!=` and a list with a null do not.
function isOneStretch({ below, above }: BoundCompare): boolean {
  return below === FALSE || above === FALSE
}

function rangeOf(parts: readonly BoundCompare[]): BoundRange {
  let low: RangeEnd | undefined
  let high: RangeEnd | undefined
  for (const { key, below, at, above } of parts) {
    const end: RangeEnd = { key, inclusive: at === TRUE }
    if (below === FALSE && (low === undefined || isTighter(end, low, 1))) low = end
    if (above === FALSE && (high === undefined || isTighter(end, high, -1))) high = end
  }
  return { kind: 'range', column: (parts[0] as BoundCompare).column, parts, low, high }
}

function isTighter(end: RangeEnd, than: RangeEnd, direction: 1 | -1): boolean {
  const order = compareKeys(end.key, than.key) * direction
  return order > 0 || (order === 0 && !end.inclusive)
}
