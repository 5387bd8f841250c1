// The commit loop: put at the next version without looking first, and only on a lost race read the winners, check
// against them, move on top of them and try again. What an answer of the store means is decided in settlement.ts,
// what may be moved in conflict.ts; here is the order of the I/O.
// One rule: every way out says truly whether the commit is in the table, or that nobody knows.
import { concatBytes } from '../../bytes.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import { formatCommit, parseCommit } from '../commit-json.js'
import { assertReadable, assertWritable } from '../features.js'
import { commitPath, LOG_FOLDER, parseLogName } from '../file-names.js'
import { createdView, type LogView } from '../log-view.js'
import { checkActions, checkAppendOnly, checkCreation, conflictError, metadataIn, protocolIn } from './commit-checks.js'
import { buildCommitInfo, type CommitDescription } from './commit-info.js'
import type { Committer, Proposal } from './committer.js'
import { checkConflict, type Winner } from './conflict.js'
import { stampCommit, type TableShape } from './in-commit-timestamp.js'
import { type ReadSet, tableIsolationLevel } from './isolation.js'
import { type CommitOptions, Limits } from './limits.js'
import { type Placement, type PlacementEvent, type PlacementStep, settle } from './settlement.js'
import { CommitStateUnknownError } from './unknown-outcome.js'
import { resolveLater } from './resolve-later.js'
import { type FoundCommit, readWinners } from './winners.js'

/** What a commit works with. */
export interface CommitContext {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly committer: Committer
}

/** One logical commit. */
export interface CommitRequest extends CommitDescription {
  /** The snapshot that was read; undefined to make a table (version 0). */
  readonly base: LogView | undefined
  /** Everything but the `commitInfo`, which the commit makes itself. */
  readonly actions: readonly Action[]
  readonly readSet: ReadSet
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

/**
 * Commits once, however often it has to try.
 * @throws AlluviumError `COMMIT_CONFLICT` (facts `rule`, `version`), `COMMIT_STATE_UNKNOWN` ({@link CommitStateUnknownError}),
 * `ALREADY_EXISTS` when making a table, `UNSUPPORTED_FEATURE`, `CONSTRAINT_VIOLATED`, `ABORTED`, the store's errors.
 * The fact `committed: false` says that the commit is surely not in the table; see `mayDeleteDataFiles`.
 */
export function commit(context: CommitContext, request: CommitRequest, options: CommitOptions = {}): Promise<CommitResult> {
  return commitByRules(context, request, options, { settle, checkConflict })
}

/** {@link commit} with given decisions. */
export async function commitByRules(context: CommitContext, request: CommitRequest, options: CommitOptions, rules: CommitRules): Promise<CommitResult> {
  return new CommitRun(context, request, new Limits(context.runtime, options), rules).run()
}

class CommitRun {
  readonly #context: CommitContext
  readonly #request: CommitRequest
  readonly #limits: Limits
  readonly #rules: CommitRules
  readonly #txnId: string
  readonly #what: string
  /** The snapshot being committed on top of. */
  #view: LogView | undefined
  #viewActions: readonly Action[] | undefined

  constructor(context: CommitContext, request: CommitRequest, limits: Limits, rules: CommitRules) {
    this.#context = context
    this.#request = request
    this.#limits = limits
    this.#rules = rules
    this.#txnId = context.runtime.uuid()
    this.#what = `${request.operation} on ${context.storage.location}`
    this.#view = request.base
  }

  async run(): Promise<CommitResult> {
    this.#checkRequest()
    await this.#checkBase()
    for (let races = 0; ; ) {
      this.#limits.throwIfAborted(this.#what)
      const tried = await this.#prepare()
      const rival = await this.#place(tried.proposal)
      if (rival === undefined) return this.#committed(tried.proposal.version, tried.actions)
      const committedAt = await this.#moveOnTop(rival)
      if (committedAt !== undefined) return this.#committed(committedAt, tried.actions)
      if (!this.#limits.allowance().mayPut) this.#throwContention(rival.version)
      if (++races > 1) await this.#limits.pauseAfterRace(races)
    }
  }

  #checkRequest(): void {
    const { base, actions } = this.#request
    checkActions(actions)
    const after = this.#shapeAfter()
    if (base !== undefined) assertWritable(base.protocol, base.metadata)
    assertWritable(after.protocol, after.metadata)
    checkAppendOnly(actions, after.metadata, this.#context.storage.location)
  }

  #shapeAfter(): TableShape {
    const { base, actions } = this.#request
    if (base === undefined) return checkCreation(actions)
    return { protocol: protocolIn(actions) ?? base.protocol, metadata: metadataIn(actions) ?? base.metadata }
  }

  async #checkBase(): Promise<void> {
    const { base } = this.#request
    if (base === undefined) return this.#assertNoTable()
    const call = this.#limits.call()
    const held = await this.#context.committer.holds(base.version, call).finally(() => call.end())
    if (held.kind === 'unreadable') throw notCommitted(held.error)
    if (held.kind === 'gone') {
      throw new AlluviumError(
        'COMMIT_CONFLICT',
        `${this.#what} was not committed: version ${base.version}, which it read, has been cleaned from the log since; open the table again`,
        { rule: 'log-cleaned', version: base.version, committed: false },
      )
    }
  }

  // Version 0 may be free although there is a table: a log that was cleaned begins later.
  async #assertNoTable(): Promise<void> {
    const call = this.#limits.call()
    try {
      for await (const page of this.#context.storage.list(LOG_FOLDER, { signal: call.signal })) {
        for (const { path } of page) {
          const file = parseLogName(path.slice(LOG_FOLDER.length + 1))
          if (file !== undefined && file.kind !== 'last-checkpoint') throw this.#alreadyExists()
        }
      }
    } catch (error) {
      throw notCommitted(error)
    } finally {
      call.end()
    }
  }

  /** The proposal for the next version, and the actions in it. */
  async #prepare(): Promise<{ proposal: Proposal; actions: readonly Action[] }> {
    const { base, actions, readSet } = this.#request
    const after = this.#shapeAfter()
    const version = this.#view === undefined ? 0 : this.#view.version + 1
    const timestampMs = Math.floor(this.#context.runtime.now())
    const call = this.#limits.call()
    const stamped = await stampCommit(this.#context, { version, actions, before: this.#view, after }, this.#viewActions, timestampMs, call)
      .catch((error: unknown) => Promise.reject(notCommitted(error)))
      .finally(() => call.end())
    const { inCommitTimestampMs } = stamped
    const moment = { txnId: this.#txnId, readVersion: base?.version, timestampMs, ...(inCommitTimestampMs === undefined ? {} : { inCommitTimestampMs }) }
    const all = [buildCommitInfo(this.#request, moment, actions, readSet, after.metadata), ...stamped.actions]
    return { proposal: { version, txnId: this.#txnId, bytes: formatCommit(all) }, actions: all }
  }

  /** Undefined once the proposal is its version; else the commit that has the version. */
  async #place(proposal: Proposal): Promise<FoundCommit | undefined> {
    const { runtime, committer } = this.#context
    const placed = await place(committer, proposal, this.#limits, this.#rules.settle)
    const { version, txnId } = proposal
    switch (placed.kind) {
      case 'done':
        return undefined
      case 'taken':
        return { version, bytes: placed.bytes }
      case 'failed':
        this.#limits.throwIfAborted(this.#what)
        throw notCommitted(placed.error)
      case 'unknown':
        throw new CommitStateUnknownError(
          `${this.#what} may or may not have become version ${version}: ${placed.error.message}; keep its data files, and ask resolve() of this error before writing its rows again`,
          { txnId, version, attempts: this.#limits.attempts },
          (options) => resolveLater(runtime, committer, proposal, options),
          { cause: placed.error },
        )
    }
  }

  /** Reads the winners and moves the snapshot past them. Answers a version only if one of them is this very commit. */
  async #moveOnTop(rival: FoundCommit): Promise<number | undefined> {
    if (this.#view === undefined) throw this.#alreadyExists()
    const found = await readWinners(this.#context.committer, rival.version + 1, this.#txnId, this.#limits).catch((error: unknown) => Promise.reject(notCommitted(error)))
    try {
      this.#adopt([rival, ...found.winners], found.ours === undefined)
    } catch (error) {
      throw notCommitted(error)
    }
    if (found.ours === undefined) this.#request.onRebase?.(this.#view)
    return found.ours
  }

  #adopt(commits: readonly FoundCommit[], check: boolean): void {
    let view = this.#view as LogView
    const before = view
    const winners: Winner[] = []
    for (const { version, bytes } of commits) {
      const actions = parseCommit(bytes, { version, path: commitPath(version) })
      view = view.applyCommit(version, actions, this.#context.runtime.now())
      winners.push({ version, actions })
    }
    this.#view = view
    this.#viewActions = winners.at(-1)?.actions
    if (!check) return
    assertReadable(view.protocol, view.metadata)
    assertWritable(view.protocol, view.metadata)
    const { readSet, actions, operation } = this.#request
    const base = { protocol: before.protocol, isolationLevel: tableIsolationLevel(before.metadata) }
    const decision = this.#rules.checkConflict(readSet, actions, winners, base)
    if (decision.kind === 'conflict') throw conflictError(decision, operation, this.#context.storage.location, this.#txnId)
  }

  async #committed(version: number, actions: readonly Action[]): Promise<CommitResult> {
    const { committer, runtime } = this.#context
    const call = this.#limits.call()
    // The commit stands whatever publishing says.
    await committer.publish(version, call).catch(() => {}).finally(() => call.end())
    const view = this.#view === undefined ? createdView(actions, runtime.now()) : this.#view.applyCommit(version, actions, runtime.now())
    return { version, txnId: this.#txnId, attempts: this.#limits.attempts, view }
  }

  #throwContention(version: number): never {
    this.#limits.throwIfAborted(this.#what)
    throw new AlluviumError(
      'COMMIT_CONFLICT',
      `${this.#what} was not committed: other writers took every version up to ${version} in ${this.#limits.attempts} attempts; try again, or raise maxAttempts and timeoutMs`,
      { rule: 'contention', version, attempts: this.#limits.attempts, txnId: this.#txnId, committed: false },
    )
  }

  #alreadyExists(): AlluviumError {
    const { location } = this.#context.storage
    return new AlluviumError('ALREADY_EXISTS', `there is a table at ${location} already; open it, or choose another place`, { location, committed: false })
  }
}

/** The error with the fact that the commit is surely not in the table. */
function notCommitted(error: unknown): unknown {
  if (!isAlluviumError(error) || error.facts.committed === false) return error
  return new AlluviumError(error.code, error.message, { ...error.facts, committed: false }, { cause: error })
}
