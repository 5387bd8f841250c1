// Cleaning the log of what is older than its retention (PROTOCOL.md, "Metadata Cleanup"). Rule: everything from the newest
// complete, readable checkpoint at or below the cut-off on stays, its own commit too; without such a checkpoint nothing goes.
import { isAlluviumError, throwIfAborted } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { decodeFilePath, tableProperties } from '../../schema/index.js'
import type { ObjectInfo, Storage } from '../../storage/storage.js'
import { assertWritable, property } from '../features.js'
import { LOG_FOLDER, type LogFile, parseLogName, SIDECAR_FOLDER } from '../file-names.js'
import { openClock, versionAtTimestamp } from '../history.js'
import type { LogView } from '../log-view.js'
import { type CheckpointFiles, type LogListing, listLog } from '../segment.js'
import { namedSidecars } from './named-sidecars.js'

export interface CleanLogOptions {
  /** Only says what would go. */
  readonly dryRun?: boolean
  /** Takes the time of the view's own commit, as the store has it, for now: no clock of ours that is wrong then cleans too much. */
  readonly byStoreClock?: boolean
  readonly signal?: AbortSignal | undefined
}

/** What a cleaning took away, or would. */
export interface CleanLogResult {
  /** What is older was cleaned: milliseconds since 1970. */
  readonly cutoffMs: number
  /** The version from which on the table can be read; undefined where there was no checkpoint to keep, and nothing was cleaned. */
  readonly keptFrom: number | undefined
  readonly paths: readonly string[]
  readonly bytes: number
}

const DAY_MS = 86_400_000
const PARALLEL = 16
/** As many as S3 takes in one request. */
const BULK = 1000

/**
 * Deletes commits, checkpoints, checksums, compactions and sidecars that the table's `delta.logRetentionDuration` lets go.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for a table that this library must not write, `CORRUPT_LOG`, storage errors
 */
export async function cleanLog(
  context: { readonly storage: Storage; readonly runtime: Runtime },
  view: LogView,
  options: CleanLogOptions = {},
): Promise<CleanLogResult> {
  assertWritable(view.protocol, view.metadata)
  const { storage, runtime } = context
  const { signal, dryRun = false } = options
  // Before anything is listed: what is written while a listing takes its time is not in it, and must not look old beside it.
  const beganMs = runtime.now()
  const soonestMs = cleanupCutoff(view, beganMs)
  if (await isAllYounger(storage, view, soonestMs, signal)) return { cutoffMs: soonestMs, keptFrom: undefined, paths: [], bytes: 0 }
  const listing = await listLog(storage, 0, signal)
  const latest = options.byStoreClock === true ? (listing.commits.get(view.version)?.modifiedMs ?? 0) : Number.POSITIVE_INFINITY
  const nowMs = Math.min(beganMs, latest)
  const cutoffMs = cleanupCutoff(view, nowMs)
  const keep = await checkpointToKeep(storage, listing, view, cutoffMs, signal)
  if (keep === undefined) return { cutoffMs, keptFrom: undefined, paths: [], bytes: 0 }
  const gone = await expiredFiles(storage, view, keep.version, signal)
  gone.push(...(await expiredSidecars(storage, listing, keep.version, midnight(nowMs - DAY_MS), signal)))
  if (!dryRun) await deleteAll(storage, gone, signal)
  return {
    cutoffMs,
    keptFrom: keep.version,
    paths: gone.map(({ path }) => path),
    bytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/** Midnight (UTC) of the day up to which the log is kept. */
export function cleanupCutoff(view: LogView, nowMs: number): number {
  return midnight(nowMs - tableProperties(view.metadata.configuration).logRetentionDurationMs)
}

// Times rise with versions, so the first commit tells, without a listing of the whole log. Not of in-commit timestamps: a table that was
// copied has older ones than its files.
async function isAllYounger(storage: Storage, view: LogView, cutoffMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (property(view.metadata, 'delta.enableInCommitTimestamps')?.toLowerCase() === 'true') return false
  for await (const page of storage.list(LOG_FOLDER, { signal })) {
    for (const { path, modifiedMs } of page)
      if (parseLogName(path.slice(LOG_FOLDER.length + 1))?.kind === 'commit') return Math.floor(modifiedMs) > cutoffMs
  }
  return false
}

function midnight(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS
}

async function checkpointToKeep(
  storage: Storage,
  listing: LogListing,
  view: LogView,
  cutoffMs: number,
  signal: AbortSignal | undefined,
): Promise<CheckpointFiles | undefined> {
  let newest: number
  try {
    newest = await versionAtTimestamp(storage, cutoffMs, { metadata: view.metadata, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (isAlluviumError(error, 'VERSION_NOT_FOUND')) return undefined
    throw error
  }
  const versions = [...listing.checkpoints.keys()].filter((version) => version <= newest).sort((a, b) => b - a)
  for (const version of versions) {
    // The commit of its version belongs to a checkpoint: what only commits say must not be lost with it.
    if (!listing.commits.has(version)) continue
    for (const checkpoint of listing.checkpoints.get(version) ?? []) if (await isWhole(storage, checkpoint, signal)) return checkpoint
  }
  return undefined
}

// Whether a checkpoint can be read, as far as its footers tell, and all its sidecars are there.
async function isWhole(storage: Storage, checkpoint: CheckpointFiles, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    for (const sidecar of await namedSidecars(storage, checkpoint, signal)) {
      const found = await storage.stat(`${SIDECAR_FOLDER}/${decodeFilePath(sidecar.path)}`, { signal })
      if (found === undefined || found.sizeBytes < sidecar.sizeInBytes) return false
    }
    return true
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_CHECKPOINT')) return false
    throw error
  }
}

async function expiredFiles(storage: Storage, view: LogView, keep: number, signal: AbortSignal | undefined): Promise<ObjectInfo[]> {
  const clock = await openClock(storage, { metadata: view.metadata, ...(signal === undefined ? {} : { signal }) })
  const gone: ObjectInfo[] = []
  const commits = new Map<number, ObjectInfo>()
  for await (const page of storage.list(LOG_FOLDER, { signal })) {
    throwIfAborted(signal, 'cleaning the log')
    for (const object of page) {
      const file = parseLogName(object.path.slice(LOG_FOLDER.length + 1))
      if (file?.kind === 'commit') commits.set(file.version, object)
      else if (file !== undefined && isExpired(file, keep)) gone.push(object)
    }
  }
  // The times of commits are made to rise, so that one may have its time from those before it: these must stay with it.
  let first = keep
  while (first > 0 && clock.has(first - 1) && clock.has(first) && !(await hasOwnTime(clock, commits, first))) first--
  for (const [version, object] of commits) if (version < first) gone.push(object)
  return gone.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function hasOwnTime(
  clock: Awaited<ReturnType<typeof openClock>>,
  commits: ReadonlyMap<number, ObjectInfo>,
  version: number,
): Promise<boolean> {
  if (clock.enabledAt !== undefined && version >= clock.enabledAt.version) return true
  return (await clock.timeOf(version)) === Math.floor(commits.get(version)?.modifiedMs ?? Number.NaN)
}

function isExpired(file: LogFile, keep: number): boolean {
  switch (file.kind) {
    case 'last-checkpoint':
      return false
    case 'compacted':
      return file.version <= keep
    default:
      return file.version < keep
  }
}

async function expiredSidecars(
  storage: Storage,
  listing: LogListing,
  keep: number,
  olderThanMs: number,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo[]> {
  const old: ObjectInfo[] = []
  for await (const page of storage.list(SIDECAR_FOLDER, { signal })) old.push(...page.filter(({ modifiedMs }) => modifiedMs < olderThanMs))
  if (old.length === 0) return []
  const named = new Set<string>()
  for (const [version, checkpoints] of listing.checkpoints) {
    if (version < keep) continue
    for (const checkpoint of checkpoints) {
      try {
        for (const { path } of await namedSidecars(storage, checkpoint, signal)) named.add(decodeFilePath(path))
      } catch (error) {
        // What a checkpoint names that cannot be read, nobody knows.
        if (isAlluviumError(error, 'CORRUPT_CHECKPOINT')) return []
        throw error
      }
    }
  }
  return old.filter(({ path }) => !named.has(path.slice(SIDECAR_FOLDER.length + 1)))
}

/**
 * Deletes objects in their order, some at a time: many with one request where the store can, else some side by side.
 * Answers how many: fewer where `isStillWanted` says no, which is asked before each of those times.
 */
export async function deleteAll(
  storage: Storage,
  objects: readonly { readonly path: string }[],
  signal: AbortSignal | undefined,
  isStillWanted: () => boolean = () => true,
): Promise<number> {
  const atOnce = storage.deleteAll === undefined ? PARALLEL : BULK
  for (let at = 0; at < objects.length; at += atOnce) {
    throwIfAborted(signal, 'deleting')
    if (!isStillWanted()) return at
    const paths = objects.slice(at, at + atOnce).map(({ path }) => path)
    if (storage.deleteAll !== undefined) await storage.deleteAll(paths, { signal })
    else await Promise.all(paths.map((path) => storage.delete(path, { signal })))
  }
  return objects.length
}
