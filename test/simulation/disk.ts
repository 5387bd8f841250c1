// What the simulated store holds. Every change is atomic and happens at one moment; answers are lost elsewhere.
import { compareText } from './text-order.js'
import { EPOCH_MS, type World } from './world.js'

export interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

/** What is known of an object that once was there. */
export interface Placed {
  readonly path: string
  readonly atMs: number
  readonly bytes: Uint8Array
}

const COMMIT = /^_delta_log\/\d{20}\.json$/

export class Disk {
  readonly objects = new Map<string, StoredObject>()
  /** Objects in the order in which they came, those that were deleted since included. */
  readonly placed: Placed[] = []
  /** What no store may be asked to do to a table. */
  readonly misdeeds: string[] = []
  readonly #world: World
  readonly #jitterMs: number
  #paths: string[] | undefined

  /** `jitterMs`: how far times of modification may be off, either way. */
  constructor(world: World, jitterMs: number) {
    this.#world = world
    this.#jitterMs = jitterMs
  }

  /** In the order of their bytes. */
  get paths(): readonly string[] {
    this.#paths ??= [...this.objects.keys()].sort(compareText)
    return this.#paths
  }

  create(path: string, bytes: Uint8Array): 'created' | 'exists' {
    if (this.objects.has(path)) return 'exists'
    this.#set(path, bytes)
    return 'created'
  }

  put(path: string, bytes: Uint8Array): void {
    if (COMMIT.test(path)) this.misdeeds.push(`a commit was put without a condition: ${path}`)
    this.#set(path, bytes)
  }

  delete(path: string): void {
    if (COMMIT.test(path)) this.misdeeds.push(`a commit was deleted: ${path}`)
    if (this.objects.delete(path)) this.#paths = undefined
  }

  #set(path: string, bytes: Uint8Array): void {
    if (!this.objects.has(path)) this.#paths = undefined
    const jitter = this.#jitterMs === 0 ? 0 : this.#world.between(-this.#jitterMs, this.#jitterMs)
    this.objects.set(path, { bytes, modifiedMs: Math.floor(EPOCH_MS + this.#world.nowMs + jitter) })
    this.placed.push({ path, atMs: this.#world.nowMs, bytes })
    this.#world.note(`placed ${path} ${bytes.length}`)
  }
}
