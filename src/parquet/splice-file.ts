// One of the files that are spliced: what of it is copied, and where that is in the new file. Rule: a bloom filter or an index
// that shares bytes with anything else is not carried along.
import { type Footer, parseFooter } from './footer.js'
import type { Range } from './source.js'
import type { CopyJob, CopyRange } from './splice-copy.js'
import { type ChunkTarget, isColumnIndex, moveOffsetIndex } from './splice-footer.js'
import { type ChunkPlace, type OpenedForSplice, placesOf } from './splice-open.js'
import { ThriftFault } from './thrift.js'

/** A row group with rows. */
export interface SplicedGroup {
  readonly index: number
  readonly chunks: readonly ChunkPlace[]
}

interface Move extends Range {
  /** Where its first byte is in the new file. */
  readonly to: number
}

interface Placed {
  readonly at: number
  readonly length: number
}

/** More bytes of bloom filters than this are not worth copying. */
const MAX_BLOOM_FILTER_BYTES = 16 * 2 ** 20

/** A file on its way into another. */
export class SplicedFile {
  readonly footer: Footer
  readonly groups: readonly SplicedGroup[]
  /** Bytes of all indexes. */
  readonly indexBytes: number
  readonly hasOffsetIndexes: boolean
  readonly hasColumnIndexes: boolean
  readonly #input: OpenedForSplice
  readonly #hasBloomFilters: boolean
  #moves: readonly Move[] = []
  // The bytes of indexes while they are on their way; in the order of the chunks.
  #indexes: { readonly column: CopyRange[]; readonly offset: CopyRange[] } = { column: [], offset: [] }
  readonly #placed: { readonly column: Placed[]; readonly offset: Placed[] } = { column: [], offset: [] }

  constructor(input: OpenedForSplice) {
    this.#input = input
    this.footer = parseFooter(input.footerBytes, input.name)
    this.groups = this.footer.rowGroups.flatMap(({ numRows }, index) =>
      numRows === 0 ? [] : [{ index, chunks: placesOf(this.footer, index, input.dataEnd) }],
    )
    const chunks = this.#chunks()
    const bodies = chunks.map(({ body }) => body)
    const filters = chunks.flatMap(({ bloomFilter }) => bloomFilter ?? [])
    const indexes = chunks.flatMap(({ columnIndex, offsetIndex }) => [
      ...(columnIndex ? [columnIndex] : []),
      ...(offsetIndex ? [offsetIndex] : []),
    ])
    this.indexBytes = sizeOf(indexes)
    this.#hasBloomFilters = sizeOf(filters) <= MAX_BLOOM_FILTER_BYTES && areApart([...bodies, ...filters])
    const soundIndexes = areApart([...bodies, ...(this.#hasBloomFilters ? filters : []), ...indexes])
    this.hasOffsetIndexes = soundIndexes && chunks.every(({ offsetIndex }) => offsetIndex !== undefined)
    this.hasColumnIndexes = soundIndexes && chunks.every(({ columnIndex }) => columnIndex !== undefined)
  }

  #chunks(): ChunkPlace[] {
    return this.groups.flatMap(({ chunks }) => chunks)
  }

  /** Decides which indexes are carried along. */
  keepIndexes(offset: boolean, column: boolean): void {
    const held = (range: Range | undefined): CopyRange[] =>
      range === undefined ? [] : [{ ...range, into: new Uint8Array(range.end - range.start) }]
    this.#indexes = {
      offset: offset ? this.#chunks().flatMap(({ offsetIndex }) => held(offsetIndex)) : [],
      column: column ? this.#chunks().flatMap(({ columnIndex }) => held(columnIndex)) : [],
    }
  }

  /** Gives what is copied its place, from `at` on; answers where it ends. */
  place(at: number): number {
    const ranges: Range[] = this.#chunks().map(({ body }) => body)
    if (this.#hasBloomFilters) for (const { bloomFilter } of this.#chunks()) if (bloomFilter !== undefined) ranges.push(bloomFilter)
    ranges.sort(byStart)
    const moves: Move[] = []
    let end = at
    for (const range of ranges) {
      const last = moves.at(-1)
      if (last !== undefined && last.end === range.start) moves[moves.length - 1] = { ...last, end: range.end }
      else moves.push({ ...range, to: end })
      end += range.end - range.start
    }
    this.#moves = moves
    return end
  }

  /** What is to be copied. */
  job(): CopyJob {
    const { name, source } = this.#input
    const ranges: CopyRange[] = [...this.#moves.map(({ start, end }) => ({ start, end })), ...this.#indexes.column, ...this.#indexes.offset]
    return { name, source, ranges: ranges.sort(byStart) }
  }

  /** The indexes as they have to be in the new file, in the order of the chunks; undefined where one is not sound. */
  movedIndexes(): { readonly column: readonly Uint8Array[]; readonly offset: readonly Uint8Array[] } | undefined {
    const offset: Uint8Array[] = []
    const column: Uint8Array[] = []
    const chunks = this.#chunks()
    for (const [i, { into }] of this.#indexes.offset.entries()) {
      const { body } = chunks[i] as ChunkPlace
      const moved = unlessFaulty(() => moveOffsetIndex(into as Uint8Array, body, this.target(body.start) - body.start))
      if (moved === undefined) return undefined
      offset.push(moved.bytes)
      const ofColumn = this.#indexes.column[i]?.into
      if (ofColumn === undefined) continue
      if (!unlessFaulty(() => isColumnIndex(ofColumn, moved.numPages))) return undefined
      column.push(ofColumn)
    }
    return { column, offset }
  }

  /** Says where the next index is, in the order of the chunks. */
  placeIndex(kind: 'column' | 'offset', at: number, length: number): void {
    this.#placed[kind].push({ at, length })
  }

  /** Where a byte that is copied is in the new file. */
  target(offset: number): number {
    const move = this.#moves.find(({ start, end }) => offset >= start && offset < end)
    if (move === undefined) throw new Error(`byte ${offset} of ${this.#input.name} is not copied`)
    return offset - move.start + move.to
  }

  /** Where the parts of a row group's chunks are in the new file. */
  targets(group: SplicedGroup): ChunkTarget[] {
    let first = 0
    for (const other of this.groups) {
      if (other === group) break
      first += other.chunks.length
    }
    return group.chunks.map(({ body, bloomFilter }, i) => ({
      shift: this.target(body.start) - body.start,
      bloomFilter: this.#hasBloomFilters && bloomFilter !== undefined ? this.target(bloomFilter.start) : undefined,
      offsetIndex: this.#placed.offset[first + i],
      columnIndex: this.#placed.column[first + i],
    }))
  }
}

function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

function areApart(ranges: Range[]): boolean {
  ranges.sort(byStart)
  return ranges.every(({ start }, i) => i === 0 || start >= (ranges[i - 1] as Range).end)
}

function byStart(a: Range, b: Range): number {
  return a.start - b.start
}

function unlessFaulty<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ThriftFault) return undefined
    throw error
  }
}
