// Errors: one class with a stable `code`; the message is for people and free to change.
// A message says what failed, on what, and what to do next. Credentials never enter a message or a fact.

/** Stable codes. Callers branch on these, never on messages. */
export type ErrorCode =
  | 'NOT_A_TABLE'
  | 'VERSION_NOT_FOUND'
  | 'CORRUPT_LOG'
  | 'CORRUPT_CHECKPOINT'
  | 'CORRUPT_DATA'
  | 'MISSING_FILE'
  | 'UNSUPPORTED_FEATURE'
  | 'PATH_OUTSIDE_TABLE'
  | 'LIMIT_EXCEEDED'
  | 'SCHEMA_MISMATCH'
  | 'INVALID_ROW'
  | 'INVALID_OPTIONS'
  | 'CONSTRAINT_VIOLATED'
  | 'COMMIT_CONFLICT'
  | 'COMMIT_STATE_UNKNOWN'
  | 'FENCED'
  | 'ALREADY_EXISTS'
  | 'STORAGE_UNSAFE'
  | 'PERMISSION_DENIED'
  | 'STORAGE_FULL'
  | 'STORAGE_UNAVAILABLE'
  | 'ABORTED'

/** Machine-readable particulars of an error: path, version, column, feature names, … */
export type ErrorFacts = Readonly<Record<string, unknown>>

/** Messages quote what they are about, and paths, names and types can be of any length. The facts have them whole. */
const MAX_MESSAGE_LENGTH = 4096

/**
 * Every failure this library reports. A caller's own mistake in types (a missing argument, a wrong kind of value)
 * is a `TypeError` or `RangeError` instead.
 *
 * @example
 * try { await openTable('./events') } catch (error) {
 *   if (isAlluviumError(error, 'NOT_A_TABLE')) console.error('create it first')
 *   else throw error
 * }
 */
export class AlluviumError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, options: { cause?: unknown } = {}) {
    super(
      message.length > MAX_MESSAGE_LENGTH
        ? `${message.slice(0, MAX_MESSAGE_LENGTH / 2)} … ${message.slice(-MAX_MESSAGE_LENGTH / 2)}`
        : message,
      options,
    )
    this.name = 'AlluviumError'
    this.code = code
    this.facts = facts
  }
}

/** Narrows to {@link AlluviumError}; with codes given, only those. */
export function isAlluviumError(error: unknown, ...codes: ErrorCode[]): error is AlluviumError {
  if (!(error instanceof AlluviumError)) return false
  return codes.length === 0 || codes.includes(error.code)
}

/** The error for an `AbortSignal` that fired: code `ABORTED`, the signal's reason as the cause. */
export function abortedError(signal: AbortSignal, what: string): AlluviumError {
  return new AlluviumError('ABORTED', `${what} was aborted by the caller`, {}, { cause: signal.reason })
}

/** Throws {@link abortedError} when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(signal, what)
}
