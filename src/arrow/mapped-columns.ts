// Columns of a file under the names of the table, where the table maps them (PROTOCOL.md, "Column Mapping"). One rule:
// a field is found by its physical name or its id alone; whatever else the file has is left out, at every depth.
import {
  type Field as ArrowField,
  type DataType as ArrowType,
  type Data,
  List,
  type RecordBatch,
  type Schema,
  Struct,
  Type,
} from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { type ColumnMappingMode, columnId, type DataType, type Field, physicalName, type StructType } from '../schema/index.js'
import { batchOf } from './batch-builder.js'
import { placesOf, schemaOf } from './schema.js'
import { mapType } from './types.js'

type Mapped = Exclude<ColumnMappingMode, 'none'>

/** Where the columns of a file stand in a table's schema. Made once a file, used for every batch of it. */
export class MappedColumns {
  /** The file's own names of the columns found: what to read. */
  readonly names: readonly string[]
  readonly #members: Members

  /**
   * @param file the schema of the file, field ids as `PARQUET:field_id` in the metadata of its fields
   * @param wanted columns of the table
   * @throws AlluviumError `SCHEMA_MISMATCH` for a file without ids where they are needed, or with one of them twice;
   * `CORRUPT_LOG` for a field that the table does not map
   */
  constructor(file: Schema, wanted: StructType, mode: Mapped, fileName: string) {
    if (mode === 'id' && wanted.fields.length > 0 && !file.fields.some(hasId)) {
      throw new AlluviumError('SCHEMA_MISMATCH', `${fileName} has no field ids, but the table finds its columns by them`, {
        path: fileName,
      })
    }
    this.#members = matchMembers(file.fields, wanted.fields, mode, fileName)
    this.names = this.#members.map(({ from }) => (file.fields[from] as ArrowField).name)
  }

  /** A batch of {@link names} with the table's names in their places. */
  rename(batch: RecordBatch): RecordBatch {
    const { fields } = batch.schema
    const places = placesOf(fields)
    const members = this.#members.map((member, i) => ({ ...member, from: places.get(this.names[i] as string) ?? -1 }))
    const { children, fields: renamed } = renameMembers(batch.data, fields, members)
    return batchOf(schemaOf(renamed), [...children], batch.numRows)
  }
}

/** A batch of a table's columns under the names that its files use, values shared. Columns come in the batch's order. */
export function physicalBatch(batch: RecordBatch, struct: StructType): RecordBatch {
  const members = physicalMembers(batch.schema.fields, struct.fields)
  const { children, fields } = renameMembers(batch.data, batch.schema.fields, members)
  return batchOf(schemaOf(fields), [...children], batch.numRows)
}

/** A field found: its place in the file's struct, its name in the table, and what is to be renamed inside. */
interface Member {
  readonly from: number
  readonly name: string
  readonly inner: Inner
}
type Members = readonly Member[]

/** What is to be renamed inside a column: undefined for nothing. */
type Inner =
  | { readonly kind: 'struct'; readonly members: Members }
  | { readonly kind: 'list'; readonly element: Inner }
  | { readonly kind: 'map'; readonly key: Inner; readonly value: Inner }
  | undefined

function matchMembers(have: readonly ArrowField[], want: readonly Field[], mode: Mapped, fileName: string): Member[] {
  const places = new Map<string | number, number>()
  have.forEach((field, place) => {
    const key = mode === 'name' ? field.name : fieldIdOf(field)
    if (key === undefined) return
    if (places.has(key)) {
      throw new AlluviumError('SCHEMA_MISMATCH', `${fileName} has two columns with the ${mode === 'name' ? 'name' : 'field id'} ${key}`, {
        path: fileName,
      })
    }
    places.set(key, place)
  })
  const found: Member[] = []
  for (const field of want) {
    const from = places.get(mode === 'name' ? physicalName(field) : columnId(field))
    if (from === undefined) continue
    const { type } = have[from] as ArrowField
    found.push({ from, name: field.name, inner: matchInner(type, field.dataType, mode, fileName) })
  }
  return found
}

function physicalMembers(have: readonly ArrowField[], want: readonly Field[]): Member[] {
  const places = placesOf(want)
  return have.map(({ name, type }, from) => {
    const field = want[places.get(name) ?? -1]
    return field === undefined
      ? { from, name, inner: undefined }
      : { from, name: physicalName(field), inner: physicalInner(type, field.dataType) }
  })
}

function physicalInner(have: ArrowType, want: DataType): Inner {
  const children = (have.children ?? []) as ArrowField[]
  if (want.type === 'struct') return { kind: 'struct', members: physicalMembers(children, want.fields) }
  if (want.type === 'array') {
    const element = physicalInner((children[0] as ArrowField).type, want.elementType)
    return element && { kind: 'list', element }
  }
  if (want.type !== 'map') return undefined
  const [keys, values] = ((children[0] as ArrowField).type as Struct).children as [ArrowField, ArrowField]
  const key = physicalInner(keys.type, want.keyType)
  const value = physicalInner(values.type, want.valueType)
  return key || value ? { kind: 'map', key, value } : undefined
}

// Types that do not fit are left to whoever conforms the batch.
function matchInner(have: ArrowType, want: DataType, mode: Mapped, fileName: string): Inner {
  const child = (have.children as ArrowField[] | undefined)?.[0]
  if (want.type === 'struct' && have.typeId === Type.Struct) {
    return { kind: 'struct', members: matchMembers((have as Struct).children, want.fields, mode, fileName) }
  }
  if (want.type === 'array' && have.typeId === Type.List && child !== undefined) {
    const element = matchInner(child.type, want.elementType, mode, fileName)
    return element && { kind: 'list', element }
  }
  if (want.type === 'map' && have.typeId === Type.Map && child !== undefined) {
    const [keys, values] = (child.type as Struct).children as [ArrowField, ArrowField]
    const key = matchInner(keys.type, want.keyType, mode, fileName)
    const value = matchInner(values.type, want.valueType, mode, fileName)
    return key || value ? { kind: 'map', key, value } : undefined
  }
  return undefined
}

function renameMembers(data: Data, fields: readonly ArrowField[], members: Members): { children: Data[]; fields: ArrowField[] } {
  const children = members.map(({ from, inner }) => renameInner(data.children[from] as Data, inner))
  return {
    children,
    fields: members.map(({ from, name }, i) => (fields[from] as ArrowField).clone({ name, type: (children[i] as Data).type })),
  }
}

function renameInner(data: Data, inner: Inner): Data {
  switch (inner?.kind) {
    case undefined:
      return data
    case 'struct': {
      const { children, fields } = renameMembers(data, (data.type as Struct).children, inner.members)
      return retyped(data, new Struct(fields), children)
    }
    case 'list': {
      const element = renameInner(data.children[0] as Data, inner.element)
      return retyped(data, new List((data.type.children[0] as ArrowField).clone({ type: element.type })), [element])
    }
    case 'map': {
      const entries = data.children[0] as Data
      const key = renameInner(entries.children[0] as Data, inner.key)
      const value = renameInner(entries.children[1] as Data, inner.value)
      const nullable = ((entries.type as unknown as Struct).children[1] as ArrowField).nullable
      const type = mapType(key.type, value.type, nullable)
      return retyped(data, type, [retyped(entries, (type.children[0] as ArrowField).type, [key, value])])
    }
  }
}

function retyped(data: Data, type: ArrowType, children: Data[]): Data {
  return data.clone(type, data.offset, data.length, data.nullCount, data.buffers as never, children as never) as Data
}

function hasId(field: ArrowField): boolean {
  const { type } = field
  return fieldIdOf(field) !== undefined || ((type.children ?? []) as ArrowField[]).some(hasId)
}

/** The id of a field in a Parquet file, if it has one. */
export function fieldIdOf(field: ArrowField): number | undefined {
  const text = field.metadata.get('PARQUET:field_id')
  return text === undefined ? undefined : Number(text)
}
