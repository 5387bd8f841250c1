// A group of files becomes files whose rows are in the order of a curve. Rule: memory is bounded whatever the group's size: the order is
// cut into ranges that fit, rows are put aside by range, and each range is sorted by itself.
import type { RecordBatch } from 'apache-arrow'
import { batchBytes, concatBatches, take } from '../arrow/index.js'
import { throwIfAborted } from '../errors.js'
import { formatJson } from '../json.js'
import { batchesToCopy } from '../table/index.js'
import { type ClusterColumn, clusterColumns } from './cluster-columns.js'
import { ClusterOrder, cutsOf, rangesOfPlaces, sampleGroup } from './cluster-order.js'
import type { ClusterOptions } from './optimize-options.js'
import type { PlannedGroup } from './optimize-plan.js'
import { CLUSTER_BY, CLUSTER_CURVE, CLUSTER_ID } from './plan-files.js'
import { checkCounts } from './read-back.js'
import { GroupOutput, type RewriteContext, type RewrittenGroup, ROLL_FACTOR, type RollAt } from './rewrite-group.js'
import { type PlacedRows, Spill } from './spill.js'

/** Arrow bytes of a range that is sorted in memory, about. */
const RANGE_BYTES = 64 * 2 ** 20
/** More files than this are not written at once. */
const MAX_RANGES = 256

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
  const spill = new Spill(rewrite, group, order.cuts.length + 1)
  try {
    const rowsRead =
      order.cuts.length === 0 ? await inMemory(rewrite, group, order, output) : await byRange(rewrite, group, order, spill, output)
    const written = await output.finish()
    checkCounts(
      view,
      group.files.map(({ row }) => row),
      { rowsRead, rowsWritten: written.rows },
    )
    return { group, mode: 're-encode', ...written }
  } catch (error) {
    await output.discard()
    throw error
  } finally {
    await spill.discard()
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
  { curve = 'hilbert', memoryBytes = RANGE_BYTES }: ClusterOptions,
): Promise<Order> {
  const sample = await sampleGroup(rewrite, group, columns)
  const order = new ClusterOrder(columns, sample.values, curve)
  const bytes = sample.rowsInAll * (await bytesOfRow(rewrite, group))
  const count = Math.min(MAX_RANGES, Math.max(1, Math.ceil(bytes / memoryBytes)))
  return { order, cuts: cutsOf(order.placesOfSample(sample.values), count), rows: sample.rowsInAll }
}

// What a row takes in memory, by the first rows of the group.
async function bytesOfRow({ context, view, copy, signal }: RewriteContext, group: PlannedGroup): Promise<number> {
  const rows = group.files.map(({ row }) => row)
  for await (const { batch } of batchesToCopy(context.storage, view, copy, rows, { bytesInFlight: 0, signal }))
    if (batch.numRows > 0) return batchBytes(batch) / batch.numRows
  return 0
}

async function inMemory(rewrite: RewriteContext, group: PlannedGroup, { order }: Order, output: GroupOutput): Promise<number> {
  const placed: PlacedRows[] = []
  const rowsRead = await eachBatch(rewrite, group, async (batch) => {
    placed.push({ batch: rewrite.copy.toFile(batch), places: order.places(batch) })
  })
  await writeSorted(placed, output)
  return rowsRead
}

async function byRange(
  rewrite: RewriteContext,
  group: PlannedGroup,
  { order, cuts }: Order,
  spill: Spill,
  output: GroupOutput,
): Promise<number> {
  const deal = { next: 0 }
  const rowsRead = await eachBatch(rewrite, group, async (batch) => {
    const places = order.places(batch)
    const inFile = rewrite.copy.toFile(batch)
    for (const [range, rows] of rowsByRange(rangesOfPlaces(places, cuts, deal)))
      await spill.add(range, { batch: take(inFile, rows), places: Float64Array.from(rows, (row) => places[row] as number) })
  })
  await spill.finish()
  for (let range = 0; range <= cuts.length; range++) {
    throwIfAborted(rewrite.signal, 'the sorting of rows')
    const placed: PlacedRows[] = []
    for await (const rows of spill.read(range)) placed.push(rows)
    await writeSorted(placed, output)
  }
  return rowsRead
}

/** Rows that are dealt out at once: those of small files, a few for each range, would cost more than they weigh. */
const GATHERED_ROWS = 1 << 15

async function eachBatch(rewrite: RewriteContext, group: PlannedGroup, use: (batch: RecordBatch) => Promise<void>): Promise<number> {
  const { context, view, copy, signal } = rewrite
  const rows = group.files.map(({ row }) => row)
  let rowsRead = 0
  let gathered: RecordBatch[] = []
  let count = 0
  const handOn = async (): Promise<void> => {
    const batches = gathered
    gathered = []
    count = 0
    if (batches.length > 0) await use(concatBatches(batches))
  }
  for await (const copied of batchesToCopy(context.storage, view, copy, rows, { signal })) {
    throwIfAborted(signal, 'the sorting of rows')
    rowsRead += copied.rowsRead
    if (copied.batch.numRows > 0) gathered.push(copied.batch)
    count += copied.batch.numRows
    if (count >= GATHERED_ROWS) await handOn()
  }
  await handOn()
  return rowsRead
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
const SORTED_ROWS = 1 << 16

async function writeSorted(placed: readonly PlacedRows[], output: GroupOutput): Promise<void> {
  if (placed.length === 0) return
  const all = concatBatches(placed.map(({ batch }) => batch))
  const places = new Float64Array(all.numRows)
  let at = 0
  for (const rows of placed) {
    places.set(rows.places, at)
    at += rows.places.length
  }
  // Rows at one place stay as they were, so that what was written together lies together.
  const sorted = Int32Array.from({ length: all.numRows }, (_, row) => row).sort(
    (a, b) => (places[a] as number) - (places[b] as number) || a - b,
  )
  for (let from = 0; from < sorted.length; from += SORTED_ROWS) await output.write(take(all, sorted.subarray(from, from + SORTED_ROWS)))
}
