// Compares the table with the ledger. One rule: it knows the protocol's words and the actors' intentions, and nothing of how the
// library works.
import { checkFiles } from './checks/files.js'
import { checkOps } from './checks/ops.js'
import { replay, type State } from './checks/replay.js'
import { checkRowIds } from './checks/row-ids.js'
import { checkSightings } from './checks/sightings.js'
import { checkStreams } from './checks/streams.js'
import { checkTimes } from './checks/times.js'
import type { Disk } from './disk.js'
import type { Ledger } from './ledger.js'
import { type LoggedCommit, readCommits } from './log-reading.js'
import type { Traits } from './traits.js'

export interface Judgement {
  /** Everything that is wrong; empty when all is well. */
  readonly faults: string[]
  readonly commits: readonly LoggedCommit[]
  /** The rows of every version, by file. */
  readonly states: readonly State[]
}

/** Everything that can be said of a table once nobody works on it. */
export async function checkTable(disk: Disk, ledger: Ledger, traits: Traits): Promise<Judgement> {
  const faults: string[] = []
  const commits = await readCommits(disk, ledger, faults)
  const states = replay(commits, faults)
  checkOps(commits, states, ledger, faults)
  checkStreams(commits, ledger, faults)
  checkSightings(commits, states, ledger, faults)
  checkFiles(disk, commits, states, traits, faults)
  checkTimes(commits, faults)
  checkRowIds(commits, ledger, faults)
  return { faults: [...disk.misdeeds, ...ledger.faults, ...faults], commits, states }
}
