// Reading one data file of a version: its columns under the table's names, the values of its partition, and which of its
// rows a deletion vector leaves. Positions are those in the file.
import type { RecordBatch } from 'apache-arrow'
import type { BoundFilter } from '../filter/index.js'
import { columnMappingMode, type LogView, loadDeletionVector, resolveDataPath } from '../log/index.js'
import type { StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { keptOf, openDataFile } from './data-file.js'
import { partitionOf } from './prune.js'

/** Some rows of a file. */
export interface FileBatch {
  readonly batch: RecordBatch
  /** One byte a row: 0 where the row is deleted. Undefined when all of them count. */
  readonly keep: Uint8Array | undefined
}

export interface FileRead {
  /** Columns to read or fill in, in the table's names. */
  readonly needed: StructType
  /** Row groups that cannot hold a row for it are left out; its columns are among those needed. */
  readonly filter: BoundFilter | undefined
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
  { needed, filter, batchRows, signal }: FileRead,
): AsyncGenerator<FileBatch, void, undefined> {
  const { files, metadata, protocol } = view
  const file = {
    path: resolveDataPath(files.path(row), storage.location),
    sizeBytes: files.size(row),
    partition: partitionTexts(view, row, needed),
  }
  const vector = files.deletionVector(row)
  const [data, deleted] = await Promise.all([
    openDataFile(storage, file, { needed, mode: columnMappingMode(protocol, metadata), batchRows, signal }),
    vector === undefined ? undefined : loadDeletionVector(storage, vector, { signal }),
  ])
  if (deleted !== undefined) data.checkFits(deleted)
  for await (const { batch, firstRow } of data.batches(filter === undefined ? undefined : data.rowGroupsFor(filter))) {
    yield { batch, keep: deleted === undefined ? undefined : keptOf(deleted, firstRow, batch.numRows) }
  }
}

function partitionTexts(view: LogView, row: number, needed: StructType): Map<string, string | null> {
  const texts = new Map<string, string | null>()
  for (const { name } of needed.fields) {
    if (!view.metadata.partitionColumns.includes(name)) continue
    const partition = partitionOf(view, name)
    texts.set(name, partition.values[partition.ids(row)] ?? null)
  }
  return texts
}
