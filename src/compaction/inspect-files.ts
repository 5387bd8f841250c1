// What an inspection says of the live files: how their sizes are spread, in all and by partition, and what small files owe. Rule:
// memory grows with the number of partitions, not of what is told of each: details are kept for a few.
import type { LogView } from '../log/index.js'
import { SIZE_BOUNDS, sizeBin } from '../log/tally.js'
import { optimizeRules } from './optimize-options.js'
import { planCounts } from './optimize-plan.js'
import { PartitionNumbering } from './partition-numbering.js'
import { GOOD_SHARE } from './plan.js'

/** Files by size: bin `n` holds those from `bounds[n]` to below `bounds[n + 1]`. */
export interface SizeHistogram {
  readonly bounds: readonly number[]
  readonly files: readonly number[]
  readonly bytes: readonly number[]
}

export interface PartitionFacts {
  /** Names and values; null is null. */
  readonly values: readonly (readonly [name: string, value: string | null])[]
  readonly files: number
  readonly bytes: number
  /** Files below the size at which one counts as good. */
  readonly smallFiles: number
  readonly histogram: readonly number[]
}

export interface FileFacts {
  readonly count: number
  readonly bytes: number
  /** Files with a deletion vector. */
  readonly withVectors: number
  readonly histogram: SizeHistogram
  readonly partitionColumns: readonly string[]
  readonly partitionCount: number
  /** Those with the most small files, then the most bytes. */
  readonly partitions: readonly PartitionFacts[]
}

/** What small files owe, and what an `optimize` would do about it now. */
export interface DebtFacts {
  /** Bytes of a file as it should be. */
  readonly targetBytes: number
  /** Smaller ones count as small. */
  readonly goodBytes: number
  readonly smallFiles: number
  readonly smallBytes: number
  /** Undefined where it cannot be planned: `problem` says why. */
  readonly plan: { readonly groups: number; readonly files: number; readonly bytes: number } | undefined
  readonly problem?: string | undefined
}

/** Facts of the live files, with details of at most `maxPartitions` partitions. */
export function fileFacts(view: LogView, goodBytes: number, maxPartitions: number): FileFacts {
  const { files } = view
  const columns = files.partitionColumns
  const numbering = new PartitionNumbering(columns.map((name) => files.partition(name)))
  const histogram = { files: zeros(), bytes: zeros() }
  const groups: Group[] = []
  const rows = files.liveRows()
  for (const row of rows) {
    const size = files.size(row)
    const bin = sizeBin(size)
    histogram.files[bin] = (histogram.files[bin] as number) + 1
    histogram.bytes[bin] = (histogram.bytes[bin] as number) + size
    if (columns.length === 0) continue
    const partition = numbering.of(row)
    const group = (groups[partition] ??= { partition, files: 0, bytes: 0, small: 0 })
    group.files++
    group.bytes += size
    if (size < goodBytes) group.small++
  }
  const top = [...groups].sort((a, b) => b.small - a.small || b.bytes - a.bytes).slice(0, maxPartitions)
  const bins = new Map(top.map(({ partition }) => [partition, zeros()]))
  if (bins.size > 0) {
    for (const row of rows) {
      const of = bins.get(numbering.of(row))
      const bin = sizeBin(files.size(row))
      if (of !== undefined) of[bin] = (of[bin] as number) + 1
    }
  }
  return {
    count: files.numFiles,
    bytes: files.sizeBytes,
    withVectors: files.numVectors,
    histogram: { bounds: SIZE_BOUNDS, ...histogram },
    partitionColumns: columns,
    partitionCount: groups.length,
    partitions: top.map(({ partition, files, bytes, small }) => ({
      values: columns.map((name, at) => [name, numbering.partitions[partition]?.[at] ?? null] as const),
      files,
      bytes,
      smallFiles: small,
      histogram: bins.get(partition) ?? [],
    })),
  }
}

/** What small files owe. Never throws for what is in the table: a table that cannot be optimized has no plan. */
export async function debtFacts(view: LogView, signal: AbortSignal | undefined): Promise<DebtFacts> {
  const { targetBytes } = optimizeRules(view, {})
  const goodBytes = targetBytes * GOOD_SHARE
  let smallFiles = 0
  let smallBytes = 0
  for (const row of view.files.liveRows()) {
    const size = view.files.size(row)
    if (size >= goodBytes) continue
    smallFiles++
    smallBytes += size
  }
  const owed = { targetBytes, goodBytes, smallFiles, smallBytes }
  try {
    return { ...owed, plan: await planCounts(view, signal) }
  } catch (error) {
    if (signal?.aborted) throw error
    return { ...owed, plan: undefined, problem: error instanceof Error ? error.message : String(error) }
  }
}

interface Group {
  readonly partition: number
  files: number
  bytes: number
  small: number
}

function zeros(): number[] {
  return new Array<number>(SIZE_BOUNDS.length).fill(0)
}
