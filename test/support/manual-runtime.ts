// A runtime whose clock moves only when a test says so, and whose randomness comes from a seed.
import { AlluviumError, type Runtime } from 'alluvium'

export interface ManualRuntime extends Runtime {
  /** Moves the clock on, firing what is due, in order of time. */
  advance(ms: number): Promise<void>
  /** Moves the clocks on as for a process that is stopped: nothing goes off meanwhile. */
  doze(ms: number): void
  /** Timers and sleeps that wait. */
  readonly waiting: number
}

interface Alarm {
  readonly at: number
  readonly order: number
  fire(): void
}

/** Starts at `startMs`; equal seeds give equal runs. */
export function manualRuntime(options: { readonly startMs?: number; readonly seed?: number } = {}): ManualRuntime {
  let now = options.startMs ?? Date.UTC(2026, 0, 1)
  const start = now
  let state = (options.seed ?? 1) >>> 0
  let order = 0
  const alarms = new Set<Alarm>()
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const add = (ms: number, fire: () => void): Alarm => {
    const alarm = { at: now + ms, order: order++, fire }
    alarms.add(alarm)
    return alarm
  }
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    now: () => now,
    monotonicMs: () => now - start,
    random,
    uuid: () => {
      const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        // No time passes: only a turn of the event loop.
        if (ms <= 0) return void setImmediate(resolve)
        const alarm = add(ms, resolve)
        signal?.addEventListener('abort', () => {
          alarms.delete(alarm)
          reject(new AlluviumError('ABORTED', 'waiting was aborted'))
        })
      }),
    setTimer: (ms, callback) => {
      const alarm = add(ms, callback)
      return { cancel: () => alarms.delete(alarm) }
    },
    env: () => undefined,
    get waiting() {
      return alarms.size
    },
    doze: (ms) => {
      now += ms
    },
    advance: async (ms) => {
      const end = now + ms
      await settle()
      for (;;) {
        const due = [...alarms].filter((alarm) => alarm.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
        if (due === undefined) break
        now = Math.max(now, due.at)
        alarms.delete(due)
        due.fire()
        await settle()
      }
      now = end
      await settle()
    },
  }
}
