// Rewriting the files of a table so that there are fewer and better ones: the plan is carried out group by group, committed in
// bounded pieces beside whoever else writes. Rule: rows do not change, and no work is done for nothing twice.
import { AlluviumError, isAlluviumError, throwIfAborted } from '../errors.js'
import { CommitStateUnknownError, mayDeleteDataFiles } from '../log/commit/index.js'
import type { LogView } from '../log/index.js'
import { createRowGroupEncoder, planCopy, type RowGroupEncoder, type Table } from '../table/index.js'
import { clusterGroup } from './cluster-group.js'
import { copyGroup } from './copy-group.js'
import { backOffMs, commitGroups } from './optimize-commit.js'
import type { OptimizeOptions } from './optimize-options.js'
import { type OptimizePlan, type PlannedGroup, planOn } from './optimize-plan.js'
import { type OptimizeResult, OptimizeTally } from './optimize-result.js'
import { deleteFiles, type RewriteContext, type RewrittenGroup, reencodeGroup } from './rewrite-group.js'

export type { OptimizeOptions } from './optimize-options.js'
export type { OptimizeResult } from './optimize-result.js'

/** Plans beyond the first that a run makes: of what its own files make possible, and of what others took from it. */
const PASSES = 4

/**
 * Makes files of the target's size out of small ones, and takes out rows that deletion vectors leave out. Readers and appenders are
 * not disturbed; where somebody else changes files meanwhile, these are left to them, or planned anew. Run again, it does nothing.
 * @throws AlluviumError `INVALID_OPTIONS`, `UNSUPPORTED_FEATURE`, `CORRUPT_DATA` and `MISSING_FILE` for files that cannot be read (the
 * other groups are committed first), `COMMIT_STATE_UNKNOWN` (files stay), `ABORTED`, storage errors
 * @example
 * const { filesRemoved, filesWritten } = await optimize(table, { where: "day = '2026-01-31'" })
 */
export async function optimize<Row, Input>(table: Table<Row, Input>, options: OptimizeOptions = {}): Promise<OptimizeResult> {
  const run = new OptimizeRun(table, options)
  try {
    return await run.run()
  } catch (error) {
    throw run.withVersions(error)
  } finally {
    await run.close()
  }
}

class OptimizeRun<Row, Input> {
  readonly #table: Table<Row, Input>
  readonly #options: OptimizeOptions
  readonly #tally: OptimizeTally
  readonly #encoder: RowGroupEncoder
  /** Files written by this run, as the log names them. */
  readonly #own = new Set<string>()
  #first: LogView | undefined
  #failure: AlluviumError | undefined

  constructor(table: Table<Row, Input>, options: OptimizeOptions) {
    this.#table = table
    this.#options = options
    // Sorting takes longer than encoding, so that one thread is enough beside it; each costs some 50 MB.
    this.#encoder = createRowGroupEncoder(options.cluster === undefined ? {} : { threads: 1 })
    this.#tally = new OptimizeTally(table.context.runtime, options.onProgress)
  }

  close(): Promise<void> {
    return this.#encoder.close()
  }

  /** Adds to an error what had been committed before it. */
  withVersions(error: unknown): unknown {
    const { versions } = this.#tally.result()
    if (versions.length === 0 || !isAlluviumError(error) || error instanceof CommitStateUnknownError) return error
    return new AlluviumError(error.code, error.message, { ...error.facts, versions }, { cause: error })
  }

  async run(): Promise<OptimizeResult> {
    const { runtime } = this.#table.context
    for (let pass = 1; pass <= PASSES; pass++) {
      const plan = await this.#plan()
      if (plan.groups.length === 0) break
      const dropped = await this.#carryOut(plan)
      if (this.#failure !== undefined) throw this.#failure
      if (dropped > 0 && pass < PASSES) await runtime.sleep(backOffMs(pass, runtime.random()), this.#options.signal)
    }
    return this.#tally.result()
  }

  // Only what was there when the run began, and what it made of that: beside appenders it would never end otherwise.
  async #plan(): Promise<OptimizePlan> {
    const { signal } = this.#options
    const { view } = await this.#table.snapshot(signal === undefined ? {} : { signal })
    const first = (this.#first ??= view)
    this.#tally.sees(view.version)
    const isInScope = first === view ? undefined : (row: number): boolean => this.#wasThere(first, view, row)
    const plan = await planOn(view, this.#options, isInScope)
    this.#tally.plans(plan)
    return plan
  }

  #wasThere(first: LogView, view: LogView, row: number): boolean {
    const path = view.files.path(row)
    // A file that got a vector since is the same file.
    return this.#own.has(path) || first.files.find(path) >= 0 || view.files.deletionVector(row) !== undefined
  }

  // Answers how many groups others kept from being committed.
  async #carryOut(plan: OptimizePlan): Promise<number> {
    const { rules, view } = plan
    const { context } = this.#table
    const rewrite: RewriteContext = {
      context,
      view,
      copy: planCopy(view),
      encoder: this.#encoder,
      splice: rules.splice,
      targetBytes: rules.targetBytes,
      signal: this.#options.signal,
    }
    let dropped = 0
    let ready: RewrittenGroup[] = []
    let bytes = 0
    const commitReady = async (): Promise<void> => {
      const groups = ready
      ready = []
      bytes = 0
      if (groups.length > 0) dropped += await this.#commit(rewrite, groups, rules.maxAttempts)
    }
    try {
      for (const group of plan.groups) {
        throwIfAborted(this.#options.signal, 'optimize')
        const done = await this.#rewrite(rewrite, group)
        if (done === undefined) continue
        ready.push(done)
        bytes += group.sizeBytes
        if (bytes >= rules.maxBytesPerCommit || ready.length >= rules.groupsPerCommit) await commitReady()
      }
    } catch (error) {
      // What is done is worth keeping, unless the caller wants to be gone.
      if (isAlluviumError(error, 'ABORTED')) await this.#discard(ready.splice(0))
      else await commitReady()
      throw error
    }
    await commitReady()
    return dropped
  }

  async #rewrite(rewrite: RewriteContext, group: PlannedGroup): Promise<RewrittenGroup | undefined> {
    try {
      const done = await this.#rewritten(rewrite, group)
      this.#tally.rewrote(group)
      return done
    } catch (error) {
      // One damaged file must not keep all others as they are.
      if (!isAlluviumError(error, 'CORRUPT_DATA', 'MISSING_FILE', 'SCHEMA_MISMATCH', 'LIMIT_EXCEEDED')) throw error
      this.#tally.skipped(group, error.message, error.code)
      if (await this.#isStillThere(rewrite.view, group)) this.#failure ??= error
      return undefined
    }
  }

  async #rewritten(rewrite: RewriteContext, group: PlannedGroup): Promise<RewrittenGroup> {
    const { cluster } = this.#options
    if (cluster !== undefined) return clusterGroup(rewrite, group, cluster)
    return (await copyGroup(rewrite, group)) ?? reencodeGroup(rewrite, group)
  }

  // What others rewrote meanwhile may be vacuumed, and is nobody's fault.
  async #isStillThere(read: LogView, group: PlannedGroup): Promise<boolean> {
    const { view } = await this.#table.snapshot()
    return group.files.every(({ row }) => view.files.find(read.files.path(row), read.files.deletionVector(row)) >= 0)
  }

  async #commit(rewrite: RewriteContext, groups: readonly RewrittenGroup[], maxAttempts: number): Promise<number> {
    try {
      const { result, committed, dropped, attempts } = await commitGroups(this.#table, rewrite, groups, { ...this.#options, maxAttempts })
      await this.#discard(dropped)
      for (const { group } of dropped) this.#tally.skipped(group, 'others changed its files meanwhile', 'COMMIT_CONFLICT')
      for (const { adds } of committed) for (const { path } of adds) this.#own.add(path)
      if (result !== undefined) this.#tally.committed(result, committed, attempts)
      return dropped.length
    } catch (error) {
      if (mayDeleteDataFiles(error)) await this.#discard(groups)
      throw error
    }
  }

  async #discard(groups: readonly RewrittenGroup[]): Promise<void> {
    await deleteFiles(
      this.#table.context,
      groups.flatMap(({ paths }) => paths),
    )
  }
}
