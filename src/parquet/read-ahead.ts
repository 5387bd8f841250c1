// Fetching before the bytes are needed, and decoding on other threads, within a budget that readings may share. Rule: what is
// needed now is fetched whatever the budget says; what is fetched ahead was taken from it first, and comes back when it is
// decoded or let go.
import type { RecordBatch } from 'apache-arrow'
import type { DecodeThreads } from './decode-thread.js'
import type { ChunkInfo } from './footer.js'
import type { SchemaNode } from './schema-tree.js'

/** Bytes that may be fetched, or lie fetched, before they are needed; with threads, also what these make of them. */
export class ReadAhead {
  readonly maxBytes: number
  readonly threads: DecodeThreads | undefined
  #taken = 0

  constructor(maxBytes: number, threads?: DecodeThreads) {
    this.maxBytes = maxBytes
    this.threads = threads
  }

  /** Bytes taken now. */
  get takenBytes(): number {
    return this.#taken
  }

  /** Takes bytes from the budget, or answers false. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.maxBytes) return false
    this.#taken += bytes
    return true
  }

  give(bytes: number): void {
    this.#taken -= bytes
  }
}

/** One column chunk with its bytes. */
export interface FetchedChunk {
  readonly leaf: SchemaNode
  readonly chunk: ChunkInfo
  readonly bytes: Uint8Array
}

/** The chunks of a row group; where threads decode them, what will come of it, undefined where it is left to this thread. */
export interface FetchedGroup {
  readonly chunks: readonly FetchedChunk[]
  readonly decoded?: Promise<RecordBatch[] | undefined> | undefined
}

/** Where the chunks of a row group lie. */
export interface LocatedGroup {
  /** What it takes from the budget. */
  readonly sizeBytes: number
  fetch(signal: AbortSignal | undefined): Promise<FetchedGroup>
}

/** Fetches the row groups of one reading, in order, some of them ahead. For reader.ts. */
export class GroupFetcher<G = unknown> {
  readonly #count: number
  readonly #ahead: ReadAhead
  readonly #locate: (index: number) => LocatedGroup
  readonly #signal: AbortSignal | undefined
  // Fetched ahead and not decoded yet: what each took from the budget.
  readonly #fetches = new Map<number, { readonly group: Promise<FetchedGroup>; readonly taken: number }>()
  #over = false

  constructor(groups: readonly G[], ahead: ReadAhead, locate: (group: G) => LocatedGroup, signal: AbortSignal | undefined) {
    this.#count = groups.length
    this.#ahead = ahead
    this.#locate = (index) => locate(groups[index] as G)
    this.#signal = signal
  }

  /**
   * Begins to fetch row groups, `count` from an index on, as far as the budget allows. What is wrong with one shows when it is
   * fetched for good.
   */
  prefetch(index: number, count = 1): void {
    if (this.#over || this.#signal?.aborted === true) return
    for (let i = index; i < Math.min(index + count, this.#count); i++) if (!this.#fetches.has(i) && !this.#begin(i)) return
  }

  #begin(index: number): boolean {
    let located: LocatedGroup
    try {
      located = this.#locate(index)
    } catch {
      return false // Who comes to need it is told.
    }
    if (!this.#ahead.take(located.sizeBytes)) return false
    const group = located.fetch(this.#signal)
    // The reader may stop before it is awaited; its failure must not be an unhandled rejection.
    group.catch(() => undefined)
    this.#fetches.set(index, { group, taken: located.sizeBytes })
    return true
  }

  /** The chunks of a row group. */
  async fetch(index: number): Promise<FetchedGroup> {
    const ahead = this.#fetches.get(index)
    return ahead === undefined ? this.#locate(index).fetch(this.#signal) : ahead.group
  }

  /** Gives back what a row group took. */
  release(index: number): void {
    this.#ahead.give(this.#fetches.get(index)?.taken ?? 0)
    this.#fetches.delete(index)
  }

  /** Gives back everything; nothing is fetched ahead from here on. */
  releaseAll(): void {
    this.#over = true
    for (const index of [...this.#fetches.keys()]) this.release(index)
  }
}
