// Random rows for a random schema: each value in the form it comes out as, and in one of the forms it may go in as.
import fc from 'fast-check'
import {
  type DataType,
  formatDateDays,
  formatDecimal,
  formatTimestampMicros,
  formatTimestampNtzMicros,
  type StructType,
} from '../../src/schema/index.js'
import { bareStruct } from '../schema/types-arbitrary.js'

/** `out` is what `rowsOf` (with timestamps as microseconds) must give for `in`. */
export interface Value {
  readonly in: unknown
  readonly out: unknown
}

export interface Sample {
  readonly struct: StructType
  /** As they may be given to a builder. */
  readonly rows: readonly object[]
  /** As they must come back. */
  readonly expected: readonly object[]
}

/** A schema and up to `maxRows` rows that fit it. */
export function anySample(maxRows: number): fc.Arbitrary<Sample> {
  return bareStruct.chain((struct) =>
    fc.array(structValue(struct), { maxLength: maxRows }).map((values) => ({
      struct,
      rows: values.map((value) => value.in as object),
      expected: values.map((value) => value.out as object),
    })),
  )
}

/** A value as text in which any two different values differ: types, own keys and their order, signs of zero. */
export function show(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Uint8Array) return `bytes(${Array.from(value)})`
  if (Array.isArray(value)) return `[${value.map(show)}]`
  if (value instanceof Map) return `Map{${[...value].map(([key, item]) => `${show(key)}=>${show(item)}`)}}`
  if (typeof value === 'object')
    return `{${Object.keys(value).map((key) => `${JSON.stringify(key)}:${show((value as Record<string, unknown>)[key])}`)}}`
  return typeof value === 'boolean' ? `${value}` : `?${typeof value}`
}

const MIN_LONG = -(2n ** 63n)
const MAX_LONG = 2n ** 63n - 1n

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme-ascii', minLength: 30, maxLength: 90 }),
  fc.constantFrom('', '"', '\\', '\n', ',', '\u0000', 'é', '\u{1f600}', '\u2028', 'null'),
)
const bigs = fc.oneof(
  fc.bigInt({ min: MIN_LONG, max: MAX_LONG }),
  fc.constantFrom(0n, -1n, 2n ** 53n, -(2n ** 53n), MIN_LONG, MAX_LONG, 4294967296n, -4294967297n),
)
const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 5e-324))
// Within the years that a text with a year of up to six digits can name.
const micros = fc.oneof(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 16n }), bigs)

const same = (value: unknown): Value => ({ in: value, out: value })
const choice = (out: unknown, ...forms: unknown[]): fc.Arbitrary<Value> => fc.constantFrom(out, ...forms).map((form) => ({ in: form, out }))

function anyValue(type: DataType): fc.Arbitrary<Value> {
  switch (type.type) {
    case 'string':
      return texts.map(same)
    case 'long':
      return bigs.chain((value) => choice(value, ...(Number.isSafeInteger(Number(value)) ? [Number(value)] : [])))
    case 'integer':
      return fc.integer().map(same)
    case 'short':
      return fc.integer({ min: -32768, max: 32767 }).map(same)
    case 'byte':
      return fc.integer({ min: -128, max: 127 }).map(same)
    case 'float':
      return doubles
        .filter((value) => !Number.isFinite(value) || Number.isFinite(Math.fround(value)))
        .map((value) => ({ in: value, out: Math.fround(value) }))
    case 'double':
      return doubles.map(same)
    case 'boolean':
      return fc.boolean().map(same)
    case 'binary':
      return fc.uint8Array({ maxLength: 70 }).map(same)
    case 'date':
      return fc
        .oneof(fc.integer({ min: -800_000, max: 3_000_000 }), fc.integer())
        .chain((days) => choice(formatDateDays(days), ...(Math.abs(days) <= 100_000_000 ? [new Date(days * 86_400_000)] : [])))
    case 'timestamp':
      return micros.chain((value) =>
        choice(value, formatTimestampMicros(value), ...(value % 1000n === 0n ? [new Date(Number(value / 1000n))] : [])),
      )
    case 'timestamp_ntz':
      return micros.chain((value) => choice(formatTimestampNtzMicros(value), value))
    default:
      return nestedOrDecimal(type)
  }
}

function nestedOrDecimal(type: DataType): fc.Arbitrary<Value> {
  switch (type.type) {
    case 'decimal': {
      const bound = 10n ** BigInt(type.precision) - 1n
      const factor = 10n ** BigInt(type.scale)
      return fc.bigInt({ min: -bound, max: bound }).chain((unscaled) => {
        const whole = unscaled % factor === 0n ? [unscaled / factor] : []
        const safe = whole.filter((value) => Number.isSafeInteger(Number(value))).map(Number)
        return choice(formatDecimal(unscaled, type.scale), ...whole, ...safe)
      })
    }
    case 'array':
      return fc
        .array(orNull(anyValue(type.elementType), type.containsNull), { maxLength: 4 })
        .map((items) => ({ in: items.map((item) => item.in), out: items.map((item) => item.out) }))
    case 'map':
      return mapValue(type.keyType, orNull(anyValue(type.valueType), type.valueContainsNull))
    case 'struct':
      return structValue(type)
    default:
      throw new Error(`no values of ${type.type}`)
  }
}

function mapValue(keyType: DataType, value: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  const key = anyValue(keyType).filter((candidate) => !Object.is(candidate.out, -0))
  const entries = fc.uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: (entry) => show(entry[0].out) })
  return fc.tuple(entries, fc.integer({ min: 0, max: 2 })).map(([pairs, form]) => {
    const out = new Map(pairs.map((pair) => [pair[0].out, pair[1].out]))
    const given = pairs.map((pair): [unknown, unknown] => [pair[0].in, pair[1].in])
    if (form === 0) return { in: given, out }
    // An object would move names that look like array indices to its front.
    const plain = form === 1 && keyType.type === 'string' && !given.some(([name]) => /^\d+$/.test(name as string))
    return { in: plain ? ownMembers(given as [string, unknown][]) : new Map(given), out }
  })
}

function structValue(type: StructType): fc.Arbitrary<Value> {
  return fc.tuple(...type.fields.map((field) => orNull(anyValue(field.dataType), field.nullable))).map((members) => ({
    in: ownMembers(
      type.fields.map((field, i) => [field.name, (members[i] as Value).in] as const).filter(([, value]) => value !== undefined),
    ),
    out: ownMembers(type.fields.map((field, i) => [field.name, (members[i] as Value).out] as const)),
  }))
}

function orNull(value: fc.Arbitrary<Value>, nullable: boolean): fc.Arbitrary<Value> {
  if (!nullable) return value
  return fc.oneof(
    { weight: 4, arbitrary: value },
    { weight: 1, arbitrary: fc.constantFrom({ in: null, out: null }, { in: undefined, out: null }) },
  )
}

/** An object that owns these members, whatever their names. */
export function ownMembers(members: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [name, value] of members) Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  return object
}
