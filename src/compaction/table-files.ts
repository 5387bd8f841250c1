// Which objects of a table's folder its log refers to, and which may be garbage. Rule: in doubt an object is kept; what is
// hidden, in the log's folder, or outside of the table is never looked at.
import { isAlluviumError } from '../errors.js'
import {
  type DeletionVectorDescriptor,
  deletionVectorPath,
  LOG_FOLDER,
  type LogView,
  resolveDataPath,
  type Tombstones,
  tombstonePaths,
} from '../log/index.js'
import { decodeFilePath } from '../schema/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { PathSet } from './path-set.js'

/** The files that a version needs: its own, those removed not long ago, and the deletion vectors of both. */
export function neededFiles(storage: Storage, view: LogView, tombstones: Tombstones): PathSet {
  const needed = new PathSet(view.files.numFiles + tombstones.rows.length)
  for (const row of view.files.liveRows()) {
    const bytes = view.files.pathBytes(row)
    if (isPlain(bytes)) needed.addBytes(bytes)
    else addPath(needed, storage, view.files.path(row))
    const vector = view.files.deletionVector(row)
    if (vector !== undefined) addVector(needed, storage, vector)
  }
  for (const { path, deletionVector } of tombstonePaths(tombstones)) {
    addPath(needed, storage, path)
    if (deletionVector !== undefined) addVector(needed, storage, deletionVector)
  }
  return needed
}

// Whether a path names the file of the same name: ASCII without escapes, schemes, and parts that stand for others. Most are, and those
// need no text made of them.
function isPlain(path: Uint8Array): boolean {
  let previous = SLASH
  for (let i = 0; i < path.length; i++) {
    const byte = path[i] as number
    if (byte <= 0x20 || byte >= 0x7f || byte === PERCENT || byte === COLON || byte === BACKSLASH) return false
    // What is empty, hidden or a step to elsewhere: also the folder of the log.
    if (previous === SLASH && (byte === SLASH || byte === DOT || byte === UNDERSCORE)) return false
    previous = byte
  }
  return previous !== SLASH
}

const [SLASH, DOT, UNDERSCORE, PERCENT, COLON, BACKSLASH] = [0x2f, 0x2e, 0x5f, 0x25, 0x3a, 0x5c]

// Both as the log spells it and decoded: some writers never encoded their paths.
function addPath(needed: PathSet, storage: Storage, logPath: string): void {
  needed.add(logPath)
  const path = inside(() => resolveDataPath(logPath, storage.location))
  if (path !== undefined) needed.add(path)
}

function addVector(needed: PathSet, storage: Storage, vector: DeletionVectorDescriptor): void {
  const path = inside(() => deletionVectorPath(vector, storage.location))
  if (path !== undefined) needed.add(path)
}

// A path that leads out of the table names nothing that could be deleted here.
function inside(resolve: () => string | undefined): string | undefined {
  try {
    return resolve()
  } catch (error) {
    if (isAlluviumError(error, 'PATH_OUTSIDE_TABLE', 'CORRUPT_DATA', 'CORRUPT_LOG', 'UNSUPPORTED_FEATURE')) return undefined
    throw error
  }
}

/** The store's path of a file named in the log, undefined where it is not in the table's folder. */
export function pathInTable(storage: Storage, logPath: string): string | undefined {
  return inside(() => resolveDataPath(logPath, storage.location))
}

/** The store's path of a deletion vector's file, undefined where it has none in the table's folder. */
export function vectorInTable(storage: Storage, vector: DeletionVectorDescriptor): string | undefined {
  return inside(() => deletionVectorPath(vector, storage.location))
}

/** All objects of the table's folder that are no part of the log and not hidden. */
export async function* dataObjects(
  storage: Storage,
  partitionColumns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ObjectInfo[]> {
  for await (const page of storage.list('', { recursive: true, signal })) {
    const visible = page.filter(({ path }) => !isHidden(path, partitionColumns))
    if (visible.length > 0) yield visible
  }
}

/** PROTOCOL.md, "Data Files": what begins with `_` or `.` is hidden, change data and index folders and partitions aside. */
export function isHidden(path: string, partitionColumns: readonly string[]): boolean {
  const parts = path.split('/')
  if (parts[0]?.toLowerCase() === LOG_FOLDER) return true
  return parts.some((part) => {
    if (!part.startsWith('_') && !part.startsWith('.')) return false
    if (part.startsWith('_change_data') || part.startsWith('_delta_index')) return false
    return !partitionColumns.some((name) => part.startsWith(`${name}=`) || decodeFilePath(part).startsWith(`${name}=`))
  })
}
