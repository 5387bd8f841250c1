// What every operation on a table works with, and how a commit describes itself.
import type { Committer } from '../log/commit/index.js'
import type { LogView, Upkeep } from '../log/index.js'
import type { Runtime } from '../runtime.js'
import type { Storage } from '../storage/storage.js'

/** What every operation on a table works with. */
export interface TableContext {
  readonly storage: Storage
  readonly runtime: Runtime
  readonly committer: Committer
  /** What follows commits: checksums, checkpoints, cleaning the log. */
  readonly upkeep?: Upkeep | undefined
}

/** How a commit describes itself in `commitInfo`. Metrics must be true: they are counted, not estimated. */
export interface Operation {
  /** The name Spark uses: `WRITE`, `STREAMING UPDATE`, `SET TBLPROPERTIES`, … */
  readonly operation: string
  readonly operationParameters: Readonly<Record<string, unknown>>
  readonly operationMetrics?: Readonly<Record<string, string>>
  readonly userMetadata?: string
}

/** What the files of a table must fit: a version's own, or one that a transaction is about to make. */
export type TableForm = Pick<LogView, 'schema' | 'metadata' | 'protocol'>
