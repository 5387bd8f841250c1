// What may be found on a disk after the power went, by what file systems promise and no more.
//
// Bytes: those that a sync of their file covers are there. Of the rest, the file may have any length from the durable one to the
// full one, and each page beyond the durable bytes may be there, be zeros (the length went ahead of the data, as with delayed
// allocation), or be torn at a sector.
// Names, in one of two ways. `posix`: each change that no sync of its folder covers is there or not, whatever became of the
// changes before it; a rename is two changes, so that the file may be under both names, one, or none. `journal` (ext4, xfs):
// changes of names all over the disk are there up to some point of their order, a rename whole; any sync takes all before it along.
import type { Event } from './recording-fs.js'

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

/** Names of files to their bytes; folders to undefined. */
export type Image = ReadonlyMap<string, Uint8Array | undefined>

export type NamesModel = 'posix' | 'journal'

interface FileState {
  readonly chunks: Uint8Array[]
  length: number
  /** The length that was there when the events began, by event, so that a sync knows what it covers. */
  readonly lengths: { readonly event: number; readonly length: number }[]
  durable: number
}

interface NameChange {
  readonly event: number
  readonly path: string
  /** Undefined: the name goes. */
  readonly inode: number | undefined
  durable: boolean
}

/** The disk as it may be found after the first `upTo` events. Without random numbers: as it is then, with everything in place. */
export function imageOf(events: readonly Event[], upTo: number, names: NamesModel, random?: () => number): Image {
  const files = new Map<number, FileState>()
  const folders = new Set<string>()
  const changes: NameChange[] = []
  let journaled = 0
  const paths = new Map<string, number>()
  const change = (event: number, path: string, inode: number | undefined): void => {
    changes.push({ event, path, inode, durable: false })
    if (inode === undefined) paths.delete(path)
    else paths.set(path, inode)
  }
  for (let n = 0; n < upTo; n++) {
    const event = events[n] as Event
    switch (event.kind) {
      case 'create':
        files.set(event.inode, { chunks: [], length: 0, lengths: [], durable: 0 })
        change(n, event.path, event.inode)
        break
      case 'mkdir':
        folders.add(event.path)
        change(n, event.path, event.inode)
        break
      case 'write': {
        const file = files.get(event.inode) as FileState
        file.chunks.push(event.bytes)
        file.length += event.bytes.length
        file.lengths.push({ event: n, length: file.length })
        break
      }
      case 'link':
        change(n, event.path, event.inode)
        break
      case 'unlink':
        change(n, event.path, undefined)
        break
      case 'rename': {
        const inode = paths.get(event.from)
        change(n, event.to, inode)
        change(n, event.from, undefined)
        break
      }
      case 'sync': {
        const { inode, folder, since } = event
        if (inode !== undefined) {
          const file = files.get(inode) as FileState
          file.durable = Math.max(file.durable, file.lengths.findLast((each) => each.event < since)?.length ?? 0)
        } else for (const each of changes) if (each.event < since && folderOf(each.path) === folder) each.durable = true
        journaled = Math.max(journaled, since)
      }
    }
  }
  return found(files, folders, survivors(changes, names, journaled, upTo, random), random)
}

function survivors(
  changes: readonly NameChange[],
  names: NamesModel,
  journaled: number,
  upTo: number,
  random: (() => number) | undefined,
): NameChange[] {
  if (random === undefined) return [...changes]
  if (names === 'journal') {
    const end = journaled + Math.floor(random() * (upTo - journaled + 1))
    return changes.filter(({ event, durable }) => durable || event < end)
  }
  const keep = random()
  return changes.filter(({ durable }) => durable || random() < keep)
}

function found(
  files: ReadonlyMap<number, FileState>,
  folders: ReadonlySet<string>,
  changes: readonly NameChange[],
  random: (() => number) | undefined,
): Image {
  const names = new Map<string, number>()
  for (const { path, inode } of changes) {
    if (inode === undefined) names.delete(path)
    else names.set(path, inode)
  }
  const bytes = new Map<number, Uint8Array>()
  const image = new Map<string, Uint8Array | undefined>()
  for (const [path, inode] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Nothing is found in a folder that is not there itself. Folders from before the record began are.
    if (folders.has(folderOf(path)) && !image.has(folderOf(path))) continue
    const file = files.get(inode)
    if (file === undefined) {
      image.set(path, undefined)
      continue
    }
    let content = bytes.get(inode)
    if (content === undefined) {
      content = bytesAfter(file, random)
      bytes.set(inode, content)
    }
    image.set(path, content)
  }
  return image
}

function bytesAfter(file: FileState, random: (() => number) | undefined): Uint8Array {
  const whole = new Uint8Array(file.length)
  let at = 0
  for (const chunk of file.chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  const { durable } = file
  if (random === undefined || durable === file.length) return whole
  const kind = random()
  const length = kind < 0.35 ? file.length : kind < 0.5 ? durable : durable + Math.floor(random() * (file.length - durable + 1))
  const bytes = whole.slice(0, length)
  const there = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] as number
  for (let page = Math.floor(durable / PAGE_BYTES) * PAGE_BYTES; page < length; page += PAGE_BYTES) {
    if (random() < there) continue
    // Torn: so many sectors are there. None of them: the page is zeros.
    const sectors = random() < 0.5 ? 0 : Math.floor((random() * PAGE_BYTES) / SECTOR_BYTES)
    bytes.fill(0, Math.max(durable, page + sectors * SECTOR_BYTES), Math.min(length, page + PAGE_BYTES))
  }
  return bytes
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
