// One commit of a stream: the rows of every partition into data files, then one transaction with all positions.
import { AlluviumError, isAlluviumError } from '../errors.js'
import { commitAppend, dataWriterFor, type LogView, type Table } from '../table/index.js'
import type { StreamCommit, StreamWriterOptions } from './options.js'
import type { PartitionCut } from './partition-buffer.js'

export interface CommitJob {
  readonly table: Table<unknown, never>
  /** The version whose positions the rows were checked against. */
  readonly view: LogView
  readonly cuts: readonly PartitionCut[]
  readonly options: StreamWriterOptions
}

/**
 * Writes and commits. On a position that somebody else advanced: `FENCED`, and nothing of this commit is in the table.
 * @throws AlluviumError `FENCED`, `COMMIT_CONFLICT`, `COMMIT_STATE_UNKNOWN`, storage errors.
 */
export async function commitCuts(job: CommitJob): Promise<{ view: LogView; commit: StreamCommit }> {
  const { table, view, cuts, options } = job
  const { runtime } = table.context
  const started = runtime.monotonicMs()
  const writer = dataWriterFor(table.context, view, { ...options.files, signal: options.signal })
  let written: Awaited<ReturnType<typeof writer.finish>>
  try {
    for (const cut of cuts) for (const batch of cut.batches) await writer.write(batch)
    written = await writer.finish()
  } catch (error) {
    await writer.discard()
    throw error
  }
  const txns = cuts.flatMap(({ buffer: { appId }, lastOffset }) => (appId === undefined ? [] : [{ appId, version: lastOffset }]))
  try {
    const committed = await commitAppend(
      table.context,
      view,
      { files: written.files, txns },
      () => ({
        operation: 'STREAMING UPDATE',
        operationParameters: { outputMode: 'Append', queryId: options.appId ?? '', epochId: String(runtime.now()) },
        operationMetrics: {
          numRemovedFiles: '0',
          numAddedFiles: String(written.files.length),
          numOutputRows: String(written.numRows),
          numOutputBytes: String(written.sizeBytes),
        },
      }),
      { ...options.commit, ...(options.signal === undefined ? {} : { signal: options.signal }) },
    )
    return {
      view: committed.view,
      commit: {
        version: committed.version,
        numRows: written.numRows,
        numFiles: written.files.length,
        sizeBytes: written.sizeBytes,
        durationMs: runtime.monotonicMs() - started,
      },
    }
  } catch (error) {
    if (!isAlluviumError(error, 'COMMIT_CONFLICT')) throw error
    // Surely not committed: these files belong to no version and may go.
    await writer.discard()
    throw (await fencedBy(job, error)) ?? error
  }
}

// Whatever rule was broken first: a position that moved without us means another owner is at work.
async function fencedBy(job: CommitJob, conflict: AlluviumError): Promise<AlluviumError | undefined> {
  const { view: latest } = await job.table.snapshot()
  for (const { buffer } of job.cuts) {
    if (buffer.appId === undefined) continue
    const theirs = latest.txns.get(buffer.appId)?.version
    if (theirs === job.view.txns.get(buffer.appId)?.version) continue
    return new AlluviumError(
      'FENCED',
      `another writer advanced ${buffer.source}, partition ${buffer.partition}, to ${theirs} in ${job.table.location} while this one was at ${buffer.committed ?? 'the start'}; nothing was written: read the positions again and resume from them`,
      { source: buffer.source, partition: buffer.partition, ours: buffer.committed, theirs, version: latest.version },
      { cause: conflict },
    )
  }
  return undefined
}
