// Going back to an earlier version, checking a table against its files, and taking over what others wrote.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTable,
  localStorage,
  long,
  memoryStorage,
  openTable,
  type Storage,
  schema,
  string,
  systemRuntime,
  type Table,
} from 'alluvium'
import { describe, expect, test } from 'vitest'
import { BatchBuilder } from '../../src/arrow/index.js'
import { concatBytes } from '../../src/bytes.js'
import { cloneTable, convert, fsck, restore } from '../../src/compaction/index.js'
import { formatCommit, parseCommit } from '../../src/log/commit-json.js'
import { commitPath } from '../../src/log/file-names.js'
import { createParquetWriter } from '../../src/parquet/index.js'
import { parseColumns, type StructType } from '../../src/schema/index.js'
import { manualRuntime } from '../support/manual-runtime.js'

const columns = schema({ id: long(), p: string() })
type Any = Table<unknown, never>

async function idsOf(storage: Storage): Promise<bigint[]> {
  const rows = await (await openTable(storage)).scan().toArray()
  return rows.map((row) => (row as { id: bigint }).id).sort()
}

async function grown(properties: Record<string, string> = {}) {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: columns, properties })
  await table.append([{ id: 1n, p: 'a' }])
  await table.append([{ id: 2n, p: 'b' }], { txn: { appId: 'app', version: 5n } })
  await table.overwrite([{ id: 3n, p: 'c' }])
  await table.settled()
  return { storage, table, any: table as unknown as Any }
}

describe('restore', () => {
  test('makes the table what it was, and can itself be taken back', async () => {
    const { storage, any } = await grown()
    expect(await restore(any, { version: 2 })).toMatchObject({
      version: 4,
      restoredVersion: 2,
      filesRestored: 2,
      filesRemoved: 1,
      filesMissing: 0,
    })
    expect(await idsOf(storage)).toEqual([1n, 2n])
    await restore(any, { version: 3 })
    expect(await idsOf(storage)).toEqual([3n])
    const [last] = await (await openTable(storage)).history()
    expect(last?.info).toMatchObject({ operation: 'RESTORE', operationParameters: { version: '3', timestamp: null } })
  })

  test('brings properties and schema back, and keeps the table’s identity and everybody’s progress', async () => {
    const { storage, table, any } = await grown()
    const before = await table.snapshot()
    await table.setProperties({ 'delta.logRetentionDuration': 'interval 90 days' })
    await restore(any, { version: 1 })
    const after = await (await openTable(storage)).snapshot()
    expect(after.properties).toEqual({})
    expect(after.metadata.id).toBe(before.metadata.id)
    expect(after.positions.get('app')).toBe(5n)
    expect(await idsOf(storage)).toEqual([1n])
  })

  test('of the version that is there already changes nothing', async () => {
    const { storage, any } = await grown()
    expect(await restore(any, { version: 3 })).toMatchObject({ version: 3, filesRestored: 0, filesRemoved: 0 })
    expect(await storage.read(commitPath(4))).toBeUndefined()
  })

  test('goes by time as well', async () => {
    const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
    const storage = memoryStorage({ runtime })
    const table = await createTable(storage, { schema: columns, runtime })
    for (const id of [1n, 2n, 3n]) {
      await runtime.advance(3_600_000)
      await table.append([{ id, p: null }])
    }
    await restore(table as unknown as Any, { timestamp: '2026-01-01T02:30:00Z' })
    expect(await idsOf(storage)).toEqual([1n, 2n])
  })

  test('is refused where files of that version are gone, unless told to go on without them', async () => {
    const { storage, any } = await grown()
    const actions = parseCommit((await storage.read(commitPath(1))) as Uint8Array, { version: 1, path: 'x' })
    const add = actions.find((action) => action.kind === 'add')
    await storage.delete(add?.kind === 'add' ? add.path : '')
    await expect(restore(any, { version: 2 })).rejects.toMatchObject({ code: 'MISSING_FILE', facts: { files: 1 } })
    expect(await storage.read(commitPath(4))).toBeUndefined()
    expect(await restore(any, { version: 2, ignoreMissingFiles: true })).toMatchObject({ filesRestored: 1, filesMissing: 1 })
    expect(await idsOf(storage)).toEqual([2n])
  })

  test('conflicts with rows that came meanwhile, and takes none of them away unseen', async () => {
    const { storage, any } = await grown()
    const stale = new Proxy(storage, {
      get: (target, key) => {
        const own = Reflect.get(target, key, target) as unknown
        if (key !== 'create') return typeof own === 'function' ? own.bind(target) : own
        return async (path: string, bytes: Uint8Array) => {
          if (path === commitPath(4) && (await target.read(path)) === undefined)
            await (await openTable(target)).append([{ id: 9n, p: 'x' }])
          return target.create(path, bytes)
        }
      },
    })
    void any
    const table = (await openTable(stale)) as unknown as Any
    await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' })
    expect(await idsOf(storage)).toEqual([3n, 9n])
  })

  test.each([
    ['a property that is adopted by others', 'metadata', (other: Table) => other.setProperties({ 'delta.checkpointPolicy': 'v2' })],
    ['a domain', 'domain', async (other: Table) => (await other.transaction()).setDomain('app.note', '{"by":"other"}').commit()],
  ])('conflicts with %s that was changed meanwhile, for it would be that of another version', async (_, rule, meanwhile) => {
    const { storage } = await grown({ 'delta.feature.domainMetadata': 'supported' })
    const stale = new Proxy(storage, {
      get: (target, key) => {
        const own = Reflect.get(target, key, target) as unknown
        if (key !== 'create') return typeof own === 'function' ? own.bind(target) : own
        return async (path: string, bytes: Uint8Array) => {
          if (path === commitPath(4) && (await target.read(path)) === undefined)
            await meanwhile((await openTable(target)) as unknown as Table)
          return target.create(path, bytes)
        }
      },
    })
    const table = (await openTable(stale)) as unknown as Any
    await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule, version: 4 } })
    expect(await idsOf(storage)).toEqual([3n])
    await restore(table, { version: 1 })
    const after = await (await openTable(storage)).snapshot()
    expect(after.properties).toEqual({})
    expect(after.domainMetadata.size).toBe(0)
  })
})

describe('fsck', () => {
  const fileOf = async (storage: Storage, version: number): Promise<string> => {
    const actions = parseCommit((await storage.read(commitPath(version))) as Uint8Array, { version, path: 'x' })
    const add = actions.find((action) => action.kind === 'add')
    return add?.kind === 'add' ? add.path : ''
  }

  test('finds nothing in a sound table', async () => {
    const { any } = await grown()
    await any.checkpoint()
    expect(await fsck(any)).toMatchObject({ findings: [], filesChecked: 1, checkpointCompared: true, repairedVersion: undefined })
  })

  test('finds files that are gone or have another size, and changes nothing unless it is told to', async () => {
    const { storage, table, any } = await grown()
    await table.append([{ id: 4n, p: 'd' }])
    const [gone, cut] = [await fileOf(storage, 3), await fileOf(storage, 4)]
    await storage.delete(gone)
    await storage.put(cut, new Uint8Array(7))
    const { findings } = await fsck(any)
    expect(findings.map(({ kind, path }) => [kind, path])).toEqual(
      expect.arrayContaining([
        ['missing-file', gone],
        ['size', cut],
      ]),
    )
    expect(findings.length).toBe(2)
    expect(await storage.read(commitPath(5))).toBeUndefined()
    expect(await fsck(any, { repair: true })).toMatchObject({ repairedVersion: 5 })
    expect((await (await openTable(storage)).snapshot()).numFiles).toBe(1)
  })

  test('finds a checksum that lies and a checkpoint that says other files, and takes them away', async () => {
    const { storage, table, any } = await grown({ 'delta.checkpointInterval': '100' })
    await table.checkpoint()
    const other = await grown()
    await other.table.append([
      { id: 8n, p: 'z' },
      { id: 9n, p: 'z' },
    ])
    await storage.put(
      '_delta_log/00000000000000000003.crc',
      new TextEncoder().encode('{"numFiles":7,"tableSizeBytes":1,"numMetadata":1,"numProtocol":1}'),
    )
    // A checkpoint of version 2 under the name of version 3: a file that left is back in it.
    const forged = memoryStorage()
    for (let version = 0; version <= 2; version++)
      await forged.put(commitPath(version), (await storage.read(commitPath(version))) as Uint8Array)
    await forged.put(commitPath(3), formatCommit([{ kind: 'txn', appId: 'forged', version: 1n }]))
    await (await openTable(forged)).checkpoint()
    const name = '_delta_log/00000000000000000003.checkpoint.parquet'
    await storage.put(name, (await forged.read(name)) as Uint8Array)
    // The handle knows what it committed; somebody who opens the table now is misled.
    const misled = (await openTable(storage)) as unknown as Any
    const { findings } = await fsck(misled)
    expect(findings.map(({ kind }) => kind).sort()).toEqual(['checkpoint', 'checksum'])
    await fsck(misled, { repair: true })
    expect(await idsOf(storage)).toEqual([3n])
    expect(await fsck((await openTable(storage)) as unknown as Any)).toMatchObject({ findings: [], checkpointCompared: true })
    void any
  })
})

async function parquetOf(struct: StructType, rows: readonly object[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const writer = createParquetWriter({ write: async (bytes) => void chunks.push(bytes.slice()) }, { schema: struct, codec: 'snappy' })
  const builder = new BatchBuilder(struct)
  expect(builder.appendRows(rows)).toEqual([])
  await writer.write(builder.finish())
  await writer.finish()
  return concatBytes(chunks)
}

describe('convert', () => {
  const runtime = systemRuntime
  test('takes over files where they are, with partitions of their folders and bounds of their footers', async () => {
    const storage = memoryStorage()
    const struct = parseColumns('id bigint, name string, day date')
    const put = async (path: string, rows: readonly object[]): Promise<void> => storage.put(path, await parquetOf(struct, rows))
    await put('year=2024/p=a%2Fb/one.parquet', [
      { id: 5n, name: 'x', day: '2026-01-31' },
      { id: -2n, name: null, day: null },
    ])
    await put('year=2025/p=__HIVE_DEFAULT_PARTITION__/two 2.parquet', [{ id: 7n, name: 'y', day: '1969-12-31' }])
    await storage.put('_SUCCESS', new Uint8Array(0))
    await storage.put('_temporary/half.parquet', new Uint8Array(3))
    const result = await convert(storage, { runtime })
    expect(result).toMatchObject({ version: 0, files: 2, rows: 3, partitionColumns: ['year', 'p'] })
    const table = await openTable(storage)
    const rows = await table.scan().toArray()
    expect(rows.sort((a, b) => Number((a.id as bigint) - (b.id as bigint)))).toEqual([
      { id: -2n, name: null, day: null, year: 2024n, p: 'a/b' },
      { id: 5n, name: 'x', day: '2026-01-31', year: 2024n, p: 'a/b' },
      { id: 7n, name: 'y', day: '1969-12-31', year: 2025n, p: null },
    ])
    const stats = []
    for await (const file of (await table.snapshot()).files()) stats.push(JSON.parse(file.stats as string))
    expect(stats).toEqual([
      {
        numRecords: 2,
        minValues: { id: -2, day: '2026-01-31' },
        maxValues: { id: 5, day: '2026-01-31' },
        nullCount: { id: 0, name: 1, day: 1 },
      },
      {
        numRecords: 1,
        minValues: { id: 7, day: '1969-12-31' },
        maxValues: { id: 7, day: '1969-12-31' },
        nullCount: { id: 0, name: 0, day: 0 },
      },
    ])
    await table.append([{ id: 9n, year: 2026n, p: 'new' }])
    expect(await table.scan({ where: 'year = 2026' }).count()).toBe(1)
    await expect(convert(storage, { runtime })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  })

  test('refuses files that do not fit each other, and leaves no table behind', async () => {
    const storage = memoryStorage()
    await storage.put('a.parquet', await parquetOf(parseColumns('id bigint'), [{ id: 1n }]))
    await storage.put('b.parquet', await parquetOf(parseColumns('id string'), [{ id: '1' }]))
    await expect(convert(storage, { runtime })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    await storage.put('b.parquet', await parquetOf(parseColumns('id bigint, more int'), [{ id: 1n, more: 3 }]))
    await storage.put('p=1/c.parquet', await parquetOf(parseColumns('id bigint'), [{ id: 1n }]))
    await expect(convert(storage, { runtime })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    await storage.delete('p=1/c.parquet')
    await convert(storage, { runtime })
    expect((await (await openTable(storage)).scan().toArray()).length).toBe(2)
  })

  test('takes numbers with leading zeros for texts', async () => {
    const storage = memoryStorage()
    await storage.put('code=007/a.parquet', await parquetOf(parseColumns('id bigint'), [{ id: 1n }]))
    await convert(storage, { runtime })
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ id: 1n, code: '007' }])
  })
})

describe('a shallow clone', () => {
  test('has the rows of its source, and goes its own way', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'alluvium-clone-'))
    try {
      const [from, to] = [join(folder, 'the source'), join(folder, 'clone')]
      const source = await createTable(from, { schema: columns, partitionBy: ['p'] })
      await source.append([
        { id: 1n, p: 'a/b %' },
        { id: 2n, p: null },
      ])
      await source.append([{ id: 3n, p: 'x' }])
      const result = await cloneTable(await source.snapshot({ version: 1 }), source.location, localStorage(to), { runtime: systemRuntime })
      expect(result).toMatchObject({ version: 0, sourceVersion: 1, files: 2 })
      await expect((await openTable(to)).scan().toArray()).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
      const clone = await openTable(to, { allowedPaths: [from] })
      const ids = async (): Promise<unknown[]> => (await clone.scan().toArray()).map((row) => row.id).sort()
      expect(await ids()).toEqual([1n, 2n])
      expect((await clone.snapshot()).metadata.id).not.toBe((await source.snapshot()).metadata.id)
      await clone.append([{ id: 4n, p: 'own' }])
      expect(await ids()).toEqual([1n, 2n, 4n])
      expect((await source.scan().toArray()).length).toBe(3)
      await clone.settled()
      await source.settled()
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })
})
