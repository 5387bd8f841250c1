// The files of a table as columns, shared by all views of its versions. Rows are only ever appended and marked as
// removed at a version, so that an older view never changes: a row is visible in a view iff it lies below the view's
// row count and was not removed at or before the view's version. One open-addressing index maps (path, vector id)
// to the newest row of that key.
import { concatBytes, decodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import type { DeletionVectorDescriptor } from './actions.js'
import { ByteDictionary, hashBytes, isPlain, sameBytes } from './byte-dictionary.js'
import type { CheckpointPart } from './checkpoint-part.js'
import { Pattern } from './json-scan.js'
import { indexRows } from './key-index.js'
import { CHUNK_BITS, CHUNK_MASK, CHUNK_ROWS, FROM_CHECKPOINT, HAS_VECTOR, RowChunk } from './row-chunk.js'
import type { Tally } from './tally.js'

/** Bytes that rows point into. */
export interface Source {
  readonly bytes: Uint8Array
  /** Where checkpoint rows of this source came from. */
  readonly checkpoint?: CheckpointPart
}

export interface PartitionColumn {
  readonly name: string
  readonly nameBytes: Uint8Array
  /** How the name stands in JSON when it needs no escapes: name, quote, colon, quote; else undefined. */
  readonly key: Pattern | undefined
  readonly ordinal: number
  readonly dictionary: ByteDictionary
}

/** How the table identifies a deletion vector (PROTOCOL.md, "Deletion Vectors": the unique id). */
export function vectorId(vector: DeletionVectorDescriptor): string {
  const id = vector.storageType + vector.pathOrInlineDv
  return vector.offset === undefined ? id : `${id}@${vector.offset}`
}

const ARENA_BYTES = 1 << 18
/** Slots looked at for one key. Honest paths hardly ever meet so many others in a row. */
const MAX_PROBES = 64
/** What stands between a plain key and its text in JSON: `":"`. */
const KEY_END = Uint8Array.of(0x22, 0x3a, 0x22)
const NO_SOURCE: Source = { bytes: new Uint8Array(0) }

export class FileTable {
  /** The version before the first commit applied; `removed` counts from here. */
  readonly baseVersion: number
  readonly chunks: RowChunk[] = []
  readonly sources: Source[] = []
  readonly partitionColumns: PartitionColumn[] = []
  readonly vectors: Map<number, DeletionVectorDescriptor> = new Map()
  /** Versions whose commits were applied and removed no file: who collects tombstones need not read them again. */
  readonly withoutRemoves: Set<number> = new Set()
  /** Rows that exist, staged ones included. */
  rowCount = 0
  /** Whether what lies beyond the last row was never written to. */
  isFresh = true
  readonly maxPartitionColumns: number
  private slots: Int32Array = new Int32Array(64)
  private keyCount = 0
  // From here on rows are not in the index yet; -1 where all are.
  private unsettled = -1
  private unsettledVersion = 0
  // Keys that found no place among the slots: paths made to collide would otherwise cost their number squared.
  private readonly crowded: Map<string, number> = new Map()
  // The row that a newer row of the same key took the slot from; rare, so no column.
  private readonly previous: Map<number, number> = new Map()
  private arenaUsed = 0
  private arenaSource = -1

  constructor(baseVersion: number, maxPartitionColumns: number) {
    this.baseVersion = baseVersion
    this.maxPartitionColumns = maxPartitionColumns
  }

  /** The chunk that holds the next row, with room for it; for more where `ahead` rows are to come. A row exists once `rowCount` is raised. */
  reserve(ahead = 1): RowChunk {
    const index = this.rowCount >>> CHUNK_BITS
    if (index === this.chunks.length) {
      this.chunks.push(new RowChunk())
      if (index > 0) this.chunks[index]?.grow(CHUNK_ROWS)
    }
    const chunk = this.chunks[index] as RowChunk
    const wanted = Math.min((this.rowCount & CHUNK_MASK) + ahead, CHUNK_ROWS)
    if (wanted > chunk.capacity) chunk.grow(ahead === 1 ? undefined : Math.max(wanted, Math.min(chunk.capacity * 8, CHUNK_ROWS)))
    return chunk
  }

  chunkOf(row: number): RowChunk {
    return this.chunks[row >>> CHUNK_BITS] as RowChunk
  }

  sourceOf(row: number): Source {
    return this.sources[this.chunkOf(row).source[row & CHUNK_MASK] as number] as Source
  }

  addSource(source: Source): number {
    this.sources.push(source)
    return this.sources.length - 1
  }

  /** Lets go of bytes that no row points into any more; the numbers of other sources stay. */
  forgetSource(bytes: Uint8Array): void {
    const source = this.sources.findLastIndex((candidate) => candidate.bytes === bytes)
    if (source >= 0) this.sources[source] = NO_SOURCE
  }

  /** Room for `length` bytes that rows may point into: the source's number, its bytes and the position. */
  allocate(length: number): { source: number; bytes: Uint8Array; at: number } {
    let arena = this.sources[this.arenaSource]
    if (arena === undefined || this.arenaUsed + length > arena.bytes.length) {
      const grown = arena === undefined ? 4096 : Math.min(arena.bytes.length * 4, ARENA_BYTES)
      arena = { bytes: new Uint8Array(Math.max(grown, length)) }
      this.arenaSource = this.addSource(arena)
      this.arenaUsed = 0
    }
    const at = this.arenaUsed
    this.arenaUsed += length
    return { source: this.arenaSource, bytes: arena.bytes, at }
  }

  /** Copies the line of a row, which lies in `from`, to where the table owns the bytes. */
  moveLine(chunk: RowChunk, index: number, from: Uint8Array): void {
    const line = chunk.line[index] as number
    const length = chunk.lineLength[index] as number
    const room = this.allocate(length)
    for (let i = 0; i < length; i++) room.bytes[room.at + i] = from[line + i] as number
    chunk.source[index] = room.source
    chunk.line[index] = room.at
    chunk.path[index] = (chunk.path[index] as number) - line + room.at
    chunk.stats[index] = (chunk.stats[index] as number) - line + room.at
  }

  /** The partition column of a name given as bytes, usually the one at `hint`. */
  partitionColumn(bytes: Uint8Array, start: number, end: number, hint: number): PartitionColumn {
    const likely = this.partitionColumns[hint]
    if (likely !== undefined && named(likely, bytes, start, end)) return likely
    for (const column of this.partitionColumns) if (named(column, bytes, start, end)) return column
    if (this.partitionColumns.length >= this.maxPartitionColumns) throw tooManyPartitionColumns(this.maxPartitionColumns)
    const nameBytes = bytes.slice(start, end)
    const name = decodeUtf8(nameBytes)
    const key = isPlain(nameBytes) ? new Pattern(concatBytes([nameBytes, KEY_END])) : undefined
    const column = { name, nameBytes, key, ordinal: this.partitionColumns.length, dictionary: new ByteDictionary() }
    this.partitionColumns.push(column)
    return column
  }

  /** The hash of a file's key. */
  keyHash(bytes: Uint8Array, start: number, end: number, vector: string | undefined): number {
    return hashBytes(bytes, start, end, vectorSeed(vector))
  }

  /** Makes a staged row the newest of its key from `version` on. Answers the live row it replaces, or -1. */
  put(row: number, version: number): number {
    if (this.unsettled >= 0) throw new Error('rows were not put into the index yet')
    if ((this.keyCount + 1) * 2 > this.slots.length) this.rehash(this.slots.length * 2)
    const slot = this.slotFor(row)
    const older = slot < 0 ? (this.crowded.get(this.keyText(row)) ?? -1) : (this.slots[slot] as number) - 1
    if (slot < 0) this.crowded.set(this.keyText(row), row)
    else this.slots[slot] = row + 1
    if (older < 0) {
      this.keyCount++
      return -1
    }
    this.previous.set(row, older)
    return this.end(older, version) ? older : -1
  }

  /** Counts the rows from `first` on as new; {@link settle} puts them in, and must come before anything is looked for. */
  putLater(first: number, version: number, tally: Tally): void {
    if (this.unsettled < 0) {
      this.unsettled = first
      this.unsettledVersion = version
    }
    for (let row = first; row < this.rowCount; ) {
      const { size, flags } = this.chunkOf(row)
      const start = row & ~CHUNK_MASK
      const end = Math.min(this.rowCount, start + CHUNK_ROWS)
      for (; row < end; row++) {
        if (((flags[row - start] as number) & HAS_VECTOR) === 0) tally.count(size[row - start] as number, false, 1)
        else this.countRow(row, 1, tally)
      }
    }
  }

  /** Puts in what was to be put in later; what it replaces is counted out. */
  settle(tally: Tally): void {
    const first = this.unsettled
    if (first < 0) return
    const version = this.unsettledVersion
    this.unsettled = -1
    const end = this.rowCount
    this.expectKeys(end - first)
    const meet = (row: number): number => {
      const slot = this.slotFor(row)
      const replaced = this.put(row, version)
      if (replaced >= 0) this.countRow(replaced, -1, tally)
      return slot
    }
    const { slots, chunks } = this
    if (this.crowded.size > 0) for (let row = first; row < end; row++) meet(row)
    else this.keyCount += indexRows({ slots, chunks, maxProbes: MAX_PROBES, meet }, first, end, this.keyCount === 0)
  }

  /** Ends the live row of a key at `version`. Answers the row, or -1 where the key has no live row. */
  drop(hash: number, bytes: Uint8Array, start: number, length: number, vector: string | undefined, version: number): number {
    const row = this.rowOf(hash, bytes, start, length, vector)
    return row >= 0 && this.end(row, version) ? row : -1
  }

  /** The newest row of a key, live or not, and from there the older ones; -1 when there is none. */
  newest(bytes: Uint8Array, start: number, length: number, vector: string | undefined): number {
    const hash = this.keyHash(bytes, start, start + length, vector)
    return this.rowOf(hash, bytes, start, length, vector)
  }

  /** The rows that no version has removed. */
  liveRows(): Int32Array {
    const rows = new Int32Array(this.rowCount)
    let count = 0
    for (let row = 0; row < this.rowCount; row++) if (this.chunkOf(row).removed[row & CHUNK_MASK] === 0) rows[count++] = row
    return rows.subarray(0, count)
  }

  olderThan(row: number): number {
    return this.previous.get(row) ?? -1
  }

  vectorIdOf(row: number): string | undefined {
    if (((this.chunkOf(row).flags[row & CHUNK_MASK] as number) & HAS_VECTOR) === 0) return undefined
    return vectorId(this.vectors.get(row) as DeletionVectorDescriptor)
  }

  isFromCheckpoint(row: number): boolean {
    return ((this.chunkOf(row).flags[row & CHUNK_MASK] as number) & FROM_CHECKPOINT) !== 0
  }

  /** Counts a row in or out. */
  countRow(row: number, sign: 1 | -1, tally: Tally): void {
    const chunk = this.chunkOf(row)
    const i = row & CHUNK_MASK
    const hasVector = ((chunk.flags[i] as number) & HAS_VECTOR) !== 0
    tally.count(chunk.size[i] as number, hasVector, sign, hasVector ? this.vectors.get(row)?.cardinality : 0)
  }

  /** Takes staged rows back, as if their commit had never been looked at. */
  truncate(rowCount: number): void {
    this.isFresh = false
    for (let row = rowCount; row <= this.rowCount; row = ((row >>> CHUNK_BITS) + 1) << CHUNK_BITS) {
      const chunk = this.chunks[row >>> CHUNK_BITS]
      // One row more than counted: the row under construction when the fault was met.
      chunk?.clearPartitions(row & CHUNK_MASK, chunk.capacity)
    }
    for (const row of this.vectors.keys()) if (row >= rowCount) this.vectors.delete(row)
    this.rowCount = rowCount
  }

  /** Sizes the index for that many more keys at once. */
  expectKeys(count: number): void {
    let size = this.slots.length
    while ((this.keyCount + count) * 2 > size) size *= 2
    if (size > this.slots.length) this.rehash(size)
  }

  private end(row: number, version: number): boolean {
    const removed = this.chunkOf(row).removed
    const i = row & CHUNK_MASK
    if (removed[i] !== 0) return false
    removed[i] = version - this.baseVersion
    return true
  }

  // The slot that holds the key of a row, or the free one where it belongs; -1 where it belongs among the crowded ones.
  // Most rows are new and meet no other.
  private slotFor(row: number): number {
    if (this.crowded.size > 0 && this.crowded.has(this.keyText(row))) return -1
    const chunk = this.chunks[row >>> CHUNK_BITS] as RowChunk
    const i = row & CHUNK_MASK
    const hash = chunk.hash[i] as number
    const mask = this.slots.length - 1
    let slot = hash & mask
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const other = (this.slots[slot] as number) - 1
      if (other < 0) return slot
      if ((this.chunks[other >>> CHUNK_BITS] as RowChunk).hash[other & CHUNK_MASK] === hash && this.sameKey(row, other)) return slot
      slot = (slot + 1) & mask
    }
    return -1
  }

  private sameKey(row: number, other: number): boolean {
    const chunk = this.chunkOf(row)
    const i = row & CHUNK_MASK
    const length = chunk.pathLength[i] as number
    if (this.chunkOf(other).pathLength[other & CHUNK_MASK] !== length) return false
    return this.isKey(other, this.sourceOf(row).bytes, chunk.path[i] as number, length, this.vectorIdOf(row))
  }

  // The newest row of a key, or -1.
  private rowOf(hash: number, bytes: Uint8Array, start: number, length: number, vector: string | undefined): number {
    if (this.unsettled >= 0) throw new Error('rows were not put into the index yet')
    const slots = this.slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const row = (slots[slot] as number) - 1
      if (row < 0) break
      const chunk = this.chunks[row >>> CHUNK_BITS] as RowChunk
      const i = row & CHUNK_MASK
      if (chunk.hash[i] === hash && chunk.pathLength[i] === length && this.isKey(row, bytes, start, length, vector)) return row
      slot = (slot + 1) & mask
    }
    return this.crowded.size === 0 ? -1 : (this.crowded.get(keyText(bytes, start, length, vector)) ?? -1)
  }

  private keyText(row: number): string {
    const chunk = this.chunkOf(row)
    const i = row & CHUNK_MASK
    return keyText(this.sourceOf(row).bytes, chunk.path[i] as number, chunk.pathLength[i] as number, this.vectorIdOf(row))
  }

  private isKey(row: number, bytes: Uint8Array, start: number, length: number, vector: string | undefined): boolean {
    const path = this.chunkOf(row).path[row & CHUNK_MASK] as number
    return sameBytes(this.sourceOf(row).bytes, path, bytes, start, length) && this.vectorIdOf(row) === vector
  }

  private rehash(size: number): void {
    const old = this.slots
    this.slots = new Int32Array(size)
    const mask = size - 1
    for (const entry of old) {
      if (entry === 0) continue
      let slot = (this.chunkOf(entry - 1).hash[(entry - 1) & CHUNK_MASK] as number) & mask
      let probes = 0
      while (this.slots[slot] !== 0 && ++probes < MAX_PROBES) slot = (slot + 1) & mask
      if (this.slots[slot] === 0) this.slots[slot] = entry
      else this.crowded.set(this.keyText(entry - 1), entry - 1)
    }
  }
}

function named(column: PartitionColumn, bytes: Uint8Array, start: number, end: number): boolean {
  return column.nameBytes.length === end - start && sameBytes(column.nameBytes, 0, bytes, start, end - start)
}

function keyText(bytes: Uint8Array, start: number, length: number, vector: string | undefined): string {
  return `${decodeUtf8(bytes, start, start + length)}\0${vector ?? ''}`
}

/** The seed with which the path of a file with this vector is hashed. */
export function vectorSeed(vector: string | undefined): number {
  return vector === undefined ? 0 : textHash(vector)
}

function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash | 1
}

function tooManyPartitionColumns(limit: number): AlluviumError {
  return new AlluviumError(
    'LIMIT_EXCEEDED',
    `the table's files name more than ${limit} partition columns; raise limits.maxPartitionColumns if that is intended`,
    { limit: 'maxPartitionColumns', value: limit },
  )
}
