// The statistics in one Parquet file of a checkpoint, row group by row group: JSON texts as they lie in the file, or,
// for rows without, the columns of `stats_parsed` as text. Nothing is kept here.
import type { Data } from 'apache-arrow'
import { concatBytes, encodeUtf8 } from '../bytes.js'
import type { LeafFile, LeafTexts, LeafValues } from '../parquet/index.js'
import { type Texts, textsOfArrow } from './add-piece.js'
import { childOf, columnOf, expectType, isText } from './arrow-json.js'
import { statsText } from './parsed-stats.js'

/** The column of JSON texts. */
export const STATS: readonly string[] = ['add', 'stats']
/** The columns that stand for them. */
export const STATS_PARSED: readonly string[] = ['add', 'stats_parsed']

/** Statistics of the rows from an ordinal on, a text a row; rows without text may have one in a later segment. */
export interface StatsSegment {
  readonly firstOrdinal: number
  readonly texts: Texts
  /** Made of columns: for rows that have no JSON text. */
  readonly isParsed: boolean
}

/**
 * The statistics of the row groups that hold any of the ordinals (ascending), in their order. Those of other rows may be
 * among them.
 * @throws AlluviumError `CORRUPT_DATA`, errors of the source
 */
export async function* statsSegments(
  file: LeafFile,
  ordinals: Int32Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<StatsSegment, void, undefined> {
  const groups = wantedGroups(file, ordinals)
  let ahead: Promise<Fetched> | undefined
  for (const [n, { group, from, to }] of groups.entries()) {
    const decode = await (ahead ?? fetchTexts(file, group, signal))
    const next = groups[n + 1]
    ahead = next === undefined ? undefined : fetchTexts(file, next.group, signal)
    ahead?.catch(() => undefined) // Whoever awaits it sees the failure.
    const { firstRow = 0, numRows = 0 } = file.rowGroups[group] ?? {}
    const missing = file.isAllNull(group, STATS_PARSED) ? undefined : new Uint8Array(numRows).fill(1)
    for await (const segment of jsonSegments(file, group, decode, signal)) {
      if (missing !== undefined) markPresent(missing, segment, firstRow)
      yield segment
    }
    const left = missing === undefined ? undefined : ordinals.subarray(from, to).filter((ordinal) => missing[ordinal - firstRow] === 1)
    if (left !== undefined && left.length > 0) yield* parsedSegments(file, group, left, signal)
  }
}

/**
 * Visits the JSON texts of rows (ordinals, ascending) as they lie in the pages, as far as that goes: rows that are not visited may
 * have statistics all the same, for {@link statsSegments} to find.
 * @throws AlluviumError `CORRUPT_DATA`, errors of the source
 */
export async function visitJsonStats(
  file: LeafFile,
  ordinals: Int32Array,
  visit: (nth: number, bytes: Uint8Array, start: number, end: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const leaf = file.leaf(STATS)
  const groups = leaf < 0 ? [] : wantedGroups(file, ordinals).filter(({ group }) => !file.isAllNull(group, STATS))
  const fetch = (n: number): ReturnType<LeafFile['fetchVisited']> | undefined => {
    const next = groups[n]
    const fetched = next && file.fetchVisited(next.group, leaf, signal)
    fetched?.catch(() => undefined) // Whoever awaits it sees the failure.
    return fetched
  }
  let ahead = fetch(0)
  for (const [n, { group, from, to }] of groups.entries()) {
    const visitRows = await ahead
    ahead = fetch(n + 1)
    const { firstRow = 0 } = file.rowGroups[group] ?? {}
    const rows = ordinals.subarray(from, to).map((ordinal) => ordinal - firstRow)
    if (visitRows?.(rows, (nth, bytes, start, end) => visit(from + nth, bytes, start, end)) !== true) return
  }
}

type Fetched = (() => (LeafValues | undefined)[]) | undefined

/** A row group that holds some of the rows asked for. */
export interface WantedGroup {
  readonly group: number
  /** The ordinals in it: `[from, to)` of those asked for. */
  readonly from: number
  readonly to: number
}

/** The row groups that hold any of the ordinals (ascending). */
export function wantedGroups(file: LeafFile, ordinals: Int32Array): WantedGroup[] {
  const wanted: WantedGroup[] = []
  let at = 0
  for (const [group, { firstRow, numRows }] of file.rowGroups.entries()) {
    const from = at
    while (at < ordinals.length && (ordinals[at] as number) < firstRow + numRows) at++
    if (at > from) wanted.push({ group, from, to: at })
  }
  return wanted
}

async function fetchTexts(file: LeafFile, group: number, signal: AbortSignal | undefined): Promise<Fetched> {
  const leaf = file.leaf(STATS)
  return leaf < 0 || file.isAllNull(group, STATS) ? undefined : file.fetch(group, [{ leaf }], signal)
}

async function* jsonSegments(
  file: LeafFile,
  group: number,
  decode: Fetched,
  signal: AbortSignal | undefined,
): AsyncGenerator<StatsSegment> {
  if (decode === undefined) return
  const [leaf] = decode()
  if (leaf?.texts !== undefined) {
    yield { firstOrdinal: file.rowGroups[group]?.firstRow ?? 0, texts: byRow(leaf, leaf.texts), isParsed: false }
    return
  }
  for await (const [data, firstOrdinal] of cells(file, group, 'stats', signal)) {
    expectType(data, 'add.stats', isText)
    yield {
      firstOrdinal,
      texts: textsOfArrow(
        data,
        Int32Array.from({ length: data.length }, (_, i) => i),
      ),
      isParsed: false,
    }
  }
}

async function* parsedSegments(
  file: LeafFile,
  group: number,
  ordinals: Int32Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<StatsSegment> {
  let at = 0
  for await (const [data, firstOrdinal] of cells(file, group, 'stats_parsed', signal)) {
    const starts = new Int32Array(data.length)
    const lengths = new Int32Array(data.length).fill(-1)
    const parts: Uint8Array[] = []
    let used = 0
    for (; at < ordinals.length && (ordinals[at] as number) < firstOrdinal + data.length; at++) {
      const row = (ordinals[at] as number) - firstOrdinal
      const text = statsText(data, row)
      // A struct of nulls is how some writers say null.
      if (text === undefined || text === '{}') continue
      const bytes = encodeUtf8(text)
      starts[row] = used
      lengths[row] = bytes.length
      used += bytes.length
      parts.push(bytes)
    }
    yield { firstOrdinal, texts: { bytes: concatBytes(parts), starts, lengths, dictionaryEnd: 0 }, isParsed: true }
  }
}

// A member of the adds of a row group as the codec reads it, with the ordinal of each batch's first row.
async function* cells(file: LeafFile, group: number, name: string, signal: AbortSignal | undefined): AsyncGenerator<[Data, number]> {
  let ordinal = file.rowGroups[group]?.firstRow ?? 0
  const parquet = await file.parquet()
  const options = { columns: [['add', name]], rowGroups: [group], ...(signal === undefined ? {} : { signal }) }
  for await (const batch of parquet.read(options)) {
    const data = childOf(columnOf(batch, 'add'), name)
    if (data !== undefined && data.nullCount < data.length) yield [data, ordinal]
    ordinal += batch.numRows
  }
}

// Texts by row where the leaf has them by value.
function byRow(leaf: LeafValues, texts: LeafTexts): Texts {
  const { definitions, levels, slots } = leaf
  if (definitions === undefined) return texts
  const starts = new Int32Array(slots)
  const lengths = new Int32Array(slots).fill(-1)
  let at = 0
  for (let row = 0; row < slots; row++) {
    if (definitions[row] !== levels.definition) continue
    starts[row] = texts.starts[at] as number
    lengths[row] = texts.lengths[at++] as number
  }
  return { bytes: texts.bytes, starts, lengths, dictionaryEnd: 0 }
}

function markPresent(missing: Uint8Array, { firstOrdinal, texts }: StatsSegment, firstRow: number): void {
  // An empty text says as much as none.
  for (let i = 0; i < texts.lengths.length; i++) if ((texts.lengths[i] as number) > 0) missing[firstOrdinal - firstRow + i] = 0
}
