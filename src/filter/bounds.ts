// What is known of the rows of a file without reading it. Rule: unknown keeps. A bound counts only where it makes sense;
// one of the wrong type, or a least value above the greatest, is as if it were absent.
import { type DataType, type PhysicalValue, parsePartitionValue } from '../schema/index.js'
import type { Bound, BoundColumn } from './bound.js'
import { compareScaled } from './column-data.js'
import { compareKeys, type Key, toKey } from './domain.js'
import {
  ALL_NULLS,
  CAN_BE_TRUE,
  CAN_BE_UNKNOWN,
  inSet,
  isNullSet,
  NO_NULLS,
  NULLS_UNKNOWN,
  type Nulls,
  nanInSet,
  possibleTruths,
  probeOf,
  type TruthSet,
  withNulls,
} from './truth-sets.js'

/** Bounds of columns, by path in the schema's own names. Undefined: nothing is known. */
export interface Bounds {
  get(columnPath: readonly string[]): ColumnBounds | undefined
}

/**
 * What is known of one column's values over some rows. Every member may be absent.
 * For string columns bounds are text or UTF-8 bytes.
 */
export interface ColumnBounds {
  /** No value is below it; it need not occur. */
  readonly min?: PhysicalValue | undefined
  /** No value is above it, except NaN (see `maxCoversNaN`); it need not occur. */
  readonly max?: PhysicalValue | undefined
  /** Rows that are null. With `numRecords`, equality means that all are; 0 means that none is; others say nothing. */
  readonly nullCount?: number | undefined
  readonly numRecords?: number | undefined
  /**
   * Whether `max` has taken NaN, the greatest of doubles, into account. Many writers leave NaN out of statistics, so
   * without this a float or double column may hold NaN above its `max`.
   */
  readonly maxCoversNaN?: boolean | undefined
}

/** The bounds of a partition value in its log text: every row has it. A text that is no value of the type says nothing. */
export function partitionBounds(type: DataType, text: string | null): ColumnBounds {
  let value: PhysicalValue | null
  try {
    value = parsePartitionValue(type, text)
  } catch {
    // Planning keeps the file; reading it tells what is wrong with the text.
    return {}
  }
  if (value === null) return { nullCount: 1, numRecords: 1 }
  return { min: value, max: value, nullCount: 0, maxCoversNaN: true }
}

/** False only when no row within the bounds can make the filter true. */
export function mightMatch(bound: Bound, bounds: Bounds): boolean {
  return (truthsWithin(bound, bounds) & CAN_BE_TRUE) !== 0
}

/** True only when every row within the bounds makes the filter true. */
export function mustMatch(bound: Bound, bounds: Bounds): boolean {
  return truthsWithin(bound, bounds) === CAN_BE_TRUE
}

function truthsWithin(bound: Bound, bounds: Bounds): TruthSet {
  return possibleTruths(bound, (leaf) => {
    if (leaf.kind === 'columns') return columnsSet(leaf, knownOf(leaf.left, bounds), knownOf(leaf.right, bounds))
    return leafSet(leaf, knownOf(leaf.column, bounds))
  })
}

/** Bounds as keys, checked. */
export interface Known {
  readonly min: Key | undefined
  readonly max: Key | undefined
  readonly nulls: Nulls
  /** Values may be NaN beyond `max`. */
  readonly nan: boolean
}

/** Bounds of one column as keys; nonsense is dropped. */
export function knownColumn(column: BoundColumn, bounds: ColumnBounds | undefined): Known {
  if (bounds === undefined) return NOTHING
  const nulls = nullsOf(bounds.nullCount, bounds.numRecords)
  const { domain } = column
  if (domain === undefined) return { ...NOTHING, nulls }
  let min = toKey(domain, bounds.min)
  let max = toKey(domain, bounds.max)
  if (bounds.maxCoversNaN !== true) {
    // NaN as a bound is what broken writers leave, or a column of nothing but NaN: neither helps.
    if (Number.isNaN(min)) min = undefined
    if (Number.isNaN(max)) max = undefined
  }
  if (min !== undefined && max !== undefined && compareKeys(min, max) > 0) min = max = undefined
  return { min, max, nulls, nan: domain === 'double' && bounds.maxCoversNaN !== true }
}

const NOTHING: Known = { min: undefined, max: undefined, nulls: NULLS_UNKNOWN, nan: true }

/** From a null count: all, none, or nothing known. Also right for wide bounds, where other counts mean nothing. */
export function nullsOf(nullCount: number | undefined, numRecords: number | undefined): Nulls {
  if (nullCount === undefined || !Number.isSafeInteger(nullCount) || nullCount < 0) return NULLS_UNKNOWN
  if (numRecords !== undefined && numRecords > 0 && nullCount === numRecords) return ALL_NULLS
  return nullCount === 0 ? NO_NULLS : NULLS_UNKNOWN
}

function knownOf(column: BoundColumn, bounds: Bounds): Known {
  return knownColumn(column, bounds.get(column.path))
}

/** What a leaf over one column can give. */
export function leafSet(leaf: Exclude<Bound, { kind: 'and' | 'or' | 'not' | 'constant' | 'columns' }>, known: Known): TruthSet {
  if (leaf.kind === 'isNull') return isNullSet(known.nulls)
  if (leaf.kind === 'unlessNull') return withNulls(1 << leaf.truth, known.nulls)
  const canBeNaN = known.nan && leaf.column.domain === 'double'
  if (leaf.kind === 'in') return withNulls(inSet(leaf, known.min, known.max) | (canBeNaN ? nanInSet(leaf) : 0), known.nulls)
  const probe = probeOf(leaf)
  const { min, max } = known
  const least = probe.keys.map((key) => (min === undefined ? -1 : Math.sign(compareKeys(min, key))))
  const greatest = probe.keys.map((key) => (max === undefined ? 1 : Math.sign(compareKeys(max, key))))
  return withNulls(probe.set(least, greatest) | (canBeNaN ? 1 << probe.nan : 0), known.nulls)
}

/** What a comparison of two columns can give. */
export function columnsSet(leaf: Extract<Bound, { kind: 'columns' }>, left: Known, right: Known): TruthSet {
  if (left.nulls === ALL_NULLS || right.nulls === ALL_NULLS) return CAN_BE_UNKNOWN
  const leftNaN = left.nan && leaf.left.domain === 'double'
  const rightNaN = right.nan && leaf.right.domain === 'double'
  const scaleLeft = leaf.left.type.type === 'decimal' ? leaf.left.type.scale : 0
  const scaleRight = leaf.right.type.type === 'decimal' ? leaf.right.type.scale : 0
  // Order of left's least against right's greatest, and of left's greatest against right's least.
  const low = left.min === undefined || right.max === undefined ? -1 : compareScaled(left.min, scaleLeft, right.max, scaleRight)
  const high = left.max === undefined || right.min === undefined ? 1 : compareScaled(left.max, scaleLeft, right.min, scaleRight)
  const set =
    (low < 0 || rightNaN ? 1 << leaf.below : 0) |
    ((low <= 0 && high >= 0) || leftNaN || rightNaN ? 1 << leaf.at : 0) |
    (high > 0 || leftNaN ? 1 << leaf.above : 0)
  return left.nulls === NO_NULLS && right.nulls === NO_NULLS ? set : set | CAN_BE_UNKNOWN
}
