// What the storage contract suite is made of: its options, its cases, and what cases share.
// One rule: a case uses nothing but the contract, so that it judges a store on another continent as it judges one in memory.
import { encodeUtf8 } from '../bytes.js'
import { systemRuntime } from '../runtime.js'
import type { ObjectInfo, Storage, StorageCapabilities } from '../storage/storage.js'

/** One promise of the storage contract. `run` rejects when the store breaks it. */
export interface ContractCase {
  /** The promise, as a sentence; unique in a suite. */
  readonly name: string
  /** Needs a fresh, empty store (for a remote one: a fresh prefix), opened without a time limit of its own. */
  run(storage: Storage): Promise<void>
}

/** What the suite has to know of a store beforehand. */
export interface ContractOptions {
  /** As the store declares them. They pick the cases: what a store cannot do it must refuse. */
  readonly capabilities: StorageCapabilities
  /** Whether the store offers `stage`. */
  readonly stages?: boolean
  /**
   * Names (parts of a path) this store cannot hold, such as those with ':' in HDFS. It must refuse them; all other names of
   * the suite must come back as they are.
   */
  readonly refusesName?: (name: string) => boolean
  /** Objects in the folder that has to be listed in pages; 2,500 by default, which is three pages of S3. */
  readonly listObjects?: number
  /** Size of the big object; 16 MiB and a little by default. */
  readonly bigObjectBytes?: number
  /** Creators that race for one name in this process, and the number of names; 32 and 12 by default. */
  readonly race?: { readonly creators?: number; readonly names?: number }
  /**
   * Whether a create over an object of the same bytes may fail with `applied: 'unknown'`: only where requests are made to fail, so
   * that the store has to send one twice and cannot tell that object from its own. Any other store must answer `exists`.
   */
  readonly doubtsEqualBytes?: boolean
  /** How to start processes that race; without it that case is left out. */
  readonly processRace?: ProcessRace
}

/** A race of processes: each opens the same store by itself and runs `runRaceWorker` with what it is given. */
export interface ProcessRace {
  /** 8 by default. */
  readonly workers?: number
  /** 200 by default. */
  readonly names?: number
  /** Starts one process per order at once and answers what each `runRaceWorker` answered. `storage` is the store of the case. */
  start(storage: Storage, orders: readonly RaceOrder[]): Promise<readonly RaceTally[]>
}

/** What one racing process has to do. Plain data, to be handed over as JSON. */
export interface RaceOrder {
  readonly worker: number
  readonly workers: number
  readonly names: readonly string[]
}

/** What one racing process saw. Plain data. */
export interface RaceTally {
  readonly worker: number
  /** Names it was told it created. */
  readonly created: readonly string[]
  /** Names it was told exist, each of which it could read whole. */
  readonly exists: readonly string[]
  /** Anything else, as text. */
  readonly failures: readonly string[]
}

/** Bytes that differ at every position, size and seed, so that mixed or shifted content shows. */
export function patternBytes(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/**
 * Repeats a step for as long as `work` takes, then waits for both. The step lets timers and sockets have their turn now and
 * then: a store that answers at once would otherwise be asked for ever.
 */
export async function during(work: () => Promise<unknown>, step: (round: number) => Promise<unknown>): Promise<void> {
  let done = false
  const repeating = (async () => {
    for (let round = 0; !done; round++) {
      await step(round)
      if (round % 4 === 3) await systemRuntime.sleep(0)
    }
  })()
  const outcomes = await Promise.allSettled([
    work().finally(() => {
      done = true
    }),
    repeating,
  ])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** UTF-8 bytes of a text. */
export function textBytes(text: string): Uint8Array {
  return encodeUtf8(text)
}

/** A whole listing. */
export async function listAll(
  storage: Storage,
  folder: string,
  options?: { readonly from?: string; readonly recursive?: boolean },
): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = []
  for await (const page of storage.list(folder, options)) objects.push(...page)
  return objects
}

/** The paths of a whole listing. */
export async function listPaths(
  storage: Storage,
  folder: string,
  options?: { readonly from?: string; readonly recursive?: boolean },
): Promise<string[]> {
  return (await listAll(storage, folder, options)).map((object) => object.path)
}

/** Writes one object in one chunk. */
export async function writeObject(storage: Storage, path: string, bytes: Uint8Array): Promise<void> {
  const writer = await storage.write(path)
  await writer.write(bytes)
  await writer.close()
}
