// Compaction as commits come: what a stream writer does after its commits. Rule: a table is looked at only when enough files may have
// come since the last look, and rewritten only where that pays.
import type { Table } from '../table/index.js'
import { optimize } from './optimize.js'
import type { OptimizeOptions } from './optimize-options.js'
import { planOptimize } from './optimize-plan.js'
import type { OptimizeResult } from './optimize-result.js'

export interface AutoCompactionOptions extends Pick<OptimizeOptions, 'targetSize' | 'minDeletedShare' | 'splice' | 'maxBytesPerCommit'> {
  /** So many small files of one partition are put together at once. Default 50, as Delta Spark's auto-compaction. */
  readonly minFiles?: number
  /** Told of each compaction. */
  readonly onResult?: (result: OptimizeResult) => void
}

/** What is done after a commit that added files. */
export type AutoCompaction = (
  table: Table<unknown, never>,
  commit: { readonly numFiles: number },
  signal: AbortSignal,
) => Promise<OptimizeResult | undefined>

const DEFAULT_MIN_FILES = 50

/**
 * A hook for `createStreamWriter` that compacts small files once there are many of them.
 *
 * @example
 * const writer = await createStreamWriter(events, { appId: 'ingest-1', afterCommit: autoCompaction() })
 */
export function autoCompaction(options: AutoCompactionOptions = {}): AutoCompaction {
  const { minFiles = DEFAULT_MIN_FILES, onResult, ...rest } = options
  // The first commit looks at what was there before.
  let since = Number.POSITIVE_INFINITY
  return async (table, { numFiles }, signal) => {
    since += numFiles
    if (since < minFiles) return undefined
    since = 0
    const wanted = { ...rest, minFiles, auto: true, signal }
    const plan = await planOptimize(table, wanted)
    if (plan.groups.length === 0) {
      // Those that are there already count for the next look.
      since = Math.min(plan.smallFiles, minFiles - 1)
      return undefined
    }
    const result = await optimize(table, wanted)
    onResult?.(result)
    return result
  }
}
