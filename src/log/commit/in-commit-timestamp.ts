// In-commit timestamps (PROTOCOL.md, "In-Commit Timestamps"): each later than the one before, whatever the clocks say,
// and counted anew for every version a commit is tried at.
// Promises: C10 of spec/invariants.md.
import { AlluviumError } from '../../errors.js'
import type { JsonObject } from '../../json.js'
import type { Storage } from '../../storage/storage.js'
import type { Action, Metadata, Protocol } from '../actions.js'
import { parseCommit } from '../commit-json.js'
import { hasFeature, property } from '../features.js'
import { commitPath } from '../file-names.js'
import type { LogView } from '../log-view.js'
import type { Committer, CommitterCall } from './committer.js'
import { leftBehindError } from './outcomes.js'

const ENABLEMENT_VERSION = 'delta.inCommitTimestampEnablementVersion'
const ENABLEMENT_TIMESTAMP = 'delta.inCommitTimestampEnablementTimestamp'

/** What a table requires and says of itself. */
export interface TableShape {
  readonly protocol: Protocol
  readonly metadata: Metadata
}

/** The actions of one try of a commit, and its in-commit timestamp where the table keeps those. */
export interface StampedActions {
  readonly actions: readonly Action[]
  readonly inCommitTimestampMs?: number
}

/** Whether commits of this table must carry `inCommitTimestamp` ("Enablement"). */
export function keepsInCommitTimestamps({ protocol, metadata }: TableShape): boolean {
  return hasFeature(protocol, 'inCommitTimestamp') && property(metadata, 'delta.enableInCommitTimestamps')?.toLowerCase() === 'true'
}

/**
 * Stamps a try of a commit on top of `before` (undefined: nothing, the commit makes the table). The commit that
 * switches the timestamps on gets the two properties that say since when.
 */
export async function stampActions(
  stores: { readonly storage: Storage; readonly committer: Committer },
  commit: { readonly actions: readonly Action[]; readonly before: LogView | undefined; readonly after: TableShape },
  nowMs: number,
  call: CommitterCall,
): Promise<StampedActions> {
  const { actions, before, after } = commit
  if (!keepsInCommitTimestamps(after)) return { actions }
  if (before === undefined) return { actions, inCommitTimestampMs: nowMs }
  if (keepsInCommitTimestamps(before)) {
    return { actions, inCommitTimestampMs: Math.max(nowMs, (await timestampOf(before, stores.committer, call)) + 1) }
  }
  const previousMs = before.commitModifiedMs ?? (await stores.storage.stat(commitPath(before.version), call))?.modifiedMs ?? 0
  const inCommitTimestampMs = Math.max(nowMs, Math.ceil(previousMs) + 1)
  const enabled = (metadata: Metadata): Metadata => ({
    ...metadata,
    configuration: {
      ...metadata.configuration,
      [ENABLEMENT_VERSION]: String(before.version + 1),
      [ENABLEMENT_TIMESTAMP]: String(inCommitTimestampMs),
    },
  })
  return { actions: actions.map((action) => (action.kind === 'metaData' ? enabled(action) : action)), inCommitTimestampMs }
}

async function timestampOf(view: LogView, committer: Committer, call: CommitterCall): Promise<number> {
  const { version } = view
  const info = view.commitInfo ?? (await readCommitInfo(version, committer, call))
  const timestampMs = info?.inCommitTimestamp
  if (typeof timestampMs === 'number' && Number.isSafeInteger(timestampMs)) return timestampMs
  throw new AlluviumError(
    'CORRUPT_LOG',
    `${commitPath(version)} has no inCommitTimestamp although the table keeps in-commit timestamps; nothing can be committed after it`,
    { version, path: commitPath(version) },
  )
}

// A snapshot that came from a checkpoint alone does not know its own commit.
async function readCommitInfo(version: number, committer: Committer, call: CommitterCall): Promise<JsonObject | undefined> {
  const found = await committer.findOut(version, { txnId: '' }, call)
  if (found.kind === 'unreadable') throw found.error
  if (found.kind === 'absent') {
    const held = await committer.holds(version, call)
    if (held.kind === 'unreadable') throw held.error
    if (held.kind === 'gone' && held.isCleaned) throw leftBehindError(version)
  }
  if (found.kind !== 'other') return undefined
  for (const action of parseCommit(found.bytes, { version, path: commitPath(version) }))
    if (action.kind === 'commitInfo') return action.info
  return undefined
}
