// The fixed columns of up to 65,536 rows of the file table: typed arrays only, about 53 bytes a row. Texts are
// positions in a source (a commit's bytes, or an arena); nothing here knows what a row means.

export const CHUNK_BITS = 16
export const CHUNK_ROWS: number = 1 << CHUNK_BITS
export const CHUNK_MASK: number = CHUNK_ROWS - 1

/** The file has a deletion vector (kept beside the table). */
export const HAS_VECTOR = 1
/** The statistics' bytes hold JSON escapes. */
export const STATS_ESCAPED = 2
/** Read from a checkpoint: `line` is the row's ordinal in that checkpoint part, not a position. */
export const FROM_CHECKPOINT = 4
/** The line could not be read by the fast path: statistics are found by parsing it. */
export const PARSE_LINE = 8
/** Has fields that are worth no column: tags, row ids and the like, in the line. */
export const HAS_EXTRAS = 16
/** Of a tombstone: its remove said that it carries the file's metadata. */
export const EXTENDED = 32

const FIRST_CAPACITY = 64

/** Columns of consecutive rows. All positions and lengths are in bytes. */
export class RowChunk {
  capacity: number = FIRST_CAPACITY
  source: Int32Array = new Int32Array(FIRST_CAPACITY)
  line: Int32Array = new Int32Array(FIRST_CAPACITY)
  lineLength: Int32Array = new Int32Array(FIRST_CAPACITY)
  path: Int32Array = new Int32Array(FIRST_CAPACITY)
  pathLength: Int32Array = new Int32Array(FIRST_CAPACITY)
  stats: Int32Array = new Int32Array(FIRST_CAPACITY)
  /** 0 for none. */
  statsLength: Int32Array = new Int32Array(FIRST_CAPACITY)
  hash: Int32Array = new Int32Array(FIRST_CAPACITY)
  /** Versions after the table's base version at which the row ended; 0 while it is live. */
  removed: Int32Array = new Int32Array(FIRST_CAPACITY)
  flags: Uint8Array = new Uint8Array(FIRST_CAPACITY)
  size: Float64Array = new Float64Array(FIRST_CAPACITY)
  modificationTime: Float64Array = new Float64Array(FIRST_CAPACITY)
  /** Dictionary ids by partition column ordinal; a missing array is all zeros. */
  readonly partitions: (Int32Array | undefined)[] = []

  /** Makes more room, up to {@link CHUNK_ROWS}: in few steps, as a table that outgrows one tends to outgrow the next. */
  grow(capacity: number = Math.min(this.capacity * 8, CHUNK_ROWS)): void {
    this.capacity = capacity
    this.source = widened(this.source, capacity)
    this.line = widened(this.line, capacity)
    this.lineLength = widened(this.lineLength, capacity)
    this.path = widened(this.path, capacity)
    this.pathLength = widened(this.pathLength, capacity)
    this.stats = widened(this.stats, capacity)
    this.statsLength = widened(this.statsLength, capacity)
    this.hash = widened(this.hash, capacity)
    this.removed = widened(this.removed, capacity)
    const flags = new Uint8Array(capacity)
    flags.set(this.flags)
    this.flags = flags
    this.size = widenedFloats(this.size, capacity)
    this.modificationTime = widenedFloats(this.modificationTime, capacity)
    for (let c = 0; c < this.partitions.length; c++) {
      const ids = this.partitions[c]
      if (ids !== undefined) this.partitions[c] = widened(ids, capacity)
    }
  }

  /** The ids of a partition column, made on first use. */
  partitionIds(ordinal: number): Int32Array {
    let ids = this.partitions[ordinal]
    if (ids === undefined) {
      while (this.partitions.length <= ordinal) this.partitions.push(undefined)
      ids = new Int32Array(this.capacity)
      this.partitions[ordinal] = ids
    }
    return ids
  }

  /** Forgets the partition values of the rows `[from, to)`, which are to be written anew. */
  clearPartitions(from: number, to: number): void {
    for (const ids of this.partitions) ids?.fill(0, from, to)
  }
}

function widened(values: Int32Array, capacity: number): Int32Array {
  const larger = new Int32Array(capacity)
  larger.set(values)
  return larger
}

function widenedFloats(values: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity)
  larger.set(values)
  return larger
}
