// The schemaString of a table (PROTOCOL.md, "Schema Serialization Format") to types and back, without loss:
// field metadata keeps every key and every integer. Hostile text ends in an error, never in a stack overflow.
import { AlluviumError, isAlluviumError } from '../errors.js'
import { formatJson, isJsonObject, type JsonObject, type JsonValue, jsonObject, parseJson } from '../json.js'
import { isValidDecimal, typeName, typeOfName } from './type-names.js'
import type { DataType, Field, StructType } from './types.js'

/** Longest schema text that is read, in UTF-16 units. A million columns take about a tenth of it. */
export const MAX_SCHEMA_TEXT_LENGTH: number = 64 * 1024 * 1024
/** Deepest nesting of types: Parquet readers recurse over it, in this and in other engines. */
export const MAX_TYPE_DEPTH = 100
/** Most fields of a schema, nested ones counted. */
export const MAX_FIELDS = 1_000_000

/**
 * Reads a table's `schemaString`.
 * Unknown types become {@link UnknownType}: the table opens, and only reading that column is refused.
 * @throws AlluviumError `CORRUPT_LOG` with the place and what is wrong; `LIMIT_EXCEEDED` for nesting or sizes beyond reason.
 */
export function parseSchema(json: string): StructType {
  const value = parseSchemaText(json)
  const reader: Reader = { fields: 0 }
  const type = readType(reader, value, '', 0)
  if (type.type !== 'struct') throw corrupt('', `the schema of a table must be a struct, not ${typeName(type)}`)
  return type
}

/** Prints a `schemaString` as Spark writes it: compact, each member in Spark's order. */
export function formatSchema(schema: StructType): string {
  return formatJson(typeToJson(schema))
}

/** A type in the JSON form of the schema: a name, or an object. */
export function typeToJson(type: DataType): JsonValue {
  switch (type.type) {
    case 'struct':
      return object(['type', 'struct'], ['fields', type.fields.map(fieldToJson)])
    case 'array':
      return object(['type', 'array'], ['elementType', typeToJson(type.elementType)], ['containsNull', type.containsNull])
    case 'map':
      return object(
        ['type', 'map'],
        ['keyType', typeToJson(type.keyType)],
        ['valueType', typeToJson(type.valueType)],
        ['valueContainsNull', type.valueContainsNull],
      )
    case 'unknown':
      return type.json
    default:
      return typeName(type)
  }
}

interface Reader {
  fields: number
}

function parseSchemaText(json: string): JsonValue {
  if (json.length > MAX_SCHEMA_TEXT_LENGTH) {
    throw limit(`the schema has ${json.length} characters, more than the ${MAX_SCHEMA_TEXT_LENGTH} that are read`)
  }
  try {
    return parseJson(json)
  } catch (error) {
    if (!isAlluviumError(error)) throw error
    if (error.message.includes('nested deeper')) throw limit(`the schema is ${error.message.slice(error.message.indexOf('nested deeper'))}`)
    throw new AlluviumError('CORRUPT_LOG', `the table's schemaString is ${error.message}`, error.facts, { cause: error })
  }
}

function readType(reader: Reader, value: JsonValue | undefined, at: string, depth: number): DataType {
  if (depth > MAX_TYPE_DEPTH) throw limit(`the schema nests types deeper than ${MAX_TYPE_DEPTH} levels at ${shown(at)}`)
  if (typeof value === 'string') return readName(value, at)
  if (!isJsonObject(value)) throw corrupt(at, 'a type must be a name or an object')
  switch (value.type) {
    case 'struct':
      return readStruct(reader, value, at, depth)
    case 'array':
      return {
        type: 'array',
        elementType: readType(reader, value.elementType, join(at, 'element'), depth + 1),
        containsNull: readBoolean(value, 'containsNull', at),
      }
    case 'map':
      return {
        type: 'map',
        keyType: readType(reader, value.keyType, join(at, 'key'), depth + 1),
        valueType: readType(reader, value.valueType, join(at, 'value'), depth + 1),
        valueContainsNull: readBoolean(value, 'valueContainsNull', at),
      }
    default:
      if (typeof value.type !== 'string') throw corrupt(at, "a type's object needs a member 'type'")
      return { type: 'unknown', json: value }
  }
}

function readName(name: string, at: string): DataType {
  const type = typeOfName(name)
  if (type === undefined) return { type: 'unknown', json: name }
  if (type.type === 'decimal' && !isValidDecimal(type.precision, type.scale)) {
    throw corrupt(at, `'${name}' is no decimal: precision must be 1 to 38 and scale 0 to the precision`)
  }
  return type
}

function readStruct(reader: Reader, value: JsonObject, at: string, depth: number): StructType {
  if (!Array.isArray(value.fields)) throw corrupt(at, "a struct needs an array 'fields'")
  reader.fields += value.fields.length
  if (reader.fields > MAX_FIELDS) throw limit(`the schema has more than ${MAX_FIELDS} fields`)
  const fields = value.fields.map((field, index) => readField(reader, field, at, index, depth))
  const names = new Set<string>()
  for (const { name } of fields) {
    // Of two columns of one name a reader would have to choose. Names that differ in case only are told apart here.
    if (names.has(name)) throw corrupt(join(at, name), 'the name is given twice')
    names.add(name)
  }
  return { type: 'struct', fields }
}

function readField(reader: Reader, value: JsonValue, at: string, index: number, depth: number): Field {
  const place = join(at, `fields[${index}]`)
  if (!isJsonObject(value)) throw corrupt(place, 'a field must be an object')
  if (typeof value.name !== 'string') throw corrupt(place, "a field needs a text 'name'")
  const path = join(at, value.name)
  const metadata = value.metadata ?? jsonObject()
  if (!isJsonObject(metadata)) throw corrupt(path, "a field's 'metadata' must be an object")
  return {
    name: value.name,
    dataType: readType(reader, value.type, path, depth + 1),
    nullable: readBoolean(value, 'nullable', path),
    metadata,
  }
}

function readBoolean(value: JsonObject, key: string, at: string): boolean {
  const flag = value[key]
  if (typeof flag !== 'boolean') throw corrupt(at, `'${key}' must be true or false`)
  return flag
}

function fieldToJson(field: Field): JsonObject {
  return object(['name', field.name], ['type', typeToJson(field.dataType)], ['nullable', field.nullable], ['metadata', field.metadata])
}

function object(...members: readonly (readonly [string, JsonValue])[]): JsonObject {
  const result = jsonObject()
  for (const [key, value] of members) result[key] = value
  return result
}

function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function shown(at: string): string {
  if (at === '') return 'the top'
  return `'${at.length > 200 ? `${at.slice(0, 200)}…` : at}'`
}

function corrupt(at: string, what: string): AlluviumError {
  return new AlluviumError('CORRUPT_LOG', `the table's schema is malformed at ${shown(at)}: ${what}`, { column: at })
}

function limit(what: string): AlluviumError {
  return new AlluviumError('LIMIT_EXCEEDED', what)
}
