// Paths in a log that lead out of the table: as data files, as deletion vectors, as sidecars, in memory and on disk, where the
// file they aim at is really there and would be read by whoever followed them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z85 } from '../log/deletion-vectors/vector-bytes.js'
import { folderWith } from './folders.js'
import { GOOD, type HostileCase, hostileGroup } from './group.js'
import { PATH_TRAPS, type PathFate } from './path-traps.js'
import { addOf, commitBytes, commitPath, FIELDS, field, goodData, metaData, tableFiles } from './table-builder.js'

const CODES: Readonly<Record<PathFate, string>> = { outside: 'PATH_OUTSIDE_TABLE', corrupt: 'CORRUPT_LOG', missing: 'MISSING_FILE' }
const shown = (path: string): string => JSON.stringify(path.length > 60 ? `${path.slice(0, 50)}… (${path.length})` : path)
const READER_3 = {
  protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] },
}
const UUID_Z85 = z85(new Uint8Array(16).fill(7))

hostileGroup(
  'a data file in memory',
  PATH_TRAPS.map(([path, fate]): HostileCase => ({ name: shown(path), table: { add: { path } }, expected: CODES[fate] })),
)

hostileGroup(
  'a data file on disk, with something to steal beside the table',
  PATH_TRAPS.map(
    ([path, fate]): HostileCase => ({
      name: shown(path),
      table: async () => folderWith(await tableFiles({ add: { path } })),
      expected: CODES[fate],
    }),
  ),
)

// An absolute path is read where it leads into the table's own folder, and only there.
hostileGroup(
  'absolute paths that begin like the table',
  (
    [
      ['ROOT/part-0.parquet', GOOD],
      ['file://ROOT/part-0.parquet', GOOD],
      ['ROOT/../secret.parquet', CODES.outside],
      ['ROOT/a/../../secret.parquet', CODES.outside],
      ['ROOT/%2e%2e/secret.parquet', CODES.outside],
      ['ROOT/%252e%252e/secret.parquet', CODES.outside],
      ['ROOT/..%2fsecret.parquet', CODES.outside],
      ['file://ROOT/../secret.parquet', CODES.outside],
      ['file://ROOT/%2e%2e/secret.parquet', CODES.outside],
      ['file:ROOT/../secret.parquet', CODES.outside],
      ['file://localhostROOT/../secret.parquet', CODES.outside],
      ['file://evilROOT/part-0.parquet', CODES.outside],
      ['//ROOT/../secret.parquet', CODES.outside],
      ['s3://ROOT/part-0.parquet', CODES.outside],
      ['ROOT-evil/x.parquet', CODES.outside],
      ['ROOT%2fpart-0.parquet', GOOD],
      ['ROOT/_delta_log/00000000000000000000.json', CODES.outside],
      ['ROOT/./_delta_log/00000000000000000000.json', CODES.outside],
      ['ROOT', CODES.outside],
      ['ROOT/', CODES.outside],
      ['ROOT/.', CODES.outside],
    ] as const
  ).map(
    ([path, expected]): HostileCase => ({
      name: path,
      table: async () => {
        const root = await folderWith(await tableFiles())
        const files = await tableFiles({ add: { path: path.replace('ROOT', root) } })
        writeFileSync(join(root, commitPath(1)), files.get(commitPath(1)) as Uint8Array)
        return root
      },
      expected,
    }),
  ),
)

// The value in the name of a partition's folder may be any text, escaped once more by Hive's rules: no part of it climbs.
hostileGroup(
  'folders of partitions whose value looks like a way out',
  ['p=..%2F..', 'p=..%2F..%2F..%2F..', 'p=%2Fetc', 'p=%252e%252e', 'p=%00', 'p=..%5C..', 'p=a%3D..%2F..'].map(
    (folder): HostileCase => ({
      name: folder,
      table: async () => ({
        add: { path: `${folder.replaceAll('%', '%25')}/x.parquet` },
        files: { [`${folder}/x.parquet`]: await goodData() },
      }),
      expected: GOOD,
    }),
  ),
)

hostileGroup(
  'the folder of a partition',
  PATH_TRAPS.filter(([path]) => path !== '' && path.length < 1000).map(([path, fate]): HostileCase => {
    // Behind a folder, an absolute path is a name that goes on, and a scheme is none.
    const climbs = /(^|[/\\])\.\.([/\\]|$)/.test(decodedFully(path)) || /[\0\\]/.test(decodedFully(path))
    const fateBehind: PathFate = climbs ? 'outside' : fate === 'corrupt' ? 'corrupt' : 'missing'
    return {
      name: `day=1/${shown(path)}`,
      table: {
        schema: [...FIELDS, field('day', 'string')],
        partitionColumns: ['day'],
        add: { path: `day=1/${path}/x.parquet`, partitionValues: { day: '1' } },
      },
      expected: CODES[fateBehind],
    }
  }),
)

hostileGroup(
  'a deletion vector at a path',
  PATH_TRAPS.map(
    ([path, fate]): HostileCase => ({
      name: shown(path),
      table: {
        protocol: READER_3,
        add: { deletionVector: { storageType: 'p', pathOrInlineDv: path, offset: 1, sizeInBytes: 34, cardinality: 2 } },
      },
      // Only a file's own path is looked at when the log is read.
      expected: path === '' || /\p{Surrogate}/u.test(path) ? 'PATH_OUTSIDE_TABLE' : CODES[fate],
    }),
  ),
)

// The prefix is a folder's name as it stands, so an escape in it is only characters; but it is refused where it would climb
// for whoever decodes it once more.
hostileGroup(
  'the folder of a deletion vector',
  [
    '..',
    '../..',
    '/',
    '/etc',
    '//host',
    '\\\\host',
    '..\\',
    'a/../..',
    '_delta_log',
    'file:',
    's3://bucket',
    'C:',
    '%2e%2e',
    '%252e%252e',
    'a\0',
    '..%2f',
  ].map(
    (prefix): HostileCase => ({
      name: shown(prefix),
      table: {
        protocol: READER_3,
        add: { deletionVector: { storageType: 'u', pathOrInlineDv: `${prefix}${UUID_Z85}`, offset: 1, sizeInBytes: 34, cardinality: 2 } },
      },
      expected: 'PATH_OUTSIDE_TABLE',
    }),
  ),
)

// A checkpoint's sidecars lie in their own folder and nowhere else. The commits are all there, so a checkpoint that makes no
// sense costs nothing; one that reaches out is refused.
hostileGroup(
  'a sidecar',
  PATH_TRAPS.filter(([path]) => path.length < 1000).map(([path, fate]): HostileCase => {
    const decoded = decodedOnce(path)
    const isName = decoded !== '' && decoded !== '.' && decoded !== '..' && !/[/\\]/.test(decoded)
    const sidecar = { sidecar: { path, sizeInBytes: 1000, modificationTime: 1 } }
    return {
      name: shown(path),
      table: async () => ({
        files: {
          [`_delta_log/${'1'.padStart(20, '0')}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`]: commitBytes([
            { checkpointMetadata: { version: 1 } },
            READER_3,
            metaData(),
            addOf('another.parquet', 1),
            sidecar,
          ]),
        },
      }),
      expected:
        fate === 'corrupt' || (isName && !/\0/.test(decoded))
          ? { rows: ['{id:1n,name:"one"}', '{id:2n,name:"two"}', '{id:3n,name:"three"}'] }
          : 'PATH_OUTSIDE_TABLE',
    }
  }),
)

function decodedOnce(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function decodedFully(path: string): string {
  let text = path
  for (let i = 0; i < 8; i++) text = text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return text
}
