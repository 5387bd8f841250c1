// Storage paths: what a path below a store's root may look like, checked once at the door of every store.
// One rule: a path that passes here can be joined to a root without ever leaving it by its text alone.
import { AlluviumError } from '../errors.js'

/** A part that is empty, '.' or '..': also catches '', a leading '/', a trailing '/' and '//'. */
const BAD_PART = /(?:^|\/)\.{0,2}(?:\/|$)/
const BAD_CHARACTER = /[\0\\]/
/** A surrogate without its partner: no UTF-8 name can hold it, two such names could become one. */
const LONE_SURROGATE = /\p{Surrogate}/u
const TEMPORARY = /^\..*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.tmp$/s

/**
 * Checks an object's path: relative, '/'-separated parts, none of them empty, '.' or '..', no NUL, no backslash, and
 * well-formed Unicode. A path is a real name: '%2e%2e' is an ordinary part here.
 *
 * @throws AlluviumError `PATH_OUTSIDE_TABLE` naming the fault; `TypeError` when it is no string.
 */
export function checkObjectPath(path: string): void {
  if (typeof path !== 'string') throw new TypeError(`a storage path is a string, not ${typeof path}`)
  if (!BAD_PART.test(path) && !BAD_CHARACTER.test(path) && !LONE_SURROGATE.test(path)) return
  throw new AlluviumError(
    'PATH_OUTSIDE_TABLE',
    `${JSON.stringify(path)} names no object inside a table: ${pathFault(path)}. Give a relative path such as 'part-0.parquet'.`,
    { path, applied: false },
  )
}

/** Checks a folder's path: '' for the root, otherwise as {@link checkObjectPath}. */
export function checkFolderPath(folder: string): void {
  if (folder !== '') checkObjectPath(folder)
}

/**
 * Checks the arguments of a listing: the folder, and a `from` that lies in it.
 *
 * @throws AlluviumError `PATH_OUTSIDE_TABLE`, or `INVALID_OPTIONS` when `from` is no path in the folder.
 */
export function checkListing(folder: string, from: string | undefined): void {
  checkFolderPath(folder)
  if (from === undefined) return
  checkObjectPath(from)
  if (folder === '' || from.startsWith(`${folder}/`)) return
  throw new AlluviumError('INVALID_OPTIONS', `a listing of '${folder}' cannot start from '${from}': give a path in that folder.`, {
    path: folder,
    from,
  })
}

/** Checks a byte range: both safe integers of at least 0. */
export function checkRange(offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`offset must be an integer of at least 0, not ${offset}`)
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`length must be an integer of at least 0, not ${length}`)
}

/** Checks that a value is bytes. */
export function checkBytes(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`the bytes of an object are a Uint8Array, not ${typeof bytes}`)
}

/** Whether a path would pass {@link checkObjectPath}. */
export function isObjectPath(path: string): boolean {
  return !BAD_PART.test(path) && !BAD_CHARACTER.test(path) && !LONE_SURROGATE.test(path)
}

/** The folder an object lies in: '' for the root. */
export function parentFolder(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** The last part of a path. */
export function leafName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path of `name` in `folder`. */
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/**
 * Whether a name is that of a temporary a store stages objects under, `.{name}.{uuid}.tmp` (Hadoop's Delta writers use
 * the same form). Stores neither list such names nor let callers make them.
 */
export function isTemporaryName(name: string): boolean {
  return name.charCodeAt(0) === 0x2e && TEMPORARY.test(name)
}

function pathFault(path: string): string {
  if (path === '') return 'it is empty'
  if (path.startsWith('/')) return 'it is absolute'
  if (BAD_CHARACTER.test(path)) return path.includes('\0') ? 'it has a NUL' : 'it has a backslash'
  if (LONE_SURROGATE.test(path)) return 'it is not well-formed Unicode'
  const part = path.split('/').find((each) => each === '' || each === '.' || each === '..')
  return part === '' ? 'it has an empty part' : `it has a part '${part}'`
}
