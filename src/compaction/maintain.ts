// Maintenance of one table: what keeps it fast and small, step by step, under a lease. Rule of the order: optimize first, as its
// commits are the heaviest piece of log; then the checkpoint, so that readers are spared all of it; then the log's cleaning, which
// deletes only behind a checkpoint; vacuum last, as it alone deletes data, by a log that everything before has settled. A step that
// fails does not stop the others, but after damage or an unknown outcome nothing is deleted. Killed between or within any two
// requests it leaves a table that is right: each step commits, or deletes only what no version within the retention needs.
import { AlluviumError, type ErrorCode, isAlluviumError } from '../errors.js'
import { LOG_FOLDER, type LogView } from '../log/index.js'
import { findSegment } from '../log/segment.js'
import { tableProperties } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import type { Table } from '../table/index.js'
import { type LeaseOptions, takeLease } from './lease.js'
import {
  forbidsDeleting,
  type MaintainEvent,
  type MaintainedSize,
  type MaintainResult,
  type MaintainStepName,
  type MaintainStepReport,
  type MaintainWork,
  publish,
  totalWork,
  work,
} from './maintain-report.js'
import { optimize } from './optimize.js'
import type { OptimizeOptions } from './optimize-options.js'
import type { OptimizeResult } from './optimize-result.js'
import { type VacuumOptions, vacuum } from './vacuum.js'

/** What maintenance is to do. Every step is on unless it is turned off; without more it goes by the table's own properties. */
export interface MaintainPolicy {
  /** Rewrites small files as large ones. */
  readonly optimize?: boolean | Omit<OptimizeOptions, 'signal' | 'onProgress' | 'dryRun'>
  /** Writes a checkpoint where one is due; `always`: unless the version has one. */
  readonly checkpoint?: boolean | 'always'
  /** Deletes what `delta.logRetentionDuration` lets go of the log, unless `delta.enableExpiredLogCleanup` is off. */
  readonly cleanup?: boolean
  /** Deletes data files that no version within the retention needs: the table's own, unless another is given. */
  readonly vacuum?: boolean | Omit<VacuumOptions, 'signal' | 'dryRun'>
  /** How the lease is taken; `false`: without one, where something else keeps two from doing the same work. */
  readonly lease?: false | Omit<LeaseOptions, 'signal'>
  /** Stops the step that runs at its next request, and those after it. */
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: (event: MaintainEvent) => void
}

/**
 * Maintains a table: rewrites small files, writes the checkpoint that is due, cleans the log, deletes old files. Safe beside writers
 * and readers, and safe to be killed. That two do not do the same work is the lease's business; if they did, commits would decide.
 *
 * @throws AlluviumError where the table cannot be opened, or its lease not be asked for. What goes wrong later is in the result.
 * @example
 * const { state, before, after } = await maintain(await openTable('./events'))
 * console.log(state, before.files, after.files)
 */
export async function maintain<Row, Input>(table: Table<Row, Input>, policy: MaintainPolicy = {}): Promise<MaintainResult> {
  const { storage, runtime } = table.context
  const startedMs = runtime.monotonicMs()
  const before = await sizeOf(table, policy.signal)
  const lease = policy.lease === false ? undefined : await takeLease(storage, runtime, { ...policy.lease, signal: policy.signal })
  if (lease?.kind === 'taken') {
    const heldBy = { name: lease.by.name, untilMs: lease.untilMs }
    const result: MaintainResult = {
      location: table.location,
      state: 'skipped',
      before,
      after: before,
      steps: [],
      versions: [],
      seconds: 0,
      heldBy,
      ...work(),
    }
    tell(policy, { type: 'table.end', location: table.location, result })
    return result
  }
  try {
    tell(policy, { type: 'table.start', location: table.location, before })
    const signals = [policy.signal, lease?.signal].filter((signal) => signal !== undefined)
    const run = new MaintainRun(table as Table<unknown, unknown>, policy, AbortSignal.any(signals))
    const steps = await run.steps()
    const after = await sizeOf(table, undefined).catch(() => before)
    const result = summary(table.location, steps, { before, after, seconds: secondsSince(runtime, startedMs), stopped: run.stopped })
    tell(policy, { type: 'table.end', location: table.location, result })
    return result
  } finally {
    await lease?.release()
  }
}

/** Whether a checkpoint is worth its writing: there is none, or the log since the last has some length or weight. Pure. */
export function isCheckpointOwed(facts: {
  /** Commits after the newest checkpoint, and their bytes. */
  readonly commits: number
  readonly logBytes: number
  /** Bytes of the newest checkpoint; undefined without one. */
  readonly checkpointBytes: number | undefined
  readonly interval: number
}): boolean {
  const { commits, logBytes, checkpointBytes, interval } = facts
  if (commits < 1) return false
  return checkpointBytes === undefined || commits >= interval || logBytes >= checkpointBytes / 4
}

const STEPS: readonly MaintainStepName[] = ['optimize', 'checkpoint', 'cleanup', 'vacuum']
const DELETING: ReadonlySet<MaintainStepName> = new Set(['cleanup', 'vacuum'])

type Outcome = Partial<MaintainStepReport> & Pick<MaintainStepReport, 'state'>

class MaintainRun {
  readonly #table: Table<unknown, unknown>
  readonly #policy: MaintainPolicy
  readonly #signal: AbortSignal
  /** Why nothing is deleted any more. */
  #forbidden: string | undefined
  stopped: string | undefined

  constructor(table: Table<unknown, unknown>, policy: MaintainPolicy, signal: AbortSignal) {
    this.#table = table
    this.#policy = policy
    this.#signal = signal
  }

  async steps(): Promise<MaintainStepReport[]> {
    const { location } = this.#table
    const reports: MaintainStepReport[] = []
    for (const step of STEPS) {
      const report = await this.#report(step)
      reports.push(report)
      if (report.state !== 'off') tell(this.#policy, { type: 'step.end', location, report })
    }
    return reports
  }

  async #report(step: MaintainStepName): Promise<MaintainStepReport> {
    const { runtime } = this.#table.context
    const startedMs = runtime.monotonicMs()
    const outcome = await this.#outcome(step)
    return { step, seconds: secondsSince(runtime, startedMs), versions: [], ...work(), ...outcome }
  }

  async #outcome(step: MaintainStepName): Promise<Outcome> {
    if (this.#policy[step] === false) return { state: 'off' }
    if (this.#signal.aborted) return { state: 'skipped', reason: (this.stopped ??= stopReason(this.#signal)) }
    if (this.#forbidden !== undefined && DELETING.has(step)) return { state: 'skipped', reason: this.#forbidden }
    tell(this.#policy, { type: 'step.start', location: this.#table.location, step })
    try {
      const outcome = await this.#do(step)
      await this.#table.settled()
      return outcome
    } catch (error) {
      if (this.#signal.aborted) return { state: 'skipped', reason: (this.stopped = stopReason(this.#signal)) }
      const cause = isAlluviumError(error) ? error : new AlluviumError('STORAGE_UNAVAILABLE', String(error), {}, { cause: error })
      this.#forbid(step, cause)
      return { state: 'failed', error: cause }
    }
  }

  #forbid(step: MaintainStepName, error: AlluviumError): void {
    if (forbidsDeleting(error)) this.#forbidden = `${step} failed with ${error.code}: nothing is deleted before that is settled`
  }

  #do(step: MaintainStepName): Promise<Outcome> {
    switch (step) {
      case 'optimize':
        return this.#optimize()
      case 'checkpoint':
        return this.#checkpoint()
      case 'cleanup':
        return this.#cleanup()
      case 'vacuum':
        return this.#vacuum()
    }
  }

  async #optimize(): Promise<Outcome> {
    const given = this.#policy.optimize
    const result = await optimize(this.#table, {
      ...(typeof given === 'object' ? given : {}),
      signal: this.#signal,
      onProgress: (progress) => tell(this.#policy, { type: 'step.progress', location: this.#table.location, step: 'optimize', progress }),
    })
    const { versions } = result
    const error = damageOf(result)
    if (error !== undefined) this.#forbid('optimize', error)
    return {
      state: error !== undefined ? 'failed' : versions.length === 0 ? 'nothing' : 'done',
      versions,
      result,
      ...workOf(result),
      ...(error && { error }),
    }
  }

  async #checkpoint(): Promise<Outcome> {
    const signal = this.#signal
    const { view } = await this.#table.snapshot({ signal })
    if (this.#policy.checkpoint !== 'always' && !(await isOwed(this.#table.context.storage, view, signal))) return { state: 'nothing' }
    const result = await this.#table.checkpoint({ signal })
    if (!result.written) return { state: 'nothing', result }
    return { state: 'done', result, ...work({ filesWritten: 1 + result.sidecarsWritten, bytesWritten: result.bytesWritten }) }
  }

  async #cleanup(): Promise<Outcome> {
    const properties = await this.#table.properties()
    if (!tableProperties(properties).enableExpiredLogCleanup && this.#policy.cleanup !== true) return { state: 'off' }
    const result = await this.#table.cleanup({ signal: this.#signal })
    return deleted(result.paths.length, result.bytes, { result })
  }

  async #vacuum(): Promise<Outcome> {
    const given = this.#policy.vacuum
    const result = await vacuum(this.#table, { ...(typeof given === 'object' ? given : {}), signal: this.#signal })
    return deleted(result.paths.length, result.bytes, { result, versions: result.versions })
  }
}

// Files that could not be rewritten because something is wrong with them. Those that others changed meanwhile are met again.
function damageOf({ skipped }: OptimizeResult): AlluviumError | undefined {
  const found = skipped.find(({ code }) => code !== 'COMMIT_CONFLICT')
  if (found === undefined) return undefined
  const files = skipped.reduce((sum, group) => sum + group.files, 0)
  return new AlluviumError(found.code as ErrorCode, `${files} files could not be rewritten: ${found.reason}`, { files })
}

function workOf({ filesRead, bytesRead, filesWritten, bytesWritten, filesRemoved, bytesRemoved }: OptimizeResult): Partial<MaintainWork> {
  return { filesRead, bytesRead, filesWritten, bytesWritten, filesRemoved, bytesRemoved }
}

function deleted(files: number, bytes: number, more: Partial<MaintainStepReport>): Outcome {
  return { state: files === 0 ? 'nothing' : 'done', ...more, ...work({ filesDeleted: files, bytesDeleted: bytes }) }
}

async function isOwed(storage: Storage, view: LogView, signal: AbortSignal): Promise<boolean> {
  const { checkpoint, steps } = await findSegment(storage, { version: view.version, signal })
  const bytes = (files: readonly { readonly sizeBytes: number }[]): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return isCheckpointOwed({
    commits: view.version - (checkpoint?.version ?? -1),
    logBytes: bytes(steps.map(({ file }) => file)),
    checkpointBytes: checkpoint === undefined ? undefined : bytes(checkpoint.files),
    interval: tableProperties(view.metadata.configuration).checkpointInterval,
  })
}

async function sizeOf(table: Table<never, never> | Table<unknown, unknown>, signal: AbortSignal | undefined): Promise<MaintainedSize> {
  const { version, numFiles, sizeBytes } = await table.snapshot(signal === undefined ? {} : { signal })
  let logFiles = 0
  let logBytes = 0
  for await (const page of table.context.storage.list(LOG_FOLDER, { signal })) {
    logFiles += page.length
    for (const object of page) logBytes += object.sizeBytes
  }
  return { version, files: numFiles, bytes: sizeBytes, logFiles, logBytes }
}

function summary(
  location: string,
  steps: readonly MaintainStepReport[],
  facts: Pick<MaintainResult, 'before' | 'after' | 'seconds'> & { readonly stopped: string | undefined },
): MaintainResult {
  const { stopped, ...rest } = facts
  const failed = steps.some(({ state }) => state === 'failed')
  return {
    location,
    state: stopped !== undefined ? 'stopped' : failed ? 'failed' : 'done',
    ...rest,
    steps,
    versions: steps.flatMap(({ versions }) => versions),
    ...totalWork(steps),
    ...(stopped === undefined ? {} : { reason: stopped }),
  }
}

function stopReason(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : 'it was stopped'
}

function secondsSince(runtime: { monotonicMs(): number }, startedMs: number): number {
  return Math.round(runtime.monotonicMs() - startedMs) / 1000
}

// Whoever listens must not break what it listens to.
function tell(policy: MaintainPolicy, event: MaintainEvent): void {
  try {
    publish(event)
    policy.onEvent?.(event)
  } catch {
    // The work goes on.
  }
}
