// A transaction: staged changes against one snapshot, committed once. All writers of a table go through here.
import { AlluviumError } from '../errors.js'
import { type CommitOptions, type CommitResult, type Committer, commit, commitShared } from '../log/commit/index.js'
import type { Action, AddFile, LogView, Metadata, RemoveFile } from '../log/index.js'
import { assertWritable } from '../log/index.js'
import type { Runtime } from '../runtime.js'
import type { Storage } from '../storage/storage.js'

/** What every operation on a table works with. */
export interface TableContext {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly committer: Committer
}

/** How a commit describes itself in `commitInfo`. Metrics must be true: they are counted, not estimated. */
export interface Operation {
  /** The name Spark uses: `WRITE`, `STREAMING UPDATE`, `SET TBLPROPERTIES`, … */
  readonly operation: string
  readonly operationParameters: Readonly<Record<string, unknown>>
  readonly operationMetrics?: Readonly<Record<string, string>>
  readonly userMetadata?: string
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
 * Stages file and metadata changes and commits them once.
 * @throws AlluviumError from {@link Transaction.commit}: `COMMIT_CONFLICT`, `COMMIT_STATE_UNKNOWN`, `CONSTRAINT_VIOLATED`, storage errors.
 */
export class Transaction {
  readonly base: LogView
  readonly #context: TableContext
  readonly #actions: Action[] = []
  readonly #appIds = new Set<string>()
  #readsWholeTable = false
  #committed = false

  constructor(context: TableContext, base: LogView) {
    assertWritable(base.protocol, base.metadata)
    this.#context = context
    this.base = base
  }

  /** Adds data files, written beforehand. */
  addFiles(files: readonly AddFile[]): this {
    this.#actions.push(...files)
    return this
  }

  /** Removes live files of the base snapshot, by their `add` actions. */
  removeFiles(files: readonly AddFile[]): this {
    if (files.length > 0 && this.base.metadata.configuration['delta.appendOnly']?.toLowerCase() === 'true') {
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

  /** Records the progress of an application in the same commit; another writer advancing it first is a conflict. */
  setTxn(appId: string, version: bigint): this {
    if (this.#appIds.has(appId)) throw new TypeError(`setTxn: ${JSON.stringify(appId)} was set in this transaction already`)
    this.#appIds.add(appId)
    this.#actions.push({ kind: 'txn', appId, version, lastUpdated: this.#context.runtime.now() })
    return this
  }

  /** Replaces the table's metadata. */
  setMetadata(metadata: Metadata): this {
    this.#actions.push(metadata)
    return this
  }

  /** Declares that what is staged depends on every row of the table: any concurrent change of rows is a conflict. */
  readWholeTable(): this {
    this.#readsWholeTable = true
    return this
  }

  /** Commits everything staged, once. */
  async commit(operation: Operation, options: TransactionCommitOptions = {}): Promise<CommitResult> {
    if (this.#committed) throw new TypeError('this transaction was committed already: begin another')
    this.#committed = true
    const { onRebase, ready, shareCommit = true, ...commitOptions } = options
    return (shareCommit ? commitShared : commit)(
      this.#context,
      {
        base: this.base,
        actions: this.#actions,
        ...operation,
        readSet: { appIds: [...this.#appIds], readsWholeTable: this.#readsWholeTable },
        ...(onRebase === undefined ? {} : { onRebase }),
        ...(ready === undefined ? {} : { ready }),
      },
      commitOptions,
    )
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
