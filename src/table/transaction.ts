// A transaction: what was read of one snapshot and what is to be changed, committed once. All writers of a table go through
// here. Rule: what was read through the transaction is minded by its commit; what was not, is not.
// Promises: C4, C5 of spec/invariants.md.
import { AlluviumError } from '../errors.js'
import { type BoundFilter, bindFilter, type Expression, parseFilter } from '../filter/index.js'
import {
  type CommitOptions,
  type CommitResult,
  commit,
  commitShared,
  ISOLATION_LEVELS,
  type IsolationLevel,
  mayDeleteDataFiles,
} from '../log/commit/index.js'
import type { Action, AddFile, LogView, Metadata, Protocol, RemoveFile } from '../log/index.js'
import { assertWritable, hasFeature, property } from '../log/index.js'
import { formatSchema, parseSchema, type StructType, type TableSchema } from '../schema/index.js'
import type { Operation, TableContext, TableForm } from './context.js'
import { describeTransaction, predicateText } from './describe.js'
import { Reads } from './reads.js'
import { batchesOf, type RowSource, type RowSourceOptions } from './row-source.js'
import { Scan } from './scan.js'
import type { ScanOptions } from './scan-plan.js'
import { Snapshot } from './snapshot.js'
import { type Form, withColumns, withProperties } from './table-changes.js'
import { filesWhollyMatching } from './whole-files.js'
import { dataWriterFor, type WriteOptions } from './write-options.js'

export interface TransactionOptions {
  /** Instead of the table's level (`delta.isolationLevel`, Serializable where it says nothing). A weaker one minds less of what others do meanwhile. */
  readonly isolation?: IsolationLevel
  /** The application whose progress the transaction records with {@link Transaction.setPosition}; another one that records it first is a conflict. */
  readonly appId?: string
}

export interface TransactionCommitOptions extends CommitOptions {
  /** Sees each newer snapshot before the commit is tried on top of it; what it throws ends the commit. */
  readonly onRebase?: (newer: LogView) => void
  /** Settles when all staged files are durable: nothing is put before. */
  readonly ready?: Promise<unknown>
  /** False gives the commit a version of its own. Default: commits that only append share versions, see `docs/decisions/0011-group-commit.md`. */
  readonly shareCommit?: boolean
}

/**
 * Reads a snapshot, stages changes, commits them once. Get one from {@link Table.transaction}.
 *
 * @example
 * const transaction = await table.transaction({ appId: 'nightly' })
 * if ((transaction.position() ?? -1n) >= 7n) return
 * await transaction.removeWhere("day = '2026-01-31'")
 * await transaction.append(rows)
 * transaction.setPosition(7n)
 * const { version } = await transaction.commit()
 * @throws AlluviumError from {@link Transaction.commit}: `COMMIT_CONFLICT` (facts `rule` and `version`), `COMMIT_STATE_UNKNOWN`,
 * `CONSTRAINT_VIOLATED`, storage errors.
 */
export class Transaction<Row = Record<string, unknown>, Input = Record<string, unknown>> {
  /** The version that is read and changed. */
  readonly base: LogView
  readonly #context: TableContext
  readonly #appId: string | undefined
  readonly #reads: Reads
  readonly #actions: Action[] = []
  readonly #appIds = new Set<string>()
  readonly #predicates: string[] = []
  readonly #written: { readonly durable: Promise<unknown>; readonly discard: () => Promise<void> }[] = []
  #isolation: IsolationLevel | undefined
  #form: Form
  #numRows = 0
  #isOver = false

  constructor(context: TableContext, base: LogView, options: TransactionOptions = {}) {
    assertWritable(base.protocol, base.metadata)
    this.#context = context
    this.base = base
    this.#reads = new Reads(base)
    this.#form = base
    const { appId, isolation } = options
    if (isolation !== undefined && !ISOLATION_LEVELS.includes(isolation))
      throw new TypeError(`isolation must be one of ${ISOLATION_LEVELS.join(', ')}, not ${isolation}`)
    this.#appId = appId
    this.#isolation = isolation
  }

  /** The version, to look around in. What is staged must not depend on what is seen through it: that is not recorded as read. */
  get snapshot(): Snapshot<Row> {
    return new Snapshot<Row>(this.#context.storage, this.base)
  }

  /** Plans a reading, and records it: rows that others add to or remove from what `where` describes are a conflict then. */
  scan(options: ScanOptions = {}): Scan<Row> {
    this.#reads.rows(this.#bind(options.where))
    return new Scan<Row>(this.#context.storage, this.base, options)
  }

  /** The files that a scan with `where` would read, as `add` actions; recorded as read. */
  async *files(
    options: { readonly where?: Expression | string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<AddFile, void, undefined> {
    this.#reads.rows(this.#bind(options.where))
    yield* this.snapshot.files(options)
  }

  /** Declares that what is staged depends on every row of the table: any concurrent change of rows is a conflict. */
  readWholeTable(): this {
    this.#reads.rows(undefined)
    return this
  }

  /** How far an application has come in this version, by default the one that the transaction was begun with; recorded as read. */
  position(appId: string | undefined = this.#appId): bigint | undefined {
    const application = named(appId, 'position')
    this.#reads.position(application)
    return this.base.txns.get(application)?.version
  }

  /** Writes rows as data files, and stages these. They are deleted again when the commit fails for sure. */
  async append(rows: RowSource<Input>, options: WriteOptions & RowSourceOptions = {}): Promise<{ numRows: number; numFiles: number }> {
    this.#assertOpen()
    const form = this.#tableForm()
    const writer = dataWriterFor(this.#context, form, options)
    try {
      for await (const { batch, lent } of batchesOf(rows as RowSource<object>, form.schema, options)) await writer.write(batch, { lent })
      const { files, durable, numRows } = await writer.finish()
      this.#written.push({ durable, discard: () => writer.discard() })
      this.#numRows += numRows
      this.addFiles(files)
      return { numRows, numFiles: files.length }
    } catch (error) {
      await writer.discard()
      throw error
    }
  }

  /** Stages data files, written beforehand under names that no version has used. */
  addFiles(files: readonly AddFile[]): this {
    this.#assertOpen()
    for (const file of files) this.#actions.push(file)
    return this
  }

  /** Stages the removal of live files of the base snapshot, given by their `add` actions. */
  removeFiles(files: readonly AddFile[]): this {
    this.#assertOpen()
    if (files.length > 0 && property(this.#form.metadata, 'delta.appendOnly')?.toLowerCase() === 'true') {
      throw new AlluviumError(
        'CONSTRAINT_VIOLATED',
        `${this.#context.storage.location} has delta.appendOnly=true: rows may be added but not removed; unset the property first if that is what you want`,
        { property: 'delta.appendOnly' },
      )
    }
    const deletionTimestamp = this.#context.runtime.now()
    for (const file of files) this.#actions.push(tombstone(file, deletionTimestamp))
    return this
  }

  /**
   * Stages the removal of all rows that `where` is true for, as whole files: by partition, or by reading the files in question. What
   * `where` describes is recorded as read.
   * @throws AlluviumError `INVALID_OPTIONS` (fact `files`) where a file holds other rows too; then nothing is staged
   */
  async removeWhere(
    where: Expression | string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ numFiles: number; sizeBytes: number }> {
    const filter = this.#bind(where) as BoundFilter
    const { files } = this.base
    const rows = await filesWhollyMatching(this.#context.storage, this.base, filter, options.signal)
    await files.loadStats(options.signal)
    const removed = rows.map((row) => files.add(row))
    this.removeFiles(removed)
    this.#reads.rows(filter)
    this.#predicates.push(predicateText(where))
    return { numFiles: removed.length, sizeBytes: removed.reduce((sum, { size }) => sum + size, 0) }
  }

  /** Records the progress of an application in the same commit; another writer advancing it first is a conflict. */
  setTxn(appId: string, version: bigint): this {
    this.#assertOpen()
    if (this.#appIds.has(appId)) throw new TypeError(`setTxn: ${JSON.stringify(appId)} was set in this transaction already`)
    this.#appIds.add(appId)
    this.#reads.position(appId)
    this.#actions.push({ kind: 'txn', appId, version, lastUpdated: this.#context.runtime.now() })
    return this
  }

  /** As {@link Transaction.setTxn} for the application that the transaction was begun with. Progress never goes back. */
  setPosition(version: bigint | number): this {
    const before = this.position()
    if (before !== undefined && before >= BigInt(version)) {
      throw new AlluviumError(
        'INVALID_OPTIONS',
        `application ${JSON.stringify(this.#appId)} is at ${before} already and cannot go to ${version}; look at position() before doing the work again`,
        { appId: this.#appId, position: before },
      )
    }
    return this.setTxn(named(this.#appId, 'setPosition'), BigInt(version))
  }

  /** Sets and unsets table properties, with the table features that they need. @throws AlluviumError `INVALID_OPTIONS` */
  setProperties(set: Readonly<Record<string, string>>, options: { readonly unset?: readonly string[] } = {}): this {
    return this.setForm(withProperties(this.#form, set, options.unset ?? []))
  }

  /**
   * Gives the table another schema: columns may be added that may be null, and columns may lose NOT NULL. Rows appended afterwards have it.
   * @throws AlluviumError `SCHEMA_MISMATCH` with every other change
   */
  setSchema(wanted: StructType | TableSchema<never, never>): this {
    const given: StructType = 'struct' in wanted ? wanted.struct : wanted
    const { schema, protocol } = withColumns(this.#form, this.#tableForm().schema, given)
    return this.setForm({ protocol, metadata: { ...this.#form.metadata, schemaString: formatSchema(schema) } })
  }

  /** Replaces the table's metadata, whatever it is; {@link Transaction.setProperties} and {@link Transaction.setSchema} check what they do. */
  setMetadata(metadata: Metadata): this {
    return this.setForm({ protocol: this.#form.protocol, metadata })
  }

  /** @internal */
  setForm({ protocol, metadata }: { readonly protocol: Protocol; readonly metadata: Metadata }): this {
    this.#assertOpen()
    this.#form = { protocol, metadata }
    return this
  }

  /** @internal */
  isolate(level: IsolationLevel): this {
    this.#isolation = level
    return this
  }

  /**
   * Sets a domain of metadata, or removes it where the configuration is undefined. Two transactions that change one domain conflict.
   * @throws AlluviumError `INVALID_OPTIONS` for domains of the protocol (`delta.…`), `UNSUPPORTED_FEATURE` where the table has no domains
   */
  setDomain(domain: string, configuration: string | undefined): this {
    this.#assertOpen()
    if (domain.toLowerCase().startsWith('delta.'))
      throw new AlluviumError('INVALID_OPTIONS', `the metadata domain ${domain} belongs to the protocol and is not set by hand`, { domain })
    if (!hasFeature(this.#form.protocol, 'domainMetadata')) {
      throw new AlluviumError(
        'UNSUPPORTED_FEATURE',
        `${this.#context.storage.location} has no metadata domains; set the property delta.feature.domainMetadata = supported first`,
        { features: ['domainMetadata'], operation: 'write' },
      )
    }
    const before = this.base.domains.get(domain)?.configuration ?? ''
    this.#actions.push({ kind: 'domainMetadata', domain, configuration: configuration ?? before, removed: configuration === undefined })
    return this
  }

  /**
   * Commits everything staged, once. Without an operation it says itself what it does. With nothing staged nothing is committed,
   * and the answer is the version that was read (`attempts` 0).
   * @throws AlluviumError `COMMIT_CONFLICT` (facts `rule` and `version`), `COMMIT_STATE_UNKNOWN`, `CONSTRAINT_VIOLATED`, storage errors.
   */
  async commit(operation: Partial<Operation> = {}, options: TransactionCommitOptions = {}): Promise<CommitResult> {
    this.#assertOpen()
    this.#isOver = true
    const { onRebase, ready, shareCommit = true, ...commitOptions } = options
    const durable = [...this.#written.map((written) => written.durable), ...(ready === undefined ? [] : [ready])]
    const actions = this.#allActions()
    if (actions.length === 0) return { version: this.base.version, txnId: '', attempts: 0, view: this.base }
    try {
      const readSet = await this.#reads.readSet(commitOptions.signal)
      return await (shareCommit ? commitShared : commit)(
        this.#context,
        {
          base: this.base,
          actions,
          ...describeTransaction(this.base, actions, { numRows: this.#numRows, predicates: this.#predicates }),
          ...operation,
          readSet,
          ...(this.#isolation === undefined ? {} : { isolation: this.#isolation }),
          ...(onRebase === undefined ? {} : { onRebase }),
          ...(durable.length === 0 ? {} : { ready: durable.length === 1 ? durable[0] : Promise.all(durable) }),
        } as Parameters<typeof commit>[1],
        commitOptions,
      )
    } catch (error) {
      if (mayDeleteDataFiles(error)) await this.#discard()
      throw error
    }
  }

  /** Gives everything up, and deletes the data files that it has written. A transaction that was committed stays. */
  async abort(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#discard()
  }

  async #discard(): Promise<void> {
    for (const { discard } of this.#written) await discard()
  }

  #allActions(): Action[] {
    const { protocol, metadata } = this.#form
    const actions = [...this.#actions]
    if (metadata !== this.base.metadata) actions.unshift(metadata)
    if (protocol !== this.base.protocol) actions.unshift(protocol)
    return actions
  }

  // What files that are written now must fit.
  #tableForm(): TableForm {
    const { protocol, metadata } = this.#form
    const isSame = metadata.schemaString === this.base.metadata.schemaString
    return { protocol, metadata, schema: isSame ? this.base.schema : parseSchema(metadata.schemaString) }
  }

  #bind(where: Expression | string | undefined): BoundFilter | undefined {
    this.#assertOpen()
    if (where === undefined) return undefined
    return bindFilter(typeof where === 'string' ? parseFilter(where) : where, this.base.schema)
  }

  #assertOpen(): void {
    if (this.#isOver) throw new TypeError('this transaction is over: begin another')
  }
}

/** The `remove` that cancels exactly this `add`: same path text, same deletion vector, all metadata carried over. */
export function tombstone(file: AddFile, deletionTimestamp: number): RemoveFile {
  return {
    kind: 'remove',
    path: file.path,
    deletionTimestamp,
    dataChange: true,
    extendedFileMetadata: true,
    partitionValues: file.partitionValues,
    size: file.size,
    ...(file.tags === undefined ? {} : { tags: file.tags }),
    ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
    ...(file.baseRowId === undefined ? {} : { baseRowId: file.baseRowId }),
    ...(file.defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion: file.defaultRowCommitVersion }),
  }
}

function named(appId: string | undefined, what: string): string {
  if (appId === undefined) throw new TypeError(`${what}: begin the transaction with an appId, or name one`)
  return appId
}
