// How long one call goes on trying: pauses with jitter while servers are away, a few tries after failures of the cluster's disks.
// One rule: what a server refused for good is thrown on at once.
import type { Runtime } from '../../runtime.js'
import { abortedFault, WebHdfsFault } from './fault.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 3000
/** Tries of what may have been a passing failure of a disk or a datanode. */
const TRIES = 4

export class Patience {
  readonly #runtime: Runtime
  readonly #endMs: number
  readonly #signal: AbortSignal | undefined
  #faults = 0
  #maybes = 0

  constructor(runtime: Runtime, retryMs: number, signal: AbortSignal | undefined) {
    this.#runtime = runtime
    this.#endMs = runtime.monotonicMs() + retryMs
    this.#signal = signal
  }

  /** Returns when it is time for another try; throws the error when there is to be none. With several servers the first round has no pauses. */
  async orGiveUp(error: unknown, servers = 1): Promise<void> {
    if (!(error instanceof WebHdfsFault) || !(error.passing || (error.maybePassing && ++this.#maybes < TRIES))) throw error
    this.#faults++
    const pauses = this.#faults - servers + (servers > 1 ? 0 : 1)
    if (pauses <= 0) return
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses - 1, 10)) * (0.5 + this.#runtime.random() / 2)
    if (this.#runtime.monotonicMs() + pauseMs > this.#endMs) throw error
    await this.pause(pauseMs)
  }

  /** Waits; ends with the caller's signal. */
  async pause(ms: number): Promise<void> {
    try {
      await this.#runtime.sleep(ms, this.#signal)
    } catch (error) {
      throw this.#signal?.aborted ? abortedFault(this.#signal) : error
    }
  }

  get over(): boolean {
    return this.#runtime.monotonicMs() >= this.#endMs
  }
}
