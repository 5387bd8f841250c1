// The statistics of one data file, collected from its batches (not from the Parquet footer, whose text bounds are cut):
// PROTOCOL.md, "Per-file Statistics". One rule: a bound may be missing, never wrong.
import { type Field as ArrowField, type Data, DataType, type RecordBatch } from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { parsePath, type StructType } from '../schema/index.js'
import type { ChunkStatistics } from './chunk-statistics.js'
import type { ColumnPath } from './slice.js'
import { createStatisticsLeaf, type StatisticsLeaf } from './statistics-leaf.js'

/** Which columns get statistics, and how long texts may be. */
export interface StatisticsOptions {
  /** The first so many leaf columns; -1 for all; default 32. Arrays and maps are one leaf each. Ignored with `columns`. */
  readonly numIndexedCols?: number
  /** Names or paths; a struct stands for all its leaves. A text that is no top-level name is read as a path (`a.b`). */
  readonly columns?: readonly ColumnPath[]
  /** Characters kept of a text bound; default 32. */
  readonly stringPrefixLength?: number
}

/**
 * Collects the statistics of one file: `numRecords`, and per indexed column `nullCount`, `minValues` and `maxValues`.
 *
 * Longs and decimals are exact. Texts keep 32 characters, the greatest made an upper bound. Timestamps are floored to
 * milliseconds. A column with NaN has no bounds, since readers order NaN differently; an infinite bound, and a date or
 * timestamp outside the years 1 to 9999, is left out. Booleans, binaries, arrays and maps have null counts only.
 *
 * @example
 * const statistics = new StatisticsCollector(schema)
 * statistics.add(batch)
 * add.stats = statistics.finish()
 */
export class StatisticsCollector {
  private numRecords = 0
  private readonly members: readonly Member[]

  constructor(schema: StructType, options: StatisticsOptions = {}) {
    const { numIndexedCols = 32, columns, stringPrefixLength = 32 } = options
    const paths = columns?.map((column) => resolve(schema, column))
    let left = numIndexedCols < 0 ? Number.POSITIVE_INFINITY : numIndexedCols
    const indexed = (path: readonly string[]): boolean => {
      if (paths !== undefined) return paths.some((prefix) => prefix.length <= path.length && prefix.every((name, i) => name === path[i]))
      return left-- > 0
    }
    this.members = plan(schema, [], indexed, stringPrefixLength)
  }

  /** Counts a batch; columns are found by name. @throws AlluviumError `SCHEMA_MISMATCH` where one is missing or of another type. */
  add(batch: RecordBatch): void {
    this.numRecords += batch.numRows
    collect(this.members, batch.data, batch.schema.fields, undefined, batch.numRows, '')
  }

  /**
   * Counts rows of which only the extremes are known, as the cells of a batch, and how many are null, by the names of the columns.
   * For columns that are no structs. @throws AlluviumError `SCHEMA_MISMATCH`
   */
  addExtremes(batch: RecordBatch, numRows: number, nullCounts: ReadonlyMap<string, number>): void {
    this.numRecords += numRows
    for (const member of this.members) {
      const child = batch.data.children[batch.schema.fields.findIndex((field) => field.name === member.name)]
      if (child === undefined || member.kind === 'struct') throw mismatch(member.name, 'is missing from the batch')
      if (!member.leaf.accepts(child.type)) throw mismatch(member.name, `has Arrow type ${child.type}, which is not what the schema says`)
      member.leaf.add(child, intersect(undefined, child, batch.numRows), nullCounts.get(member.name) ?? 0)
    }
  }

  /**
   * Ends a row group: the statistics of the batches since the last call, for the footer, by the names of the columns. Only
   * columns that have an order and lie in no struct; the others are left to the codec.
   */
  endRowGroup(): Map<string, ChunkStatistics> {
    const chunks = new Map<string, ChunkStatistics>()
    for (const member of this.members) {
      const chunk = member.kind === 'leaf' ? member.leaf.endRowGroup() : undefined
      if (chunk !== undefined) chunks.set(member.name, chunk)
    }
    return chunks
  }

  /** The statistics as the JSON text of an `add` action's `stats`. */
  finish(): string {
    const min = print(this.members, (leaf) => leaf.min())
    const max = print(this.members, (leaf) => leaf.max())
    const nulls = print(this.members, (leaf) => String(leaf.nullCount))
    return `{"numRecords":${this.numRecords},"minValues":${min},"maxValues":${max},"nullCount":${nulls}}`
  }
}

type Member = { readonly name: string } & (
  | { readonly kind: 'struct'; readonly members: readonly Member[] }
  | { readonly kind: 'leaf'; readonly leaf: StatisticsLeaf }
)

function resolve(schema: StructType, column: ColumnPath): readonly string[] {
  if (typeof column !== 'string') return column
  if (schema.fields.some((field) => field.name === column)) return [column]
  return parsePath(column) ?? [column]
}

function plan(struct: StructType, path: readonly string[], indexed: (path: readonly string[]) => boolean, prefixLength: number): Member[] {
  const members: Member[] = []
  for (const { name, dataType } of struct.fields) {
    const place = [...path, name]
    if (dataType.type === 'struct') {
      const inner = plan(dataType, place, indexed, prefixLength)
      if (inner.length > 0) members.push({ name, kind: 'struct', members: inner })
      // A void column counts as a leaf of the schema, yet it is in no file.
    } else if (indexed(place) && dataType.type !== 'void') {
      members.push({ name, kind: 'leaf', leaf: createStatisticsLeaf(dataType, prefixLength) })
    }
  }
  return members
}

// A leaf is null where it, or any struct around it, is null: `valid` carries what the structs above allow.
function collect(
  members: readonly Member[],
  data: Data,
  fields: readonly ArrowField[],
  valid: Uint8Array | undefined,
  length: number,
  parent: string,
): void {
  for (const member of members) {
    const path = parent === '' ? member.name : `${parent}.${member.name}`
    const child = data.children[fields.findIndex((field) => field.name === member.name)]
    if (child === undefined) throw mismatch(path, 'is missing from the batch')
    const both = intersect(valid, child, length)
    if (member.kind === 'struct') {
      if (!DataType.isStruct(child.type)) throw mismatch(path, `has Arrow type ${child.type}, a struct is expected`)
      collect(member.members, child, child.type.children, both, length, path)
      continue
    }
    if (!member.leaf.accepts(child.type)) throw mismatch(path, `has Arrow type ${child.type}, which is not what the schema says`)
    member.leaf.add(child, both, both === undefined ? 0 : length - countOnes(both, length))
  }
}

function mismatch(path: string, what: string): AlluviumError {
  return new AlluviumError('SCHEMA_MISMATCH', `statistics: column ${path} ${what}`, { column: path })
}

// The validity of a child below what its parents allow, from bit 0; undefined when every row is valid.
function intersect(valid: Uint8Array | undefined, child: Data, length: number): Uint8Array | undefined {
  const own = child.nullBitmap
  if (child.nullCount === 0 || own === undefined || own.length === 0) return valid
  const { offset } = child
  const shift = offset & 7
  const first = offset >> 3
  const bytes = (length + 7) >> 3
  const both = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) {
    const low = (own[first + i] as number) >> shift
    const bits = shift === 0 ? low : low | (((own[first + i + 1] ?? 0) << (8 - shift)) & 0xff)
    both[i] = valid === undefined ? bits : bits & (valid[i] as number)
  }
  return both
}

function countOnes(bits: Uint8Array, length: number): number {
  let ones = 0
  const whole = length >> 3
  for (let i = 0; i < whole; i++) {
    let v = bits[i] as number
    v -= (v >> 1) & 0x55
    v = (v & 0x33) + ((v >> 2) & 0x33)
    ones += (v + (v >> 4)) & 0x0f
  }
  for (let i = whole * 8; i < length; i++) ones += ((bits[i >> 3] as number) >> (i & 7)) & 1
  return ones
}

// The nested object of one statistic; a leaf without a value is left out, a struct without any is an empty object.
function print(members: readonly Member[], value: (leaf: StatisticsLeaf) => string | undefined): string {
  const parts: string[] = []
  for (const member of members) {
    const text = member.kind === 'struct' ? print(member.members, value) : value(member.leaf)
    if (text !== undefined) parts.push(`${JSON.stringify(member.name)}:${text}`)
  }
  return `{${parts.join(',')}}`
}
