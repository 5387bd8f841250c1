// Several logical commits in one run of the commit loop. Each is checked for itself, and each has its own outcome: one
// that cannot stand on the winners leaves, and the others go on without it.
import type { Storage } from '../../storage/storage.js'
import type { Action } from '../actions.js'
import type { LogView } from '../log-view.js'
import { combine, type SharedRequest } from './combine.js'
import type { Proposal } from './committer.js'
import type { checkConflict, Winner } from './conflict.js'
import { notCommitted } from './outcomes.js'
import { type CommitContents, type CommitPlan, checkRequest, meetWinners } from './plan.js'
import type { QueuedCommit } from './queued-commit.js'

/** Thrown where every member has left. Nobody sees it: each of them knows why. */
export class NobodyLeft extends Error {}

export class GroupPlan implements CommitPlan {
  readonly what: string
  readonly base: LogView
  readonly ready?: Promise<unknown>
  /** What others must still be checked against, after the run: the commits between the base and ours. */
  readonly met: Winner[] = []
  /** The proposal that may be in the table. */
  offered: Proposal | undefined
  readonly #storage: Storage
  readonly #check: typeof checkConflict
  readonly #known: readonly Winner[]
  /** A single commit fails its run in its own words; of several each leaves with its own. */
  readonly #isShared: boolean
  #members: readonly QueuedCommit[]
  #contents: CommitContents | undefined

  /**
   * @param base where to begin; no older than what any member has read
   * @param known the commits before it, as far back as any member needs them
   */
  constructor(
    members: readonly QueuedCommit[],
    base: LogView,
    known: readonly Winner[],
    how: { readonly storage: Storage; readonly check: typeof checkConflict; readonly ready?: Promise<unknown> },
  ) {
    const [first] = members as readonly [QueuedCommit]
    this.what = `${first.request.operation} on ${how.storage.location}`
    this.base = base
    this.#members = members
    this.#isShared = members.length > 1
    this.#known = known
    this.#storage = how.storage
    this.#check = how.check
    if (how.ready !== undefined) this.ready = how.ready
  }

  /** What was put last. Asking for it changes nothing, unlike {@link GroupPlan.contents}. */
  get put(): readonly Action[] {
    return this.#contents?.actions ?? []
  }

  get members(): readonly QueuedCommit[] {
    return this.#members
  }

  start(): void {
    this.#keep(({ request }) => {
      checkRequest(request, request.base, this.#storage.location)
      const missed = this.#known.filter(({ version }) => version > request.base.version)
      if (missed.length > 0) this.#meet(request, missed, request.base, this.base, '')
    })
  }

  contents(): CommitContents {
    this.#keep(() => {})
    this.#contents ??= combine(this.#members.map(({ request }) => request))
    return this.#contents
  }

  offer(proposal: Proposal): void {
    this.offered = proposal
  }

  meet(winners: readonly Winner[], before: LogView, newer: LogView, txnId: string): void {
    this.offered = undefined
    this.met.push(...winners)
    this.#keep(({ request }) => this.#meet(request, winners, before, newer, txnId))
  }

  #meet(request: SharedRequest, winners: readonly Winner[], before: LogView, newer: LogView, txnId: string): void {
    meetWinners(request, winners, before, newer, { txnId, location: this.#storage.location, check: this.#check })
  }

  // Keeps the members that pass and that somebody still waits for. Nothing of them is in the table here.
  #keep(check: (member: QueuedCommit) => void): void {
    if (!this.#isShared) {
      check(this.#members[0] as QueuedCommit)
      return
    }
    const kept = this.#members.filter((member) => {
      if (member.signal?.aborted === true) member.fail(member.aborted())
      if (member.hasEnded) return false
      try {
        check(member)
        return true
      } catch (error) {
        member.fail(notCommitted(error))
        return false
      }
    })
    if (kept.length === this.#members.length) return
    this.#members = kept
    this.#contents = undefined
    if (kept.length === 0) throw new NobodyLeft()
  }
}
