// Which files a filter can need: first by partition, once per distinct combination of values, then by statistics.
// Three-valued: a file goes only when no row of it can make the filter true; unknown keeps.
import type { BoundFilter, ColumnBounds } from '../filter/index.js'
import { parseStatsBounds, partitionBounds } from '../filter/index.js'
import type { FileView, LogView } from '../log/index.js'

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
  const afterPartition = pruneByPartition(view, filter, live)
  const prunedByPartition = live.length - afterPartition.length
  const dataColumns = filter.leaves.filter((leaf) => !partitionColumns.includes(leaf.path[0] as string))
  if (dataColumns.length === 0 || afterPartition.length === 0) return { files: afterPartition, prunedByPartition, prunedByStatistics: 0 }
  await view.files.loadStats(signal)
  const partitions = partitionReaders(view, filter)
  const files = afterPartition.filter((row) => {
    const stats = parseStatsBounds(view.files.stats(row), dataColumns)
    return filter.mightMatch({ get: (path) => partitions.get(path[0] as string)?.(row) ?? stats.get(path) })
  })
  return { files, prunedByPartition, prunedByStatistics: afterPartition.length - files.length }
}

function pruneByPartition(view: LogView, filter: BoundFilter, live: Int32Array): Int32Array {
  const { partitionColumns } = view.metadata
  const { only } = filter.partitionOnly(partitionColumns)
  if (only === undefined || partitionColumns.length === 0) return live
  const readers = partitionReaders(view, only)
  const ids = only.columns.map((name) => view.files.partition(name))
  const verdicts = new Map<string, boolean>()
  return live.filter((row) => {
    let key = ''
    for (const partition of ids) key += `${partition.ids(row)},`
    let verdict = verdicts.get(key)
    if (verdict === undefined) {
      verdict = only.mightMatch({ get: (path) => readers.get(path[0] as string)?.(row) })
      verdicts.set(key, verdict)
    }
    return verdict
  })
}

// Bounds by partition column: each distinct value is parsed once.
function partitionReaders(view: LogView, filter: BoundFilter): Map<string, (row: number) => ColumnBounds> {
  const readers = new Map<string, (row: number) => ColumnBounds>()
  const files: FileView = view.files
  for (const leaf of filter.leaves) {
    const name = leaf.path[0] as string
    if (!view.metadata.partitionColumns.includes(name) || readers.has(name)) continue
    const partition = files.partition(name)
    const byId: ColumnBounds[] = []
    readers.set(name, (row) => {
      const id = partition.ids(row)
      byId[id] ??= partitionBounds(leaf.type, partition.values[id] ?? null)
      return byId[id]
    })
  }
  return readers
}
