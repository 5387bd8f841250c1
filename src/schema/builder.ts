// A schema written in TypeScript, from which the type of its rows follows. The row types live in the compiler only:
// at run time a schema is its Delta struct.
import { type JsonValue, jsonObject } from '../json.js'
import { isValidDecimal } from './type-names.js'
import type { DataType, Field, PrimitiveName, StructType } from './types.js'

declare const OUT: unique symbol
declare const IN: unique symbol

/**
 * A column under construction: nullable until {@link ColumnSpec.notNull}.
 * `Out` is what reading gives, `In` what writing takes; both without null.
 */
export interface ColumnSpec<Out, In = Out, Null extends null | never = null> {
  readonly dataType: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, JsonValue>>
  /** The column refuses null. */
  notNull(): ColumnSpec<Out, In, never>
  /** A text that engines show with the column. */
  comment(text: string): ColumnSpec<Out, In, Null>
  readonly [OUT]?: Out | Null
  readonly [IN]?: In | Null
}

/** Columns by name. */
// biome-ignore lint/suspicious/noExplicitAny: any kind of column
export type Columns = Readonly<Record<string, ColumnSpec<any, any, any>>>

/** Makes the types of an object readable where an editor shows them. */
type Flat<T> = { [K in keyof T]: T[K] }
// biome-ignore lint/suspicious/noExplicitAny: any kind of column
type OutOf<C> = C extends ColumnSpec<infer Out, any, infer Null> ? Out | Null : never
// biome-ignore lint/suspicious/noExplicitAny: any kind of column
type InOf<C> = C extends ColumnSpec<any, infer In, infer Null> ? In | ([Null] extends [never] ? never : null | undefined) : never
type Optional<C extends Columns> = { [K in keyof C]: undefined extends InOf<C[K]> ? K : never }[keyof C]

/** What reading gives for a set of columns. */
export type RowOfColumns<C extends Columns> = Flat<{ -readonly [K in keyof C]: OutOf<C[K]> }>
/** What writing takes for a set of columns: nullable ones may be null, undefined or missing. */
export type InputOfColumns<C extends Columns> = Flat<
  { readonly [K in Exclude<keyof C, Optional<C>>]: InOf<C[K]> } & { readonly [K in Optional<C>]?: InOf<C[K]> }
>

/**
 * A table's schema with the type of its rows.
 * `Row` is what reading gives; `Input` is what writing takes, which is wider (a safe integer for a long, a missing key for null).
 */
export interface TableSchema<Row = Record<string, unknown>, Input = Row> {
  readonly struct: StructType
  readonly '~row'?: Row
  // A parameter position, so that a schema that takes more is also a schema that takes less.
  readonly '~input'?: (input: Input) => void
}

/** The rows that reading a table of this schema gives. */
// biome-ignore lint/suspicious/noExplicitAny: any kind of input
export type RowOf<S> = S extends TableSchema<infer Row, any> ? Row : never
/** The same as {@link RowOf}. */
export type InferRow<S> = RowOf<S>
/** The rows that writing to a table of this schema takes. */
// biome-ignore lint/suspicious/noExplicitAny: any kind of row
export type InputOf<S> = S extends TableSchema<any, infer Input> ? Input : never

/**
 * A schema from its columns, in their order (names that are whole numbers come first, as in every JavaScript object).
 *
 * @example
 * const events = schema({ id: long().notNull(), player: string(), tags: array(string().notNull()), at: timestamp() })
 * type Event = RowOf<typeof events> // { id: bigint; player: string | null; tags: string[] | null; at: Date | null }
 */
export function schema<const C extends Columns>(columns: C): TableSchema<RowOfColumns<C>, InputOfColumns<C>> {
  return { struct: structOf(columns) }
}

/** A schema around a struct that is only known at run time. */
export function untypedSchema(struct: StructType): TableSchema<Record<string, unknown>> {
  return { struct }
}

/** UTF-8 text. */
export const string = (): ColumnSpec<string> => primitive('string')
/** 64-bit integer: bigint when read; bigint or a safe integer when written. */
export const long = (): ColumnSpec<bigint, bigint | number> => primitive('long')
/** 32-bit integer. */
export const integer = (): ColumnSpec<number> => primitive('integer')
/** 16-bit integer. */
export const short = (): ColumnSpec<number> => primitive('short')
/** 8-bit integer, -128 to 127. */
export const byte = (): ColumnSpec<number> => primitive('byte')
/** 32-bit floating point. */
export const float = (): ColumnSpec<number> => primitive('float')
/** 64-bit floating point. */
export const double = (): ColumnSpec<number> => primitive('double')
/** true or false. */
export const boolean = (): ColumnSpec<boolean> => primitive('boolean')
/** Bytes. */
export const binary = (): ColumnSpec<Uint8Array> => primitive('binary')
/** A calendar day: `'2024-02-29'` when read; that, or a Date at midnight UTC, when written. */
export const date = (): ColumnSpec<string, string | Date> => primitive('date')
/** A point in time in microseconds: a Date when read; a Date, bigint microseconds since 1970 or ISO text with a zone when written. */
export const timestamp = (): ColumnSpec<Date, Date | bigint | string> => primitive('timestamp')
/** A date and time of no zone: `'2024-02-29T12:34:56.000001'`. Needs the table feature `timestampNtz`. */
export const timestampNtz = (): ColumnSpec<string> => primitive('timestamp_ntz')
/** A decimal of `precision` digits, `scale` of them after the point: text when read; text, bigint or a safe integer when written. */
export const decimal = (precision: number, scale: number): ColumnSpec<string, string | bigint | number> => {
  if (!isValidDecimal(precision, scale))
    throw new RangeError(`decimal(${precision},${scale}): precision must be 1 to 38, scale 0 to the precision`)
  return column({ type: 'decimal', precision, scale })
}

/** A list; its elements may be null unless `notNull()`. */
export function array<Out, In, Null extends null | never>(
  element: ColumnSpec<Out, In, Null>,
): ColumnSpec<(Out | Null)[], readonly (In | Null | ([Null] extends [never] ? never : undefined))[]> {
  return column({ type: 'array', elementType: element.dataType, containsNull: element.nullable })
}

/** A map; keys are never null. Read as a Map; written as a Map, pairs, or an object when its keys are text. */
export function map<KeyOut, KeyIn, ValueOut, ValueIn, Null extends null | never>(
  key: ColumnSpec<KeyOut, KeyIn, null | never>,
  value: ColumnSpec<ValueOut, ValueIn, Null>,
): ColumnSpec<Map<KeyOut, ValueOut | Null>, MapInput<KeyIn, ValueIn | Null>> {
  return column({ type: 'map', keyType: key.dataType, valueType: value.dataType, valueContainsNull: value.nullable })
}

/** The forms in which a map can be written. */
export type MapInput<Key, Value> =
  | ReadonlyMap<Key, Value>
  | readonly (readonly [Key, Value])[]
  | ([Key] extends [string] ? Readonly<Record<string, Value>> : never)

/** A group of fields: a plain object. */
export function struct<const C extends Columns>(fields: C): ColumnSpec<RowOfColumns<C>, InputOfColumns<C>> {
  return column(structOf(fields))
}

function structOf(columns: Columns): StructType {
  const prototype = Object.getPrototypeOf(columns) as unknown
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError("columns must be a plain object; write a column named __proto__ as ['__proto__']: …")
  }
  const fields = Object.entries(columns).map(([name, spec]): Field => {
    if (!(spec instanceof Column)) throw new TypeError(`the column ${name} must be made by long(), string(), …`)
    return { name, dataType: spec.dataType, nullable: spec.nullable, metadata: Object.assign(jsonObject(), spec.metadata) }
  })
  return { type: 'struct', fields }
}

function primitive<Out, In = Out>(type: PrimitiveName): ColumnSpec<Out, In> {
  return column({ type })
}

function column<Out, In>(dataType: DataType): ColumnSpec<Out, In> {
  return new Column<Out, In, null>(dataType, true, jsonObject())
}

class Column<Out, In, Null extends null | never> implements ColumnSpec<Out, In, Null> {
  readonly dataType: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, JsonValue>>

  constructor(dataType: DataType, nullable: boolean, metadata: Readonly<Record<string, JsonValue>>) {
    this.dataType = dataType
    this.nullable = nullable
    this.metadata = metadata
  }

  notNull(): ColumnSpec<Out, In, never> {
    return new Column<Out, In, never>(this.dataType, false, this.metadata)
  }

  comment(text: string): ColumnSpec<Out, In, Null> {
    return new Column<Out, In, Null>(this.dataType, this.nullable, Object.assign(jsonObject(), this.metadata, { comment: text }))
  }
}
