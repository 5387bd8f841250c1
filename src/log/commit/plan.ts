// What a run of the commit loop puts, and how it answers to winners. The loop knows no more than this of what it commits:
// one logical commit (here) or several at once (group-plan.ts).
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import { assertWritable } from '../features.js'
import type { LogView } from '../log-view.js'
import { checkActions, checkAgainst, checkCreation, checkFiles, conflictError, shapeAfter } from './commit-checks.js'
import type { CommitDescription } from './commit-info.js'
import type { Proposal } from './committer.js'
import type { checkConflict, Winner } from './conflict.js'
import type { ReadSet } from './isolation.js'
import { tableIsolationLevel } from './isolation.js'
import type { CommitRequest } from './request.js'

/** What one try puts. */
export interface CommitContents extends CommitDescription {
  readonly actions: readonly Action[]
  readonly readSet: ReadSet
  readonly keepsRowIds?: boolean
  /** The version whose state was read; undefined for the commit that makes a table. */
  readonly readVersion: number | undefined
}

export interface CommitPlan {
  /** For messages: the operation and the table. */
  readonly what: string
  /** What it is tried on top of first. */
  readonly base: LogView | undefined
  readonly ready?: Promise<unknown>
  /** Before the first try. @throws AlluviumError when nothing can be committed */
  start(): void
  /** What to put now. The same object as long as nothing has changed in it. */
  contents(): CommitContents
  /** From now until `meet`, or the end, the proposal may be in the table. */
  offer?(proposal: Proposal): void
  /** Nothing of it is in the table, and others are. @throws AlluviumError when nothing is left to be put on top of them */
  meet(winners: readonly Winner[], before: LogView, newer: LogView, txnId: string): void
}

/** One logical commit. */
export class SingleCommit implements CommitPlan {
  readonly what: string
  readonly base: LogView | undefined
  readonly ready?: Promise<unknown>
  readonly #contents: CommitContents
  readonly #request: CommitRequest
  readonly #storage: Storage
  readonly #check: typeof checkConflict

  /** @throws TypeError for actions that no commit can hold */
  constructor(request: CommitRequest, storage: Storage, check: typeof checkConflict) {
    const { base, actions, ready } = request
    this.what = `${request.operation} on ${storage.location}`
    this.base = base
    if (ready !== undefined) this.ready = ready
    this.#request = request
    this.#storage = storage
    this.#check = check
    this.#contents = { ...request, readVersion: base?.version }
    checkActions(actions)
    if (base === undefined) checkCreation(actions)
  }

  start(): void {
    checkRequest(this.#request, this.base, this.#storage.location)
  }

  contents(): CommitContents {
    return this.#contents
  }

  meet(winners: readonly Winner[], before: LogView, newer: LogView, txnId: string): void {
    meetWinners(this.#request, winners, before, newer, { txnId, location: this.#storage.location, check: this.#check })
  }
}

/** Whether a commit can stand on top of a snapshot, winners aside. @throws AlluviumError `UNSUPPORTED_FEATURE`, `CONSTRAINT_VIOLATED` */
export function checkRequest({ base, actions }: CommitRequest, view: LogView | undefined, location: string): void {
  const after = shapeAfter(actions, view)
  if (view !== undefined) assertWritable(view.protocol, view.metadata)
  assertWritable(after.protocol, after.metadata)
  checkFiles(actions, after, location)
  if (base !== undefined && view === base) checkAgainst(base, actions)
}

/** Moves a commit on top of winners. @throws AlluviumError `COMMIT_CONFLICT`, and as {@link checkRequest} and `onRebase` */
export function meetWinners(
  request: CommitRequest,
  winners: readonly Winner[],
  before: LogView,
  newer: LogView,
  how: { readonly txnId: string; readonly location: string; readonly check: typeof checkConflict },
): void {
  const { readSet, actions, operation, isolation, onRebase } = request
  assertWritable(newer.protocol, newer.metadata)
  const { protocol, metadata } = before
  const base = { protocol, metadata, isolationLevel: isolation ?? tableIsolationLevel(metadata) }
  const decision = how.check(readSet, actions, winners, base)
  if (decision.kind === 'conflict') throw conflictError(decision, operation, how.location, how.txnId)
  checkRequest(request, newer, how.location)
  onRebase?.(newer)
}
