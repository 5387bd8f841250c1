// What a transaction has read of its snapshot, kept as predicates: the files that a filter could need then, and whether a
// file that somebody adds could have been one of them. Rule: what is not known to be unread was read.
import { type BoundFilter, type Bounds, parseStatsBounds, partitionBounds, type StatsColumn, statsColumnsOf } from '../filter/index.js'
import type { ReadSet } from '../log/commit/index.js'
import { type AddFile, columnMappingMode, type LogView } from '../log/index.js'
import { type Field, physicalName, physicalPath, wasFloat } from '../schema/index.js'
import { pruneFiles } from './prune.js'

export class Reads {
  readonly #view: LogView
  readonly #filters: BoundFilter[] = []
  readonly #appIds = new Set<string>()
  #wholeTable = false

  constructor(view: LogView) {
    this.#view = view
  }

  /** Every row, or those that a filter is about. */
  rows(filter: BoundFilter | undefined): void {
    if (filter === undefined) this.#wholeTable = true
    else this.#filters.push(filter)
  }

  /** How far an application has come. */
  position(appId: string): void {
    this.#appIds.add(appId)
  }

  /** What the commit depends on. Statistics are loaded where a filter needs them. */
  async readSet(signal?: AbortSignal): Promise<ReadSet> {
    const appIds = [...this.#appIds]
    if (this.#wholeTable) return { appIds, readsWholeTable: true }
    if (this.#filters.length === 0) return { appIds }
    const view = this.#view
    const rows = new Set<number>()
    for (const filter of this.#filters) for (const row of (await pruneFiles(view, filter, signal)).files) rows.add(row)
    const matchers = this.#filters.map((filter) => fileMatcher(view, filter))
    return {
      appIds,
      mayRead: (file) => matchers.some((mightMatch) => mightMatch(file)),
      // A file that the snapshot does not have came later: it was not read.
      wasRead: ({ path, deletionVector }) => rows.has(view.files.find(path, deletionVector)),
    }
  }
}

/** Whether a file that is not in the snapshot can hold a row that the filter is true for, by its partition and its statistics. */
export function fileMatcher(view: LogView, filter: BoundFilter): (file: AddFile) => boolean {
  const { schema, metadata, protocol } = view
  const { partitionColumns } = metadata
  const isMapped = columnMappingMode(protocol, metadata) !== 'none'
  const fields = partitionColumns.flatMap((name) => schema.fields.filter((field) => field.name === name))
  const partitions = new Map(fields.map((field) => [field.name, { field, key: isMapped ? physicalName(field) : field.name }]))
  // Values of a column that was float once may lie above the statistics of its files, as pruning knows.
  const columns: StatsColumn[] = statsColumnsOf(filter, partitionColumns)
    .filter(({ path, type }) => type.type !== 'double' || !wasFloat(schema, path))
    .map((column) => (isMapped ? { ...column, statsPath: physicalPath(schema, column.path) ?? column.path } : column))
  return (file) => filter.mightMatch(boundsOf(file, partitions, columns))
}

function boundsOf(
  { partitionValues, stats }: AddFile,
  partitions: ReadonlyMap<string, { readonly field: Field; readonly key: string }>,
  columns: readonly StatsColumn[],
): Bounds {
  const statistics = columns.length === 0 ? undefined : parseStatsBounds(stats, columns)
  return {
    get: (path) => {
      const partition = path.length === 1 ? partitions.get(path[0] as string) : undefined
      if (partition === undefined) return statistics?.get(path)
      const { field, key } = partition
      return Object.hasOwn(partitionValues, key) ? partitionBounds(field.dataType, partitionValues[key] ?? null) : undefined
    },
  }
}
