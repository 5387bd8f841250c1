// Batches as text. The canonical form is checked against a second, naive writing of its rules over row objects; NDJSON
// and CSV by reading them back with readers that know nothing of this library.
import type { RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodePortable } from '../../src/arrow/base64.js'
import { BatchBuilder, canonicalLines, csvHeader, csvLines, encodeBase64, ndjsonLines } from '../../src/arrow/index.js'
import { JsonNumber, parseJson } from '../../src/json.js'
import { type DataType, formatTimestampMicros, parseColumns, type StructType } from '../../src/schema/index.js'
import { anySample, type Sample } from './rows-arbitrary.js'

const runs = { numRuns: 150 }

function build(struct: StructType, rows: readonly object[]): RecordBatch {
  const builder = new BatchBuilder(struct)
  expect(builder.appendRows(rows)).toEqual([])
  return builder.finish()
}

// A value in its canonical form, as JSON.stringify prints it.
function canonical(value: unknown, type: DataType): unknown {
  if (value === null) return null
  switch (type.type) {
    case 'long':
      return Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER && Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    case 'float':
    case 'double':
      return Number.isFinite(value) ? value : String(value)
    case 'timestamp':
      return formatTimestampMicros(value as bigint)
    case 'binary':
      return btoa(String.fromCharCode(...(value as Uint8Array)))
    case 'array':
      return (value as unknown[]).map((item) => canonical(item, type.elementType))
    case 'map':
      return [...(value as Map<unknown, unknown>)]
        .map(([key, item]) => [canonical(key, type.keyType), canonical(item, type.valueType)])
        .sort(([a], [b]) => Buffer.compare(Buffer.from(JSON.stringify(a)), Buffer.from(JSON.stringify(b))))
    case 'struct': {
      const object = {}
      for (const field of type.fields) {
        const member = canonical((value as Record<string, unknown>)[field.name], field.dataType)
        Object.defineProperty(object, field.name, { value: member, enumerable: true })
      }
      return object
    }
    default:
      return value
  }
}

function canonicalLine({ struct, expected }: Sample, row: number): string {
  return JSON.stringify(canonical(expected[row], struct))
}

describe('canonical lines', () => {
  test('are what JSON.stringify prints of the canonical values', () => {
    fc.assert(
      fc.property(anySample(30), fc.nat(30), (sample, from) => {
        const lines = canonicalLines(build(sample.struct, sample.rows).slice(from), sample.struct)
        expect(lines).toEqual(sample.expected.map((_, i) => canonicalLine(sample, i)).slice(from))
      }),
      runs,
    )
  })

  const literal: readonly [type: string, value: unknown, text: string][] = [
    ['long', 9007199254740991n, '9007199254740991'],
    ['long', 9007199254740992n, '"9007199254740992"'],
    ['long', -9007199254740992n, '"-9007199254740992"'],
    ['long', -(2n ** 63n), '"-9223372036854775808"'],
    ['float', 0.1, '0.10000000149011612'],
    ['float', -0, '0'],
    ['double', -0, '0'],
    ['double', Number.NaN, '"NaN"'],
    ['double', Number.NEGATIVE_INFINITY, '"-Infinity"'],
    ['double', 1e21, '1e+21'],
    ['double', 100, '100'],
    ['decimal(10,2)', '5', '"5.00"'],
    ['decimal(10,2)', '-0.05', '"-0.05"'],
    ['decimal(38,0)', '99999999999999999999999999999999999999', '"99999999999999999999999999999999999999"'],
    ['date', '2024-02-29', '"2024-02-29"'],
    ['date', '+012345-01-01', '"+012345-01-01"'],
    ['date', '-000001-12-31', '"-000001-12-31"'],
    ['timestamp', '1969-12-31T23:59:59.999999Z', '"1969-12-31T23:59:59.999999Z"'],
    ['timestamp', 253402300800000000n, '"+010000-01-01T00:00:00.000000Z"'],
    ['timestamp_ntz', '2024-05-01T12:00:00', '"2024-05-01T12:00:00.000000"'],
    ['binary', Uint8Array.of(0, 255, 16), '"AP8Q"'],
    ['boolean', false, 'false'],
    ['string', 'a"\\\u0001\u2028é', '"a\\"\\\\\\u0001\u2028é"'],
    ['map<string,int>', { b: 1, a: null }, '[["a",null],["b",1]]'],
    [
      'map<int,string>',
      new Map([
        [10, 'x'],
        [9, 'y'],
      ]),
      '[[10,"x"],[9,"y"]]',
    ],
    ['array<array<int>>', [[], null, [1]], '[[],null,[1]]'],
    ['struct<a:int>', { a: null }, '{"a":null}'],
    ['void', null, 'null'],
  ]
  test.each(literal)('%s %o is %s', (type, value, text) => {
    const struct = parseColumns(`a ${type}`)
    expect(canonicalLines(build(struct, [{ a: value }, {}]), struct)).toEqual([`{"a":${text}}`, '{"a":null}'])
  })

  test('names that look like array indices come first, by number, as JSON.stringify has it', () => {
    const struct = parseColumns('b int, `10` int, `9` int, `01` int, `-1` int, `4294967295` int')
    const row = { b: 1, '10': 2, '9': 3, '01': 4, '-1': 5, '4294967295': 6 }
    expect(canonicalLines(build(struct, [row]), struct)).toEqual([JSON.stringify(row)])
  })

  test('a batch without columns has a line a row', () => {
    const struct: StructType = { type: 'struct', fields: [] }
    expect(canonicalLines(build(struct, [{}, {}]), struct)).toEqual(['{}', '{}'])
  })

  test('columns that the batch lacks are null', () => {
    expect(canonicalLines(build(parseColumns('a int'), [{ a: 1 }]), parseColumns('a int, b array<int>'))).toEqual(['{"a":1,"b":null}'])
  })
})

describe('NDJSON', () => {
  test('every line is JSON that holds each value exactly', () => {
    fc.assert(
      fc.property(anySample(30), (sample) => {
        const text = ndjsonLines(build(sample.struct, sample.rows), sample.struct)
        const lines = text.split('\n')
        expect(lines.pop()).toBe('')
        expect(lines.length).toBe(sample.rows.length)
        lines.forEach((line, i) => {
          expectValue(parseJson(line), sample.expected[i], sample.struct)
        })
      }),
      runs,
    )
  })

  test('floats have the shortest text that reads back as the same float', () => {
    const struct = parseColumns('a float')
    expect(ndjsonLines(build(struct, [{ a: 0.1 }, { a: 16777216 }, { a: 3.4028234663852886e38 }, { a: -0 }]), struct)).toBe(
      '{"a":0.1}\n{"a":16777216}\n{"a":3.4028235e+38}\n{"a":-0}\n',
    )
  })

  test('maps with text keys are objects, others pairs', () => {
    const struct = parseColumns('s map<string,int>, i map<int,int>')
    expect(ndjsonLines(build(struct, [{ s: { x: 1 }, i: [[1, 2]] }]), struct)).toBe('{"s":{"x":1},"i":[[1,2]]}\n')
  })
})

describe('CSV', () => {
  test('reads back as the same fields, null apart from the empty text', () => {
    fc.assert(
      fc.property(anySample(30), (sample) => {
        const fields = sample.struct.fields
        const records = parseCsv(csvHeader(sample.struct) + csvLines(build(sample.struct, sample.rows), sample.struct))
        expect(records.shift()).toEqual(fields.map((field) => field.name))
        expect(records.length).toBe(sample.rows.length)
        records.forEach((record, i) => {
          const row = sample.expected[i] as Record<string, unknown>
          record.forEach((text, c) => {
            const { name, dataType } = fields[c] as (typeof fields)[number]
            if (text === null) expect(row[name]).toBeNull()
            else if (dataType.type === 'string') expect(text).toBe(row[name])
            else if (['array', 'map', 'struct', 'long'].includes(dataType.type)) expectValue(parseJson(text), row[name], dataType)
            else if (dataType.type === 'float') expect(Math.fround(Number(text))).toBe(row[name])
            else if (dataType.type === 'double') expect(Number(text)).toBe(row[name])
            else expect(text).toBe(String(canonical(row[name], dataType)))
          })
        })
      }),
      runs,
    )
  })

  test('quotes what holds a comma, a quote or a line end, and nothing else', () => {
    const struct = parseColumns('a string, b string')
    const rows = [
      { a: 'x,y', b: 'say "hi"' },
      { a: 'two\nlines', b: ' spaces ' },
      { a: '', b: null },
      { a: 'cr\r', b: 'null' },
    ]
    expect(csvLines(build(struct, rows), struct)).toBe('"x,y","say ""hi"""\n"two\nlines", spaces \n"",\n"cr\r",null\n')
  })
})

test('base64 is the same with and without Buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(encodePortable(bytes, 0, bytes.length)).toBe(btoa(String.fromCharCode(...bytes)))
      expect(encodeBase64(bytes)).toBe(btoa(String.fromCharCode(...bytes)))
    }),
  )
})

// The value that a JSON text stands for, exactly.
function expectValue(json: unknown, value: unknown, type: DataType): void {
  if (value === null || json === null) {
    expect([json, value]).toEqual([null, null])
    return
  }
  switch (type.type) {
    case 'long':
      expect(BigInt(json as number | bigint)).toBe(value)
      return
    case 'float':
      expect(Math.fround(Number(json))).toBe(value)
      return
    case 'double':
      expect(Number(json)).toBe(value)
      return
    case 'decimal':
      // A double that JSON text parses to without loss prints other digits than the decimal has; compare as numbers.
      expect(decimalDigits(json instanceof JsonNumber ? json.text : String(json))).toBe(decimalDigits(value as string))
      return
    case 'array':
      expect((json as unknown[]).length).toBe((value as unknown[]).length)
      ;(value as unknown[]).forEach((item, i) => {
        expectValue((json as unknown[])[i], item, type.elementType)
      })
      return
    case 'map': {
      const entries = Array.isArray(json) ? (json as [unknown, unknown][]) : Object.entries(json as object)
      expect(entries.length).toBe((value as Map<unknown, unknown>).size)
      const wanted = [...(value as Map<unknown, unknown>)]
      if (!Array.isArray(json)) {
        const map = value as Map<unknown, unknown>
        for (const [key, item] of entries) expectValue(item, map.get(key), type.valueType)
        return
      }
      entries.forEach(([key, item], i) => {
        expectValue(key, wanted[i]?.[0], type.keyType)
        expectValue(item, wanted[i]?.[1], type.valueType)
      })
      return
    }
    case 'struct':
      expect(new Set(Object.keys(json as object))).toEqual(new Set(type.fields.map((field) => field.name)))
      for (const field of type.fields) {
        expectValue((json as Record<string, unknown>)[field.name], (value as Record<string, unknown>)[field.name], field.dataType)
      }
      return
    default:
      expect(json).toEqual(canonical(value, type))
  }
}

function decimalDigits(text: string): string {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e') as [string, string?]
  const negative = mantissa.startsWith('-')
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?]
  const digits = (whole + fraction).replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  return trimmed === '' ? '0' : `${negative ? '-' : ''}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`
}

// A small reader of RFC 4180 that tells an empty field from an empty text.
function parseCsv(text: string): (string | null)[][] {
  const records: (string | null)[][] = []
  let at = 0
  while (at < text.length) {
    const record: (string | null)[] = []
    for (;;) {
      if (text[at] === '"') {
        let field = ''
        for (at++; ; at++) {
          if (text[at] === '"' && text[at + 1] === '"') at++
          else if (text[at] === '"') break
          field += text[at]
        }
        at++
        record.push(field)
      } else {
        const end = /[,\n]/.exec(text.slice(at))?.index ?? 0
        record.push(end === 0 ? null : text.slice(at, at + end))
        at += end
      }
      if (text[at++] === '\n') break
    }
    records.push(record)
  }
  return records
}
