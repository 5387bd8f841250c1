// "Rewrite": several Parquet files made one, in row groups of a good size, by the shortest way that their columns allow. Rule: every
// row of every file, in order; memory depends on the size of a row group, not on the files.
import { assertWritable } from './file-schema.js'
import { recodeHere } from './recode-thread.js'
import { rewriteDecoded } from './rewrite-decoded.js'
import type { RewriteOptions, Rewritten } from './rewrite-options.js'
import { planRecoding, rewriteRecoded } from './rewrite-recoded.js'
import { createRowGroupEncoder } from './row-group-encoder.js'
import type { OpenedForSplice } from './splice-open.js'
import type { ByteSink } from './writer.js'

export type { RewriteOptions, Rewritten } from './rewrite-options.js'

// Less than this is not worth a thread.
const THREADS_FROM_BYTES = 4 * 2 ** 20

/**
 * Writes one file with the rows of all files, in order. The sink is not closed.
 * @throws AlluviumError `CORRUPT_DATA`, `SCHEMA_MISMATCH`, `LIMIT_EXCEEDED`, `UNSUPPORTED_FEATURE`, `CONSTRAINT_VIOLATED` for a null in a
 * column that must have none; the sources' and the sink's own errors
 *
 * @example
 * const opened = await Promise.all(inputs.map((input) => openForSplice(input)))
 * const { sizeBytes, stats } = await rewriteFiles(opened, sink, { schema, codec: 'zstd', statistics: {} })
 */
export async function rewriteFiles(inputs: readonly OpenedForSplice[], sink: ByteSink, options: RewriteOptions): Promise<Rewritten> {
  for (const name of ['rowGroupBytes', 'rowGroupRows'] as const) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new RangeError(`${name} must be at least 1, not ${value}`)
  }
  assertWritable(options.schema)
  const encoder = options.encoder ?? createRowGroupEncoder()
  try {
    const plan = await planRecoding(inputs, options)
    if (plan === undefined) return await rewriteDecoded(inputs, sink, options, encoder)
    const bytes = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return await rewriteRecoded(inputs, sink, plan, options, bytes < THREADS_FROM_BYTES ? recodeHere : (encoder.recoder ?? recodeHere))
  } finally {
    if (options.encoder === undefined) await encoder.close()
  }
}
