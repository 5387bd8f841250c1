// Reading a Parquet file: footer first, then only the column chunks that are wanted, row group by row group.
import { makeData, RecordBatch, Schema, Struct } from 'apache-arrow'
import { throwIfAborted } from '../errors.js'
import { chunksOf, decodeGroup } from './decode.js'
import { initParquet } from './engine.js'
import type { ChunkInfo, RowGroupInfo } from './footer.js'
import { type Opened, openFooter, type Projection, project } from './open.js'
import type { SchemaNode } from './schema-tree.js'
import { type ColumnPath, selectLeaves } from './slice.js'
import { type ByteSource, readRanges } from './source.js'

const NO_COLUMNS = new Schema([])
const DEFAULT_BATCH_ROWS = 65_536
// The next row group is fetched while one is decoded, unless it is larger than this.
const MAX_AHEAD_BYTES = 64 * 2 ** 20

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
  readonly signal?: AbortSignal
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
    return (await this.projection(columns)).schema
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<RecordBatch> {
    const { signal, batchRows = DEFAULT_BATCH_ROWS } = options
    if (!Number.isSafeInteger(batchRows) || batchRows < 1) throw new RangeError(`batchRows must be a positive integer, not ${batchRows}`)
    const groups = (options.rowGroups ?? this.rowGroups.map((_, i) => i)).map((i) => this.rowGroup(i)).filter((group) => group.numRows > 0)
    throwIfAborted(signal, `reading ${this.name}`)
    const projection = await this.projection(options.columns)
    if (projection.selected.size === 0) {
      for (const group of groups) yield* bareBatches(group.numRows, batchRows)
      return
    }
    await initParquet()
    let ahead: Promise<FetchedChunk[]> | undefined
    for (const [i, group] of groups.entries()) {
      const chunks = await (ahead ?? this.fetch(group, projection, signal))
      const next = groups[i + 1]
      ahead = next === undefined ? undefined : this.fetchAhead(next, projection, signal)
      for (const batch of decodeGroup(this.name, this.opened.footer, projection, group.numRows, chunks, batchRows)) {
        throwIfAborted(signal, `reading ${this.name}`)
        yield batch
      }
    }
  }

  private rowGroup(index: number): RowGroupInfo {
    const group = this.rowGroups[index]
    if (group === undefined) throw new RangeError(`row group ${index} of ${this.rowGroups.length} in ${this.name}`)
    return group
  }

  private async projection(columns: readonly ColumnPath[] | undefined): Promise<Projection> {
    if (columns === undefined) return this.everything
    const selected = selectLeaves(this.opened.footer, columns)
    if (selected.size === this.everything.selected.size) return this.everything
    return project(this.opened.footer, this.name, selected)
  }

  private fetchAhead(group: RowGroupInfo, projection: Projection, signal: AbortSignal | undefined): Promise<FetchedChunk[]> | undefined {
    const wanted = chunksOf(this.name, this.opened, group, projection.selected)
    if (wanted.reduce((sum, { chunk }) => sum + chunk.compressedSize, 0) > MAX_AHEAD_BYTES) return undefined
    const fetched = this.fetch(group, projection, signal)
    // The consumer may stop before it is awaited; its failure must not be an unhandled rejection.
    fetched.catch(() => undefined)
    return fetched
  }

  private async fetch(group: RowGroupInfo, projection: Projection, signal: AbortSignal | undefined): Promise<FetchedChunk[]> {
    const wanted = chunksOf(this.name, this.opened, group, projection.selected)
    const ranges = wanted.map((one) => one.range)
    const bytes = await readRanges(this.opened.source, this.name, ranges, signal)
    throwIfAborted(signal, `reading ${this.name}`)
    return wanted.map(({ leaf, chunk }, i) => ({ leaf, chunk, bytes: bytes[i] as Uint8Array }))
  }
}

interface FetchedChunk {
  readonly leaf: SchemaNode
  readonly chunk: ChunkInfo
  readonly bytes: Uint8Array
}

// Rows without a column: what counting needs.
function* bareBatches(numRows: number, batchRows: number): Generator<RecordBatch> {
  for (let done = 0; done < numRows; done += batchRows) {
    const length = Math.min(batchRows, numRows - done)
    yield new RecordBatch(NO_COLUMNS, makeData({ type: new Struct([]), length, nullCount: 0, children: [] }))
  }
}
