// Writes batches as data files: one open file per partition, rolled at the target size, memory bounded over all of them.
// Data files are written once, under fresh names, before any commit; nothing here touches the log.
import type { RecordBatch } from 'apache-arrow'
import { project, take } from '../arrow/index.js'
import { throwIfAborted } from '../errors.js'
import type { AddFile } from '../log/index.js'
import {
  createParquetWriter,
  createRowGroupEncoder,
  type ParquetWriter,
  type RowGroupEncoder,
  StatisticsCollector,
} from '../parquet/index.js'
import type { Runtime } from '../runtime.js'
import type { ParquetCodec, StructType } from '../schema/index.js'
import type { ObjectWriter, Storage } from '../storage/storage.js'
import { addOfFile, startDataFile } from './new-file.js'
import { splitByPartition } from './partition-split.js'

export interface DataWriterOptions {
  /** The columns as the files name them, partition columns included. Every batch must have exactly these columns and types. */
  readonly schema: StructType
  /** Gives the columns of a batch the names in `schema`, where the table has others. */
  readonly rename?: (batch: RecordBatch) => RecordBatch
  readonly partitionColumns: readonly string[]
  readonly codec: ParquetCodec
  /** A file is closed once its encoded size reaches this. */
  readonly targetFileBytes: number
  /** Arrow bytes of one row group. */
  readonly rowGroupBytes?: number
  /** Bound on buffered rows over all open files; beyond it the fullest file is closed early. */
  readonly bufferBytes?: number
  /** Column paths with statistics, in the form of `formatPath`. */
  readonly statsColumns: readonly string[]
  readonly stringPrefixLength?: number
  /** Encodes row groups; the writer does not close it. Default: one of its own. */
  readonly encoder?: RowGroupEncoder | undefined
  readonly signal?: AbortSignal | undefined
}

/** What one writer has written. */
export interface WrittenFiles {
  readonly files: readonly AddFile[]
  /** Settles when the files are whole and durable where the store promises it; a commit of them waits for it. */
  readonly durable: Promise<void>
  readonly numRows: number
  readonly sizeBytes: number
}

interface OpenFile {
  readonly key: string
  readonly path: string
  readonly partitionValues: Record<string, string | null>
  readonly object: ObjectWriter
  readonly parquet: ParquetWriter
  readonly statistics: StatisticsCollector
}

const DEFAULT_BUFFER_BYTES = 256 * 2 ** 20

/**
 * Turns batches into data files and `add` actions.
 *
 * @example
 * const writer = new DataWriter(storage, runtime, options)
 * await writer.write(batch)
 * const { files } = await writer.finish() // commit these
 */
export class DataWriter {
  readonly #storage: Storage
  readonly #runtime: Runtime
  readonly #options: DataWriterOptions
  readonly #encoder: RowGroupEncoder
  readonly #dataStruct: StructType
  readonly #dataColumns: readonly string[]
  readonly #open = new Map<string, OpenFile>()
  readonly #done: AddFile[] = []
  readonly #written: string[] = []
  readonly #closing: Promise<unknown>[] = []
  #numRows = 0
  #sizeBytes = 0

  constructor(storage: Storage, runtime: Runtime, options: DataWriterOptions) {
    this.#storage = storage
    this.#runtime = runtime
    this.#options = options
    this.#encoder = options.encoder ?? createRowGroupEncoder()
    const { struct, names } = dataColumns(options.schema, options.partitionColumns)
    this.#dataStruct = struct
    this.#dataColumns = names
  }

  /** Bytes held in memory for rows not yet encoded, over all open files. */
  get bufferedBytes(): number {
    let total = 0
    for (const file of this.#open.values()) total += file.parquet.bufferedBytes
    return total
  }

  /** Rows taken so far. */
  get numRows(): number {
    return this.#numRows
  }

  /**
   * Takes a batch of the table's schema. Resolves when there is room for the next. The batch must not be changed afterwards,
   * unless it is only lent for the call.
   */
  async write(given: RecordBatch, options: { readonly lent?: boolean } = {}): Promise<void> {
    throwIfAborted(this.#options.signal, 'writing data files')
    if (given.numRows === 0) return
    const batch = this.#options.rename?.(given) ?? given
    if (this.#options.partitionColumns.length === 0) {
      await this.#writeTo('', [], this.#columnsOf(batch), options)
    } else {
      for (const slice of splitByPartition(batch, this.#options.schema, this.#options.partitionColumns)) {
        const rows = slice.rows.length === batch.numRows ? batch : take(batch, slice.rows)
        await this.#writeTo(JSON.stringify(slice.texts), slice.texts, this.#columnsOf(rows), rows === batch ? options : {})
      }
    }
    this.#numRows += batch.numRows
    await this.#keepWithinBudget()
  }

  /**
   * Writes every open file to its end and answers all files. They may still be on their way to the disk: see
   * {@link WrittenFiles.durable}, which lets the commit file be prepared meanwhile.
   */
  async finish(): Promise<WrittenFiles> {
    for (const file of [...this.#open.values()]) await this.#close(file)
    // Idle threads keep nothing waiting, so nothing waits for their end.
    this.#closeEncoder().catch(() => undefined)
    const durable = Promise.all(this.#closing).then(() => undefined)
    durable.catch(() => undefined) // whoever commits awaits it; until then its failure must not end the process
    return { files: this.#done, durable, numRows: this.#numRows, sizeBytes: this.#sizeBytes }
  }

  /**
   * Gives up: open files are dropped and closed ones deleted. Only for files that no commit was ever attempted with:
   * after an attempt whose outcome is unclear, files stay, for vacuum to judge. Never throws.
   */
  async discard(): Promise<void> {
    for (const file of this.#open.values()) await file.object.abort()
    this.#open.clear()
    await Promise.allSettled(this.#closing)
    await this.#closeEncoder()
    await Promise.all(this.#written.map((path) => this.#storage.delete(path).catch(() => undefined)))
  }

  async #closeEncoder(): Promise<void> {
    if (this.#options.encoder === undefined) await this.#encoder.close()
  }

  #columnsOf(batch: RecordBatch): RecordBatch {
    return batch.numCols === this.#dataColumns.length ? batch : project(batch, this.#dataColumns)
  }

  async #writeTo(key: string, texts: readonly (string | null)[], batch: RecordBatch, options: { readonly lent?: boolean }): Promise<void> {
    const file = this.#open.get(key) ?? (await this.#start(key, texts))
    await file.parquet.write(batch, options)
    if (file.parquet.writtenBytes >= this.#options.targetFileBytes) await this.#roll(file)
  }

  async #start(key: string, texts: readonly (string | null)[]): Promise<OpenFile> {
    const { partitionColumns, codec, rowGroupBytes, statsColumns, stringPrefixLength, signal } = this.#options
    const { path, partitionValues, object } = await startDataFile(this.#storage, this.#runtime, { partitionColumns, texts, codec, signal })
    const statistics = new StatisticsCollector(this.#dataStruct, {
      columns: statsColumns,
      ...(stringPrefixLength === undefined ? {} : { stringPrefixLength }),
    })
    const file: OpenFile = {
      key,
      path,
      partitionValues,
      object,
      parquet: createParquetWriter(object, {
        schema: this.#dataStruct,
        codec,
        ...(rowGroupBytes === undefined ? {} : { rowGroupBytes }),
        encodeRowGroup: this.#encoder.encode,
        encodeAhead: this.#encoder.concurrency,
        memory: this.#encoder.memory,
        statistics,
      }),
      statistics,
    }
    this.#open.set(key, file)
    return file
  }

  // Between two files of one write there is no commit to overlap with, so the first is made durable right away.
  async #roll(file: OpenFile): Promise<void> {
    await this.#close(file)
    await Promise.all(this.#closing)
  }

  async #close(file: OpenFile): Promise<void> {
    this.#open.delete(file.key)
    try {
      const { sizeBytes } = await file.parquet.finish()
      this.#written.push(file.path)
      const closing = file.object.close()
      closing.catch(() => undefined)
      this.#closing.push(closing)
      this.#sizeBytes += sizeBytes
      const written = { sizeBytes, stats: file.statistics.finish(), dataChange: true, nowMs: this.#runtime.now() }
      this.#done.push(addOfFile(file, written))
    } catch (error) {
      await file.object.abort()
      throw error
    }
  }

  // Many partitions each with a few rows would otherwise hold memory without end.
  async #keepWithinBudget(): Promise<void> {
    const budget = this.#options.bufferBytes ?? DEFAULT_BUFFER_BYTES
    while (this.#open.size > 0 && this.bufferedBytes > budget) {
      let fullest: OpenFile | undefined
      for (const file of this.#open.values())
        if (fullest === undefined || file.parquet.bufferedBytes > fullest.parquet.bufferedBytes) fullest = file
      if (fullest === undefined) return
      await this.#roll(fullest)
    }
  }
}

interface DataColumns {
  readonly partitionColumns: readonly string[]
  readonly struct: StructType
  readonly names: readonly string[]
}

// The columns that are in files. One object for all writers of a table, by which others find what they know of it.
function dataColumns(schema: StructType, partitionColumns: readonly string[]): DataColumns {
  const known = columnsInFiles.get(schema)
  if (known?.partitionColumns === partitionColumns) return known
  const fields = schema.fields.filter(({ name, dataType }) => !partitionColumns.includes(name) && dataType.type !== 'void')
  const columns: DataColumns = { partitionColumns, struct: { type: 'struct', fields }, names: fields.map((field) => field.name) }
  columnsInFiles.set(schema, columns)
  return columns
}

const columnsInFiles = new WeakMap<StructType, DataColumns>()
