// The streaming append: rows with positions in, commits out, each position once. No Kafka client is known here.
//
// One commit at a time. While it is in flight, rows gather for the next. A position is recorded as a `txn` action in the
// same commit as its rows; another writer advancing it first is FENCED, never merged. A failed commit ends the writer:
// whoever opens the next one resumes from what the table says.
import type { RecordBatch } from 'apache-arrow'
import { conformBatch, take } from '../arrow/index.js'
import { AlluviumError, abortedError } from '../errors.js'
import type { Runtime, Timer } from '../runtime.js'
import { invalidRows, type LogView, type Table } from '../table/index.js'
import { type CommitJob, commitCuts } from './commit-cuts.js'
import { type ResolvedOptions, resolveOptions, type StreamWriterOptions } from './options.js'
import { PartitionBuffer } from './partition-buffer.js'
import { type CheckedPosition, type CommittedPosition, checkPosition, parsePositionAppId, positionAppId, type SourcePosition } from './positions.js'

/** The receipt of one write. */
export interface Ticket {
  /** Rows taken. */
  readonly rowsAccepted: number
  /** Rows left out because their offsets were taken before. */
  readonly rowsDuplicate: number
  /** Resolves when the version that holds the rows is durable. Rejects when the writer fails before that. */
  readonly committed: Promise<{ readonly version: number }>
}

/** Counters since the writer was opened. */
export interface StreamMetrics {
  readonly rowsAccepted: number
  readonly rowsDuplicate: number
  readonly rowsCommitted: number
  readonly commits: number
  readonly bufferedRows: number
  readonly bufferedBytes: number
}

/**
 * Opens a stream into a table and reads the positions that the table holds for `appId`.
 *
 * @example
 * await using writer = await createStreamWriter(events, { appId: 'ingest-1', linger: { ms: 1000 } })
 * const ticket = await writer.write(rows, { source: 'events', partition: 0, firstOffset: 0n, lastOffset: 99n })
 * const { version } = await ticket.committed
 * @throws AlluviumError `INVALID_OPTIONS`, and what opening a snapshot throws.
 */
export async function createStreamWriter<Row, Input>(table: Table<Row, Input>, options: StreamWriterOptions): Promise<StreamWriter<Input>> {
  const resolved = resolveOptions(options)
  const { view } = await table.snapshot(options.signal === undefined ? {} : { signal: options.signal })
  return new StreamWriter<Input>(table as Table<unknown, never>, view, options, resolved)
}

const BREATH_MS = 25

interface Waiting {
  readonly resolve: (value: { version: number }) => void
  readonly reject: (error: unknown) => void
}

/** A stream into one table. Get one from {@link createStreamWriter}. */
export class StreamWriter<Input = Record<string, unknown>> {
  readonly #table: Table<unknown, never>
  readonly #runtime: Runtime
  readonly #options: StreamWriterOptions
  readonly #resolved: ResolvedOptions
  readonly #partitions = new Map<string, PartitionBuffer>()
  #view: LogView
  #bufferedRows = 0
  #bufferedBytes = 0
  #inFlightBytes = 0
  #flight: Promise<void> | undefined
  #flightVersion: Promise<{ version: number }> | undefined
  #tickets: Waiting[] = []
  #pending: Promise<{ version: number }> | undefined
  #roomWaiters: (() => void)[] = []
  #timer: Timer | undefined
  #breathedAtMs: number
  #failure: unknown
  #closed = false
  #counts = { rowsAccepted: 0, rowsDuplicate: 0, rowsCommitted: 0, commits: 0 }

  constructor(table: Table<unknown, never>, view: LogView, options: StreamWriterOptions, resolved: ResolvedOptions) {
    this.#table = table
    this.#runtime = table.context.runtime
    this.#options = options
    this.#resolved = resolved
    this.#view = view
    this.#breathedAtMs = table.context.runtime.monotonicMs()
    this.#loadPositions(view)
    options.signal?.addEventListener('abort', () => this.#fail(abortedError(options.signal as AbortSignal, 'the stream writer')), { once: true })
  }

  /**
   * Takes rows of one partition. Resolves when there is room for more: await it before the next write of that partition.
   * Rows at or below the position already taken are dropped and counted. All rows of a write are taken, or none.
   * @throws AlluviumError `INVALID_ROW` (every fault; nothing taken), `SCHEMA_MISMATCH`, `INVALID_OPTIONS` for bad positions,
   * and whatever ended the writer before.
   */
  async write(rows: readonly Input[] | RecordBatch, position: SourcePosition): Promise<Ticket> {
    await this.#room()
    this.#assertOpen()
    const isBatch = !Array.isArray(rows)
    const checked = checkPosition(position, isBatch ? (rows as RecordBatch).numRows : (rows as readonly Input[]).length)
    const buffer = this.#bufferOf(checked, position)
    const ticket = isBatch ? this.#takeBatch(rows as RecordBatch, checked, buffer) : this.#takeRows(rows as readonly Input[], checked, buffer)
    if (this.#bufferedRows >= this.#resolved.lingerRows || this.#bufferedBytes >= this.#resolved.lingerBytes) this.#startFlight(false)
    await this.#breathe()
    await this.#room()
    return ticket
  }

  /** Commits what is buffered now. Resolves when it is durable; nothing buffered, nothing committed. */
  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#drain(false)
  }

  /** Flushes and ends the writer. A position that advanced without rows is recorded now. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return
    try {
      if (this.#failure !== undefined) throw this.#failure
      await this.#drain(true)
    } finally {
      this.#closed = true
      this.#timer?.cancel()
    }
  }

  /** Ends the writer and drops what is not committed. A commit in flight is waited for. Never throws. */
  async abort(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#fail(new AlluviumError('ABORTED', 'the stream writer was aborted; rows that were not committed are dropped'))
    await this.#flight?.catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // After a failure there is nothing left to flush, and the failure was reported where it happened.
    if (this.#failure === undefined) await this.close()
    else await this.abort()
  }

  /** The last offset of a partition that is in the table; undefined when there is none. Resume after it. */
  positionOf(source: string, partition: number | string): bigint | undefined {
    return this.#partitions.get(keyOf(source, partition))?.committed
  }

  /** Every committed position of this application, or those of one source. */
  positions(source?: string): CommittedPosition[] {
    const positions: CommittedPosition[] = []
    for (const buffer of this.#partitions.values()) {
      if (buffer.committed === undefined || (source !== undefined && buffer.source !== source)) continue
      positions.push({ source: buffer.source, partition: buffer.partition, offset: buffer.committed })
    }
    return positions
  }

  /**
   * Takes over partitions, after a rebalance: looks at the table again and resumes each from what it holds. Rows of these
   * partitions that are still buffered are dropped; their consumer reads them again.
   */
  async assign(partitions: readonly { readonly source: string; readonly partition: number | string }[]): Promise<CommittedPosition[]> {
    this.#assertOpen()
    await this.#flight
    const { view } = await this.#table.snapshot()
    this.#view = view
    const assigned = partitions.map(({ source, partition }) => {
      const buffer = this.#partitionBuffer(source, partition)
      this.#dropBuffered(buffer, recordedAt(view, buffer.appId))
      return buffer
    })
    return assigned.flatMap(({ source, partition, committed }) => (committed === undefined ? [] : [{ source, partition, offset: committed }]))
  }

  /**
   * Gives partitions up: commits what is buffered if that succeeds within `drainMs`, else drops the rows of these
   * partitions that no commit carries. A commit already in flight is left to its end and may still be fenced.
   */
  async revoke(partitions: readonly { readonly source: string; readonly partition: number | string }[], options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs = 0 } = options
    if (drainMs > 0 && this.#failure === undefined && !this.#closed) {
      const timeout = new AbortController()
      await Promise.race([this.#drain(false), this.#runtime.sleep(drainMs, timeout.signal).catch(() => undefined)]).finally(() => timeout.abort())
    }
    for (const { source, partition } of partitions) {
      const buffer = this.#partitions.get(keyOf(source, partition))
      if (buffer !== undefined) this.#dropBuffered(buffer, buffer.committed)
    }
  }

  get metrics(): StreamMetrics {
    return { ...this.#counts, bufferedRows: this.#bufferedRows, bufferedBytes: this.#bufferedBytes + this.#inFlightBytes }
  }

  #takeRows(rows: readonly Input[], checked: CheckedPosition, buffer: PartitionBuffer): Ticket {
    const skip = duplicates(rows.length, checked, buffer)
    const fresh = skip === 0 ? rows : rows.slice(skip)
    const [rowsBefore, bytesBefore] = [buffer.rows, buffer.bytes]
    if (fresh.length > 0) {
      const faults = buffer.appendRows(fresh as readonly object[], this.#options.ignoreUnknown ?? false)
      if (faults.length > 0) throw invalidRows(faults.map((fault) => ({ ...fault, row: fault.row + skip })))
    }
    return this.#accept(checked, buffer, skip, rowsBefore, bytesBefore)
  }

  #takeBatch(batch: RecordBatch, checked: CheckedPosition, buffer: PartitionBuffer): Ticket {
    const skip = duplicates(batch.numRows, checked, buffer)
    const [rowsBefore, bytesBefore] = [buffer.rows, buffer.bytes]
    if (skip < batch.numRows) {
      const conformed = conformBatch(batch, this.#view.schema)
      // A copy of the tail, so that the whole batch is not kept for it.
      buffer.appendBatch(skip === 0 ? conformed : take(conformed, Int32Array.from({ length: batch.numRows - skip }, (_, i) => i + skip)))
    }
    return this.#accept(checked, buffer, skip, rowsBefore, bytesBefore)
  }

  #accept(checked: CheckedPosition, buffer: PartitionBuffer, skipped: number, rowsBefore: number, bytesBefore: number): Ticket {
    const rowsAccepted = buffer.rows - rowsBefore
    this.#bufferedRows += rowsAccepted
    this.#bufferedBytes += buffer.bytes - bytesBefore
    this.#counts.rowsAccepted += rowsAccepted
    this.#counts.rowsDuplicate += skipped
    const isNews = buffer.accepted === undefined || checked.lastOffset > buffer.accepted
    if (isNews) buffer.accepted = checked.lastOffset
    const waits = buffer.rows > 0 || (buffer.isDirty && (this.#resolved.appId !== undefined || this.#flight !== undefined))
    const committed = waits ? this.#nextCommit(buffer, isNews) : Promise.resolve({ version: this.#view.version })
    if (rowsAccepted > 0) this.#timer ??= this.#runtime.setTimer(this.#resolved.lingerMs, () => this.#onTimer())
    return { rowsAccepted, rowsDuplicate: skipped, committed }
  }

  // Redelivered rows of a commit in flight wait for that commit; everything else for the next.
  #nextCommit(buffer: PartitionBuffer, isNews: boolean): Promise<{ version: number }> {
    if (!isNews && buffer.rows === 0 && this.#flightVersion !== undefined) return this.#flightVersion
    if (this.#pending === undefined) {
      const pending = new Promise<{ version: number }>((resolve, reject) => this.#tickets.push({ resolve, reject }))
      pending.catch(() => undefined) // a failure is reported by the writer as well; an unread ticket must not end the process
      this.#pending = pending
    }
    return this.#pending
  }

  #onTimer(): void {
    this.#timer = undefined
    if (this.#failure === undefined && !this.#closed) this.#startFlight(false)
  }

  async #drain(positionsToo: boolean): Promise<void> {
    await this.#flight
    this.#startFlight(positionsToo)
    await this.#flight
    if (this.#failure !== undefined) throw this.#failure
  }

  #startFlight(positionsToo: boolean): void {
    if (this.#flight !== undefined || this.#failure !== undefined) return
    const dirty = [...this.#partitions.values()].filter((buffer) => buffer.isDirty)
    // Positions alone are worth a commit only at the end, and only where they are kept: never an empty commit.
    if (dirty.length === 0 || (this.#bufferedRows === 0 && !(positionsToo && this.#resolved.appId !== undefined))) return
    this.#timer?.cancel()
    this.#timer = undefined
    const cuts = dirty.map((buffer) => buffer.cut())
    this.#inFlightBytes = cuts.reduce((sum, cut) => sum + cut.bytes, 0)
    this.#bufferedRows = 0
    this.#bufferedBytes = 0
    const tickets = this.#tickets
    this.#tickets = []
    this.#flightVersion = this.#pending
    this.#pending = undefined
    this.#flight = this.#fly({ table: this.#table, view: this.#view, cuts, options: this.#options }, tickets)
  }

  async #fly(job: CommitJob, tickets: readonly Waiting[]): Promise<void> {
    try {
      const { view, commit } = await commitCuts(job)
      this.#view = view
      for (const cut of job.cuts) if (cut.buffer.committed === undefined || cut.lastOffset > cut.buffer.committed) cut.buffer.committed = cut.lastOffset
      this.#counts.rowsCommitted += commit.numRows
      this.#counts.commits++
      for (const ticket of tickets) ticket.resolve({ version: commit.version })
      try {
        this.#options.onCommit?.(commit)
      } catch {}
    } catch (error) {
      for (const ticket of tickets) ticket.reject(error)
      this.#fail(error)
    } finally {
      this.#flight = undefined
      this.#flightVersion = undefined
      this.#inFlightBytes = 0
      this.#wakeRoomWaiters()
    }
    if (this.#isFull()) this.#startFlight(false)
  }

  #isFull(): boolean {
    return this.#bufferedRows >= this.#resolved.lingerRows || this.#bufferedBytes >= this.#resolved.lingerBytes
  }

  async #room(): Promise<void> {
    while (this.#failure === undefined && this.#bufferedBytes + this.#inFlightBytes > this.#resolved.bufferBytes) {
      this.#startFlight(false)
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
  }

  // A producer that never waits for anything but this would keep timers and I/O, and so every commit, from running.
  async #breathe(): Promise<void> {
    if (this.#runtime.monotonicMs() - this.#breathedAtMs < BREATH_MS) return
    await this.#runtime.sleep(0)
    this.#breathedAtMs = this.#runtime.monotonicMs()
  }

  #wakeRoomWaiters(): void {
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const wake of waiters) wake()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#timer?.cancel()
    for (const ticket of this.#tickets) ticket.reject(this.#failure)
    this.#tickets = []
    this.#pending = undefined
    for (const buffer of this.#partitions.values()) buffer.reset(buffer.committed)
    this.#bufferedRows = 0
    this.#bufferedBytes = 0
    this.#wakeRoomWaiters()
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closed) throw new TypeError('the stream writer is closed')
  }

  #bufferOf(checked: CheckedPosition, position: SourcePosition): PartitionBuffer {
    return this.#partitions.get(checked.key) ?? this.#partitionBuffer(position.source, position.partition)
  }

  #partitionBuffer(source: string, partition: number | string): PartitionBuffer {
    const key = keyOf(source, partition)
    let buffer = this.#partitions.get(key)
    if (buffer === undefined) {
      const { appId } = this.#resolved
      const id = appId === undefined ? undefined : positionAppId(appId, source, partition)
      buffer = new PartitionBuffer(this.#view.schema, source, partition, id, recordedAt(this.#view, id))
      this.#partitions.set(key, buffer)
    }
    return buffer
  }

  #dropBuffered(buffer: PartitionBuffer, committed: bigint | undefined): void {
    this.#bufferedRows -= buffer.rows
    this.#bufferedBytes -= buffer.bytes
    buffer.reset(committed)
  }

  #loadPositions(view: LogView): void {
    const { appId } = this.#resolved
    if (appId === undefined) return
    for (const id of view.txns.keys()) {
      const position = parsePositionAppId(id, appId)
      if (position !== undefined) this.#partitionBuffer(position.source, position.partition)
    }
  }
}

function recordedAt(view: LogView, appId: string | undefined): bigint | undefined {
  return appId === undefined ? undefined : view.txns.get(appId)?.version
}

function keyOf(source: string, partition: number | string): string {
  return positionAppId('', source, partition).slice(1)
}

// How many rows at the head were taken before.
function duplicates(rowCount: number, checked: CheckedPosition, buffer: PartitionBuffer): number {
  const { accepted } = buffer
  if (accepted === undefined || checked.firstOffset > accepted) return 0
  if (checked.lastOffset <= accepted) return rowCount
  if (rowCount === 0) return 0
  if (checked.offsetOf === undefined) {
    throw new AlluviumError(
      'INVALID_OPTIONS',
      `offsets ${checked.firstOffset} to ${checked.lastOffset} of ${buffer.source}, partition ${buffer.partition}, were taken in part (up to ${accepted}); with fewer rows than offsets, give the offset of each row in position.offsets`,
      { source: buffer.source, partition: buffer.partition },
    )
  }
  let low = 0
  let high = rowCount
  while (low < high) {
    const middle = (low + high) >>> 1
    if (checked.offsetOf(middle) <= accepted) low = middle + 1
    else high = middle
  }
  return low
}

