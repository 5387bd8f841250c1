// Optimize: fewer and larger files, the same rows.
import { createTable, long, memoryStorage, openTable, optimize, planOptimize, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'

const columns = schema({ id: long(), p: string() })
type Row = { id: bigint; p: string }
type Events = Table<unknown, Row>

async function rig(options: { partitionBy?: readonly string[]; properties?: Record<string, string> } = {}): Promise<{
  storage: Storage
  table: Events
}> {
  const storage = memoryStorage()
  const table = (await createTable(storage, { schema: columns, ...options })) as unknown as Events
  return { storage, table }
}

const rows = async (storage: Storage, version?: number): Promise<Row[]> => {
  const snapshot = await (await openTable(storage)).snapshot(version === undefined ? {} : { version })
  const all = (await snapshot.scan().toArray()) as Row[]
  return all.sort((a, b) => Number(a.id - b.id))
}
const files = async (storage: Storage): Promise<number> => (await (await openTable(storage)).snapshot()).numFiles

describe('optimize', () => {
  test('puts small files together, and changes no row', async () => {
    const { storage, table } = await rig()
    for (let id = 0n; id < 10n; id++) await table.append([{ id, p: 'x' }])
    const before = await rows(storage)
    const result = await optimize(table)
    expect(result).toMatchObject({ filesRemoved: 10, filesRead: 10, filesWritten: 1, versions: [11], version: 11, skipped: [] })
    expect(await files(storage)).toBe(1)
    expect(await rows(storage)).toEqual(before)
    // What was before is still there.
    expect(await rows(storage, 10)).toEqual(before)
  })

  test('does nothing the second time', async () => {
    const { storage, table } = await rig({ partitionBy: ['p'] })
    for (let id = 0n; id < 12n; id++) await table.append([{ id, p: 'abc'[Number(id % 3n)] as string }])
    await optimize(table)
    expect(await files(storage)).toBe(3)
    const again = await optimize(table)
    expect(again).toMatchObject({ filesRead: 0, filesWritten: 0, versions: [], groups: [] })
    expect((await planOptimize(table)).groups).toEqual([])
  })

  test('says in the log that rows did not change', async () => {
    const { storage, table } = await rig()
    for (let id = 0n; id < 3n; id++) await table.append([{ id, p: 'x' }])
    await optimize(table)
    const log = new TextDecoder().decode((await storage.read('_delta_log/00000000000000000004.json')) as Uint8Array)
    const actions = log
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    expect(actions.filter(({ add }) => add).map(({ add }) => add.dataChange)).toEqual([false])
    expect(actions.filter(({ remove }) => remove).map(({ remove }) => remove.dataChange)).toEqual([false, false, false])
    const { commitInfo } = actions[0]
    expect(commitInfo).toMatchObject({
      operation: 'OPTIMIZE',
      operationParameters: { predicate: '[]', zOrderBy: '[]', auto: 'false' },
      operationMetrics: { numRemovedFiles: '3', numAddedFiles: '1' },
      isolationLevel: 'SnapshotIsolation',
      isBlindAppend: false,
    })
    expect(JSON.parse(actions.find(({ add }) => add).add.stats)).toMatchObject({
      numRecords: 3,
      minValues: { id: 0 },
      maxValues: { id: 2 },
    })
  })
})
