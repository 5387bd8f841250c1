import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import type { DataType, Field, StructType } from '../../src/schema/types.js'
import { decodeAll } from './decode-all.js'

/** A value with its JSON text and what must come out of the table. */
interface Sample {
  readonly json: string
  readonly value: unknown
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 12 })
const fullyEscaped = (text: string): string =>
  `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
const jsonString = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(JSON.stringify(text), fullyEscaped(text), JSON.stringify(text).replaceAll('/', '\\/'))
const space = fc.constantFrom('', '', '', ' ', '\t', '  ', '\r')

function sampleOf(type: DataType): fc.Arbitrary<Sample> {
  switch (type.type) {
    case 'string':
      return wellFormed.chain((value) => jsonString(value).map((json) => ({ json, value })))
    case 'long':
      return fc
        .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        .chain((value) => fc.constantFrom(`${value}`, `"${value}"`).map((json) => ({ json, value })))
    case 'integer':
      return fc.integer().map((value) => ({ json: String(value), value }))
    case 'double':
      return fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .chain((value) =>
          fc
            .constantFrom(
              Object.is(value, -0) ? '-0' : String(value),
              value.toExponential(),
              Object.is(value, -0) ? '-0.0' : value.toPrecision(17),
            )
            .map((json) => ({ json, value: Number(json) })),
        )
    case 'boolean':
      return fc.boolean().map((value) => ({ json: String(value), value }))
    case 'decimal':
      return fc.bigInt({ min: -(10n ** BigInt(type.precision)) + 1n, max: 10n ** BigInt(type.precision) - 1n }).chain((unscaled) => {
        const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(type.scale + 1, '0')
        const point = digits.length - type.scale
        const value = `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${type.scale > 0 ? `.${digits.slice(point)}` : ''}`
        return fc.constantFrom(value, `"${value}"`, `${unscaled}e-${type.scale}`).map((json) => ({ json, value }))
      })
    case 'array':
      return fc
        .array(nullable(sampleOf(type.elementType)), { maxLength: 4 })
        .map((items) => ({ json: `[${items.map((s) => s.json).join(', ')}]`, value: items.map((s) => s.value) }))
    case 'map':
      return fc
        .uniqueArray(fc.tuple(wellFormed, nullable(sampleOf(type.valueType))), { maxLength: 3, selector: ([key]) => key })
        .map((pairs) => ({
          json: `{${pairs.map(([key, s]) => `${JSON.stringify(key)}:${s.json}`).join(',')}}`,
          value: new Map(pairs.map(([key, s]) => [key, s.value])),
        }))
    case 'struct':
      return objectOf(type)
    default:
      throw new Error(type.type)
  }
}

const nullable = (sample: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> =>
  fc.oneof({ weight: 4, arbitrary: sample }, { weight: 1, arbitrary: fc.constant({ json: 'null', value: null }) })

// Members in any order, some of them missing, with white space between.
function objectOf(struct: StructType): fc.Arbitrary<Sample> {
  const members = fc.tuple(
    ...struct.fields.map((field) =>
      fc.tuple(fc.constant(field.name), nullable(sampleOf(field.dataType)), fc.boolean(), jsonString(field.name)),
    ),
  )
  return fc.tuple(members, fc.integer(), space, space).map(([all, seed, a, b]) => {
    const value: Record<string, unknown> = {}
    for (const [name, sample, present] of all)
      Object.defineProperty(value, name, { value: present ? sample.value : null, enumerable: true, configurable: true, writable: true })
    const present = all.filter(([, , kept]) => kept)
    const turn = present.length === 0 ? 0 : Math.abs(seed) % present.length
    const ordered = [...present.slice(turn), ...present.slice(0, turn)]
    return { json: `{${a}${ordered.map(([, sample, , key]) => `${key}${b}:${a}${sample.json}`).join(`${b},${a}`)}${b}}`, value }
  })
}

const leaf: fc.Arbitrary<DataType> = fc.oneof(
  fc.constantFrom<DataType>({ type: 'string' }, { type: 'long' }, { type: 'integer' }, { type: 'double' }, { type: 'boolean' }),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale): DataType => ({ type: 'decimal', precision, scale }))),
)
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'id', '__proto__', 'constructor', '', 'toString', 'a"b', 'é', '😀'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
)
const { type: anyType } = fc.letrec<{ type: DataType; struct: StructType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('type').map((elementType): DataType => ({ type: 'array', elementType, containsNull: true })),
    tie('type').map((valueType): DataType => ({ type: 'map', keyType: { type: 'string' }, valueType, valueContainsNull: true })),
    tie('struct'),
  ),
  struct: fc
    .uniqueArray(fc.tuple(name, tie('type')), { minLength: 1, maxLength: 4, selector: ([n]) => n })
    .map((members): StructType => structOf(members)),
}))
const anyStruct = fc.uniqueArray(fc.tuple(name, anyType), { minLength: 1, maxLength: 5, selector: ([n]) => n }).map(structOf)

function structOf(members: readonly (readonly [string, DataType])[]): StructType {
  return {
    type: 'struct',
    fields: members.map(([fieldName, dataType]): Field => ({ name: fieldName, dataType, nullable: true, metadata: Object.create(null) })),
  }
}

describe('any records of any schema', () => {
  const inputs = anyStruct.chain((struct) => fc.tuple(fc.constant(struct), fc.array(objectOf(struct), { minLength: 1, maxLength: 6 })))

  test('come out of NDJSON as they went in', () => {
    fc.assert(
      fc.property(inputs, fc.nat(400), ([struct, samples], cut) => {
        const bytes = encodeUtf8(samples.map((s) => `${s.json}\n`).join(''))
        const { rows, faults } = decodeAll('ndjson', struct, bytes, {}, [Math.min(cut, bytes.length)])
        expect(faults).toEqual([])
        expect(rows).toEqual(samples.map((s) => s.value))
      }),
      { numRuns: 300 },
    )
  })

  test('come out of a JSON array as they went in', () => {
    fc.assert(
      fc.property(inputs, ([struct, samples]) => {
        const { rows, faults } = decodeAll('json', struct, `[${samples.map((s) => s.json).join('\n,')}]`)
        expect(faults).toEqual([])
        expect(rows).toEqual(samples.map((s) => s.value))
      }),
      { numRuns: 150 },
    )
  })

  test('survive broken records among them: those are faults, and the good ones stay whole', () => {
    fc.assert(
      fc.property(inputs, fc.infiniteStream(fc.tuple(fc.nat(40), fc.boolean())), ([struct, samples], cuts) => {
        const lines: string[] = []
        for (const sample of samples) {
          const [cut, broken] = cuts.next().value as [number, boolean]
          // A proper beginning of an object is never an object.
          if (broken) lines.push(sample.json.slice(0, 1 + (cut % (sample.json.length - 1))))
          lines.push(sample.json)
        }
        const { rows } = decodeAll('ndjson', struct, lines.join('\n'))
        expect(rows).toEqual(samples.map((s) => s.value))
      }),
      { numRuns: 200 },
    )
  })
})

describe('what is JSON', () => {
  const pieces = [
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '1',
    '-',
    '.',
    'e',
    'E',
    '+',
    ' ',
    't',
    'true',
    'null',
    'nul',
    '\\u',
    '\\u00',
    '\\n',
    '\\x',
    '"x"',
    '\t',
    '\u0001',
    'é',
    '/',
  ]

  test('is decided as JSON.parse decides it', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...pieces)), { maxLength: 2 }),
        (value, edits) => {
          let text = `{"a":${value}}`
          for (const [at, removed, piece] of edits) {
            const i = at % text.length
            text = text.slice(0, i) + piece + text.slice(i + removed)
          }
          const oracle = parsed(text)
          const { rows, faults } = decodeAll('ndjson', 'a string', text, { ignoreUnknown: true, jsonAsText: true })
          // Keys that stand twice and half surrogates are JSON, and refused on purpose.
          if (faults.some((f) => /twice|surrogate/.test(f.problem))) return
          if (oracle === undefined) expect(rows).toEqual([])
          else {
            expect(faults).toEqual([])
            const a = rows[0]?.a as string | null
            if (typeof oracle.a === 'string') expect(a).toBe(oracle.a)
            else expect(a === null ? null : JSON.parse(a)).toEqual(oracle.a ?? null)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  function parsed(text: string): Record<string, unknown> | undefined {
    try {
      const value = JSON.parse(text)
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
    } catch {
      return undefined
    }
  }
})
