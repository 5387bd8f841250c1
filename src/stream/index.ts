// The streaming append.
export type { StreamCommit, StreamWriterOptions } from './options.js'
export { type CommittedPosition, type OffsetLike, parsePositionAppId, positionAppId, type SourcePosition } from './positions.js'
export { createStreamWriter, type StreamMetrics, StreamWriter, type Ticket } from './stream-writer.js'
