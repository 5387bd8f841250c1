// What rewriting is told, and what it answers.
import type { StructType } from '../schema/index.js'
import type { WriteCodec } from './encode.js'
import type { RowGroupEncoder } from './row-group-encoder.js'
import type { StatisticsOptions } from './statistics.js'

/** How files are rewritten. */
export interface RewriteOptions {
  /** The columns of the new file. Files may lack some, which are null there; others of theirs are left out. */
  readonly schema: StructType
  readonly codec: WriteCodec
  /** Bytes of values, before compression, that make a row group, about. Default: 7 MiB, or 8 where files must be decoded. */
  readonly rowGroupBytes?: number
  /** Rows that make a row group; default 1,048,576. */
  readonly rowGroupRows?: number
  /** Which statistics to collect for the log; none where it is left out. */
  readonly statistics?: StatisticsOptions
  /** Whose threads work on it; default: an encoder of this call's own. */
  readonly encoder?: RowGroupEncoder
  readonly signal?: AbortSignal | undefined
}

/** A file that was made. */
export interface Rewritten {
  readonly sizeBytes: number
  readonly numRows: number
  /** The statistics asked for, as an `add` action has them. */
  readonly stats?: string
}
