// A store in this process's memory, for tests, simulations and throw-away tables.
// One rule: bytes are copied on the way in and out, so no caller can change an object that is in place.
import { compareText, concatBytes } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import { checkBytes, checkListing, checkObjectPath, checkRange } from './path.js'
import type { CallOptions, CreateCallOptions, CreateOutcome, ObjectInfo, ObjectWriter, Storage, StorageCapabilities } from './storage.js'
import { isWithdrawn, withdrawnError } from './withdrawn.js'

/** How a memory store behaves. */
export interface MemoryStorageOptions {
  /** For messages; 'memory:' by default. */
  readonly location?: string
  /** The clock of modification times; the machine's by default. */
  readonly runtime?: Runtime
  /** `false` makes a store that refuses `create`, as one without put-if-absent must. */
  readonly exclusiveCreate?: boolean
  /** Objects per page of a listing; 1000 by default. */
  readonly pageObjects?: number
}

interface Entry {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

/**
 * An empty store in memory. Two tables that should see each other share one store.
 *
 * @example
 * const storage = memoryStorage()
 * await storage.create('a', new Uint8Array([1])) // 'created'
 */
export function memoryStorage(options: MemoryStorageOptions = {}): Storage {
  const pageObjects = options.pageObjects ?? 1000
  if (!Number.isSafeInteger(pageObjects) || pageObjects < 1) throw new RangeError(`pageObjects must be at least 1, not ${pageObjects}`)
  return new MemoryStore(options, pageObjects)
}

class MemoryStore implements Storage {
  readonly location: string
  readonly capabilities: StorageCapabilities
  readonly #runtime: Runtime
  readonly #pageObjects: number
  readonly #entries = new Map<string, Entry>()
  /** All paths in the order of their UTF-8 bytes. */
  readonly #paths: string[] = []

  constructor(options: MemoryStorageOptions, pageObjects: number) {
    this.location = options.location ?? 'memory:'
    this.capabilities = { exclusiveCreate: options.exclusiveCreate ?? true, durable: false }
    this.#runtime = options.runtime ?? systemRuntime
    this.#pageObjects = pageObjects
  }

  async read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    this.#begin('read', path, options)
    return this.#entries.get(path)?.bytes.slice()
  }

  async readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    checkRange(offset, length)
    this.#begin('read', path, options)
    return this.#entries.get(path)?.bytes.slice(offset, offset + length)
  }

  async stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    this.#begin('look up', path, options)
    return this.#info(path)
  }

  async *list(
    folder: string,
    options: CallOptions & { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    const { from, recursive = false, signal } = options
    checkListing(folder, from)
    const prefix = folder === '' ? '' : `${folder}/`
    let next: string | undefined = from !== undefined && compareText(from, prefix) > 0 ? from : prefix
    while (next !== undefined) {
      this.#stopIfAborted('list', folder, signal)
      const page: ObjectInfo[] = []
      let at = this.#search(next)
      next = undefined
      for (; at < this.#paths.length; at++) {
        const path = this.#paths[at] as string
        if (!path.startsWith(prefix)) break
        if (!recursive && path.includes('/', prefix.length)) continue
        if (page.length === this.#pageObjects) {
          next = path
          break
        }
        page.push(this.#info(path) as ObjectInfo)
      }
      if (page.length > 0) yield page
    }
  }

  async create(path: string, bytes: Uint8Array, options?: CreateCallOptions): Promise<CreateOutcome> {
    checkBytes(bytes)
    this.#begin('create', path, options)
    if (isWithdrawn(options)) throw withdrawnError(path, this.location)
    if (!this.capabilities.exclusiveCreate) {
      const problem = `could not create '${path}' in ${this.location}: this store has no put-if-absent, so two writers could overwrite each other's commits. Use a store that has it.`
      throw new AlluviumError('STORAGE_UNSAFE', problem, { path, location: this.location, applied: false })
    }
    if (this.#entries.has(path)) return 'exists'
    this.#set(path, bytes.slice())
    return 'created'
  }

  async put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    checkBytes(bytes)
    this.#begin('put', path, options)
    this.#set(path, bytes.slice())
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    this.#begin('write', path, options)
    this.#refuseTaken(path)
    return new MemoryWriter(
      () => this.#stopIfAborted('write', path, options?.signal),
      (bytes) => {
        this.#refuseTaken(path)
        this.#set(path, bytes)
      },
    )
  }

  async delete(path: string, options?: CallOptions): Promise<void> {
    this.#begin('delete', path, options)
    if (this.#entries.delete(path)) this.#paths.splice(this.#search(path), 1)
  }

  #begin(doing: string, path: string, options: CallOptions | undefined): void {
    checkObjectPath(path)
    this.#stopIfAborted(doing, path, options?.signal)
  }

  #stopIfAborted(doing: string, path: string, signal: AbortSignal | undefined): void {
    if (!signal?.aborted) return
    const problem = `the caller aborted an attempt to ${doing} '${path}' in ${this.location}; nothing was put in place.`
    throw new AlluviumError('ABORTED', problem, { path, location: this.location, applied: false }, { cause: signal.reason })
  }

  #refuseTaken(path: string): void {
    if (!this.#entries.has(path)) return
    throw new AlluviumError('ALREADY_EXISTS', `'${path}' in ${this.location} exists already; write under a fresh name.`, { path })
  }

  #info(path: string): ObjectInfo | undefined {
    const entry = this.#entries.get(path)
    return entry && { path, sizeBytes: entry.bytes.length, modifiedMs: entry.modifiedMs }
  }

  #set(path: string, bytes: Uint8Array): void {
    if (!this.#entries.has(path)) this.#paths.splice(this.#search(path), 0, path)
    this.#entries.set(path, { bytes, modifiedMs: Math.floor(this.#runtime.now()) })
  }

  /** Where in the order a path is or would be. */
  #search(path: string): number {
    let low = 0
    let high = this.#paths.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareText(this.#paths[middle] as string, path) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

class MemoryWriter implements ObjectWriter {
  readonly #check: () => void
  readonly #finish: (bytes: Uint8Array) => void
  #chunks: Uint8Array[] = []
  #ended: 'closed' | 'dropped' | undefined
  #closing: Promise<{ sizeBytes: number }> | undefined

  constructor(check: () => void, finish: (bytes: Uint8Array) => void) {
    this.#check = check
    this.#finish = finish
  }

  async write(chunk: Uint8Array): Promise<void> {
    checkBytes(chunk)
    this.#refuseEnded()
    this.#guarded(() => this.#chunks.push(chunk.slice()))
  }

  close(): Promise<{ sizeBytes: number }> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async abort(): Promise<void> {
    this.#chunks = []
    this.#ended ??= 'dropped'
  }

  async #close(): Promise<{ sizeBytes: number }> {
    this.#refuseEnded()
    const bytes = concatBytes(this.#chunks)
    this.#guarded(() => this.#finish(bytes))
    this.#ended = 'closed'
    this.#chunks = []
    return { sizeBytes: bytes.length }
  }

  #refuseEnded(): void {
    if (this.#ended !== undefined) throw new TypeError(`this writer was ${this.#ended === 'closed' ? 'closed' : 'aborted'} before`)
  }

  #guarded(step: () => void): void {
    try {
      this.#check()
      step()
    } catch (error) {
      this.#ended = 'dropped'
      this.#chunks = []
      throw error
    }
  }
}
