// A store that does to the creation of commit files what networks do, from a script: each creation takes the next fault.
import { AlluviumError } from '../../../src/errors.js'
import type { CallOptions, CreateOutcome, StagedObject, Storage } from '../../../src/storage/storage.js'
import type { Simulation } from './simulation.js'

export type Fault =
  /** Works. */
  | { readonly kind: 'none' }
  /** Refused: surely nothing was done. */
  | { readonly kind: 'refused' }
  /** The request is lost on the way: nothing is done, and the caller cannot know that. */
  | { readonly kind: 'fails-before' }
  /** The file is there; the answer is lost. */
  | { readonly kind: 'fails-after' }
  /** An error now; the file lands later, when the caller has given up on it. */
  | { readonly kind: 'lands-late'; readonly afterMs: number }
  /** No answer ever; the file is never there, there at once, or there later. */
  | { readonly kind: 'hangs'; readonly lands: 'never' | 'now' | 'late'; readonly afterMs: number }
  /** The store repeats the request itself: the file is ours, the answer says that somebody has it. */
  | { readonly kind: 'own-exists' }

/** What somebody else does at a moment of a faulted creation. */
export interface Rival {
  /** Before our creation has its effect. */
  before?: (path: string) => Promise<void>
  /** After it had its effect, before we hear of it. */
  after?: (path: string) => Promise<void>
}

export class FaultyStorage implements Storage {
  readonly location = 'memory:faulty'
  readonly capabilities
  /** The faults of the next creations of commit files; then everything works. */
  script: Fault[] = []
  rival: Rival = {}
  /** So many of the next reads of commit files fail. */
  failingReads = 0
  /** Staged objects that were neither placed nor dropped. */
  staged = 0
  /** Called with the path and the bytes of each creation. */
  onCreate: (path: string, bytes: Uint8Array) => void = () => {}
  /** Called with what a rival or a late landing throws. */
  onBroken: (error: unknown) => void = () => {}
  readonly #inner: Storage
  readonly #simulation: Simulation

  constructor(inner: Storage, simulation: Simulation) {
    this.#inner = inner
    this.#simulation = simulation
    this.capabilities = inner.capabilities
  }

  async create(path: string, bytes: Uint8Array, options?: CallOptions): Promise<CreateOutcome> {
    this.onCreate(path, bytes)
    const fault = this.script.shift() ?? { kind: 'none' }
    const land = async (): Promise<CreateOutcome> => {
      const { before, after } = this.rival
      this.rival = {}
      // A rival that fails has found the table broken, which is not what our creation hears of.
      await before?.(path).catch((error) => this.onBroken(error))
      const outcome = await this.#inner.create(path, bytes)
      await after?.(path).catch((error) => this.onBroken(error))
      return outcome
    }
    switch (fault.kind) {
      case 'none':
        return land()
      case 'refused':
        throw new AlluviumError('STORAGE_UNAVAILABLE', 'refused', { applied: false })
      case 'fails-before':
        throw this.#lost()
      case 'fails-after':
        await land()
        throw this.#lost()
      case 'own-exists':
        await land()
        return 'exists'
      case 'lands-late':
        this.#later(fault.afterMs, land)
        throw this.#lost()
      case 'hangs':
        if (fault.lands === 'now') await land()
        if (fault.lands === 'late') this.#later(fault.afterMs, land)
        return new Promise((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new AlluviumError('ABORTED', 'aborted', { applied: 'unknown' })))
        })
    }
  }

  async stage(path: string, bytes: Uint8Array): Promise<StagedObject> {
    this.staged++
    return {
      place: (options) => {
        this.staged--
        return this.create(path, bytes, options)
      },
      discard: async () => {
        this.staged--
      },
    }
  }

  async read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    if (this.failingReads > 0 && path.endsWith('.json')) {
      this.failingReads--
      throw new AlluviumError('STORAGE_UNAVAILABLE', 'the read was lost')
    }
    return this.#inner.read(path, options)
  }

  readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#inner.readRange(path, offset, length, options)
  }

  stat(path: string, options?: CallOptions): ReturnType<Storage['stat']> {
    return this.#inner.stat(path, options)
  }

  list(...args: Parameters<Storage['list']>): ReturnType<Storage['list']> {
    return this.#inner.list(...args)
  }

  put(path: string, bytes: Uint8Array): Promise<void> {
    return this.#inner.put(path, bytes)
  }

  write(path: string): ReturnType<Storage['write']> {
    return this.#inner.write(path)
  }

  delete(path: string): Promise<void> {
    return this.#inner.delete(path)
  }

  #later(afterMs: number, land: () => Promise<unknown>): void {
    this.#simulation.setTimer(afterMs, () => void land().catch((error) => this.onBroken(error)))
  }

  #lost(): AlluviumError {
    return new AlluviumError('STORAGE_UNAVAILABLE', 'the answer was lost', { applied: 'unknown' })
  }
}
