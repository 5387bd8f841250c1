// The commit loop: put at the next version without looking first, and only on a lost race read the winners, check
// against them, move on top of them and try again. What an answer of the store means is decided in settlement.ts,
// what may be moved in conflict.ts; here is the order of the I/O.
// One rule: every way out says truly whether the commit is in the table, or that nobody knows.
import { concatBytes } from '../../bytes.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import type { Action, RemoveFile } from '../actions.js'
import { formatCommit, parseCommit } from '../commit-json.js'
import { commitPath } from '../file-names.js'
import { assertCommitSize, logLimits } from '../limits.js'
import { createdView, type LogView } from '../log-view.js'
import { assertBaseHeld } from './base.js'
import { shapeAfter } from './commit-checks.js'
import { buildCommitInfo } from './commit-info.js'
import type { Proposal, StagedProposal } from './committer.js'
import type { Winner } from './conflict.js'
import { NO_TABLE } from './footing.js'
import { stampActions } from './in-commit-timestamp.js'
import type { LimitedCall, Limits } from './limits.js'
import { assertNoTable } from './no-table.js'
import { alreadyExistsError, CommitStateUnknownError, notCommitted } from './outcomes.js'
import { place } from './place.js'
import type { CommitContents, CommitPlan } from './plan.js'
import type { CommitContext, CommitResult, CommitRules } from './request.js'
import { resolveLater } from './resolve-later.js'
import { type Rivalry, rivalryOf } from './rivalry.js'
import { giveRowIds } from './row-tracking.js'
import { type FoundCommit, readGroup, readWinners } from './winners.js'

/** Versions that are looked at beside a put under rivalry. */
const LOOK_BESIDE = 2
const LOOK_BESIDE_MAX = 16

/** A removal, or a whole commit, that was prepared so long ago is dated anew. */
const STALE_MS = 60_000

/** The commit that has the version we wanted, and those after it where they were seen too. */
interface Rival extends FoundCommit {
  readonly following?: readonly FoundCommit[] | undefined
}

/** One run: a plan, from its first try to its end. */
export class CommitRun {
  readonly #context: CommitContext
  readonly #plan: CommitPlan
  readonly #limits: Limits
  readonly #rules: CommitRules
  readonly #txnId: string
  /** The snapshot being committed on top of. */
  #view: LogView | undefined
  /** When the store was first asked to take the proposal that it took: what is known of it is as old as that. */
  #askedMs = Number.NEGATIVE_INFINITY
  /** Versions that others made meanwhile. */
  #rivals = 0
  /** When the last proposal was made. */
  #preparedMs = 0
  #deleted: { readonly planned: CommitContents['actions']; readonly actions: CommitContents['actions'] } | undefined
  #tail: { readonly of: CommitContents['actions']; readonly bytes: Uint8Array } | undefined

  constructor(context: CommitContext, plan: CommitPlan, limits: Limits, rules: CommitRules) {
    this.#context = context
    this.#plan = plan
    this.#limits = limits
    this.#rules = rules
    this.#txnId = context.runtime.uuid()
    this.#view = plan.base
    plan.ready?.catch(() => {}) // Awaited later, or not at all when something else ends the commit first.
  }

  get #what(): string {
    return this.#plan.what
  }

  async run(): Promise<CommitResult> {
    await this.#orNotCommitted(() => this.#checkStart())
    const startMs = this.#context.runtime.monotonicMs()
    const rivalry = rivalryOf(this.#context.committer, this.#context.runtime)
    await this.#orNotCommitted(() => this.#waitForTurn(rivalry))
    for (let races = 0, window = LOOK_BESIDE; ; ) {
      this.#limits.throwIfAborted(this.#what)
      let proposal = await this.#orNotCommitted(() => this.#prepare())
      let staged = races === 0 ? await this.#orNotCommitted(() => this.#stageUntilReady(proposal)) : undefined
      if (this.#isStale()) {
        // Nobody was offered it yet.
        await staged?.discard()
        staged = undefined
        proposal = await this.#orNotCommitted(() => this.#prepare())
      }
      const rival = await this.#place(proposal, staged, races > 0 || rivalry.isKnown ? window : 0)
      if (rival === undefined) {
        rivalry.committed(proposal.version, startMs, this.#rivals)
        return this.#committed(proposal)
      }
      // All that was looked at was taken: there may be much more.
      window = (rival.following?.length ?? 0) + 1 < window ? LOOK_BESIDE : Math.min(LOOK_BESIDE_MAX, window * 2)
      const ours = await this.#orNotCommitted(() => this.#moveOnTop(rival))
      if (ours !== undefined) return this.#committed({ ...proposal, version: ours })
      if (!this.#limits.allowance().mayPut) throw this.#contention(rival.version)
      // Tried again at once: of those who lost together one wins next, a round trip later, and a pause would only be added to that.
      races++
    }
  }

  async #checkStart(): Promise<void> {
    const { base } = this.#plan
    const { storage, runtime, committer } = this.#context
    this.#plan.start()
    this.#limits.throwIfAborted(this.#what)
    await this.#call(async (call) => {
      if (base !== undefined) return assertBaseHeld(base, runtime, committer, this.#what, call)
      const askedMs = runtime.monotonicMs()
      await assertNoTable(storage, call)
      committer.knows?.(NO_TABLE, askedMs)
    })
  }

  /** The proposal for the next version. All tries carry one txnId; a version is only ever proposed with the same bytes. */
  async #prepare(): Promise<Proposal> {
    const contents = this.#plan.contents()
    const { readSet, readVersion, keepsRowIds } = contents
    const before = this.#view
    const version = before === undefined ? 0 : before.version + 1
    if (!Number.isSafeInteger(version)) throw noVersionLeft(this.#context.storage.location)
    const timestampMs = Math.floor(this.#context.runtime.now())
    this.#preparedMs = timestampMs
    const actions = this.#deletedNow(contents.actions, timestampMs)
    const after = shapeAfter(actions, before)
    const stamped = await this.#call((call) => stampActions(this.#context, { actions, before, after }, timestampMs, call))
    const { inCommitTimestampMs } = stamped
    const numbered = giveRowIds({ actions: stamped.actions, before, after, version, ...(keepsRowIds === true && { keepsRowIds }) })
    const moment = {
      txnId: this.#txnId,
      readVersion,
      timestampMs,
      ...(inCommitTimestampMs === undefined ? {} : { inCommitTimestampMs }),
      ...(numbered.tags === undefined ? {} : { tags: numbered.tags }),
    }
    const first = formatCommit([buildCommitInfo(contents, moment, actions, readSet, after.metadata)])
    const bytes = concatBytes([first, this.#format(numbered.actions)])
    assertCommitSize(commitPath(version), bytes.length, logLimits())
    return { version, txnId: this.#txnId, bytes }
  }

  // What says when it was made must not have been made long ago: a version would count as old the moment it is there.
  #isStale(): boolean {
    return Math.abs(this.#context.runtime.now() - this.#preparedMs) > STALE_MS
  }

  // A file is deleted when its removal is committed: who slept since it was planned must not shorten the time that it is kept.
  #deletedNow(planned: CommitContents['actions'], nowMs: number): CommitContents['actions'] {
    if (this.#deleted?.planned !== planned) this.#deleted = { planned, actions: planned }
    const { actions } = this.#deleted
    const isStale = (action: Action): action is RemoveFile =>
      action.kind === 'remove' && nowMs - (action.deletionTimestamp ?? nowMs) > STALE_MS
    if (actions.some(isStale))
      this.#deleted = { planned, actions: actions.map((action) => (isStale(action) ? { ...action, deletionTimestamp: nowMs } : action)) }
    return this.#deleted.actions
  }

  // The same on every version, unless a stamp or row ids are in it.
  #format(actions: CommitContents['actions']): Uint8Array {
    if (this.#tail?.of !== actions) this.#tail = { of: actions, bytes: formatCommit(actions) }
    return this.#tail.bytes
  }

  /** Waits for what the actions name, and stages the commit file in that time. */
  async #stageUntilReady(proposal: Proposal): Promise<StagedProposal | undefined> {
    const { ready } = this.#plan
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
  async #place(proposal: Proposal, staged: StagedProposal | undefined, lookBeside: number): Promise<Rival | undefined> {
    const { runtime, committer } = this.#context
    this.#plan.offer?.(proposal)
    this.#askedMs = runtime.monotonicMs()
    const placed = await place(committer, proposal, staged, this.#limits, this.#rules.settle, lookBeside)
    const { version, txnId } = proposal
    switch (placed.kind) {
      case 'done':
        return undefined
      case 'taken':
        return { version, bytes: placed.bytes, following: placed.following }
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

  /** Lets rivals go first who have waited longer, and follows what they do meanwhile. Nothing to do without rivals. */
  async #waitForTurn(rivalry: Rivalry): Promise<void> {
    while (this.#view !== undefined) {
      const waiting = rivalry.waiting(this.#view.version)
      if (waiting === undefined) return
      await this.#limits.pauseForRivals(waiting.ms)
      this.#limits.throwIfAborted(this.#what)
      // What cannot be read now the put will meet.
      const next = { version: this.#view.version + 1, txnId: this.#txnId }
      const winners = await readGroup(this.#context.committer, next, waiting.commits, this.#limits)
      if (winners.length === 0) rivalry.alone()
      else this.#follow(this.#view, winners)
    }
  }

  /** Reads the winners and moves the snapshot past them. Answers a version only if one of them is this very commit. */
  async #moveOnTop(rival: Rival): Promise<number | undefined> {
    if (this.#view === undefined) throw alreadyExistsError(this.#context.storage.location)
    // Those after may have become more meanwhile: the next put will say.
    if (rival.following !== undefined) return this.#follow(this.#view, [rival, ...rival.following])
    const found = await readWinners(this.#context.committer, rival.version + 1, this.#txnId, this.#limits)
    return this.#follow(this.#view, [rival, ...found.winners], found.ours)
  }

  #follow(before: LogView, found: readonly FoundCommit[], ours?: number): number | undefined {
    const winners: Winner[] = []
    let view = before
    for (const { version, bytes } of found) {
      view = view.applyCommit(version, bytes)
      winners.push({ version, actions: parseCommit(bytes, { version, path: commitPath(version) }) })
    }
    this.#view = view
    this.#rivals += winners.length
    if (ours !== undefined) return ours
    this.#plan.meet(winners, before, view, this.#txnId)
    return undefined
  }

  async #committed({ version, bytes }: Proposal): Promise<CommitResult> {
    const { committer } = this.#context
    // The commit stands whatever publishing says.
    await this.#call((call) => committer.publish(version, call)).catch(() => {})
    try {
      const view =
        this.#view === undefined
          ? createdView(parseCommit(bytes, { version, path: commitPath(version) }))
          : this.#view.applyCommit(version, bytes)
      view.shared.confirmedMs = this.#askedMs
      this.#context.upkeep?.committed(view, this.#txnId)
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
