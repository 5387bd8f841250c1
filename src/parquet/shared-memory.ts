// Memory that several threads see, used again and again. The engine counts it to no thread, so it never makes the garbage
// collector run; for the same reason it is not left to the collector while it is still of use.
import type { StreamMemory } from './ipc.js'

// Beyond this many bytes that nobody uses, memory is left to the garbage collector.
const MAX_SPARE_BYTES = 32 * 2 ** 20
// What a fresh piece has beyond what is asked for, so that the next, slightly larger stream fits as well.
const HEADROOM = 1.25

/** Whether there is shared memory here; in a browser it depends on how the page is served. */
export const canShare: boolean = typeof SharedArrayBuffer !== 'undefined'

/** A stock of shared memory. */
export class SharedMemory implements StreamMemory {
  readonly #taken = new WeakSet<ArrayBufferLike>()
  readonly #spare: SharedArrayBuffer[] = []

  take(sizeBytes: number): Uint8Array {
    const at = this.#spare.findIndex((memory) => memory.byteLength >= sizeBytes)
    const memory = at < 0 ? new SharedArrayBuffer(Math.ceil(sizeBytes * HEADROOM)) : (this.#spare.splice(at, 1)[0] as SharedArrayBuffer)
    this.#taken.add(memory)
    return new Uint8Array(memory)
  }

  give({ buffer }: Uint8Array): void {
    if (!this.#taken.delete(buffer)) return
    this.#spare.push(buffer as unknown as SharedArrayBuffer)
    let bytes = this.#spare.reduce((sum, memory) => sum + memory.byteLength, 0)
    while (bytes > MAX_SPARE_BYTES) bytes -= (this.#spare.shift() as SharedArrayBuffer).byteLength
  }

  /** Lets go of what nobody uses. */
  clear(): void {
    this.#spare.length = 0
  }
}

/** Whether bytes lie in shared memory, which not everything that takes bytes takes. */
export function isShared(bytes: Uint8Array): boolean {
  return canShare && bytes.buffer instanceof SharedArrayBuffer
}
