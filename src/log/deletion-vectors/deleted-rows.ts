// A set of row positions as a file of deletion vectors keeps it: the containers of Roaring bitmaps, asked where they lie.
// Rule: nothing is unpacked. What a set costs is its own bytes and a few numbers a container (65,536 positions).

/** How the positions of a container are kept: 16-bit values ascending, a bit for each, or ranges of them. */
export type ContainerKind = typeof VALUES | typeof BITS | typeof RUNS
export const VALUES = 0
export const BITS = 1
export const RUNS = 2

/** Positions of one container. */
export const CONTAINER_ROWS = 65_536

/** The containers of a set in ascending order, as columns. */
export interface Containers {
  /** The first position a container could hold. */
  readonly first: Float64Array
  readonly kind: Uint8Array
  /** Where its data begins in the bytes. */
  readonly at: Int32Array
  /** Its values, or its runs. */
  readonly count: Int32Array
}

/** Positions of rows that a deletion vector removes. Immutable. */
export class DeletedRows {
  /** How many rows. */
  readonly cardinality: number
  /** The greatest position; -1 without any. */
  readonly last: number
  private readonly view: DataView
  private readonly containers: Containers

  /** @internal Made by `parseRoaring`, which has checked the containers. */
  constructor(view: DataView, containers: Containers, cardinality: number) {
    this.view = view
    this.containers = containers
    this.cardinality = cardinality
    this.last = this.lastPosition()
  }

  /**
   * Sets the bytes of `keep` to 0 that stand for deleted rows: `keep[0]` for the row at `firstRow`, and so on. Positions
   * that the set does not mention stay as they are, also those beyond its end.
   */
  clear(keep: Uint8Array, firstRow: number): void {
    const { first, kind } = this.containers
    const end = firstRow + keep.length
    for (let c = this.containerFrom(firstRow); c < first.length && (first[c] as number) < end; c++) {
      // Positions relative to the container, which may begin before the rows asked for or end after them.
      const base = (first[c] as number) - firstRow
      const from = Math.max(0, -base)
      const to = Math.min(CONTAINER_ROWS, keep.length - base)
      if (kind[c] === VALUES) this.clearValues(keep, c, base, from, to)
      else if (kind[c] === BITS) this.clearBits(keep, c, base, from, to)
      else this.clearRuns(keep, c, base, from, to)
    }
  }

  /** Whether any row of `[firstRow, firstRow + length)` is in the set's range at all: a cheap look before {@link clear}. */
  mayTouch(firstRow: number, length: number): boolean {
    const { first } = this.containers
    const c = this.containerFrom(firstRow)
    return c < first.length && (first[c] as number) < firstRow + length && firstRow <= this.last
  }

  private clearValues(keep: Uint8Array, c: number, base: number, from: number, to: number): void {
    const { view } = this
    const at = this.containers.at[c] as number
    const count = this.containers.count[c] as number
    for (let i = lowerBound(view, at, count, from); i < count; i++) {
      const value = view.getUint16(at + i * 2, true)
      if (value >= to) return
      keep[base + value] = 0
    }
  }

  private clearBits(keep: Uint8Array, c: number, base: number, from: number, to: number): void {
    const at = this.containers.at[c] as number
    for (let value = from; value < to; value++) {
      const byte = this.view.getUint8(at + (value >> 3))
      if (byte === 0) value |= 7
      else if (((byte >> (value & 7)) & 1) === 1) keep[base + value] = 0
    }
  }

  private clearRuns(keep: Uint8Array, c: number, base: number, from: number, to: number): void {
    const { view } = this
    const at = this.containers.at[c] as number
    for (let run = 0; run < (this.containers.count[c] as number); run++) {
      const start = view.getUint16(at + run * 4, true)
      if (start >= to) return
      const end = start + view.getUint16(at + run * 4 + 2, true) + 1
      if (end > from) keep.fill(0, base + Math.max(start, from), base + Math.min(end, to))
    }
  }

  // The first container that may hold this row or a later one.
  private containerFrom(row: number): number {
    const { first } = this.containers
    let low = 0
    let high = first.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((first[middle] as number) + CONTAINER_ROWS <= row) low = middle + 1
      else high = middle
    }
    return low
  }

  private lastPosition(): number {
    const { first, kind, at, count } = this.containers
    const c = first.length - 1
    if (c < 0) return -1
    const [base, start, n] = [first[c] as number, at[c] as number, count[c] as number]
    if (kind[c] === VALUES) return base + this.view.getUint16(start + (n - 1) * 2, true)
    if (kind[c] === RUNS) return base + this.view.getUint16(start + n * 4 - 4, true) + this.view.getUint16(start + n * 4 - 2, true)
    let byte = CONTAINER_ROWS / 8 - 1
    while (this.view.getUint8(start + byte) === 0) byte--
    return base + byte * 8 + 31 - Math.clz32(this.view.getUint8(start + byte))
  }
}

function lowerBound(view: DataView, at: number, count: number, value: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (view.getUint16(at + middle * 2, true) < value) low = middle + 1
    else high = middle
  }
  return low
}
