// What a pair of operations is tried on: the table, how the two are related, and how they begin. One name each, so that a
// schedule is told by its variant, its pair and its steps.

export const ISOLATIONS = ['Serializable', 'WriteSerializable', 'SnapshotIsolation'] as const
export type Isolation = (typeof ISOLATIONS)[number]

/** Partitioned by `p`, or not at all; then ranges of `id`, known from statistics, stand for the partitions. */
export const LAYOUTS = ['partitioned', 'flat'] as const
/** Both work on the same partition (range), application, property, column and domain, or each on its own. */
export const RELATIONS = ['together', 'apart'] as const
/** Table features that change what a commit holds: row ids, in-commit timestamps, deletion vectors. */
export const FEATURES = ['plain', 'tracked', 'stamped', 'vectors'] as const
/** The actors hold a handle already and refresh it, or open the table first. */
export const STARTS = ['handle', 'open'] as const
/** How long a commit tries: by default long enough to know its end; or one put and a short look. */
export const PATIENCES = ['patient', 'hasty'] as const

export interface Variant {
  readonly isolation: Isolation
  readonly layout: (typeof LAYOUTS)[number]
  readonly relation: (typeof RELATIONS)[number]
  readonly features: (typeof FEATURES)[number]
  readonly start: (typeof STARTS)[number]
  readonly patience: (typeof PATIENCES)[number]
}

export type Who = 'A' | 'B'

export function variantName({ isolation, layout, relation, features, start, patience }: Variant): string {
  return [isolation, layout, relation, features, start, patience].join('/')
}

/** The inverse of {@link variantName}. @throws RangeError */
export function parseVariant(name: string): Variant {
  const [isolation, layout, relation, features, start, patience] = name.split('/')
  const one = <T extends string>(all: readonly T[], text: string | undefined): T => {
    const found = all.find((each) => each === text)
    if (found === undefined)
      throw new RangeError(`a variant is ISOLATION/LAYOUT/RELATION/FEATURES/START/PATIENCE; ${text} is none of ${all}`)
    return found
  }
  return {
    isolation: one(ISOLATIONS, isolation),
    layout: one(LAYOUTS, layout),
    relation: one(RELATIONS, relation),
    features: one(FEATURES, features),
    start: one(STARTS, start),
    patience: one(PATIENCES, patience),
  }
}

/** Where an actor works. */
export function targetOf({ relation }: Variant, who: Who): 'a' | 'b' {
  return who === 'B' && relation === 'apart' ? 'b' : 'a'
}

/** The filter that describes it. */
export function whereOf(variant: Variant, who: Who): string {
  const target = targetOf(variant, who)
  if (variant.layout === 'partitioned') return `p = '${target}'`
  return target === 'a' ? 'id < 100' : 'id >= 100'
}

/** The ids of rows that an actor adds: in its target. */
export function newIds(variant: Variant, who: Who): readonly [number, number] {
  const from = (targetOf(variant, who) === 'a' ? 0 : 100) + (who === 'A' ? 30 : 40)
  return [from, from + 1]
}

/** What the two have in common where they work together, and what is B's own where they work apart. */
export function nameOf(variant: Variant, who: Who, what: 'app' | 'property' | 'column' | 'domain'): string {
  return `${what}.${targetOf(variant, who) === 'a' ? 'one' : 'two'}`
}
