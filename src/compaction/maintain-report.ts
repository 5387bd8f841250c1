// What a maintenance run says of itself: its reports, and the events that it publishes. Rule: plain data without credentials,
// so that it can be logged as it is.
import { type AlluviumError, isAlluviumError } from '../errors.js'
import type { CheckpointResult, CleanLogResult } from '../log/index.js'
import { nodeModule } from '../runtime.js'
import type { OptimizeResult } from './optimize-result.js'
import type { VacuumResult } from './vacuum.js'

/** The steps of maintenance, in their order. */
export type MaintainStepName = 'optimize' | 'checkpoint' | 'cleanup' | 'vacuum'

/** What was read, written and taken away. */
export interface MaintainWork {
  /** Data files that were read to be rewritten. */
  readonly filesRead: number
  readonly bytesRead: number
  /** Data files and checkpoint files that were written. */
  readonly filesWritten: number
  readonly bytesWritten: number
  /** Data files that left the table. They stay in its folder until a vacuum finds them old enough. */
  readonly filesRemoved: number
  readonly bytesRemoved: number
  /** Objects that were deleted: data files by vacuum, files of the log by cleanup. */
  readonly filesDeleted: number
  readonly bytesDeleted: number
}

/**
 * How a step ended. `done`: it changed something; `nothing`: there was nothing to do; `off`: the policy has it off; `skipped`: it must
 * not follow what happened before; `failed`: see `error`.
 */
export type MaintainStepState = 'done' | 'nothing' | 'off' | 'skipped' | 'failed'

/** One step of one table. */
export interface MaintainStepReport extends MaintainWork {
  readonly step: MaintainStepName
  readonly state: MaintainStepState
  readonly seconds: number
  /** Versions that the step committed. */
  readonly versions: readonly number[]
  /** Why a step was skipped. */
  readonly reason?: string | undefined
  readonly error?: AlluviumError | undefined
  readonly result?: OptimizeResult | CheckpointResult | CleanLogResult | VacuumResult | undefined
}

/** How large a table is. */
export interface MaintainedSize {
  readonly version: number
  /** Live data files. */
  readonly files: number
  readonly bytes: number
  /** Files of the log: commits, checkpoints, checksums. */
  readonly logFiles: number
  readonly logBytes: number
}

/**
 * How the maintenance of a table ended. `done`: every step that was to run did; `failed`: at least one failed; `skipped`: another
 * process is at it; `stopped`: the caller's signal fired, or the lease was lost.
 */
export type MaintainState = 'done' | 'failed' | 'skipped' | 'stopped'

/** What maintenance made of a table. */
export interface MaintainResult extends MaintainWork {
  /** The table, without credentials. */
  readonly location: string
  readonly state: MaintainState
  readonly before: MaintainedSize
  readonly after: MaintainedSize
  readonly steps: readonly MaintainStepReport[]
  /** Versions that were committed. */
  readonly versions: readonly number[]
  readonly seconds: number
  /** Who is at it instead, and until when at least: of `skipped`. */
  readonly heldBy?: { readonly name: string; readonly untilMs: number } | undefined
  /** Why it was stopped. */
  readonly reason?: string | undefined
}

/** What happens while a table is maintained. */
export type MaintainEvent =
  | { readonly type: 'table.start'; readonly location: string; readonly before: MaintainedSize }
  | { readonly type: 'step.start'; readonly location: string; readonly step: MaintainStepName }
  | { readonly type: 'step.progress'; readonly location: string; readonly step: MaintainStepName; readonly progress: unknown }
  | { readonly type: 'step.end'; readonly location: string; readonly report: MaintainStepReport }
  | { readonly type: 'table.end'; readonly location: string; readonly result: MaintainResult }

const NO_WORK: MaintainWork = {
  filesRead: 0,
  bytesRead: 0,
  filesWritten: 0,
  bytesWritten: 0,
  filesRemoved: 0,
  bytesRemoved: 0,
  filesDeleted: 0,
  bytesDeleted: 0,
}

/** Counts that are 0 where nothing is said. */
export function work(counts: Partial<MaintainWork> = {}): MaintainWork {
  return { ...NO_WORK, ...counts }
}

/** The sum of what steps or tables did. */
export function totalWork(parts: readonly MaintainWork[]): MaintainWork {
  const total: Record<keyof MaintainWork, number> = { ...NO_WORK }
  for (const part of parts) for (const key of Object.keys(NO_WORK) as (keyof MaintainWork)[]) total[key] += part[key]
  return total
}

interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

let channels: { channel(name: string): Channel } | undefined

/**
 * Publishes an event on the `diagnostics_channel` of its type: `alluvium.maintain.table.start`, `….step.start`, `….step.progress`,
 * `….step.end`, `….table.end`. Nothing where the platform has no such channels.
 */
export function publish(event: MaintainEvent): void {
  channels ??= nodeModule<{ channel(name: string): Channel }>('node:diagnostics_channel')
  const channel = channels?.channel(`alluvium.maintain.${event.type}`)
  if (channel?.hasSubscribers === true) channel.publish(event)
}

/** Codes after which nothing is deleted: the table may have to be mended from what is there, or its state is not known. */
export function forbidsDeleting(error: unknown): boolean {
  return isAlluviumError(error, 'CORRUPT_LOG', 'CORRUPT_CHECKPOINT', 'CORRUPT_DATA', 'MISSING_FILE', 'COMMIT_STATE_UNKNOWN')
}
