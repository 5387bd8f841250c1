// How long and how often a commit tries: attempts, time, pauses, the caller's signal. One rule: when the limits are
// used up, a last stretch of time remains for looking, so that an outstanding put is found out where it can be.
import { AlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { Allowance } from './settlement.js'

/** Limits of one commit. */
export interface CommitOptions {
  /** Puts of the commit file, whatever they answered. Default 1000; time is the limit that matters. */
  readonly maxAttempts?: number
  /** From the first put to the last, in milliseconds. Default 120,000. */
  readonly timeoutMs?: number
  /** One call to the store; one that takes longer is unclear. Default 30,000 milliseconds. */
  readonly callTimeoutMs?: number
  /** What remains for finding out an outstanding put after the limits or the signal. Default 5,000 milliseconds. */
  readonly graceMs?: number
  /**
   * Stops the commit between its steps: code `ABORTED` when surely nothing was committed. A put that is under way gets
   * `graceMs` to answer; when it succeeded the commit succeeds, and what stays unclear is `COMMIT_STATE_UNKNOWN`.
   */
  readonly signal?: AbortSignal | undefined
}

/** One call to the store: its signal fires when its time is over. `end` must be called. */
export interface LimitedCall {
  readonly signal: AbortSignal
  end(): void
}

// Enough for every store's round trip, short against a human's patience.
const FAULT_PAUSE_FIRST_MS = 50
const FAULT_PAUSE_MAX_MS = 2000
/** A store that asks for a longer pause gets this one. */
const RETRY_AFTER_MAX_MS = 30_000

export class Limits {
  attempts = 0
  readonly #runtime: Runtime
  readonly #options: CommitOptions
  readonly #maxAttempts: number
  readonly #graceMs: number
  readonly #callTimeoutMs: number
  readonly #timeoutMs: number
  #deadlineMs: number | undefined
  #graceEndMs: number | undefined
  #faultsInARow = 0
  /** Of a call that ended in time, for the next one. */
  #idle: AbortController | undefined
  readonly #listeners = new Set<() => void>()
  readonly #tellAll = (): void => {
    for (const listener of this.#listeners) listener()
  }

  constructor(runtime: Runtime, options: CommitOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#maxAttempts = positive(options.maxAttempts ?? 1000, 'maxAttempts')
    this.#graceMs = positive(options.graceMs ?? 5000, 'graceMs')
    this.#callTimeoutMs = positive(options.callTimeoutMs ?? 30_000, 'callTimeoutMs')
    this.#timeoutMs = positive(options.timeoutMs ?? 120_000, 'timeoutMs')
  }

  get aborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Throws `ABORTED` with the fact that nothing was committed. Only where no put is outstanding. */
  throwIfAborted(what: string): void {
    const { signal } = this.#options
    if (signal?.aborted === true) {
      throw new AlluviumError(
        'ABORTED',
        `${what} was aborted by the caller before it was committed`,
        { committed: false },
        { cause: signal.reason },
      )
    }
  }

  /** What may still be done. The first time that no put may be, the grace for looking begins. */
  allowance(): Allowance {
    const now = this.#runtime.monotonicMs()
    if (!this.aborted && this.attempts < this.#maxAttempts && now < (this.#deadlineMs ?? Infinity)) return { mayPut: true, mayLook: true }
    this.#graceEndMs ??= now + this.#graceMs
    return { mayPut: false, mayLook: now < this.#graceEndMs }
  }

  /** Counts a put; from the first one on the time runs. */
  countPut(): void {
    this.attempts++
    this.#deadlineMs ??= this.#runtime.monotonicMs() + this.#timeoutMs
  }

  /** Begins a call. After the caller's signal it has what is left of the grace. */
  call(): LimitedCall {
    const controller = this.#idle ?? new AbortController()
    this.#idle = undefined
    const end = (reason: string) => () => controller.abort(new Error(reason))
    const timer = this.#runtime.setTimer(this.#callTimeMs(), end('no answer in time'))
    const { signal } = this.#options
    let graceTimer = { cancel: (): void => {} }
    const onAbort = (): void => {
      graceTimer = this.#runtime.setTimer(this.#graceLeftMs(), end('aborted by the caller'))
    }
    if (signal?.aborted === false) this.#listen(onAbort)
    return {
      signal: controller.signal,
      end: () => {
        timer.cancel()
        graceTimer.cancel()
        this.#unlisten(onAbort)
        if (!controller.signal.aborted) this.#idle = controller
      },
    }
  }

  // One listener on the caller's signal, however many calls are under way: a platform warns of more than a few.
  #listen(onAbort: () => void): void {
    if (this.#listeners.size === 0) this.#options.signal?.addEventListener('abort', this.#tellAll, { once: true })
    this.#listeners.add(onAbort)
  }

  #unlisten(onAbort: () => void): void {
    if (this.#listeners.delete(onAbort) && this.#listeners.size === 0) this.#options.signal?.removeEventListener('abort', this.#tellAll)
  }

  /** Waits before trying again what the store failed to do: longer each time in a row, with jitter; and as long as the store asked for. */
  async pauseAfterFault(error?: AlluviumError): Promise<void> {
    const fullMs = Math.min(FAULT_PAUSE_MAX_MS, FAULT_PAUSE_FIRST_MS * 2 ** Math.min(this.#faultsInARow++, 10))
    const { retryAfterMs } = error?.facts ?? {}
    const askedMs = typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, RETRY_AFTER_MAX_MS) : 0
    await this.#sleep(askedMs + fullMs * (0.5 + this.#runtime.random() / 2))
  }

  noFault(): void {
    this.#faultsInARow = 0
  }

  /** Waits while rivals have their turn. */
  pauseForRivals(ms: number): Promise<void> {
    return this.#sleep(ms)
  }

  // After the caller's signal a pause cannot be cut short by it again.
  async #sleep(ms: number): Promise<void> {
    if (ms < 1) return
    await this.#runtime.sleep(ms, this.aborted ? undefined : this.#options.signal).catch(() => {})
  }

  #callTimeMs(): number {
    if (this.aborted) return this.#graceLeftMs()
    const leftMs = this.#deadlineMs === undefined ? this.#timeoutMs : this.#deadlineMs - this.#runtime.monotonicMs()
    return Math.min(this.#callTimeoutMs, Math.max(leftMs, this.#graceLeftMs()))
  }

  #graceLeftMs(): number {
    const left = this.#graceEndMs === undefined ? this.#graceMs : this.#graceEndMs - this.#runtime.monotonicMs()
    return Math.max(1, left)
  }
}

/** Whether the same call may succeed later: the store was away, or the time given to the call was over. */
export function isTransient(error: AlluviumError): boolean {
  return (error.code === 'STORAGE_UNAVAILABLE' && error.facts.lasting !== true) || error.code === 'ABORTED'
}

function positive(value: number, name: string): number {
  if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`commit: ${name} must be a positive number, not ${value}`)
  return value
}
