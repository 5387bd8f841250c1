// The files of a table's folder as somebody else has listed them (an inventory of the store), for a vacuum that lists nothing
// itself. Rule: an inventory says which files there are and how old, never that one may go; and what it names outside of the
// table, in the log or hidden is passed over.
import { AlluviumError, isAlluviumError } from '../errors.js'
import { resolveDataPath } from '../log/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { isHidden } from './table-files.js'

/** One entry of an inventory. */
export interface InventoryFile {
  /** Below the table's folder, or absolute as the store names it (`s3://bucket/table/part.parquet`); not escaped. */
  readonly path: string
  readonly sizeBytes: number
  /** When it was written last, milliseconds since 1970. */
  readonly modifiedMs: number
}

/** An inventory, in any order. */
export type Inventory = Iterable<InventoryFile> | AsyncIterable<InventoryFile>

const PAGE = 1000

/** The data files that an inventory names, in pages. @throws AlluviumError `INVALID_OPTIONS` where it names none, though it names files */
export async function* inventoryObjects(
  storage: Storage,
  inventory: Inventory,
  partitionColumns: readonly string[],
): AsyncGenerator<readonly ObjectInfo[]> {
  let page: ObjectInfo[] = []
  let [entries, inside] = [0, 0]
  for await (const { path, sizeBytes, modifiedMs } of inventory) {
    if (!Number.isFinite(modifiedMs) || !(sizeBytes >= 0))
      throw new AlluviumError(
        'INVALID_OPTIONS',
        `the inventory gives ${JSON.stringify(path)} no size or no time of change; both are needed`,
        {
          path,
        },
      )
    entries++
    const own = pathOf(storage, path)
    if (own === undefined) continue
    inside++
    if (isHidden(own, partitionColumns)) continue
    page.push({ path: own, sizeBytes, modifiedMs })
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (entries > 0 && inside === 0)
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `none of the ${entries} files of the inventory lies in ${storage.location}; give the inventory of this table, with paths relative to its folder or absolute`,
      { entries },
    )
  if (page.length > 0) yield page
}

// The names of an inventory are no URIs: a per cent sign is one.
function pathOf(storage: Storage, path: string): string | undefined {
  try {
    return resolveDataPath(path.replaceAll('%', '%25'), storage.location)
  } catch (error) {
    // The log is in the table's folder too, but no data.
    if (isAlluviumError(error, 'PATH_OUTSIDE_TABLE', 'CORRUPT_LOG')) return undefined
    throw error
  }
}
