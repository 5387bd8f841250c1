import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { type InferOptions, inferSchema } from '../../src/formats/index.js'
import { formatColumns } from '../../src/schema/index.js'
import { decodeAll } from './decode-all.js'

const columns = (format: 'ndjson' | 'json' | 'csv', text: string, options: InferOptions = { complete: true }) =>
  formatColumns(inferSchema(format, encodeUtf8(text), options).schema)
const notes = (format: 'ndjson' | 'csv', text: string, options: InferOptions = { complete: true }) =>
  inferSchema(format, encodeUtf8(text), options).notes
const ofValues = (...values: string[]) => columns('ndjson', values.map((v) => `{"c":${v}}`).join('\n')).replace(/^c /, '')

describe('a column of JSON', () => {
  test.each([
    [['1', '-5', '0'], 'long'],
    [['9223372036854775807', '-9223372036854775808'], 'long'],
    [['9223372036854775808'], 'decimal(38,0)'],
    [['1', '-99999999999999999999999999999999999999'], 'decimal(38,0)'],
    [['1.5'], 'double'],
    [['1', '2.0'], 'double'],
    [['1e3', '1'], 'double'],
    [['true', 'false', 'null'], 'boolean'],
    [['"2024-05-01T12:00:00Z"', '"1999-12-31T23:59:59.123456+01:00"'], 'timestamp'],
    [['"2024-05-01"', '"1582-10-15"'], 'date'],
    [['"2024-05-01"', '"2024-05-01T12:00:00Z"'], 'string'],
    [['"2024-05-01T12:00:00"'], 'string'],
    [['"2024-02-30"'], 'string'],
    [['"x"', '"2024-05-01"'], 'string'],
    [['"1"', '"2"'], 'string'],
    [['""'], 'string'],
    [['null'], 'string'],
    [['[]'], 'array<string>'],
    [['[1]', '[2.5]', '[null]', '[]', 'null'], 'array<double>'],
    [['[[1],[]]', '[["2024-05-01"]]'].slice(0, 1), 'array<array<long>>'],
    [['{"a":1}', '{"b":["x"]}', '{"a":null}'], 'struct<a: long, b: array<string>>'],
    [['[{"a":{"b":true}}]'], 'array<struct<a: struct<b: boolean>>>'],
    [['{}'], 'map<string, string>'],
  ])('%j is %s', (values, type) => {
    expect(
      ofValues(...values)
        .replaceAll(', ', ',')
        .replaceAll(': ', ':'),
    ).toBe(type.replaceAll(', ', ',').replaceAll(': ', ':'))
  })

  test('columns come in the order in which they first appear, integer-like names too', () => {
    expect(columns('ndjson', '{"z":1,"10":1}\n{"a":1,"2":true,"__proto__":"p"}')).toMatch(
      /^z long, `?10`? long, a long, `?2`? boolean, __proto__ string$/,
    )
  })

  test('a mixture of kinds is an error that names every such column and where each kind was first seen', () => {
    const infer = () => inferSchema('ndjson', encodeUtf8('{"a":1,"b":{"c":"x"}}\n{"a":"x","b":{"c":[]}}\n{"n":1e400}\n'))
    expect(infer).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
    expect(infer).toThrow(
      'column `a` mixes number (first in line 1) and string (first in line 2); column `b.c` mixes array (first in line 2) and string (first in line 1)',
    )
  })

  test('a mixture is a string when values may be taken as text', () => {
    const text = '{"a":1}\n{"a":{"b":2}}\n{"a":"x"}'
    expect(columns('ndjson', text, { complete: true, jsonAsText: true })).toBe('a string')
    expect(decodeAll('ndjson', 'a string', text, { jsonAsText: true }).rows.map((r) => r.a)).toEqual(['1', '{"b":2}', 'x'])
  })

  test('whole numbers of more than 38 digits are an error, and names that differ only in case', () => {
    expect(() => ofValues('1'.repeat(39))).toThrow('column `c` has a whole number of 39 digits')
    expect(() => columns('ndjson', '{"id":1,"ID":2}')).toThrow('columns `id` and `ID` differ only in case')
  })

  test('what people should know is noted', () => {
    expect(notes('ndjson', '{"a":null,"b":{},"c":"2024-05-01T12:00:00","d":9007199254740993}\n{"d":0.5}\nnonsense')).toEqual([
      'column `a` holds only nulls: taken as string',
      'column `b` holds only empty objects: taken as a map of strings',
      'column `c` has timestamps without a zone: taken as string; timestamp_ntz would keep them as such',
      'column `d` mixes fractions with whole numbers beyond 2^53, which double rounds: give it a decimal type to keep them exact',
      '1 of the first 3 records cannot be read and were left out',
    ])
  })

  test('a record that the sample cuts does not count, unless the sample is the whole input', () => {
    const text = '{"a":1}\n{"b":2}'
    expect(columns('ndjson', text, {})).toBe('a long')
    expect(columns('ndjson', text)).toBe('a long, b long')
    expect(columns('json', '[{"a":1},{"b":2', {})).toBe('a long')
    expect(columns('json', '[{"a":1},{"b":2}]', {})).toBe('a long, b long')
    expect(columns('json', '{\n"a":1}\n{"b":2}', {})).toBe('a long, b long')
  })

  test('only so many records are looked at', () => {
    expect(columns('ndjson', '{"a":1}\n{"a":2}\n{"a":"x"}', { maxRecords: 2 })).toBe('a long')
  })

  test('an input without records has no schema', () => {
    for (const text of ['', '\n\n', '{}\n{}', '5', 'null'])
      expect(() => inferSchema('ndjson', encodeUtf8(text), { complete: true })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTIONS' }),
      )
    expect(() => inferSchema('parquet', new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
  })
})

describe('a column of CSV', () => {
  const ofFields = (...fields: string[]) =>
    columns('csv', `c,x\n${fields.map((f) => `${f},\n`).join('')}`).replace(/^c (.*), x string$/, '$1')

  test.each([
    [['1', '-5', ''], 'long'],
    [['00123', '1'], 'string'],
    [['+5'], 'string'],
    [['1.50', '2'], 'double'],
    [[' 1 ', '"2"'], 'long'],
    [['12345678901234567890'], 'decimal(38,0)'],
    [['1'.repeat(39)], 'string'],
    [['true', 'FALSE'], 'boolean'],
    [['true', '1'], 'string'],
    [['2024-05-01', '1999-01-01'], 'date'],
    [['2024-05-01T00:00:00Z'], 'timestamp'],
    [['2024-05-01', 'n/a'], 'string'],
    [['NaN'], 'string'],
    [['""', '1'], 'string'],
    [['', ''], 'string'],
    [['"[1,2]"'], 'string'],
  ])('%j is %s', (fields, type) => {
    expect(ofFields(...fields)).toBe(type)
  })

  test('names come from the header, which must have them all once', () => {
    expect(columns('csv', '\ufeff"a ""b""",c\r\n1,x\r\n')).toBe('`a "b"` long, c string')
    expect(columns('csv', 'a\tb\n1\tx\n', { delimiter: '\t' })).toBe('a long, b string')
    expect(() => columns('csv', 'a,,a\n1,2,3\n')).toThrow('column 2 has no name; column a stands twice')
  })

  test('ragged and broken records are left out and counted', () => {
    expect(notes('csv', 'a,b\n1,2\n3\n"4"x,5\n6,7\n')).toEqual(['2 of the first 4 records cannot be read and were left out'])
  })

  test('a header alone makes a table of strings', () => {
    expect(columns('csv', 'a,b')).toBe('a string, b string')
  })
})

test('a schema inferred from records reads those records', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom('x', '2024-05-01', '2024-05-01T00:00:00Z', null, true),
      fc.array(fc.integer()),
      fc.dictionary(fc.constantFrom('p', 'q'), fc.boolean()),
    ),
  )
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 4 }), (records) => {
      const text = records.map((record) => JSON.stringify(record)).join('\n')
      let schema: ReturnType<typeof inferSchema>
      try {
        schema = inferSchema('ndjson', encodeUtf8(text), { complete: true, jsonAsText: true })
      } catch {
        return
      }
      const { rows, faults } = decodeAll('ndjson', schema.schema, text, { jsonAsText: true })
      expect(faults).toEqual([])
      expect(rows).toHaveLength(records.length)
    }),
    { numRuns: 500 },
  )
})

test('any bytes end in a schema or a typed error', () => {
  const pieces = fc.constantFrom(
    ...['{', '}', '[', ']', '"a"', ':', ',', '1', '"', '\n', 'null', '{"a":1}', '1e5', '\\u0000', 'x,y\n', '\u00e9'].map(encodeUtf8),
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(pieces, fc.uint8Array({ maxLength: 3 })), { maxLength: 30 }),
      fc.constantFrom('ndjson' as const, 'json' as const, 'csv' as const),
      fc.boolean(),
      (parts, format, complete) => {
        try {
          inferSchema(format, Uint8Array.from(parts.flatMap((p) => [...p])), { complete })
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(INVALID_OPTIONS|SCHEMA_MISMATCH)$/)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
