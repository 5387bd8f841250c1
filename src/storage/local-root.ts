// The folders of a local store: where a folder really is, that no link leads out of the root, and that a new folder survives
// power loss before anything in it is acknowledged.
// One rule: an absolute path leaves this file only after every folder on the way was looked at in this very call. Nothing is
// remembered about links, so one put in place later is noticed. (Two calls still race with somebody who swaps folders for
// links between them; who can do that can write into the table anyway.)
import { dirname, sep } from 'node:path'
import type { AlluviumError } from '../errors.js'
import { localError, outsideError } from './local-errors.js'
import { errnoOf, type FileFacts, isMissing, type LocalFs, OPEN_FOLDER } from './local-fs.js'

/** Folders whose entry in their parent is remembered as durable. Beyond it all are forgotten, which costs only syncs. */
const REMEMBERED_FOLDERS = 20_000
/** How often a folder that goes away while it is being made is made again. */
const ATTEMPTS = 3

/** What lies at a folder's path. */
type Found =
  | { readonly kind: 'folder'; readonly path: string; readonly levels: readonly Level[] }
  /** `path` is the root's, `folder` what has to be made below it, its first folders being there: `levels`. */
  | { readonly kind: 'missing'; readonly path: string; readonly folder: string; readonly levels: readonly Level[] }
  | { readonly kind: 'blocked'; readonly path: string }

interface Level {
  readonly folder: string
  readonly path: string
  readonly facts: FileFacts
}

export class LocalRoot {
  readonly location: string
  readonly durable: boolean
  readonly fs: LocalFs
  #real: string | undefined
  #rootSettled = false
  /** Folders to the very folder whose entry is known to be durable. */
  readonly #settled = new Map<string, string>()

  constructor(fs: LocalFs, location: string, durable: boolean) {
    this.fs = fs
    this.location = location
    this.durable = durable
  }

  /** Where a folder is; `undefined` when it is missing or no folder. Throws `PATH_OUTSIDE_TABLE`. */
  async enter(folder: string): Promise<string | undefined> {
    const found = await this.#find(folder)
    return found?.kind === 'folder' ? found.path : undefined
  }

  /** Where a folder is, made if need be; its name is durable in its parents then (where the store is durable). */
  async make(folder: string): Promise<string> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const found = await this.#find(folder)
      if (found?.kind === 'blocked') throw this.#blocked(found.path)
      if (found?.kind === 'folder') {
        if (this.durable) await this.#settle(found.levels)
        return found.path
      }
      try {
        if (found === undefined) await this.#makeChain(this.#real ?? this.location)
        else await this.#makeBelow(found)
      } catch (error) {
        if (attempt === ATTEMPTS || !isMissing(error)) throw error
      }
    }
    throw this.#blocked(folder)
  }

  /**
   * Where a link at an object's path leads: a real path inside the root, or `undefined` when it leads nowhere.
   * Throws `PATH_OUTSIDE_TABLE`.
   */
  async follow(path: string, absolute: string): Promise<string | undefined> {
    const root = this.#real ?? (await this.#resolve())
    if (root === undefined) return undefined
    let real: string
    try {
      real = await this.fs.realpath(absolute)
    } catch (error) {
      if (isMissing(error) || errnoOf(error) === 'ELOOP') return undefined
      throw error
    }
    if (real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)) return real
    throw outsideError(path, this.location)
  }

  /** Makes the names in a folder durable. */
  async sync(absolute: string): Promise<void> {
    const fd = await this.fs.open(absolute, OPEN_FOLDER)
    try {
      await this.fs.fsync(fd)
    } finally {
      await this.fs.close(fd)
    }
  }

  /** What lies at a folder's path; `undefined` when the root itself is missing. */
  async #find(folder: string): Promise<Found | undefined> {
    const root = this.#real ?? (await this.#resolve())
    if (root === undefined) return undefined
    if (folder === '') return this.#rootAgain(root, { kind: 'folder', path: root, levels: [] })
    const levels = await this.#levels(root, folder)
    const known: Level[] = []
    for (const { folder: name, path, facts } of levels) {
      if (facts === undefined) return this.#rootAgain(root, { kind: 'missing', path: root, folder, levels: known })
      if (facts.kind === 'link') return this.#throughLink(root, name, path, folder.slice(name.length))
      if (facts.kind !== 'folder') return { kind: 'blocked', path: name }
      known.push({ folder: name, path, facts })
    }
    return { kind: 'folder', path: levels.at(-1)?.path as string, levels: known }
  }

  /** `found` if the root is still there; else what is found once the root was looked for anew. */
  async #rootAgain(root: string, found: Exclude<Found, { kind: 'blocked' }>): Promise<Found | undefined> {
    const facts = await this.fs.lstat(root)
    if (facts?.kind === 'folder') return found
    if (facts !== undefined && facts.kind !== 'link') return { kind: 'blocked', path: '' }
    this.#real = undefined
    this.#rootSettled = false
    this.#settled.clear()
    const now = await this.#resolve()
    return now === undefined ? undefined : { ...found, path: now, levels: [] }
  }

  /** Facts of every folder from below the root down to `folder`, all looked up at once. */
  async #levels(root: string, folder: string): Promise<{ folder: string; path: string; facts: FileFacts | undefined }[]> {
    const names: string[] = []
    for (let end = folder.indexOf('/'); end >= 0; end = folder.indexOf('/', end + 1)) names.push(folder.slice(0, end))
    names.push(folder)
    const base = root.endsWith(sep) ? root : root + sep
    const facts = await Promise.all(names.map((name) => this.fs.lstat(base + name)))
    return names.map((name, i) => ({ folder: name, path: base + name, facts: facts[i] }))
  }

  /** Goes on from where a link leads. Each turn resolves all links up to here, so that there are no more turns than parts. */
  async #throughLink(root: string, link: string, absolute: string, below: string): Promise<Found | undefined> {
    const real = await this.follow(link, absolute)
    if (real === undefined) return { kind: 'blocked', path: link }
    const folder = real.slice(root.length).split(sep).filter(Boolean).join('/')
    return this.#find(folder === '' ? below.slice(1) : folder + below)
  }

  async #resolve(): Promise<string | undefined> {
    try {
      this.#real = await this.fs.realpath(this.location)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    return this.#real
  }

  async #makeChain(path: string): Promise<void> {
    const parent = dirname(path)
    try {
      await this.#mkdir(path)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || parent === path) throw error
      await this.#makeChain(parent)
      await this.#mkdir(path)
    }
    if (this.durable) await this.sync(parent)
  }

  /** Makes the missing folders below the last known one. */
  async #makeBelow(found: Found & { kind: 'missing' }): Promise<void> {
    const base = found.path.endsWith(sep) ? found.path : found.path + sep
    const parts = found.folder.split('/')
    for (let depth = found.levels.length + 1; depth <= parts.length; depth++) {
      const name = parts.slice(0, depth).join('/')
      this.#settled.delete(name)
      await this.#mkdir(base + name)
    }
  }

  async #mkdir(path: string): Promise<void> {
    try {
      await this.fs.mkdir(path)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
  }

  /**
   * Syncs the parents of folders not yet known to be durable. Also for folders this store did not make: another process may
   * have made them a moment ago and not have synced yet.
   */
  async #settle(levels: readonly Level[]): Promise<void> {
    if (!this.#rootSettled) {
      await this.#syncAbove(this.#real as string)
      this.#rootSettled = true
    }
    const fresh = levels.filter((level) => this.#settled.get(level.folder) !== identity(level.facts))
    if (fresh.length === 0) return
    await Promise.all(fresh.map((level) => this.sync(dirname(level.path))))
    if (this.#settled.size + fresh.length > REMEMBERED_FOLDERS) this.#settled.clear()
    for (const level of fresh) this.#settled.set(level.folder, identity(level.facts))
  }

  /** The root's own entry. Best effort: a folder we may not open was not made by us just now. */
  async #syncAbove(root: string): Promise<void> {
    try {
      await this.sync(dirname(root))
    } catch (error) {
      const code = errnoOf(error)
      if (code !== 'EACCES' && code !== 'EPERM') throw error
    }
  }

  #blocked(folder: string): AlluviumError {
    const attempt = { doing: 'make the folder', path: folder || '.', location: this.location, applied: false as const }
    return localError(Object.assign(new Error('not a folder'), { code: 'ENOTDIR' }), attempt)
  }
}

function identity({ device, inode, bornMs }: FileFacts): string {
  return `${device} ${inode} ${bornMs}`
}
