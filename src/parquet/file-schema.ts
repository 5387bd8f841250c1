// The Arrow schema that makes the codec write exactly the Parquet schema Delta and Spark expect, and batches laid out
// for it. One rule: values are never converted here; a batch of another type is refused.
import { type RecordBatch as ArrowBatch, type Data, DataType, Field, List, Map_, makeData, RecordBatch, Schema, Struct } from 'apache-arrow'
import { toArrowType } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import { type Field as DeltaField, type DataType as DeltaType, type StructType, typeName } from '../schema/index.js'

/** The Arrow schema of a data file. Void columns are left out: they are never in Parquet. */
export function fileSchema(struct: StructType): Schema {
  const known = fileSchemas.get(struct)
  if (known !== undefined) return known
  const schema = new Schema(fileFields(struct))
  fileSchemas.set(struct, schema)
  return schema
}

// A table has one for all its files.
const fileSchemas = new WeakMap<StructType, Schema>()

function fileFields(struct: StructType): Field[] {
  return struct.fields.filter((field) => field.dataType.type !== 'void').map(fileField)
}

function fileField(field: DeltaField): Field {
  const id = field.metadata['delta.columnMapping.id']
  const metadata = typeof id === 'number' ? new Map([['PARQUET:field_id', String(id)]]) : undefined
  return new Field(field.name, fileType(field.dataType), field.nullable, metadata)
}

function fileType(type: DeltaType): DataType {
  switch (type.type) {
    case 'struct':
      return new Struct(fileFields(type))
    case 'array':
      return new List(new Field('element', fileType(type.elementType), type.containsNull))
    case 'map': {
      const key = new Field('key', fileType(type.keyType), false)
      const value = new Field('value', fileType(type.valueType), type.valueContainsNull)
      const entries = new Field('key_value', new Struct([key, value]), false)
      const map = new Map_(entries as ConstructorParameters<typeof Map_>[0])
      // The constructor of apache-arrow renames the entries; Parquet wants this name.
      ;(entries as { name: string }).name = 'key_value'
      return map
    }
    case 'variant':
      throw new AlluviumError('UNSUPPORTED_FEATURE', 'columns of type variant cannot be written', { features: ['variantType'] })
    default:
      return toArrowType(type)
  }
}

/**
 * The same values under the file's schema, columns matched by name.
 * @throws AlluviumError `SCHEMA_MISMATCH` for a missing column or another type, `CONSTRAINT_VIOLATED` for a null in a
 * column that has none: written, it would silently become some value.
 */
export function layOut(batch: ArrowBatch, schema: Schema): ArrowBatch {
  const children = membersOf(batch.data as Data<Struct>, batch.schema.fields, schema.fields, '')
  const data = makeData({ type: new Struct(schema.fields), length: batch.numRows, nullCount: 0, children })
  return new RecordBatch(schema, data)
}

function membersOf(data: Data, have: readonly Field[], want: readonly Field[], parent: string): Data[] {
  return want.map((field) => {
    const path = parent === '' ? field.name : `${parent}.${field.name}`
    const at = have.findIndex((other) => other.name === field.name)
    const child = data.children[at]
    if (child === undefined) throw mismatch(path, 'is missing from the batch')
    if (!field.nullable) checkNoNulls(child, data, path, parent !== '')
    return fitted(child, field, path)
  })
}

function fitted(data: Data, field: Field, path: string): Data {
  const { type } = field
  if (data.type.typeId !== type.typeId) throw mismatch(path, `has Arrow type ${data.type}, the file needs ${type}`)
  if (DataType.isStruct(type)) {
    const children = membersOf(data, (data.type as Struct).children, type.children, path)
    return sameChildren(data, children) ? data : makeData({ ...layout(data), type, children })
  }
  if (DataType.isList(type)) {
    const element = type.children[0] as Field
    const child = data.children[0] as Data
    const cells = element.nullable ? child : withoutNulls(child, data, `${path}.element`)
    const fittedChild = fitted(cells, element, `${path}.element`)
    return fittedChild === child ? data : (makeData({ ...layout(data), type, child: fittedChild } as never) as Data)
  }
  if (DataType.isMap(type)) {
    const entries = data.children[0] as Data
    const wanted = (type.children[0] as Field<Struct>).type
    const children = wanted.children.map((member, i) => {
      const child = entries.children[i] as Data
      const name = `${path}.${member.name}`
      return fitted(member.nullable ? child : withoutNulls(child, data, name), member, name)
    })
    if (sameChildren(entries, children)) return data
    const child = makeData({ ...layout(entries), type: wanted, children })
    return makeData({ ...layout(data), type, child } as never) as Data
  }
  const sameWidth = !DataType.isDecimal(type) || (data.type as typeof type).bitWidth === type.bitWidth
  if (String(data.type) !== String(type) || !sameWidth) throw mismatch(path, `has Arrow type ${data.type}, the file needs ${type}`)
  return data
}

function layout(data: Data): object {
  return {
    offset: data.offset,
    length: data.length,
    nullCount: data.nullCount,
    nullBitmap: data.nullBitmap,
    valueOffsets: data.valueOffsets,
  }
}

function sameChildren(data: Data, children: readonly Data[]): boolean {
  return data.children.length === children.length && children.every((child, i) => child === data.children[i])
}

// A null below a null parent is no value at all; only one below a present parent breaks the rule.
function checkNoNulls(child: Data, parent: Data | undefined, path: string, isNested: boolean): void {
  if (child.nullCount === 0) return
  for (let row = 0; row < child.length; row++) {
    if (child.getValid(row) || (isNested && parent !== undefined && !parent.getValid(row))) continue
    throw nullFound(path, row)
  }
}

// The same for the cells of lists and maps: only those that a present list refers to are values. The codec is stricter, so
// nulls that nothing refers to are forgotten.
function withoutNulls(cells: Data, lists: Data, path: string): Data {
  if (cells.nullCount === 0) return cells
  const offsets = lists.valueOffsets as Int32Array
  for (let row = 0; row < lists.length; row++) {
    if (!lists.getValid(row)) continue
    for (let cell = offsets[row] as number; cell < (offsets[row + 1] as number); cell++) {
      if (!cells.getValid(cell)) throw nullFound(path, row)
    }
  }
  const { type, offset, length, valueOffsets, values, typeIds } = cells
  return cells.clone(type, offset, length, 0, [valueOffsets, values, undefined, typeIds] as never, cells.children)
}

function nullFound(path: string, row: number): AlluviumError {
  return new AlluviumError('CONSTRAINT_VIOLATED', `column ${path} must not be null, but row ${row} of the batch is`, { column: path, row })
}

function mismatch(path: string, what: string): AlluviumError {
  return new AlluviumError('SCHEMA_MISMATCH', `column ${path} ${what}. Bring the batch to the table's schema first (conformBatch).`, {
    column: path,
  })
}

/** The types that cannot be written, named. @throws AlluviumError `UNSUPPORTED_FEATURE` */
export function assertWritable(struct: StructType): void {
  const leaves = struct.fields.filter((field) => field.dataType.type !== 'void')
  if (leaves.length === 0) {
    const types = struct.fields.map((field) => `${field.name} ${typeName(field.dataType)}`).join(', ')
    throw new AlluviumError('SCHEMA_MISMATCH', `a Parquet file needs a column with values; the schema has ${types === '' ? 'none' : types}`)
  }
}
