// Which scenes are gone through, and how far: the whole campaign, and the share of it that a short run takes.
import { OPERATIONS, type OperationName } from './operations.js'
import { FEATURES, ISOLATIONS, LAYOUTS, RELATIONS, type Variant } from './variant.js'

export interface Job {
  readonly part: 'pairs' | 'opening' | 'hasty'
  readonly variant: Variant
  readonly first: OperationName
  readonly second: OperationName
  /** Every schedule with at most so many faults is run. */
  readonly faults: number
}

/** Every unordered pair: either may be the first to commit, so it has both cells of the matrix. */
export const PAIRS: readonly (readonly [OperationName, OperationName])[] = OPERATIONS.flatMap((first, i) =>
  OPERATIONS.slice(i).map((second) => [first, second] as const),
)

export function jobs(): Job[] {
  const all: Job[] = []
  for (const isolation of ISOLATIONS)
    for (const layout of LAYOUTS)
      for (const relation of RELATIONS)
        for (const features of FEATURES) {
          const variant: Variant = { isolation, layout, relation, features, start: 'handle', patience: 'patient' }
          all.push(...pairsOn('pairs', variant, (first, second) => faultsOf(variant, first, second)))
        }
  for (const [layout, relation] of [
    ['partitioned', 'together'],
    ['flat', 'apart'],
  ] as const) {
    const plain = { isolation: 'Serializable', layout, relation, features: 'plain' } as const
    all.push(...pairsOn('opening', { ...plain, start: 'open', patience: 'patient' }, exceptRestore(0)))
    all.push(...pairsOn('hasty', { ...plain, start: 'handle', patience: 'hasty' }, exceptRestore(1)))
  }
  return all
}

type Depth = (first: OperationName, second: OperationName) => number | undefined

function pairsOn(part: Job['part'], variant: Variant, depth: Depth): Job[] {
  return PAIRS.flatMap(([first, second]) => {
    const faults = depth(first, second)
    return faults === undefined ? [] : [{ part, variant, first, second, faults }]
  })
}

const DEEP: readonly OperationName[] = ['append', 'stream']

// A fault multiplies the schedules of a pair by some sixty, those of a restoration, which has many steps, by two hundred. So one
// fault is for the strictest level and, at the others, for plain tables; two are for the pairs that are most of all commits.
function faultsOf({ isolation, layout, relation, features }: Variant, first: OperationName, second: OperationName): number {
  const isPlain = features === 'plain'
  const isDeep = isolation === 'Serializable' && layout === 'partitioned' && relation === 'together' && isPlain
  if (second === 'restore') return isDeep && first !== 'restore' ? 1 : 0
  if (isDeep && DEEP.includes(first) && DEEP.includes(second)) return 2
  return isolation === 'Serializable' || isPlain ? 1 : 0
}

function exceptRestore(faults: number): Depth {
  return (_, second) => (second === 'restore' ? undefined : faults)
}
