// The streaming append: rows with positions in, commits out, each position once. No Kafka client is known here.
//
// One commit at a time. While it is in flight, rows gather for the next. A position is recorded as a `txn` action in the
// same commit as its rows; another writer advancing it first is FENCED, never merged. A failed commit ends the writer:
// whoever opens the next one resumes from what the table says.
import type { RecordBatch } from 'apache-arrow'
import { AlluviumError, abortedError } from '../errors.js'
import type { Runtime, Timer } from '../runtime.js'
import type { StructType } from '../schema/index.js'
import { createRowGroupEncoder, invalidRows, type LogView, type RowGroupEncoder, type Table } from '../table/index.js'
import { AfterCommit } from './after-commit.js'
import { AheadFiles } from './ahead-files.js'
import { type CommitJob, commitCuts } from './commit-cuts.js'
import { type ResolvedOptions, resolveOptions, type StreamMetrics, type StreamWriterOptions } from './options.js'
import { PartitionBuffer } from './partition-buffer.js'
import {
  type CommittedPosition,
  checkPosition,
  parsePositionAppId,
  positionAppId,
  type SourcePartition,
  type SourcePosition,
} from './positions.js'
import type { Ticket } from './tickets.js'

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

// How long a producer may write without a timer or a file getting its turn.
const BREATH_MS = 25

/** A stream into one table. Get one from {@link createStreamWriter}. */
export class StreamWriter<Input = Record<string, unknown>> {
  readonly #table: Table<unknown, never>
  readonly #runtime: Runtime
  readonly #options: StreamWriterOptions
  readonly #resolved: ResolvedOptions
  readonly #partitions = new Map<string, PartitionBuffer>()
  #view: LogView
  #schema: StructType
  #bufferedRows = 0
  #bufferedBytes = 0
  #inFlightBytes = 0
  /** A commit in flight, or a look at the table: never two at once, so that neither sees the other half done. Never rejects. */
  #busy: Promise<void> | undefined
  #flights = 0
  #timer: Timer | undefined
  #isDue = false
  #roomWaiters: (() => void)[] = []
  #admission: Promise<void> = Promise.resolve()
  #ownership: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined
  readonly #encoder: RowGroupEncoder
  /** Files of the next commit, begun already. */
  #ahead: AheadFiles | undefined
  /** Files that were given up and are being deleted. Never rejects. */
  #abandoned: Promise<unknown> = Promise.resolve()
  #breathedAtMs: number
  readonly #after: AfterCommit | undefined
  #failure: unknown
  #counts = { rowsAccepted: 0, rowsDuplicate: 0, rowsCommitted: 0, commits: 0 }

  constructor(table: Table<unknown, never>, view: LogView, options: StreamWriterOptions, resolved: ResolvedOptions) {
    this.#table = table
    this.#runtime = table.context.runtime
    this.#options = options
    this.#resolved = resolved
    // One thread keeps up with whoever makes the rows here; a second costs 100 MB and is no faster.
    this.#encoder = createRowGroupEncoder({ threads: options.encodeOnThread === false ? 0 : 1 })
    this.#after = options.afterCommit && new AfterCommit(table, options.afterCommit, options.onAfterCommitError)
    this.#view = view
    this.#schema = view.schema
    this.#breathedAtMs = this.#runtime.monotonicMs()
    this.#loadPositions(view)
    options.signal?.addEventListener('abort', () => this.#fail(abortedError(options.signal as AbortSignal, 'the stream writer')), {
      once: true,
    })
  }

  /**
   * Takes rows of one partition. Resolves when there is room for more: await it before the next write of that partition.
   * Rows at or below the position already taken are dropped and counted. All rows of a write are taken, or none.
   * @throws AlluviumError `INVALID_ROW` (every fault; nothing taken), `SCHEMA_MISMATCH`, `INVALID_OPTIONS` for bad positions,
   * `FENCED` for a partition that was given up, and whatever ended the writer before.
   */
  async write(rows: readonly Input[] | RecordBatch, position: SourcePosition): Promise<Ticket> {
    await this.#admitted()
    this.#assertOpen()
    const checked = checkPosition(position, Array.isArray(rows) ? rows.length : (rows as RecordBatch).numRows)
    const buffer = this.#partitionBuffer(position.source, position.partition)
    const taken = buffer.take(rows as readonly object[] | RecordBatch, checked, this.#schema, this.#options.ignoreUnknown ?? false)
    if ('faults' in taken) throw invalidRows(taken.faults)
    const { rowsAccepted, rowsDuplicate } = taken
    this.#bufferedRows += rowsAccepted
    this.#bufferedBytes += taken.bytes
    this.#counts.rowsAccepted += rowsAccepted
    this.#counts.rowsDuplicate += rowsDuplicate
    if (rowsAccepted > 0) this.#timer ??= this.#runtime.setTimer(this.#resolved.lingerMs, () => this.#onTimer())
    const committed = buffer.settlementOf(checked.lastOffset) ?? Promise.resolve({ version: this.#view.version })
    if (this.#isFull) this.#startFlight(false)
    this.#writeAhead()
    await this.#breathe()
    await this.#room()
    return { rowsAccepted, rowsDuplicate, committed }
  }

  /** Commits what is buffered now. Resolves when it is durable; nothing buffered, nothing committed. */
  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#drain(false)
  }

  /** Flushes and ends the writer. A position that advanced without rows is recorded now. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#drain(true).finally(() => this.#end())
    return this.#closing
  }

  /** Ends the writer and drops what is not committed. A commit in flight is waited for. Never throws. */
  async abort(): Promise<void> {
    this.#fail(new AlluviumError('ABORTED', 'the stream writer was aborted; rows that were not committed are dropped'))
    this.#closing ??= Promise.resolve()
    await this.#busy
    await this.#end()
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
    return [...this.#partitions.values()].filter((buffer) => source === undefined || buffer.source === source).flatMap(positionIn)
  }

  /**
   * Takes over partitions, after a rebalance: looks at the table again and resumes each from what it holds. Rows of these
   * partitions that are still buffered are dropped; their consumer reads them again. Waits for {@link StreamWriter.revoke}
   * calls made before it.
   */
  async assign(partitions: readonly SourcePartition[]): Promise<CommittedPosition[]> {
    return this.#inTurn(async () => {
      while (this.#busy !== undefined) await this.#busy
      this.#assertOpen()
      const look = this.#takeOver(partitions.map(({ source, partition }) => this.#partitionBuffer(source, partition)))
      this.#busy = look.then(
        () => this.#idle(),
        () => this.#idle(),
      )
      return look
    })
  }

  /**
   * Gives partitions up. Writes to them are refused from now on. What is buffered is committed if that succeeds within
   * `drainMs`, else dropped. A commit already in flight is left to its end and may still be fenced. Never throws: what ends
   * the writer meanwhile is reported by the tickets and by the next call.
   */
  async revoke(partitions: readonly SourcePartition[], options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs = 0 } = options
    const buffers = partitions.map(({ source, partition }) => this.#partitionBuffer(source, partition))
    for (const buffer of buffers) buffer.leaving++
    await this.#inTurn(async () => {
      if (drainMs > 0 && this.#failure === undefined) await this.#drainWithin(drainMs)
      for (const buffer of buffers) {
        this.#drop(buffer, () => buffer.giveUp())
        buffer.leaving--
      }
    })
  }

  get metrics(): StreamMetrics {
    return { ...this.#counts, bufferedRows: this.#bufferedRows, bufferedBytes: this.#bufferedBytes + this.#inFlightBytes }
  }

  #onTimer(): void {
    this.#timer = undefined
    this.#isDue = true
    this.#startFlight(false)
  }

  async #drain(positionsToo: boolean): Promise<void> {
    const flights = this.#flights
    while (this.#busy !== undefined && this.#flights === flights) await this.#busy
    // Whatever flight began meanwhile carries everything that was there when this was called.
    if (this.#flights === flights) this.#startFlight(positionsToo)
    await this.#busy
    if (this.#failure !== undefined) throw this.#failure
  }

  async #drainWithin(ms: number): Promise<void> {
    const timeout = new AbortController()
    const drained = this.#drain(false).catch(() => undefined)
    await Promise.race([drained, this.#runtime.sleep(ms, timeout.signal).catch(() => undefined)])
    timeout.abort()
  }

  #startFlight(positionsToo: boolean): void {
    if (this.#busy !== undefined || this.#failure !== undefined) return
    this.#isDue = false
    const dirty = [...this.#partitions.values()].filter((buffer) => buffer.isDirty)
    // Positions alone are worth a commit only at the end, and only where they are kept: never an empty commit.
    if (dirty.length === 0 || (this.#bufferedRows === 0 && !(positionsToo && this.#resolved.appId !== undefined))) return
    this.#timer?.cancel()
    this.#timer = undefined
    const cuts = dirty.map((buffer) => buffer.cut())
    this.#inFlightBytes = cuts.reduce((sum, cut) => sum + cut.bytes, 0)
    this.#bufferedRows = 0
    this.#bufferedBytes = 0
    this.#flights++
    this.#busy = this.#fly({
      table: this.#table,
      view: this.#view,
      schema: this.#schema,
      cuts,
      options: this.#options,
      encoder: this.#encoder,
      ahead: this.#ahead,
    }).then(() => this.#idle())
    this.#ahead = undefined
  }

  async #fly(job: CommitJob): Promise<void> {
    try {
      const { view, commit } = await commitCuts(job)
      this.#see(view)
      this.#counts.rowsCommitted += commit.numRows
      this.#counts.commits++
      for (const { buffer } of job.cuts) buffer.land(commit.version)
      try {
        this.#options.onCommit?.(commit)
      } catch {}
      this.#after?.committed(commit)
    } catch (error) {
      for (const { buffer } of job.cuts) buffer.crash(error)
      this.#fail(error)
    }
    this.#inFlightBytes = 0
  }

  // Encodes what is whole of the next commit. What is wrong with its files is said by the commit itself.
  #writeAhead(): void {
    if (this.#failure !== undefined || this.#bufferedBytes < this.#resolved.aheadFromBytes) return
    const context = { table: this.#table.context, view: this.#view, schema: this.#schema, options: this.#options, encoder: this.#encoder }
    try {
      this.#ahead ??= new AheadFiles(context)
    } catch {
      return
    }
    for (const buffer of this.#partitions.values()) this.#ahead.take(buffer, buffer.sealed)
  }

  #abandonAhead(): void {
    const files = this.#ahead
    this.#ahead = undefined
    if (files !== undefined) this.#abandoned = Promise.all([this.#abandoned, files.discard()])
  }

  async #takeOver(buffers: readonly PartitionBuffer[]): Promise<CommittedPosition[]> {
    const { signal } = this.#options
    const { view } = await this.#table.snapshot(signal === undefined ? {} : { signal })
    this.#assertOpen()
    this.#see(view)
    for (const buffer of buffers) this.#drop(buffer, () => buffer.takeOver(recordedAt(view, buffer.appId)))
    return buffers.flatMap(positionIn)
  }

  #idle(): void {
    this.#busy = undefined
    if (this.#isFull || this.#isDue) this.#startFlight(false)
    this.#wakeRoomWaiters()
  }

  // Ownership changes one after another, in the order of the calls.
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#ownership.then(work)
    this.#ownership = turn.catch(() => undefined)
    return turn
  }

  get #isFull(): boolean {
    return this.#bufferedRows >= this.#resolved.lingerRows || this.#bufferedBytes >= this.#resolved.lingerBytes
  }

  // Writes come in in the order of the calls, however long each had to wait for room.
  #admitted(): Promise<void> {
    const turn = this.#admission.then(() => this.#room())
    this.#admission = turn
    return turn
  }

  async #room(): Promise<void> {
    // A full buffer waits for the commit under way as well: the bounds on rows and bytes are bounds of a commit's size.
    while (this.#failure === undefined && (this.#isFull || this.#bufferedBytes + this.#inFlightBytes > this.#resolved.bufferBytes)) {
      if (this.#busy === undefined && this.#bufferedRows === 0) return
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
    this.#after?.abort(error)
    this.#timer?.cancel()
    for (const buffer of this.#partitions.values()) this.#drop(buffer, () => buffer.drop(this.#failure))
    this.#wakeRoomWaiters()
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw new TypeError('the stream writer is closed')
  }

  async #end(): Promise<void> {
    this.#timer?.cancel()
    this.#abandonAhead()
    await this.#abandoned
    await this.#after?.settled()
    await this.#encoder.close()
  }

  #drop(buffer: PartitionBuffer, how: () => void): void {
    if (this.#ahead?.has(buffer)) this.#abandonAhead()
    this.#bufferedRows -= buffer.rows
    this.#bufferedBytes -= buffer.bytes
    how()
  }

  #see(view: LogView): void {
    if (view.metadata !== this.#view.metadata) this.#schema = view.schema
    this.#view = view
  }

  #partitionBuffer(source: string, partition: number | string): PartitionBuffer {
    const key = keyOf(source, partition)
    let buffer = this.#partitions.get(key)
    if (buffer === undefined) {
      const { appId, aheadFromBytes } = this.#resolved
      const id = appId === undefined ? undefined : positionAppId(appId, source, partition)
      buffer = new PartitionBuffer(source, partition, id, recordedAt(this.#view, id), aheadFromBytes)
      this.#partitions.set(key, buffer)
    }
    return buffer
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

function positionIn({ source, partition, committed }: PartitionBuffer): CommittedPosition[] {
  return committed === undefined ? [] : [{ source, partition, offset: committed }]
}

function recordedAt(view: LogView, appId: string | undefined): bigint | undefined {
  return appId === undefined ? undefined : view.txns.get(appId)?.version
}

function keyOf(source: string, partition: number | string): string {
  return positionAppId('', source, partition).slice(1)
}
