// What rows that came from a checkpoint keep pointing at: the part they were read from, with the few fields that are
// worth no column of their own. Statistics stay in the file until somebody needs them.
import { AlluviumError, isAlluviumError } from '../errors.js'
import type { AddFile } from './actions.js'
import { ActionFault } from './parse-action.js'
import type { StatsPieces } from './stats-pieces.js'

/** Fields of an add beyond those the file table has columns for. */
export type AddExtras = Pick<AddFile, 'tags' | 'baseRowId' | 'defaultRowCommitVersion' | 'clusteringProvider'>

export interface CheckpointPart {
  /** Path inside the table. */
  readonly path: string
  /** How many adds the part has. */
  readonly numAdds: number
  /** Whether any add of the part has {@link extras}. */
  readonly hasExtras: boolean
  /** Whether the part holds nothing but adds. */
  readonly isPure: boolean
  /** By the row's ordinal in the part; `undefined` where the file has none of them. */
  extras(ordinal: number): AddExtras | undefined
  /** Statistics by the row's ordinal, once loaded. */
  stats: ((ordinal: number) => string | undefined) | undefined
  /** Reads the statistics from the file and keeps them; nothing to do where they are there already. */
  loadStats(signal?: AbortSignal): Promise<void>
  /** The statistics of some rows (ordinals, ascending), to be read piece by piece. */
  statsPieces(ordinals: Int32Array): StatsPieces
  /** Reads the statistics of some rows (ordinals, ascending), a row group at a time, and keeps none. Calls back once for each. */
  visitStats(ordinals: Int32Array, visit: StatsVisitor, signal?: AbortSignal): Promise<void>
}

/** Told of the statistics of the `nth` row asked for: the text `bytes[start, end)`, empty where there is none. */
export type StatsVisitor = (nth: number, bytes: Uint8Array, start: number, end: number) => void

/**
 * Runs work on a file of a checkpoint. What is wrong with the file makes the checkpoint unusable; who opens the log may
 * then try an older one.
 * @throws AlluviumError `CORRUPT_CHECKPOINT`, and what the store itself reports
 */
export async function onCheckpointFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const damaged = error instanceof ActionFault || isAlluviumError(error, 'CORRUPT_DATA', 'CORRUPT_LOG')
    if (!damaged) throw error
    throw new AlluviumError(
      'CORRUPT_CHECKPOINT',
      `the checkpoint file ${path} cannot be used: ${(error as Error).message}; write a new checkpoint, or restore the commits before it`,
      { path },
      { cause: error },
    )
  }
}
