// A store in memory for two actors of which every call is a step that somebody else decides about: when it is taken, and what
// goes wrong with it. Nothing moves by itself.
import { AlluviumError } from '../../src/errors.js'
import type { CreateOutcome, ObjectInfo, ObjectWriter, Storage, StorageCapabilities } from '../../src/storage/storage.js'
import type { Who } from './variant.js'

/** One call that waits. */
export interface PendingStep {
  readonly kind: 'read' | 'stat' | 'list' | 'create' | 'put' | 'write' | 'delete'
  readonly path: string
  /** Changes the store. */
  readonly isWrite: boolean
  /** What the store does. */
  readonly effect: () => unknown
  readonly answer: (value: unknown) => void
  readonly fail: (error: AlluviumError) => void
}

/** What is on the store, for both. */
export class Disk {
  readonly objects: Map<string, Uint8Array>

  constructor(objects: ReadonlyMap<string, Uint8Array>) {
    this.objects = new Map(objects)
  }
}

const WRITES: ReadonlySet<PendingStep['kind']> = new Set(['create', 'put', 'write', 'delete'])

/** One actor's way to the store. */
export class GatedStorage implements Storage {
  readonly location: string
  readonly capabilities: StorageCapabilities = { exclusiveCreate: true, durable: true }
  /** Calls that wait, in the order in which they were made. */
  readonly pending: PendingStep[] = []
  readonly #disk: Disk

  constructor(disk: Disk, who: Who) {
    this.#disk = disk
    this.location = `gated:${who}`
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#step('read', path, () => this.#disk.objects.get(path)?.slice())
  }

  readRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return this.#step('read', path, () => this.#disk.objects.get(path)?.slice(offset, offset + length))
  }

  stat(path: string): Promise<ObjectInfo | undefined> {
    return this.#step('stat', path, () => this.#info(path))
  }

  async *list(
    folder: string,
    options: { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const { from = prefix, recursive = false } = options
    yield await this.#step('list', from, () =>
      [...this.#disk.objects.keys()]
        .filter((path) => path.startsWith(prefix) && path >= from && (recursive || !path.includes('/', prefix.length)))
        .sort()
        .map((path) => this.#info(path) as ObjectInfo),
    )
  }

  create(path: string, bytes: Uint8Array): Promise<CreateOutcome> {
    const copy = bytes.slice()
    return this.#step('create', path, () => {
      if (this.#disk.objects.has(path)) return 'exists'
      this.#disk.objects.set(path, copy)
      return 'created'
    })
  }

  put(path: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice()
    return this.#step('put', path, () => void this.#disk.objects.set(path, copy))
  }

  async write(path: string): Promise<ObjectWriter> {
    const chunks: Uint8Array[] = []
    return {
      write: async (chunk) => void chunks.push(chunk.slice()),
      close: () =>
        this.#step('write', path, () => {
          this.#disk.objects.set(path, Uint8Array.from(chunks.flatMap((chunk) => [...chunk])))
          return { sizeBytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0) }
        }),
      abort: async () => {},
    }
  }

  delete(path: string): Promise<void> {
    return this.#step('delete', path, () => void this.#disk.objects.delete(path))
  }

  #info(path: string): ObjectInfo | undefined {
    const bytes = this.#disk.objects.get(path)
    return bytes && { path, sizeBytes: bytes.length, modifiedMs: 1_800_000_000_000 }
  }

  #step<T>(kind: PendingStep['kind'], path: string, effect: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.pending.push({ kind, path, isWrite: WRITES.has(kind), effect, answer: resolve as (value: unknown) => void, fail: reject })
    })
  }
}

/** No answer came: nobody knows what was done. */
export function noAnswer(path: string): AlluviumError {
  return new AlluviumError('STORAGE_UNAVAILABLE', `no answer about ${path}`, { path, applied: 'unknown' })
}

/** The store would not do it, and says so. */
export function refusal(path: string): AlluviumError {
  return new AlluviumError('STORAGE_UNAVAILABLE', `${path} was refused`, { path, applied: false })
}
