// The system's errors as errors of this library: which code, on what, and what to do next.
// One rule: an error that already has a code of ours passes through unchanged.
import { AlluviumError, type ErrorCode } from '../errors.js'
import { errnoOf } from './local-fs.js'

/** What is known of an object after a failed create: surely nothing was put in place, or it may be there. */
export type Applied = false | 'unknown'

/** What was being done, for the message and the facts. */
export interface LocalAttempt {
  /** As in "could not {doing} 'path'". */
  readonly doing: string
  readonly path: string
  readonly location: string
  readonly applied?: Applied | undefined
}

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['STORAGE_FULL', 'the disk is full. Free some space and try again'],
  EDQUOT: ['STORAGE_FULL', 'the disk quota is used up. Free some space or raise the quota and try again'],
  EFBIG: ['STORAGE_FULL', 'the largest file size allowed here is reached. Raise the limit (ulimit -f) or write smaller files'],
  EACCES: ['PERMISSION_DENIED', 'permission is denied. Give this user the right to read and write the folder'],
  EPERM: ['PERMISSION_DENIED', 'the operation is not permitted. Give this user the right to read and write the folder'],
  EROFS: ['PERMISSION_DENIED', 'the file system is read-only. Mount it for writing or use another folder'],
  EMFILE: ['STORAGE_UNAVAILABLE', 'too many files are open. Raise the limit (ulimit -n) or write fewer files at once'],
  ENFILE: ['STORAGE_UNAVAILABLE', 'the system has too many open files. Close some and try again'],
  ENOTDIR: ['STORAGE_UNAVAILABLE', 'a file is where a folder is needed. Remove it or use another path'],
  EISDIR: ['STORAGE_UNAVAILABLE', 'a folder has this name. Remove it or use another path'],
  ENAMETOOLONG: ['STORAGE_UNAVAILABLE', 'the name is too long for this file system. Use a shorter one'],
  ENOENT: ['STORAGE_UNAVAILABLE', 'the folder went away meanwhile. Check that nobody removes the table and try again'],
  EIO: ['STORAGE_UNAVAILABLE', 'the device reports an input or output error. Check the disk before trying again'],
}

/** Failures that stay until somebody changes the path: trying again by itself is of no use. */
const LASTING: ReadonlySet<string> = new Set(['ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP'])

/** Turns a failure of the file system into an {@link AlluviumError}; passes ours through. */
export function localError(error: unknown, attempt: LocalAttempt): AlluviumError {
  if (error instanceof AlluviumError) return error
  const errno = errnoOf(error)
  if (errno === undefined && (error instanceof TypeError || error instanceof RangeError)) throw error
  const [code, text] = CODES[errno ?? ''] ?? [
    'STORAGE_UNAVAILABLE',
    `${String((error as Error)?.message ?? error)}. Check the disk and try again`,
  ]
  const { doing, path, location, applied } = attempt
  const facts = {
    path,
    location,
    errno,
    ...(applied === undefined ? {} : { applied }),
    ...(LASTING.has(errno ?? '') ? { lasting: true } : {}),
  }
  return new AlluviumError(code, `could not ${doing} '${path}' in ${location}: ${text}.`, facts, { cause: error })
}

/** A link leads out of the root: refused for reading, writing, listing and deleting alike. */
export function outsideError(path: string, location: string): AlluviumError {
  return new AlluviumError(
    'PATH_OUTSIDE_TABLE',
    `'${path}' is or lies below a symbolic link that leads out of ${location}, and is refused. Put the data itself into the table's folder.`,
    { path, location, applied: false },
  )
}

/** The caller's signal fired before anything was put in place. */
export function abortedCall(signal: AbortSignal, attempt: LocalAttempt): AlluviumError {
  const { doing, path, location } = attempt
  return new AlluviumError(
    'ABORTED',
    `the caller aborted an attempt to ${doing} '${path}' in ${location}; nothing was put in place.`,
    { path, location, applied: false },
    { cause: signal.reason },
  )
}

/** Throws {@link abortedCall} when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined, attempt: LocalAttempt): void {
  if (signal?.aborted) throw abortedCall(signal, attempt)
}

/** Hard links or folder syncs are not to be had here, so the promise of a create cannot be kept. */
export function unsafeError(problem: string, attempt: LocalAttempt, applied: Applied, cause: unknown): AlluviumError {
  const { path, location } = attempt
  const facts = { path, location, errno: errnoOf(cause), applied }
  return new AlluviumError('STORAGE_UNSAFE', `could not create '${path}' in ${location}: ${problem}`, facts, { cause })
}
