// Cells of a checkpoint's Arrow columns as JSON values, so that its few non-file actions go through the same parser as
// those of a commit. Nulls inside structs are left out, as they are in JSON.
import { type Data, DataType, type RecordBatch } from 'apache-arrow'
import { decodeUtf8 } from '../bytes.js'
import { type JsonObject, type JsonValue, jsonObject } from '../json.js'
import { ActionFault } from './parse-action.js'

/** A child of a struct column by name; `undefined` where the writer left the column out. */
export function childOf(data: Data | undefined, name: string): Data | undefined {
  if (data === undefined || !DataType.isStruct(data.type)) return undefined
  const index = data.type.children.findIndex((field) => field.name === name)
  return index < 0 ? undefined : data.children[index]
}

/** A top-level column of a batch. */
export function columnOf(batch: RecordBatch, name: string): Data | undefined {
  const index = batch.schema.fields.findIndex((field) => field.name === name)
  return index < 0 ? undefined : batch.data.children[index]
}

/** Checkpoints come from anywhere: a column of another type than the protocol's would be read as something it is not. @throws ActionFault */
export function expectType(data: Data, name: string, test: (type: DataType) => boolean): Data {
  if (!test(data.type)) throw new ActionFault(`its column ${name} has the type ${data.type}`)
  return data
}

/** A member of the adds, undefined where no add has it. @throws ActionFault for another type */
export function withValues(add: Data, name: string, test: (type: DataType) => boolean): Data | undefined {
  const data = childOf(add, name)
  return data === undefined || data.nullCount === data.length ? undefined : expectType(data, `add.${name}`, test)
}

/** Whether a column holds texts. */
export function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isBinary(type)
}

/** Whether a column holds maps of texts to texts. */
export function isTextMap(type: DataType): boolean {
  const entries = DataType.isMap(type) ? (type.children[0]?.type as DataType | undefined) : undefined
  return entries?.children.length === 2 && entries.children.every((field) => isText(field.type))
}

/** The cell at `index` as JSON; `null` for null and for types no action has. */
export function cellJson(data: Data, index: number): JsonValue {
  if (!data.getValid(index)) return null
  const { type } = data
  if (DataType.isUtf8(type)) return textAt(data, index)
  if (DataType.isBool(type)) return ((data.values[(data.offset + index) >> 3] as number) & (1 << ((data.offset + index) & 7))) !== 0
  if (DataType.isInt(type)) return exact(data.values[index] as number | bigint)
  if (DataType.isStruct(type)) return structJson(data, index)
  if (DataType.isList(type)) return listJson(data, index)
  if (DataType.isMap(type)) return mapJson(data, index)
  return null
}

/** The text at `index` of a Utf8 column, which must not be null there. */
export function textAt(data: Data, index: number): string {
  return decodeUtf8(data.values as Uint8Array, data.valueOffsets[index] as number, data.valueOffsets[index + 1] as number)
}

/** Reads an integer column as numbers; values beyond 2^53 come out as NaN. */
export function integersOf(data: Data): (index: number) => number {
  const { values } = data
  if (!(values instanceof BigInt64Array)) return (index) => values[index] as number
  // Two halves a value: making a bigint for each would cost more than the rest of the row.
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return (index) => {
    const high = halves[index * 2 + 1] as number
    if (high < -0x200000 || high >= 0x200000) return Number.NaN
    return high * 0x1_0000_0000 + ((halves[index * 2] as number) >>> 0)
  }
}

function exact(value: number | bigint): JsonValue {
  if (typeof value === 'number') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function structJson(data: Data, index: number): JsonObject {
  const object = jsonObject()
  for (const [n, field] of (data.type as DataType).children.entries()) {
    const value = cellJson(data.children[n] as Data, index)
    if (value !== null) object[field.name] = value
  }
  return object
}

function listJson(data: Data, index: number): JsonValue[] {
  const items: JsonValue[] = []
  for (let i = data.valueOffsets[index] as number; i < (data.valueOffsets[index + 1] as number); i++)
    items.push(cellJson(data.children[0] as Data, i))
  return items
}

function mapJson(data: Data, index: number): JsonObject {
  const object = jsonObject()
  const [keys, values] = (data.children[0] as Data).children as [Data, Data]
  for (let i = data.valueOffsets[index] as number; i < (data.valueOffsets[index + 1] as number); i++)
    object[textAt(keys, i)] = cellJson(values, i)
  return object
}
