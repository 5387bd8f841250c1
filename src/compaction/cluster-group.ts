// A group of files becomes files whose rows are in the order of a curve. Rule: memory is bounded whatever the group's size: the order is
// cut into ranges that fit, rows are put aside by range, and each range is sorted by itself. Where there are more ranges than files that
// can be written at once, neighbours share a file first, and are told apart when it is read.
import type { RecordBatch } from 'apache-arrow'
import { batchBytes, concatBatches, take } from '../arrow/index.js'
import { throwIfAborted } from '../errors.js'
import { formatJson } from '../json.js'
import { batchesToCopy } from '../table/index.js'
import { type ClusterColumn, clusterColumns } from './cluster-columns.js'
import { ClusterOrder, cutsOf, rangesOfPlaces, sampleGroup } from './cluster-order.js'
import { type ClusterOptions, DEFAULT_MEMORY_BYTES } from './optimize-options.js'
import type { PlannedGroup } from './optimize-plan.js'
import { CLUSTER_BY, CLUSTER_CURVE, CLUSTER_ID } from './plan-files.js'
import { checkCounts } from './read-back.js'
import { GroupOutput, type RewriteContext, type RewrittenGroup, ROLL_FACTOR, type RollAt } from './rewrite-group.js'
import { type PlacedRows, Spill } from './spill.js'

/** More files than this are not written at once. */
const MAX_OPEN_RANGES = 256

/** Reads the rows of a group and writes them again in order. */
export async function clusterGroup(rewrite: RewriteContext, group: PlannedGroup, cluster: ClusterOptions): Promise<RewrittenGroup> {
  const { view } = rewrite
  const columns = clusterColumns(view, cluster.by)
  const order = await orderOf(rewrite, group, columns, cluster)
  const tags = {
    [CLUSTER_ID]: rewrite.context.runtime.uuid(),
    [CLUSTER_BY]: formatJson([...cluster.by]),
    [CLUSTER_CURVE]: cluster.curve ?? 'hilbert',
  }
  const output = new GroupOutput(rewrite, group, rollAt(rewrite, group, order.rows), tags)
  try {
    const source = new PlacedSource(rewrite, group, order.order)
    await sortInto(output, { rewrite, group, source: source.batches(), cuts: order.cuts })
    const written = await output.finish()
    checkCounts(
      view,
      group.files.map(({ row }) => row),
      { rowsRead: source.rowsRead, rowsWritten: written.rows },
    )
    return { group, mode: 're-encode', ...written }
  } catch (error) {
    await output.discard()
    throw error
  }
}

// Files of about the same number of rows, as many as the bytes of before make; none is left over small.
function rollAt({ targetBytes }: RewriteContext, { sizeBytes }: PlannedGroup, rows: number): RollAt {
  const files = Math.max(1, Math.round(sizeBytes / targetBytes))
  return { bytes: targetBytes * ROLL_FACTOR, rows: Math.max(1, Math.ceil(rows / files)) }
}

interface Order {
  readonly order: ClusterOrder
  readonly cuts: Float64Array
  /** Rows of the group, about. */
  readonly rows: number
}

async function orderOf(
  rewrite: RewriteContext,
  group: PlannedGroup,
  columns: readonly ClusterColumn[],
  { curve = 'hilbert', memoryBytes = DEFAULT_MEMORY_BYTES }: ClusterOptions,
): Promise<Order> {
  const sample = await sampleGroup(rewrite, group, columns)
  const order = new ClusterOrder(columns, sample.values, curve)
  const bytes = sample.rowsInAll * (await bytesOfRow(rewrite, group))
  const count = Math.max(1, Math.ceil(bytes / memoryBytes))
  return { order, cuts: cutsOf(order.placesOfSample(sample.values), count), rows: sample.rowsInAll }
}

// What a row takes in memory, by the first rows of the group.
async function bytesOfRow({ context, view, copy, signal }: RewriteContext, group: PlannedGroup): Promise<number> {
  const rows = group.files.map(({ row }) => row)
  for await (const { batch } of batchesToCopy(context.storage, view, copy, rows, { bytesInFlight: 0, signal }))
    if (batch.numRows > 0) return batchBytes(batch) / batch.numRows
  return 0
}

interface Unsorted {
  readonly rewrite: RewriteContext
  readonly group: PlannedGroup
  readonly source: AsyncIterable<PlacedRows>
  /** Where the order is cut; no more than that is between two cuts fits into memory. */
  readonly cuts: Float64Array
}

async function sortInto(output: GroupOutput, { rewrite, group, source, cuts }: Unsorted): Promise<void> {
  if (cuts.length === 0) return writeSorted(await collected(source), output)
  const perFile = Math.ceil((cuts.length + 1) / MAX_OPEN_RANGES)
  const between = cuts.filter((_, at) => (at + 1) % perFile === 0)
  const spill = new Spill(rewrite, group, between.length + 1)
  try {
    const deal = { next: 0 }
    for await (const { batch, places } of source)
      for (const [range, rows] of rowsByRange(rangesOfPlaces(places, between, deal)))
        await spill.add(range, { batch: take(batch, rows), places: Float64Array.from(rows, (row) => places[row] as number) })
    await spill.finish()
    for (let range = 0; range <= between.length; range++) {
      throwIfAborted(rewrite.signal, 'the sorting of rows')
      const within = cuts.subarray(range * perFile, (range + 1) * perFile - 1)
      await sortInto(output, { rewrite, group, source: spill.read(range), cuts: within })
      await spill.discard(range)
    }
  } finally {
    await spill.discard()
  }
}

async function collected(source: AsyncIterable<PlacedRows>): Promise<PlacedRows[]> {
  const placed: PlacedRows[] = []
  for await (const rows of source) placed.push(rows)
  return placed
}

/** Files are read while rows are put aside, which takes longer: few bytes ahead are enough. */
const READ_AHEAD_BYTES = 8 * 2 ** 20
/** Rows that are dealt out at once: those of small files, a few for each range, would cost more than they weigh. */
const GATHERED_ROWS = 1 << 15

/** The rows of a group in the form of the files, with their places. */
class PlacedSource {
  rowsRead = 0
  readonly #rewrite: RewriteContext
  readonly #group: PlannedGroup
  readonly #order: ClusterOrder

  constructor(rewrite: RewriteContext, group: PlannedGroup, order: ClusterOrder) {
    this.#rewrite = rewrite
    this.#group = group
    this.#order = order
  }

  async *batches(): AsyncGenerator<PlacedRows, void, undefined> {
    const { context, view, copy, signal } = this.#rewrite
    const rows = this.#group.files.map(({ row }) => row)
    let gathered: RecordBatch[] = []
    let count = 0
    for await (const copied of batchesToCopy(context.storage, view, copy, rows, { bytesInFlight: READ_AHEAD_BYTES, signal })) {
      throwIfAborted(signal, 'the sorting of rows')
      this.rowsRead += copied.rowsRead
      if (copied.batch.numRows > 0) gathered.push(copied.batch)
      count += copied.batch.numRows
      if (count < GATHERED_ROWS) continue
      const batches = gathered
      gathered = []
      count = 0
      yield this.#placed(batches)
    }
    if (gathered.length > 0) yield this.#placed(gathered)
  }

  #placed(batches: readonly RecordBatch[]): PlacedRows {
    const batch = concatBatches(batches)
    return { batch: this.#rewrite.copy.toFile(batch), places: this.#order.places(batch) }
  }
}

function rowsByRange(ranges: Int32Array): Map<number, Int32Array> {
  const counts = new Map<number, number>()
  for (const range of ranges) counts.set(range, (counts.get(range) ?? 0) + 1)
  const rows = new Map([...counts].map(([range, count]) => [range, { rows: new Int32Array(count), next: 0 }]))
  for (let row = 0; row < ranges.length; row++) {
    const of = rows.get(ranges[row] as number) as { rows: Int32Array; next: number }
    of.rows[of.next++] = row
  }
  return new Map([...rows].map(([range, of]) => [range, of.rows]))
}

/** Rows of one batch handed to the writer: what it may roll files at. */
const SORTED_ROWS = 1 << 14

// Takes the rows out of `placed`, so that they are not there twice for longer than it takes to put them together.
async function writeSorted(placed: PlacedRows[], output: GroupOutput): Promise<void> {
  if (placed.length === 0) return
  const places = new Float64Array(placed.reduce((sum, { batch }) => sum + batch.numRows, 0))
  let at = 0
  for (const rows of placed) {
    places.set(rows.places, at)
    at += rows.places.length
  }
  const all = concatBatches(placed.splice(0).map(({ batch }) => batch))
  // Rows at one place stay as they were, so that what was written together lies together.
  const sorted = Int32Array.from({ length: all.numRows }, (_, row) => row).sort(
    (a, b) => (places[a] as number) - (places[b] as number) || a - b,
  )
  for (let from = 0; from < sorted.length; from += SORTED_ROWS)
    await output.write(take(all, sorted.subarray(from, from + SORTED_ROWS)), { lent: true })
}
