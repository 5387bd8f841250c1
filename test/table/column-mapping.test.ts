// Tables whose files call the columns otherwise: every column is found by its physical name or id, at every depth, in
// data, partition values and statistics, and by nothing else.
import { isAlluviumError, openTable, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { field, MAPPING, mapped, type RawCommit, rawTable, struct, structType } from './raw-table.js'

const NAME = { 'delta.columnMapping.mode': 'name' }
const ID = { 'delta.columnMapping.mode': 'id' }

async function rowsOf(storage: Storage, options: { columns?: string[]; where?: string } = {}): Promise<Record<string, unknown>[]> {
  return (await openTable(storage)).scan(options).toArray()
}

async function codeOf(storage: Storage): Promise<string> {
  try {
    await rowsOf(storage)
    return 'no error'
  } catch (error) {
    return isAlluviumError(error) ? error.code : `untyped: ${String(error)}`
  }
}

// Logical names that are the physical names of other columns: nothing but the mapping tells them apart.
const twisted = struct(mapped('a', 1, 'b', 'long'), mapped('b', 2, 'c', 'string'), mapped('c', 3, 'a', 'double'))
const twistedFile = structType(mapped('a', 3, '-', 'double'), mapped('b', 1, '-', 'long'), mapped('c', 2, '-', 'string'))
const twistedRows = [
  { b: 1, c: 'one', a: 1.5 },
  { b: 2, c: null, a: null },
]
const expected = [
  { a: 1n, b: 'one', c: 1.5 },
  { a: 2n, b: null, c: null },
]

describe.each([
  ['name', NAME],
  ['id', ID],
])('by %s', (mode, configuration) => {
  test('a column is what its physical name or id says, whatever else is called like it', async () => {
    const storage = await rawTable({
      protocol: MAPPING,
      schema: twisted,
      configuration,
      files: [{ path: 'f', columns: twistedFile, rows: twistedRows }],
    })
    expect(await rowsOf(storage)).toEqual(expected)
    expect(await rowsOf(storage, { columns: ['c', 'a'] })).toEqual(expected.map(({ a, c }) => ({ c, a })))
    expect(await rowsOf(storage, { columns: ['a'], where: `b = 'one' AND c > 1` })).toEqual([{ a: 1n }])
    expect(await (await openTable(storage)).scan({ where: 'c IS NULL' }).count()).toBe(1)
  })

  test('names inside structs, arrays and maps are mapped too', async () => {
    const inner = (first: string, second: string, id: number): object =>
      struct(mapped(first, id, second, 'long'), mapped(second, id + 1, first, 'long'))
    const schema = struct(
      mapped('s', 1, 'p1', inner('x', 'y', 10)),
      mapped('l', 2, 'p2', {
        type: 'array',
        elementType: { type: 'array', elementType: inner('x', 'y', 20), containsNull: true },
        containsNull: true,
      }),
      mapped('m', 3, 'p3', { type: 'map', keyType: 'string', valueType: inner('x', 'y', 30), valueContainsNull: true }),
      mapped('deep', 4, 'p4', struct(mapped('s', 40, 'q', struct(mapped('v', 41, 'r', 'string'))), mapped('gone', 42, 'nowhere', 'date'))),
    )
    // The same types with the physical names.
    const physical = (id: number): object => struct(mapped('y', id, '-', 'long'), mapped('x', id + 1, '-', 'long'))
    const columns = structType(
      mapped('p1', 1, '-', physical(10)),
      mapped('p2', 2, '-', {
        type: 'array',
        elementType: { type: 'array', elementType: physical(20), containsNull: true },
        containsNull: true,
      }),
      mapped('p3', 3, '-', { type: 'map', keyType: 'string', valueType: physical(30), valueContainsNull: true }),
      mapped('p4', 4, '-', struct(mapped('q', 40, '-', struct(mapped('r', 41, '-', 'string'), mapped('v', 77, '-', 'string'))))),
    )
    const rows = [
      { p1: { x: 1, y: 2 }, p2: [[{ x: 3, y: 4 }, null], null], p3: { k: { x: 5, y: 6 }, n: null }, p4: { q: { r: 'right', v: 'wrong' } } },
      { p1: null, p2: [], p3: {}, p4: { q: null } },
    ]
    const storage = await rawTable({ protocol: MAPPING, schema, configuration, files: [{ path: 'f', columns, rows }] })
    expect(await rowsOf(storage)).toEqual([
      {
        s: { x: 2n, y: 1n },
        l: [[{ x: 4n, y: 3n }, null], null],
        m: new Map([
          ['k', { x: 6n, y: 5n }],
          ['n', null],
        ]),
        deep: { s: { v: 'right' }, gone: null },
      },
      { s: null, l: [], m: new Map(), deep: { s: null, gone: null } },
    ])
    expect(await rowsOf(storage, { columns: ['deep'], where: 's.x = 2' })).toHaveLength(1)
  })

  test('a column that a file lacks is null', async () => {
    const schema = struct(mapped('new', 9, 'p9', 'string'), mapped('old', 1, 'p1', 'long'))
    const file = {
      path: 'f',
      columns: structType(mapped('p1', 1, '-', 'long'), mapped('new', 8, '-', 'string')),
      rows: [{ p1: 1, new: 'of a dropped column' }],
    }
    const storage = await rawTable({ protocol: MAPPING, schema, configuration, files: [file] })
    expect(await rowsOf(storage)).toEqual([{ new: null, old: 1n }])
  })

  test('partition values and statistics are found by physical names, filters by those of the table', async () => {
    const schema = struct(
      mapped('day', 1, 'p1', 'date'),
      mapped('v', 2, 'p2', 'long'),
      mapped('s', 3, 'p3', struct(mapped('x', 4, 'p4', 'long'))),
    )
    const columns = structType(mapped('p2', 2, '-', 'long'), mapped('p3', 3, '-', struct(mapped('p4', 4, '-', 'long'))))
    // The bounds of `v` and of `p2` contradict each other: only those of `p2` are true.
    const file = (path: string, day: string, v: number): RawCommit['files'] => [
      {
        path,
        columns,
        rows: [{ p2: v, p3: { p4: v * 10 } }],
        partitionValues: { p1: day, day: '1999-09-09' },
        stats: {
          minValues: { p2: v, p3: { p4: v * 10 }, v: 1000, s: { x: 1000 } },
          maxValues: { p2: v, p3: { p4: v * 10 }, v: 1000, s: { x: 1000 } },
          nullCount: { p2: 0, p3: { p4: 0 }, v: 1, s: { x: 1 } },
        },
      },
    ]
    const files = [file('a', '2024-01-01', 1), file('b', '2024-01-02', 2), file('c', '2024-01-02', 3)].flatMap((one) => one ?? [])
    const storage = await rawTable({ protocol: MAPPING, schema, partitionColumns: ['day'], configuration, files })
    const table = await openTable(storage)
    expect(await rowsOf(storage, { where: `day = DATE '2024-01-01'` })).toEqual([{ day: '2024-01-01', v: 1n, s: { x: 10n } }])
    expect(await rowsOf(storage, { where: 'v = 2', columns: ['day'] })).toEqual([{ day: '2024-01-02' }])
    expect(await rowsOf(storage, { where: 's.x = 30', columns: ['v'] })).toEqual([{ v: 3n }])
    expect((await (await table.snapshot()).scan({ where: `day = DATE '2024-01-02'` }).plan()).prunedByPartition).toBe(1)
    expect((await (await table.snapshot()).scan({ where: 'v > 2' }).plan()).prunedByStatistics).toBe(2)
    expect((await (await table.snapshot()).scan({ where: 's.x < 20' }).plan()).prunedByStatistics).toBe(2)
    expect((await (await table.snapshot()).scan({ where: 'v IS NULL' }).plan()).files).toHaveLength(0)
  })

  test('a name used again after a drop does not bring old values back, also in statistics', async () => {
    const columns = (id: number, name: string): ReturnType<typeof structType> =>
      structType(mapped(name, id, '-', 'long'), mapped('k', 9, '-', 'long'))
    const stats = (name: string, value: number): object => ({
      minValues: { [name]: value },
      maxValues: { [name]: value },
      nullCount: { [name]: 0 },
    })
    const keyed = mapped('k', 9, 'k', 'long')
    const storage = await rawTable(
      {
        protocol: MAPPING,
        schema: struct(mapped('v', 1, 'v', 'long'), keyed),
        configuration,
        files: [{ path: 'a', columns: columns(1, 'v'), rows: [{ v: 5, k: 1 }], stats: stats('v', 5) }],
      },
      {
        schema: struct(keyed, mapped('v', 2, 'col-2', 'long')),
        configuration,
        files: [{ path: 'b', columns: columns(2, 'col-2'), rows: [{ 'col-2': 7, k: 2 }], stats: stats('col-2', 7) }],
      },
    )
    const table = await openTable(storage)
    const before = await table.snapshot({ version: 0 })
    expect(await before.scan({ where: 'v = 5' }).count()).toBe(1)
    expect(await rowsOf(storage)).toEqual([
      { k: 1n, v: null },
      { k: 2n, v: 7n },
    ])
    expect(await (await table.snapshot()).scan({ where: 'v = 7' }).count()).toBe(1)
    expect(await (await table.snapshot()).scan({ where: 'v = 5' }).count()).toBe(0)
    expect(await (await table.snapshot()).scan({ where: 'v IS NULL' }).count()).toBe(1)
  })

  test('a rename is only a new name', async () => {
    const columns = structType(mapped('p', 1, '-', 'long'))
    const storage = await rawTable(
      {
        protocol: MAPPING,
        schema: struct(mapped('old', 1, 'p', 'long')),
        configuration,
        files: [{ path: 'a', columns, rows: [{ p: 5 }] }],
      },
      { schema: struct(mapped('new', 1, 'p', 'long')), configuration, files: [{ path: 'b', columns, rows: [{ p: 6 }] }] },
    )
    expect(await rowsOf(storage)).toEqual([{ new: 5n }, { new: 6n }])
    const table = await openTable(storage)
    expect(await (await table.snapshot({ version: 0 })).scan().toArray()).toEqual([{ old: 5n }])
  })

  test('a field without its annotation is refused', async () => {
    const one = (extra: object): Promise<Storage> =>
      rawTable({
        protocol: MAPPING,
        schema: struct(mapped('a', 1, 'p', 'long'), extra),
        configuration,
        files: [{ path: 'f', columns: structType(mapped('p', 1, '-', 'long')), rows: [{ p: 1 }] }],
      })
    expect(await codeOf(await one(field('b', 'long')))).toBe('CORRUPT_LOG')
    expect(await codeOf(await one(mapped('b', 2, 'p', 'long')))).toBe('CORRUPT_LOG')
    expect(
      await codeOf(
        await one(field('s', struct(field('x', 'long')), { 'delta.columnMapping.id': 2, 'delta.columnMapping.physicalName': 'q' })),
      ),
    ).toBe('CORRUPT_LOG')
    if (mode === 'id') expect(await codeOf(await one(mapped('b', 1, 'q', 'long')))).toBe('CORRUPT_LOG')
  })
})

test('a file without field ids is refused where columns go by ids, not read as nulls', async () => {
  const file = { path: 'f', columns: structType(field('p', 'long')), rows: [{ p: 1 }] }
  const storage = await rawTable({ protocol: MAPPING, schema: struct(mapped('a', 1, 'p', 'long')), configuration: ID, files: [file] })
  expect(await codeOf(storage)).toBe('SCHEMA_MISMATCH')
})

describe('annotations of an older time', () => {
  const schema = struct(mapped('a', 1, 'p', 'long'))
  const file = { path: 'f', columns: structType(field('a', 'long'), field('p', 'long')), rows: [{ a: 1, p: 2 }] }

  test.each([
    ['the mode is none', MAPPING, { 'delta.columnMapping.mode': 'none' }],
    ['there is no mode', MAPPING, {}],
    ['the protocol has no column mapping', { minReaderVersion: 1, minWriterVersion: 2 }, NAME],
    [
      'reader features leave column mapping out',
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: [] },
      NAME,
    ],
  ])('mean nothing when %s', async (_, protocol, configuration) => {
    expect(await rowsOf(await rawTable({ protocol, schema, configuration, files: [file] }))).toEqual([{ a: 1n }])
  })

  test('count when the feature is listed', async () => {
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['columnMapping'], writerFeatures: ['columnMapping'] }
    expect(await rowsOf(await rawTable({ protocol, schema, configuration: NAME, files: [file] }))).toEqual([{ a: 2n }])
  })
})

test('a mode that nobody knows is refused by its name', async () => {
  const storage = await rawTable({
    protocol: MAPPING,
    schema: struct(mapped('a', 1, 'p', 'long')),
    configuration: { 'delta.columnMapping.mode': 'serial' },
  })
  const error: unknown = await openTable(storage).catch((e: unknown) => e)
  expect(isAlluviumError(error, 'UNSUPPORTED_FEATURE') && error.message).toMatch(/columnMapping mode serial/)
})

test('columns called __proto__ and constructor are columns', async () => {
  const schema = struct(mapped('__proto__', 1, 'constructor', 'long'), mapped('constructor', 2, '__proto__', 'string'))
  const columns = structType(mapped('constructor', 1, '-', 'long'), mapped('__proto__', 2, '-', 'string'))
  const rows = [Object.defineProperty({ constructor: 1 }, '__proto__', { value: 'text', enumerable: true })]
  const storage = await rawTable({ protocol: MAPPING, schema, configuration: NAME, files: [{ path: 'f', columns, rows }] })
  const [row] = await rowsOf(storage)
  expect(Object.entries(row as object)).toEqual([
    ['__proto__', 1n],
    ['constructor', 'text'],
  ])
})
