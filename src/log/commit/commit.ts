// Committing once, however often that has to be tried.

import { CommitRun } from './commit-run.js'
import { checkConflict } from './conflict.js'
import { type CommitOptions, Limits } from './limits.js'
import { SingleCommit } from './plan.js'
import type { CommitContext, CommitRequest, CommitResult, CommitRules } from './request.js'
import { settle } from './settlement.js'

/**
 * Commits once, as a version of its own.
 * @throws AlluviumError `COMMIT_CONFLICT` (facts `rule`, `version`), `COMMIT_STATE_UNKNOWN` ({@link CommitStateUnknownError}),
 * `ALREADY_EXISTS` when making a table, `UNSUPPORTED_FEATURE`, `CONSTRAINT_VIOLATED`, `ABORTED`, the store's errors.
 * The fact `committed: false` says that the commit is surely not in the table; see `mayDeleteDataFiles`.
 */
export function commit(context: CommitContext, request: CommitRequest, options: CommitOptions = {}): Promise<CommitResult> {
  return commitByRules(context, request, options, RULES)
}

/** {@link commit} with given decisions. */
export async function commitByRules(
  context: CommitContext,
  request: CommitRequest,
  options: CommitOptions,
  rules: CommitRules,
): Promise<CommitResult> {
  const plan = new SingleCommit(request, context.storage, rules.checkConflict)
  return new CommitRun(context, plan, new Limits(context.runtime, options), rules).run()
}

/** The decisions that count. */
export const RULES: CommitRules = { settle, checkConflict }
