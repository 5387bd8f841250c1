// Which row groups of a file a filter can need, by the bounds in its footer. Rule: a bound counts only where the file's
// column is of the very kind that the table's is; anything else is unknown, and unknown keeps.
import { type Field as ArrowField, DataType as ArrowType, TimeUnit, Type } from 'apache-arrow'
import { fieldIdOf } from '../arrow/index.js'
import type { BoundFilter, ColumnBounds } from '../filter/index.js'
import type { ChunkInfo, ParquetFile, RowGroupInfo } from '../parquet/index.js'
import { type ColumnMappingMode, type DataType, idPath, type PhysicalValue, physicalPath, type StructType } from '../schema/index.js'

/** Numbers of Parquet's physical types. */
const INT32 = 1
const INT64 = 2
const FLOAT = 4
const DOUBLE = 5
const BYTE_ARRAY = 6

/**
 * The indexes of the row groups that can hold a row for the filter; undefined where that is all of them.
 * @param schema has the filter's columns
 * @param filledIn columns whose values do not come from the file, whatever it holds under their names
 */
export function pruneRowGroups(
  filter: BoundFilter,
  file: ParquetFile,
  schema: StructType,
  mode: ColumnMappingMode,
  filledIn: { has(column: string): boolean },
): readonly number[] | undefined {
  if (file.rowGroups.length === 0) return undefined
  const columns = new Map<string, FileColumn>()
  for (const { path, type } of filter.leaves) {
    if (filledIn.has(path[0] as string)) continue
    const column = columnOf(file, inFile(schema, path, mode), type)
    if (column !== undefined) columns.set(JSON.stringify(path), column)
  }
  if (columns.size === 0) return undefined
  const kept: number[] = []
  for (const [index, group] of file.rowGroups.entries()) {
    const bounds = { get: (path: readonly string[]) => boundsOf(columns.get(JSON.stringify(path)), group) }
    if (filter.mightMatch(bounds)) kept.push(index)
  }
  return kept.length === file.rowGroups.length ? undefined : kept
}

interface FileColumn {
  readonly leaf: number
  readonly read: ((bytes: Uint8Array, isMax: boolean) => PhysicalValue | undefined) | undefined
}

// How the fields of a path are found in a file: by name, or by id.
type FieldPath = readonly (string | number)[]

function inFile(schema: StructType, path: readonly string[], mode: ColumnMappingMode): FieldPath | undefined {
  if (mode === 'none') return path
  return mode === 'name' ? physicalPath(schema, path) : idPath(schema, path)
}

// The leaf of a path of fields, where each is there exactly once and not inside a list or map.
function columnOf(file: ParquetFile, wanted: FieldPath | undefined, type: DataType): FileColumn | undefined {
  const chunks = file.rowGroups[0]?.columns ?? []
  if (wanted === undefined) return undefined
  let fields: readonly ArrowField[] = file.arrowSchema.fields
  let found: ArrowField | undefined
  const path: string[] = []
  for (const key of wanted) {
    const same = fields.filter((field) => (typeof key === 'string' ? field.name : fieldIdOf(field)) === key)
    found = same.length === 1 ? same[0] : undefined
    if (found === undefined) return undefined
    path.push(found.name)
    fields = ArrowType.isStruct(found.type) ? found.type.children : []
  }
  const leaves = chunks.flatMap((chunk, leaf) => (isPath(chunk, path) ? [leaf] : []))
  const [leaf] = leaves
  if (found === undefined || leaf === undefined || leaves.length !== 1) return undefined
  // The nulls of a list or map are those of its elements.
  if (found.type.children?.length > 0) return undefined
  return { leaf, read: boundReader(type, found.type, (chunks[leaf] as ChunkInfo).physicalType) }
}

function isPath(chunk: ChunkInfo, path: readonly string[]): boolean {
  return chunk.path.length === path.length && chunk.path.every((name, i) => name === path[i])
}

function boundsOf(column: FileColumn | undefined, group: RowGroupInfo): ColumnBounds | undefined {
  const chunk = column === undefined ? undefined : group.columns[column.leaf]
  if (column === undefined || chunk === undefined) return undefined
  const { nullCount, minValue, maxValue } = chunk
  const bound = (bytes: Uint8Array | undefined, isMax: boolean): PhysicalValue | undefined =>
    bytes === undefined ? undefined : column.read?.(bytes, isMax)
  return { min: bound(minValue, false), max: bound(maxValue, true), nullCount, numRecords: group.numRows }
}

// How a bound is read, where the file's values are those of the table's type, or integers of fewer bits.
function boundReader(type: DataType, arrow: ArrowType, physical: number): FileColumn['read'] {
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return ArrowType.isInt(arrow) && arrow.isSigned ? integerReader(physical) : undefined
    case 'date':
      return arrow.typeId === Type.Date && physical === INT32 ? integerReader(physical) : undefined
    case 'timestamp':
    case 'timestamp_ntz': {
      if (!ArrowType.isTimestamp(arrow) || arrow.unit !== TimeUnit.MICROSECOND || physical !== INT64) return undefined
      const isZoned = arrow.timezone !== null && arrow.timezone !== undefined && arrow.timezone !== ''
      return isZoned === (type.type === 'timestamp') ? integerReader(physical) : undefined
    }
    case 'float':
    case 'double':
      return ArrowType.isFloat(arrow) && (physical === FLOAT || type.type === 'double') ? floatReader(physical) : undefined
    case 'string':
      return ArrowType.isUtf8(arrow) && physical === BYTE_ARRAY ? readText : undefined
    case 'decimal':
      return ArrowType.isDecimal(arrow) && arrow.scale === type.scale ? decimalReader(physical) : undefined
    default:
      return undefined
  }
}

function integerReader(physical: number): FileColumn['read'] {
  if (physical === INT32) return (bytes) => (bytes.length === 4 ? viewOf(bytes).getInt32(0, true) : undefined)
  if (physical === INT64) return (bytes) => (bytes.length === 8 ? viewOf(bytes).getBigInt64(0, true) : undefined)
  return undefined
}

function floatReader(physical: number): FileColumn['read'] {
  if (physical === FLOAT) return (bytes) => (bytes.length === 4 ? viewOf(bytes).getFloat32(0, true) : undefined)
  if (physical === DOUBLE) return (bytes) => (bytes.length === 8 ? viewOf(bytes).getFloat64(0, true) : undefined)
  return undefined
}

// Integers as they are; bytes as one big-endian number with its sign.
function decimalReader(physical: number): FileColumn['read'] {
  if (physical === INT32 || physical === INT64) return integerReader(physical)
  return (bytes) => {
    if (bytes.length === 0 || bytes.length > 32) return undefined
    let value = 0n
    for (const byte of bytes) value = (value << 8n) | BigInt(byte)
    return BigInt.asIntN(8 * bytes.length, value)
  }
}

// Writers may cut texts, and not all of them move the greatest one up then: a byte that no UTF-8 holds does it for them.
function readText(bytes: Uint8Array, isMax: boolean): Uint8Array {
  if (!isMax) return bytes
  const above = new Uint8Array(bytes.length + 1)
  above.set(bytes)
  above[bytes.length] = 0xff
  return above
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
