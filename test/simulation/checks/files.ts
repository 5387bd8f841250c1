// What upkeep may take away: no file that a version needs within its retention, no commit that is not long out of date.
import type { Disk, Placed } from '../disk.js'
import { type LoggedCommit, linesOf } from '../log-reading.js'
import { slackMs, type Traits } from '../traits.js'
import type { State } from './replay.js'

export function checkFiles(disk: Disk, commits: readonly LoggedCommit[], states: readonly State[], traits: Traits, faults: string[]): void {
  checkDataFiles(disk, commits, states, traits, faults)
  checkCleaning(commits, traits, faults)
  checkSidecars(disk, faults)
}

// A version is in force until the next one; files that only it had are kept so long again.
function checkDataFiles(disk: Disk, commits: readonly LoggedCommit[], states: readonly State[], traits: Traits, faults: string[]): void {
  const keptMs = traits.fileRetentionMs - slackMs(traits)
  const gone = new Map<string, Placed>()
  const there = new Set<string>()
  for (const placed of disk.placed) {
    if (placed.goneMs === undefined) there.add(placed.path)
    else gone.set(placed.path, placed)
  }
  for (const [version, state] of states.entries()) {
    const endMs = commits[version + 1]?.atMs ?? Number.POSITIVE_INFINITY
    for (const logPath of state.keys()) {
      const path = decodeURIComponent(logPath)
      if (there.has(path)) continue
      const object = gone.get(path)
      if (object === undefined || endMs + keptMs > (object.goneMs as number))
        faults.push(
          `version ${version} needs ${path}, which ${object?.goneBy} deleted ${object === undefined ? '' : within(endMs, object)}`,
        )
    }
  }
}

function within(endMs: number, { goneMs }: Placed): string {
  if (endMs === Number.POSITIVE_INFINITY) return 'though it is the latest'
  return `${(((goneMs as number) - endMs) / 3_600_000).toFixed(1)} hours after its end`
}

function checkCleaning(commits: readonly LoggedCommit[], traits: Traits, faults: string[]): void {
  for (const { version, goneMs } of commits) {
    if (goneMs === undefined) continue
    const endMs = commits[version + 1]?.atMs ?? Number.POSITIVE_INFINITY
    if (endMs > goneMs - traits.logRetentionMs + slackMs(traits)) faults.push(`version ${version} was cleaned before its time`)
  }
}

// A checkpoint of the second kind is worth nothing without its sidecars.
function checkSidecars(disk: Disk, faults: string[]): void {
  for (const path of disk.paths) {
    if (!/^_delta_log\/\d{20}\.checkpoint\.[0-9a-f-]{36}\.json$/.test(path)) continue
    for (const line of linesOf((disk.get(path) as Placed).bytes) as { sidecar?: { path: string } }[]) {
      const sidecar = line.sidecar === undefined ? undefined : `_delta_log/_sidecars/${line.sidecar.path}`
      if (sidecar !== undefined && disk.get(sidecar) === undefined) faults.push(`${path} needs ${sidecar}, which is gone`)
    }
  }
}
