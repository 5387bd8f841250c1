// Whether what actors tried is in the table as they were told: whole, once, and doing what it says.
import { type Ledger, type Op, partitionOf } from '../ledger.js'
import type { LoggedCommit } from '../log-reading.js'
import { sameNumbers } from './numbers.js'
import { rowsOf, type State } from './replay.js'

export function checkOps(commits: readonly LoggedCommit[], states: readonly State[], ledger: Ledger, faults: string[]): void {
  const foundAt = firstVersions(commits, faults)
  for (const op of ledger.ops) {
    checkRows(op, foundAt, faults)
    if (op.outcome !== 'acked' || op.version === undefined) continue
    const commit = commits[op.version]
    if (commit === undefined) faults.push(`${nameOf(op)} was acknowledged at version ${op.version}, which does not exist`)
    else if (op.kind === 'overwrite') checkOverwrite(op, commits, states, faults)
    else if (op.kind === 'restore') checkRestore(op, commit, commits, states, faults)
    else checkRemovals(op, commit, commits, states, faults)
  }
}

// Where each row came in. Files that come again, by a restore or with another vector, bring nothing new.
function firstVersions(commits: readonly LoggedCommit[], faults: string[]): Map<number, number> {
  const foundAt = new Map<number, number>()
  const known = new Set<string>()
  for (const { version, adds } of commits) {
    for (const { path, dataChange, ids } of adds) {
      if (dataChange && !known.has(path)) {
        for (const id of ids) {
          if (foundAt.has(id)) faults.push(`row ${id} was added in versions ${foundAt.get(id)}, ${version}`)
          foundAt.set(id, version)
        }
      }
      known.add(path)
    }
  }
  return foundAt
}

function checkRows(op: Op, foundAt: ReadonlyMap<number, number>, faults: string[]): void {
  if (op.ids.length === 0) return
  const found = op.ids.filter((id) => foundAt.has(id)).length
  if (found !== 0 && found !== op.ids.length) faults.push(`${nameOf(op)} is in the table in part: ${found} of ${op.ids.length} rows`)
  const at = foundAt.get(op.ids[0] as number)
  if (op.outcome === 'acked') {
    if (at === undefined) faults.push(`${nameOf(op)} was acknowledged at version ${op.version}, and is lost`)
    else if (op.version !== undefined && at !== op.version) faults.push(`${nameOf(op)} is in version ${at}, not ${op.version} as was said`)
  }
  if (op.outcome === 'failed' && at !== undefined) faults.push(`${nameOf(op)} was said to have failed, and is in version ${at}`)
}

function checkRemovals(op: Op, commit: LoggedCommit, commits: readonly LoggedCommit[], states: readonly State[], faults: string[]): void {
  if (op.paths !== undefined) {
    const removed = new Set(commit.removes.map(({ path }) => path))
    for (const path of op.paths) if (!removed.has(path)) faults.push(`${nameOf(op)} was to remove ${path} and did not`)
    if (op.kind === 'delete' && removed.size !== op.paths.length)
      faults.push(`${nameOf(op)} removes ${removed.size} files, not ${op.paths.length}`)
  }
  if (op.partition === undefined) return
  const left = rowsOf(states[commit.version] as State).filter((id) => partitionOf(id) === op.partition)
  const beside = besideRows(commit, commits, states).filter((id) => partitionOf(id) === op.partition)
  if (!sameNumbers(left, beside)) faults.push(`${nameOf(op)} was to empty ${op.partition}, and leaves ${left.length} rows`)
}

// An overwrite leaves its own rows, and those that may stand beside it after it looked.
function checkOverwrite(op: Op, commits: readonly LoggedCommit[], states: readonly State[], faults: string[]): void {
  const commit = commits[op.version as number] as LoggedCommit
  const left = rowsOf(states[commit.version] as State)
  const beside = besideRows(commit, commits, states)
  if (!sameNumbers(left, [...op.ids, ...beside]))
    faults.push(`${nameOf(op)} left ${left.length} rows, not ${op.ids.length} and ${beside.length} beside`)
}

// Rows that came between what a commit read and the commit, and that its isolation level lets it not know of.
function besideRows({ info, version }: LoggedCommit, commits: readonly LoggedCommit[], states: readonly State[]): number[] {
  const level = info.isolationLevel
  if (level === 'Serializable') return []
  const readVersion = Number(info.readVersion ?? -1)
  const between = commits.slice(readVersion + 1, version)
  const standing = level === 'WriteSerializable' ? between.filter((other) => other.info.isBlindAppend === true) : between
  const mayStand = new Set(standing.flatMap(({ adds }) => adds.flatMap(({ ids }) => ids)))
  for (const id of rowsOf(states[readVersion] as State)) mayStand.delete(id)
  return rowsOf(states[version - 1] as State).filter((id) => mayStand.has(id))
}

function checkRestore(op: Op, commit: LoggedCommit, commits: readonly LoggedCommit[], states: readonly State[], faults: string[]): void {
  const wanted = rowsOf(states[op.restored as number] ?? new Map())
  const made = rowsOf(states[commit.version] as State)
  // Where nothing had to be changed, the version is the one that was looked at.
  const beside = commit.info.operation === 'RESTORE' ? besideRows(commit, commits, states) : []
  if (!sameNumbers([...new Set([...wanted, ...beside])], made))
    faults.push(`${nameOf(op)} at version ${op.version} is not what version ${op.restored} was`)
}

function nameOf(op: Op): string {
  return `${op.kind} ${op.number} of ${op.by}`
}
