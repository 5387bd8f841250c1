// Compares the table with the ledger. One rule: it knows the protocol's words and the actors' intentions, and nothing of how the
// library works.
import type { Disk } from './disk.js'
import { hasRow, type Ledger, type Op, streamId, streamPlace } from './ledger.js'
import { type LoggedCommit, readCommits } from './log-reading.js'

/** Everything that is wrong; empty when all is well. */
export async function checkTable(disk: Disk, ledger: Ledger): Promise<{ faults: string[]; commits: LoggedCommit[] }> {
  const faults = [...disk.misdeeds, ...ledger.faults]
  const commits = await readCommits(disk, faults)
  const states = replay(commits, faults)
  checkOps(commits, ledger, faults)
  checkOverwrites(commits, states, ledger, faults)
  checkStreams(commits, ledger, faults)
  checkSightings(commits, states, ledger, faults)
  return { faults, commits }
}

/** The rows of every version. */
type State = ReadonlyMap<string, readonly number[]>

function replay(commits: readonly LoggedCommit[], faults: string[]): State[] {
  const states: State[] = []
  const everAdded = new Set<string>()
  const txns = new Map<string, number>()
  let live = new Map<string, readonly number[]>()
  for (const { version, adds, removes, txns: advanced } of commits) {
    live = new Map(live)
    const gone: number[] = []
    for (const { path, dataChange } of removes) {
      const ids = live.get(path)
      if (ids === undefined) faults.push(`version ${version} removes ${path}, which is not in the table`)
      if (!dataChange) gone.push(...(ids ?? []))
      live.delete(path)
    }
    for (const { path, ids } of adds) {
      if (everAdded.has(path)) faults.push(`version ${version} adds ${path} again`)
      everAdded.add(path)
      live.set(path, ids)
    }
    const kept = adds.filter(({ dataChange }) => !dataChange).flatMap(({ ids }) => ids)
    if (!sameNumbers(gone, kept))
      faults.push(`version ${version} says that it changes no rows, yet takes ${gone.length} and gives ${kept.length}`)
    const rows = [...live.values()].flat()
    if (new Set(rows).size !== rows.length) faults.push(`version ${version} holds a row twice: ${twice(rows)}`)
    for (const { appId, version: position } of advanced) {
      const before = txns.get(appId)
      if (before !== undefined && position <= before) faults.push(`version ${version} takes ${appId} from ${before} back to ${position}`)
      txns.set(appId, position)
    }
    states.push(live)
  }
  return states
}

function checkOps(commits: readonly LoggedCommit[], ledger: Ledger, faults: string[]): void {
  const foundAt = new Map<number, number[]>()
  for (const { version, adds } of commits) {
    for (const { dataChange, ids } of adds) {
      if (dataChange) for (const id of ids) foundAt.set(id, [...(foundAt.get(id) ?? []), version])
    }
  }
  for (const [id, versions] of foundAt) if (versions.length > 1) faults.push(`row ${id} was added in versions ${versions.join(', ')}`)
  for (const op of ledger.ops) {
    const found = op.ids.filter((id) => foundAt.has(id)).length
    if (found !== 0 && found !== op.ids.length) faults.push(`${nameOf(op)} is in the table in part: ${found} of ${op.ids.length} rows`)
    const at = op.ids.length === 0 ? undefined : foundAt.get(op.ids[0] as number)?.[0]
    if (op.outcome === 'acked' && op.ids.length > 0) {
      if (at === undefined) faults.push(`${nameOf(op)} was acknowledged at version ${op.version}, and is lost`)
      else if (op.version !== undefined && at !== op.version)
        faults.push(`${nameOf(op)} is in version ${at}, not ${op.version} as was said`)
    }
    if (op.outcome === 'failed' && at !== undefined) faults.push(`${nameOf(op)} was said to have failed, and is in version ${at}`)
    checkRemoved(op, commits, faults)
  }
}

function checkRemoved(op: Op, commits: readonly LoggedCommit[], faults: string[]): void {
  if (op.outcome !== 'acked' || op.version === undefined || op.paths === undefined) return
  const removed = new Set(commits[op.version]?.removes.map(({ path }) => path))
  for (const path of op.paths) if (!removed.has(path)) faults.push(`${nameOf(op)} was to remove ${path} and did not`)
  if (removed.size !== op.paths.length) faults.push(`${nameOf(op)} removes ${removed.size} files, not ${op.paths.length}`)
}

// An overwrite leaves its own rows, and those that blind appends put beside it after it looked.
function checkOverwrites(commits: readonly LoggedCommit[], states: readonly State[], ledger: Ledger, faults: string[]): void {
  for (const op of ledger.ops) {
    if (op.kind !== 'overwrite' || op.outcome !== 'acked' || op.version === undefined) continue
    const commit = commits[op.version]
    const readVersion = Number(commit?.info.readVersion ?? -1)
    const beside = commits
      .slice(readVersion + 1, op.version)
      .filter(({ info }) => info.isBlindAppend === true)
      .flatMap(({ adds }) => adds.flatMap(({ ids }) => ids))
    const left = [...(states[op.version]?.values() ?? [])].flat()
    if (!sameNumbers(left, [...op.ids, ...beside]))
      faults.push(`${nameOf(op)} left ${left.length} rows, not ${op.ids.length} and ${beside.length} beside`)
  }
}

function checkStreams(commits: readonly LoggedCommit[], ledger: Ledger, faults: string[]): void {
  const positions = new Map<number, number>()
  const seen = new Map<number, number>()
  for (const { version, adds, txns } of commits) {
    const before = new Map(positions)
    for (const { appId, version: position } of txns) {
      const partition = /^stream\/topic\/(\d+)$/.exec(appId)?.[1]
      if (partition !== undefined) positions.set(Number(partition), position)
    }
    for (const id of adds.filter(({ dataChange }) => dataChange).flatMap(({ ids }) => ids)) {
      const place = streamPlace(id)
      if (place === undefined) continue
      seen.set(id, version)
      const from = before.get(place.partition) ?? -1
      const to = positions.get(place.partition) ?? -1
      if (place.offset <= from || place.offset > to) {
        faults.push(`version ${version} holds offset ${place.offset} of ${place.partition}, and takes its position from ${from} to ${to}`)
      }
    }
  }
  for (const [partition, position] of positions) {
    for (let offset = 0; offset <= position; offset++) {
      if (hasRow(offset) && !seen.has(streamId(partition, offset))) {
        faults.push(`offset ${offset} of partition ${partition} is missing, its position is ${position}`)
      }
    }
  }
  for (const { partition, offset, version } of ledger.streamAcks) {
    const at = seen.get(streamId(partition, offset))
    if (hasRow(offset) && (at === undefined || at > version)) {
      faults.push(
        `offset ${offset} of partition ${partition} was acknowledged at version ${version}, and is ${at === undefined ? 'lost' : `in ${at}`}`,
      )
    }
  }
}

function checkSightings(commits: readonly LoggedCommit[], states: readonly State[], ledger: Ledger, faults: string[]): void {
  for (const { by, version, ids, beganMs, asked } of ledger.sightings) {
    const state = states[version]
    if (state === undefined) {
      faults.push(`${by} read version ${version}, which does not exist`)
      continue
    }
    if (!sameNumbers([...state.values()].flat(), ids))
      faults.push(`${by} read version ${version} as ${ids.length} rows that it does not hold`)
    const newest = commits.findLastIndex(({ atMs }) => atMs < beganMs)
    if (!asked && version < newest) faults.push(`${by} read version ${version} when ${newest} was there`)
  }
}

function nameOf(op: Op): string {
  return `${op.kind} ${op.number} of ${op.by}`
}

function twice(rows: readonly number[]): number | undefined {
  const seen = new Set<number>()
  return rows.find((id) => seen.size === seen.add(id).size)
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  const left = Float64Array.from(a).sort()
  const right = Float64Array.from(b).sort()
  return left.every((value, i) => value === right[i])
}
