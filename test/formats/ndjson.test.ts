import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import { createDecoder } from '../../src/formats/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { brief, collect, decodeAll } from './decode-all.js'

const one = (columns: string, line: string, options = {}) => decodeAll('ndjson', columns, line, options)

describe('values', () => {
  test('longs are exact over all 64 bits, as numbers and as strings', () => {
    const values = [
      '0',
      '-1',
      '9007199254740993',
      '-9007199254740993',
      '999999999999999999',
      '1000000000000000000',
      '9223372036854775807',
      '-9223372036854775808',
      '4294967296',
      '-4294967296',
      '-4294967297',
    ]
    const lines = values.flatMap((v) => [`{"a":${v}}`, `{"a":"${v}"}`]).join('\n')
    expect(one('a long', lines).rows.map((r) => r.a)).toEqual(values.flatMap((v) => [BigInt(v), BigInt(v)]))
  })

  test('a long may be written with a point or an exponent as long as it is whole', () => {
    expect(one('a long', '{"a":1.0}\n{"a":1e3}\n{"a":-12.50e1}\n{"a":-0}').rows.map((r) => r.a)).toEqual([1n, 1000n, -125n, 0n])
  })

  test.each(['9223372036854775808', '-9223372036854775809', '1.5', '1e400', '1e-400', '"1.5"', '"x"', '""', 'true', '[]', '{}', '1e20'])(
    'a long is never %s',
    (text) => {
      const { rows, faults } = one('a long', `{"a":${text}}`)
      expect(rows).toEqual([])
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatchObject({ column: 'a', line: 1, record: 0, code: 'INVALID_ROW' })
    },
  )

  test('integer, short and byte check their range', () => {
    const { rows, faults } = one(
      'i integer, s short, b byte',
      '{"i":2147483647,"s":-32768,"b":127}\n{"i":2147483648,"s":32768,"b":-129}\n{"i":-2147483648,"s":"7","b":1.0}',
    )
    expect(rows).toEqual([
      { i: 2147483647, s: -32768, b: 127 },
      { i: -2147483648, s: 7, b: 1 },
    ])
    expect(faults.map((f) => [f.column, f.value])).toEqual([
      ['i', '2147483648'],
      ['s', '32768'],
      ['b', '-129'],
    ])
  })

  test('doubles are the nearest ones, and the names of the three that JSON lacks are understood in quotes', () => {
    const texts = [
      '0.1',
      '1e22',
      '1e23',
      '123456789012345678',
      '4.9e-324',
      '1.7976931348623157e308',
      '-0.0',
      '2.2250738585072011e-308',
      '0.000001',
      '9007199254740993',
      '1E+2',
    ]
    const { rows } = one('a double', texts.map((t) => `{"a":${t}}`).join('\n'))
    expect(rows.map((r) => r.a)).toEqual(texts.map(Number))
    expect(one('a double', '{"a":"NaN"}\n{"a":"-Infinity"}\n{"a":"Infinity"}').rows.map((r) => r.a)).toEqual([
      Number.NaN,
      -Infinity,
      Infinity,
    ])
  })

  test('a number beyond all doubles, or beyond all floats, is a fault and not an infinity', () => {
    const { rows, faults } = one('d double, f float', '{"d":1e400}\n{"d":-1e309}\n{"f":3.5e38}\n{"f":3.4e38}')
    expect(rows).toEqual([{ d: null, f: Math.fround(3.4e38) }])
    expect(faults.map((f) => f.column)).toEqual(['d', 'd', 'f'])
  })

  test('decimals are exact or refused, never rounded', () => {
    const { rows, faults } = one(
      'd decimal(38,10)',
      [
        '1',
        '"-12.5"',
        '1234567890123456789012345678.0123456789',
        '1.50000000000',
        '1e-10',
        '0.00000000001',
        '99999999999999999999999999999',
        '1e27',
      ]
        .map((v) => `{"d":${v}}`)
        .join('\n'),
    )
    expect(rows.map((r) => r.d)).toEqual([
      '1.0000000000',
      '-12.5000000000',
      '1234567890123456789012345678.0123456789',
      '1.5000000000',
      '0.0000000001',
      '1000000000000000000000000000.0000000000',
    ])
    expect(faults.map((f) => f.line)).toEqual([6, 7])
  })

  test('a small decimal keeps to its precision', () => {
    const { rows, faults } = one('d decimal(4,2)', '{"d":99.99}\n{"d":100}\n{"d":-99.990}\n{"d":1.001}')
    expect(rows.map((r) => r.d)).toEqual(['99.99', '-99.99'])
    expect(faults.map((f) => f.line)).toEqual([2, 4])
  })

  test('a timestamp needs a zone, a timestamp_ntz has none, both keep microseconds', () => {
    const { rows, faults } = one(
      't timestamp, n timestamp_ntz, d date',
      [
        '{"t":"2024-02-29T12:34:56.123456Z","n":"2024-02-29T12:34:56.123456","d":"2024-02-29"}',
        '{"t":"1969-12-31T23:59:59+02:00","n":"0001-01-01T00:00:00","d":"0001-01-01"}',
        '{"t":"9999-12-31T23:59:59.999999Z"}',
        '{"t":"2024-02-29T12:34:56"}',
        '{"n":"2024-02-29T12:34:56Z"}',
        '{"d":"2023-02-29"}',
        '{"t":1700000000}',
        '{"n":1700000000}',
        '{"t":"2024-02-29T12:34:56.1234567Z"}',
      ].join('\n'),
    )
    expect(rows).toEqual([
      { t: BigInt(Date.UTC(2024, 1, 29, 12, 34, 56)) * 1000n + 123456n, n: '2024-02-29T12:34:56.123456', d: '2024-02-29' },
      { t: BigInt(Date.UTC(1969, 11, 31, 21, 59, 59)) * 1000n, n: '0001-01-01T00:00:00.000000', d: '0001-01-01' },
      { t: BigInt(Date.UTC(9999, 11, 31, 23, 59, 59)) * 1000n + 999999n, n: null, d: null },
    ])
    expect(faults.map((f) => [f.line, f.column])).toEqual([
      [4, 't'],
      [5, 'n'],
      [6, 'd'],
      [7, 't'],
      [8, 'n'],
      [9, 't'],
    ])
  })

  test('bare numbers are timestamps once their unit is said, and nothing finer than microseconds is dropped', () => {
    const at = (timestampUnit: 's' | 'ms' | 'us', text: string) => one('t timestamp', `{"t":${text}}`, { timestampUnit })
    expect(at('s', '1700000000').rows).toEqual([{ t: 1_700_000_000_000_000n }])
    expect(at('s', '1700000000.123456').rows).toEqual([{ t: 1_700_000_000_123_456n }])
    expect(at('s', '1700000000.1234567').faults).toHaveLength(1)
    expect(at('ms', '-1').rows).toEqual([{ t: -1000n }])
    expect(at('us', '9223372036854775807').rows).toEqual([{ t: 9223372036854775807n }])
    expect(at('ms', '9223372036854775807').faults).toHaveLength(1)
    expect(at('ms', '"2024-01-01T00:00:00Z"').rows).toEqual([{ t: BigInt(Date.UTC(2024, 0, 1)) * 1000n }])
  })

  test('binary is base64, padded or not, and nothing else', () => {
    const { rows, faults } = one(
      'b binary',
      ['""', '"AA=="', '"AA"', '"/+8="', '"AAEC"', '"AB=="', '"A"', '"A-_="', '"AA="', '"AA==AA=="'].map((v) => `{"b":${v}}`).join('\n'),
    )
    expect(rows.map((r) => [...(r.b as Uint8Array)])).toEqual([[], [0], [0], [0xff, 0xef], [0, 1, 2]])
    expect(faults.map((f) => f.line)).toEqual([6, 7, 8, 9, 10])
  })

  test('booleans are true and false, not text and not numbers', () => {
    const { rows, faults } = one('a boolean', '{"a":true}\n{"a":false}\n{"a":"true"}\n{"a":1}\n{"a":tru}\n{"a":True}')
    expect(rows).toEqual([{ a: true }, { a: false }])
    expect(faults.map((f) => f.line)).toEqual([3, 4, 5, 6])
  })

  test('a void column takes nulls only', () => {
    const columns = { type: 'struct', fields: [{ name: 'v', dataType: { type: 'void' }, nullable: true, metadata: {} }] } as never
    const { rows, faults } = decodeAll('ndjson', columns, '{"v":null}\n{}\n{"v":1}')
    expect(rows).toEqual([{ v: null }, { v: null }])
    expect(faults).toHaveLength(1)
  })

  test('strings keep every character that JSON can escape', () => {
    const { rows } = one('s string', String.raw`{"s":"\u0000\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀\u20AC"}`)
    expect(rows).toEqual([{ s: '\u0000"\\/\b\f\n\r\té😀é😀€' }])
  })

  test('half a surrogate pair is a fault: no UTF-8 text has it', () => {
    const { rows, faults } = one(
      's string',
      `${String.raw`{"s":"\ud800"}`}\n${String.raw`{"s":"\udc00x"}`}\n${String.raw`{"s":"\ud800\u0041"}`}\n{"s":"ok"}`,
    )
    expect(rows).toEqual([{ s: 'ok' }])
    expect(faults.map((f) => f.line)).toEqual([1, 2, 3])
  })

  test('nested values are read to any depth of the schema', () => {
    const { rows } = one(
      'a array<array<long>>, s struct<x:int,y:struct<z:array<string>>>, m map<string,array<int>>, l array<struct<k:string>>',
      '{"a":[[1,2],[],null,[3]],"s":{"x":1,"y":{"z":["p",null]}},"m":{"k":[1],"l":null},"l":[{"k":"v"},{},null]}',
    )
    expect(rows).toEqual([
      {
        a: [[1n, 2n], [], null, [3n]],
        s: { x: 1, y: { z: ['p', null] } },
        m: new Map<string, unknown>([
          ['k', [1]],
          ['l', null],
        ]),
        l: [{ k: 'v' }, { k: null }, null],
      },
    ])
  })

  test('maps are objects or arrays of pairs, and their keys are read by type', () => {
    const { rows } = one('m map<long,string>', '{"m":{"1":"a","9007199254740993":"b"}}\n{"m":[[1,"a"],["2",null]]}\n{"m":{}}\n{"m":[]}')
    expect(rows.map((r) => [...(r.m as Map<bigint, string>)])).toEqual([
      [
        [1n, 'a'],
        [9007199254740993n, 'b'],
      ],
      [
        [1n, 'a'],
        [2n, null],
      ],
      [],
      [],
    ])
  })

  test('a key that stands twice in a map is a fault, whatever its spelling', () => {
    const { faults } = one(
      'm map<long,int>, t map<string,int>',
      '{"m":{"1":1,"1.0":2}}\n{"t":[["a",1],["a",2]]}\n{"t":{"a":1,"\\u0061":2}}\n{"m":[[null,1]]}',
    )
    expect(brief(faults).map((f) => [f.line, f.column])).toEqual([
      [1, 'm.key'],
      [2, 't.key'],
      [3, 't.key'],
      [4, 'm.key'],
    ])
  })

  test('strings take other values as JSON text only when asked to', () => {
    const line = '{"s":{"a": [1.50, "x"]}}\n{"s":12345678901234567890}\n{"s":true}'
    expect(one('s string', line).faults).toHaveLength(3)
    expect(one('s string', line, { jsonAsText: true }).rows.map((r) => r.s)).toEqual(['{"a": [1.50, "x"]}', '12345678901234567890', 'true'])
  })
})

describe('records', () => {
  test('a missing key and a null are null', () => {
    expect(one('a int, b string', '{"a":1}\n{"b":null}\n{}').rows).toEqual([
      { a: 1, b: null },
      { a: null, b: null },
      { a: null, b: null },
    ])
  })

  test('NOT NULL is enforced for nulls and missing keys, inside structs, arrays and maps too', () => {
    const columns = 'id long not null, s struct<x:int not null>, a array<int not null>, m map<string,int not null>'
    const { rows, faults } = one(
      columns,
      '{"id":1}\n{"id":null}\n{}\n{"id":1,"s":{}}\n{"id":1,"s":null}\n{"id":1,"a":[1,null]}\n{"id":1,"m":{"k":null}}\n{"id":2,"s":{"x":1},"a":[],"m":{}}',
    )
    expect(rows.map((r) => r.id)).toEqual([1n, 1n, 2n])
    expect(faults.map((f) => [f.line, f.column])).toEqual([
      [2, 'id'],
      [3, 'id'],
      [4, 's.x'],
      [6, 'a.element'],
      [7, 'm.value'],
    ])
  })

  test('an unknown key is a fault, or skipped when asked to, at any depth', () => {
    const line = '{"a":1,"x":{"y":[1,{"z":"}"}]},"s":{"b":2,"c":3}}'
    expect(brief(one('a int, s struct<b:int>', line).faults).map((f) => f.column)).toEqual(['x', 's.c'])
    expect(one('a int, s struct<b:int>', line, { ignoreUnknown: true }).rows).toEqual([{ a: 1, s: { b: 2 } }])
  })

  test('a key that stands twice is a fault: one of the values would be lost', () => {
    const { rows, faults } = one('a int', '{"a":1,"a":2}\n{"a":null,"a":2}\n{"a":3}')
    expect(rows).toEqual([{ a: 3 }])
    expect(faults.map((f) => f.column)).toEqual(['a', 'a'])
  })

  test('keys may come in any order, change it, and be escaped', () => {
    const { rows } = one('a int, b int, c int', '{"c":3,"a":1,"b":2}\n{"a":1,"b":2,"c":3}\n{"b":2}\n{"\\u0062":2,"c":3}\n{"c":3,"b":2}')
    expect(rows.map((r) => [r.a, r.b, r.c])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [null, 2, null],
      [null, 2, 3],
      [null, 2, 3],
    ])
  })

  test('__proto__, constructor and keys with quotes are only names', () => {
    const columns = '`__proto__` long, `constructor` string, `a"b` int, `` int'.replace(', `` int', '')
    const { rows } = one(columns, '{"__proto__":1,"constructor":"c","a\\"b":2}')
    expect(Object.entries(rows[0] as object)).toEqual([
      ['__proto__', 1n],
      ['constructor', 'c'],
      ['a"b', 2],
    ])
    expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype)
    expect(one('a int', '{"__proto__":{"a":1}}').faults.map((f) => f.column)).toEqual(['__proto__'])
  })

  test('all faults of a record are reported, and the record alone is left out', () => {
    const { rows, faults, ordinals } = one('a int not null, b date, c boolean', '{"a":1}\n{"a":"x","b":"2024-13-01","c":0,"d":1}\n{"a":2}')
    expect(rows.map((r) => r.a)).toEqual([1, 2])
    expect(ordinals).toEqual([0, 2])
    expect(brief(faults)).toEqual([
      { line: 2, column: 'a', value: '"x"', problem: 'not a number' },
      { line: 2, column: 'b', value: '"2024-13-01"', problem: 'not a date in the form YYYY-MM-DD' },
      { line: 2, column: 'c', value: '0', problem: 'true or false expected, found a number' },
      { line: 2, column: 'd', value: '', problem: 'no such column in the schema' },
    ])
    expect(decodeUtf8(faults[0]!.raw)).toBe('{"a":"x","b":"2024-13-01","c":0,"d":1}')
  })

  test('a fault deep inside leaves nothing behind in any column', () => {
    const columns = 'a array<struct<l:array<int>,m:map<string,array<int>>>>, b int'
    const good = '{"a":[{"l":[1],"m":{"k":[2]}}],"b":1}'
    const bad = [
      '{"a":[{"l":[9,9,"x"],"m":{"k":[8]}}],"b":7}',
      '{"b":7,"a":[{"l":[9],"m":{"k":[8,"y"]}},{"l":[9]}]}',
      '{"a":[{"l":[9,9',
      '{"a":[{"l":[9],"m":{"k":[8',
      '{"b":7,"a":[{"l":[9]}]',
    ]
    const { rows, faults } = one(columns, [good, ...bad.flatMap((line) => [line, good])].join('\n'))
    expect(faults.map((f) => f.line)).toEqual([2, 4, 6, 8, 10])
    expect(rows).toEqual(Array.from({ length: 6 }, () => ({ a: [{ l: [1], m: new Map([['k', [2]]]) }], b: 1 })))
  })

  test('a fault of the structure shows where it is, and nothing of the next line', () => {
    const { faults } = one('a int, s string', '{"a":1}x\n{"a":1 "s":"y"}\n{"s":"open\n{"s":"\n{"a":1,}\n{"a":1')
    expect(brief(faults)).toEqual([
      { line: 1, column: '', value: 'x', problem: 'malformed JSON: text after the record' },
      { line: 2, column: '', value: '"s":"y"}', problem: "malformed JSON: ',' or '}' expected" },
      { line: 3, column: 's', value: '"open', problem: 'malformed JSON: a string without its closing quote' },
      { line: 4, column: 's', value: '"', problem: 'malformed JSON: a string without its closing quote' },
      { line: 5, column: '', value: '}', problem: 'malformed JSON: a key in quotes expected' },
      { line: 6, column: '', value: '', problem: "malformed JSON: ',' or '}' expected" },
    ])
  })

  test('a value that is no JSON object is a fault', () => {
    const { faults } = one('a int', '1\n"x"\n[1]\nnull\nhello\n{"a":1}')
    expect(faults.map((f) => f.line)).toEqual([1, 2, 3, 4, 5])
  })

  test('blank lines count in the line number, are no rows and no faults', () => {
    const { rows, ordinals, records, blanks, faults } = one('a int', '\n{"a":1}\r\n \t\r\n{"a":2}\n\n')
    expect(rows).toEqual([{ a: 1 }, { a: 2 }])
    expect(ordinals).toEqual([1, 3])
    expect([records, blanks, faults.length]).toEqual([5, 3, 0])
  })

  test('a byte order mark before the first record is skipped, and only there', () => {
    expect(one('a int', '\ufeff{"a":1}').rows).toEqual([{ a: 1 }])
    expect(one('a int', '{"a":1}\n\ufeff{"a":2}').faults).toHaveLength(1)
    expect(one('a int', Uint8Array.of(0xef, 0xbb) as never).faults).toHaveLength(1)
  })

  test('what only begins like a byte order mark is input, wherever it is cut', () => {
    for (const mark of [[0xef], [0xef, 0xbb], [0xef, 0xef, 0xbb, 0xbf]]) {
      const line = Uint8Array.from([...mark, ...encodeUtf8('{"a":1}')])
      for (let cut = 0; cut <= line.length; cut++) {
        const { faults } = decodeAll('ndjson', 'a int', Uint8Array.from([...line, 0x0a]), {}, [cut])
        expect(faults[0]!.raw).toEqual(line)
      }
    }
  })

  test('a raw line feed or control character in a string is a fault, and the next line is read', () => {
    const { rows, faults } = one('s string', '{"s":"a\nb"}\n{"s":"\u0001"}\n{"s":"ok"}')
    expect(rows).toEqual([{ s: 'ok' }])
    expect(faults.map((f) => f.line)).toEqual([1, 2, 3])
  })

  test('bytes that are no UTF-8 are a fault, in values and in keys', () => {
    const bad = [[0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe0, 0x80, 0x80], [0xf0, 0x9f, 0x98]]
    for (const bytes of bad) {
      const value = Uint8Array.from([...encodeUtf8('{"s":"x'), ...bytes, ...encodeUtf8('"}\n{"s":"é"}')])
      const decoded = decodeAll('ndjson', 's string', value)
      expect(decoded.rows).toEqual([{ s: 'é' }])
      expect(brief(decoded.faults)).toMatchObject([{ line: 1, column: 's', problem: 'invalid UTF-8' }])
      const key = Uint8Array.from([...encodeUtf8('{"s'), ...bytes, ...encodeUtf8('":1}')])
      expect(decodeAll('ndjson', 's string', key).faults).toHaveLength(1)
    }
  })

  test('a record beyond the limit is one fault of code LIMIT_EXCEEDED and keeps a bounded beginning', () => {
    const big = `{"s":"${'x'.repeat(200_000)}"}`
    const { rows, faults } = one('s string', `{"s":"a"}\n${big}\n{"s":"b"}`, { maxRecordBytes: 100_000 })
    expect(rows).toEqual([{ s: 'a' }, { s: 'b' }])
    expect(faults).toMatchObject([{ code: 'LIMIT_EXCEEDED', line: 2, record: 1, rawCut: true }])
    expect(faults[0]!.raw).toEqual(encodeUtf8(big).subarray(0, 65_536))
  })
})

describe('batches', () => {
  const lines = Array.from({ length: 100 }, (_, i) => (i % 10 === 3 ? '{"a":"bad"}' : i % 10 === 7 ? '' : `{"a":${i}}`)).join('\n')

  test('a batch ends after so many records, good or bad', () => {
    const decoded = decodeAll('ndjson', 'a int', lines, { rowsPerBatch: 7 })
    expect(decoded.batches).toBe(15)
    expect(decoded.ordinals).toEqual(decoded.rows.map((r) => r.a))
  })

  test('a batch ends after so many bytes', () => {
    expect(decodeAll('ndjson', 'a int', lines, { bytesPerBatch: 100 }).batches).toBeGreaterThan(8)
  })

  test('flush answers the batch under way and keeps a record that is cut', () => {
    const struct = parseColumns('a int')
    const decoder = createDecoder('ndjson', struct)
    const first = [...decoder.push(encodeUtf8('{"a":1}\n{"a":')), ...decoder.flush()]
    expect(collect(first, struct).rows).toEqual([{ a: 1 }])
    expect(decoder.nextRecord).toBe(1)
    expect(decoder.flush()).toEqual([])
    const rest = [...decoder.push(encodeUtf8('2}\n')), ...decoder.end()]
    expect(rest[0]!.firstRecord).toBe(1)
    expect(collect(rest, struct).rows).toEqual([{ a: 2 }])
  })

  test('an empty input has no batches', () => {
    expect(decodeAll('ndjson', 'a int', '').batches).toBe(0)
    expect(decodeAll('json', 'a int', '').batches).toBe(0)
    expect(decodeAll('csv', 'a int', '').batches).toBe(0)
  })

  test('wrong options are refused by name', () => {
    for (const options of [
      { rowsPerBatch: 0 },
      { bytesPerBatch: 1.5 },
      { maxRecordBytes: -1 },
      { timestampUnit: 'ns' as never },
      { delimiter: '""' },
    ]) {
      expect(() => createDecoder('csv', parseColumns('a int'), options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
    }
  })
})
