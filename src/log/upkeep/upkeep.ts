// What follows a commit without being part of it: its checksum, the checkpoint that is due, cleaning the log. Never in the
// way of a commit and never a reason for it to fail: what goes wrong here is reported, nothing is thrown.
import { AlluviumError, isAlluviumError } from '../../errors.js'
import type { Runtime } from '../../runtime.js'
import { tableProperties } from '../../schema/index.js'
import type { Storage } from '../../storage/storage.js'
import type { LogView } from '../log-view.js'
import { findSegment, type LogSegment } from '../segment.js'
import { type CleanLogResult, cleanLog, cleanupCutoff } from './clean-log.js'
import { isCheckpointDue } from './policy.js'
import { type CheckpointResult, writeCheckpoint } from './write-checkpoint.js'
import { writeChecksum } from './write-checksum.js'

/** What came of one piece of upkeep. */
export type UpkeepReport =
  | { readonly kind: 'checkpoint'; readonly result: CheckpointResult }
  | { readonly kind: 'cleanup'; readonly result: CleanLogResult }
  | {
      readonly kind: 'failure'
      readonly what: 'checksum' | 'checkpoint' | 'cleanup'
      readonly version: number
      readonly error: AlluviumError
    }

export interface UpkeepOptions {
  /** Told of checkpoints, cleanings and failures as they come. */
  readonly onReport?: ((report: UpkeepReport) => void) | undefined
}

// Checksums that wait while the store is slower than the commits; of more, only the newest are written.
const MAX_WAITING = 4

interface Committed {
  readonly view: LogView
  readonly txnId: string
}

/** The upkeep of one table by one handle. */
export class Upkeep {
  readonly #storage: Storage
  readonly #runtime: Runtime
  readonly #onReport: UpkeepOptions['onReport']
  #waiting: Committed[] = []
  #checksums: Promise<void> | undefined
  #checkpoint: Promise<void> | undefined
  #cleanedUpToMs: number | undefined

  constructor(storage: Storage, runtime: Runtime, options: UpkeepOptions = {}) {
    this.#storage = storage
    this.#runtime = runtime
    this.#onReport = options.onReport
  }

  /** Begins what a commit calls for. Never throws and waits for nothing. */
  committed(view: LogView, txnId: string): void {
    this.#waiting.push({ view, txnId })
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    this.#checksums ??= this.#writeChecksums().finally(() => {
      this.#checksums = undefined
    })
    if (this.#checkpoint !== undefined || !this.#isDue(view)) return
    this.#checkpoint = this.#writeCheckpoint(view).finally(() => {
      this.#checkpoint = undefined
    })
  }

  /** Waits for the checksums that are on their way, but no longer than `maxMs`. */
  async checksums(maxMs: number): Promise<void> {
    const writing = this.#checksums
    if (writing === undefined) return
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.setTimer(maxMs, resolve)
      void writing.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Waits for everything that is under way. */
  async settled(): Promise<void> {
    while (this.#checksums !== undefined || this.#checkpoint !== undefined) await Promise.all([this.#checksums, this.#checkpoint])
  }

  async #writeChecksums(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { view, txnId } = next
      await this.#reporting('checksum', view, () => writeChecksum(this.#storage, view, txnId, this.#runtime.now()))
    }
  }

  #isDue(view: LogView): boolean {
    try {
      return isCheckpointDue(view, view.commitBytes, this.#storage.remote === true)
    } catch (error) {
      this.#fail('checkpoint', view, error) // a property that makes no sense
      return false
    }
  }

  async #writeCheckpoint(view: LogView): Promise<void> {
    await inTurn(this.#runtime, () =>
      this.#reporting('checkpoint', view, async () => {
        const askedMs = this.#runtime.monotonicMs()
        const segment = await findSegment(this.#storage, { version: view.version })
        if (this.#isDoneByOthers(view, segment)) return
        const result = await writeCheckpoint({ storage: this.#storage, runtime: this.#runtime }, view, { segment, askedMs })
        this.#report({ kind: 'checkpoint', result })
      }),
    )
    await this.#reporting('cleanup', view, () => this.#clean(view))
  }

  // Another writer may have been here since this handle last looked.
  #isDoneByOthers(view: LogView, { checkpoint }: LogSegment): boolean {
    const known = view.shared.checkpoint?.version ?? view.replayState.checkpoint?.version ?? -1
    if (checkpoint === undefined || checkpoint.version <= known) return false
    const sizeBytes = checkpoint.files.reduce((sum, file) => sum + file.sizeBytes, 0)
    view.shared.checkpoint = { version: checkpoint.version, sizeBytes, logBytes: view.replayState.logBytes }
    return !this.#isDue(view)
  }

  // Once a day at most: the cut-off is a midnight.
  async #clean(view: LogView): Promise<void> {
    if (!tableProperties(view.metadata.configuration).enableExpiredLogCleanup) return
    const cutoffMs = cleanupCutoff(view, this.#runtime.now())
    if (this.#cleanedUpToMs === cutoffMs) return
    this.#cleanedUpToMs = cutoffMs
    const result = await cleanLog({ storage: this.#storage, runtime: this.#runtime }, view, { byStoreClock: true })
    if (result.paths.length > 0) this.#report({ kind: 'cleanup', result })
  }

  async #reporting(what: 'checksum' | 'checkpoint' | 'cleanup', view: LogView, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#fail(what, view, error)
    }
  }

  #fail(what: 'checksum' | 'checkpoint' | 'cleanup', view: LogView, cause: unknown): void {
    const error = isAlluviumError(cause) ? cause : new AlluviumError('CORRUPT_LOG', String(cause), {}, { cause })
    this.#report({ kind: 'failure', what, version: view.version, error })
  }

  #report(report: UpkeepReport): void {
    try {
      this.#onReport?.(report)
    } catch {
      // Whoever listens must not break what it listens to.
    }
  }
}

// One checkpoint at a time in a process: each may take 100 MB. A process is whoever shares a runtime.
const lastTurns = new WeakMap<Runtime, Promise<void>>()

function inTurn(runtime: Runtime, work: () => Promise<void>): Promise<void> {
  const turn = (lastTurns.get(runtime) ?? Promise.resolve()).then(work, work)
  lastTurns.set(runtime, turn)
  return turn
}
