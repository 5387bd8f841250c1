// A file goes only when none of its rows can make the filter true, whoever wrote its statistics.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bindFilter,
  type ColumnBounds,
  type Expression,
  formatExpression,
  parseFilter,
  parseStatsBounds,
  partitionBounds,
  pruneByPartition,
  pruneByStats,
  StatsIndex,
  statsColumnsOf,
} from '../../src/filter/index.js'
import type { DataType } from '../../src/schema/index.js'
import { cell, expression, LEAVES } from './arbitraries.js'
import { type Row, struct } from './batches.js'
import { FILE_COLUMNS, statsText, WRITERS, type Writer } from './files.js'
import { truthOf } from './oracle.js'

const SCHEMA = struct(FILE_COLUMNS)
const NAMES = Object.keys(FILE_COLUMNS)
const FILTERS = expression(
  LEAVES.filter(([path]) => NAMES.includes(path[0] as string) && path[1] !== 'inner').concat([
    [['p'], { type: 'integer' }],
    [['q'], { type: 'string' }],
  ]),
)
const PARTITIONS = ['p', 'q']

interface File {
  readonly rows: readonly Row[]
  readonly deleted: readonly boolean[]
  readonly partition: readonly (string | null)[]
  readonly writer: Writer
}

const PARTITION_VALUES = fc.record({ p: fc.constantFrom(null, 0, 1, 2, 100), q: fc.constantFrom(null, 'a', 'ab', 'b', '\u{1f600}') })

// One to three values of each column a file, so that its bounds are narrow.
const FILES: fc.Arbitrary<File> = fc
  .tuple(
    PARTITION_VALUES,
    fc.record(
      Object.fromEntries(Object.entries(FILE_COLUMNS).map(([name, type]) => [name, fc.array(cell(type), { minLength: 1, maxLength: 2 })])),
    ),
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    WRITERS,
  )
  .map(([partition, pools, count, deletions, writer]) => ({
    rows: Array.from({ length: count }, (_, r) => ({
      ...Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, pool[r % pool.length] ?? null])),
      ...partition,
    })),
    deleted: deletions.map((deleted) => writer.wide && deleted),
    partition: [partition.p === null ? null : String(partition.p), partition.q],
    writer,
  }))

const DATA_COLUMNS = Object.fromEntries(Object.entries(FILE_COLUMNS).filter(([name]) => !PARTITIONS.includes(name)))

function hasMatch(file: File, filter: Expression): boolean {
  return file.rows.some((row, i) => !file.deleted[i] && truthOf(filter, row, SCHEMA) === true)
}

function partitionsOf(files: readonly File[]) {
  return {
    columns: PARTITIONS,
    partition: (name: string) => {
      const at = PARTITIONS.indexOf(name)
      if (at < 0) throw new Error(`${name} is no partition column`)
      const values = [...new Set(files.map((file) => file.partition[at] as string | null))]
      return { values, ids: (row: number) => values.indexOf((files[row] as File).partition[at] as string | null) }
    },
  }
}

// NaN counts of a writer that skips NaN would be a promise it does not keep.
function textOf(file: File): string {
  return statsText(DATA_COLUMNS, file.rows, file.writer)
}

describe('pruning', () => {
  it('never drops a file that holds a matching row, file by file or all at once, and both agree', () => {
    let dropped = 0
    let droppable = 0
    fc.assert(
      fc.property(fc.array(FILES, { minLength: 1, maxLength: 12 }), FILTERS, (files, expression) => {
        const filter = bindFilter(expression, SCHEMA)
        const partitions = partitionsOf(files)
        const columns = statsColumnsOf(filter, PARTITIONS)
        const rows = Int32Array.from(files.keys())
        const index = new StatsIndex(columns)
        index.addMissing(rows, (row) => textOf(files[row] as File))
        const kept = pruneByStats(filter, pruneByPartition(filter, rows, partitions), index, partitions)
        const oneByOne = rows.filter((row) => {
          const file = files[row] as File
          const stats = parseStatsBounds(textOf(file), columns)
          const get = (path: readonly string[]): ColumnBounds | undefined => {
            const at = PARTITIONS.indexOf(path[0] as string)
            return at < 0
              ? stats.get(path)
              : partitionBounds(FILE_COLUMNS[path[0] as string] as DataType, file.partition[at] as string | null)
          }
          return filter.mightMatch({ get })
        })
        const matching = [...rows].filter((row) => hasMatch(files[row] as File, expression))
        for (const row of matching) {
          expect(oneByOne, `${formatExpression(expression)} over ${textOf(files[row] as File)}`).toContain(row)
          expect(kept, `${formatExpression(expression)} over ${textOf(files[row] as File)}`).toContain(row)
        }
        expect([...kept], formatExpression(expression)).toEqual([...oneByOne])
        dropped += files.length - kept.length
        droppable += files.length - matching.length
      }),
      { numRuns: 800 },
    )
    // Statistics of missing columns and NaN make perfection impossible; most of what can go does go.
    expect(dropped / droppable).toBeGreaterThan(0.4)
  })

  it('evaluates a predicate once for each distinct partition value', () => {
    const filter = bindFilter(parseFilter('p = 1'), SCHEMA)
    let reads = 0
    const values = new Proxy([null, '0', '1'], {
      get(target, key) {
        if (key !== 'length') reads++
        return Reflect.get(target, key)
      },
    })
    const rows = Int32Array.from({ length: 100_000 }, (_, i) => i)
    const kept = pruneByPartition(filter, rows, { columns: ['p'], partition: () => ({ values, ids: (row) => row % 3 }) })
    expect(kept.length).toBe(33_333)
    expect(kept[0]).toBe(2)
    expect(reads).toBeLessThan(20)
  })

  it('keeps files of rows that were never added to the index, and files without statistics', () => {
    const filter = bindFilter(parseFilter("i = 1 AND t = 'x' AND big > 5 AND l IN (1, 2)"), SCHEMA)
    const index = new StatsIndex(statsColumnsOf(filter, []))
    index.addText(1, undefined)
    index.addText(2, '{"numRecords":1,"minValues":{"i":5},"maxValues":{"i":6}}')
    expect([...pruneByStats(filter, Int32Array.of(0, 1, 2, 1_000_000), index)]).toEqual([0, 1, 1_000_000])
    expect(index.has(1)).toBe(true)
    expect(index.has(0)).toBe(false)
  })

  it('keeps files of long texts that the index cuts', () => {
    const [least, greatest] = [`${'x'.repeat(80)}a`, `${'x'.repeat(80)}c`]
    const index = new StatsIndex([{ path: ['t'], type: { type: 'string' } }])
    index.addText(0, `{"minValues":{"t":"${least}"},"maxValues":{"t":"${greatest}"}}`)
    const kept = (where: string) => pruneByStats(bindFilter(parseFilter(where), SCHEMA), Int32Array.of(0), index).length
    for (const text of [least, greatest, `${'x'.repeat(80)}b`]) expect(kept(`t = '${text}'`)).toBe(1)
    expect(kept(`t > '${'x'.repeat(65)}'`)).toBe(1)
    expect(kept(`t < '${'x'.repeat(64)}'`)).toBe(0)
    expect(kept(`t > '${'x'.repeat(63)}y'`)).toBe(0)
  })

  it('asks no column as a partition column that is none', () => {
    const filter = bindFilter(parseFilter('i = 1 AND p = 1'), SCHEMA)
    const kept = pruneByPartition(filter, Int32Array.of(0), { columns: ['p'], partition: () => ({ values: ['1'], ids: () => 0 }) })
    expect([...kept]).toEqual([0])
  })

  it('keeps a file whose partition value is no value of its type: reading it will tell', () => {
    const filter = bindFilter(parseFilter('p = 1'), SCHEMA)
    expect(filter.mightMatch({ get: () => partitionBounds({ type: 'integer' }, 'one') })).toBe(true)
    expect(filter.mightMatch({ get: () => partitionBounds({ type: 'integer' }, '2') })).toBe(false)
    expect(filter.mightMatch({ get: () => partitionBounds({ type: 'integer' }, null) })).toBe(false)
    expect(filter.mightMatch({ get: () => partitionBounds({ type: 'integer' }, '') })).toBe(false)
  })
})

describe('bounds', () => {
  const might = (where: string, type: DataType, bounds: ColumnBounds | undefined): boolean =>
    bindFilter(parseFilter(where), struct({ c: type })).mightMatch({ get: () => bounds })

  it('unknown keeps, whatever the filter', () => {
    for (const where of ['c = 1', 'NOT c = 1', 'c IS NULL', 'c IS NOT NULL', 'c IN (1, 2)', 'c NOT IN (1)', 'c BETWEEN 1 AND 2']) {
      expect(might(where, { type: 'long' }, undefined), where).toBe(true)
      expect(might(where, { type: 'long' }, {}), where).toBe(true)
    }
  })

  it.each([
    ['c = 10', true],
    ['c = 9', false],
    ['c = 15', true],
    ['c = 21', false],
    ['c < 10', false],
    ['c <= 10', true],
    ['c > 20', false],
    ['c >= 20', true],
    ['c > 19.5', true],
    ['c > 20.5', false],
    ['c != 10', true],
    ['NOT (c >= 10)', false],
    ['NOT (c >= 11)', true],
    ['c BETWEEN 1 AND 9', false],
    ['c BETWEEN 20 AND 30', true],
    ['NOT c BETWEEN 10 AND 20', false],
    ['c NOT BETWEEN 10 AND 19', true],
    ['c IN (1, 9, 21)', false],
    ['c IN (1, 15, null)', true],
    ['c IN (1, null)', false],
    ['c NOT IN (15, null)', false],
    ['c NOT IN (15)', true],
    ['c IS NULL', false],
    ['c IS NOT NULL', true],
    ['c = NULL', false],
    ['c < 10 OR c > 20', false],
    ['c < 10 OR c = 12', true],
    ['c > 5 AND c < 8', false],
    ['9 > c', false],
    ['NOT (c > 5 AND c < 20)', true],
    ['NOT (c > 5 AND c <= 20)', false],
    ['NOT (c > 10 AND c < 30)', true],
    ['NOT (c >= 10 AND c < 30)', false],
    ['NOT (c >= 10 AND c > 10 AND c < 30)', true],
    ['NOT (c > 5 AND c <= 20 AND c < 20)', true],
    ['c > 20 AND c >= 20 AND c < 30', false],
    ['c = 1e30', false],
    ['c < 1e30', true],
    ['NOT (c < 1e30)', false],
  ])('of 10 to 20 without nulls: %s may match: %s', (where, expected) => {
    expect(might(where, { type: 'long' }, { min: 10n, max: 20n, nullCount: 0, numRecords: 5 })).toBe(expected)
  })

  it('counts nulls only where they are none or all', () => {
    const type: DataType = { type: 'integer' }
    expect(might('c IS NULL', type, { nullCount: 0 })).toBe(false)
    expect(might('c IS NULL', type, { nullCount: 3, numRecords: 5 })).toBe(true)
    expect(might('c IS NOT NULL', type, { nullCount: 5, numRecords: 5 })).toBe(false)
    expect(might('c IS NOT NULL', type, { nullCount: 5 })).toBe(true)
    expect(might('c = 1', type, { nullCount: 5, numRecords: 5 })).toBe(false)
    expect(might('NOT c = 1', type, { nullCount: 5, numRecords: 5 })).toBe(false)
    // Where all are null, minimum and maximum carry no information (PROTOCOL.md, "Per-file Statistics").
    expect(might('c IS NULL', type, { min: 1, max: 1, nullCount: 5, numRecords: 5 })).toBe(true)
    for (const nullCount of [-1, 0.5, Number.NaN])
      expect(might('c IS NULL AND c IS NOT NULL', type, { nullCount, numRecords: 5 })).toBe(true)
    expect(might('c IS NOT NULL', type, { nullCount: 0, numRecords: 0 })).toBe(true)
  })

  it('takes one known end for what it is', () => {
    expect(might('c < 5', { type: 'long' }, { min: 5n })).toBe(false)
    expect(might('c > 5', { type: 'long' }, { min: 5n })).toBe(true)
    expect(might('c > 5', { type: 'long' }, { max: 5n })).toBe(false)
    expect(might('c = 5', { type: 'long' }, { max: 4n })).toBe(false)
  })

  it('drops bounds that contradict themselves or are of another type', () => {
    expect(might('c = 5', { type: 'long' }, { min: 9n, max: 1n })).toBe(true)
    expect(might('c = 5', { type: 'long' }, { min: 'x', max: 'y' })).toBe(true)
    expect(might("c = 'a'", { type: 'string' }, { min: 5, max: 6 })).toBe(true)
  })

  it('expects NaN above the maximum of doubles unless it is told otherwise', () => {
    const bounds = { min: 1, max: 2, nullCount: 0 }
    const covered = { ...bounds, maxCoversNaN: true }
    expect(might('c > 5', { type: 'double' }, bounds)).toBe(true)
    expect(might('c > 5', { type: 'double' }, covered)).toBe(false)
    expect(might('c < 1', { type: 'double' }, bounds)).toBe(false)
    expect(might('c = 5', { type: 'double' }, bounds)).toBe(false)
    expect(might('c BETWEEN 3 AND 5', { type: 'double' }, bounds)).toBe(false)
    expect(might('c > 3 AND c <= 5', { type: 'double' }, bounds)).toBe(false)
    expect(might("c > 3 AND c <= DOUBLE 'NaN'", { type: 'double' }, bounds)).toBe(true)
    expect(might("c > 3 AND c < DOUBLE 'NaN'", { type: 'double' }, bounds)).toBe(false)
    expect(might("c > DOUBLE 'NaN' AND c <= DOUBLE 'NaN'", { type: 'double' }, bounds)).toBe(false)
    expect(might('c IN (3, 4, 5)', { type: 'double' }, bounds)).toBe(false)
    expect(might("c = DOUBLE 'NaN'", { type: 'double' }, bounds)).toBe(true)
    expect(might("c = DOUBLE 'NaN'", { type: 'double' }, covered)).toBe(false)
    expect(might('NOT c < 5', { type: 'float' }, bounds)).toBe(true)
    expect(might('c > 5', { type: 'double' }, { min: Number.NaN, max: Number.NaN })).toBe(true)
    expect(might('c = 0', { type: 'double' }, { min: -0, max: -0 })).toBe(true)
  })

  it('prunes LIKE by what the pattern begins with', () => {
    const bounds = { min: 'b', max: 'cat', nullCount: 0 }
    const like = (pattern: string, negated = false) => might(`c ${negated ? 'NOT ' : ''}LIKE '${pattern}'`, { type: 'string' }, bounds)
    expect(like('a%')).toBe(false)
    expect(like('b%')).toBe(true)
    expect(like('cat%')).toBe(true)
    expect(like('cau%')).toBe(false)
    expect(like('d%')).toBe(false)
    expect(like('%d')).toBe(true)
    expect(like('a_c')).toBe(false)
    expect(like('dog')).toBe(false)
    expect(like('', true)).toBe(true)
    expect(might("c NOT LIKE 'ca%'", { type: 'string' }, { min: 'cab', max: 'cat', nullCount: 0 })).toBe(false)
    expect(might("c NOT LIKE 'ca%_'", { type: 'string' }, { min: 'cab', max: 'cat', nullCount: 0 })).toBe(true)
    expect(might("c NOT LIKE '%'", { type: 'string' }, bounds)).toBe(false)
  })

  it('compares two columns by both their bounds', () => {
    const schema = struct({ a: { type: 'long' }, b: { type: 'decimal', precision: 10, scale: 2 } })
    const bounds = (path: readonly string[]): ColumnBounds =>
      path[0] === 'a' ? { min: 1n, max: 2n, nullCount: 0 } : { min: 200n, max: 300n, nullCount: 0 }
    const both = (where: string) => bindFilter(parseFilter(where), schema).mightMatch({ get: bounds })
    expect(both('a > b')).toBe(false)
    expect(both('a >= b')).toBe(true)
    expect(both('a = b')).toBe(true)
    expect(both('a < b')).toBe(true)
    expect(both('b < a')).toBe(false)
    expect(both('NOT a <= b')).toBe(false)
  })
})
