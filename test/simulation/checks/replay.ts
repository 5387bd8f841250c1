// What the table holds at every version, by its log alone; and what no log may say, whoever wrote it.
import type { LoggedCommit } from '../log-reading.js'
import { sameNumbers, twice } from './numbers.js'

/** What a version holds of a file. */
export interface StateFile {
  readonly vector: string | undefined
  readonly ids: readonly number[]
}

/** The files of a version, by path. */
export type State = ReadonlyMap<string, StateFile>

export function rowsOf(state: State): number[] {
  const rows: number[] = []
  for (const { ids } of state.values()) for (const id of ids) rows.push(id)
  return rows
}

export function isRestore({ info }: LoggedCommit): boolean {
  return info.operation === 'RESTORE'
}

/** All states. What cannot be goes to `faults`. */
export function replay(commits: readonly LoggedCommit[], faults: string[]): State[] {
  const states: State[] = []
  const everAdded = new Set<string>()
  const everHeld = new Set<number>()
  const txns = new Map<string, number>()
  let live: State = new Map()
  let rows: number[] = []
  for (const commit of commits) {
    const next = apply(commit, live, everAdded, faults)
    const held = rowsOf(next)
    checkRows(commit, rows, held, everHeld, faults)
    checkPositions(commit, txns, faults)
    live = next
    rows = held
    states.push(live)
  }
  return states
}

function apply({ version, adds, removes, info }: LoggedCommit, before: State, everAdded: Set<string>, faults: string[]): State {
  if (adds.length === 0 && removes.length === 0) return before
  const live = new Map(before)
  for (const { path, vector } of removes) {
    const file = live.get(path)
    if (file === undefined) faults.push(`version ${version} removes ${path}, which is not in the table`)
    else if (file.vector !== vector) faults.push(`version ${version} removes ${path} with another deletion vector than the table has`)
    live.delete(path)
  }
  for (const { path, vector, ids, dataChange } of adds) {
    const file = live.get(path)
    // More may be said of a file that is there; with another vector it has to be removed by the same commit.
    const saysMore = file !== undefined && !dataChange && file.vector === vector
    const replaces = removes.some((removed) => removed.path === path)
    if (everAdded.has(path) && !saysMore && !replaces && info.operation !== 'RESTORE') faults.push(`version ${version} adds ${path} again`)
    everAdded.add(path)
    live.set(path, { vector, ids })
  }
  return live
}

function checkRows(commit: LoggedCommit, before: readonly number[], now: readonly number[], everHeld: Set<number>, faults: string[]): void {
  const { version, adds, removes } = commit
  const held = new Set(now)
  if (held.size !== now.length) faults.push(`version ${version} holds a row twice: ${twice(now)}`)
  const changes = [...adds, ...removes]
  if (changes.length > 0 && changes.every(({ dataChange }) => !dataChange) && !sameNumbers(before, now))
    faults.push(`version ${version} says that it changes no rows, and makes ${now.length} of ${before.length}`)
  const had = new Set(before)
  for (const id of now) {
    if (had.has(id)) continue
    if (everHeld.has(id) && !isRestore(commit)) faults.push(`version ${version} brings row ${id} back, which was removed`)
    everHeld.add(id)
  }
}

function checkPositions({ version, txns: advanced }: LoggedCommit, txns: Map<string, number>, faults: string[]): void {
  for (const { appId, version: position } of advanced) {
    const before = txns.get(appId)
    if (before !== undefined && position <= before) faults.push(`version ${version} takes ${appId} from ${before} back to ${position}`)
    txns.set(appId, position)
  }
}
