// Delta types as Arrow types and back. One rule: one Arrow form for each Delta type, the one that Spark's Parquet files
// have: timestamps in microseconds, list child `element`, map child `key_value`.
import {
  Field as ArrowField,
  type DataType as ArrowType,
  Binary,
  Bool,
  type Data,
  DateDay,
  Decimal,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Null,
  Precision,
  type Schema,
  Struct,
  Timestamp,
  TimeUnit,
  Type,
  Utf8,
} from 'apache-arrow'
import { AlluviumError } from '../errors.js'
import { formatJson, jsonObject } from '../json.js'
import type { DataType, Field, PrimitiveName, StructType } from '../schema/index.js'
import { schemaOf } from './schema.js'
import { VARIANT_FIELD_METADATA, VARIANT_TYPE } from './variant/cells.js'

/** The Arrow schema of a Delta schema. @throws AlluviumError `UNSUPPORTED_FEATURE` for unknown types. */
export function toArrowSchema(struct: StructType): Schema {
  return schemaOf(struct.fields.map(toArrowField))
}

/** The Arrow field of a Delta field: its name, nullability and {@link toArrowType}. */
export function toArrowField(field: Field): ArrowField {
  return arrowField(field.name, field.dataType, field.nullable)
}

/** The one Arrow type by which values of a Delta type travel in this library. */
export function toArrowType(type: DataType): ArrowType {
  switch (type.type) {
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128)
    case 'struct':
      return new Struct(type.fields.map(toArrowField))
    case 'array':
      return new List(arrowField('element', type.elementType, type.containsNull))
    case 'map':
      return mapType(toArrowType(type.keyType), toArrowType(type.valueType), type.valueContainsNull)
    case 'unknown':
      throw unsupportedType(formatJson(type.json))
    default:
      return PRIMITIVES[type.type]
  }
}

/** The error for a type that is known by name at best. */
export function unsupportedType(name: string, path?: string): AlluviumError {
  const what = path === undefined ? 'columns' : `column ${path}: columns`
  return new AlluviumError('UNSUPPORTED_FEATURE', `${what} of type ${name} cannot be read or written`, {
    features: [name === 'variant' ? 'variantType' : name],
    ...(path === undefined ? {} : { column: path }),
  })
}

/** A map type whose entries are called `key_value`: the constructor of apache-arrow renames them, Parquet wants this name. */
export function mapType(key: ArrowType, value: ArrowType, valueNullable: boolean): Map_ {
  const entries = new ArrowField(
    'key_value',
    new Struct([new ArrowField('key', key, false), new ArrowField('value', value, valueNullable)]),
  )
  const type = new Map_(entries as ConstructorParameters<typeof Map_>[0])
  ;(entries as { name: string }).name = 'key_value'
  return type
}

/** `type` with the types that its children really have. */
export function withChildTypes(type: ArrowType, children: readonly Data[]): ArrowType {
  const fields = type.children as ArrowField[] | undefined
  if (fields === undefined || fields.every((field, i) => field.type === children[i]?.type)) return type
  const retyped = fields.map((field, i) => field.clone({ type: (children[i] as Data).type }))
  switch (type.typeId) {
    case Type.Struct:
      return new Struct(retyped)
    case Type.List:
      return new List(retyped[0] as ArrowField)
    case Type.Map: {
      const [key, value] = (retyped[0] as ArrowField).type.children as [ArrowField, ArrowField]
      return mapType(key.type, value.type, value.nullable)
    }
    default:
      return type
  }
}

/**
 * The Delta schema that holds an Arrow schema without loss: unsigned integers become the next wider signed type, any
 * timestamp unit becomes microseconds, dictionaries their values.
 * @throws AlluviumError `SCHEMA_MISMATCH` listing every column whose type Delta lacks.
 */
export function fromArrowSchema(schema: Schema): StructType {
  const faults: string[] = []
  const fields = schema.fields.map((field) => fromField(field, field.name, faults))
  if (faults.length > 0) {
    throw new AlluviumError('SCHEMA_MISMATCH', `Delta tables have no type for ${faults.join('; ')}. Cast these columns first.`, {
      columns: faults,
    })
  }
  return { type: 'struct', fields }
}

function arrowField(name: string, type: DataType, nullable: boolean): ArrowField {
  const metadata = type.type === 'variant' ? new Map(VARIANT_FIELD_METADATA) : undefined
  return new ArrowField(name, toArrowType(type), nullable, metadata)
}

// One of each for all columns: they have no state, and some tables have very many columns.
const PRIMITIVES: Readonly<Record<PrimitiveName, ArrowType>> = {
  string: new Utf8(),
  long: new Int64(),
  integer: new Int32(),
  short: new Int16(),
  byte: new Int8(),
  float: new Float32(),
  double: new Float64(),
  boolean: new Bool(),
  binary: new Binary(),
  date: new DateDay(),
  timestamp: new Timestamp(TimeUnit.MICROSECOND, 'UTC'),
  timestamp_ntz: new Timestamp(TimeUnit.MICROSECOND, null),
  void: new Null(),
  variant: VARIANT_TYPE,
}

function fromField(field: ArrowField, path: string, faults: string[]): Field {
  return { name: field.name, dataType: fromType(field.type, path, faults), nullable: field.nullable, metadata: jsonObject() }
}

function fromType(type: ArrowType, path: string, faults: string[]): DataType {
  switch (type.typeId) {
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList: {
      const child = type.children[0] as ArrowField
      return { type: 'array', elementType: fromType(child.type, `${path}.element`, faults), containsNull: child.nullable }
    }
    case Type.Struct:
      return { type: 'struct', fields: (type as Struct).children.map((child) => fromField(child, `${path}.${child.name}`, faults)) }
    case Type.Map: {
      const [key, value] = (type as Map_).childType.children as [ArrowField, ArrowField]
      return {
        type: 'map',
        keyType: fromType(key.type, `${path}.key`, faults),
        valueType: fromType(value.type, `${path}.value`, faults),
        valueContainsNull: value.nullable,
      }
    }
    case Type.Dictionary:
      return fromType((type as unknown as { dictionary: ArrowType }).dictionary, path, faults)
    default:
      return fromLeaf(type, path, faults)
  }
}

function fromLeaf(type: ArrowType, path: string, faults: string[]): DataType {
  switch (type.typeId) {
    case Type.Int:
      return fromInt(type as ArrowType & { isSigned: boolean; bitWidth: number })
    case Type.Float:
      return { type: (type as ArrowType & { precision: Precision }).precision === Precision.DOUBLE ? 'double' : 'float' }
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
      return { type: 'string' }
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return { type: 'binary' }
    case Type.Bool:
      return { type: 'boolean' }
    case Type.Date:
      return { type: 'date' }
    case Type.Timestamp:
      return { type: (type as Timestamp).timezone ? 'timestamp' : 'timestamp_ntz' }
    case Type.Null:
      return { type: 'void' }
    case Type.Decimal: {
      const { precision, scale } = type as Decimal
      if (precision <= 38 && scale >= 0 && scale <= precision) return { type: 'decimal', precision, scale }
      break
    }
    default:
  }
  faults.push(`${path} (${type})`)
  return { type: 'void' }
}

function fromInt(type: { isSigned: boolean; bitWidth: number }): DataType {
  const bits = type.isSigned ? type.bitWidth : type.bitWidth * 2
  if (bits === 8) return { type: 'byte' }
  if (bits === 16) return { type: 'short' }
  if (bits === 32) return { type: 'integer' }
  return bits === 64 ? { type: 'long' } : { type: 'decimal', precision: 20, scale: 0 }
}
