// What the simulated store holds, and everything that it ever held. Every change is atomic and happens at one moment; answers
// are lost elsewhere. Names are plain ASCII here, so that JavaScript's order of texts is the order of their bytes.
import { EPOCH_MS, type World } from './world.js'

/** An object, from when it came to when it went. */
export interface Placed {
  readonly path: string
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  readonly atMs: number
  goneMs?: number
  /** Who made it go. */
  goneBy?: string
}

const COMMIT = /^_delta_log\/\d{20}\.json$/
/** What a power failure may take of files that are worth no wait, in age. */
const UNSYNCED_MS = 5000

export class Disk {
  /** In the order in which they came. */
  readonly placed: Placed[] = []
  /** What no store may be asked to do to a table. */
  readonly misdeeds: string[] = []
  readonly #world: World
  readonly #jitterMs: number
  readonly #objects = new Map<string, Placed>()
  readonly #paths: string[] = []
  readonly #careless = new Set<Placed>()

  /** `jitterMs`: how far times of modification may be off, either way. */
  constructor(world: World, jitterMs: number) {
    this.#world = world
    this.#jitterMs = jitterMs
  }

  /** In the order of their bytes. */
  get paths(): readonly string[] {
    return this.#paths
  }

  get(path: string): Placed | undefined {
    return this.#objects.get(path)
  }

  /** Where in the order of the paths one is or would be. */
  search(path: string): number {
    let low = 0
    let high = this.#paths.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#paths[middle] as string) < path) low = middle + 1
      else high = middle
    }
    return low
  }

  create(
    path: string,
    bytes: Uint8Array,
    options: { readonly writtenMs?: number | undefined; readonly mayBeLost?: boolean } = {},
  ): 'created' | 'exists' {
    if (this.#objects.has(path)) return 'exists'
    this.#set(path, bytes, options.writtenMs)
    if (options.mayBeLost === true) this.#careless.add(this.#objects.get(path) as Placed)
    return 'created'
  }

  put(path: string, bytes: Uint8Array, by: string): void {
    if (COMMIT.test(path)) this.misdeeds.push(`a commit was put without a condition: ${path}`)
    this.delete(path, by)
    this.#set(path, bytes)
  }

  delete(path: string, by: string): void {
    const object = this.#objects.get(path)
    if (object === undefined) return
    object.goneMs = this.#world.nowMs
    object.goneBy = by
    this.#objects.delete(path)
    this.#paths.splice(this.search(path), 1)
    this.#world.note(`gone ${path}`)
  }

  /** A power failure: what was written without waiting for the disk is there in part, or not at all. */
  failPower(): void {
    for (const object of this.#careless) {
      if (object.goneMs !== undefined || object.atMs < this.#world.nowMs - UNSYNCED_MS) continue
      this.delete(object.path, 'power')
      const left = this.#world.random.below(object.bytes.length + 1)
      if (left > 0) this.#set(object.path, object.bytes.subarray(0, left))
    }
    this.#careless.clear()
  }

  #set(path: string, bytes: Uint8Array, writtenMs: number = this.#world.nowMs): void {
    const jitter = this.#jitterMs === 0 ? 0 : this.#world.between(-this.#jitterMs, this.#jitterMs)
    const object = { path, bytes, modifiedMs: Math.floor(EPOCH_MS + writtenMs + jitter), atMs: this.#world.nowMs }
    this.#paths.splice(this.search(path), 0, path)
    this.#objects.set(path, object)
    this.placed.push(object)
    this.#world.note(`placed ${path} ${bytes.length}`)
  }
}
