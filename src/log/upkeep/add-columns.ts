// Live files as the `add` column of a checkpoint, and tombstones as its `remove` column: from the columns of the file
// table straight into Arrow, a batch at a time. Only rows with what has no column there become objects.
import type { Data } from 'apache-arrow'
import {
  type BoolBuilder,
  type ColumnBuilder,
  createColumnBuilder,
  type Int64Builder,
  type MapBuilder,
  type StructBuilder,
  type Utf8Builder,
} from '../../arrow/index.js'
import { encodeUtf8 } from '../../bytes.js'
import type { StructType } from '../../schema/index.js'
import type { FileTable } from '../file-table.js'
import type { FileView } from '../file-view.js'
import { CHUNK_MASK, EXTENDED, FROM_CHECKPOINT, HAS_EXTRAS, HAS_VECTOR, PARSE_LINE, type RowChunk, STATS_ESCAPED } from '../row-chunk.js'
import type { StatsTexts } from '../stats-pieces.js'
import { ParsedColumns } from './parsed-columns.js'
import type { Tombstones } from './tombstones.js'
import { unescapeJson } from './unescape.js'

/** Builds the `add` column. */
export class AddColumns {
  private readonly files: FileView
  private readonly table: FileTable
  private readonly builder: StructBuilder
  private readonly path: Utf8Builder
  private readonly partitionValues: MapBuilder
  private readonly size: Int64Builder
  private readonly time: Int64Builder
  private readonly dataChange: BoolBuilder
  private readonly stats: Utf8Builder | undefined
  private readonly vector: ColumnBuilder | undefined
  private readonly extras: readonly ColumnBuilder[]
  private readonly parsed: ParsedColumns
  private scratch: Uint8Array = new Uint8Array(4096)

  /** `columns` are those of the file; only its column `add` is built here. */
  constructor(files: FileView, columns: StructType, capacityRows: number) {
    this.files = files
    this.table = files.columns
    const field = columns.fields.find(({ name }) => name === 'add')
    if (field === undefined) throw new TypeError('a checkpoint has a column add')
    this.builder = createColumnBuilder(field, { capacityRows }) as StructBuilder
    const child = (name: string): ColumnBuilder | undefined => this.builder.children.find((candidate) => candidate.field.name === name)
    this.path = child('path') as Utf8Builder
    this.partitionValues = child('partitionValues') as MapBuilder
    this.size = child('size') as Int64Builder
    this.time = child('modificationTime') as Int64Builder
    this.dataChange = child('dataChange') as BoolBuilder
    this.stats = child('stats') as Utf8Builder | undefined
    this.vector = child('deletionVector')
    this.extras = EXTRAS.map(child).filter((column) => column !== undefined)
    this.parsed = new ParsedColumns(this.table, child('partitionValues_parsed'), child('stats_parsed'))
  }

  /** Whether statistics are wanted, in any form. */
  get wantsStats(): boolean {
    return this.stats !== undefined || this.parsed.wantsStats
  }

  /** Appends rows; those of checkpoints have their statistics in `texts`, in the order of the rows. */
  append(rows: Int32Array, texts: StatsTexts | undefined): void {
    for (let n = 0; n < rows.length; n++) {
      const row = rows[n] as number
      const chunk = this.table.chunkOf(row)
      const i = row & CHUNK_MASK
      const flags = chunk.flags[i] as number
      const source = this.table.sourceOf(row)
      const start = chunk.path[i] as number
      this.path.appendUtf8(source.bytes, start, start + (chunk.pathLength[i] as number))
      appendPartitionValues(this.partitionValues, this.table, chunk, i)
      this.size.appendNumber(chunk.size[i] as number)
      this.time.appendNumber(chunk.modificationTime[i] as number)
      this.dataChange.appendBool(false)
      if (this.vector !== undefined) {
        if ((flags & HAS_VECTOR) === 0) this.vector.appendNull()
        else appendVector(this.vector, this.files.deletionVector(row))
      }
      this.appendExtras(row, flags)
      this.parsed.appendPartitions(chunk, i)
      if (this.wantsStats) this.appendStats(row, chunk, i, flags, texts, n)
      this.builder.endCell()
    }
  }

  /** The column of what was appended; worthless once more is appended, where it is only lent. */
  finish(lent: boolean): Data {
    return this.builder.finish(lent)
  }

  private appendExtras(row: number, flags: number): void {
    if (this.extras.length === 0) return
    const hasSome = (flags & (HAS_EXTRAS | PARSE_LINE | FROM_CHECKPOINT)) !== 0
    const extras = hasSome ? this.files.extras(row) : undefined
    for (const column of this.extras) {
      const value = extras?.[column.field.name as keyof typeof extras]
      if (value === undefined) column.appendNull()
      else column.append(value)
    }
  }

  private appendStats(row: number, chunk: RowChunk, i: number, flags: number, texts: StatsTexts | undefined, n: number): void {
    if ((flags & FROM_CHECKPOINT) !== 0) {
      const start = texts?.starts[n] ?? 0
      this.statsText(texts?.bytes, start, start + (texts?.lengths[n] ?? 0))
    } else if ((flags & PARSE_LINE) !== 0) {
      const bytes = encodeUtf8(this.files.stats(row) ?? '')
      this.statsText(bytes, 0, bytes.length)
    } else {
      const length = chunk.statsLength[i] as number
      const start = chunk.stats[i] as number
      const { bytes } = this.table.sourceOf(row)
      if ((flags & STATS_ESCAPED) === 0) this.statsText(bytes, start, start + length)
      else {
        if (this.scratch.length < length) this.scratch = new Uint8Array(length * 2)
        this.statsText(this.scratch, 0, unescapeJson(bytes, start, start + length, this.scratch))
      }
    }
  }

  private statsText(bytes: Uint8Array | undefined, start: number, end: number): void {
    const has = bytes !== undefined && end > start
    if (this.stats !== undefined) {
      if (has) this.stats.appendUtf8(bytes, start, end)
      else this.stats.appendNull()
    }
    this.parsed.appendStats(has ? bytes : undefined, start, end)
  }
}

const EXTRAS = ['tags', 'baseRowId', 'defaultRowCommitVersion', 'clusteringProvider']

/** The `remove` column of tombstones `[from, to)`. */
export function removeColumn(tombstones: Tombstones, columns: StructType, from: number, to: number): Data {
  const field = columns.fields.find(({ name }) => name === 'remove')
  if (field === undefined) throw new TypeError('a checkpoint has a column remove')
  const builder = createColumnBuilder(field, { capacityRows: to - from }) as StructBuilder
  const [path, time, dataChange, extended, partitionValues, size, vector, ...ids] = builder.children as [
    Utf8Builder,
    Int64Builder,
    BoolBuilder,
    BoolBuilder,
    MapBuilder,
    Int64Builder,
    ColumnBuilder,
    ...ColumnBuilder[],
  ]
  const { table, rows, extras } = tombstones
  for (let n = from; n < to; n++) {
    const row = rows[n] as number
    const chunk = table.chunkOf(row)
    const i = row & CHUNK_MASK
    const isExtended = ((chunk.flags[i] as number) & EXTENDED) !== 0
    const start = chunk.path[i] as number
    path.appendUtf8(table.sourceOf(row).bytes, start, start + (chunk.pathLength[i] as number))
    time.appendNumber(chunk.modificationTime[i] as number)
    dataChange.appendBool(false)
    extended.appendBool(isExtended)
    if (isExtended) appendPartitionValues(partitionValues, table, chunk, i)
    else partitionValues.appendNull()
    if (Number.isNaN(chunk.size[i])) size.appendNull()
    else size.appendNumber(chunk.size[i] as number)
    if (((chunk.flags[i] as number) & HAS_VECTOR) === 0) vector.appendNull()
    else appendVector(vector, table.vectors.get(row))
    const own = extras.get(row)
    for (const column of ids) {
      const value = own?.[column.field.name as keyof typeof own]
      if (value === undefined) column.appendNull()
      else column.append(value)
    }
    builder.endCell()
  }
  return builder.finish()
}

function appendPartitionValues(map: MapBuilder, table: FileTable, chunk: RowChunk, i: number): void {
  const key = map.key as Utf8Builder
  const value = map.value as Utf8Builder
  for (let c = 0; c < chunk.partitions.length; c++) {
    const id = chunk.partitions[c]?.[i] ?? 0
    const column = table.partitionColumns[c]
    if (id === 0 || column === undefined) continue
    key.appendUtf8(column.nameBytes, 0, column.nameBytes.length)
    const { dictionary } = column
    if (dictionary.values[id] === null) value.appendNull()
    else value.appendUtf8(dictionary.texts, dictionary.startOf(id), dictionary.startOf(id) + dictionary.lengthOf(id))
  }
  map.endCell()
}

function appendVector(builder: ColumnBuilder, vector: ReturnType<FileView['deletionVector']>): void {
  const { storageType, pathOrInlineDv, offset, sizeInBytes, cardinality } = vector ?? {}
  const problem = builder.append({ storageType, pathOrInlineDv, offset, sizeInBytes, cardinality })
  if (problem !== undefined) throw new TypeError(`a deletion vector cannot be written: ${problem}`)
}
