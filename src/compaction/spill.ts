// Rows put aside while they are brought into order: files of the store that nothing refers to, one for each range of the order. Rule: they
// are deleted whatever happens; after a crash they are what vacuum calls files of nobody.
import { Field as ArrowField, Float64, makeData, type RecordBatch } from 'apache-arrow'
import { batchOf, conformBatch, project, schemaOf } from '../arrow/index.js'
import { createParquetWriter, createRowGroupEncoder, openParquet, type ParquetWriter } from '../parquet/index.js'
import type { Field, StructType } from '../schema/index.js'
import { type NewFile, startDataFile, storageByteSource } from '../table/index.js'
import type { PlannedGroup } from './optimize-plan.js'
import { deleteFiles, type RewriteContext } from './rewrite-group.js'

/** Rows with their places in the order. */
export interface PlacedRows {
  readonly batch: RecordBatch
  readonly places: Float64Array
}

interface Aside {
  readonly file: NewFile
  readonly parquet: ParquetWriter
  sizeBytes: number
}

/** What the files that are written at once hold in memory, all of them. */
const OPEN_BYTES = 16 * 2 ** 20
const LEAST_ROW_GROUP_BYTES = 128 * 1024
const MOST_ROW_GROUP_BYTES = 4 * 2 ** 20

/** Rows by range. */
export class Spill {
  readonly #rewrite: RewriteContext
  readonly #group: PlannedGroup
  readonly #column: string
  readonly #columns: StructType
  readonly #rowGroupBytes: number
  readonly #files = new Map<number, Aside>()
  // Rows are copied at once and the same memory is used again: small batches by the thousand, kept until they are written, cost several
  // times what is in them.
  readonly #memory = createRowGroupEncoder({ threads: 0, threadFromBytes: 1 }).memory

  constructor(rewrite: RewriteContext, group: PlannedGroup, ranges: number) {
    this.#rowGroupBytes = Math.max(LEAST_ROW_GROUP_BYTES, Math.min(MOST_ROW_GROUP_BYTES, OPEN_BYTES / ranges))
    this.#rewrite = rewrite
    this.#group = group
    this.#column = `place-${rewrite.context.runtime.uuid()}`
    const place: Field = { name: this.#column, dataType: { type: 'double' }, nullable: true, metadata: {} }
    this.#columns = { type: 'struct', fields: [...rewrite.copy.columns.fields, place] }
  }

  /** Puts rows in the form of the files aside. */
  async add(range: number, { batch, places }: PlacedRows): Promise<void> {
    const aside = this.#files.get(range) ?? (await this.#start(range))
    const fields = [...batch.schema.fields, new ArrowField(this.#column, new Float64(), true)]
    const children = [...batch.data.children, makeData({ type: new Float64(), length: places.length, nullCount: 0, data: places })]
    await aside.parquet.write(batchOf(schemaOf(fields), children, batch.numRows), { lent: true })
  }

  /** Ends the writing. */
  async finish(): Promise<void> {
    for (const aside of this.#files.values()) {
      aside.sizeBytes = (await aside.parquet.finish()).sizeBytes
      await aside.file.object.close()
    }
  }

  /** The rows of a range, in the order in which they came. */
  async *read(range: number): AsyncGenerator<PlacedRows, void, undefined> {
    const aside = this.#files.get(range)
    if (aside === undefined) return
    const { context, copy, signal } = this.#rewrite
    const { path } = aside.file
    const options = signal === undefined ? {} : { signal }
    const parquet = await openParquet(storageByteSource(context.storage, path, aside.sizeBytes), { name: path, ...options })
    const names = copy.columns.fields.map(({ name }) => name)
    for await (const read of parquet.read(options)) {
      const batch = conformBatch(read, this.#columns, { purpose: 'read', name: path })
      const places = batch.data.children[names.length]?.values as Float64Array
      yield { batch: project(batch, names), places }
    }
  }

  /** Deletes what was put aside, of one range or of all. Never throws. */
  async discard(range?: number): Promise<void> {
    const gone = [...this.#files].filter(([of]) => range === undefined || of === range)
    for (const [of, { file, sizeBytes }] of gone) {
      this.#files.delete(of)
      if (sizeBytes === 0) await file.object.abort()
    }
    await deleteFiles(
      this.#rewrite.context,
      gone.map(([, { file }]) => file.path),
    )
  }

  async #start(range: number): Promise<Aside> {
    const { context, copy, signal } = this.#rewrite
    const place = { partitionColumns: copy.partitionColumns, texts: this.#group.texts, codec: 'snappy', signal } as const
    const file = await startDataFile(context.storage, context.runtime, place)
    const parquet = createParquetWriter(file.object, {
      schema: this.#columns,
      codec: 'snappy',
      // One at a time: with threads, every range could have one on its way.
      rowGroupBytes: this.#rowGroupBytes,
      dictionary: 'never',
      memory: this.#memory,
    })
    const aside = { file, parquet, sizeBytes: 0 }
    this.#files.set(range, aside)
    return aside
  }
}
