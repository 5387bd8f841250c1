// Files that are empty, cut, padded, doubled or something else; and versions that no table has.
import { concatBytes, decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { createTable } from '../../src/table/open.js'
import type { Table } from '../../src/table/table.js'
import { vectorBytes, vectorFile, z85 } from '../log/deletion-vectors/vector-bytes.js'
import { type Expected, GOOD, type HostileCase, hostileGroup } from './group.js'
import { writeRows } from './parquet-bytes.js'
import {
  addOf,
  commitBytes,
  commitPath,
  DATA_PATH,
  FIELDS,
  goodData,
  metaData,
  PROTOCOL,
  type TableParts,
  tableFiles,
} from './table-builder.js'

const ONE = '1'.padStart(20, '0')
const CHECKPOINT = `_delta_log/${ONE}.checkpoint.parquet`
const UUID = '80a083e8-7026-4e79-81be-64bd76c43a11'
const JSON_CHECKPOINT = `_delta_log/${ONE}.checkpoint.${UUID}.json`
const SIDECAR = '_delta_log/_sidecars/s.parquet'
const CHECKPOINT_COLUMNS =
  'add struct<path:string,partitionValues:map<string,string>,size:bigint,modificationTime:bigint,dataChange:boolean>, metaData struct<id:string,format:struct<provider:string>,schemaString:string,partitionColumns:array<string>,configuration:map<string,string>>, protocol struct<minReaderVersion:int,minWriterVersion:int>'

async function checkpointBytes(): Promise<Uint8Array> {
  return writeRows(CHECKPOINT_COLUMNS, [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'x',
        format: { provider: 'parquet' },
        schemaString: JSON.stringify({ type: 'struct', fields: FIELDS }),
        partitionColumns: [],
        configuration: new Map(),
      },
    },
    await addRow(),
  ])
}

async function addRow(): Promise<object> {
  const size = BigInt((await goodData()).length)
  return { add: { path: DATA_PATH, partitionValues: new Map(), size, modificationTime: 1n, dataChange: true } }
}

/** Ways in which a file is not what was written. */
const DAMAGE: readonly (readonly [name: string, change: (bytes: Uint8Array) => Uint8Array])[] = [
  ['of no byte', () => new Uint8Array(0)],
  ['of one byte', (bytes) => bytes.subarray(0, 1)],
  ['cut in the middle', (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ['without its last bytes', (bytes) => bytes.subarray(0, bytes.length - 3)],
  ['of zeros', (bytes) => new Uint8Array(bytes.length)],
  ['whose second half is zeros', (bytes) => bytes.map((byte, i) => (i < bytes.length >> 1 ? byte : 0))],
  ['of other text', () => encodeUtf8('<html><body>403 Forbidden</body></html>')],
  ['of other bytes', (bytes) => bytes.map((_, i) => (i * 7919 + 13) % 251)],
  ['in reverse', (bytes) => bytes.slice().reverse()],
]

function damaged(
  kind: string,
  expected: Expected,
  path: string,
  parts: () => Promise<TableParts>,
  except: Readonly<Record<string, Expected>> = {},
): HostileCase[] {
  return DAMAGE.map(([name, change]) => ({
    name: `${kind} ${name}`,
    table: async () => {
      const given = await parts()
      const bytes = (await tableFiles(given)).get(path) as Uint8Array
      return { ...given, files: { ...given.files, [path]: change(bytes) } }
    },
    expected: except[name] ?? expected,
  }))
}

const withVector = async (): Promise<TableParts> => {
  const vector = vectorBytes([1])
  const { bytes, offsets } = vectorFile(vector)
  return {
    protocol: {
      protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] },
    },
    add: {
      deletionVector: {
        storageType: 'u',
        pathOrInlineDv: z85(new Uint8Array(16).fill(7)),
        offset: offsets[0],
        sizeInBytes: vector.length,
        cardinality: 1,
      },
    },
    files: { 'deletion_vector_07070707-0707-0707-0707-070707070707.bin': new Uint8Array(bytes) },
  }
}

hostileGroup('damaged files', [
  { name: 'nothing is wrong: a vector', table: withVector, expected: { rows: ['{id:1n,name:"one"}', '{id:3n,name:"three"}'] } },
  {
    name: 'nothing is wrong: a checkpoint alone',
    table: async () => ({ files: { [CHECKPOINT]: await checkpointBytes(), [commitPath(0)]: null } }),
    act: rows,
    expected: GOOD,
  },
  ...damaged('a commit', 'CORRUPT_LOG', commitPath(1), async () => ({})),
  ...damaged('the first commit', 'CORRUPT_LOG', commitPath(0), async () => ({})),
  ...damaged('a data file', 'CORRUPT_DATA', DATA_PATH, async () => ({ add: { size: (await goodData()).length } })),
  ...damaged('a vector', 'CORRUPT_DATA', 'deletion_vector_07070707-0707-0707-0707-070707070707.bin', withVector),
  // With the commits still there, a checkpoint is only a shortcut.
  ...damaged('a checkpoint with its commits', GOOD, CHECKPOINT, async () => ({ files: { [CHECKPOINT]: await checkpointBytes() } })),
  ...damaged(
    'a checkpoint without its commits',
    'CORRUPT_CHECKPOINT',
    CHECKPOINT,
    async () => ({ files: { [CHECKPOINT]: await checkpointBytes(), [commitPath(0)]: null } }),
    { 'of no byte': 'CORRUPT_LOG' },
  ),
  ...damaged('a JSON checkpoint', GOOD, JSON_CHECKPOINT, async () => ({
    files: { [JSON_CHECKPOINT]: commitBytes([PROTOCOL, metaData(), addOf(DATA_PATH, (await goodData()).length)]) },
  })),
  ...damaged('a sidecar', GOOD, SIDECAR, async () => {
    const sidecar = await writeRows(CHECKPOINT_COLUMNS, [await addRow()])
    return {
      files: {
        [SIDECAR]: sidecar,
        [JSON_CHECKPOINT]: commitBytes([
          PROTOCOL,
          metaData(),
          { sidecar: { path: 's.parquet', sizeInBytes: sidecar.length, modificationTime: 1 } },
        ]),
      },
    }
  }),
  ...damaged('a hint', GOOD, '_delta_log/_last_checkpoint', async () => ({
    files: { '_delta_log/_last_checkpoint': '{"version":1,"size":3}' },
  })),
  ...damaged('a checksum file', GOOD, `_delta_log/${ONE}.crc`, async () => ({
    files: { [`_delta_log/${ONE}.crc`]: '{"numFiles":1,"tableSizeBytes":1}' },
  })),
  ...damaged('a compaction', GOOD, `_delta_log/${'0'.padStart(20, '0')}.${ONE}.compacted.json`, async () => ({
    files: {
      [`_delta_log/${'0'.padStart(20, '0')}.${ONE}.compacted.json`]: commitBytes([
        PROTOCOL,
        metaData(),
        addOf(DATA_PATH, (await goodData()).length),
      ]),
    },
  })),
])

async function rows(table: Table): Promise<readonly object[]> {
  return table.scan().toArray()
}

hostileGroup('hints that lie', [
  ...[
    '{"version":0}',
    '{"version":5,"size":1}',
    '{"version":-1}',
    '{"version":9007199254740991}',
    '{"version":9007199254740993}',
    '{"version":1e308}',
    '{"version":"1"}',
    '{"version":null}',
    '{"version":1.5}',
    '{"version":1,"parts":1000000000}',
    '{"version":1,"parts":-1}',
    '{"version":1,"size":-5,"sizeInBytes":9223372036854775807,"numOfAddFiles":1e99}',
    '{"__proto__":{"version":1}}',
    '{"version":1,"version":7}',
    '[]',
    'null',
    '',
    '\ufeff{"version":1}',
    `{"version":1,"checkpointSchema":${'['.repeat(100_000)}}`,
    `{"version":1,"v2Checkpoint":{"path":"../../../secret.parquet","sidecarFiles":[{"path":"../../x"}]}}`,
  ].map((text): HostileCase => ({ name: text.slice(0, 80), table: { files: { '_delta_log/_last_checkpoint': text } }, expected: GOOD })),
  { name: 'of 40 MB', table: { files: { '_delta_log/_last_checkpoint': new Uint8Array(40 * 2 ** 20).fill(0x20) } }, expected: GOOD },
])

const names = (...all: string[]): TableParts => ({
  files: Object.fromEntries(all.map((name) => [`_delta_log/${name}`, '{"commitInfo":{}}\n'])),
})

// What is not exactly the name of a commit is no commit.
hostileGroup('names in the log folder', [
  ...[
    '99999999999999999999.json',
    '-0000000000000000001.json',
    '+0000000000000000001.json',
    '00000000000000000002.JSON',
    '00000000000000000002.json.tmp',
    '00000000000000000002.json~',
    '.00000000000000000002.json',
    '2.json',
    '0000000000000000000002.json',
    '000000000000000000 2.json',
    '0000000000000000000x.json',
    '٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٠٢.json',
    '00000000000000000002.json\n',
    '0000000000000000000２.json',
    '1e000000000000000000.json',
    '0x000000000000000002.json',
    '00000000000000000009.checkpoint.json',
    '00000000000000000009.checkpoint.0000000001.0000000000.parquet',
    '00000000000000000009.checkpoint.0000000000.0000000001.parquet',
    '00000000000000000009.checkpoint.0000000002.0000000001.parquet',
    '00000000000000000009.checkpoint.9999999999.9999999999.parquet',
    '00000000000000000009.checkpoint.0000000001.9999999999.parquet',
    '00000000000000000009.checkpoint.not-a-uuid.parquet',
    '00000000000000000001.00000000000000000000.compacted.json',
    '99999999999999999999.checkpoint.parquet',
    '99999999999999999999.crc',
    '_last_checkpoint.1',
    'x'.repeat(100_000),
    '__proto__',
    '..json',
  ].map((name): HostileCase => ({ name: JSON.stringify(name.slice(0, 80)), table: names(name), expected: GOOD })),
  // A version that the log has, behind versions that it lacks: a hole, and no reason to count to it.
  ...[
    '00000000000000000003.json',
    '00000000001000000000.json',
    '00000001000000000000.json',
    '00009007199254740990.json',
    '00009007199254740991.json',
  ].map((name): HostileCase => ({ name: `a gap up to ${name}`, table: names(name), expected: 'CORRUPT_LOG' })),
  {
    name: 'the last version there can be',
    table: async () => ({
      files: {
        [commitPath(0)]: null,
        [commitPath(1)]: null,
        '_delta_log/00009007199254740991.checkpoint.parquet': await checkpointBytes(),
      },
    }),
    act: rows,
    expected: GOOD,
  },
  {
    name: 'nothing after the last version there can be',
    table: async () => ({
      files: {
        [commitPath(0)]: null,
        [commitPath(1)]: null,
        '_delta_log/00009007199254740991.checkpoint.parquet': await checkpointBytes(),
      },
    }),
    act: async (table) => {
      await table.append([{ id: 4n, name: 'four' }] as never)
      return []
    },
    expected: 'LIMIT_EXCEEDED',
  },
  {
    name: '5,000 checkpoints of 5,000 parts each, one of each there',
    table: () =>
      storeWith(Array.from({ length: 5000 }, (_, i) => `${String(i + 2).padStart(20, '0')}.checkpoint.0000000001.0000005000.parquet`)),
    expected: GOOD,
  },
  {
    name: '1,500 damaged checkpoints of one version',
    table: () =>
      storeWith(Array.from({ length: 1500 }, (_, i) => `${ONE}.checkpoint.${String(i).padStart(8, '0')}-1111-1111-1111-111111111111.json`)),
    expected: GOOD,
  },
  {
    name: '1,500 damaged checkpoints of as many versions',
    table: async () => {
      const storage = await storeWith(Array.from({ length: 1500 }, (_, i) => `${String(i + 1).padStart(20, '0')}.checkpoint.parquet`))
      for (let i = 2; i <= 1500; i++) await storage.put(commitPath(i), encodeUtf8('{"commitInfo":{}}\n'))
      return storage
    },
    act: rows,
    expected: GOOD,
  },
  {
    name: '30,000 foreign names',
    table: () => storeWith(Array.from({ length: 30_000 }, (_, i) => `junk-${i}.json`)),
    act: rows,
    expected: GOOD,
  },
])

async function storeWith(logNames: readonly string[]): Promise<Storage> {
  const storage = memoryStorage({ pageObjects: 1000 })
  for (const name of logNames) await storage.put(`_delta_log/${name}`, encodeUtf8('{'))
  for (const [path, bytes] of await tableFiles()) await storage.put(path, bytes)
  return storage
}

const text = decodeUtf8
/** The usual commits under another encoding. */
function encoded(change: (text: string) => Uint8Array | string): () => Promise<TableParts> {
  return async () => {
    const files = await tableFiles()
    return { files: Object.fromEntries([commitPath(0), commitPath(1)].map((path) => [path, change(text(files.get(path) as Uint8Array))])) }
  }
}
const utf16 = (text: string, littleEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(text.length * 2 + 2)
  const view = new DataView(bytes.buffer)
  for (const [i, unit] of [0xfeff, ...Array.from(text, (c) => c.charCodeAt(0))].entries()) view.setUint16(i * 2, unit, littleEndian)
  return bytes
}

hostileGroup('encodings of commits', [
  { name: 'UTF-16, little end first', table: encoded((each) => utf16(each, true)), expected: 'CORRUPT_LOG' },
  { name: 'UTF-16, big end first', table: encoded((each) => utf16(each, false)), expected: 'CORRUPT_LOG' },
  { name: 'a byte order mark', table: encoded((each) => `\ufeff${each}`), expected: 'CORRUPT_LOG' },
  { name: 'CR LF', table: encoded((each) => each.replaceAll('\n', '\r\n')), expected: GOOD },
  { name: 'CR alone', table: encoded((each) => each.replaceAll('\n', '\r')), expected: GOOD },
  { name: 'no line end at the end', table: encoded((each) => each.trimEnd()), expected: GOOD },
  { name: 'no line ends', table: encoded((each) => each.replaceAll('\n', '')), expected: GOOD },
  { name: 'many line ends', table: encoded((each) => `\n\n\r\n${each.replaceAll('\n', '\n\n \n\t\n')}`), expected: GOOD },
  { name: 'U+2028 as line end', table: encoded((each) => each.replaceAll('\n', '\u2028')), expected: 'CORRUPT_LOG' },
  { name: 'zeros behind the last action', table: encoded((each) => `${each.trimEnd()}${'\0'.repeat(100)}`), expected: 'CORRUPT_LOG' },
  { name: 'zeros behind the last line', table: encoded((each) => `${each}${'\0'.repeat(100)}`), expected: 'CORRUPT_LOG' },
  { name: 'gzip', table: encoded(() => new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])), expected: 'CORRUPT_LOG' },
  {
    name: 'Latin 1 in a text',
    table: async () => ({ files: { [commitPath(1)]: concatBytes([encodeUtf8('{"zzz":"'), Uint8Array.of(0xe9), encodeUtf8('"}\n')]) } }),
    expected: 'CORRUPT_LOG',
  },
  {
    name: 'a character cut in half',
    table: async () => ({
      files: { [commitPath(1)]: concatBytes([encodeUtf8('{"zzz":"'), Uint8Array.of(0xe2, 0x82), encodeUtf8('"}\n')]) },
    }),
    expected: 'CORRUPT_LOG',
  },
  {
    name: 'a surrogate in UTF-8',
    table: async () => ({
      files: { [commitPath(1)]: concatBytes([encodeUtf8('{"zzz":"'), Uint8Array.of(0xed, 0xa0, 0x80), encodeUtf8('"}\n')]) },
    }),
    expected: 'CORRUPT_LOG',
  },
])

hostileGroup('partition values of our own tables, on their way to names of folders and back', [
  ...[
    '..',
    '../..',
    '/',
    '//',
    '\\',
    '..\\..',
    '%2e%2e',
    '%',
    '.',
    ' ',
    'a/b',
    'C:',
    'file:///x',
    '=',
    'p=1',
    '__HIVE_DEFAULT_PARTITION__',
    '\u0000',
    '\n',
    '\r\n',
    '\u202e',
    '\ufeff',
    '😀',
    'x'.repeat(5000),
    '%00',
    '?',
    '#',
    '*',
    "'",
    '"',
    '`',
    '$(x)',
    '_delta_log',
    '\ud83d\ude00'.repeat(300),
  ].map(
    (value): HostileCase => ({
      name: JSON.stringify(value.slice(0, 40)),
      table: async () => {
        const storage = memoryStorage()
        const schema = {
          type: 'struct',
          fields: ['id', 'p'].map((name) => ({ name, dataType: { type: 'string' }, nullable: true, metadata: {} })),
        } as never
        const table = await createTable(storage, { schema, partitionBy: ['p'] })
        await table.append([{ id: 'x', p: value }] as never)
        return storage
      },
      act: rows,
      expected: { rows: [{ id: 'x', p: value }] },
    }),
  ),
])
