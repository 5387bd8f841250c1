// Tables that track rows, written by us (PROTOCOL.md, "Row Tracking"): ids are unique and never given twice, whoever wins
// which race, and the high-water mark is in the log with them.
// Holds C9 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import { long, schema } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { createTable, openTable, type Table } from '../../src/table/index.js'

const rows = schema({ id: long() })
const TRACKED = { 'delta.enableRowTracking': 'true' }
const MARK = 'delta.rowTracking'

interface Line {
  commitInfo?: { operation: string; tags?: Record<string, string> }
  protocol?: { writerFeatures?: string[] }
  metaData?: { configuration: Record<string, string> }
  add?: { path: string; stats: string; dataChange: boolean; baseRowId?: number; defaultRowCommitVersion?: number }
  remove?: { path: string; baseRowId?: number; defaultRowCommitVersion?: number }
  domainMetadata?: { domain: string; configuration: string; removed: boolean }
}

async function log(storage: Storage): Promise<Line[][]> {
  const commits: Line[][] = []
  for (;;) {
    const bytes = await storage.read(`_delta_log/${String(commits.length).padStart(20, '0')}.json`)
    if (bytes === undefined) return commits
    commits.push(
      new TextDecoder()
        .decode(bytes)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line),
    )
  }
}

const some = (from: number, count: number): { id: number }[] => Array.from({ length: count }, (_, i) => ({ id: from + i }))

/** Replays the log by the protocol alone: every live row has one id, and no id above the mark was ever given. */
async function expectSoundIds(storage: Storage): Promise<Map<string, number>> {
  const live = new Map<string, { base: number; count: number; version: number }>()
  const given = new Set<number>()
  let mark = -1
  const commits = await log(storage)
  commits.forEach((commit, version) => {
    const before = mark
    for (const { domainMetadata } of commit)
      if (domainMetadata?.domain === MARK)
        mark = (JSON.parse(domainMetadata.configuration) as { rowIdHighWaterMark: number }).rowIdHighWaterMark
    for (const { remove } of commit) {
      if (remove === undefined) continue
      const was = live.get(remove.path)
      expect([remove.baseRowId, remove.defaultRowCommitVersion]).toEqual([was?.base, was?.version])
      live.delete(remove.path)
    }
    for (const { add } of commit) {
      if (add?.baseRowId === undefined) continue
      const count = (JSON.parse(add.stats) as { numRecords: number }).numRecords
      expect(add.defaultRowCommitVersion).toBe(version)
      expect(add.baseRowId).toBeGreaterThan(before)
      expect(add.baseRowId + count - 1).toBeLessThanOrEqual(mark)
      for (let id = add.baseRowId; id < add.baseRowId + count; id++) {
        expect(given.has(id), `row id ${id} in version ${version}`).toBe(false)
        given.add(id)
      }
      live.set(add.path, { base: add.baseRowId, count, version })
    }
  })
  return new Map([...live].map(([path, { base }]) => [path, base]))
}

async function tracked(): Promise<{ storage: Storage; table: Table<{ id: bigint | null }> }> {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: rows, properties: TRACKED })
  return { storage, table: table as unknown as Table<{ id: bigint | null }> }
}

describe('a table that tracks rows', () => {
  test('is made with the features and the names that it needs', async () => {
    const { storage } = await tracked()
    const first = (await log(storage))[0] as Line[]
    expect(first.find(({ protocol }) => protocol)?.protocol?.writerFeatures).toEqual(
      expect.arrayContaining(['rowTracking', 'domainMetadata']),
    )
    const configuration = first.find(({ metaData }) => metaData)?.metaData?.configuration ?? {}
    const materialized = Object.keys(configuration).filter((key) => key.includes('materialized'))
    expect(materialized.sort()).toEqual([
      'delta.rowTracking.materializedRowCommitVersionColumnName',
      'delta.rowTracking.materializedRowIdColumnName',
    ])
    expect(new Set(materialized.map((key) => configuration[key])).size).toBe(2)
  })

  test('gives ids one after another, and says how far', async () => {
    const { storage, table } = await tracked()
    await table.append(some(0, 3))
    await table.append(some(3, 2))
    const [, first, second] = (await log(storage)) as [Line[], Line[], Line[]]
    expect(first.find(({ add }) => add)?.add).toMatchObject({ baseRowId: 0, defaultRowCommitVersion: 1 })
    expect(second.find(({ add }) => add)?.add).toMatchObject({ baseRowId: 3, defaultRowCommitVersion: 2 })
    expect(second.find(({ domainMetadata }) => domainMetadata)?.domainMetadata).toEqual({
      domain: MARK,
      configuration: '{"rowIdHighWaterMark":4}',
      removed: false,
    })
    expect(second[0]?.commitInfo?.tags).toEqual({ 'delta.rowTracking.preserved': 'true' })
  })

  test('never gives one twice, whatever races are lost', async () => {
    const { storage, table } = await tracked()
    const writers = await Promise.all(Array.from({ length: 6 }, () => openTable(storage)))
    // Without sharing every commit but one loses its race, and is numbered anew.
    await Promise.all(writers.flatMap((writer, w) => [1, 2, 3].map((count) => writer.append(some(w * 10, count), { shareCommit: false }))))
    await Promise.all(writers.map((writer, w) => writer.append(some(w * 10, 4))))
    await expectSoundIds(storage)
    expect(await table.scan().count()).toBe(6 * (1 + 2 + 3 + 4))
  })

  test('keeps the ids with what is removed, and gives new ones to what replaces it', async () => {
    const { storage, table } = await tracked()
    await table.append(some(0, 3))
    await table.append(some(3, 2))
    await table.overwrite(some(0, 4))
    const live = await expectSoundIds(storage)
    expect([...live.values()]).toEqual([5])
    expect((await log(storage)).at(-1)?.[0]?.commitInfo?.tags).toEqual({ 'delta.rowTracking.preserved': 'false' })
  })

  test('shows the ids to its readers', async () => {
    const { table } = await tracked()
    await table.append(some(0, 2))
    await table.append(some(2, 2))
    const ids = await (await table.snapshot()).scan({ rowIds: true } as never).toArray()
    expect(
      ids.map((row) => [
        (row as never as { _row_id: bigint })._row_id,
        (row as never as { _row_commit_version: bigint })._row_commit_version,
      ]),
    ).toEqual([
      [0n, 1n],
      [1n, 1n],
      [2n, 2n],
      [3n, 2n],
    ])
  })

  test('refuses files that rearrange rows without their ids, and files that do not say how many rows they have', async () => {
    const { table } = await tracked()
    await table.append(some(0, 2))
    const files = async () => {
      const all = []
      for await (const file of (await table.snapshot()).files()) all.push(file)
      return all
    }
    const [file] = await files()
    const compaction = await table.transaction()
    compaction.addFiles([{ ...(file as NonNullable<typeof file>), path: 'compacted', dataChange: false }])
    // A file that has ids already is known; this one is new.
    await expect(compaction.commit()).resolves.toBeDefined()
    const losing = await table.transaction()
    const { baseRowId: _, defaultRowCommitVersion: __, ...anonymous } = file as NonNullable<typeof file>
    losing.addFiles([{ ...anonymous, path: 'compacted-2', dataChange: false }])
    await expect(losing.commit()).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { committed: false } })
    const uncounted = await table.transaction()
    const { stats: ___, ...without } = anonymous
    uncounted.addFiles([{ ...without, path: 'uncounted', dataChange: true }])
    await expect(uncounted.commit()).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED', facts: { path: 'uncounted' } })
  })
})

describe('tracking rows of a table that is there already', () => {
  test('gives ids to the files that it has, in the commit that begins it', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: rows })
    await table.append(some(0, 3))
    await table.append(some(3, 4))
    await table.setProperties(TRACKED)
    await table.append(some(7, 1))
    const live = await expectSoundIds(storage)
    expect([...live.values()]).toEqual([0, 3, 7])
    const begun = (await log(storage))[3] as Line[]
    expect(begun.flatMap(({ add }) => add?.dataChange ?? [])).toEqual([false, false])
    expect(await table.scan().count()).toBe(8)
  })

  test('is a conflict with an append that comes first, whose files would have no ids', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: rows })
    await table.append(some(0, 3))
    const stale = await openTable(storage)
    const late = { ...storage, location: storage.location } as Storage
    for (const name of ['read', 'readRange', 'stat', 'list', 'put', 'write', 'delete', 'create'] as const) {
      ;(late as unknown as Record<string, unknown>)[name] = (storage[name] as (...args: unknown[]) => unknown).bind(storage)
    }
    // The append slips in while the property is on its way.
    let slipped = false
    ;(late as unknown as { create: Storage['create'] }).create = async (...args) => {
      if (!slipped) {
        slipped = true
        await stale.append(some(3, 1))
      }
      return storage.create(...args)
    }
    const slow = await openTable(Object.assign(late, { capabilities: storage.capabilities }))
    await expect(slow.setProperties(TRACKED)).rejects.toMatchObject({
      code: 'COMMIT_CONFLICT',
      facts: { rule: 'concurrent-append', committed: false },
    })
    await table.setProperties(TRACKED)
    expect([...(await expectSoundIds(storage)).values()]).toEqual([0, 3])
  })

  test('an append that began before it is committed with ids', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: rows })
    await table.append(some(0, 2))
    const stale = await openTable(storage)
    await table.setProperties(TRACKED)
    // Row 2b of the conflict matrix: enabling row tracking is adopted, and the commit is numbered on top of it.
    await stale.append(some(2, 2))
    expect([...(await expectSoundIds(storage)).values()]).toEqual([0, 2])
  })

  test('that is suspended gives none', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, {
      schema: rows,
      properties: { 'delta.feature.rowTracking': 'supported', 'delta.rowTrackingSuspended': 'true' },
    })
    await table.append(some(0, 2))
    expect((await log(storage))[1]?.find(({ add }) => add)?.add).not.toHaveProperty('baseRowId')
  })

  test('that is supported but not enabled gives them all the same', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: rows, properties: { 'delta.feature.rowTracking': 'supported' } })
    await table.append(some(0, 2))
    expect([...(await expectSoundIds(storage)).values()]).toEqual([0])
  })
})
