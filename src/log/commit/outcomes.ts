// How a commit ends that did not succeed: surely not in the table (the fact `committed: false`), or in doubt, as an error that
// can be asked later. One rule: nothing is called failed that may be there.
import { AlluviumError, isAlluviumError } from '../../errors.js'

/** What became of a commit whose outcome was unknown. */
export type Resolution =
  /** It is in the table, at this version. */
  | { readonly kind: 'committed'; readonly version: number }
  /** It is not in the table and will not appear: its version is somebody else's. The work may be done again. */
  | { readonly kind: 'not-committed'; readonly version: number }
  /** Still nobody knows: the version is free, or could not be read. Ask again later. */
  | { readonly kind: 'unknown'; readonly version: number; readonly error?: AlluviumError }

export interface ResolveOptions {
  /**
   * Puts the same bytes at the same version once more when the version is still free, which settles the matter as soon
   * as the store answers. Without it, asking changes nothing, and an idle table may stay in doubt for ever.
   */
  readonly putAgain?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Code `COMMIT_STATE_UNKNOWN`; facts `txnId`, `version`. The commit may be in the table or may still appear there. Keep its data
 * files and do not write its rows again before {@link CommitStateUnknownError.resolve} has answered.
 *
 * @example
 * catch (error) {
 *   if (!(error instanceof CommitStateUnknownError)) throw error
 *   const outcome = await error.resolve({ putAgain: true })
 *   if (outcome.kind === 'committed') console.log(`it was version ${outcome.version}`)
 * }
 */
export class CommitStateUnknownError extends AlluviumError {
  readonly #resolve: (options: ResolveOptions) => Promise<Resolution>

  constructor(
    message: string,
    facts: { readonly txnId: string; readonly version: number; readonly [fact: string]: unknown },
    resolve: (options: ResolveOptions) => Promise<Resolution>,
    options: { cause?: unknown } = {},
  ) {
    super('COMMIT_STATE_UNKNOWN', message, facts, options)
    this.#resolve = resolve
  }

  /** Finds out what became of the commit. Rejects only with `ABORTED`; may be called any number of times. */
  resolve(options: ResolveOptions = {}): Promise<Resolution> {
    return this.#resolve(options)
  }
}

/**
 * Whether the data files of a commit that threw `error` may be deleted: only when the commit is surely not in the table
 * and never will be. Every other doubt is left to vacuum, which looks at what the log refers to.
 */
export function mayDeleteDataFiles(error: unknown): boolean {
  return error instanceof AlluviumError && !(error instanceof CommitStateUnknownError) && error.facts.committed === false
}

/**
 * The error with the fact that its commit is surely not in the table. Errors that are not ours stay as they are. A request that the
 * store gave up because its time was over is not aborted by the caller: that says so itself, and has the fact already.
 */
export function notCommitted(error: unknown): unknown {
  if (!isAlluviumError(error) || error.facts.committed !== undefined || error instanceof CommitStateUnknownError) return error
  const code = error.code === 'ABORTED' ? 'STORAGE_UNAVAILABLE' : error.code
  return new AlluviumError(code, error.message, { ...error.facts, committed: false }, { cause: error })
}

/** `ALREADY_EXISTS`, for a commit that would have made a table where there is one. */
export function alreadyExistsError(location: string): AlluviumError {
  return new AlluviumError('ALREADY_EXISTS', `there is a table at ${location} already; open it, or choose another place`, {
    location,
    committed: false,
  })
}

/** `COMMIT_CONFLICT`, for a commit whose base the log no longer holds: what follows that is not known any more. */
export function leftBehindError(version: number): AlluviumError {
  return new AlluviumError(
    'COMMIT_CONFLICT',
    `version ${version}, on which a commit was to stand, has been cleaned from the log since; open the table again and decide whether to repeat it`,
    { rule: 'log-cleaned', version },
  )
}
