// Tables for other engines to read. Every value stands beside its canonical form, written down by hand: what a table
// holds is known without asking any engine, ours least of all.
import {
  array,
  binary,
  boolean,
  byte,
  type ColumnSpec,
  createStreamWriter,
  createTable,
  date,
  decimal,
  double,
  float,
  integer,
  long,
  map,
  openTable,
  schema,
  short,
  string,
  struct,
  timestamp,
  timestampNtz,
} from 'alluvium'
import { canonicalLines } from '../../src/arrow/index.js'
import { sortLines } from './reader-process.js'

/** A value as `append` takes it, and as canonical rows hold it. */
type Pair = readonly [input: unknown, canonical: unknown]

/** What a table must hold. */
export interface TableExpectation {
  readonly path: string
  /** The canonical rows of every version, sorted; index is the version. */
  readonly versions: readonly (readonly string[])[]
  readonly protocol: readonly [reader: number, writer: number]
}

const NULL: Pair = [null, null]

const awkwardTexts = [
  '',
  'plain',
  'ünïcödé',
  '👩‍🚀 z̸͑a',
  '"quoted" \\ back\nline\ttab',
  'a\u0000b',
  '\u{10ffff}\u{e000}',
  'x'.repeat(3000),
  '__proto__',
]

/** Columns of every type with their hardest values. Rows are the columns read across; shorter columns begin again. */
const everyType: Readonly<Record<string, { readonly spec: ColumnSpec<unknown, unknown>; readonly pairs: readonly Pair[] }>> = {
  l: {
    spec: long(),
    pairs: [
      [0n, 0],
      NULL,
      [9007199254740993n, '9007199254740993'],
      [-(2n ** 63n), '-9223372036854775808'],
      [2n ** 63n - 1n, '9223372036854775807'],
      [-5, -5],
    ],
  },
  i: { spec: integer(), pairs: [[0, 0], [-2147483648, -2147483648], [2147483647, 2147483647], NULL] },
  s: { spec: short(), pairs: [[-32768, -32768], [32767, 32767], NULL] },
  b: { spec: byte(), pairs: [[-128, -128], NULL, [127, 127]] },
  f: {
    spec: float(),
    pairs: [
      [1.5, 1.5],
      [0.1, 0.10000000149011612],
      [-0, 0],
      NULL,
      [Number.NaN, 'NaN'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      [3.4028234663852886e38, 3.4028234663852886e38],
    ],
  },
  d: {
    spec: double(),
    pairs: [
      [0.1, 0.1],
      [5e-324, 5e-324],
      NULL,
      [1.7976931348623157e308, 1.7976931348623157e308],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      [-0, 0],
      [Number.NaN, 'NaN'],
    ],
  },
  flag: { spec: boolean(), pairs: [[true, true], [false, false], NULL] },
  text: { spec: string(), pairs: [...awkwardTexts.map((text): Pair => [text, text]), NULL] },
  bin: {
    spec: binary(),
    pairs: [[new Uint8Array(0), ''], [Uint8Array.of(0, 255, 128, 10), 'AP+ACg=='], NULL, [new TextEncoder().encode('text'), 'dGV4dA==']],
  },
  day: {
    spec: date(),
    pairs: ['1970-01-01', '2024-02-29', '1582-10-10', '0001-01-01', '9999-12-31', '1969-12-31'].map((day): Pair => [day, day]),
  },
  at: {
    spec: timestamp(),
    pairs: [
      [new Date(0), '1970-01-01T00:00:00.000000Z'],
      [-1n, '1969-12-31T23:59:59.999999Z'],
      ['2026-01-31T12:30:00.123456+01:00', '2026-01-31T11:30:00.123456Z'],
      NULL,
      ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
      ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
    ],
  },
  amount: {
    spec: decimal(38, 10),
    pairs: [
      ['1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789'],
      ['-9999999999999999999999999999.9999999999', '-9999999999999999999999999999.9999999999'],
      ['0', '0.0000000000'],
      NULL,
      [7n, '7.0000000000'],
    ],
  },
  price: { spec: decimal(9, 2), pairs: [['1234567.89', '1234567.89'], ['-0.01', '-0.01'], NULL] },
  mid: { spec: decimal(18, 4), pairs: [['99999999999999.9999', '99999999999999.9999'], NULL, ['-1', '-1.0000']] },
}

const nested: typeof everyType = {
  id: { spec: long().notNull(), pairs: [1, 2, 3, 4, 5, 6].map((id): Pair => [id, id]) },
  tags: {
    spec: array(string()),
    pairs: [
      [
        ['a', null, ''],
        ['a', null, ''],
      ],
      [[], []],
      NULL,
      [['ü'], ['ü']],
    ],
  },
  counts: {
    spec: map(string(), long()),
    pairs: [
      [
        new Map<string, bigint | null>([
          ['b', 2n],
          ['a', null],
        ]),
        [
          ['a', null],
          ['b', 2],
        ],
      ],
      [{ '': 9007199254740993n }, [['', '9007199254740993']]],
      [new Map(), []],
      NULL,
    ],
  },
  s: {
    spec: struct({ a: integer(), b: string(), deep: struct({ x: double(), list: array(struct({ k: string(), v: decimal(10, 2) })) }) }),
    pairs: [
      [
        { a: 1, b: 'x', deep: { x: 0.5, list: [{ k: 'one', v: '1' }, null, { k: null, v: null }] } },
        { a: 1, b: 'x', deep: { x: 0.5, list: [{ k: 'one', v: '1.00' }, null, { k: null, v: null }] } },
      ],
      [
        { a: null, b: null, deep: null },
        { a: null, b: null, deep: null },
      ],
      NULL,
      [{ deep: { list: [] } }, { a: null, b: null, deep: { x: null, list: [] } }],
    ],
  },
}

// The same without a null where ClickHouse has none: in arrays, maps and structs.
const whole: typeof everyType = {
  tags: {
    spec: array(long()),
    pairs: [
      [
        [1n, 2n, 9007199254740993n],
        [1, 2, '9007199254740993'],
      ],
      [[], []],
    ],
  },
  counts: {
    spec: map(string(), double()),
    pairs: [
      [
        { b: 0.5, a: 1 },
        [
          ['a', 1],
          ['b', 0.5],
        ],
      ],
      [{}, []],
    ],
  },
  s: {
    spec: struct({ a: integer(), list: array(struct({ k: string(), day: date() })) }),
    pairs: [
      [
        {
          a: 1,
          list: [
            { k: 'one', day: '2026-01-31' },
            { k: '', day: '1969-12-31' },
          ],
        },
        {
          a: 1,
          list: [
            { k: 'one', day: '2026-01-31' },
            { k: '', day: '1969-12-31' },
          ],
        },
      ],
      [
        { a: -1, list: [] },
        { a: -1, list: [] },
      ],
    ],
  },
}

// What partitions are named after: everything that paths, URIs and Hive's rules treat in ways of their own.
const partitionColumns: Readonly<Record<string, { readonly spec: ColumnSpec<unknown, unknown>; readonly pairs: readonly Pair[] }>> = {
  string: {
    spec: string(),
    pairs: [
      ...[
        'a b',
        'a/b',
        '100%',
        '%2F',
        'ünïcödé',
        "it's",
        'k=v',
        'x:y',
        '{z}',
        '..',
        ' lead',
        'C:\\dir',
        'a+b&c?d#e',
        'tab\there',
        '"q"',
        '👩‍🚀',
      ].map((text): Pair => [text, text]),
      ['', null], // the protocol knows no empty partition value
      NULL,
    ],
  },
  date: { spec: date(), pairs: [['2026-01-31', '2026-01-31'], ['1969-12-31', '1969-12-31'], NULL] },
  timestamp: {
    spec: timestamp(),
    pairs: [['2026-01-31T12:00:00.123456Z', '2026-01-31T12:00:00.123456Z'], [new Date(0), '1970-01-01T00:00:00.000000Z'], NULL],
  },
  decimal: { spec: decimal(10, 2), pairs: [['1.50', '1.50'], ['-12345678.90', '-12345678.90'], NULL] },
  boolean: { spec: boolean(), pairs: [[true, true], [false, false], NULL] },
  long: { spec: long(), pairs: [[9007199254740993n, '9007199254740993'], [-1n, -1], NULL] },
}

/** The names of the tables that `writeTables` writes. */
export const tableNames: readonly string[] = [
  'every-type',
  'nested',
  'whole',
  'ntz',
  'history',
  'stream',
  ...Object.keys(partitionColumns).map((name) => `by-${name}`),
]

/** Writes every table below `folder`. Answers what each must hold. */
export async function writeTables(folder: string): Promise<Record<string, TableExpectation>> {
  const tables: Record<string, TableExpectation> = {
    'every-type': await writeColumns(`${folder}/every-type`, everyType, [1, 2]),
    nested: await writeColumns(`${folder}/nested`, nested, [1, 2]),
    whole: await writeColumns(`${folder}/whole`, whole, [1, 2]),
    ntz: await writeColumns(
      `${folder}/ntz`,
      {
        at: {
          spec: timestampNtz(),
          pairs: [
            ['2026-01-31T12:00:00.5', '2026-01-31T12:00:00.500000'],
            NULL,
            ['1969-12-31T23:59:59.999999', '1969-12-31T23:59:59.999999'],
          ],
        },
      },
      [3, 7],
    ),
    history: await writeHistory(`${folder}/history`),
    stream: await writeStream(`${folder}/stream`),
  }
  for (const [name, column] of Object.entries(partitionColumns)) {
    const path = `${folder}/by-${name}`
    const id = { spec: long().notNull(), pairs: column.pairs.map((_, i): Pair => [i, i]) }
    tables[`by-${name}`] = await writeColumns(path, { part: column, id }, [1, 2], ['part'])
  }
  return tables
}

/** Our own rows of a version, as canonical lines, sorted. */
export async function ourLines(path: string, version?: number): Promise<string[]> {
  const snapshot = await (await openTable(path)).snapshot(version === undefined ? {} : { version })
  const lines: string[] = []
  for await (const batch of snapshot.scan().batches()) lines.push(...canonicalLines(batch, snapshot.schema))
  return sortLines(lines)
}

/** The Delta schema of a table as JSON text. */
export async function schemaText(path: string): Promise<string> {
  return (await (await openTable(path)).snapshot()).metadata.schemaString
}

// Two appends, so that there are two files and three versions.
async function writeColumns(
  path: string,
  columns: typeof everyType,
  protocol: readonly [number, number],
  partitionBy: readonly string[] = [],
): Promise<TableExpectation> {
  const names = Object.keys(columns)
  const table = await createTable(path, {
    schema: schema(Object.fromEntries(names.map((name) => [name, columns[name]!.spec]))),
    partitionBy,
  })
  const rowCount = Math.max(...names.map((name) => columns[name]!.pairs.length))
  const rowsOf = (member: 0 | 1): Record<string, unknown>[] =>
    Array.from({ length: rowCount }, (_, row) =>
      Object.fromEntries(names.map((name) => [name, columns[name]!.pairs[row % columns[name]!.pairs.length]![member]])),
    )
  const [inputs, lines] = [rowsOf(0), rowsOf(1).map((row) => JSON.stringify(row))]
  const half = Math.ceil(rowCount / 2)
  await table.append(inputs.slice(0, half) as never)
  await table.append(inputs.slice(half) as never)
  return { path, protocol, versions: [[], sortLines(lines.slice(0, half)), sortLines(lines)] }
}

const COMMITS = 30

// Many small commits, an overwrite, and some more.
async function writeHistory(path: string): Promise<TableExpectation> {
  const table = await createTable(path, { schema: schema({ n: long().notNull(), name: string() }), partitionBy: [] })
  const versions: string[][] = [[]]
  let lines: string[] = []
  for (let n = 0; n < COMMITS; n++) {
    const row = { n, name: `commit ${n}` }
    if (n === COMMITS / 2) await table.overwrite([row])
    else await table.append([row])
    lines = [...(n === COMMITS / 2 ? [] : lines), JSON.stringify(row)]
    versions.push(sortLines(lines))
  }
  return { path, protocol: [1, 2], versions }
}

async function writeStream(path: string): Promise<TableExpectation> {
  const table = await createTable(path, { schema: schema({ part: integer().notNull(), seq: long().notNull() }), partitionBy: ['part'] })
  await using writer = await createStreamWriter(table, { appId: 'ingest/1', linger: { ms: 60_000 } })
  const versions: string[][] = [[]]
  let lines: string[] = []
  for (let round = 0; round < 4; round++) {
    for (const part of [0, 1, 2]) {
      const rows = Array.from({ length: 50 }, (_, i) => ({ part, seq: BigInt(round * 50 + i) }))
      await writer.write(rows, { source: 'clicks', partition: part, firstOffset: round * 50, lastOffset: round * 50 + 49 })
      lines = [...lines, ...rows.map((row) => JSON.stringify({ part, seq: Number(row.seq) }))]
    }
    await writer.flush()
    versions.push(sortLines(lines))
  }
  return { path, protocol: [1, 2], versions }
}
