// Scans of tables that find their columns by Parquet's field ids: names in files mean nothing, also when row groups are passed over.
import { openTable, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { batchOfRows, writeBatches } from '../parquet/files.js'
import { field, MAPPING, mapped, rawTable, struct, structType } from './raw-table.js'

const GROUPS = 20
const GROUP_ROWS = 500
const filler = 'x'.repeat(60)

/** Of the file: `a` (id 1) counts down, `b` (id 2) counts up, `s.c` (id 4) is the row group. */
async function table(
  columns: readonly object[],
  fileColumns?: readonly object[],
): Promise<{ storage: Storage; asked: () => number; size: number }> {
  const storage = await rawTable({ protocol: MAPPING, schema: struct(...columns), configuration: { 'delta.columnMapping.mode': 'id' } })
  const written = structType(
    ...(fileColumns ?? [
      mapped('a', 1, 'a', 'long'),
      mapped('b', 2, 'b', 'long'),
      mapped('s', 3, 's', struct(mapped('c', 4, 'c', 'long'))),
      mapped('t', 5, 't', 'string'),
    ]),
  )
  const count = GROUPS * GROUP_ROWS
  const rows = Array.from({ length: count }, (_, i) => ({
    a: count - 1 - i,
    b: i,
    s: { c: Math.floor(i / GROUP_ROWS) },
    t: `${filler}${i}`,
  }))
  const bytes = await writeBatches(written, [batchOfRows(written, rows)], { rowGroupRows: GROUP_ROWS, codec: 'uncompressed' })
  await storage.put('f.parquet', bytes)
  const add = { path: 'f.parquet', partitionValues: {}, size: bytes.length, modificationTime: 1, dataChange: true }
  await storage.put(`_delta_log/${'1'.padStart(20, '0')}.json`, new TextEncoder().encode(`${JSON.stringify({ add })}\n`))
  const { readRange } = storage
  let asked = 0
  storage.readRange = (path, offset, length, options) => {
    if (path === 'f.parquet') asked += length
    return readRange.call(storage, path, offset, length, options)
  }
  return { storage, asked: () => asked, size: bytes.length }
}

// The names of the file, each at the other's id.
const CROSSED = [
  mapped('up', 2, 'a', 'long'),
  mapped('down', 1, 'b', 'long'),
  mapped('inner', 3, 'p', struct(mapped('group', 4, 'q', 'long'))),
  mapped('text', 5, 'r', 'string'),
]

describe('a table in id mode', () => {
  test.each<[string, (up: number) => boolean]>([
    ['up >= 2600 AND up < 2610', (up) => up >= 2600 && up < 2610],
    ['down < 7', (up) => up > 9992],
    ['inner.group = 3 AND up < 1600', (up) => up >= 1500 && up < 1600],
    ['up = 4 OR inner.group = 19 AND down = 0', (up) => up === 4 || up === 9999],
    ['up < 0', () => false],
  ])('finds the rows of %s by ids, and reads few row groups', async (where, wanted) => {
    const { storage, asked, size } = await table(CROSSED)
    const scan = (await (await openTable(storage)).snapshot()).scan({ where })
    const found = (await scan.toArray()) as { up: bigint; down: bigint; text: string }[]
    const expected = Array.from({ length: GROUPS * GROUP_ROWS }, (_, up) => up).filter(wanted)
    expect(found.map(({ up }) => Number(up))).toEqual(expected)
    for (const { up, down, text } of found) expect([down, text]).toEqual([9999n - up, `${filler}${up}`])
    expect(asked()).toBeLessThan(65_536 + (size * 3) / GROUPS)
  })

  test('keeps every row group where the file lacks the id, whatever it calls other columns', async () => {
    const { storage } = await table([...CROSSED, mapped('added', 9, 't', 'long')])
    const opened = await openTable(storage)
    // Its physical name is that of another column in the file.
    expect(await opened.scan({ where: 'added IS NULL' }).count()).toBe(GROUPS * GROUP_ROWS)
    expect(await opened.scan({ where: 'added = 5' }).count()).toBe(0)
    expect(await opened.scan({ where: 'added IS NULL AND up = 5', columns: ['up', 'added'] }).toArray()).toEqual([{ up: 5n, added: null }])
  })

  test('refuses a file without ids, filter or not', async () => {
    const plain = [field('a', 'long'), field('b', 'long'), field('s', struct(field('c', 'long'))), field('t', 'string')]
    const { storage } = await table(CROSSED, plain)
    for (const options of [{}, { where: 'up < 0' }]) {
      await expect((await openTable(storage)).scan(options).toArray()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    }
  })
})
