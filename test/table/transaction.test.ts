// Transactions as users meet them: what is read is minded, what is staged is committed once, and every way out is told.
// Holds C5 and C6 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import type { AlluviumError } from '../../src/errors.js'
import { col } from '../../src/filter/index.js'
import { double, long, schema, string } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { createTable, openTable, type Table } from '../../src/table/index.js'

const sales = schema({ id: long(), day: string(), amount: double() })
type Sales = Table<{ id: bigint | null; day: string | null; amount: number | null }, { id: number; day: string; amount: number }>

async function salesTable(properties: Record<string, string> = {}): Promise<{ storage: Storage; table: Sales }> {
  const storage = memoryStorage()
  const table = (await createTable(storage, { schema: sales, partitionBy: ['day'], properties })) as unknown as Sales
  await table.append([{ id: 1, day: 'mon', amount: 10 }])
  await table.append([{ id: 2, day: 'tue', amount: 20 }])
  return { storage, table }
}

const ids = async (table: Sales): Promise<number[]> =>
  (await table.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
const dataFiles = async (storage: Storage): Promise<string[]> => {
  const files: string[] = []
  for await (const page of storage.list('', { recursive: true }))
    for (const { path } of page) if (path.endsWith('.parquet')) files.push(path)
  return files
}
const failure = async (promise: Promise<unknown>): Promise<AlluviumError> => {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  )
  expect(error).toHaveProperty('code')
  return error as AlluviumError
}
const lastInfo = async (table: Sales): Promise<Record<string, unknown>> =>
  (await table.history({ limit: 1 }))[0]?.info as unknown as Record<string, unknown>

describe('a transaction', () => {
  test('is one version, however much is staged', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction({ appId: 'nightly' })
    expect(transaction.position()).toBeUndefined()
    await transaction.removeWhere("day = 'mon'")
    await transaction.append([{ id: 3, day: 'mon', amount: 30 }])
    await transaction.append([{ id: 4, day: 'wed', amount: 40 }])
    transaction.setPosition(7n)
    expect(await ids(table)).toEqual([1, 2])
    const { version } = await transaction.commit()
    expect(version).toBe(3)
    expect(await ids(table)).toEqual([2, 3, 4])
    expect((await table.snapshot()).positions.get('nightly')).toBe(7n)
  })

  test('is over once it is committed or aborted, and aborted it leaves no file', async () => {
    const { storage, table } = await salesTable()
    const before = await dataFiles(storage)
    const transaction = await table.transaction()
    await transaction.append([{ id: 3, day: 'mon', amount: 1 }])
    expect(await dataFiles(storage)).toHaveLength(before.length + 1)
    await transaction.abort()
    expect(await dataFiles(storage)).toEqual(before)
    await expect(transaction.commit()).rejects.toThrow(TypeError)
    await expect(transaction.append([])).rejects.toThrow(TypeError)
    expect(() => transaction.setTxn('a', 1n)).toThrow(TypeError)
  })

  test('with nothing staged commits nothing', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    await transaction.scan().toArray()
    expect(await transaction.commit()).toMatchObject({ version: 2, attempts: 0 })
    expect((await table.snapshot()).version).toBe(2)
  })

  test('has one of the levels there are', async () => {
    const { table } = await salesTable()
    await expect(table.transaction({ isolation: 'serializable' as never })).rejects.toThrow(TypeError)
  })

  test('says what it did as Spark would', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    const { numFiles } = await transaction.removeWhere(col('day').eq('mon'))
    expect(numFiles).toBe(1)
    await transaction.commit()
    expect(await lastInfo(table)).toMatchObject({ operation: 'DELETE', operationMetrics: { numRemovedFiles: '1' } })
    const overwriting = await table.transaction()
    await overwriting.removeWhere("day = 'tue'")
    await overwriting.append([{ id: 9, day: 'tue', amount: 1 }])
    await overwriting.commit({ userMetadata: 'again' })
    expect(await lastInfo(table)).toMatchObject({
      operation: 'WRITE',
      operationParameters: { mode: 'Overwrite', predicate: '["day = \'tue\'"]' },
      operationMetrics: { numFiles: '1', numOutputRows: '1', numRemovedFiles: '1' },
      userMetadata: 'again',
    })
  })
})

describe('what a transaction has read', () => {
  test('is a conflict when somebody adds to it, by rule and version; its files are gone', async () => {
    const { storage, table } = await salesTable()
    const transaction = await table.transaction()
    const [row] = await transaction.scan({ where: "day = 'mon'" }).toArray()
    await transaction.append([{ id: 3, day: 'total', amount: row?.amount ?? 0 }])
    await table.append([{ id: 4, day: 'mon', amount: 5 }])
    const files = await dataFiles(storage)
    const error = await failure(transaction.commit())
    expect(error).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'concurrent-append', version: 3, committed: false } })
    expect(await dataFiles(storage)).toHaveLength(files.length - 1)
    expect(await ids(table)).toEqual([1, 2, 4])
  })

  test('is none when the rows went to another partition', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    await transaction.scan({ where: "day = 'mon'" }).toArray()
    await transaction.append([{ id: 3, day: 'total', amount: 10 }])
    await table.append([{ id: 4, day: 'tue', amount: 5 }])
    expect((await transaction.commit()).version).toBe(4)
  })

  test('is none when the statistics of the new file show that no row of it was meant', async () => {
    const { table } = await salesTable()
    const read = async (): Promise<void> => {
      const transaction = await table.transaction()
      await transaction.scan({ where: 'id > 100' }).toArray()
      await transaction.append([{ id: 50, day: 'none', amount: 1 }])
      await table.append([{ id, day: 'mon', amount: 1 }])
      await transaction.commit()
    }
    let id = 99
    await read()
    id = 101
    expect(await failure(read())).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'concurrent-append' } })
  })

  test('is a conflict when one of its files goes, and only then', async () => {
    const { table } = await salesTable()
    const reading = async (day: string): Promise<unknown> => {
      const transaction = await table.transaction()
      await transaction.scan({ where: "day = 'mon'" }).toArray()
      await transaction.append([{ id: 3, day: 'total', amount: 10 }])
      const other = await table.transaction()
      await other.removeWhere(`day = '${day}'`)
      await other.commit()
      return transaction.commit()
    }
    await reading('tue')
    expect(await failure(reading('mon'))).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'delete-read' } })
  })

  test('is the position of an application, too', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction({ appId: 'a' })
    transaction.position('b')
    await transaction.append([{ id: 3, day: 'mon', amount: 1 }])
    await table.append([{ id: 4, day: 'mon', amount: 1 }], { txn: { appId: 'b', version: 1 } })
    expect(await failure(transaction.commit())).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'txn', appId: 'b', version: 3 } })
  })

  test('does not count under SnapshotIsolation when rows are added, and blind appends do not under WriteSerializable', async () => {
    for (const [isolation, passes] of [
      ['SnapshotIsolation', true],
      ['WriteSerializable', true],
      ['Serializable', false],
      [undefined, false],
    ] as const) {
      const { table } = await salesTable()
      const transaction = await table.transaction({ ...(isolation && { isolation }) })
      transaction.readWholeTable()
      await transaction.append([{ id: 3, day: 'total', amount: 1 }])
      await table.append([{ id: 4, day: 'mon', amount: 1 }])
      const committed = await transaction.commit().then(
        () => true,
        () => false,
      )
      expect([isolation, committed]).toEqual([isolation, passes])
      if (committed) expect(await lastInfo(table)).toMatchObject({ isolationLevel: isolation, isBlindAppend: false })
    }
  })

  test('the level of the table counts where the transaction names none', async () => {
    const { table } = await salesTable({ 'delta.isolationLevel': 'WriteSerializable' })
    const transaction = await table.transaction()
    transaction.readWholeTable()
    await transaction.append([{ id: 3, day: 'total', amount: 1 }])
    await table.append([{ id: 4, day: 'mon', amount: 1 }])
    expect((await transaction.commit()).version).toBe(4)
  })

  test('does not matter when it was only looked at', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    expect(transaction.snapshot.version).toBe(2)
    await transaction.snapshot.scan().toArray()
    await transaction.append([{ id: 3, day: 'mon', amount: 1 }])
    await table.append([{ id: 4, day: 'mon', amount: 1 }])
    expect((await transaction.commit()).version).toBe(4)
  })
})

describe('removing rows', () => {
  test('by partition reads no data file', async () => {
    const { storage, table } = await salesTable()
    for (const path of await dataFiles(storage)) await storage.delete(path)
    const transaction = await table.transaction()
    expect(await transaction.removeWhere("day IN ('mon', 'sun')")).toMatchObject({ numFiles: 1 })
    await transaction.commit()
    expect((await table.snapshot()).numFiles).toBe(1)
  })

  test('by data takes a file whose rows all match, and leaves one where none does', async () => {
    const { table } = await salesTable()
    await table.append([
      { id: 5, day: 'mon', amount: 500 },
      { id: 6, day: 'mon', amount: 600 },
    ])
    const transaction = await table.transaction()
    expect(await transaction.removeWhere('amount >= 500')).toMatchObject({ numFiles: 1 })
    await transaction.commit()
    expect(await ids(table)).toEqual([1, 2])
  })

  test('that would cut a file in two is refused, and nothing is staged', async () => {
    const { table } = await salesTable()
    await table.append([
      { id: 5, day: 'mon', amount: 500 },
      { id: 6, day: 'mon', amount: 600 },
    ])
    const transaction = await table.transaction()
    expect(await failure(transaction.removeWhere('amount >= 550 OR id = 1'))).toMatchObject({
      code: 'INVALID_OPTIONS',
      facts: { fileCount: 1 },
    })
    await transaction.append([{ id: 7, day: 'mon', amount: 1 }])
    await transaction.commit()
    expect(await ids(table)).toEqual([1, 2, 5, 6, 7])
  })

  test('a null is not removed by a comparison, in a partition or beside values', async () => {
    const { table } = await salesTable()
    await table.append([{ id: 8, day: null as unknown as string, amount: 1 }])
    const transaction = await table.transaction()
    expect(await transaction.removeWhere("day <> 'x'")).toMatchObject({ numFiles: 2 })
    await transaction.commit()
    expect(await ids(table)).toEqual([8])
  })

  test('that lie in their statistics are looked at before they go', async () => {
    const { storage } = await salesTable()
    const path = '_delta_log/00000000000000000001.json'
    const text = new TextDecoder().decode(await storage.read(path))
    // Says that every amount is 900, which no row is.
    await storage.put(
      path,
      new TextEncoder().encode(text.replace('\\"amount\\":10', '\\"amount\\":900').replace('\\"amount\\":10', '\\"amount\\":900')),
    )
    const fresh = (await openTable(storage)) as unknown as Sales
    const transaction = await fresh.transaction()
    expect(await transaction.removeWhere('amount = 900')).toMatchObject({ numFiles: 0 })
  })

  test('of an append-only table is refused', async () => {
    const { table } = await salesTable({ 'delta.appendOnly': 'true' })
    const transaction = await table.transaction()
    expect(await failure(transaction.removeWhere("day = 'mon'"))).toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  })

  test('that a winner removed too is a conflict', async () => {
    const { table } = await salesTable()
    const [one, two] = [await table.transaction(), await table.transaction()]
    await one.removeWhere("day = 'mon'")
    await two.removeWhere("day = 'mon'")
    await one.commit()
    expect(await failure(two.commit())).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { version: 3 } })
  })
})

describe('positions', () => {
  test('never go back', async () => {
    const { table } = await salesTable()
    const first = await table.transaction({ appId: 'a' })
    first.setPosition(5)
    await first.commit()
    const second = await table.transaction({ appId: 'a' })
    expect(second.position()).toBe(5n)
    expect(() => second.setPosition(5n)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
    expect(() => second.setPosition(4n)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
    await second.setPosition(6n).commit()
    expect((await table.snapshot()).positions.get('a')).toBe(6n)
  })

  test('need the name of an application', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    expect(() => transaction.position()).toThrow(TypeError)
    expect(() => transaction.setPosition(1n)).toThrow(TypeError)
  })
})

describe('the table itself', () => {
  test('gets columns that may be null, and rows of the same transaction have them', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    transaction.setSchema(schema({ id: long(), day: string(), amount: double(), note: string() }) as never)
    await transaction.append([{ id: 3, day: 'wed', amount: 1, note: 'new' } as never])
    await transaction.commit()
    const rows = await (await table.snapshot()).scan().toArray()
    expect(rows.map((row) => (row as unknown as { note: unknown }).note)).toEqual([null, null, 'new'])
  })

  test.each([
    ['without a column', schema({ id: long(), day: string() })],
    ['with another type', schema({ id: string(), day: string(), amount: double() })],
    ['with NOT NULL where nulls may be', schema({ id: long().notNull(), day: string(), amount: double() })],
    ['with a new column that is NOT NULL', schema({ id: long(), day: string(), amount: double(), x: long().notNull() })],
  ])('cannot get a schema %s', async (_, wanted) => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    expect(() => transaction.setSchema(wanted as never)).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
  })

  test('gets properties and the features that they need', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    transaction.setProperties({ 'delta.enableChangeDataFeed': 'true', 'delta.feature.domainMetadata': 'supported', mine: 'x' })
    transaction.setDomain('my.domain', '{"a":1}')
    await transaction.commit()
    const { protocol, properties, view } = await table.snapshot()
    // What protocol 1/2 implies is listed by name now, as the protocol asks.
    expect(protocol).toEqual({
      kind: 'protocol',
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['appendOnly', 'changeDataFeed', 'domainMetadata', 'invariants'],
    })
    expect({ ...properties }).toEqual({ 'delta.enableChangeDataFeed': 'true', mine: 'x' })
    expect(view.domains.get('my.domain')?.configuration).toBe('{"a":1}')
    const removing = await table.transaction()
    await removing.setDomain('my.domain', undefined).commit()
    expect((await table.snapshot()).view.domains.has('my.domain')).toBe(false)
  })

  test('has domains only of its own, and only where it supports them', async () => {
    const { table } = await salesTable()
    const transaction = await table.transaction()
    expect(() => transaction.setDomain('mine', '{}')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' }))
    expect(() => transaction.setDomain('delta.rowTracking', '{}')).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
  })

  test('changed by two at once is a conflict', async () => {
    const { table } = await salesTable()
    const [one, two] = [await table.transaction(), await table.transaction()]
    one.setProperties({ a: '1' })
    two.setProperties({ b: '1' })
    await one.commit()
    expect(await failure(two.commit())).toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'metadata', version: 3 } })
  })
})
