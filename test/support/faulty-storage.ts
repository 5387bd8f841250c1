// A store that fails on purpose: a wrapper over any other that injects faults by rule or by seed and keeps a log of calls.
// One rule: it never breaks the storage contract. Every fault is one a real store can show, with the facts a real one gives;
// the objects in place are always those a lost answer, a late request or a dead connection could have left.
import { AlluviumError, type ErrorCode } from '../../src/errors.js'
import type { CallOptions, CreateOutcome, ObjectInfo, ObjectWriter, StagedObject, Storage } from '../../src/storage/storage.js'

/** The calls faults apply to. `write` is the opening of a writer; `chunk` and `close` are its calls; `place` is a staged object's. */
export type FaultyCall =
  | 'read'
  | 'readRange'
  | 'stat'
  | 'list'
  | 'create'
  | 'stage'
  | 'place'
  | 'put'
  | 'write'
  | 'chunk'
  | 'close'
  | 'delete'

/**
 * What goes wrong.
 * - `before`: fails, and nothing happened (`applied: false`).
 * - `lost`: fails, and nothing happened, but the caller cannot know (`applied: 'unknown'`).
 * - `after`: the effect is there, the answer is lost (`applied: 'unknown'`).
 * - `delayed`: fails with `applied: 'unknown'`; the effect comes later, when `land()` is called or after `landAfterCalls` more calls.
 * - `retried`: the effect is there, the store's own retry met it and says `exists` (a 412 after a retry). Of creates only.
 * - `hang`: no answer until the signal fires; nothing happens. `hangAfter`: the same, with the effect there.
 */
export type Fault = 'before' | 'lost' | 'after' | 'delayed' | 'retried' | 'hang' | 'hangAfter'

/** Which calls a fault hits. */
export interface FaultRule {
  readonly call: FaultyCall | readonly FaultyCall[]
  readonly fault: Fault
  /** A path, or what its text must match; every path by default. */
  readonly path?: string | RegExp
  /** Matching calls let through first; 0 by default. */
  readonly skip?: number
  /** How many matching calls fail then; 1 by default. */
  readonly times?: number
  /** The code of the failure; `STORAGE_UNAVAILABLE` by default. */
  readonly code?: ErrorCode
  /** For `delayed`: lands before the call that many calls later begins; by default only `land()` lands it. */
  readonly landAfterCalls?: number
}

/** One call, in the order of their beginnings. */
export interface LoggedCall {
  readonly call: FaultyCall
  readonly path: string
  readonly fault: Fault | undefined
  /** What came of it: an outcome, 'ok', an error's code, or 'pending'. */
  outcome: string
}

export interface FaultyStorage extends Storage {
  readonly calls: readonly LoggedCall[]
  /** How many calls were made: all, of a kind, or of a kind to one path. */
  count(call?: FaultyCall, path?: string | RegExp): number
  /** Adds a rule. Rules are tried in the order they were added; the first that matches and is not used up decides. */
  inject(rule: FaultRule): void
  /** Lets all delayed effects happen; answers how many did. */
  land(): Promise<number>
  /** Delayed effects that did not happen yet. */
  readonly outstanding: number
  /** Ends all faults, also by seed. Delayed effects stay outstanding. */
  heal(): void
}

/** Random faults from a seed; the same seed and calls give the same faults. */
export interface SeededFaults {
  readonly seed: number
  /** Chance of a fault per call, 0 to 1. */
  readonly rate: number
  /** Faults to choose from; those a call cannot have are not chosen for it. */
  readonly faults?: readonly Fault[]
  /** Calls that may fail; all that change something by default. */
  readonly calls?: readonly FaultyCall[]
  /** `delayed` effects land after at most this many calls; 20 by default. */
  readonly landWithinCalls?: number
}

const CHANGES: readonly FaultyCall[] = ['create', 'place', 'put', 'write', 'chunk', 'close', 'delete']
const CREATES: readonly FaultyCall[] = ['create', 'place']

/**
 * Wraps a store.
 *
 * @example
 * const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', path: /\.json$/, fault: 'after' }] })
 */
export function faultyStorage(inner: Storage, options: { rules?: readonly FaultRule[]; seeded?: SeededFaults } = {}): FaultyStorage {
  return new FaultInjector(inner, options.rules ?? [], options.seeded)
}

interface Plan {
  readonly fault: Fault
  readonly code: ErrorCode
  readonly landAfterCalls: number | undefined
}

interface Delayed {
  readonly effect: () => Promise<unknown>
  readonly atCall: number
}

class FaultInjector implements FaultyStorage {
  readonly location: string
  readonly capabilities: Storage['capabilities']
  readonly calls: LoggedCall[] = []
  readonly stage?: (path: string, bytes: Uint8Array, options?: CallOptions) => Promise<StagedObject>
  readonly #inner: Storage
  #rules: { rule: FaultRule; left: number; skip: number }[] = []
  #seeded: SeededFaults | undefined
  readonly #random: () => number
  #delayed: Delayed[] = []

  constructor(inner: Storage, rules: readonly FaultRule[], seeded: SeededFaults | undefined) {
    this.#inner = inner
    this.location = inner.location
    this.capabilities = inner.capabilities
    this.#seeded = seeded
    this.#random = randomFrom(seeded?.seed ?? 0)
    for (const rule of rules) this.inject(rule)
    if (inner.stage !== undefined) this.stage = (path, bytes, options) => this.#stage(path, bytes, options)
  }

  get outstanding(): number {
    return this.#delayed.length
  }

  count(call?: FaultyCall, path?: string | RegExp): number {
    return this.calls.filter((each) => (call === undefined || each.call === call) && matches(path, each.path)).length
  }

  inject(rule: FaultRule): void {
    const calls = typeof rule.call === 'string' ? [rule.call] : rule.call
    const impossible = calls.find((call) => !canHave(call, rule.fault))
    if (impossible !== undefined) throw new TypeError(`a ${impossible} cannot have the fault '${rule.fault}'`)
    this.#rules.push({ rule, left: rule.times ?? 1, skip: rule.skip ?? 0 })
  }

  async land(): Promise<number> {
    const landing = this.#delayed.splice(0)
    for (const { effect } of landing) await effect().catch(() => {})
    return landing.length
  }

  heal(): void {
    this.#rules = []
    this.#seeded = undefined
  }

  read(path: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#call('read', path, options, () => this.#inner.read(path, options))
  }

  readRange(path: string, offset: number, length: number, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#call('readRange', path, options, () => this.#inner.readRange(path, offset, length, options))
  }

  stat(path: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    return this.#call('stat', path, options, () => this.#inner.stat(path, options))
  }

  async *list(
    folder: string,
    options?: CallOptions & { readonly from?: string; readonly recursive?: boolean },
  ): AsyncGenerator<readonly ObjectInfo[]> {
    await this.#call('list', folder, options, async () => undefined)
    yield* this.#inner.list(folder, options)
  }

  create(path: string, bytes: Uint8Array, options?: CallOptions): Promise<CreateOutcome> {
    const kept = bytes.slice()
    return this.#call(
      'create',
      path,
      options,
      () => this.#inner.create(path, kept, options),
      () => this.#inner.create(path, kept),
    )
  }

  put(path: string, bytes: Uint8Array, options?: CallOptions): Promise<void> {
    const kept = bytes.slice()
    return this.#call(
      'put',
      path,
      options,
      () => this.#inner.put(path, kept, options),
      () => this.#inner.put(path, kept),
    )
  }

  delete(path: string, options?: CallOptions): Promise<void> {
    return this.#call(
      'delete',
      path,
      options,
      () => this.#inner.delete(path, options),
      () => this.#inner.delete(path),
    )
  }

  async write(path: string, options?: CallOptions): Promise<ObjectWriter> {
    const writer = await this.#call('write', path, options, () => this.#inner.write(path, options))
    const failing = async <T>(run: Promise<T>): Promise<T> => {
      try {
        return await run
      } catch (error) {
        // As the contract has it: after a failure nothing of the object is left, unless close already made it.
        await writer.abort()
        throw error
      }
    }
    return {
      write: (chunk) => failing(this.#call('chunk', path, options, () => writer.write(chunk))),
      close: () => failing(this.#call('close', path, options, () => writer.close())),
      abort: () => writer.abort(),
    }
  }

  async #stage(path: string, bytes: Uint8Array, options?: CallOptions): Promise<StagedObject> {
    const stage = this.#inner.stage as NonNullable<Storage['stage']>
    const staged = await this.#call('stage', path, options, () => stage.call(this.#inner, path, bytes, options))
    let used = false
    return {
      place: async (given) => {
        if (used) throw new TypeError('this staged object was placed or discarded before')
        used = true
        return this.#call(
          'place',
          path,
          given,
          () => staged.place(given),
          () => staged.place(),
        )
      },
      discard: async () => {
        if (used) return
        used = true
        await staged.discard()
      },
    }
  }

  /** `late` is the effect without the caller's signal, for when the caller is gone. */
  async #call<T>(
    call: FaultyCall,
    path: string,
    options: CallOptions | undefined,
    effect: () => Promise<T>,
    late: () => Promise<unknown> = effect,
  ): Promise<T> {
    await this.#landDue()
    const plan = options?.signal?.aborted ? undefined : this.#plan(call, path)
    const entry: LoggedCall = { call, path, fault: plan?.fault, outcome: 'pending' }
    this.calls.push(entry)
    try {
      const answer = plan === undefined ? await effect() : await this.#fail(plan, call, path, options, effect, late)
      entry.outcome = typeof answer === 'string' ? answer : 'ok'
      return answer
    } catch (error) {
      entry.outcome = error instanceof AlluviumError ? error.code : String(error)
      throw error
    }
  }

  async #fail<T>(
    plan: Plan,
    call: FaultyCall,
    path: string,
    options: CallOptions | undefined,
    effect: () => Promise<T>,
    late: () => Promise<unknown>,
  ): Promise<T> {
    const error = (applied: false | 'unknown', code: ErrorCode = plan.code): AlluviumError => {
      const facts = CREATES.includes(call) ? { path, applied, injected: plan.fault } : { path, injected: plan.fault }
      return new AlluviumError(code, `injected fault '${plan.fault}': ${call} of '${path}' failed.`, facts)
    }
    switch (plan.fault) {
      case 'before':
        throw error(false)
      case 'lost':
        throw error('unknown')
      case 'after':
        await effect()
        throw error('unknown')
      case 'delayed':
        this.#delayed.push({ effect: late, atCall: this.calls.length + (plan.landAfterCalls ?? Number.POSITIVE_INFINITY) })
        throw error('unknown')
      case 'retried':
        await effect()
        return 'exists' as T
      case 'hang':
      case 'hangAfter':
        if (plan.fault === 'hangAfter') await effect()
        await fired(options?.signal)
        throw error('unknown', 'ABORTED')
    }
  }

  #plan(call: FaultyCall, path: string): Plan | undefined {
    for (const each of this.#rules) {
      const { rule } = each
      const hit =
        each.left > 0 && (typeof rule.call === 'string' ? rule.call === call : rule.call.includes(call)) && matches(rule.path, path)
      if (!hit) continue
      if (each.skip > 0) {
        each.skip--
        continue
      }
      each.left--
      return { fault: rule.fault, code: rule.code ?? 'STORAGE_UNAVAILABLE', landAfterCalls: rule.landAfterCalls }
    }
    return this.#seededPlan(call)
  }

  #seededPlan(call: FaultyCall): Plan | undefined {
    const seeded = this.#seeded
    if (seeded === undefined || !(seeded.calls ?? CHANGES).includes(call) || this.#random() >= seeded.rate) return undefined
    const possible = (seeded.faults ?? (['before', 'lost', 'after', 'delayed', 'retried'] as const)).filter((fault) => canHave(call, fault))
    if (possible.length === 0) return undefined
    const fault = possible[Math.floor(this.#random() * possible.length)] as Fault
    const landAfterCalls = 1 + Math.floor(this.#random() * (seeded.landWithinCalls ?? 20))
    return { fault, code: 'STORAGE_UNAVAILABLE', landAfterCalls }
  }

  async #landDue(): Promise<void> {
    const due = this.#delayed.filter((each) => each.atCall <= this.calls.length)
    if (due.length === 0) return
    this.#delayed = this.#delayed.filter((each) => !due.includes(each))
    for (const { effect } of due) await effect().catch(() => {})
  }
}

/** Which faults a call can have: only effects that change something can come late or twice. */
function canHave(call: FaultyCall, fault: Fault): boolean {
  if (fault === 'retried') return CREATES.includes(call)
  if (fault === 'delayed') return CREATES.includes(call) || call === 'put' || call === 'delete'
  if (fault === 'after' || fault === 'hangAfter') return CREATES.includes(call) || call === 'put' || call === 'delete' || call === 'close'
  return true
}

function matches(pattern: string | RegExp | undefined, path: string): boolean {
  if (pattern === undefined) return true
  return typeof pattern === 'string' ? pattern === path : pattern.test(path)
}

function fired(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Uniform numbers from a seed (Mulberry's 32-bit generator). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
