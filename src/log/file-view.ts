// The files of one version, as columns addressed by row number. A view never changes: later commits only add rows
// beyond it and mark ends after it. Objects are made one at a time, for whoever asks for one.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import type { AddFile, DeletionVectorDescriptor } from './actions.js'
import type { AddExtras, CheckpointPart } from './checkpoint-part.js'
import { parseValue } from './commit-json.js'
import { type FileTable, vectorId } from './file-table.js'
import { CHUNK_BITS, CHUNK_MASK, FROM_CHECKPOINT, HAS_VECTOR, PARSE_LINE, STATS_ESCAPED } from './row-chunk.js'
import { type FileCounts, totalBytes } from './tally.js'

/** One partition column: the value of a row is `values[ids(row)]`. Several ids may stand for null. */
export interface PartitionView {
  readonly values: readonly (string | null)[]
  ids(row: number): number
}

/** Who is told of statistics: the text of a row as bytes, as bytes inside a JSON string, or as a string. */
export interface StatsSink {
  addBytes(row: number, bytes: Uint8Array, start: number, end: number): void
  addEscaped(row: number, bytes: Uint8Array, start: number, end: number): void
  addText(row: number, stats: string | undefined): void
}

export class FileView {
  /** Live files. */
  readonly numFiles: number
  /** Sum of the sizes of the live files; rounded beyond 2^53. */
  readonly sizeBytes: number
  /** Live files that carry a deletion vector. */
  readonly numVectors: number
  private readonly table: FileTable
  private readonly rowCount: number
  private readonly age: number
  private rows: Int32Array | undefined

  /** @internal Views are made by the log. */
  constructor(table: FileTable, version: number, rowCount: number, counts: FileCounts) {
    this.table = table
    this.age = version - table.baseVersion
    this.rowCount = rowCount
    this.numFiles = counts.numFiles
    this.sizeBytes = totalBytes(counts)
    this.numVectors = counts.numVectors
  }

  /** The same object for all views whose row numbers mean the same files: what is derived from rows can be kept by it. */
  get lineage(): object {
    return this.table
  }

  /** The numbers of the live rows, ascending: the order in which the files came into the table. */
  liveRows(): Int32Array {
    if (this.rows !== undefined) return this.rows
    const rows = new Int32Array(this.numFiles)
    let count = 0
    for (let start = 0; start < this.rowCount; start += CHUNK_MASK + 1) {
      const { removed } = this.table.chunkOf(start)
      const end = Math.min(this.rowCount - start, CHUNK_MASK + 1)
      for (let i = 0; i < end; i++) {
        const gone = removed[i] as number
        if (gone === 0 || gone > this.age) rows[count++] = start + i
      }
    }
    this.rows = rows
    return rows
  }

  /** Whether a row is visible in this view. */
  isLive(row: number): boolean {
    if (row < 0 || row >= this.rowCount) return false
    const gone = this.table.chunkOf(row).removed[row & CHUNK_MASK] as number
    return gone === 0 || gone > this.age
  }

  /** The path as it stands in the log (URI-encoded). */
  path(row: number): string {
    const chunk = this.table.chunkOf(row)
    const i = row & CHUNK_MASK
    const start = chunk.path[i] as number
    return decodeUtf8(this.table.sourceOf(row).bytes, start, start + (chunk.pathLength[i] as number))
  }

  /** The bytes of the path: a view that must not be written to. */
  pathBytes(row: number): Uint8Array {
    const chunk = this.table.chunkOf(row)
    const start = chunk.path[row & CHUNK_MASK] as number
    return this.table.sourceOf(row).bytes.subarray(start, start + (chunk.pathLength[row & CHUNK_MASK] as number))
  }

  /** Size of the data file in bytes. */
  size(row: number): number {
    return this.table.chunkOf(row).size[row & CHUNK_MASK] as number
  }

  /** Milliseconds since 1970. */
  modificationTime(row: number): number {
    return this.table.chunkOf(row).modificationTime[row & CHUNK_MASK] as number
  }

  /** Names under which files carry partition values (physical names under column mapping). */
  get partitionColumns(): readonly string[] {
    return this.table.partitionColumns.map((column) => column.name)
  }

  /** The values of a partition column; a column no file mentions is null everywhere. */
  partition(name: string): PartitionView {
    const column = this.table.partitionColumns.find((candidate) => candidate.name === name)
    if (column === undefined) return { values: [null], ids: () => 0 }
    const { chunks } = this.table
    const { ordinal } = column
    return {
      values: column.dictionary.values,
      ids: (row) => {
        const ids = chunks[row >>> CHUNK_BITS]?.partitions[ordinal]
        return ids === undefined ? 0 : (ids[row & CHUNK_MASK] as number)
      },
    }
  }

  /**
   * The statistics as JSON text, `undefined` where the file has none (or only an empty text). Those of files that came from a checkpoint are
   * only there after {@link loadStats}.
   */
  stats(row: number): string | undefined {
    const chunk = this.table.chunkOf(row)
    const i = row & CHUNK_MASK
    const flags = chunk.flags[i] as number
    if ((flags & FROM_CHECKPOINT) !== 0) return this.table.sourceOf(row).checkpoint?.stats?.(chunk.line[i] as number)
    if ((flags & PARSE_LINE) !== 0) return this.parseLine(row).stats || undefined
    const length = chunk.statsLength[i] as number
    if (length === 0) return undefined
    const start = chunk.stats[i] as number
    const { bytes } = this.table.sourceOf(row)
    if ((flags & STATS_ESCAPED) === 0) return decodeUtf8(bytes, start, start + length)
    return JSON.parse(decodeUtf8(bytes, start - 1, start + length + 1)) as string
  }

  /** Reads the statistics that still lie in checkpoint files. @throws AlluviumError `CORRUPT_CHECKPOINT`, `MISSING_FILE`, storage errors */
  async loadStats(signal?: AbortSignal): Promise<void> {
    const parts = new Set<CheckpointPart>()
    for (const { checkpoint } of this.table.sources) if (checkpoint !== undefined && checkpoint.stats === undefined) parts.add(checkpoint)
    for (const part of parts) await part.loadStats(signal)
  }

  /**
   * Tells of the statistics of rows (ascending), each once, without making texts of them or keeping them: for indexes.
   * @throws AlluviumError `CORRUPT_CHECKPOINT`, `MISSING_FILE`, storage errors
   */
  async visitStats(rows: Int32Array, sink: StatsSink, signal?: AbortSignal): Promise<void> {
    const ofParts = new Map<CheckpointPart, number[]>()
    for (const row of rows) {
      const chunk = this.table.chunkOf(row)
      const i = row & CHUNK_MASK
      const flags = chunk.flags[i] as number
      const { bytes, checkpoint } = this.table.sourceOf(row)
      if ((flags & FROM_CHECKPOINT) !== 0 && checkpoint !== undefined && checkpoint.stats === undefined) {
        const known = ofParts.get(checkpoint)
        if (known === undefined) ofParts.set(checkpoint, [row])
        else known.push(row)
      } else if ((flags & (FROM_CHECKPOINT | PARSE_LINE)) !== 0) sink.addText(row, this.stats(row))
      else {
        const start = chunk.stats[i] as number
        const end = start + (chunk.statsLength[i] as number)
        if ((flags & STATS_ESCAPED) !== 0) sink.addEscaped(row, bytes, start, end)
        else sink.addBytes(row, bytes, start, end)
      }
    }
    for (const [part, partRows] of ofParts) {
      const ordinals = Int32Array.from(partRows, (row) => this.table.chunkOf(row).line[row & CHUNK_MASK] as number)
      await part.visitStats(ordinals, (nth, bytes, start, end) => sink.addBytes(partRows[nth] as number, bytes, start, end), signal)
    }
  }

  /** The file's deletion vector, if it has one. */
  deletionVector(row: number): DeletionVectorDescriptor | undefined {
    if (((this.table.chunkOf(row).flags[row & CHUNK_MASK] as number) & HAS_VECTOR) === 0) return undefined
    return this.table.vectors.get(row)
  }

  /** @internal The columns themselves, for whoever writes them out. */
  get columns(): FileTable {
    return this.table
  }

  /** Whether a key, given by its bytes, has a live row. */
  isLiveKey(bytes: Uint8Array, start: number, length: number, vector: string | undefined): boolean {
    let row = this.table.newest(bytes, start, length, vector)
    while (row >= this.rowCount) row = this.table.olderThan(row)
    return this.isLive(row)
  }

  /** The whole action as it was written; for files of a checkpoint, what the checkpoint keeps of it. */
  add(row: number): AddFile {
    return this.table.isFromCheckpoint(row) ? this.addOfCheckpoint(row) : this.parseLine(row)
  }

  /** What the file has beyond the columns: tags, row ids, clustering provider. Undefined for a file of a checkpoint without any. */
  extras(row: number): AddExtras | undefined {
    if (!this.table.isFromCheckpoint(row)) return this.parseLine(row)
    return this.table.sourceOf(row).checkpoint?.extras(this.table.chunkOf(row).line[row & CHUNK_MASK] as number)
  }

  /** The live row of a path (in log form) and deletion vector, or -1. */
  find(path: string, deletionVector?: string | DeletionVectorDescriptor): number {
    const bytes = encodeUtf8(path)
    const vector = typeof deletionVector === 'object' ? vectorId(deletionVector) : deletionVector
    let row = this.table.newest(bytes, 0, bytes.length, vector)
    while (row >= this.rowCount) row = this.table.olderThan(row)
    return this.isLive(row) ? row : -1
  }

  private parseLine(row: number): AddFile {
    const chunk = this.table.chunkOf(row)
    const start = chunk.line[row & CHUNK_MASK] as number
    const end = start + (chunk.lineLength[row & CHUNK_MASK] as number)
    const actions = parseValue(this.table.sourceOf(row).bytes, start, end, 1, { version: -1, path: 'a line read before' })
    return actions.find((action) => action.kind === 'add') as AddFile
  }

  private addOfCheckpoint(row: number): AddFile {
    const partitionValues = Object.create(null) as Record<string, string | null>
    const chunk = this.table.chunkOf(row)
    const i = row & CHUNK_MASK
    for (const { name, ordinal, dictionary } of this.table.partitionColumns) {
      const id = chunk.partitions[ordinal]?.[i] ?? 0
      if (id !== 0) partitionValues[name] = dictionary.values[id] ?? null
    }
    const stats = this.stats(row)
    const deletionVector = this.deletionVector(row)
    return {
      kind: 'add',
      path: this.path(row),
      partitionValues,
      size: this.size(row),
      modificationTime: this.modificationTime(row),
      dataChange: false,
      ...(stats === undefined ? {} : { stats }),
      ...(deletionVector === undefined ? {} : { deletionVector }),
      ...this.table.sourceOf(row).checkpoint?.extras(chunk.line[i] as number),
    }
  }
}
