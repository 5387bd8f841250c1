// Vacuum: what goes, and above all what stays.
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, long, memoryStorage, openTable, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { vacuum } from '../../src/compaction/index.js'
import type { Action } from '../../src/log/actions.js'
import { formatCommit } from '../../src/log/commit-json.js'
import { commitPath } from '../../src/log/file-names.js'
import { type ManualRuntime, manualRuntime } from '../support/manual-runtime.js'

const columns = schema({ id: long(), p: string() })
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

interface Rig {
  readonly storage: Storage
  readonly runtime: ManualRuntime
  readonly table: Table<unknown, never>
  readonly append: (id: bigint, p?: string) => Promise<void>
  readonly paths: () => Promise<string[]>
}

async function rig(partitionBy: readonly string[] = []): Promise<Rig> {
  const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
  const storage = memoryStorage({ runtime })
  const made = await createTable(storage, { schema: columns, runtime, partitionBy })
  return {
    storage,
    runtime,
    table: made as unknown as Table<unknown, never>,
    append: async (id, p = 'x') => void (await made.append([{ id, p }])),
    paths: async () => {
      const found: string[] = []
      for await (const page of storage.list('', { recursive: true })) found.push(...page.map(({ path }) => path))
      return found.filter((path) => !path.startsWith('_delta_log/'))
    },
  }
}

const overwrite = (table: Table<unknown, never>, id: bigint): Promise<unknown> =>
  (table as unknown as Table<unknown, object>).overwrite([{ id, p: 'x' }])

async function operations(storage: Storage): Promise<string[]> {
  return (await (await openTable(storage)).history()).map(({ info }) => String(info?.operation))
}

describe('vacuum', () => {
  test('takes away the temporaries of writers that died a day ago, and no younger ones', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'alluvium-vacuum-'))
    try {
      const table = await createTable(folder, { schema: columns })
      const temporary = (name: string): string => `${name}.0b5d7c0e-6c3f-4f6e-9a55-0123456789ab.tmp`
      for (const [name, hours] of [
        ['_delta_log/.00000000000000000001.json', 25],
        ['.part-00000.parquet', 25],
        ['.part-00001.parquet', 23],
      ] as const) {
        const path = join(folder, temporary(name))
        writeFileSync(path, 'torn')
        utimesSync(path, new Date(Date.now() - hours * HOUR_MS), new Date(Date.now() - hours * HOUR_MS))
      }
      const left = (): string[] =>
        [...readdirSync(folder), ...readdirSync(join(folder, '_delta_log'))].filter((name) => name.endsWith('.tmp'))
      await vacuum(table as never, { dryRun: true })
      await vacuum(table as never, { mode: 'lite' })
      expect(left()).toHaveLength(3)
      await vacuum(table as never)
      expect(left()).toEqual([temporary('.part-00001.parquet')])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('deletes files that left the table before the retention began, and files that never were in it', async () => {
    const { storage, runtime, table, append, paths } = await rig()
    await append(1n)
    await storage.put('part-of-nobody.parquet', new Uint8Array(3))
    const before = await paths()
    await runtime.advance(DAY_MS)
    await overwrite(table, 2n)
    const old = before
    await runtime.advance(6 * DAY_MS)
    // Removed six days ago: within the table's own week.
    expect((await vacuum(table)).paths).toEqual([])
    await runtime.advance(2 * DAY_MS)
    const dry = await vacuum(table, { dryRun: true })
    expect([...dry.paths].sort()).toEqual([...old].sort())
    expect(await paths()).toEqual(expect.arrayContaining(old))
    const done = await vacuum(table)
    expect(done).toMatchObject({ paths: dry.paths, bytes: dry.bytes, filesSeen: 3, versions: [3, 4] })
    expect((await paths()).length).toBe(1)
    expect(await operations(storage)).toEqual(['VACUUM END', 'VACUUM START', 'WRITE', 'WRITE', 'CREATE TABLE'])
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ id: 2n, p: 'x' }])
  })

  test('leaves files alone that are young: a writer may be about to commit them', async () => {
    const { storage, runtime, table, paths } = await rig()
    await storage.put('being-written.parquet', new Uint8Array(3))
    await runtime.advance(6 * DAY_MS)
    expect((await vacuum(table)).paths).toEqual([])
    expect(await paths()).toEqual(['being-written.parquet'])
  })

  test('refuses a retention shorter than the table’s own, unless it is forced', async () => {
    const { runtime, table, append } = await rig()
    await append(1n)
    await overwrite(table, 2n)
    await runtime.advance(2 * HOUR_MS)
    await expect(vacuum(table, { retentionMs: HOUR_MS })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    expect((await vacuum(table, { retentionMs: HOUR_MS, forceRetention: true })).paths.length).toBe(1)
  })

  test('touches no hidden file and nothing of the log, but partitions whose names begin with an underscore', async () => {
    const { storage, runtime, table } = await rig()
    const hidden = ['_temporary/a.parquet', '.hidden', 'x/_y/b.parquet', '_delta_log/old.json', '_DELTA_LOG/z.json']
    for (const path of [...hidden, '_change_data/c.parquet']) await storage.put(path, new Uint8Array(1))
    await runtime.advance(30 * DAY_MS)
    expect((await vacuum(table)).paths).toEqual(['_change_data/c.parquet'])
    for (const path of hidden) expect(await storage.stat(path), path).toBeDefined()
  })

  test('keeps what the log names in any spelling, absolute paths into the table and deletion vectors among it', async () => {
    const { storage, runtime, table } = await rig()
    const vector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 1, sizeInBytes: 4, cardinality: 1 }
    const file = (path: string, more: object = {}): Action =>
      ({ kind: 'add', path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...more }) as Action
    const named = ['a%20b.parquet', 'c d.parquet', 'p=%25x/e.parquet', `${storage.location}/inside.parquet`]
    await storage.put(commitPath(1), formatCommit([...named.map((path) => file(path)), file('with-vector', { deletionVector: vector })]))
    // The vector's file is the protocol's own example.
    const vectorFile = 'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
    const kept = ['a b.parquet', 'c d.parquet', 'p=%x/e.parquet', 'inside.parquet', 'with-vector', vectorFile]
    for (const path of [...kept, 'garbage', 'ab/deletion_vector_00000000-0000-0000-0000-000000000000.bin'])
      await storage.put(path, new Uint8Array(1))
    await runtime.advance(30 * DAY_MS)
    const gone = (await vacuum(table)).paths
    expect([...gone].sort()).toEqual(['ab/deletion_vector_00000000-0000-0000-0000-000000000000.bin', 'garbage'])
  })

  test('keeps the vectors and files of removals that are young, from a checkpoint too', async () => {
    const { storage, runtime, table } = await rig()
    const vector = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 1, sizeInBytes: 4, cardinality: 1 }
    const remove: Action = {
      kind: 'remove',
      path: 'gone%20a',
      deletionTimestamp: runtime.now() + 29 * DAY_MS,
      dataChange: true,
      deletionVector: vector,
    }
    await storage.put(commitPath(1), formatCommit([remove]))
    for (const path of ['gone a', 'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin']) await storage.put(path, new Uint8Array(1))
    await runtime.advance(30 * DAY_MS)
    await table.checkpoint()
    await storage.delete(commitPath(0))
    expect((await vacuum((await openTable(storage, { runtime })) as unknown as Table<unknown, never>)).paths).toEqual([])
    await runtime.advance(7 * DAY_MS)
    expect((await vacuum(table)).paths.length).toBe(2)
  })

  test('is refused for a table that must not be written, and deletes nothing', async () => {
    const { storage, runtime, table } = await rig()
    const protocol: Action = { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['fancyFeature'] }
    await storage.put(commitPath(1), formatCommit([protocol]))
    await storage.put('garbage', new Uint8Array(1))
    await runtime.advance(30 * DAY_MS)
    await expect(vacuum(table)).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    expect(await storage.stat('garbage')).toBeDefined()
  })

  test('deletes more files than a call takes arguments', async () => {
    const { storage, runtime } = await rig()
    await runtime.advance(30 * DAY_MS)
    const orphans = Array.from({ length: 200_000 }, (_, n) => ({ path: `orphan-${n}.parquet`, sizeBytes: 1, modifiedMs: 0 }))
    const full = new Proxy(storage, {
      get: (target, key) => {
        const own = Reflect.get(target, key, target) as unknown
        if (key !== 'list') return typeof own === 'function' ? own.bind(target) : own
        return async function* (...args: Parameters<Storage['list']>) {
          yield* target.list(...args)
          if (args[0] === '') yield orphans
        }
      },
    })
    const result = await vacuum((await openTable(full, { runtime, upkeep: 'none' })) as unknown as Table<unknown, never>)
    expect([result.paths.length, result.bytes]).toEqual([200_000, 200_000])
  })

  test('keeps what a restore has brought back while it was looking', async () => {
    const { storage, runtime, table, append } = await rig()
    await append(1n)
    await overwrite(table, 2n)
    await runtime.advance(30 * DAY_MS)
    const old = (await vacuum(table, { dryRun: true })).paths[0] as string
    // Between the look and the announcement somebody names the file again.
    const racing = new Proxy(storage, {
      get: (target, key) => {
        const own = Reflect.get(target, key, target) as unknown
        if (key !== 'create') return typeof own === 'function' ? own.bind(target) : own
        return async (path: string, bytes: Uint8Array) => {
          if (path === commitPath(3)) {
            await target.create(
              path,
              formatCommit([{ kind: 'add', path: old, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }]),
            )
            return 'exists'
          }
          return target.create(path, bytes)
        }
      },
    })
    const result = await vacuum((await openTable(racing, { runtime, upkeep: 'none' })) as unknown as Table<unknown, never>)
    expect(result.paths).toEqual([])
    expect(await storage.stat(old)).toBeDefined()
  })
})

describe('a lite vacuum', () => {
  test('deletes what the log says left, and sees no stray file', async () => {
    const { storage, runtime, table, append, paths } = await rig()
    await append(1n)
    await storage.put('stray.parquet', new Uint8Array(1))
    await overwrite(table, 2n)
    await runtime.advance(30 * DAY_MS)
    expect((await vacuum(table, { mode: 'lite' })).paths.length).toBe(1)
    expect(await paths()).toContain('stray.parquet')
    // The next one begins where this one ended.
    await overwrite(table, 3n)
    await runtime.advance(30 * DAY_MS)
    await table.checkpoint()
    await storage.delete(commitPath(0))
    expect((await vacuum(table, { mode: 'lite' })).paths.length).toBe(1)
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ id: 3n, p: 'x' }])
  })

  test('is refused where the log no longer tells', async () => {
    const { storage, runtime, table, append } = await rig()
    await append(1n)
    await table.checkpoint()
    await overwrite(table, 2n)
    await storage.delete(commitPath(0))
    await runtime.advance(30 * DAY_MS)
    await expect(vacuum(table, { mode: 'lite' })).rejects.toMatchObject({ code: 'INVALID_OPTIONS', facts: { version: 0 } })
  })
})
