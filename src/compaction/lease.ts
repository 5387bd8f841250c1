// The lease of a table's maintenance: who is at it, and until when, as numbered objects beside the log of which the highest
// counts. Rule: every term, a renewal too, is an object of the next number made by put-if-absent; nothing is ever overwritten,
// so of any number of processes that want a number exactly one gets it. It saves work twice done; that a table stays right is the
// business of commits alone.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import { AlluviumError, isAlluviumError } from '../errors.js'
import { formatJson, isJsonObject, type JsonObject, parseJson } from '../json.js'
import type { Runtime, Timer } from '../runtime.js'
import type { Storage } from '../storage/storage.js'

/** Who holds a lease. `process` is an opaque text by which whoever shares the machine may tell that the holder is dead. */
export interface LeaseHolder {
  /** A fresh id of this holding. */
  readonly id: string
  /** For people: host and process. */
  readonly name: string
  readonly process?: string | undefined
}

export interface LeaseOptions {
  /** For people: who holds it. */
  readonly name?: string
  /** As {@link LeaseHolder.process}. */
  readonly process?: string | undefined
  /** How long a term is, in milliseconds; renewed after a third of it. Default 60 s, at most an hour. */
  readonly ttlMs?: number
  /** How far clocks may differ: a lease counts as ended only so long after its end. Default 5 s. */
  readonly skewMs?: number
  /** Whether the process of a holder is known to be dead: then its lease is taken over at once. */
  readonly isDead?: (holder: LeaseHolder) => boolean
  readonly signal?: AbortSignal | undefined
}

/** Another holder's lease. */
export interface LeaseTaken {
  readonly kind: 'taken'
  readonly by: LeaseHolder
  /** Milliseconds since 1970, by the holder's clock. */
  readonly untilMs: number
}

/** Where leases lie: no engine looks for anything there, and no vacuum deletes in the log's folder. */
export const LEASE_FOLDER = '_delta_log/_alluvium'

const NAME = /^_delta_log\/_alluvium\/maintain-(\d{10})\.lease$/
const DEFAULT_TTL_MS = 60_000
const MAX_TTL_MS = 3_600_000
const MAX_BYTES = 4096
const ATTEMPTS = 5
// A listing that runs beside renewals must meet one of them.
const KEPT_TERMS = 2

/**
 * Takes the lease of a table, or tells who has it.
 * @throws AlluviumError storage errors, `STORAGE_UNSAFE` on a store without put-if-absent
 */
export async function takeLease(storage: Storage, runtime: Runtime, options: LeaseOptions = {}): Promise<Lease | LeaseTaken> {
  const { ttlMs = DEFAULT_TTL_MS, skewMs = 5000, signal, name = 'somebody' } = options
  if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) throw new RangeError(`a lease lasts at most ${MAX_TTL_MS} ms, not ${ttlMs}`)
  const holder: LeaseHolder = { id: runtime.uuid(), name, process: options.process }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const newest = await newestTerm(storage, signal)
    if (newest !== undefined && isHeld(newest, runtime.now(), skewMs, options.isDead))
      return { kind: 'taken', by: newest.holder, untilMs: newest.untilMs }
    const number = (newest?.number ?? 0) + 1
    const startedMs = runtime.monotonicMs()
    if ((await createTerm(storage, termOf(number, holder, runtime.now(), ttlMs, false), signal)) !== 'made') continue
    // Numbers may have gone on from a higher one that the listing missed.
    const after = await newestTerm(storage, signal)
    if (after !== undefined && after.number > number) continue
    return new Lease(storage, runtime, { holder, number, ttlMs, startedMs })
  }
  const newest = await newestTerm(storage, signal)
  if (newest !== undefined) return { kind: 'taken', by: newest.holder, untilMs: newest.untilMs }
  throw new AlluviumError('STORAGE_UNAVAILABLE', `the lease of ${storage.location} could not be taken: its objects come and go`, {})
}

interface Holding {
  readonly holder: LeaseHolder
  readonly number: number
  readonly ttlMs: number
  readonly startedMs: number
}

/** A lease that is held. Its signal fires when it is not held any longer, at the latest when its term ends without renewal. */
export class Lease {
  readonly kind = 'held'
  readonly holder: LeaseHolder
  readonly #storage: Storage
  readonly #runtime: Runtime
  readonly #ttlMs: number
  readonly #lost: AbortController = new AbortController()
  #number: number
  #deadlineMs: number
  #timer: Timer | undefined
  #end: Timer | undefined
  #renewing: Promise<void> | undefined
  #isReleased = false

  constructor(storage: Storage, runtime: Runtime, { holder, number, ttlMs, startedMs }: Holding) {
    this.#storage = storage
    this.#runtime = runtime
    this.holder = holder
    this.#number = number
    this.#ttlMs = ttlMs
    this.#deadlineMs = startedMs + ttlMs
    this.#watchEnd()
    this.#renewIn(ttlMs / 3)
  }

  /** The number of the current term. */
  get term(): number {
    return this.#number
  }

  /** Whether it is held: never beyond the end of the term by the clock that does not jump. */
  get isHeld(): boolean {
    if (!this.#isReleased && this.#runtime.monotonicMs() >= this.#deadlineMs) this.#lose('it was not renewed in time')
    return !this.#isReleased && !this.#lost.signal.aborted
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  /** Gives it back. Never throws: a lease that could not be given back ends by itself. */
  async release(): Promise<void> {
    if (this.#isReleased) return
    const wasHeld = this.isHeld
    this.#isReleased = true
    this.#timer?.cancel()
    this.#end?.cancel()
    await this.#renewing
    if (!wasHeld || this.#lost.signal.aborted) return
    try {
      // The last term stays and says that it is over: were all gone, an old number could be taken again.
      const last = await this.#next(0, true, undefined)
      if (last !== undefined) await sweep(this.#storage, last, 0)
    } catch {
      // It ends by itself.
    }
  }

  #renewIn(ms: number): void {
    this.#timer = this.#runtime.setTimer(Math.max(1, ms), () => {
      this.#renewing = this.#renew().finally(() => {
        this.#renewing = undefined
      })
    })
  }

  async #renew(): Promise<void> {
    if (!this.isHeld) return
    const startedMs = this.#runtime.monotonicMs()
    const { signal } = this.#lost
    try {
      const number = await this.#next(this.#ttlMs, false, signal)
      if (!this.isHeld) return
      if (number === undefined) return this.#lose('another took it over')
      this.#number = number
      this.#deadlineMs = startedMs + this.#ttlMs
      this.#watchEnd()
      const newest = await newestTerm(this.#storage, signal)
      if (newest !== undefined && newest.number > number) return this.#lose('another took it over')
      await sweep(this.#storage, number, KEPT_TERMS)
    } catch {
      // Once more while the term lasts.
    }
    if (this.isHeld) this.#renewIn(Math.min(this.#ttlMs / 3, this.#deadlineMs - this.#runtime.monotonicMs()))
  }

  // The number of a term of ours that was made just now; undefined where another has made one.
  async #next(ttlMs: number, isReleased: boolean, signal: AbortSignal | undefined): Promise<number | undefined> {
    for (;;) {
      const number = this.#number + 1
      const made = await createTerm(this.#storage, termOf(number, this.holder, this.#runtime.now(), ttlMs, isReleased), signal)
      if (made === 'made') return number
      if (made === 'other') return undefined
      this.#number = number // made by a renewal whose answer got lost; its end is an earlier one
    }
  }

  // Fires also while a renewal hangs.
  #watchEnd(): void {
    this.#end?.cancel()
    this.#end = this.#runtime.setTimer(Math.max(1, this.#deadlineMs - this.#runtime.monotonicMs()), () => void this.isHeld)
  }

  #lose(why: string): void {
    this.#timer?.cancel()
    this.#end?.cancel()
    this.#lost.abort(new Error(`the lease was lost: ${why}`))
  }
}

interface Term {
  readonly number: number
  readonly holder: LeaseHolder
  readonly untilMs: number
  readonly isReleased: boolean
}

function termOf(number: number, holder: LeaseHolder, nowMs: number, ttlMs: number, isReleased: boolean): Term {
  return { number, holder, untilMs: nowMs + ttlMs, isReleased }
}

function isHeld(term: Term, nowMs: number, skewMs: number, isDead: LeaseOptions['isDead']): boolean {
  if (term.isReleased || term.untilMs + skewMs <= nowMs) return false
  return isDead?.(term.holder) !== true
}

function pathOf(number: number): string {
  return `${LEASE_FOLDER}/maintain-${String(number).padStart(10, '0')}.lease`
}

// `older`: made by us before, with another end. An answer that got lost is looked up.
async function createTerm(storage: Storage, term: Term, signal: AbortSignal | undefined): Promise<'made' | 'older' | 'other'> {
  const { number, holder, untilMs, isReleased } = term
  const text = formatJson({ ...holder, process: holder.process ?? null, until: untilMs, released: isReleased })
  try {
    if ((await storage.create(pathOf(number), encodeUtf8(`${text}\n`), { signal })) === 'created') return 'made'
  } catch (error) {
    if (!isAlluviumError(error) || error.facts.applied !== 'unknown') throw error
    if ((await storage.stat(pathOf(number), { signal })) === undefined) throw error
  }
  // A store that repeats a request by itself may say so of our own object.
  const found = await readTerm(storage, number, untilMs, signal)
  if (found?.holder.id !== holder.id) return 'other'
  return found.untilMs === untilMs && found.isReleased === isReleased ? 'made' : 'older'
}

async function newestTerm(storage: Storage, signal: AbortSignal | undefined): Promise<Term | undefined> {
  let newest: { number: number; modifiedMs: number } | undefined
  for await (const page of storage.list(LEASE_FOLDER, { signal })) {
    for (const { path, modifiedMs } of page) {
      const number = Number(NAME.exec(path)?.[1] ?? -1)
      if (number > (newest?.number ?? 0)) newest = { number, modifiedMs }
    }
  }
  if (newest === undefined) return undefined
  // Deleted since: a newer one is there, which the next try meets.
  return (await readTerm(storage, newest.number, newest.modifiedMs, signal)) ?? unreadable(newest.number, newest.modifiedMs)
}

async function readTerm(storage: Storage, number: number, modifiedMs: number, signal: AbortSignal | undefined): Promise<Term | undefined> {
  const bytes = await storage.readRange(pathOf(number), 0, MAX_BYTES, { signal })
  if (bytes === undefined) return undefined
  let json: JsonObject | undefined
  try {
    const value = parseJson(decodeUtf8(bytes), 100)
    if (isJsonObject(value)) json = value
  } catch {
    // As one that says nothing.
  }
  const { id, name, process, until, released } = json ?? {}
  if (typeof id !== 'string' || typeof name !== 'string' || typeof until !== 'number') return unreadable(number, modifiedMs)
  return {
    number,
    holder: { id, name, process: typeof process === 'string' ? process : undefined },
    // No clock that is wrong keeps a table from being maintained for longer.
    untilMs: Math.min(until, modifiedMs + MAX_TTL_MS),
    isReleased: released === true,
  }
}

// An object that says nothing holds the lease for as long as one that does by default.
function unreadable(number: number, modifiedMs: number): Term {
  return { number, holder: { id: '', name: 'somebody' }, untilMs: modifiedMs + DEFAULT_TTL_MS, isReleased: false }
}

async function sweep(storage: Storage, number: number, kept: number): Promise<void> {
  const old: string[] = []
  for await (const page of storage.list(LEASE_FOLDER)) {
    for (const { path } of page) {
      const found = Number(NAME.exec(path)?.[1] ?? number)
      if (found < number - kept) old.push(path)
    }
  }
  for (const path of old) await storage.delete(path)
}
