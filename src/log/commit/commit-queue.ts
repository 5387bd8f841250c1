// The logical commits of one process for one table, in turn: one flight at a time, and what comes meanwhile goes together next.
import { isAlluviumError } from '../../errors.js'
import type { LogView } from '../log-view.js'
import type { SharedRequest } from './combine.js'
import { RULES } from './commit.js'
import { CommitRun } from './commit-run.js'
import type { Winner } from './conflict.js'
import { GroupPlan, NobodyLeft } from './group-plan.js'
import { type CommitOptions, Limits } from './limits.js'
import { CommitStateUnknownError } from './outcomes.js'
import { QueuedCommit } from './queued-commit.js'
import type { CommitContext, CommitResult } from './request.js'
import { resolveLater } from './resolve-later.js'

// Far below what a commit may hold, so that a group fails by its size only where a member would.
const MEMBERS_MAX = 512
const ACTIONS_MAX = 8192
// Commits remembered while there is no pause, for members that began some versions ago.
const REMEMBERED = 64

interface Flight {
  /** Waits for data files of its only member; it makes room for others that need not wait. */
  recall: (() => void) | undefined
}

export class CommitQueue {
  #waiting: QueuedCommit[] = []
  #flight: Flight | undefined
  /** The table after the last flight, and the commits before it. Only known while there is no pause. */
  #view: LogView | undefined
  #recent: Winner[] = []
  readonly #onIdle: () => void

  /** @param onIdle called whenever nothing waits and nothing is on its way */
  constructor(onIdle: () => void = () => {}) {
    this.#onIdle = onIdle
  }

  submit(context: CommitContext, request: SharedRequest, options: CommitOptions): Promise<CommitResult> {
    const member: QueuedCommit = new QueuedCommit(context, request, options, () => this.#leave(member))
    if (!member.hasEnded) this.#waiting.push(member)
    member.onReady(() => this.#pump())
    this.#pump()
    return member.result
  }

  #leave(member: QueuedCommit): void {
    this.#waiting = this.#waiting.filter((other) => other !== member)
    this.#pump()
  }

  #pump(): void {
    if (this.#flight !== undefined) {
      if (this.#waiting.some((member) => member.isReady)) this.#flight.recall?.()
      return
    }
    if (this.#waiting.length === 0) {
      this.#view = undefined
      this.#recent = []
      this.#onIdle()
      return
    }
    const group = this.#nextGroup()
    if (group.length === 0) return
    this.#waiting = this.#waiting.filter((member) => !group.includes(member))
    for (const member of group) member.take()
    const flight: Flight = { recall: undefined }
    this.#flight = flight
    void this.#fly(group, flight).finally(() => {
      this.#flight = undefined
      this.#pump()
    })
  }

  // The oldest that need not wait for its files, and all that can go with it; or the only one there is.
  #nextGroup(): QueuedCommit[] {
    const first = this.#waiting.find((member) => member.isReady)
    if (first === undefined) return this.#waiting.length === 1 ? [...this.#waiting] : []
    if (first.alone) return [first]
    const base = this.#baseFor(first)
    const group: QueuedCommit[] = []
    const taken = new Set<string>()
    let actions = 0
    for (const member of this.#waiting) {
      if (!member.isReady || member.alone || member.kind !== first.kind || !this.#covers(member, base)) continue
      if (member.keys.some((key) => taken.has(key))) continue
      actions += member.request.actions.length
      if (group.length > 0 && (actions > ACTIONS_MAX || group.length >= MEMBERS_MAX)) break
      for (const key of member.keys) taken.add(key)
      group.push(member)
    }
    return group
  }

  // What is known of the table goes with whoever has not seen more, and still the same table.
  #baseFor(first: QueuedCommit): LogView {
    const { base } = first.request
    const known = this.#view
    return known !== undefined && known.version > base.version && this.#covers(first, known) ? known : base
  }

  #covers(member: QueuedCommit, base: LogView): boolean {
    const read = member.request.base
    if (read.metadata.id !== base.metadata.id) return false
    if (read.version === base.version) return true
    const oldest = this.#recent[0]?.version ?? Number.POSITIVE_INFINITY
    return base === this.#view && read.version < base.version && oldest <= read.version + 1
  }

  async #fly(group: readonly QueuedCommit[], flight: Flight): Promise<void> {
    const [first] = group as readonly [QueuedCommit]
    const { options } = first
    const context = contextOf(group)
    const base = this.#baseFor(first)
    const recall = first.isReady ? undefined : recallOf(first, flight)
    const plan = new GroupPlan(group, base, base === this.#view ? this.#recent : [], {
      storage: context.storage,
      check: RULES.checkConflict,
      ...(recall === undefined ? {} : { ready: recall.ready }),
    })
    const stopWatching = group.length > 1 ? watch(plan, context, options) : () => {}
    const everybody = allOf(group)
    try {
      const run = new CommitRun(context, plan, new Limits(context.runtime, { ...options, signal: everybody.signal }), RULES)
      const result = await run.run()
      this.#learn(base, plan, result)
      for (const member of plan.members) member.succeed(result)
    } catch (error) {
      if (error === RECALLED) this.#putBack([first])
      else if (!(error instanceof NobodyLeft)) this.#failed(plan.members, error)
    } finally {
      stopWatching()
      everybody.stop()
    }
  }

  #learn(base: LogView, plan: GroupPlan, { version, view }: CommitResult): void {
    if (base !== this.#view) this.#recent = []
    this.#view = view
    this.#recent.push(...plan.met, { version, actions: plan.put })
    this.#recent.splice(0, this.#recent.length - REMEMBERED)
  }

  // What ended a group may lie with one of its members. Then each is tried alone, and only that one is ended by it.
  #failed(members: readonly QueuedCommit[], error: unknown): void {
    if (members.length > 1 && mayBeOneMembers(error)) {
      for (const member of members) member.alone = true
      this.#putBack(members)
    } else for (const member of members) member.fail(error)
  }

  #putBack(members: readonly QueuedCommit[]): void {
    for (const member of members) member.putBack()
    this.#waiting.unshift(...members.filter((member) => !member.hasEnded))
  }
}

// Handles of one table may differ in what they do after a commit; one that does it is enough.
function contextOf(group: readonly QueuedCommit[]): CommitContext {
  const contexts = group.map(({ context }) => context)
  return { ...(contexts[0] as CommitContext), upkeep: contexts.find(({ upkeep }) => upkeep !== undefined)?.upkeep }
}

const RECALLED = new Error('another commit need not wait')

function recallOf(member: QueuedCommit, flight: Flight): { readonly ready: Promise<unknown> } {
  const recalled = new Promise<never>((_, reject) => {
    flight.recall = () => reject(RECALLED)
  })
  recalled.catch(() => {})
  const ready = Promise.race([member.request.ready, recalled])
  ready.then(
    () => {
      flight.recall = undefined
    },
    () => {},
  )
  return { ready }
}

function mayBeOneMembers(error: unknown): boolean {
  if (!isAlluviumError(error)) return true
  return error.facts.committed === false && ['LIMIT_EXCEEDED', 'CONSTRAINT_VIOLATED', 'UNSUPPORTED_FEATURE'].includes(error.code)
}

// A caller that stops waiting has the grace it would have alone: then it is told that nobody knows yet. Where nothing may
// land of the commit, the plan lets go of it by itself.
function watch(plan: GroupPlan, { runtime, committer }: CommitContext, { graceMs = 5000 }: CommitOptions): () => void {
  const stops = plan.members.map((member) => {
    let timer = { cancel: (): void => {} }
    const arm = (): void => {
      timer = runtime.setTimer(graceMs, () => {
        if (member.hasEnded) return
        const { offered } = plan
        if (offered === undefined) return arm()
        const { version, txnId } = offered
        member.fail(
          new CommitStateUnknownError(
            `${plan.what} may or may not have become version ${version}: its caller stopped waiting; keep its data files, and ask resolve() of this error before writing its rows again`,
            { txnId, version },
            (options) => resolveLater(runtime, committer, offered, options),
            { cause: member.signal?.reason },
          ),
        )
      })
    }
    member.signal?.addEventListener('abort', arm, { once: true })
    return () => {
      timer.cancel()
      member.signal?.removeEventListener('abort', arm)
    }
  })
  return () => {
    for (const stop of stops) stop()
  }
}

// Fires once nobody waits any more; `stop` when that does not matter any more.
function allOf(group: readonly QueuedCommit[]): { readonly signal: AbortSignal | undefined; readonly stop: () => void } {
  if (group.length === 1) return { signal: group[0]?.signal, stop: () => {} }
  if (group.some(({ signal }) => signal === undefined)) return { signal: undefined, stop: () => {} }
  const signals = group.map(({ signal }) => signal as AbortSignal)
  const controller = new AbortController()
  const check = (): void => {
    if (signals.every((signal) => signal.aborted)) controller.abort(signals[0]?.reason)
  }
  for (const signal of signals) signal.addEventListener('abort', check, { once: true })
  check()
  return {
    signal: controller.signal,
    stop: () => {
      for (const signal of signals) signal.removeEventListener('abort', check)
    },
  }
}
