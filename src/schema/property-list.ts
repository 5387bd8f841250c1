// The list of table properties that Delta's writers know, each with its meaning and its default. A property that is not
// in this list cannot be set; one that a table already has is preserved all the same.
import { type Parsed, parseColumnList, parseCount, parseFlag, parseIntervalMs, parseSizeBytes, parseWord } from './property-values.js'

/** Codecs of new data files (`lz4`, the deprecated Hadoop framing, is read but never written). */
export type ParquetCodec = 'zstd' | 'snappy' | 'gzip' | 'lz4_raw' | 'uncompressed'

/** Typed values of the properties, with Delta's defaults. */
export interface PropertyValues {
  /** Only appends: no commit may remove rows. Default false. */
  readonly appendOnly: boolean
  /** Commits between checkpoints. Default 10. */
  readonly checkpointInterval: number
  readonly checkpointPolicy: 'classic' | 'v2'
  /** Default true. */
  readonly checkpointWriteStatsAsJson: boolean
  /** Default false, as the protocol says. */
  readonly checkpointWriteStatsAsStruct: boolean
  /** How long log files are kept. Default 30 days. */
  readonly logRetentionDurationMs: number
  readonly checkpointRetentionDurationMs: number
  /** Default true. */
  readonly enableExpiredLogCleanup: boolean
  /** How long removed data files and their tombstones are kept. Default 7 days. */
  readonly deletedFileRetentionDurationMs: number
  /** How long `txn` actions are kept; undefined: for ever. */
  readonly setTransactionRetentionDurationMs: number | undefined
  readonly isolationLevel: 'Serializable' | 'WriteSerializable' | 'SnapshotIsolation'
  readonly columnMappingMode: 'none' | 'id' | 'name'
  readonly columnMappingMaxColumnId: number
  readonly enableDeletionVectors: boolean
  readonly enableChangeDataFeed: boolean
  readonly enableRowTracking: boolean
  readonly rowTrackingSuspended: boolean
  readonly enableInCommitTimestamps: boolean
  readonly inCommitTimestampEnablementVersion: number | undefined
  /** Milliseconds since 1970. */
  readonly inCommitTimestampEnablementTimestamp: number | undefined
  readonly enableTypeWidening: boolean
  readonly enableVariantShredding: boolean
  /** Leaf columns with statistics; -1 for all. Default 32. */
  readonly dataSkippingNumIndexedCols: number
  /** Column paths with statistics, in place of the first so many. */
  readonly dataSkippingStatsColumns: readonly (readonly string[])[] | undefined
  /** Code points kept of text in statistics. Default 32. */
  readonly dataSkippingStringPrefixLength: number
  /** Default zstd. */
  readonly parquetCompressionCodec: ParquetCodec
  /** `1.0.0` or `2.x.x`. */
  readonly parquetFormatVersion: string
  /** Size that compaction and writers aim at; undefined: their own choice. */
  readonly targetFileSizeBytes: number | undefined
  /** Small files are put together as they come. Default false. */
  readonly autoCompact: boolean
  readonly randomizeFilePrefixes: boolean
  readonly randomPrefixLength: number
  /** Partition columns are also stored in data files; undefined: not said. */
  readonly writePartitionColumnsToParquet: boolean | undefined
  readonly requireCheckpointProtectionBeforeVersion: number
}

/** One property: its key in the log, how its text is read, and who may set it. */
export interface KnownProperty {
  readonly key: string
  /** The member of {@link PropertyValues}, or the key itself for properties that nothing here asks for. */
  readonly name: string
  readonly parse: (text: string) => Parsed<unknown>
  readonly fallback: unknown
  /** Changed by operations on the table only. */
  readonly keptByWriters?: boolean
  /** The table feature that a value switches on. */
  readonly feature?: { readonly name: string; readonly when: (lowerCase: string) => boolean }
}

const DAY_MS = 86_400_000
const isTrue = (text: string): boolean => text === 'true'
const anyText = (text: string): Parsed<string> => ({ value: text })
const count = (min: number, max?: number) => (text: string) => parseCount(text, min, max)

function typed<N extends keyof PropertyValues>(
  key: string,
  name: N,
  parse: (text: string) => Parsed<PropertyValues[N]>,
  fallback: PropertyValues[N],
  more: Pick<KnownProperty, 'keptByWriters' | 'feature'> = {},
): KnownProperty {
  return { key: `delta.${key}`, name, parse, fallback, ...more }
}

function plain(
  key: string,
  parse: (text: string) => Parsed<unknown>,
  more: Pick<KnownProperty, 'keptByWriters' | 'feature'> = {},
): KnownProperty {
  return { key: `delta.${key}`, name: `delta.${key}`, parse, fallback: undefined, ...more }
}

function switches(name: string): Pick<KnownProperty, 'feature'> {
  return { feature: { name, when: isTrue } }
}

const KEPT = { keptByWriters: true } as const

// `none` is Hadoop's word for uncompressed. A table that asks for `lz4` gets the protocol's default instead: a writer may fall back.
function parseCodec(text: string): Parsed<ParquetCodec> {
  const word = parseWord(text, ['zstd', 'snappy', 'gzip', 'lz4_raw', 'uncompressed', 'none', 'lz4'] as const)
  if ('fault' in word) return word
  return { value: word.value === 'none' ? 'uncompressed' : word.value === 'lz4' ? 'zstd' : word.value }
}

// Spark's other words say how large the files become.
function parseAutoCompact(text: string): Parsed<boolean> {
  const word = parseWord(text, ['true', 'false', 'auto', 'legacy'] as const)
  return 'fault' in word ? word : { value: word.value !== 'false' }
}

function parseFormatVersion(text: string): Parsed<string> {
  const version = text.trim()
  return /^(1\.0\.0|2\.\d{1,4}\.\d{1,4})$/.test(version) ? { value: version } : { fault: 'must be 1.0.0 or 2.MINOR.PATCH' }
}

/** Every property that can be set or is read here. */
export const KNOWN_PROPERTIES: readonly KnownProperty[] = [
  typed('appendOnly', 'appendOnly', parseFlag, false, switches('appendOnly')),
  typed('checkpointInterval', 'checkpointInterval', count(1), 10),
  typed('checkpointPolicy', 'checkpointPolicy', (text) => parseWord(text, ['classic', 'v2'] as const), 'classic', {
    feature: { name: 'v2Checkpoint', when: (text) => text === 'v2' },
  }),
  typed('checkpoint.writeStatsAsJson', 'checkpointWriteStatsAsJson', parseFlag, true),
  typed('checkpoint.writeStatsAsStruct', 'checkpointWriteStatsAsStruct', parseFlag, false),
  typed('logRetentionDuration', 'logRetentionDurationMs', parseIntervalMs, 30 * DAY_MS),
  typed('checkpointRetentionDuration', 'checkpointRetentionDurationMs', parseIntervalMs, 2 * DAY_MS),
  typed('enableExpiredLogCleanup', 'enableExpiredLogCleanup', parseFlag, true),
  typed('deletedFileRetentionDuration', 'deletedFileRetentionDurationMs', parseIntervalMs, 7 * DAY_MS),
  typed('setTransactionRetentionDuration', 'setTransactionRetentionDurationMs', parseIntervalMs, undefined),
  typed(
    'isolationLevel',
    'isolationLevel',
    (text) => parseWord(text, ['Serializable', 'WriteSerializable', 'SnapshotIsolation'] as const),
    'Serializable',
  ),
  typed('columnMapping.mode', 'columnMappingMode', (text) => parseWord(text, ['none', 'id', 'name'] as const), 'none', {
    feature: { name: 'columnMapping', when: (text) => text === 'id' || text === 'name' },
  }),
  typed('columnMapping.maxColumnId', 'columnMappingMaxColumnId', count(0), 0, KEPT),
  typed('enableDeletionVectors', 'enableDeletionVectors', parseFlag, false, switches('deletionVectors')),
  typed('enableChangeDataFeed', 'enableChangeDataFeed', parseFlag, false, switches('changeDataFeed')),
  typed('enableRowTracking', 'enableRowTracking', parseFlag, false, switches('rowTracking')),
  typed('rowTrackingSuspended', 'rowTrackingSuspended', parseFlag, false),
  plain('rowTracking.materializedRowIdColumnName', anyText, KEPT),
  plain('rowTracking.materializedRowCommitVersionColumnName', anyText, KEPT),
  typed('enableInCommitTimestamps', 'enableInCommitTimestamps', parseFlag, false, switches('inCommitTimestamp')),
  typed('inCommitTimestampEnablementVersion', 'inCommitTimestampEnablementVersion', count(0), undefined, KEPT),
  typed('inCommitTimestampEnablementTimestamp', 'inCommitTimestampEnablementTimestamp', count(0), undefined, KEPT),
  typed('enableTypeWidening', 'enableTypeWidening', parseFlag, false, switches('typeWidening')),
  typed('enableVariantShredding', 'enableVariantShredding', parseFlag, false, switches('variantShredding')),
  typed('dataSkippingNumIndexedCols', 'dataSkippingNumIndexedCols', count(-1), 32),
  typed('dataSkippingStatsColumns', 'dataSkippingStatsColumns', parseColumnList, undefined),
  typed('dataSkippingStringPrefixLength', 'dataSkippingStringPrefixLength', count(1, 1_000_000), 32),
  typed('parquet.compression.codec', 'parquetCompressionCodec', parseCodec, 'zstd'),
  typed('parquet.format.version', 'parquetFormatVersion', parseFormatVersion, '1.0.0'),
  typed('targetFileSize', 'targetFileSizeBytes', parseSizeBytes, undefined),
  typed('randomizeFilePrefixes', 'randomizeFilePrefixes', parseFlag, false),
  typed('randomPrefixLength', 'randomPrefixLength', count(1, 64), 2),
  typed('writePartitionColumnsToParquet', 'writePartitionColumnsToParquet', parseFlag, undefined),
  typed('requireCheckpointProtectionBeforeVersion', 'requireCheckpointProtectionBeforeVersion', count(0), 0, KEPT),
  plain('enableFullRetentionRollback', parseFlag),
  plain('sampleRetentionDuration', parseIntervalMs),
  plain('enableIcebergCompatV1', parseFlag, switches('icebergCompatV1')),
  plain('enableIcebergCompatV2', parseFlag, switches('icebergCompatV2')),
  plain('enableIcebergCompatV3', parseFlag, switches('icebergCompatV3')),
  plain('universalFormat.enabledFormats', anyText),
  plain('tuneFileSizesForRewrites', parseFlag),
  plain('autoOptimize', parseFlag),
  typed('autoOptimize.autoCompact', 'autoCompact', parseAutoCompact, false),
  plain('autoOptimize.optimizeWrite', parseFlag),
  plain('enableMaterializePartitionColumnsFeature', parseFlag, switches('materializePartitionColumns')),
  plain('compatibility.symlinkFormatManifest.enabled', parseFlag),
  plain('dropFeatureTruncateHistory.retentionDuration', parseIntervalMs),
  plain('redirectReaderWriter-preview', anyText, KEPT),
  plain('redirectWriterOnly-preview', anyText, KEPT),
]
