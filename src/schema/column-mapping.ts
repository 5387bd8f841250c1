// What columns are called in files (PROTOCOL.md, "Column Mapping"): physical names and ids, from the schema's metadata.
// Rule: a table that maps its columns says for every field how; one that does not is refused, never guessed at.
import { AlluviumError } from '../errors.js'
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
