// Reading one data file of a version: its columns under the table's names, the values of its partition, and which of its
// rows a deletion vector leaves. Positions are those in the file.
import { RecordBatch as Batch, makeData, type RecordBatch, type Schema, Struct } from 'apache-arrow'
import { conformBatch, constantColumn, MappedColumns, toArrowSchema } from '../arrow/index.js'
import { AlluviumError, isAlluviumError } from '../errors.js'
import { columnMappingMode, type DeletedRows, type LogView, loadDeletionVector, resolveDataPath } from '../log/index.js'
import { openParquet, type ParquetFile } from '../parquet/index.js'
import { type Field, parsePartitionValue, type StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { missingFile, storageByteSource } from './byte-source.js'
import { partitionOf } from './prune.js'
import { RowPositions } from './row-positions.js'

/** Some rows of a file. */
export interface FileBatch {
  readonly batch: RecordBatch
  /** One byte a row: 0 where the row is deleted. Undefined when all of them count. */
  readonly keep: Uint8Array | undefined
}

export interface FileRead {
  /** Columns to read or fill in, in the table's names. */
  readonly needed: StructType
  readonly batchRows: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * The batches of a file (a row of the file view), in file order.
 * @throws AlluviumError `MISSING_FILE`, `CORRUPT_DATA`, `SCHEMA_MISMATCH`, `PATH_OUTSIDE_TABLE`, storage errors
 */
export async function* readFile(
  storage: Storage,
  view: LogView,
  row: number,
  { needed, batchRows, signal }: FileRead,
): AsyncGenerator<FileBatch, void, undefined> {
  const { files, metadata } = view
  const path = resolveDataPath(files.path(row))
  const vector = files.deletionVector(row)
  const [file, deleted] = await Promise.all([
    openDataFile(storage, path, files.size(row), signal),
    vector === undefined ? undefined : loadDeletionVector(storage, vector, { signal }),
  ])
  if (deleted !== undefined) checkFits(deleted, file, path)
  const isPartition = (field: Field): boolean => metadata.partitionColumns.includes(field.name)
  const data: StructType = { type: 'struct', fields: needed.fields.filter((field) => !isPartition(field)) }
  const constants = new Map(
    needed.fields
      .filter(isPartition)
      .map((field) => [field.name, parsePartitionValue(field.dataType, partitionText(view, row, field.name))] as const),
  )
  const mode = columnMappingMode(view.protocol, metadata)
  const mapped = mode === 'none' ? undefined : new MappedColumns(file.arrowSchema, data, mode, path)
  const columns = mapped?.names ?? columnsByName(file, data)
  const positions = new RowPositions(file.rowGroups)
  const batches = file.read({ columns, ...(batchRows === undefined ? {} : { batchRows }), ...(signal === undefined ? {} : { signal }) })
  for await (const batch of batches) {
    const firstRow = positions.next(batch.numRows)
    yield {
      batch: assemble(needed, conformBatch(mapped?.rename(batch) ?? batch, data, { purpose: 'read', name: path }), constants),
      keep: deleted === undefined ? undefined : keptOf(deleted, firstRow, batch.numRows),
    }
  }
}

// Names count without regard to case, as in Spark; an exact match wins.
function columnsByName(file: ParquetFile, wanted: StructType): string[] {
  const names = new Set(wanted.fields.map((field) => field.name.toLowerCase()))
  return file.arrowSchema.fields.map((field) => field.name).filter((name) => names.has(name.toLowerCase()))
}

// A file whose very size makes no sense is often no file at all: say which.
async function openDataFile(storage: Storage, path: string, sizeBytes: number, signal: AbortSignal | undefined): Promise<ParquetFile> {
  try {
    return await openParquet(storageByteSource(storage, path, sizeBytes), { name: path, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_DATA') && (await storage.stat(path, { signal })) === undefined) throw missingFile(storage, path)
    throw error
  }
}

// A vector may end before the file does; one that reaches beyond it belongs to another file.
function checkFits(deleted: DeletedRows, file: ParquetFile, path: string): void {
  if (deleted.last < file.numRows) return
  throw new AlluviumError('CORRUPT_DATA', `the deletion vector of ${path} deletes row ${deleted.last} of a file of ${file.numRows} rows`, {
    path,
    row: deleted.last,
    numRows: file.numRows,
  })
}

function keptOf(deleted: DeletedRows, firstRow: number, numRows: number): Uint8Array | undefined {
  if (!deleted.mayTouch(firstRow, numRows)) return undefined
  const keep = new Uint8Array(numRows).fill(1)
  deleted.clear(keep, firstRow)
  return keep
}

// Puts the columns of the file and the constants of its partition together in the order of `needed`.
function assemble(needed: StructType, data: RecordBatch, constants: ReadonlyMap<string, unknown>): RecordBatch {
  if (constants.size === 0) return data
  const schema: Schema = toArrowSchema(needed)
  const children = needed.fields.map((field) => {
    if (constants.has(field.name)) return constantColumn(field.dataType, constants.get(field.name) as never, data.numRows)
    const at = data.schema.fields.findIndex((candidate) => candidate.name === field.name)
    return data.data.children[at] as (typeof data.data.children)[number]
  })
  return new Batch(schema, makeData({ type: new Struct(schema.fields), length: data.numRows, nullCount: 0, children }))
}

function partitionText(view: LogView, row: number, column: string): string | null {
  const partition = partitionOf(view, column)
  return partition.values[partition.ids(row)] ?? null
}
