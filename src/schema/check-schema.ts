// Whether a schema can be a table of ours. One rule: all faults are reported together, each with its column.
import { AlluviumError } from '../errors.js'
import { containsType } from './fields.js'
import { isPartitionType } from './partition-values.js'
import { MAX_FIELDS, MAX_TYPE_DEPTH } from './schema-json.js'
import { formatPath, isValidDecimal, typeName } from './type-names.js'
import type { DataType, Field, StructType } from './types.js'

export interface CheckSchemaOptions {
  /** Names are free when the table maps columns, because files then hold other names. */
  readonly columnMapping?: boolean
}

/**
 * Checks the schema and the partition columns of a table that is made or changed: names, types, nesting, `void` (PROTOCOL.md,
 * "Void Type"), partition columns.
 * @throws AlluviumError `INVALID_OPTIONS` with all faults, in `facts.faults`; `LIMIT_EXCEEDED` for nesting beyond reason.
 */
export function checkTableSchema(struct: StructType, partitionColumns: readonly string[] = [], options: CheckSchemaOptions = {}): void {
  const faults = [...schemaFaults(struct, options), ...partitionFaults(struct, partitionColumns)]
  if (faults.length === 0) return
  const shown = faults.slice(0, 10).join('; ')
  const more = faults.length > 10 ? `; and ${faults.length - 10} more` : ''
  throw new AlluviumError('INVALID_OPTIONS', `this schema cannot be a table: ${shown}${more}`, { faults })
}

/**
 * Why rows cannot be written to a table of this schema (it can still be read): types of the future, `variant`, `void` where the
 * protocol forbids it. Empty when they can.
 */
export function unwritableTypes(struct: StructType): string[] {
  const faults: string[] = []
  for (const field of struct.fields) {
    containsType(field.dataType, (type) => {
      if (type.type === 'unknown' || type.type === 'variant')
        faults.push(`column ${formatPath([field.name])} has the type ${typeName(type)}`)
      return false
    })
  }
  return [...faults, ...voidFaults(struct)]
}

// Parquet and Spark take these as syntax when columns are not mapped.
const SPECIAL_CHARACTERS = /[ ,;{}()\n\t=]/

function schemaFaults(struct: StructType, options: CheckSchemaOptions): string[] {
  const faults: string[] = []
  let fields = 0
  const visit = (type: DataType, path: readonly string[]): void => {
    if (path.length > MAX_TYPE_DEPTH)
      throw new AlluviumError('LIMIT_EXCEEDED', `the schema nests types deeper than ${MAX_TYPE_DEPTH} levels`)
    if (type.type === 'array') visit(type.elementType, [...path, 'element'])
    else if (type.type === 'map') {
      if (containsType(type.keyType, (part) => part.type === 'map')) faults.push(`${formatPath(path)}: the key of a map cannot hold a map`)
      visit(type.keyType, [...path, 'key'])
      visit(type.valueType, [...path, 'value'])
    } else if (type.type === 'struct') {
      fields += type.fields.length
      if (fields > MAX_FIELDS) throw new AlluviumError('LIMIT_EXCEEDED', `the schema has more than ${MAX_FIELDS} fields`)
      faults.push(...nameFaults(type, path, options))
      for (const field of type.fields) visit(field.dataType, [...path, field.name])
    } else faults.push(...leafFaults(type, path))
  }
  visit(struct, [])
  return [...faults, ...voidFaults(struct)]
}

function nameFaults(struct: StructType, path: readonly string[], options: CheckSchemaOptions): string[] {
  const faults: string[] = []
  if (struct.fields.length === 0) faults.push(path.length === 0 ? 'a table needs a column' : `${formatPath(path)}: a struct needs a field`)
  const seen = new Map<string, string>()
  for (const { name } of struct.fields) {
    const place = formatPath([...path, name])
    const lower = name.toLowerCase()
    const earlier = seen.get(lower)
    if (earlier === name) faults.push(`${place}: the name is given twice`)
    else if (earlier !== undefined) faults.push(`${place}: the name differs from ${formatPath([...path, earlier])} in case only`)
    seen.set(lower, name)
    if (name === '') faults.push(`${place}: a name must not be empty`)
    if (/\p{Surrogate}/u.test(name)) faults.push(`${place}: the name is no Unicode text`)
    const special = SPECIAL_CHARACTERS.exec(name)
    if (special !== null && !options.columnMapping)
      faults.push(`${place}: the name holds ${JSON.stringify(special[0])}; none of " ,;{}()\\n\\t=" may stand in a name`)
  }
  return faults
}

function leafFaults(type: DataType, path: readonly string[]): string[] {
  if (type.type === 'unknown') return [`${formatPath(path)}: the type ${typeName(type)} is not known`]
  if (type.type === 'decimal' && !isValidDecimal(type.precision, type.scale)) {
    return [`${formatPath(path)}: ${typeName(type)} must have a precision of 1 to 38 and a scale of 0 to the precision`]
  }
  return []
}

function voidFaults(struct: StructType): string[] {
  const faults: string[] = []
  const visit = (type: DataType, path: readonly string[]): void => {
    if (type.type === 'struct') {
      if (type.fields.length > 0 && type.fields.every((field) => field.dataType.type === 'void')) {
        faults.push(
          path.length === 0 ? 'a table cannot have void columns only' : `${formatPath(path)}: a struct cannot have void fields only`,
        )
      }
      for (const field of type.fields) visit(field.dataType, [...path, field.name])
    } else if (type.type === 'array' || type.type === 'map') {
      if (containsType(type, (part) => part.type === 'void')) faults.push(`${formatPath(path)}: void cannot stand inside an array or a map`)
      else if (type.type === 'array') visit(type.elementType, [...path, 'element'])
      else visit(type.valueType, [...path, 'value'])
    }
  }
  visit(struct, [])
  return faults
}

function partitionFaults(struct: StructType, partitionColumns: readonly string[]): string[] {
  const faults: string[] = []
  const byName = new Map<string, Field>(struct.fields.map((field) => [field.name, field]))
  const seen = new Set<string>()
  for (const name of partitionColumns) {
    const field = byName.get(name)
    if (seen.has(name)) faults.push(`partition column ${formatPath([name])} is given twice`)
    else if (field === undefined) faults.push(`partition column ${formatPath([name])} is no column${nearName(struct, name)}`)
    else if (!isPartitionType(field.dataType)) {
      faults.push(`partition column ${formatPath([name])}: a column of type ${typeName(field.dataType)} cannot partition a table`)
    }
    seen.add(name)
  }
  if (struct.fields.length > 0 && struct.fields.every((field) => seen.has(field.name))) {
    faults.push('at least one column must not be a partition column')
  }
  return faults
}

function nearName(struct: StructType, name: string): string {
  const near = struct.fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
  if (near !== undefined) return ` (did you mean ${formatPath([near.name])}?)`
  return `; columns are ${struct.fields
    .slice(0, 20)
    .map((field) => formatPath([field.name]))
    .join(', ')}`
}
