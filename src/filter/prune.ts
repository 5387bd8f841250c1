// Prunes the files of a version by what a filter can give over them, all files at once. Rule: the same answers as
// `mightMatch` file by file, by loops over arrays; partition columns are asked once a distinct value, not once a file.
import type { DataType } from '../schema/index.js'
import { type Bound, type BoundColumn, columnsOf, pathKey } from './bound.js'
import type { BoundStore } from './bound-store.js'
import { columnsSet, type Known, knownColumn, leafSet, partitionBounds } from './bounds.js'
import type { Key } from './domain.js'
import type { BoundFilter } from './filter.js'
import { HAS_MAX, HAS_MIN, type IndexedColumn, MAX_COVERS_NAN, NULLS_MASK, type StatsIndex } from './stats-index.js'
import type { StatsColumn } from './stats-scan.js'
import {
  AND_SETS,
  ANYTHING,
  CAN_BE_TRUE,
  inSet,
  isNullSet,
  type Nulls,
  nanInSet,
  notSet,
  OR_SETS,
  probeOf,
  withNulls,
} from './truth-sets.js'

/** One partition column of a file table: the value of a row, in its log text, is `values[ids(row)]`. */
export interface PartitionValues {
  readonly values: readonly (string | null)[]
  ids(row: number): number
}

/** The partition columns of a table, and their values. No other column is asked for. */
export interface Partitions {
  readonly columns: readonly string[]
  partition(column: string): PartitionValues
}

/**
 * The rows whose partition values let the filter be true. A predicate is evaluated once for each distinct value of its
 * column; parts of the filter on other columns prune nothing.
 */
export function pruneByPartition(filter: BoundFilter, rows: Int32Array, partitions: Partitions): Int32Array {
  return new Pruning(partitions, undefined).prune(filter.bound, rows)
}

/** The rows whose statistics, and partition values where given, let the filter be true. Rows not in the index stay. */
export function pruneByStats(filter: BoundFilter, rows: Int32Array, index: StatsIndex, partitions: Partitions = NO_PARTITIONS): Int32Array {
  return new Pruning(partitions, index).prune(filter.bound, rows)
}

/** The columns whose statistics can help a filter: what it looks at, without the partition columns. */
export function statsColumnsOf(filter: BoundFilter, partitionColumns: readonly string[]): StatsColumn[] {
  return filter.leaves.filter((leaf) => !partitionColumns.includes(leaf.path[0] as string)).map(({ path, type }) => ({ path, type }))
}

const NO_PARTITIONS: Partitions = {
  columns: [],
  partition: (column) => {
    throw new TypeError(`${column} is no partition column`)
  },
}

type Leaf = Exclude<Bound, { kind: 'and' | 'or' | 'not' | 'constant' }>
type OneColumnLeaf = Exclude<Leaf, { kind: 'columns' }>
type ValueLeaf = Exclude<OneColumnLeaf, { kind: 'isNull' | 'unlessNull' }>

class Pruning {
  readonly #partitions: Partitions
  readonly #index: StatsIndex | undefined
  readonly #known = new Map<string, (Known | undefined)[]>()

  constructor(partitions: Partitions, index: StatsIndex | undefined) {
    this.#partitions = partitions
    this.#index = index
  }

  // What one side of an AND prunes the next need not look at.
  prune(bound: Bound, rows: Int32Array): Int32Array {
    if (rows.length === 0) return rows
    if (bound.kind === 'and') return bound.operands.reduce((left, operand) => this.prune(operand, left), rows)
    // Of columns nothing is known of, nothing is learned row by row; a constant may still rule out all of them.
    const columns = this.#index === undefined ? columnsOf(bound) : []
    if (columns.length > 0 && columns.every((column) => partitionOf(column, this.#partitions) === undefined)) {
      if (!hasConstant(bound)) return rows
    }
    const sets = new Uint8Array(rows.length)
    this.#sets(bound, rows, sets)
    const kept = new Int32Array(rows.length)
    let count = 0
    for (let i = 0; i < rows.length; i++) if (((sets[i] as number) & CAN_BE_TRUE) !== 0) kept[count++] = rows[i] as number
    return count === rows.length ? rows : kept.slice(0, count)
  }

  // The truths that each row's file can give.
  #sets(bound: Bound, rows: Int32Array, out: Uint8Array): void {
    switch (bound.kind) {
      case 'constant':
        out.fill(1 << bound.truth)
        break
      case 'not':
        this.#sets(bound.operand, rows, out)
        for (let i = 0; i < out.length; i++) out[i] = notSet(out[i] as number)
        break
      case 'and':
      case 'or': {
        const table = bound.kind === 'and' ? AND_SETS : OR_SETS
        this.#sets(bound.operands[0] as Bound, rows, out)
        const next = new Uint8Array(rows.length)
        for (let at = 1; at < bound.operands.length; at++) {
          this.#sets(bound.operands[at] as Bound, rows, next)
          for (let i = 0; i < out.length; i++) out[i] = table[(out[i] as number) * 8 + (next[i] as number)] as number
        }
        break
      }
      case 'columns':
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i] as number
          out[i] = columnsSet(bound, this.#knownAt(bound.left, row), this.#knownAt(bound.right, row))
        }
        break
      default:
        this.#leafSets(bound, rows, out)
    }
  }

  #leafSets(leaf: OneColumnLeaf, rows: Int32Array, out: Uint8Array): void {
    const partition = partitionOf(leaf.column, this.#partitions)
    if (partition !== undefined) partitionSets(leaf, partition, rows, out)
    else {
      const column = this.#index?.column(leaf.column.path)
      if (column === undefined) out.fill(leafSet(leaf, knownColumn(leaf.column, undefined)))
      else statsSets(leaf, column, rows, out)
    }
  }

  #knownAt(column: BoundColumn, row: number): Known {
    const partition = partitionOf(column, this.#partitions)
    if (partition === undefined) return this.#index?.known(column.path, row) ?? knownColumn(column, undefined)
    const key = pathKey(column.path)
    let byId = this.#known.get(key)
    if (byId === undefined) this.#known.set(key, (byId = []))
    const id = partition.ids(row)
    return (byId[id] ??= knownColumn(column, boundsOfId(column.type, partition, id)))
  }
}

// A constant within an OR or NOT decides without any column.
function hasConstant(bound: Bound): boolean {
  if (bound.kind === 'and' || bound.kind === 'or') return bound.operands.some(hasConstant)
  return bound.kind === 'not' ? hasConstant(bound.operand) : bound.kind === 'constant'
}

function partitionOf(column: BoundColumn, partitions: Partitions): PartitionValues | undefined {
  const name = column.path[0] as string
  return column.path.length === 1 && partitions.columns.includes(name) ? partitions.partition(name) : undefined
}

function boundsOfId(type: DataType, partition: PartitionValues, id: number): ReturnType<typeof partitionBounds> | undefined {
  const text = partition.values[id]
  return text === undefined ? undefined : partitionBounds(type, text)
}

const NOT_ASKED = 255

function partitionSets(leaf: OneColumnLeaf, partition: PartitionValues, rows: Int32Array, out: Uint8Array): void {
  const byId = new Uint8Array(partition.values.length + 1).fill(NOT_ASKED)
  for (let i = 0; i < rows.length; i++) {
    const id = partition.ids(rows[i] as number)
    let set = byId[id] ?? ANYTHING
    if (set === NOT_ASKED) {
      set = leafSet(leaf, knownColumn(leaf.column, boundsOfId(leaf.column.type, partition, id)))
      byId[id] = set
    }
    out[i] = set
  }
}

function statsSets(leaf: OneColumnLeaf, column: IndexedColumn, rows: Int32Array, out: Uint8Array): void {
  const { flags } = column
  if (leaf.kind === 'isNull' || leaf.kind === 'unlessNull') {
    const byNulls = [0, 1, 2, 0].map((nulls) =>
      leaf.kind === 'isNull' ? isNullSet(nulls as Nulls) : withNulls(1 << leaf.truth, nulls as Nulls),
    )
    for (let i = 0; i < rows.length; i++) out[i] = byNulls[(flags[rows[i] as number] ?? 0) & NULLS_MASK] as number
    return
  }
  const { min, max } = column
  if (min === undefined || max === undefined) out.fill(leafSet(leaf, knownColumn(leaf.column, undefined)))
  else valueSets(leaf, flags, min, max, rows, out)
  addNulls(leaf, flags, rows, out)
}

// Nulls, and the NaN that a maximum may not tell of.
function addNulls(leaf: ValueLeaf, flags: Uint8Array, rows: Int32Array, out: Uint8Array): void {
  const nan = leaf.column.domain !== 'double' ? 0 : leaf.kind === 'in' ? nanInSet(leaf) : 1 << probeOf(leaf).nan
  for (let i = 0; i < rows.length; i++) {
    const flag = flags[rows[i] as number] ?? 0
    const values = (out[i] as number) | ((flag & MAX_COVERS_NAN) !== 0 ? 0 : nan)
    out[i] = withNulls(values, (flag & NULLS_MASK) as Nulls)
  }
}

function valueSets(leaf: ValueLeaf, flags: Uint8Array, min: BoundStore, max: BoundStore, rows: Int32Array, out: Uint8Array): void {
  if (leaf.kind === 'in') {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number
      const flag = flags[row] ?? 0
      out[i] = inSet(leaf, (flag & HAS_MIN) === 0 ? undefined : min.get(row), (flag & HAS_MAX) === 0 ? undefined : max.get(row))
    }
    return
  }
  const probe = probeOf(leaf)
  const places = probe.keys.map((key) => placesOf(key, flags, min, max, rows))
  const [first, second] = places as [Uint8Array, Uint8Array | undefined]
  if (second === undefined) {
    const table = Uint8Array.from({ length: 9 }, (_, place) => probe.set([leastOf(place)], [greatestOf(place)]))
    for (let i = 0; i < rows.length; i++) out[i] = table[first[i] as number] as number
    return
  }
  const table = Uint8Array.from({ length: 81 }, (_, pair) => {
    const [a, b] = [Math.floor(pair / 9), pair % 9]
    return probe.set([leastOf(a), leastOf(b)], [greatestOf(a), greatestOf(b)])
  })
  for (let i = 0; i < rows.length; i++) out[i] = table[(first[i] as number) * 9 + (second[i] as number)] as number
}

// Where the least and the greatest value lie against a key, as one of nine numbers; unknown ends lie as far out as can be.
function placesOf(key: Key, flags: Uint8Array, min: BoundStore, max: BoundStore, rows: Int32Array): Uint8Array {
  const least = new Uint8Array(rows.length)
  const greatest = new Uint8Array(rows.length)
  min.compare(rows, key, least)
  max.compare(rows, key, greatest)
  for (let i = 0; i < rows.length; i++) {
    const flag = flags[rows[i] as number] ?? 0
    const low = (flag & HAS_MIN) !== 0 ? (least[i] as number) : 0
    const high = (flag & HAS_MAX) !== 0 ? (greatest[i] as number) : 2
    least[i] = low * 3 + high
  }
  return least
}

function leastOf(place: number): number {
  return Math.floor(place / 3) - 1
}

function greatestOf(place: number): number {
  return (place % 3) - 1
}
