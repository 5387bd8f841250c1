// A committer that answers by script, for one run of the commit loop: a log of others, a clock, and all that is asked and told.
import { expect } from 'vitest'
import { encodeUtf8 } from '../../../src/bytes.js'
import { AlluviumError } from '../../../src/errors.js'
import type { Action } from '../../../src/log/actions.js'
import { CommitRun } from '../../../src/log/commit/commit-run.js'
import type { Committer, FindOutcome, Proposal, ProposeOutcome } from '../../../src/log/commit/committer.js'
import type { Winner } from '../../../src/log/commit/conflict.js'
import { type CommitContext, type CommitResult, checkConflict, settle } from '../../../src/log/commit/index.js'
import { type CommitOptions, Limits } from '../../../src/log/commit/limits.js'
import type { CommitContents, CommitPlan } from '../../../src/log/commit/plan.js'
import type { LogView } from '../../../src/log/index.js'
import type { Runtime } from '../../../src/runtime.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { add } from './scene.js'

const theirs = (version: number): Uint8Array => encodeUtf8(`{"commitInfo":{"operation":"WRITE","txnId":"rival-${version}"}}\n`)
const absent: FindOutcome = { kind: 'absent' }

export class Script {
  readonly events: string[] = []
  readonly slept: number[] = []
  readonly proposals: Proposal[] = []
  readonly met: { winners: readonly Winner[]; before: LogView; newer: LogView; txnId: string }[] = []
  readonly upkeep: [version: number, txnId: string][] = []
  /** The newest version that others have made. */
  newest = 0
  nowMs = 1000
  /** Before the answer to the n-th put, from 1. */
  onPut: (nth: number) => ProposeOutcome | undefined = () => undefined
  onStart: () => void = () => {}
  onMeet: () => void = () => {}
  find: (version: number) => FindOutcome | undefined = () => undefined
  contents: Partial<CommitContents> = {}
  ready: Promise<unknown> | undefined
  options: CommitOptions = {}
  #puts = 0

  readonly runtime: Runtime = {
    now: () => 1_800_000_000_000.75,
    monotonicMs: () => this.nowMs,
    random: () => 0.5,
    uuid: () => 'my-txn',
    sleep: async (ms) => {
      this.slept.push(ms)
      this.nowMs += ms
    },
    setTimer: () => ({ cancel: () => {} }),
    env: () => undefined,
  }

  readonly committer: Committer = {
    propose: async (proposal) => {
      this.events.push(`put ${proposal.version}`)
      this.proposals.push(proposal)
      const answer = this.onPut(++this.#puts)
      if (answer !== undefined) return answer
      return { kind: proposal.version <= this.newest ? 'exists' : 'created' }
    },
    findOut: async (version) => {
      this.events.push(`look ${version}`)
      // What is looked for beside a put is found as it is after it.
      await new Promise((resolve) => setImmediate(resolve))
      return this.find(version) ?? (version <= this.newest ? { kind: 'other', bytes: theirs(version) } : absent)
    },
    holds: async (version) => {
      this.events.push(`hold ${version}`)
      return { kind: 'held', isFollowed: false }
    },
    publish: async (version) => {
      this.events.push(`publish ${version}`)
      throw new AlluviumError('STORAGE_UNAVAILABLE', 'no catalogue')
    },
  }

  async run(base: LogView | undefined, actions: readonly Action[] = [add('f')]): Promise<CommitResult> {
    const contents: CommitContents = {
      operation: 'WRITE',
      operationParameters: {},
      actions,
      readSet: { appIds: [] },
      readVersion: base?.version,
      ...this.contents,
    }
    const plan: CommitPlan = {
      what: 'WRITE on a table',
      base,
      ...(this.ready !== undefined && { ready: this.ready }),
      start: () => {
        this.events.push('start')
        this.onStart()
      },
      contents: () => contents,
      offer: ({ version }) => this.events.push(`offer ${version}`),
      meet: (winners, before, newer, txnId) => {
        this.events.push(`meet ${winners.map(({ version }) => version)}`)
        this.met.push({ winners, before, newer, txnId })
        this.onMeet()
      },
    }
    const context: CommitContext = {
      storage: memoryStorage(),
      runtime: this.runtime,
      committer: this.committer,
      upkeep: { committed: ({ version }, txnId) => this.upkeep.push([version, txnId]) },
    }
    return new CommitRun(context, plan, new Limits(this.runtime, this.options), { settle, checkConflict }).run()
  }

  async fails(base: LogView | undefined, actions?: readonly Action[]): Promise<AlluviumError> {
    const error = await this.run(base, actions).then(
      () => new Error('it was committed'),
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(AlluviumError)
    return error as AlluviumError
  }

  /** Versions looked at from each offer to the next. */
  looks(): number[][] {
    const groups: number[][] = []
    for (const event of this.events) {
      const [what, version] = event.split(' ')
      if (what === 'offer') groups.push([])
      else if (what === 'look') groups.at(-1)?.push(Number(version))
    }
    return groups
  }
}
