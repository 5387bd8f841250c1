// Random Delta schemas, for properties that must hold for every one.
import fc from 'fast-check'
import { type JsonObject, type JsonValue, jsonObject } from '../../src/json.js'
import type { DataType, Field, StructType } from '../../src/schema/index.js'

const primitives = [
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
] as const

/** Names that have broken something before, and any other text. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '1',
    '0',
    'a.b',
    'a`b',
    "it's",
    'SELECT',
    'not',
    'null',
    'é😈',
    'a b',
    '\n',
    'type',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
)

const anyNumber: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
)

const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    anyNumber,
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.array(fc.tuple(anyName, tie('json')), { maxLength: 3 }).map(objectOf),
  ),
}))

const metadata = fc.array(fc.tuple(anyName, json), { maxLength: 3 }).map(objectOf)

const scalar: fc.Arbitrary<DataType> = fc.oneof(
  fc.constantFrom(...primitives).map((type): DataType => ({ type })),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale): DataType => ({ type: 'decimal', precision, scale }))),
)

function structsOf(type: fc.Arbitrary<DataType>, withMetadata: boolean): fc.Arbitrary<StructType> {
  const field = fc.record({
    name: anyName,
    dataType: type,
    nullable: fc.boolean(),
    metadata: withMetadata ? metadata : fc.constant(jsonObject()),
  })
  return fc
    .uniqueArray(field as fc.Arbitrary<Field>, { minLength: 1, maxLength: 4, selector: (item) => item.name.toLowerCase() })
    .map((fields) => ({ type: 'struct', fields }))
}

function typesOf(withMetadata: boolean): fc.Arbitrary<StructType> {
  const { type } = fc.letrec<{ type: DataType }>((tie) => ({
    type: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.record({ type: fc.constant('array' as const), elementType: tie('type'), containsNull: fc.boolean() }),
      fc.record({ type: fc.constant('map' as const), keyType: scalar, valueType: tie('type'), valueContainsNull: fc.boolean() }),
      structsOf(tie('type'), withMetadata),
    ),
  }))
  return structsOf(type, withMetadata)
}

/** Structs of every type but void, variant and unknown ones, with metadata. */
export const anyStruct: fc.Arbitrary<StructType> = typesOf(true)
/** The same without metadata. */
export const bareStruct: fc.Arbitrary<StructType> = typesOf(false)

function objectOf(members: readonly (readonly [string, JsonValue])[]): JsonObject {
  const object = jsonObject()
  for (const [key, value] of members) object[key] = value
  return object
}
