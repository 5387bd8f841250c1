// Row groups are passed over by the bounds in the footer, and never one that holds a row that is asked for. What is
// expected comes from the same filter over every row, or is written out.
import { memoryStorage, openTable, type Storage, type Table } from 'alluvium'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { bindFilter, parseFilter } from '../../src/filter/index.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'
import { vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'
import { Duck, writeRows } from '../parquet/files.js'

const duck = new Duck()

/** A table of one file, without a word in the log about what is in it. */
async function tableOf(
  bytes: Uint8Array,
  columns: string,
  more: { partitionBy?: string; deleted?: readonly number[] } = {},
): Promise<Storage> {
  const storage = memoryStorage()
  await storage.put('file.parquet', bytes)
  const features = ['deletionVectors', 'timestampNtz']
  const vector = vectorBytes([...(more.deleted ?? [])])
  const partitionColumns = more.partitionBy === undefined ? [] : [more.partitionBy]
  const lines = [
    { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features } },
    {
      metaData: {
        id: 'raw',
        format: { provider: 'parquet', options: {} },
        schemaString: formatSchema(parseColumns(columns)),
        partitionColumns,
        configuration: {},
      },
    },
    {
      add: {
        path: 'file.parquet',
        partitionValues: Object.fromEntries(partitionColumns.map((name) => [name, '7'])),
        size: bytes.length,
        modificationTime: 1,
        dataChange: true,
        ...(more.deleted === undefined
          ? {}
          : {
              deletionVector: {
                storageType: 'i',
                pathOrInlineDv: z85(vector),
                sizeInBytes: vector.length,
                cardinality: more.deleted.length,
              },
            }),
      },
    },
  ]
  await storage.put('_delta_log/00000000000000000000.json', encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
  return storage
}

async function idsOf(table: Table, where?: string): Promise<number[]> {
  const ids: number[] = []
  for await (const row of table.scan({ columns: ['id'], ...(where === undefined ? {} : { where }) }).rows()) ids.push(Number(row.id))
  return ids
}

// The ids of the rows for which the filter is true, looked at one and all.
async function idsByEveryRow(table: Table, where: string): Promise<number[]> {
  const filter = bindFilter(parseFilter(where), table.schema)
  const ids: number[] = []
  for await (const batch of table.scan().batches()) {
    const mask = filter.evaluate(batch)
    const values = batch.getChild('id')
    for (let i = 0; i < batch.numRows; i++) if (mask[i] === 1) ids.push(Number(values?.get(i)))
  }
  return ids
}

const COLUMNS =
  'id long not null, n int, b byte, f float, d double, t string, dt date, ts timestamp, ntz timestamp_ntz, p decimal(9,2), q decimal(30,3), flag boolean, s struct<a:int,t:string>'
const texts = ['', 'a', 'ab', 'b', 'é', '\u{10ffff}', 'x'.repeat(80), `${'x'.repeat(80)}y`]
const days = ['1969-12-31', '1970-01-01', '2024-02-29']
const times = ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00', '2024-02-29T12:00:00.000001']
const doubles = [Number.NaN, -0, 0, 1.5, -1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const anyRow = fc.record({
  n: fc.option(fc.integer({ min: -3, max: 3 })),
  b: fc.option(fc.integer({ min: -128, max: 127 })),
  f: fc.option(fc.constantFrom(...doubles)),
  d: fc.option(fc.constantFrom(...doubles)),
  t: fc.option(fc.constantFrom(...texts)),
  dt: fc.option(fc.constantFrom(...days)),
  ts: fc.option(fc.constantFrom(...times.map((time) => `${time}Z`))),
  ntz: fc.option(fc.constantFrom(...times)),
  p: fc.option(fc.constantFrom('-1.00', '0.00', '0.01', '9999999.99')),
  q: fc.option(fc.constantFrom('-123456789012345678901234.567', '0.000', '123456789012345678901234.567')),
  flag: fc.option(fc.boolean()),
  s: fc.option(fc.record({ a: fc.option(fc.integer({ min: -2, max: 2 })), t: fc.option(fc.constantFrom(...texts)) })),
})

const quoted = (values: readonly string[]): string[] => values.map((value) => `'${value}'`)
const numbers = ['-2', '0', '1', '127']
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  id: ['0', '7', '20', '1000'],
  n: numbers,
  b: numbers,
  f: ['0', '1.5', '-1.5', '1e300'],
  d: ['0', '1.5', '-1.5'],
  t: quoted([...texts, 'aa', 'zz']),
  dt: days.map((day) => `date '${day}'`),
  ts: times.map((time) => `timestamp '${time}Z'`),
  ntz: quoted(times),
  p: ['0', '0.01', '-1', '9999999.99'],
  q: ['0', '123456789012345678901234.567'],
  flag: ['true', 'false'],
  's.a': numbers,
  's.t': quoted(texts),
}
const leaf = fc.constantFrom(...Object.keys(LITERALS)).chain((column) => {
  const literal = fc.constantFrom(...(LITERALS[column] as string[]))
  return fc.oneof(
    fc.tuple(fc.constantFrom('=', '<>', '<', '<=', '>', '>='), literal).map(([operator, value]) => `${column} ${operator} ${value}`),
    fc.constantFrom(`${column} is null`, `${column} is not null`),
    fc.array(literal, { minLength: 1, maxLength: 3 }).map((values) => `${column} in (${values.join(', ')})`),
  )
})
const filter = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc.tuple(tie('tree'), fc.constantFrom('and', 'or'), tie('tree')).map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('tree').map((a) => `not (${a})`),
  ),
})).tree

describe('passing over row groups', () => {
  test('never loses a row, nor brings back one that a deletion vector has taken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(filter, { minLength: 4, maxLength: 4 }),
        fc.array(fc.nat(39), { maxLength: 10 }),
        async (rows, rowGroupRows, filters, deletions) => {
          const deleted = [...new Set(deletions)].filter((row) => row < rows.length).sort((a, b) => a - b)
          const bytes = await writeRows(
            COLUMNS,
            rows.map((row, id) => ({ id, ...row })),
            { rowGroupRows },
          )
          const storage = await tableOf(bytes, COLUMNS, deleted.length === 0 ? {} : { deleted })
          const table = (await openTable(storage)) as unknown as Table
          for (const where of filters) {
            const wanted = (await idsByEveryRow(table, where)).filter((id) => !deleted.includes(id))
            expect(await idsOf(table, where), where).toEqual(wanted)
          }
        },
      ),
      { numRuns: 30 },
    )
  }, 120_000)

  test('reads the chunks of those that can match and of no others', async () => {
    const rows = Array.from({ length: 8000 }, (_, id) => ({ id, t: `${'row'.repeat(30)}-${id}` }))
    const columns = 'id long not null, t string'
    const bytes = await writeRows(columns, rows, { rowGroupRows: 1000, codec: 'uncompressed' })
    const group = bytes.length / 8
    const storage = await tableOf(bytes, columns)
    const { readRange } = storage
    let asked = 0
    storage.readRange = (path, offset, length, options) => {
      if (path === 'file.parquet') asked += length
      return readRange.call(storage, path, offset, length, options)
    }
    const table = (await openTable(storage)) as unknown as Table
    const found = await table.scan({ where: 'id in (2500, 2501)' }).toArray()
    expect(found.map((row) => row.id)).toEqual([2500n, 2501n])
    // The end of the file, with its footer, and one row group.
    expect(asked).toBeLessThan(65_536 + group * 1.1)
    asked = 0
    expect(await table.scan({ where: 'id < 0' }).toArray()).toEqual([])
    expect(asked).toBe(65_536)
  })

  test('a column under the name of a partition column does not count: its values are those of the log', async () => {
    const columns = 'id long not null, n int'
    const bytes = await writeRows(
      columns,
      [
        { id: 0, n: 1 },
        { id: 1, n: 2 },
      ],
      { rowGroupRows: 1 },
    )
    const table = (await openTable(await tableOf(bytes, columns, { partitionBy: 'n' }))) as unknown as Table
    expect(await idsOf(table, 'n = 7 and id = 1')).toEqual([1])
    expect(await idsOf(table, 'n = 2')).toEqual([])
  })

  test('a file of DuckDB is passed over by its own bounds, of texts too', async () => {
    const bytes = await duck.copy(
      `select i::bigint id, 'key-' || lpad((i // 2048)::varchar, 40, '0') t, (i / 7)::decimal(9,2) p, (i % 3)::integer n from range(10000) r(i)`,
      'row_group_size 2048',
    )
    const table = (await openTable(await tableOf(bytes, 'id long, t string, p decimal(9,2), n int'))) as unknown as Table
    const all = Array.from({ length: 10_000 }, (_, i) => i)
    const third = `key-${'0'.repeat(39)}2`
    expect(await idsOf(table, `t = '${third}'`)).toEqual(all.filter((i) => Math.floor(i / 2048) === 2))
    expect(await idsOf(table, `t > '${third}' and id >= 9990`)).toEqual(all.slice(9990))
    expect(await idsOf(table, 'n is null')).toEqual([])
    expect((await idsOf(table, 'p >= 1000')).length).toBeGreaterThan(2900)
  })
})
