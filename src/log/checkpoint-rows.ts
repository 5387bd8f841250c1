// The adds of one Parquet part of a checkpoint, straight from Arrow columns into the file table. What has no column
// there stays with the part: a few retained columns, and statistics that are read when somebody asks.
import { type Data, DataType, type RecordBatch } from 'apache-arrow'
import { isJsonObject } from '../json.js'
import type { ParquetFile } from '../parquet/index.js'
import type { DeletionVectorDescriptor, Tags } from './actions.js'
import { cellJson, childOf, integersOf, textAt } from './arrow-json.js'
import { type AddExtras, type CheckpointPart, onCheckpointFile } from './checkpoint-part.js'
import { type FileTable, vectorId } from './file-table.js'
import { ActionFault, parseDeletionVector } from './parse-action.js'
import { CHUNK_MASK, FROM_CHECKPOINT, HAS_VECTOR, type RowChunk } from './row-chunk.js'
import { type FileCounts, Tally } from './tally.js'

/** The columns of an add that are read at once; statistics are not among them. */
export const ADD_COLUMNS: readonly (readonly string[])[] = [
  'path',
  'partitionValues',
  'size',
  'modificationTime',
  'deletionVector',
  'tags',
  'baseRowId',
  'defaultRowCommitVersion',
  'clusteringProvider',
].map((name) => ['add', name])

const EXTRA_COLUMNS = ['tags', 'baseRowId', 'defaultRowCommitVersion', 'clusteringProvider']

interface Piece {
  readonly firstOrdinal: number
  readonly columns: ReadonlyMap<string, Data>
}

/** One Parquet file of a checkpoint, as its rows know it. */
export class PartRows implements CheckpointPart {
  readonly path: string
  stats: ((ordinal: number) => string | undefined) | undefined = undefined
  private readonly file: ParquetFile
  private readonly extraPieces: Piece[] = []
  private loading: Promise<void> | undefined
  private rowCount = 0

  constructor(path: string, file: ParquetFile) {
    this.path = path
    this.file = file
  }

  /** Puts a batch's adds into the table at `version`. @throws ActionFault */
  append(table: FileTable, batch: RecordBatch, version: number, counts: FileCounts): FileCounts {
    const firstOrdinal = this.rowCount
    this.rowCount += batch.numRows
    const add = columnOf(batch, 'add')
    if (add === undefined || add.nullCount === add.length) return counts
    this.keepExtras(add, firstOrdinal)
    const tally = new Tally(counts)
    new BatchAppender(table, add, this, firstOrdinal, version).run(tally)
    return tally.counts()
  }

  extras(ordinal: number): AddExtras | undefined {
    const piece = pieceOf(this.extraPieces, ordinal)
    if (piece === undefined) return undefined
    const extras: Record<string, unknown> = {}
    for (const [name, data] of piece.columns) {
      const value = cellJson(data, ordinal - piece.firstOrdinal)
      if (value !== null) extras[name] = name === 'tags' ? (value as Tags) : value
    }
    return extras as AddExtras
  }

  loadStats(signal?: AbortSignal): Promise<void> {
    this.loading ??= onCheckpointFile(this.path, () => this.readStats(signal)).finally(() => {
      this.loading = undefined
    })
    return this.loading
  }

  private async readStats(signal: AbortSignal | undefined): Promise<void> {
    const pieces: Piece[] = []
    let firstOrdinal = 0
    for await (const batch of this.file.read({ columns: [['add', 'stats']], ...(signal === undefined ? {} : { signal }) })) {
      const add = columnOf(batch, 'add')
      const stats = add === undefined ? undefined : withValues(add, 'stats', isText)
      if (stats !== undefined) pieces.push({ firstOrdinal, columns: new Map([['stats', stats]]) })
      firstOrdinal += batch.numRows
    }
    this.stats = (ordinal) => {
      const piece = pieceOf(pieces, ordinal)
      const data = piece?.columns.get('stats')
      const index = ordinal - (piece?.firstOrdinal ?? 0)
      return data === undefined || index >= data.length || !data.getValid(index) ? undefined : textAt(data, index)
    }
  }

  private keepExtras(add: Data, firstOrdinal: number): void {
    const columns = new Map<string, Data>()
    for (const name of EXTRA_COLUMNS) {
      const data = childOf(add, name)
      if (data !== undefined && data.nullCount < data.length) columns.set(name, data)
    }
    if (columns.size > 0) this.extraPieces.push({ firstOrdinal, columns })
  }
}

/** A top-level column of a batch. */
export function columnOf(batch: RecordBatch, name: string): Data | undefined {
  const index = batch.schema.fields.findIndex((field) => field.name === name)
  return index < 0 ? undefined : batch.data.children[index]
}

// Checkpoints come from anywhere: a column of another type than the protocol's would be read as something it is not.
function expectType(data: Data, name: string, test: (type: DataType) => boolean): Data {
  if (!test(data.type)) throw new ActionFault(`its column ${name} has the type ${data.type}`)
  return data
}

// A member of the adds, undefined where no add has it.
function withValues(add: Data, name: string, test: (type: DataType) => boolean): Data | undefined {
  const data = childOf(add, name)
  return data === undefined || data.nullCount === data.length ? undefined : expectType(data, `add.${name}`, test)
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isBinary(type)
}

function isTextMap(type: DataType): boolean {
  const entries = DataType.isMap(type) ? (type.children[0]?.type as DataType | undefined) : undefined
  return entries?.children.length === 2 && entries.children.every((field) => isText(field.type))
}

// Integers with NaN where there is none.
function integersOrNaN(data: Data): (index: number) => number {
  const integers = integersOf(data)
  return data.nullCount === 0 ? integers : (index) => (data.getValid(index) ? integers(index) : Number.NaN)
}

class BatchAppender {
  private readonly table: FileTable
  private readonly add: Data
  private readonly version: number
  private readonly firstOrdinal: number
  private readonly path: Data
  private readonly partitions: Data | undefined
  private readonly vectors: Data | undefined
  private readonly sizes: (index: number) => number
  private readonly times: (index: number) => number
  private readonly source: number
  private readonly pathBytes: Uint8Array
  private readonly pathBase: number

  constructor(table: FileTable, add: Data, part: CheckpointPart, firstOrdinal: number, version: number) {
    const need = (name: string): Data => {
      const data = childOf(add, name)
      if (data === undefined) throw new ActionFault(`it has no column add.${name}`)
      return data
    }
    this.table = table
    this.add = add
    this.version = version
    this.firstOrdinal = firstOrdinal
    this.path = expectType(need('path'), 'add.path', isText)
    this.sizes = integersOrNaN(expectType(need('size'), 'add.size', DataType.isInt))
    const times = withValues(add, 'modificationTime', DataType.isInt)
    this.times = times === undefined ? () => 0 : integersOf(times)
    this.partitions = withValues(add, 'partitionValues', isTextMap)
    this.vectors = withValues(add, 'deletionVector', DataType.isStruct)
    const offsets = this.path.valueOffsets
    this.pathBase = offsets[0] as number
    this.pathBytes = (this.path.values as Uint8Array).slice(this.pathBase, offsets[this.path.length])
    this.source = table.addSource({ bytes: this.pathBytes, checkpoint: part })
  }

  run(tally: Tally): void {
    const { add, path } = this
    for (let i = 0; i < add.length; i++) {
      // Some writers give every row a struct and leave its fields null.
      if (add.getValid(i) && path.getValid(i)) this.row(i, tally)
    }
  }

  private row(i: number, tally: Tally): void {
    const { table } = this
    const chunk = table.reserve()
    const j = table.rowCount & CHUNK_MASK
    const size = this.sizes(i)
    if (!(size >= 0)) throw new ActionFault(`row ${this.firstOrdinal + i} has a size that is no amount of bytes`)
    const start = (this.path.valueOffsets[i] as number) - this.pathBase
    const length = (this.path.valueOffsets[i + 1] as number) - this.pathBase - start
    chunk.source[j] = this.source
    chunk.line[j] = this.firstOrdinal + i
    chunk.lineLength[j] = 0
    chunk.path[j] = start
    chunk.pathLength[j] = length
    chunk.statsLength[j] = 0
    chunk.removed[j] = 0
    chunk.flags[j] = FROM_CHECKPOINT
    chunk.size[j] = size
    const time = this.times(i)
    chunk.modificationTime[j] = Number.isNaN(time) ? Number.MAX_SAFE_INTEGER : time
    const vector = this.vectors === undefined ? undefined : this.vector(this.vectors, i)
    if (vector !== undefined) {
      chunk.flags[j] = FROM_CHECKPOINT | HAS_VECTOR
      table.vectors.set(table.rowCount, vector)
    }
    chunk.hash[j] = table.keyHash(this.pathBytes, start, start + length, vector && vectorId(vector))
    if (this.partitions?.getValid(i)) this.partitionValues(this.partitions, i, chunk, j)
    table.rowCount++
    const replaced = table.put(table.rowCount - 1, this.version)
    if (replaced >= 0) table.countRow(replaced, -1, tally)
    table.countRow(table.rowCount - 1, 1, tally)
  }

  private vector(data: Data, i: number): DeletionVectorDescriptor | undefined {
    const value = data.getValid(i) ? cellJson(data, i) : null
    // As with the add itself, a struct of nulls stands for null.
    return isJsonObject(value) && value.storageType !== undefined ? parseDeletionVector(value) : undefined
  }

  private partitionValues(map: Data, i: number, chunk: RowChunk, j: number): void {
    const end = map.valueOffsets[i + 1] as number
    let at = map.valueOffsets[i] as number
    if (at === end) return
    const [keys, values] = (map.children[0] as Data).children as [Data, Data]
    for (let nth = 0; at < end; at++, nth++) {
      const column = this.table.partitionColumn(
        keys.values as Uint8Array,
        keys.valueOffsets[at] as number,
        keys.valueOffsets[at + 1] as number,
        nth,
      )
      const { dictionary } = column
      chunk.partitionIds(column.ordinal)[j] = values.getValid(at)
        ? dictionary.intern(values.values as Uint8Array, values.valueOffsets[at] as number, values.valueOffsets[at + 1] as number)
        : dictionary.internNull()
    }
  }
}

function pieceOf(pieces: readonly Piece[], ordinal: number): Piece | undefined {
  let low = 0
  let high = pieces.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((pieces[middle] as Piece).firstOrdinal <= ordinal) low = middle + 1
    else high = middle
  }
  return pieces[low - 1]
}
