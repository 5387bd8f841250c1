// Virtual time and seeded randomness for one test run: the same seed gives the same run, and an hour costs nothing.
import { AlluviumError } from '../../../src/errors.js'
import type { Runtime, Timer } from '../../../src/runtime.js'

export type Random = () => number

/** mulberry32: small, seeded, good enough to choose scenarios. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T
}

interface Due {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

export class Simulation implements Runtime {
  readonly random: Random
  #nowMs = 1_800_000_000_000
  #order = 0
  #queue: Due[] = []

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  now(): number {
    return Math.floor(this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  uuid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.random() * 16).toString(16)).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.setTimer(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = (): void => {
        timer.cancel()
        reject(new AlluviumError('ABORTED', 'aborted'))
      }
      if (signal?.aborted) onAbort()
      else signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  setTimer(ms: number, callback: () => void): Timer {
    const due: Due = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fire: callback }
    this.#queue.push(due)
    return {
      cancel: () => {
        const at = this.#queue.indexOf(due)
        if (at >= 0) this.#queue.splice(at, 1)
      },
    }
  }

  env(): string | undefined {
    return undefined
  }

  /** Runs until the work is done; time moves only when nothing else can. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let settled = false
    const promise = work().finally(() => {
      settled = true
    })
    promise.catch(() => {})
    for (let idle = 0; !settled; ) {
      await new Promise((resolve) => setImmediate(resolve))
      if (settled) break
      idle = this.#advance() ? 0 : idle + 1
      if (idle > 50) throw new Error('the work waits for something that no timer will bring')
    }
    return promise
  }

  /** Lets everything that is still due happen. */
  async drain(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#advance())
  }

  #advance(): boolean {
    if (this.#queue.length === 0) return false
    let next = this.#queue[0] as Due
    for (const due of this.#queue) if (due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order)) next = due
    this.#queue.splice(this.#queue.indexOf(next), 1)
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.fire()
    return true
  }
}
