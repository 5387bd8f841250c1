// The commits of a range of versions, walked in order. Rules: every version of the range has its commit file, is
// readable by its own protocol, and had the change data feed on; anything else is an error that says where.
import { AlluviumError, isAlluviumError, throwIfAborted } from '../errors.js'
import {
  type Action,
  assertReadable,
  type CommitClock,
  commitPath,
  type LogView,
  loadLog,
  openClock,
  parseCommit,
  property,
  readCommitBytes,
  versionAtTimestamp,
} from '../log/index.js'
import type { Storage } from '../storage/storage.js'
import { type Shape, shapeOf } from './change-schema.js'
import { toMillis } from './time-point.js'

export interface RangeOptions {
  readonly from: number | Date | string
  readonly to?: number | Date | string
  readonly signal?: AbortSignal | undefined
}

/** Versions that are there, both included. */
export interface VersionRange {
  readonly from: number
  readonly to: number
  readonly clock: CommitClock
}

/** A commit of the range. */
export interface RangeCommit {
  readonly version: number
  readonly actions: readonly Action[]
  /** The table after it. */
  readonly shape: Shape
  /** The table before it, where that is known and different. */
  readonly before: Shape | undefined
}

const FEED = 'delta.enableChangeDataFeed'
const READ_AHEAD = 8
// Commits read for their metadata alone, rather than opening the log at the beginning of the range.
const MAX_STEPS = 64

/**
 * The versions that a caller means: numbers exactly; times from the first commit at or after `from` to the last at or before `to`.
 * @throws AlluviumError `VERSION_NOT_FOUND`, `INVALID_OPTIONS`, `NOT_A_TABLE`, storage errors
 */
export async function findRange(storage: Storage, options: RangeOptions): Promise<VersionRange> {
  const { signal } = options
  const clock = await openClock(storage, { signal })
  const { versions } = clock
  const [earliest, latest] = [versions[0] as number, versions.at(-1) as number]
  const from = typeof options.from === 'number' ? checkVersion('from', options.from) : await firstAt(storage, clock, options.from, signal)
  const to = options.to === undefined ? latest : await lastOf(storage, options.to, signal)
  if (from > latest || to > latest) {
    const version = from > latest ? from : to
    throw new AlluviumError('VERSION_NOT_FOUND', `${storage.location} has no version ${version} yet; the latest is ${latest}`, {
      version,
      latest,
    })
  }
  if (from > to)
    throw new AlluviumError('INVALID_OPTIONS', `a range of changes from version ${from} to ${to} ends before it begins`, { from, to })
  if (from < earliest) {
    throw new AlluviumError(
      'VERSION_NOT_FOUND',
      `the log of ${storage.location} was cleaned: the changes of version ${from} are no longer known, the earliest that are are those of version ${earliest}`,
      { version: from, earliest },
    )
  }
  return { from, to, clock }
}

/**
 * Walks the commits of a range.
 * @param known a view at hand; where it stands a little before the range, its log need not be opened
 * @throws AlluviumError `UNSUPPORTED_FEATURE`: a protocol that cannot be read, or (after the last commit, with the facts `version`, the first
 * one, and `lastVersion`) versions in which the feed was off; `VERSION_NOT_FOUND`, `CORRUPT_LOG`, storage errors
 */
export async function* walkRange(
  storage: Storage,
  { from, to, clock }: VersionRange,
  known: LogView,
  signal: AbortSignal | undefined,
): AsyncGenerator<RangeCommit, void, undefined> {
  const isNear = known.version <= from && from - known.version <= MAX_STEPS && (clock.versions[0] as number) <= known.version + 1
  const start = isNear ? known : await loadLog(storage, { version: from, signal })
  let shape: Shape = shapeOf(start.protocol, start.metadata)
  let before: Shape | undefined = start.version < from ? shape : undefined
  const off: number[] = []
  for await (const { version, actions } of commitsOf(storage, Math.min(start.version + 1, from), to, signal)) {
    shape = after(actions, shape, version >= from)
    if (version >= from) {
      if (version === from) assertReadable(shape.protocol, shape.metadata)
      if (property(shape.metadata, FEED)?.toLowerCase() !== 'true') off.push(version)
      yield { version, actions, shape, before: before === shape ? undefined : before }
    }
    before = shape
  }
  if (off.length > 0) throw feedOff(off[0] as number, off.at(-1) as number, { from, to }, storage.location)
}

async function* commitsOf(
  storage: Storage,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly version: number; readonly actions: Action[] }, void, undefined> {
  for (let first = from; first <= to; first += READ_AHEAD) {
    const versions = Array.from({ length: Math.min(READ_AHEAD, to - first + 1) }, (_, n) => first + n)
    const commits = await Promise.all(versions.map((version) => readCommitBytes(storage, version, { signal })))
    for (const [n, version] of versions.entries()) {
      throwIfAborted(signal, 'planning the changes')
      yield { version, actions: parseCommit(commits[n] as Uint8Array, { version, path: commitPath(version) }) }
    }
  }
}

/** The shape before a version, where it can still be had. */
export async function shapeBefore(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<Shape | undefined> {
  if (version === 0) return undefined
  try {
    const { protocol, metadata } = await loadLog(storage, { version: version - 1, allowUnreadable: true, signal })
    return shapeOf(protocol, metadata)
  } catch (error) {
    if (isAlluviumError(error, 'VERSION_NOT_FOUND', 'NOT_A_TABLE')) return undefined
    throw error
  }
}

function after(actions: readonly Action[], shape: Shape, isRead: boolean): Shape {
  let { protocol, metadata } = shape
  for (const action of actions) {
    if (action.kind === 'protocol') protocol = action
    if (action.kind === 'metaData') metadata = action
  }
  if (protocol === shape.protocol && metadata === shape.metadata) return shape
  if (isRead) assertReadable(protocol, metadata)
  return shapeOf(protocol, metadata, shape)
}

function feedOff(first: number, last: number, { from, to }: { from: number; to: number }, location: string): AlluviumError {
  const advice =
    last < to
      ? `it is on from version ${last + 1}: ask for changes from there`
      : first > from
        ? `it was on up to version ${first - 1}: ask for changes up to there`
        : `set ${FEED}=true, and the changes of later versions can be read`
  return new AlluviumError(
    'UNSUPPORTED_FEATURE',
    `the change data feed of ${location} was off at version ${first}${last > first ? ` (and at others up to ${last})` : ''}; ${advice}`,
    { features: ['changeDataFeed'], property: FEED, operation: 'read', version: first, lastVersion: last },
  )
}

function checkVersion(name: string, version: number): number {
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError(`${name} is a version, a whole number from 0, not ${version}`)
  return version
}

async function lastOf(storage: Storage, to: number | Date | string, signal: AbortSignal | undefined): Promise<number> {
  return typeof to === 'number' ? checkVersion('to', to) : versionAtTimestamp(storage, toMillis(to), { signal })
}

async function firstAt(storage: Storage, clock: CommitClock, from: Date | string, signal: AbortSignal | undefined): Promise<number> {
  const millis = toMillis(from, 'up')
  try {
    const version = await versionAtTimestamp(storage, millis, { signal })
    return (await clock.timeOf(version)) >= millis ? version : version + 1
  } catch (error) {
    // All that is known came later.
    if (isAlluviumError(error, 'VERSION_NOT_FOUND')) return clock.versions[0] as number
    throw error
  }
}
