// Restoring a table to an earlier version, as one more commit: what left since comes back, what came since leaves. Rule: the
// version that is restored is never promised without its files, and nobody's progress goes back with it.
import { AlluviumError } from '../errors.js'
import { commit } from '../log/commit/index.js'
import {
  type Action,
  type AddFile,
  type DomainMetadata,
  featuresOf,
  type LogView,
  loadLog,
  type Metadata,
  type Protocol,
} from '../log/index.js'
import type { Storage } from '../storage/storage.js'
import { type Table, tombstone, versionWanted } from '../table/index.js'
import { pathInTable, vectorInTable } from './table-files.js'
import { assertNoVacuumTakes } from './vacuum-at-work.js'

export interface RestoreOptions {
  /** The version to go back to; or `timestamp`. */
  readonly version?: number
  /** The version in force at this time: a `Date`, milliseconds since 1970, or ISO 8601 text with a zone. */
  readonly timestamp?: Date | number | string
  /** Restores what is left where files of that version are gone. */
  readonly ignoreMissingFiles?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface RestoreResult {
  /** The version that the restore made, or the latest where there was nothing to change. */
  readonly version: number
  readonly restoredVersion: number
  readonly filesRestored: number
  readonly filesRemoved: number
  readonly bytesRestored: number
  readonly bytesRemoved: number
  /** Files of that version that are gone. */
  readonly filesMissing: number
}

/**
 * Makes the table what it was at an earlier version. Positions of applications stay what they are now.
 * @throws AlluviumError `VERSION_NOT_FOUND`, `MISSING_FILE` where files of that version were vacuumed, `CONSTRAINT_VIOLATED` on an
 * append-only table, `COMMIT_CONFLICT`, storage errors
 * @example await restore(table, { version: 7 })
 */
export async function restore<Row, Input>(table: Table<Row, Input>, options: RestoreOptions): Promise<RestoreResult> {
  const { signal } = options
  const { context } = table
  const { storage, runtime } = context
  const wanted = await versionWanted(storage, { ...point(options), ...(signal === undefined ? {} : { signal }) })
  if (wanted === undefined) throw new AlluviumError('INVALID_OPTIONS', 'restore wants a version or a timestamp', {})
  const { view: now } = await table.snapshot(signal === undefined ? {} : { signal })
  const then = await loadLog(storage, { version: wanted, runtime, ...(signal === undefined ? {} : { signal }) })
  const [back, gone] = [await difference(then, now, signal), await difference(now, then, signal)]
  await assertNoVacuumTakes(storage, { then, now, back }, runtime.now(), signal)
  const missing = await missingFiles(storage, back, signal)
  if (missing.size > 0 && options.ignoreMissingFiles !== true) throw missingError(storage, wanted, missing)
  const restored = back.filter((file) => !missing.has(file))
  const protocol = mergedProtocol(now.protocol, then.protocol)
  const metadata = restoredMetadata(now.metadata, then.metadata)
  const actions: Action[] = [
    ...(protocol === now.protocol ? [] : [protocol]),
    ...(metadata === now.metadata ? [] : [metadata]),
    ...restoredDomains(now, then),
    ...restored.map((file) => ({ ...file, dataChange: true })),
    ...gone.map((file) => tombstone(file, runtime.now())),
  ]
  const sum = (files: readonly AddFile[]): number => files.reduce((total, { size }) => total + size, 0)
  const counts = {
    restoredVersion: wanted,
    filesRestored: restored.length,
    filesRemoved: gone.length,
    bytesRestored: sum(restored),
    bytesRemoved: sum(gone),
    filesMissing: missing.size,
  }
  if (actions.length === 0) return { version: now.version, ...counts }
  const { version } = await commit(
    context,
    {
      base: now,
      actions,
      operation: 'RESTORE',
      operationParameters: {
        version: options.version ?? null,
        timestamp: options.timestamp === undefined ? null : String(options.timestamp),
      },
      operationMetrics: {
        numRestoredFiles: String(restored.length),
        numRemovedFiles: String(gone.length),
        restoredFilesSize: String(counts.bytesRestored),
        removedFilesSize: String(counts.bytesRemoved),
        numOfFilesAfterRestore: String(now.files.numFiles + restored.length - gone.length),
        tableSizeAfterRestore: String(now.files.sizeBytes + counts.bytesRestored - counts.bytesRemoved),
      },
      readSet: { appIds: [], readsWholeTable: true },
      onRebase: (newer) => assertSameForm(newer, now, then, storage),
      keepsRowIds: true,
    },
    signal === undefined ? {} : { signal },
  )
  return { version, ...counts }
}

function point({ version, timestamp }: RestoreOptions): Pick<RestoreOptions, 'version' | 'timestamp'> {
  return { ...(version === undefined ? {} : { version }), ...(timestamp === undefined ? {} : { timestamp }) }
}

// Files of `a` that are not in `b`, vectors included.
async function difference(a: LogView, b: LogView, signal: AbortSignal | undefined): Promise<AddFile[]> {
  const rows = a.files.liveRows().filter((row) => b.files.find(a.files.path(row), a.files.deletionVector(row)) < 0)
  if (rows.length > 0) await a.files.loadStats(signal)
  return [...rows].map((row) => a.files.add(row))
}

const PARALLEL = 16

async function missingFiles(storage: Storage, files: readonly AddFile[], signal: AbortSignal | undefined): Promise<Set<AddFile>> {
  const missing = new Set<AddFile>()
  for (let at = 0; at < files.length; at += PARALLEL) {
    await Promise.all(
      files.slice(at, at + PARALLEL).map(async (file) => {
        const vector = file.deletionVector && vectorInTable(storage, file.deletionVector)
        for (const path of [pathInTable(storage, file.path), vector])
          if (path !== undefined && (await storage.stat(path, { signal })) === undefined) missing.add(file)
      }),
    )
  }
  return missing
}

function missingError(storage: Storage, version: number, missing: ReadonlySet<AddFile>): AlluviumError {
  const [first] = missing
  return new AlluviumError(
    'MISSING_FILE',
    `version ${version} of ${storage.location} cannot be restored whole: ${missing.size} of its files are gone, ${first?.path} among them, probably vacuumed; restore a later version, or what is left by ignoring missing files`,
    { version, path: first?.path, files: missing.size },
  )
}

// Never less than the table has now: others may count on a feature that came since.
function mergedProtocol(now: Protocol, then: Protocol): Protocol {
  const [a, b] = [featuresOf(now), featuresOf(then)]
  const lacking = b.writer.some((name) => !a.writer.includes(name)) || b.reader.some((name) => !a.reader.includes(name))
  if (!lacking) return now
  const union = (one: readonly string[], other: readonly string[]): string[] => [...new Set([...one, ...other])].sort()
  const readerFeatures = union(a.reader, b.reader)
  const writerFeatures = union(a.writer, b.writer)
  return readerFeatures.length === 0
    ? { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 7, writerFeatures }
    : { kind: 'protocol', minReaderVersion: 3, minWriterVersion: 7, readerFeatures, writerFeatures }
}

// Ids of columns are never given twice, so their count does not go back; nor does a clock.
const KEPT_PREFIXES = ['delta.inCommitTimestamp', 'delta.enableInCommitTimestamps', 'delta.rowTracking', 'delta.enableRowTracking']
const MAX_COLUMN_ID = 'delta.columnMapping.maxColumnId'

function restoredMetadata(now: Metadata, then: Metadata): Metadata {
  const configuration: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, then.configuration)
  const isKept = (key: string): boolean => KEPT_PREFIXES.some((prefix) => key.startsWith(prefix))
  for (const key of Object.keys(configuration)) if (isKept(key)) delete configuration[key]
  for (const [key, value] of Object.entries(now.configuration)) if (isKept(key)) configuration[key] = value
  const highest = Math.max(Number(now.configuration[MAX_COLUMN_ID] ?? -1), Number(then.configuration[MAX_COLUMN_ID] ?? -1))
  if (highest >= 0 && configuration[MAX_COLUMN_ID] !== undefined) configuration[MAX_COLUMN_ID] = String(highest)
  const restored = { ...then, id: now.id, configuration }
  return canonical(restored) === canonical(now) ? now : restored
}

function canonical({ configuration, createdTime: _, ...rest }: Metadata): string {
  return JSON.stringify([Object.entries(rest).sort(), Object.entries(configuration).sort()])
}

// Properties and domains that others changed meanwhile, where the rows are still as they were, would be those of another version
// than the one that is restored; and nobody would have decided so.
function assertSameForm(newer: LogView, now: LogView, then: LogView, storage: Storage): void {
  const domains = (view: LogView): string => JSON.stringify(restoredDomains(view, then))
  // A metadata action of our own would have met theirs already.
  const hasOwn = restoredMetadata(now.metadata, then.metadata) !== now.metadata
  const rule =
    !hasOwn && restoredMetadata(newer.metadata, then.metadata) !== newer.metadata
      ? 'metadata'
      : domains(newer) === domains(now)
        ? undefined
        : 'domain'
  if (rule === undefined) return
  throw new AlluviumError(
    'COMMIT_CONFLICT',
    `RESTORE on ${storage.location} was not committed: up to version ${newer.version}, committed meanwhile, ${rule === 'metadata' ? 'properties' : 'metadata domains'} changed that would stay; read the table again and decide whether to repeat it`,
    { rule, version: newer.version, committed: false },
  )
}

// Row ids go on from where they are, whatever the files are.
function restoredDomains(now: LogView, then: LogView): DomainMetadata[] {
  const changed: DomainMetadata[] = []
  for (const [name, domain] of then.domains)
    if (name !== 'delta.rowTracking' && now.domains.get(name)?.configuration !== domain.configuration) changed.push(domain)
  for (const [name, domain] of now.domains)
    if (name !== 'delta.rowTracking' && !then.domains.has(name)) changed.push({ ...domain, removed: true })
  return changed
}
