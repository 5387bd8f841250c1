// What a vacuum and a restore owe each other. A vacuum announces itself in the log, decides what goes by that version, and deletes without
// looking again; a restore may bring back what it is deleting. Rule: a vacuum deletes only while its announcement is young, and nothing that
// an announced vacuum may take is brought back before it has come to its end or its announcement is much older than that.
import { AlluviumError } from '../errors.js'
import { isJsonObject, type JsonObject, jsonObject } from '../json.js'
import { vacuumAnnouncement } from '../log/commit/index.js'
import { type AddFile, commitPath, type LogView, loadTombstones, parseCommit, tombstonePaths } from '../log/index.js'
import { tableProperties } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'

/** A restore takes a vacuum that began so long ago, and never said that it ended, for dead. */
const DEAD_AFTER_MS = 86_400_000
/** A vacuum deletes for so long, then it announces itself anew: clocks differ, and requests are under way for a while. */
export const ANNOUNCEMENT_HOLDS_MS: number = DEAD_AFTER_MS / 2
/** Commits may say a time that is so wrong. */
const SKEW_MS = 3_600_000
/** So many of the newest commits are always looked at, for vacuums that were forced to take files younger than the table's retention. */
const FEW_COMMITS = 64
const PARALLEL = 16

/**
 * A file that comes back was in the version `then`: a vacuum that began before that version counts it among those that are needed, so only
 * later ones are looked for.
 * @throws AlluviumError `COMMIT_CONFLICT`, rule `vacuum`, where a vacuum that has not ended may be deleting one of the files
 */
export async function assertNoVacuumTakes(
  storage: Storage,
  { then, now, back }: { readonly then: LogView; readonly now: LogView; readonly back: readonly AddFile[] },
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (back.length === 0) return
  const { deletedFileRetentionDurationMs } = tableProperties(now.metadata.configuration)
  const areYoung = (await notKept(storage, now, back, nowMs - deletedFileRetentionDurationMs, signal)) === undefined
  const first = areYoung ? Math.max(then.version + 1, now.version - FEW_COMMITS + 1) : then.version + 1
  const vacuum = await vacuumAtWork(storage, { first, newest: now.version }, nowMs, signal)
  const lost = vacuum === undefined ? undefined : await notKept(storage, now, back, vacuum.cutoffMs, signal)
  if (vacuum === undefined || lost === undefined) return
  throw new AlluviumError(
    'COMMIT_CONFLICT',
    `nothing was restored: a vacuum of ${storage.location}, begun at version ${vacuum.version}, has not come to its end and may be deleting ${lost.path}; try again when it has`,
    { rule: 'vacuum', version: vacuum.version, path: lost.path, committed: false },
  )
}

// A file whose removal is older than a time, or no longer in the log.
async function notKept(
  storage: Storage,
  view: LogView,
  files: readonly AddFile[],
  expiredAtMs: number,
  signal: AbortSignal | undefined,
): Promise<AddFile | undefined> {
  const kept = new Set<string>()
  for (const { path } of tombstonePaths(await loadTombstones(storage, view, { expiredAtMs, signal }))) kept.add(path)
  return files.find(({ path }) => !kept.has(path))
}

interface VacuumAtWork {
  readonly version: number
  /** What left the table before may be going: by the latest of all vacuums looked at, as an end does not say whose it is. */
  readonly cutoffMs: number
}

/** The newest vacuum that has begun and not ended; several may be at work side by side. */
async function vacuumAtWork(
  storage: Storage,
  { first, newest }: { readonly first: number; readonly newest: number },
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<VacuumAtWork | undefined> {
  let ended = 0
  let hasCompleted = false
  let open: number | undefined
  let cutoffMs = Number.NEGATIVE_INFINITY
  const answer = (): VacuumAtWork | undefined => (open === undefined ? undefined : { version: open, cutoffMs })
  for (let version = newest; version >= first; version -= PARALLEL) {
    const versions = Array.from({ length: Math.min(PARALLEL, version - first + 1) }, (_, n) => version - n)
    const infos = await Promise.all(versions.map((each) => infoOf(storage, each, signal)))
    for (const [n, info] of infos.entries()) {
      // Cleaned away meanwhile, as everything before it.
      if (info === undefined) return answer()
      if (typeof info.timestamp === 'number' && nowMs - info.timestamp > DEAD_AFTER_MS + SKEW_MS) return answer()
      const end = endOf(info)
      hasCompleted ||= end === 'COMPLETED'
      // Requests of one that failed may be under way still, until a later one came to its end.
      if (end !== undefined && hasCompleted) ended++
      const announced = vacuumAnnouncement(info)
      if (announced === undefined || nowMs - announced.atMs > DEAD_AFTER_MS) continue
      cutoffMs = Math.max(cutoffMs, announced.atMs - announced.retentionMs)
      if (ended > 0) ended--
      else open ??= version - n
    }
  }
  return answer()
}

async function infoOf(storage: Storage, version: number, signal: AbortSignal | undefined): Promise<JsonObject | undefined> {
  const bytes = await storage.read(commitPath(version), { signal })
  if (bytes === undefined) return undefined
  for (const action of parseCommit(bytes, { version, path: commitPath(version) })) if (action.kind === 'commitInfo') return action.info
  return jsonObject()
}

function endOf({ operation, operationParameters }: JsonObject): 'COMPLETED' | 'FAILED' | undefined {
  if (operation !== 'VACUUM END') return undefined
  return isJsonObject(operationParameters) && operationParameters.status === 'COMPLETED' ? 'COMPLETED' : 'FAILED'
}
