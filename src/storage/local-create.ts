// Putting whole objects in place on a local file system: stage under a hidden name, sync, then link (create) or rename (put).
// One rule: the final name never shows anything but a whole object, and an answer is given only after file and name are durable.

import { type Applied, type LocalAttempt, localError, stopIfAborted, unsafeError } from './local-errors.js'
import { errnoOf, isMissing, OPEN_NEW } from './local-fs.js'
import type { LocalRoot } from './local-root.js'
import { leafName } from './path.js'
import type { CreateOutcome, PlaceCallOptions } from './storage.js'
import { isWithdrawn, withdrawnError } from './withdrawn.js'

/** A whole object under a hidden name, ready to be linked. */
export interface LocalStaged {
  readonly path: string
  readonly folder: string
  readonly final: string
  readonly temporary: string
}

const MAX_NAME_BYTES = 255
/** '.', '.', a UUID and '.tmp'. */
const TEMPORARY_EXTRA_BYTES = 42
/** `link` answers that say: not on this file system. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EINVAL'])
/** `link` answers after which the name is surely not in place. Any other may be a lost answer of a remote server. */
const SURELY_NOT_LINKED = new Set(['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])

/** The absolute path an object has in a folder. */
export function inFolder(folder: string, path: string): string {
  return folder.endsWith('/') ? folder + leafName(path) : `${folder}/${leafName(path)}`
}

/** Writes all of `bytes`, however few the system takes at a time. */
export async function writeAll(root: LocalRoot, fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const written = await root.fs.write(fd, at === 0 ? bytes : bytes.subarray(at))
    if (written <= 0) throw Object.assign(new Error('the file system took no bytes'), { code: 'EIO' })
    at += written
  }
}

/** Stages an object beside its final name; its bytes are durable when this resolves. Leaves nothing behind on failure. */
export async function stage(
  root: LocalRoot,
  folder: string,
  path: string,
  bytes: Uint8Array,
  uuid: string,
  signal: AbortSignal | undefined,
  attempt: LocalAttempt,
): Promise<LocalStaged> {
  stopIfAborted(signal, attempt)
  const temporary = inFolder(folder, temporaryName(leafName(path), uuid))
  const fd = await root.fs.open(temporary, OPEN_NEW)
  let open = true
  try {
    await writeAll(root, fd, bytes)
    if (root.durable) await root.fs.fsync(fd)
    open = false
    await root.fs.close(fd)
    stopIfAborted(signal, attempt)
  } catch (error) {
    if (open) await quietly(() => root.fs.close(fd))
    await quietly(() => root.fs.unlink(temporary))
    throw error
  }
  return { path, folder, final: inFolder(folder, path), temporary }
}

/** Whether a name is taken, so that a create can stop before it stages. Throws when what has the name is no object. */
export async function isTaken(root: LocalRoot, folder: string, path: string, attempt: LocalAttempt): Promise<boolean> {
  const absolute = inFolder(folder, path)
  const facts = await root.fs.lstat(absolute)
  if (facts === undefined) return false
  if (facts.kind === 'file') return true
  if (facts.kind === 'link' && (await root.follow(path, absolute)) !== undefined) return true
  const code = facts.kind === 'folder' ? 'EISDIR' : undefined
  const what = facts.kind === 'link' ? 'a broken symbolic link has this name' : 'something that is no file has this name'
  throw localError(Object.assign(new Error(what), { code }), attempt)
}

/** Links a staged object to its final name, durably, and drops the hidden one. */
export async function place(
  root: LocalRoot,
  staged: LocalStaged,
  attempt: LocalAttempt,
  options: PlaceCallOptions | undefined,
): Promise<CreateOutcome> {
  if (isWithdrawn(options)) {
    await discard(root, staged)
    throw withdrawnError(staged.path, attempt.location)
  }
  try {
    await root.fs.link(staged.temporary, staged.final)
  } catch (error) {
    const linked = errnoOf(error) === 'EEXIST' && (await isLinked(root, staged))
    if (!linked) {
      await discard(root, staged)
      if (errnoOf(error) !== 'EEXIST') throw linkError(error, attempt)
      await isTaken(root, staged.folder, staged.path, attempt)
      return 'exists'
    }
  }
  // The hidden name goes before the sync, so that one sync makes both changes durable.
  await discard(root, staged)
  if (root.durable) await syncPlaced(root, staged.folder, attempt)
  return 'created'
}

/** Drops a staged object. Never throws. */
export async function discard(root: LocalRoot, staged: LocalStaged): Promise<void> {
  await quietly(() => root.fs.unlink(staged.temporary))
}

/** Renames a staged object over its final name, durably. */
export async function replace(root: LocalRoot, staged: LocalStaged, attempt: LocalAttempt): Promise<void> {
  try {
    const there = await root.fs.lstat(staged.final)
    if (there?.kind === 'link') await root.follow(staged.path, staged.final)
    await root.fs.rename(staged.temporary, staged.final)
  } catch (error) {
    await discard(root, staged)
    throw error
  }
  if (root.durable) await syncPlaced(root, staged.folder, attempt)
}

/** Runs a clean-up step whose failure changes nothing: what it leaves behind is hidden and found by `cleanLeftovers`. */
export async function quietly(step: () => unknown): Promise<void> {
  try {
    await step()
  } catch {}
}

/** `.{name}.{uuid}.tmp`, the name shortened where the file system would refuse so long a one. */
export function temporaryName(name: string, uuid: string): string {
  let shown = name
  while (new TextEncoder().encode(shown).length > MAX_NAME_BYTES - TEMPORARY_EXTRA_BYTES) shown = [...shown].slice(0, -8).join('')
  return `.${shown}.${uuid}.tmp`
}

/** On NFS an answer can be lost and the repeated request meet its own link: then our file has two names. */
async function isLinked(root: LocalRoot, staged: LocalStaged): Promise<boolean> {
  const [ours, theirs] = [await root.fs.lstat(staged.temporary), await root.fs.lstat(staged.final)]
  return ours !== undefined && theirs !== undefined && ours.links >= 2 && ours.inode === theirs.inode && ours.device === theirs.device
}

function linkError(error: unknown, attempt: LocalAttempt): Error {
  const code = errnoOf(error) ?? ''
  if (NO_HARD_LINKS.has(code)) {
    const problem =
      `this file system makes no hard links (${code}), and without them two writers could overwrite each other's commits. ` +
      'Keep the table on a file system with hard links (ext4, xfs, btrfs, APFS, NFS) or in an object store.'
    return unsafeError(problem, attempt, false, error)
  }
  const applied: Applied = SURELY_NOT_LINKED.has(code) ? false : 'unknown'
  return localError(error, { ...attempt, applied })
}

/** From here on the object is in place: a failure leaves open whether it stays. */
async function syncPlaced(root: LocalRoot, folder: string, attempt: LocalAttempt): Promise<void> {
  try {
    await root.sync(folder)
  } catch (error) {
    const code = errnoOf(error) ?? ''
    if (code === 'EINVAL' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') {
      const problem = `this file system cannot sync folders (${code}), so the new name may be lost with the power. Use durability 'none' to accept that.`
      throw unsafeError(problem, attempt, 'unknown', error)
    }
    throw localError(isMissing(error) ? Object.assign(new Error('the folder went away'), { code }) : error, {
      ...attempt,
      applied: 'unknown',
    })
  }
}
