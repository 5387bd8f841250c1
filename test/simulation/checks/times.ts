// The times of versions, by the protocol: in-commit timestamps where the table keeps them, else those of the files, made to rise.
import type { LoggedCommit } from '../log-reading.js'

/** In-commit timestamps rise, and are there from the version on that the table says. */
export function checkTimes(commits: readonly LoggedCommit[], faults: string[]): void {
  const from = enablement(commits)?.version
  if (from === undefined) return
  let last = Number.NEGATIVE_INFINITY
  for (const { version, info } of commits.slice(from)) {
    const time = info.inCommitTimestamp
    if (typeof time !== 'number') faults.push(`version ${version} has no in-commit timestamp`)
    else if (time <= last) faults.push(`the in-commit timestamp of version ${version} does not rise`)
    else last = time
  }
}

/** From when on the table keeps in-commit timestamps. */
function enablement(commits: readonly LoggedCommit[]): { version: number; timestampMs: number } | undefined {
  const configuration = commits.findLast((commit) => commit.configuration !== undefined)?.configuration ?? {}
  if (configuration['delta.enableInCommitTimestamps'] !== 'true') return undefined
  return {
    version: Number(configuration['delta.inCommitTimestampEnablementVersion'] ?? 0),
    timestampMs: Number(configuration['delta.inCommitTimestampEnablementTimestamp'] ?? Number.NEGATIVE_INFINITY),
  }
}

/** The version in force at a time, by the commits that are left from `first` on; undefined before all of them. */
export function versionAt(commits: readonly LoggedCommit[], first: number, timestampMs: number): number | undefined {
  const enabled = enablement(commits)
  const own = enabled !== undefined && timestampMs >= enabled.timestampMs
  let last = Number.NEGATIVE_INFINITY
  let found: number | undefined
  for (const { version, modifiedMs, info } of commits.slice(first)) {
    const isOwn = enabled !== undefined && version >= enabled.version
    last = Math.max(modifiedMs, last + 1)
    if (isOwn !== own) continue
    if ((isOwn ? (info.inCommitTimestamp as number) : last) <= timestampMs) found = version
  }
  return found
}
