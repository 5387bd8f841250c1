// What columns are called in files (PROTOCOL.md, "Column Mapping"): physical names and ids, from the schema's metadata.
// Rule: a table that maps its columns says for every field how; one that does not is refused, never guessed at.
import { AlluviumError, isAlluviumError } from '../errors.js'
import { jsonObject } from '../json.js'
import { formatPath } from './type-names.js'
import type { DataType, Field, StructType } from './types.js'

/** `none`: files use the schema's names. `name`: physical names. `id`: the ids of Parquet fields; statistics and partition values physical names. */
export type ColumnMappingMode = 'none' | 'name' | 'id'

const PHYSICAL_NAME = 'delta.columnMapping.physicalName'
const ID = 'delta.columnMapping.id'
const MAX_ID = 2 ** 31 - 1

/** A field's name in files, statistics and partition values. @throws AlluviumError `CORRUPT_LOG` where it has none */
export function physicalName(field: Field): string {
  const name = field.metadata[PHYSICAL_NAME]
  if (typeof name !== 'string') throw unmapped(field.name, PHYSICAL_NAME)
  return name
}

/** A field's id in Parquet files. @throws AlluviumError `CORRUPT_LOG` where it has none */
export function columnId(field: Field): number {
  const id = field.metadata[ID]
  if (typeof id !== 'number' || !Number.isInteger(id) || Math.abs(id) > MAX_ID) throw unmapped(field.name, ID)
  return id
}

/** A path through structs in physical names, or undefined where the schema has no such path. */
export function physicalPath(struct: StructType, path: readonly string[]): readonly string[] | undefined {
  const physical: string[] = []
  let at: DataType = struct
  for (const name of path) {
    const field: Field | undefined = at.type === 'struct' ? at.fields.find((candidate) => candidate.name === name) : undefined
    if (field === undefined) return undefined
    physical.push(physicalName(field))
    at = field.dataType
  }
  return physical
}

/** A path through structs in the ids of Parquet fields, or undefined where the schema has no such path. */
export function idPath(struct: StructType, path: readonly string[]): readonly number[] | undefined {
  const ids: number[] = []
  let at: DataType = struct
  for (const name of path) {
    const field: Field | undefined = at.type === 'struct' ? at.fields.find((candidate) => candidate.name === name) : undefined
    if (field === undefined) return undefined
    ids.push(columnId(field))
    at = field.dataType
  }
  return ids
}

const checked = new WeakMap<StructType, ColumnMappingMode>()

/**
 * Refuses a schema whose fields cannot be told apart in files: an annotation is missing, or two fields have the same.
 * @throws AlluviumError `CORRUPT_LOG` naming the column
 */
export function checkColumnMapping(struct: StructType, mode: ColumnMappingMode): void {
  if (mode === 'none' || checked.get(struct) === mode) return
  const ids = new Map<number, string>()
  const visit = (type: DataType, path: readonly string[]): void => {
    if (type.type === 'array') visit(type.elementType, [...path, 'element'])
    if (type.type === 'map') {
      visit(type.keyType, [...path, 'key'])
      visit(type.valueType, [...path, 'value'])
    }
    if (type.type !== 'struct') return
    const names = new Map<string, string>()
    for (const field of type.fields) {
      const place = [...path, field.name]
      claim(names, physicalName(field), formatPath(place), 'physical name')
      if (mode === 'id') claim(ids, columnId(field), formatPath(place), 'id')
      visit(field.dataType, place)
    }
  }
  visit(struct, [])
  checked.set(struct, mode)
}

/** The schema with the names that its files use; types, nullability and metadata as they are. */
export function physicalStruct(struct: StructType): StructType {
  return {
    type: 'struct',
    fields: struct.fields.map((field) => ({ ...field, name: physicalName(field), dataType: physicalType(field.dataType) })),
  }
}

/**
 * The schema of a new table that maps its columns: every field, nested ones too, gets an id and a physical name of its own.
 * @param uniqueName called once a field
 */
export function assignColumnMapping(struct: StructType, uniqueName: () => string): { struct: StructType; maxColumnId: number } {
  let maxColumnId = 0
  const assign = (type: DataType): DataType => {
    if (type.type === 'array') return { ...type, elementType: assign(type.elementType) }
    if (type.type === 'map') return { ...type, keyType: assign(type.keyType), valueType: assign(type.valueType) }
    if (type.type !== 'struct') return type
    const fields = type.fields.map((field) => {
      const metadata = jsonObject()
      Object.assign(metadata, field.metadata, { [ID]: ++maxColumnId, [PHYSICAL_NAME]: uniqueName() })
      return { ...field, metadata, dataType: assign(field.dataType) }
    })
    return { ...type, fields }
  }
  return { struct: assign(struct) as StructType, maxColumnId }
}

/** Whether every field has a physical name and an id, each once: files can be written for such a schema. */
export function isFullyMapped(struct: StructType): boolean {
  try {
    checkColumnMapping(struct, 'id')
    return true
  } catch (error) {
    if (isAlluviumError(error, 'CORRUPT_LOG')) return false
    throw error
  }
}

function physicalType(type: DataType): DataType {
  if (type.type === 'struct') return physicalStruct(type)
  if (type.type === 'array') return { ...type, elementType: physicalType(type.elementType) }
  if (type.type === 'map') return { ...type, keyType: physicalType(type.keyType), valueType: physicalType(type.valueType) }
  return type
}

function claim<K>(taken: Map<K, string>, key: K, column: string, what: string): void {
  const other = taken.get(key)
  if (other !== undefined) {
    throw new AlluviumError('CORRUPT_LOG', `the columns ${other} and ${column} have the same ${what} in the table's column mapping`, {
      columns: [other, column],
    })
  }
  taken.set(key, column)
}

function unmapped(column: string, key: string): AlluviumError {
  return new AlluviumError('CORRUPT_LOG', `the table maps its columns, but the column ${column} has no usable ${key}`, { column })
}
