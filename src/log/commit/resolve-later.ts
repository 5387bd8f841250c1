// Answers, after a commit gave up in doubt, what became of it. The same proposal, the same version: never another.
import { throwIfAborted } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import type { Committer, FindOutcome, Proposal } from './committer.js'
import { Limits } from './limits.js'
import type { Resolution, ResolveOptions } from './outcomes.js'

/** One question about a proposal whose outcome was unknown. */
export async function resolveLater(
  runtime: Runtime,
  committer: Committer,
  proposal: Proposal,
  options: ResolveOptions,
): Promise<Resolution> {
  const { version } = proposal
  const limits = new Limits(runtime, { signal: options.signal })
  let found = await look(committer, proposal, limits)
  throwIfAborted(options.signal, 'finding out about a commit')
  if (found.kind === 'absent' && options.putAgain === true && (await mayStillBeWritten(committer, version, limits))) {
    const call = limits.call()
    const put = await committer.propose(proposal, call).finally(() => call.end())
    if (put.kind === 'created') return { kind: 'committed', version }
    found = await look(committer, proposal, limits)
  }
  switch (found.kind) {
    case 'ours':
      return { kind: 'committed', version }
    case 'other':
      return { kind: 'not-committed', version }
    case 'absent':
      return { kind: 'unknown', version }
    case 'unreadable':
      return { kind: 'unknown', version, error: found.error }
  }
}

async function look(committer: Committer, proposal: Proposal, limits: Limits): Promise<FindOutcome> {
  const call = limits.call()
  return committer.findOut(proposal.version, proposal, call).finally(() => call.end())
}

// Where the version before is gone, the log was cleaned past this point: a file here would belong to no table, and that
// the version is free says nothing about what was in it.
async function mayStillBeWritten(committer: Committer, version: number, limits: Limits): Promise<boolean> {
  if (version === 0) return true
  const call = limits.call()
  const before = await committer.holds(version - 1, call).finally(() => call.end())
  return before.kind === 'held'
}
