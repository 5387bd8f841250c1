// Delta's types as plain data (PROTOCOL.md, "Schema Serialization Format"). Pure: no Arrow, no Parquet, no I/O.
import type { JsonObject, JsonValue } from '../json.js'

/** Types without parameters. `void` is always null; `variant` is self-describing. */
export type PrimitiveName =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'void'
  | 'variant'

export interface PrimitiveType {
  readonly type: PrimitiveName
}
export interface DecimalType {
  readonly type: 'decimal'
  /** 1 to 38 digits in all. */
  readonly precision: number
  /** Digits after the point, 0 to precision. */
  readonly scale: number
}
export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly Field[]
}
export interface ArrayType {
  readonly type: 'array'
  readonly elementType: DataType
  readonly containsNull: boolean
}
export interface MapType {
  readonly type: 'map'
  readonly keyType: DataType
  readonly valueType: DataType
  readonly valueContainsNull: boolean
}
/**
 * A type that this library does not know (intervals, geometry, user-defined types, types of the future).
 * A table that has one opens; reading or writing such a column is refused by name.
 */
export interface UnknownType {
  readonly type: 'unknown'
  /** The type as it stands in the schema: a name, or the JSON of a structured type. Written back unchanged. */
  readonly json: JsonValue
}
export type DataType = PrimitiveType | DecimalType | StructType | ArrayType | MapType | UnknownType

/** The types a partition column may have. */
export type PartitionType = PrimitiveType | DecimalType

/**
 * A value in the form that statistics, partition values and filters share:
 * bigint for long, timestamp and timestamp_ntz (microseconds since 1970) and decimal (unscaled);
 * number for the other numerics and date (days since 1970); text, boolean and bytes as themselves.
 */
export type PhysicalValue = bigint | number | string | boolean | Uint8Array

/** A column, or a member of a struct. `metadata` keeps every key, known or not. */
export interface Field {
  readonly name: string
  readonly dataType: DataType
  readonly nullable: boolean
  readonly metadata: JsonObject
}
