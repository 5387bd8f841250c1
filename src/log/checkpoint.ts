// Reading checkpoints into the file table (PROTOCOL.md, "Checkpoints"). Columns a writer left out are null, columns
// nobody knows are passed over.
import { AlluviumError } from '../errors.js'
import type { Storage } from '../storage/storage.js'
import type { Replay } from './replay.js'
import type { CheckpointFiles } from './segment.js'

/** Puts the rows of a checkpoint into the replay, which must be empty. @throws AlluviumError `CORRUPT_CHECKPOINT`, `UNSUPPORTED_FEATURE` */
export async function loadCheckpoint(
  _storage: Storage,
  checkpoint: CheckpointFiles,
  _replay: Replay,
  _signal: AbortSignal | undefined,
): Promise<void> {
  throw new AlluviumError('CORRUPT_CHECKPOINT', `${checkpoint.files[0]?.path} cannot be read yet`, { path: checkpoint.files[0]?.path })
}
