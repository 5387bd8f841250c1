// What rows that came from a checkpoint keep pointing at: the part they were read from, with the few fields that are
// worth no column of their own. Statistics stay in the file until somebody needs them.
import type { AddFile } from './actions.js'

/** Fields of an add beyond those the file table has columns for. */
export type AddExtras = Pick<AddFile, 'tags' | 'baseRowId' | 'defaultRowCommitVersion' | 'clusteringProvider'>

export interface CheckpointPart {
  /** Path inside the table. */
  readonly path: string
  /** By the row's ordinal in the part; `undefined` where the file has none of them. */
  extras(ordinal: number): AddExtras | undefined
  /** Statistics by the row's ordinal, once loaded. */
  stats: ((ordinal: number) => string | undefined) | undefined
  /** Reads the statistics from the file; nothing to do where they are there already. */
  loadStats(signal?: AbortSignal): Promise<void>
}
