// The columns that rows are clustered by: found in the schema, read as ordered values, and turned into ranks among a sample of them.
// Ranks spread skewed values evenly over the curve. Rule: null comes before everything, NaN after.
import type { Data, RecordBatch } from 'apache-arrow'
import { bitAt, physicalReader, validityOf } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { parseColumnName } from '../filter/index.js'
import type { LogView } from '../log/index.js'
import { type DataType, type Field, formatPath, type StructType, statsLeaves, typeName } from '../schema/index.js'

/** A column by its path. */
export interface ClusterColumn {
  readonly path: readonly string[]
  readonly type: DataType
}

/** A value as it is ordered; null before all. */
export type Ordered = number | string | null

const ORDERED: ReadonlySet<string> = new Set([
  'byte',
  'short',
  'integer',
  'long',
  'float',
  'double',
  'decimal',
  'string',
  'binary',
  'boolean',
  'date',
  'timestamp',
  'timestamp_ntz',
])

/**
 * @throws AlluviumError `INVALID_OPTIONS` for columns that are not there, have no order or no statistics, or are the same in all files of
 * a partition
 */
export function clusterColumns(view: LogView, by: readonly string[]): ClusterColumn[] {
  const columns = by.map((name) => clusterColumn(view, name))
  const names = columns.map(({ path }) => formatPath(path))
  const again = names.find((name, at) => names.indexOf(name) !== at)
  if (again !== undefined) throw new AlluviumError('INVALID_OPTIONS', `rows are to be clustered by ${again} twice`, { columns: [again] })
  return columns
}

function clusterColumn({ schema, metadata }: LogView, name: string): ClusterColumn {
  const path = schema.fields.some((field) => field.name === name) ? [name] : parseColumnName(name)
  let type: DataType = schema
  const found: string[] = []
  for (const step of path) {
    const fields: readonly Field[] = type.type === 'struct' ? type.fields : []
    const field = fields.find((each) => each.name === step) ?? fields.find((each) => each.name.toLowerCase() === step.toLowerCase())
    if (field === undefined)
      throw new AlluviumError('INVALID_OPTIONS', `rows cannot be clustered by ${name}: the table has no such column`, { columns: [name] })
    found.push(field.name)
    type = field.dataType
  }
  if (metadata.partitionColumns.includes(found[0] as string))
    throw new AlluviumError('INVALID_OPTIONS', `rows cannot be clustered by ${name}: it is a partition column, the same in every file`, {
      columns: [name],
    })
  if (!ORDERED.has(type.type))
    throw new AlluviumError('INVALID_OPTIONS', `rows cannot be clustered by ${name}: ${typeName(type)} has no order`, { columns: [name] })
  const counted = statsLeaves(schema, metadata.partitionColumns, metadata.configuration)
  if (!counted.some((leaf) => formatPath(leaf.path) === formatPath(found)))
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `rows are not worth clustering by ${name}: the table keeps no statistics of it, so no filter could tell files apart; see delta.dataSkippingStatsColumns and delta.dataSkippingNumIndexedCols`,
      { columns: [name] },
    )
  return { path: found, type }
}

/** The columns of the table that hold them. */
export function columnsToRead(schema: StructType, columns: readonly ClusterColumn[]): StructType {
  const names = new Set(columns.map(({ path }) => path[0]))
  return { type: 'struct', fields: schema.fields.filter(({ name }) => names.has(name)) }
}

/** Reads a column of a batch in the table's names. */
export function orderedReader(batch: RecordBatch, { path, type }: ClusterColumn): (row: number) => Ordered {
  let data: Data | undefined
  let fields: readonly { readonly name: string }[] = batch.schema.fields
  let children: readonly Data[] = batch.data.children
  const outer: Data[] = []
  for (const step of path) {
    if (data !== undefined) outer.push(data)
    data = children[fields.findIndex(({ name }) => name === step)]
    if (data === undefined) return () => null
    fields = (data.type as { children?: readonly { name: string }[] | null }).children ?? []
    children = data.children
  }
  const read = physicalReader(data as Data, type)
  const validities = outer.flatMap((struct) => validityOf(struct) ?? [])
  return (row) => (validities.every((validity) => bitAt(validity, row)) ? ordered(read(row)) : null)
}

/** So many bytes of a binary value count. */
const BINARY_BYTES = 64

function ordered(value: ReturnType<ReturnType<typeof physicalReader>>): Ordered {
  if (value === null || typeof value === 'string') return value
  if (value instanceof Uint8Array) return String.fromCharCode(...value.subarray(0, BINARY_BYTES))
  const number = Number(value)
  return Number.isNaN(number) ? Number.POSITIVE_INFINITY : number
}

/** Coordinates of values: their ranks in a sample, spread over the whole axis; 0 for null. */
export class Axis {
  readonly #bounds: readonly (number | string)[]
  readonly #length: number

  /** @param sample values as they come @param length the greatest coordinate */
  constructor(sample: readonly Ordered[], length: number) {
    const sorted = sample.filter((value) => value !== null).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const bounds: (number | string)[] = []
    const count = Math.min(length, sorted.length)
    for (let at = 1; at < count; at++) {
      const bound = sorted[Math.floor((at * sorted.length) / count)]
      // A value that is very frequent has one rank; the others share what is left.
      if (bound !== undefined && bound !== bounds.at(-1) && bound !== sorted[0]) bounds.push(bound)
    }
    this.#bounds = bounds
    this.#length = length
  }

  of(value: Ordered): number {
    if (value === null) return 0
    let low = 0
    let high = this.#bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#bounds[middle] as number | string) <= value) low = middle + 1
      else high = middle
    }
    return Math.floor(((low + 1) * this.#length) / (this.#bounds.length + 1))
  }
}
