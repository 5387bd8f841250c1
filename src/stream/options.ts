// The options of a stream writer, checked at the door, all faults together.
import { z } from 'zod'
import { AlluviumError } from '../errors.js'
import type { Table, WriteOptions } from '../table/index.js'

/** What is to be done after a commit, such as compacting small files. It should stop when the signal fires. */
export type AfterCommitHook = (table: Table<unknown, never>, commit: StreamCommit, signal: AbortSignal) => Promise<unknown>

export interface StreamWriterOptions {
  /**
   * Names this application in the table's `txn` actions. The same id resumes where it stopped. Without one, rows are
   * appended but positions are not kept: a restart appends them again.
   */
  readonly appId?: string
  /** When buffered rows are committed: whichever comes first. */
  readonly linger?: {
    /** Milliseconds since the first row that is not committed yet. Default 1000. */
    readonly ms?: number
    /** Rows. Default: no bound. */
    readonly rows?: number
    /** Arrow bytes. Default 32 MiB: twice that is held at most, the commit in flight and the next one. */
    readonly bytes?: number
  }
  /** Bound on all rows held, buffered and in flight, in Arrow bytes: `write` waits beyond it. Default 192 MiB. */
  readonly bufferBytes?: number
  /**
   * Bounds of one commit's retries. Streams that commit at the same time on one table share versions unless `shareCommit` is
   * false; each keeps its own positions and receipts.
   */
  readonly commit?: { readonly maxAttempts?: number; readonly timeoutMs?: number; readonly shareCommit?: boolean }
  /** How data files are written. Row groups are 8 MiB here unless said otherwise: a commit has several, and memory stays small. */
  readonly files?: Pick<WriteOptions, 'targetFileBytes' | 'rowGroupBytes'>
  /** Large commits are encoded on a thread where the platform has threads. Default true. */
  readonly encodeOnThread?: boolean
  /** Keys of rows that are no column are left out instead of refused. */
  readonly ignoreUnknown?: boolean
  /** Stops the writer: what is not committed is dropped. */
  readonly signal?: AbortSignal
  /** Told after each commit; errors thrown here are ignored. */
  readonly onCommit?: (commit: StreamCommit) => void
  /**
   * Done after commits, one at a time and in the background, such as `autoCompaction()`: writes do not wait for it and it fails no
   * stream. `close` waits for what is under way; `abort`, and whatever else ends the writer, stops it.
   */
  readonly afterCommit?: AfterCommitHook
  /** Told of errors of `afterCommit`. */
  readonly onAfterCommitError?: (error: unknown) => void
}

/** One commit of a stream. */
export interface StreamCommit {
  readonly version: number
  readonly numRows: number
  readonly numFiles: number
  readonly sizeBytes: number
  readonly durationMs: number
}

/** Counters since the writer was opened. */
export interface StreamMetrics {
  readonly rowsAccepted: number
  readonly rowsDuplicate: number
  readonly rowsCommitted: number
  readonly commits: number
  readonly bufferedRows: number
  readonly bufferedBytes: number
}

export interface ResolvedOptions {
  readonly appId: string | undefined
  readonly lingerMs: number
  readonly lingerRows: number
  readonly lingerBytes: number
  readonly bufferBytes: number
  /** Bytes of the next commit from which on it is encoded ahead. */
  readonly aheadFromBytes: number
}

// Fewer bytes take no time worth hiding.
const AHEAD_FROM_BYTES = 4 * 2 ** 20
/** A commit that is full sooner is encoded ahead from this share of it on. */
const AHEAD_FROM_SHARE = 1 / 8

const positive = z.number().positive()
const shape = z.strictObject({
  appId: z.string().min(1).optional(),
  linger: z.strictObject({ ms: z.number().min(0).optional(), rows: positive.optional(), bytes: positive.optional() }).optional(),
  bufferBytes: positive.optional(),
  commit: z
    .strictObject({ maxAttempts: z.int().positive().optional(), timeoutMs: positive.optional(), shareCommit: z.boolean().optional() })
    .optional(),
  files: z.strictObject({ targetFileBytes: positive.optional(), rowGroupBytes: positive.optional() }).optional(),
  encodeOnThread: z.boolean().optional(),
  ignoreUnknown: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onCommit: z.function().optional(),
  afterCommit: z.function().optional(),
  onAfterCommitError: z.function().optional(),
})

/** @throws AlluviumError `INVALID_OPTIONS` listing every fault. */
export function resolveOptions(options: StreamWriterOptions): ResolvedOptions {
  const checked = shape.safeParse(options)
  if (!checked.success) {
    const faults = checked.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`)
    throw new AlluviumError('INVALID_OPTIONS', `the stream writer's options are wrong: ${faults.join('; ')}`, { faults })
  }
  const { appId, linger = {}, bufferBytes = 192 * 2 ** 20 } = options
  const lingerBytes = Math.min(linger.bytes ?? 32 * 2 ** 20, bufferBytes)
  return {
    appId,
    lingerMs: linger.ms ?? 1000,
    lingerRows: linger.rows ?? Number.POSITIVE_INFINITY,
    lingerBytes,
    bufferBytes,
    aheadFromBytes: Math.min(AHEAD_FROM_BYTES, lingerBytes * AHEAD_FROM_SHARE),
  }
}
