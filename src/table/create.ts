// Making a table: version 0 with protocol and metadata, at the lowest protocol that its columns and properties need.
import { AlluviumError } from '../errors.js'
import { commit, fileSystemCommitter } from '../log/commit/index.js'
import { assertWritable, loadLog, type Metadata, type Protocol } from '../log/index.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import { checkProperties, checkTableSchema, type DataType, formatSchema, type StructType, type TableSchema } from '../schema/index.js'
import type { Storage } from '../storage/storage.js'
import { Table } from './table.js'
import type { TableContext } from './transaction.js'

export interface CreateOptions<In extends object, Out> {
  /** From the schema builder, a zod object through `schemaFromZod`, or plain Delta types. */
  readonly schema: TableSchema<In, Out> | StructType
  readonly partitionBy?: readonly string[]
  /** Table properties, e.g. `{ 'delta.appendOnly': 'true' }`. */
  readonly properties?: Readonly<Record<string, string>>
  readonly name?: string
  readonly description?: string
  readonly runtime?: Runtime
  readonly signal?: AbortSignal
}

/**
 * Makes a table on a store.
 * @throws AlluviumError `ALREADY_EXISTS` when there is one, also when another process makes it first; `SCHEMA_MISMATCH`,
 * `INVALID_OPTIONS` with all faults; `STORAGE_UNSAFE` where the store cannot make commits exclusive.
 */
export async function createTableOn<In extends object, Out>(storage: Storage, options: CreateOptions<In, Out>): Promise<Table<In, Out>> {
  const runtime = options.runtime ?? systemRuntime
  const schema: StructType = 'struct' in options.schema ? options.schema.struct : options.schema
  const partitionColumns = options.partitionBy ?? []
  checkTableSchema(schema, partitionColumns)
  const configuration = checkProperties(options.properties ?? {})
  const protocol = protocolFor(schema)
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
  const context: TableContext = { storage, runtime, committer: fileSystemCommitter(storage, runtime) }
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
  return new Table<In, Out>(context, view)
}

/**
 * Opens the table on a store.
 * @throws AlluviumError `NOT_A_TABLE`, `CORRUPT_LOG`, `UNSUPPORTED_FEATURE`, storage errors.
 */
export async function openTableOn<In extends object = Record<string, unknown>, Out = Record<string, unknown>>(
  storage: Storage,
  options: { readonly runtime?: Runtime; readonly schema?: TableSchema<In, Out>; readonly signal?: AbortSignal } = {},
): Promise<Table<In, Out>> {
  const runtime = options.runtime ?? systemRuntime
  const view = await loadLog(storage, options.signal === undefined ? {} : { signal: options.signal })
  if (options.schema !== undefined) assertSameColumns(options.schema.struct, view.schema, storage.location)
  return new Table<In, Out>({ storage, runtime, committer: fileSystemCommitter(storage, runtime) }, view)
}

/** Reader 1 and writer 2 unless a column needs more (PROTOCOL.md, "Protocol Evolution"). */
export function protocolFor(schema: StructType): Protocol {
  if (!contains(schema, 'timestamp_ntz')) return { kind: 'protocol', minReaderVersion: 1, minWriterVersion: 2 }
  return {
    kind: 'protocol',
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['timestampNtz'],
    writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
  }
}

function contains(type: DataType, name: string): boolean {
  switch (type.type) {
    case 'struct':
      return type.fields.some((field) => contains(field.dataType, name))
    case 'array':
      return contains(type.elementType, name)
    case 'map':
      return contains(type.keyType, name) || contains(type.valueType, name)
    default:
      return type.type === name
  }
}

function assertSameColumns(wanted: StructType, actual: StructType, location: string): void {
  const faults: string[] = []
  for (const field of wanted.fields) {
    const match = actual.fields.find((candidate) => candidate.name === field.name)
    if (match === undefined) faults.push(`column ${field.name} is missing`)
    else if (formatSchemaType(match.dataType) !== formatSchemaType(field.dataType)) {
      faults.push(`column ${field.name} is ${formatSchemaType(match.dataType)}, not ${formatSchemaType(field.dataType)}`)
    } else if (match.nullable && !field.nullable) faults.push(`column ${field.name} may be null in the table`)
  }
  for (const field of actual.fields) {
    if (!wanted.fields.some((candidate) => candidate.name === field.name)) faults.push(`the table has a column ${field.name} more`)
  }
  if (faults.length > 0) {
    throw new AlluviumError('SCHEMA_MISMATCH', `the table at ${location} has another schema than the one given: ${faults.join('; ')}`, { faults })
  }
}

const formatSchemaType = (type: DataType): string => formatSchema({ type: 'struct', fields: [{ name: 'x', dataType: type, nullable: true, metadata: {} }] })
