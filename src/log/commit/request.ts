// What a commit is asked to do, with what, and what it answers.
import type { Runtime } from '../../runtime.js'
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import type { LogView } from '../log-view.js'
import type { CommitDescription } from './commit-info.js'
import type { Committer } from './committer.js'
import type { checkConflict } from './conflict.js'
import type { ReadSet } from './isolation.js'
import type { settle } from './settlement.js'

/** What a commit works with. */
export interface CommitContext {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly committer: Committer
  /** Told of every commit once it stands. Must not throw. */
  readonly upkeep?: { committed(view: LogView, txnId: string): void } | undefined
}

/** One logical commit. */
export interface CommitRequest extends CommitDescription {
  /** The snapshot that was read; undefined to make a table (version 0). */
  readonly base: LogView | undefined
  /**
   * Everything but what the commit makes itself: the `commitInfo`, and, in tables that track rows, row ids and their
   * high-water mark.
   */
  readonly actions: readonly Action[]
  readonly readSet: ReadSet
  /** The files that copy rows carry the row ids of those rows in columns of their own (PROTOCOL.md, "Row Tracking"). */
  readonly keepsRowIds?: boolean
  /**
   * Settles when everything the actions name is in the store, durably: nothing is put before. Its rejection ends the commit.
   * Given, the commit file is prepared meanwhile, which hides much of its cost on stores that can stage.
   */
  readonly ready?: Promise<unknown>
  /**
   * Called with each newer snapshot before the commit is tried on top of it, to check again what the read set cannot
   * say (positions in a stream). What it throws ends the commit, of which then surely nothing is in the table.
   */
  readonly onRebase?: (newer: LogView) => void
}

export interface CommitResult {
  readonly version: number
  readonly txnId: string
  /** Puts of the commit file: 1 without rivals and faults. */
  readonly attempts: number
  /** The table at `version`. */
  readonly view: LogView
}

/** The two decisions of the loop. Tests replace them to prove that their absence is noticed. */
export interface CommitRules {
  readonly settle: typeof settle
  readonly checkConflict: typeof checkConflict
}
