// From a version of a table to what a plan is made of: the files in question, their partitions, what was deleted from them.
// Rule: files that are good cost a few numbers each; statistics are read only for files with deletion vectors.
import { decodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { type BoundFilter, bindFilter, columnNames, type Expression, parseFilter, pruneByPartition } from '../filter/index.js'
import { formatJson, isJsonObject, parseJson } from '../json.js'
import { columnMappingMode, type FileView, type LogView } from '../log/index.js'
import { physicalName } from '../schema/index.js'
import { partitionOf } from '../table/index.js'
import { PartitionNumbering, type PartitionTexts } from './partition-numbering.js'
import type { PlanFile } from './plan.js'

/** The live files that a filter on partitions leaves. */
export interface FilesInScope {
  /** Those that may be rewritten: made anew each time they are gone through. */
  readonly files: Iterable<PlanFile>
  /** All of them. */
  readonly numFiles: number
  readonly sizeBytes: number
  /** By the number of the partition, as far as the files were gone through. */
  readonly partitions: readonly PartitionTexts[]
}

export interface ScopeOptions {
  readonly where?: Expression | string | undefined
  /** Only these rows of the file view. */
  readonly isInScope?: ((row: number) => boolean) | undefined
  /** Files of so many bytes without a deletion vector are only counted. */
  readonly goodBytes: number
  /** Whether it matters what files were clustered by. */
  readonly clusters?: boolean
  readonly signal?: AbortSignal | undefined
}

/** @throws AlluviumError `INVALID_OPTIONS` for a filter that looks at more than partition columns */
export async function filesInScope(view: LogView, options: ScopeOptions): Promise<FilesInScope> {
  const { files } = view
  const filter = options.where === undefined ? undefined : partitionFilter(view, options.where)
  const partitions = { columns: view.metadata.partitionColumns, partition: (column: string) => partitionOf(view, column) }
  const live = filter === undefined ? files.liveRows() : pruneByPartition(filter, files.liveRows(), partitions)
  const rows = options.isInScope === undefined ? live : live.filter(options.isInScope)
  const shares = await deletedShares(files, rows, options.signal)
  const numbering = new PartitionNumbering(partitionNames(view).map((name) => files.partition(name)))
  let sizeBytes = 0
  for (const row of rows) sizeBytes += files.size(row)
  const planFiles = function* (): Generator<PlanFile> {
    for (const row of rows) {
      const deletedShare = shares.get(row)
      const size = files.size(row)
      if (size >= options.goodBytes && deletedShare === undefined) continue
      const cluster = options.clusters === true ? clusterOf(files, row) : undefined
      const partition = numbering.of(row)
      // There may be millions: what has no value takes no room.
      if (deletedShare === undefined && cluster === undefined) yield { row, sizeBytes: size, partition }
      else yield { row, sizeBytes: size, partition, deletedShare, cluster }
    }
  }
  return { files: { [Symbol.iterator]: planFiles }, numFiles: rows.length, sizeBytes, partitions: numbering.partitions }
}

/** The partition columns as files name them. */
export function partitionNames({ protocol, metadata, schema }: LogView): readonly string[] {
  if (columnMappingMode(protocol, metadata) === 'none') return metadata.partitionColumns
  return metadata.partitionColumns.map((name) => {
    const field = schema.fields.find((candidate) => candidate.name === name)
    return field === undefined ? name : physicalName(field)
  })
}

function partitionFilter(view: LogView, where: Expression | string): BoundFilter {
  const expression = typeof where === 'string' ? parseFilter(where) : where
  const filter = bindFilter(expression, view.schema)
  const { partitionColumns } = view.metadata
  const others = columnNames(expression).filter((name) => !partitionColumns.some((column) => column.toLowerCase() === name.toLowerCase()))
  if (others.length === 0) return filter
  throw new AlluviumError(
    'INVALID_OPTIONS',
    `optimize works on whole partitions, so its filter may look at partition columns only (${partitionColumns.join(', ') || 'the table has none'}), not at ${others.join(', ')}`,
    { columns: others, partitionColumns },
  )
}

// The share of rows that a vector leaves out. A file that does not say how many rows it has counts as wholly deleted: that is
// found out when it is read.
async function deletedShares(files: FileView, rows: Int32Array, signal: AbortSignal | undefined): Promise<Map<number, number>> {
  const shares = new Map<number, number>()
  if (files.numVectors === 0) return shares
  const withVectors = rows.filter((row) => files.deletionVector(row) !== undefined)
  const stats = await statsTexts(files, withVectors, signal)
  for (const row of withVectors) {
    const numRecords = numRecordsOf(stats.get(row)) ?? 0
    const deleted = files.deletionVector(row)?.cardinality ?? 0
    shares.set(row, numRecords > 0 ? Math.min(1, deleted / numRecords) : 1)
  }
  return shares
}

/** How many rows statistics say a file has, those included that a vector leaves out. */
export function numRecordsOf(stats: string | undefined): number | undefined {
  try {
    const parsed = stats === undefined ? undefined : parseJson(stats)
    const count = isJsonObject(parsed) ? parsed.numRecords : undefined
    return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined
  } catch {
    return undefined
  }
}

/** Statistics of some files (ascending rows), without keeping those of others. */
export async function statsTexts(
  files: FileView,
  rows: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Map<number, string | undefined>> {
  const texts = new Map<number, string | undefined>()
  await files.visitStats(
    rows,
    {
      addBytes: (row, bytes, start, end) => texts.set(row, end > start ? decodeUtf8(bytes, start, end) : undefined),
      addEscaped: (row) => texts.set(row, files.stats(row)),
      addText: (row, text) => texts.set(row, text),
    },
    signal,
  )
  return texts
}

/** Tags of files that were written along a curve, as Delta Spark has them. */
export const CLUSTER_ID = 'ZCUBE_ID'
export const CLUSTER_BY = 'ZCUBE_ZORDER_BY'
export const CLUSTER_CURVE = 'ZCUBE_ZORDER_CURVE'

/** What files in an order say of it. */
export function clusterKey({ by, curve = 'hilbert' }: { readonly by: readonly string[]; readonly curve?: string }): string {
  return `${curve} ${formatJson([...by])}`
}

function clusterOf(files: FileView, row: number): PlanFile['cluster'] {
  const tags = files.extras(row)?.tags
  const id = tags?.[CLUSTER_ID]
  return typeof id === 'string' ? { id, key: `${tags?.[CLUSTER_CURVE]} ${tags?.[CLUSTER_BY]}` } : undefined
}
