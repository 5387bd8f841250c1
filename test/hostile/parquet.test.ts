// Parquet files that lie, that would unpack to more than there is, or that are of another shape than the table says; and
// checkpoints made of other columns than the protocol's.
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { concatBytes, encodeUtf8 } from '../../src/bytes.js'
import { STRUCT, ThriftWriter } from '../../src/parquet/thrift.js'
import type { Table } from '../../src/table/table.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { type HandFile, handFile, int32s, int64s, PAR1, sealed, writeRows } from './parquet-bytes.js'
import { addOf, commitPath, DATA_PATH, FIELDS, field, goodData, type TableParts } from './table-builder.js'

const ID = [field('id', 'long')]
const SOUND: HandFile = { physicalType: 2, pages: [{ numValues: 3, body: int64s(1n, 2n, 3n) }], numRows: 3 }
const IDS: Expected = { rows: ['{id:1n}', '{id:2n}', '{id:3n}'] }
const read = async (table: Table): Promise<readonly object[]> => table.scan().toArray()

function withFile(bytes: Uint8Array, schema: readonly object[] = ID): TableParts {
  return { schema, lines: [addOf('x.parquet', bytes.length)], files: { 'x.parquet': bytes } }
}

function hand(name: string, more: Partial<HandFile>, expected: Expected, schema: readonly object[] = ID): HostileCase {
  return { name, table: () => Promise.resolve(withFile(handFile({ ...SOUND, ...more }), schema)), expected }
}

const page = (more: object): Partial<HandFile> => ({ pages: [{ numValues: 3, body: int64s(1n, 2n, 3n), ...more }] })
const zeros = (bytes: number): Uint8Array => new Uint8Array(bytes)

hostileGroup('sizes in the log that lie', [
  ...[1, 7, 8, 11, 12, 100, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1].map(
    (size): HostileCase => ({ name: `a data file of ${size} bytes`, table: { add: { size } }, expected: 'CORRUPT_DATA' }),
  ),
  { name: 'a data file of no byte', table: { add: { size: 0 } }, expected: 'CORRUPT_DATA' },
  { name: 'one byte less', table: async () => ({ add: { size: (await goodData()).length - 1 } }), expected: 'CORRUPT_DATA' },
  { name: 'one byte more', table: async () => ({ add: { size: (await goodData()).length + 1 } }), expected: 'CORRUPT_DATA' },
])

hostileGroup('footers', [
  ...([0, 1, 3, 2 ** 31, 2 ** 32 - 1] as const).map(
    (length): HostileCase => ({
      name: `announced as ${length} bytes`,
      table: () => Promise.resolve(withFile(sealed(zeros(100), zeros(50), length))),
      expected: 'CORRUPT_DATA',
    }),
  ),
  { name: 'of zeros', table: () => Promise.resolve(withFile(sealed(zeros(10), zeros(50)))), expected: 'CORRUPT_DATA' },
  { name: 'of ones', table: () => Promise.resolve(withFile(sealed(zeros(10), zeros(50).fill(255)))), expected: 'CORRUPT_DATA' },
  {
    name: 'that is encrypted',
    table: () => Promise.resolve(withFile(concatBytes([PAR1, zeros(100), encodeUtf8('PARE')]))),
    expected: 'UNSUPPORTED_FEATURE',
  },
  {
    name: 'with another magic at its end',
    table: () => Promise.resolve(withFile(concatBytes([handFile(SOUND).subarray(0, -4), encodeUtf8('PAR2')]))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'with another magic at its start',
    table: () => Promise.resolve(withFile(concatBytes([encodeUtf8('XXXX'), handFile(SOUND).subarray(4)]))),
    expected: IDS,
  },
  {
    name: 'of twenty million fields of no byte',
    table: () => Promise.resolve(withFile(sealed(zeros(0), zeros(20_000_000).fill(0x11)))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of structs in structs',
    table: () => Promise.resolve(withFile(sealed(zeros(0), zeros(1_000_000).fill(0x1c)))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of lists in lists',
    table: () => Promise.resolve(withFile(sealed(zeros(0), concatBytes([Uint8Array.of(0x19), zeros(1_000_000).fill(0x19)])))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of a list of two billion',
    table: () => Promise.resolve(withFile(sealed(zeros(0), Uint8Array.of(0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f)))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of a text of four billion bytes',
    table: () => Promise.resolve(withFile(sealed(zeros(0), Uint8Array.of(0x68, 0xff, 0xff, 0xff, 0xff, 0x0f)))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of a map of four billion',
    table: () => Promise.resolve(withFile(sealed(zeros(0), Uint8Array.of(0x1b, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x88)))),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'of a number without end',
    table: () => Promise.resolve(withFile(sealed(zeros(0), zeros(1_000_000).fill(0x86)))),
    expected: 'CORRUPT_DATA',
  },
  { name: 'of 900,000 row groups without rows', table: () => Promise.resolve(withFile(manyGroups(900_000))), expected: 'CORRUPT_DATA' },
  {
    name: 'of 50,000 row groups without rows',
    table: () => Promise.resolve(withFile(manyGroups(50_000))),
    act: read,
    expected: { rows: [] },
  },
  { name: 'of 200,000 columns', table: () => Promise.resolve(withFile(manyColumns(200_000))), expected: 'CORRUPT_DATA' },
  { name: 'of 10,000 columns', table: () => Promise.resolve(withFile(manyColumns(10_000))), act: read, expected: { rows: [] } },
  { name: 'of 5,000 groups in each other', table: () => Promise.resolve(withFile(deepColumns(5000))), expected: 'CORRUPT_DATA' },
  {
    name: 'of a column name of a million letters',
    table: () => Promise.resolve(withFile(handFile({ ...SOUND, name: 'x'.repeat(1_000_000) }))),
    expected: { rows: Array(3).fill('{id:null}') },
  },
])

hostileGroup('row counts', [
  hand('nothing is wrong', {}, IDS),
  hand('of minus one', { numRows: -1 }, 'CORRUPT_DATA'),
  hand('of four', { numRows: 4, numValues: 4 }, 'CORRUPT_DATA'),
  hand('of two', { numRows: 2, numValues: 2 }, 'CORRUPT_DATA'),
  hand('that differ', { footerRows: 5 }, 'CORRUPT_DATA'),
  hand('of a billion', { numRows: 1e9, numValues: 1e9 }, 'CORRUPT_DATA'),
  hand('of 2^33', { numRows: 2 ** 33, numValues: 2 ** 33 }, 'LIMIT_EXCEEDED'),
  hand('of 2^51', { numRows: 2 ** 51, numValues: 2 ** 51 }, 'LIMIT_EXCEEDED'),
  {
    name: 'of 2^51, counted without reading a column',
    table: () => Promise.resolve(withFile(handFile({ ...SOUND, numRows: 2 ** 51, numValues: 2 ** 51 }))),
    act: async (table) => [{ count: await table.scan().count() }],
    expected: 'LIMIT_EXCEEDED',
  },
  {
    name: 'of 2^32, counted without reading a column',
    table: () => Promise.resolve(withFile(handFile({ ...SOUND, numRows: 2 ** 32, numValues: 2 ** 32 }))),
    act: async (table) => [{ count: await table.scan().count() }],
    expected: { rows: ['{count:4294967296}'] },
  },
])

hostileGroup('chunks and pages', [
  hand('a chunk that begins before the file', { offset: -5 }, 'CORRUPT_DATA'),
  hand('a chunk that begins at the magic', { offset: 0 }, 'CORRUPT_DATA'),
  hand('a chunk that begins in the footer', { offset: 90 }, 'CORRUPT_DATA'),
  hand('a chunk that begins far behind', { offset: 2 ** 50 }, 'CORRUPT_DATA'),
  hand('a chunk of 2^40 bytes', { compressedSize: 2 ** 40 }, 'CORRUPT_DATA'),
  hand('a chunk of no byte', { compressedSize: 0 }, 'CORRUPT_DATA'),
  hand('a chunk of minus one byte', { compressedSize: -1 }, 'CORRUPT_DATA'),
  hand('a chunk that unpacks to minus one byte', { uncompressedSize: -1 }, 'CORRUPT_DATA'),
  hand('a chunk that unpacks to 2^50 bytes', { uncompressedSize: 2 ** 50 }, IDS),
  hand('a page of 2^30 bytes', page({ compressed: 2 ** 30 }), 'CORRUPT_DATA'),
  hand('a page of minus one byte', page({ compressed: -1 }), 'CORRUPT_DATA'),
  hand('a page that unpacks to minus one byte', page({ uncompressed: -1 }), 'CORRUPT_DATA'),
  hand('a page that unpacks to 2^31 - 1', page({ uncompressed: 2 ** 31 - 1 }), 'LIMIT_EXCEEDED'),
  hand('a page of no value', page({ numValues: 0 }), 'CORRUPT_DATA'),
  hand('a page of minus one value', page({ numValues: -1 }), 'CORRUPT_DATA'),
  hand('a page of 2^31 - 1 values', page({ numValues: 2 ** 31 - 1 }), 'CORRUPT_DATA'),
  hand('a page of another kind', page({ type: 7 }), 'CORRUPT_DATA'),
  hand('a page of an unknown encoding', page({ encoding: 99 }), 'CORRUPT_DATA'),
  hand('a page of indexes without a dictionary', page({ encoding: 8 }), 'CORRUPT_DATA'),
  hand('a column chunk of no page', { pages: [] }, 'CORRUPT_DATA'),
  hand(
    'two dictionaries',
    {
      pages: [
        { type: 2, numValues: 1, body: int64s(1n) },
        { type: 2, numValues: 1, body: int64s(1n) },
        { numValues: 3, encoding: 8, body: Uint8Array.of(0) },
      ],
    },
    'CORRUPT_DATA',
  ),
  hand(
    'a dictionary of 2^30 values',
    {
      pages: [
        { type: 2, numValues: 2 ** 30, body: int64s(1n) },
        { numValues: 3, encoding: 8, body: Uint8Array.of(0) },
      ],
    },
    'CORRUPT_DATA',
  ),
  hand(
    'indexes beyond the dictionary',
    {
      pages: [
        { type: 2, numValues: 1, body: int64s(1n) },
        { numValues: 3, encoding: 8, body: Uint8Array.of(3, 6, 7) },
      ],
    },
    'CORRUPT_DATA',
  ),
  hand(
    'indexes of 200 bits',
    {
      pages: [
        { type: 2, numValues: 1, body: int64s(1n) },
        { numValues: 3, encoding: 8, body: Uint8Array.of(200, 6, 7) },
      ],
    },
    'CORRUPT_DATA',
  ),
  hand('LZO', { codec: 3 }, 'UNSUPPORTED_FEATURE'),
  hand('a codec nobody knows', { codec: 77 }, 'UNSUPPORTED_FEATURE'),
  hand('a codec of minus one', { codec: -1 }, 'CORRUPT_DATA'),
  hand('a fixed length of 2^31 - 1', { physicalType: 7, typeLength: 2 ** 31 - 1 }, 'CORRUPT_DATA', [field('id', 'binary')]),
  hand('a fixed length of minus five', { physicalType: 7, typeLength: -5 }, 'CORRUPT_DATA', [field('id', 'binary')]),
  hand('a fixed length of zero', { physicalType: 7, typeLength: 0 }, 'CORRUPT_DATA', [field('id', 'binary')]),
  hand('a text of 2^31 - 1 bytes', { physicalType: 6, pages: [{ numValues: 3, body: int32s(2 ** 31 - 1, 1, 1) }] }, 'CORRUPT_DATA', [
    field('id', 'binary'),
  ]),
  hand('a text of minus one byte', { physicalType: 6, pages: [{ numValues: 3, body: int32s(-1, -1, -1) }] }, 'CORRUPT_DATA', [
    field('id', 'binary'),
  ]),
  hand(
    'a text that is no UTF-8',
    {
      physicalType: 6,
      convertedType: 0,
      pages: [{ numValues: 3, body: new Uint8Array([1, 0, 0, 0, 255, 1, 0, 0, 0, 254, 1, 0, 0, 0, 253]) }],
    },
    'CORRUPT_DATA',
    [field('id', 'string')],
  ),
])

const gz = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes))
const br = (bytes: Uint8Array): Uint8Array => new Uint8Array(brotliCompressSync(bytes))
const bomb = (codec: number, body: Uint8Array, uncompressed: number, more: Partial<HandFile> = {}): Partial<HandFile> => ({
  codec,
  pages: [{ numValues: 3, body, uncompressed }],
  ...more,
})

hostileGroup('bombs', [
  hand('three numbers in 200 MB of gzip, honestly announced', bomb(2, gz(zeros(200_000_000)), 200_000_000), 'CORRUPT_DATA'),
  hand('three numbers in 200 MB of gzip, announced as 24 bytes', bomb(2, gz(zeros(200_000_000)), 24), 'LIMIT_EXCEEDED'),
  hand('three numbers in 200 MB of brotli, honestly announced', bomb(4, br(zeros(200_000_000)), 200_000_000), 'LIMIT_EXCEEDED'),
  hand('three numbers in 30 MB of brotli, honestly announced', bomb(4, br(zeros(30_000_000)), 30_000_000), 'CORRUPT_DATA'),
  hand('three numbers in 200 MB of brotli, announced as 24 bytes', bomb(4, br(zeros(200_000_000)), 24), 'LIMIT_EXCEEDED'),
  hand('1 GB of zstd', bomb(6, zeros(30), 2 ** 30), 'LIMIT_EXCEEDED'),
  hand('200 MB of zstd in 6 kB of repeated bytes, announced as 24 bytes', bomb(6, zstdOfZeros(200_000_000), 24), 'LIMIT_EXCEEDED'),
  hand('30 MB of zstd in repeated bytes, honestly announced', bomb(6, zstdOfZeros(30_000_000), 30_000_000), 'CORRUPT_DATA'),
  hand('1 GB of snappy', bomb(1, zeros(30), 2 ** 30), 'CORRUPT_DATA'),
  hand('1 GB of LZ4', bomb(7, zeros(30), 2 ** 30), 'CORRUPT_DATA'),
  hand('1 GB of gzip', bomb(2, zeros(30), 2 ** 30), 'CORRUPT_DATA'),
  hand('snappy that announces another length', bomb(1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0), 24), 'CORRUPT_DATA'),
  hand('gzip inside gzip', bomb(2, gz(gz(zeros(1_000_000))), 24), 'CORRUPT_DATA'),
  {
    name: 'a text of 1 MB repeated by 200,000 rows, of which ten are read',
    table: () => Promise.resolve(withFile(repeatedText(200_000), [field('id', 'binary')])),
    act: async (table) => {
      const rows = await table.scan({ limit: 10 }).toArray()
      return rows.map((row) => ({ bytes: (row.id as Uint8Array).length }))
    },
    expected: { rows: Array(10).fill('{bytes:1048576}') },
  },
  {
    name: 'a list of four billion values in run lengths',
    table: () =>
      Promise.resolve(
        withFile(
          handFile({
            physicalType: 1,
            repetition: 2,
            numRows: 1,
            numValues: 2 ** 32,
            pages: [
              { type: 2, numValues: 1, body: int32s(7) },
              ...Array.from({ length: 4 }, () => ({ numValues: 2 ** 30, encoding: 8, body: Uint8Array.of(0) })),
            ],
          }),
          [field('id', { type: 'array', elementType: 'integer', containsNull: false })],
        ),
      ),
    expected: 'LIMIT_EXCEEDED',
  },
])

hostileGroup('files of another shape than the table', [
  { name: 'a text for a number', table: async () => withFile(await writeRows('id string', [{ id: 'x' }])), expected: 'SCHEMA_MISMATCH' },
  {
    name: 'a list for a number',
    table: async () => withFile(await writeRows('id array<long>', [{ id: [1] }])),
    expected: 'SCHEMA_MISMATCH',
  },
  {
    name: 'a struct for a number',
    table: async () => withFile(await writeRows('id struct<a:long>', [{ id: { a: 1 } }])),
    expected: 'SCHEMA_MISMATCH',
  },
  {
    name: 'a number for a struct',
    table: async () => withFile(await writeRows('id long', [{ id: 1 }]), [field('id', { type: 'struct', fields: [field('a', 'long')] })]),
    expected: 'SCHEMA_MISMATCH',
  },
  {
    name: 'a number for a map',
    table: async () =>
      withFile(await writeRows('id long', [{ id: 1 }]), [
        field('id', { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true }),
      ]),
    expected: 'SCHEMA_MISMATCH',
  },
  {
    name: 'a long that does not fit into an integer',
    table: async () => withFile(await writeRows('id long', [{ id: 2n ** 40n }]), [field('id', 'integer')]),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'a decimal of other digits',
    table: async () => withFile(await writeRows('id decimal(20,2)', [{ id: '123456789.12' }]), [field('id', 'decimal(5,2)')]),
    expected: 'CORRUPT_DATA',
  },
  {
    name: 'no column of the table',
    table: async () => withFile(await writeRows('zzz long', [{ zzz: 1 }, { zzz: 2 }])),
    expected: { rows: ['{id:null}', '{id:null}'] },
  },
  {
    name: 'a null in a column that has none',
    table: async () => withFile(await writeRows('id long', [{ id: null }]), [field('id', 'long', { nullable: false })]),
    expected: { rows: ['{id:null}'] },
  },
  {
    name: 'a timestamp beyond dates, as a date',
    table: async () => withFile(await writeRows('id timestamp', [{ id: 2n ** 63n - 1n }]), [field('id', 'timestamp')]),
    act: read,
    expected: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a timestamp beyond dates, exact',
    table: async () => withFile(await writeRows('id timestamp', [{ id: 2n ** 62n }]), [field('id', 'timestamp')]),
    expected: { rows: [`{id:${2n ** 62n}n}`] },
  },
])

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
    'CORRUPT_CHECKPOINT',
  ),
  checkpoint(
    'there is no metaData',
    `add struct<${ADD}>, protocol struct<minReaderVersion:int,minWriterVersion:int>`,
    (size) => [PROTOCOL_ROW, { add: addRow(size) }],
    'CORRUPT_CHECKPOINT',
  ),
  checkpoint('there is nothing', 'something long', () => [{ something: 1 }], 'CORRUPT_CHECKPOINT'),
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
      expected: GOOD,
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

function footer(write: (writer: ThriftWriter) => void): Uint8Array {
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, 1)
  write(writer)
  writer.endStruct()
  return sealed(zeros(0), writer.finish().slice())
}

function element(writer: ThriftWriter, name: string, children: number | undefined): void {
  writer.beginStruct()
  if (children === undefined) writer.int32(1, 2)
  writer.int32(3, 0)
  writer.text(4, name)
  if (children !== undefined) writer.int32(5, children)
  writer.endStruct()
}

function manyGroups(count: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, 2)
    element(writer, 'root', 1)
    element(writer, 'id', undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, count)
    for (let i = 0; i < count; i++) {
      writer.beginStruct()
      writer.list(1, STRUCT, 0)
      writer.int64(3, 0)
      writer.endStruct()
    }
  })
}

function manyColumns(count: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, count + 1)
    element(writer, 'root', count)
    for (let i = 0; i < count; i++) element(writer, i === 0 ? 'id' : `c${i}`, undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, 0)
  })
}

function deepColumns(depth: number): Uint8Array {
  return footer((writer) => {
    writer.list(2, STRUCT, depth + 1)
    for (let i = 0; i < depth; i++) element(writer, `g${i}`, 1)
    element(writer, 'id', undefined)
    writer.int64(3, 0)
    writer.list(4, STRUCT, 0)
  })
}

// One frame of blocks that each repeat a zero.
function zstdOfZeros(bytes: number): Uint8Array {
  const parts = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58)]
  for (let left = bytes; left > 0; left -= 131_072) {
    const header = (Math.min(left, 131_072) << 3) | 2 | (left <= 131_072 ? 1 : 0)
    parts.push(Uint8Array.of(header & 255, (header >> 8) & 255, header >> 16, 0))
  }
  return concatBytes(parts)
}

function repeatedText(rows: number): Uint8Array {
  const length = 2 ** 20
  const entry = new Uint8Array(4 + length).fill(0x61)
  new DataView(entry.buffer).setUint32(0, length, true)
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
  return handFile({
    physicalType: 6,
    numRows: rows,
    pages: [
      { type: 2, numValues: 1, body: entry },
      { numValues: rows, encoding: 8, body: Uint8Array.from([1, ...varint(rows * 2), 0]) },
    ],
  })
}
