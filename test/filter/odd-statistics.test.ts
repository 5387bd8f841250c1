// Statistics as ClickHouse writes them, as a text within a member: they say nothing, and a file without statistics is kept.
import { expect, test } from 'vitest'
import { StatsIndex } from '../../src/filter/stats-index.js'

test('statistics of another form are as good as none', () => {
  const column = { path: ['c'], type: { type: 'long' } } as unknown as ConstructorParameters<typeof StatsIndex>[0][number]
  const index = new StatsIndex([column])
  const inside = '{"numRecords":3,"minValues":{"c":1},"maxValues":{"c":2},"nullCount":{"c":0}}'
  index.addText(1, JSON.stringify({ stats_json: inside }))
  expect(index.known(['c'], 1)).toMatchObject({ min: undefined, max: undefined, nulls: 0 })
})
