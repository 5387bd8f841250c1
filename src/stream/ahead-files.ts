// The data files of one commit, which may be begun before the commit is due: rows are encoded while more gather and while
// the commit before is still on its way. One rule: only files that hold exactly the rows of a commit are ever committed;
// when rows are dropped meanwhile, the files go with them and are written anew from the rows that stay.
import { conformBatch } from '../arrow/index.js'
import { type StructType, tableProperties } from '../schema/index.js'
import { type DataWriter, dataWriterFor, type LogView, type RowGroupEncoder, type TableContext, type WrittenFiles } from '../table/index.js'
import type { StreamWriterOptions } from './options.js'
import type { BufferedBatch, PartitionBuffer, PartitionCut } from './partition-buffer.js'

const ROW_GROUP_BYTES = 8 * 2 ** 20
/** A table may keep removed files for no time at all; its writers are given a minute. */
const AT_LEAST_MS = 60_000

/** What files are written with. */
export interface AheadContext {
  readonly table: TableContext
  /** The version whose metadata the files follow. */
  readonly view: LogView
  readonly schema: StructType
  readonly options: StreamWriterOptions
  readonly encoder: RowGroupEncoder
}

export class AheadFiles {
  readonly #context: AheadContext
  readonly #beganMs: number
  readonly #writer: DataWriter
  /** Batches of each partition that were taken, which are always its first. */
  readonly #taken = new Map<PartitionBuffer, number>()
  /** Writes happen one after another. A failure stays until somebody asks. */
  #tail: Promise<void> = Promise.resolve()

  /** @throws AlluviumError `INVALID_OPTIONS` where the table's properties or the options say nothing sensible. */
  constructor(context: AheadContext) {
    const { table, view, options, encoder } = context
    this.#context = context
    this.#beganMs = table.runtime.now()
    this.#writer = dataWriterFor(table, view, { rowGroupBytes: ROW_GROUP_BYTES, ...options.files, encoder, signal: options.signal })
  }

  /** Whether the files are right for a commit on top of `view`. */
  fits(view: LogView): boolean {
    const { view: begun } = this.#context
    return begun.metadata === view.metadata && begun.protocol === view.protocol && (begun === view || !this.#mayBeVacuumed(view))
  }

  // What is whole of them lies in the store under no version's name, and a vacuum that began before `view` is no commit that theirs meets.
  #mayBeVacuumed({ metadata }: LogView): boolean {
    const { deletedFileRetentionDurationMs } = tableProperties(metadata.configuration)
    return Math.abs(this.#context.table.runtime.now() - this.#beganMs) > Math.max(deletedFileRetentionDurationMs / 2, AT_LEAST_MS)
  }

  /** Whether rows of a partition are in the files. */
  has(buffer: PartitionBuffer): boolean {
    return this.#taken.has(buffer)
  }

  /** Takes those of a partition's batches that it has not taken yet, and writes them when their turn comes. */
  take(buffer: PartitionBuffer, batches: readonly BufferedBatch[]): void {
    const from = this.#taken.get(buffer) ?? 0
    if (batches.length <= from) return
    this.#taken.set(buffer, batches.length)
    const { schema } = this.#context
    for (const { batch, schema: built } of batches.slice(from)) {
      this.#tail = this.#tail.then(() => this.#writer.write(built === schema ? batch : conformBatch(batch, schema)))
    }
    this.#tail.catch(() => undefined)
  }

  /** Takes the rest of a commit's rows and ends the files. Nothing else may be taken afterwards. */
  async finish(cuts: readonly PartitionCut[]): Promise<WrittenFiles> {
    for (const { buffer, batches } of cuts) this.take(buffer, batches)
    await this.#tail
    return this.#writer.finish()
  }

  /** Deletes the files. Only where no commit was attempted with them, or one that surely failed. Never throws. */
  async discard(): Promise<void> {
    await this.#tail.catch(() => undefined)
    await this.#writer.discard()
  }
}
