// Vacuum: deleting data files that no version within the retention needs. Rule: a file is deleted only if the log does not
// need it, it is older than the retention, and it lies in the table's own folder outside of the log.
import { AlluviumError, isAlluviumError, throwIfAborted } from '../errors.js'
import { type CommitResult, commit } from '../log/commit/index.js'
import { assertWritable, commitPath, deleteAll, type LogView, loadTombstones, parseCommit, readCommitBytes } from '../log/index.js'
import { tableProperties } from '../schema/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import type { Table, TableContext } from '../table/index.js'
import { type Inventory, inventoryObjects } from './inventory.js'
import type { PathSet } from './path-set.js'
import { dataObjects, neededFiles, pathInTable, vectorInTable } from './table-files.js'
import { ANNOUNCEMENT_HOLDS_MS } from './vacuum-at-work.js'
import { readVacuumInfo, writeVacuumInfo } from './vacuum-info.js'

export interface VacuumOptions {
  /** Files that left the table, or were written, longer ago may go. Milliseconds; default `delta.deletedFileRetentionDuration` (7 days). */
  readonly retentionMs?: number
  /** Allows a retention shorter than the table's own. Readers of older versions, and writers that have not committed yet, then lose their files. */
  readonly forceRetention?: boolean
  /** Only names the files. */
  readonly dryRun?: boolean
  /** `full` (default) looks at every file of the folder; `lite` only at those that the log says were removed since the last vacuum. */
  readonly mode?: 'full' | 'lite'
  /**
   * The files there are, listed beforehand, instead of listing the folder: for tables of so many files that listing them takes hours.
   * Only of files that it names one can go, and only by the log's word; what was written since is not in it.
   */
  readonly inventory?: Inventory
  readonly signal?: AbortSignal | undefined
}

export interface VacuumResult {
  readonly mode: 'full' | 'lite' | 'inventory'
  readonly dryRun: boolean
  /** What is older may have gone: milliseconds since 1970. */
  readonly cutoffMs: number
  /** Files that were looked at. */
  readonly filesSeen: number
  /** Files that were deleted, or would be. */
  readonly paths: readonly string[]
  readonly bytes: number
  /** Versions of the commits VACUUM START and VACUUM END, again for each half day that it took; empty where there was nothing to delete. */
  readonly versions: readonly number[]
}

/**
 * Deletes the data files, deletion vectors and change files that no version within the retention needs.
 * @throws AlluviumError `INVALID_OPTIONS` for a retention shorter than the table's own without `forceRetention`, and for a lite
 * vacuum where the log no longer tells; `UNSUPPORTED_FEATURE`, storage errors
 * @example const { paths, bytes } = await vacuum(table, { dryRun: true })
 */
export async function vacuum<Row, Input>(table: Table<Row, Input>, options: VacuumOptions = {}): Promise<VacuumResult> {
  const { signal, inventory, dryRun = false } = options
  const mode: VacuumResult['mode'] = inventory === undefined ? (options.mode ?? 'full') : 'inventory'
  if (inventory !== undefined && options.mode === 'lite') throw new TypeError('a lite vacuum goes by the log, not by an inventory')
  const { context } = table
  const { view } = await table.snapshot(signal === undefined ? {} : { signal })
  assertWritable(view.protocol, view.metadata)
  const retention = retentionOf(view, options)
  const cutoffMs = context.runtime.now() - retention.wantedMs
  const needed = neededFiles(context.storage, view, await loadTombstones(context.storage, view, { expiredAtMs: cutoffMs, signal }))
  const { partitionColumns } = view.files
  const found =
    mode === 'lite'
      ? await removed(context, view, needed, cutoffMs, signal)
      : await unneeded(
          inventory === undefined
            ? dataObjects(context.storage, partitionColumns, signal)
            : inventoryObjects(context.storage, inventory, partitionColumns),
          needed,
          cutoffMs,
          signal,
        )
  const sum = (files: readonly ObjectInfo[]): number => files.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  const report = { mode, dryRun, cutoffMs, filesSeen: found.seen }
  if (dryRun || found.files.length === 0) {
    if (!dryRun) await tidy(context.storage, mode, found.upTo, signal)
    return { ...report, paths: found.files.map(({ path }) => path), bytes: sum(found.files), versions: [] }
  }
  let deleted: readonly ObjectInfo[] = []
  const versions: number[] = []
  for (let left = found.files, on = view; ; ) {
    const round = await deleteAnnounced(table, { on, needed: on === view ? needed : undefined, left, cutoffMs, retention }, signal)
    // Not as arguments of a push: they may be millions.
    deleted = [...deleted, ...round.deleted]
    versions.push(...round.versions)
    if (round.left.length === 0) break
    left = round.left
    on = (await table.snapshot(signal === undefined ? {} : { signal })).view
  }
  await tidy(context.storage, mode, found.upTo, signal)
  return { ...report, paths: deleted.map(({ path }) => path), bytes: sum(deleted), versions }
}

interface Round {
  readonly deleted: readonly ObjectInfo[]
  /** What there was no time for before the announcement became old. */
  readonly left: readonly ObjectInfo[]
  readonly versions: readonly [start: number, end: number]
}

/** Announces the vacuum on top of a version, deletes what is not needed then while that holds, and says that it ended. */
async function deleteAnnounced<Row, Input>(
  table: Table<Row, Input>,
  given: {
    readonly on: LogView
    /** What `on` needs, where that is known. */
    readonly needed: PathSet | undefined
    readonly left: readonly ObjectInfo[]
    readonly cutoffMs: number
    readonly retention: Retention
  },
  signal: AbortSignal | undefined,
): Promise<Round> {
  const { context } = table
  const { storage, runtime } = context
  const { on, needed, left, cutoffMs, retention } = given
  const announcedMs = runtime.now()
  const isYoung = (): boolean => Math.abs(runtime.now() - announcedMs) < ANNOUNCEMENT_HOLDS_MS
  const start = await announce(context, on, retention, left, signal)
  // Somebody may have brought a file back meanwhile.
  const isNext = start.view.version === on.version + 1
  const still = isNext && needed !== undefined ? needed : await neededNow(storage, start.view, cutoffMs, signal)
  const files = left.filter(({ path }) => !still.has(path))
  let count: number
  try {
    count = await deleteAll(storage, files, signal, isYoung)
  } catch (error) {
    await conclude(context, start.view, 'FAILED', 0).catch(() => undefined)
    throw error
  }
  // Who slept does not say so on a version that may be gone.
  const base = isYoung() ? start.view : (await table.snapshot(signal === undefined ? {} : { signal })).view
  const end = await conclude(context, base, 'COMPLETED', count)
  return { deleted: files.slice(0, count), left: files.slice(count), versions: [start.view.version, end.version] }
}

/** What died in the middle of a write a day ago and more left temporaries, which no listing shows. */
const LEFTOVER_MS = 86_400_000

async function tidy(
  storage: Storage,
  mode: VacuumResult['mode'],
  upTo: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  await writeVacuumInfo(storage, upTo, signal)
  // They are looked for in all folders, as only a full vacuum does.
  if (mode === 'full') await storage.cleanLeftovers?.(LEFTOVER_MS, { signal })
}

interface Retention {
  readonly ownMs: number
  readonly wantedMs: number
  readonly forced: boolean
}

function retentionOf(view: LogView, { retentionMs, forceRetention = false }: VacuumOptions): Retention {
  const ownMs = tableProperties(view.metadata.configuration).deletedFileRetentionDurationMs
  const wantedMs = retentionMs ?? ownMs
  if (!(wantedMs >= 0)) throw new RangeError(`retentionMs must be an amount of milliseconds, not ${wantedMs}`)
  if (wantedMs >= ownMs || forceRetention) return { ownMs, wantedMs, forced: wantedMs < ownMs }
  throw new AlluviumError(
    'INVALID_OPTIONS',
    `a retention of ${wantedMs / 3_600_000} hours is shorter than the table's own of ${ownMs / 3_600_000} hours: readers of older versions and writers at work would lose their files; force it only if there are none`,
    { retentionMs: wantedMs, tableRetentionMs: ownMs },
  )
}

interface Found {
  readonly files: readonly ObjectInfo[]
  readonly seen: number
  /** The version up to which the log's removals have been dealt with. */
  readonly upTo: number | undefined
}

async function unneeded(
  pages: AsyncIterable<readonly ObjectInfo[]>,
  needed: PathSet,
  cutoffMs: number,
  signal: AbortSignal | undefined,
): Promise<Found> {
  // By path: an inventory may name a file twice.
  const files = new Map<string, ObjectInfo>()
  let seen = 0
  for await (const page of pages) {
    throwIfAborted(signal, 'looking for files to delete')
    seen += page.length
    for (const object of page) if (object.modifiedMs < cutoffMs && !needed.has(object.path)) files.set(object.path, object)
  }
  return { files: [...files.values()], seen, upTo: undefined }
}

// What the commits since the last vacuum removed before the cut-off.
async function removed(
  { storage }: TableContext,
  view: LogView,
  needed: PathSet,
  cutoffMs: number,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const from = ((await readVacuumInfo(storage, signal)) ?? -1) + 1
  const paths = new Set<string>()
  let upTo: number | undefined = from > 0 ? from - 1 : undefined
  for (let version = from; version <= view.version; version++) {
    const { candidates, isRecent } = await removalsOf(storage, version, cutoffMs, signal)
    for (const path of candidates) if (!needed.has(path)) paths.add(path)
    if (isRecent) break
    upTo = version
  }
  const files: ObjectInfo[] = []
  for (const path of paths) {
    const info = await storage.stat(path, { signal })
    if (info !== undefined && info.modifiedMs < cutoffMs) files.push(info)
  }
  return { files, seen: paths.size, upTo }
}

async function removalsOf(
  storage: Storage,
  version: number,
  cutoffMs: number,
  signal: AbortSignal | undefined,
): Promise<{ candidates: string[]; isRecent: boolean }> {
  let bytes: Uint8Array
  try {
    bytes = await readCommitBytes(storage, version, { signal })
  } catch (error) {
    if (!isAlluviumError(error, 'VERSION_NOT_FOUND')) throw error
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `a lite vacuum needs every commit since the last vacuum, but version ${version} is no longer in the log; run a full vacuum`,
      { version },
    )
  }
  const candidates: string[] = []
  let isRecent = false
  for (const action of parseCommit(bytes, { version, path: commitPath(version) })) {
    if (action.kind === 'remove') {
      if ((action.deletionTimestamp ?? 0) > cutoffMs) isRecent = true
      const vector = action.deletionVector && vectorInTable(storage, action.deletionVector)
      for (const path of [pathInTable(storage, action.path), vector]) if (path !== undefined) candidates.push(path)
    } else if (action.kind === 'cdc') {
      const path = pathInTable(storage, action.path)
      if (path !== undefined) candidates.push(path)
    }
  }
  return { candidates, isRecent }
}

async function neededNow(storage: Storage, view: LogView, cutoffMs: number, signal: AbortSignal | undefined): Promise<PathSet> {
  return neededFiles(storage, view, await loadTombstones(storage, view, { expiredAtMs: cutoffMs, signal }))
}

function announce(
  context: TableContext,
  base: LogView,
  { ownMs, wantedMs, forced }: Retention,
  files: readonly ObjectInfo[],
  signal: AbortSignal | undefined,
): Promise<CommitResult> {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return commit(
    context,
    {
      base,
      actions: [],
      operation: 'VACUUM START',
      operationParameters: { retentionCheckEnabled: !forced, defaultRetentionMillis: ownMs, specifiedRetentionMillis: wantedMs },
      operationMetrics: { numFilesToDelete: String(files.length), sizeOfDataToDelete: String(sizeBytes) },
      readSet: { appIds: [] },
    },
    signal === undefined ? {} : { signal },
  )
}

async function conclude(context: TableContext, base: LogView, status: 'COMPLETED' | 'FAILED', deleted: number): Promise<LogView> {
  const { view } = await commit(context, {
    base,
    actions: [],
    operation: 'VACUUM END',
    operationParameters: { status },
    operationMetrics: { numDeletedFiles: String(deleted), numVacuumedDirectories: '1' },
    readSet: { appIds: [] },
  })
  return view
}
