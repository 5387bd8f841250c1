// Which files a filter can need: first by partition, once per distinct value, then by statistics, read once per column
// and kept as long as the table's state lives. Three-valued: a file goes only when no row of it can make the filter true.
import { type BoundFilter, pruneByPartition, pruneByStats, type StatsColumn, StatsIndex, statsColumnsOf } from '../filter/index.js'
import { columnMappingMode, type FileView, type LogView, type PartitionView } from '../log/index.js'
import { formatPath, physicalName, physicalPath, typeName, wasFloat } from '../schema/index.js'

export interface PrunedFiles {
  /** Rows of the file view that stay, in log order. */
  readonly files: Int32Array
  readonly prunedByPartition: number
  readonly prunedByStatistics: number
}

/** Prunes the live files of a version. Statistics are loaded only when a data column is in the filter. */
export async function pruneFiles(view: LogView, filter: BoundFilter | undefined, signal?: AbortSignal): Promise<PrunedFiles> {
  const live = view.files.liveRows()
  if (filter === undefined) return { files: live, prunedByPartition: 0, prunedByStatistics: 0 }
  const { partitionColumns } = view.metadata
  const mapped = columnMappingMode(view.protocol, view.metadata) !== 'none'
  const partitions = { columns: partitionColumns, partition: (column: string) => partitionOf(view, column) }
  const byPartition = partitionColumns.length === 0 ? live : pruneByPartition(filter, live, partitions)
  const prunedByPartition = live.length - byPartition.length
  const columns = statsColumnsOf(filter, partitionColumns)
    // Statistics are about columns of the table; whatever else a filter uses has none.
    .filter(({ path: [name] }) => view.schema.fields.some((field) => field.name === name))
    .filter(({ path, type }) => type.type !== 'double' || !wasFloat(view.schema, path))
    .map((column) => (mapped ? inStatistics(view, column) : column))
  if (columns.length === 0 || byPartition.length === 0) return { files: byPartition, prunedByPartition, prunedByStatistics: 0 }
  const index = indexOf(view.files, columns)
  const missing = byPartition.filter((row) => !index.has(row))
  if (missing.length > 0) await view.files.visitStats(missing, index, signal)
  const files = pruneByStats(filter, byPartition, index, partitions)
  return { files, prunedByPartition, prunedByStatistics: byPartition.length - files.length }
}

/** The values of a partition column, by its name in the table. @throws AlluviumError `CORRUPT_LOG` for a column that is not mapped */
export function partitionOf(view: LogView, column: string): PartitionView {
  if (columnMappingMode(view.protocol, view.metadata) === 'none') return view.files.partition(column)
  const field = view.schema.fields.find((candidate) => candidate.name === column)
  return view.files.partition(field === undefined ? column : physicalName(field))
}

function inStatistics(view: LogView, column: StatsColumn): StatsColumn {
  const statsPath = physicalPath(view.schema, column.path)
  return statsPath === undefined ? column : { ...column, statsPath }
}

// Indexes by the state whose row numbers they use. A few sets of columns are kept; a table is asked the same few questions.
const INDEXES_KEPT = 8
const indexes = new WeakMap<object, Map<string, StatsIndex>>()

function indexOf(files: FileView, columns: readonly StatsColumn[]): StatsIndex {
  // Names and types of a column may change while its files stay.
  const key = columns.map(({ path, type, statsPath = path }) => `${formatPath(path)} ${formatPath(statsPath)} ${typeName(type)}`).join(',')
  let kept = indexes.get(files.lineage)
  if (kept === undefined) indexes.set(files.lineage, (kept = new Map()))
  const known = kept.get(key)
  if (known !== undefined) return known
  const oldest = kept.keys().next()
  if (kept.size >= INDEXES_KEPT && oldest.done !== true) kept.delete(oldest.value)
  const index = new StatsIndex(columns)
  kept.set(key, index)
  return index
}
