// From paths below a table's root to keys of a bucket and back, and where a listing starts.
import { decodeUtf8Strict, encodeUtf8 } from '../../bytes.js'
import { AlluviumError } from '../../errors.js'
import { checkObjectPath, isTemporaryName, leafName } from '../path.js'
import type { S3Place } from './options.js'

const MAX_KEY_BYTES = 1024

/** The key of a path. @throws AlluviumError `PATH_OUTSIDE_TABLE`, `INVALID_OPTIONS` for a key S3 cannot hold. */
export function keyOf(place: S3Place, path: string): string {
  checkObjectPath(path)
  const key = place.prefix === '' ? path : `${place.prefix}/${path}`
  if (key.length * 3 > MAX_KEY_BYTES && encodeUtf8(key).length > MAX_KEY_BYTES) {
    throw new AlluviumError('INVALID_OPTIONS', `'${path}' in ${place.location} makes a key of more than ${MAX_KEY_BYTES} bytes.`, {
      path,
      applied: false,
    })
  }
  return key
}

/** The prefix of everything in a folder: '' or with a slash at its end. */
export function prefixOf(place: S3Place, folder: string): string {
  const key = [place.prefix, folder].filter((part) => part !== '').join('/')
  return key === '' ? '' : `${key}/`
}

/** The path of a key below the root; undefined for one that is no path (a folder's marker, foreign names). */
export function pathOf(place: S3Place, key: string): string | undefined {
  const path = place.prefix === '' ? key : key.slice(place.prefix.length + 1)
  try {
    checkObjectPath(path)
    return path
  } catch {
    return undefined
  }
}

/** Refuses names that listings hide. */
export function refuseTemporary(path: string): void {
  if (!isTemporaryName(leafName(path))) return
  throw new AlluviumError('INVALID_OPTIONS', `'${path}' has the form of a temporary, which listings hide; use another name.`, {
    path,
    applied: false,
  })
}

/**
 * A key just before `key`, for S3 lists from behind a key on. Few keys lie between, whatever their names; those that do are
 * left out by whoever lists.
 */
export function keyBefore(key: string): string {
  const code = key.charCodeAt(key.length - 1)
  const start = key.slice(0, -1)
  // Letters and digits count down by one ('/' is passed over: some servers take it for a folder); other characters are dropped.
  if (code <= 0x2d || code > 0x7e) return isWhole(start) ? start : start.slice(0, -1)
  return `${start}${String.fromCharCode(code - 1 === 0x2f ? 0x2e : code - 1)}~`
}

/** A name of a listing that was asked for in URL form, where the answer says that it has it: servers differ. */
export function decodeKey(name: string, encoding: string | undefined): string {
  if (encoding !== 'url') return name
  if (!name.includes('%') && !name.includes('+')) return name
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return decodeUtf8Strict(encodeUtf8(name)) ?? name
  }
}

/** Not cut in the middle of a character. */
function isWhole(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return !(last >= 0xd800 && last <= 0xdbff)
}
