// Whether readers saw versions as they are, and the newest that they had to see.
import type { Ledger } from '../ledger.js'
import type { LoggedCommit } from '../log-reading.js'
import { sameNumbers } from './numbers.js'
import { rowsOf, type State } from './replay.js'

export function checkSightings(commits: readonly LoggedCommit[], states: readonly State[], ledger: Ledger, faults: string[]): void {
  for (const { by, version, ids, beganMs, asked, from } of ledger.sightings) {
    const state = states[version]
    if (state === undefined) {
      faults.push(`${by} read version ${version}, which does not exist`)
      continue
    }
    const held = rowsOf(state)
    const wanted = from === undefined ? held : held.filter((id) => id >= from)
    if (!sameNumbers(wanted, ids)) faults.push(`${by} read version ${version} as ${ids.length} rows, it holds ${wanted.length}`)
    const newest = commits.findLastIndex(({ atMs }) => atMs < beganMs)
    if (!asked && version < newest) faults.push(`${by} read version ${version} when ${newest} was there`)
  }
}
