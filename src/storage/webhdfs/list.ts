// Listings in the order of UTF-8 bytes, in pages, from a key on.
// A namenode pages a folder in an order of its own: by *signed* bytes, so that a name with é comes before one with e at the same
// place. One rule: names are given out when no later page can hold a smaller one; what is not ASCII waits until then.
import { compareText } from '../../bytes.js'
import { isObjectPath, isTemporaryName, joinPath } from '../path.js'
import type { ObjectInfo } from '../storage.js'
import { fieldsOf } from './client.js'
import { nonsense, WebHdfsFault } from './fault.js'
import { type HdfsFiles, type HdfsStatus, statusOf, type Trying } from './files.js'

/** What a listing has to know. */
export interface HdfsListing {
  readonly files: HdfsFiles
  readonly folder: string
  readonly from: string | undefined
  readonly recursive: boolean
  /** Fresh patience for each request. */
  readonly trying: () => Trying
}

interface Entry extends HdfsStatus {
  readonly path: string
  /** What the entry is sorted by: a folder's contents stand where 'folder/' stands. */
  readonly key: string
}

interface Page {
  readonly statuses: readonly HdfsStatus[]
  readonly more: boolean
}

const ASCII = /^[\0-\x7f]*$/
/** A name of the Delta log: 20 digits of a version. All names of a log are ASCII. */
const LOG_NAME = /^\d{20}[\0-\x7f]+$/
const PAGE_OBJECTS = 1000

/** The objects of a folder, in pages that are not empty. */
export async function* listHdfs(listing: HdfsListing): AsyncGenerator<readonly ObjectInfo[]> {
  let page: ObjectInfo[] = []
  for await (const info of objectsIn(listing, listing.folder)) {
    page.push(info)
    if (page.length < PAGE_OBJECTS) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

/** All entries of one folder, in the order of their keys: also temporaries. */
export async function* entriesOf(files: HdfsFiles, folder: string, startAfter: string, trying: () => Trying): AsyncGenerator<Entry> {
  const waiting: Entry[] = []
  let last = startAfter
  for (let more = true; more; ) {
    const page = await readPage(files, folder, last, trying())
    // A server that ignores startAfter gives all, again and again: what is not beyond the last name is dropped.
    const fresh = signedOrder(page.statuses).filter((status) => last === '' || compareSigned(status.name, last) > 0)
    for (const status of fresh) {
      const entry = entryIn(folder, status)
      if (entry === undefined) continue
      if (ASCII.test(status.name)) {
        while (waiting.length > 0 && compareText((waiting[0] as Entry).key, entry.path) < 0) yield waiting.shift() as Entry
      }
      if (status.kind === 'file' && ASCII.test(status.name)) yield entry
      else insert(waiting, entry)
    }
    last = fresh.at(-1)?.name ?? last
    more = page.more && fresh.length > 0
  }
  yield* waiting
}

async function* objectsIn(listing: HdfsListing, folder: string): AsyncGenerator<ObjectInfo> {
  const { files, from, recursive, trying } = listing
  for await (const entry of entriesOf(files, folder, startOf(folder, from), trying)) {
    if (entry.kind === 'folder') {
      // All of a folder may lie before the start, or some of it, or none.
      const beyond = from === undefined || compareText(entry.key, from) >= 0 || from.startsWith(entry.key)
      if (recursive && beyond) yield* objectsIn(listing, entry.path)
    } else if (entry.kind === 'file' && !isTemporaryName(entry.name) && (from === undefined || compareText(entry.path, from) >= 0)) {
      yield { path: entry.path, sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs }
    }
  }
}

/**
 * After which name the namenode may begin. Only in a log is it known that no name that belongs behind `from` stands before it in
 * the namenode's order; elsewhere all is read. The start is inclusive and may have the name itself as its beginning, so it is
 * asked for from one character less.
 */
function startOf(folder: string, from: string | undefined): string {
  if (from === undefined) return ''
  const prefix = folder === '' ? '' : `${folder}/`
  const name = from.startsWith(prefix) ? from.slice(prefix.length) : ''
  return LOG_NAME.test(name) && !name.includes('/') ? name.slice(0, -1) : ''
}

async function readPage(files: HdfsFiles, folder: string, startAfter: string, { signal, patience }: Trying): Promise<Page> {
  const query = startAfter === '' ? [] : [['startAfter', startAfter] as const]
  try {
    const value = fieldsOf(await files.client.json(files.operation('GET', folder, 'LISTSTATUS_BATCH', query, signal), patience))
    const batch = fieldsOf(value?.DirectoryListing)
    const remaining = batch?.remainingEntries
    if (batch === undefined || typeof remaining !== 'number') throw nonsense('LISTSTATUS_BATCH was answered without a DirectoryListing')
    return { statuses: statusesOf(fieldsOf(batch.partialListing)?.FileStatuses), more: remaining > 0 }
  } catch (error) {
    if (!(error instanceof WebHdfsFault)) throw error
    if (error.isMissing) return { statuses: [], more: false }
    // Servers before Hadoop 2.8 list all at once.
    if (!/IllegalArgumentException|UnsupportedOperationException/.test(error.name)) throw error
    const all = fieldsOf(await files.client.json(files.operation('GET', folder, 'LISTSTATUS', [], signal), patience))
    return { statuses: statusesOf(all?.FileStatuses), more: false }
  }
}

function statusesOf(value: unknown): HdfsStatus[] {
  const list = fieldsOf(value)?.FileStatus
  if (!Array.isArray(list)) throw nonsense('a listing without an array of FileStatus')
  const statuses = list.map(statusOf)
  // The listing of a file is the file itself, without a name.
  return statuses.filter(({ name }) => name !== '')
}

/** Names that are no part of a path of ours cannot be asked for either; HDFS has none. */
function entryIn(folder: string, status: HdfsStatus): Entry | undefined {
  const path = joinPath(folder, status.name)
  if (status.name.includes('/') || !isObjectPath(path)) return undefined
  return { ...status, path, key: status.kind === 'folder' ? `${path}/` : path }
}

/** A page as a namenode would order it; HttpFS on other file systems may not. */
function signedOrder(statuses: readonly HdfsStatus[]): readonly HdfsStatus[] {
  const inOrder = statuses.every((status, i) => i === 0 || compareSigned((statuses[i - 1] as HdfsStatus).name, status.name) < 0)
  return inOrder ? statuses : [...statuses].sort((a, b) => compareSigned(a.name, b.name))
}

/** Orders names as a namenode does: by their UTF-8 bytes as signed numbers, so that what is not ASCII comes first. */
export function compareSigned(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    if (x < 0x80 !== y < 0x80) return x < 0x80 ? 1 : -1
    return compareText(a, b)
  }
  return a.length - b.length
}

function insert(waiting: Entry[], entry: Entry): void {
  let low = 0
  let high = waiting.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareText((waiting[middle] as Entry).key, entry.key) < 0) low = middle + 1
    else high = middle
  }
  waiting.splice(low, 0, entry)
}
