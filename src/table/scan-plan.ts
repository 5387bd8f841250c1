// Planning a scan: which files, which columns, what is left to filter. Pure decisions over the columnar state of one
// version; the only I/O is loading statistics from a checkpoint when a predicate needs them.

import { placesOf } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { type BoundFilter, bindFilter, type Expression, formatExpression, parseFilter } from '../filter/index.js'
import { columnMappingMode, type LogView } from '../log/index.js'
import { assertKnownTypes, checkColumnMapping, type Field, type StructType } from '../schema/index.js'
import { pruneFiles } from './prune.js'
import { trackedSchema, withRowIdNames } from './row-ids.js'

export interface ScanOptions {
  /** Columns to return, in this order; all of them when absent. */
  readonly columns?: readonly string[]
  /** Rows to keep: an expression, or its SQL-like text. */
  readonly where?: Expression | string
  /**
   * Whether rows come with `_row_id` and `_row_commit_version`, last unless `columns` places them; `where` may use them too.
   * Only for tables that track rows (PROTOCOL.md, "Row Tracking"). Both are `long`: Delta Spark's `_metadata.row_id` and `_metadata.row_commit_version`.
   */
  readonly rowIds?: boolean
  /** At most this many rows. */
  readonly limit?: number
  /** Rows of one batch at most. */
  readonly batchRows?: number
  /**
   * Bytes of data files that are fetched before they are needed, at most; with threads, what these make of them counts as well.
   * Default 64 MiB, and as much again for each thread; 0 fetches nothing ahead.
   */
  readonly bytesInFlight?: number
  /**
   * Threads that decode column chunks while this one goes on with the batches that are there: 0 (the default) to 64. They start
   * with the first row group and end with the reading, which takes some 20 to 50 milliseconds, so they pay for readings of more than a
   * few hundred thousand rows on a machine with idle processors. The batches are the same, in the same order. Node only;
   * elsewhere, and where a thread fails, columns are decoded in this one.
   */
  readonly threads?: number
  readonly signal?: AbortSignal | undefined
}

/** What a scan will do. It reads no file that is not listed here. */
export interface ScanPlan {
  readonly version: number
  /** Columns of the rows that come out. */
  readonly output: StructType
  /** Columns read or filled in: the output and what the filter needs. */
  readonly needed: StructType
  readonly filter: BoundFilter | undefined
  readonly filterText: string | undefined
  readonly limit: number | undefined
  readonly batchRows: number | undefined
  readonly bytesInFlight: number
  readonly threads: number
  /** Rows of the file table (see FileView) to read, in log order. */
  readonly files: Int32Array
  readonly totalFiles: number
  readonly prunedByPartition: number
  readonly prunedByStatistics: number
  readonly bytesToRead: number
}

/**
 * Plans a scan of one version.
 * @throws AlluviumError `INVALID_OPTIONS` for unknown columns, a filter that does not fit the schema, or a bad limit;
 * `UNSUPPORTED_FEATURE` where row ids are asked for and there are none.
 */
export async function planScan(view: LogView, options: ScanOptions): Promise<ScanPlan> {
  const schema = options.rowIds === true ? trackedSchema(view) : view.schema
  const output = selectColumns(schema, options.rowIds === true ? withRowIdNames(options.columns) : options.columns)
  assertKnownTypes(output)
  checkColumnMapping(view.schema, columnMappingMode(view.protocol, view.metadata))
  const expression = typeof options.where === 'string' ? parseFilter(options.where) : options.where
  const filter = expression === undefined ? undefined : bindFilter(expression, schema)
  const limit = checkLimit(options.limit)
  const threads = checkThreads(options.threads)
  const pruned = await pruneFiles(view, filter, options.signal)
  let bytesToRead = 0
  for (const row of pruned.files) bytesToRead += view.files.size(row)
  return {
    version: view.version,
    output,
    needed: neededColumns(schema, output, filter),
    filter,
    filterText: expression === undefined ? undefined : formatExpression(expression),
    limit,
    batchRows: options.batchRows,
    threads,
    bytesInFlight: checkBytesInFlight(options.bytesInFlight ?? DEFAULT_BYTES_IN_FLIGHT * (1 + threads)),
    files: pruned.files,
    totalFiles: view.files.numFiles,
    prunedByPartition: pruned.prunedByPartition,
    prunedByStatistics: pruned.prunedByStatistics,
    bytesToRead,
  }
}

/** The plan for people, a fact a line. */
export function formatPlan(plan: ScanPlan, view: LogView): string {
  const lines = [
    `scan of version ${plan.version}`,
    `  columns: ${plan.output.fields.map((field) => field.name).join(', ') || '(none)'}`,
    `  filter: ${plan.filterText ?? '(none)'}`,
    `  files: ${plan.files.length} of ${plan.totalFiles} (${plan.prunedByPartition} skipped by partition, ${plan.prunedByStatistics} by statistics), ${plan.bytesToRead} bytes`,
  ]
  if (plan.limit !== undefined) lines.push(`  limit: ${plan.limit}`)
  const shown = 20
  for (const row of plan.files.subarray(0, shown)) lines.push(`  ${view.files.path(row)} (${view.files.size(row)} bytes)`)
  if (plan.files.length > shown) lines.push(`  … and ${plan.files.length - shown} more`)
  return lines.join('\n')
}

/** The columns of these names, in this order; all of them without names. @throws AlluviumError `INVALID_OPTIONS` */
export function selectColumns(schema: StructType, columns: readonly string[] | undefined): StructType {
  if (columns === undefined) return schema
  const places = placesOf(schema.fields)
  const unknown = columns.filter((name) => !places.has(name))
  if (unknown.length > 0) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `no column ${unknown.map((name) => JSON.stringify(name)).join(', ')} in the table; it has ${schema.fields.map((field) => field.name).join(', ')}`,
      { columns: unknown },
    )
  }
  const seen = new Set<string>()
  const repeated = columns.filter((name) => seen.size === seen.add(name).size)
  if (repeated.length > 0)
    throw new AlluviumError('INVALID_OPTIONS', `column ${repeated.join(', ')} is selected more than once`, { columns: repeated })
  return { type: 'struct', fields: columns.map((name) => schema.fields[places.get(name) as number] as Field) }
}

/** What must be at hand for the output and the filter. */
export function neededColumns(schema: StructType, output: StructType, filter: BoundFilter | undefined): StructType {
  if (filter === undefined) return output
  const names = new Set(output.fields.map((field) => field.name))
  const extra = filter.columns.filter((name) => !names.has(name))
  if (extra.length === 0) return output
  return { type: 'struct', fields: [...output.fields, ...extra.map((name) => schema.fields.find((field) => field.name === name) as Field)] }
}

const DEFAULT_BYTES_IN_FLIGHT = 64 * 2 ** 20

const MAX_THREADS = 64

function checkThreads(threads = 0): number {
  if (!Number.isSafeInteger(threads) || threads < 0 || threads > MAX_THREADS)
    throw new AlluviumError('INVALID_OPTIONS', `threads must be a whole number from 0 to ${MAX_THREADS}, not ${threads}`, { threads })
  return threads
}

function checkBytesInFlight(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new AlluviumError('INVALID_OPTIONS', `bytesInFlight must be a whole number of bytes, not ${bytes}`, { bytesInFlight: bytes })
  return bytes
}

function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined) return undefined
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new AlluviumError('INVALID_OPTIONS', `limit must be a whole number of rows, not ${limit}`, { limit })
  return limit
}
