// Texts made to keep a parser busy: filters, patterns, properties, and JSON that is far more in memory than on disk.
import { tableProperties } from '../../src/schema/index.js'
import type { Table } from '../../src/table/table.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { writeRows } from './parquet-bytes.js'
import { addOf, DATA_PATH, field, goodData, metaData, type TableParts } from './table-builder.js'

const NAME = field('name', 'string')
const LONG = 100_000
const digits = '9'.repeat(LONG)
const at2: Expected = { rows: ['{id:2n,name:"two"}', '{id:3n,name:"three"}'] }

const ask = (where: string) => async (table: Table) => table.scan({ where }).toArray()
const A = 'a'.repeat(20_000)

// A filter is the caller's, but its text may come from anywhere.
hostileGroup('filters made to keep a parser busy', [
  ...(
    [
      ['open parentheses', '('.repeat(LONG)],
      ['closed parentheses', `${'('.repeat(LONG)}id = 1${')'.repeat(LONG)}`],
      ['nots', `${'not '.repeat(LONG)}id = 1`],
      ['an unclosed quote', `name = '${A}`],
      ['an unclosed backtick', `\`${A}`],
      ['doubled quotes without end', `name = '${"''".repeat(LONG)}`],
      ['spaces', `id = ${' '.repeat(LONG)}`],
      ['signs', `id = ${'-'.repeat(LONG)}1`],
      ['dots', `id${'.a'.repeat(LONG)} = 1`],
      ['a number with many points', `id = ${'1.'.repeat(LONG)}`],
      ['a number with many exponents', `id = ${'1e'.repeat(LONG)}`],
      ['a comparison chain', `id ${'= 1 '.repeat(LONG)}`],
      ['an empty list', 'id in ()'],
      ['an unknown function', 'sleep(10) = 1'],
      ['two statements', 'id = 1; drop table x'],
      ['a comment', 'id = 1 -- x'],
      ['a NUL', 'id = 1\u0000'],
      ['hexadecimal of odd length', "name = X'abc'"],
      ['hexadecimal of other letters', `name = X'${'zz'.repeat(LONG)}'`],
      ['a date that is none', `id = DATE '${digits}'`],
      ['a like of no text', 'name like 5'],
      ['a like with an escape at its end', "name like 'a\\'"],
      ['a like that is too long', `name like '${'%a'.repeat(5000)}'`],
    ] as const
  ).map(([name, where]): HostileCase => ({ name, table: {}, act: ask(where), expected: 'INVALID_OPTIONS' })),
  { name: '10,000 operands', table: {}, act: ask(Array.from({ length: 10_000 }, (_, i) => `id = ${i + 2}`).join(' or ')), expected: at2 },
  {
    name: '50,000 values in a list',
    table: {},
    act: ask(`id in (${Array.from({ length: 50_000 }, (_, i) => i + 2).join(',')})`),
    expected: at2,
  },
  { name: 'a number of 100,000 digits', table: {}, act: ask(`id < ${digits} and id >= 2`), expected: at2 },
  { name: 'a number with an exponent of 100,000 digits', table: {}, act: ask(`id < 1e${digits} and id >= 2`), expected: at2 },
  { name: 'a tiny number', table: {}, act: ask(`id >= 1.${'0'.repeat(LONG)}1`), expected: at2 },
  ...(
    [
      ['many %', `${'%a'.repeat(1000)}%b`],
      ['many % and _', `${'%_a'.repeat(1000)}%b`],
      ['many _', `%${'_'.repeat(3000)}b%`],
      ['_ and letters', `%${'a_'.repeat(1500)}b%`],
      ['only %', '%'.repeat(4000)],
    ] as const
  ).map(
    ([name, pattern]): HostileCase => ({
      name: `a like of ${name} over 20,000 letters`,
      table: async () => {
        const data = await writeRows('name string', [{ name: A }])
        return { schema: [NAME], lines: [addOf('x', data.length)], files: { x: data } }
      },
      act: async (table) => [{ rows: await table.scan({ where: `name like '${pattern}'` }).count() }],
      // A count is of all rows the filter keeps.
      expected: { rows: [{ rows: name === 'only %' ? 1 : 0 }] },
    }),
  ),
])

const PROPERTIES: readonly (readonly [key: string, read: keyof ReturnType<typeof tableProperties>])[] = [
  ['delta.logRetentionDuration', 'logRetentionDurationMs'],
  ['delta.dataSkippingStatsColumns', 'dataSkippingStatsColumns'],
  ['delta.dataSkippingNumIndexedCols', 'dataSkippingNumIndexedCols'],
  ['delta.checkpointInterval', 'checkpointInterval'],
  ['delta.targetFileSize', 'targetFileSizeBytes'],
  ['delta.appendOnly', 'appendOnly'],
]
const SLOW_TEXTS: readonly (readonly [name: string, text: string])[] = [
  ['spaces', `interval${' '.repeat(LONG)}x`],
  ['words', `interval ${'1 day '.repeat(LONG / 10)}1`],
  ['digits', `interval ${digits} days`],
  ['points', `interval ${'1.'.repeat(LONG)} days`],
  ['backticks', `${'`'.repeat(LONG + 1)}x`],
  ['an open backtick', `\`${'a'.repeat(LONG)}`],
  ['backticks and dots', `${'`a`.'.repeat(LONG / 4)} x`],
  ['letters and a fault', `${'a'.repeat(LONG)} b`],
  ['commas', ','.repeat(LONG)],
  ['a size', `${'1'.repeat(LONG)}${' '.repeat(LONG)}gb`],
]

hostileGroup(
  'properties made to keep a parser busy',
  PROPERTIES.flatMap(([key, read]) =>
    SLOW_TEXTS.map(
      ([name, text]): HostileCase => ({
        name: `${key}: ${name}`,
        table: { configuration: { [key]: text } },
        // Reading rows asks for none of them; asking for one says what is wrong with it.
        act: async (table) => {
          const rows = await table.scan().toArray()
          void tableProperties(await table.properties())[read]
          return rows
        },
        expected: key === 'delta.dataSkippingStatsColumns' && name === 'backticks and dots' ? GOOD : 'INVALID_OPTIONS',
      }),
    ),
  ),
)

const HUGE: readonly (readonly [name: string, parts: () => Promise<TableParts> | TableParts, expected: Expected])[] = [
  ['50,000 properties', () => ({ configuration: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 'v'])) }), GOOD],
  ['a property of 10 MB', () => ({ configuration: { k: 'v'.repeat(10_000_000) } }), GOOD],
  [
    '100,000 features',
    () => ({
      protocol: {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: Array.from({ length: 100_000 }, (_, i) => `f${i}`),
          writerFeatures: [],
        },
      },
    }),
    'UNSUPPORTED_FEATURE',
  ],
  [
    'a feature of 1 MB',
    () => ({
      protocol: { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['f'.repeat(1_000_000)], writerFeatures: [] } },
    }),
    'UNSUPPORTED_FEATURE',
  ],
  [
    '100,000 transactions',
    async () => ({
      lines: [
        addOf(DATA_PATH, (await goodData()).length),
        ...Array.from({ length: 100_000 }, (_, i) => `{"txn":{"appId":"a${i}","version":${i}}}`),
      ],
    }),
    GOOD,
  ],
  [
    'a commit of 5 million blank lines',
    async () => ({ lines: [addOf(DATA_PATH, (await goodData()).length), '\n'.repeat(5_000_000)] }),
    GOOD,
  ],
  ['a size of ten million digits', () => ({ addTail: `"size":${'9'.repeat(10_000_000)}` }), 'CORRUPT_LOG'],
  ['a fraction of ten million digits', () => ({ addTail: `"zzz":0.${'1'.repeat(10_000_000)}` }), GOOD],
  ['500,000 levels in an unknown member', () => ({ addTail: `"zzz":${'['.repeat(500_000)}${']'.repeat(500_000)}` }), 'CORRUPT_LOG'],
  ['500,000 levels in an unknown action', () => ({ lines: [`{"zzz":${'['.repeat(500_000)}${']'.repeat(500_000)}}`] }), 'CORRUPT_LOG'],
  ['500,000 levels in partition values', () => ({ addTail: `"partitionValues":${'{"a":'.repeat(500_000)}` }), 'CORRUPT_LOG'],
  ['five million empty arrays in an unknown member', () => ({ addTail: `"zzz":[${'[],'.repeat(5_000_000)}[]]` }), GOOD],
  ['five million empty objects in tags', () => ({ addTail: `"tags":{"a":[${'{},'.repeat(5_000_000)}{}]}` }), 'CORRUPT_LOG'],
  [
    'five million empty arrays in a metaData',
    () => ({ metaData: JSON.stringify(metaData()).replace('"createdTime"', `"zzz":[${'[],'.repeat(5_000_000)}[]],"createdTime"`) }),
    'CORRUPT_LOG',
  ],
  ['200,000 tags', () => ({ add: { tags: Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`t${i}`, 'x'])) } }), GOOD],
  ['statistics of 20 MB', () => ({ add: { stats: `{"zzz":"${'x'.repeat(20_000_000)}"}` } }), GOOD],
  ['a text of five million escapes', () => ({ addTail: `"zzz":"${'\\u0041'.repeat(2_000_000)}"` }), GOOD],
]

const read = async (table: Table): Promise<readonly object[]> => table.scan().toArray()
hostileGroup('bombs of JSON', [
  ...HUGE.map(([name, table, expected]): HostileCase => ({ name, table: async () => table(), act: read, expected })),
  {
    name: 'five million empty arrays in an unknown action',
    table: async () => ({ lines: [addOf(DATA_PATH, (await goodData()).length), `{"zzz":[${'[],'.repeat(5_000_000)}[]]}`] }),
    act: read,
    expected: GOOD,
  },
])
