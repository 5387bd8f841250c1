// Where this library decides otherwise than Spark, and why. Every such cell must be in exactly one of these lists, and every cell
// of a list must be one: what is not explained fails, and so does an explanation of something that is not so. The same in words:
// spec/conflict-matrix.md.
import type { OperationName } from './operations.js'
import { ISOLATIONS, type Isolation, LAYOUTS, RELATIONS, type Variant } from './variant.js'

export interface Explanation {
  /** The name under which spec/conflict-matrix.md explains it. */
  readonly name: string
  readonly isolations: readonly Isolation[]
  readonly layouts: readonly Variant['layout'][]
  readonly relations: readonly Variant['relation'][]
  readonly currents: readonly OperationName[]
  readonly winners: readonly OperationName[]
}

const everywhere = { isolations: ISOLATIONS, layouts: LAYOUTS, relations: RELATIONS } as const
const flatApart = { layouts: ['flat'], relations: ['apart'] } as const

/** Here both may commit; Spark stops the current one. */
export const EXPLANATIONS: readonly Explanation[] = [
  { name: 'appends-fit', ...everywhere, currents: ['append', 'stream'], winners: ['property', 'add-column'] },
  {
    name: 'statistics',
    ...flatApart,
    isolations: ['Serializable'],
    currents: ['delete', 'sum-part'],
    winners: ['append', 'stream', 'delete', 'sum-table', 'sum-part', 'compact'],
  },
  {
    name: 'statistics',
    ...flatApart,
    isolations: ['WriteSerializable'],
    currents: ['delete', 'sum-part'],
    winners: ['delete', 'sum-table', 'sum-part', 'compact'],
  },
  {
    name: 'restore-by-level',
    ...everywhere,
    isolations: ['WriteSerializable', 'SnapshotIsolation'],
    currents: ['restore'],
    winners: ['append', 'stream'],
  },
  {
    name: 'restore-by-level',
    ...everywhere,
    isolations: ['SnapshotIsolation'],
    currents: ['restore'],
    winners: ['sum-table', 'sum-part'],
  },
]

/** Pairs, later one first, whose table is as if the later commit had been made before the other: the rows are the same either way. */
export const SWAPPED: readonly {
  readonly name: string
  readonly currents: readonly OperationName[]
  readonly winners: readonly OperationName[]
}[] = [{ name: 'rearranged-before', currents: ['compact'], winners: ['append', 'stream', 'sum-table', 'sum-part'] }]

export function explanationsOf(variant: Variant, current: OperationName, winner: OperationName): readonly Explanation[] {
  return EXPLANATIONS.filter(
    ({ isolations, layouts, relations, currents, winners }) =>
      isolations.includes(variant.isolation) &&
      layouts.includes(variant.layout) &&
      relations.includes(variant.relation) &&
      currents.includes(current) &&
      winners.includes(winner),
  )
}
