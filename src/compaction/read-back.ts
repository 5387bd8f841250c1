// What is written again is looked at before anything depends on it: the file is there, whole, and has the rows it should have.
import { AlluviumError } from '../errors.js'
import type { LogView } from '../log/index.js'
import { openParquet } from '../parquet/index.js'
import type { Storage } from '../storage/storage.js'
import { storageByteSource } from '../table/index.js'

export interface Counted {
  readonly sizeBytes: number
  readonly numRows: number
}

/**
 * Opens a file that was just written. @throws AlluviumError `CORRUPT_DATA` where it is not what was written, `MISSING_FILE`, storage errors
 */
export async function readBack(storage: Storage, path: string, written: Counted, signal: AbortSignal | undefined): Promise<void> {
  const info = await storage.stat(path, { signal })
  if (info === undefined) throw goneError(storage, path)
  if (info.sizeBytes !== written.sizeBytes) throw differs(storage, path, `has ${info.sizeBytes} bytes instead of ${written.sizeBytes}`)
  const source = storageByteSource(storage, path, written.sizeBytes)
  const { numRows } = await openParquet(source, { name: path, ...(signal === undefined ? {} : { signal }) })
  if (numRows !== written.numRows) throw differs(storage, path, `has ${numRows} rows instead of ${written.numRows}`)
}

/**
 * The rows that were read, less those that deletion vectors leave out, must be the rows that were written.
 * @throws AlluviumError `CORRUPT_DATA`
 */
export function checkCounts(view: LogView, files: readonly number[], rows: { rowsRead: number; rowsWritten: number }): void {
  const deleted = files.reduce((sum, row) => sum + (view.files.deletionVector(row)?.cardinality ?? 0), 0)
  if (rows.rowsRead - deleted === rows.rowsWritten) return
  throw new AlluviumError(
    'CORRUPT_DATA',
    `${files.length} files have ${rows.rowsRead} rows, of which their deletion vectors say that ${deleted} are deleted, but ${rows.rowsWritten} were found to count; the files or the vectors are damaged, so they stay as they are`,
    { path: view.files.path(files[0] as number), ...rows, deleted },
  )
}

/** A file that was written and is gone before its commit. */
export function goneError(storage: Storage, path: string): AlluviumError {
  return new AlluviumError(
    'MISSING_FILE',
    `${path} in ${storage.location} was deleted before it was committed, as a vacuum does with what lies uncommitted for long; nothing was committed`,
    { path },
  )
}

function differs(storage: Storage, path: string, how: string): AlluviumError {
  return new AlluviumError('CORRUPT_DATA', `${path} in ${storage.location} ${how} after it was written; nothing was committed`, { path })
}
