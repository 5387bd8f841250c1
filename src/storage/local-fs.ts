// The file-system calls a local store makes, as one table of functions: tests put a recording or failing table in its place.
// One rule: nothing here decides anything about objects; a call does what its name says or fails with the system's error.
import fs from 'node:fs'
import { dirname } from 'node:path'

/** A value now or later: calls that cannot wait for a device may answer at once. */
export type Maybe<T> = T | Promise<T>

/** What a file system says about one name. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly device: number
  readonly inode: number
  /** When it was made, where the file system keeps that: inode numbers are used again. */
  readonly bornMs: number
  /** How many names the file has. */
  readonly links: number
}

/** The calls of a local store. Failures are the system's errors, with `code` ('ENOENT', …). */
export interface LocalFs {
  open(path: string, flags: number): Maybe<number>
  close(fd: number): Maybe<void>
  /** Writes all of `bytes` at the current position or some first part of it; answers how many. */
  write(fd: number, bytes: Uint8Array): Maybe<number>
  /** Fills `into` from `position`, or less of it; 0 at the end. */
  read(fd: number, into: Uint8Array, position: number): Maybe<number>
  fsync(fd: number): Promise<void>
  fstat(fd: number): Maybe<FileFacts>
  /** `undefined` for a missing name, and for a name below something that is no folder. Does not follow a link. */
  lstat(path: string): Maybe<FileFacts | undefined>
  link(existing: string, path: string): Maybe<void>
  unlink(path: string): Maybe<void>
  rename(from: string, to: string): Maybe<void>
  mkdir(path: string): Maybe<void>
  readdir(path: string): Promise<string[]>
  realpath(path: string): Promise<string>
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_DIRECTORY = 0 } = fs.constants

/** Flags: a new file, never through a link; a file to read, never through a link and never waiting on a pipe; a folder to sync. */
export const OPEN_NEW: number = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
export const OPEN_READ: number = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
export const OPEN_FOLDER: number = O_RDONLY | O_DIRECTORY

/** Above this a write goes to the thread pool even on a quick file system: copying it would hold the event loop. */
const INLINE_WRITE_BYTES = 64 * 1024
/** Calls made at once before one has to go through the event loop: together well below a millisecond as a rule. */
const CALLS_BEFORE_A_TURN = 32

/**
 * The machine's file system for a store at `root`. On a file system known to be on this machine, calls on names and small
 * writes (which end in the page cache) run at once: a trip through the thread pool costs several times the call itself and
 * would dominate a durable create. Everything that waits for a device (fsync, reads, listings, large writes), and every call
 * on any other file system (NFS, SMB, FUSE, unknown), goes through the thread pool.
 */
export function systemFs(root: string): LocalFs {
  return isQuick(root) ? quickFs() : pooledFs
}

/** Every call through the thread pool. */
export const pooledFs: LocalFs = {
  open: (path, flags) => later((done) => fs.open(path, flags, 0o666, done)),
  close: (fd) => later<void>((done) => fs.close(fd, done as fs.NoParamCallback)),
  write: (fd, bytes) => later((done) => fs.write(fd, bytes, 0, bytes.length, null, done)),
  read: (fd, into, position) => later((done) => fs.read(fd, into, 0, into.length, position, done)),
  fsync: (fd) => later<void>((done) => fs.fsync(fd, done as fs.NoParamCallback)),
  fstat: (fd) => later<fs.Stats>((done) => fs.fstat(fd, done)).then(factsOf),
  lstat: (path) => later<fs.Stats>((done) => fs.lstat(path, done)).then(factsOf, missing),
  link: (existing, path) => later<void>((done) => fs.link(existing, path, done as fs.NoParamCallback)),
  unlink: (path) => later<void>((done) => fs.unlink(path, done as fs.NoParamCallback)),
  rename: (from, to) => later<void>((done) => fs.rename(from, to, done as fs.NoParamCallback)),
  mkdir: (path) => later<void>((done) => fs.mkdir(path, done as fs.NoParamCallback)),
  readdir: (path) => later((done) => fs.readdir(path, done)),
  realpath: (path) => later((done) => fs.realpath.native(path, done)),
}

/**
 * A table that makes calls on names and small writes at once and the rest through the thread pool. One call in so many goes
 * through the pool all the same, so that a caller in a tight loop lets timers and sockets have their turn.
 */
export function quickFs(): LocalFs {
  let left = CALLS_BEFORE_A_TURN
  const turn = <A extends unknown[], T>(now: (...args: A) => T, pooled: (...args: A) => Maybe<T>): ((...args: A) => Maybe<T>) => {
    return (...args) => {
      if (--left > 0) return now(...args)
      left = CALLS_BEFORE_A_TURN
      return pooled(...args)
    }
  }
  const write = turn((fd: number, bytes: Uint8Array) => fs.writeSync(fd, bytes), pooledFs.write)
  return {
    ...pooledFs,
    open: turn((path, flags) => fs.openSync(path, flags, 0o666), pooledFs.open),
    close: turn((fd) => fs.closeSync(fd), pooledFs.close),
    write: (fd, bytes) => (bytes.length <= INLINE_WRITE_BYTES ? write(fd, bytes) : pooledFs.write(fd, bytes)),
    fstat: turn((fd) => factsOf(fs.fstatSync(fd)), pooledFs.fstat),
    lstat: turn(lstatNow, pooledFs.lstat),
    link: turn((existing, path) => fs.linkSync(existing, path), pooledFs.link),
    unlink: turn((path) => fs.unlinkSync(path), pooledFs.unlink),
    rename: turn((from, to) => fs.renameSync(from, to), pooledFs.rename),
    mkdir: turn((path) => {
      fs.mkdirSync(path)
    }, pooledFs.mkdir),
  }
}

/** The system's name for an error ('ENOENT', …), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether an error says that a name, or a folder on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  const code = errnoOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

// statfs(2) magic numbers of file systems that live in this machine: ext, xfs, btrfs, tmpfs, overlay, f2fs, zfs, bcachefs.
const QUICK_TYPES = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e])

function isQuick(root: string): boolean {
  if (process.platform !== 'linux') return false
  for (let path = root; ; path = dirname(path)) {
    try {
      return QUICK_TYPES.has(fs.statfsSync(path).type)
    } catch {
      if (path === dirname(path)) return false
    }
  }
}

function factsOf(stats: fs.Stats): FileFacts {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other'
  return {
    kind,
    sizeBytes: stats.size,
    modifiedMs: Math.floor(stats.mtimeMs),
    device: stats.dev,
    inode: stats.ino,
    bornMs: stats.birthtimeMs,
    links: stats.nlink,
  }
}

function lstatNow(path: string): FileFacts | undefined {
  try {
    const stats = fs.lstatSync(path, { throwIfNoEntry: false })
    return stats === undefined ? undefined : factsOf(stats)
  } catch (error) {
    return missing(error)
  }
}

function missing(error: unknown): undefined {
  if (isMissing(error) || errnoOf(error) === 'ENAMETOOLONG') return undefined
  throw error
}

function later<T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)))
  })
}
