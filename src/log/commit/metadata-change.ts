// Which changes of metadata a commit that does not make one itself can stand on: those that leave its files, its reads
// and its other actions as true as they were. The list is the one that Spark adopts a winner's metadata by. Pure.
// Promises: C2 of spec/invariants.md.
import { isJsonObject, JsonNumber, type JsonObject, type JsonValue, parseJson } from '../../json.js'
import type { Metadata } from '../actions.js'

/**
 * Why a commit made on `before` cannot stand on `after`; undefined where it can.
 *
 * @example metadataObstacle(before, after) // 'delta.appendOnly was set'
 */
export function metadataObstacle(before: Metadata, after: Metadata): string | undefined {
  for (const field of ['id', 'name', 'description', 'createdTime'] as const)
    if (before[field] !== after[field]) return `the table's ${field} changed`
  for (const field of ['format', 'partitionColumns', 'unknown'] as const)
    if (!sameValue(plain(before[field]), plain(after[field]))) return `the table's ${field} changed`
  return configurationObstacle(before.configuration, after.configuration) ?? schemaObstacle(before, after)
}

/** Whether a property may change so under a commit. `before` is undefined where the property was not set. */
type Allowed = (before: string | undefined, after: string) => boolean

const becomes =
  (value: string): Allowed =>
  (_, after) =>
    after.toLowerCase() === value
const isNew: Allowed = (before) => before === undefined
const any: Allowed = () => true

const MAPPING_MODE = 'delta.columnmapping.mode'
const ALLOWED: ReadonlyMap<string, Allowed> = new Map(
  Object.entries<Allowed>({
    'delta.enableRowTracking': becomes('true'),
    'delta.rowTracking.materializedRowIdColumnName': isNew,
    'delta.rowTracking.materializedRowCommitVersionColumnName': isNew,
    'delta.columnMapping.mode': (before, after) => isUnmapped(before) && after.toLowerCase() === 'name',
    'delta.columnMapping.maxColumnId': any,
    'delta.enableDeletionVectors': becomes('true'),
    'delta.checkpointPolicy': becomes('v2'),
    'delta.enableInCommitTimestamps': becomes('true'),
    'delta.inCommitTimestampEnablementVersion': any,
    'delta.inCommitTimestampEnablementTimestamp': any,
    'io.unitycatalog.tableId': isNew,
    ucTableId: isNew,
  }).map(([key, allowed]) => [key.toLowerCase(), allowed]),
)

type Configuration = Metadata['configuration']

function configurationObstacle(before: Configuration, after: Configuration): string | undefined {
  const was = lowerCased(before)
  const is = lowerCased(after)
  for (const key of was.keys()) if (!is.has(key)) return `${key} was removed`
  for (const [key, value] of is) {
    const old = was.get(key)
    if (old === value) continue
    if (ALLOWED.get(key)?.(old, value) !== true) return `${key} was ${old === undefined ? 'set' : 'changed'}`
  }
  return undefined
}

function lowerCased(configuration: Configuration): Map<string, string> {
  return new Map(Object.entries(configuration).map(([key, value]) => [key.toLowerCase(), value]))
}

function isUnmapped(mode: string | undefined): boolean {
  return mode === undefined || mode.toLowerCase() === 'none'
}

// Identity columns count on in the schema itself; whoever writes no such column does not mind.
const IDENTITY_MARK = 'delta.identity.highWaterMark'
const MAPPING_ID = 'delta.columnMapping.id'
const PHYSICAL_NAME = 'delta.columnMapping.physicalName'

function schemaObstacle(before: Metadata, after: Metadata): string | undefined {
  const startsMapping =
    isUnmapped(lowerCased(before.configuration).get(MAPPING_MODE)) && !isUnmapped(lowerCased(after.configuration).get(MAPPING_MODE))
  if (before.schemaString === after.schemaString && !startsMapping) return undefined
  try {
    const same = sameSchema(parseJson(before.schemaString), parseJson(after.schemaString), startsMapping)
    return same ? undefined : 'the schema changed'
  } catch {
    return 'the schema changed'
  }
}

function sameSchema(before: JsonValue, after: JsonValue, startsMapping: boolean): boolean {
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((item, i) => sameSchema(item, after[i] as JsonValue, startsMapping))
  if (!isJsonObject(before) || !isJsonObject(after)) return sameValue(before, after)
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].every((key) => {
    const [was, is] = [before[key], after[key]]
    if (key === 'metadata' && typeof after.name === 'string' && isJsonObject(was) && isJsonObject(is))
      return sameFieldMetadata(was, is, after.name, startsMapping)
    return was !== undefined && is !== undefined && sameSchema(was, is, startsMapping)
  })
}

// A table that begins to map its columns keeps their names in files; one that gave them others would not be read alike.
function sameFieldMetadata(before: JsonObject, after: JsonObject, name: string, startsMapping: boolean): boolean {
  if (startsMapping && after[PHYSICAL_NAME] !== name) return false
  const ignored = startsMapping ? [IDENTITY_MARK, MAPPING_ID, PHYSICAL_NAME] : [IDENTITY_MARK]
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].every((key) => ignored.includes(key) || sameValue(before[key], after[key]))
}

function sameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a instanceof JsonNumber || b instanceof JsonNumber) return a instanceof JsonNumber && b instanceof JsonNumber && a.text === b.text
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  if (!isJsonObject(a) || !isJsonObject(b)) return Object.is(a, b)
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
}

function plain(value: Metadata['format'] | Metadata['partitionColumns'] | Metadata['unknown']): JsonValue | undefined {
  return value as unknown as JsonValue | undefined
}
