// Canonical rows (JSON) into the values that a table takes. What does not fit its column stays as it is: the table says why.
import { formatJson, isJsonObject, type JsonObject, type JsonValue } from '../../json.js'
import type { DataType, StructType } from '../../schema/index.js'

const SPECIAL_NUMBERS: ReadonlyMap<JsonValue, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** A row as `append` takes it. Columns that the schema does not have are kept, to be refused. */
export function rowOfCanonical(row: JsonObject, struct: StructType): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(row)) {
    const field = struct.fields.find((candidate) => candidate.name === name)
    result[name] = field === undefined ? value : valueOfCanonical(value, field.dataType)
  }
  return result
}

function valueOfCanonical(value: JsonValue, type: DataType): unknown {
  if (value === null) return null
  switch (type.type) {
    case 'long':
      return integerOf(value) ?? value
    case 'float':
    case 'double':
      return SPECIAL_NUMBERS.get(value) ?? value
    case 'binary':
      return typeof value === 'string' ? (bytesOfBase64(value) ?? value) : value
    case 'array':
      return Array.isArray(value) ? value.map((item: JsonValue) => valueOfCanonical(item, type.elementType)) : value
    case 'map':
      return Array.isArray(value) ? value.map((entry: JsonValue) => entryOf(entry, type.keyType, type.valueType)) : value
    case 'struct':
      return isJsonObject(value) ? rowOfCanonical(value, type) : value
    default:
      return value
  }
}

// Beyond 2^53 the canonical form is text.
function integerOf(value: JsonValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : undefined
}

function bytesOfBase64(text: string): Uint8Array | undefined {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
    ? new Uint8Array(Buffer.from(text, 'base64'))
    : undefined
}

function entryOf(entry: JsonValue, key: DataType, value: DataType): unknown {
  if (!Array.isArray(entry) || entry.length !== 2)
    throw new RangeError(`a map in canonical form is a list of [key, value], not ${formatJson(entry)}`)
  return [valueOfCanonical(entry[0] as JsonValue, key), valueOfCanonical(entry[1] as JsonValue, value)]
}
