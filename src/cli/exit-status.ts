// Exit status by error code, as documented: scripts rely on it.
import { type ErrorCode, isAlluviumError } from '../errors.js'

const STATUS: Readonly<Record<ErrorCode, number>> = {
  NOT_A_TABLE: 3,
  VERSION_NOT_FOUND: 3,
  CORRUPT_LOG: 3,
  CORRUPT_CHECKPOINT: 3,
  CORRUPT_DATA: 3,
  MISSING_FILE: 3,
  UNSUPPORTED_FEATURE: 3,
  PATH_OUTSIDE_TABLE: 3,
  LIMIT_EXCEEDED: 3,
  SCHEMA_MISMATCH: 4,
  INVALID_ROW: 4,
  CONSTRAINT_VIOLATED: 4,
  INVALID_OPTIONS: 2,
  COMMIT_CONFLICT: 5,
  FENCED: 5,
  COMMIT_STATE_UNKNOWN: 6,
  ALREADY_EXISTS: 1,
  STORAGE_UNSAFE: 1,
  PERMISSION_DENIED: 1,
  STORAGE_FULL: 1,
  STORAGE_UNAVAILABLE: 1,
  ABORTED: 130,
}

/** 0 done, 1 failed, 2 wrong usage, 3 the table cannot be used by us, 4 bad input data, 5 conflict, 6 unknown outcome, 130 interrupted. */
export function exitStatusOf(error: unknown): number {
  return isAlluviumError(error) ? STATUS[error.code] : 1
}
