// Variants of Parquet files, whole and shredded: the same values whichever way a writer laid them out. DuckDB writes
// most of the files; what it would never write is put together column by column.
import type { RecordBatch } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { canonicalLines, conformBatch, csvLines, ndjsonLines, rowsOf, take } from '../../../src/arrow/index.js'
import { VariantNames } from '../../../src/arrow/variant/names.js'
import { metadataValue, objectValue } from '../../../src/arrow/variant/write-value.js'
import { type ErrorCode, isAlluviumError } from '../../../src/errors.js'
import { bytesSource, openParquet } from '../../../src/parquet/index.js'
import { parseColumns, type StructType } from '../../../src/schema/index.js'
import { batchOfRows, Duck } from '../../parquet/files.js'

const duck = new Duck()
const VARIANT = parseColumns('i long, v variant')

async function linesOf(bytes: Uint8Array, struct: StructType): Promise<string[]> {
  const file = await openParquet(bytesSource(bytes), { name: 'test.parquet' })
  const lines: string[] = []
  for await (const batch of file.read()) lines.push(...canonicalLines(conformBatch(batch, struct, { purpose: 'read' }), struct))
  return lines
}

// A value in SQL, and its canonical JSON.
const VALUES: readonly [string, string][] = [
  ['true', 'true'],
  ['false', 'false'],
  ['(-128)::TINYINT', '-128'],
  ['32767::SMALLINT', '32767'],
  ['(-2147483648)::INTEGER', '-2147483648'],
  ['9007199254740993::BIGINT', '"9007199254740993"'],
  ['1.5::FLOAT', '1.5'],
  ['1e300::DOUBLE', '1e+300'],
  ['12.34::DECIMAL(4,2)', '"12.34"'],
  ['(-1234567890.123)::DECIMAL(18,3)', '"-1234567890.123"'],
  ['12345678901234567890123456789.5::DECIMAL(38,1)', '"12345678901234567890123456789.5"'],
  ["DATE '1969-07-20'", '"1969-07-20"'],
  ["TIME '23:59:59.999999'", '"23:59:59.999999"'],
  ["TIMESTAMP '1969-07-20 20:17:40.123456'", '"1969-07-20T20:17:40.123456"'],
  ["TIMESTAMPTZ '2024-02-29 12:00:00+00'", '"2024-02-29T12:00:00.000000Z"'],
  ["'\\x00\\xFF'::BLOB", '"AP8="'],
  ["'00112233-4455-6677-8899-aabbccddeeff'::UUID", '"00112233-4455-6677-8899-aabbccddeeff"'],
  ["'short'", '"short"'],
  ["repeat('long é', 20)", JSON.stringify('long é'.repeat(20))],
  ["''", '""'],
  ['[1, 2, 3]', '[1,2,3]'],
  ['[]::INTEGER[]', '[]'],
  ['[[1, NULL], [], NULL]', '[[1,null],[],null]'],
  ["{'a': 1, 'b': 'x', 'c': {'d': [1.5::DOUBLE]}}", '{"a":1,"b":"x","c":{"d":[1.5]}}'],
  ["{'z': NULL, 'a': true}", '{"a":true,"z":null}'],
]

describe('variants that DuckDB wrote', () => {
  test.each(VALUES)('%s, alone in its column', async (sql, expected) => {
    const bytes = await duck.copy(`select i, case when i % 3 = 2 then null else (${sql})::VARIANT end as v from range(7) t(i)`)
    const lines = await linesOf(bytes, VARIANT)
    expect(lines).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `{"i":${i},"v":${i % 3 === 2 ? 'null' : expected}}`))
  })

  test('of every type in one column', async () => {
    const rows = VALUES.map(([sql], i) => `select ${i} as i, (${sql})::VARIANT as v`).join(' union all ')
    const lines = await linesOf(await duck.copy(`select * from (${rows}) order by i`), VARIANT)
    expect(lines).toEqual(VALUES.map(([, expected], i) => `{"i":${i},"v":${expected}}`))
  })

  test('shredded as objects whose fields change type, are null, or are not there', async () => {
    const query = `select i, case i % 4
        when 0 then {'a': i, 'b': 'text' || i}::VARIANT
        when 1 then {'a': 'not a number', 'c': [i]}::VARIANT
        when 2 then {'a': NULL, 'b': NULL}::VARIANT
        else (i::INTEGER)::VARIANT end as v from range(8) t(i)`
    const expected = (i: number): string =>
      [`{"a":${i},"b":"text${i}"}`, `{"a":"not a number","c":[${i}]}`, '{"a":null,"b":null}', `${i}`][i % 4] as string
    const whole = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `{"i":${i},"v":${expected(i)}}`)
    for (const shredding of [
      '',
      `shredding {v: 'STRUCT(a BIGINT, b VARCHAR)'}`,
      `shredding {v: 'STRUCT(c INTEGER[])'}`,
      `shredding {v: 'INTEGER'}`,
    ]) {
      expect(await linesOf(await duck.copy(query, shredding), VARIANT), shredding).toEqual(whole)
    }
  })

  test('as rows, as NDJSON and as CSV, also after rows were taken', async () => {
    const bytes = await duck.copy(
      `select i, case when i = 1 then null else {'a': i, 'd': 1.50::DECIMAL(3,2)}::VARIANT end as v from range(3) t(i)`,
    )
    const file = await openParquet(bytesSource(bytes), { name: 'test.parquet' })
    for await (const read of file.read()) {
      const batch = conformBatch(read, VARIANT, { purpose: 'read' })
      expect(rowsOf(batch, VARIANT)).toEqual([
        { i: 0n, v: { a: 0, d: '1.50' } },
        { i: 1n, v: null },
        { i: 2n, v: { a: 2, d: '1.50' } },
      ])
      expect(ndjsonLines(batch, VARIANT)).toBe('{"i":0,"v":{"a":0,"d":1.50}}\n{"i":1,"v":null}\n{"i":2,"v":{"a":2,"d":1.50}}\n')
      expect(csvLines(batch, VARIANT)).toBe('0,"{""a"":0,""d"":1.50}"\n1,\n2,"{""a"":2,""d"":1.50}"\n')
      expect(canonicalLines(take(batch, Int32Array.of(2, 2, 1)), VARIANT)).toEqual([
        '{"i":2,"v":{"a":2,"d":"1.50"}}',
        '{"i":2,"v":{"a":2,"d":"1.50"}}',
        '{"i":1,"v":null}',
      ])
      expect(canonicalLines(batch.slice(1, 3), VARIANT)).toEqual(['{"i":1,"v":null}', '{"i":2,"v":{"a":2,"d":"1.50"}}'])
    }
  })
})

const metadata = metadataValue(['a', 'b'])
const names = new VariantNames(metadata)
const NULL = Uint8Array.of(0)
const int8 = (value: number): Uint8Array => Uint8Array.of(0x0c, value)
const objectOf = (fields: Record<string, Uint8Array>): Uint8Array =>
  objectValue(
    names,
    Object.keys(fields).map((name) => names.id(name) as number),
    Object.values(fields),
  )

/** Canonical values of a column laid out as said. */
function variantsOf(columns: string, rows: readonly object[]): string[] {
  const batch: RecordBatch = batchOfRows(parseColumns(columns), rows)
  const struct = parseColumns('v variant')
  return canonicalLines(conformBatch(batch, struct, { purpose: 'read' }), struct).map((line) => line.slice('{"v":'.length, -1))
}
function codeOf(run: () => unknown): ErrorCode | string {
  try {
    run()
    return 'no error'
  } catch (error) {
    return isAlluviumError(error) ? error.code : `untyped: ${String(error)}`
  }
}

// apache/parquet-format, VariantShredding.md.
describe('shredded parts', () => {
  const OBJECT =
    'v struct<metadata: binary, value: binary, typed_value: struct<a: struct<value: binary, typed_value: long>, b: struct<value: binary>>>'

  test('of an object: typed, kept as a value, null, missing, and the rest', () => {
    const field = (value: Uint8Array | null, typed: number | null = null): object => ({ value, typed_value: typed })
    const cell = (value: Uint8Array | null, typed: object | null): object => ({ v: { metadata, value, typed_value: typed } })
    expect(
      variantsOf(OBJECT, [
        cell(null, { a: field(null, 7), b: { value: NULL } }),
        cell(null, { a: field(int8(1)), b: { value: null } }),
        cell(objectOf({ b: int8(9) }), { a: field(null, 7), b: { value: null } }),
        cell(null, { a: field(null), b: { value: null } }),
        cell(int8(5), null),
        cell(null, null),
        { v: null },
        // The group itself is null: the field is missing.
        cell(null, { a: null, b: { value: int8(2) } }),
      ]),
    ).toEqual(['{"a":7,"b":null}', '{"a":1}', '{"a":7,"b":9}', '{}', '5', 'null', 'null', '{"b":2}'])
  })

  test('of an array, elements that are missing are null', () => {
    const columns = 'v struct<metadata: binary, value: binary, typed_value: array<struct<value: binary, typed_value: string>>>'
    const element = (value: Uint8Array | null, typed: string | null): object => ({ value, typed_value: typed })
    const cell = (value: Uint8Array | null, typed: object[] | null): object => ({ v: { metadata, value, typed_value: typed } })
    expect(
      variantsOf(columns, [
        cell(null, [element(null, 'x'), element(int8(1), null), element(NULL, null), element(null, null)]),
        cell(null, []),
        cell(NULL, null),
        cell(objectOf({ a: int8(1) }), null),
      ]),
    ).toEqual(['["x",1,null,null]', '[]', 'null', '{"a":1}'])
  })

  test('may leave out `value` or `typed_value`, and come in any order', () => {
    expect(
      variantsOf('v struct<typed_value: long, metadata: binary>', [
        { v: { metadata, typed_value: 5 } },
        { v: { metadata, typed_value: null } },
      ]),
    ).toEqual(['5', 'null'])
    expect(
      variantsOf('v struct<value: binary, metadata: binary>', [
        { v: { metadata, value: int8(5) } },
        { v: { metadata, value: null } },
        { v: null },
      ]),
    ).toEqual(['5', 'null', 'null'])
  })

  const cell = (value: Uint8Array | null, typed: unknown, meta: Uint8Array | null = metadata): object => ({
    v: { metadata: meta, value, typed_value: typed },
  })
  test.each<[string, string, object, ErrorCode]>([
    ['a primitive beside a value', 'v struct<metadata: binary, value: binary, typed_value: long>', cell(int8(1), 1), 'CORRUPT_DATA'],
    [
      'an array beside a value',
      'v struct<metadata: binary, value: binary, typed_value: array<struct<value: binary>>>',
      cell(int8(1), []),
      'CORRUPT_DATA',
    ],
    ['an object beside a value that is none', OBJECT, cell(int8(1), { a: null, b: null }), 'CORRUPT_DATA'],
    [
      'a field that is shredded and in the rest',
      OBJECT,
      cell(objectOf({ a: int8(1) }), { a: { value: null, typed_value: 1 }, b: null }),
      'CORRUPT_DATA',
    ],
    ['a field with a value beside its typed value', OBJECT, cell(null, { a: { value: int8(1), typed_value: 1 }, b: null }), 'CORRUPT_DATA'],
    [
      'a field that is not in the metadata',
      'v struct<metadata: binary, typed_value: struct<zz: struct<typed_value: long>>>',
      cell(null, { zz: { typed_value: 1 } }),
      'CORRUPT_DATA',
    ],
    ['a field that is no group', 'v struct<metadata: binary, typed_value: struct<a: long>>', cell(null, { a: 1 }), 'CORRUPT_DATA'],
    ['no metadata', 'v struct<metadata: binary, value: binary, typed_value: long>', cell(null, 1, null), 'CORRUPT_DATA'],
    ['a map', 'v struct<metadata: binary, typed_value: map<string, long>>', cell(null, new Map([['a', 1]])), 'UNSUPPORTED_FEATURE'],
  ])('%s is refused', (_, columns, row, code) => {
    const { typed_value, value, metadata: meta } = (row as { v: Record<string, unknown> }).v
    const own = Object.fromEntries(
      Object.entries({ metadata: meta, value, typed_value }).filter(([name]) =>
        new RegExp(`[< ]${name}:`).test(columns.slice(0, columns.indexOf('typed_value:') + 12)),
      ),
    )
    expect(codeOf(() => variantsOf(columns, [{ v: own }]))).toBe(code)
  })

  test('may lie inside structs, arrays and maps', () => {
    const variant = 'struct<value: binary, metadata: binary, typed_value: long>'
    const cell = (value: Uint8Array | null, typed: number | null = null): object => ({ value, metadata, typed_value: typed })
    const columns = parseColumns(
      `s struct<v: ${variant}>, l array<${variant}>, m map<string, ${variant}>, ll array<struct<v: array<${variant}>>>`,
    )
    const struct = parseColumns('s struct<v: variant>, l array<variant>, m map<string, variant>, ll array<struct<v: array<variant>>>')
    const batch = batchOfRows(columns, [
      {
        s: { v: cell(null, 1) },
        l: [cell(objectOf({ a: int8(2) })), null, cell(NULL)],
        m: { k: cell(null, 3), n: null },
        ll: [{ v: [cell(null, 4)] }, null],
      },
      { s: null, l: null, m: null, ll: null },
      { s: { v: null }, l: [], m: {}, ll: [{ v: null }] },
      { s: { v: cell(int8(9)) }, l: [cell(null, 8)], m: { z: cell(int8(7)) }, ll: [{ v: [null, cell(null, 6)] }] },
    ])
    for (const slice of [batch, batch.slice(0, 4), batch.slice(1, 4)]) {
      const lines = canonicalLines(conformBatch(slice, struct, { purpose: 'read' }), struct)
      expect(lines).toEqual(
        [
          '{"s":{"v":1},"l":[{"a":2},null,null],"m":[["k",3],["n",null]],"ll":[{"v":[4]},null]}',
          '{"s":null,"l":null,"m":null,"ll":null}',
          '{"s":{"v":null},"l":[],"m":[],"ll":[{"v":null}]}',
          '{"s":{"v":9},"l":[8],"m":[["z",7]],"ll":[{"v":[null,6]}]}',
        ].slice(slice === batch ? 0 : 4 - slice.numRows),
      )
    }
  })

  test('a column that is no variant is SCHEMA_MISMATCH', () => {
    for (const columns of [
      'v long',
      'v struct<a: long>',
      'v struct<metadata: binary>',
      'v struct<metadata: long, value: binary>',
      'v array<binary>',
    ]) {
      expect(
        codeOf(() => variantsOf(columns, [{ v: null }])),
        columns,
      ).toBe('SCHEMA_MISMATCH')
    }
  })

  test('a column that the file lacks is null', () => {
    expect(variantsOf('other long', [{ other: 1 }])).toEqual(['null'])
  })
})
