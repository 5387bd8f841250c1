// The removes of one commit while it is being read: columns, as removes can be as many as adds. Each remembers how
// many rows the commit had staged before it, so that the actions take effect in the order of the file.

export class RemoveList {
  count = 0
  private hashes: Int32Array = new Int32Array(16)
  private starts: Int32Array = new Int32Array(16)
  private lengths: Int32Array = new Int32Array(16)
  private rows: Int32Array = new Int32Array(16)
  private readonly vectors: Map<number, string> = new Map()
  // Paths that had to be unescaped, by the remove's number; all others lie in the commit's bytes.
  private readonly texts: Map<number, Uint8Array> = new Map()

  /** A remove of the path at `start` of the commit's bytes, or of the unescaped `path`. */
  push(hash: number, start: number, length: number, rowsBefore: number, vector: string | undefined, path?: Uint8Array): void {
    const n = this.count
    if (n === this.hashes.length) this.grow()
    this.hashes[n] = hash
    this.starts[n] = start
    this.lengths[n] = length
    this.rows[n] = rowsBefore
    // Stryker disable next-line ConditionalExpression: only a shortcut, what is not there is looked up as nothing
    if (vector !== undefined) this.vectors.set(n, vector)
    // Stryker disable next-line ConditionalExpression: only a shortcut, what is not there is looked up as nothing
    if (path !== undefined) this.texts.set(n, path)
    this.count = n + 1
  }

  rowsBefore(n: number): number {
    return this.rows[n] as number
  }

  /** Hands the n-th remove to `drop`, with the bytes that hold its path. */
  drop<T>(
    n: number,
    commit: Uint8Array,
    drop: (hash: number, bytes: Uint8Array, start: number, length: number, vector: string | undefined) => T,
  ): T {
    // Stryker disable next-line ConditionalExpression: only a shortcut, what is not there is looked up as nothing
    const bytes = this.texts.size === 0 ? commit : (this.texts.get(n) ?? commit)
    // Stryker disable next-line ConditionalExpression: only a shortcut, what is not there is looked up as nothing
    const vector = this.vectors.size === 0 ? undefined : this.vectors.get(n)
    return drop(this.hashes[n] as number, bytes, this.starts[n] as number, this.lengths[n] as number, vector)
  }

  clear(): void {
    this.count = 0
    this.vectors.clear()
    this.texts.clear()
  }

  private grow(): void {
    const capacity = this.hashes.length * 2
    this.hashes = widened(this.hashes, capacity)
    this.starts = widened(this.starts, capacity)
    this.lengths = widened(this.lengths, capacity)
    this.rows = widened(this.rows, capacity)
  }
}

function widened(values: Int32Array, capacity: number): Int32Array {
  const larger = new Int32Array(capacity)
  larger.set(values)
  return larger
}
