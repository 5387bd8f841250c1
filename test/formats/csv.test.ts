import { describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import { brief, decodeAll } from './decode-all.js'

const csv = (columns: string, text: string, options = {}) => decodeAll('csv', columns, text, options)

describe('CSV', () => {
  test('columns are matched by the header, an empty field is null and "" is the empty text', () => {
    const { rows } = csv('a int, b string, c string', 'c,a\r\nx,1\r\n,\r\n"",2\r\n')
    expect(rows).toEqual([
      { a: 1, b: null, c: 'x' },
      { a: null, b: null, c: null },
      { a: 2, b: null, c: '' },
    ])
  })

  test('quoted fields hold commas, quotes and line ends, which count as lines but not as records', () => {
    const { rows, ordinals, faults } = csv('s string, n int', 's,n\n"a,""b""\r\nc",1\n"x\n",oops\n" ",3')
    expect(rows).toEqual([
      { s: 'a,"b"\r\nc', n: 1 },
      { s: ' ', n: 3 },
    ])
    expect(ordinals).toEqual([0, 2])
    expect(faults).toMatchObject([{ line: 4, record: 1, column: 'n', value: 'oops' }])
    expect(decodeUtf8(faults[0]!.raw)).toBe('"x\n",oops')
  })

  test('every type is read from its text', () => {
    const { rows, faults } = csv(
      'l long, i int, f float, d double, p decimal(20,3), b boolean, y date, t timestamp, n timestamp_ntz, x binary, a array<int>, m map<string,int>, s struct<k:string>',
      'l,i,f,d,p,b,y,t,n,x,a,m,s\n' +
        '-9223372036854775808,007,1.5,1e3,12345678901234567.125,TRUE,2024-02-29,2024-02-29T00:00:00+01:00,2024-02-29 00:00:00,AAE=,"[1,null]","{""k"":1}","{""k"":""v,""}"\n' +
        ' 1 , 2 ,3 ,NaN, 1,false, 2024-01-01 ,2024-01-01T00:00:00Z ,2024-01-01T00:00:00,,[],{},{}\n',
    )
    expect(faults).toEqual([])
    expect(rows).toEqual([
      {
        l: -9223372036854775808n,
        i: 7,
        f: 1.5,
        d: 1000,
        p: '12345678901234567.125',
        b: true,
        y: '2024-02-29',
        t: BigInt(Date.UTC(2024, 1, 28, 23)) * 1000n,
        n: '2024-02-29T00:00:00.000000',
        x: Uint8Array.of(0, 1),
        a: [1, null],
        m: new Map([['k', 1]]),
        s: { k: 'v,' },
      },
      {
        l: 1n,
        i: 2,
        f: 3,
        d: Number.NaN,
        p: '1.000',
        b: false,
        y: '2024-01-01',
        t: BigInt(Date.UTC(2024, 0, 1)) * 1000n,
        n: '2024-01-01T00:00:00.000000',
        x: null,
        a: [],
        m: new Map(),
        s: { k: null },
      },
    ])
  })

  test('strings keep their spaces, and numbers in string columns their zeros', () => {
    expect(csv('s string', 's\n 00123 \n').rows).toEqual([{ s: ' 00123 ' }])
  })

  test('a record with too few or too many fields is a fault', () => {
    const { rows, faults } = csv('a int, b int', 'a,b\n1,2\n3\n4,5,6\n7,8')
    expect(rows.map((r) => r.a)).toEqual([1, 7])
    expect(brief(faults)).toEqual([
      { line: 3, column: '', value: '3', problem: '1 fields, the header has 2' },
      { line: 4, column: '', value: '4,5,6', problem: '3 fields, the header has 2' },
    ])
  })

  test('quotes that RFC 4180 does not have are faults of their record', () => {
    const { rows, faults } = csv('a string, b string', 'a,b\nx"y,1\n"x"y,2\n"x" ,3\nok,4\n"x,5')
    expect(rows).toEqual([{ a: 'ok', b: '4' }])
    expect(faults.map((f) => [f.line, f.problem])).toEqual([
      [2, 'malformed CSV: a quote inside a field that does not begin with one'],
      [3, 'malformed CSV: text after the closing quote of a field'],
      [4, 'malformed CSV: text after the closing quote of a field'],
      [6, 'malformed CSV: a quoted field is not closed'],
    ])
  })

  test('all faults of a record are reported, and NOT NULL is enforced', () => {
    const { rows, faults } = csv('a int not null, b date, m map<string,int>', 'a,b,m\n,2024,"{""k"":}"\n1,,')
    expect(rows).toEqual([{ a: 1, b: null, m: null }])
    expect(faults.map((f) => f.column)).toEqual(['a', 'b', 'm.value'])
  })

  test('"" in a column of numbers is no null', () => {
    expect(csv('a int', 'a\n""\n').faults).toHaveLength(1)
  })

  test('bytes that are no UTF-8 are a fault', () => {
    const { rows, faults } = decodeAll('csv', 's string', Uint8Array.from([...encodeUtf8('s\n'), 0xff, 0x0a, ...encodeUtf8('é\n')]))
    expect(rows).toEqual([{ s: 'é' }])
    expect(brief(faults)).toEqual([{ line: 2, column: 's', value: '\ufffd', problem: 'invalid UTF-8' }])
  })

  test('an empty line is skipped, but in a file of one column it is a null', () => {
    expect(csv('a int, b int', 'a,b\n\n1,2\n\r\n\n')).toMatchObject({ rows: [{ a: 1, b: 2 }], records: 4, blanks: 3, ordinals: [1] })
    expect(csv('a int', 'a\n\n1\n').rows).toEqual([{ a: null }, { a: 1 }])
  })

  test('the header must fit the schema, and all that does not is said at once', () => {
    const bad = () => csv('a int, b int not null', 'a,x,"y ",a\n1,2,3,4')
    expect(bad).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
    expect(bad).toThrow(
      'column x is not in the schema; column y  is not in the schema; column a stands twice; column b is NOT NULL and missing',
    )
    expect(csv('a int', 'x,a,\n1,2,3', { ignoreUnknown: true }).rows).toEqual([{ a: 2 }])
  })

  test('a header alone has no records; a header after a byte order mark is read', () => {
    expect(csv('a int', 'a').rows).toEqual([])
    expect(csv('a int', '\ufeffa\n1').rows).toEqual([{ a: 1 }])
    expect(csv('`__proto__` int', '__proto__\n1').ordinals).toEqual([0])
  })

  test('other delimiters', () => {
    expect(csv('a int, b string', 'a\tb\n1\tx,y', { delimiter: '\t' }).rows).toEqual([{ a: 1, b: 'x,y' }])
    expect(csv('a int, b string', 'a;b\n1;";"', { delimiter: ';' }).rows).toEqual([{ a: 1, b: ';' }])
  })

  test('a record beyond the limit is one fault, a header beyond it an error', () => {
    const { rows, faults } = csv('s string', `s\na\n"${'x\n'.repeat(1000)}"\nb`, { maxRecordBytes: 100 })
    expect(rows).toEqual([{ s: 'a' }, { s: 'b' }])
    expect(faults).toMatchObject([{ code: 'LIMIT_EXCEEDED', line: 3 }])
    expect(() => csv('s string', 'x'.repeat(101), { maxRecordBytes: 100 })).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }))
  })
})
