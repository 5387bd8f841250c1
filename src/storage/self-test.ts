// What a store really does, tried with objects of its own: the checks behind `alluvium doctor`.
// One rule: only the storage contract is used, nothing of a table is touched, and what is made is removed again.
import { encodeUtf8 } from '../bytes.js'
import { AlluviumError, throwIfAborted } from '../errors.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import type { Storage } from './storage.js'

/** How one check ended. */
export interface StorageCheck {
  readonly name:
    | 'reach'
    | 'create'
    | 'exclusive'
    | 'race'
    | 'read'
    | 'range'
    | 'list'
    | 'stream'
    | 'replace'
    | 'clock'
    | 'delete'
    | 'durable'
  /** `warning`: it works, but something should be known. `skipped`: an earlier failure left nothing to check. */
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped'
  /** What was found, for people. */
  readonly detail: string
  readonly elapsedMs: number
  /** Why it failed. */
  readonly error?: AlluviumError
}

export interface CheckStorageOptions {
  readonly runtime?: Runtime
  readonly signal?: AbortSignal
  /** Called after each check. */
  readonly onCheck?: (check: StorageCheck) => void
}

type Found = string | { readonly outcome: 'ok' | 'warning' | 'skipped'; readonly detail: string }

interface Trial {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly call: { readonly signal?: AbortSignal }
  /** All objects of the trial begin with this. */
  readonly prefix: string
}

const RACERS = 8
const STREAM_BYTES = 300_000
/** More than clocks that are set differ by; time travel by timestamp goes by the store's clock. */
const CLOCK_TOLERANCE_MS = 60_000

/**
 * Tries a store with objects of its own in its root, which readers of tables ignore, and removes them afterwards.
 *
 * @example
 * const checks = await checkStorage(await openStorage('s3://lake/events'))
 * for (const { name, outcome, detail } of checks) console.log(name, outcome, detail)
 * @throws AlluviumError `ABORTED`; all else is an outcome of a check
 */
export async function checkStorage(storage: Storage, options: CheckStorageOptions = {}): Promise<StorageCheck[]> {
  const { runtime = systemRuntime, signal, onCheck } = options
  const trial: Trial = { storage, runtime, call: signal === undefined ? {} : { signal }, prefix: `_alluvium_self_test_${runtime.uuid()}_` }
  const checks: StorageCheck[] = []
  const failed = (name: StorageCheck['name']): boolean => checks.some((check) => check.name === name && check.outcome !== 'ok')
  for (const { name, needs, run } of TRIALS) {
    throwIfAborted(signal, `checking ${storage.location}`)
    const missing = needs.find(failed)
    const check = missing === undefined ? await tried(name, trial, run) : skipped(name, missing)
    checks.push(check)
    onCheck?.(check)
  }
  return checks
}

const TRIALS: readonly {
  readonly name: StorageCheck['name']
  readonly needs: readonly StorageCheck['name'][]
  readonly run: (trial: Trial) => Promise<Found>
}[] = [
  { name: 'reach', needs: [], run: reach },
  { name: 'create', needs: ['reach'], run: create },
  { name: 'exclusive', needs: ['create'], run: exclusive },
  { name: 'race', needs: ['exclusive'], run: race },
  { name: 'read', needs: ['create'], run: read },
  { name: 'range', needs: ['create'], run: range },
  { name: 'list', needs: ['create'], run: list },
  { name: 'stream', needs: ['reach'], run: stream },
  { name: 'replace', needs: ['reach'], run: replace },
  { name: 'clock', needs: ['create'], run: clock },
  { name: 'delete', needs: ['reach'], run: remove },
  { name: 'durable', needs: [], run: durable },
]

async function tried(name: StorageCheck['name'], trial: Trial, run: (trial: Trial) => Promise<Found>): Promise<StorageCheck> {
  const startMs = trial.runtime.monotonicMs()
  const elapsed = (): number => Math.round((trial.runtime.monotonicMs() - startMs) * 10) / 10
  try {
    const found = await run(trial)
    return { name, ...(typeof found === 'string' ? { outcome: 'ok', detail: found } : found), elapsedMs: elapsed() }
  } catch (cause) {
    if (cause instanceof AlluviumError && cause.code === 'ABORTED') throw cause
    const error = cause instanceof AlluviumError ? cause : new AlluviumError('STORAGE_UNAVAILABLE', String(cause), {}, { cause })
    return { name, outcome: 'failed', detail: error.message, elapsedMs: elapsed(), error }
  }
}

function skipped(name: StorageCheck['name'], missing: string): StorageCheck {
  return { name, outcome: 'skipped', detail: `needs ${missing}`, elapsedMs: 0 }
}

async function reach({ storage, call }: Trial): Promise<Found> {
  let objects = 0
  for await (const page of storage.list('_delta_log', call)) {
    objects += page.length
    break
  }
  return objects === 0 ? 'the store answers; there is no table at this place' : 'the store answers; there is a table at this place'
}

async function create({ storage, prefix, call }: Trial): Promise<Found> {
  if (!storage.capabilities.exclusiveCreate) {
    throw new AlluviumError('STORAGE_UNSAFE', `${storage.location} has no put-if-absent: it can be read, commits are refused.`)
  }
  expect(await storage.create(`${prefix}object`, encodeUtf8('first'), call), 'created', 'creating an object under a fresh name')
  return 'an object was created'
}

async function exclusive({ storage, prefix, call }: Trial): Promise<Found> {
  expect(await storage.create(`${prefix}object`, encodeUtf8('second'), call), 'exists', 'creating an object again')
  expect(textOf(await storage.read(`${prefix}object`, call)), 'first', 'the object after that')
  return 'an object is created once'
}

async function race({ storage, prefix, call }: Trial): Promise<Found> {
  const outcomes = await Promise.all(
    Array.from({ length: RACERS }, (_, racer) => storage.create(`${prefix}race`, encodeUtf8(String(racer)), call)),
  )
  const winners = outcomes.flatMap((outcome, racer) => (outcome === 'created' ? [racer] : []))
  expect(winners.length, 1, `the number of winners among ${RACERS} creators of one name`)
  expect(textOf(await storage.read(`${prefix}race`, call)), String(winners[0]), "the winner's object")
  return `of ${RACERS} creators at once, one won`
}

async function read({ storage, prefix, call }: Trial): Promise<Found> {
  expect(textOf(await storage.read(`${prefix}object`, call)), 'first', 'reading what was created')
  expect(await storage.read(`${prefix}missing`, call), undefined, 'reading what was never there')
  return 'an object can be read as soon as it is created'
}

async function range({ storage, prefix, call }: Trial): Promise<Found> {
  expect(textOf(await storage.readRange(`${prefix}object`, 1, 3, call)), 'irs', 'three bytes from the second')
  expect(textOf(await storage.readRange(`${prefix}object`, 3, 100, call)), 'st', 'a range beyond the end')
  return 'parts of an object can be read'
}

async function list(trial: Trial): Promise<Found> {
  expect((await listed(trial)).includes(`${trial.prefix}object`), true, 'a listing has what was created before it')
  return 'a listing has what was just created'
}

async function stream({ storage, prefix, call }: Trial): Promise<Found> {
  const bytes = new Uint8Array(STREAM_BYTES).map((_, i) => i % 251)
  const writer = await storage.write(`${prefix}streamed`, call)
  for (let at = 0; at < bytes.length; at += 65_536) await writer.write(bytes.subarray(at, at + 65_536))
  await writer.close()
  const there = await storage.read(`${prefix}streamed`, call)
  expect(there?.length, bytes.length, 'the size of a streamed object')
  expect(
    there?.every((byte, i) => byte === bytes[i]),
    true,
    'a streamed object comes back as it was written',
  )
  return `${STREAM_BYTES} bytes were streamed and came back`
}

async function replace({ storage, prefix, call }: Trial): Promise<Found> {
  for (const text of ['a longer one', 'short']) {
    await storage.put(`${prefix}replaced`, encodeUtf8(text), call)
    expect(textOf(await storage.read(`${prefix}replaced`, call)), text, 'a replaced object')
  }
  return 'an object can be replaced whole'
}

async function clock({ storage, prefix, runtime, call }: Trial): Promise<Found> {
  const info = await storage.stat(`${prefix}object`, call)
  expect(info !== undefined, true, 'the facts of an object are there')
  const offMs = (info?.modifiedMs ?? 0) - runtime.now()
  if (Math.abs(offMs) <= CLOCK_TOLERANCE_MS) return "the store's clock and this machine's agree"
  const detail = `the store's clock is ${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'ahead of' : 'behind'} this machine's: time travel by timestamp goes by the store's`
  return { outcome: 'warning', detail }
}

async function remove(trial: Trial): Promise<Found> {
  const { storage, prefix, call } = trial
  const made = ['object', 'race', 'streamed', 'replaced'].map((name) => `${prefix}${name}`)
  await Promise.all(made.map((path) => storage.delete(path, call)))
  expect((await listed(trial)).length, 0, 'the number of objects left after deleting them')
  return 'objects can be deleted; nothing was left behind'
}

async function durable({ storage }: Trial): Promise<Found> {
  if (storage.capabilities.durable) return 'what is acknowledged survives power loss'
  return { outcome: 'warning', detail: 'what is acknowledged may be lost with the power (durability none)' }
}

/** The trial's own objects; the root may hold many others. */
async function listed({ storage, prefix, call }: Trial): Promise<string[]> {
  const names: string[] = []
  for await (const page of storage.list('', { ...call, from: prefix })) {
    names.push(...page.map(({ path }) => path).filter((path) => path.startsWith(prefix)))
    if (page.some(({ path }) => !path.startsWith(prefix))) break
  }
  return names
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

function expect(actual: unknown, expected: unknown, what: string): void {
  if (actual === expected) return
  throw new AlluviumError(
    'STORAGE_UNSAFE',
    `${what}: expected ${JSON.stringify(expected) ?? 'nothing'}, found ${JSON.stringify(actual) ?? 'nothing'}. Tables on this store are not safe.`,
    { expected: expected ?? null, found: actual ?? null },
  )
}
