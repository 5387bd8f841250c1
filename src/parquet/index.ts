// Parquet bytes <-> Arrow record batches, and the statistics of what is written. The only folder that knows the codec.

export { createDecodeThreads, type DecodeThreads } from './decode-thread.js'
export { type EncodeProperties, type EncodeRowGroup, encodeInThread, type WriteCodec } from './encode.js'
export { createEncodeWorker, type EncodeWorker } from './encode-worker.js'
export { initParquet } from './engine.js'
export type { ChunkInfo, RowGroupInfo } from './footer.js'
export { LeafFile, type LeafWanted, openLeafFile } from './leaf-file.js'
export type { LeafTexts, LeafValues } from './leaf-texts.js'
export { mergeStatistics } from './merge-statistics.js'
export { ReadAhead } from './read-ahead.js'
export { type BegunRead, openParquet, type ParquetFile, type ReadOptions } from './reader.js'
export { type RewriteOptions, type Rewritten, rewriteFiles } from './rewrite.js'
export { createRowGroupEncoder, type RowGroupEncoder, type RowGroupEncoderOptions } from './row-group-encoder.js'
export type { SchemaNode } from './schema-tree.js'
export type { ColumnPath } from './slice.js'
export { type ByteSource, bytesSource } from './source.js'
export {
  type OpenedForSplice,
  openForSplice,
  rowGroupsTooSmall,
  type SmallRowGroups,
  type Spliced,
  type SpliceInput,
  type SpliceOptions,
  type SpliceRowGroup,
  type SpliceRules,
  spliceFiles,
  spliceObstacle,
} from './splice.js'
export { StatisticsCollector, type StatisticsOptions } from './statistics.js'
export { type ByteSink, createParquetWriter, type ParquetWriter, type ParquetWriterOptions } from './writer.js'
export { unzstd } from './zstd.js'
