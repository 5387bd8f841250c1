// The Delta log: names, actions, segments, and the columnar state of a version. Committing is in commit/.

export type * from './actions.js'
export type { ChecksumReport } from './checksum.js'
export { type CommitOrigin, formatAction, formatCommit, parseAction, parseCommit } from './commit-json.js'
export { type DataHome, resolveDataPath } from './data-path.js'
export { DeletedRows, deletionVectorPath, loadDeletionVector } from './deletion-vectors/index.js'
export { type LogFacts, loadFacts } from './facts.js'
export {
  assertReadable,
  assertWritable,
  columnMappingMode,
  FEATURES,
  type Feature,
  type FeatureSupport,
  featuresOf,
  findFeature,
  hasFeature,
  property,
} from './features.js'
export {
  checksumPath,
  classicCheckpointPath,
  commitPath,
  LAST_CHECKPOINT_PATH,
  LOG_FOLDER,
  type LogFile,
  padVersion,
  parseLogName,
} from './file-names.js'
export { vectorId } from './file-table.js'
export type { FileView, PartitionView } from './file-view.js'
export {
  type CommitClock,
  type CommitEntry,
  commitTimestamp,
  commitTimestamps,
  type HistoryOptions,
  openClock,
  readHistory,
  versionAtTimestamp,
} from './history.js'
export type { LogLimits } from './limits.js'
export { type LoadOptions, loadLog, type RefreshOptions, refreshLog } from './load.js'
export { createdView, type LogView } from './log-view.js'
export { readCommitBytes } from './read-commit.js'
export { type CleanLogOptions, type CleanLogResult, cleanLog, deleteAll } from './upkeep/clean-log.js'
export { loadTombstones, type TombstoneOptions, type Tombstones, tombstonePaths } from './upkeep/tombstones.js'
export { Upkeep, type UpkeepOptions, type UpkeepReport } from './upkeep/upkeep.js'
export { type CheckpointContext, type CheckpointOptions, type CheckpointResult, writeCheckpoint } from './upkeep/write-checkpoint.js'
export { type CompactLogResult, compactLog } from './upkeep/write-compaction.js'
