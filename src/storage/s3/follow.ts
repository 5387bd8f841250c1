// Requests that end with a caller's signal. One rule: one listener on a signal, however many requests follow it: Node warns of a
// leak from the eleventh on.

const followers = new WeakMap<AbortSignal, Set<AbortController>>()

/** A signal of one's own that fires with the caller's, and can be fired alone. */
export interface Followed {
  readonly controller: AbortController
  /** Must be called when there is nothing left to end. */
  release(): void
}

/** Follows a signal, if there is one. */
export function follow(signal: AbortSignal | undefined): Followed {
  const controller = new AbortController()
  if (signal === undefined) return { controller, release: () => {} }
  if (signal.aborted) {
    controller.abort(signal.reason)
    return { controller, release: () => {} }
  }
  let all = followers.get(signal)
  if (all === undefined) {
    all = new Set()
    followers.set(signal, all)
    const each = all
    signal.addEventListener('abort', () => {
      for (const one of each) one.abort(signal.reason)
    })
  }
  const known = all
  known.add(controller)
  return { controller, release: () => known.delete(controller) }
}
