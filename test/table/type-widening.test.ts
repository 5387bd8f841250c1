// Tables whose columns became wider: old files, old statistics and old partition values are read in the type of today.
import { isAlluviumError, openTable, type Storage } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { isWidening, parseType } from '../../src/schema/index.js'
import { field, rawTable, struct, structType } from './raw-table.js'

const protocol = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['typeWidening', 'timestampNtz'],
  writerFeatures: ['typeWidening', 'timestampNtz'],
}

function widened(name: string, from: string, to: string, type: unknown = to, fieldPath?: string): object {
  const change = { fromType: from, toType: to, ...(fieldPath === undefined ? {} : { fieldPath }) }
  return field(name, type, { 'delta.typeChanges': [change] })
}

async function rowsOf(storage: Storage, where?: string): Promise<Record<string, unknown>[]> {
  return (await openTable(storage)).scan(where === undefined ? {} : { where }).toArray()
}

// from, to, a value in an old file, the same value today. The value of a float is the double it equals.
const CHANGES: readonly [string, string, unknown, unknown][] = [
  ['byte', 'short', -128, -128],
  ['byte', 'integer', 127, 127],
  ['byte', 'long', -1, -1n],
  ['byte', 'double', 100, 100],
  ['byte', 'decimal(10,0)', -7, '-7'],
  ['short', 'integer', -32_768, -32_768],
  ['short', 'long', 32_767, 32_767n],
  ['short', 'double', -3, -3],
  ['short', 'decimal(12,2)', 5, '5.00'],
  ['integer', 'long', -2_147_483_648, -2_147_483_648n],
  ['integer', 'double', 2_147_483_647, 2_147_483_647],
  ['integer', 'decimal(38,28)', 2_147_483_647, `2147483647.${'0'.repeat(28)}`],
  ['long', 'decimal(20,0)', -9_223_372_036_854_775_808n, '-9223372036854775808'],
  ['float', 'double', 1.1, Math.fround(1.1)],
  ['decimal(5,2)', 'decimal(7,4)', '-123.45', '-123.4500'],
  ['decimal(5,2)', 'decimal(38,2)', '999.99', '999.99'],
  ['date', 'timestamp_ntz', '1969-12-31', '1969-12-31T00:00:00.000000'],
]

describe('a change of type', () => {
  test.each(CHANGES)('from %s to %s keeps every value', async (from, to, old, now) => {
    const storage = await rawTable({
      protocol,
      schema: struct(widened('v', from, to)),
      files: [{ path: 'f', columns: structType(field('v', from)), rows: [{ v: old }, { v: null }] }],
    })
    expect(await rowsOf(storage)).toEqual([{ v: now }, { v: null }])
  })

  test.each(CHANGES)('from %s to %s is made inside structs, arrays and maps', async (from, to, old, now) => {
    const nested = (type: string): object[] => [
      field('s', struct(field('x', type))),
      field('l', { type: 'array', elementType: type, containsNull: true }),
      field('m', { type: 'map', keyType: type, valueType: type, valueContainsNull: true }),
    ]
    const rows = [{ s: { x: old }, l: [old, null], m: new Map([[old, old]]) }]
    const storage = await rawTable({
      protocol,
      schema: struct(...nested(to)),
      files: [{ path: 'f', columns: structType(...nested(from)), rows }],
    })
    expect(await rowsOf(storage)).toEqual([{ s: { x: now }, l: [now, null], m: new Map([[now, now]]) }])
  })

  test('is made in partition values', async () => {
    const texts: Readonly<Record<string, [string, unknown]>> = {
      byte: ['7', 7n],
      'decimal(5,2)': ['1.25', '1.2500'],
      date: ['2024-02-29', '2024-02-29T00:00:00.000000'],
    }
    for (const [from, to] of [
      ['byte', 'long'],
      ['decimal(5,2)', 'decimal(9,4)'],
      ['date', 'timestamp_ntz'],
    ] as const) {
      const [text, value] = texts[from] as [string, unknown]
      const storage = await rawTable({
        protocol,
        schema: struct(widened('p', from, to), field('v', 'long')),
        partitionColumns: ['p'],
        files: [{ path: 'f', columns: structType(field('v', 'long')), rows: [{ v: 1 }], partitionValues: { p: text } }],
      })
      expect(await rowsOf(storage)).toEqual([{ p: value, v: 1n }])
      expect(await rowsOf(storage, 'p IS NULL')).toEqual([])
    }
  })

  test('leaves files of both types to one filter', async () => {
    const bounds = (min: unknown, max: unknown): object => ({ minValues: { v: min }, maxValues: { v: max }, nullCount: { v: 0 } })
    const storage = await rawTable({
      protocol,
      schema: struct(widened('v', 'decimal(5,2)', 'decimal(9,4)')),
      files: [
        { path: 'old', columns: structType(field('v', 'decimal(5,2)')), rows: [{ v: '1.25' }, { v: '3.00' }], stats: bounds(1.25, 3) },
        {
          path: 'new',
          columns: structType(field('v', 'decimal(9,4)')),
          rows: [{ v: '3.0001' }, { v: '7.5000' }],
          stats: bounds(3.0001, 7.5),
        },
      ],
    })
    expect(await rowsOf(storage, 'v > 3')).toEqual([{ v: '3.0001' }, { v: '7.5000' }])
    expect(await rowsOf(storage, 'v <= 3')).toEqual([{ v: '1.2500' }, { v: '3.0000' }])
    const table = await openTable(storage)
    expect((await (await table.snapshot()).scan({ where: 'v > 3' }).plan()).prunedByStatistics).toBe(1)
  })

  test('from float keeps files whose bounds are texts of floats', async () => {
    // 1.1 as a float is 1.10000002384…: as doubles, its own bounds would shut it out.
    const stats = { minValues: { v: 1.1 }, maxValues: { v: 1.1 }, nullCount: { v: 0 } }
    const storage = await rawTable({
      protocol,
      schema: struct(widened('v', 'float', 'double')),
      files: [{ path: 'f', columns: structType(field('v', 'float')), rows: [{ v: 1.1 }], stats }],
    })
    expect(await rowsOf(storage, 'v > 1.1')).toEqual([{ v: Math.fround(1.1) }])
    expect(await rowsOf(storage, 'v > 1.2')).toEqual([])
  })

  test('between versions does not mix up statistics', async () => {
    const old = structType(field('v', 'decimal(5,2)'))
    const stats = { minValues: { v: 1.25 }, maxValues: { v: 1.25 }, nullCount: { v: 0 } }
    const storage = await rawTable(
      { protocol, schema: struct(field('v', 'decimal(5,2)')), files: [{ path: 'f', columns: old, rows: [{ v: '1.25' }], stats }] },
      { schema: struct(widened('v', 'decimal(5,2)', 'decimal(9,4)')) },
    )
    const table = await openTable(storage)
    expect(await (await table.snapshot({ version: 0 })).scan({ where: 'v = 1.25' }).count()).toBe(1)
    expect(await (await table.snapshot()).scan({ where: 'v = 1.25' }).count()).toBe(1)
    expect(await (await table.snapshot()).scan({ where: 'v > 1.2499' }).count()).toBe(1)
  })

  test('that nobody knows is refused, by its types', async () => {
    for (const [from, to] of [
      ['string', 'long'],
      ['long', 'double'],
      ['double', 'float'],
      ['decimal(5,2)', 'decimal(6,4)'],
      ['date', 'timestamp'],
      ['long', 'hyperlong'],
    ]) {
      const storage = await rawTable({ protocol, schema: struct(field('s', struct(widened('v', from as string, to as string, 'long')))) })
      const error: unknown = await openTable(storage).catch((e: unknown) => e)
      expect(isAlluviumError(error, 'UNSUPPORTED_FEATURE') && error.message, `${from} to ${to}`).toMatch(/typeWidening of s\.v from/)
    }
  })

  test('may stand in a table of the preview of the feature', async () => {
    const preview = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['typeWidening-preview'],
      writerFeatures: ['typeWidening-preview'],
    }
    const storage = await rawTable({
      protocol: preview,
      schema: struct(field('v', 'long', { 'delta.typeChanges': [{ fromType: 'short', toType: 'long', tableVersion: 3 }] })),
      files: [{ path: 'f', columns: structType(field('v', 'short')), rows: [{ v: 3 }] }],
    })
    expect(await rowsOf(storage)).toEqual([{ v: 3n }])
    await (await openTable(storage)).append([{ v: 4 }])
    expect(await rowsOf(storage)).toEqual([{ v: 3n }, { v: 4n }])
  })
})

test('a value that a file holds and the narrower type of the table does not is an error, not another value', async () => {
  const storage = await rawTable({
    protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    schema: struct(field('v', 'integer')),
    files: [{ path: 'f', columns: structType(field('v', 'long')), rows: [{ v: 2n ** 40n }] }],
  })
  const error: unknown = await rowsOf(storage).catch((e: unknown) => e)
  expect(isAlluviumError(error, 'CORRUPT_DATA'), String(error)).toBe(true)
})

describe('what counts as widening', () => {
  const ALL = [
    'byte',
    'short',
    'integer',
    'long',
    'float',
    'double',
    'date',
    'timestamp',
    'timestamp_ntz',
    'string',
    'boolean',
    'binary',
    'decimal(10,0)',
    'decimal(12,2)',
    'decimal(20,0)',
    'decimal(20,2)',
    'decimal(22,2)',
  ]
  // PROTOCOL.md, "Type Widening".
  const ALLOWED: Readonly<Record<string, readonly string[]>> = {
    byte: ['short', 'integer', 'long', 'double', 'decimal(10,0)', 'decimal(12,2)', 'decimal(20,0)', 'decimal(20,2)', 'decimal(22,2)'],
    short: ['integer', 'long', 'double', 'decimal(10,0)', 'decimal(12,2)', 'decimal(20,0)', 'decimal(20,2)', 'decimal(22,2)'],
    integer: ['long', 'double', 'decimal(10,0)', 'decimal(12,2)', 'decimal(20,0)', 'decimal(20,2)', 'decimal(22,2)'],
    long: ['decimal(20,0)', 'decimal(22,2)'],
    float: ['double'],
    date: ['timestamp_ntz'],
    'decimal(10,0)': ['decimal(12,2)', 'decimal(20,0)', 'decimal(20,2)', 'decimal(22,2)'],
    'decimal(12,2)': ['decimal(20,2)', 'decimal(22,2)'],
    'decimal(20,0)': ['decimal(22,2)'],
    'decimal(20,2)': ['decimal(22,2)'],
  }
  test.each(ALL)('%s', (from) => {
    const found = ALL.filter((to) => to !== from && isWidening(parseType(from), parseType(to)))
    expect(found).toEqual(ALLOWED[from] ?? [])
  })
})
