// A table from creation to time travel, on memory and on local disk.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  array,
  col,
  createTable,
  decimal,
  double,
  isAlluviumError,
  localStorage,
  long,
  map,
  memoryStorage,
  openTable,
  type Storage,
  schema,
  string,
  struct,
  timestamp,
} from 'alluvium'
import { afterEach, describe, expect, test } from 'vitest'

const events = schema({ id: long().notNull(), player: string(), at: timestamp(), score: double() })
const rowsA = [
  { id: 1n, player: 'kim', at: new Date('2026-01-31T12:00:00Z'), score: 9.5 },
  { id: 2n, player: 'lee', at: null, score: 4 },
]
const rowsB = [{ id: 9007199254740993n, player: null, at: new Date('1969-12-31T23:59:59.999Z'), score: -0.5 }]

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'alluvium-table-'))
  folders.push(path)
  return path
}

const stores: readonly [string, () => Promise<Storage>][] = [
  ['memory', async () => memoryStorage()],
  ['local disk', async () => localStorage(join(await folder(), 'table'))],
]

describe.each(stores)('a table on %s', (_, makeStore) => {
  test('gives back the rows appended, in every form they can be asked for', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    const first = await table.append(rowsA)
    expect(first).toMatchObject({ version: 1, numRows: 2, numFiles: 1, committed: true, skipped: false })
    await table.append(rowsB)
    const all = await table.scan().toArray()
    expect(all).toHaveLength(3)
    expect(all).toEqual(expect.arrayContaining([...rowsA, ...rowsB]))
    expect(await table.scan({ columns: ['score', 'id'], where: col('score').lt(5) }).toArray()).toEqual(
      expect.arrayContaining([
        { score: 4, id: 2n },
        { score: -0.5, id: 9007199254740993n },
      ]),
    )
    expect(await table.scan({ where: "player = 'kim'" }).count()).toBe(1)
    expect(await table.scan({ limit: 2 }).count()).toBe(2)
  })

  test('never changes a version: an old snapshot reads as it did before later commits', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    await table.append(rowsA)
    const before = await table.snapshot()
    await table.append(rowsB)
    await table.overwrite(rowsB)
    expect(await before.scan().toArray()).toEqual(expect.arrayContaining(rowsA))
    expect(before.numFiles).toBe(1)
    expect(await (await table.snapshot({ version: 1 })).scan().count()).toBe(2)
    expect(await (await table.snapshot({ version: 2 })).scan().count()).toBe(3)
    expect(await table.scan().toArray()).toEqual(rowsB)
    await expect(table.snapshot({ version: 99 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  })

  test('is not made twice: the second create is told so and changes nothing', async () => {
    const store = await makeStore()
    await createTable(store, { schema: events })
    await expect(createTable(store, { schema: schema({ other: long() }) })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect((await openTable(store)).schema.fields.map((field) => field.name)).toEqual(['id', 'player', 'at', 'score'])
  })

  test('refuses wrong rows with every fault, and stays as it was', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    const wrong = [{ id: 'x', player: 3 }, { id: 1n }, { player: 'kim', extra: true }]
    const error = await table.append(wrong as never).catch((e: unknown) => e)
    expect(isAlluviumError(error, 'INVALID_ROW')).toBe(true)
    const faults = (error as { facts: { faults: { row: number; column: string }[] } }).facts.faults
    expect(faults.map(({ row, column }) => `${row} ${column}`).sort()).toEqual(['0 id', '0 player', '2 extra', '2 id'])
    expect((await table.snapshot()).version).toBe(0)
    expect(await table.scan().count()).toBe(0)
  })

  test('makes no commit for no rows', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    expect(await table.append([])).toMatchObject({ version: 0, committed: false })
    expect((await table.snapshot()).version).toBe(0)
  })

  test('appends a transaction once, however often it is given', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    const txn = { appId: 'job', version: 7 }
    expect(await table.append(rowsA, { txn })).toMatchObject({ committed: true, skipped: false })
    expect(await table.append(rowsA, { txn })).toMatchObject({ committed: false, skipped: true })
    expect(await table.append(rowsA, { txn: { appId: 'job', version: 6 } })).toMatchObject({ skipped: true })
    expect(await table.append(rowsB, { txn: { appId: 'job', version: 8 } })).toMatchObject({ committed: true })
    expect(await table.scan().count()).toBe(3)
    expect((await table.snapshot()).positions.get('job')).toBe(8n)
  })

  test('says in its history what was done, newest first, with counted metrics', async () => {
    const table = await createTable(await makeStore(), { schema: events })
    await table.append(rowsA)
    await table.setProperties({ 'delta.logRetentionDuration': 'interval 7 days' })
    const history = await table.history()
    expect(history.map(({ version, info }) => [version, info?.operation])).toEqual([
      [2, 'SET TBLPROPERTIES'],
      [1, 'WRITE'],
      [0, 'CREATE TABLE'],
    ])
    expect(history[1]?.info?.operationMetrics).toMatchObject({ numOutputRows: '2', numFiles: '1' })
    expect(history[1]?.info?.isBlindAppend).toBe(true)
  })

  test('partitions rows, and prunes by partition and by statistics before any file is read', async () => {
    const store = await makeStore()
    const table = await createTable(store, {
      schema: schema({ region: string(), id: long(), tags: array(string()) }),
      partitionBy: ['region'],
    })
    const awkward = ['US/East', 'a b=c%', 'ünïcode', null, 'x']
    for (let i = 0; i < 3; i++) {
      await table.append(awkward.map((region, k) => ({ region, id: BigInt(i * 100 + k), tags: [region, null] })))
    }
    for (const region of awkward) {
      const scan = table.scan({ where: region === null ? 'region IS NULL' : col('region').eq(region) })
      const rows = await scan.toArray()
      expect(rows.map((row) => row.region)).toEqual([region, region, region])
      expect(rows.map((row) => row.tags)).toEqual(rows.map(() => [region, null]))
    }
    const plan = await (await table.snapshot()).scan({ where: "region = 'x' AND id >= 200" }).plan()
    expect([plan.totalFiles, plan.prunedByPartition, plan.prunedByStatistics, plan.files.length]).toEqual([15, 12, 2, 1])
    expect(await table.scan({ where: "region = 'x'" }).explain()).toContain('3 of 15')
  })

  test('keeps columns named like parts of JavaScript', async () => {
    const store = await makeStore()
    const named = schema({ constructor: string(), toString: long(), ['__proto__']: string() })
    const table = await createTable(store, { schema: named, partitionBy: ['constructor'] })
    const row = Object.fromEntries([
      ['constructor', 'c'],
      ['toString', 5n],
      ['__proto__', 'p'],
    ])
    await table.append([row as never])
    const [back] = await table.scan().toArray()
    expect(Object.getOwnPropertyDescriptor(back, '__proto__')?.value).toBe('p')
    expect(Object.getOwnPropertyDescriptor(back, 'constructor')?.value).toBe('c')
    expect(Object.getOwnPropertyDescriptor(back, 'toString')?.value).toBe(5n)
  })

  test('keeps nested values and decimals exactly', async () => {
    const nested = schema({
      price: decimal(38, 10),
      m: map(string(), long()),
      s: struct({ a: array(struct({ b: string() })), c: timestamp() }),
    })
    const table = await createTable(await makeStore(), { schema: nested })
    const row = {
      price: '1234567890123456789012345678.0123456789',
      m: new Map([['k', -9223372036854775808n]]),
      s: { a: [{ b: 'x' }, null, { b: null }], c: new Date(5) },
    }
    await table.append([row, { price: null, m: null, s: null }])
    expect(await table.scan().toArray()).toEqual([row, { price: null, m: null, s: null }])
  })
})

test('a snapshot by time is the version in force then', async () => {
  let now = Date.UTC(2026, 0, 1)
  const { systemRuntime } = await import('alluvium')
  const runtime = { ...systemRuntime, now: () => now }
  const store = memoryStorage({ runtime })
  const table = await createTable(store, { schema: events, runtime })
  now += 60_000
  await table.append(rowsA)
  now += 60_000
  await table.append(rowsB)
  const versionAt = async (minutes: number): Promise<number> =>
    (await table.snapshot({ timestamp: Date.UTC(2026, 0, 1) + minutes * 60_000 })).version
  expect([await versionAt(0), await versionAt(0.5), await versionAt(1), await versionAt(1.5), await versionAt(2)]).toEqual([0, 0, 1, 1, 2])
  await expect(versionAt(-1)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
})

test('an append through an old handle lands on a table that gained a column meanwhile', async () => {
  const store = memoryStorage()
  const old = await createTable(store, { schema: events })
  const other = await openTable(store)
  const { parseSchema, formatSchema } = await import('../../src/schema/index.js')
  const transaction = await other.begin()
  const wider = parseSchema(transaction.base.metadata.schemaString)
  const fields = [...wider.fields, { name: 'extra', dataType: { type: 'string' as const }, nullable: true, metadata: {} }]
  transaction.setMetadata({ ...transaction.base.metadata, schemaString: formatSchema({ type: 'struct', fields }) })
  await transaction.commit({ operation: 'ADD COLUMNS', operationParameters: {} })
  expect(await old.append(rowsA)).toMatchObject({ version: 2, committed: true })
  expect((await openTable(store).then((table) => table.scan().toArray())).map((row) => row.extra)).toEqual([null, null])
})

test('an append-only table may grow but not be overwritten', async () => {
  const table = await createTable(memoryStorage(), { schema: events, properties: { 'delta.appendOnly': 'true' } })
  await table.append(rowsA)
  await expect(table.overwrite(rowsB)).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  expect(await table.scan().count()).toBe(2)
})

test('two overwrites of one version: the second to commit is refused', async () => {
  const store = memoryStorage()
  const table = await createTable(store, { schema: events })
  await table.append(rowsA)
  const first = await table.begin()
  first.readWholeTable()
  await table.append(rowsB)
  first.setTxn('x', 1n)
  await expect(first.commit({ operation: 'WRITE', operationParameters: {} })).rejects.toMatchObject({
    code: 'COMMIT_CONFLICT',
    facts: { rule: 'concurrent-append', version: 2 },
  })
})
