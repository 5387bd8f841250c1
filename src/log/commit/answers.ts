// What a committer answers: outcomes are values, also the one that nobody knows.
import type { AlluviumError } from '../../errors.js'

export type ProposeOutcome =
  /** The proposal is the version. */
  | { readonly kind: 'created' }
  /** The version was there already: somebody's, or ours from an earlier try of the same proposal. */
  | { readonly kind: 'exists' }
  /** Surely nothing was done and nothing will be. */
  | { readonly kind: 'refused'; readonly error: AlluviumError }
  /** It may be the version already, or become it later. */
  | { readonly kind: 'unclear'; readonly error: AlluviumError }

export type FindOutcome =
  | { readonly kind: 'ours' }
  | { readonly kind: 'other'; readonly bytes: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly error: AlluviumError }

export type HoldsOutcome =
  /** `isFollowed`: so is the version after it. */
  | { readonly kind: 'held'; readonly isFollowed: boolean }
  /** `isCleaned`: a checkpoint of a later version shows why; without one the log has a hole. */
  | { readonly kind: 'gone'; readonly isCleaned: boolean }
  | { readonly kind: 'unreadable'; readonly error: AlluviumError }
