// Schemas that are none, that are giants, or that set traps; partition values and statistics that are none of their type.
import type { Table } from '../../src/table/table.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { writeRows } from './parquet-bytes.js'
import { addOf, FIELDS, field, metaData, schemaString } from './table-builder.js'

const ID = field('id', 'long')
const NAME = field('name', 'string')

function nested(depth: number, leaf: unknown = 'long'): unknown {
  let type = leaf
  for (let i = 0; i < depth; i++) type = { type: 'struct', fields: [field('f', type)] }
  return type
}

function arrays(depth: number): unknown {
  let type: unknown = 'long'
  for (let i = 0; i < depth; i++) type = { type: 'array', elementType: type, containsNull: true }
  return type
}

const ids = async (table: Table): Promise<readonly object[]> => table.scan({ columns: ['id'] }).toArray()
const IDS: Expected = { rows: ['{id:1n}', '{id:2n}', '{id:3n}'] }
const wide = (count: number): object[] => Array.from({ length: count }, (_, i) => field(`column_${i}`, 'long'))

hostileGroup('schemas', [
  ...(
    [
      ['no text', ''],
      ['no JSON', 'hello'],
      ['null', 'null'],
      ['a number', '5'],
      ['a name', '"long"'],
      ['an array', '[]'],
      ['an array type', '{"type":"array","elementType":"long","containsNull":true}'],
      ['no fields', '{"type":"struct"}'],
      ['fields that are an object', '{"type":"struct","fields":{}}'],
      ['fields of null', '{"type":"struct","fields":[null]}'],
      ['fields of numbers', '{"type":"struct","fields":[1]}'],
      ['no type', '{"fields":[]}'],
      ['a torn end', schemaString(FIELDS).slice(0, -10)],
      ['more behind it', `${schemaString(FIELDS)}x`],
      ['two of them', `${schemaString(FIELDS)}${schemaString(FIELDS)}`],
      ['a byte order mark', `\ufeff${schemaString(FIELDS)}`],
      ['a control character', schemaString(FIELDS).replace('"id"', '"i\u0001d"')],
      ['single quotes', schemaString(FIELDS).replaceAll('"', "'")],
    ] as const
  ).map(([name, schema]): HostileCase => ({ name, table: { schema }, expected: 'CORRUPT_LOG' })),
  ...(
    [
      ['a field without a name', { type: 'long', nullable: true, metadata: {} }],
      ['a name that is a number', { name: 5, type: 'long', nullable: true, metadata: {} }],
      ['a name that is null', { name: null, type: 'long', nullable: true, metadata: {} }],
      ['no type', { name: 'x', nullable: true, metadata: {} }],
      ['a type that is null', { name: 'x', type: null, nullable: true, metadata: {} }],
      ['a type that is an array', { name: 'x', type: ['long'], nullable: true, metadata: {} }],
      ['a type that is a number', { name: 'x', type: 5, nullable: true, metadata: {} }],
      ['nullable as a text', { name: 'x', type: 'long', nullable: 'true', metadata: {} }],
      ['nullable as a number', { name: 'x', type: 'long', nullable: 1, metadata: {} }],
      ['no nullable', { name: 'x', type: 'long', metadata: {} }],
      ['metadata as an array', { name: 'x', type: 'long', nullable: true, metadata: [] }],
      ['metadata as a text', { name: 'x', type: 'long', nullable: true, metadata: 'x' }],
      ['an array without its element', field('x', { type: 'array', containsNull: true })],
      ['an array without containsNull', field('x', { type: 'array', elementType: 'long' })],
      ['a map without its key', field('x', { type: 'map', valueType: 'long', valueContainsNull: true })],
      ['a map whose valueContainsNull is null', field('x', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: null })],
      ['an object without a type', field('x', {})],
      ['a decimal of no digit', field('x', 'decimal(0,0)')],
      ['a decimal of 39 digits', field('x', 'decimal(39,0)')],
      ['a decimal of 999 digits', field('x', 'decimal(999,999)')],
      ['a decimal of negative scale', field('x', 'decimal(10,-1)')],
      ['a decimal with more places than digits', field('x', 'decimal(5,6)')],
      ['the same column twice', field('id', 'long')],
      ['the same column twice, of another type', field('id', 'string')],
      ['the same member twice', field('x', { type: 'struct', fields: [field('a', 'long'), field('a', 'long')] })],
    ] as const
  ).map(([name, bad]): HostileCase => ({ name, table: { schema: [...FIELDS, bad] }, expected: 'CORRUPT_LOG' })),
  ...(
    [
      'lung',
      'LONG long',
      'decimal(10)',
      'decimal(10,2',
      'decimal(１０,2)',
      'decimal(1e1,2)',
      'decimal(9999999999999999999999,1)',
      `decimal(${'1'.repeat(100_000)},1)`,
      `decimal(${' '.repeat(100_000)}x`,
      'array<long>',
      '__proto__',
      'constructor',
      'interval year to month',
      'x'.repeat(1_000_000),
      '',
      '\u0000',
      'string ',
    ] as const
  ).map(
    (type): HostileCase => ({
      name: `the type ${JSON.stringify(type.slice(0, 40))}`,
      table: { schema: [...FIELDS, field('x', type)] },
      expected: 'UNSUPPORTED_FEATURE',
    }),
  ),
  { name: 'columns that differ in case only', table: { schema: [ID, NAME, field('ID', 'long')] }, expected: { rows: ROWS_WITH_CASE() } },
  { name: 'an unknown type beside columns that are read', table: { schema: [...FIELDS, field('x', 'lung')] }, act: ids, expected: IDS },
  {
    name: 'a column of no name',
    table: { schema: [...FIELDS, field('', 'long')] },
    expected: { rows: [1n, 2n, 3n].map((id, i) => ({ id, name: ['one', 'two', 'three'][i], '': null })) },
  },
  {
    name: 'a lone surrogate in a name',
    table: { metaData: metaData(`${schemaString(FIELDS).slice(0, -2)},{"name":"\\ud800","type":"long","nullable":true,"metadata":{}}]}`) },
    act: ids,
    expected: IDS,
  },
  {
    name: 'integers beyond a double in metadata',
    table: { metaData: metaData(schemaString(FIELDS).replace('"metadata":{}', '"metadata":{"id":9223372036854775808,"x":1e999}')) },
    expected: GOOD,
  },
  { name: '100 levels of structs', table: { schema: [...FIELDS, field('deep', nested(98))] }, act: ids, expected: IDS },
  { name: '10,000 levels of structs', table: () => Promise.resolve({ schema: deepText(10_000) }), expected: 'LIMIT_EXCEEDED' },
  {
    name: '100,000 levels of arrays',
    table: () =>
      Promise.resolve({
        schema: `{"type":"struct","fields":[{"name":"a","nullable":true,"metadata":{},"type":${'{"type":"array","containsNull":true,"elementType":'.repeat(100_000)}"long"${'}'.repeat(100_000)}}]}`,
      }),
    expected: 'LIMIT_EXCEEDED',
  },
  { name: '200 levels of arrays', table: { schema: [...FIELDS, field('deep', arrays(200))] }, expected: 'LIMIT_EXCEEDED' },
  {
    name: '100,000 levels in metadata',
    table: () =>
      Promise.resolve({
        schema: `{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}]}`,
      }),
    expected: 'LIMIT_EXCEEDED',
  },
  {
    name: '100,000 columns, one of them read',
    table: () => Promise.resolve({ schema: [...FIELDS, ...wide(100_000)] }),
    act: ids,
    expected: IDS,
  },
  {
    name: '5,000 columns, all of them read',
    table: () => Promise.resolve({ schema: [...FIELDS, ...wide(5000)] }),
    act: async (table) => (await table.scan().toArray()).map((row) => ({ id: row.id, columns: Object.keys(row).length })),
    expected: { rows: [1n, 2n, 3n].map((id) => ({ id, columns: 5002 })) },
  },
  {
    name: '100,000 columns, all of them read',
    table: () => Promise.resolve({ schema: [...FIELDS, ...wide(100_000)] }),
    act: async (table) => (await table.scan().toArray()).map((row) => ({ id: row.id, columns: Object.keys(row).length })),
    expected: { rows: [1n, 2n, 3n].map((id) => ({ id, columns: 100_002 })) },
  },
  {
    name: 'a struct of 100,000 members',
    table: () => Promise.resolve({ schema: [...FIELDS, field('s', { type: 'struct', fields: wide(100_000) })] }),
    act: ids,
    expected: IDS,
  },
  {
    name: 'a column whose name is a million characters long',
    table: () => Promise.resolve({ schema: [...FIELDS, field('x'.repeat(1_000_000), 'long')] }),
    act: ids,
    expected: IDS,
  },
])

function ROWS_WITH_CASE(): string[] {
  return ['{id:1n,name:"one",ID:1n}', '{id:2n,name:"two",ID:2n}', '{id:3n,name:"three",ID:3n}']
}

function deepText(depth: number): string {
  const open = '{"type":"struct","fields":[{"name":"f","nullable":true,"metadata":{},"type":'
  return `${open.repeat(depth)}"long"${'}]}'.repeat(depth)}`
}

hostileGroup('partition columns', [
  { name: 'that are no columns', table: { partitionColumns: ['nothing'] }, expected: GOOD },
  { name: 'twice', table: { partitionColumns: ['name', 'name'], add: { partitionValues: { name: 'p' } } }, act: ids, expected: IDS },
  {
    name: 'all columns',
    table: { partitionColumns: ['id', 'name'], add: { partitionValues: { id: '7', name: 'p' } } },
    expected: { rows: Array(3).fill('{id:7n,name:"p"}') },
  },
  {
    name: 'a struct',
    table: { schema: [...FIELDS, field('s', nested(1))], partitionColumns: ['s'], add: { partitionValues: { s: '{}' } } },
    act: ids,
    expected: IDS,
  },
  {
    name: '100,000 of them',
    table: () => Promise.resolve({ partitionColumns: Array.from({ length: 100_000 }, (_, i) => `p${i}`) }),
    expected: GOOD,
  },
  { name: 'a value for a column that is none', table: { add: { partitionValues: { zzz: 'x' } } }, expected: GOOD },
  { name: 'a name of a million characters', table: { add: { partitionValues: { ['k'.repeat(1_000_000)]: 'v' } } }, expected: GOOD },
  {
    name: 'a value of a million characters',
    table: { partitionColumns: ['name'], add: { partitionValues: { name: 'v'.repeat(1_000_000) } } },
    act: ids,
    expected: IDS,
  },
  {
    name: '600 of them in one file',
    table: { add: { partitionValues: Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`p${i}`, 'x'])) } },
    expected: 'LIMIT_EXCEEDED',
  },
])

const LONG = 100_000
const digits = '9'.repeat(LONG)
/** Texts that are no value of a type, made to be slow to refuse. `null` in place of text: the value is null. */
const BAD_VALUES: readonly (readonly [type: string, text: string])[] = [
  ['long', digits],
  ['long', `-${digits}`],
  ['long', '9223372036854775808'],
  ['long', '-9223372036854775809'],
  ['long', '1.5'],
  ['long', '0x10'],
  ['long', ' 1'],
  ['long', '１'],
  ['integer', '2147483648'],
  ['integer', '-2147483649'],
  ['integer', '1e3'],
  ['short', '32768'],
  ['byte', '-129'],
  ['double', `${'1'.repeat(LONG)}e${'1'.repeat(LONG)}x`],
  ['double', `${'0.'.repeat(LONG)}`],
  ['double', 'nan(1)'],
  ['double', '1_0'],
  ['float', '0x1.8p'],
  ['boolean', 'yes'],
  ['boolean', `${'t'.repeat(LONG)}rue`],
  ['date', '2024-02-30'],
  ['date', `${digits}-01-01`],
  ['date', '2024-1-1'],
  ['date', '99999999-01-01'],
  ['timestamp', '2024-01-01 25:00:00'],
  ['timestamp', `2024-01-01 00:00:00.${digits}`],
  ['timestamp', `2024-01-01T00:00:00+${digits}`],
  ['timestamp', '9999999-12-31T23:59:59Z'],
  ['timestamp', '2024-01-01T00:00:00Z\u0000'],
  ['timestamp_ntz', '2024-01-01T00:00:00Z'],
  ['timestamp_ntz', `${' '.repeat(LONG)}2024-01-01`],
  ['decimal(10,2)', '1.005'],
  ['decimal(10,2)', '123456789.00'],
  ['decimal(38,0)', digits],
  ['decimal(38,0)', `1e${digits}`],
  ['decimal(38,10)', `${'0'.repeat(LONG)}.${'0'.repeat(LONG)}x`],
]

hostileGroup(
  'partition values that are none of their type',
  BAD_VALUES.map(
    ([type, text]): HostileCase => ({
      name: `${type} ${JSON.stringify(text.slice(0, 50))} (${text.length})`,
      table: { schema: [ID, field('p', type)], partitionColumns: ['p'], add: { partitionValues: { p: text } } },
      expected: 'CORRUPT_LOG',
    }),
  ),
)

const at2: Expected = { rows: ['{id:2n,name:"two"}', '{id:3n,name:"three"}'] }
const from2 = async (table: Table): Promise<readonly object[]> => table.scan({ where: 'id >= 2' }).toArray()

// Statistics may cost pruning, never rows. (A bound that is a sound number, and false, no reader can see through.)
hostileGroup(
  'statistics that make no sense',
  [
    '',
    ' ',
    'null',
    '5',
    '[]',
    '"x"',
    'hello',
    '{',
    '{"numRecords":',
    '{"numRecords":3,"minValues":{"id":1},"maxValues":{"id":3}',
    '{"numRecords":-3}',
    '{"numRecords":0}',
    '{"numRecords":1e99}',
    '{"numRecords":"3","minValues":{"id":"zzz"},"maxValues":{"id":"a"}}',
    '{"minValues":5,"maxValues":[],"nullCount":"x"}',
    '{"minValues":{"id":[1]},"maxValues":{"id":{"a":1}}}',
    '{"minValues":{"id":true},"maxValues":{"id":false}}',
    '{"minValues":{"id":null},"maxValues":{"id":null}}',
    '{"minValues":{"id":NaN},"maxValues":{"id":Infinity}}',
    '{"minValues":{"id":01},"maxValues":{"id":+1}}',
    '{"minValues":{"id":1.},"maxValues":{"id":1e}}',
    '{"maxValues":{"id":1.}}',
    '{"maxValues":{"id":01}}',
    '{"maxValues":{"id":+1}}',
    '{"maxValues":{"id":1,}}',
    '{"numRecords":03,"nullCount":{"id":03}}',
    '{"maxValues":{"id":1},"maxValues":{"id":3}}',
    '{"maxValues":{"id":1,"id":3}}',
    '{"maxValues":{"id":1}}x',
    '\ufeff{"maxValues":{"id":1}}',
    '{"MAXVALUES":{"id":1}}',
    '{"maxValues":{"ID":1}}',
    '{"nullCount":{"id":99999999999999999999}}',
    '{"nullCount":{"id":-1}}',
    '{"numRecords":3,"nullCount":{"id":"3"}}',
    '{"stats_json":"{\\"maxValues\\":{\\"id\\":1}}"}',
    '{"__proto__":{"maxValues":{"id":1}}}',
    '{"maxValues":{"__proto__":{"id":1}}}',
    `{"minValues":{"id":${'9'.repeat(50_000)}x}}`,
    `{"maxValues":{"id":1e${'9'.repeat(50_000)}}}`,
    `{"minValues":{"id":-${'9'.repeat(50_000)}},"maxValues":{"id":${'9'.repeat(50_000)}}}`,
    `{"maxValues":${'['.repeat(100_000)}`,
    `{"maxValues":{"x":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}}`,
    `{"maxValues":{"x":"${'a'.repeat(1_000_000)}"}}`,
  ].map((stats): HostileCase => ({ name: JSON.stringify(stats.slice(0, 70)), table: { add: { stats } }, act: from2, expected: at2 })),
)

hostileGroup(
  'bounds beyond a double',
  (
    [
      ['9007199254740992', '9007199254740994', 'v = 9007199254740993'],
      ['9007199254740993', '9007199254740993', 'v >= 9007199254740993'],
      ['9007199254740993', '9007199254740993', 'v < 9007199254740994'],
      ['-9223372036854775808', '9223372036854775807', 'v = 9007199254740993'],
      ['9007199254740993', '9223372036854775807', 'v > 9007199254740992'],
      ['9.007199254740993e15', '9.007199254740993e15', 'v = 9007199254740993'],
    ] as const
  ).map(
    ([min, max, where]): HostileCase => ({
      name: `${min} to ${max}, ${where}`,
      table: async () => {
        const data = await writeRows('v long', [{ v: 9007199254740993n }])
        const stats = `{"numRecords":1,"minValues":{"v":${min}},"maxValues":{"v":${max}},"nullCount":{"v":0}}`
        return { schema: [field('v', 'long')], lines: [addOf('x', data.length, { stats })], files: { x: data } }
      },
      act: async (table) => table.scan({ where }).toArray(),
      expected: { rows: ['{v:9007199254740993n}'] },
    }),
  ),
)
