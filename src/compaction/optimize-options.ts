// What `optimize` can be told, checked at the door, all faults together; and what follows from the table where nothing is said.
import { AlluviumError } from '../errors.js'
import type { Expression } from '../filter/index.js'
import type { LogView } from '../log/index.js'
import { tableProperties } from '../schema/index.js'
import type { PackingRules } from './plan.js'

/** How rows are put in order across files. */
export interface ClusterOptions {
  /** Columns, best the ones that filters use; nested ones as `a.b`. */
  readonly by: readonly string[]
  /** `hilbert` (default) keeps rows that are near each other in all columns nearer than `zorder` does. */
  readonly curve?: 'zorder' | 'hilbert'
  /** Bytes of files that are put in order together, at most; an order over more serves filters better. Default 16 GiB. */
  readonly maxBytes?: number
  /**
   * Bytes of rows that are sorted in memory at once, about; the others wait in files of the table's store. The process grows by about
   * three times this, whatever the size of the table, and by what writing takes. Default 24 MiB.
   */
  readonly memoryBytes?: number
}

export interface OptimizeOptions {
  /** Bytes of a data file as it should be. Default: `delta.targetFileSize`, else 128 MiB. */
  readonly targetSize?: number
  /** Fewer files than this are not worth rewriting, unless rows were deleted from one. Default 2. */
  readonly minFiles?: number
  /** Only partitions that this is true for; it may look at partition columns alone. */
  readonly where?: Expression | string
  /**
   * A large file with a deletion vector is rewritten when this share of its rows is deleted: 0 for every vector, more than 1 for none.
   * Default 0.05.
   */
  readonly minDeletedShare?: number
  /** Sorts rows along a curve through these columns, so that filters on any of them need few files. */
  readonly cluster?: ClusterOptions
  /** Writes everything again in the order of `cluster`, also what was put in this order before. */
  readonly full?: boolean
  /** A commit is made when groups of so many bytes are done, so that an interruption costs no more. Default 1 GiB. */
  readonly maxBytesPerCommit?: number
  /** A commit is made when so many groups are done. Default 64. */
  readonly groupsPerCommit?: number
  /** How often files that others changed meanwhile are looked at anew. Default 5. */
  readonly maxAttempts?: number
  /** Row groups are copied as they are where that can be done: false decodes and encodes everything. Default true. */
  readonly splice?: boolean
  /** Said in `commitInfo`: nobody asked, it was time. */
  readonly auto?: boolean
  readonly signal?: AbortSignal | undefined
  /** Told as groups are done; what it throws is ignored. */
  readonly onProgress?: (progress: OptimizeProgress) => void
}

/** How far an `optimize` is. */
export interface OptimizeProgress {
  readonly groupsDone: number
  readonly groupsTotal: number
  /** Bytes of the files of these groups. */
  readonly bytesDone: number
  readonly bytesTotal: number
  readonly versions: readonly number[]
}

/** The options with what they mean for a table. */
export interface OptimizeRules extends PackingRules {
  readonly maxBytesPerCommit: number
  readonly groupsPerCommit: number
  readonly maxAttempts: number
  readonly splice: boolean
}

export const DEFAULT_TARGET_BYTES: number = 128 * 2 ** 20
export const DEFAULT_CLUSTER_BYTES: number = 16 * 2 ** 30
export const DEFAULT_MEMORY_BYTES: number = 24 * 2 ** 20
const DEFAULT_BYTES_PER_COMMIT = 2 ** 30
const DEFAULT_GROUPS_PER_COMMIT = 64
const DEFAULT_DELETED_SHARE = 0.05
const DEFAULT_ATTEMPTS = 5

/** @throws AlluviumError `INVALID_OPTIONS` listing every fault */
export function optimizeRules(view: LogView, options: OptimizeOptions): OptimizeRules {
  const faults: string[] = []
  const atLeast = (name: keyof OptimizeOptions, least: number, whole: boolean): void => {
    const value = options[name] as number | undefined
    if (value === undefined) return
    const isRight = typeof value === 'number' && value >= least && (whole ? Number.isSafeInteger(value) : Number.isFinite(value))
    if (!isRight) faults.push(`${name} must be ${whole ? 'a whole number' : 'a number'} of at least ${least}, not ${value}`)
  }
  for (const name of ['targetSize', 'maxBytesPerCommit', 'groupsPerCommit', 'maxAttempts'] as const) atLeast(name, 1, true)
  atLeast('minFiles', 2, true)
  atLeast('minDeletedShare', 0, false)
  if (options.cluster !== undefined) faults.push(...clusterFaults(options.cluster))
  if (options.full === true && options.cluster === undefined) faults.push('full goes with cluster only')
  if (faults.length > 0) throw new AlluviumError('INVALID_OPTIONS', `the options of optimize are wrong: ${faults.join('; ')}`, { faults })
  const own = tableProperties(view.metadata.configuration).targetFileSizeBytes
  return {
    targetBytes: options.targetSize ?? own ?? DEFAULT_TARGET_BYTES,
    minFiles: options.minFiles ?? 2,
    minDeletedShare: options.minDeletedShare ?? DEFAULT_DELETED_SHARE,
    maxBytesPerCommit: options.maxBytesPerCommit ?? DEFAULT_BYTES_PER_COMMIT,
    groupsPerCommit: options.groupsPerCommit ?? DEFAULT_GROUPS_PER_COMMIT,
    maxAttempts: options.maxAttempts ?? DEFAULT_ATTEMPTS,
    splice: options.splice ?? true,
  }
}

function clusterFaults({ by, curve, maxBytes = 1, memoryBytes = 1 }: ClusterOptions): string[] {
  const faults: string[] = []
  if (!Array.isArray(by) || by.length === 0) faults.push('cluster.by must name at least one column')
  if (curve !== undefined && curve !== 'zorder' && curve !== 'hilbert') faults.push(`cluster.curve must be zorder or hilbert, not ${curve}`)
  if (!(maxBytes >= 1)) faults.push(`cluster.maxBytes must be a number of at least 1, not ${maxBytes}`)
  if (!(memoryBytes >= 1)) faults.push(`cluster.memoryBytes must be a number of at least 1, not ${memoryBytes}`)
  return faults
}
