// How data files of a table are written, from its properties (PROTOCOL.md, "Table Properties") and the caller's options.
import { physicalBatch } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { columnMappingMode, type Metadata, type Protocol } from '../log/index.js'
import type { RowGroupEncoder } from '../parquet/index.js'
import {
  formatPath,
  normalizePropertyKey,
  type ParquetCodec,
  physicalPath,
  physicalStruct,
  statsLeaves,
  tableProperties,
} from '../schema/index.js'
import type { TableContext, TableForm } from './context.js'
import { DataWriter, type DataWriterOptions } from './data-writer.js'

export interface WriteOptions {
  /** Close a data file once it has this many bytes. Default: the table's `delta.targetFileSize`, else 128 MiB. */
  readonly targetFileBytes?: number
  /** Arrow bytes of one Parquet row group. */
  readonly rowGroupBytes?: number
  /** Bound on rows held in memory over all open files, in Arrow bytes. Default 256 MiB. */
  readonly bufferBytes?: number
  /** Encodes row groups; the caller closes it. Default: one that uses threads for large row groups, closed with the write. */
  readonly encoder?: RowGroupEncoder | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the files of a table are like. */
export type FilePlan = Pick<
  DataWriterOptions,
  'schema' | 'partitionColumns' | 'statsColumns' | 'rename' | 'codec' | 'targetFileBytes' | 'stringPrefixLength'
>

const DEFAULT_TARGET_FILE_BYTES = 128 * 2 ** 20

/** A writer of data files that follows the table's own properties. */
export function dataWriterFor(context: TableContext, view: TableForm, options: WriteOptions = {}): DataWriter {
  return new DataWriter(context.storage, context.runtime, dataWriterOptions(view, options))
}

function dataWriterOptions(view: TableForm, options: WriteOptions): DataWriterOptions {
  for (const key of ['targetFileBytes', 'rowGroupBytes', 'bufferBytes'] as const) {
    const value = options[key]
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      throw new AlluviumError('INVALID_OPTIONS', `${key} must be a positive number of bytes, not ${value}`, { [key]: value })
    }
  }
  return {
    ...filePlanOf(view),
    ...(options.targetFileBytes === undefined ? {} : { targetFileBytes: options.targetFileBytes }),
    ...(options.rowGroupBytes === undefined ? {} : { rowGroupBytes: options.rowGroupBytes }),
    ...(options.bufferBytes === undefined ? {} : { bufferBytes: options.bufferBytes }),
    encoder: options.encoder,
    signal: options.signal,
  }
}

/** How files of the table are written, its own properties alone counting. Worked out once for all its versions with the same metadata. */
export function filePlanOf(view: TableForm): FilePlan {
  const { metadata, protocol } = view
  const known = plans.get(metadata)
  if (known?.protocol === protocol) return known.plan
  const properties = tableProperties(metadata.configuration)
  const plan = {
    ...columnsOf(view),
    codec: codecOf(view),
    targetFileBytes: properties.targetFileSizeBytes ?? DEFAULT_TARGET_FILE_BYTES,
    stringPrefixLength: properties.dataSkippingStringPrefixLength,
  }
  plans.set(metadata, { protocol, plan })
  return plan
}

const plans = new WeakMap<Metadata, { readonly protocol: Protocol; readonly plan: FilePlan }>()

// The columns in the names of the files: physical ones where the table maps its columns.
function columnsOf(view: TableForm): Pick<DataWriterOptions, 'schema' | 'partitionColumns' | 'statsColumns' | 'rename'> {
  const { schema, metadata } = view
  const { partitionColumns, configuration } = metadata
  const leaves = statsLeaves(schema, partitionColumns, configuration)
  if (columnMappingMode(view.protocol, metadata) === 'none') {
    return { schema, partitionColumns, statsColumns: leaves.map(({ path }) => formatPath(path)) }
  }
  const physical = (path: readonly string[]): readonly string[] => physicalPath(schema, path) as readonly string[]
  return {
    schema: physicalStruct(schema),
    partitionColumns: partitionColumns.map((column) => physical([column])[0] as string),
    statsColumns: leaves.map(({ path }) => formatPath(physical(path))),
    rename: (batch) => physicalBatch(batch, schema),
  }
}

// Without the property we write snappy, not the protocol's zstd: see docs/decisions/0004-snappy-by-default.md.
function codecOf(view: TableForm): ParquetCodec {
  const { configuration } = view.metadata
  const isNamed = Object.keys(configuration).some((key) => normalizePropertyKey(key) === 'delta.parquet.compression.codec')
  return isNamed ? tableProperties(configuration).parquetCompressionCodec : 'snappy'
}
