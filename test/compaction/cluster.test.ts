// Curves and the order of rows along them: what a filter gains, that no row changes, and what is left alone the second time.
import {
  createTable,
  double,
  integer,
  long,
  memoryStorage,
  optimize,
  planOptimize,
  type Storage,
  schema,
  string,
  type Table,
} from 'alluvium'
import { describe, expect, test } from 'vitest'
import { Axis } from '../../src/compaction/cluster-columns.js'
import { cutsOf, rangesOfPlaces } from '../../src/compaction/cluster-order.js'
import { bitsFor, hilbertPlace, zOrderPlace } from '../../src/compaction/curve.js'

const point = (...coordinates: number[]): Uint32Array => Uint32Array.from(coordinates)

describe('a curve', () => {
  test('of Z takes the bits in turn', () => {
    // 5 = 101, 3 = 011: 10 01 11.
    expect(zOrderPlace(point(5, 3), 3)).toBe(0b100111)
    expect(zOrderPlace(point(7), 3)).toBe(7)
  })

  test.each([
    [2, 4],
    [3, 3],
    [4, 2],
    [1, 6],
  ])('of Hilbert, through %i dimensions of %i bits, goes through every point, and from neighbour to neighbour', (dimensions, bits) => {
    const side = 2 ** bits
    const byPlace: number[][] = []
    for (let n = 0; n < side ** dimensions; n++) {
      const coordinates = Array.from({ length: dimensions }, (_, axis) => Math.floor(n / side ** axis) % side)
      const place = hilbertPlace(Uint32Array.from(coordinates), bits)
      expect(byPlace[place]).toBeUndefined()
      byPlace[place] = coordinates
    }
    expect(byPlace.length).toBe(side ** dimensions)
    for (let place = 1; place < byPlace.length; place++) {
      const [a, b] = [byPlace[place - 1] as number[], byPlace[place] as number[]]
      expect(a.reduce((sum, each, axis) => sum + Math.abs(each - (b[axis] as number)), 0)).toBe(1)
    }
  })

  test('has places that numbers hold exactly', () => {
    for (let dimensions = 1; dimensions <= 52; dimensions++) {
      const bits = bitsFor(dimensions)
      const most = zOrderPlace(new Uint32Array(dimensions).fill(2 ** bits - 1), bits)
      expect(most).toBe(2 ** (bits * dimensions) - 1)
      expect(Number.isSafeInteger(most)).toBe(true)
    }
    expect(() => bitsFor(53)).toThrow(RangeError)
  })
})

describe('an axis', () => {
  test('keeps the order of values, null first, NaN with the greatest', () => {
    const values = [-5, -1, 0, 2, 2.5, 1e9]
    const axis = new Axis([...values, null, ...values], 255)
    const coordinates = values.map((value) => axis.of(value))
    expect(coordinates).toEqual([...coordinates].sort((a, b) => a - b))
    expect(new Set(coordinates).size).toBe(values.length)
    expect(axis.of(null)).toBe(0)
    expect(Math.min(...coordinates)).toBeGreaterThan(0)
    expect(axis.of(Number.POSITIVE_INFINITY)).toBe(255)
  })

  test('spreads skewed values: a value of half of all rows does not squeeze the others together', () => {
    const sample = [...Array.from({ length: 1000 }, () => 7), ...Array.from({ length: 1000 }, (_, i) => 1000 + i)]
    const axis = new Axis(sample, 1023)
    expect(new Set(Array.from({ length: 1000 }, (_, i) => axis.of(1000 + i))).size).toBeGreaterThan(400)
    expect(axis.of(7)).toBeLessThan(axis.of(1000))
  })

  test('of texts too', () => {
    const axis = new Axis(['b', 'a', 'c'], 7)
    expect(['a', 'b', 'c'].map((text) => axis.of(text))).toEqual([2, 4, 7])
  })
})

describe('ranges of places', () => {
  test('have about as many rows each, also where most rows are at one place', () => {
    const places = Float64Array.from({ length: 1000 }, (_, i) => (i < 100 ? i : 500))
    const cuts = cutsOf(places, 10)
    const ranges = rangesOfPlaces(places, cuts, { next: 0 })
    const counts = Array.from({ length: 10 }, (_, range) => ranges.filter((each) => each === range).length)
    expect(counts.reduce((a, b) => a + b)).toBe(1000)
    expect(Math.max(...counts)).toBeLessThanOrEqual(120)
    // Ranges are in the order of the places.
    for (const a of [0, 50, 99, 500])
      for (const b of [0, 50, 99, 500]) {
        const rangesAt = (place: number): number[] => [...ranges].filter((_, row) => places[row] === place)
        if (a < b) expect(Math.max(...rangesAt(a))).toBeLessThanOrEqual(Math.min(...rangesAt(b)))
      }
  })
})

const columns = schema({ a: integer(), b: double(), name: string(), at: long() })
type Row = { a: number | null; b: number | null; name: string; at: bigint }
type Events = Table<unknown, Row>

// A multiplicative generator: the same rows every time, spread over both axes.
function rows(count: number, seed: number): Row[] {
  let state = seed
  const next = (): number => (state = (state * 48271) % 2147483647)
  return Array.from({ length: count }, (_, i) => {
    const a = next() % 1000
    return { a: i % 50 === 0 ? null : a, b: next() % 1000, name: `name ${next() % 1000}`, at: BigInt(i) }
  })
}

async function filled(): Promise<{ storage: Storage; table: Events }> {
  const storage = memoryStorage()
  const table = (await createTable(storage, { schema: columns })) as unknown as Events
  for (let i = 1; i <= 4; i++) await table.append(rows(5000, i))
  return { storage, table }
}

const sorted = (all: Row[]): string[] => all.map((row) => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}` : v))).sort()
const all = async (table: Events): Promise<string[]> => sorted((await table.scan().toArray()) as Row[])

async function filesFor(table: Events, where: string): Promise<number> {
  const snapshot = await table.snapshot()
  let count = 0
  for await (const _ of snapshot.files({ where })) count++
  return count
}

describe.each(['zorder', 'hilbert'] as const)('optimize along the curve %s', (curve) => {
  test('changes no row, and filters on either column need few files', async () => {
    const { table } = await filled()
    const before = await all(table)
    const result = await optimize(table, { cluster: { by: ['a', 'b'], curve }, targetSize: 7_000 })
    expect(await all(table)).toEqual(before)
    const { numFiles } = await table.snapshot()
    expect(numFiles).toBeGreaterThanOrEqual(20)
    expect(result.filesWritten).toBe(numFiles)
    // A file covers a part of the square; a strip of a hundredth of it meets about the root of the files, not all of them.
    for (const where of ['a BETWEEN 300 AND 309', 'b BETWEEN 700 AND 709'])
      expect(await filesFor(table, where)).toBeLessThanOrEqual(Math.ceil(numFiles * 0.5))
  })

  test('does nothing the second time; new rows alone are put in order, or with a few', async () => {
    const { table } = await filled()
    const options = { cluster: { by: ['a', 'b'], curve }, targetSize: 20_000 }
    await optimize(table, options)
    expect((await optimize(table, options)).groups).toEqual([])
    await table.append(rows(10, 99))
    const again = await optimize(table, options)
    expect(again.filesRemoved).toBe(1)
    expect((await planOptimize(table, options)).groups).toEqual([])
    expect((await planOptimize(table, { ...options, full: true })).filesToRewrite).toBe((await table.snapshot()).numFiles)
    // Another order is another matter.
    expect((await planOptimize(table, { ...options, cluster: { by: ['b'], curve } })).groups.length).toBe(1)
  })

  test('files say what order they are in', async () => {
    const { table } = await filled()
    await optimize(table, { cluster: { by: ['a', 'b'], curve } })
    for await (const { tags } of (await table.snapshot()).files())
      expect(tags).toMatchObject({ ZCUBE_ZORDER_BY: '["a","b"]', ZCUBE_ZORDER_CURVE: curve })
    const [entry] = await table.history({ limit: 1 })
    expect(entry?.info).toMatchObject({ operation: 'OPTIMIZE', operationParameters: { zOrderBy: '["a","b"]' } })
  })
})

describe('optimize along a curve', () => {
  test('needs little memory: what does not fit waits in files, which are gone afterwards', async () => {
    const places = async (memoryBytes?: number): Promise<{ rows: string[]; first: unknown[]; left: string[] }> => {
      const { storage, table } = await filled()
      const before = await all(table)
      await optimize(table, { cluster: { by: ['a', 'b'], ...(memoryBytes === undefined ? {} : { memoryBytes }) }, targetSize: 2 ** 30 })
      expect(await all(table)).toEqual(before)
      const named = new Set<string>()
      for (let version = 0; version <= 5; version++)
        for await (const { path } of (await table.snapshot({ version })).files()) named.add(path)
      const left: string[] = []
      for await (const page of storage.list('')) left.push(...page.map(({ path }) => path).filter((path) => !named.has(path)))
      const inOrder = (await table.scan({ columns: ['a', 'b'] }).toArray()) as Row[]
      return { rows: before, first: inOrder.map(({ a, b }) => `${a} ${b}`), left }
    }
    const whole = await places()
    const cut = await places(40_000)
    // Far more ranges than files are written at once: they are cut a second time.
    const cutTwice = await places(2500)
    expect([whole.left, cut.left, cutTwice.left]).toEqual([[], [], []])
    // The order is the same, however it was come by.
    expect(cut.first).toEqual(whole.first)
    expect(cutTwice.first).toEqual(whole.first)
  })

  test('has so many files open at most, however many ranges there are, and writes each row once where many are at one place', async () => {
    const storage = memoryStorage()
    let [open, most, begun] = [0, 0, 0]
    const write = storage.write.bind(storage)
    storage.write = async (path, options) => {
      const writer = await write(path, options)
      most = Math.max(most, ++open)
      begun++
      const close = writer.close.bind(writer)
      return Object.assign(Object.create(writer) as typeof writer, {
        write: (bytes: Uint8Array) => writer.write(bytes),
        abort: () => writer.abort(),
        close: () => {
          open--
          return close()
        },
      })
    }
    const table = (await createTable(storage, { schema: columns })) as unknown as Events
    // Every second row is at the same place as all of those.
    for (let i = 1; i <= 2; i++) await table.append(rows(2000, i).map((row, n) => (n % 2 === 0 ? { ...row, a: 7, b: 7 } : row)))
    const before = await all(table)
    ;[open, most, begun] = [0, 0, 0]
    await optimize(table, { cluster: { by: ['a', 'b'], memoryBytes: 400 }, targetSize: 2 ** 30 })
    expect(await all(table)).toEqual(before)
    expect(begun).toBeGreaterThan(256)
    // The file that is written from them is one more.
    expect(most).toBeLessThanOrEqual(2 * 256 + 1)
  })

  test('keeps the ids of rows', async () => {
    const table = (await createTable(memoryStorage(), {
      schema: columns,
      properties: { 'delta.enableRowTracking': 'true' },
    })) as unknown as Events
    for (let i = 1; i <= 3; i++) await table.append(rows(500, i))
    const tracked = async (): Promise<string[]> =>
      ((await table.scan({ rowIds: true }).toArray()) as unknown as Record<string, unknown>[])
        .map(({ a, b, at, _row_id, _row_commit_version }) => [a, b, at, _row_id, _row_commit_version].join(' '))
        .sort()
    const before = await tracked()
    await optimize(table, { cluster: { by: ['b'], memoryBytes: 10_000 } })
    expect(await tracked()).toEqual(before)
  })

  test('refuses columns of which the table keeps no statistics: no filter would gain', async () => {
    const table = await createTable(memoryStorage(), { schema: columns, properties: { 'delta.dataSkippingNumIndexedCols': '1' } })
    await expect(optimize(table, { cluster: { by: ['b'] } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS', facts: { columns: ['b'] } })
    expect((await optimize(table, { cluster: { by: ['a'] } })).groups).toEqual([])
  })

  test('refuses columns that have no order, are not there, or are partitions', async () => {
    const table = await createTable(memoryStorage(), { schema: columns, partitionBy: ['name'] })
    for (const by of [['nobody'], ['name'], ['a', 'a'], []])
      await expect(optimize(table, { cluster: { by } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  })
})
