// Every field of every action, with every wrong kind of value; and the numbers that a double cannot hold.
// What must come of each is said by a table of the protocol's types, not by trying.
import type { Table } from '../../src/table/table.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { addOf, DATA_PATH, FIELDS, goodData, metaData, schemaString } from './table-builder.js'

/** What the protocol wants in a field; `?` where it may be left out. */
type Wanted = 'text' | 'text?' | 'count' | 'count?' | 'long' | 'long?' | 'flag?' | 'texts?' | 'map' | 'map?' | 'object?' | 'anything'

const FIELDS_OF: Readonly<Record<string, readonly (readonly [field: string, wanted: Wanted])[]>> = {
  add: [
    ['path', 'text'],
    ['partitionValues', 'map'],
    ['size', 'count'],
    ['modificationTime', 'long?'],
    ['dataChange', 'flag?'],
    ['stats', 'anything'],
    ['tags', 'map?'],
    ['deletionVector', 'object?'],
    ['baseRowId', 'long?'],
    ['defaultRowCommitVersion', 'long?'],
    ['clusteringProvider', 'text?'],
    ['somethingNew', 'anything'],
  ],
  remove: [
    ['path', 'text'],
    ['deletionTimestamp', 'long?'],
    ['dataChange', 'flag?'],
    ['extendedFileMetadata', 'flag?'],
    ['partitionValues', 'map?'],
    ['size', 'count?'],
    ['tags', 'map?'],
    ['deletionVector', 'object?'],
  ],
  cdc: [
    ['path', 'text'],
    ['partitionValues', 'map?'],
    ['size', 'count'],
    ['dataChange', 'flag?'],
  ],
  metaData: [
    ['id', 'text'],
    ['name', 'text?'],
    ['description', 'text?'],
    ['format', 'object?'],
    ['schemaString', 'text?'],
    ['partitionColumns', 'texts?'],
    ['configuration', 'map?'],
    ['createdTime', 'long?'],
  ],
  protocol: [
    ['minReaderVersion', 'count'],
    ['minWriterVersion', 'count'],
    ['readerFeatures', 'texts?'],
    ['writerFeatures', 'texts?'],
  ],
  txn: [
    ['appId', 'text'],
    ['version', 'long'],
    ['lastUpdated', 'long?'],
  ],
  domainMetadata: [
    ['domain', 'text'],
    ['configuration', 'text?'],
    ['removed', 'flag?'],
  ],
  sidecar: [
    ['path', 'text'],
    ['sizeInBytes', 'count'],
    ['modificationTime', 'long?'],
    ['tags', 'map?'],
  ],
  checkpointMetadata: [
    ['version', 'count'],
    ['tags', 'map?'],
  ],
}

const SOUND: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  remove: { path: 'gone.parquet', deletionTimestamp: 1, dataChange: true },
  cdc: { path: '_change_data/x', partitionValues: {}, size: 1, dataChange: false },
  txn: { appId: 'a', version: 1 },
  domainMetadata: { domain: 'd', configuration: '', removed: false },
  sidecar: { path: 'x.parquet', sizeInBytes: 1, modificationTime: 1 },
  checkpointMetadata: { version: 1 },
  protocol: { minReaderVersion: 1, minWriterVersion: 2 },
}

/** Values by their kind, as JSON. */
const VALUES: readonly (readonly [kind: string, json: string | undefined])[] = [
  ['missing', undefined],
  ['null', 'null'],
  ['true', 'true'],
  ['text', '"x"'],
  ['number', '5'],
  ['negative', '-5'],
  ['fraction', '1.5'],
  ['array', '[]'],
  ['nested array', '[[1],{"a":[]}]'],
  ['object', '{}'],
  ['object of objects', '{"a":{"b":1}}'],
]

function fits(wanted: Wanted, kind: string): boolean {
  if (wanted === 'anything') return true
  if (kind === 'missing' || kind === 'null') return wanted.endsWith('?')
  switch (wanted.replace('?', '')) {
    case 'text':
      return kind === 'text'
    case 'count':
      return kind === 'number'
    case 'long':
      return kind === 'number' || kind === 'negative'
    case 'flag':
      return kind === 'true'
    case 'texts':
      return kind === 'array'
    case 'map':
      return kind === 'object'
    default:
      return kind === 'object' || kind === 'object of objects'
  }
}

/** The members of an action with one replaced, as JSON. */
function withMember(members: Readonly<Record<string, unknown>>, field: string, json: string | undefined): string {
  const all = new Map(Object.entries(members).map(([key, value]) => [key, JSON.stringify(value)]))
  if (json === undefined) all.delete(field)
  else all.set(field, json)
  return `{${[...all].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}

// Values that fit by their kind, and then mean something else than the usual table.
function meaning(action: string, field: string, kind: string, json: string | undefined): Expected | undefined {
  if (action === 'add' && field === 'path') return 'MISSING_FILE'
  if (action === 'add' && field === 'size') return 'CORRUPT_DATA'
  // A vector's own fields are all needed.
  if (field === 'deletionVector' && json?.startsWith('{')) return 'CORRUPT_LOG'
  if (action === 'metaData' && field === 'schemaString') return 'CORRUPT_LOG'
  if (action === 'metaData' && field === 'format' && kind === 'object of objects') return GOOD
  if (action === 'protocol' && field === 'minReaderVersion') return 'UNSUPPORTED_FEATURE'
  return undefined
}

for (const [action, fields] of Object.entries(FIELDS_OF)) {
  hostileGroup(
    `${action}: fields of the wrong kind`,
    fields.flatMap(([field, wanted]) =>
      VALUES.map(([kind, json]): HostileCase => {
        const expected = fits(wanted, kind) ? (meaning(action, field, kind, json) ?? GOOD) : 'CORRUPT_LOG'
        return {
          name: `${action}.${field} is ${kind}`,
          table: async () => {
            const usual = addOf(DATA_PATH, (await goodData()).length) as { add: Record<string, unknown> }
            const meta = metaData() as { metaData: Record<string, unknown> }
            const members = action === 'add' ? usual.add : action === 'metaData' ? meta.metaData : (SOUND[action] ?? {})
            const line = `{"${action}":${withMember(members, field, json)}}`
            return action === 'add' ? { lines: [line] } : { lines: [usual, line] }
          },
          expected,
        }
      }),
    ),
  )
}

const BIG = [
  ['2^53 + 1', '9007199254740993'],
  ['2^63 - 1', '9223372036854775807'],
  ['2^63', '9223372036854775808'],
  ['-2^63', '-9223372036854775808'],
  ['-2^63 - 1', '-9223372036854775809'],
  ['1e400', '1e400'],
  ['1e3', '1e3'],
  ['1.0', '1.0'],
  ['minus zero', '-0'],
  ['10^5000', `1${'0'.repeat(5000)}`],
  ['a text', '"9007199254740993"'],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['hexadecimal', '0x10'],
  ['a leading zero', '01'],
  ['a plus sign', '+1'],
  ['underscores', '1_000'],
] as const

const isInteger = (json: string): boolean => /^-?(0|[1-9]\d*)$/.test(json)
const asLong = (json: string): bigint | undefined => {
  // 1.0 and 1e3 are the integers they equal.
  if (/^\d+(\.0+|e\d)$/.test(json)) return BigInt(Number(json))
  if (!isInteger(json)) return undefined
  const value = BigInt(json)
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined
}

hostileGroup(
  'integers beyond a double, in txn.version',
  BIG.map(([name, json]): HostileCase => {
    const value = asLong(json)
    return {
      name,
      table: async () => ({ lines: [addOf(DATA_PATH, (await goodData()).length), `{"txn":{"appId":"a","version":${json}}}`] }),
      act: async (table: Table) => [{ position: (await table.snapshot()).positions.get('a') }],
      expected: value === undefined ? 'CORRUPT_LOG' : { rows: [`{position:${value}n}`] },
    }
  }),
)

// Times beyond 2^53 mean "never": they are read, and change no row.
for (const field of ['modificationTime', 'baseRowId', 'defaultRowCommitVersion']) {
  hostileGroup(
    `integers beyond a double, in add.${field}`,
    BIG.map(
      ([name, json]): HostileCase => ({
        name,
        table: { addTail: `"${field}":${json}` },
        expected: asLong(json) === undefined ? 'CORRUPT_LOG' : GOOD,
      }),
    ),
  )
}

// A size must be exact, or ranged reads would go astray.
hostileGroup(
  'integers beyond a double, in add.size',
  [...BIG, ['2^53 - 1', '9007199254740991'] as const].map(([name, json]): HostileCase => {
    const value = asLong(json)
    const isCount = value !== undefined && value >= 0n && value < 2n ** 53n
    return { name, table: { addTail: `"size":${json}` }, expected: isCount ? 'CORRUPT_DATA' : 'CORRUPT_LOG' }
  }),
)

hostileGroup(
  'integers beyond a double, in protocol.minReaderVersion',
  [...BIG, ['zero', '0'] as const, ['four', '4'] as const, ['2^53 - 1', '9007199254740991'] as const].map(([name, json]): HostileCase => {
    const value = asLong(json)
    const isCount = value !== undefined && value >= 0n && value < 2n ** 53n
    return {
      name,
      table: { protocol: `{"protocol":{"minReaderVersion":${json},"minWriterVersion":2}}` },
      expected: value === 1n ? GOOD : isCount ? 'UNSUPPORTED_FEATURE' : 'CORRUPT_LOG',
    }
  }),
)

for (const field of ['offset', 'sizeInBytes', 'cardinality']) {
  hostileGroup(
    `integers beyond a double, in a deletion vector's ${field}`,
    BIG.map(([name, json]): HostileCase => {
      const value = asLong(json)
      const isCount = value !== undefined && value >= 0n && value < 2n ** 53n
      const vector = { storageType: 'p', pathOrInlineDv: 'dv.bin', offset: 1, sizeInBytes: 34, cardinality: 2 }
      return {
        name,
        table: {
          protocol: {
            protocol: {
              minReaderVersion: 3,
              minWriterVersion: 7,
              readerFeatures: ['deletionVectors'],
              writerFeatures: ['deletionVectors'],
            },
          },
          addTail: `"deletionVector":${withMember(vector, field, json)}`,
        },
        expected: isCount ? 'MISSING_FILE' : 'CORRUPT_LOG',
      }
    }),
  )
}

hostileGroup('one thing said twice', [
  { name: 'the path, the second counts', table: { addTail: '"path":"nothing.parquet"' }, expected: 'MISSING_FILE' },
  { name: 'the size, the second counts', table: { addTail: '"size":1' }, expected: 'CORRUPT_DATA' },
  {
    name: 'the whole action',
    table: async () => ({ lines: [`{"add":{"path":"x"},${JSON.stringify(addOf(DATA_PATH, (await goodData()).length)).slice(1)}`] }),
    expected: GOOD,
  },
  {
    name: 'the file, in one commit',
    table: async () => ({ lines: [addOf(DATA_PATH, (await goodData()).length), addOf(DATA_PATH, (await goodData()).length)] }),
    expected: GOOD,
  },
  {
    name: 'the schema, the later action counts',
    table: async () => ({ lines: [metaData(FIELDS.slice(0, 1)), metaData(), addOf(DATA_PATH, (await goodData()).length)] }),
    expected: GOOD,
  },
  {
    name: 'a member of the schema',
    table: { metaData: metaData(`${schemaString([]).slice(0, -1)},"fields":${JSON.stringify(FIELDS)}}`) },
    expected: GOOD,
  },
  {
    name: 'a key under an escape',
    table: { addTail: '"\\u0070ath":"nothing.parquet"' },
    expected: 'MISSING_FILE',
  },
])

hostileGroup('lines that are no action', [
  ...[
    '[]',
    '5',
    '"add"',
    'true',
    'null',
    '{',
    '}',
    '{]',
    '{"add"}',
    '{"add":}',
    '{"add":{}',
    "{'add':{}}",
    '{add:{}}',
    '{"add":{},}',
    '// comment',
    '{"a":1} {',
    '\ufeff{}',
    '{"a":"\u0001"}',
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    '{"a":"\\ud800',
  ].map(
    (line): HostileCase => ({
      name: JSON.stringify(line),
      table: async () => ({ lines: [addOf(DATA_PATH, (await goodData()).length), line] }),
      expected: 'CORRUPT_LOG',
    }),
  ),
  ...['', '   ', '\t', '\r', '{}', '{"add":null}', '{"zzz":5}', '{"":{}}', '{"a":1}{"b":2}', '{"\\u0061dd2":{}}'].map(
    (line): HostileCase => ({
      name: `harmless: ${JSON.stringify(line)}`,
      table: async () => ({ lines: [line, addOf(DATA_PATH, (await goodData()).length), line] }),
      expected: GOOD,
    }),
  ),
])
