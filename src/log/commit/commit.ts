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
import { assertWritable } from '../features.js'
import { commitPath } from '../file-names.js'
import { assertCommitSize, logLimits } from '../limits.js'
import { createdView, type LogView } from '../log-view.js'
import { assertBaseHeld, assertNoTable } from './base.js'
import { checkActions, checkCreation, checkFiles, conflictError, metadataIn, protocolIn } from './commit-checks.js'
import { buildCommitInfo, type CommitDescription } from './commit-info.js'
import type { Committer, Proposal, StagedProposal } from './committer.js'
import { checkConflict, type Winner } from './conflict.js'
import { stampActions, type TableShape } from './in-commit-timestamp.js'
import { type ReadSet, tableIsolationLevel } from './isolation.js'
import { type CommitOptions, type LimitedCall, Limits } from './limits.js'
import { alreadyExistsError, CommitStateUnknownError, notCommitted } from './outcomes.js'
import { place } from './place.js'
import { resolveLater } from './resolve-later.js'
import { settle } from './settlement.js'
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
export async function commitByRules(
  context: CommitContext,
  request: CommitRequest,
  options: CommitOptions,
  rules: CommitRules,
): Promise<CommitResult> {
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
  #tail: Uint8Array | undefined

  constructor(context: CommitContext, request: CommitRequest, limits: Limits, rules: CommitRules) {
    this.#context = context
    this.#request = request
    this.#limits = limits
    this.#rules = rules
    this.#txnId = context.runtime.uuid()
    this.#what = `${request.operation} on ${context.storage.location}`
    const { base, actions } = request
    this.#view = base
    request.ready?.catch(() => {}) // Awaited later, or not at all when something else ends the commit first.
    checkActions(actions)
    if (base === undefined) checkCreation(actions)
  }

  async run(): Promise<CommitResult> {
    await this.#orNotCommitted(() => this.#checkStart())
    for (let races = 0; ; ) {
      this.#limits.throwIfAborted(this.#what)
      const proposal = await this.#orNotCommitted(() => this.#prepare())
      const staged = races === 0 ? await this.#orNotCommitted(() => this.#stageUntilReady(proposal)) : undefined
      const rival = await this.#place(proposal, staged)
      if (rival === undefined) return this.#committed(proposal)
      const ours = await this.#orNotCommitted(() => this.#moveOnTop(rival))
      if (ours !== undefined) return this.#committed({ ...proposal, version: ours })
      if (!this.#limits.allowance().mayPut) throw this.#contention(rival.version)
      // The first race is tried again at once: reading the winners took a round trip already.
      const winners = (this.#view?.version ?? 0) + 1 - proposal.version
      if (++races > 1) await this.#limits.pauseAfterRace(races, winners)
    }
  }

  async #checkStart(): Promise<void> {
    const { base, actions } = this.#request
    const { storage, runtime, committer } = this.#context
    const after = this.#shapeAfter()
    if (base !== undefined) assertWritable(base.protocol, base.metadata)
    assertWritable(after.protocol, after.metadata)
    checkFiles(actions, after.metadata, storage.location)
    this.#limits.throwIfAborted(this.#what)
    await this.#call((call) =>
      base === undefined ? assertNoTable(storage, call) : assertBaseHeld(base, runtime, committer, this.#what, call),
    )
  }

  /** The proposal for the next version. All tries carry one txnId; a version is only ever proposed with the same bytes. */
  async #prepare(): Promise<Proposal> {
    const { base, actions, readSet } = this.#request
    const version = this.#view === undefined ? 0 : this.#view.version + 1
    if (!Number.isSafeInteger(version)) throw noVersionLeft(this.#context.storage.location)
    const timestampMs = Math.floor(this.#context.runtime.now())
    const after = this.#shapeAfter()
    const commit = { actions, before: this.#view, after }
    const stamped = await this.#call((call) => stampActions(this.#context, commit, timestampMs, call))
    const { inCommitTimestampMs } = stamped
    const moment = {
      txnId: this.#txnId,
      readVersion: base?.version,
      timestampMs,
      ...(inCommitTimestampMs === undefined ? {} : { inCommitTimestampMs }),
    }
    const first = formatCommit([buildCommitInfo(this.#request, moment, actions, readSet, after.metadata)])
    // The rest is the same on every version, unless the stamp is in it.
    const tail = stamped.actions === actions ? (this.#tail ??= formatCommit(actions)) : formatCommit(stamped.actions)
    const bytes = concatBytes([first, tail])
    assertCommitSize(commitPath(version), bytes.length, logLimits())
    return { version, txnId: this.#txnId, bytes }
  }

  /** What the table is once this commit is in it. */
  #shapeAfter(): TableShape {
    const { actions } = this.#request
    if (this.#view === undefined) return checkCreation(actions)
    return { protocol: protocolIn(actions) ?? this.#view.protocol, metadata: metadataIn(actions) ?? this.#view.metadata }
  }

  /** Waits for what the actions name, and stages the commit file in that time. */
  async #stageUntilReady(proposal: Proposal): Promise<StagedProposal | undefined> {
    const { ready } = this.#request
    if (ready === undefined) return undefined
    const staging = this.#call(async (call) => this.#context.committer.stage?.(proposal, call))
    try {
      await ready
      this.#limits.throwIfAborted(this.#what)
    } catch (error) {
      await (await staging)?.discard()
      throw error
    }
    return staging
  }

  /** Undefined once the proposal is its version; else the commit that has the version. */
  async #place(proposal: Proposal, staged: StagedProposal | undefined): Promise<FoundCommit | undefined> {
    const { runtime, committer } = this.#context
    const placed = await place(committer, proposal, staged, this.#limits, this.#rules.settle)
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
    if (this.#view === undefined) throw alreadyExistsError(this.#context.storage.location)
    const found = await readWinners(this.#context.committer, rival.version + 1, this.#txnId, this.#limits)
    const before = this.#view
    const winners: Winner[] = []
    let view = before
    for (const { version, bytes } of [rival, ...found.winners]) {
      view = view.applyCommit(version, bytes)
      winners.push({ version, actions: parseCommit(bytes, { version, path: commitPath(version) }) })
    }
    this.#view = view
    if (found.ours !== undefined) return found.ours
    assertWritable(view.protocol, view.metadata)
    const { readSet, actions, operation, onRebase } = this.#request
    const base = { protocol: before.protocol, isolationLevel: tableIsolationLevel(before.metadata) }
    const decision = this.#rules.checkConflict(readSet, actions, winners, base)
    if (decision.kind === 'conflict') throw conflictError(decision, operation, this.#context.storage.location, this.#txnId)
    onRebase?.(view)
    return undefined
  }

  async #committed({ version, bytes }: Proposal): Promise<CommitResult> {
    const { committer, runtime } = this.#context
    // The commit stands whatever publishing says.
    await this.#call((call) => committer.publish(version, call)).catch(() => {})
    try {
      const view =
        this.#view === undefined
          ? createdView(parseCommit(bytes, { version, path: commitPath(version) }))
          : this.#view.applyCommit(version, bytes)
      view.shared.confirmedMs = runtime.monotonicMs()
      return { version, txnId: this.#txnId, attempts: this.#limits.attempts, view }
    } catch (cause) {
      const { code, message } = isAlluviumError(cause) ? cause : { code: 'CORRUPT_LOG' as const, message: String(cause) }
      throw new AlluviumError(
        code,
        `${this.#what} is committed as version ${version}, but this library cannot show it: ${message}`,
        { committed: true, version },
        { cause },
      )
    }
  }

  #contention(version: number): AlluviumError {
    this.#limits.throwIfAborted(this.#what)
    return new AlluviumError(
      'COMMIT_CONFLICT',
      `${this.#what} was not committed: other writers took every version up to ${version} in ${this.#limits.attempts} attempts; try again, or raise maxAttempts and timeoutMs`,
      { rule: 'contention', version, attempts: this.#limits.attempts, txnId: this.#txnId, committed: false },
    )
  }

  async #call<T>(work: (call: LimitedCall) => Promise<T>): Promise<T> {
    const call = this.#limits.call()
    try {
      return await work(call)
    } finally {
      call.end()
    }
  }

  // Wherever nothing of ours is outstanding, an error means that the commit is surely not in the table.
  async #orNotCommitted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#limits.throwIfAborted(this.#what)
      throw notCommitted(error)
    }
  }
}

function noVersionLeft(location: string): AlluviumError {
  return new AlluviumError('LIMIT_EXCEEDED', `${location} is at the last version there can be; no commit can follow it`, {
    version: Number.MAX_SAFE_INTEGER,
  })
}
