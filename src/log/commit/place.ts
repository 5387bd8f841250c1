// Placing one commit at one version: puts, looks and pauses in the order that settlement.ts decides. Outcomes are values.
import { AlluviumError } from '../../errors.js'
import type { Committer, Proposal, ProposeOutcome, StagedProposal } from './committer.js'
import { isTransient, type Limits } from './limits.js'
import type { Placement, PlacementEvent, PlacementStep, settle } from './settlement.js'
import { type FoundCommit, readGroup } from './winners.js'

export type Placed =
  | { readonly kind: 'done' }
  /** The version is somebody else's: their bytes. Nothing of ours is outstanding. */
  | {
      readonly kind: 'taken'
      readonly bytes: Uint8Array
      /** The commits after it as far as they were seen, where there was a look beside the put. */
      readonly following?: readonly FoundCommit[]
    }
  /** Surely not committed. */
  | { readonly kind: 'failed'; readonly error: AlluviumError }
  /** Nobody knows. */
  | { readonly kind: 'unknown'; readonly error: AlluviumError }

/**
 * Puts the proposal at its version and finds out what came of it, within the limits. What was staged is the first put.
 * Under rivalry so many versions are looked at beside it: whoever loses then knows to whom, a round trip earlier.
 */
export async function place(
  committer: Committer,
  proposal: Proposal,
  staged: StagedProposal | undefined,
  limits: Limits,
  decide: typeof settle,
  lookBeside = 0,
): Promise<Placed> {
  let beside: readonly FoundCommit[] | undefined
  let placement: Placement = { version: proposal.version, outstanding: false }
  let step: PlacementStep = { kind: 'put' }
  let error: AlluviumError | undefined
  let theirs: Uint8Array | undefined
  for (let first = true; ; first = false) {
    let event: PlacementEvent
    if (step.kind === 'put') {
      if (!first) await limits.pauseAfterFault(error)
      const looking = first && lookBeside > 0 ? readGroup(committer, proposal, lookBeside, limits) : undefined
      const outcome = await put(committer, proposal, first ? staged : undefined, limits)
      if (outcome.kind === 'exists') beside = await looking
      if ('error' in outcome) error = outcome.error
      event = outcome.kind === 'refused' ? { kind: 'refused', transient: isTransient(outcome.error) } : outcome
    } else if (beside?.[0] !== undefined) {
      // What has the version keeps it, so it does not matter that this was seen before the answer to the put.
      theirs = beside[0].bytes
      event = { kind: 'other' }
    } else {
      if (step.kind === 'look' && step.pause) await limits.pauseAfterFault(error)
      const found = await look(committer, proposal, limits)
      if (found.kind === 'unreadable') error = found.error
      if (found.kind === 'other') theirs = found.bytes
      event = found
    }
    ;({ placement, step } = decide(placement, event, limits.allowance()))
    switch (step.kind) {
      case 'done':
        return { kind: 'done' }
      case 'taken':
        limits.noFault()
        return { kind: 'taken', bytes: theirs ?? new Uint8Array(), ...(beside?.[0] === undefined ? {} : { following: beside.slice(1) }) }
      case 'fail':
        return { kind: 'failed', error: error ?? noClearAnswer() }
      case 'unknown':
        return { kind: 'unknown', error: error ?? noClearAnswer() }
      default:
        break
    }
  }
}

function noClearAnswer(): AlluviumError {
  return new AlluviumError('STORAGE_UNAVAILABLE', 'the store gave no clear answer')
}

function put(committer: Committer, proposal: Proposal, staged: StagedProposal | undefined, limits: Limits): Promise<ProposeOutcome> {
  const call = limits.call()
  limits.countPut()
  return (staged === undefined ? committer.propose(proposal, call) : staged.place(call)).finally(() => call.end())
}

function look(committer: Committer, proposal: Proposal, limits: Limits): ReturnType<Committer['findOut']> {
  const call = limits.call()
  return committer.findOut(proposal.version, proposal, call).finally(() => call.end())
}
