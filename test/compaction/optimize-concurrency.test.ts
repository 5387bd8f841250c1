// Optimize beside other writers: rows come and go by others alone, and nobody is kept from his work.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AlluviumError,
  createTable,
  localStorage,
  long,
  memoryStorage,
  openTable,
  optimize,
  type Storage,
  schema,
  string,
  type Table,
} from 'alluvium'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'

const columns = schema({ id: long(), p: string() })
type Row = { id: bigint; p: string }
type Events = Table<unknown, Row>
const open = async (storage: Storage): Promise<Events> => (await openTable(storage)) as unknown as Events
const commitPath = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

async function filled(count: number, options: { partitionBy?: readonly string[]; properties?: Record<string, string> } = {}) {
  const storage = memoryStorage()
  const table = (await createTable(storage, { schema: columns, ...options })) as unknown as Events
  for (let id = 0; id < count; id++) await table.append([{ id: BigInt(id), p: 'ab'[id % 2] as string }])
  return { storage, table }
}

async function ids(storage: Storage): Promise<number[]> {
  const rows = (await (await open(storage)).scan().toArray()) as Row[]
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** The store, with something to be done before a commit file is put. */
function interposed(
  storage: Storage,
  act: (path: string) => Promise<void>,
  isMet = (path: string): boolean => /^_delta_log\/\d+\.json$/.test(path),
): Storage {
  let busy = false
  const once = async (path: string): Promise<void> => {
    if (busy || !isMet(path)) return
    busy = true
    await act(path)
    busy = false
  }
  return new Proxy(storage, {
    get: (target, key) => {
      if (key === 'create' || key === 'write')
        return async (path: string, ...rest: unknown[]) => {
          await once(path)
          return (target[key] as (...args: unknown[]) => unknown).call(target, path, ...rest)
        }
      // Without it commits are made by `create` alone.
      if (key === 'stage') return undefined
      const value = Reflect.get(target, key) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function deleteByVector(storage: Storage, version: number, addVersion: number, positions: readonly number[]): Promise<void> {
  const text = new TextDecoder().decode((await storage.read(commitPath(addVersion))) as Uint8Array)
  const { add } = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find((line) => line.add) as { add: { path: string } }
  const bytes = vectorBytes(positions)
  const deletionVector = { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: positions.length }
  const lines = [
    { commitInfo: { operation: 'DELETE' } },
    { remove: { path: add.path, deletionTimestamp: 1, dataChange: true } },
    { add: { ...add, deletionVector } },
  ]
  expect(await storage.create(commitPath(version), encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))).toBe('created')
}

describe('optimize beside others', () => {
  test('of two that planned on one snapshot only one commits, and no row is there twice', async () => {
    const { storage } = await filled(10)
    // The other is done from its plan to its commit when this one is about to commit.
    let other: Awaited<ReturnType<typeof optimize>> | undefined
    const late = interposed(storage, async () => {
      other ??= await optimize(await open(storage))
    })
    const result = await optimize(await open(late))
    expect(other?.filesRemoved).toBe(10)
    expect(result).toMatchObject({ filesRemoved: 0, versions: [] })
    expect(await ids(storage)).toEqual(upTo(10))
    expect((await (await open(storage)).snapshot()).numFiles).toBe(1)
  })

  test('of many at once: every row is there once', async () => {
    const { storage } = await filled(24, { partitionBy: ['p'] })
    await Promise.all(Array.from({ length: 6 }, async () => optimize(await open(storage))))
    expect(await ids(storage)).toEqual(upTo(24))
    expect((await (await open(storage)).snapshot()).numFiles).toBe(2)
  })

  test('a row that a deletion vector takes meanwhile stays deleted', async () => {
    const { storage, table } = await filled(6, { properties: { 'delta.enableDeletionVectors': 'true' } })
    const { version } = await table.snapshot()
    let done = false
    const late = interposed(storage, async () => {
      if (done) return
      done = true
      await deleteByVector(storage, version + 1, 3, [0]) // the row of version 3 has id 2
    })
    const result = await optimize(await open(late))
    expect(await ids(storage)).toEqual([0, 1, 3, 4, 5])
    // The group was planned anew, with the vector.
    expect(result.versions).toEqual([version + 2])
    expect((await (await open(storage)).snapshot()).numFiles).toBe(1)
  })

  test('what others overwrite meanwhile stays overwritten, and groups of other partitions go on', async () => {
    const { storage } = await filled(8, { partitionBy: ['p'] })
    let done = false
    const late = interposed(storage, async () => {
      if (done) return
      done = true
      const transaction = await (await open(storage)).transaction()
      await transaction.removeWhere("p = 'a'")
      await transaction.commit()
    })
    const result = await optimize(await open(late))
    expect(await ids(storage)).toEqual([1, 3, 5, 7])
    expect(result).toMatchObject({ filesRemoved: 4, filesWritten: 1 })
    expect(result.groups.map(({ partition }) => ({ ...partition }))).toEqual([{ p: 'b' }])
    // The files that became useless are gone.
    const paths: string[] = []
    for await (const page of storage.list('p=a', { recursive: true })) paths.push(...page.map(({ path }) => path))
    expect(paths.length).toBe(4)
  })

  test('a change of the schema meanwhile makes the plan anew', async () => {
    const { storage } = await filled(4)
    let done = false
    const late = interposed(storage, async () => {
      if (done) return
      done = true
      await (await open(storage)).setProperties({ 'delta.dataSkippingNumIndexedCols': '1' })
    })
    const result = await optimize(await open(late))
    expect(result.filesWritten).toBe(1)
    expect(await ids(storage)).toEqual(upTo(4))
  })

  test('sixteen appenders neither fail nor keep it from being done in five attempts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'alluvium-appenders-'))
    try {
      const storage = localStorage(folder)
      const table = (await createTable(storage, { schema: columns })) as unknown as Events
      for (let id = 0; id < 40; id++) await table.append([{ id: BigInt(id), p: 'x' }])
      let running = true
      let next = 40
      const appenders = Array.from({ length: 16 }, async () => {
        // Handles that share no commits: as if they were processes.
        const own = (await openTable(localStorage(folder))) as unknown as Events
        while (running) await own.append([{ id: BigInt(next++), p: 'x' }], { shareCommit: false })
      })
      const attempts: number[] = []
      let removed = 0
      for (let round = 0; round < 5; round++) {
        const result = await optimize(await open(storage))
        attempts.push(result.attempts)
        removed += result.filesRemoved
      }
      running = false
      await Promise.all(appenders)
      expect(Math.max(...attempts)).toBeLessThanOrEqual(5)
      expect(removed).toBeGreaterThanOrEqual(40)
      expect(await ids(storage)).toEqual(upTo(next))
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })

  test('an outcome that nobody knows deletes nothing', async () => {
    const { storage } = await filled(3)
    let isPut = false
    const blind = new Proxy(storage, {
      get: (target, key) => {
        if (key === 'stage') return undefined
        if (key === 'create')
          return async (path: string, bytes: Uint8Array) => {
            if (!path.endsWith('.json')) return target.create(path, bytes)
            if (!isPut) await target.create(path, bytes)
            isPut = true
            throw new AlluviumError('STORAGE_UNAVAILABLE', 'the connection was reset')
          }
        if (key === 'read' || key === 'readRange')
          return (path: string, ...rest: never[]) => {
            if (isPut && path === commitPath(4)) throw new AlluviumError('STORAGE_UNAVAILABLE', 'the connection was reset')
            return (target[key] as (...args: unknown[]) => unknown).call(target, path, ...rest)
          }
        const value = Reflect.get(target, key) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 300)
    await expect(optimize(await open(blind), { signal: controller.signal })).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
    expect(await ids(storage)).toEqual(upTo(3))
    expect((await (await open(storage)).snapshot()).numFiles).toBe(1)
  })

  test('aborted, it leaves nothing behind', async () => {
    const { storage } = await filled(4)
    const count = async (): Promise<number> => {
      let found = 0
      for await (const page of storage.list('', { recursive: true })) found += page.length
      return found
    }
    const there = await count()
    const controller = new AbortController()
    const late = interposed(
      storage,
      async () => controller.abort(),
      (path) => path.endsWith('.parquet'),
    )
    await expect(optimize(await open(late), { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await count()).toBe(there)
  })
})
