// Append and overwrite: rows become data files once, then one transaction adds them. Retries rewrite only the commit.
import { AlluviumError, isAlluviumError } from '../errors.js'
import { type CommitOptions, type CommitResult, mayDeleteDataFiles } from '../log/commit/index.js'
import { type AddFile, columnMappingMode, type LogView, type RefreshOptions, refreshLog } from '../log/index.js'
import { physicalStruct, sameType } from '../schema/index.js'
import type { Operation, TableContext } from './context.js'
import type { WrittenFiles } from './data-writer.js'
import { batchesOf, type RowSource, type RowSourceOptions } from './row-source.js'
import { Transaction } from './transaction.js'
import { mayBeVacuumed } from './vacuumed-meanwhile.js'
import { dataWriterFor, type WriteOptions } from './write-options.js'

export interface AppendOptions extends WriteOptions, RowSourceOptions, CommitOptions {
  /**
   * Makes the append idempotent: recorded with the rows; when the table has this version or a later one for the
   * application already, nothing is written and the result says `skipped`.
   */
  readonly txn?: { readonly appId: string; readonly version: bigint | number }
  /** Free text kept in `commitInfo`. */
  readonly userMetadata?: string
  /**
   * False gives the rows a version of their own. By default appends that run at the same time on one table share versions: each
   * has its own result, and a store with a long round trip takes far more of them.
   */
  readonly shareCommit?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface AppendResult {
  /** The version that holds the rows; without a commit, the version looked at. */
  readonly version: number
  readonly numRows: number
  readonly numFiles: number
  /** Bytes of the data files. */
  readonly sizeBytes: number
  /** False when there was nothing to commit: no rows, or the transaction was there already. */
  readonly committed: boolean
  /** The rows were left out because the table already has this `txn`. */
  readonly skipped: boolean
}

interface Outcome {
  readonly result: AppendResult
  readonly view: LogView
}

/** Appends to the table as seen in `view`, which may be old: newer commits are found when ours meets them. */
export async function appendTo(context: TableContext, view: LogView, rows: RowSource<object>, options: AppendOptions): Promise<Outcome> {
  const txn = txnOf(options)
  let base = view
  if (txn !== undefined) {
    base = await refreshLog(view, context.storage, lookOptions(context, options))
    if (isRecorded(base, txn)) return skipped(base)
  }
  const { written, discard } = await writeRows(context, base, rows, options)
  if (written.files.length === 0) return { view: base, result: { version: base.version, ...nothing, skipped: false } }
  try {
    const staged = { files: written.files, txns: txn === undefined ? [] : [txn], ready: written.durable }
    return done(
      await commitAppend(context, base, staged, (at) => describe('Append', at, written, [], options), commitOptions(options)),
      written,
    )
  } catch (error) {
    // What is surely not committed may go; in any doubt files stay, for vacuum to judge.
    if (mayDeleteDataFiles(error)) await discard()
    if (txn === undefined || !isAlluviumError(error, 'COMMIT_CONFLICT')) throw error
    const newer = await refreshLog(base, context.storage, lookOptions(context, options))
    if (!isRecorded(newer, txn)) throw error
    return skipped(newer)
  }
}

/** Replaces all rows of the version in `base`; anything that changed rows since is a conflict. */
export async function overwriteTable(
  context: TableContext,
  base: LogView,
  rows: RowSource<object>,
  options: AppendOptions,
): Promise<Outcome> {
  const txn = txnOf(options)
  if (txn !== undefined && isRecorded(base, txn)) return skipped(base)
  const removed: AddFile[] = []
  await base.files.loadStats(options.signal)
  for (const row of base.files.liveRows()) removed.push(base.files.add(row))
  const transaction = new Transaction(context, base).readWholeTable().removeFiles(removed)
  const { written, discard } = await writeRows(context, base, rows, options)
  transaction.addFiles(written.files)
  if (txn !== undefined) transaction.setTxn(txn.appId, txn.version)
  if (written.files.length === 0 && removed.length === 0)
    return { view: base, result: { version: base.version, ...nothing, skipped: false } }
  try {
    return done(
      await transaction.commit(describe('Overwrite', base, written, removed, options), {
        ...commitOptions(options),
        ready: written.durable,
      }),
      written,
    )
  } catch (error) {
    if (mayDeleteDataFiles(error)) await discard()
    throw error
  }
}

const RESHAPES = 3

/**
 * Commits files that were written for the table as seen in `base`, with the progress of applications beside them.
 * When the table's metadata changed meanwhile and the files still fit, they are committed on the new shape.
 * @throws AlluviumError `COMMIT_CONFLICT` (surely not committed), `COMMIT_STATE_UNKNOWN`, storage errors.
 */
export async function commitAppend(
  context: TableContext,
  base: LogView,
  staged: {
    readonly files: readonly AddFile[]
    readonly txns: readonly { readonly appId: string; readonly version: bigint }[]
    /** Settles when the files are durable. */
    readonly ready?: Promise<unknown>
  },
  describeOn: (base: LogView) => Operation,
  options: CommitOptions & { readonly shareCommit?: boolean },
): Promise<CommitResult> {
  let on = base
  for (let attempt = 0; ; attempt++) {
    try {
      const transaction = new Transaction(context, on).addFiles(staged.files)
      for (const txn of staged.txns) transaction.setTxn(txn.appId, txn.version)
      return await transaction.commit(describeOn(on), staged.ready === undefined ? options : { ...options, ready: staged.ready })
    } catch (error) {
      if (!isAlluviumError(error, 'COMMIT_CONFLICT') || attempt >= RESHAPES) throw error
      if (error.facts.rule !== 'metadata' && error.facts.rule !== 'protocol') throw error
      const newer = await refreshLog(on, context.storage, lookOptions(context, options))
      // What a refreshed view already shows as recorded can no longer be seen as a conflict by the commit itself.
      const overtaken = staged.txns.some((txn) => newer.txns.get(txn.appId)?.version !== on.txns.get(txn.appId)?.version)
      if (overtaken || !stillFits(on, newer)) throw error
      if (await mayBeVacuumed(context, staged.files, { from: on, to: newer }, options.signal)) throw error
      on = newer
    }
  }
}

const nothing = { numRows: 0, numFiles: 0, sizeBytes: 0, committed: false } as const

function skipped(view: LogView): Outcome {
  return { view, result: { version: view.version, ...nothing, skipped: true } }
}

function done(committed: CommitResult, written: WrittenFiles): Outcome {
  const { numRows, sizeBytes } = written
  return {
    view: committed.view,
    result: { version: committed.version, numRows, numFiles: written.files.length, sizeBytes, committed: true, skipped: false },
  }
}

async function writeRows(
  context: TableContext,
  base: LogView,
  rows: RowSource<object>,
  options: AppendOptions,
): Promise<{ written: WrittenFiles; discard: () => Promise<void> }> {
  // Fails before anything is written when the table may not be written at all.
  new Transaction(context, base)
  const writer = dataWriterFor(context, base, options)
  try {
    for await (const { batch, lent } of batchesOf(rows, base.schema, options)) await writer.write(batch, { lent })
    return { written: await writer.finish(), discard: () => writer.discard() }
  } catch (error) {
    await writer.discard()
    throw error
  }
}

// Metrics as Spark names them; every figure is counted.
function describe(
  mode: 'Append' | 'Overwrite',
  base: LogView,
  written: WrittenFiles,
  removed: readonly AddFile[],
  options: AppendOptions,
): Operation {
  return {
    operation: 'WRITE',
    operationParameters: { mode, partitionBy: JSON.stringify(base.metadata.partitionColumns) },
    operationMetrics: {
      numFiles: String(written.files.length),
      numOutputRows: String(written.numRows),
      numOutputBytes: String(written.sizeBytes),
      ...(mode === 'Append'
        ? {}
        : { numRemovedFiles: String(removed.length), numRemovedBytes: String(removed.reduce((sum, file) => sum + file.size, 0)) }),
    },
    ...(options.userMetadata === undefined ? {} : { userMetadata: options.userMetadata }),
  }
}

// Files written for the old shape fit the new one when every old column is unchanged and new ones may be null.
function stillFits(before: LogView, after: LogView): boolean {
  const old = before.schema.fields
  const now = after.schema.fields
  if (before.metadata.id !== after.metadata.id) return false
  if (before.metadata.partitionColumns.join('\0') !== after.metadata.partitionColumns.join('\0')) return false
  const kept = old.every((field) => {
    const match = now.find((candidate) => candidate.name === field.name)
    return match !== undefined && sameType(match.dataType, field.dataType) && (match.nullable || !field.nullable)
  })
  if (!sameNamesInFiles(before, after)) return false
  return kept && now.every((field) => field.nullable || old.some((candidate) => candidate.name === field.name))
}

// A column of the same name may be another one in files: dropped meanwhile, and made again.
function sameNamesInFiles(before: LogView, after: LogView): boolean {
  const mode = columnMappingMode(before.protocol, before.metadata)
  if (mode !== columnMappingMode(after.protocol, after.metadata)) return false
  if (mode === 'none') return true
  const kept = before.schema.fields.flatMap(({ name }) => after.schema.fields.filter((field) => field.name === name))
  return sameType(physicalStruct(before.schema), physicalStruct({ type: 'struct', fields: kept }), { nullability: false })
}

function isRecorded(view: LogView, txn: { appId: string; version: bigint }): boolean {
  const recorded = view.txns.get(txn.appId)
  return recorded !== undefined && recorded.version >= txn.version
}

function txnOf(options: AppendOptions): { appId: string; version: bigint } | undefined {
  if (options.txn === undefined) return undefined
  const { appId, version } = options.txn
  if (typeof appId !== 'string' || appId === '') throw new AlluviumError('INVALID_OPTIONS', 'txn.appId must be a text that is not empty')
  return { appId, version: BigInt(version) }
}

function commitOptions({ maxAttempts, timeoutMs, signal, shareCommit }: AppendOptions): CommitOptions & { shareCommit?: boolean } {
  return {
    ...(shareCommit === undefined ? {} : { shareCommit }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function lookOptions({ runtime }: TableContext, { signal }: CommitOptions): RefreshOptions {
  return { runtime, signal }
}
