// A sink that remembers some of what went through it, so that it can be read back and compared: what was copied without being looked at is
// looked at once on the other side. Rule: a share of the bytes, spread over the whole file; all of a small one.
import { AlluviumError } from '../errors.js'
import type { ByteSink } from '../parquet/index.js'
import type { Storage } from '../storage/storage.js'
import { goneError } from './read-back.js'

const BLOCK_BYTES = 2 ** 20
/** Of so many blocks one is read back. */
const EVERY = 16

export class CheckedSink implements ByteSink {
  readonly #sink: ByteSink
  /** Sums of the blocks that are read back, by their number. */
  readonly #sums = new Map<number, number>()
  #at = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const block = Math.floor(this.#at / BLOCK_BYTES)
      const to = Math.min(bytes.length, from + (block + 1) * BLOCK_BYTES - this.#at)
      if (block % EVERY === 0) this.#sums.set(block, sumOf(bytes, from, to, this.#sums.get(block) ?? 0))
      this.#at += to - from
      from = to
    }
    await this.#sink.write(bytes)
  }

  /** Compares what the store has. @throws AlluviumError `CORRUPT_DATA`, `MISSING_FILE`, storage errors */
  async check(storage: Storage, path: string, signal: AbortSignal | undefined): Promise<void> {
    for (const [block, sum] of this.#sums) {
      const start = block * BLOCK_BYTES
      const length = Math.min(BLOCK_BYTES, this.#at - start)
      const bytes = await storage.readRange(path, start, length, { signal })
      if (bytes?.length === length && sumOf(bytes, 0, length, 0) === sum) continue
      if (bytes === undefined) throw goneError(storage, path)
      throw new AlluviumError(
        'CORRUPT_DATA',
        `${path} in ${storage.location} does not hold what was written at byte ${start}; nothing was committed`,
        { path, offset: start },
      )
    }
  }
}

// FNV-1a: a byte that differs, or stands elsewhere, makes another sum.
function sumOf(bytes: Uint8Array, from: number, to: number, before: number): number {
  let sum = before
  for (let at = from; at < to; at++) sum = Math.imul(sum ^ (bytes[at] as number), 0x01000193) + 1
  return sum | 0
}
