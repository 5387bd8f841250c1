// The schemaString of a table: read without loss, written as Spark writes it, hostile texts refused.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatJson, parseJson } from '../../src/json.js'
import { assertKnownTypes, findField, formatSchema, parseSchema, typeName } from '../../src/schema/index.js'
import { anyStruct } from './types-arbitrary.js'

// The example of PROTOCOL.md, "Schema Serialization Format".
const EXAMPLE = `{
  "type" : "struct",
  "fields" : [ {
    "name" : "a", "type" : "integer", "nullable" : false, "metadata" : { }
  }, {
    "name" : "b",
    "type" : { "type" : "struct", "fields" : [ { "name" : "d", "type" : "integer", "nullable" : false, "metadata" : { } } ] },
    "nullable" : true, "metadata" : { }
  }, {
    "name" : "c", "type" : { "type" : "array", "elementType" : "integer", "containsNull" : false }, "nullable" : true, "metadata" : { }
  }, {
    "name" : "e",
    "type" : {
      "type" : "array",
      "elementType" : { "type" : "struct", "fields" : [ { "name" : "d", "type" : "integer", "nullable" : false, "metadata" : { } } ] },
      "containsNull" : true
    },
    "nullable" : true, "metadata" : { }
  }, {
    "name" : "f",
    "type" : { "type" : "map", "keyType" : "string", "valueType" : "string", "valueContainsNull" : true },
    "nullable" : true, "metadata" : { }
  } ]
}`

const field = (type: string, rest = '"nullable":true,"metadata":{}'): string =>
  `{"type":"struct","fields":[{"name":"x","type":${type},${rest}}]}`
const typeOf = (type: string): string => typeName(parseSchema(field(type)).fields[0]!.dataType)
const fails = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('parseSchema', () => {
  it('reads the example of the protocol', () => {
    const schema = parseSchema(EXAMPLE)
    expect(typeName(schema)).toBe('struct<a:integer,b:struct<d:integer>,c:array<integer>,e:array<struct<d:integer>>,f:map<string,string>>')
    expect(schema.fields.map((f) => f.nullable)).toEqual([false, true, true, true, true])
    expect(findField(schema, 'c')?.dataType).toEqual({ type: 'array', elementType: { type: 'integer' }, containsNull: false })
    expect(formatSchema(schema)).toBe(EXAMPLE.replace(/\s/g, ''))
  })

  it('gives back every schema that formatSchema prints, metadata with 64-bit integers and any key included', () => {
    fc.assert(
      fc.property(anyStruct, (schema) => {
        const text = formatSchema(schema)
        expect(parseSchema(text)).toEqual(schema)
        expect(formatSchema(parseSchema(text))).toBe(text)
        JSON.parse(text)
      }),
    )
  })

  it('keeps a long in metadata exact, and __proto__ only a name', () => {
    const text = field('"long"', '"nullable":true,"metadata":{"delta.identity.start":9223372036854775807,"__proto__":{"a":1.10},"z":1e400}')
    expect(formatSchema(parseSchema(text))).toBe(text.replace('1.10', '1.1'))
    expect(
      parseSchema('{"type":"struct","fields":[{"name":"__proto__","type":"long","nullable":true,"metadata":{}}]}').fields[0]?.name,
    ).toBe('__proto__')
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })

  it.each([
    ['"decimal(10,2)"', 'decimal(10,2)'],
    ['"decimal( 10 , 2 )"', 'decimal(10,2)'],
    ['"decimal(38, 38)"', 'decimal(38,38)'],
    ['"decimal"', 'decimal(10,0)'],
    ['"timestamp_ntz"', 'timestamp_ntz'],
    ['"timestampWithoutTimezone"', 'timestamp_ntz'],
    ['"timestampNtz"', 'timestamp_ntz'],
    ['"timestamp without time zone"', 'timestamp_ntz'],
    ['"timestamp_ltz"', 'timestamp'],
    ['"void"', 'void'],
    ['"null"', 'void'],
    ['"variant"', 'variant'],
    ['"bigint"', 'long'],
    ['"int"', 'integer'],
    ['"smallint"', 'short'],
    ['"tinyint"', 'byte'],
  ])('knows the spelling %s', (text, name) => {
    expect(typeOf(text)).toBe(name)
  })

  it.each([
    ['"interval year to month"', 'interval year to month'],
    ['"interval"', 'interval'],
    ['"geometry(OGC:CRS84)"', 'geometry(OGC:CRS84)'],
    ['"varchar(10)"', 'varchar(10)'],
    ['"timestamp_nanos"', 'timestamp_nanos'],
    ['{"type":"udt","class":"org.example.Point","sqlType":"string"}', '{"type":"udt","class":"org.example.Point","sqlType":"string"}'],
  ])('opens a table with the unknown type %s, keeps it as written, and names it when it is read', (text, name) => {
    const schema = parseSchema(field(`{"type":"array","elementType":${text},"containsNull":true}`))
    expect(formatSchema(schema)).toBe(field(`{"type":"array","elementType":${text},"containsNull":true}`))
    expect(typeName(schema)).toContain(name)
    expect(() => assertKnownTypes(schema)).toThrow(fails('UNSUPPORTED_FEATURE', /column x .*/))
    expect(() => assertKnownTypes(schema)).toThrow(name.slice(0, 50))
    expect(() => assertKnownTypes(schema, ['x'])).toThrow(fails('UNSUPPORTED_FEATURE', /column x/))
    expect(() => assertKnownTypes(schema)).toThrow(expect.objectContaining({ facts: { features: [name], columns: ['x'] } }))
    expect(() => assertKnownTypes(schema, ['y'])).not.toThrow()
  })

  it('takes a field without metadata, as some writers leave it out', () => {
    expect(parseSchema(field('"long"', '"nullable":true')).fields[0]?.metadata).toEqual({})
  })

  it.each([
    ['', /malformed JSON/],
    ['{', /malformed JSON/],
    ['null', /must be a name or an object/],
    ['"long"', /must be a struct, not long/],
    ['[]', /must be a name or an object/],
    ['{"type":"struct"}', /array 'fields'/],
    ['{"type":"struct","fields":{}}', /array 'fields'/],
    ['{"type":"struct","fields":[1]}', /'fields\[0\]'.*must be an object/],
    ['{"type":"struct","fields":[{"type":"long","nullable":true,"metadata":{}}]}', /text 'name'/],
    ['{"type":"array","elementType":"long","containsNull":true}', /must be a struct/],
    [field('5'), /'x': a type must be/],
    [field('{"a":1}'), /member 'type'/],
    [field('"long"', '"metadata":{}'), /'nullable' must be true or false/],
    [field('"long"', '"nullable":"true","metadata":{}'), /'nullable' must be true or false/],
    [field('"long"', '"nullable":true,"metadata":[]'), /'metadata' must be an object/],
    [field('{"type":"array","elementType":"long"}'), /'containsNull'/],
    [field('{"type":"array","containsNull":true}'), /'x.element': a type must be/],
    [field('{"type":"map","keyType":"string","valueType":"string"}'), /'valueContainsNull'/],
    [field('"decimal(39,2)"'), /decimal\(39,2\)' is no decimal/],
    [field('"decimal(5,6)"'), /is no decimal/],
    [field('"decimal(5,-1)"'), /is no decimal/],
    [field('"decimal(0,0)"'), /is no decimal/],
  ])('says what is wrong with %j', (text, message) => {
    expect(() => parseSchema(text)).toThrow(fails('CORRUPT_LOG', message))
  })

  it('refuses nesting beyond reason with LIMIT_EXCEEDED, and never overflows the stack', () => {
    const nested = (depth: number): string => {
      const open = '{"type":"array","containsNull":true,"elementType":'
      return field(`${open.repeat(depth)}"long"${'}'.repeat(depth)}`)
    }
    expect(typeName(parseSchema(nested(90)))).toContain('long')
    expect(() => parseSchema(nested(200))).toThrow(fails('LIMIT_EXCEEDED', /deeper than 100 levels/))
    expect(() => parseSchema(nested(100_000))).toThrow(fails('LIMIT_EXCEEDED', /deeper/))
    expect(() => parseSchema('['.repeat(1_000_000))).toThrow(fails('LIMIT_EXCEEDED', /deeper/))
    expect(() => parseSchema(field('"long"', `"nullable":true,"metadata":${'{"a":'.repeat(100_000)}`))).toThrow(
      fails('LIMIT_EXCEEDED', /deeper/),
    )
  })

  it('refuses sizes beyond reason before it works on them', () => {
    expect(() => parseSchema(' '.repeat(64 * 1024 * 1024 + 1))).toThrow(fails('LIMIT_EXCEEDED', /characters/))
    expect(() => parseSchema(`{"type":"struct","fields":[${'1,'.repeat(1_000_000)}1]}`)).toThrow(
      fails('LIMIT_EXCEEDED', /more than 1000000 fields/),
    )
  })

  it('never fails in another way than by an error of its own, whatever the text', () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"type"',
      '"struct"',
      '"fields"',
      '"name"',
      '"nullable"',
      'true',
      '"array"',
      '"elementType"',
      '1',
      '"x"',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        try {
          parseSchema(parts.join(''))
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(CORRUPT_LOG|LIMIT_EXCEEDED)$/)
        }
      }),
    )
  })
})

describe('formatSchema', () => {
  it('writes members in the order of Spark, compact', () => {
    expect(
      formatSchema({
        type: 'struct',
        fields: [{ name: 'a', dataType: { type: 'decimal', precision: 10, scale: 2 }, nullable: false, metadata: {} }],
      }),
    ).toBe('{"type":"struct","fields":[{"name":"a","type":"decimal(10,2)","nullable":false,"metadata":{}}]}')
  })

  it('is JSON that any parser reads to the same names', () => {
    const schema = parseSchema('{"type":"struct","fields":[{"name":"\\u0001\\"\\\\é","type":"long","nullable":true,"metadata":{}}]}')
    expect((JSON.parse(formatSchema(schema)) as { fields: { name: string }[] }).fields[0]?.name).toBe('\u0001"\\é')
    expect(formatJson(parseJson(formatSchema(schema)))).toBe(formatSchema(schema))
  })
})
