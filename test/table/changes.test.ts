// The change data feed as the protocol defines it. Expected changes come from what the commits say, never from our output.
import { createTable, long, memoryStorage, openTable, schema, string } from 'alluvium'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualRuntime } from '../support/manual-runtime.js'
import { ChangeTable, FEED_ON, failure, ids, idTable, metaData, PROTOCOL, type StoredFile, vector } from './change-tables.js'
import { field } from './raw-table.js'

const ID = field('id', 'long')
const NAME = field('name', 'string')

describe('a version without change data files', () => {
  test('has its added rows as inserts and its removed rows as deletes, also when this library wrote it', async () => {
    const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 31, 12) })
    const storage = memoryStorage({ runtime })
    const table = await createTable(storage, { schema: schema({ id: long(), name: string() }), properties: FEED_ON, runtime })
    await runtime.advance(1000)
    await table.append([{ id: 1, name: 'kim' }])
    await runtime.advance(1000)
    await table.overwrite([{ id: 2, name: 'lee' }])
    const rows = await table.changes({ from: 0 }).toArray()
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 31, 12, 0, seconds))
    expect(rows).toEqual([
      { id: 1n, name: 'kim', _change_type: 'insert', _commit_version: 1n, _commit_timestamp: at(1) },
      { id: 1n, name: 'kim', _change_type: 'delete', _commit_version: 2n, _commit_timestamp: at(2) },
      { id: 2n, name: 'lee', _change_type: 'insert', _commit_version: 2n, _commit_timestamp: at(2) },
    ])
    // Typed: the table's columns and the feed's.
    const type: 'insert' | 'delete' | 'update_preimage' | 'update_postimage' | undefined = rows[0]?._change_type
    expect([type, rows[0]?.id]).toEqual(['insert', 1n])
  })

  test('gives nothing for files whose dataChange is false, as compaction writes them', async () => {
    const table = await idTable()
    const [a, b, both] = [
      await table.file('a', 'id long', ids(1)),
      await table.file('b', 'id long', ids(2)),
      await table.file('c', 'id long', ids(1, 2)),
    ]
    await table.commit(a.add(), b.add())
    const silent = { dataChange: false }
    await table.commit(a.remove(silent), b.remove(silent), both.add(silent))
    expect(await table.idsOf({ from: 0 })).toEqual(['+1@1', '+2@1'])
    // A vector that is only rearranged away says nothing either.
    await table.commit(both.remove({ ...silent }), both.add({ ...silent, ...vector([0]) }))
    expect(await table.idsOf({ from: 2 })).toEqual([])
  })

  test('leaves a _change_type column in data files alone', async () => {
    const table = await idTable()
    const file = await table.file('a', 'id long, _change_type string', [
      { id: 1, _change_type: null },
      { id: 2, _change_type: 'update_postimage' },
    ])
    await table.commit(file.add())
    expect(await table.idsOf({ from: 1 })).toEqual(['+1@1', '+2@1'])
  })

  test('restored has its rows back as inserts, and those that came since as deletes', async () => {
    const table = await idTable()
    const [a, b] = [await table.file('a', 'id long', ids(1, 2)), await table.file('b', 'id long', ids(3))]
    await table.commit(a.add())
    await table.commit(a.remove(), a.add(vector([0])), b.add())
    await table.commit(a.remove(vector([0])), a.add(), b.remove())
    expect((await table.idsOf({ from: 2 })).sort()).toEqual(['+1@3', '+3@2', '-1@2', '-3@3'])
  })
})

describe('a version with change data files', () => {
  test('is read from them alone, with the partition values of their actions', async () => {
    const table = new ChangeTable()
    await table.commit(PROTOCOL, metaData([ID, field('part', 'integer'), NAME], { partitionColumns: ['part'] }))
    const p7 = { partitionValues: { part: '7' } }
    const before = await table.file(
      'part=7/a',
      'id long, name string',
      [
        { id: 1, name: 'kim' },
        { id: 2, name: 'lee' },
      ],
      p7,
    )
    const after = await table.file(
      'part=7/b',
      'id long, name string',
      [
        { id: 1, name: 'mia' },
        { id: 2, name: 'lee' },
      ],
      p7,
    )
    const cdc = await table.file(
      '_change_data/part=7/c',
      'id long, name string, _change_type string',
      [
        { id: 1, name: 'kim', _change_type: 'update_preimage' },
        { id: 1, name: 'mia', _change_type: 'update_postimage' },
      ],
      p7,
    )
    const none = await table.file('_change_data/d', 'id long, name string, _change_type string', [{ id: 9, _change_type: 'delete' }], {
      partitionValues: { part: null },
    })
    await table.commit(before.add())
    await table.commit(before.remove(), after.add(), cdc.cdc(), none.cdc())
    const rows = await (await table.open()).changes({ from: 2, columns: ['part', 'id', 'name', '_change_type'] }).toArray()
    expect(rows).toEqual([
      { part: 7, id: 1n, name: 'kim', _change_type: 'update_preimage' },
      { part: 7, id: 1n, name: 'mia', _change_type: 'update_postimage' },
      { part: null, id: 9n, name: null, _change_type: 'delete' },
    ])
  })

  test.each([
    ['that lacks _change_type', 'id long', [{ id: 1 }]],
    ['with a null in _change_type', 'id long, _change_type string', [{ id: 1, _change_type: null }]],
    [
      'with an unknown _change_type',
      'id long, _change_type string',
      [
        { id: 1, _change_type: 'insert' },
        { id: 2, _change_type: 'upsert' },
      ],
    ],
    ['with a _change_type of numbers', 'id long, _change_type long', [{ id: 1, _change_type: 1 }]],
  ])('%s is refused by the name of the file', async (_, columns, rows) => {
    const table = await idTable()
    const cdc = await table.file('_change_data/bad', columns, rows)
    await table.commit(cdc.cdc())
    const { code, message } = await failure(table.idsOf({ from: 1, columns: ['id'] }))
    expect(code).toMatch(/^CORRUPT_DATA$|^SCHEMA_MISMATCH$/)
    expect(message).toContain('_change_data/bad')
  })
})

describe('a file that gets another deletion vector', () => {
  test('has as changes the rows in which the vectors differ, wherever they lie in the file', async () => {
    const table = await idTable()
    const all = Array.from({ length: 500 }, (_, i) => i)
    const file = await table.file('a', 'id long', ids(...all), { rowGroupRows: 100 })
    await table.commit(file.add())
    const steps: number[][] = [[], [3, 250], [3, 250, 251, 499], [250, 499, 0], []]
    for (const [n, positions] of steps.entries()) {
      if (n > 0) await table.commit(file.remove(vector(steps[n - 1] as number[])), file.add(vector(positions)))
    }
    const changes = async (version: number): Promise<string[]> => (await table.idsOf({ from: version, to: version, batchRows: 64 })).sort()
    expect(await changes(2)).toEqual(['-250@2', '-3@2'])
    expect(await changes(3)).toEqual(['-251@3', '-499@3'])
    expect(await changes(4)).toEqual(['+251@4', '+3@4', '-0@4'])
    expect(await changes(5)).toEqual(['+0@5', '+250@5', '+499@5'])
  })

  test('has none when the vector stays', async () => {
    const table = await idTable()
    const file = await table.file('a', 'id long', ids(1, 2, 3))
    await table.commit(file.add(vector([1])))
    await table.commit(file.remove(vector([1])), file.add(vector([1])))
    expect(await table.idsOf({ from: 0 })).toEqual(['+1@1', '+3@1'])
  })

  test('is one file under any spelling of its path', async () => {
    const table = await idTable()
    const file = await table.file('a b', 'id long', ids(1, 2))
    const spelled = { ...(file.add(vector([0])).add as object), path: 'a%20b' }
    await table.commit({ add: { ...(file.add().add as object), path: 'a%20b' } })
    await table.commit({ remove: { ...(file.remove().remove as object), path: './a%20b' } }, { add: spelled })
    expect(await table.idsOf({ from: 2 })).toEqual(['-1@2'])
  })

  test('removed whole, has as deletes only the rows that were left', async () => {
    const table = await idTable()
    const file = await table.file('a', 'id long', ids(1, 2, 3))
    await table.commit(file.add(vector([1])))
    await table.commit(file.remove(vector([1])))
    expect(await table.idsOf({ from: 2 })).toEqual(['-1@2', '-3@2'])
  })

  test('twice in one commit is refused', async () => {
    const table = await idTable()
    const file = await table.file('a', 'id long', ids(1, 2, 3))
    await table.commit(file.add(vector([1])), file.add(vector([2])))
    expect(await failure(table.idsOf({ from: 1 }))).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 1, path: 'a' } })
  })
})

test('the rows of a version and the changes after it give the rows of any later version', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), rows: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('vector' as const), file: fc.nat(), positions: fc.uniqueArray(fc.nat(8)) }),
    fc.record({ kind: fc.constant('remove' as const), file: fc.nat() }),
    fc.record({ kind: fc.constant('compact' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const table = await idTable()
      let live: { file: StoredFile; rows: number[]; gone: number[] }[] = []
      const left = (): number[] => live.flatMap(({ rows, gone }) => rows.filter((_, i) => !gone.includes(i)))
      const states: number[][] = [[]]
      let nextId = 0
      for (const what of steps) {
        const target = live.length === 0 || !('file' in what) ? undefined : live[what.file % live.length]
        if (what.kind === 'append') {
          const rows = Array.from({ length: what.rows }, () => nextId++)
          const file = await table.file(`f${nextId}`, 'id long', ids(...rows), { rowGroupRows: 4 })
          await table.commit(file.add())
          live.push({ file, rows, gone: [] })
        } else if (what.kind === 'vector' && target !== undefined) {
          const gone = what.positions.filter((position) => position < target.rows.length)
          await table.commit(target.file.remove(vector(target.gone)), target.file.add(vector(gone)))
          target.gone = gone
        } else if (what.kind === 'remove' && target !== undefined) {
          await table.commit(target.file.remove(vector(target.gone)))
          live = live.filter((entry) => entry !== target)
        } else if (what.kind === 'compact' && left().length > 0) {
          const rows = left()
          const file = await table.file(`c${states.length}`, 'id long', ids(...rows))
          await table.commit(
            ...live.map((entry) => entry.file.remove({ ...vector(entry.gone), dataChange: false })),
            file.add({ dataChange: false }),
          )
          live = [{ file, rows, gone: [] }]
        } else await table.commit({ txn: { appId: 'nothing', version: states.length } })
        states.push(left())
      }
      const opened = await table.open()
      for (let from = 1; from < states.length; from++) {
        const now = new Set(states[from - 1])
        for (const { id, _change_type, _commit_version } of await opened.changes({ from }).toArray()) {
          const known = now.has(Number(id))
          expect(known, `${_change_type} of ${id} in version ${_commit_version}`).toBe(_change_type === 'delete')
          if (known) now.delete(Number(id))
          else now.add(Number(id))
        }
        expect([...now].sort((a, b) => a - b)).toEqual((states.at(-1) as number[]).toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)

test('a table opened without a schema gives changes with unknown values', async () => {
  const table = await idTable()
  await table.commit((await table.file('a', 'id long', ids(1))).add())
  const [row] = await (await openTable(table.storage)).changes({ from: 1 }).toArray()
  const value: unknown = row?.id
  expect(value).toBe(1n)
})
