// A file system that keeps a record: every change that a store makes to names and bytes, and every sync, in order, while all of it
// really happens on the machine's own. One rule: a sync is recorded when it has ended, with where the record stood when it began;
// what came between may or may not be covered.
import { type LocalFs, OPEN_FOLDER, OPEN_NEW, systemFs } from '../../src/storage/local-fs.js'

export type Event =
  | { readonly kind: 'create' | 'mkdir'; readonly path: string; readonly inode: number }
  | { readonly kind: 'write'; readonly inode: number; readonly bytes: Uint8Array }
  | { readonly kind: 'link'; readonly inode: number; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** `folder` is the path of a folder; a file has an inode. */
  | { readonly kind: 'sync'; readonly inode?: number; readonly folder?: string; readonly since: number }

/** What a store may do wrong with its syncs. */
export type SyncDefect = 'no file sync' | 'no folder sync' | 'file sync after the name'

export interface Recording {
  readonly fs: LocalFs
  readonly events: readonly Event[]
}

export function recordingFs(root: string, defect?: SyncDefect): Recording {
  const inner = systemFs(root)
  const events: Event[] = []
  const names = new Map<string, number>()
  const files = new Map<number, { readonly inode: number } | { readonly folder: string }>()
  /** Syncs that were answered and are yet to be made. */
  let owed: number[] = []
  let inodes = 0

  const synced = (what: { readonly inode: number } | { readonly folder: string }, since: number): void => {
    events.push({ kind: 'sync', ...what, since })
  }
  const sync = async (fd: number): Promise<void> => {
    const what = files.get(fd)
    if (what === undefined) return inner.fsync(fd)
    const isFile = 'inode' in what
    if (defect === (isFile ? 'no file sync' : 'no folder sync')) return
    const since = events.length
    await inner.fsync(fd)
    if (isFile && defect === 'file sync after the name') {
      owed.push(what.inode)
      return
    }
    synced(what, since)
    for (const inode of isFile ? [] : owed) synced({ inode }, events.length)
    if (!isFile) owed = []
  }

  const fs: LocalFs = {
    ...inner,
    open: async (path, flags) => {
      const fd = await inner.open(path, flags)
      if (flags === OPEN_NEW) {
        const inode = ++inodes
        names.set(path, inode)
        files.set(fd, { inode })
        events.push({ kind: 'create', path, inode })
      } else if (flags === OPEN_FOLDER) files.set(fd, { folder: path })
      return fd
    },
    close: (fd) => {
      files.delete(fd)
      return inner.close(fd)
    },
    write: async (fd, bytes) => {
      const file = files.get(fd) as { readonly inode: number }
      const copy = bytes.slice()
      const count = await inner.write(fd, bytes)
      events.push({ kind: 'write', inode: file.inode, bytes: copy.subarray(0, count) })
      return count
    },
    fsync: sync,
    link: async (from, to) => {
      await inner.link(from, to)
      const inode = names.get(from) as number
      names.set(to, inode)
      events.push({ kind: 'link', inode, path: to })
    },
    unlink: async (path) => {
      await inner.unlink(path)
      names.delete(path)
      events.push({ kind: 'unlink', path })
    },
    rename: async (from, to) => {
      await inner.rename(from, to)
      names.set(to, names.get(from) as number)
      names.delete(from)
      events.push({ kind: 'rename', from, to })
    },
    mkdir: async (path) => {
      await inner.mkdir(path)
      events.push({ kind: 'mkdir', path, inode: ++inodes })
    },
  }
  return { fs, events }
}
