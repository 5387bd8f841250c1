// Exactly once, whatever happens: seeded runs of processes that crash, freeze, fence each other and lose answers.
// A seed that fails runs alone with ALLUVIUM_SEED.
import { expect, test } from 'vitest'
import { type Report, runWorld } from './world.js'

const SEEDS = 250
const only = process.env.ALLUVIUM_SEED

test('every offset is in the table once, with its position, and no receipt lies', async () => {
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)]
  const reports: Report[] = []
  for (const seed of seeds) {
    const report = await runWorld(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed} broke down`, { cause: error })
    })
    expect(report.anomalies, `seed ${seed}`).toEqual([])
    reports.push(report)
  }
  if (only !== undefined) return
  // The runs are worth something only if all of this happened in them.
  const total = (count: (report: Report) => number): number => reports.reduce((sum, report) => sum + count(report), 0)
  expect(total((report) => report.commits)).toBeGreaterThan(3000)
  for (const what of ['kills', 'fenced', 'unknown', 'takeovers', 'redelivered'] as const) {
    expect(
      total((report) => report[what]),
      what,
    ).toBeGreaterThan(20)
  }
}, 300_000)
