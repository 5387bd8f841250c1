// Reading a Parquet file: footer first, then only the column chunks that are wanted, row group by row group.
import { makeData, RecordBatch, Schema, Struct } from 'apache-arrow'
import { throwIfAborted } from '../errors.js'
import { chunksOf } from './decode.js'
import type { DecodeThreads } from './decode-thread.js'
import type { RowGroupInfo } from './footer.js'
import { type Opened, openFooter, type Projection, project } from './open.js'
import { GroupFetcher, type LocatedGroup, ReadAhead } from './read-ahead.js'
import { decodedBytes, decodeInThreads, type GroupReading, groupBatches } from './row-group.js'
import { type ColumnPath, selectLeaves } from './slice.js'
import { type ByteSource, readRanges } from './source.js'

const NO_COLUMNS = new Schema([])
const DEFAULT_BATCH_ROWS = 65_536
// What is fetched while something else is decoded, where the caller sets no bound of its own.
const DEFAULT_AHEAD_BYTES = 64 * 2 ** 20
// Row groups that are decoded before they are needed, where the budget allows.
const GROUPS_AHEAD_PER_THREAD = 2

/** What to read of a file. */
export interface ReadOptions {
  /**
   * Top-level names, or paths of names into structs. Names the file lacks select nothing; default: every column.
   * Columns come in the order of the file. With no column at all, batches have only their row count.
   */
  readonly columns?: readonly ColumnPath[]
  /** Indexes of row groups, in the order wanted; default: all. */
  readonly rowGroups?: readonly number[]
  /** The most rows of one batch; default 65,536. Batches never span row groups. */
  readonly batchRows?: number
  /** What may be fetched before it is needed, which several reads may share; default: 64 MiB for this read. */
  readonly ahead?: ReadAhead
  readonly signal?: AbortSignal
}

/** A reading that is about to begin. */
export interface BegunRead {
  /** Fetches the first row group, if it may be fetched ahead. Calling it again does nothing. */
  prefetch(): void
  /** The record batches; `onLast` is called when no row group of this reading is left to be fetched. Once only. */
  batches(onLast?: () => void): AsyncGenerator<RecordBatch, void, undefined>
}

/** An open Parquet file. It holds no resource besides memory. */
export interface ParquetFile {
  readonly numRows: number
  readonly rowGroups: readonly RowGroupInfo[]
  /** The schema of a read of all columns; field ids are in the fields' metadata as `PARQUET:field_id`. */
  readonly arrowSchema: Schema
  /** Who wrote the file, as it says itself. */
  readonly createdBy: string | undefined
  /** The schema of a read of these columns. */
  schemaOf(columns: readonly ColumnPath[]): Promise<Schema>
  /** Record batches in file order. Throws `CORRUPT_DATA`, `LIMIT_EXCEEDED`, `UNSUPPORTED_FEATURE` or the source's own errors. */
  read(options?: ReadOptions): AsyncIterable<RecordBatch>
  /** The same in two steps, for who reads several files and wants to fetch ahead. Nothing is fetched yet. */
  begin(options?: ReadOptions): BegunRead
}

/**
 * Opens a Parquet file: its footer is read and checked, its data is not touched.
 * @throws AlluviumError `CORRUPT_DATA` where it is no sound Parquet file, `LIMIT_EXCEEDED` for an outsize footer,
 * `UNSUPPORTED_FEATURE` for encryption. `name` is the file's name in messages.
 *
 * @example
 * const file = await openParquet(bytesSource(bytes), { name: 'part-0.parquet' })
 * for await (const batch of file.read({ columns: ['id'] })) count += batch.numRows
 */
export async function openParquet(source: ByteSource, options: { name: string; signal?: AbortSignal }): Promise<ParquetFile> {
  const { name, signal } = options
  return parquetOf(await openFooter(source, name, signal), name)
}

/** The file of a footer that was read before. For this folder. */
export async function parquetOf(opened: Opened, name: string): Promise<ParquetFile> {
  const everything = await project(opened.footer, name, selectLeaves(opened.footer, undefined))
  return new OpenFile(opened, name, everything)
}

class OpenFile implements ParquetFile {
  readonly numRows: number
  readonly rowGroups: readonly RowGroupInfo[]
  readonly arrowSchema: Schema
  readonly createdBy: string | undefined
  private readonly opened: Opened
  private readonly name: string
  private readonly everything: Projection

  constructor(opened: Opened, name: string, everything: Projection) {
    this.opened = opened
    this.name = name
    this.everything = everything
    this.numRows = opened.footer.numRows
    this.rowGroups = opened.footer.rowGroups
    this.createdBy = opened.footer.createdBy
    this.arrowSchema = everything.schema
  }

  async schemaOf(columns: readonly ColumnPath[]): Promise<Schema> {
    return (await this.projection(selectLeaves(this.opened.footer, columns))).schema
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    yield* this.begin(options).batches()
  }

  begin(options: ReadOptions = {}): BegunRead {
    const { signal, batchRows = DEFAULT_BATCH_ROWS, ahead = new ReadAhead(DEFAULT_AHEAD_BYTES) } = options
    if (!Number.isSafeInteger(batchRows) || batchRows < 1) throw new RangeError(`batchRows must be a positive integer, not ${batchRows}`)
    const groups = (options.rowGroups ?? this.rowGroups.map((_, i) => i)).map((i) => this.rowGroup(i)).filter((group) => group.numRows > 0)
    const selected = selectLeaves(this.opened.footer, options.columns)
    const reading = this.groupReading(selected, batchRows)
    const fetcher = new GroupFetcher(groups, ahead, (group) => this.locate(group, selected, reading, ahead.threads), signal)
    return {
      prefetch: () => fetcher.prefetch(0),
      batches: (onLast) => this.decode(groups, reading, fetcher, signal, onLast, ahead.threads),
    }
  }

  private async *decode(
    groups: readonly RowGroupInfo[],
    readingLater: () => Promise<GroupReading>,
    fetcher: GroupFetcher,
    signal: AbortSignal | undefined,
    onLast: (() => void) | undefined,
    threads: DecodeThreads | undefined,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    try {
      throwIfAborted(signal, `reading ${this.name}`)
      const reading = await readingLater()
      const isBare = reading.projection.selected.size === 0
      if (groups.length === 0 || isBare) onLast?.()
      if (isBare) {
        for (const group of groups) yield* bareBatches(group.numRows, reading.batchRows)
        return
      }
      const groupsAhead = threads === undefined ? 1 : GROUPS_AHEAD_PER_THREAD * threads.count
      for (const [i, { numRows }] of groups.entries()) {
        const fetching = fetcher.fetch(i)
        fetcher.prefetch(i + 1, groupsAhead)
        if (i === groups.length - 1) onLast?.()
        const { chunks, decoded } = await fetching
        const batches = (await decoded) ?? groupBatches(reading, numRows, chunks)
        throwIfAborted(signal, `reading ${this.name}`)
        for await (const batch of batches) {
          throwIfAborted(signal, `reading ${this.name}`)
          yield batch
        }
        fetcher.release(i)
      }
    } finally {
      fetcher.releaseAll()
    }
  }

  private rowGroup(index: number): RowGroupInfo {
    const group = this.rowGroups[index]
    if (group === undefined) throw new RangeError(`row group ${index} of ${this.rowGroups.length} in ${this.name}`)
    return group
  }

  private async projection(selected: Set<number>): Promise<Projection> {
    if (selected.size === this.everything.selected.size) return this.everything
    return project(this.opened.footer, this.name, selected)
  }

  // What decoding needs to know, found out once it is needed.
  private groupReading(selected: Set<number>, batchRows: number): () => Promise<GroupReading> {
    let reading: Promise<GroupReading> | undefined
    return () => {
      reading ??= this.projection(selected).then((projection) => ({
        name: this.name,
        footer: this.opened.footer,
        projection,
        batchRows,
      }))
      return reading
    }
  }

  // The chunks of a row group, their size, and how to fetch them.
  private locate(
    group: RowGroupInfo,
    selected: ReadonlySet<number>,
    readingLater: () => Promise<GroupReading>,
    threads: DecodeThreads | undefined,
  ): LocatedGroup {
    const wanted = chunksOf(this.name, this.opened, group, selected)
    const ranges = wanted.map((one) => one.range)
    const sizeBytes = wanted.reduce((sum, { chunk }) => sum + chunk.compressedSize, 0)
    return {
      sizeBytes: threads === undefined ? sizeBytes : sizeBytes + decodedBytes(group.numRows, wanted),
      fetch: async (signal) => {
        const bytes = await readRanges(this.opened.source, this.name, ranges, signal)
        const chunks = wanted.map(({ leaf, chunk }, i) => ({ leaf, chunk, bytes: bytes[i] as Uint8Array }))
        if (threads === undefined) return { chunks }
        const decoded = decodeInThreads(await readingLater(), group.numRows, chunks, threads)
        decoded.catch(() => undefined) // Whoever awaits it sees the failure.
        return { chunks, decoded }
      },
    }
  }
}

// Rows without a column: what counting needs.
function* bareBatches(numRows: number, batchRows: number): Generator<RecordBatch> {
  for (let done = 0; done < numRows; done += batchRows) {
    const length = Math.min(batchRows, numRows - done)
    yield new RecordBatch(NO_COLUMNS, makeData({ type: new Struct([]), length, nullCount: 0, children: [] }))
  }
}
