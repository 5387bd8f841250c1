// Reading the commits that came first. No listing: versions are read one after the other until one is missing, in
// growing groups so that a writer far behind catches up in few round trips.
import { AlluviumError } from '../../errors.js'
import { commitPath } from '../file-names.js'
import type { Committer, FindOutcome, Proposal } from './committer.js'
import { isTransient, type Limits } from './limits.js'
import { leftBehindError } from './outcomes.js'

/** A commit of somebody else, as bytes. */
export interface FoundCommit {
  readonly version: number
  readonly bytes: Uint8Array
}

export interface WinnersFound {
  /** In order and without a gap, beginning with the first version asked for. */
  readonly winners: readonly FoundCommit[]
  /** Our own commit, where one of the versions turned out to be it; the winners then end just before. */
  readonly ours?: number
}

const GROUP_MAX = 16

/**
 * Reads every commit from `from` to the newest.
 * @throws AlluviumError the store's error when a version cannot be read within the limits, `CORRUPT_LOG` for a gap,
 *   `COMMIT_CONFLICT` (rule `log-cleaned`) for one that a later checkpoint explains.
 */
export async function readWinners(committer: Committer, from: number, txnId: string, limits: Limits): Promise<WinnersFound> {
  const winners: FoundCommit[] = []
  let next = from
  let group = 1
  let gapSeenAt = -1
  for (;;) {
    const outcomes = await Promise.all(Array.from({ length: group }, (_, i) => findOut(committer, next + i, txnId, limits)))
    const end = outcomes.findIndex((outcome) => outcome.kind !== 'other')
    const taken = end === -1 ? outcomes : outcomes.slice(0, end)
    for (const outcome of taken) {
      if (outcome.kind === 'other') winners.push({ version: next, bytes: outcome.bytes })
      next++
    }
    const last = end === -1 ? undefined : outcomes[end]
    if (last?.kind === 'ours') return { winners, ours: next }
    if (last?.kind === 'unreadable') throw last.error
    if (last?.kind === 'absent') {
      // A later version in the same group landed while the group was read, unless it is still missing when asked again.
      // A look that failed shows neither.
      if (!outcomes.slice(end + 1).some(({ kind }) => kind === 'other' || kind === 'ours')) return { winners }
      if (gapSeenAt === next) throw await gapError(committer, next, limits)
      gapSeenAt = next
      group = outcomes.length - end
    } else group = Math.min(GROUP_MAX, group * 2)
  }
}

/** One look at so many versions from the proposal's own on: the commits of others, up to the first that is none. Never rejects. */
export async function readGroup(
  committer: Committer,
  { version, txnId }: Pick<Proposal, 'version' | 'txnId'>,
  count: number,
  limits: Limits,
): Promise<FoundCommit[]> {
  const found: FoundCommit[] = []
  const look = async (at: number): Promise<FindOutcome> => {
    const call = limits.call()
    return committer.findOut(at, { txnId }, call).finally(() => call.end())
  }
  for (const outcome of await Promise.all(Array.from({ length: count }, (_, i) => look(version + i)))) {
    if (outcome.kind !== 'other') break
    found.push({ version: version + found.length, bytes: outcome.bytes })
  }
  return found
}

async function findOut(committer: Committer, version: number, txnId: string, limits: Limits): Promise<FindOutcome> {
  for (;;) {
    const call = limits.call()
    const outcome = await committer.findOut(version, { txnId }, call).finally(() => call.end())
    if (outcome.kind !== 'unreadable') return outcome
    if (!isTransient(outcome.error) || !limits.allowance().mayLook) return outcome
    await limits.pauseAfterFault()
  }
}

// Who has fallen far behind meets a log that is being cleaned: its commits go in any order, and a later checkpoint stands for them.
async function gapError(committer: Committer, version: number, limits: Limits): Promise<AlluviumError> {
  const call = limits.call()
  const before = await committer.holds(version - 1, call).finally(() => call.end())
  if (before.kind === 'unreadable') return before.error
  if (before.kind === 'gone' && before.isCleaned) return leftBehindError(version - 1)
  const path = commitPath(version)
  return new AlluviumError(
    'CORRUPT_LOG',
    `${path} is missing while later commits exist: the log has a gap, and nothing may be written into it`,
    { version, path },
  )
}
