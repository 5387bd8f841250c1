// What a seed makes of the world: the table and its features, the store it lies on, how long work goes on and who works.
// Everything is drawn from the seed; whoever plays a part looks here what to expect.
import type { IsolationLevel } from '../../src/table/index.js'
import type { Role } from './actors/index.js'
import { type Calendar, daysOf, oneStretch } from './calendar.js'
import type { World } from './world.js'

/** `s3`: one conditional put. `hdfs`: a temporary, and a rename that may be answered wrongly. `local`: no network, but the power may fail. */
export type StoreKind = 's3' | 'hdfs' | 'local'

export interface Traits {
  readonly store: StoreKind
  readonly calendar: Calendar
  readonly isPartitioned: boolean
  readonly inCommitTimestamps: 'never' | 'always' | 'later'
  readonly tracksRows: boolean
  /** A foreign writer removes single rows by deletion vectors. */
  readonly hasVectors: boolean
  /** Its statistics are not what the protocol asks for. */
  readonly hasOddStatistics: boolean
  readonly isolation: IsolationLevel | undefined
  readonly checkpoints: 'classic' | 'v2'
  readonly checkpointInterval: number | undefined
  readonly fileRetentionMs: number
  readonly logRetentionMs: number
  /** Clocks of processes are wrong by up to an hour. */
  readonly isSkewed: boolean
  /** Sixteen writers append as fast as they can. */
  readonly isCrowded: boolean
  readonly cast: readonly Role[]
}

const HOUR_MS = 3_600_000
const WORK_MS = 8000
const CROWD_MS = 1500

export function drawTraits(world: World): Traits {
  const { random } = world
  const isLong = random.oneIn(2)
  const isCrowded = !isLong && random.oneIn(25)
  const hasVectors = random.oneIn(4)
  return {
    store: random.pick(['s3', 's3', 'hdfs', 'local']),
    calendar: isLong ? daysOf(world) : oneStretch(isCrowded ? CROWD_MS : WORK_MS),
    isPartitioned: random.oneIn(3),
    inCommitTimestamps: random.pick(['never', 'never', 'always', 'later']),
    tracksRows: random.oneIn(4),
    hasVectors,
    hasOddStatistics: random.oneIn(3),
    isolation: random.pick([undefined, undefined, 'Serializable', 'WriteSerializable', 'SnapshotIsolation']),
    checkpoints: random.oneIn(3) ? 'v2' : 'classic',
    checkpointInterval: random.pick([undefined, undefined, 4, 10]),
    fileRetentionMs: HOUR_MS * (isLong ? random.pick([6, 12, 24]) : 168),
    logRetentionMs: HOUR_MS * (isLong ? random.pick([12, 24, 48]) : 720),
    isSkewed: random.oneIn(2),
    isCrowded,
    cast: isCrowded ? CROWD : drawCast(world, isLong, hasVectors),
  }
}

const CROWD: readonly Role[] = [...Array.from({ length: 16 }, (): Role => 'appender'), 'compactor', 'reader']
const OFTEN: readonly Role[] = ['appender', 'retrier', 'overwriter', 'deleter', 'streamer', 'streamer', 'setter', 'slowReader', 'compactor']
const RARELY: readonly Role[] = ['restorer', 'checkpointer', 'cleaner', 'compactor', 'reader', 'vacuumer']

function drawCast({ random }: World, isLong: boolean, hasVectors: boolean): Role[] {
  return [
    'appender',
    'reader',
    ...OFTEN.filter(() => random.oneIn(2)),
    ...RARELY.filter(() => random.oneIn(isLong ? 2 : 5)),
    ...(hasVectors ? (['foreigner'] as const) : []),
  ]
}

/** The table's properties. */
export function propertiesOf(traits: Traits): Record<string, string> {
  return {
    'delta.deletedFileRetentionDuration': `interval ${traits.fileRetentionMs / HOUR_MS} hours`,
    'delta.logRetentionDuration': `interval ${traits.logRetentionMs / HOUR_MS} hours`,
    ...(traits.inCommitTimestamps === 'always' ? { 'delta.enableInCommitTimestamps': 'true' } : {}),
    ...(traits.tracksRows ? { 'delta.enableRowTracking': 'true' } : {}),
    ...(traits.hasVectors ? { 'delta.enableDeletionVectors': 'true' } : {}),
    ...(traits.isolation === undefined ? {} : { 'delta.isolationLevel': traits.isolation }),
    ...(traits.checkpoints === 'v2' ? { 'delta.checkpointPolicy': 'v2' } : {}),
    ...(traits.checkpointInterval === undefined ? {} : { 'delta.checkpointInterval': String(traits.checkpointInterval) }),
  }
}

/** What clocks that disagree, slow answers and stopped processes may take off a retention. */
export function slackMs(traits: Traits): number {
  return (traits.isSkewed ? 2 : 0) * HOUR_MS + HOUR_MS / 2
}

/** For so long whoever reads a version finds everything of it, from when on it is no longer the latest. */
export function safeMs(traits: Traits): number {
  return Math.min(traits.fileRetentionMs, traits.logRetentionMs) - slackMs(traits)
}
