// In-commit timestamps (PROTOCOL.md, "In-Commit Timestamps"): each later than the one before, whatever the clocks say,
// and counted anew on every version a commit is tried at.
import { AlluviumError } from '../../errors.js'
import type { Storage } from '../../storage/storage.js'
import type { Action, Metadata, Protocol } from '../actions.js'
import { parseCommit } from '../commit-json.js'
import { commitPath } from '../file-names.js'
import { inCommitTimestampOf, keepsInCommitTimestamps } from './commit-info.js'
import type { Committer, CommitterCall } from './committer.js'

const ENABLEMENT_VERSION = 'delta.inCommitTimestampEnablementVersion'
const ENABLEMENT_TIMESTAMP = 'delta.inCommitTimestampEnablementTimestamp'

/** Protocol and metadata on one side of a commit. */
export interface TableShape {
  readonly protocol: Protocol
  readonly metadata: Metadata
}

export interface TimestampedCommit {
  readonly actions: readonly Action[]
  readonly inCommitTimestampMs?: number
}

/**
 * The actions and timestamp of a try at `version`. `before` is undefined for version 0; `previous` the actions of
 * version - 1 where they are at hand.
 */
export async function stampCommit(
  stores: { readonly storage: Storage; readonly committer: Committer },
  commit: { readonly version: number; readonly actions: readonly Action[]; readonly before: TableShape | undefined; readonly after: TableShape },
  previous: readonly Action[] | undefined,
  nowMs: number,
  call: CommitterCall,
): Promise<TimestampedCommit> {
  const { version, actions, before, after } = commit
  if (!keepsInCommitTimestamps(after.protocol, after.metadata)) return { actions }
  if (before === undefined) return { actions, inCommitTimestampMs: nowMs }
  const keptBefore = keepsInCommitTimestamps(before.protocol, before.metadata)
  const previousMs = keptBefore ? await previousTimestampMs(stores.committer, version - 1, previous, call) : await modifiedMs(stores.storage, version - 1, call)
  const inCommitTimestampMs = Math.max(nowMs, previousMs + 1)
  return { actions: keptBefore ? actions : actions.map((action) => (action.kind === 'metaData' ? enabledAt(action, version, inCommitTimestampMs) : action)), inCommitTimestampMs }
}

function enabledAt(metadata: Metadata, version: number, timestampMs: number): Metadata {
  return { ...metadata, configuration: { ...metadata.configuration, [ENABLEMENT_VERSION]: String(version), [ENABLEMENT_TIMESTAMP]: String(timestampMs) } }
}

async function previousTimestampMs(committer: Committer, version: number, actions: readonly Action[] | undefined, call: CommitterCall): Promise<number> {
  const timestampMs = inCommitTimestampOf(actions ?? (await readActions(committer, version, call)))
  if (timestampMs !== undefined) return timestampMs
  throw new AlluviumError('CORRUPT_LOG', `${commitPath(version)} has no inCommitTimestamp although the table keeps in-commit timestamps`, {
    version,
    path: commitPath(version),
    committed: false,
  })
}

async function readActions(committer: Committer, version: number, call: CommitterCall): Promise<readonly Action[]> {
  const found = await committer.findOut(version, { txnId: '' }, call)
  if (found.kind === 'unreadable') throw found.error
  return found.kind === 'other' ? parseCommit(found.bytes, { version, path: commitPath(version) }) : []
}

async function modifiedMs(storage: Storage, version: number, { signal }: CommitterCall): Promise<number> {
  const info = await storage.stat(commitPath(version), { signal })
  return info === undefined ? 0 : Math.ceil(info.modifiedMs)
}
