// The order of rows along a curve, and its cuts into ranges that fit into memory: found from a sample, before any row is moved.
import type { RecordBatch } from 'apache-arrow'
import { batchesToCopy } from '../table/index.js'
import { Axis, type ClusterColumn, columnsToRead, type Ordered, orderedReader } from './cluster-columns.js'
import { bitsFor, hilbertPlace, zOrderPlace } from './curve.js'
import type { PlannedGroup } from './optimize-plan.js'
import type { PlanFile } from './plan.js'
import type { RewriteContext } from './rewrite-group.js'

/** Values of each column that are looked at before anything is ordered; enough for ranks of a thousandth. */
const SAMPLE = 1 << 16

/** Places of rows on a curve through some columns. */
export class ClusterOrder {
  readonly #columns: readonly ClusterColumn[]
  readonly #axes: readonly Axis[]
  readonly #bits: number
  readonly #place: typeof zOrderPlace
  readonly #point: Uint32Array

  constructor(columns: readonly ClusterColumn[], samples: readonly (readonly Ordered[])[], curve: 'zorder' | 'hilbert') {
    this.#columns = columns
    this.#bits = bitsFor(columns.length)
    const length = 2 ** this.#bits - 1
    this.#axes = samples.map((sample) => new Axis(sample, length))
    this.#place = curve === 'zorder' ? zOrderPlace : hilbertPlace
    this.#point = new Uint32Array(columns.length)
  }

  /** The places of the rows of a batch in the table's names. */
  places(batch: RecordBatch): Float64Array {
    const readers = this.#columns.map((column) => orderedReader(batch, column))
    const places = new Float64Array(batch.numRows)
    for (let row = 0; row < places.length; row++) places[row] = this.#placeOf((axis) => readers[axis]?.(row) ?? null)
    return places
  }

  /** The places of rows of the sample. */
  placesOfSample(samples: readonly (readonly Ordered[])[]): Float64Array {
    const places = new Float64Array(samples[0]?.length ?? 0)
    for (let row = 0; row < places.length; row++) places[row] = this.#placeOf((axis) => samples[axis]?.[row] ?? null)
    return places
  }

  #placeOf(value: (axis: number) => Ordered): number {
    for (let axis = 0; axis < this.#axes.length; axis++) this.#point[axis] = (this.#axes[axis] as Axis).of(value(axis))
    return this.#place(this.#point, this.#bits)
  }
}

/** Every so many rows of a group, by column; the same of all columns. */
export class Sample {
  values: Ordered[][]
  rows = 0
  /** The share of the group that was looked at, by bytes. */
  share = 1
  #every = 1

  constructor(columns: number) {
    this.values = Array.from({ length: columns }, () => [])
  }

  /** Rows of the group, about. */
  get rowsInAll(): number {
    return Math.ceil(this.rows / Math.max(this.share, Number.EPSILON))
  }

  add(batch: RecordBatch, columns: readonly ClusterColumn[]): void {
    const readers = columns.map((column) => orderedReader(batch, column))
    const first = (this.#every - (this.rows % this.#every)) % this.#every
    for (let row = first; row < batch.numRows; row += this.#every)
      for (const [axis, read] of readers.entries()) (this.values[axis] as Ordered[]).push(read(row))
    this.rows += batch.numRows
    // Every second one stands for two from now on, so that all rows are as likely to be in it.
    while ((this.values[0] as Ordered[]).length > 2 * SAMPLE) {
      this.#every *= 2
      this.values = this.values.map((values) => values.filter((_, at) => at % 2 === 0))
    }
  }
}

/** Files that are looked at, at most: values of so many say how those of all are spread. */
const SAMPLE_FILES = 256

/** Reads the columns of some files of a group, all of them where there are few, to learn how their values are spread. */
export async function sampleGroup(rewrite: RewriteContext, group: PlannedGroup, columns: readonly ClusterColumn[]): Promise<Sample> {
  const { context, view, copy, signal } = rewrite
  const needed = columnsToRead(view.schema, columns)
  const sample = new Sample(columns.length)
  const every = group.files.length / SAMPLE_FILES
  // Evenly over all of them: what was written together is often alike.
  const files = every <= 1 ? group.files : Array.from({ length: SAMPLE_FILES }, (_, at) => group.files[Math.floor(at * every)] as PlanFile)
  const rows = files.map(({ row }) => row)
  for await (const { batch } of batchesToCopy(context.storage, view, copy, rows, { needed, signal })) sample.add(batch, columns)
  sample.share = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / Math.max(1, group.sizeBytes)
  return sample
}

/** Places that cut a sample of places into `count` ranges of about as many rows; ascending. */
export function cutsOf(places: Float64Array, count: number): Float64Array {
  const sorted = places.slice().sort()
  return Float64Array.from({ length: count - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / count)] ?? 0)
}

/**
 * The range of each place: how many cuts are at or below it. Rows at a place that is several cuts at once are dealt out to all ranges
 * between, so that none gets too large.
 */
export function rangesOfPlaces(places: Float64Array, cuts: Float64Array, deal: { next: number }): Int32Array {
  const ranges = new Int32Array(places.length)
  for (let row = 0; row < places.length; row++) {
    const place = places[row] as number
    const last = countUpTo(cuts, place, true)
    const first = countUpTo(cuts, place, false)
    ranges[row] = last - first > 1 ? first + 1 + (deal.next++ % (last - first)) : last
  }
  return ranges
}

function countUpTo(cuts: Float64Array, place: number, inclusive: boolean): number {
  let low = 0
  let high = cuts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const cut = cuts[middle] as number
    if (cut < place || (inclusive && cut === place)) low = middle + 1
    else high = middle
  }
  return low
}
