// The columns of a change data feed, and whether what versions of a range wrote can be read as the schema at its end
// (PROTOCOL.md, "Reader Requirements for AddCDCFile"). Rule: columns may have been added and types widened; whatever
// else changed is refused by version and column, because values would be lost or land in the wrong column.
import { AlluviumError } from '../errors.js'
import { columnMappingMode, type Metadata, type Protocol } from '../log/index.js'
import {
  type ColumnMappingMode,
  columnId,
  type DataType,
  type Field,
  formatPath,
  isWidening,
  parseSchema,
  physicalName,
  type StructType,
  sameType,
  typeName,
} from '../schema/index.js'

export const CHANGE_TYPE = '_change_type'
export const COMMIT_VERSION = '_commit_version'
export const COMMIT_TIMESTAMP = '_commit_timestamp'

/** What happened to a row. */
export type ChangeType = 'insert' | 'delete' | 'update_preimage' | 'update_postimage'

/** The columns that a feed adds to those of the table. */
export const CHANGE_FIELDS: readonly Field[] = [
  { name: CHANGE_TYPE, dataType: { type: 'string' }, nullable: false, metadata: {} },
  { name: COMMIT_VERSION, dataType: { type: 'long' }, nullable: false, metadata: {} },
  { name: COMMIT_TIMESTAMP, dataType: { type: 'timestamp' }, nullable: false, metadata: {} },
]

/** How a table looked from some version on. */
export interface Shape {
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly schema: StructType
  readonly mode: ColumnMappingMode
}

/** @throws AlluviumError `CORRUPT_LOG`, `UNSUPPORTED_FEATURE` for schemas and mappings that make no sense here */
export function shapeOf(protocol: Protocol, metadata: Metadata, previous?: Shape): Shape {
  const known = previous?.metadata.schemaString === metadata.schemaString ? previous.schema : undefined
  return { protocol, metadata, schema: known ?? parseSchema(metadata.schemaString), mode: columnMappingMode(protocol, metadata) }
}

/** The schema of the feed's rows. `relaxed`: some rows are older than the schema, so NOT NULL does not hold for them. */
export function feedSchema(table: StructType, relaxed: boolean): StructType {
  const taken = table.fields.map((field) => field.name).filter((name) => CHANGE_FIELDS.some((field) => field.name === name.toLowerCase()))
  if (taken.length > 0) {
    throw new AlluviumError(
      'SCHEMA_MISMATCH',
      `the table has columns of its own called ${taken.join(', ')}, names that the change data feed needs; its changes cannot be read`,
      { columns: taken },
    )
  }
  const data = relaxed ? (nullable(table) as StructType) : table
  return { type: 'struct', fields: [...data.fields, ...CHANGE_FIELDS] }
}

/** What a version's rows are read as. */
export interface WantedColumns {
  /** Shape at the end of the range. */
  readonly end: Shape
  /** Names of the columns that are read. */
  readonly columns: ReadonlySet<string>
  /** All columns were asked for: none may be missing from the end. */
  readonly all: boolean
}

/** @throws AlluviumError `SCHEMA_MISMATCH` with the facts `version`, `columns` and `faults` */
export function checkReadableAs(then: Shape, { end, columns, all }: WantedColumns, version: number): void {
  if (then.metadata.schemaString === end.metadata.schemaString && then.mode === end.mode) return
  const faults: { column: string; problem: string }[] = []
  const have = { type: 'struct' as const, fields: then.schema.fields.filter((field) => all || isWanted(field, then, end, columns)) }
  const want = { type: 'struct' as const, fields: end.schema.fields.filter((field) => all || columns.has(field.name)) }
  compareStructs(have, want, [], then.mode, end.mode, faults)
  if (faults.length === 0) return
  throw new AlluviumError(
    'SCHEMA_MISMATCH',
    `the changes of version ${version} cannot be read under the schema at the end of the range: ${faults
      .map(({ column, problem }) => `column ${column} ${problem}`)
      .join('; ')}; read the versions before the schema change and those from it on apart, or name other columns`,
    { version, columns: faults.map((fault) => fault.column), faults },
  )
}

// A column that the range's end calls as one that is read, or that lies in the files where one that is read does.
function isWanted(field: Field, then: Shape, end: Shape, columns: ReadonlySet<string>): boolean {
  if (columns.has(field.name)) return true
  return end.schema.fields.some(
    (wanted) => columns.has(wanted.name) && nameInFiles(wanted, end.mode) === nameInFiles(field, then.mode) && end.mode !== 'none',
  )
}

type Faults = { column: string; problem: string }[]

function compareStructs(
  have: StructType,
  want: StructType,
  path: readonly string[],
  haveMode: ColumnMappingMode,
  wantMode: ColumnMappingMode,
  faults: Faults,
): void {
  for (const field of have.fields) {
    const place = [...path, field.name]
    const column = formatPath(place)
    const wanted = want.fields.find((candidate) => candidate.name === field.name)
    if (wanted === undefined) {
      const renamed = want.fields.find((candidate) => nameInFiles(candidate, wantMode) === nameInFiles(field, haveMode))
      faults.push({ column, problem: renamed === undefined ? 'is gone' : `was renamed to ${formatPath([...path, renamed.name])}` })
    } else if (isOther(field, wanted, haveMode, wantMode)) {
      faults.push({ column, problem: 'was another column by the same name' })
    } else compareTypes(field.dataType, wanted.dataType, place, haveMode, wantMode, faults)
  }
}

function compareTypes(
  have: DataType,
  want: DataType,
  path: readonly string[],
  haveMode: ColumnMappingMode,
  wantMode: ColumnMappingMode,
  faults: Faults,
): void {
  const inner = (a: DataType, b: DataType, name: string): void => compareTypes(a, b, [...path, name], haveMode, wantMode, faults)
  if (have.type === 'struct' && want.type === 'struct') compareStructs(have, want, path, haveMode, wantMode, faults)
  else if (have.type === 'array' && want.type === 'array') inner(have.elementType, want.elementType, 'element')
  else if (have.type === 'map' && want.type === 'map') {
    inner(have.keyType, want.keyType, 'key')
    inner(have.valueType, want.valueType, 'value')
  } else if (!sameType(have, want) && !isWidening(have, want)) {
    faults.push({ column: formatPath(path), problem: `was ${typeName(have)} and is ${typeName(want)}` })
  }
}

/** What a field is called in files and in partition values. */
export function nameInFiles(field: Field, mode: ColumnMappingMode): string {
  return mode === 'none' ? field.name : physicalName(field)
}

function isOther(have: Field, want: Field, haveMode: ColumnMappingMode, wantMode: ColumnMappingMode): boolean {
  if (nameInFiles(have, haveMode) !== nameInFiles(want, wantMode)) return true
  return haveMode === 'id' && wantMode === 'id' && columnId(have) !== columnId(want)
}

function nullable(type: DataType): DataType {
  switch (type.type) {
    case 'struct':
      return { ...type, fields: type.fields.map((field) => ({ ...field, nullable: true, dataType: nullable(field.dataType) })) }
    case 'array':
      return { ...type, containsNull: true, elementType: nullable(type.elementType) }
    case 'map':
      return { ...type, valueContainsNull: true, valueType: nullable(type.valueType) }
    default:
      return type
  }
}
