// Random numbers from a seed and an input's number: the same pair gives the same input for ever.

export interface Random {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number
  /** True once in `count` times. */
  oneIn(count: number): boolean
  pick<T>(items: readonly T[]): T
  bytes(count: number): Uint8Array
}

/** The random numbers of one input. */
export function randomOf(seed: number, input: number): Random {
  // Mulberry32 over a mixed start: neighbouring inputs have nothing in common.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(input + 1, 0xc2b2ae35)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  for (let i = 0; i < 4; i++) next()
  const below = (count: number): number => next() % count
  return {
    below,
    oneIn: (count) => below(count) === 0,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    bytes: (count) => Uint8Array.from({ length: count }, () => below(256)),
  }
}
