// Optimize on tables that ask for more than rows: row groups that can be copied, ids of rows, deleted rows, names and types that
// changed, partitions with awkward values.
import { createTable, long, memoryStorage, openTable, optimize, planOptimize, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { MAPPING, mapped, rawTable, struct, structType } from '../table/raw-table.js'

const columns = schema({ id: long(), p: string() })
type Row = { id: bigint; p: string | null }
type Events = Table<unknown, Row>
const open = async (storage: Storage): Promise<Events> => (await openTable(storage)) as unknown as Events
const made = async (storage: Storage, options: object = {}): Promise<Events> =>
  (await createTable(storage, { schema: columns, ...options })) as unknown as Events

async function rows(table: Events): Promise<string[]> {
  const all = (await table.scan().toArray()) as object[]
  return all.map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))).sort()
}

async function addsOf(
  table: Events,
): Promise<{ path: string; stats?: string; partitionValues: Readonly<Record<string, string | null>> }[]> {
  const adds = []
  for await (const add of (await table.snapshot()).files()) adds.push(add)
  return adds
}

const many = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: BigInt(from + i), p: `some text ${(from + i) % 97}` }))

describe('row groups', () => {
  test('that are large enough are copied as they are, and statistics are put together', async () => {
    const storage = memoryStorage()
    const table = await made(storage)
    for (let i = 0; i < 3; i++) await table.append(many(i * 110_000, 110_000))
    const before = await addsOf(table)
    const result = await optimize(table)
    expect(result.groups.map(({ mode, rows: count }) => [mode, count])).toEqual([['splice', 330_000]])
    const [add] = await addsOf(table)
    expect(JSON.parse(add?.stats ?? '')).toMatchObject({
      numRecords: 330_000,
      minValues: { id: 0, p: 'some text 0' },
      maxValues: { id: 329_999, p: 'some text 96' },
      nullCount: { id: 0, p: 0 },
    })
    expect(await table.scan().count()).toBe(330_000)
    // The bytes of the row groups are those of the files.
    const inside = async (path: string): Promise<number> => {
      const bytes = (await storage.read(path)) as Uint8Array
      const { rowGroups } = await openParquet(bytesSource(bytes), { name: path })
      return rowGroups.reduce((sum, group) => sum + group.columns.reduce((total, { compressedSize }) => total + compressedSize, 0), 0)
    }
    const sizes = await Promise.all(before.map(({ path }) => inside(path)))
    expect(await inside(add?.path as string)).toBe(sizes.reduce((a, b) => a + b))
  })

  test('are encoded anew when the table wants another codec, or when that is asked for', async () => {
    const storage = memoryStorage()
    const table = await made(storage)
    for (let i = 0; i < 2; i++) await table.append(many(i * 110_000, 110_000))
    await table.setProperties({ 'delta.parquet.compression.codec': 'zstd' })
    expect((await optimize(table)).groups.map(({ mode }) => mode)).toEqual(['re-encode'])
    const [add] = await addsOf(table)
    expect(add?.path).toMatch(/\.zstd\.parquet$/)
    const other = await made(memoryStorage())
    for (let i = 0; i < 2; i++) await other.append(many(i * 110_000, 110_000))
    expect((await optimize(other, { splice: false })).groups.map(({ mode }) => mode)).toEqual(['re-encode'])
  })
})

describe('ids of rows', () => {
  test('stay, and so do the versions at which rows came', async () => {
    const table = await made(memoryStorage(), { properties: { 'delta.enableRowTracking': 'true' } })
    for (let i = 0; i < 4; i++)
      await table.append([
        { id: BigInt(i * 2), p: 'x' },
        { id: BigInt(i * 2 + 1), p: 'y' },
      ])
    const tracked = async (): Promise<string[]> =>
      ((await table.scan({ rowIds: true }).toArray()) as Record<string, unknown>[])
        .map(({ id, _row_id, _row_commit_version }) => `${id} ${_row_id} ${_row_commit_version}`)
        .sort()
    const before = await tracked()
    // Each append of two rows gets the next two ids, at its version.
    expect(before).toEqual(Array.from({ length: 8 }, (_, i) => `${i} ${i} ${Math.floor(i / 2) + 1}`).sort())
    const result = await optimize(table)
    expect(result.filesWritten).toBe(1)
    expect(await tracked()).toEqual(before)
    await table.append([{ id: 8n, p: 'z' }])
    await optimize(table)
    // New ids are above all that were given, those of the files that optimize made among them.
    const [last] = (await tracked()).filter((text) => text.startsWith('8 ')) as [string]
    expect(Number(last.split(' ')[1])).toBeGreaterThanOrEqual(8)
    expect((await tracked()).filter((text) => !text.startsWith('8 '))).toEqual(before)
    const [entry] = await table.history({ limit: 1 })
    expect(entry?.info?.tags).toMatchObject({ 'delta.rowTracking.preserved': 'true' })
  })

  test('that could not be kept are a reason to refuse, by name', async () => {
    const storage = memoryStorage()
    const table = await made(storage, { properties: { 'delta.enableRowTracking': 'true' } })
    for (let i = 0; i < 2; i++) await table.append([{ id: BigInt(i), p: 'x' }])
    const names = ['delta.rowTracking.materializedRowIdColumnName', 'delta.rowTracking.materializedRowCommitVersionColumnName']
    const transaction = await table.transaction()
    const { metadata } = transaction.base
    const configuration = Object.fromEntries(Object.entries(metadata.configuration).filter(([key]) => !names.includes(key)))
    await transaction.setMetadata({ ...metadata, configuration }).commit()
    await expect(optimize(table)).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE', facts: { features: ['rowTracking'] } })
    expect((await table.snapshot()).numFiles).toBe(2)
  })
})

describe('partitions', () => {
  const awkward = ['a/b=c', 'ü %', null, "it's", '..', 'a b+c']

  test('are kept apart whatever their values, and keep the texts that the log has', async () => {
    const storage = memoryStorage()
    const table = await made(storage, { partitionBy: ['p'] })
    for (let i = 0; i < 12; i++) await table.append([{ id: BigInt(i), p: awkward[i % 6] as string }])
    const before = await rows(table)
    const result = await optimize(table)
    expect(result).toMatchObject({ filesRemoved: 12, filesWritten: 6 })
    expect(await rows(table)).toEqual(before)
    expect((await addsOf(table)).map(({ partitionValues }) => partitionValues.p).sort()).toEqual([...awkward].sort())
  })

  test('are chosen by a filter, which looks at nothing else', async () => {
    const table = await made(memoryStorage(), { partitionBy: ['p'] })
    for (let i = 0; i < 6; i++) await table.append([{ id: BigInt(i), p: 'abc'[i % 3] as string }])
    await expect(optimize(table, { where: "p = 'a' AND id > 1" })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      facts: { columns: ['id'] },
    })
    const result = await optimize(table, { where: "p IN ('a', 'b')" })
    expect(result.groups.map(({ partition }) => partition.p).sort()).toEqual(['a', 'b'])
    expect((await table.snapshot()).numFiles).toBe(4)
    const [entry] = await table.history({ limit: 1 })
    expect(entry?.info?.operationParameters).toMatchObject({ predicate: `["p IN ('a', 'b')"]` })
  })
})

describe('tables that changed', () => {
  test('have their columns of now in the new files, under the names that files have for them', async () => {
    const configuration = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '9' }
    const storage = await rawTable(
      {
        protocol: MAPPING,
        schema: struct(mapped('old', 1, 'c1', 'long'), mapped('gone', 2, 'c2', 'string')),
        configuration,
        files: [
          {
            path: 'a.parquet',
            columns: structType(mapped('c1', 1, 'c1', 'long'), mapped('c2', 2, 'c2', 'string')),
            rows: [{ c1: 1n, c2: 'x' }],
          },
        ],
      },
      {
        schema: struct(mapped('new', 1, 'c1', 'long'), mapped('more', 3, 'c3', 'string')),
        configuration,
        files: [
          {
            path: 'b.parquet',
            columns: structType(mapped('c1', 1, 'c1', 'long'), mapped('c3', 3, 'c3', 'string')),
            rows: [{ c1: 2n, c3: 'y' }],
          },
        ],
      },
    )
    const table = await open(storage)
    expect(await optimize(table)).toMatchObject({ filesRemoved: 2, filesWritten: 1 })
    expect(await rows(table)).toEqual(['{"new":"1n","more":null}', '{"new":"2n","more":"y"}'])
    const [add] = await addsOf(table)
    const bytes = (await storage.read(add?.path as string)) as Uint8Array
    const { arrowSchema } = await openParquet(bytesSource(bytes), { name: 'new' })
    expect(arrowSchema.fields.map(({ name }) => name)).toEqual(['c1', 'c3'])
    expect(JSON.parse(add?.stats ?? '')).toMatchObject({ numRecords: 2, minValues: { c1: 1, c3: 'y' }, nullCount: { c1: 0, c3: 1 } })
  })

  test('have their types of now in the new files', async () => {
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['typeWidening'], writerFeatures: ['typeWidening'] }
    const wide = { name: 'v', type: 'long', nullable: true, metadata: { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] } }
    const narrow = structType({ name: 'v', type: 'integer', nullable: true, metadata: {} })
    const storage = await rawTable({
      protocol,
      schema: struct(wide),
      files: [
        { path: 'a.parquet', columns: narrow, rows: [{ v: 1 }] },
        { path: 'b.parquet', columns: narrow, rows: [{ v: 2 }] },
      ],
    })
    const table = await open(storage)
    expect((await optimize(table)).filesWritten).toBe(1)
    const [add] = await addsOf(table)
    const { arrowSchema } = await openParquet(bytesSource((await storage.read(add?.path as string)) as Uint8Array), { name: 'new' })
    expect(String(arrowSchema.fields[0]?.type)).toBe('Int64')
    expect(await rows(table)).toEqual(['{"v":"1n"}', '{"v":"2n"}'])
  })

  test('that only take rows may be optimized, and no change of rows is told', async () => {
    const table = await made(memoryStorage(), { properties: { 'delta.appendOnly': 'true', 'delta.enableChangeDataFeed': 'true' } })
    for (let i = 0; i < 3; i++) await table.append([{ id: BigInt(i), p: 'x' }])
    const { version } = await optimize(table)
    const changes = []
    for await (const change of table.changes({ from: version }).rows()) changes.push(change)
    expect(changes).toEqual([])
  })
})

test('a damaged file is an error that names it; the other groups are committed first', async () => {
  const storage = memoryStorage()
  const table = await made(storage, { partitionBy: ['p'] })
  for (let i = 0; i < 4; i++) await table.append([{ id: BigInt(i), p: 'ab'[i % 2] as string }])
  const [first] = await addsOf(table)
  await storage.put(first?.path as string, new Uint8Array(1000))
  await expect(optimize(table)).rejects.toMatchObject({ code: 'CORRUPT_DATA', facts: { versions: [5] } })
  expect((await table.snapshot()).numFiles).toBe(3)
  expect((await planOptimize(table)).groups.length).toBe(1)
})

test('progress is told, and what it throws is nobody’s business', async () => {
  const table = await made(memoryStorage(), { partitionBy: ['p'] })
  for (let i = 0; i < 6; i++) await table.append([{ id: BigInt(i), p: 'abc'[i % 3] as string }])
  const seen: number[][] = []
  const result = await optimize(table, {
    groupsPerCommit: 1,
    onProgress: ({ groupsDone, groupsTotal }) => {
      seen.push([groupsDone, groupsTotal])
      throw new Error('no display')
    },
  })
  expect(result.versions.length).toBe(3)
  expect(seen.at(-1)).toEqual([3, 3])
})

test('what a store does not keep as it was written is noticed before the commit', async () => {
  const storage = memoryStorage()
  const table = await made(storage)
  for (let i = 0; i < 3; i++) await table.append(many(i * 110_000, 110_000))
  const before = (await addsOf(table)).map(({ path }) => path)
  // One byte of every new file turns over between the disk and its reader, well away from the footer.
  const forgetful = new Proxy(storage, {
    get: (target, key) => {
      const value = Reflect.get(target, key) as unknown
      if (key !== 'readRange') return typeof value === 'function' ? value.bind(target) : value
      return async (path: string, offset: number, length: number, options: object) => {
        const bytes = (await target.readRange(path, offset, length, options)) as Uint8Array
        if (before.includes(path) || offset > 1000 || length < 1000 || path.startsWith('_')) return bytes
        const turned = bytes.slice()
        turned[1000 - offset] = (turned[1000 - offset] as number) ^ 1
        return turned
      }
    },
  })
  await expect(optimize(await open(forgetful))).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
  expect((await addsOf(table)).map(({ path }) => path)).toEqual(before)
  // The file that was found wrong is gone.
  const left: string[] = []
  for await (const page of storage.list('')) left.push(...page.map(({ path }) => path))
  expect(left.filter((path) => path.endsWith('.parquet')).sort()).toEqual([...before].sort())
})
