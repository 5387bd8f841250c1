// Group commit: logical commits of one process on one table share a version where that is equivalent. One is on its way
// at a time; what comes meanwhile goes together next. Alone, a commit waits for nothing.
// One rule: sharing changes no outcome. Each logical commit succeeds, conflicts, fails or stays unknown as if by itself.
// Promises: C7, C8 of spec/invariants.md.
import type { Runtime } from '../../runtime.js'
import type { Storage } from '../../storage/storage.js'
import type { SharedRequest } from './combine.js'
import { commit } from './commit.js'
import { checkActions } from './commit-checks.js'
import { CommitQueue } from './commit-queue.js'
import type { Committer } from './committer.js'
import { isBlindAppend } from './isolation.js'
import type { CommitOptions } from './limits.js'
import type { CommitContext, CommitRequest, CommitResult } from './request.js'

/**
 * As {@link commit}, but a commit that only appends may share its version with others of this process. Its result is the
 * version that holds it; `txnId` is that of the version.
 * @throws AlluviumError as {@link commit}
 */
export async function commitShared(context: CommitContext, request: CommitRequest, options: CommitOptions = {}): Promise<CommitResult> {
  if (!mayShare(request)) return commit(context, request, options)
  checkActions(request.actions)
  return queueFor(context).submit(context, request, options)
}

/**
 * Whether a commit means the same beside others in one version: it only adds new files and records the progress of
 * applications, and has read no rows.
 */
export function mayShare(request: CommitRequest): request is SharedRequest {
  const { base, actions, readSet, onRebase, keepsRowIds } = request
  if (base === undefined || onRebase !== undefined || keepsRowIds !== undefined || actions.length === 0) return false
  return isBlindAppend(actions, readSet) && actions.every((action) => action.kind === 'txn' || (action.kind === 'add' && action.dataChange))
}

/**
 * Says what place a store is, with what rights: stores of one identity are one store, and who writes through them may share
 * commits. A store of which nothing is said is only itself.
 */
export function identifyStore(storage: Storage, identity: string): void {
  identities.set(storage, identity)
}

const identities = new WeakMap<Storage, string>()
// Kept only while something is on its way.
const queuesOfPlaces = new WeakMap<Runtime, Map<string, CommitQueue>>()
const queuesOfCommitters = new WeakMap<Committer, CommitQueue>()

function queueFor({ storage, runtime, committer }: CommitContext): CommitQueue {
  const identity = identities.get(storage)
  if (identity === undefined) {
    const known = queuesOfCommitters.get(committer)
    if (known !== undefined) return known
    const queue = new CommitQueue()
    queuesOfCommitters.set(committer, queue)
    return queue
  }
  let places = queuesOfPlaces.get(runtime)
  if (places === undefined) queuesOfPlaces.set(runtime, (places = new Map()))
  const known = places.get(identity)
  if (known !== undefined) return known
  const queue = new CommitQueue(() => places.delete(identity))
  places.set(identity, queue)
  return queue
}
