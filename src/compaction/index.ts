// Maintenance of tables: what takes away, brings back, checks and takes over files.
export { type AutoCompaction, type AutoCompactionOptions, autoCompaction } from './auto-compaction.js'
export { type CloneOptions, type CloneResult, cloneTable } from './clone.js'
export { type ConvertOptions, type ConvertResult, convert } from './convert.js'
export { type FsckFinding, type FsckOptions, type FsckResult, fsck } from './fsck.js'
export { type InspectOptions, type InspectReport, inspect, type PositionFacts } from './inspect.js'
export type { DebtFacts, FileFacts, PartitionFacts, SizeHistogram } from './inspect-files.js'
export type { CommitFacts, HistoryFacts, SchemaChange } from './inspect-history.js'
export type { CheckpointFacts, LogFacts, LogKind } from './inspect-log.js'
export type { Amount, ReclaimFacts } from './inspect-reclaim.js'
export type { Inventory, InventoryFile } from './inventory.js'
export type { LeaseHolder, LeaseOptions } from './lease.js'
export { type MaintainPolicy, maintain } from './maintain.js'
export type {
  MaintainEvent,
  MaintainedSize,
  MaintainResult,
  MaintainState,
  MaintainStepName,
  MaintainStepReport,
  MaintainStepState,
  MaintainWork,
} from './maintain-report.js'
export { optimize } from './optimize.js'
export type { ClusterOptions, OptimizeOptions, OptimizeProgress } from './optimize-options.js'
export { formatPlan, type OptimizePlan, type PlannedGroup, planOptimize } from './optimize-plan.js'
export type { OptimizedGroup, OptimizeResult, SkippedGroup } from './optimize-result.js'
export type { FileGroup, GroupReason, PlanFile } from './plan.js'
export { type RestoreOptions, type RestoreResult, restore } from './restore.js'
export { type VacuumOptions, type VacuumResult, vacuum } from './vacuum.js'
