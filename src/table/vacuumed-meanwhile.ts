// Whether a vacuum that began between two versions may be deleting files that wait for their commit. Who commits them on the later
// version, as on one that it began with, is checked against nothing in between.
import { isAlluviumError } from '../errors.js'
import { vacuumFenceMs } from '../log/commit/index.js'
import { type AddFile, commitPath, type LogView, parseCommit, readCommitBytes } from '../log/index.js'
import { tableProperties } from '../schema/index.js'
import type { TableContext } from './context.js'

/** So many commits are always read for it. */
const FEW_COMMITS = 64
/** More than this never: the files are given up. */
const MAX_COMMITS = 1000

/** Whether files may be gone, or go: in doubt they may. */
export async function mayBeVacuumed(
  { storage, runtime }: TableContext,
  files: readonly AddFile[],
  { from, to }: { readonly from: LogView; readonly to: LogView },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (files.length === 0) return false
  const commits = to.version - from.version
  const oldestMs = files.reduce((oldest, { modificationTime }) => Math.min(oldest, modificationTime), Number.POSITIVE_INFINITY)
  const { deletedFileRetentionDurationMs } = tableProperties(to.metadata.configuration)
  // Too young for every vacuum that was not forced to take young files.
  if (commits > FEW_COMMITS && runtime.now() - oldestMs < deletedFileRetentionDurationMs / 2) return false
  if (commits > MAX_COMMITS) return true
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
