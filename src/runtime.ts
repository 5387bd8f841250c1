// The one door for time, randomness, the environment, and what only Node has. For the first three everything else takes a
// `Runtime`, so that a simulation can drive the real code from one seed. Imports nothing that a browser lacks.
import { abortedError } from './errors.js'

/** A timer that can be taken back. */
export interface Timer {
  cancel(): void
}

/** Time, sleep, randomness and ids. The same implementation and seed give the same run. */
export interface Runtime {
  /** Wall-clock time in whole milliseconds since 1970 (may go backwards). */
  now(): number
  /** A clock for durations, in milliseconds (never goes backwards). Time that the machine was suspended counts. */
  monotonicMs(): number
  /** A uniform number in [0, 1). */
  random(): number
  /** A fresh random (version 4) UUID in lower case. */
  uuid(): string
  /** Resolves after `ms`; rejects with `ABORTED` when the signal fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `callback` once after `ms` unless cancelled. Until then it keeps the process alive: rows wait for it. */
  setTimer(ms: number, callback: () => void): Timer
  /** An environment variable, where the platform has such. */
  env(name: string): string | undefined
}

interface NodeLike {
  process?: {
    env?: Record<string, string | undefined>
    getBuiltinModule?: (id: string) => unknown
    versions?: { node?: string }
  }
}

/** A module of Node by name, or undefined elsewhere. Reached without an import, so that what uses it bundles for a browser. */
export function nodeModule<T>(name: string): T | undefined {
  const host = (globalThis as NodeLike).process
  if (host?.versions?.node === undefined) return undefined
  return host.getBuiltinModule?.(name) as T | undefined
}

/** Less than this a clock is corrected now and then. */
const JUMP_MS = 5000

/**
 * A clock for durations that goes on over a suspension: the steady clock of most systems stands still then, and only the wall clock shows
 * it. What the wall clock jumps ahead of the steady one was slept; where somebody set it that is wrong, and does no more harm than sleeping.
 */
export function wakingClock(wallMs: () => number, steadyMs: () => number): () => number {
  let aheadMs = wallMs() - steadyMs()
  let sleptMs = 0
  return () => {
    const nowMs = steadyMs()
    const jumpMs = wallMs() - nowMs - aheadMs
    if (Math.abs(jumpMs) > JUMP_MS) {
      aheadMs += jumpMs
      sleptMs += Math.max(0, jumpMs)
    }
    return nowMs + sleptMs
  }
}

/** The machine's own clock and randomness. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonicMs: wakingClock(
    () => Date.now(),
    () => performance.now(),
  ),
  random: () => Math.random(),
  uuid: () => globalThis.crypto.randomUUID(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal, 'waiting'))
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(abortedError(signal as AbortSignal, 'waiting'))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  setTimer: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
  env: (name) => (globalThis as NodeLike).process?.env?.[name],
}
