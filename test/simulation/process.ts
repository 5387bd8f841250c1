// A simulated process: its own clock (wrong by up to an hour), its own randomness, and an end. Whatever the outside answers
// reaches it through `deliver`: never after it crashed, late while it is paused.
import { AlluviumError } from '../../src/errors.js'
import type { Runtime } from '../../src/runtime.js'
import { type Random, randomOf } from '../fuzz/random.js'
import { EPOCH_MS, type Planned, type World } from './world.js'

export class SimProcess {
  readonly name: string
  readonly world: World
  readonly runtime: Runtime
  readonly skewMs: number
  isAlive = true
  /** The longest that it was stopped. */
  longestPauseMs = 0
  #pausedUntilMs = 0
  readonly #random: Random
  readonly #onCrash: () => void

  constructor(world: World, name: string, options: { readonly skewMs: number; readonly onCrash: () => void }) {
    this.world = world
    this.name = name
    this.skewMs = options.skewMs
    this.#onCrash = options.onCrash
    this.#random = randomOf(world.random.below(2 ** 31), 1)
    this.runtime = this.#makeRuntime()
  }

  /** When it goes on, where it is stopped; in the past otherwise. */
  get awakeMs(): number {
    return this.#pausedUntilMs
  }

  /** Ends the process at once: nothing of it runs any more, what it asked for may still happen. */
  crash(where: string): void {
    if (!this.isAlive) return
    this.world.note(`${this.name} crashes ${where}`)
    this.isAlive = false
    this.#onCrash()
  }

  /** Stops the process for a while: to it, all that happens meanwhile happens at the end of it. */
  pause(ms: number): void {
    this.world.note(`${this.name} pauses for ${ms.toFixed(0)} ms`)
    this.longestPauseMs = Math.max(this.longestPauseMs, ms)
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.world.nowMs + ms)
  }

  /** Runs something in the process after a while. */
  deliver(delayMs: number, run: () => void): Planned {
    let isCancelled = false
    let planned: Planned
    const arrive = (): void => {
      if (!this.isAlive || isCancelled) return
      const left = this.#pausedUntilMs - this.world.nowMs
      if (left > 0) planned = this.world.after(left, arrive)
      else run()
    }
    planned = this.world.after(delayMs, arrive)
    return {
      cancel: () => {
        isCancelled = true
        planned.cancel()
      },
    }
  }

  #makeRuntime(): Runtime {
    const { world } = this
    const random = (): number => this.#random.below(2 ** 32) / 2 ** 32
    return {
      now: () => Math.floor(EPOCH_MS + world.nowMs + this.skewMs),
      monotonicMs: () => world.nowMs,
      random,
      uuid: () => {
        const hex = Array.from(this.#random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('')
        return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
      },
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const aborted = (): void => reject(new AlluviumError('ABORTED', 'waiting was aborted', {}, { cause: signal?.reason }))
          if (signal?.aborted) return aborted()
          const planned = this.deliver(ms, () => {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          })
          const onAbort = (): void => {
            planned.cancel()
            aborted()
          }
          signal?.addEventListener('abort', onAbort, { once: true })
        }),
      setTimer: (ms, callback) => this.deliver(ms, callback),
      env: () => undefined,
    }
  }
}
