// Delta's types as plain data (PROTOCOL.md, "Schema Serialization Format"). Pure: no Arrow, no Parquet, no I/O.
import type { JsonObject } from '../json.js'

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
export type DataType = PrimitiveType | DecimalType | StructType | ArrayType | MapType

/** A column, or a member of a struct. `metadata` keeps every key, known or not. */
export interface Field {
  readonly name: string
  readonly dataType: DataType
  readonly nullable: boolean
  readonly metadata: JsonObject
}
