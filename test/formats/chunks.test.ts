import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { createDecoder, type DecoderOptions, type InputFormat } from '../../src/formats/index.js'
import { collect, decodeAll, structOf } from './decode-all.js'

interface Sample {
  readonly format: InputFormat
  readonly columns: string
  readonly input: string
  readonly options?: DecoderOptions
}

// Every construct whose middle a chunk could end in: escapes, longer characters, numbers, words, line ends, faults.
const SAMPLES: Record<string, Sample> = {
  ndjson: {
    format: 'ndjson',
    columns: 'a long, s string, l array<double>, m map<string,boolean>, at timestamp',
    input:
      '\ufeff{"a":-9007199254740993,"s":"é😀\\u00e9\\ud83d\\ude00\\\\\\"","l":[1.5e-3,null],"m":{"k":true},"at":"2024-01-01T00:00:00Z"}\r\n' +
      '\n{"a":tru,"s":1}\n  \t\n{"a":12 , "s" : "x" }\n{"s":"\u0001"}\n[1]\n{"a":1}x\n{"a":2}',
  },
  'ndjson with a limit': {
    format: 'ndjson',
    columns: 's string',
    input: `{"s":"a"}\n{"s":"${'b'.repeat(60)}"}\n${' '.repeat(60)}\n{"s":"c"}\n{"s":"${'d'.repeat(60)}"}`,
    options: { maxRecordBytes: 50 },
  },
  json: {
    format: 'json',
    columns: 'a long, s string, o struct<x:int>',
    input: '\ufeff [ {"a":1,"s":"],}\\"\\\\"} ,\n{"a":\n2,"o":{"x":1}}, {"a":[},"é😀\\"", 12.5 ,nul, {"a":3}\n, ]\n x ]',
  },
  'json with a limit': {
    format: 'json',
    columns: 's string',
    input: `[{"s":"a"},  {"s":"${'b'.repeat(60)}"},\n{"s":"c"},"${'d'.repeat(60)}"]`,
    options: { maxRecordBytes: 50 },
  },
  'json values': { format: 'json', columns: 'a long', input: '{"a":1}\n{"a":2} {"a":3}{"a":4} 5 "x" {"a"' },
  csv: {
    format: 'csv',
    columns: 'a long, s string, l array<int>',
    input: '\ufeffs,a,"l"\r\n"x,""y""\n😀",12,"[1,2]"\r\n,,\n\n"a"b,1,\nx,9223372036854775808,"[""x""]"\r\n"",1,[]\na,b\n"open,1',
  },
  'csv with a limit': {
    format: 'csv',
    columns: 's string',
    input: `s\na\n"${'b\n'.repeat(30)}"\nc\n${'d'.repeat(60)}`,
    options: { maxRecordBytes: 50 },
  },
}

describe.each(Object.entries(SAMPLES))('%s', (_name, { format, columns, input, options }) => {
  const bytes = encodeUtf8(input)
  const whole = decodeAll(format, columns, bytes, options)

  test('the sample has good and bad records', () => {
    expect(whole.rows.length).toBeGreaterThan(1)
    expect(whole.faults.length).toBeGreaterThan(1)
  })

  test('the result is the same wherever a chunk ends', () => {
    for (let cut = 0; cut <= bytes.length; cut++) expect(decodeAll(format, columns, bytes, options, [cut])).toEqual(whole)
  })

  test('the result is the same byte by byte', () => {
    const cuts = Array.from(bytes, (_, i) => i)
    expect(decodeAll(format, columns, bytes, options, cuts)).toEqual(whole)
  })

  test('the result is the same for any cuts, and batches end at the same records', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (cuts, rowsPerBatch) => {
        const sorted = cuts.sort((a, b) => a - b)
        const small = { ...options, rowsPerBatch }
        expect(decodeAll(format, columns, bytes, small, sorted)).toEqual(decodeAll(format, columns, bytes, small))
      }),
      { numRuns: 50 },
    )
  })

  test('an input taken up at any record goes on as if it had been read from the start', () => {
    const struct = structOf(columns)
    for (let ordinal = 0; ordinal <= whole.records + 1; ordinal++) {
      for (const cut of [0, 7, bytes.length >> 1, bytes.length]) {
        const decoder = createDecoder(format, struct, options)
        decoder.skipTo(ordinal)
        const batches = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut)), ...decoder.end()]
        const rest = collect(batches, struct)
        const from = whole.ordinals.findIndex((o) => o >= ordinal)
        expect(rest.ordinals).toEqual(from < 0 ? [] : whole.ordinals.slice(from))
        expect(rest.rows).toEqual(from < 0 ? [] : whole.rows.slice(from))
        expect(rest.faults).toEqual(whole.faults.filter((fault) => fault.record >= ordinal))
        if (ordinal < whole.records) expect(batches[0]?.firstRecord ?? ordinal).toBe(ordinal)
      }
    }
  })
})
