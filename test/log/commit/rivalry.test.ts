// How a writer makes room for its rivals: not at all where it has none, and for a share of those it met where it has.
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer } from '../../../src/log/commit/committer.js'
import { Rivalry, rivalryOf } from '../../../src/log/commit/rivalry.js'
import { type Runtime, systemRuntime } from '../../../src/runtime.js'

let nowMs = 0
let chance = 0
const runtime: Runtime = { ...systemRuntime, monotonicMs: () => nowMs, random: () => chance }

/** A writer that stood in line from 0 to the moment at which the table has `version`, while so many rivals committed. */
function met(rivals: number, version: number, tookMs: number): Rivalry {
  const rivalry = new Rivalry(runtime)
  nowMs = tookMs
  rivalry.committed(version, 0, rivals)
  return rivalry
}

beforeEach(() => {
  nowMs = 0
  chance = 0
})

describe('a writer', () => {
  test('that has not committed yet waits for nobody', () => {
    const rivalry = new Rivalry(runtime)
    expect(rivalry.isKnown).toBe(false)
    expect(rivalry.waiting(0)).toBeUndefined()
  })

  test('that met nobody waits for nobody', () => {
    const rivalry = met(0, 5, 100)
    expect(rivalry.isKnown).toBe(false)
    expect(rivalry.waiting(5)).toBeUndefined()
  })

  test('lets four tenths of the rivals that it met go first, looking after three of their commits at most', () => {
    const rivalry = met(10, 20, 1100)
    expect(rivalry.isKnown).toBe(true)
    // Eleven versions in 1100 ms: one each 100 ms. The next is tried at version 24.
    chance = 0.5
    expect(rivalry.waiting(20)).toEqual({ ms: 300, commits: 3 })
    expect(rivalry.waiting(21)).toEqual({ ms: 300, commits: 3 })
    expect(rivalry.waiting(22)).toEqual({ ms: 200, commits: 2 })
    expect(rivalry.waiting(23)).toEqual({ ms: 100, commits: 1 })
    expect(rivalry.waiting(24)).toBeUndefined()
    expect(rivalry.waiting(30)).toBeUndefined()
  })

  test('waits between three and five quarters of that time, so that rivals do not all come back at once', () => {
    const rivalry = met(10, 20, 1100)
    expect(rivalry.waiting(23)?.ms).toBe(75)
    chance = 0.999999
    expect(rivalry.waiting(23)?.ms).toBeCloseTo(125, 3)
  })

  test('waits for no single rival, and for one of two', () => {
    expect(met(1, 7, 10).waiting(7)).toBeUndefined()
    expect(met(2, 7, 30).waiting(7)).toMatchObject({ commits: 1 })
    expect(met(1, 7, 10).isKnown).toBe(true)
  })

  test('waits for no more than it would for 64, however many it met', () => {
    const rivalry = met(5000, 100, 5001)
    expect(rivalry.waiting(125)).toMatchObject({ commits: 1 })
    expect(rivalry.waiting(126)).toBeUndefined()
  })

  test('waits for nobody once twenty times the pace of the table have passed', () => {
    const rivalry = met(10, 20, 1100)
    nowMs = 1100 + 2000
    expect(rivalry.waiting(20)).toBeDefined()
    nowMs++
    expect(rivalry.waiting(20)).toBeUndefined()
  })

  test('stops at once when nobody comes', () => {
    const rivalry = met(10, 20, 1100)
    rivalry.alone()
    expect(rivalry.isKnown).toBe(false)
    expect(rivalry.waiting(20)).toBeUndefined()
    expect(rivalry.waiting(0)).toBeUndefined()
  })

  test('does not wait no time at all', () => {
    expect(met(10, 20, 0).waiting(20)).toBeUndefined()
  })
})

describe('a writer that wins every time', () => {
  /** Commits one after the other, each of 10 ms, with `idleMs` between; answers at which of them it would let somebody pass. */
  function probes(commits: number, idleMs: number, rivalry = new Rivalry(runtime)): number[] {
    const at: number[] = []
    for (let n = 1; n <= commits; n++) {
      const start = nowMs
      nowMs += 10
      rivalry.committed(n, start, 0)
      if (rivalry.waiting(n) !== undefined) at.push(n)
      nowMs += idleMs
    }
    return at
  }

  test('lets somebody pass now and then, ever more seldom while nobody comes', () => {
    expect(probes(450, 0)).toEqual([3, 11, 43, 171, 299, 427])
  })

  test('does so while commits come within two paces of each other, and else never', () => {
    expect(probes(20, 20)).toEqual([3, 11])
    expect(probes(20, 21)).toEqual([])
  })

  test('waits for one commit then, and begins anew once it met somebody', () => {
    const rivalry = new Rivalry(runtime)
    expect(probes(11, 0, rivalry)).toEqual([3, 11])
    expect(rivalry.waiting(11)).toMatchObject({ commits: 1 })
    rivalry.committed(40, nowMs, 1)
    expect(probes(3, 0, rivalry)).toEqual([2])
  })
})

test('every committer has one rivalry', () => {
  const [a, b] = [{}, {}] as [Committer, Committer]
  expect(rivalryOf(a, runtime)).toBe(rivalryOf(a, runtime))
  expect(rivalryOf(a, runtime)).not.toBe(rivalryOf(b, runtime))
})
