// The store as one simulated process sees it, over a network that delays, loses, reorders and repeats. It keeps the storage
// contract: every failure is one that a real store can show, with the facts that a real one gives.
import { AlluviumError } from '../../src/errors.js'
import type {
  CallOptions,
  CreateCallOptions,
  CreateOutcome,
  ObjectInfo,
  ObjectWriter,
  StagedObject,
  Storage,
  WholeObjectWriter,
} from '../../src/storage/storage.js'
import { isWithdrawn, withdrawnError } from '../../src/storage/withdrawn.js'
import type { Disk } from './disk.js'
import type { SimProcess } from './process.js'
import type { StoreKind } from './traits.js'

/** How bad the network is, and how often processes die at a storage step. */
export interface Weather {
  /** Chance of a fault per call, in thousandths. */
  readonly faultsPerMille: number
  /** Chance that the process crashes at a step of a call, in ten thousandths. */
  readonly crashesPerMyriad: number
  /** Chance that the process is stopped for longer than any timeout at a step, in ten thousandths. */
  readonly pausesPerMyriad: number
  /** How long it is stopped now and then, at most. */
  readonly longestPauseMs: number
  /** Half of the time that a call takes, mostly. */
  readonly latencyMs: number
  readonly pageObjects: number
}

/** What a store belongs to. */
export interface Surroundings {
  readonly disk: Disk
  readonly kind: StoreKind
  weather(): Weather
  /** Everybody dies at once. */
  failPower(): void
}

/**
 * `refused`: nothing happened and the caller knows. `lost`: nothing happened, the caller cannot know. `answerLost`: it happened,
 * the caller cannot know. `late`: the caller is told of a failure, and it happens afterwards, perhaps long afterwards.
 * `repeated`: it happened, and a second try by the network is answered. `slow`: all is well, after a minute.
 */
type Fault = 'refused' | 'lost' | 'answerLost' | 'late' | 'repeated' | 'slow'
const READ_FAULTS: readonly Fault[] = ['refused', 'lost', 'slow']
const CHANGE_FAULTS: readonly Fault[] = ['refused', 'lost', 'answerLost', 'answerLost', 'late', 'late', 'slow']
const CREATE_FAULTS: readonly Fault[] = [...CHANGE_FAULTS, 'repeated']
/** There is no network to lose anything: a disk does it, says that it could not, or is slow. */
const LOCAL_FAULTS: readonly Fault[] = ['refused', 'slow']

type Kind = 'reads' | 'changes' | 'creates'

export class SimStorage implements Storage {
  readonly location = 'sim:table'
  readonly capabilities: Storage['capabilities'] = { exclusiveCreate: true, durable: true }
  readonly stage?: NonNullable<Storage['stage']>
  readonly writeWhole?: NonNullable<Storage['writeWhole']>
  readonly deleteAll?: NonNullable<Storage['deleteAll']>
  readonly #around: Surroundings
  readonly #disk: Disk
  readonly #process: SimProcess

  constructor(around: Surroundings, process: SimProcess) {
    this.#around = around
    this.#disk = around.disk
    this.#process = process
    if (around.kind === 's3') this.deleteAll = (paths, options) => this.#deleteAll(paths, options)
    else {
      this.stage = (path, bytes, options) => this.#stage(path, bytes, options)
      this.writeWhole = (path, options) => this.#writeWhole(path, options)
    }
  }

  read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#call('read', path, options, 'reads', () => this.#disk.get(path)?.bytes.slice())
  }

  readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#call('readRange', path, options, 'reads', () => this.#disk.get(path)?.bytes.slice(offset, offset + length))
  }

  stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#call('stat', path, options, 'reads', () => this.#info(path))
  }

  async *list(
    folder: string,
    options: CallOptions & { readonly from?: string; readonly recursive?: boolean } = {},
  ): AsyncGenerator<readonly ObjectInfo[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    let after: string | undefined
    for (;;) {
      const page = await this.#call('list', folder, options, 'reads', () =>
        this.#page(prefix, options.from, after, options.recursive === true),
      )
      if (page.length === 0) return
      yield page
      after = (page.at(-1) as ObjectInfo).path
    }
  }

  async create(path: string, bytes: Uint8Array, options: CreateCallOptions = {}): Promise<CreateOutcome> {
    const kept = bytes.slice()
    const { mayBeLost = false } = options
    if (this.#around.kind === 's3') {
      if (isWithdrawn(options)) throw withdrawnError(path, this.location)
      return this.#call('create', path, options, 'creates', () => this.#disk.create(path, kept))
    }
    // A file that need not last is not waited for: one step less.
    if (!mayBeLost) return (await this.#stage(path, kept, options)).place(options)
    return this.#call('create', path, options, 'creates', () => this.#disk.create(path, kept, { mayBeLost }))
  }

  async put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    const kept = bytes.slice()
    const by = this.#process.name
    // Some servers cannot rename over a file: for a moment there is none.
    if (this.#around.kind === 'hdfs') await this.#call('unlink', path, options, 'changes', () => this.#disk.delete(path, by))
    return this.#call('put', path, options, 'changes', () => this.#disk.put(path, kept, by))
  }

  delete(path: string, options?: CallOptions): Promise<void> {
    return this.#call('delete', path, options, 'changes', () => this.#disk.delete(path, this.#process.name))
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    const pieces = await this.#pieces(path, options)
    return {
      ...pieces,
      close: () =>
        pieces.finish('close', 'changes', (bytes) => {
          if (this.#disk.create(path, bytes) === 'exists') this.#disk.misdeeds.push(`a data file was written twice: ${path}`)
          return { sizeBytes: bytes.length }
        }),
    }
  }

  async #writeWhole(path: string, options?: CallOptions): Promise<WholeObjectWriter> {
    const pieces = await this.#pieces(path, options)
    return { ...pieces, close: () => pieces.finish('closeWhole', 'creates', (bytes) => this.#disk.create(path, bytes)) }
  }

  async #pieces(path: string, options?: CallOptions) {
    let chunks: Uint8Array[] | undefined = []
    await this.#call('write', path, options, 'reads', () => undefined)
    const dropped = async <T>(call: Promise<T>): Promise<T> => {
      try {
        return await call
      } catch (error) {
        chunks = undefined
        throw error
      }
    }
    return {
      write: (chunk: Uint8Array): Promise<void> => {
        const kept = chunk.slice()
        return dropped(this.#call('chunk', path, options, 'reads', () => void chunks?.push(kept)))
      },
      finish: <T>(call: string, kind: Kind, effect: (bytes: Uint8Array) => T): Promise<T> => {
        const bytes = new Uint8Array(Buffer.concat(chunks ?? []))
        return dropped(this.#call(call, path, options, kind, () => effect(bytes)))
      },
      abort: async (): Promise<void> => {
        chunks = undefined
      },
    }
  }

  async #stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject> {
    const kept = bytes.slice()
    await this.#call('stage', path, options, 'reads', () => undefined)
    // A rename keeps the time at which the file was written.
    const writtenMs = this.#process.world.nowMs
    let used = false
    return {
      place: (given) => {
        if (used) throw new TypeError('this staged object was placed or discarded before')
        used = true
        if (isWithdrawn(given)) return Promise.reject(withdrawnError(path, this.location))
        return this.#call('place', path, given, 'creates', () => this.#disk.create(path, kept, { writtenMs }))
      },
      discard: async () => {
        used = true
      },
    }
  }

  #deleteAll(paths: readonly string[], options?: CallOptions): Promise<void> {
    return this.#call('deleteAll', String(paths[0]), options, 'changes', () => {
      for (const path of paths) this.#disk.delete(path, this.#process.name)
    })
  }

  #info(path: string): ObjectInfo | undefined {
    const object = this.#disk.get(path)
    return object && { path, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs }
  }

  #page(prefix: string, from: string | undefined, after: string | undefined, recursive: boolean): ObjectInfo[] {
    const { pageObjects } = this.#around.weather()
    const { paths } = this.#disk
    const page: ObjectInfo[] = []
    const start = from !== undefined && from > prefix ? from : prefix
    let at = this.#disk.search(after !== undefined && after > start ? after : start)
    if (after !== undefined && paths[at] === after) at++
    for (; at < paths.length && page.length < pageObjects; at++) {
      const path = paths[at] as string
      if (!path.startsWith(prefix)) break
      if (recursive || !path.includes('/', prefix.length)) page.push(this.#info(path) as ObjectInfo)
    }
    return page
  }

  // One request: it travels, it takes effect at one moment, its answer travels back; each leg may fail.
  #call<T>(call: string, path: string, options: CallOptions | undefined, kind: Kind, effect: () => T): Promise<T> {
    const process = this.#process
    const { world } = process
    const signal = options?.signal
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(this.#error('ABORTED', call, path, false, signal.reason))
      const fault = this.#faultOf(kind)
      this.#misfortune('before', call, path)
      if (!process.isAlive) return
      let isOpen = true
      const settle = (run: () => void): void => {
        if (!isOpen) return
        isOpen = false
        signal?.removeEventListener('abort', onAbort)
        run()
      }
      const onAbort = (): void =>
        settle(() => reject(this.#error('ABORTED', call, path, kind === 'reads' ? false : 'unknown', signal?.reason)))
      signal?.addEventListener('abort', onAbort, { once: true })
      const answer = (delayMs: number, run: () => void): void => void process.deliver(delayMs, () => settle(run))
      const fail = (applied: false | 'unknown'): void => {
        world.note(`${process.name} ${call} ${path}: ${fault}`)
        answer(this.#leg(), () => reject(this.#error('STORAGE_UNAVAILABLE', call, path, applied)))
      }
      const happen = (): T => {
        const value = effect()
        world.note(`${process.name} ${call} ${path}: ${fault ?? 'ok'} ${typeof value === 'string' ? value : ''}`)
        this.#misfortune('after', call, path)
        return value
      }
      if (fault === 'refused') return fail(false)
      if (fault === 'lost') return fail(kind === 'reads' ? false : 'unknown')
      if (fault === 'late') {
        world.after(world.between(1, world.random.oneIn(3) ? 40_000 : 300), happen)
        return fail('unknown')
      }
      world.after(this.#leg(), () => {
        // What a process asks of its own machine ends with it.
        if (this.#around.kind === 'local' && !process.isAlive) return
        const value = happen()
        if (fault === 'answerLost') return fail('unknown')
        const told = fault === 'repeated' ? effect() : value
        answer(fault === 'slow' ? world.between(1000, 70_000) : this.#leg(), () => resolve(told))
      })
    })
  }

  #faultOf(kind: Kind): Fault | undefined {
    const { random } = this.#process.world
    const { faultsPerMille } = this.#around.weather()
    if (random.below(1000) >= faultsPerMille) return undefined
    if (this.#around.kind === 'local') return random.pick(LOCAL_FAULTS)
    return random.pick(kind === 'reads' ? READ_FAULTS : kind === 'changes' ? CHANGE_FAULTS : CREATE_FAULTS)
  }

  #misfortune(when: string, call: string, path: string): void {
    const { world } = this.#process
    const { crashesPerMyriad, pausesPerMyriad, longestPauseMs } = this.#around.weather()
    const fate = world.random.below(10_000)
    if (fate < crashesPerMyriad) {
      if (this.#around.kind === 'local' && world.random.oneIn(4)) this.#around.failPower()
      else this.#process.crash(`${when} ${call} of ${path}`)
    } else if (fate < crashesPerMyriad + pausesPerMyriad) {
      this.#process.pause(world.between(100, world.random.oneIn(3) ? longestPauseMs : Math.min(longestPauseMs, 200_000)))
    }
  }

  // Mostly short, now and then long: that is what puts requests out of order.
  #leg(): number {
    const { world } = this.#process
    const { latencyMs } = this.#around.weather()
    return world.random.oneIn(20) ? world.between(latencyMs, latencyMs * 40) : world.between(latencyMs / 4, latencyMs)
  }

  #error(code: 'ABORTED' | 'STORAGE_UNAVAILABLE', call: string, path: string, applied: false | 'unknown', cause?: unknown): AlluviumError {
    return new AlluviumError(code, `${call} of ${path} failed in the simulation`, { path, applied }, { cause })
  }
}
