// Reading one data file of a version: its columns under the table's names, the values of its partition, and which of its
// rows a deletion vector leaves. Positions are those in the file.
import type { RecordBatch } from 'apache-arrow'
import type { BoundFilter } from '../filter/index.js'
import { columnMappingMode, type LogView, loadDeletionVector, resolveDataPath } from '../log/index.js'
import type { ReadAhead } from '../parquet/index.js'
import type { StructType } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { keptOf, openDataFile } from './data-file.js'
import { partitionOf } from './prune.js'
import { rowIdColumns } from './row-ids.js'

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
  /** What may be fetched before it is needed. */
  readonly ahead: ReadAhead
  readonly signal: AbortSignal | undefined
}

/** A file whose footer is read; its rows are not. */
export interface OpenFile {
  /** Fetches the first rows, as far as may be fetched ahead. */
  prefetch(): void
  /** The batches, in file order; `onLast` is called when nothing of the file is left to be fetched. Once only. */
  batches(onLast?: () => void): AsyncGenerator<FileBatch, void, undefined>
}

/**
 * Opens a file (a row of the file view).
 * @throws AlluviumError `MISSING_FILE`, `CORRUPT_DATA`, `SCHEMA_MISMATCH`, `PATH_OUTSIDE_TABLE`, storage errors; from the batches the same
 */
export async function openFile(
  storage: Storage,
  view: LogView,
  row: number,
  { needed, filter, batchRows, ahead, signal }: FileRead,
): Promise<OpenFile> {
  const { files, metadata, protocol } = view
  const file = {
    path: resolveDataPath(files.path(row), storage),
    sizeBytes: files.size(row),
    partition: partitionTexts(view, row, needed),
  }
  const vector = files.deletionVector(row)
  const ids = rowIdColumns(view, row, needed)
  const mode = columnMappingMode(protocol, metadata)
  const [data, deleted] = await Promise.all([
    openDataFile(storage, file, { needed: ids?.data ?? needed, mode, besides: ids?.besides ?? [], batchRows, ahead, signal }),
    vector === undefined ? undefined : loadDeletionVector(storage, vector, { signal }),
  ])
  if (deleted !== undefined) data.checkFits(deleted)
  const reading = data.begin(filter === undefined ? undefined : data.rowGroupsFor(filter))
  async function* batches(onLast?: () => void): AsyncGenerator<FileBatch, void, undefined> {
    for await (const { batch: read, firstRow, besides } of reading.batches(onLast)) {
      const batch = ids?.complete(read, besides, firstRow) ?? read
      yield { batch, keep: deleted === undefined ? undefined : keptOf(deleted, firstRow, batch.numRows) }
    }
  }
  return { prefetch: () => reading.prefetch(), batches }
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
