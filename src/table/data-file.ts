// One Parquet file of a table: its columns under the table's names, with the values of its partition filled in.
// Rule: which rows of it count is the caller's business; batches say where in the file they lie.
import { RecordBatch as Batch, makeData, type RecordBatch, type Schema, Struct } from 'apache-arrow'
import { conformBatch, constantColumn, MappedColumns, placesOf, project, toArrowSchema } from '../arrow/index.js'
import { AlluviumError, isAlluviumError } from '../errors.js'
import type { BoundFilter } from '../filter/index.js'
import type { DeletedRows } from '../log/index.js'
import { openParquet, type ParquetFile, type ReadAhead, type RowGroupInfo } from '../parquet/index.js'
import { type ColumnMappingMode, type PhysicalValue, parsePartitionValue, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { missingFile, storageByteSource } from './byte-source.js'
import { pruneRowGroups } from './row-groups.js'
import { RowPositions } from './row-positions.js'

/** A file as the log describes it. */
export interface DataFile {
  /** In the store. */
  readonly path: string
  readonly sizeBytes: number
  /** Columns that are not read but filled in, by their names in the table: the texts of their partition values. */
  readonly partition: ReadonlyMap<string, string | null>
}

export interface DataFileRead {
  /** Columns to read or fill in, in the table's names. */
  readonly needed: StructType
  readonly mode: ColumnMappingMode
  /** Columns to read under their own names besides, as they are: those that are in no schema. */
  readonly besides?: readonly string[]
  readonly batchRows: number | undefined
  /** What may be fetched before it is needed; a bound of the reader's own without it. */
  readonly ahead?: ReadAhead | undefined
  readonly signal: AbortSignal | undefined
}

/** Rows of a file that lie together. */
export interface PlacedBatch {
  /** The columns needed. */
  readonly batch: RecordBatch
  /** Where its first row is in the file. */
  readonly firstRow: number
  /** The columns asked for besides, those that the file has. */
  readonly besides: RecordBatch | undefined
}

/** A reading that is about to begin; see `BegunRead` of the Parquet reader. */
export interface BegunFile {
  prefetch(): void
  batches(onLast?: () => void): AsyncGenerator<PlacedBatch, void, undefined>
}

export interface OpenDataFile {
  readonly path: string
  readonly rowGroups: readonly RowGroupInfo[]
  /** The rows of all row groups, or of those with these indexes, in that order. */
  batches(rowGroups?: readonly number[]): AsyncGenerator<PlacedBatch, void, undefined>
  /** The same, for who wants to fetch the first row group ahead, and to know when the last one is being fetched. */
  begin(rowGroups?: readonly number[]): BegunFile
  /** The indexes of the row groups that can hold a row for the filter, whose columns are all needed; undefined for all of them. */
  rowGroupsFor(filter: BoundFilter): readonly number[] | undefined
  /** Refuses a deletion vector that belongs to another file. @throws AlluviumError `CORRUPT_DATA` */
  checkFits(deleted: DeletedRows): void
}

/**
 * Opens a file: its footer is read, its columns are found.
 * @throws AlluviumError `MISSING_FILE`, `CORRUPT_DATA`, `SCHEMA_MISMATCH`, storage errors; from the batches the same
 */
export async function openDataFile(storage: Storage, file: DataFile, read: DataFileRead): Promise<OpenDataFile> {
  const { path, partition } = file
  const { needed, mode, besides = [], batchRows, ahead, signal } = read
  const parquet = await openParquetFile(storage, path, file.sizeBytes, signal)
  const data: StructType = { type: 'struct', fields: needed.fields.filter((field) => !partition.has(field.name)) }
  // What is not read does not come from the file, whatever it holds under that name.
  const filledIn = { has: (column: string) => !data.fields.some((field) => field.name === column) }
  const constants = constantsOf(needed, partition)
  const mapped = mode === 'none' ? undefined : new MappedColumns(parquet.arrowSchema, data, mode, path)
  const own = besides.filter((name) => parquet.arrowSchema.fields.some((field) => field.name === name))
  const columns = [...(mapped?.names ?? columnsByName(parquet, data)), ...own]
  const begin = (rowGroups?: readonly number[]): BegunFile => {
    const groups = rowGroups?.map((index) => parquet.rowGroups[index] as RowGroupInfo) ?? parquet.rowGroups
    const reading = parquet.begin({
      columns,
      ...(rowGroups === undefined ? {} : { rowGroups }),
      ...(batchRows === undefined ? {} : { batchRows }),
      ...(ahead === undefined ? {} : { ahead }),
      ...(signal === undefined ? {} : { signal }),
    })
    return { prefetch: () => reading.prefetch(), batches: (onLast) => placed(reading.batches(onLast), new RowPositions(groups)) }
  }
  async function* placed(batches: AsyncIterable<RecordBatch>, positions: RowPositions): AsyncGenerator<PlacedBatch, void, undefined> {
    for await (const batch of batches) {
      yield {
        firstRow: positions.next(batch.numRows),
        batch: assemble(needed, conformBatch(mapped?.rename(batch) ?? batch, data, { purpose: 'read', name: path }), constants),
        besides: own.length === 0 ? undefined : project(batch, own),
      }
    }
  }
  return {
    path,
    rowGroups: parquet.rowGroups,
    batches: (rowGroups) => begin(rowGroups).batches(),
    begin,
    rowGroupsFor: (filter) => pruneRowGroups(filter, parquet, needed, mode, filledIn),
    checkFits: (deleted) => checkFits(deleted, parquet.numRows, path),
  }
}

/** The rows that a deletion vector leaves, a byte each; undefined when all of them count. */
export function keptOf(deleted: DeletedRows, firstRow: number, numRows: number): Uint8Array | undefined {
  if (!deleted.mayTouch(firstRow, numRows)) return undefined
  const keep = new Uint8Array(numRows).fill(1)
  deleted.clear(keep, firstRow)
  return keep
}

// Names count without regard to case, as in Spark; an exact match wins.
function columnsByName(file: ParquetFile, wanted: StructType): string[] {
  const names = new Set(wanted.fields.map((field) => field.name.toLowerCase()))
  return file.arrowSchema.fields.map((field) => field.name).filter((name) => names.has(name.toLowerCase()))
}

// A file whose very size makes no sense is often no file at all: say which.
async function openParquetFile(storage: Storage, path: string, sizeBytes: number, signal: AbortSignal | undefined): Promise<ParquetFile> {
  try {
    return await openParquet(storageByteSource(storage, path, sizeBytes), { name: path, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_DATA') && (await storage.stat(path, { signal })) === undefined) throw missingFile(storage, path)
    throw error
  }
}

// A vector may end before the file does; one that reaches beyond it belongs to another file.
function checkFits(deleted: DeletedRows, numRows: number, path: string): void {
  if (deleted.last < numRows) return
  throw new AlluviumError('CORRUPT_DATA', `the deletion vector of ${path} deletes row ${deleted.last} of a file of ${numRows} rows`, {
    path,
    row: deleted.last,
    numRows,
  })
}

function constantsOf(needed: StructType, partition: ReadonlyMap<string, string | null>): Map<string, PhysicalValue | null> {
  const constants = new Map<string, PhysicalValue | null>()
  for (const field of needed.fields) {
    const text = partition.get(field.name)
    if (text !== undefined) constants.set(field.name, parsePartitionValue(field.dataType, text))
  }
  return constants
}

// Puts the columns of the file and the constants of its partition together in the order of `needed`.
function assemble(needed: StructType, data: RecordBatch, constants: ReadonlyMap<string, PhysicalValue | null>): RecordBatch {
  if (constants.size === 0) return data
  const schema: Schema = toArrowSchema(needed)
  const places = placesOf(data.schema.fields)
  const children = needed.fields.map((field) => {
    const constant = constants.get(field.name)
    if (constant !== undefined) return constantColumn(field.dataType, constant, data.numRows)
    return data.data.children[places.get(field.name) ?? -1] as (typeof data.data.children)[number]
  })
  return new Batch(schema, makeData({ type: new Struct(schema.fields), length: data.numRows, nullCount: 0, children }))
}
