// Scans of files with deletion vectors: exactly the rows that are left, whatever is skipped, filtered, limited or counted.
import { createTable, isAlluviumError, long, memoryStorage, openTable, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import type { JsonObject } from '../../src/json.js'
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { vectorBytes, vectorFile, z85 } from '../log/deletion-vectors/vector-bytes.js'

const rows = schema({ id: long(), name: string() })
const commitPath = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

interface Add {
  readonly path: string
  readonly stats: string
  readonly deletionVector?: unknown
}

async function addsOf(storage: Storage, version: number): Promise<Add[]> {
  const text = decodeUtf8((await storage.read(commitPath(version))) as Uint8Array)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { add?: Add })
    .flatMap(({ add }) => (add === undefined ? [] : [add]))
}

/** Commits a vector for a file, as an engine that deletes rows does. */
async function deleteRows(storage: Storage, version: number, add: Add, vector: JsonObject): Promise<void> {
  const { deletionVector, ...rest } = add as unknown as JsonObject
  const stats = JSON.stringify({ ...(JSON.parse(add.stats) as object), tightBounds: false })
  const remove = { path: add.path, deletionTimestamp: 1, dataChange: true, ...(deletionVector === undefined ? {} : { deletionVector }) }
  const lines = [{ commitInfo: { operation: 'DELETE' } }, { remove }, { add: { ...rest, stats, deletionVector: vector } }]
  await storage.put(commitPath(version), encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
}

function inline(positions: readonly number[]): JsonObject {
  const bytes = vectorBytes(positions)
  return { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: positions.length }
}

/** A table of one file with the ids 0 … n-1, in several row groups. */
async function tableOf(n: number): Promise<{ storage: Storage; table: Table; add: Add }> {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: rows, properties: { 'delta.enableDeletionVectors': 'true' } })
  await table.append(
    Array.from({ length: n }, (_, i) => ({ id: i, name: `row ${i}` })),
    { rowGroupBytes: 16_384 },
  )
  return { storage, table: (await openTable(storage)) as unknown as Table, add: (await addsOf(storage, 1))[0] as Add }
}

async function idsOf(table: Table, options: Parameters<Table['scan']>[0] = {}): Promise<number[]> {
  const ids: number[] = []
  for await (const row of table.scan({ columns: ['id'], ...options }).rows()) ids.push(Number(row.id))
  return ids
}

const N = 5000
const ids = Array.from({ length: N }, (_, i) => i)

describe('a file with a deletion vector', () => {
  const deleted = [0, 1, 5, 64, ...ids.slice(700, 1900), 2500, N - 1]
  const left = ids.filter((id) => !deleted.includes(id))

  test('gives the rows that are left, in batches of any size, over row groups', async () => {
    const { storage, table, add } = await tableOf(N)
    const file = await openParquet(bytesSource((await storage.read(add.path)) as Uint8Array), { name: add.path })
    expect(file.rowGroups.length).toBeGreaterThan(3)
    await deleteRows(storage, 2, add, inline(deleted))
    for (const batchRows of [undefined, 1, 63, 1000]) {
      expect(await idsOf(table, batchRows === undefined ? {} : { batchRows })).toEqual(left)
    }
    const all = await table.scan({ where: 'id < 10' }).toArray()
    expect(all).toEqual([2, 3, 4, 6, 7, 8, 9].map((id) => ({ id: BigInt(id), name: `row ${id}` })))
  }, 120_000)

  test('filters, limits and counts only those', async () => {
    const { storage, table, add } = await tableOf(N)
    await deleteRows(storage, 2, add, inline(deleted))
    expect(await table.scan().count()).toBe(left.length)
    expect(await table.scan({ columns: ['name'] }).count()).toBe(left.length)
    expect(await table.scan({ where: 'id >= 690 AND id < 1910' }).count()).toBe(20)
    expect(await table.scan({ limit: 3 }).count()).toBe(3)
    expect(await idsOf(table, { limit: 4 })).toEqual([2, 3, 4, 6])
    expect(await idsOf(table, { where: 'id = 700' })).toEqual([])
    expect(await idsOf(table, { where: 'id IN (64, 65)' })).toEqual([65])
  })

  test('is read at each version with the vector of that version', async () => {
    const { storage, table, add } = await tableOf(100)
    await deleteRows(storage, 2, add, inline([10]))
    const [second] = await addsOf(storage, 2)
    await deleteRows(storage, 3, second as Add, inline([10, 11]))
    expect((await idsOf((await openTable(storage)) as unknown as Table)).length).toBe(98)
    for (const [version, count] of [
      [1, 100],
      [2, 99],
      [3, 98],
    ] as const) {
      expect(await (await table.snapshot({ version })).scan().count()).toBe(count)
    }
    expect((await table.snapshot()).numFiles).toBe(1)
  })

  test('may have a vector in a file, shared with others, that ends long before the data does', async () => {
    const { storage, table, add } = await tableOf(200)
    const [other, own] = [vectorBytes([1, 2, 3]), vectorBytes([7])]
    const { bytes, offsets } = vectorFile(other, own)
    await storage.put('xy/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin', bytes)
    const vector = {
      storageType: 'u',
      pathOrInlineDv: 'xy^-aqEH.-t@S}K{vb[*k^',
      offset: offsets[1] as number,
      sizeInBytes: own.length,
      cardinality: 1,
    }
    await deleteRows(storage, 2, add, vector)
    expect(await idsOf(table)).toEqual(Array.from({ length: 200 }, (_, i) => i).filter((i) => i !== 7))
  })

  test('may have lost all its rows', async () => {
    const { storage, table, add } = await tableOf(50)
    await deleteRows(storage, 2, add, inline(Array.from({ length: 50 }, (_, i) => i)))
    expect(await idsOf(table)).toEqual([])
    expect(await table.scan().count()).toBe(0)
  })

  test('is not pruned by null counts that tell of deleted rows', async () => {
    const storage = memoryStorage()
    const table = (await createTable(storage, { schema: rows, properties: { 'delta.enableDeletionVectors': 'true' } })) as unknown as Table
    await table.append([
      { id: 1, name: null },
      { id: 2, name: 'b' },
      { id: 3, name: null },
    ])
    const [add] = await addsOf(storage, 1)
    await deleteRows(storage, 2, add as Add, inline([0]))
    expect(await idsOf(table, { where: 'name IS NULL' })).toEqual([3])
    expect(await idsOf(table, { where: 'name IS NOT NULL' })).toEqual([2])
  })
})

describe('a vector that does not fit', () => {
  test.each([
    ['reaches beyond its file', inline([3, 100])],
    ['counts other rows than it has', { ...inline([3]), cardinality: 2 }],
  ])('because it %s stops the scan', async (_, vector) => {
    const { storage, table, add } = await tableOf(100)
    await deleteRows(storage, 2, add, vector)
    const error: unknown = await table
      .scan()
      .toArray()
      .catch((e: unknown) => e)
    expect(isAlluviumError(error, 'CORRUPT_DATA'), String(error)).toBe(true)
  })
})

describe('writing to a table with vectors', () => {
  test('an append leaves them alone', async () => {
    const { storage, table, add } = await tableOf(10)
    await deleteRows(storage, 2, add, inline([4]))
    await table.append([{ id: 10, name: 'new' }])
    expect(await idsOf(table)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
  })

  test('an overwrite removes each file with its vector', async () => {
    const { storage, table, add } = await tableOf(10)
    const vector = inline([4])
    await deleteRows(storage, 2, add, vector)
    await table.overwrite([{ id: 99, name: 'only' }])
    expect(await idsOf(table)).toEqual([99])
    const text = decodeUtf8((await storage.read(commitPath(3))) as Uint8Array)
    const removed = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { remove?: JsonObject })
      .flatMap(({ remove }) => (remove === undefined ? [] : [remove]))
    expect(removed).toHaveLength(1)
    expect(removed[0]).toMatchObject({ path: add.path, deletionVector: vector })
  })
})
