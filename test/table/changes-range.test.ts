// Which versions a feed covers, when they were committed, and what stands in the way of reading them.
import { memoryStorage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { commitPath } from '../../src/log/index.js'
import { manualRuntime } from '../support/manual-runtime.js'
import { ChangeTable, failure, ids, idTable, metaData, PROTOCOL, type StoredFile } from './change-tables.js'
import { field } from './raw-table.js'

const ID = field('id', 'long')

describe('the feed', () => {
  test('must have been on at every version of the range; the error says where it was not', async () => {
    const table = new ChangeTable()
    const off = metaData([ID], { configuration: { 'delta.enableChangeDataFeed': 'false' } })
    const file = await table.file('a', 'id long', ids(1))
    const again = await table.file('b', 'id long', ids(2))
    await table.commit(PROTOCOL, off)
    await table.commit(file.add())
    await table.commit(metaData([ID]))
    await table.commit(again.add())
    await table.commit(off)
    const refused = async (from: number, to: number): Promise<unknown> => {
      const { code, facts, message } = await failure(table.idsOf({ from, to }))
      return [code, facts.features, facts.version, facts.lastVersion, /from version \d|up to version \d|set delta/.exec(message)?.[0]]
    }
    expect(await table.idsOf({ from: 2, to: 3 })).toEqual(['+2@3'])
    expect(await refused(0, 3)).toEqual(['UNSUPPORTED_FEATURE', ['changeDataFeed'], 0, 1, 'from version 2'])
    expect(await refused(1, 1)).toEqual(['UNSUPPORTED_FEATURE', ['changeDataFeed'], 1, 1, 'set delta'])
    expect(await refused(2, 4)).toEqual(['UNSUPPORTED_FEATURE', ['changeDataFeed'], 4, 4, 'up to version 3'])
  })

  test('is refused by name where a version needs what nobody here can read', async () => {
    const table = await idTable()
    await table.commit({ protocol: { ...PROTOCOL.protocol, readerFeatures: ['deletionVectors', 'quantumRows'] } })
    await table.commit(PROTOCOL)
    expect(await failure(table.idsOf({ from: 0 }))).toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { features: ['quantumRows'] } })
    expect(await table.idsOf({ from: 2 })).toEqual([])
  })

  test('cannot be read of a table whose own columns have its names', async () => {
    const table = new ChangeTable()
    await table.commit(PROTOCOL, metaData([ID, field('_Commit_Version', 'long')]))
    expect(await failure(table.idsOf({ from: 0 }))).toMatchObject({ code: 'SCHEMA_MISMATCH', facts: { columns: ['_Commit_Version'] } })
  })

  test('reads a file that is gone as an error that names it, whichever action it is of', async () => {
    for (const [n, action] of (['add', 'remove', 'cdc'] as const).entries()) {
      const table = await idTable()
      const file = await table.file(`gone${n}`, 'id long', ids(1))
      await table.storage.delete(file.path)
      await table.commit(file[action]())
      expect(await failure(table.idsOf({ from: 1 }))).toMatchObject({ code: 'MISSING_FILE', facts: { path: file.path } })
    }
    const table = await idTable()
    const file = await table.file('bare', 'id long', ids(1))
    await table.storage.delete(file.path)
    await table.commit(file.bareRemove())
    expect(await failure(table.idsOf({ from: 1 }))).toMatchObject({ code: 'MISSING_FILE', facts: { path: file.path } })
  })

  test('stops when the caller aborts', async () => {
    const table = await idTable()
    await table.commit((await table.file('a', 'id long', ids(1, 2, 3))).add())
    const controller = new AbortController()
    const rows = (await table.open()).changes({ from: 0, batchRows: 1, signal: controller.signal }).batches()
    expect((await rows.next()).done).toBe(false)
    controller.abort()
    expect((await failure(rows.next())).code).toBe('ABORTED')
  })
})

describe('a range', () => {
  async function fiveVersions(): Promise<ChangeTable> {
    const runtime = manualRuntime({ startMs: 1_000_000 })
    const table = new ChangeTable(memoryStorage({ runtime }))
    await table.commit(PROTOCOL, metaData([ID]))
    for (let id = 1; id <= 4; id++) {
      await runtime.advance(1000)
      const file = await table.file(`f${id}`, 'id long', ids(id))
      await table.commit(file.add())
    }
    return table
  }

  test('has both its ends, and ends at the latest version when nothing else is said', async () => {
    const table = await fiveVersions()
    expect(await table.idsOf({ from: 2, to: 3 })).toEqual(['+2@2', '+3@3'])
    expect(await table.idsOf({ from: 4 })).toEqual(['+4@4'])
    expect(await table.idsOf({ from: 0, to: 0 })).toEqual([])
  })

  test('beyond the versions that are there is VERSION_NOT_FOUND; backwards or no version at all is a mistake', async () => {
    const table = await fiveVersions()
    expect(await failure(table.idsOf({ from: 5 }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 5, latest: 4 } })
    expect(await failure(table.idsOf({ from: 1, to: 9 }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 9, latest: 4 } })
    expect((await failure(table.idsOf({ from: 3, to: 2 }))).code).toBe('INVALID_OPTIONS')
    expect((await failure(table.idsOf({ from: 'yesterday' }))).code).toBe('INVALID_OPTIONS')
    for (const from of [-1, 1.5, Number.NaN, 2 ** 53]) await expect(table.idsOf({ from })).rejects.toThrow(RangeError)
  })

  test('in times begins with the first version at or after one and ends with the last at or before the other', async () => {
    const table = await fiveVersions()
    const at = (ms: number): Date => new Date(1_000_000 + ms)
    expect(await table.idsOf({ from: at(1000), to: at(2999) })).toEqual(['+1@1', '+2@2'])
    expect(await table.idsOf({ from: at(1001), to: at(3000) })).toEqual(['+2@2', '+3@3'])
    expect(await table.idsOf({ from: at(-5000), to: at(1500) })).toEqual(['+1@1'])
    expect(await table.idsOf({ from: at(4000), to: at(99_000) })).toEqual(['+4@4'])
    // Microseconds after a commit are after it.
    expect(await table.idsOf({ from: '1970-01-01T00:16:42.000001Z', to: 3 })).toEqual(['+3@3'])
    expect(await failure(table.idsOf({ from: at(4001) }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { latest: 4 } })
    expect((await failure(table.idsOf({ from: 0, to: at(-1) }))).code).toBe('VERSION_NOT_FOUND')
  })

  test('below a log that was cleaned says so, with the earliest version that is known', async () => {
    const table = await fiveVersions()
    await table.checkpoint(2)
    const remove = (version: number): Promise<void> => table.storage.delete(commitPath(version))
    await remove(0)
    // Version 1 has its commit, but nothing says any more what the table was then.
    expect(await failure(table.idsOf({ from: 0 }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 0, earliest: 1 } })
    expect(await failure(table.idsOf({ from: 1 }))).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 1, earliest: 2 } })
    await remove(1)
    expect(await table.idsOf({ from: 2 })).toEqual(['+2@2', '+3@3', '+4@4'])
    await remove(2)
    // Version 2 can still be read, what it changed cannot.
    expect(await (await (await table.open()).snapshot({ version: 2 })).scan().count()).toBe(2)
    const cleaned = await failure(table.idsOf({ from: 2 }))
    expect(cleaned).toMatchObject({ code: 'VERSION_NOT_FOUND', facts: { version: 2, earliest: 3 } })
    expect(cleaned.message).toContain('cleaned')
    expect(await table.idsOf({ from: 3 })).toEqual(['+3@3', '+4@4'])
    expect(await table.idsOf({ from: new Date(0), to: 3 })).toEqual(['+3@3'])
  })

  test('may be read again and again, by a handle that is older or newer than it', async () => {
    const table = await fiveVersions()
    const old = await table.open()
    const file = await table.file('f5', 'id long', ids(5))
    await table.commit(file.add())
    const changes = old.changes({ from: 4, columns: ['id'] })
    expect(await changes.toArray()).toEqual([{ id: 4n }, { id: 5n }])
    await table.commit((await table.file('f6', 'id long', ids(6))).add())
    expect(await changes.toArray()).toEqual([{ id: 4n }, { id: 5n }])
    expect(await old.changes({ from: 6, columns: ['id'] }).toArray()).toEqual([{ id: 6n }])
    expect(await old.changes({ from: 5, columns: ['id'] }).toArray()).toEqual([{ id: 5n }, { id: 6n }])
    // Between what the handle knows and the range, the table changed.
    await table.commit(metaData([ID, field('name', 'string')]))
    await table.commit((await table.file('f7', 'id long, name string', [{ id: 7, name: 'kim' }])).add())
    expect(await old.changes({ from: 8, columns: ['id', 'name'] }).toArray()).toEqual([{ id: 7n, name: 'kim' }])
    await table.commit({ protocol: { ...PROTOCOL.protocol, readerFeatures: ['quantumRows'] } })
    await table.commit()
    expect(await failure(old.changes({ from: 10 }).plan())).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      facts: { features: ['quantumRows'] },
    })
    await table.commit(PROTOCOL)
    expect(await old.changes({ from: 11 }).toArray()).toEqual([])
  })
})

describe('commit times', () => {
  test('are those of the commit files, made to rise', async () => {
    const runtime = manualRuntime({ startMs: 5000 })
    const table = new ChangeTable(memoryStorage({ runtime }))
    await table.commit(PROTOCOL, metaData([ID]))
    for (const id of [1, 2]) {
      const file = await table.file(`f${id}`, 'id long', ids(id))
      await table.commitWith({ operation: 'TEST', timestamp: 1, inCommitTimestamp: 2 }, file.add())
    }
    const rows = await (await table.open()).changes({ from: 1, columns: ['_commit_timestamp'] }).toArray({ timestamps: 'micros' })
    // All three files have the same modification time.
    expect(rows).toEqual([{ _commit_timestamp: 5_001_000n }, { _commit_timestamp: 5_002_000n }])
  })

  test('are in-commit timestamps from the version on that enabled them', async () => {
    const runtime = manualRuntime({ startMs: 5000 })
    const table = new ChangeTable(memoryStorage({ runtime }))
    await table.commit(PROTOCOL, metaData([ID]))
    const files = await Promise.all([1, 2, 3].map((id) => table.file(`f${id}`, 'id long', ids(id))))
    const [a, b, c] = files as [StoredFile, StoredFile, StoredFile]
    await table.commit(a.add())
    const enabled = {
      'delta.enableInCommitTimestamps': 'true',
      'delta.inCommitTimestampEnablementVersion': '2',
      'delta.inCommitTimestampEnablementTimestamp': '777000',
    }
    await table.commitWith({ inCommitTimestamp: 777_000 }, metaData([ID], { configuration: enabled }), b.add())
    await table.commitWith({ inCommitTimestamp: 999_000 }, c.add())
    const opened = await table.open()
    const rows = await opened.changes({ from: 0 }).toArray()
    expect(rows.map((row) => [row.id, row._commit_timestamp.getTime()])).toEqual([
      [1n, 5001],
      [2n, 777_000],
      [3n, 999_000],
    ])
    expect(await opened.changes({ from: new Date(777_001), columns: ['id'] }).toArray()).toEqual([{ id: 3n }])
  })
})
