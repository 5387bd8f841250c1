// What an inspection says of the live files: how their sizes are spread, in all and by partition, and what small files owe. Rule:
// memory grows with the number of partitions, not of what is told of each: details are kept for a few.
import type { LogView } from '../log/index.js'
import { SIZE_BOUNDS, sizeBin } from '../log/tally.js'
import { optimizeRules } from './optimize-options.js'
import { planOn } from './optimize-plan.js'
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
  const views = columns.map((name) => files.partition(name))
  const histogram = { files: zeros(), bytes: zeros() }
  const keys = new Map<string, Group>()
  const keyOf = (row: number): string =>
    views
      .map((column) => column.values[column.ids(row)] ?? null)
      .reduce<string>((key, text) => `${key}${text === null ? '-' : `+${text.length} ${text}`}`, '')
  const rows = files.liveRows()
  for (const row of rows) {
    const size = files.size(row)
    const bin = sizeBin(size)
    histogram.files[bin] = (histogram.files[bin] as number) + 1
    histogram.bytes[bin] = (histogram.bytes[bin] as number) + size
    if (columns.length === 0) continue
    const key = keyOf(row)
    const group = keys.get(key)
    if (group === undefined) keys.set(key, { first: row, files: 1, bytes: size, small: size < goodBytes ? 1 : 0 })
    else {
      group.files++
      group.bytes += size
      if (size < goodBytes) group.small++
    }
  }
  const top = [...keys].sort(([, a], [, b]) => b.small - a.small || b.bytes - a.bytes).slice(0, maxPartitions)
  const bins = new Map(top.map(([key]) => [key, zeros()]))
  if (bins.size > 0) {
    for (const row of rows) {
      const of = bins.get(keyOf(row))
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
    partitionCount: columns.length === 0 ? 0 : keys.size,
    partitions: top.map(([key, group]) => ({
      values: columns.map((name, at) => [name, views[at]?.values[views[at]?.ids(group.first) ?? 0] ?? null] as const),
      files: group.files,
      bytes: group.bytes,
      smallFiles: group.small,
      histogram: bins.get(key) ?? [],
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
  try {
    const plan = await planOn(view, { signal })
    return {
      targetBytes,
      goodBytes,
      smallFiles,
      smallBytes,
      plan: { groups: plan.groups.length, files: plan.filesToRewrite, bytes: plan.bytesToRewrite },
    }
  } catch (error) {
    if (signal?.aborted) throw error
    return {
      targetBytes,
      goodBytes,
      smallFiles,
      smallBytes,
      plan: undefined,
      problem: error instanceof Error ? error.message : String(error),
    }
  }
}

interface Group {
  readonly first: number
  files: number
  bytes: number
  small: number
}

function zeros(): number[] {
  return new Array<number>(SIZE_BOUNDS.length).fill(0)
}
