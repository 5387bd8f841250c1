// When versions were committed, and what they say about themselves. A commit's time is its file's modification time,
// made to rise from version to version, or the in-commit timestamp where the table keeps those (PROTOCOL.md,
// "In-Commit Timestamps"); never commitInfo.timestamp, which any writer may fill in as it likes.
import { AlluviumError, isAlluviumError, throwIfAborted } from '../errors.js'
import type { JsonObject } from '../json.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import type { Metadata } from './actions.js'
import { parseCommit } from './commit-json.js'
import { property } from './features.js'
import { commitPath } from './file-names.js'
import { loadLog } from './load.js'
import { listLog } from './segment.js'

export interface HistoryOptions {
  readonly signal?: AbortSignal | undefined
  /** Metadata of the latest version, when the caller has it already: saves looking for it. */
  readonly metadata?: Metadata
}

/** One version of the log. */
export interface CommitEntry {
  readonly version: number
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  /** The commitInfo action; `undefined` where the commit has none. */
  readonly info: JsonObject | undefined
}

/**
 * The time of every version whose commit file is still there, by version, ascending in both.
 * Reads the commit files of versions with in-commit timestamps, lists for the others.
 * @throws AlluviumError `NOT_A_TABLE`, `CORRUPT_LOG`, storage errors
 */
export async function commitTimestamps(storage: Storage, options: HistoryOptions = {}): Promise<Map<number, number>> {
  const clock = await openClock(storage, options)
  const times = new Map<number, number>()
  for (const version of clock.versions) times.set(version, await clock.timeOf(version))
  return times
}

/** The time of one version in milliseconds since 1970. @throws AlluviumError `VERSION_NOT_FOUND` when its commit file is gone */
export async function commitTimestamp(storage: Storage, version: number, options: HistoryOptions = {}): Promise<number> {
  const clock = await openClock(storage, options)
  if (!clock.has(version)) throw notFound(storage, `version ${version}`, `its commit file is not there`, { version })
  return clock.timeOf(version)
}

/**
 * The latest version committed at or before a time.
 * A commit that cannot be read has no in-commit timestamp: that matters only where it might be the one that is wanted.
 * @throws AlluviumError `VERSION_NOT_FOUND` when all known versions are younger (fact `earliestTimestampMs`), `CORRUPT_LOG`
 */
export async function versionAtTimestamp(storage: Storage, timestampMs: number, options: HistoryOptions = {}): Promise<number> {
  if (Number.isNaN(timestampMs)) throw new RangeError('a timestamp must be a number of milliseconds')
  const clock = await openClock(storage, options)
  const { enabledAt } = clock
  const own = enabledAt === undefined ? [] : clock.versions.filter((version) => version >= enabledAt.version)
  const listed = enabledAt === undefined ? clock.versions : clock.versions.filter((version) => version < enabledAt.version)
  const candidates = enabledAt !== undefined && timestampMs >= enabledAt.timestampMs ? own : listed
  const found = await lastUpTo(candidates, timestampMs, clock)
  if (found !== undefined) return found
  const first = clock.versions[0] as number
  const earliestTimestampMs = await clock.timeOf(first)
  throw notFound(
    storage,
    `version as old as ${describeTime(timestampMs)}`,
    `the earliest known is version ${first} of ${describeTime(earliestTimestampMs)}`,
    { timestampMs, earliestVersion: first, earliestTimestampMs },
  )
}

// Times rise with versions, so the first that is too late is found by halving.
async function lastUpTo(candidates: readonly number[], timestampMs: number, clock: CommitClock): Promise<number | undefined> {
  let damaged: { readonly index: number; readonly error: unknown } | undefined
  let low = 0
  let high = candidates.length
  while (low < high) {
    const middle = (low + high) >>> 1
    try {
      if ((await clock.timeOf(candidates[middle] as number)) <= timestampMs) low = middle + 1
      else high = middle
    } catch (error) {
      if (!isDamage(error)) throw error
      damaged = { index: middle, error }
      high = middle
    }
  }
  // Nothing before it is too late, so it may be the one.
  if (damaged?.index === low) throw damaged.error
  return candidates[low - 1]
}

function isDamage(error: unknown): boolean {
  return isAlluviumError(error, 'CORRUPT_LOG', 'LIMIT_EXCEEDED')
}

/**
 * What was committed, newest first; `limit` versions at most.
 * @throws AlluviumError `NOT_A_TABLE`, `CORRUPT_LOG`, storage errors
 */
export async function readHistory(storage: Storage, options: HistoryOptions & { readonly limit?: number } = {}): Promise<CommitEntry[]> {
  const { limit = Infinity, signal } = options
  if (!(limit >= 0)) throw new RangeError(`limit must not be negative, but is ${limit}`)
  const clock = await openClock(storage, options)
  const entries: CommitEntry[] = []
  const wanted = clock.versions.slice(-Math.min(limit, clock.versions.length)).reverse()
  for (let at = 0; at < wanted.length; at += READ_AHEAD) {
    throwIfAborted(signal, 'reading the history')
    const group = limit === 0 ? [] : wanted.slice(at, at + READ_AHEAD)
    const infos = await Promise.all(group.map((version) => clock.infoOf(version)))
    for (const [n, version] of group.entries()) entries.push({ version, timestampMs: await clock.timeOf(version), info: infos[n] })
  }
  return entries
}

const READ_AHEAD = 16

/** The commits of a table and their times. */
export interface CommitClock {
  /** Versions with a commit file, ascending, without a gap up to the latest. */
  readonly versions: readonly number[]
  /** From when on the table has had in-commit timestamps. */
  readonly enabledAt: { readonly version: number; readonly timestampMs: number } | undefined
  has(version: number): boolean
  /** Milliseconds since 1970. */
  timeOf(version: number): Promise<number>
  infoOf(version: number): Promise<JsonObject | undefined>
}

/** Lists the commits that are there. @throws AlluviumError `NOT_A_TABLE`, `VERSION_NOT_FOUND`, `CORRUPT_LOG`, storage errors */
export async function openClock(storage: Storage, options: HistoryOptions = {}): Promise<CommitClock> {
  const { signal } = options
  const { commits } = await listLog(storage, 0, signal)
  const versions = contiguous([...commits.keys()].sort((a, b) => a - b))
  const latest = versions.at(-1)
  if (latest === undefined) {
    await loadLog(storage, { allowUnreadable: true, ...(signal === undefined ? {} : { signal }) }) // says so where this is no table
    throw notFound(storage, 'history', 'only a checkpoint is left of its log', {})
  }
  const fileTimes = monotone(versions, commits)
  const infoOf = (version: number): Promise<JsonObject | undefined> => readInfo(storage, version, signal)
  const enabledAt = await findEnablement(storage, versions, infoOf, options)
  return {
    versions,
    enabledAt,
    has: (version) => fileTimes.has(version),
    infoOf,
    timeOf: async (version) => {
      if (enabledAt === undefined || version < enabledAt.version) return fileTimes.get(version) as number
      const time = (await infoOf(version))?.inCommitTimestamp
      if (typeof time === 'number') return time
      throw new AlluviumError(
        'CORRUPT_LOG',
        `${commitPath(version)} of ${storage.location} has no inCommitTimestamp, though the table keeps them from version ${enabledAt.version} on`,
        { version, path: commitPath(version) },
      )
    },
  }
}

// The versions that belong to the latest one; an older stretch before a hole is no history of it.
function contiguous(versions: readonly number[]): readonly number[] {
  let start = versions.length - 1
  while (start > 0 && versions[start - 1] === (versions[start] as number) - 1) start--
  return versions.slice(Math.max(start, 0))
}

function monotone(versions: readonly number[], commits: ReadonlyMap<number, ObjectInfo>): Map<number, number> {
  const times = new Map<number, number>()
  let previous = -Infinity
  for (const version of versions) {
    previous = Math.max(Math.floor((commits.get(version) as ObjectInfo).modifiedMs), previous + 1)
    times.set(version, previous)
  }
  return times
}

async function findEnablement(
  storage: Storage,
  versions: readonly number[],
  infoOf: (version: number) => Promise<JsonObject | undefined>,
  options: HistoryOptions,
): Promise<CommitClock['enabledAt']> {
  const metadata = options.metadata ?? (await latestMetadata(storage, versions, infoOf, options.signal))
  if (metadata === undefined) return undefined
  if (property(metadata, 'delta.enableInCommitTimestamps')?.toLowerCase() !== 'true') return undefined
  const version = Number(property(metadata, 'delta.inCommitTimestampEnablementVersion') ?? 0)
  const timestampMs = Number(property(metadata, 'delta.inCommitTimestampEnablementTimestamp') ?? -Infinity)
  if (Number.isSafeInteger(version) && !Number.isNaN(timestampMs)) return { version, timestampMs }
  throw new AlluviumError(
    'CORRUPT_LOG',
    `the properties delta.inCommitTimestampEnablementVersion and …Timestamp of ${storage.location} are no numbers`,
    {},
  )
}

// Commits at the end of the log that are passed over when they are damaged: times of older versions do not need them.
const MAX_DAMAGED = 16

// The newest metadata that can be read. A table that keeps in-commit timestamps has one in its latest commit; only then is
// it worth its reading.
async function latestMetadata(
  storage: Storage,
  versions: readonly number[],
  infoOf: (version: number) => Promise<JsonObject | undefined>,
  signal: AbortSignal | undefined,
): Promise<Metadata | undefined> {
  let first: unknown
  for (const version of versions.slice(-MAX_DAMAGED).reverse()) {
    try {
      if (typeof (await infoOf(version))?.inCommitTimestamp !== 'number') return undefined
      return (await loadLog(storage, { version, allowUnreadable: true, signal })).metadata
    } catch (error) {
      if (!isDamage(error)) throw error
      first ??= error
    }
  }
  throw first
}

async function readInfo(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<JsonObject | undefined> {
  const path = commitPath(version)
  const bytes = await storage.read(path, signal === undefined ? {} : { signal })
  if (bytes === undefined) throw notFound(storage, `version ${version}`, `${path} is gone`, { version })
  for (const action of parseCommit(firstLines(bytes), { version, path })) if (action.kind === 'commitInfo') return action.info
  return undefined
}

// The part of a commit up to its commitInfo, which is the first line of most and the last of some.
function firstLines(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a)
  const first = end < 0 ? bytes : bytes.subarray(0, end)
  return startsWithInfo(first) ? first : bytes
}

function startsWithInfo(line: Uint8Array): boolean {
  const start = '{"commitInfo":'
  for (let i = 0; i < start.length; i++) if (line[i] !== start.charCodeAt(i)) return false
  return true
}

function describeTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}

function notFound(storage: Storage, what: string, why: string, facts: Record<string, number>): AlluviumError {
  return new AlluviumError('VERSION_NOT_FOUND', `${storage.location} has no ${what}; ${why}`, facts)
}
