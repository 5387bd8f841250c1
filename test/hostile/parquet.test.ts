// Parquet files that lie, that would unpack to more than there is, or that are of another shape than the table says.
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { concatBytes, encodeUtf8 } from '../../src/bytes.js'
import type { Table } from '../../src/table/table.js'
import { type Expected, type HostileCase, hostileGroup } from './group.js'
import { deepColumns, manyColumns, manyGroups, repeatedText, zstdOfZeros } from './odd-files.js'
import { type HandFile, handFile, int32s, int64s, PAR1, sealed, writeRows } from './parquet-bytes.js'
import { addOf, field, goodData, type TableParts } from './table-builder.js'

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
