// The rows of checkpoint files as record batches: first the few actions that are no files, then adds, then tombstones.
// Every batch has all columns; those of other kinds are null. Memory is that of one batch, and of the packed statistics of
// one row group where files come from a checkpoint.
import type { Data, RecordBatch } from 'apache-arrow'
import { BatchBuilder, batchOf, nullColumn, toArrowSchema } from '../../arrow/index.js'
import { throwIfAborted } from '../../errors.js'
import type { StructType } from '../../schema/index.js'
import type { Action, Protocol } from '../actions.js'
import { type CheckpointPart, onCheckpointFile } from '../checkpoint-part.js'
import type { FileView } from '../file-view.js'
import { CHUNK_MASK } from '../row-chunk.js'
import { AddColumns, removeColumn } from './add-columns.js'
import type { Tombstones } from './tombstones.js'

const BATCH_ROWS = 16_384

/** Makes the batches of one file. */
export class CheckpointBatches {
  private readonly columns: StructType
  private readonly schema: ReturnType<typeof toArrowSchema>
  private readonly nulls: Map<string, Data> = new Map()
  private readonly lends: boolean

  /** `lends`: batches of adds are worthless once the next is asked for. */
  constructor(columns: StructType, lends: boolean) {
    this.columns = columns
    this.lends = lends
    this.schema = toArrowSchema(columns)
  }

  /** Actions that are no files. */
  actions(actions: readonly Action[]): RecordBatch {
    const builder = new BatchBuilder(this.columns, { capacityRows: actions.length })
    const [fault] = builder.appendRows(actions.map(rowOf), { ignoreUnknown: true })
    if (fault !== undefined) throw new TypeError(`a checkpoint cannot hold ${fault.column}: ${fault.problem}`)
    return builder.finish()
  }

  /** The adds of live rows, ascending. @throws AlluviumError `CORRUPT_CHECKPOINT`, storage errors */
  async *adds(files: FileView, rows: Int32Array, signal: AbortSignal | undefined): AsyncGenerator<RecordBatch> {
    const builder = new AddColumns(files, this.columns, BATCH_ROWS)
    for (const run of runs(files, rows)) {
      throwIfAborted(signal, 'writing a checkpoint')
      const { part } = run
      const pieces = part !== undefined && builder.wantsStats ? part.statsPieces(ordinalsOf(files, run.rows)) : undefined
      for (let from = 0; from < run.rows.length; from += BATCH_ROWS) {
        const to = Math.min(run.rows.length, from + BATCH_ROWS)
        const texts = part && pieces && (await onCheckpointFile(part.path, () => pieces.read(from, to, signal)))
        builder.append(run.rows.subarray(from, to), texts)
        yield this.batch('add', builder.finish(this.lends), to - from)
      }
    }
  }

  /** Tombstones. */
  *removes(tombstones: Tombstones): Generator<RecordBatch> {
    const { length } = tombstones.rows
    for (let from = 0; from < length; from += BATCH_ROWS) {
      const to = Math.min(length, from + BATCH_ROWS)
      yield this.batch('remove', removeColumn(tombstones, this.columns, from, to), to - from)
    }
  }

  private batch(name: string, data: Data, length: number): RecordBatch {
    return batchOf(
      this.schema,
      this.columns.fields.map((field) => (field.name === name ? data : this.nullsOf(field, length))),
      length,
    )
  }

  private nullsOf({ name, dataType }: StructType['fields'][number], length: number): Data {
    const key = `${length} ${name}`
    let data = this.nulls.get(key)
    if (data === undefined) this.nulls.set(key, (data = nullColumn(dataType, length)))
    return data
  }
}

interface Run {
  readonly part: CheckpointPart | undefined
  readonly rows: Int32Array
}

// Rows that follow each other and have their statistics in the same place.
function* runs(files: FileView, rows: Int32Array): Generator<Run> {
  const table = files.columns
  for (let from = 0; from < rows.length; ) {
    const { checkpoint: part } = table.sourceOf(rows[from] as number)
    const source = sourceNumber(files, rows[from] as number)
    let to = from + 1
    while (to < rows.length) {
      if (
        part === undefined
          ? table.sourceOf(rows[to] as number).checkpoint !== undefined
          : sourceNumber(files, rows[to] as number) !== source
      )
        break
      to++
    }
    yield { part, rows: rows.subarray(from, to) }
    from = to
  }
}

function sourceNumber(files: FileView, row: number): number {
  return files.columns.chunkOf(row).source[row & CHUNK_MASK] as number
}

function ordinalsOf(files: FileView, rows: Int32Array): Int32Array {
  const table = files.columns
  return rows.map((row) => table.chunkOf(row).line[row & CHUNK_MASK] as number)
}

function rowOf(action: Action): object {
  if (action.kind === 'protocol') return { protocol: protocolRow(action) }
  const { kind, ...value } = action
  return { [kind]: { ...value, unknown: undefined } }
}

// Not null iff the versions are those that list features (PROTOCOL.md, "Checkpoint Schema").
function protocolRow({ minReaderVersion, minWriterVersion, readerFeatures, writerFeatures }: Protocol): object {
  return {
    minReaderVersion,
    minWriterVersion,
    readerFeatures: minReaderVersion >= 3 ? (readerFeatures ?? []) : null,
    writerFeatures: minWriterVersion >= 7 ? (writerFeatures ?? []) : null,
  }
}
