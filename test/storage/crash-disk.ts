// A disk in memory that can lose its power. It keeps what every file and folder holds now, and what of that is durable; a
// crash image is what may be found afterwards: of everything not yet synced any part may be there.
//
// The model promises a store only what POSIX does: fsync of a file makes its bytes durable and not its name; fsync of a folder
// makes the names in it durable and not the files. Changes of names not yet synced survive or not one by one.
import type { FileFacts, LocalFs } from '../../src/storage/local-fs.js'
import { OPEN_FOLDER, OPEN_NEW } from '../../src/storage/local-fs.js'
import { systemError } from './scripted-fs.js'

interface FileNode {
  readonly kind: 'file'
  readonly inode: number
  bytes: Uint8Array
  durable: Uint8Array
  links: number
}

interface FolderNode {
  readonly kind: 'folder'
  readonly inode: number
  readonly names: Map<string, Node>
  readonly durable: Map<string, Node>
  /** Changes not yet durable, in order; a rename is one change. */
  pending: Change[]
}

type Node = FileNode | FolderNode
type Change = readonly (readonly [name: string, node: Node | undefined])[]

export interface CrashDisk {
  readonly fs: LocalFs
  /** Calls made. */
  readonly calls: number
  /** Called after each call took effect. */
  onCall: () => void
  /** A disk as it may be found after the power went now. */
  crash(random: () => number): CrashDisk
}

let inodes = 1

/** An empty disk with the folder '/'. */
export function crashDisk(root: FolderNode = folder(new Map())): CrashDisk {
  const open = new Map<number, Node>()
  let nextFd = 3
  let calls = 0

  const at = (path: string): Node | undefined => {
    let node: Node | undefined = root
    for (const name of path.split('/').filter(Boolean)) {
      if (node?.kind !== 'folder') return undefined
      node = node.names.get(name)
    }
    return node
  }
  const parentOf = (path: string): [FolderNode, string] => {
    const slash = path.lastIndexOf('/')
    const parent = at(path.slice(0, slash))
    if (parent === undefined) throw systemError('ENOENT')
    if (parent.kind !== 'folder') throw systemError('ENOTDIR')
    return [parent, path.slice(slash + 1)]
  }
  const change = (parent: FolderNode, ...changes: [string, Node | undefined][]): void => {
    apply(parent.names, changes)
    parent.pending.push(changes)
  }
  const fileOf = (fd: number): FileNode => {
    const node = open.get(fd)
    if (node?.kind !== 'file') throw systemError('EBADF')
    return node
  }
  /** Each call takes effect on a later turn, so that concurrent calls mix. */
  const call = async <T>(effect: () => T): Promise<T> => {
    await Promise.resolve()
    calls++
    try {
      return effect()
    } finally {
      disk.onCall()
    }
  }
  const existing = (path: string): Node => {
    const node = at(path)
    if (node === undefined) throw systemError('ENOENT')
    return node
  }

  const disk: CrashDisk & { onCall: () => void } = {
    onCall: () => {},
    get calls() {
      return calls
    },
    crash: (random) => crashDisk(folderAfter(root, random, new Map())),
    fs: {
      open: (path, flags) =>
        call(() => {
          let node = at(path)
          if (flags === OPEN_NEW) {
            if (node !== undefined) throw systemError('EEXIST')
            const [parent, name] = parentOf(path)
            node = { kind: 'file', inode: inodes++, bytes: new Uint8Array(0), durable: new Uint8Array(0), links: 1 }
            change(parent, [name, node])
          }
          if (node === undefined) throw systemError('ENOENT')
          if (flags === OPEN_FOLDER && node.kind !== 'folder') throw systemError('ENOTDIR')
          open.set(nextFd, node)
          return nextFd++
        }),
      close: (fd) => call(() => void open.delete(fd)),
      write: (fd, bytes) =>
        call(() => {
          const file = fileOf(fd)
          const longer = new Uint8Array(file.bytes.length + bytes.length)
          longer.set(file.bytes)
          longer.set(bytes, file.bytes.length)
          file.bytes = longer
          return bytes.length
        }),
      read: (fd, into, position) =>
        call(() => {
          const part = fileOf(fd).bytes.subarray(position, position + into.length)
          into.set(part)
          return part.length
        }),
      fsync: async (fd) => {
        const node = open.get(fd)
        if (node === undefined) throw systemError('EBADF')
        // What was there when the call began is durable when it ends, and not before.
        const bytes = node.kind === 'file' ? node.bytes : undefined
        const changes = node.kind === 'folder' ? [...node.pending] : []
        for (let turn = 0; turn < 6; turn++) await Promise.resolve()
        await call(() => {
          if (node.kind === 'file') node.durable = bytes as Uint8Array
          else {
            for (const each of changes) if (node.pending.includes(each)) apply(node.durable, each)
            node.pending = node.pending.filter((each) => !changes.includes(each))
          }
        })
      },
      fstat: (fd) => call(() => factsOf(open.get(fd) as Node)),
      lstat: (path) => call(() => (at(path) === undefined ? undefined : factsOf(at(path) as Node))),
      link: (from, to) =>
        call(() => {
          const node = existing(from) as FileNode
          const [parent, name] = parentOf(to)
          if (parent.names.has(name)) throw systemError('EEXIST')
          node.links++
          change(parent, [name, node])
        }),
      unlink: (path) =>
        call(() => {
          const node = existing(path) as FileNode
          const [parent, name] = parentOf(path)
          node.links--
          change(parent, [name, undefined])
        }),
      rename: (from, to) =>
        call(() => {
          const node = existing(from)
          const [parent, name] = parentOf(to)
          change(parent, [parentOf(from)[1], undefined], [name, node])
        }),
      mkdir: (path) =>
        call(() => {
          const [parent, name] = parentOf(path)
          if (parent.names.has(name)) throw systemError('EEXIST')
          change(parent, [name, folder(new Map())])
        }),
      readdir: (path) =>
        call(() => {
          const node = existing(path)
          if (node.kind !== 'folder') throw systemError('ENOTDIR')
          return [...node.names.keys()]
        }),
      realpath: (path) =>
        call(() => {
          existing(path)
          return path
        }),
    },
  }
  return disk
}

function folder(names: Map<string, Node>): FolderNode {
  return { kind: 'folder', inode: inodes++, names, durable: new Map(names), pending: [] }
}

function apply(names: Map<string, Node>, changes: Change): void {
  for (const [name, node] of changes) {
    if (node === undefined) names.delete(name)
    else names.set(name, node)
  }
}

/** A folder after the power went: durable names, and any of the changes since. */
function folderAfter(node: FolderNode, random: () => number, files: Map<FileNode, FileNode>): FolderNode {
  const names = new Map(node.durable)
  const keep = random()
  for (const changes of node.pending) {
    if (random() < keep) apply(names, changes)
  }
  const after = new Map<string, Node>()
  for (const [name, target] of names)
    after.set(name, target.kind === 'folder' ? folderAfter(target, random, files) : fileAfter(target, random, files))
  return folder(after)
}

/** A file after the power went: its durable bytes, then some of what was written since, or zeros in its place. */
function fileAfter(node: FileNode, random: () => number, files: Map<FileNode, FileNode>): FileNode {
  const seen = files.get(node)
  if (seen !== undefined) return seen
  const length = node.durable.length + Math.floor(random() * (node.bytes.length - node.durable.length + 1))
  const bytes = node.bytes.slice(0, random() < 0.3 ? node.bytes.length : length)
  if (random() < 0.4) bytes.fill(0, node.durable.length)
  const after: FileNode = { kind: 'file', inode: node.inode, bytes, durable: bytes, links: 1 }
  files.set(node, after)
  return after
}

function factsOf(node: Node): FileFacts {
  const sizeBytes = node.kind === 'file' ? node.bytes.length : 0
  return {
    kind: node.kind,
    sizeBytes,
    modifiedMs: 0,
    device: 1,
    inode: node.inode,
    bornMs: 0,
    links: node.kind === 'file' ? node.links : 1,
  }
}
