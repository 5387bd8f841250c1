// One JSON value of the log to action objects. Every field is checked for its type; what the protocol does not
// define is kept under `unknown`. Faults are plain sentences: the caller knows the file and the line.
import { isJsonObject, JsonNumber, type JsonObject, type JsonValue, jsonObject } from '../json.js'
import type {
  Action,
  AddFile,
  CdcFile,
  DeletionVectorDescriptor,
  Metadata,
  PartitionValues,
  Protocol,
  RemoveFile,
  Tags,
} from './actions.js'

/** A value that is no action. `message` says what is wrong with it, without saying where it stood. */
export class ActionFault extends Error {}

/**
 * The actions of one JSON object of a log: one for each member that is not null (a well-formed log has one member).
 * @throws ActionFault
 */
export function actionsOf(value: JsonValue): Action[] {
  if (!isJsonObject(value)) throw new ActionFault('an action must be a JSON object')
  const actions: Action[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== null) actions.push(actionOf(name, member))
  }
  return actions
}

/** The action of a given name. @throws ActionFault */
export function actionOf(name: string, value: JsonValue): Action {
  const parse = PARSERS.get(name)
  if (parse === undefined) return { kind: 'unknown', name, value }
  if (!isJsonObject(value)) throw new ActionFault(`${name} must be an object`)
  return parse(new Fields(name, value))
}

/** Whether a name is that of an action; others are passed over by readers. */
export function isActionName(name: string): boolean {
  return PARSERS.has(name)
}

const PARSERS: ReadonlyMap<string, (fields: Fields) => Action> = new Map<string, (fields: Fields) => Action>([
  ['add', parseAdd],
  ['remove', parseRemove],
  ['cdc', parseCdc],
  ['metaData', parseMetadata],
  ['protocol', parseProtocol],
  ['commitInfo', (fields) => ({ kind: 'commitInfo', info: fields.object })],
  [
    'txn',
    (fields) => ({
      kind: 'txn',
      appId: fields.need('appId', fields.text('appId')),
      version: BigInt(fields.need('version', fields.long('version'))),
      ...fields.optional('lastUpdated', fields.time('lastUpdated')),
      ...fields.rest(),
    }),
  ],
  [
    'domainMetadata',
    (fields) => ({
      kind: 'domainMetadata',
      domain: fields.need('domain', fields.text('domain')),
      configuration: fields.text('configuration') ?? '',
      removed: fields.flag('removed') ?? false,
      ...fields.rest(),
    }),
  ],
  [
    'sidecar',
    (fields) => ({
      kind: 'sidecar',
      path: fields.path(),
      sizeInBytes: fields.need('sizeInBytes', fields.count('sizeInBytes')),
      modificationTime: fields.time('modificationTime') ?? 0,
      ...fields.optional('tags', fields.map('tags')),
      ...fields.rest(),
    }),
  ],
  [
    'checkpointMetadata',
    (fields) => ({
      kind: 'checkpointMetadata',
      version: fields.need('version', fields.count('version')),
      ...fields.optional('tags', fields.map('tags')),
      ...fields.rest(),
    }),
  ],
])

function parseAdd(fields: Fields): AddFile {
  return {
    kind: 'add',
    path: fields.path(),
    partitionValues: fields.need('partitionValues', fields.map('partitionValues')),
    size: fields.need('size', fields.count('size')),
    modificationTime: fields.time('modificationTime') ?? 0,
    dataChange: fields.flag('dataChange') ?? true,
    ...fields.optional('stats', fields.textOrUnknown('stats')),
    ...fields.optional('tags', fields.map('tags')),
    ...fields.optional('deletionVector', fields.deletionVector()),
    ...fields.optional('baseRowId', fields.long('baseRowId')),
    ...fields.optional('defaultRowCommitVersion', fields.long('defaultRowCommitVersion')),
    ...fields.optional('clusteringProvider', fields.text('clusteringProvider')),
    ...fields.rest(),
  }
}

function parseRemove(fields: Fields): RemoveFile {
  return {
    kind: 'remove',
    path: fields.path(),
    ...fields.optional('deletionTimestamp', fields.time('deletionTimestamp')),
    dataChange: fields.flag('dataChange') ?? true,
    ...fields.optional('extendedFileMetadata', fields.flag('extendedFileMetadata')),
    ...fields.optional('partitionValues', fields.map('partitionValues')),
    ...fields.optional('size', fields.count('size')),
    ...fields.optional('stats', fields.textOrUnknown('stats')),
    ...fields.optional('tags', fields.map('tags')),
    ...fields.optional('deletionVector', fields.deletionVector()),
    ...fields.optional('baseRowId', fields.long('baseRowId')),
    ...fields.optional('defaultRowCommitVersion', fields.long('defaultRowCommitVersion')),
    ...fields.rest(),
  }
}

function parseCdc(fields: Fields): CdcFile {
  return {
    kind: 'cdc',
    path: fields.path(),
    partitionValues: fields.map('partitionValues') ?? noValues(),
    size: fields.need('size', fields.count('size')),
    dataChange: fields.flag('dataChange') ?? false,
    ...fields.optional('tags', fields.map('tags')),
    ...fields.rest(),
  }
}

// A metaData without a schema opens (its files can be listed); asking for the schema is what fails.
function parseMetadata(fields: Fields): Metadata {
  const format = fields.inner('format')
  return {
    kind: 'metaData',
    id: fields.need('id', fields.text('id')),
    ...fields.optional('name', fields.text('name')),
    ...fields.optional('description', fields.text('description')),
    format: { provider: format?.text('provider') ?? 'parquet', options: stringsOnly(format?.map('options')) },
    schemaString: fields.text('schemaString') ?? '',
    partitionColumns: fields.texts('partitionColumns') ?? [],
    configuration: stringsOnly(fields.map('configuration')),
    ...fields.optional('createdTime', fields.time('createdTime')),
    ...fields.rest(),
  }
}

function parseProtocol(fields: Fields): Protocol {
  return {
    kind: 'protocol',
    minReaderVersion: fields.need('minReaderVersion', fields.count('minReaderVersion')),
    minWriterVersion: fields.need('minWriterVersion', fields.count('minWriterVersion')),
    ...fields.optional('readerFeatures', fields.texts('readerFeatures')),
    ...fields.optional('writerFeatures', fields.texts('writerFeatures')),
    ...fields.rest(),
  }
}

/** A deletion vector's descriptor from its JSON object. @throws ActionFault */
export function parseDeletionVector(value: JsonObject): DeletionVectorDescriptor {
  const fields = new Fields('deletionVector', value)
  return {
    storageType: fields.need('storageType', fields.text('storageType')),
    pathOrInlineDv: fields.need('pathOrInlineDv', fields.text('pathOrInlineDv')),
    ...fields.optional('offset', fields.count('offset')),
    sizeInBytes: fields.need('sizeInBytes', fields.count('sizeInBytes')),
    cardinality: fields.need('cardinality', fields.count('cardinality')),
    ...fields.rest(),
  }
}

function noValues(): PartitionValues {
  return Object.create(null) as PartitionValues
}

// Settings are strings; a null among them means nothing is set.
function stringsOnly(map: Tags | undefined): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>
  for (const [key, value] of Object.entries(map ?? {})) if (value !== null) result[key] = value
  return result
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

// Reads the members of one action by name and remembers which, so that the rest can be kept.
class Fields {
  readonly object: JsonObject
  private readonly action: string
  private readonly known = new Set<string>()

  constructor(action: string, object: JsonObject) {
    this.action = action
    this.object = object
  }

  need<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new ActionFault(`${this.action}.${name} is missing`)
    return value
  }

  optional<K extends string, T>(name: K, value: T | undefined): { [key in K]?: T } {
    return value === undefined ? {} : ({ [name]: value } as { [key in K]?: T })
  }

  text(name: string): string | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.wrong(name, 'a string')
  }

  /** Statistics that are no string help nobody and harm nobody: they stay among the unknown fields. */
  textOrUnknown(name: string): string | undefined {
    const value = this.object[name]
    return typeof value === 'string' || value === null || value === undefined ? this.text(name) : undefined
  }

  path(): string {
    const path = this.need('path', this.text('path'))
    if (path === '') throw new ActionFault(`${this.action}.path is empty`)
    if (/\p{Surrogate}/u.test(path)) throw new ActionFault(`${this.action}.path is not valid Unicode`)
    return path
  }

  flag(name: string): boolean | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.wrong(name, 'true or false')
  }

  /** A 64-bit integer, exact. */
  long(name: string): number | bigint | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value === 0 ? 0 : value
    if (typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX) return value
    throw this.wrong(name, 'a 64-bit integer')
  }

  /** A 64-bit integer that must also be exact as a JavaScript number, and is no negative amount. */
  count(name: string): number | undefined {
    const value = this.long(name)
    if (value === undefined || (typeof value === 'number' && value >= 0)) return value as number | undefined
    throw this.wrong(name, 'an integer from 0 to 2^53-1')
  }

  /** Milliseconds. Times beyond 2^53 mean "never"; the nearest number serves. */
  time(name: string): number | undefined {
    const value = this.long(name)
    return value === undefined ? undefined : Number(value)
  }

  texts(name: string): string[] | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[]
    throw this.wrong(name, 'an array of strings')
  }

  /** Strings by name. Scalars are taken by their text, as Spark's reader does. */
  map(name: string): Tags | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (!isJsonObject(value)) throw this.wrong(name, 'an object of strings')
    const result = Object.create(null) as Record<string, string | null>
    for (const [key, member] of Object.entries(value)) result[key] = this.scalarText(name, member)
    return result
  }

  inner(name: string): Fields | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (!isJsonObject(value)) throw this.wrong(name, 'an object')
    return new Fields(`${this.action}.${name}`, value)
  }

  deletionVector(): DeletionVectorDescriptor | undefined {
    const inner = this.inner('deletionVector')
    return inner === undefined ? undefined : parseDeletionVector(inner.object)
  }

  rest(): { unknown?: JsonObject } {
    let unknown: JsonObject | undefined
    for (const [key, value] of Object.entries(this.object)) {
      if (this.known.has(key)) continue
      unknown ??= jsonObject()
      unknown[key] = value
    }
    return unknown === undefined ? {} : { unknown }
  }

  private take(name: string): Exclude<JsonValue, null> | undefined {
    this.known.add(name)
    const value = this.object[name]
    return value === null ? undefined : value
  }

  private scalarText(name: string, value: JsonValue): string | null {
    if (value === null || typeof value === 'string') return value
    if (value instanceof JsonNumber) return value.text
    if (typeof value === 'object') throw this.wrong(name, 'an object of strings')
    return String(value)
  }

  private wrong(name: string, expected: string): ActionFault {
    return new ActionFault(`${this.action}.${name} must be ${expected}`)
  }
}
