// What a commit stands on: a snapshot whose version is still in the log.
import { AlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { LogView } from '../log-view.js'
import type { Committer, CommitterCall } from './committer.js'
import { FRESH_MS } from './footing.js'

/**
 * Cleaning a log removes old commits, after which the version after an old snapshot looks free although the table is far
 * past it: what would be put there would be lost. So the commit of a snapshot that has not been confirmed lately must still be there.
 * @throws AlluviumError `COMMIT_CONFLICT` (rule `log-cleaned`), storage errors
 */
export async function assertBaseHeld(
  base: LogView,
  runtime: Runtime,
  committer: Committer,
  what: string,
  call: CommitterCall,
): Promise<void> {
  const { confirmedMs } = base.shared
  if (runtime.monotonicMs() - confirmedMs <= FRESH_MS) {
    // Of the newest view that is, which may be a later one: then the put asks for itself.
    committer.knows?.(base.newest.version, confirmedMs)
    return
  }
  const held = await committer.holds(base.version, call)
  if (held.kind === 'unreadable') throw held.error
  if (held.kind === 'held') return
  throw new AlluviumError(
    'COMMIT_CONFLICT',
    `${what} was not committed: version ${base.version}, which it read, has been cleaned from the log since; open the table again and decide whether to repeat it`,
    { rule: 'log-cleaned', version: base.version, committed: false },
  )
}
