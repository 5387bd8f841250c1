// The surface of committing.
export { commit, commitByRules } from './commit.js'
export { buildCommitInfo, type CommitDescription, type CommitMoment, ENGINE_INFO } from './commit-info.js'
export {
  type Committer,
  type CommitterCall,
  type FindOutcome,
  fileSystemCommitter,
  type HoldsOutcome,
  type Proposal,
  type ProposeOutcome,
  type StagedProposal,
  txnIdOf,
} from './committer.js'
export { type ConflictBase, type ConflictDecision, type ConflictRule, checkConflict, type Winner } from './conflict.js'
export { vacuumAnnouncement, vacuumFenceMs } from './conflict-sides.js'
export { commitShared, identifyStore, mayShare } from './group.js'
export { ISOLATION_LEVELS, type IsolationLevel, isBlindAppend, type ReadSet } from './isolation.js'
export type { CommitOptions } from './limits.js'
export { CommitStateUnknownError, mayDeleteDataFiles, type Resolution, type ResolveOptions } from './outcomes.js'
export type { CommitContext, CommitRequest, CommitResult, CommitRules } from './request.js'
export { givesRowIds, ROW_TRACKING_DOMAIN } from './row-tracking.js'
export { type Allowance, type Placement, type PlacementEvent, type PlacementStep, settle } from './settlement.js'
