// One group of files becomes new files: read, written, read back. Rule: every row that counts is in them once, or the group fails and
// its files are deleted again. Nothing here touches the log.
import type { RecordBatch } from 'apache-arrow'
import { throwIfAborted } from '../errors.js'
import type { AddFile, LogView } from '../log/index.js'
import { createParquetWriter, type ParquetWriter, type RowGroupEncoder, StatisticsCollector } from '../parquet/index.js'
import { addOfFile, batchesToCopy, type CopyPlan, type NewFile, startDataFile, type TableContext } from '../table/index.js'
import type { PlannedGroup } from './optimize-plan.js'
import { checkCounts, readBack } from './read-back.js'

/** What rewriting works with, the same for all groups of a version. */
export interface RewriteContext {
  readonly context: TableContext
  readonly view: LogView
  readonly copy: CopyPlan
  readonly encoder: RowGroupEncoder
  readonly splice: boolean
  readonly targetBytes: number
  readonly signal: AbortSignal | undefined
}

/** The new files of a group. */
export interface RewrittenGroup {
  readonly group: PlannedGroup
  readonly mode: 'splice' | 're-encode'
  readonly adds: readonly AddFile[]
  /** In the store. */
  readonly paths: readonly string[]
  readonly rows: number
}

/** A file may get this much larger than it was planned before the next one is begun. */
export const ROLL_FACTOR = 1.5

/** Reads the rows of a group and writes them again, as the table has them now. */
export async function reencodeGroup(rewrite: RewriteContext, group: PlannedGroup): Promise<RewrittenGroup> {
  const { context, view, copy, signal } = rewrite
  const output = new GroupOutput(rewrite, group, { bytes: ROLL_FACTOR * Math.max(rewrite.targetBytes, group.sizeBytes) })
  try {
    let rowsRead = 0
    const rows = group.files.map(({ row }) => row)
    for await (const copied of batchesToCopy(context.storage, view, copy, rows, { signal })) {
      throwIfAborted(signal, 'the rewriting of files')
      rowsRead += copied.rowsRead
      if (copied.batch.numRows > 0) await output.write(copy.toFile(copied.batch))
    }
    const written = await output.finish()
    checkCounts(view, rows, { rowsRead, rowsWritten: written.rows })
    return { group, mode: 're-encode', ...written }
  } catch (error) {
    await output.discard()
    throw error
  }
}

/** Arrow bytes of a row group: the process grows by several times this, and two are at once. */
const ROW_GROUP_BYTES = 8 * 2 ** 20

/** When the next file is begun. */
export interface RollAt {
  readonly bytes: number
  readonly rows?: number
}

interface OpenOutput {
  readonly file: NewFile
  readonly parquet: ParquetWriter
  readonly statistics: StatisticsCollector
}

/** The files that a group becomes, one after another. */
export class GroupOutput {
  readonly #rewrite: RewriteContext
  readonly #group: PlannedGroup
  readonly #rollBytes: number
  readonly #rollRows: number
  readonly #adds: AddFile[] = []
  readonly #paths: string[] = []
  readonly #tags: Readonly<Record<string, string>> | undefined
  #rows = 0
  #open: OpenOutput | undefined

  constructor(rewrite: RewriteContext, group: PlannedGroup, roll: RollAt, tags?: Readonly<Record<string, string>>) {
    this.#rewrite = rewrite
    this.#group = group
    this.#rollBytes = roll.bytes
    this.#rollRows = roll.rows ?? Number.POSITIVE_INFINITY
    this.#tags = tags
  }

  /** Takes a batch in the form of the files; one that is only lent is not needed afterwards. */
  async write(batch: RecordBatch, options: { readonly lent?: boolean } = {}): Promise<void> {
    for (let from = 0; from < batch.numRows; ) {
      this.#open ??= await this.#start()
      const { parquet } = this.#open
      const to = Math.min(batch.numRows, from + this.#rollRows - parquet.numRows)
      await parquet.write(from === 0 && to === batch.numRows ? batch : batch.slice(from, to), options)
      from = to
      if (parquet.writtenBytes >= this.#rollBytes || parquet.numRows >= this.#rollRows) await this.close()
    }
  }

  /** Ends the file at hand: what comes next goes into another. */
  async close(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    const { file, parquet, statistics } = open
    this.#paths.push(file.path)
    try {
      const { sizeBytes, numRows } = await parquet.finish()
      // Before the file is there: who sleeps from here on has an old one, which a vacuum may have taken.
      const nowMs = this.#rewrite.context.runtime.now()
      await file.object.close()
      await readBack(this.#rewrite.context.storage, file.path, { sizeBytes, numRows }, this.#rewrite.signal)
      const add = addOfFile(file, { sizeBytes, stats: statistics.finish(), dataChange: false, nowMs })
      this.#adds.push(this.#tags === undefined ? add : { ...add, tags: this.#tags })
      this.#rows += numRows
    } catch (error) {
      await file.object.abort()
      throw error
    }
  }

  async finish(): Promise<Pick<RewrittenGroup, 'adds' | 'paths' | 'rows'>> {
    await this.close()
    return { adds: this.#adds, paths: this.#paths, rows: this.#rows }
  }

  /** Drops everything that was written. Never throws. */
  async discard(): Promise<void> {
    await this.#open?.file.object.abort()
    this.#open = undefined
    await deleteFiles(this.#rewrite.context, this.#paths)
  }

  async #start(): Promise<OpenOutput> {
    const { context, copy, encoder, signal } = this.#rewrite
    const { partitionColumns, codec, columns, statsColumns, stringPrefixLength } = copy
    const { storage, runtime } = context
    const file = await startDataFile(storage, runtime, { partitionColumns, texts: this.#group.texts, codec, signal })
    const statistics = new StatisticsCollector(columns, {
      columns: statsColumns,
      ...(stringPrefixLength === undefined ? {} : { stringPrefixLength }),
    })
    const parquet = createParquetWriter(file.object, {
      schema: columns,
      codec,
      rowGroupBytes: ROW_GROUP_BYTES,
      encodeRowGroup: encoder.encode,
      encodeAhead: encoder.concurrency,
      memory: encoder.memory,
      statistics,
    })
    return { file, parquet, statistics }
  }
}

/** Deletes files that are in no version, and surely never will be. Never throws: what stays is found by vacuum. */
export async function deleteFiles({ storage }: TableContext, paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => storage.delete(path).catch(() => undefined)))
}
