// Taking over a folder of Parquet files as a table, in place: nothing is copied, one commit names the files. Partitions are
// folders named `column=value`, statistics come from footers. Rule: what cannot be taken over whole is refused, with every reason.
import { fromArrowSchema } from '../arrow/index.js'
import { AlluviumError, isAlluviumError } from '../errors.js'
import { commit } from '../log/commit/index.js'
import type { AddFile, Metadata } from '../log/index.js'
import { openParquet } from '../parquet/index.js'
import { type Runtime, systemRuntime } from '../runtime.js'
import {
  checkPropertiesAndProtocol,
  checkTableSchema,
  type DataType,
  encodeFilePath,
  type Field,
  formatSchema,
  parsePartitionValue,
  type StructType,
  sameType,
  typeName,
  unescapePartitionName,
} from '../schema/index.js'
import type { ObjectInfo, Storage } from '../storage/storage.js'
import { protocolFor, storageByteSource, tableContext } from '../table/index.js'
import { footerStats } from './footer-stats.js'

export interface ConvertOptions {
  readonly runtime?: Runtime
  /** Types of partition columns; what is not given is found from their values: long, date, or string. */
  readonly partitionTypes?: Readonly<Record<string, DataType>>
  readonly properties?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

export interface ConvertResult {
  readonly version: number
  readonly files: number
  readonly bytes: number
  readonly rows: number
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
}

interface Found {
  readonly object: ObjectInfo
  readonly values: ReadonlyMap<string, string | null>
  readonly columns: StructType
  readonly numRows: number
  readonly stats: string
}

const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'
const PARALLEL = 8

/**
 * Makes a table of the Parquet files in a store's folder.
 * @throws AlluviumError `ALREADY_EXISTS` where there is a table, `INVALID_OPTIONS` for a folder without Parquet files,
 * `SCHEMA_MISMATCH` with every file that does not fit, `CORRUPT_DATA`, storage errors
 */
export async function convert(storage: Storage, options: ConvertOptions = {}): Promise<ConvertResult> {
  const { runtime = systemRuntime, signal } = options
  const objects = await parquetObjects(storage, signal)
  if (objects.length === 0)
    throw new AlluviumError('INVALID_OPTIONS', `${storage.location} has no Parquet file that could be taken over`, {})
  const found: Found[] = []
  for (let at = 0; at < objects.length; at += PARALLEL)
    found.push(...(await Promise.all(objects.slice(at, at + PARALLEL).map((object) => look(storage, object, signal)))))
  const partitionColumns = partitionsOf(found)
  const columns = mergedColumns(found, partitionColumns)
  const partitions = partitionColumns.map((name) => partitionField(name, found, options.partitionTypes?.[name]))
  const schema: StructType = { type: 'struct', fields: [...columns.fields, ...partitions] }
  checkTableSchema(schema, partitionColumns, {})
  const { configuration, protocol: wanted } = checkPropertiesAndProtocol(options.properties ?? {})
  const metadata: Metadata = {
    kind: 'metaData',
    id: runtime.uuid(),
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(schema),
    partitionColumns,
    configuration,
    createdTime: runtime.now(),
  }
  const adds = found.map((file) => addOf(file, partitionColumns))
  const context = tableContext(storage, runtime)
  const bytes = adds.reduce((sum, { size }) => sum + size, 0)
  const { version } = await commit(
    context,
    {
      base: undefined,
      actions: [protocolFor(schema, configuration, wanted), metadata, ...adds],
      operation: 'CONVERT',
      operationParameters: {
        numFiles: adds.length,
        partitionedBy: JSON.stringify(partitionColumns),
        collectStats: true,
        sourceFormat: 'parquet',
      },
      operationMetrics: { numConvertedFiles: String(adds.length) },
      readSet: { appIds: [] },
    },
    signal === undefined ? {} : { signal },
  )
  await context.upkeep?.settled()
  const rows = found.reduce((sum, { numRows }) => sum + numRows, 0)
  return { version, files: adds.length, bytes, rows, schema, partitionColumns }
}

async function parquetObjects(storage: Storage, signal: AbortSignal | undefined): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = []
  for await (const page of storage.list('', { recursive: true, signal })) {
    for (const object of page) {
      const parts = object.path.split('/')
      const isHidden = parts.some((part) => (part.startsWith('_') || part.startsWith('.')) && !part.includes('='))
      if (!isHidden && /\.parquet$/i.test(object.path)) objects.push(object)
    }
  }
  return objects
}

async function look(storage: Storage, object: ObjectInfo, signal: AbortSignal | undefined): Promise<Found> {
  const source = storageByteSource(storage, object.path, object.sizeBytes)
  const file = await openParquet(source, { name: object.path, ...(signal === undefined ? {} : { signal }) })
  let columns: StructType
  try {
    columns = asNullable(fromArrowSchema(file.arrowSchema))
  } catch (error) {
    if (isAlluviumError(error))
      throw new AlluviumError(
        error.code,
        `${object.path} cannot be taken over: ${error.message}`,
        { ...error.facts, path: object.path },
        { cause: error },
      )
    throw error
  }
  return { object, values: valuesOf(object.path), columns, numRows: file.numRows, stats: footerStats(file, columns) }
}

// Other files may lack a column or have nulls in it.
function asNullable({ fields }: StructType): StructType {
  return { type: 'struct', fields: fields.map((field) => ({ ...field, nullable: true })) }
}

function valuesOf(path: string): Map<string, string | null> {
  const values = new Map<string, string | null>()
  for (const part of path.split('/').slice(0, -1)) {
    const at = part.indexOf('=')
    if (at <= 0) continue
    const text = unescapePartitionName(part.slice(at + 1))
    values.set(unescapePartitionName(part.slice(0, at)), text === HIVE_NULL || text === '' ? null : text)
  }
  return values
}

function partitionsOf(found: readonly Found[]): string[] {
  const [first] = found
  const names = [...(first?.values.keys() ?? [])]
  const odd = found.filter(({ values }) => [...values.keys()].join('/') !== names.join('/'))
  if (odd.length === 0) return names
  throw new AlluviumError(
    'SCHEMA_MISMATCH',
    `files lie in folders of different partition columns: ${first?.object.path} and ${odd[0]?.object.path}, among ${odd.length} others`,
    { paths: odd.slice(0, 20).map(({ object }) => object.path) },
  )
}

// All columns of all files; one of the same name has the same type everywhere.
function mergedColumns(found: readonly Found[], partitionColumns: readonly string[]): StructType {
  const fields = new Map<string, Field>()
  const faults: string[] = []
  for (const { object, columns } of found) {
    for (const field of columns.fields) {
      if (partitionColumns.includes(field.name)) continue
      const known = fields.get(field.name)
      if (known === undefined) fields.set(field.name, field)
      else if (!sameType(known.dataType, field.dataType, { nullability: false }))
        faults.push(`${object.path}: column ${field.name} is ${typeName(field.dataType)}, elsewhere ${typeName(known.dataType)}`)
    }
  }
  if (faults.length === 0) return { type: 'struct', fields: [...fields.values()] }
  throw new AlluviumError('SCHEMA_MISMATCH', `the files have no common schema: ${faults.slice(0, 20).join('; ')}`, { faults })
}

const TRIED: readonly DataType[] = [{ type: 'long' }, { type: 'date' }]

function partitionField(name: string, found: readonly Found[], given: DataType | undefined): Field {
  const texts = [...new Set(found.map(({ values }) => values.get(name) ?? null))].filter((text) => text !== null)
  const fits = (type: DataType): boolean => texts.length > 0 && texts.every((text) => isValue(type, text))
  // A number that would not be written as it stands is a text: 007 is no 7.
  const isPlain = (type: DataType): boolean => type.type !== 'long' || texts.every((text) => String(BigInt(text)) === text)
  const dataType = given ?? TRIED.find((type) => fits(type) && isPlain(type)) ?? { type: 'string' as const }
  const bad = texts.find((text) => !isValue(dataType, text))
  if (bad !== undefined)
    throw new AlluviumError('SCHEMA_MISMATCH', `the folder ${name}=${bad} is no ${typeName(dataType)}`, { column: name, value: bad })
  return { name, dataType, nullable: true, metadata: Object.create(null) as Field['metadata'] }
}

function isValue(type: DataType, text: string): boolean {
  try {
    return parsePartitionValue(type, text) !== null
  } catch (error) {
    if (isAlluviumError(error)) return false
    throw error
  }
}

function addOf({ object, values, stats }: Found, partitionColumns: readonly string[]): AddFile {
  const partitionValues = Object.create(null) as Record<string, string | null>
  for (const name of partitionColumns) partitionValues[name] = values.get(name) ?? null
  return {
    kind: 'add',
    path: encodeFilePath(object.path),
    partitionValues,
    size: object.sizeBytes,
    modificationTime: Math.floor(object.modifiedMs),
    dataChange: true,
    stats,
  }
}
