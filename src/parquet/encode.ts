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
  /** Top-level columns that get no statistics: whoever stitches the footer has them. */
  readonly withoutStatistics?: readonly string[]
}

/**
 * Turns an Arrow IPC stream into a Parquet file of one row group. May run anywhere. The stream's memory is the call's until it
 * has answered, and the answer may lie in it.
 */
export type EncodeRowGroup = (ipc: Uint8Array, properties: EncodeProperties) => Promise<Uint8Array>

/** The encoder in this thread, as a function of its own: for whoever wraps or replaces it. */
export const encodeInThread: EncodeRowGroup = async (ipc, properties) => {
  await initParquet()
  return encodeNow(ipc, properties)
}

/**
 * Encodes at once: blocks the thread for about 5 ms per MiB of Arrow, twice that when the process is young. `initParquet` must
 * have been awaited.
 */
export function encodeNow(ipc: Uint8Array, properties: EncodeProperties): Uint8Array {
  return callCodec((codec) => {
    let builder = new codec.WriterPropertiesBuilder()
    for (const [method, ...args] of builderCalls(properties)) builder = (builder[method] as (...args: unknown[]) => typeof builder)(...args)
    // The table and the properties are consumed by the call, whatever its outcome.
    return codec.writeParquet(codec.Table.fromIPCStream(ipc), builder.build())
  })
}

// Numbers of the codec's enums, which a worker must know without importing them.
const COMPRESSION = { uncompressed: 0, snappy: 1, gzip: 2, zstd: 5, lz4_raw: 6 } as const
const NO_STATISTICS = 0
const CHUNK_STATISTICS = 1
// Beyond any batch that fits: the table that is handed over is one row group.
const MAX_ROWS = 2 ** 31 - 1

type BuilderMethod = Exclude<keyof InstanceType<Codec['WriterPropertiesBuilder']>, 'build' | 'free' | typeof Symbol.dispose>

/** The calls on the codec's properties builder, as data. Chunk statistics are enough: page indexes would be dropped when stitching. */
export function builderCalls(properties: EncodeProperties): [BuilderMethod, ...unknown[]][] {
  return [
    ['setCompression', COMPRESSION[properties.codec]],
    ['setStatisticsEnabled', CHUNK_STATISTICS],
    ['setCreatedBy', properties.createdBy],
    ['setMaxRowGroupSize', MAX_ROWS],
    ['setDictionaryEnabled', properties.dictionary],
    ...properties.dictionaryOf.map(([name, enabled]): [BuilderMethod, ...unknown[]] => ['setColumnDictionaryEnabled', name, enabled]),
    ...(properties.withoutStatistics ?? []).map((name): [BuilderMethod, ...unknown[]] => [
      'setColumnStatisticsEnabled',
      name,
      NO_STATISTICS,
    ]),
  ]
}
