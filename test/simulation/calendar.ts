// When work is done in a simulation: at one stretch, or in short busy windows with quiet hours or days between them, so that
// retentions pass and yet writers meet.
import type { World } from './world.js'

export interface Calendar {
  readonly endMs: number
  /** Whether days pass. */
  readonly isLong: boolean
  /** When something that is planned for a moment happens: then, or soon after the next window opens. */
  next(ms: number): number
}

const HOUR_MS = 3_600_000

/** Twelve seconds of work. */
export function oneStretch(ms: number): Calendar {
  return { endMs: ms, isLong: false, next: (at) => at }
}

/** Some seconds of work now and then, over several days. */
export function daysOf(world: World): Calendar {
  const windows: { readonly from: number; readonly to: number }[] = []
  let at = 0
  for (let left = world.random.pick([3, 4, 5]); left > 0; left--) {
    const to = at + world.between(800, 2600)
    windows.push({ from: at, to })
    at = to + HOUR_MS * (world.random.oneIn(3) ? world.between(0.2, 4) : world.between(4, 40))
  }
  const endMs = (windows.at(-1) as { to: number }).to
  return {
    endMs,
    isLong: true,
    next: (ms) => {
      const window = windows.find(({ to }) => ms < to)
      if (window === undefined || ms >= window.from) return ms
      return window.from + world.between(0, 400)
    },
  }
}
