// The public API. What is exported here is pinned by a test; everything else is free to change.
export { AlluviumError, type ErrorCode, type ErrorFacts, isAlluviumError } from './errors.js'
export {
  and,
  type BoundFilter,
  bindFilter,
  col,
  type Expression,
  formatExpression,
  not,
  or,
  parseFilter,
} from './filter/index.js'
export { type Runtime, systemRuntime, type Timer } from './runtime.js'
export {
  array,
  binary,
  boolean,
  byte,
  type ColumnSpec,
  type DataType,
  date,
  decimal,
  double,
  type Field,
  float,
  formatColumns,
  formatSchema,
  type InferRow,
  type InputOf,
  integer,
  long,
  map,
  parseColumns,
  parseSchema,
  type RowOf,
  type StructType,
  schema,
  schemaFromZod,
  short,
  string,
  struct,
  type TableSchema,
  timestamp,
  timestampNtz,
} from './schema/index.js'
export { type LocalStorageOptions, localStorage } from './storage/local.js'
export { memoryStorage } from './storage/memory.js'
export type { CallOptions, CreateOutcome, ObjectInfo, ObjectWriter, Storage, StorageCapabilities } from './storage/storage.js'
export {
  type CommittedPosition,
  createStreamWriter,
  type OffsetLike,
  type SourcePosition,
  type StreamCommit,
  type StreamMetrics,
  StreamWriter,
  type StreamWriterOptions,
  type Ticket,
} from './stream/index.js'
export {
  type AppendOptions,
  type AppendResult,
  type CreateOptions,
  createTable,
  openTable,
  type RowOptions,
  type RowSource,
  Scan,
  type ScanOptions,
  type ScanPlan,
  Snapshot,
  type SnapshotOptions,
  Table,
  Transaction,
} from './table/index.js'
export { VERSION } from './version.js'
