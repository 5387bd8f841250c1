// Two operations on one table, whatever the order of their steps at the store: a share of what `npm run interleavings` goes through.
import { describe, expect, test } from 'vitest'
import { Explorer } from './explore.js'
import { Matrix } from './matrix.js'
import { OPERATIONS } from './operations.js'
import { jobs, PAIRS } from './plan.js'
import { PLANTED, withPlanted } from './planted.js'
import { sceneOf } from './scene.js'
import { runSchedule } from './schedule.js'
import { ISOLATIONS, LAYOUTS, parseVariant, RELATIONS, type Variant, variantName } from './variant.js'

const PLAIN: Variant = {
  isolation: 'Serializable',
  layout: 'partitioned',
  relation: 'together',
  features: 'plain',
  start: 'handle',
  patience: 'patient',
}

describe('two operations on one table', () => {
  test('may both commit exactly where Spark says so, but for what is explained', async () => {
    const matrix = new Matrix()
    const violations: string[] = []
    for (const isolation of ISOLATIONS)
      for (const layout of LAYOUTS)
        for (const relation of RELATIONS)
          for (const [first, second] of PAIRS) {
            const variant = { ...PLAIN, isolation, layout, relation }
            const explorer = new Explorer(sceneOf(variant, first, second))
            await explorer.cells()
            matrix.add(variant, explorer.result)
            violations.push(...explorer.result.violations.map(({ what }) => `${variantName(variant)}: ${what}`))
          }
    const report = matrix.report(true)
    expect(violations).toEqual([])
    expect(report.faults).toEqual([])
    expect(report.cells).toBe(12 * OPERATIONS.length ** 2)
    expect(report.disagreements).toBeGreaterThan(0)
  })

  test('leave a table that they could have made one after another, in every order of their steps', async () => {
    let runs = 0
    for (const [first, second] of PAIRS) {
      if (second === 'restore') continue
      const explorer = new Explorer(sceneOf(PLAIN, first, second))
      await explorer.all(0)
      expect(explorer.result.violations, `${first} and ${second}`).toEqual([])
      runs += explorer.result.distinct
    }
    expect(runs).toBeGreaterThan(350)
  })

  test.each([
    ['append', 'append'],
    ['stream', 'delete'],
    ['compact', 'sum-part'],
  ] as const)(
    '%s and %s, with a crash, a lost answer or a late landing at any one step, lose and double nothing',
    async (first, second) => {
      const explorer = new Explorer(sceneOf({ ...PLAIN, features: 'tracked' }, first, second))
      await explorer.all(1)
      expect(explorer.result.violations).toEqual([])
      expect(explorer.result.withFaults).toBeGreaterThan(150)
      expect(explorer.result.distinct).toBe(explorer.result.runs)
    },
  )

  test('hold on every kind of table, also where they open it first or give up soon', async () => {
    const all = jobs()
    for (let number = 0; number < all.length; number += 29) {
      const { variant, first, second, faults } = all[number] as (typeof all)[number]
      const explorer = new Explorer(sceneOf(variant, first, second))
      await explorer.some(Math.max(1, faults), 3, 1, number)
      expect(explorer.result.violations, `${variantName(variant)} ${first} ${second}`).toEqual([])
    }
  })
})

describe('a schedule', () => {
  test('is the same however often it is run', async () => {
    const scene = sceneOf({ ...PLAIN, features: 'stamped' }, 'stream', 'compact')
    const runOnce = () => runSchedule(scene, 1, (at, ways) => (at * 7 + 3) % ways.length)
    const [one, other] = [await runOnce(), await runOnce()]
    expect(other.trace).toEqual(one.trace)
    expect([...other.disk.objects]).toEqual([...one.disk.objects])
  })

  test('names its variant so that it can be found again', () => {
    for (const { variant } of jobs()) expect(parseVariant(variantName(variant))).toEqual(variant)
  })
})

describe('a broken rule is noticed', () => {
  test.each(PLANTED)('$name', async ({ rules, pair: [first, second], faults, isOnlyVerdict = false }) => {
    const matrix = new Matrix()
    const explorer = new Explorer(sceneOf(PLAIN, first, second))
    await withPlanted(rules, () => explorer.all(faults))
    matrix.add(PLAIN, explorer.result)
    if (isOnlyVerdict) expect(matrix.report(false).faults).not.toEqual([])
    else expect(explorer.result.violations).not.toEqual([])
  })
})
