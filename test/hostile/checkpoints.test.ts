// Checkpoints made of other columns than the protocol's, that claim too much, or that go round in circles.
import type { Table } from '../../src/table/table.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { handFile, int64s, writeRows } from './parquet-bytes.js'
import { commitPath, DATA_PATH, FIELDS, goodData, type TableParts } from './table-builder.js'

const SOUND = { physicalType: 2, pages: [{ numValues: 3, body: int64s(1n, 2n, 3n) }], numRows: 3 }
const read = async (table: Table): Promise<readonly object[]> => table.scan().toArray()

const ADD = 'path:string,partitionValues:map<string,string>,size:bigint,modificationTime:bigint,dataChange:boolean'
const METADATA =
  'id:string,format:struct<provider:string>,schemaString:string,partitionColumns:array<string>,configuration:map<string,string>'
const PROTOCOL_ROW = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }
const METADATA_ROW = {
  metaData: {
    id: 'x',
    format: { provider: 'parquet' },
    schemaString: JSON.stringify({ type: 'struct', fields: FIELDS }),
    partitionColumns: [],
    configuration: new Map(),
  },
}

/** A checkpoint without its commits, so that nothing can stand in for it. */
function checkpoint(
  name: string,
  columns: string,
  rows: (size: bigint) => readonly object[],
  expected: Expected = 'CORRUPT_CHECKPOINT',
  act = read,
): HostileCase {
  return {
    name,
    table: async () => ({
      files: {
        [commitPath(0)]: null,
        '_delta_log/00000000000000000001.checkpoint.parquet': await writeRows(columns, rows(BigInt((await goodData()).length))),
      },
    }),
    act,
    expected,
  }
}

const rest = `metaData struct<${METADATA}>, protocol struct<minReaderVersion:int,minWriterVersion:int>`
const all = (add: object, ...more: object[]): object[] => [PROTOCOL_ROW, METADATA_ROW, { add }, ...more]
const addRow = (size: bigint): Record<string, unknown> => ({
  path: DATA_PATH,
  partitionValues: new Map(),
  size,
  modificationTime: 1n,
  dataChange: true,
})
const where = async (table: Table): Promise<readonly object[]> => table.scan({ where: 'id >= 1' }).toArray()

hostileGroup('checkpoints of other columns than the protocol', [
  checkpoint('nothing is wrong', `add struct<${ADD}>, ${rest}`, (size) => all(addRow(size)), GOOD),
  checkpoint('path is a number', `add struct<${ADD.replace('path:string', 'path:bigint')}>, ${rest}`, (size) =>
    all({ ...addRow(size), path: 5n }),
  ),
  checkpoint('path is a list', `add struct<${ADD.replace('path:string', 'path:array<string>')}>, ${rest}`, (size) =>
    all({ ...addRow(size), path: ['x'] }),
  ),
  checkpoint('path is missing', `add struct<${ADD.replace('path:string,', '')}>, ${rest}`, (size) => {
    const { path: _, ...others } = addRow(size)
    return all(others)
  }),
  checkpoint('size is a text', `add struct<${ADD.replace('size:bigint', 'size:string')}>, ${rest}`, (size) =>
    all({ ...addRow(size), size: '5' }),
  ),
  checkpoint('size is a double', `add struct<${ADD.replace('size:bigint', 'size:double')}>, ${rest}`, (size) =>
    all({ ...addRow(size), size: 5.5 }),
  ),
  checkpoint('size is null', `add struct<${ADD}>, ${rest}`, (size) => all({ ...addRow(size), size: null })),
  checkpoint('size is negative', `add struct<${ADD}>, ${rest}`, (size) => all({ ...addRow(size), size: -1n })),
  checkpoint('size is beyond a double', `add struct<${ADD}>, ${rest}`, (size) => all({ ...addRow(size), size: 2n ** 53n + 1n })),
  checkpoint(
    'modificationTime is a text',
    `add struct<${ADD.replace('modificationTime:bigint', 'modificationTime:string')}>, ${rest}`,
    (size) => all({ ...addRow(size), modificationTime: 'x' }),
  ),
  checkpoint(
    'modificationTime is beyond a double',
    `add struct<${ADD}>, ${rest}`,
    (size) => all({ ...addRow(size), modificationTime: 2n ** 62n }),
    GOOD,
  ),
  checkpoint(
    'partitionValues is a struct',
    `add struct<${ADD.replace('partitionValues:map<string,string>', 'partitionValues:struct<a:string>')}>, ${rest}`,
    (size) => all({ ...addRow(size), partitionValues: { a: 'x' } }),
  ),
  checkpoint(
    'partitionValues has numbers for names',
    `add struct<${ADD.replace('map<string,string>', 'map<int,string>')}>, ${rest}`,
    (size) => all({ ...addRow(size), partitionValues: new Map([[5, 'x']]) }),
  ),
  checkpoint(
    'partitionValues has numbers for values',
    `add struct<${ADD.replace('map<string,string>', 'map<string,bigint>')}>, ${rest}`,
    (size) => all({ ...addRow(size), partitionValues: new Map([['p', 5n]]) }),
  ),
  checkpoint('deletionVector is a text', `add struct<${ADD},deletionVector:string>, ${rest}`, (size) =>
    all({ ...addRow(size), deletionVector: 'x' }),
  ),
  checkpoint(
    'deletionVector has a text for its size',
    `add struct<${ADD},deletionVector:struct<storageType:string,pathOrInlineDv:string,sizeInBytes:string,cardinality:bigint>>, ${rest}`,
    (size) => all({ ...addRow(size), deletionVector: { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 'x', cardinality: 1n } }),
  ),
  checkpoint(
    'stats are numbers',
    `add struct<${ADD},stats:bigint>, ${rest}`,
    (size) => all({ ...addRow(size), stats: 5n }),
    'CORRUPT_CHECKPOINT',
    where,
  ),
  checkpoint('add is a text', `add string, ${rest}`, () => [PROTOCOL_ROW, METADATA_ROW, { add: 'x' }]),
  checkpoint('add is a list', `add array<struct<${ADD}>>, ${rest}`, (size) => [PROTOCOL_ROW, METADATA_ROW, { add: [addRow(size)] }]),
  checkpoint('txn is a text', `add struct<${ADD}>, ${rest}, txn string`, (size) => all(addRow(size), { txn: 'x' })),
  checkpoint('txn is a number', `add struct<${ADD}>, ${rest}, txn int`, (size) => all(addRow(size), { txn: 5 })),
  checkpoint('txn.version is a text', `add struct<${ADD}>, ${rest}, txn struct<appId:string,version:string>`, (size) =>
    all(addRow(size), { txn: { appId: 'a', version: '5' } }),
  ),
  checkpoint(
    'txn.version is the greatest',
    `add struct<${ADD}>, ${rest}, txn struct<appId:string,version:bigint>`,
    (size) => all(addRow(size), { txn: { appId: 'a', version: 2n ** 63n - 1n } }),
    {
      rows: ['{p:9223372036854775807n}'],
    },
    async (table) => [{ p: (await table.snapshot()).positions.get('a') }],
  ),
  checkpoint('protocol is a text', `add struct<${ADD}>, metaData struct<${METADATA}>, protocol string`, (size) => [
    { protocol: 'x' },
    METADATA_ROW,
    { add: addRow(size) },
  ]),
  checkpoint(
    'there is no protocol',
    `add struct<${ADD}>, metaData struct<${METADATA}>`,
    (size) => [METADATA_ROW, { add: addRow(size) }],
    'CORRUPT_LOG',
  ),
  checkpoint(
    'there is no metaData',
    `add struct<${ADD}>, protocol struct<minReaderVersion:int,minWriterVersion:int>`,
    (size) => [PROTOCOL_ROW, { add: addRow(size) }],
    'CORRUPT_LOG',
  ),
  checkpoint('there is nothing', 'something long', () => [{ something: 1 }], 'CORRUPT_LOG'),
  checkpoint(
    'a row is two actions',
    `add struct<${ADD}>, ${rest}`,
    (size) => [{ ...PROTOCOL_ROW, ...METADATA_ROW, add: addRow(size) }],
    GOOD,
  ),
  checkpoint('the same file twice', `add struct<${ADD}>, ${rest}`, (size) => all(addRow(size), { add: addRow(size) }), GOOD),
  checkpoint(
    'a reader from the future',
    `add struct<${ADD}>, ${rest}`,
    (size) => [{ protocol: { minReaderVersion: 99, minWriterVersion: 2 } }, METADATA_ROW, { add: addRow(size) }],
    'UNSUPPORTED_FEATURE',
  ),
  checkpoint(
    'paths lead out',
    `add struct<${ADD}>, ${rest}`,
    (size) => all({ ...addRow(size), path: '%2e%2e/secret.parquet' }),
    'PATH_OUTSIDE_TABLE',
  ),
  checkpoint('a path is empty', `add struct<${ADD}>, ${rest}`, (size) => all({ ...addRow(size), path: '' }), 'PATH_OUTSIDE_TABLE'),
])

hostileGroup('checkpoints that claim too much', [
  ...[1e6, 2 ** 31, 2 ** 32, 2 ** 51].map(
    (numRows): HostileCase => ({
      name: `${numRows} rows in a few bytes`,
      table: () => {
        const bytes = handFile({ ...SOUND, name: 'txn', numRows, numValues: numRows })
        return Promise.resolve({ files: { [commitPath(0)]: null, '_delta_log/00000000000000000001.checkpoint.parquet': bytes } })
      },
      act: read,
      expected: numRows > 2 ** 32 ? 'LIMIT_EXCEEDED' : 'CORRUPT_CHECKPOINT',
    }),
  ),
  ...(['protocol', 'metaData'] as const).map(
    (missing): HostileCase => ({
      name: `to be whole without ${missing}, with the commits beside it`,
      table: async () => ({
        files: {
          '_delta_log/00000000000000000001.checkpoint.parquet': await writeRows(
            `add struct<${ADD}>, ${rest}`,
            missing === 'protocol' ? [METADATA_ROW] : [PROTOCOL_ROW],
          ),
        },
      }),
      // Readable, so it is believed, and what it leaves out is not made up from the commits.
      expected: 'CORRUPT_LOG',
    }),
  ),
])

hostileGroup('sidecars without end', [
  {
    name: 'one sidecar named 5,000 times',
    table: async () => sidecars(Array.from({ length: 5000 }, () => 's.parquet')),
    act: read,
    expected: GOOD,
  },
  {
    name: 'a sidecar that names sidecars',
    table: async () => sidecars(['s.parquet'], [{ sidecar: { path: 's.parquet', sizeInBytes: 1n, modificationTime: 1n } }]),
    act: read,
    expected: 'CORRUPT_CHECKPOINT',
  },
  ...[0, 1, 2 ** 31, 2 ** 53 - 1].map(
    (size): HostileCase => ({
      name: `a sidecar said to have ${size} bytes`,
      table: async () => sidecars(['s.parquet'], [], size),
      act: read,
      expected: 'CORRUPT_CHECKPOINT',
    }),
  ),
  { name: 'a sidecar that is not there', table: async () => sidecars(['other.parquet']), act: read, expected: 'CORRUPT_CHECKPOINT' },
])

async function sidecars(named: readonly string[], more: readonly object[] = [], announced?: number): Promise<TableParts> {
  const bytes = await writeRows(`add struct<${ADD}>, sidecar struct<path:string,sizeInBytes:bigint,modificationTime:bigint>`, [
    { add: addRow(BigInt((await goodData()).length)) },
    ...more,
  ])
  const lines = [
    JSON.stringify(PROTOCOL_ROW),
    JSON.stringify({ metaData: { ...METADATA_ROW.metaData, configuration: {} } }),
    ...named.map((path) => JSON.stringify({ sidecar: { path, sizeInBytes: announced ?? bytes.length, modificationTime: 1 } })),
  ]
  return {
    files: {
      [commitPath(0)]: null,
      '_delta_log/_sidecars/s.parquet': bytes,
      '_delta_log/00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json': lines.map((line) => `${line}\n`).join(''),
    },
  }
}
