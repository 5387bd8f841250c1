// Listing a local folder in the order of UTF-8 bytes, in pages.
// One rule: names are read, filtered and sorted first, and only the names of a page are looked up, just before it is given out.
import { compareText } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { inFolder } from './local-create.js'
import { outsideError } from './local-errors.js'
import { errnoOf, type FileFacts, isMissing } from './local-fs.js'
import type { LocalRoot } from './local-root.js'
import { isObjectPath, isTemporaryName, joinPath } from './path.js'
import type { ObjectInfo } from './storage.js'

const PAGE_OBJECTS = 1000
/** Names looked up at once. */
const LOOKUPS = 64
const SURROGATE = /[\ud800-\udfff]/

/** A listing's arguments, already checked. */
export interface LocalListing {
  readonly folder: string
  readonly from: string | undefined
  readonly recursive: boolean
  readonly check: () => void
}

/** The objects of a folder as pages; `check` runs before each page and may throw. */
export async function* listLocal(root: LocalRoot, listing: LocalListing): AsyncGenerator<readonly ObjectInfo[]> {
  listing.check()
  const objects = listing.recursive ? walk(root, listing) : flat(root, listing)
  let page: ObjectInfo[] = []
  for await (const some of objects) {
    for (const object of some) {
      page.push(object)
      if (page.length < PAGE_OBJECTS) continue
      yield page
      page = []
      listing.check()
    }
  }
  if (page.length > 0) yield page
}

/** Names in a folder that a path can express, temporaries left out; nothing when there is no such folder. */
export async function folderNames(root: LocalRoot, absolute: string): Promise<string[]> {
  try {
    return await root.fs.readdir(absolute)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function* flat(root: LocalRoot, { folder, from, check }: LocalListing): AsyncGenerator<ObjectInfo[]> {
  const absolute = await root.enter(folder)
  if (absolute === undefined) return
  const first = from === undefined ? '' : from.slice(folder === '' ? 0 : folder.length + 1)
  const names = listable(await folderNames(root, absolute)).filter((name) => first === '' || compareText(name, first) >= 0)
  sortNames(names)
  for (let at = 0; at < names.length; at += LOOKUPS) {
    if (at % PAGE_OBJECTS < LOOKUPS) check()
    const slice = names.slice(at, at + LOOKUPS)
    const facts = await lookUp(root, absolute, slice)
    const objects: ObjectInfo[] = []
    for (let i = 0; i < slice.length; i++) {
      const object = await objectOf(root, absolute, joinPath(folder, slice[i] as string), facts[i])
      if (object !== undefined) objects.push(object)
    }
    yield objects
  }
}

/** Depth first; a folder sorts by its name with a '/', as the paths below it do. */
async function* walk(root: LocalRoot, listing: LocalListing): AsyncGenerator<ObjectInfo[]> {
  const { folder, from, check } = listing
  check()
  const absolute = await root.enter(folder)
  if (absolute === undefined) return
  const names = listable(await folderNames(root, absolute))
  const entries: { key: string; facts: FileFacts }[] = []
  for (let at = 0; at < names.length; at += LOOKUPS) {
    const slice = names.slice(at, at + LOOKUPS)
    const facts = await lookUp(root, absolute, slice)
    for (let i = 0; i < slice.length; i++) {
      const found = facts[i]
      if (found !== undefined) entries.push({ key: found.kind === 'folder' ? `${slice[i]}/` : (slice[i] as string), facts: found })
    }
  }
  entries.sort((a, b) => compareText(a.key, b.key))
  for (const { key, facts } of entries) {
    const path = joinPath(folder, key)
    if (facts.kind === 'folder') {
      if (from === undefined || from.startsWith(path) || compareText(path, from) >= 0)
        yield* walk(root, { ...listing, folder: path.slice(0, -1) })
    } else if (from === undefined || compareText(path, from) >= 0) {
      await refuseFolderLink(root, absolute, path, facts)
      const object = await objectOf(root, absolute, path, facts)
      if (object !== undefined) yield [object]
    }
  }
}

function listable(names: readonly string[]): string[] {
  return names.filter((name) => !isTemporaryName(name) && isObjectPath(name))
}

function sortNames(names: string[]): void {
  if (names.some((name) => SURROGATE.test(name))) names.sort(compareText)
  else names.sort()
}

function lookUp(root: LocalRoot, absolute: string, names: readonly string[]): Promise<(FileFacts | undefined)[]> {
  return Promise.all(names.map((name) => root.fs.lstat(inFolder(absolute, name))))
}

/**
 * What a listing says of a name. A link to a file inside the root is that file. A link that leads outside or nowhere is shown
 * as itself, so that a name is never hidden: reading it is what is refused.
 */
async function objectOf(root: LocalRoot, folder: string, path: string, facts: FileFacts | undefined): Promise<ObjectInfo | undefined> {
  if (facts === undefined) return undefined
  if (facts.kind === 'file') return { path, sizeBytes: facts.sizeBytes, modifiedMs: facts.modifiedMs }
  if (facts.kind !== 'link') return undefined
  const target = await targetOf(root, folder, path)
  if (target !== undefined && target.kind !== 'file') return undefined
  const { sizeBytes, modifiedMs } = target ?? facts
  return { path, sizeBytes, modifiedMs }
}

async function targetOf(root: LocalRoot, folder: string, path: string): Promise<FileFacts | undefined> {
  try {
    const real = await root.follow(path, inFolder(folder, path))
    return real === undefined ? undefined : await root.fs.lstat(real)
  } catch (error) {
    if (error instanceof AlluviumError || errnoOf(error) === 'EACCES') return undefined
    throw error
  }
}

/** A recursive listing does not go through links to folders: outside is forbidden, inside would show objects twice. */
async function refuseFolderLink(root: LocalRoot, folder: string, path: string, facts: FileFacts): Promise<void> {
  if (facts.kind !== 'link') return
  let real: string | undefined
  try {
    real = await root.fs.realpath(inFolder(folder, path))
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ELOOP') return
    throw error
  }
  if ((await root.fs.lstat(real))?.kind === 'folder') throw outsideError(path, root.location)
}
