// Work on the table that follows commits of a stream: one at a time, in the background. Rule: it delays no write and fails no stream;
// commits that come while it is under way are answered by one more turn.
import { abortedError } from '../errors.js'
import type { Table } from '../table/index.js'
import type { AfterCommitHook, StreamCommit } from './options.js'

export class AfterCommit {
  readonly #table: Table<unknown, never>
  readonly #hook: AfterCommitHook
  readonly #onError: ((error: unknown) => void) | undefined
  readonly #stop = new AbortController()
  #next: StreamCommit | undefined
  #running: Promise<void> | undefined

  constructor(table: Table<unknown, never>, hook: AfterCommitHook, onError: ((error: unknown) => void) | undefined) {
    this.#table = table
    this.#hook = hook
    this.#onError = onError
  }

  /** Tells of a commit. The hook sees the latest one, with the rows and files of all that it was not told of. */
  committed(commit: StreamCommit): void {
    if (this.#stop.signal.aborted) return
    const { numRows, numFiles, sizeBytes } = this.#next ?? { numRows: 0, numFiles: 0, sizeBytes: 0 }
    this.#next = {
      ...commit,
      numRows: commit.numRows + numRows,
      numFiles: commit.numFiles + numFiles,
      sizeBytes: commit.sizeBytes + sizeBytes,
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Waits until nothing is left to be done. Never rejects. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** Stops what is under way. */
  abort(reason: unknown): void {
    this.#next = undefined
    this.#stop.abort(reason)
  }

  async #run(): Promise<void> {
    while (this.#next !== undefined) {
      const commit = this.#next
      this.#next = undefined
      try {
        await this.#hook(this.#table, commit, this.#stop.signal)
      } catch (error) {
        this.#tell(this.#stop.signal.aborted ? abortedError(this.#stop.signal, 'the work after a commit') : error)
      }
    }
  }

  #tell(error: unknown): void {
    try {
      this.#onError?.(error)
    } catch {
      // Who cannot take an error must not end the stream either.
    }
  }
}
