// Looking at types: compare, find, walk, and which columns get statistics. Pure; the order is always the schema's.
import { AlluviumError } from '../errors.js'
import { type TablePropertyMap, tableProperties } from './properties.js'
import { formatPath, typeName } from './type-names.js'
import type { DataType, Field, StructType } from './types.js'

/** A leaf column: what statistics count. Arrays and maps are leaves too, whatever they hold. */
export interface LeafColumn {
  /** Logical names from the top. */
  readonly path: readonly string[]
  readonly field: Field
}

/**
 * Whether two types hold the same values: same kinds, names (exact), order and parameters. Metadata is not looked at;
 * nullability is, unless `nullability: false`.
 */
export function sameType(a: DataType, b: DataType, options: { readonly nullability?: boolean } = {}): boolean {
  const strict = options.nullability !== false
  const flags = (x: boolean, y: boolean): boolean => !strict || x === y
  if (a.type === 'struct') {
    return (
      b.type === 'struct' &&
      a.fields.length === b.fields.length &&
      a.fields.every((field, i) => sameField(field, b.fields[i] as Field, options))
    )
  }
  if (a.type === 'array')
    return b.type === 'array' && flags(a.containsNull, b.containsNull) && sameType(a.elementType, b.elementType, options)
  if (a.type === 'map') {
    return (
      b.type === 'map' &&
      flags(a.valueContainsNull, b.valueContainsNull) &&
      sameType(a.keyType, b.keyType, options) &&
      sameType(a.valueType, b.valueType, options)
    )
  }
  return a.type === b.type && typeName(a) === typeName(b)
}

/** The field of that exact name, or undefined. */
export function findField(struct: StructType, name: string): Field | undefined {
  return struct.fields.find((field) => field.name === name)
}

/** The field of that name, or the one that differs in case only (column names are unique without regard to case). */
export function findFieldAnyCase(struct: StructType, name: string): Field | undefined {
  const lower = name.toLowerCase()
  return findField(struct, name) ?? struct.fields.find((field) => field.name.toLowerCase() === lower)
}

/** The field at a path through structs, or undefined. */
export function fieldAt(struct: StructType, path: readonly string[]): Field | undefined {
  let at: DataType = struct
  let found: Field | undefined
  for (const name of path) {
    if (at.type !== 'struct') return undefined
    found = findField(at, name)
    if (found === undefined) return undefined
    at = found.dataType
  }
  return found
}

/** Visits every field, parents first, also inside arrays and maps (whose parts are `element`, `key` and `value` in the path). */
export function walkFields(struct: StructType, visit: (path: readonly string[], field: Field) => void): void {
  const type = (at: DataType, path: readonly string[]): void => {
    if (at.type === 'array') type(at.elementType, [...path, 'element'])
    if (at.type === 'map') {
      type(at.keyType, [...path, 'key'])
      type(at.valueType, [...path, 'value'])
    }
    if (at.type !== 'struct') return
    for (const field of at.fields) {
      const place = [...path, field.name]
      visit(place, field)
      type(field.dataType, place)
    }
  }
  type(struct, [])
}

/** Whether any part of a type, at any depth, satisfies the test. */
export function containsType(type: DataType, test: (type: DataType) => boolean): boolean {
  if (test(type)) return true
  if (type.type === 'array') return containsType(type.elementType, test)
  if (type.type === 'map') return containsType(type.keyType, test) || containsType(type.valueType, test)
  return type.type === 'struct' && type.fields.some((field) => containsType(field.dataType, test))
}

/**
 * Refuses types that this library does not know, by column and name.
 * @param columns top-level columns that will be read; all when left out.
 * @throws AlluviumError `UNSUPPORTED_FEATURE` naming every such column and type.
 */
export function assertKnownTypes(struct: StructType, columns?: readonly string[]): void {
  const found: { column: string; type: string }[] = []
  for (const field of struct.fields) {
    if (columns !== undefined && !columns.includes(field.name)) continue
    containsType(field.dataType, (type) => {
      if (type.type === 'unknown') found.push({ column: formatPath([field.name]), type: shortened(typeName(type)) })
      return false
    })
  }
  if (found.length === 0) return
  const named = found.map(({ column, type }) => `column ${column} has the type ${type}`).join('; ')
  throw new AlluviumError('UNSUPPORTED_FEATURE', `${named}: such columns cannot be read or written here; select other columns`, {
    features: [...new Set(found.map(({ type }) => type))],
    columns: [...new Set(found.map(({ column }) => column))],
  })
}

/** The leaf columns of a struct in schema order. */
export function leafColumns(struct: StructType): LeafColumn[] {
  const leaves: LeafColumn[] = []
  const visit = (at: StructType, path: readonly string[]): void => {
    for (const field of at.fields) {
      const place = [...path, field.name]
      if (field.dataType.type === 'struct') visit(field.dataType, place)
      else leaves.push({ path: place, field })
    }
  }
  visit(struct, [])
  return leaves
}

/** The paths of {@link leafColumns}. */
export function leafPaths(struct: StructType): (readonly string[])[] {
  return leafColumns(struct).map((leaf) => leaf.path)
}

/** The paths of {@link statsLeaves} as texts in the form of {@link formatPath}: `a`, `s.b`, `` `odd.name` ``. */
export function statsColumns(struct: StructType, partitionColumns: readonly string[], properties: TablePropertyMap): string[] {
  return statsLeaves(struct, partitionColumns, properties).map((leaf) => formatPath(leaf.path))
}

/**
 * The leaf columns that a file's statistics cover (PROTOCOL.md, "Per-file Statistics"): those that
 * `delta.dataSkippingStatsColumns` names (a struct stands for all its leaves; names that are no columns are passed over), else the first
 * `delta.dataSkippingNumIndexedCols` leaves (32 by default, -1 for all). Partition columns never.
 * @throws AlluviumError `INVALID_OPTIONS` for a malformed property.
 */
export function statsLeaves(struct: StructType, partitionColumns: readonly string[], properties: TablePropertyMap): LeafColumn[] {
  const partition = new Set(partitionColumns)
  const leaves = leafColumns({ type: 'struct', fields: struct.fields.filter((field) => !partition.has(field.name)) })
  const table = tableProperties(properties)
  const named = table.dataSkippingStatsColumns
  if (named !== undefined) return leaves.filter((leaf) => named.some((path) => startsWith(leaf.path, path)))
  const count = table.dataSkippingNumIndexedCols
  return count === -1 ? leaves : leaves.slice(0, count)
}

function sameField(a: Field, b: Field, options: { readonly nullability?: boolean }): boolean {
  return a.name === b.name && (options.nullability === false || a.nullable === b.nullable) && sameType(a.dataType, b.dataType, options)
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((name, i) => name.toLowerCase() === path[i]?.toLowerCase())
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
