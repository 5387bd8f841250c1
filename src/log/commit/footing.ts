// What a process last knew of the version that a commit is put on top of, and when it asked. A process may be stopped between any two
// steps, for longer than a log is kept; then the version that was free may only look free. Rule: knowledge counts from when it was
// asked for, and nothing is put on knowledge that is old.
import type { Runtime } from '../../runtime.js'
import type { HoldsOutcome, ProposeOutcome } from './answers.js'
import { leftBehindError } from './outcomes.js'

/** A log is cleaned of commits that are days old. What was there so long ago has not been cleaned since. */
export const FRESH_MS = 60_000
const MAX_REMEMBERED = 64
/** The version before the first: known when there was no table. */
export const NO_TABLE = -1

export class Footing {
  readonly #runtime: Runtime
  readonly #askedMs = new Map<number, number>()
  readonly #found = new Set<number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  nowMs(): number {
    return this.#runtime.monotonicMs()
  }

  /** A version was the newest, for who asked at a time. */
  knows(version: number, askedMs: number): void {
    this.#note(version, askedMs)
    if (this.#found.has(version + 1)) this.follows(version + 1)
  }

  #note(version: number, askedMs: number): void {
    if (askedMs <= (this.#askedMs.get(version) ?? Number.NEGATIVE_INFINITY)) return
    this.#askedMs.delete(version)
    this.#askedMs.set(version, askedMs)
    if (this.#askedMs.size > MAX_REMEMBERED) for (const [oldest] of this.#askedMs) if (this.#askedMs.delete(oldest)) break
  }

  /**
   * A version was read. That alone says nothing of its age: an old one may be cleaned away the next moment. But it came after the one
   * before it was the newest, and counts from then.
   */
  follows(version: number): void {
    this.#found.add(version)
    if (this.#found.size > MAX_REMEMBERED) for (const oldest of this.#found) if (this.#found.delete(oldest)) break
    for (let next = version; this.#found.has(next); next++) {
      const beforeMs = this.#askedMs.get(next - 1)
      if (beforeMs === undefined) return
      this.#note(next, beforeMs)
    }
  }

  /** Whether what is known of a version, or of there being none ({@link NO_TABLE}), is young enough to put the next one on it. */
  isFresh(version: number): boolean {
    return this.nowMs() - (this.#askedMs.get(version) ?? Number.NEGATIVE_INFINITY) <= FRESH_MS
  }

  /** Undefined when the version before may be built on; else what becomes of the proposal. Asks only where too much time has passed. */
  async refusal(version: number, holds: (version: number) => Promise<HoldsOutcome>): Promise<ProposeOutcome | undefined> {
    const before = version - 1
    while (!this.isFresh(before)) {
      const held = await holds(before)
      if (held.kind === 'unreadable') return { kind: 'refused', error: held.error }
      if (held.kind === 'gone') return { kind: 'refused', error: leftBehindError(before) }
      // Not tried: while the request is under way the version could be cleaned away, and be free then.
      if (held.isFollowed) return { kind: 'exists' }
    }
    return undefined
  }
}
