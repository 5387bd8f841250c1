// Fetching before the bytes are needed, within a budget that readings may share. Rule: what is needed now is fetched
// whatever the budget says; what is fetched ahead was taken from it first, and comes back when it is decoded or let go.
import type { ChunkInfo } from './footer.js'
import type { SchemaNode } from './schema-tree.js'

/** Bytes that may be fetched, or lie fetched, before they are needed. */
export class ReadAhead {
  readonly maxBytes: number
  #taken = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
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

/** Where the chunks of a row group lie. */
export interface LocatedGroup {
  readonly sizeBytes: number
  fetch(signal: AbortSignal | undefined): Promise<FetchedChunk[]>
}

/** Fetches the row groups of one reading, in order, some of them ahead. For reader.ts. */
export class GroupFetcher<G = unknown> {
  readonly #count: number
  readonly #ahead: ReadAhead
  readonly #locate: (index: number) => LocatedGroup
  readonly #signal: AbortSignal | undefined
  // Fetched ahead and not decoded yet: what each took from the budget.
  readonly #fetches = new Map<number, { readonly chunks: Promise<FetchedChunk[]>; readonly taken: number }>()
  #over = false

  constructor(groups: readonly G[], ahead: ReadAhead, locate: (group: G) => LocatedGroup, signal: AbortSignal | undefined) {
    this.#count = groups.length
    this.#ahead = ahead
    this.#locate = (index) => locate(groups[index] as G)
    this.#signal = signal
  }

  /** Begins to fetch a row group where the budget allows. What is wrong with it shows when it is fetched for good. */
  prefetch(index: number): void {
    if (this.#over || index >= this.#count || this.#fetches.has(index) || this.#signal?.aborted === true) return
    let located: LocatedGroup
    try {
      located = this.#locate(index)
    } catch {
      return // Who comes to need it is told.
    }
    if (!this.#ahead.take(located.sizeBytes)) return
    const chunks = located.fetch(this.#signal)
    // The reader may stop before it is awaited; its failure must not be an unhandled rejection.
    chunks.catch(() => undefined)
    this.#fetches.set(index, { chunks, taken: located.sizeBytes })
  }

  /** The chunks of a row group. */
  async fetch(index: number): Promise<FetchedChunk[]> {
    const ahead = this.#fetches.get(index)
    return ahead === undefined ? this.#locate(index).fetch(this.#signal) : ahead.chunks
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
