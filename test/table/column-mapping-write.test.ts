// Writing to tables that map their columns: files, statistics and partition values say physical names, and nothing else
// of the table shows them. DuckDB reads the files as they are.
import { createTable, isAlluviumError, memoryStorage, openTable, parseColumns, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import { Duck } from '../parquet/files.js'
import { MAPPING, mapped, rawTable, struct, structType } from './raw-table.js'

const duck = new Duck()
const commitPath = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

interface Line {
  readonly add?: { path: string; partitionValues: Record<string, string | null>; stats: string }
  readonly metaData?: { schemaString: string; configuration: Record<string, string>; partitionColumns: string[] }
  readonly protocol?: { readerFeatures: string[]; writerFeatures: string[] }
}
async function linesOf(storage: Storage, version: number): Promise<Line[]> {
  const text = decodeUtf8((await storage.read(commitPath(version))) as Uint8Array)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
async function addOf(storage: Storage, version: number): Promise<NonNullable<Line['add']>> {
  return (await linesOf(storage, version)).flatMap((line) => line.add ?? [])[0] as NonNullable<Line['add']>
}

const INNER = (x: string, y: string, id: number): object => struct(mapped('x', id, x, 'long'), mapped('y', id + 1, y, 'string'))
const SCHEMA = struct(
  mapped('day', 1, 'p1', 'date'),
  mapped('a', 2, 'b', 'long'),
  mapped('b', 3, 'a', 'string'),
  mapped('s', 4, 'p4', INNER('y', 'x', 40)),
  mapped('l', 5, 'p5', { type: 'array', elementType: INNER('q1', 'q2', 50), containsNull: true }),
  mapped('m', 6, 'p6', { type: 'map', keyType: 'string', valueType: INNER('r1', 'r2', 60), valueContainsNull: true }),
)
const ROWS = [
  { day: '2024-02-29', a: 1n, b: 'one', s: { x: 10n, y: 'ten' }, l: [{ x: 1n, y: 'l' }, null], m: new Map([['k', { x: 2n, y: 'm' }]]) },
  { day: null, a: 2n, b: null, s: null, l: [], m: new Map() },
]

describe.each([
  ['name', MAPPING],
  ['id', { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['columnMapping'], writerFeatures: ['columnMapping', 'appendOnly'] }],
])('an append to a table that maps by %s', (mode, protocol) => {
  const configuration = { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '61' }

  test('writes physical names and field ids at every depth, and reads back', async () => {
    const storage = await rawTable({ protocol, schema: SCHEMA, configuration })
    await (await openTable(storage)).append(ROWS)
    const { path } = await addOf(storage, 1)
    const file = (await storage.read(path)) as Uint8Array
    const columns = await duck.query('select name, field_id from parquet_schema($file) where field_id is not null order by field_id', file)
    expect(columns.map(({ name, field_id }) => [name, Number(field_id)])).toEqual([
      ['p1', 1],
      ['b', 2],
      ['a', 3],
      ['p4', 4],
      ['p5', 5],
      ['p6', 6],
      ['y', 40],
      ['x', 41],
      ['q1', 50],
      ['q2', 51],
      ['r1', 60],
      ['r2', 61],
    ])
    const [row] = await duck.query("select b, a, p4.y as py, p4.x as px, p5[1].q1 as q, p6['k'].r2 as r from $file order by b", file)
    expect(row).toEqual({ b: 1n, a: 'one', py: 10n, px: 'ten', q: 1n, r: 'm' })
    const table = await openTable(storage)
    expect(await table.scan().toArray()).toEqual(ROWS)
    expect(await table.scan({ where: `a = 1 AND s.y = 'ten'`, columns: ['b'] }).toArray()).toEqual([{ b: 'one' }])
  })

  test('has statistics and partition values under physical names', async () => {
    const storage = await rawTable({ protocol, schema: SCHEMA, configuration, partitionColumns: ['day'] })
    await (await openTable(storage)).append(ROWS.slice(0, 1))
    const { partitionValues, stats, path } = await addOf(storage, 1)
    expect(partitionValues).toEqual({ p1: '2024-02-29' })
    expect(JSON.parse(stats)).toMatchObject({
      numRecords: 1,
      minValues: { b: 1, a: 'one', p4: { y: 10, x: 'ten' } },
      maxValues: { b: 1, a: 'one', p4: { y: 10, x: 'ten' } },
      nullCount: { b: 0, a: 0, p4: { y: 0, x: 0 }, p5: 0, p6: 0 },
    })
    expect(stats).not.toMatch(/"s"|"l"|"m"|"day"|p1/)
    expect(path).not.toMatch(/day=/)
    const table = await openTable(storage)
    await table.append(ROWS.slice(1))
    expect(await table.scan({ where: `day = DATE '2024-02-29'` }).toArray()).toEqual(ROWS.slice(0, 1))
    expect(await table.scan({ where: 'day IS NULL', columns: ['a'] }).toArray()).toEqual([{ a: 2n }])
    expect((await (await table.snapshot()).scan({ where: 'a > 1' }).plan()).prunedByStatistics).toBe(1)
  })

  test('follows delta.dataSkippingStatsColumns by the names of the table', async () => {
    const storage = await rawTable({
      protocol,
      schema: SCHEMA,
      configuration: { ...configuration, 'delta.dataSkippingStatsColumns': 'a,s.y' },
    })
    await (await openTable(storage)).append(ROWS)
    expect(JSON.parse((await addOf(storage, 1)).stats)).toEqual({
      numRecords: 2,
      minValues: { b: 1, p4: { x: 'ten' } },
      maxValues: { b: 2, p4: { x: 'ten' } },
      nullCount: { b: 0, p4: { x: 1 } },
    })
  })

  test('an overwrite takes the place of files from before a rename', async () => {
    const first = { path: 'f', columns: structType(mapped('p', 1, '-', 'long')), rows: [{ p: 1 }] }
    const storage = await rawTable(
      { protocol, schema: struct(mapped('old', 1, 'p', 'long')), configuration, files: [first] },
      { schema: struct(mapped('new', 1, 'p', 'long')), configuration },
    )
    const table = await openTable(storage)
    await table.append([{ new: 2 }])
    expect(await table.scan().toArray()).toEqual([{ new: 1n }, { new: 2n }])
    await table.overwrite([{ new: 3 }])
    expect(await table.scan().toArray()).toEqual([{ new: 3n }])
  })

  test('meets a column dropped and made again with a conflict, a rename of nothing with none', async () => {
    const keyed = mapped('k', 9, 'k', 'long')
    const storage = await rawTable({ protocol, schema: struct(mapped('v', 1, 'v', 'long'), keyed), configuration })
    const stale = await openTable(storage)
    const change = async (version: number, ...fields: object[]): Promise<void> => {
      const metaData = {
        id: 'raw',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify(struct(...fields)),
        partitionColumns: [],
        configuration,
      }
      await storage.put(
        commitPath(version),
        encodeUtf8(`${JSON.stringify({ commitInfo: { operation: 'X' } })}\n${JSON.stringify({ metaData })}\n`),
      )
    }
    await change(1, mapped('v', 1, 'v', 'long'), keyed, mapped('more', 10, 'm', 'long'))
    await stale.append([{ v: 1, k: 1 }])
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ v: 1n, k: 1n, more: null }])
    await change(3, mapped('v', 2, 'col-2', 'long'), keyed)
    const error: unknown = await stale.append([{ v: 2, k: 2, more: null }]).catch((e: unknown) => e)
    expect(isAlluviumError(error, 'COMMIT_CONFLICT'), String(error)).toBe(true)
    expect(await (await openTable(storage)).scan().toArray()).toEqual([{ v: null, k: 1n }])
  })
})

describe('a table made with column mapping', () => {
  test('has an id and a physical name for every field, and any name for a column', async () => {
    const storage = memoryStorage()
    const schema = parseColumns('`a b` long not null, `x,y;{}` array<struct<`=`: string>>, m map<string, struct<v: int>>, p string')
    const table = await createTable(storage, { schema, partitionBy: ['p'], properties: { 'delta.columnMapping.mode': 'name' } })
    const rows = [{ 'a b': 1n, 'x,y;{}': [{ '=': 'text' }], m: new Map([['k', { v: 3 }]]), p: 'part' }]
    await table.append(rows)
    expect(await (await openTable(storage)).scan({ where: '`a b` = 1' }).toArray()).toEqual(rows)
    const lines = await linesOf(storage, 0)
    const [metaData] = lines.flatMap((line) => line.metaData ?? [])
    const { configuration, schemaString, partitionColumns } = metaData as NonNullable<Line['metaData']>
    expect(configuration).toMatchObject({ 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '6' })
    expect(partitionColumns).toEqual(['p'])
    expect([...schemaString.matchAll(/"delta.columnMapping.id":(\d+)/g)].map((match) => Number(match[1])).sort()).toEqual([
      1, 2, 3, 4, 5, 6,
    ])
    expect(
      new Set([...schemaString.matchAll(/"delta.columnMapping.physicalName":"(col-[0-9a-f-]{36})"/g)].map((match) => match[1])).size,
    ).toBe(6)
    const protocol = lines.find((line) => line.protocol !== undefined)?.protocol
    expect(protocol?.readerFeatures).toEqual(['columnMapping'])
    expect(protocol?.writerFeatures).toContain('columnMapping')
  })

  test('never changes its mapping', async () => {
    const storage = memoryStorage()
    const schema = parseColumns('a long')
    const table = await createTable(storage, { schema, properties: { 'delta.columnMapping.mode': 'name' } })
    for (const set of [{ 'delta.columnMapping.mode': 'none' }, { 'delta.columnMapping.mode': 'id' }]) {
      const error: unknown = await table.setProperties(set).catch((e: unknown) => e)
      expect(isAlluviumError(error, 'INVALID_OPTIONS'), String(error)).toBe(true)
    }
    await table.setProperties({ 'delta.appendOnly': 'true' })
    await table.append([{ a: 1 }])
    expect(await table.scan().toArray()).toEqual([{ a: 1n }])
  })
})

test('a table whose annotations are not complete is read by name, and not written', async () => {
  const schema = struct(mapped('a', 1, 'p', 'long'), {
    name: 'b',
    type: 'long',
    nullable: true,
    metadata: { 'delta.columnMapping.physicalName': 'q' },
  })
  const file = { path: 'f', columns: structType(mapped('p', 1, '-', 'long'), mapped('q', 2, '-', 'long')), rows: [{ p: 1, q: 2 }] }
  const storage = await rawTable({ protocol: MAPPING, schema, configuration: { 'delta.columnMapping.mode': 'name' }, files: [file] })
  const table = await openTable(storage)
  expect(await table.scan().toArray()).toEqual([{ a: 1n, b: 2n }])
  const error: unknown = await table.append([{ a: 1, b: 2 }]).catch((e: unknown) => e)
  expect(isAlluviumError(error, 'UNSUPPORTED_FEATURE') && error.facts.features).toEqual(['columnMapping'])
})
