// One actor's clock, chance and ids: the same in every schedule. Sleeping costs no step: while an actor sleeps the other may
// take any number of steps anyway, for nothing but the store is between them.
import type { Runtime, Timer } from '../../src/runtime.js'
import type { Who } from './variant.js'

const NEVER: Timer = { cancel: () => {} }
const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000

export class ActorRuntime implements Runtime {
  readonly #who: Who
  #monotonicMs: number
  #ids = 0

  /** @param monotonicMs where the clock for durations begins: views are told by it when they were confirmed */
  constructor(who: Who, monotonicMs: number) {
    this.#who = who
    this.#monotonicMs = monotonicMs
  }

  // B's clock is an hour behind: what is later in the log may be earlier by the clocks.
  now(): number {
    return this.#who === 'A' ? NOW_MS : NOW_MS - HOUR_MS
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  random(): number {
    return 0.5
  }

  /** Begins with the name of the actor, by which its commits are known. */
  uuid(): string {
    this.#ids++
    return `${this.#who === 'A' ? 'a' : 'b'}0000000-0000-4000-8000-${String(this.#ids).padStart(12, '0')}`
  }

  async sleep(ms: number): Promise<void> {
    this.#monotonicMs += ms
  }

  // A call that gets no answer is a step of its own kind; no timer ends it.
  setTimer(): Timer {
    return NEVER
  }

  env(): string | undefined {
    return undefined
  }
}
