// Making a table: version 0 with protocol and metadata, at the lowest protocol that its columns and properties need.
import { AlluviumError } from '../errors.js'
import { commit, fileSystemCommitter } from '../log/commit/index.js'
import { assertWritable, findFeature, loadLog, type Metadata, type Protocol, Upkeep, type UpkeepReport } from '../log/index.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import {
  assignColumnMapping,
  checkPropertiesAndProtocol,
  checkTableSchema,
  containsType,
  featuresOfProperties,
  formatSchema,
  type ProtocolOverrides,
  type StructType,
  sameType,
  type TablePropertyMap,
  type TableSchema,
  tableProperties,
  typeName,
} from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import type { TableContext } from './context.js'
import { withRowIdColumns } from './row-id-columns.js'
import { Table } from './table.js'
import { versionWanted } from './time-point.js'

const CHECKSUM_WAIT_MS = 20

/** What commits of a handle bring with them. */
export interface UpkeepChoice {
  /**
   * `auto` (default): every commit is followed by its checksum file, and by a checkpoint and a cleaning of the log where they
   * are due by the table's properties; in the background, and nothing of it makes a commit fail. `none`: commits only.
   */
  readonly upkeep?: 'auto' | 'none'
  /** Told of checkpoints, cleanings and failures as they come. */
  readonly onUpkeep?: (report: UpkeepReport) => void
}

export interface CreateOptions<Row, Input> extends UpkeepChoice {
  /** From the schema builder, a zod object through `schemaFromZod`, or plain Delta types. */
  readonly schema: TableSchema<Row, Input> | StructType
  readonly partitionBy?: readonly string[]
  /** Table properties, e.g. `{ 'delta.appendOnly': 'true' }`. */
  readonly properties?: Readonly<Record<string, string>>
  readonly name?: string
  readonly description?: string
  readonly runtime?: Runtime
  readonly signal?: AbortSignal
}

export interface OpenOptions<Row, Input> extends UpkeepChoice {
  /** With it rows are typed, and the table must have exactly these columns. */
  readonly schema?: TableSchema<Row, Input>
  /**
   * Begins with this version, not the latest, which then may be one that cannot be read: `schema` is that of this version, and
   * {@link Table.snapshot} of it is at hand. Whatever concerns the latest (`scan`, `append`) looks for it as ever.
   */
  readonly version?: number
  /** Begins with the version in force at this time; as `version`. */
  readonly timestamp?: Date | number | string
  /**
   * Folders (paths, URLs or stores) besides the table's own whose files its log may name by absolute paths, as a shallow clone
   * names those of its source. They are only read. Without it such a path is `PATH_OUTSIDE_TABLE`: a log is input, not to be trusted.
   */
  readonly allowedPaths?: readonly (string | Storage)[]
  readonly runtime?: Runtime
  readonly signal?: AbortSignal
}

/**
 * Makes a table on a store.
 * @throws AlluviumError `ALREADY_EXISTS` when there is one, also when another process makes it first; `SCHEMA_MISMATCH`,
 * `INVALID_OPTIONS` with all faults; `STORAGE_UNSAFE` where the store cannot make commits exclusive.
 */
export async function createTableOn<Row, Input>(storage: Storage, options: CreateOptions<Row, Input>): Promise<Table<Row, Input>> {
  const runtime = options.runtime ?? systemRuntime
  const given: StructType = 'struct' in options.schema ? options.schema.struct : options.schema
  const partitionColumns = options.partitionBy ?? []
  const { configuration: wished, protocol: wanted } = checkPropertiesAndProtocol(options.properties ?? {})
  const isMapped = tableProperties(wished).columnMappingMode !== 'none'
  checkTableSchema(given, partitionColumns, { columnMapping: isMapped })
  const mapped = isMapped ? mappedSchema(given, wished, runtime) : { schema: given, configuration: wished }
  const { schema } = mapped
  const configuration = withRowIdColumns(mapped.configuration, runtime)
  const protocol = protocolFor(schema, configuration, wanted)
  const metadata: Metadata = {
    kind: 'metaData',
    id: runtime.uuid(),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.description === undefined ? {} : { description: options.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(schema),
    partitionColumns,
    configuration,
    createdTime: runtime.now(),
  }
  assertWritable(protocol, metadata)
  const context = tableContext(storage, runtime, options)
  const { view } = await commit(
    context,
    {
      base: undefined,
      actions: [protocol, metadata],
      operation: 'CREATE TABLE',
      operationParameters: {
        partitionBy: JSON.stringify(partitionColumns),
        clusterBy: '[]',
        description: options.description ?? null,
        isManaged: 'false',
        properties: JSON.stringify(configuration),
      },
      operationMetrics: {},
      readSet: { appIds: [] },
    },
    options.signal === undefined ? {} : { signal: options.signal },
  )
  await context.upkeep?.checksums(CHECKSUM_WAIT_MS)
  return new Table<Row, Input>(context, view)
}

function mappedSchema(
  given: StructType,
  wished: TablePropertyMap,
  runtime: Runtime,
): { schema: StructType; configuration: Readonly<Record<string, string>> } {
  const { struct, maxColumnId } = assignColumnMapping(given, () => `col-${runtime.uuid()}`)
  const configuration = Object.assign(Object.create(null) as Record<string, string>, wished, {
    'delta.columnMapping.maxColumnId': String(maxColumnId),
  })
  return { schema: struct, configuration }
}

/**
 * Opens the table on a store.
 * @throws AlluviumError `NOT_A_TABLE`, `VERSION_NOT_FOUND`, `CORRUPT_LOG`, `UNSUPPORTED_FEATURE`, storage errors.
 */
export async function openTableOn<Row = Record<string, unknown>, Input = Record<string, unknown>>(
  storage: Storage,
  options: Omit<OpenOptions<Row, Input>, 'allowedPaths'> = {},
): Promise<Table<Row, Input>> {
  const { runtime = systemRuntime, signal } = options
  const version = await versionWanted(storage, options)
  const view = await loadLog(storage, { signal, runtime, ...(version === undefined ? {} : { version }) })
  if (options.schema !== undefined) assertSameColumns(options.schema.struct, view.schema, storage.location)
  return new Table<Row, Input>(tableContext(storage, runtime, options), view)
}

/** What operations on a table at a store work with. */
export function tableContext(storage: Storage, runtime: Runtime, { upkeep = 'auto', onUpkeep }: UpkeepChoice = {}): TableContext {
  const context = { storage, runtime, committer: fileSystemCommitter(storage, runtime) }
  return upkeep === 'none' ? context : { ...context, upkeep: new Upkeep(storage, runtime, { onReport: onUpkeep }) }
}

/**
 * The lowest protocol that the columns, the properties and what was asked for need: reader 1 and writer 2 if nothing
 * needs more (PROTOCOL.md, "Protocol Evolution").
 */
export function protocolFor(
  schema: StructType,
  configuration: TablePropertyMap = {},
  wanted: ProtocolOverrides = { features: [] },
): Protocol {
  const needed = new Set([...wanted.features, ...featuresOfProperties(configuration)])
  if (containsType(schema, (type) => type.type === 'timestamp_ntz')) needed.add('timestampNtz')
  if ([...needed].some((name) => NEEDS_DOMAINS.has(name.toLowerCase()))) needed.add('domainMetadata')
  for (const legacy of ['appendOnly', 'invariants']) needed.delete(legacy)
  const minReaderVersion = wanted.minReaderVersion ?? 1
  const minWriterVersion = wanted.minWriterVersion ?? 2
  if (needed.size === 0 && minWriterVersion < 7)
    return { kind: 'protocol', minReaderVersion, minWriterVersion: Math.max(2, minWriterVersion) }
  return protocolOfFeatures([...needed], minReaderVersion)
}

const NEEDS_DOMAINS: ReadonlySet<string> = new Set(['rowtracking', 'clustering'])

function protocolOfFeatures(needed: readonly string[], minReaderVersion: number): Protocol {
  const readers = needed.filter((name) => findFeature(name)?.reader === true)
  const writerFeatures = [...new Set(['appendOnly', 'invariants', ...needed.map((name) => findFeature(name)?.name ?? name)])].sort()
  if (readers.length === 0) return { kind: 'protocol', minReaderVersion, minWriterVersion: 7, writerFeatures }
  return {
    kind: 'protocol',
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: readers.map((name) => findFeature(name)?.name ?? name).sort(),
    writerFeatures,
  }
}

function assertSameColumns(wanted: StructType, actual: StructType, location: string): void {
  const faults: string[] = []
  for (const field of wanted.fields) {
    const match = actual.fields.find((candidate) => candidate.name === field.name)
    if (match === undefined) faults.push(`column ${field.name} is missing`)
    else if (!sameType(match.dataType, field.dataType, { nullability: false })) {
      faults.push(`column ${field.name} is ${typeName(match.dataType)}, not ${typeName(field.dataType)}`)
    } else if (match.nullable && !field.nullable) faults.push(`column ${field.name} may be null in the table`)
  }
  for (const field of actual.fields) {
    if (!wanted.fields.some((candidate) => candidate.name === field.name)) faults.push(`the table has a column ${field.name} more`)
  }
  if (faults.length > 0) {
    throw new AlluviumError('SCHEMA_MISMATCH', `the table at ${location} has another schema than the one given: ${faults.join('; ')}`, {
      faults,
    })
  }
}
