// Which files a plan takes and which it leaves: the rules by themselves, and what holds for every set of files.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ClusterRules,
  expectedBytes,
  type FileGroup,
  groupsAsFilled,
  type PackingRules,
  type PlanFile,
  planClusters,
  planGroups,
} from '../../src/compaction/plan.js'

const rules: PackingRules = { targetBytes: 1000, minFiles: 2, minDeletedShare: 0.05 }
const file = (row: number, sizeBytes: number, more: Partial<PlanFile> = {}): PlanFile => ({ row, sizeBytes, partition: 0, ...more })
const rowsOf = (files: readonly PlanFile[]): number[] => files.map(({ row }) => row)
const planned = (files: readonly PlanFile[], changed: Partial<PackingRules> = {}): number[][] =>
  planGroups(files, { ...rules, ...changed }).map((group) => rowsOf(group.files))

describe('a plan', () => {
  test('puts small files together up to the target', () => {
    expect(planned([file(0, 300), file(1, 300), file(2, 300), file(3, 300)])).toEqual([[0, 1, 2]])
  })

  test('leaves files alone that are good, and one that is alone', () => {
    expect(planned([file(0, 800), file(1, 2000), file(2, 100)])).toEqual([])
  })

  test('never mixes partitions', () => {
    expect(planned([file(0, 10), file(1, 10, { partition: 1 }), file(2, 10), file(3, 10, { partition: 1 })])).toEqual([
      [0, 2],
      [1, 3],
    ])
  })

  test('rewrites a good file once enough of its rows are deleted, and a small one with others', () => {
    expect(planned([file(0, 900, { deletedShare: 0.04 })])).toEqual([])
    expect(planned([file(0, 900, { deletedShare: 0.06 })])).toEqual([[0]])
    expect(planned([file(0, 900, { deletedShare: 0.001 })], { minDeletedShare: 0 })).toEqual([[0]])
    expect(planned([file(0, 100, { deletedShare: 0.01 }), file(1, 100)])).toEqual([[0, 1]])
    expect(planGroups([file(0, 900, { deletedShare: 0.06 })], rules)[0]?.reason).toBe('deleted rows')
  })

  test('does not write a large file again for a few small ones: these gather first', () => {
    expect(planned([file(0, 700), file(1, 5), file(2, 5)])).toEqual([[1, 2]])
    expect(planned([file(0, 700), file(1, 100), file(2, 100)])).toEqual([[0, 1, 2]])
  })

  test('waits for as many files as it is told', () => {
    expect(planned([file(0, 10), file(1, 10), file(2, 10)], { minFiles: 4 })).toEqual([])
    expect(planned([file(0, 10), file(1, 10), file(2, 10), file(3, 10)], { minFiles: 4 })).toEqual([[0, 1, 2, 3]])
  })
})

const someFiles = fc
  .array(
    fc.record({
      sizeBytes: fc.integer({ min: 1, max: 1500 }),
      partition: fc.integer({ min: 0, max: 2 }),
      deletedShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    }),
    { maxLength: 60 },
  )
  .map((files) => files.map((each, row): PlanFile => ({ ...each, row })))

describe('every plan', () => {
  test('has the same groups, whether it is kept or only counted as it fills', () => {
    fc.assert(
      fc.property(someFiles, (files) => {
        const kept = planGroups(files, rules)
        const passing = [...groupsAsFilled(files.values(), rules)]
        const text = (group: FileGroup): string => `${group.partition} ${group.reason} ${group.sizeBytes}: ${rowsOf(group.files)}`
        expect(passing.map(text).sort()).toEqual(kept.map(text).sort())
        // Partitions one after the other, in the order of their first files that are not good.
        const order = kept.map(({ partition }) => partition).filter((partition, n, all) => partition !== all[n - 1])
        expect(new Set(order).size).toBe(order.length)
      }),
    )
  })

  test('takes a file once at most, mixes no partitions, and fills no group beyond the target', () => {
    fc.assert(
      fc.property(someFiles, (files) => {
        const seen = new Set<number>()
        for (const group of planGroups(files, rules)) {
          for (const each of group.files) {
            expect(seen.has(each.row)).toBe(false)
            seen.add(each.row)
            expect(each.partition).toBe(group.partition)
          }
          const bytes = group.files.reduce((sum, each) => sum + expectedBytes(each), 0)
          if (group.files.length > 1) expect(bytes).toBeLessThanOrEqual(rules.targetBytes + 1e-6)
          expect(group.sizeBytes).toBe(group.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
        }
      }),
    )
  })

  test('comes to an end: carried out again and again, soon nothing is left to do', () => {
    fc.assert(
      fc.property(someFiles, (given) => {
        let files = [...given]
        let next = files.length
        for (let pass = 0; ; pass++) {
          expect(pass).toBeLessThan(8)
          const groups = planGroups(files, rules)
          if (groups.length === 0) break
          for (const group of groups) {
            files = files.filter((each) => !group.files.includes(each))
            const sizeBytes = Math.max(1, Math.round(group.files.reduce((sum, each) => sum + expectedBytes(each), 0)))
            files.push({ row: next++, sizeBytes, partition: group.partition })
          }
        }
      }),
    )
  })
})

describe('a plan of an order', () => {
  const order: ClusterRules = { key: 'hilbert ["a"]', maxBytes: 10_000, full: false, minDeletedShare: 0.05 }
  const inOrder = (id: string, key = order.key): Partial<PlanFile> => ({ cluster: { id, key } })
  const groups = (files: readonly PlanFile[], changed: Partial<ClusterRules> = {}): number[][] =>
    planClusters(files, { ...order, ...changed }).map((group) => rowsOf(group.files))

  test('takes what is in no order yet, or in another', () => {
    expect(groups([file(0, 100), file(1, 100, inOrder('x')), file(2, 5, inOrder('y', 'zorder ["a"]'))])).toEqual([[0, 2, 1]])
    expect(groups([file(0, 100, inOrder('x')), file(1, 100, inOrder('y'))])).toEqual([])
  })

  test('leaves an order alone that is much larger than what is new', () => {
    expect(groups([file(0, 100), file(1, 401, inOrder('x'))])).toEqual([[0]])
    expect(groups([file(0, 100), file(1, 400, inOrder('x')), file(2, 2000, inOrder('y'))])).toEqual([[0, 1, 2]])
  })

  test('takes everything when it is told, in parts that are not too large', () => {
    expect(groups([file(0, 100, inOrder('x')), file(1, 100, inOrder('y'))], { full: true, maxBytes: 150 })).toEqual([[0], [1]])
  })
})
