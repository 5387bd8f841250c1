// Copying rows of a version into new files of the same table: what is read, and what the files hold. Rule: a copy has the rows
// that count, with the values, types and names of now, and keeps the ids of rows where the table tracks them.
import { Field as ArrowField, Int64, type RecordBatch } from 'apache-arrow'
import { batchOf, maskToIndices, physicalBatch, project, schemaOf, take } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { columnMappingMode, hasFeature, type LogView, property } from '../log/index.js'
import { ReadAhead } from '../parquet/index.js'
import { assertKnownTypes, checkColumnMapping, type Field, physicalName, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { batchesInOrder } from './files-ahead.js'
import { openFile } from './read-file.js'
import { MATERIALIZED_ROW_COLUMNS, trackedSchema } from './row-ids.js'
import { type FilePlan, filePlanOf } from './write-options.js'

/** How rows are copied. */
export interface CopyPlan extends Omit<FilePlan, 'schema' | 'rename'> {
  /** What is read, in the table's names: no partition columns, the row's id and version last where they are kept. */
  readonly needed: StructType
  /** The columns of the files, in their names there. */
  readonly columns: StructType
  /** The columns of files that keep ids and versions of rows; none where the table does not track rows. */
  readonly rowIdColumns: readonly string[]
  /** Gives a batch of `needed` the form of `columns`. */
  toFile(batch: RecordBatch): RecordBatch
}

/**
 * Plans copies of rows of a version.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` where rows are tracked and no column could keep their ids
 */
export function planCopy(view: LogView): CopyPlan {
  const { schema, metadata, protocol } = view
  const mode = columnMappingMode(protocol, metadata)
  checkColumnMapping(schema, mode)
  const { rename: _, schema: physical, ...plan } = filePlanOf(view)
  const isInFiles = ({ name, dataType }: Field): boolean => !metadata.partitionColumns.includes(name) && dataType.type !== 'void'
  const data: StructType = { type: 'struct', fields: schema.fields.filter(isInFiles) }
  assertKnownTypes(data)
  const rowIdColumns = rowIdColumnNames(view)
  const names = new Set(data.fields.map((field) => (mode === 'none' ? field.name : physicalName(field))))
  const inFiles = physical.fields.filter(({ name }) => names.has(name))
  const ids = rowIdColumns.map((name): Field => ({ name, dataType: { type: 'long' }, nullable: true, metadata: {} }))
  const tracked = rowIdColumns.length === 0 ? [] : trackedSchema(view).fields.slice(schema.fields.length)
  const dataNames = data.fields.map(({ name }) => name)
  return {
    ...plan,
    needed: { type: 'struct', fields: [...data.fields, ...tracked] },
    columns: { type: 'struct', fields: [...inFiles, ...ids] },
    rowIdColumns,
    toFile: (batch) => {
      const own = tracked.length === 0 ? batch : project(batch, dataNames)
      const named = mode === 'none' ? own : physicalBatch(own, data)
      if (tracked.length === 0) return named
      const fields = [...named.schema.fields, ...rowIdColumns.map((name) => new ArrowField(name, new Int64(), true))]
      return batchOf(schemaOf(fields), [...named.data.children, ...batch.data.children.slice(dataNames.length)], batch.numRows)
    },
  }
}

// PROTOCOL.md, "Row Tracking": rows that move keep their ids in these columns.
function rowIdColumnNames({ protocol, metadata }: LogView): readonly string[] {
  if (!hasFeature(protocol, 'rowTracking') || property(metadata, 'delta.enableRowTracking')?.toLowerCase() !== 'true') return []
  const names = MATERIALIZED_ROW_COLUMNS.flatMap((key) => property(metadata, key) ?? [])
  if (names.length === MATERIALIZED_ROW_COLUMNS.length) return names
  throw new AlluviumError(
    'UNSUPPORTED_FEATURE',
    `the table tracks its rows but does not name the columns that keep the ids of rows that move (${MATERIALIZED_ROW_COLUMNS.join(', ')}), so its files cannot be rewritten`,
    { features: ['rowTracking'], operation: 'write' },
  )
}

export interface CopyOptions {
  /** Columns to read instead of all that are needed. */
  readonly needed?: StructType
  readonly batchRows?: number
  /** Bytes fetched before they are needed, at most. */
  readonly bytesInFlight?: number
  readonly signal?: AbortSignal | undefined
}

/** Rows of a file that count. */
export interface CopiedBatch {
  readonly batch: RecordBatch
  /** Rows read, those included that a deletion vector leaves out. */
  readonly rowsRead: number
}

const BYTES_IN_FLIGHT = 32 * 2 ** 20

/** The rows that count of some files (rows of the file view), in this order. @throws AlluviumError as reading does */
export async function* batchesToCopy(
  storage: Storage,
  view: LogView,
  plan: CopyPlan,
  files: readonly number[],
  options: CopyOptions = {},
): AsyncGenerator<CopiedBatch, void, undefined> {
  const { needed = plan.needed, batchRows, bytesInFlight = BYTES_IN_FLIGHT, signal } = options
  const ahead = new ReadAhead(bytesInFlight)
  const open = (index: number, stop: AbortSignal): ReturnType<typeof openFile> =>
    openFile(storage, view, files[index] as number, { needed, filter: undefined, batchRows, ahead, signal: stop })
  for await (const { batch, keep } of batchesInOrder(files.length, open, { readsAhead: bytesInFlight > 0, signal })) {
    const indices = keep === undefined ? undefined : maskToIndices(keep)
    yield {
      batch: indices === undefined || indices.length === batch.numRows ? batch : take(batch, indices),
      rowsRead: batch.numRows,
    }
  }
}
