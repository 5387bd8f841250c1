// A table: a thin handle over a store. What it remembers of the log is only a starting point for the next commit;
// every snapshot looks at the log anew.
import type { RecordBatch } from 'apache-arrow'
import type { CommitOptions } from '../log/commit/index.js'
import {
  type CheckpointOptions,
  type CheckpointResult,
  type CleanLogOptions,
  type CleanLogResult,
  type CommitEntry,
  cleanLog,
  type LogView,
  loadLog,
  readHistory,
  refreshLog,
  writeCheckpoint,
} from '../log/index.js'
import type { StructType } from '../schema/index.js'
import { type AppendOptions, type AppendResult, appendTo, overwriteTable } from './append.js'
import { Changes } from './changes.js'
import type { ChangesOptions } from './changes-plan.js'
import type { TableContext } from './context.js'
import type { RowSource } from './row-source.js'
import type { Scan } from './scan.js'
import type { ScanOptions } from './scan-plan.js'
import { changeProperties } from './set-properties.js'
import { Snapshot } from './snapshot.js'
import { versionWanted } from './time-point.js'
import { Transaction, type TransactionOptions } from './transaction.js'

const CHECKSUM_WAIT_MS = 20

export interface SnapshotOptions {
  /** This version exactly. */
  readonly version?: number
  /** The latest version that was committed at or before this time: a `Date`, milliseconds since 1970, or ISO 8601 text with a zone. */
  readonly timestamp?: Date | number | string
  readonly signal?: AbortSignal
}

/**
 * A Delta table. Get one from {@link createTable} or {@link openTable}. `Row` is what rows read as, `Input` what `append` takes.
 *
 * @example
 * const events = await openTable('./events')
 * await events.append([{ id: 1n, player: 'kim' }])
 * for await (const row of events.scan({ where: "player = 'kim'" }).rows()) console.log(row)
 */
export class Table<Row = Record<string, unknown>, Input = Record<string, unknown>> {
  /** What operations on this table work with. */
  readonly context: TableContext
  #latest: LogView

  constructor(context: TableContext, view: LogView) {
    this.context = context
    this.#latest = view
  }

  /** The store's root, without credentials. */
  get location(): string {
    return this.context.storage.location
  }

  /** The schema when this handle last looked. */
  get schema(): StructType {
    return this.#latest.schema
  }

  /**
   * A version of the table: the latest, one by number, or the one in force at a time.
   * @throws AlluviumError `VERSION_NOT_FOUND`, `CORRUPT_LOG`, `UNSUPPORTED_FEATURE`, storage errors.
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot<Row>> {
    const { storage } = this.context
    const { signal } = options
    const version = await versionWanted(storage, options)
    // Versions never change, so what is at hand is as good as read again.
    if (version === this.#latest.version) return new Snapshot<Row>(storage, this.#latest)
    if (version !== undefined) return new Snapshot<Row>(storage, await loadLog(storage, { version, signal, runtime: this.context.runtime }))
    await this.#refresh(signal)
    return new Snapshot<Row>(storage, this.#latest)
  }

  /** Plans a reading of the latest version. The version is fixed when the first batch is asked for. */
  scan(options: ScanOptions = {}): LatestScan<Row> {
    return new LatestScan<Row>(this, options)
  }

  /**
   * What happened to rows from one version to another, both included. The table needs `delta.enableChangeDataFeed=true` at each of them.
   *
   * @example
   * for await (const row of table.changes({ from: 3 }).rows()) console.log(row._change_type, row._commit_version, row)
   */
  changes(options: ChangesOptions): Changes<Row> {
    return new Changes<Row>(this.context.storage, this.#latest, options)
  }

  /**
   * Appends rows, Arrow batches, or (async) iterables of them, as one commit.
   * @throws AlluviumError `INVALID_ROW` (all faults), `SCHEMA_MISMATCH`, `COMMIT_CONFLICT`, `COMMIT_STATE_UNKNOWN`, storage errors.
   */
  async append(rows: RowSource<Input>, options: AppendOptions = {}): Promise<AppendResult> {
    const { result, view } = await appendTo(this.context, this.#latest, rows as RowSource<object>, options)
    this.#advance(view)
    return result
  }

  /**
   * Replaces all rows as one commit. Any concurrent change of rows is a conflict.
   * @throws AlluviumError as {@link Table.append}, and `CONSTRAINT_VIOLATED` on an append-only table.
   */
  async overwrite(rows: RowSource<Input>, options: AppendOptions = {}): Promise<AppendResult> {
    await this.#refresh(options.signal)
    const { result, view } = await overwriteTable(this.context, this.#latest, rows as RowSource<object>, options)
    await this.#committed(view)
    return result
  }

  /** What was committed, newest first. */
  async history(options: { readonly limit?: number; readonly signal?: AbortSignal } = {}): Promise<CommitEntry[]> {
    return readHistory(this.context.storage, options)
  }

  /** Table properties of the latest version. */
  async properties(): Promise<Readonly<Record<string, string>>> {
    await this.#refresh()
    return this.#latest.metadata.configuration
  }

  /**
   * Sets and unsets table properties as one commit; the rest stay as they are.
   * @throws AlluviumError `INVALID_OPTIONS` for unknown `delta.*` keys and bad values, `UNSUPPORTED_FEATURE`, `COMMIT_CONFLICT`.
   */
  async setProperties(
    set: Readonly<Record<string, string>>,
    options: CommitOptions & { readonly unset?: readonly string[] } = {},
  ): Promise<{ version: number }> {
    await this.#refresh(options.signal)
    const { unset = [], ...commitOptions } = options
    const view = await changeProperties(this.context, this.#latest, set, unset, commitOptions)
    await this.#committed(view)
    return { version: view.version }
  }

  /**
   * Writes a checkpoint of the latest version, from which readers open the table without its older commits. Classic, or with
   * sidecars where the table has `delta.checkpointPolicy=v2`; unchanged sidecars are used again.
   * @throws AlluviumError `UNSUPPORTED_FEATURE` for a table that must not be written here, `CORRUPT_CHECKPOINT`, storage errors.
   */
  async checkpoint(options: CheckpointOptions = {}): Promise<CheckpointResult> {
    await this.#refresh(options.signal)
    return writeCheckpoint(this.context, this.#latest, options)
  }

  /**
   * Deletes what `delta.logRetentionDuration` lets go of the log: old commits, checkpoints and what belongs to them.
   * @throws AlluviumError `UNSUPPORTED_FEATURE` for a table that must not be written here, storage errors.
   */
  async cleanup(options: CleanLogOptions = {}): Promise<CleanLogResult> {
    await this.#refresh(options.signal)
    return cleanLog(this.context, this.#latest, options)
  }

  /** Waits for the checksums, checkpoints and cleanings that commits of this handle have begun. */
  async settled(): Promise<void> {
    await this.context.upkeep?.settled()
  }

  /**
   * Begins a transaction on the latest version: read, stage changes, commit once. What it reads is recorded, and whoever changes that
   * meanwhile is a conflict, by the table's isolation level or the one given.
   * @throws AlluviumError `UNSUPPORTED_FEATURE`, storage errors
   *
   * @example
   * const transaction = await table.transaction()
   * await transaction.removeWhere("day = '2026-01-31'")
   * await transaction.append(rows)
   * const { version } = await transaction.commit()
   */
  async transaction(options: TransactionOptions & { readonly signal?: AbortSignal } = {}): Promise<Transaction<Row, Input>> {
    await this.#refresh(options.signal)
    return new Transaction<Row, Input>(this.context, this.#latest, options)
  }

  /** As {@link Table.transaction}. */
  async begin(options: { readonly signal?: AbortSignal } = {}): Promise<Transaction<Row, Input>> {
    return this.transaction(options)
  }

  async #refresh(signal?: AbortSignal): Promise<void> {
    this.#advance(await refreshLog(this.#latest, this.context.storage, { signal, runtime: this.context.runtime }))
  }

  // A checksum follows its commit at once on a store that is near; a far one is not waited for. Appends, which may come one
  // after another, wait for neither.
  async #committed(view: LogView): Promise<void> {
    this.#advance(view)
    await this.context.upkeep?.checksums(CHECKSUM_WAIT_MS)
  }

  #advance(view: LogView): void {
    if (view.version >= this.#latest.version) this.#latest = view
  }
}

/** A scan of the version that is the latest when it starts. */
export class LatestScan<Row> {
  readonly #table: Table<Row, never>
  readonly #options: ScanOptions
  #scan: Promise<Scan<Row>> | undefined

  constructor(table: Table<Row, never>, options: ScanOptions) {
    this.#table = table
    this.#options = options
  }

  #start(): Promise<Scan<Row>> {
    const { signal } = this.#options
    this.#scan ??= this.#table.snapshot(signal === undefined ? {} : { signal }).then((snapshot) => snapshot.scan(this.#options))
    return this.#scan
  }

  async explain(): Promise<string> {
    return (await this.#start()).explain()
  }
  async *batches(): AsyncGenerator<RecordBatch, void, undefined> {
    yield* (await this.#start()).batches()
  }
  async *rows(options: Parameters<Scan<Row>['rows']>[0] = {}): AsyncGenerator<Row, void, undefined> {
    yield* (await this.#start()).rows(options)
  }
  async toArray(options: Parameters<Scan<Row>['rows']>[0] = {}): Promise<Row[]> {
    return (await this.#start()).toArray(options)
  }
  async count(): Promise<number> {
    return (await this.#start()).count()
  }
}
