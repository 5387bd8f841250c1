// What an actor works with, and how it takes down what it was told. An actor notes what it means to do before it does it, and
// what came of it afterwards; a crash leaves the second out.
import { AlluviumError, isAlluviumError } from '../../src/errors.js'
import { CommitStateUnknownError } from '../../src/log/commit/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { openTable, type Table } from '../../src/table/index.js'
import type { Disk } from './disk.js'
import { type Ledger, type Op, partitionOf } from './ledger.js'
import type { SimProcess } from './process.js'
import { safeMs, type Traits } from './traits.js'

export type Row = { id: bigint; w: string; p: string }
export type SimTable = Table<Row, Row>

export interface Stage {
  readonly process: SimProcess
  readonly storage: Storage
  readonly ledger: Ledger
  readonly traits: Traits
  /** For oracles and foreigners, who need not ask the network what there is. */
  readonly disk: Disk
  /** Whether no more work is to be begun. */
  isOver(): boolean
  /** Commits whose outcome was unknown, to be asked about in the end. */
  readonly doubts: { readonly op: Op; readonly error: CommitStateUnknownError; readonly process: SimProcess }[]
}

export type Actor = (stage: Stage) => Promise<void>

/** Codes that a store's faults, other writers and a lost answer may well lead to. Any other is a fault of the library. */
const EXPECTED = ['STORAGE_UNAVAILABLE', 'COMMIT_CONFLICT', 'COMMIT_STATE_UNKNOWN', 'FENCED'] as const

/** Undefined when work is over before the network lets it happen. */
export async function open(stage: Stage): Promise<SimTable | undefined> {
  while (!stage.isOver()) {
    const table = await expected(stage, () => openTable<Row, Row>(stage.storage, { runtime: stage.process.runtime }))
    if (table !== undefined) return table
    await rest(stage, 300)
  }
  return undefined
}

/** Runs a commit and takes down how it ended. */
export async function attempt(
  stage: Stage,
  op: Op,
  run: () => Promise<number | undefined>,
  also: () => readonly string[] = () => [],
): Promise<Op['outcome']> {
  try {
    op.version = await run()
    op.outcome = 'acked'
    stage.process.world.note(`${stage.process.name} ${op.kind} ${op.number} acked at ${op.version}`)
  } catch (error) {
    complain(stage, error, also())
    if (error instanceof CommitStateUnknownError) stage.doubts.push({ op, error, process: stage.process })
    op.outcome = isAlluviumError(error) && (error.facts.committed === false || error.code === 'COMMIT_CONFLICT') ? 'failed' : 'unknown'
    stage.process.world.note(
      `${stage.process.name} ${op.kind} ${op.number} ${op.outcome}: ${error instanceof AlluviumError ? error.code : error}`,
    )
  }
  return op.outcome
}

/** Undefined where it failed as the world lets it. `also` names codes that may come here besides. */
export async function expected<T>(stage: Stage, run: () => Promise<T>, also: () => readonly string[] = () => []): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    complain(stage, error, also())
    return undefined
  }
}

/** An error that no network and no rival explains is a fault. */
export function complain(stage: Stage, error: unknown, also: readonly string[] = []): void {
  if (isAlluviumError(error, ...EXPECTED) || (error instanceof AlluviumError && also.includes(error.code))) return
  stage.ledger.faults.push(
    `${stage.process.name} met ${error instanceof AlluviumError ? error.code : ''} ${(error as Error)?.stack ?? error}`,
  )
}

/** Whether the process was stopped for longer than anything is sure to be kept. */
export function hasOverslept({ process, traits }: Stage): boolean {
  return process.longestPauseMs > safeMs(traits)
}

/** Some callers wait for an outcome, others soon have enough of it: those are left in doubt now and then. */
export function patience(stage: Stage): { timeoutMs?: number; graceMs?: number; maxAttempts?: number } {
  return chance(stage, 2) ? {} : { timeoutMs: 1 + below(stage, 3000), graceMs: 1 + below(stage, 300), maxAttempts: 1 + below(stage, 4) }
}

export function rowsOf(stage: Stage, ids: readonly number[]): Row[] {
  return ids.map((id) => rowOf(id, stage.process.name))
}

export function rowOf(id: number, w: string): Row {
  return { id: BigInt(id), w, p: partitionOf(id) }
}

/** Waits between two pieces of work, into the next busy time where there are quiet ones. The more there are, the less does each. */
export function rest(stage: Stage, ms: number): Promise<void> {
  const { world, runtime } = stage.process
  const { calendar, cast, isCrowded } = stage.traits
  const at = world.nowMs + world.between(1, 2 * ms * (isCrowded ? 1 : Math.max(1, cast.length / AT_EASE)))
  return runtime.sleep(calendar.next(at) - world.nowMs)
}

const AT_EASE = 5

/** How long ago a version stopped being the latest; below 0 for the latest. */
export function msSinceEnd({ disk, process }: Stage, version: number): number {
  const name = `_delta_log/${String(version + 1).padStart(20, '0')}.json`
  const next = disk.placed.find(({ path }) => path === name)
  return next === undefined ? -1 : process.world.nowMs - next.atMs
}

export function below(stage: Stage, count: number): number {
  return stage.process.world.random.below(count)
}

export function chance(stage: Stage, oneIn: number): boolean {
  return stage.process.world.random.oneIn(oneIn)
}
