// The feed over versions whose schema or partitioning differ, and filters on it.
import { describe, expect, test } from 'vitest'
import { ChangeTable, failure, ids, idTable, metaData, PROTOCOL, type StoredFile } from './change-tables.js'
import { field, mapped } from './raw-table.js'

const ID = field('id', 'long')
const NAME = field('name', 'string')

describe('a schema that changes within the range', () => {
  test('has added columns and members as nulls in older rows, and wider types for narrower values', async () => {
    const table = new ChangeTable()
    const inner = (...names: string[]): object => ({ type: 'struct', fields: names.map((name) => field(name, 'string')) })
    await table.commit(PROTOCOL, metaData([field('id', 'integer'), field('s', inner('a'))]))
    await table.commit((await table.file('a', 'id integer, s struct<a: string>', [{ id: 1, s: { a: 'x' } }])).add())
    await table.commit(metaData([ID, field('s', inner('a', 'b')), { ...NAME, nullable: false }]))
    await table.commit(
      (
        await table.file('b', 'id long, s struct<a: string, b: string>, name string', [{ id: 2, s: { a: 'y', b: 'z' }, name: 'lee' }])
      ).add(),
    )
    const rows = await (await table.open()).changes({ from: 0, columns: ['id', 's', 'name'] }).toArray()
    expect(rows).toEqual([
      { id: 1n, s: { a: 'x', b: null }, name: null },
      { id: 2n, s: { a: 'y', b: 'z' }, name: 'lee' },
    ])
    // The range ends where the schema was still the old one.
    expect(await (await table.open()).changes({ from: 0, to: 1, columns: ['id', 's'] }).toArray()).toEqual([{ id: 1, s: { a: 'x' } }])
  })

  test('is refused by version and column where a column is gone or has another type, unless it is not asked for', async () => {
    const table = await idTable(NAME)
    await table.commit((await table.file('a', 'id long, name string', [{ id: 1, name: 'kim' }])).add())
    await table.commit(metaData([ID, field('score', 'double')]))
    const gone = await failure(table.idsOf({ from: 1 }))
    expect(gone).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { version: 1, columns: ['name'] } })
    expect(gone.message).toContain('version 1')
    expect(await (await table.open()).changes({ from: 1, columns: ['id', 'score'] }).toArray()).toEqual([{ id: 1n, score: null }])
    expect(await table.idsOf({ from: 1, to: 1 })).toEqual(['+1@1'])
    await table.commit(metaData([field('id', 'string'), field('score', 'double')]))
    expect(await failure(table.idsOf({ from: 2 }))).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { version: 2, columns: ['id'] } })
  })

  test('is looked at before the first version too, where that removes rows of the older schema', async () => {
    const table = await idTable(NAME)
    const file = await table.file('a', 'id long, name string', [{ id: 1, name: 'kim' }])
    await table.commit(file.add())
    await table.commit(metaData([ID]), file.remove())
    expect(await failure(table.idsOf({ from: 2 }))).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { version: 2, columns: ['name'] } })
    expect(await table.idsOf({ from: 2, columns: ['id', '_change_type', '_commit_version'] })).toEqual(['-1@2'])
  })

  test('is read through column mapping; a renamed column is refused, also when only it is asked for', async () => {
    for (const mode of ['name', 'id']) {
      const table = new ChangeTable()
      const configuration = { 'delta.columnMapping.mode': mode }
      const id = mapped('id', 1, 'col-1', 'long')
      await table.commit(PROTOCOL, metaData([id, mapped('name', 2, 'col-2', 'string')], { configuration }))
      if (mode === 'name') {
        const file = await table.file('a', '`col-1` long, `col-2` string', [{ 'col-1': 1, 'col-2': 'kim' }])
        const cdc = await table.file('c', '`col-1` long, `col-2` string, _change_type string', [
          { 'col-1': 2, 'col-2': 'lee', _change_type: 'delete' },
        ])
        await table.commit(file.add())
        await table.commit(cdc.cdc())
        const rows = await (await table.open()).changes({ from: 0, columns: ['name', '_change_type'] }).toArray()
        expect(rows).toEqual([
          { name: 'kim', _change_type: 'insert' },
          { name: 'lee', _change_type: 'delete' },
        ])
      }
      await table.commit(metaData([id, mapped('player', 2, 'col-2', 'string')], { configuration }))
      for (const columns of [undefined, ['player']]) {
        const error = await failure((await table.open()).changes({ from: 0, ...(columns === undefined ? {} : { columns }) }).toArray())
        expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { version: 0, columns: ['name'] } })
        expect(error.message).toContain('renamed to player')
      }
      // A column made anew under an old name is another column.
      await table.commit(metaData([id, mapped('player', 3, 'col-3', 'string')], { configuration }))
      const error = await failure((await table.open()).changes({ from: (await table.commit()) - 2 }).plan())
      expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { columns: ['player'] } })
    }
  })
})

describe('partitions', () => {
  test('of removes that say nothing but their path are those of the version before', async () => {
    const table = new ChangeTable()
    await table.commit(PROTOCOL, metaData([ID, field('day', 'date')], { partitionColumns: ['day'] }))
    const files: StoredFile[] = []
    for (const day of [1, 2, 3]) {
      const partitionValues = { day: `2026-01-0${day}` }
      files.push(await table.file(`day=2026-01-0${day}/f`, 'id long', ids(day), { partitionValues }))
    }
    const [a, b, c] = files as [StoredFile, StoredFile, StoredFile]
    await table.commit(a.add(), b.add(), c.add())
    await table.commit(a.bareRemove())
    await table.commit(b.bareRemove(), c.bareRemove())
    const rows = await (await table.open()).changes({ from: 2, columns: ['id', 'day', '_change_type', '_commit_version'] }).toArray()
    expect(rows).toEqual([
      { id: 1n, day: '2026-01-01', _change_type: 'delete', _commit_version: 2n },
      { id: 2n, day: '2026-01-02', _change_type: 'delete', _commit_version: 3n },
      { id: 3n, day: '2026-01-03', _change_type: 'delete', _commit_version: 3n },
    ])
    await table.commit(c.bareRemove())
    expect(await failure(table.idsOf({ from: 4 }))).toMatchObject({ code: 'CORRUPT_LOG', facts: { version: 4, path: c.path } })
  })

  test('may change with the schema: removed files are read by their own', async () => {
    const table = new ChangeTable()
    const fields = [ID, field('p', 'integer')]
    await table.commit(PROTOCOL, metaData(fields, { partitionColumns: ['p'] }))
    const apart = await table.file('p=5/a', 'id long', ids(1), { partitionValues: { p: '5' } })
    const together = await table.file('b', 'id long, p integer', [{ id: 1, p: 6 }])
    await table.commit(apart.add())
    await table.commit(metaData(fields), apart.remove(), together.add())
    await table.commit(metaData(fields, { partitionColumns: ['p'] }), together.remove(), apart.add())
    const rows = await (await table.open()).changes({ from: 2, columns: ['p', '_change_type', '_commit_version'] }).toArray()
    expect(rows.map((row) => `${row._change_type} ${row.p} ${row._commit_version}`)).toEqual([
      'delete 5 2',
      'insert 6 2',
      'delete 6 3',
      'insert 5 3',
    ])
  })
})

describe('a filter', () => {
  test('sees the columns of the table and of the feed, and files that cannot match are not opened', async () => {
    const table = new ChangeTable()
    await table.commit(PROTOCOL, metaData([ID, field('p', 'integer')], { partitionColumns: ['p'] }))
    const [a, b] = [
      await table.file('p=1/a', 'id long', ids(1, 2), { partitionValues: { p: '1' } }),
      await table.file('p=2/b', 'id long', ids(3, 4), { partitionValues: { p: '2' } }),
    ]
    await table.commit(a.add())
    await table.commit(a.remove(), b.add())
    await table.storage.delete(a.path)
    expect(await table.idsOf({ from: 0, where: 'p = 2 AND id > 3' })).toEqual(['+4@2'])
    expect(await table.idsOf({ from: 0, where: "_commit_version = 2 AND _change_type = 'insert'" })).toEqual(['+3@2', '+4@2'])
    expect((await failure(table.idsOf({ from: 0, where: 'id > 3' }))).code).toBe('MISSING_FILE')
    const plan = await (await table.open()).changes({ from: 0, where: 'p = 2', columns: ['id'] }).plan()
    expect(plan.versions.map(({ insertedFiles, deletedFiles, skippedFiles }) => [insertedFiles, deletedFiles, skippedFiles])).toEqual([
      [0, 0, 0],
      [0, 0, 1],
      [1, 0, 1],
    ])
    expect([plan.numFiles, plan.bytesToRead]).toEqual([1, b.size])
    expect(plan.output.fields.map((column) => column.name)).toEqual(['id'])
  })

  test('and columns that the feed does not have are refused by name', async () => {
    const table = await idTable()
    expect(await failure(table.idsOf({ from: 0, columns: ['id', 'nope'] }))).toMatchObject({
      code: 'INVALID_OPTIONS',
      facts: { columns: ['nope'] },
    })
    expect((await failure(table.idsOf({ from: 0, where: 'nope = 1' }))).code).toBe('INVALID_OPTIONS')
  })

  test('is in the plan that people read', async () => {
    const table = await idTable()
    await table.commit((await table.file('a', 'id long', ids(1))).add())
    const text = await (await table.open()).changes({ from: 0, where: 'id > 0' }).explain()
    expect(text).toContain('changes of versions 0 to 1')
    expect(text).toContain('id > 0')
    expect(text).toContain('version 0: no changes')
    expect(text).toContain('version 1: files 1 inserted')
  })
})
