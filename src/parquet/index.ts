// Parquet bytes <-> Arrow record batches, and the statistics of what is written. The only folder that knows the codec.
export { initParquet } from './engine.js'
export type { ChunkInfo, RowGroupInfo } from './footer.js'
export { openParquet, type ParquetFile, type ReadOptions } from './reader.js'
export type { ColumnPath } from './slice.js'
export { type ByteSource, bytesSource } from './source.js'
