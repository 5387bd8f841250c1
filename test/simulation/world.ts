// Time of a simulation: one queue of events, one clock, one source of chance. What happens depends on the seed alone.
import { type Random, randomOf } from '../fuzz/random.js'

/** Something that will happen, unless it is cancelled. */
export interface Planned {
  cancel(): void
}

interface Event extends Planned {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** The moment every simulation begins at. */
export const EPOCH_MS = Date.UTC(2026, 0, 1)

export class World {
  readonly seed: number
  readonly random: Random
  /** Milliseconds since the beginning. */
  nowMs = 0
  events = 0
  /** Everything noted, when it is kept. */
  readonly lines: string[] | undefined
  readonly #queue: Event[] = []
  #order = 0
  #hashA = 0x811c9dc5
  #hashB = 0x9747b28c

  constructor(seed: number, options: { readonly keepTrace?: boolean } = {}) {
    this.seed = seed
    this.random = randomOf(seed, 0)
    this.lines = options.keepTrace === true ? [] : undefined
  }

  /** A number from 0 up to `below`, with fractions of a thousandth. */
  between(from: number, below: number): number {
    return from + ((below - from) * this.random.below(1_000_000)) / 1_000_000
  }

  after(delayMs: number, run: () => void): Planned {
    const event: Event = {
      at: this.nowMs + Math.max(0, delayMs),
      order: this.#order++,
      run,
      cancel: () => {
        event.run = undefined
      },
    }
    this.#push(event)
    return event
  }

  /** Notes what happens: two runs of one seed must note the same. */
  note(text: string): void {
    const line = `${this.nowMs.toFixed(3)} ${text}`
    this.lines?.push(line)
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      this.#hashA = Math.imul(this.#hashA ^ code, 0x01000193)
      this.#hashB = Math.imul(this.#hashB ^ code, 0x5bd1e995) ^ (this.#hashB >>> 15)
    }
  }

  /** All notes as one number of 64 bits. */
  get trace(): string {
    return [this.#hashA, this.#hashB].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** Lets events happen in order until `isOver`, or until nothing is planned, or time is up. Answers whether it was over. */
  async run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    await turn()
    while (!isOver()) {
      const event = this.#pop()
      if (event === undefined) return false
      if (event.at > untilMs) return false
      const { run } = event
      if (run === undefined) continue
      this.nowMs = Math.max(this.nowMs, event.at)
      this.events++
      run()
      // Whatever follows from it without waiting for time happens now, before the next event.
      await turn()
    }
    return true
  }

  #push(event: Event): void {
    const queue = this.#queue
    let at = queue.length
    queue.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, queue[parent] as Event)) break
      queue[at] = queue[parent] as Event
      at = parent
    }
    queue[at] = event
  }

  #pop(): Event | undefined {
    const queue = this.#queue
    const first = queue[0]
    const last = queue.pop()
    if (first === undefined || last === undefined || queue.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= queue.length) break
      if (child + 1 < queue.length && isBefore(queue[child + 1] as Event, queue[child] as Event)) child++
      if (!isBefore(queue[child] as Event, last)) break
      queue[at] = queue[child] as Event
      at = child
    }
    queue[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

// A turn of the real event loop: every promise that can settle without an event has settled after it.
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
