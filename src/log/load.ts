// Opening a log and keeping up with it. Opening replays a segment; refreshing reads only the commits that came since,
// by asking for the next version's file instead of listing.
import { AlluviumError, isAlluviumError, throwIfAborted } from '../errors.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { loadCheckpoint } from './checkpoint.js'
import { isCompaction, type LogStep } from './compaction.js'
import { commitPath } from './file-names.js'
import { FileTable } from './file-table.js'
import { assertCommitSize, type LogLimits, logLimits } from './limits.js'
import { listedAnew } from './listed-anew.js'
import { Lineage, type LogPolicy, type LogView } from './log-view.js'
import { rebuildTable } from './rebuild.js'
import { emptyState, type LogState, Replay } from './replay.js'
import { findSegmentOnce, type LogListing, type LogSegment, listLog, planSegment } from './segment.js'
import { Tally } from './tally.js'

export interface LoadOptions {
  /** The version wanted; the latest without it. */
  readonly version?: number
  readonly signal?: AbortSignal | undefined
  readonly runtime?: Runtime
  readonly limits?: Partial<LogLimits>
  /** Opens what {@link assertReadable} refuses, for tools that look at logs. Rows of such a table must not be read. */
  readonly allowUnreadable?: boolean
}

export interface RefreshOptions {
  readonly signal?: AbortSignal | undefined
  readonly runtime?: Runtime
}

/** Of a log that was listed: all that follow a checkpoint, by the policy for writing checkpoints. */
const READ_AHEAD_FILES = 100
/** Of commits of which nobody knows whether they are there. */
const GUESSED_FILES = 16
const READ_AHEAD_BYTES = 128 * 2 ** 20
// After this long without a look, a missing next commit is checked against a listing: the log may have been cleaned.
const TRUST_MS = 10 * 60 * 1000

/**
 * Opens a table's log at its latest version, or at `version`.
 * @throws AlluviumError `NOT_A_TABLE`, `VERSION_NOT_FOUND`, `CORRUPT_LOG`, `CORRUPT_CHECKPOINT`, `UNSUPPORTED_FEATURE`,
 *   `LIMIT_EXCEEDED`, `ABORTED`, storage errors
 * @example const view = await loadLog(storage); console.log(view.version, view.files.numFiles)
 */
export async function loadLog(storage: Storage, options: LoadOptions = {}): Promise<LogView> {
  return loadFrom(storage, options)
}

/** @throws RangeError for what is no version */
export function assertVersion(version: number | undefined): void {
  if (version !== undefined && (!Number.isSafeInteger(version) || version < 0))
    throw new RangeError(`a version is a non-negative safe integer, not ${version}`)
}

/** {@link loadLog} for a caller that has found the segment already. */
export function loadFrom(storage: Storage, options: LoadOptions, found?: LogSegment): Promise<LogView> {
  return listedAnew(storage, options.signal, (again) => loadOnce(storage, options, again === 0 ? found : undefined))
}

async function loadOnce(storage: Storage, options: LoadOptions, found: LogSegment | undefined): Promise<LogView> {
  const { version, signal, runtime = systemRuntime } = options
  assertVersion(version)
  // What is known is as old as the question.
  const askedMs = runtime.monotonicMs()
  const policy: LogPolicy = { limits: logLimits(options.limits), allowUnreadable: options.allowUnreadable === true }
  const unusable = new Set<string>()
  let damage: AlluviumError | undefined
  let listing: LogListing | undefined
  for (;;) {
    let segment: LogSegment
    try {
      if (unusable.size === 0) segment = found ?? (await findSegmentOnce(storage, { version, signal, readsAhead: true }))
      else {
        // Listed once, however many files turn out to be damaged.
        listing ??= await listLog(storage, 0, signal)
        segment = planSegment(listing, { version, unusable }, storage.location)
      }
    } catch (error) {
      throw damage ?? error // Without the file that could not be read there is no way in: that is the story.
    }
    try {
      const view = await replaySegment(storage, segment, policy, signal)
      if (version === undefined) view.shared.confirmedMs = askedMs
      return view
    } catch (error) {
      const culprit = dispensable(segment, error)
      if (culprit === undefined || unusable.has(culprit)) throw error
      damage ??= error as AlluviumError
      unusable.add(culprit)
    }
  }
}

// The file that could not be used, where there may be a way around it: a checkpoint, or a compaction of commits.
function dispensable(segment: LogSegment, error: unknown): string | undefined {
  if (isAlluviumError(error, 'CORRUPT_CHECKPOINT')) return segment.checkpoint?.files[0]?.path
  if (!isAlluviumError(error, 'CORRUPT_LOG') && !isAlluviumError(error, 'LIMIT_EXCEEDED')) return undefined
  return segment.steps.find((step) => isCompaction(step) && step.file.path === error.facts.path)?.file.path
}

/**
 * The newest view of a table: the same object when nothing has happened since. Costs the new commits and one read for
 * the version that is not there yet, whatever the size of the table.
 * @throws AlluviumError as {@link loadLog}
 */
export async function refreshLog(view: LogView, storage: Storage, options: RefreshOptions = {}): Promise<LogView> {
  const { signal, runtime = systemRuntime } = options
  const askedMs = runtime.monotonicMs()
  let head = view.newest
  if (head.version < view.version) head = view
  // One commit is the usual news, so the second look is for one too; a view that is far behind then reads ahead.
  for (let round = 0; ; round++) {
    const window = Math.min(2 ** Math.max(round - 1, 0), GUESSED_FILES)
    throwIfAborted(signal, 'refreshing the table')
    const from = head.version + 1
    if (from + window > Number.MAX_SAFE_INTEGER) return head // No version can follow that has a name.
    const commits = await Promise.all(
      Array.from({ length: window }, (_, n) => storage.read(commitPath(from + n), signal === undefined ? {} : { signal })),
    )
    let found = 0
    while (found < window && commits[found] !== undefined) found++
    for (let n = 0; n < found; n++) {
      // Somebody else may have advanced the same lineage while we waited for the store.
      const newest = head.newest
      if (newest.version > head.version) head = newest
      if (head.version === from + n - 1) head = head.applyCommit(from + n, commits[n] as Uint8Array)
    }
    if (found === window) continue
    return settleRefresh(head, storage, signal, runtime, askedMs)
  }
}

// No next commit: normally the end of the log. After a long silence that could also be a log cleaned past us, or being cleaned now:
// commits that are found do not mean that those after them are still there.
async function settleRefresh(
  head: LogView,
  storage: Storage,
  signal: AbortSignal | undefined,
  runtime: Runtime,
  askedMs: number,
): Promise<LogView> {
  if (runtime.monotonicMs() - head.shared.confirmedMs > TRUST_MS) {
    const listing = await listLog(storage, head.version + 1, signal)
    if (listing.commits.size > 0 || listing.checkpoints.size > 0) {
      const { limits, allowUnreadable } = head.shared.policy
      return loadLog(storage, { runtime, limits, allowUnreadable, ...(signal === undefined ? {} : { signal }) })
    }
  }
  head.shared.confirmedMs = askedMs
  return head
}

async function replaySegment(storage: Storage, segment: LogSegment, policy: LogPolicy, signal: AbortSignal | undefined): Promise<LogView> {
  const { checkpoint, steps, version } = segment
  const base = checkpoint?.version ?? -1
  const table = new FileTable(base - 1, policy.limits.maxPartitionColumns)
  const replay = new Replay(table, emptyState(base))
  // Under way while the checkpoint is read: on a remote store that is one round trip.
  const reader = new StepReader(storage, steps, policy.limits, signal)
  reader.fill()
  if (checkpoint !== undefined) {
    await loadCheckpoint(storage, checkpoint, replay, signal, segment.tail)
    const tally = new Tally(replay.state.counts)
    table.settle(tally)
    replay.setCounts(tally.counts())
  }
  replay.bytesAhead = steps.reduce((sum, { file }) => sum + file.sizeBytes, 0)
  for await (const { step, bytes } of reader.inOrder()) {
    replay.bytesAhead -= bytes.length
    const origin = { version: step.to, path: step.file.path }
    if (isCompaction(step)) replay.applyCompaction(bytes, origin)
    else replay.apply(bytes, origin)
  }
  const state = { ...replay.state, version }
  return new Lineage(withoutDeadRows(table, state), policy).begin(state, segment.commit?.modifiedMs)
}

// Rows that came and went while the log was replayed are of no use to the views to come.
function withoutDeadRows(table: FileTable, state: LogState): FileTable {
  const dead = table.rowCount - state.counts.numFiles
  if (dead < 1024 || dead * 4 < state.counts.numFiles) return table
  return rebuildTable(table, table.liveRows(), state.version)
}

/** The steps' bytes in order, some of them read ahead. */
class StepReader {
  readonly #storage: Storage
  readonly #steps: readonly LogStep[]
  readonly #limits: LogLimits
  readonly #signal: AbortSignal | undefined
  readonly #ahead: { readonly bytes: Promise<Uint8Array>; readonly sizeBytes: number }[] = []
  #aheadBytes = 0
  #next = 0

  constructor(storage: Storage, steps: readonly LogStep[], limits: LogLimits, signal: AbortSignal | undefined) {
    this.#storage = storage
    this.#steps = steps
    this.#limits = limits
    this.#signal = signal
    for (const { file } of steps) assertCommitSize(file.path, file.sizeBytes, limits)
  }

  /** Begins to read, so that the first steps are there when they are wanted. */
  fill(atLeast = 0): void {
    while (
      this.#next < this.#steps.length &&
      (this.#next < atLeast || (this.#ahead.length < READ_AHEAD_FILES && this.#aheadBytes < READ_AHEAD_BYTES))
    ) {
      const { file } = this.#steps[this.#next++] as LogStep
      const bytes = readCommit(this.#storage, file, this.#limits, this.#signal)
      bytes.catch(() => undefined) // Whoever awaits it sees the failure; until then it is nobody's.
      this.#ahead.push({ bytes, sizeBytes: file.sizeBytes })
      this.#aheadBytes += file.sizeBytes
    }
  }

  async *inOrder(): AsyncGenerator<{ step: LogStep; bytes: Uint8Array }> {
    for (const [n, step] of this.#steps.entries()) {
      this.fill(n + 1)
      throwIfAborted(this.#signal, 'opening the table')
      const first = this.#ahead.shift() as { bytes: Promise<Uint8Array>; sizeBytes: number }
      this.#aheadBytes -= first.sizeBytes
      yield { step, bytes: await first.bytes }
    }
  }
}

async function readCommit(storage: Storage, commit: ObjectInfo, limits: LogLimits, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const bytes = await storage.read(commit.path, signal === undefined ? {} : { signal })
  if (bytes === undefined) {
    throw new AlluviumError(
      'CORRUPT_LOG',
      `${commit.path} was listed in ${storage.location} but is gone; if the log is being cleaned, try again`,
      { path: commit.path },
    )
  }
  assertCommitSize(commit.path, bytes.length, limits)
  return bytes
}
