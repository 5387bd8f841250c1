// What the writers of all stores share: calls run one after another in the order they were made, and the first failure is the answer to
// every later call. One rule: a writer that failed or was aborted has taken away what it wrote before anybody hears of it.
import type { ObjectWriter } from './storage.js'

/** @internal An object being written; a store says how. */
export abstract class QueuedWriter implements ObjectWriter {
  #state: 'open' | 'closing' | 'closed' | 'dropped' = 'open'
  #failure: unknown
  #tail: Promise<unknown> = Promise.resolve()
  #closed: Promise<{ sizeBytes: number }> | undefined

  /** Takes a chunk in: it is copied or written when this resolves. */
  protected abstract append(chunk: Uint8Array): Promise<void>
  /** Makes the object whole. */
  protected abstract finish(): Promise<{ sizeBytes: number }>
  /** Throws where the caller's signal has fired. */
  protected abstract stopIfAborted(): void
  /** What a failure is to whoever called. */
  protected abstract reasonOf(error: unknown): unknown
  /** Takes away what was written, once. Never throws. */
  protected abstract drop(reason: unknown): Promise<void>
  /** An abort has come while calls are under way. */
  protected hurry(): void {}

  write(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) return Promise.reject(new TypeError(`a chunk is a Uint8Array, not ${typeof chunk}`))
    if (this.#state === 'closing' || this.#state === 'closed') return Promise.reject(new TypeError('this writer was closed before'))
    return this.#next(() => this.append(chunk))
  }

  close(): Promise<{ sizeBytes: number }> {
    if (this.#closed !== undefined) return this.#closed
    if (this.#state === 'open') this.#state = 'closing'
    this.#closed = this.#next(async () => {
      const size = await this.finish()
      this.#state = 'closed'
      return size
    })
    return this.#closed
  }

  async abort(): Promise<void> {
    if (this.#state === 'open') this.hurry()
    await this.#tail.catch(() => {})
    if (this.#state !== 'closed') await this.#end(new TypeError('this writer was aborted before'))
  }

  #next<T>(step: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(() => this.#guarded(step))
    this.#tail = run.catch(() => {})
    return run
  }

  async #guarded<T>(step: () => Promise<T>): Promise<T> {
    if (this.#state === 'dropped') throw this.#failure
    try {
      this.stopIfAborted()
      return await step()
    } catch (error) {
      await this.#end(await this.reasonOf(error))
      throw this.#failure
    }
  }

  async #end(failure: unknown): Promise<void> {
    if (this.#state === 'dropped') return
    this.#state = 'dropped'
    this.#failure = failure
    await this.drop(failure)
  }
}
