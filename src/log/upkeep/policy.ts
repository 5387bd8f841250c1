// When a commit is to be followed by a checkpoint. Pure. Every `delta.checkpointInterval` commits; where nobody has set it
// and the checkpoint is a whole one of a large table, only once the log since the last has some weight, as otherwise the
// checkpoints of small commits would be most of what is written. A heavy log gets one earlier.
import { tableProperties } from '../../schema/index.js'
import { hasFeature, property } from '../features.js'
import type { LogView } from '../log-view.js'

/** A log of so many bytes is worth a checkpoint, however few commits it has. */
const HEAVY_BYTES = 64 * 2 ** 20
/** The log must have this share of the checkpoint's size ... */
const WORTHWHILE = 1 / 4
/** ... or so many intervals of commits. */
const MAX_INTERVALS = 10

/** Whether the commit that made this version, of `commitBytes`, is to be followed by a checkpoint. */
export function isCheckpointDue(view: LogView, commitBytes: number): boolean {
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
  const isCheap = checkpointPolicy === 'v2' && hasFeature(view.protocol, 'v2Checkpoint')
  const isAsked = property(view.metadata, 'delta.checkpointInterval') !== undefined
  return isCheap || isAsked || bytes >= sizeBytes * WORTHWHILE || commits >= checkpointInterval * MAX_INTERVALS
}
