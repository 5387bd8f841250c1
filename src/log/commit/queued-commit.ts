// A logical commit that waits to be put, alone or with others, and the promise of whoever made it.
import type { SharedRequest } from './combine.js'
import { fileKey } from './file-key.js'
import { type CommitOptions, Limits } from './limits.js'
import { notCommitted } from './outcomes.js'
import type { CommitContext, CommitResult } from './request.js'

export class QueuedCommit {
  readonly context: CommitContext
  readonly request: SharedRequest
  readonly options: CommitOptions
  readonly result: Promise<CommitResult>
  /** Only commits of one kind share: they describe themselves alike and have the same limits. */
  readonly kind: string
  /** What a commit may hold once: applications and files. */
  readonly keys: readonly string[]
  /** Must not share any more. */
  alone = false
  hasEnded = false
  #isReady: boolean
  #onReady: (() => void)[] = []
  #resolve: (result: CommitResult) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #onEnd: () => void = () => {}
  #stopWaiting: () => void = () => {}

  /** @param onEnd called when it ends before anybody has taken it up */
  constructor(context: CommitContext, request: SharedRequest, options: CommitOptions, onEnd: () => void) {
    this.context = context
    this.request = request
    this.options = options
    const { maxAttempts, timeoutMs, callTimeoutMs, graceMs } = options
    const { operation, userMetadata, isolation } = request
    this.kind = JSON.stringify([operation, userMetadata, isolation, maxAttempts, timeoutMs, callTimeoutMs, graceMs])
    const keys = new Set(request.readSet.appIds.map((appId) => `txn ${appId}`))
    for (const action of request.actions) {
      if (action.kind === 'txn') keys.add(`txn ${action.appId}`)
      else if (action.kind === 'add') keys.add(`file ${fileKey(action.path)}`)
    }
    this.keys = [...keys]
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#isReady = request.ready === undefined
    request.ready?.then(
      () => this.#nowReady(),
      (error) => this.#giveUp(notCommitted(error)),
    )
    this.#onEnd = onEnd
    this.putBack()
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal
  }

  /** Its data files are in the store. */
  get isReady(): boolean {
    return this.#isReady
  }

  onReady(call: () => void): void {
    if (!this.#isReady) this.#onReady.push(call)
  }

  /** Taken up: from here on its end is decided by what becomes of the put. */
  take(): void {
    this.#stopWaiting()
  }

  /** Waits, at first and again: whoever made it may still take it back. */
  putBack(): void {
    const { signal } = this
    const onAbort = (): void => this.#giveUp(this.aborted())
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#stopWaiting = () => signal?.removeEventListener('abort', onAbort)
    if (signal?.aborted === true) onAbort()
  }

  succeed(result: CommitResult): void {
    this.#end()
    this.#resolve(result)
  }

  /** Only the first end counts. */
  fail(error: unknown): void {
    this.#end()
    this.#reject(error)
  }

  /** The error of a commit that its caller stopped, and of which nothing is in the table. */
  aborted(): unknown {
    try {
      new Limits(this.context.runtime, this.options).throwIfAborted(`${this.request.operation} on ${this.context.storage.location}`)
    } catch (error) {
      return error
    }
    return undefined
  }

  #giveUp(error: unknown): void {
    this.#onEnd()
    this.fail(error)
  }

  #end(): void {
    this.hasEnded = true
    this.#stopWaiting()
  }

  #nowReady(): void {
    this.#isReady = true
    const calls = this.#onReady
    this.#onReady = []
    for (const call of calls) call()
  }
}
