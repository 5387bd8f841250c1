// One commit of a stream: the rows of every partition into data files, then one transaction with all positions.
// One rule: it stands only on a table that holds exactly the positions its rows come after.
import { AlluviumError, isAlluviumError } from '../errors.js'
import type { StructType } from '../schema/index.js'
import {
  commitAppend,
  type LogView,
  mayDeleteDataFiles,
  type Operation,
  type RowGroupEncoder,
  type Table,
  type WrittenFiles,
} from '../table/index.js'
import { AheadFiles } from './ahead-files.js'
import type { StreamCommit, StreamWriterOptions } from './options.js'
import type { PartitionCut } from './partition-buffer.js'

export interface CommitJob {
  readonly table: Table<unknown, never>
  /** The version to begin from. */
  readonly view: LogView
  /** The schema of that version, by which batches are known to need no casting. */
  readonly schema: StructType
  readonly cuts: readonly PartitionCut[]
  readonly options: StreamWriterOptions
  readonly encoder: RowGroupEncoder
  /** Files that hold some of the rows already, and none but these. */
  readonly ahead: AheadFiles | undefined
}

/**
 * Writes and commits. On a position that somebody else advanced: `FENCED`, and nothing of this commit is in the table.
 * @throws AlluviumError `FENCED`, `COMMIT_CONFLICT`, `COMMIT_STATE_UNKNOWN`, storage errors.
 */
export async function commitCuts(job: CommitJob): Promise<{ view: LogView; commit: StreamCommit }> {
  const { table, view, schema, cuts, options, encoder } = job
  const { runtime } = table.context
  const startedMs = runtime.monotonicMs()
  // A look at the table may have shown a foreign advance already; the commit itself would then see no conflict.
  const fenced = fencedIn(job, view)
  if (fenced !== undefined) {
    await job.ahead?.discard()
    throw fenced
  }
  let files = job.ahead
  if (files?.fits(view) === false) {
    await files.discard()
    files = undefined
  }
  files ??= new AheadFiles({ table: table.context, view, schema, options, encoder })
  let written: WrittenFiles
  try {
    written = await files.finish(cuts)
    for (const { batches } of cuts) batches.length = 0
  } catch (error) {
    await files.discard()
    throw error
  }
  const txns = cuts.flatMap(({ buffer: { appId }, lastOffset }) => (appId === undefined ? [] : [{ appId, version: lastOffset }]))
  const describe = (): Operation => describeCommit(options, runtime.now(), written)
  const commitOptions = { ...options.commit, ...(options.signal === undefined ? {} : { signal: options.signal }) }
  try {
    const committed = await commitAppend(
      table.context,
      view,
      { files: written.files, txns, ready: written.durable },
      describe,
      commitOptions,
    )
    const { numRows, sizeBytes } = written
    const durationMs = runtime.monotonicMs() - startedMs
    return { view: committed.view, commit: { version: committed.version, numRows, numFiles: written.files.length, sizeBytes, durationMs } }
  } catch (error) {
    if (!isAlluviumError(error)) throw error
    // Surely not committed: these files belong to no version and may go. In any doubt they stay.
    if (mayDeleteDataFiles(error)) await files.discard()
    throw error.code === 'COMMIT_CONFLICT' ? await explain(job, error) : error
  }
}

// Whatever rule was broken first: a position that moved without us means another owner is at work.
async function explain(job: CommitJob, conflict: AlluviumError): Promise<AlluviumError> {
  try {
    const { view } = await job.table.snapshot()
    return fencedIn(job, view, conflict) ?? conflict
  } catch {
    return conflict
  }
}

function fencedIn({ table, cuts }: CommitJob, view: LogView, cause?: AlluviumError): AlluviumError | undefined {
  for (const { buffer, after } of cuts) {
    if (buffer.appId === undefined) continue
    const theirs = view.txns.get(buffer.appId)?.version
    if (theirs === after) continue
    const { source, partition } = buffer
    return new AlluviumError(
      'FENCED',
      `another writer brought ${source}, partition ${partition}, to ${theirs ?? 'the start'} in ${table.location} while this one was at ${after ?? 'the start'}; nothing was written: read the positions again and resume from them`,
      { source, partition, ours: after, theirs, version: view.version, committed: false },
      cause === undefined ? {} : { cause },
    )
  }
  return undefined
}

function describeCommit(options: StreamWriterOptions, nowMs: number, { files, numRows, sizeBytes }: WrittenFiles): Operation {
  return {
    operation: 'STREAMING UPDATE',
    operationParameters: { outputMode: 'Append', queryId: options.appId ?? '', epochId: String(nowMs) },
    operationMetrics: {
      numRemovedFiles: '0',
      numAddedFiles: String(files.length),
      numOutputRows: String(numRows),
      numOutputBytes: String(sizeBytes),
    },
  }
}
