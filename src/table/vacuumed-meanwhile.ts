// Whether a vacuum that began between two versions may be deleting files that wait for their commit. Who commits them on the later
// version, as on one that it began with, is checked against nothing in between.
import { isAlluviumError } from '../errors.js'
import { vacuumFenceMs } from '../log/commit/index.js'
import { type AddFile, commitPath, type LogView, parseCommit, readCommitBytes } from '../log/index.js'
import type { TableContext } from './context.js'

/** More commits than this are not read for it: the files are given up. */
const MAX_COMMITS = 1000

/** Whether files may be gone, or go: in doubt they may. */
export async function mayBeVacuumed(
  { storage }: TableContext,
  files: readonly AddFile[],
  { from, to }: { readonly from: LogView; readonly to: LogView },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (files.length === 0) return false
  if (to.version - from.version > MAX_COMMITS) return true
  const oldestMs = files.reduce((oldest, { modificationTime }) => Math.min(oldest, modificationTime), Number.POSITIVE_INFINITY)
  for (let version = from.version + 1; version <= to.version; version++) {
    let bytes: Uint8Array
    try {
      bytes = await readCommitBytes(storage, version, { signal })
    } catch (error) {
      if (isAlluviumError(error, 'VERSION_NOT_FOUND')) return true
      throw error
    }
    for (const action of parseCommit(bytes, { version, path: commitPath(version) }))
      if (action.kind === 'commitInfo' && oldestMs < (vacuumFenceMs(action.info) ?? Number.NEGATIVE_INFINITY)) return true
  }
  return false
}
