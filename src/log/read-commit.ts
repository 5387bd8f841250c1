// One commit file, read for its own sake: what a version changed, not what the table is.
import { AlluviumError } from '../errors.js'
import type { Storage } from '../storage/storage.js'
import { commitPath } from './file-names.js'
import { assertCommitSize, logLimits } from './limits.js'

/**
 * The bytes of a version's commit file, for `parseCommit`.
 * @throws AlluviumError `VERSION_NOT_FOUND` when it is not there, `LIMIT_EXCEEDED`, storage errors
 */
export async function readCommitBytes(
  storage: Storage,
  version: number,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  const path = commitPath(version)
  const { signal } = options
  const bytes = await storage.read(path, signal === undefined ? {} : { signal })
  if (bytes === undefined) {
    throw new AlluviumError(
      'VERSION_NOT_FOUND',
      `${path} is not in ${storage.location}: what version ${version} changed is no longer known; the log was cleaned up to there`,
      { version, path },
    )
  }
  assertCommitSize(path, bytes.length, logLimits())
  return bytes
}
