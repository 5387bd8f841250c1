// The streaming append.
export type { AfterCommitHook, StreamCommit, StreamMetrics, StreamWriterOptions } from './options.js'
export {
  type CommittedPosition,
  type OffsetLike,
  parsePositionAppId,
  positionAppId,
  type SourcePartition,
  type SourcePosition,
} from './positions.js'
export { createStreamWriter, StreamWriter } from './stream-writer.js'
export type { CommittedVersion, Ticket } from './tickets.js'
