// Column chunks without the codec: what comes out is what went in, whoever wrote the pages, and damage is an error.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeUtf8 } from '../../src/bytes.js'
import { AlluviumError } from '../../src/errors.js'
import { hashBytes } from '../../src/log/byte-dictionary.js'
import { bytesSource, type LeafValues, openLeafFile } from '../../src/parquet/index.js'
import { readLevels, readNumbers } from '../../src/parquet/runs.js'
import { Duck, writeRows } from './files.js'

const duck = new Duck()

interface Row {
  readonly t: string | null
  readonly n: bigint | null
  readonly s: { readonly t: string | null } | null
  readonly m: Map<string, string | null> | null
}

const COLUMNS = 't string, n long, s struct<t:string>, m map<string,string>'
const text = fc.oneof(fc.constantFrom('', 'a', 'part-0', 'é', 'x'.repeat(200)), fc.string({ unit: 'binary', maxLength: 40 }))
const row: fc.Arbitrary<Row> = fc.record({
  t: fc.option(text),
  n: fc.option(fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 5n))),
  s: fc.option(fc.record({ t: fc.option(text) })),
  m: fc.option(
    fc.uniqueArray(fc.tuple(text, fc.option(text)), { maxLength: 4, selector: ([key]) => key }).map((entries) => new Map(entries)),
  ),
})

// A leaf as one value a slot.
function slotsOf(leaf: LeafValues): (string | bigint | null)[] {
  let at = 0
  return Array.from({ length: leaf.slots }, (_, slot) => {
    if (leaf.definitions !== undefined && leaf.definitions[slot] !== leaf.levels.definition) return null
    const value = at++
    if (leaf.texts !== undefined) {
      const start = leaf.texts.starts[value] as number
      const end = start + (leaf.texts.lengths[value] as number)
      if (leaf.texts.hashes !== undefined) expect(leaf.texts.hashes[value]).toBe(hashBytes(leaf.texts.bytes, start, end, 0))
      return decodeUtf8(leaf.texts.bytes, start, end)
    }
    const words = leaf.words as Int32Array
    return (BigInt(words[2 * value + 1] as number) << 32n) | BigInt((words[2 * value] as number) >>> 0)
  })
}

async function leavesOf(bytes: Uint8Array): Promise<Record<'t' | 'n' | 'st' | 'keys' | 'values', LeafValues>[]> {
  const file = await openLeafFile(bytesSource(bytes), { name: 'test.parquet' })
  const map = file.mapLeaves(['m']) ?? { key: -1, value: -1 }
  const wanted = [file.leaf(['t']), file.leaf(['n']), file.leaf(['s', 't']), map.key, map.value]
  // A damaged footer may name its columns otherwise.
  if (wanted.includes(-1)) return []
  const groups: Record<'t' | 'n' | 'st' | 'keys' | 'values', LeafValues>[] = []
  for (let group = 0; group < file.rowGroups.length; group++) {
    const decode = await file.fetch(
      group,
      wanted.map((leaf) => ({ leaf, withHashes: true })),
    )
    const [t, n, st, keys, values] = decode() as LeafValues[]
    groups.push({ t, n, st, keys, values } as never)
  }
  return groups
}

// What the slots of a map's keys or values should be: one an entry, one for a row that has none.
function entrySlots(rows: readonly Row[], pick: (entry: [string, string | null]) => string | null): (string | null)[] {
  return rows.flatMap(({ m }) => (m === null || m.size === 0 ? [null] : [...m].map(pick)))
}

async function expectLeaves(rows: readonly Row[], bytes: Uint8Array): Promise<void> {
  const groups = await leavesOf(bytes)
  const all = (name: 't' | 'n' | 'st' | 'keys' | 'values'): unknown[] => groups.flatMap((group) => slotsOf(group[name]))
  expect(all('t')).toEqual(rows.map(({ t }) => t))
  expect(all('n')).toEqual(rows.map(({ n }) => n))
  expect(all('st')).toEqual(rows.map(({ s }) => s?.t ?? null))
  expect(all('keys')).toEqual(entrySlots(rows, ([key]) => key))
  expect(all('values')).toEqual(entrySlots(rows, ([, value]) => value))
}

describe('leaves of a file', () => {
  test('hold the values that were written, by row groups, with their nulls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        fc.constantFrom('snappy' as const, 'uncompressed' as const),
        fc.integer({ min: 1, max: 60 }),
        async (rows, codec, rowGroupRows) => expectLeaves(rows, await writeRows(COLUMNS, rows, { codec, rowGroupRows })),
      ),
      { numRuns: 60 },
    )
  })

  test.each([
    ['v1', 'snappy'],
    ['v2', 'snappy'],
    ['v1', 'uncompressed'],
    ['v2', 'uncompressed'],
  ])('of DuckDB, in pages of %s that are %s, hold its values', async (version, codec) => {
    const sql = `select case when i % 3 = 0 then null else 'p' || (i % 7) end t, case when i % 5 = 0 then null else i * 1000000007 end n,
      {'t': case when i % 11 = 0 then null else 'name ' || i end} s,
      case when i % 4 = 0 then null when i % 4 = 1 then map {} else map {'k': 'v' || (i % 50), 'l': null} end m from range(5000) r(i)`
    const bytes = await duck.copy(sql, `codec ${codec}, parquet_version ${version}, row_group_size 2048`)
    const rows = Array.from(
      { length: 5000 },
      (_, i): Row => ({
        t: i % 3 === 0 ? null : `p${i % 7}`,
        n: i % 5 === 0 ? null : BigInt(i) * 1000000007n,
        s: { t: i % 11 === 0 ? null : `name ${i}` },
        m:
          i % 4 === 0
            ? null
            : new Map<string, string | null>(
                i % 4 === 1
                  ? []
                  : [
                      ['k', `v${i % 50}`],
                      ['l', null],
                    ],
              ),
      }),
    )
    const file = await openLeafFile(bytesSource(bytes), { name: 'duck.parquet' })
    // DuckDB may choose encodings that are left to the codec; what is decoded must be right.
    const picks: [string, (one: Row) => string | bigint | null][] = [
      ['t', (one) => one.t],
      ['n', (one) => one.n],
    ]
    for (const [name, pick] of picks) {
      const leaf = file.leaf([name])
      const found: unknown[] = []
      for (let group = 0; group < file.rowGroups.length; group++) {
        const [values] = (await file.fetch(group, [{ leaf }]))()
        const { firstRow = 0, numRows = 0 } = file.rowGroups[group] ?? {}
        found.push(...(values === undefined ? rows.slice(firstRow, firstRow + numRows).map(pick) : slotsOf(values)))
      }
      expect(found).toEqual(rows.map(pick))
    }
  })

  test('a column whose footer says it is all null is told without a read; one that is not is not', async () => {
    const bytes = await writeRows(COLUMNS, [{ n: 1n, s: { t: null } }, { n: null }])
    const file = await openLeafFile(bytesSource(bytes), { name: 'test.parquet' })
    expect(file.isAllNull(0, ['t'])).toBe(true)
    expect(file.isAllNull(0, ['s'])).toBe(true)
    expect(file.isAllNull(0, ['n'])).toBe(false)
    expect(file.isAllNull(0, ['absent'])).toBe(true)
  })

  test('damaged bytes give an error of ours or values, never anything else', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({
      t: `path-${i % 40}`,
      n: BigInt(i),
      s: { t: `${i}` },
      m: new Map([['p', `${i % 3}`]]),
    }))
    for (const codec of ['snappy', 'uncompressed'] as const) {
      const bytes = await writeRows(COLUMNS, rows, { codec })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
          async (flips) => {
            const damaged = bytes.slice()
            for (const [at, bits] of flips) damaged[at] = (damaged[at] as number) ^ bits
            try {
              for (const group of await leavesOf(damaged)) {
                for (const leaf of Object.values(group)) {
                  for (let i = 0; i < (leaf?.texts?.starts.length ?? 0); i++) {
                    const start = leaf.texts?.starts[i] as number
                    expect(start >= 0 && start + (leaf.texts?.lengths[i] as number) <= (leaf.texts?.bytes.length as number)).toBe(true)
                  }
                }
              }
            } catch (error) {
              if (!(error instanceof AlluviumError)) throw error
            }
          },
        ),
        { numRuns: 400 },
      )
    }
  })
})

describe('runs', () => {
  test('levels and numbers come out of run lengths and bit-packed groups of every width', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 20 })
          .chain((width) =>
            fc.tuple(
              fc.constant(width),
              fc.array(
                fc.oneof(
                  fc.record({ value: fc.nat(2 ** width - 1), times: fc.integer({ min: 1, max: 40 }) }),
                  fc.array(fc.nat(2 ** width - 1), { minLength: 8, maxLength: 8 }),
                ),
                { minLength: 1, maxLength: 10 },
              ),
            ),
          ),
        ([width, runs]) => {
          const wanted = runs.flatMap((run) => (Array.isArray(run) ? run : new Array<number>(run.times).fill(run.value)))
          const bytes = Uint8Array.from(runs.flatMap((run) => encodeRun(run, width)))
          const numbers = new Int32Array(wanted.length)
          expect(readNumbers(bytes, 0, bytes.length, width, 2 ** width, numbers, 0, wanted.length)).toBe(true)
          expect([...numbers]).toEqual(wanted)
          if (width > 7) return
          const levels = new Uint8Array(wanted.length)
          expect(readLevels(bytes, 0, bytes.length, 2 ** width - 1, levels, 0, wanted.length)).toBe(true)
          expect([...levels]).toEqual(wanted)
          expect(readLevels(bytes, 0, bytes.length - 1, 2 ** width - 1, levels, 0, wanted.length)).toBe(false)
        },
      ),
    )
  })
})

// As the format describes it: a varint of twice the count, odd for groups of eight values packed from the lowest bit.
function encodeRun(run: { value: number; times: number } | number[], width: number): number[] {
  if (!Array.isArray(run)) {
    const value = Array.from({ length: Math.ceil(width / 8) }, (_, i) => (run.value >> (8 * i)) & 0xff)
    return [
      run.times * 2 >= 128 ? ((run.times * 2) % 128) | 128 : run.times * 2,
      ...(run.times * 2 >= 128 ? [Math.floor(run.times / 64)] : []),
      ...value,
    ]
  }
  const bits = run.flatMap((value) => Array.from({ length: width }, (_, bit) => (value >> bit) & 1))
  const bytes = Array.from({ length: width }, (_, i) => bits.slice(8 * i, 8 * i + 8).reduce((sum, bit, k) => sum | (bit << k), 0))
  return [3, ...bytes]
}
