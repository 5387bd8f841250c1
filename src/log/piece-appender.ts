// Puts the adds of some rows of a checkpoint into the file table, column by column; and pieces of columns by row, in which
// what is seldom there is kept.
import type { Data } from 'apache-arrow'
import { isJsonObject } from '../json.js'
import type { AddPiece, PartitionEntries } from './add-piece.js'
import { cellJson } from './arrow-json.js'
import type { CheckpointPart } from './checkpoint-part.js'
import { type FileTable, type PartitionColumn, vectorId } from './file-table.js'
import { ActionFault, parseDeletionVector } from './parse-action.js'
import { CHUNK_MASK, FROM_CHECKPOINT, HAS_VECTOR, type RowChunk } from './row-chunk.js'
import type { Tally } from './tally.js'

/** Columns of the rows from an ordinal on. */
export interface Piece {
  readonly firstOrdinal: number
  readonly columns: ReadonlyMap<string, Data>
}

/** Appends the adds of one piece. @throws ActionFault */
export class PieceAppender {
  private readonly table: FileTable
  private readonly piece: AddPiece
  private readonly version: number
  private readonly firstOrdinal: number
  private readonly vectors: readonly Piece[]
  private readonly source: number

  constructor(table: FileTable, piece: AddPiece, part: CheckpointPart, firstOrdinal: number, version: number, vectors: readonly Piece[]) {
    this.table = table
    this.piece = piece
    this.version = version
    this.firstOrdinal = firstOrdinal
    this.vectors = vectors
    this.source = table.addSource({ bytes: piece.paths.bytes, checkpoint: part })
  }

  run(tally: Tally): void {
    const { table, piece } = this
    const hashes = piece.hashes ?? this.hashes()
    for (let from = 0; from < piece.count; ) {
      const chunk = table.reserve(piece.count - from)
      const j = table.rowCount & CHUNK_MASK
      const to = Math.min(piece.count, from + chunk.capacity - j)
      this.fill(chunk, j, from, to, hashes)
      const first = table.rowCount
      if (this.vectors.length > 0) this.putVectors(chunk, j, from, to)
      if (piece.partitions !== undefined) partitionIds(table, piece.partitions, chunk, j, from, to)
      table.rowCount += to - from
      table.putLater(first, this.version, tally)
      from = to
    }
  }

  private hashes(): Int32Array {
    const { paths, count } = this.piece
    const hashes = new Int32Array(count)
    for (let n = 0; n < count; n++) {
      const start = paths.starts[n] as number
      hashes[n] = this.table.keyHash(paths.bytes, start, start + (paths.lengths[n] as number), undefined)
    }
    return hashes
  }

  private fill(chunk: RowChunk, j: number, from: number, to: number, hashes: Int32Array): void {
    const { rows, paths, sizes, times } = this.piece
    const end = j + to - from
    for (let n = from; n < to; n++) {
      const row = this.firstOrdinal + (rows === undefined ? n : (rows[n] as number))
      if (!((sizes[n] as number) >= 0)) throw new ActionFault(`row ${row} has a size that is no amount of bytes`)
      chunk.line[j + n - from] = row
    }
    chunk.source.fill(this.source, j, end)
    if (!this.table.isFresh) {
      chunk.lineLength.fill(0, j, end)
      chunk.statsLength.fill(0, j, end)
      chunk.removed.fill(0, j, end)
    }
    chunk.flags.fill(FROM_CHECKPOINT, j, end)
    chunk.path.set(paths.starts.subarray(from, to), j)
    chunk.pathLength.set(paths.lengths.subarray(from, to), j)
    chunk.hash.set(hashes.subarray(from, to), j)
    chunk.size.set(sizes.subarray(from, to), j)
    chunk.modificationTime.set(times.subarray(from, to), j)
  }

  private putVectors(chunk: RowChunk, j: number, from: number, to: number): void {
    const { rows, paths } = this.piece
    for (let n = from; n < to; n++) {
      const ordinal = this.firstOrdinal + (rows === undefined ? n : (rows[n] as number))
      const held = pieceOf(this.vectors, ordinal)
      const data = held?.columns.get('deletionVector')
      const at0 = ordinal - (held?.firstOrdinal ?? 0)
      const value = data === undefined || at0 >= data.length ? null : cellJson(data, at0)
      // As with the add itself, a struct of nulls stands for null.
      if (!isJsonObject(value) || value.storageType === undefined) continue
      const vector = parseDeletionVector(value)
      const at = j + n - from
      chunk.flags[at] = FROM_CHECKPOINT | HAS_VECTOR
      this.table.vectors.set(this.table.rowCount + n - from, vector)
      const start = paths.starts[n] as number
      chunk.hash[at] = this.table.keyHash(paths.bytes, start, start + (paths.lengths[n] as number), vectorId(vector))
    }
  }
}

// The longest dictionary of partition values whose ids are remembered by place.
const MEMO_BYTES = 1 << 16

function partitionIds(table: FileTable, entries: PartitionEntries, chunk: RowChunk, j: number, from: number, to: number): void {
  const { offsets, keys, values } = entries
  if (numberedIds(table, entries, chunk, j, from, to)) return
  const { starts: keyStarts, lengths: keyLengths } = keys
  const { starts: valueStarts, lengths: valueLengths } = values
  const memoSize = Math.min(values.dictionaryEnd, MEMO_BYTES)
  // By partition column: the id of the text that begins at a place, plus one.
  const memos: Int32Array[] = []
  for (let n = from; n < to; n++) {
    const end = offsets[n + 1] as number
    let at = offsets[n] as number
    for (let nth = 0; at < end; at++, nth++) {
      const start = keyStarts[at] as number
      const column = table.partitionColumn(keys.bytes, start, start + (keyLengths[at] as number), nth)
      const length = valueLengths[at] as number
      const valueStart = valueStarts[at] as number
      const ids = chunk.partitionIds(column.ordinal)
      if (length < 0) ids[j + n - from] = column.dictionary.internNull()
      else if (valueStart >= memoSize) ids[j + n - from] = column.dictionary.internNext(values.bytes, valueStart, valueStart + length)
      else {
        const memo = (memos[column.ordinal] ??= new Int32Array(memoSize))
        const known = memo[valueStart] as number
        const id = known > 0 ? known - 1 : column.dictionary.intern(values.bytes, valueStart, valueStart + length)
        memo[valueStart] = id + 1
        ids[j + n - from] = id
      }
    }
  }
}

// The longest dictionary, in texts, whose ids are remembered by number.
const MAX_KNOWN = 1 << 14

// The same where both are numbers of short dictionaries, else false: a text is looked at once, at its first place.
function numberedIds(table: FileTable, entries: PartitionEntries, chunk: RowChunk, j: number, from: number, to: number): boolean {
  const { offsets, keys, values } = entries
  const { numbers: keyNumbers } = keys
  const { numbers: valueNumbers } = values
  if (keyNumbers === undefined || valueNumbers === undefined) return false
  let most = 0
  for (let at = offsets[from] as number; at < (offsets[to] as number); at++)
    most = Math.max(most, keyNumbers[at] as number, valueNumbers[at] as number)
  if (most >= MAX_KNOWN) return false
  // By key: its column, and the ids of values by number, plus one.
  const columns: ({ readonly column: PartitionColumn; readonly ids: Int32Array; readonly known: Int32Array } | undefined)[] = []
  for (let n = from; n < to; n++) {
    const end = offsets[n + 1] as number
    let at = offsets[n] as number
    for (let nth = 0; at < end; at++, nth++) {
      const key = keyNumbers[at] as number
      let found = columns[key]
      if (found === undefined) {
        const start = keys.starts[at] as number
        const column = table.partitionColumn(keys.bytes, start, start + (keys.lengths[at] as number), nth)
        found = { column, ids: chunk.partitionIds(column.ordinal), known: new Int32Array(most + 1) }
        columns[key] = found
      }
      const value = valueNumbers[at] as number
      let id = value < 0 ? found.column.dictionary.internNull() : (found.known[value] as number) - 1
      if (id < 0) {
        const start = values.starts[at] as number
        id = found.column.dictionary.intern(values.bytes, start, start + (values.lengths[at] as number))
        found.known[value] = id + 1
      }
      found.ids[j + n - from] = id
    }
  }
  return true
}

/** The piece that may hold an ordinal: the last one that begins at or before it. */
export function pieceOf<P extends { readonly firstOrdinal: number }>(pieces: readonly P[], ordinal: number): P | undefined {
  let low = 0
  let high = pieces.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((pieces[middle] as P).firstOrdinal <= ordinal) low = middle + 1
    else high = middle
  }
  return pieces[low - 1]
}
