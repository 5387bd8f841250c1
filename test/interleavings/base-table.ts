// The table that every schedule begins with: three versions, written as text. Version 1 is there to be restored.
import type { Variant } from './variant.js'

export const BASE_VERSION = 2
export const RESTORED_VERSION = 1

/** A file as the log names it: its rows stand in a tag, and are texts that begin with their id. */
export interface PlannedFile {
  readonly path: string
  readonly p: 'a' | 'b'
  readonly rows: readonly string[]
}

export const BASE_FILES = {
  a1: { path: 'a1.parquet', p: 'a', rows: ['0', '1'] },
  a2: { path: 'a2.parquet', p: 'a', rows: ['10', '11'] },
  a3: { path: 'a3.parquet', p: 'a', rows: ['20', '21'] },
  b1: { path: 'b1.parquet', p: 'b', rows: ['100', '101'] },
  b2: { path: 'b2.parquet', p: 'b', rows: ['110', '111'] },
  b3: { path: 'b3.parquet', p: 'b', rows: ['120', '121'] },
} as const satisfies Record<string, PlannedFile>

export const SCHEMA_FIELDS: readonly object[] = [
  { name: 'id', type: 'long', nullable: true, metadata: {} },
  { name: 'p', type: 'string', nullable: true, metadata: {} },
]

export function commitPathOf(version: number): string {
  return `_delta_log/${String(version).padStart(20, '0')}.json`
}

/** What an `add` says of a file, as JSON has it. */
export function addJson(variant: Variant, { path, p, rows }: PlannedFile): Record<string, unknown> {
  const ids = rows.map((row) => Number.parseInt(row, 10))
  return {
    path,
    partitionValues: variant.layout === 'partitioned' ? { p } : {},
    size: 10 * rows.length,
    modificationTime: 1,
    dataChange: true,
    stats: JSON.stringify({
      numRecords: rows.length,
      ...(rows.length === 0 ? {} : { minValues: { id: Math.min(...ids) }, maxValues: { id: Math.max(...ids) } }),
      nullCount: { id: 0 },
    }),
    tags: { rows: JSON.stringify(rows), p },
  }
}

/** The objects of the store by path: the log, and data files that nobody reads. */
export function baseObjects(variant: Variant): ReadonlyMap<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>()
  for (const { path } of Object.values(BASE_FILES)) objects.set(path, new Uint8Array(1))
  for (const [version, lines] of commits(variant).entries())
    objects.set(commitPathOf(version), new TextEncoder().encode(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`))
  return objects
}

function commits(variant: Variant): object[][] {
  const { layout, isolation, features } = variant
  const isTracked = features === 'tracked'
  const isStamped = features === 'stamped'
  const hasVectors = features === 'vectors'
  const writerFeatures = [
    'domainMetadata',
    ...(isTracked ? ['rowTracking'] : []),
    ...(isStamped ? ['inCommitTimestamp'] : []),
    ...(hasVectors ? ['deletionVectors'] : []),
  ]
  const protocol = hasVectors
    ? { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures }
    : { minReaderVersion: 1, minWriterVersion: 7, writerFeatures }
  const configuration = {
    'delta.isolationLevel': isolation,
    'property.one': '0',
    'property.two': '0',
    ...(hasVectors ? { 'delta.enableDeletionVectors': 'true' } : {}),
    ...(isStamped ? { 'delta.enableInCommitTimestamps': 'true' } : {}),
    ...(isTracked
      ? {
          'delta.enableRowTracking': 'true',
          'delta.rowTracking.materializedRowIdColumnName': '_row-id',
          'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-commit-version',
        }
      : {}),
  }
  const metaData = {
    id: '00000000-0000-4000-8000-000000000000',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({ type: 'struct', fields: SCHEMA_FIELDS }),
    partitionColumns: layout === 'partitioned' ? ['p'] : [],
    configuration,
    createdTime: 1,
  }
  const note = (domain: string): object => ({ domainMetadata: { domain, configuration: '{"by":"base"}', removed: false } })
  const app = (appId: string): object => ({ txn: { appId, version: 1, lastUpdated: 1 } })
  const { a1, a2, a3, b1, b2, b3 } = BASE_FILES
  let rowId = 0
  const add = (file: PlannedFile, version: number): object => {
    const ids = isTracked ? { baseRowId: rowId, defaultRowCommitVersion: version } : {}
    rowId += file.rows.length
    return { add: { ...addJson(variant, file), ...ids } }
  }
  const mark = (): object[] => {
    if (!isTracked) return []
    return [{ domainMetadata: { domain: 'delta.rowTracking', configuration: `{"rowIdHighWaterMark":${rowId - 1}}`, removed: false } }]
  }
  const info = (operation: string, atMs: number): object => ({
    commitInfo: { ...(isStamped ? { inCommitTimestamp: atMs } : {}), timestamp: atMs, operation },
  })
  const first = [a1, a2, b1, b2].map((file) => add(file, 1))
  const firstMark = mark()
  const second = [a3, b3].map((file) => add(file, 2))
  const removed = addJson(variant, b2)
  return [
    [info('CREATE TABLE', 1000), { protocol }, { metaData }],
    [info('WRITE', 2000), ...first, ...firstMark, note('domain.one'), note('domain.two'), app('app.one'), app('app.two')],
    [
      info('WRITE', 3000),
      ...second,
      ...mark(),
      {
        remove: {
          path: b2.path,
          deletionTimestamp: 1,
          dataChange: true,
          extendedFileMetadata: true,
          partitionValues: removed.partitionValues,
          size: removed.size,
        },
      },
    ],
  ]
}
