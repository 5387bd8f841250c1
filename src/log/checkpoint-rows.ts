// The adds of one Parquet part of a checkpoint, column by column into the file table. What has no column there stays with
// the part: a few retained columns, and statistics that are read when somebody asks.
import { type Data, DataType } from 'apache-arrow'
import { decodeUtf8 } from '../bytes.js'
import type { LeafFile, LeafValues } from '../parquet/index.js'
import type { Tags } from './actions.js'
import { type AddLeaves, type AddPiece, pieceOfArrow, pieceOfLeaves } from './add-piece.js'
import { cellJson, childOf, columnOf, withValues } from './arrow-json.js'
import { type AddExtras, type CheckpointPart, onCheckpointFile, type StatsVisitor } from './checkpoint-part.js'
import { type StatsSegment, statsSegments, visitJsonStats } from './checkpoint-stats.js'
import type { FileTable } from './file-table.js'
import { lacksPartitions, PARSED_PARTITIONS, withParsedPartitions } from './parsed-partitions.js'
import { type Piece, PieceAppender, pieceOf } from './piece-appender.js'
import { StatsPieces } from './stats-pieces.js'
import { type FileCounts, Tally } from './tally.js'

const NO_STATS = new Uint8Array(0)
// The columns of an add that are read at once, where the codec reads them; statistics are not among them.
const ADD_COLUMNS = ['path', 'partitionValues', 'size', 'modificationTime']
/** The columns of actions that are no files. */
export const ACTION_COLUMNS: readonly string[] = ['metaData', 'protocol', 'txn', 'domainMetadata', 'sidecar']
const EXTRA_COLUMNS = ['tags', 'baseRowId', 'defaultRowCommitVersion', 'clusteringProvider']

/** Column chunks of a row group that were fetched but not looked at. */
export interface FetchedGroup {
  readonly group: number
  readonly decode: (() => (LeafValues | undefined)[]) | undefined
}

/** One Parquet file of a checkpoint, as its rows know it. */
export class PartRows implements CheckpointPart {
  readonly path: string
  numAdds = 0
  stats: ((ordinal: number) => string | undefined) | undefined = undefined
  private readonly file: LeafFile
  private readonly leaves: Record<'path' | 'size' | 'time' | 'key' | 'value', number>
  private readonly extraPieces: Piece[] = []
  private loading: Promise<void> | undefined

  constructor(path: string, file: LeafFile) {
    this.path = path
    this.file = file
    const { key, value } = file.mapLeaves(['add', 'partitionValues']) ?? { key: -1, value: -1 }
    const [pathLeaf, size, time] = ['path', 'size', 'modificationTime'].map((name) => file.leaf(['add', name])) as [number, number, number]
    this.leaves = { path: pathLeaf, size, time, key, value }
  }

  get hasExtras(): boolean {
    return this.extraPieces.length > 0
  }

  get isPure(): boolean {
    const others = ['remove', ...ACTION_COLUMNS]
    return this.file.rowGroups.every((_, group) => others.every((name) => this.file.isAllNull(group, [name])))
  }

  statsPieces(ordinals: Int32Array): StatsPieces {
    return new StatsPieces(this.file, ordinals)
  }

  /** Fetches what the adds of a row group need; may be called ahead of {@link append}. */
  async fetch(group: number, signal: AbortSignal | undefined): Promise<FetchedGroup> {
    const { path, size, key } = this.leaves
    if (path < 0 || size < 0 || (key < 0 && this.file.hasColumn(['add', 'partitionValues']))) return { group, decode: undefined }
    if (this.file.isAllNull(group, ['add', 'path'])) return { group, decode: () => [] }
    const wanted = Object.values(this.leaves).filter((leaf) => leaf >= 0)
    const leaves = wanted.map((leaf) => ({ leaf, withHashes: leaf === path }))
    return { group, decode: await this.file.fetch(group, leaves, signal) }
  }

  /** Puts the adds of a row group into the table at `version`. @throws ActionFault, AlluviumError `CORRUPT_DATA` */
  async append(fetched: FetchedGroup, table: FileTable, version: number, counts: FileCounts, signal?: AbortSignal): Promise<FileCounts> {
    const { group } = fetched
    const { firstRow = 0 } = this.file.rowGroups[group] ?? {}
    const found = fetched.decode?.()
    if (found?.length === 0) return counts
    const vectors: Piece[] = []
    // What is seldom there, and in shapes of its own, is read by the codec.
    const rare = ['deletionVector', ...EXTRA_COLUMNS].filter((name) => !this.file.isAllNull(group, ['add', name]))
    if (rare.length > 0) {
      for await (const [add, ordinal] of this.adds(group, rare, signal)) {
        const vector = withValues(add, 'deletionVector', DataType.isStruct)
        if (vector !== undefined) vectors.push({ firstOrdinal: ordinal, columns: new Map([['deletionVector', vector]]) })
        keepPiece(this.extraPieces, add, EXTRA_COLUMNS, ordinal)
      }
    }
    const tally = new Tally(counts)
    let parsed: Promise<Piece[]> | undefined
    const take = async (given: AddPiece, firstOrdinal: number): Promise<void> => {
      let piece = given
      if (lacksPartitions(given)) {
        parsed ??= this.parsedPartitions(group, signal)
        piece = withParsedPartitions(given, firstOrdinal, await parsed)
      }
      this.numAdds += piece.count
      new PieceAppender(table, piece, this, firstOrdinal, version, vectors).run(tally)
    }
    const leaves = found === undefined ? undefined : this.addLeaves(found)
    if (leaves !== undefined) await take(pieceOfLeaves(leaves), firstRow)
    else for await (const [add, ordinal] of this.adds(group, ADD_COLUMNS, signal)) await take(pieceOfArrow(add), ordinal)
    return tally.counts()
  }

  /** Whether the part has adds, and no column that says of which partition they are. */
  get isWithoutPartitions(): boolean {
    return this.numAdds > 0 && !this.file.hasColumn(['add', 'partitionValues']) && !this.file.hasColumn(['add', PARSED_PARTITIONS])
  }

  private async parsedPartitions(group: number, signal: AbortSignal | undefined): Promise<Piece[]> {
    const pieces: Piece[] = []
    if (this.file.isAllNull(group, ['add', PARSED_PARTITIONS])) return pieces
    for await (const [add, ordinal] of this.adds(group, [PARSED_PARTITIONS], signal)) keepPiece(pieces, add, [PARSED_PARTITIONS], ordinal)
    return pieces
  }

  private addLeaves(found: readonly (LeafValues | undefined)[]): AddLeaves | undefined {
    const wanted = Object.values(this.leaves).filter((leaf) => leaf >= 0)
    const of = (leaf: number): LeafValues | undefined => (leaf < 0 ? undefined : found[wanted.indexOf(leaf)])
    const [path, size, time, key, value] = Object.values(this.leaves).map(of)
    // What is of another type than the protocol's is looked at, and refused, where the codec reads it.
    const asExpected =
      path?.texts !== undefined &&
      size?.words !== undefined &&
      (this.leaves.time < 0 || time?.words !== undefined) &&
      (this.leaves.key < 0 || (key?.texts !== undefined && value?.texts !== undefined))
    const isFlat = [path, size, time].every((leaf) => leaf === undefined || leaf.levels.repetition === 0)
    if (!asExpected || !isFlat || [key, value].some((leaf) => leaf?.levels.repetition === 0)) return undefined
    return { path, size, modificationTime: time, partitionKeys: key, partitionValues: value }
  }

  // The add column of a row group as the codec reads it, with the ordinal of each batch's first row.
  private async *adds(group: number, names: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<[Data, number]> {
    let ordinal = this.file.rowGroups[group]?.firstRow as number
    const file = await this.file.parquet()
    const columns = names.map((name) => ['add', name])
    for await (const batch of file.read({ columns, rowGroups: [group], ...(signal === undefined ? {} : { signal }) })) {
      const add = columnOf(batch, 'add')
      if (add !== undefined && add.nullCount < add.length) yield [add, ordinal]
      ordinal += batch.numRows
    }
  }

  extras(ordinal: number): AddExtras | undefined {
    const piece = pieceOf(this.extraPieces, ordinal)
    if (piece === undefined) return undefined
    const extras: Record<string, unknown> = {}
    for (const [name, data] of piece.columns) {
      const value = ordinal - piece.firstOrdinal < data.length ? cellJson(data, ordinal - piece.firstOrdinal) : null
      if (value !== null) extras[name] = name === 'tags' ? (value as Tags) : value
    }
    return extras as AddExtras
  }

  loadStats(signal?: AbortSignal): Promise<void> {
    this.loading ??= onCheckpointFile(this.path, () => this.keepStats(signal)).finally(() => {
      this.loading = undefined
    })
    return this.loading
  }

  async visitStats(ordinals: Int32Array, visit: StatsVisitor, signal?: AbortSignal): Promise<void> {
    const seen = new Uint8Array(ordinals.length)
    await onCheckpointFile(this.path, async () => {
      const once: StatsVisitor = (nth, bytes, start, end) => {
        // An empty text says as much as none.
        if (seen[nth] === 1 || start === end) return
        seen[nth] = 1
        visit(nth, bytes, start, end)
      }
      await visitJsonStats(this.file, ordinals, once, signal)
      const left = placesOf(seen, 0)
      if (left.length > 0)
        await this.visitSegments(
          left.map((nth) => ordinals[nth] as number),
          (n, ...text) => once(left[n] as number, ...text),
          signal,
        )
    })
    for (const nth of placesOf(seen, 0)) visit(nth, NO_STATS, 0, 0)
  }

  private async visitSegments(ordinals: Int32Array, visit: StatsVisitor, signal: AbortSignal | undefined): Promise<void> {
    let at = 0
    for await (const { firstOrdinal, texts } of statsSegments(this.file, ordinals, signal)) {
      // Segments come in order, but the texts of some rows may come after those of the others.
      while (at > 0 && (ordinals[at - 1] as number) >= firstOrdinal) at--
      for (; at < ordinals.length && (ordinals[at] as number) < firstOrdinal + texts.lengths.length; at++) {
        const row = (ordinals[at] as number) - firstOrdinal
        const length = row < 0 ? 0 : (texts.lengths[row] as number)
        const start = texts.starts[row] as number
        if (length > 0) visit(at, texts.bytes, start, start + length)
      }
    }
  }

  private async keepStats(signal: AbortSignal | undefined): Promise<void> {
    const segments: StatsSegment[] = []
    const every = Int32Array.from({ length: this.file.numRows }, (_, ordinal) => ordinal)
    for await (const segment of statsSegments(this.file, every, signal)) segments.push(segment)
    // Of the same row, what was read first is its JSON text; the other is there only where that is not.
    const byStart = [...segments].sort((a, b) => a.firstOrdinal - b.firstOrdinal)
    const parsed = byStart.filter(({ isParsed }) => isParsed)
    const json = byStart.filter(({ isParsed }) => !isParsed)
    this.stats = (ordinal) => textIn(pieceOf(json, ordinal), ordinal) ?? textIn(pieceOf(parsed, ordinal), ordinal)
  }
}

// Where a byte stands.
function placesOf(bytes: Uint8Array, value: number): Int32Array {
  const places = new Int32Array(bytes.length)
  let count = 0
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === value) places[count++] = i
  return places.subarray(0, count)
}

function keepPiece(pieces: Piece[], add: Data, names: readonly string[], firstOrdinal: number): void {
  const columns = new Map<string, Data>()
  for (const name of names) {
    const data = childOf(add, name)
    if (data !== undefined && data.nullCount < data.length) columns.set(name, data)
  }
  if (columns.size > 0) pieces.push({ firstOrdinal, columns })
}

function textIn(segment: StatsSegment | undefined, ordinal: number): string | undefined {
  if (segment === undefined) return undefined
  const row = ordinal - segment.firstOrdinal
  const { bytes, starts, lengths } = segment.texts
  const length = lengths[row] ?? 0
  return length <= 0 ? undefined : decodeUtf8(bytes, starts[row], (starts[row] as number) + length)
}
