// A table with a long log, written straight into an emulated store: commits of every version, a checkpoint near the end.
import { memoryStorage } from 'alluvium'
import type { S3Emulator } from 'alluvium/testing'
import type { AddFile } from '../../src/log/actions.js'
import { padVersion } from '../../src/log/file-names.js'
import { writeCheckpoint } from '../log/checkpoint-writer.js'

const METADATA = {
  id: '11111111-2222-4333-8444-555555555555',
  format: { provider: 'parquet', options: {} },
  schemaString: '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}',
  partitionColumns: [],
  configuration: {},
  createdTime: 1,
} as const
const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const

export interface LongLog {
  /** The last version. */
  readonly versions: number
  /** The version of the only checkpoint. */
  readonly checkpoint: number
  /** Files that are live at the checkpoint; the commits before do not name all of them, as if compaction had come since. */
  readonly liveFiles: number
  readonly properties?: Readonly<Record<string, string>>
}

/** Puts the log in place. The data files are not there: nothing reads them. */
export async function putVersions(s3: S3Emulator, bucket: string, table: string, log: LongLog): Promise<void> {
  const encode = (lines: readonly object[]): Uint8Array =>
    new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  const stats = JSON.stringify({ numRecords: 1, minValues: { id: 1 }, maxValues: { id: 1 }, nullCount: { id: 0 } })
  const add = (path: string): AddFile => ({
    kind: 'add',
    path,
    partitionValues: {},
    size: 700,
    modificationTime: 1,
    dataChange: true,
    stats,
  })
  const metaData = { ...METADATA, configuration: log.properties ?? {} }
  const objects: [string, Uint8Array][] = []
  const key = (version: number, suffix: string): string => `${table}/_delta_log/${padVersion(version)}${suffix}`
  for (let version = 0; version <= log.versions; version++) {
    const { kind: _, ...file } = add(`part-${version}.parquet`)
    const first = version === 0 ? [{ protocol: PROTOCOL }, { metaData }] : []
    objects.push([key(version, '.json'), encode([{ commitInfo: { timestamp: version, operation: 'WRITE' } }, ...first, { add: file }])])
  }
  const storage = memoryStorage()
  const files = Array.from({ length: log.liveFiles }, (_, n) => add(`part-${String(n).padStart(8, '0')}-${n * 7919}.snappy.parquet`))
  const state = {
    protocol: { kind: 'protocol' as const, ...PROTOCOL },
    metadata: { kind: 'metaData' as const, ...metaData },
    files: new Map(files.map((file) => [file.path, file])),
    txns: new Map(),
    domains: new Map(),
  }
  await writeCheckpoint(storage, log.checkpoint, state as never, 'classic')
  const path = `_delta_log/${padVersion(log.checkpoint)}.checkpoint.parquet`
  const bytes = (await storage.read(path)) as Uint8Array
  objects.push([`${table}/${path}`, bytes])
  const hint = { version: log.checkpoint, size: log.liveFiles + 3, sizeInBytes: bytes.length, numOfAddFiles: log.liveFiles }
  objects.push([`${table}/_delta_log/_last_checkpoint`, encode([hint])])
  s3.load(bucket, objects)
}
