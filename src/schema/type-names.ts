// Names of types: as Delta's schema JSON spells them, as people and SQL spell them, as messages show them.
// One rule: an unknown spelling is never guessed at.
import { formatJson } from '../json.js'
import type { DataType, DecimalType, PrimitiveName, PrimitiveType } from './types.js'

/** Digits that fit into Delta's decimal. */
export const MAX_DECIMAL_PRECISION = 38

const PRIMITIVES: readonly PrimitiveName[] = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'void',
  'variant',
]

// Spellings of Spark's SQL and of older or other writers, beside the names of the protocol.
const ALIASES: readonly (readonly [string, PrimitiveName])[] = [
  ['bigint', 'long'],
  ['int', 'integer'],
  ['smallint', 'short'],
  ['tinyint', 'byte'],
  ['real', 'float'],
  ['null', 'void'],
  ['timestamp_ltz', 'timestamp'],
  ['timestampntz', 'timestamp_ntz'],
  ['timestampwithouttimezone', 'timestamp_ntz'],
  ['timestamp without time zone', 'timestamp_ntz'],
]

const PRIMITIVE_TYPES: ReadonlyMap<string, PrimitiveType> = new Map<string, PrimitiveType>([
  ...PRIMITIVES.map((name) => [name, { type: name }] as const),
  ...ALIASES.map(([alias, name]) => [alias, { type: name }] as const),
])

const DECIMAL = /^decimal\(\s*(\d{1,3})\s*,\s*(-?\d{1,3})\s*\)$/

/**
 * The type a name stands for, in the spelling of the protocol or an old one (`decimal( 10, 2 )`, `timestampWithoutTimezone`).
 * Undefined for a name that stands for nothing known; a decimal that cannot be is given as it is, see {@link isValidDecimal}.
 */
export function typeOfName(name: string): PrimitiveType | DecimalType | undefined {
  const lower = name.toLowerCase()
  const primitive = PRIMITIVE_TYPES.get(lower)
  if (primitive !== undefined) return primitive
  if (lower === 'decimal') return { type: 'decimal', precision: 10, scale: 0 }
  const decimal = DECIMAL.exec(lower)
  if (decimal === null) return undefined
  return { type: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
}

/** 1 to 38 digits, of which 0 to all stand after the point. */
export function isValidDecimal(precision: number, scale: number): boolean {
  return (
    Number.isInteger(precision) &&
    Number.isInteger(scale) &&
    precision >= 1 &&
    precision <= MAX_DECIMAL_PRECISION &&
    scale >= 0 &&
    scale <= precision
  )
}

/**
 * A type as messages show it: `decimal(10,2)`, `array<string>`, `map<string,long>`, `struct<a:integer,b:string>`.
 * It leaves nullability out; {@link formatColumns} is the form that can be read back.
 */
export function typeName(type: DataType): string {
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'array':
      return `array<${typeName(type.elementType)}>`
    case 'map':
      return `map<${typeName(type.keyType)},${typeName(type.valueType)}>`
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${typeName(field.dataType)}`).join(',')}>`
    case 'unknown':
      return typeof type.json === 'string' ? type.json : formatJson(type.json)
    default:
      return type.type
  }
}

/** A column path as messages show it: `a.b`, with backticks where a name holds something else than letters, digits and `_`. */
export function formatPath(path: readonly string[]): string {
  return path.map((name) => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : `\`${name.replaceAll('`', '``')}\``)).join('.')
}

/**
 * The path behind a text of {@link formatPath}: names separated by dots, with backticks around names that hold a dot or a backtick.
 * Undefined when the text is no path.
 */
export function parsePath(text: string): string[] | undefined {
  const path: string[] = []
  const part = /(?:`((?:[^`]|``)+)`|([^`.]+))(\.|$)/y
  do {
    const match = part.exec(text)
    if (match === null) return undefined
    path.push(match[1]?.replaceAll('``', '`') ?? (match[2] as string))
    if (match[3] === '') return path
  } while (part.lastIndex < text.length)
  return undefined
}
