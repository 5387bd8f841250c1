// One row group from Arrow IPC bytes to Parquet bytes. Settings are plain data, so that the call can be made on a
// worker instead: whatever implements `EncodeRowGroup` may take its place in the writer.
import { type Codec, callCodec, initParquet } from './engine.js'

/** Codecs that can be written. */
export type WriteCodec = 'snappy' | 'zstd' | 'uncompressed' | 'gzip' | 'lz4_raw'

/** How a row group is encoded. */
export interface EncodeProperties {
  readonly codec: WriteCodec
  readonly createdBy: string
  /** Dictionaries in columns that are not in `dictionaryOf`: nested ones, above all. */
  readonly dictionary: boolean
  /** Top-level columns and whether each gets a dictionary. */
  readonly dictionaryOf: readonly (readonly [name: string, enabled: boolean])[]
}

/** Turns an Arrow IPC stream into a Parquet file of one row group. May run anywhere; must not change its input. */
export type EncodeRowGroup = (ipc: Uint8Array, properties: EncodeProperties) => Promise<Uint8Array>

/** The encoder in this thread: blocks it for about 50 to 100 ms per 10 MB. */
export const encodeInThread: EncodeRowGroup = async (ipc, properties) => {
  await initParquet()
  return callCodec((codec) => {
    const table = codec.Table.fromIPCStream(ipc)
    // Both are consumed by the call, whatever its outcome.
    return codec.writeParquet(table, writerProperties(codec, properties))
  })
}

// Chunk statistics are enough for readers; page indexes would be dropped when row groups are stitched.
function writerProperties(codec: Codec, properties: EncodeProperties): ReturnType<InstanceType<Codec['WriterPropertiesBuilder']>['build']> {
  const { Compression, EnabledStatistics } = codec
  const compression = {
    uncompressed: Compression.UNCOMPRESSED,
    snappy: Compression.SNAPPY,
    gzip: Compression.GZIP,
    zstd: Compression.ZSTD,
    lz4_raw: Compression.LZ4_RAW,
  }[properties.codec]
  let builder = new codec.WriterPropertiesBuilder()
    .setCompression(compression)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setCreatedBy(properties.createdBy)
    .setDictionaryEnabled(properties.dictionary)
    .setMaxRowGroupSize(MAX_ROWS)
  for (const [name, enabled] of properties.dictionaryOf) builder = builder.setColumnDictionaryEnabled(name, enabled)
  return builder.build()
}

// Beyond any batch that fits: the table that is handed over is one row group.
const MAX_ROWS = 2 ** 31 - 1
