// When rounds begin: once, so long after the last began, or by a cron expression. Rule: a round begins only when the one before has
// ended; times that passed meanwhile are not made up for.
import { Cron } from 'croner'
import type { Runtime } from '../../runtime.js'
import { usageError } from '../command.js'

export interface Schedule {
  /** Whether a round begins at once. */
  readonly atOnce: boolean
  /** When the next round begins, given when the last began, in milliseconds since 1970; undefined when there is none. */
  next(lastStartMs: number, nowMs: number): number | undefined
}

/** A round at once, then one so long after the start of the last, or as soon as that has ended. @throws RangeError below a second */
export function everySchedule(everyMs: number): Schedule {
  if (!(everyMs >= 1000)) throw usageError('--every must be at least a second')
  return { atOnce: true, next: (lastStartMs, nowMs) => Math.max(nowMs, lastStartMs + everyMs) }
}

/** Rounds at the times of a cron expression. @throws AlluviumError `INVALID_OPTIONS` for one that cannot be read, or a zone there is not */
export function cronSchedule(expression: string, timezone: string): Schedule {
  let cron: Cron
  try {
    cron = new Cron(expression, { paused: true, timezone })
    cron.nextRun(new Date(0))
  } catch (error) {
    throw usageError(`the cron expression or its time zone cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { atOnce: false, next: (_, nowMs) => cron.nextRun(new Date(nowMs))?.getTime() }
}

// Timers do not reach further than this.
const MAX_SLEEP_MS = 2 ** 30

/** Runs rounds until the signal fires or no more are to come. */
export async function onSchedule(
  schedule: Schedule,
  round: () => Promise<void>,
  { runtime, signal, onWait }: { readonly runtime: Runtime; readonly signal: AbortSignal; readonly onWait?: (untilMs: number) => void },
): Promise<void> {
  let lastStartMs = runtime.now()
  let isFirst = schedule.atOnce
  while (!signal.aborted) {
    if (!isFirst) {
      const next = schedule.next(lastStartMs, runtime.now())
      if (next === undefined) return
      onWait?.(next)
      await sleepUntil(next, runtime, signal)
      if (signal.aborted) return
    }
    isFirst = false
    lastStartMs = runtime.now()
    await round()
  }
}

async function sleepUntil(timeMs: number, runtime: Runtime, signal: AbortSignal): Promise<void> {
  for (let left = timeMs - runtime.now(); left > 0 && !signal.aborted; left = timeMs - runtime.now()) {
    // That the wait was cut short is seen by the signal.
    await runtime.sleep(Math.min(left, MAX_SLEEP_MS), signal).catch(() => undefined)
  }
}
