// Tables: create, open, append, overwrite, snapshot, scan, history, properties.
export {
  type CommitOptions,
  type CommitResult,
  CommitStateUnknownError,
  type ConflictRule,
  type IsolationLevel,
  mayDeleteDataFiles,
} from '../log/commit/index.js'
export type {
  AddFile,
  CheckpointOptions,
  CheckpointResult,
  CleanLogOptions,
  CleanLogResult,
  CommitEntry,
  DeletionVectorDescriptor,
  DomainMetadata,
  LogView,
  Metadata,
  Protocol,
  Txn,
  UpkeepReport,
} from '../log/index.js'
export { createRowGroupEncoder, type RowGroupEncoder } from '../parquet/index.js'
export { type AppendOptions, type AppendResult, commitAppend } from './append.js'
export { storageByteSource } from './byte-source.js'
export { CHANGE_FIELDS, type ChangeType } from './change-schema.js'
export { type ChangeRow, Changes } from './changes.js'
export type { ChangesOptions, ChangesPlan, PlannedVersion } from './changes-plan.js'
export type { Operation, TableContext } from './context.js'
export { batchesToCopy, type CopiedBatch, type CopyOptions, type CopyPlan, planCopy } from './copy-rows.js'
export { type CreateOptions, createTableOn, type OpenOptions, openTableOn, protocolFor, tableContext, type UpkeepChoice } from './create.js'
export { DataWriter, type DataWriterOptions, type WrittenFiles } from './data-writer.js'
export { addOfFile, type NewFile, startDataFile } from './new-file.js'
export { createTable, openTable, storageFor, type WithStorageOptions } from './open.js'
export { partitionOf } from './prune.js'
export { batchesOf, invalidRows, type RowSource, type RowSourceOptions } from './row-source.js'
export { type RowOptions, Scan } from './scan.js'
export type { ScanOptions, ScanPlan } from './scan-plan.js'
export { Snapshot } from './snapshot.js'
export { LatestScan, type SnapshotOptions, Table } from './table.js'
export { versionWanted } from './time-point.js'
export { Transaction, type TransactionCommitOptions, type TransactionOptions, tombstone } from './transaction.js'
export { mayBeVacuumed } from './vacuumed-meanwhile.js'
export { dataWriterFor, type WriteOptions } from './write-options.js'
