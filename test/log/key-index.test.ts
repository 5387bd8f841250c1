// Many rows put into the index at once: the same rows are found and counted as if they had been put in one by one.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { FileTable } from '../../src/log/file-table.js'
import { NO_FILES, Tally, totalBytes } from '../../src/log/tally.js'

const VERSION = 5

// A row of this path; hashes may be made to collide.
function addRow(table: FileTable, path: string, size: number, hash: (hash: number) => number): number {
  const bytes = encodeUtf8(path)
  const chunk = table.reserve()
  const i = table.rowCount & 0xffff
  const room = table.allocate(bytes.length)
  room.bytes.set(bytes, room.at)
  chunk.source[i] = room.source
  chunk.path[i] = room.at
  chunk.pathLength[i] = bytes.length
  chunk.size[i] = size
  chunk.hash[i] = hash(table.keyHash(bytes, 0, bytes.length, undefined))
  return table.rowCount++
}

function build(
  paths: readonly string[],
  before: number,
  atOnce: boolean,
  hash: (hash: number) => number,
): { table: FileTable; tally: Tally } {
  const table = new FileTable(VERSION - 1, 8)
  const tally = new Tally(NO_FILES)
  const putNow = (row: number): void => {
    const replaced = table.put(row, VERSION)
    if (replaced >= 0) table.countRow(replaced, -1, tally)
    table.countRow(row, 1, tally)
  }
  for (const [n, path] of paths.entries()) {
    const row = addRow(table, path, n + 1, hash)
    if (n < before || !atOnce) putNow(row)
    else table.putLater(row, VERSION, tally)
  }
  table.settle(tally)
  return { table, tally }
}

describe('rows put into the index at once', () => {
  const paths = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 30 }).map((n) => `part-${n}`),
      fc.nat().map((n) => `file-${n}.parquet`),
    ),
    { maxLength: 400 },
  )
  const hashes: fc.Arbitrary<(hash: number) => number> = fc.constantFrom(
    (hash: number) => hash,
    (hash: number) => hash & 0x7,
    (hash: number) => hash & 0x3ff0_0000,
    () => 7,
  )
  test('are found, replaced and counted as if they had been put in one by one', () => {
    fc.assert(
      fc.property(paths, fc.nat({ max: 40 }), hashes, (some, before, hash) => {
        const one = build(some, before, false, hash)
        const many = build(some, before, true, hash)
        expect([...many.table.liveRows()]).toEqual([...one.table.liveRows()])
        expect(many.tally.counts()).toEqual(one.tally.counts())
        // The last row of each path is the live one.
        const last = new Map(some.map((path, n) => [path, n]))
        expect([...many.table.liveRows()]).toEqual([...last.values()].sort((a, b) => a - b))
        expect(totalBytes(many.tally.counts())).toBe([...last.values()].reduce((sum, n) => sum + n + 1, 0))
        if (hash(12_345) !== 12_345) return
        for (const [path, n] of last) {
          const bytes = encodeUtf8(path)
          expect(many.table.newest(bytes, 0, bytes.length, undefined)).toBe(n)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('are not forgotten: nothing is looked for before they are there', () => {
    const table = new FileTable(0, 8)
    const row = addRow(table, 'a', 1, (hash) => hash)
    table.putLater(row, 1, new Tally(NO_FILES))
    const bytes = encodeUtf8('a')
    expect(() => table.newest(bytes, 0, 1, undefined)).toThrow()
    table.settle(new Tally(NO_FILES))
    expect(table.newest(bytes, 0, 1, undefined)).toBe(row)
  })
})
