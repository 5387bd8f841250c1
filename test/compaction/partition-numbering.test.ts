// Numbers for partitions, compared with grouping rows by the texts of their values.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PartitionNumbering } from '../../src/compaction/partition-numbering.js'

test('rows have the same number iff the texts of their values are the same, however values are numbered', () => {
  // Texts may stand twice among the values, and more values may come after the numbering began.
  const column = fc.array(fc.constantFrom<string | null>(null, '', 'a', 'b', 'a","b', '1'), { minLength: 1, maxLength: 6 })
  const rows = fc.array(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(column, { maxLength: 3 }), rows, fc.boolean(), (columns, picks, grows) => {
      const values = columns.map((texts) => [...texts])
      const ids = (at: number, row: number): number => (picks[row]?.[at] ?? 0) % (values[at] as unknown[]).length
      const numbering = new PartitionNumbering(values.map((texts, at) => ({ values: texts, ids: (row: number) => ids(at, row) })))
      if (grows) for (const texts of values) texts.push('late')
      const wanted: (string | null)[][] = []
      for (let row = 0; row < picks.length; row++) {
        const texts = values.map((of, at) => of[ids(at, row)] as string | null)
        let number = wanted.findIndex((known) => JSON.stringify(known) === JSON.stringify(texts))
        if (number < 0) number = wanted.push(texts) - 1
        expect(numbering.of(row)).toBe(number)
      }
      expect(numbering.partitions).toEqual(wanted)
    }),
    { numRuns: 300 },
  )
})
