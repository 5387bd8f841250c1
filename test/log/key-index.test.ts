// Many rows put into the index at once: the same rows are found and counted as if they had been put in one by one.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { FileTable } from '../../src/log/file-table.js'
import { indexRows } from '../../src/log/key-index.js'
import { CHUNK_BITS, CHUNK_MASK, CHUNK_ROWS, RowChunk } from '../../src/log/row-chunk.js'
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

/** Rows with these hashes, the first of them at row `first`. */
function chunksOf(hashes: readonly number[], first: number): RowChunk[] {
  const chunks: RowChunk[] = []
  for (const [n, hash] of hashes.entries()) {
    const row = first + n
    chunks[row >>> CHUNK_BITS] ??= roomy()
    ;(chunks[row >>> CHUNK_BITS] as RowChunk).hash[row & CHUNK_MASK] = hash
  }
  return chunks
}

function roomy(): RowChunk {
  const chunk = new RowChunk()
  chunk.grow(CHUNK_ROWS)
  return chunk
}

/** The plainest index: beginning at the hash, one slot after the other, where a key is its hash. */
class PlainIndex {
  readonly slots: Int32Array
  readonly hashOf: (row: number) => number
  readonly met: number[] = []
  /** Looks that found a key of their own. */
  readonly replaced: [row: number, by: number][] = []

  constructor(size: number, hashOf: (row: number) => number) {
    this.slots = new Int32Array(size)
    this.hashOf = hashOf
  }

  slotOf(hash: number, limit: number = this.slots.length): number {
    for (let n = 0; n < limit; n++) {
      const slot = (hash + n) & (this.slots.length - 1)
      const other = (this.slots[slot] as number) - 1
      if (other < 0 || this.hashOf(other) === hash) return slot
    }
    return -1
  }

  readonly put = (row: number): number => {
    const slot = this.slotOf(this.hashOf(row))
    const other = (this.slots[slot] as number) - 1
    if (other >= 0) this.replaced.push([other, row])
    this.slots[slot] = row + 1
    return slot
  }

  readonly meet = (row: number): number => {
    this.met.push(row)
    return this.put(row)
  }

  rowOf(hash: number): number {
    return (this.slots[this.slotOf(hash)] as number) - 1
  }
}

describe('an index that is filled', () => {
  // Few values beside many, of both signs, and such as begin to look at the end of the index.
  const hash = fc.oneof(
    fc.integer({ min: -40, max: 40 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.constantFrom(511, 1023, -1),
  )
  const scene = fc.record({
    hashes: fc.array(hash, { maxLength: 250 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    size: fc.constantFrom(256, 512, 4096),
    // Within a chunk, and over the border of two.
    first: fc.constantFrom(0, 3, CHUNK_ROWS - 20, CHUNK_ROWS),
  })

  test('has the newest row of every key where it is looked for, and counts each key once', () => {
    fc.assert(
      fc.property(scene, ({ hashes, share, size, first }) => {
        const chunks = chunksOf(hashes, first)
        const index = new PlainIndex(size, (row) => hashes[row - first] as number)
        const before = Math.floor(share * hashes.length)
        for (let n = 0; n < before; n++) index.put(first + n)
        index.replaced.length = 0
        const known = new Set(hashes.slice(0, before))
        const { slots, meet } = index
        const fresh = indexRows({ slots, chunks, maxProbes: size, meet }, first + before, first + hashes.length, before === 0)
        const newest = new Map(hashes.map((one, n) => [one, first + n]))
        expect(fresh).toBe(newest.size - known.size)
        for (const [one, row] of newest) expect(index.rowOf(one)).toBe(row)
        expect(slots.filter((slot) => slot !== 0)).toHaveLength(newest.size)
        // A row takes the place of the one of its key just before it.
        const last = new Map<number, number>(hashes.slice(0, before).map((one, n) => [one, first + n]))
        const expected: [number, number][] = []
        for (let n = before; n < hashes.length; n++) {
          const other = last.get(hashes[n] as number)
          if (other !== undefined) expected.push([other, first + n])
          last.set(hashes[n] as number, first + n)
        }
        const byRow = (a: readonly number[], b: readonly number[]): number => (a[1] as number) - (b[1] as number)
        expect(index.replaced.sort(byRow)).toEqual(expected)
      }),
      { numRuns: 400 },
    )
  })

  test.each([true, false])('looks at so many slots and no more, then asks where a row goes (empty before: %s)', (isEmpty) => {
    // All begin at slot 5: the first three find a place with three looks, the others do not.
    const hashes = [0, 1, 2, 3, 4].map((n) => 5 + n * 256)
    const index = new PlainIndex(256, (row) => hashes[row] as number)
    const { slots, met } = index
    const meet = (row: number): number => {
      met.push(row)
      return -1
    }
    expect(indexRows({ slots, chunks: chunksOf(hashes, 0), maxProbes: 3, meet }, 0, 5, isEmpty)).toBe(3)
    expect(met).toEqual([3, 4])
    expect([...slots.subarray(4, 11)]).toEqual([0, 1, 2, 3, 0, 0, 0])
  })

  test('goes through an index part by part: rows that begin to look near each other are put in one after the other', () => {
    // An index of 4096 slots in 256 parts of 16; every key is there already, so that each row is seen to be put in.
    const size = 4096
    const known = Array.from({ length: 256 }, (_, part) => part * 16 + (part % 16))
    const hashes = [...known, ...known.map((_, n) => known[(n * 91) % 256] as number)]
    const index = new PlainIndex(size, (row) => hashes[row] as number)
    for (let row = 0; row < 256; row++) index.put(row)
    const { slots, meet, met } = index
    expect(indexRows({ slots, chunks: chunksOf(hashes, 0), maxProbes: 64, meet }, 256, 512, false)).toBe(0)
    expect(met.map((row) => (hashes[row] as number) >>> 4)).toEqual(Array.from({ length: 256 }, (_, part) => part))
  })

  test('is left as it is by no rows', () => {
    const index = new PlainIndex(256, () => 0)
    expect(indexRows({ slots: index.slots, chunks: [], maxProbes: 64, meet: index.meet }, 7, 7, false)).toBe(0)
    expect(index.slots.every((slot) => slot === 0)).toBe(true)
    expect(index.met).toEqual([])
  })
})
