// Vacuum by an inventory: the files are listed by somebody else, what may go is said by the log alone.
import { createTable, isAlluviumError, long, memoryStorage, type Storage, schema, type Table, vacuum } from 'alluvium'
import { describe, expect, test, vi } from 'vitest'
import type { InventoryFile } from '../../src/compaction/index.js'
import { type ManualRuntime, manualRuntime } from '../support/manual-runtime.js'

const DAY_MS = 86_400_000

async function rig(): Promise<{ storage: Storage; runtime: ManualRuntime; table: Table; old: string; live: string }> {
  const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
  const storage = memoryStorage({ runtime })
  const table = (await createTable(storage, { schema: schema({ id: long() }), runtime })) as unknown as Table
  await table.append([{ id: 1n }])
  const [old] = (await dataFiles(storage)) as [string]
  await table.overwrite([{ id: 2n }])
  const live = (await dataFiles(storage)).find((path) => path !== old) as string
  await runtime.advance(30 * DAY_MS)
  return { storage, runtime, table, old, live }
}

async function dataFiles(storage: Storage): Promise<string[]> {
  const paths: string[] = []
  for await (const page of storage.list('', { recursive: true })) paths.push(...page.map(({ path }) => path))
  return paths.filter((path) => !path.startsWith('_delta_log/')).sort()
}

const LONG_AGO = Date.UTC(2026, 0, 1)
const entry = (path: string, modifiedMs = LONG_AGO): InventoryFile => ({ path, sizeBytes: 10, modifiedMs })

describe('a vacuum by an inventory', () => {
  test('deletes what the inventory names and no version needs, and lists no folder', async () => {
    const { storage, table, old, live } = await rig()
    await storage.put('unlisted.parquet', new Uint8Array(1))
    const list = vi.spyOn(storage, 'list')
    const result = await vacuum(table, { inventory: [entry(old), entry(live), entry(old)] })
    const listed = list.mock.calls.filter(([folder]) => folder === '')
    expect(result).toMatchObject({ mode: 'inventory', paths: [old], bytes: 10, filesSeen: 3 })
    expect(await dataFiles(storage)).toEqual([live, 'unlisted.parquet'].sort())
    expect(listed).toEqual([])
  })

  test('never deletes a live file, the log, what is hidden, or anything elsewhere, whatever the inventory says', async () => {
    const { storage, table, old, live } = await rig()
    for (const path of ['_hidden/x.parquet', '.x.parquet']) await storage.put(path, new Uint8Array(1))
    const names = [
      live,
      `./${live}`,
      '_delta_log/00000000000000000000.json',
      '_DELTA_LOG/x',
      '_hidden/x.parquet',
      '.x.parquet',
      '../x',
      'a/../../x',
    ]
    const { paths } = await vacuum(table, {
      inventory: [...names, '/etc/hosts', 's3://other/x', `${storage.location}/${live}`].map((path) => entry(path)),
    })
    expect(paths).toEqual([])
    expect(await dataFiles(storage)).toEqual(['.x.parquet', '_hidden/x.parquet', old, live].sort())
  })

  test('takes absolute names of the table’s folder, and a per cent sign as it stands', async () => {
    const { storage, table } = await rig()
    for (const path of ['a%20b.parquet', 'c.parquet']) await storage.put(path, new Uint8Array(1))
    const { paths } = await vacuum(table, { inventory: [entry('a%20b.parquet'), entry(`${storage.location}/c.parquet`)] })
    expect(paths).toEqual(['a%20b.parquet', 'c.parquet'])
  })

  test('leaves alone what the inventory calls younger than the retention', async () => {
    const { runtime, table, old } = await rig()
    expect((await vacuum(table, { inventory: [entry(old, runtime.now() - 6 * DAY_MS)] })).paths).toEqual([])
  })

  test('an inventory of another table, or without times, is refused', async () => {
    const { table, old } = await rig()
    const refused = (inventory: readonly InventoryFile[]): Promise<unknown> =>
      vacuum(table, { inventory }).then(
        () => 'done',
        (error: unknown) => isAlluviumError(error, 'INVALID_OPTIONS') && error.message,
      )
    expect(await refused([entry('s3://other/t/x.parquet')])).toMatch(/none of the 1 files/)
    expect(await refused([entry(old, Number.NaN)])).toMatch(/no size or no time/)
    await expect(vacuum(table, { inventory: [], mode: 'lite' })).rejects.toThrow(TypeError)
  })
})
