// Statistics of many rows of a checkpoint file, asked for a piece at a time: what is in memory is the packed column chunk
// of one row group and the texts of one piece. Only where some rows have no JSON text, but columns that stand for it, are
// the texts of a row group held while pieces of it are asked for.
import type { LeafFile } from '../parquet/index.js'
import { STATS, STATS_PARSED, type StatsSegment, statsSegments, type WantedGroup, wantedGroups } from './checkpoint-stats.js'

/** The statistics of the rows of a piece, by their place in it; a length of 0 is none. Good until the next piece is read. */
export interface StatsTexts {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
}

/** Reads the statistics of rows (ordinals, ascending) of one file. */
export class StatsPieces {
  readonly #file: LeafFile
  readonly #ordinals: Int32Array
  readonly #groups: readonly WantedGroup[]
  #at = 0
  #opened: Opened | undefined
  #bytes = new Uint8Array(0)
  #starts = new Int32Array(0)
  #lengths = new Int32Array(0)
  #used = 0

  constructor(file: LeafFile, ordinals: Int32Array) {
    this.#file = file
    this.#ordinals = ordinals
    this.#groups = wantedGroups(file, ordinals)
  }

  /** Those of `[from, to)` of the rows; pieces are read in order. @throws AlluviumError `CORRUPT_DATA`, errors of the source */
  async read(from: number, to: number, signal: AbortSignal | undefined): Promise<StatsTexts> {
    if (this.#starts.length < to - from) {
      this.#starts = new Int32Array(to - from)
      this.#lengths = new Int32Array(to - from)
    }
    this.#lengths.fill(0)
    this.#used = 0
    for (; this.#at < this.#groups.length; this.#at++, this.#opened = undefined) {
      const group = this.#groups[this.#at] as WantedGroup
      if (group.from >= to) break
      this.#opened ??= await this.#open(group, signal)
      await this.#readGroup(this.#opened, Math.max(from, group.from), Math.min(to, group.to), from, signal)
      if (group.to > to) break
    }
    return { bytes: this.#bytes, starts: this.#starts.subarray(0, to - from), lengths: this.#lengths.subarray(0, to - from) }
  }

  async #open(wanted: WantedGroup, signal: AbortSignal | undefined): Promise<Opened> {
    const { group } = wanted
    const file = this.#file
    const leaf = file.leaf(STATS)
    const visit = leaf < 0 || file.isAllNull(group, STATS) ? undefined : await file.fetchVisited(group, leaf, signal)
    return { wanted, visit, hasColumns: !file.isAllNull(group, STATS_PARSED), held: undefined }
  }

  async #readGroup(opened: Opened, from: number, to: number, pieceFrom: number, signal: AbortSignal | undefined): Promise<void> {
    const { group, from: groupFrom, to: groupTo } = opened.wanted
    const { firstRow = 0 } = this.#file.rowGroups[group] ?? {}
    const rows = this.#ordinals.subarray(from, to).map((ordinal) => ordinal - firstRow)
    const at = from - pieceFrom
    const isWhole =
      opened.visit === undefined
        ? this.#file.isAllNull(group, STATS)
        : opened.visit(rows, (nth, bytes, start, end) => this.#put(at + nth, bytes, start, end))
    if (!isWhole) opened.visit = undefined
    // Texts of the length 0 say as much as none.
    if (isWhole && (!opened.hasColumns || !this.#lengths.subarray(at, at + rows.length).includes(0))) return
    opened.held ??= await holdTexts(this.#file, this.#ordinals.subarray(groupFrom, groupTo), signal)
    const { bytes, source, starts, lengths } = opened.held
    for (let n = 0; n < rows.length; n++) {
      if ((this.#lengths[at + n] as number) > 0) continue
      const h = from - groupFrom + n
      const start = starts[h] as number
      if ((lengths[h] as number) > 0) this.#put(at + n, bytes[source[h] as number] as Uint8Array, start, start + (lengths[h] as number))
    }
  }

  #put(n: number, from: Uint8Array, start: number, end: number): void {
    const length = end - start
    const used = this.#used
    if (used + length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(used + length, this.#bytes.length * 2, 2 ** 16))
      larger.set(this.#bytes.subarray(0, used))
      this.#bytes = larger
    }
    this.#bytes.set(from.subarray(start, end), used)
    this.#starts[n] = used
    this.#lengths[n] = length
    this.#used = used + length
  }
}

interface Opened {
  readonly wanted: WantedGroup
  /** Undefined where the column chunk is to be read otherwise, or is not there. */
  visit: Awaited<ReturnType<LeafFile['fetchVisited']>> | undefined
  readonly hasColumns: boolean
  held: HeldTexts | undefined
}

interface HeldTexts {
  readonly bytes: readonly Uint8Array[]
  /** Which of `bytes` the text lies in. */
  readonly source: Int32Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
}

async function holdTexts(file: LeafFile, ordinals: Int32Array, signal: AbortSignal | undefined): Promise<HeldTexts> {
  const { length } = ordinals
  const bytes: Uint8Array[] = []
  const held = { bytes, source: new Int32Array(length), starts: new Int32Array(length), lengths: new Int32Array(length) }
  for await (const segment of statsSegments(file, ordinals, signal)) hold(held, bytes, segment, ordinals)
  return held
}

function hold(held: HeldTexts, bytes: Uint8Array[], { firstOrdinal, texts }: StatsSegment, ordinals: Int32Array): void {
  bytes.push(texts.bytes)
  for (let n = lowerBound(ordinals, firstOrdinal); n < ordinals.length; n++) {
    const at = (ordinals[n] as number) - firstOrdinal
    if (at >= texts.lengths.length) break
    // Of one row, the JSON text comes before the one made of columns.
    if ((texts.lengths[at] as number) <= 0 || (held.lengths[n] as number) > 0) continue
    held.source[n] = bytes.length - 1
    held.starts[n] = texts.starts[at] as number
    held.lengths[n] = texts.lengths[at] as number
  }
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
