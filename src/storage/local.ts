// A table's folder on a local or mounted file system.
// One rule: every call checks its path's text here and its folders' links in LocalRoot before it touches an object.
import { resolve } from 'node:path'
import { AlluviumError } from '../errors.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import { discard, inFolder, isTaken, place, replace, stage, temporaryName } from './local-create.js'
import { type LocalAttempt, localError, stopIfAborted } from './local-errors.js'
import { errnoOf, isMissing, type LocalFs, OPEN_NEW, OPEN_READ, systemFs } from './local-fs.js'
import { cleanLocalLeftovers } from './local-leftovers.js'
import { listLocal } from './local-list.js'
import { LocalRoot } from './local-root.js'
import { LocalWriter } from './local-writer.js'
import { checkBytes, checkListing, checkObjectPath, checkRange, isTemporaryName, leafName, parentFolder } from './path.js'
import { StagedOnce } from './staged-once.js'
import type {
  CallOptions,
  CreateCallOptions,
  CreateOutcome,
  ObjectInfo,
  ObjectWriter,
  StagedObject,
  Storage,
  StorageCapabilities,
  WholeObjectWriter,
} from './storage.js'

/** How a local store behaves. */
export interface LocalStorageOptions {
  /**
   * `full` (the default): what a create, put or closed write acknowledges survives power loss; each costs a sync of the file
   * and of its folder. `none`: nothing is synced, which is faster (several times on a real disk) and gives that up: after a
   * power loss or a crash of the machine the last acknowledged commits may be missing, or there while the data files they
   * name are not whole. A crash of the process alone loses nothing either way.
   */
  readonly durability?: 'full' | 'none'
  /** Ids of temporaries and the age of leftovers. The machine's own by default. */
  readonly runtime?: Runtime
}

/** A store in a local folder. */
export interface LocalStorage extends Storage {
  stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject>
  /**
   * Deletes temporaries of creates that never ended (the process died) and were last touched at least `olderThanMs` ago;
   * answers how many. At least an hour, so that no create still running loses its own; a day is a good value.
   */
  cleanLeftovers(olderThanMs: number, options?: CallOptions): Promise<number>
}

/** The largest object `read` takes whole; larger ones are read in ranges. */
const MAX_WHOLE_READ_BYTES = 2 ** 31 - 1

/**
 * A store rooted at a folder, which need not exist yet: it is made by the first write. The folder itself may be a symbolic
 * link; links below it are followed only where they stay inside.
 *
 * `create` needs hard links; a file system without them (exFAT, some network mounts) is refused with `STORAGE_UNSAFE`.
 *
 * @example
 * const storage = localStorage('./events')
 * await storage.create('_delta_log/00000000000000000000.json', bytes) // 'created' or 'exists'
 */
export function localStorage(root: string, options: LocalStorageOptions = {}): LocalStorage {
  if (typeof root !== 'string' || root === '' || root.includes('\0'))
    throw new TypeError('the root of a local store is the path of a folder')
  const location = resolve(root)
  return localStorageOn(systemFs(location), location, options)
}

/** {@link localStorage} over a given table of file-system calls. */
export function localStorageOn(fs: LocalFs, location: string, options: LocalStorageOptions = {}): LocalStorage {
  const durability = options.durability ?? 'full'
  if (durability !== 'full' && durability !== 'none') {
    throw new AlluviumError('INVALID_OPTIONS', `durability is 'full' or 'none', not ${JSON.stringify(durability)}.`, { durability })
  }
  return new LocalStore(new LocalRoot(fs, location, durability === 'full'), options.runtime ?? systemRuntime)
}

class LocalStore implements LocalStorage {
  readonly location: string
  readonly capabilities: StorageCapabilities
  readonly #root: LocalRoot
  readonly #unsynced: LocalRoot
  readonly #fs: LocalFs
  readonly #runtime: Runtime

  constructor(root: LocalRoot, runtime: Runtime) {
    this.#root = root
    this.#unsynced = new LocalRoot(root.fs, root.location, false)
    this.#fs = root.fs
    this.#runtime = runtime
    this.location = root.location
    this.capabilities = { exclusiveCreate: true, durable: root.durable }
  }

  read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#withFile('read', path, options, (fd, sizeBytes) => {
      if (sizeBytes <= MAX_WHOLE_READ_BYTES) return this.#readBytes(fd, 0, sizeBytes)
      const problem = `'${path}' in ${this.location} has ${sizeBytes} bytes, too many to read at once; read it in ranges.`
      throw new AlluviumError('LIMIT_EXCEEDED', problem, { path, sizeBytes })
    })
  }

  async readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    checkRange(offset, length)
    return this.#withFile('read', path, options, (fd, sizeBytes) =>
      this.#readBytes(fd, offset, Math.max(0, Math.min(length, sizeBytes - offset))),
    )
  }

  async stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#attempt('look up', path, options, async () => {
      const folder = await this.#root.enter(parentFolder(path))
      if (folder === undefined) return undefined
      let facts = await this.#fs.lstat(inFolder(folder, path))
      if (facts?.kind === 'link') {
        const real = await this.#root.follow(path, inFolder(folder, path))
        facts = real === undefined ? undefined : await this.#fs.lstat(real)
      }
      return facts?.kind === 'file' ? { path, sizeBytes: facts.sizeBytes, modifiedMs: facts.modifiedMs } : undefined
    })
  }

  async *list(
    folder: string,
    options: CallOptions & { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    checkListing(folder, options.from)
    const attempt = { doing: 'list', path: folder, location: this.location }
    const check = (): void => stopIfAborted(options.signal, attempt)
    try {
      yield* listLocal(this.#root, { folder, from: options.from, recursive: options.recursive === true, check })
    } catch (error) {
      throw localError(error, attempt)
    }
  }

  create(path: string, bytes: Uint8Array, options?: CreateCallOptions): Promise<CreateOutcome> {
    const root = options?.mayBeLost === true ? this.#unsynced : this.#root
    return this.#placing('create', path, bytes, options, async (folder, attempt) => {
      if (await isTaken(root, folder, path, attempt)) return 'exists'
      const staged = await stage(root, folder, path, bytes, this.#runtime.uuid(), options?.signal, attempt)
      return place(root, staged, attempt, options)
    })
  }

  stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject> {
    return this.#placing('stage', path, bytes, options, async (folder, attempt) => {
      const staged = await stage(this.#root, folder, path, bytes, this.#runtime.uuid(), options?.signal, attempt)
      return new StagedOnce(
        (given) => this.#failing({ ...attempt, doing: 'create' }, given?.signal, (each) => place(this.#root, staged, each, given)),
        () => discard(this.#root, staged),
      )
    })
  }

  async put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#placing('put', path, bytes, options, async (folder, attempt) => {
      const staged = await stage(this.#root, folder, path, bytes, this.#runtime.uuid(), options?.signal, attempt)
      await replace(this.#root, staged, attempt)
    })
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    return this.#attempt('write', path, options, async (attempt) => {
      this.#refuseTemporary(path)
      const folder = await this.#root.make(parentFolder(path))
      const absolute = inFolder(folder, path)
      try {
        const fd = await this.#fs.open(absolute, OPEN_NEW)
        return new LocalWriter(this.#root, { fd, folder, absolute, signal: options?.signal }, attempt)
      } catch (error) {
        const code = errnoOf(error)
        if (code !== 'EEXIST' && code !== 'ELOOP') throw error
        if (!(await isTaken(this.#root, folder, path, attempt))) throw error
        throw new AlluviumError('ALREADY_EXISTS', `'${path}' in ${this.location} exists already; write under a fresh name.`, { path })
      }
    })
  }

  async writeWhole(path: string, options?: CallOptions): Promise<WholeObjectWriter> {
    return this.#attempt('write', path, options, async (attempt) => {
      this.#refuseTemporary(path)
      const folder = await this.#root.make(parentFolder(path))
      const temporary = inFolder(folder, temporaryName(leafName(path), this.#runtime.uuid()))
      const fd = await this.#fs.open(temporary, OPEN_NEW)
      const writer = new LocalWriter(this.#root, { fd, folder, absolute: temporary, signal: options?.signal }, attempt)
      const staged = { path, folder, final: inFolder(folder, path), temporary }
      const put = (): Promise<CreateOutcome> =>
        this.#failing({ ...attempt, doing: 'create' }, options?.signal, (each) => place(this.#root, staged, each, undefined))
      return { write: (chunk) => writer.write(chunk), abort: () => writer.abort(), close: () => writer.close().then(put) }
    })
  }

  async delete(path: string, options?: CallOptions): Promise<void> {
    return this.#attempt('delete', path, options, async () => {
      const folder = await this.#root.enter(parentFolder(path))
      if (folder === undefined) return
      const absolute = inFolder(folder, path)
      const facts = await this.#fs.lstat(absolute)
      if (facts === undefined || facts.kind === 'folder') return
      if (facts.kind === 'link') await this.#root.follow(path, absolute)
      try {
        await this.#fs.unlink(absolute)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    })
  }

  async cleanLeftovers(olderThanMs: number, options?: CallOptions): Promise<number> {
    const attempt = { doing: 'clean up', path: '', location: this.location }
    try {
      return await cleanLocalLeftovers(this.#root, olderThanMs, this.#runtime.now(), () => stopIfAborted(options?.signal, attempt))
    } catch (error) {
      throw localError(error, attempt)
    }
  }

  async #placing<T>(
    doing: string,
    path: string,
    bytes: Uint8Array,
    options: CallOptions | undefined,
    step: (folder: string, attempt: LocalAttempt) => Promise<T>,
  ): Promise<T> {
    checkObjectPath(path)
    checkBytes(bytes)
    this.#refuseTemporary(path)
    const attempt: LocalAttempt = { doing, path, location: this.location, applied: false }
    return this.#failing(attempt, options?.signal, async (each) => step(await this.#root.make(parentFolder(path)), each))
  }

  async #attempt<T>(
    doing: string,
    path: string,
    options: CallOptions | undefined,
    step: (attempt: LocalAttempt) => Promise<T>,
  ): Promise<T> {
    checkObjectPath(path)
    return this.#failing({ doing, path, location: this.location }, options?.signal, step)
  }

  async #failing<T>(attempt: LocalAttempt, signal: AbortSignal | undefined, step: (attempt: LocalAttempt) => Promise<T>): Promise<T> {
    try {
      stopIfAborted(signal, attempt)
      return await step(attempt)
    } catch (error) {
      throw localError(error, attempt)
    }
  }

  #withFile(
    doing: string,
    path: string,
    options: CallOptions | undefined,
    use: (fd: number, sizeBytes: number) => Promise<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    return this.#attempt(doing, path, options, async () => {
      const folder = await this.#root.enter(parentFolder(path))
      if (folder === undefined) return undefined
      const fd = await this.#openToRead(path, inFolder(folder, path))
      if (fd === undefined) return undefined
      try {
        const facts = await this.#fs.fstat(fd)
        return facts.kind === 'file' ? await use(fd, facts.sizeBytes) : undefined
      } finally {
        await this.#fs.close(fd)
      }
    })
  }

  async #openToRead(path: string, absolute: string): Promise<number | undefined> {
    try {
      return await this.#fs.open(absolute, OPEN_READ)
    } catch (error) {
      const code = errnoOf(error)
      if (isMissing(error) || code === 'ENAMETOOLONG' || code === 'ENXIO') return undefined
      if (code !== 'ELOOP') throw error
      const real = await this.#root.follow(path, absolute)
      return real === undefined ? undefined : this.#fs.open(real, OPEN_READ)
    }
  }

  async #readBytes(fd: number, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const count = await this.#fs.read(fd, at === 0 ? bytes : bytes.subarray(at), offset + at)
      if (count === 0) break
      at += count
    }
    return at === length ? bytes : bytes.slice(0, at)
  }

  #refuseTemporary(path: string): void {
    if (!isTemporaryName(leafName(path))) return
    throw new AlluviumError('INVALID_OPTIONS', `'${path}' has the form of a temporary, which listings hide; use another name.`, {
      path,
      applied: false,
    })
  }
}
