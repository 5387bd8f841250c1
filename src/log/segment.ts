// Which files of the log make up a version: at most one complete checkpoint, then every later commit without a gap,
// single or as part of a log compaction.
// A segment cannot be made otherwise. `_last_checkpoint` only shortens the listing; whatever it claims is checked
// against the listing, and without it (or with a false one) the whole log is listed.
import { AlluviumError, throwIfAborted } from '../errors.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { groupCompactions, type LogStep, planSteps, type StepFiles } from './compaction.js'
import { LOG_FOLDER, padVersion, parseLogName } from './file-names.js'
import { beginTail, type CheckpointTail, readHint } from './hint.js'
import { listedAnew } from './listed-anew.js'

/** A complete checkpoint: one file, or all parts in order. */
export interface CheckpointFiles {
  readonly kind: 'classic' | 'multipart' | 'uuid'
  readonly version: number
  readonly files: readonly ObjectInfo[]
}

export interface LogSegment {
  readonly version: number
  readonly checkpoint: CheckpointFiles | undefined
  /** The commits after the checkpoint (or from 0) and compactions in their place, ascending and without a gap. */
  readonly steps: readonly LogStep[]
  /** The version's own commit, as far as its file is there. */
  readonly commit: ObjectInfo | undefined
  /** The version's checksum file, as far as it is there. */
  readonly checksum: ObjectInfo | undefined
  /** The end of the checkpoint that the hint names, under way since before the listing. */
  readonly tail?: CheckpointTail
}

/** What a listing of the log found. */
export interface LogListing extends StepFiles {
  readonly checksums: ReadonlyMap<number, ObjectInfo>
  /** Complete checkpoints by version, the preferred one of a version first. */
  readonly checkpoints: ReadonlyMap<number, readonly CheckpointFiles[]>
  /** The whole log was listed, not only from some version on. */
  readonly whole: boolean
}

export interface SegmentOptions {
  /** The version wanted; the latest without it. */
  readonly version?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Checkpoints (by their first file's path) and compactions that turned out to be unreadable. */
  readonly unusable?: ReadonlySet<string>
  /** The checkpoint is going to be read: its end may be asked for along with the listing. */
  readonly readsAhead?: boolean
}

/**
 * Finds the files of a version.
 * @throws AlluviumError `NOT_A_TABLE`, `VERSION_NOT_FOUND`, `CORRUPT_LOG` (a gap, a log without its beginning),
 *   storage errors
 */
export function findSegment(storage: Storage, options: SegmentOptions = {}): Promise<LogSegment> {
  return listedAnew(storage, options.signal, () => findSegmentOnce(storage, options))
}

/** {@link findSegment} for a caller that lists anew by itself: a listing that a cleaning overtakes shows a gap that is none. */
export async function findSegmentOnce(storage: Storage, options: SegmentOptions = {}): Promise<LogSegment> {
  const { version, signal, unusable } = options
  const hint = await readHint(storage, signal)
  if (hint !== undefined && (version === undefined || version >= hint.version)) {
    const tail = options.readsAhead === true ? beginTail(storage, hint, signal) : undefined
    const listing = await listLog(storage, hint.version, signal)
    const checkpoint = newestCheckpoint(listing, version ?? Infinity, unusable)
    if (checkpoint !== undefined) return { ...planSegment(listing, options, storage.location), ...(tail === undefined ? {} : { tail }) }
  }
  return planSegment(await listLog(storage, 0, signal), options, storage.location)
}

/** Lists the log from a version on. Nested keys and foreign names are passed over. */
export async function listLog(storage: Storage, fromVersion: number, signal?: AbortSignal): Promise<LogListing> {
  const prefix = `${LOG_FOLDER}/`
  const commits = new Map<number, ObjectInfo>()
  const checksums = new Map<number, ObjectInfo>()
  const compactions: LogStep[] = []
  const found: { file: NonNullable<ReturnType<typeof parseLogName>>; object: ObjectInfo }[] = []
  const from = fromVersion === 0 ? {} : { from: `${prefix}${padVersion(fromVersion)}` }
  for await (const page of storage.list(LOG_FOLDER, { ...from, ...(signal === undefined ? {} : { signal }) })) {
    throwIfAborted(signal, 'listing the log')
    for (const object of page) {
      if (!object.path.startsWith(prefix)) continue
      const file = parseLogName(object.path.slice(prefix.length))
      if (file === undefined || file.kind === 'last-checkpoint' || file.version < fromVersion) continue
      if (file.kind === 'commit') commits.set(file.version, object)
      else if (file.kind === 'checksum') checksums.set(file.version, object)
      else if (object.sizeBytes === 0) continue
      else if (file.kind === 'compacted') compactions.push({ from: file.version, to: file.endVersion, file: object })
      else found.push({ file, object })
    }
  }
  return {
    commits,
    checksums,
    compactions: groupCompactions(compactions),
    checkpoints: completeCheckpoints(found),
    whole: fromVersion === 0,
  }
}

/** Chooses the files of a version from a listing. @throws AlluviumError as {@link findSegment} */
export function planSegment(listing: LogListing, options: SegmentOptions, location: string): LogSegment {
  const { version, unusable } = options
  const newest = newestVersion(listing, unusable)
  if (newest < 0) throw notATable(location)
  if (version !== undefined && version > newest) throw versionNotFound(location, version, `the latest is ${newest}`, { latest: newest })
  const checkpoint = newestCheckpoint(listing, version ?? Infinity, unusable)
  const start = checkpoint === undefined ? 0 : checkpoint.version + 1
  const end = version ?? newest
  const steps = planSteps(listing, start, end, unusable)
  if (typeof steps === 'number') throw missingCommit(listing, steps, start, end, options, location)
  return { version: end, checkpoint, steps, commit: listing.commits.get(end), checksum: listing.checksums.get(end) }
}

const PREFERENCE = { classic: 0, multipart: 1, uuid: 2 }

function completeCheckpoints(
  found: readonly { file: NonNullable<ReturnType<typeof parseLogName>>; object: ObjectInfo }[],
): Map<number, CheckpointFiles[]> {
  const checkpoints = new Map<number, CheckpointFiles[]>()
  const sets = new Map<string, { version: number; count: number; parts: Map<number, ObjectInfo> }>()
  const keep = (checkpoint: CheckpointFiles): void => {
    const list = checkpoints.get(checkpoint.version)
    if (list === undefined) checkpoints.set(checkpoint.version, [checkpoint])
    else list.push(checkpoint)
  }
  for (const { file, object } of found) {
    if (file.kind === 'classic' || file.kind === 'uuid') keep({ kind: file.kind, version: file.version, files: [object] })
    if (file.kind !== 'multipart' || file.parts > found.length) continue
    const key = `${file.version}/${file.parts}`
    const set = sets.get(key) ?? { version: file.version, count: file.parts, parts: new Map<number, ObjectInfo>() }
    set.parts.set(file.part, object)
    sets.set(key, set)
  }
  for (const { version, count, parts } of sets.values()) {
    if (parts.size < count) continue
    const files = [...parts].sort(([a], [b]) => a - b).map(([, object]) => object)
    keep({ kind: 'multipart', version, files })
  }
  for (const list of checkpoints.values()) list.sort((a, b) => PREFERENCE[a.kind] - PREFERENCE[b.kind] || a.files.length - b.files.length)
  return checkpoints
}

function newestCheckpoint(listing: LogListing, upTo: number, unusable: ReadonlySet<string> | undefined): CheckpointFiles | undefined {
  let newest: CheckpointFiles | undefined
  for (const [version, candidates] of listing.checkpoints) {
    if (version > upTo || (newest !== undefined && newest.version > version)) continue
    const usable = candidates.find((candidate) => unusable?.has(candidate.files[0]?.path ?? '') !== true)
    if (usable !== undefined) newest = usable
  }
  return newest
}

function newestVersion(listing: LogListing, unusable: ReadonlySet<string> | undefined): number {
  let newest = newestCheckpoint(listing, Infinity, unusable)?.version ?? -1
  for (const version of listing.commits.keys()) if (version > newest) newest = version
  // Only versions that exist are ever compacted, so this too tells of one, even where its commit has been lost and the
  // compaction cannot be read: an older version must not be taken for the latest.
  for (const [longest] of listing.compactions.values()) if (longest !== undefined && longest.to > newest) newest = longest.to
  return newest
}

// A missing commit is a version out of reach when a later checkpoint shows that the log was cleaned; otherwise a hole.
function missingCommit(
  listing: LogListing,
  missing: number,
  start: number,
  end: number,
  options: SegmentOptions,
  location: string,
): AlluviumError {
  const { version, unusable } = options
  const earliest = earliestVersion(listing, unusable)
  if (version !== undefined && start === 0 && earliest !== undefined && version < earliest) {
    return versionNotFound(location, version, `the earliest that can still be read is ${earliest}`, { earliest })
  }
  return new AlluviumError(
    'CORRUPT_LOG',
    `version ${missing} is missing from the log of ${location}, though ${describe(listing, missing, end)}; a log with a gap cannot be read, restore ${LOG_FOLDER}/${padVersion(missing)}.json`,
    { version: missing, path: `${LOG_FOLDER}/${padVersion(missing)}.json` },
  )
}

function describe(listing: LogListing, missing: number, end: number): string {
  let later = -1
  for (const version of listing.commits.keys()) if (version > missing && version <= end && version > later) later = version
  return later < 0 ? `version ${end} was asked for` : `version ${later} is there`
}

// The first version from which nothing is missing up to some later one: the oldest checkpoint, or 0.
function earliestVersion(listing: LogListing, unusable: ReadonlySet<string> | undefined): number | undefined {
  if (listing.commits.has(0)) return 0
  let earliest: number | undefined
  for (const [version, candidates] of listing.checkpoints) {
    if (candidates.every((candidate) => unusable?.has(candidate.files[0]?.path ?? '') === true)) continue
    if (earliest === undefined || version < earliest) earliest = version
  }
  return earliest
}

function notATable(location: string): AlluviumError {
  return new AlluviumError(
    'NOT_A_TABLE',
    `${location} is not a Delta table: its ${LOG_FOLDER} folder holds no commit and no complete checkpoint; check the path, or create the table first`,
    { location },
  )
}

function versionNotFound(location: string, version: number, hint: string, facts: Record<string, number>): AlluviumError {
  return new AlluviumError('VERSION_NOT_FOUND', `${location} has no version ${version}; ${hint}`, { version, ...facts })
}
