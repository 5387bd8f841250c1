// When a commit is to be followed by a checkpoint. Pure. A table that sets `delta.checkpointInterval` gets one every so many commits,
// exactly. Others get one every so many commits while it is small, and once it pays when it is not: unless it is of the second kind
// it writes the whole state again. On a remote store a checkpoint takes several requests besides, while the commits since the last
// one are read side by side: there the log must have some weight, or be long.
import { tableProperties } from '../../schema/index.js'
import { hasFeature, property } from '../features.js'
import type { LogView } from '../log-view.js'

/** A log of so many bytes is worth a checkpoint, however few commits it has. */
const HEAVY_BYTES = 64 * 2 ** 20
/** Less than this is read in a moment, from any store. */
const LIGHT_BYTES = 2 ** 20
/** The log must have this share of the checkpoint's size ... */
const WORTHWHILE = 1 / 4
/** ... or so many intervals of commits: as many files as readers fetch at once. */
const MAX_INTERVALS = 10

/** Whether the commit that made this version, of `commitBytes`, is to be followed by a checkpoint in a store that is remote or not. */
export function isCheckpointDue(view: LogView, commitBytes: number, remote: boolean): boolean {
  const { checkpoint: opened, logBytes } = view.replayState
  const last = view.shared.checkpoint ?? (opened === undefined ? undefined : { ...opened, logBytes: 0 })
  const commits = view.version - (last?.version ?? 0)
  if (commits < 1) return false
  const bytes = logBytes - (last?.logBytes ?? 0)
  const sizeBytes = last?.sizeBytes ?? 0
  const { checkpointInterval, checkpointPolicy } = tableProperties(view.metadata.configuration)
  const isHeavy = Math.floor(bytes / HEAVY_BYTES) > Math.floor((bytes - commitBytes) / HEAVY_BYTES)
  if (isHeavy && bytes >= sizeBytes / 2) return true
  if (commits % checkpointInterval !== 0) return false
  if (property(view.metadata, 'delta.checkpointInterval') !== undefined) return true
  if (!remote && sizeBytes < LIGHT_BYTES) return true
  // Of the second kind, it writes little more than what the log has.
  const isCheap = checkpointPolicy === 'v2' && hasFeature(view.protocol, 'v2Checkpoint')
  if (bytes >= Math.max(LIGHT_BYTES, isCheap ? 0 : sizeBytes * WORTHWHILE)) return true
  return commits >= checkpointInterval * MAX_INTERVALS
}
