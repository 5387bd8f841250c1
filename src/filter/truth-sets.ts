// Sets of truth values, for asking what a filter can give over rows that are only known by bounds. Rule: a set may be too
// large, never too small. Bit t stands for truth t: 1 false, 2 unknown, 4 true.
import type { Bound, BoundCompare, BoundIn, BoundLike, BoundRange, Truth } from './bound.js'
import { compareKeys, type Key } from './domain.js'

/** A set of truth values as bits. */
export type TruthSet = number

export const CAN_BE_FALSE = 1
export const CAN_BE_UNKNOWN = 2
export const CAN_BE_TRUE = 4
export const ANYTHING = 7

/** What is known of the nulls among some rows. */
export const NULLS_UNKNOWN = 0
export const NO_NULLS = 1
export const ALL_NULLS = 2
export type Nulls = typeof NULLS_UNKNOWN | typeof NO_NULLS | typeof ALL_NULLS

/** Adds what null rows give, and leaves nothing else where all are null. */
export function withNulls(values: TruthSet, nulls: Nulls): TruthSet {
  return nulls === NO_NULLS ? values : nulls === ALL_NULLS ? CAN_BE_UNKNOWN : values | CAN_BE_UNKNOWN
}

/** What IS NULL can give. */
export function isNullSet(nulls: Nulls): TruthSet {
  return nulls === NO_NULLS ? CAN_BE_FALSE : nulls === ALL_NULLS ? CAN_BE_TRUE : CAN_BE_FALSE | CAN_BE_TRUE
}

export function notSet(set: TruthSet): TruthSet {
  return (set & 2) | (set >> 2) | ((set & 1) << 2)
}

/** The results of AND over every pair of the two sets, at `a * 8 + b`. */
export const AND_SETS: Uint8Array = pairTable(Math.min)
/** As {@link AND_SETS}, for OR. */
export const OR_SETS: Uint8Array = pairTable(Math.max)

function pairTable(combine: (a: number, b: number) => number): Uint8Array {
  const table = new Uint8Array(64)
  for (let a = 0; a < 8; a++) {
    for (let b = 0; b < 8; b++) {
      let set = 0
      for (let x = 0; x < 3; x++) for (let y = 0; y < 3; y++) if ((a >> x) & 1 && (b >> y) & 1) set |= 1 << combine(x, y)
      table[a * 8 + b] = set
    }
  }
  return table
}

/**
 * A leaf over values known by their least and greatest: `keys` are the places that matter, `set` answers from where the
 * least and the greatest value lie against each of them (-1 below, 0 at, 1 above; an unknown least is below all, an unknown
 * greatest above all). `nan` is what a NaN gives, for values whose greatest does not tell of NaN.
 */
export interface BoundsProbe {
  readonly keys: readonly Key[]
  set(least: readonly number[], greatest: readonly number[]): TruthSet
  readonly nan: Truth
}

/** The probe of a leaf: one key or two. */
export function probeOf(leaf: BoundCompare | BoundRange | BoundLike): BoundsProbe {
  switch (leaf.kind) {
    case 'compare':
      return compareProbe(leaf)
    case 'range':
      return rangeProbe(leaf)
    case 'like':
      return likeProbe(leaf)
  }
}

function bit(truth: Truth): TruthSet {
  return 1 << truth
}

function isNaNKey(key: Key): boolean {
  return typeof key === 'number' && Number.isNaN(key)
}

function compareProbe({ key, below, at, above }: BoundCompare): BoundsProbe {
  const [belowBit, atBit, aboveBit] = [bit(below), bit(at), bit(above)]
  return {
    keys: [key],
    set: ([least], [greatest]) =>
      ((least as number) < 0 ? belowBit : 0) |
      ((least as number) <= 0 && (greatest as number) >= 0 ? atBit : 0) |
      ((greatest as number) > 0 ? aboveBit : 0),
    nan: isNaNKey(key) ? at : above,
  }
}

function rangeProbe({ low, high }: BoundRange): BoundsProbe {
  const empty = low !== undefined && high !== undefined && isEmpty(compareKeys(low.key, high.key), low.inclusive && high.inclusive)
  // An end that is open is a key that every value is above or below of, whatever it is.
  const keys = [low?.key ?? high?.key ?? 0, high?.key ?? low?.key ?? 0]
  return {
    keys,
    set: (least, greatest) => {
      const [leastLow, leastHigh] = least as [number, number]
      const [greatestLow, greatestHigh] = greatest as [number, number]
      const reachesLow = low === undefined || (low.inclusive ? greatestLow >= 0 : greatestLow > 0)
      const reachesHigh = high === undefined || (high.inclusive ? leastHigh <= 0 : leastHigh < 0)
      const startsBefore = low !== undefined && (low.inclusive ? leastLow < 0 : leastLow <= 0)
      const endsAfter = high !== undefined && (high.inclusive ? greatestHigh > 0 : greatestHigh >= 0)
      return (!empty && reachesLow && reachesHigh ? CAN_BE_TRUE : 0) | (empty || startsBefore || endsAfter ? CAN_BE_FALSE : 0)
    },
    nan: !empty && holdsNaN(low, high) ? 2 : 0,
  }
}

function isEmpty(order: number, bothInclusive: boolean): boolean {
  return order > 0 || (order === 0 && !bothInclusive)
}

function holdsNaN(low: BoundRange['low'], high: BoundRange['high']): boolean {
  const aboveLow = low === undefined || !isNaNKey(low.key) || low.inclusive
  const belowHigh = high === undefined || (isNaNKey(high.key) && high.inclusive)
  return aboveLow && belowHigh
}

/** What IN can give between two bounds, by search. */
export function inSet({ keys, miss }: BoundIn, min: Key | undefined, max: Key | undefined): TruthSet {
  let from = 0
  if (min !== undefined) {
    let to = keys.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (compareKeys(keys[middle] as Key, min) < 0) from = middle + 1
      else to = middle
    }
  }
  const candidate = keys[from]
  if (candidate === undefined || (max !== undefined && compareKeys(candidate, max) > 0)) return bit(miss)
  const only = min !== undefined && max !== undefined && compareKeys(min, max) === 0
  return only ? CAN_BE_TRUE : CAN_BE_TRUE | bit(miss)
}

/** What IN gives for a NaN: the keys are sorted, and NaN is the last. */
export function nanInSet({ keys, miss }: BoundIn): TruthSet {
  return isNaNKey(keys[keys.length - 1] as Key) ? CAN_BE_TRUE : bit(miss)
}

// Texts that begin with the prefix lie from the prefix up to, not including, the next text that no longer does.
function likeProbe({ pattern }: BoundLike): BoundsProbe {
  const end = afterPrefix(pattern.prefix)
  return {
    keys: [pattern.prefix, end ?? pattern.prefix],
    set: (least, greatest) => {
      const reaches = (greatest[0] as number) >= 0 && (end === undefined || (least[1] as number) < 0)
      const within = (least[0] as number) >= 0 && (end === undefined || (greatest[1] as number) < 0)
      return (reaches ? CAN_BE_TRUE : 0) | (pattern.kind === 'prefix' && within ? 0 : CAN_BE_FALSE)
    },
    nan: 0,
  }
}

function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = prefix.slice(0, length)
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}

/** Walks AND, OR and NOT; `leaf` answers for everything else. */
export function possibleTruths(
  bound: Bound,
  leaf: (node: Exclude<Bound, { kind: 'and' | 'or' | 'not' | 'constant' }>) => TruthSet,
): TruthSet {
  switch (bound.kind) {
    case 'constant':
      return 1 << bound.truth
    case 'not':
      return notSet(possibleTruths(bound.operand, leaf))
    case 'and':
    case 'or': {
      const table = bound.kind === 'and' ? AND_SETS : OR_SETS
      let set = possibleTruths(bound.operands[0] as Bound, leaf)
      for (let i = 1; i < bound.operands.length; i++) set = table[set * 8 + possibleTruths(bound.operands[i] as Bound, leaf)] as number
      return set
    }
    default:
      return leaf(bound)
  }
}
