// What a transaction is taken to have read: the files that its filters could need, and whatever somebody adds that could have been one
// of them. Where the log does not tell, it was read.
// Holds C5 of spec/invariants.md.
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { bindFilter, parseFilter } from '../../src/filter/index.js'
import { type AddFile, type LogView, loadLog, type RemoveFile } from '../../src/log/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { fileMatcher, Reads } from '../../src/table/reads.js'
import { field, MAPPING, mapped, struct } from './raw-table.js'

interface Logged {
  readonly protocol?: object
  readonly schema: object
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
  readonly adds?: readonly AddFile[]
}

const add = (path: string, more: Partial<AddFile> = {}): AddFile => ({
  kind: 'add',
  path,
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
const remove = (path: string): RemoveFile => ({ kind: 'remove', path, dataChange: true })
const between = (column: string, min: unknown, max: unknown): { stats: string } => ({
  stats: JSON.stringify({ numRecords: 2, minValues: { [column]: min }, maxValues: { [column]: max }, nullCount: { [column]: 0 } }),
})

async function viewOf({ protocol, schema, partitionColumns = [], configuration = {}, adds = [] }: Logged): Promise<LogView> {
  const lines = [
    { protocol: protocol ?? { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'm',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify(schema),
        partitionColumns,
        configuration,
      },
    },
    ...adds.map(({ kind, ...body }) => ({ [kind]: body })),
  ]
  const storage = memoryStorage()
  await storage.create('_delta_log/00000000000000000000.json', encodeUtf8(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`))
  return loadLog(storage)
}
const filterOn = (view: LogView, where: string) => bindFilter(parseFilter(where), view.schema)
const matches = (view: LogView, where: string, file: AddFile): boolean => fileMatcher(view, filterOn(view, where))(file)

describe('a file that somebody adds', () => {
  const plain: Logged = { schema: struct(field('id', 'long'), field('p', 'string'), field('q', 'integer')), partitionColumns: ['p', 'q'] }

  test('could have been meant by its partition', async () => {
    const view = await viewOf(plain)
    expect(matches(view, "p = 'a'", add('f', { partitionValues: { p: 'a', q: '1' } }))).toBe(true)
    expect(matches(view, "p = 'a'", add('f', { partitionValues: { p: 'b', q: '1' } }))).toBe(false)
    expect(matches(view, 'q > 9', add('f', { partitionValues: { p: 'b', q: '10' } }))).toBe(true)
    expect(matches(view, 'q > 9', add('f', { partitionValues: { p: 'b', q: '9' } }))).toBe(false)
    expect(matches(view, "p = 'a' AND q = 1", add('f', { partitionValues: { p: 'a', q: '2' } }))).toBe(false)
  })

  test('with a null in its partition is not meant by a comparison, and is by what asks for nulls', async () => {
    const view = await viewOf(plain)
    const file = add('f', { partitionValues: { p: null, q: '1' } })
    expect(matches(view, "p = 'a'", file)).toBe(false)
    expect(matches(view, 'p IS NULL', file)).toBe(true)
    expect(matches(view, 'p IS NOT NULL', file)).toBe(false)
  })

  test('that does not say its partition may be meant', async () => {
    const view = await viewOf(plain)
    expect(matches(view, "p = 'a'", add('f', { partitionValues: { q: '1' } }))).toBe(true)
  })

  test('could have been meant by its statistics; without, or with bad ones, it may be', async () => {
    const view = await viewOf(plain)
    const file = (more: Partial<AddFile>): AddFile => add('f', { partitionValues: { p: 'a', q: '1' }, ...more })
    expect(matches(view, 'id = 5', file(between('id', 1, 9)))).toBe(true)
    expect(matches(view, 'id = 5', file(between('id', 6, 9)))).toBe(false)
    expect(matches(view, 'id = 5', file({}))).toBe(true)
    expect(matches(view, 'id = 5', file({ stats: '{"numRecords":' }))).toBe(true)
    // Statistics about a partition column are nobody's business.
    expect(matches(view, "p = 'a'", file(between('p', 'x', 'y')))).toBe(true)
  })

  test('is looked at by its field, not by a column of a struct that has the name of a partition', async () => {
    const nested = { type: 'struct', fields: [field('p', 'long')] }
    const view = await viewOf({ schema: struct(field('s', nested), field('p', 'string')), partitionColumns: ['p'] })
    const stats = JSON.stringify({ numRecords: 1, minValues: { s: { p: 3 } }, maxValues: { s: { p: 4 } }, nullCount: { s: { p: 0 } } })
    expect(matches(view, 's.p = 5', add('f', { partitionValues: { p: '5' }, stats }))).toBe(false)
    expect(matches(view, 's.p = 3', add('f', { partitionValues: { p: '5' }, stats }))).toBe(true)
  })

  test('is known by the physical names of a table that maps its columns', async () => {
    const view = await viewOf({
      protocol: MAPPING,
      schema: struct(mapped('id', 1, 'col-1', 'long'), mapped('p', 2, 'col-2', 'string')),
      partitionColumns: ['p'],
      configuration: { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '2' },
    })
    const file = add('f', { partitionValues: { 'col-2': 'a' }, ...between('col-1', 1, 4) })
    expect(matches(view, "p = 'a'", file)).toBe(true)
    expect(matches(view, "p = 'b'", file)).toBe(false)
    expect(matches(view, 'id = 4', file)).toBe(true)
    expect(matches(view, 'id = 5', file)).toBe(false)
    // Under the names of the table nothing is said.
    expect(matches(view, "p = 'b'", add('f', { partitionValues: { p: 'a' } }))).toBe(true)
    expect(matches(view, 'id = 5', add('f', between('id', 1, 4)))).toBe(true)
  })

  test('is not excluded by the statistics of a column that was float when they were made', async () => {
    const change = { 'delta.typeChanges': [{ toType: 'double', fromType: 'float', tableVersion: 1 }] }
    const view = await viewOf({
      protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['typeWidening'], writerFeatures: ['typeWidening'] },
      schema: struct(field('was', 'double', change), field('now', 'double')),
    })
    // A text of a float is not the number it stands for: 1.1 means 1.10000002384185791.
    expect(matches(view, 'was < 1.1', add('f', between('was', 1.1, 2)))).toBe(true)
    expect(matches(view, 'now < 1.1', add('f', between('now', 1.1, 2)))).toBe(false)
  })
})

describe('what was read', () => {
  const three = (): Promise<LogView> =>
    viewOf({
      schema: struct(field('id', 'long'), field('p', 'string')),
      partitionColumns: ['p'],
      adds: [
        add('p=a/1', { partitionValues: { p: 'a' }, ...between('id', 1, 4) }),
        add('p=a/2', { partitionValues: { p: 'a' }, ...between('id', 5, 9) }),
        add('p=b/3', { partitionValues: { p: 'b' }, ...between('id', 1, 9) }),
      ],
    })

  test('is nothing at first', async () => {
    expect(await new Reads(await three()).readSet()).toEqual({ appIds: [] })
  })

  test('are applications, each once', async () => {
    const reads = new Reads(await three())
    for (const appId of ['x', 'y', 'x']) reads.position(appId)
    expect(await reads.readSet()).toEqual({ appIds: ['x', 'y'] })
  })

  test('is the whole table where no filter was given, whatever else', async () => {
    const view = await three()
    const reads = new Reads(view)
    reads.rows(filterOn(view, "p = 'a'"))
    reads.rows(undefined)
    reads.position('x')
    expect(await reads.readSet()).toEqual({ appIds: ['x'], readsWholeTable: true })
  })

  test('are the files that any of the filters could need, and no file of a later version', async () => {
    const view = await three()
    const reads = new Reads(view)
    reads.rows(filterOn(view, "p = 'a' AND id = 5"))
    const read = async (): Promise<string[]> => {
      const { wasRead, readsWholeTable } = await reads.readSet()
      expect(readsWholeTable).toBeUndefined()
      return ['p=a/1', 'p=a/2', 'p=b/3', 'later'].filter((path) => wasRead?.(remove(path)))
    }
    expect(await read()).toEqual(['p=a/2'])
    reads.rows(filterOn(view, "p = 'b'"))
    expect(await read()).toEqual(['p=a/2', 'p=b/3'])
  })

  test('may be any file added later that one of the filters could need', async () => {
    const view = await three()
    const reads = new Reads(view)
    reads.rows(filterOn(view, "p = 'a' AND id = 5"))
    reads.rows(filterOn(view, "p = 'c'"))
    const { mayRead } = await reads.readSet()
    const of = (p: string, more: Partial<AddFile> = {}): boolean | undefined => mayRead?.(add('f', { partitionValues: { p }, ...more }))
    expect(of('a')).toBe(true)
    expect(of('a', between('id', 6, 7))).toBe(false)
    expect(of('b')).toBe(false)
    expect(of('c')).toBe(true)
  })
})
