import { describe, expect, test } from 'vitest'
import { decodeUtf8 } from '../../src/bytes.js'
import { brief, decodeAll } from './decode-all.js'

const json = (columns: string, text: string, options = {}) => decodeAll('json', columns, text, options)

describe('a JSON array', () => {
  test('its objects are the records, however it is laid out', () => {
    const rows = [
      { a: 1, s: 'x,]}"' },
      { a: 2, s: '\n' },
      { a: null, s: '\\' },
    ]
    for (const text of [JSON.stringify(rows), JSON.stringify(rows, null, 2), `\ufeff \n${JSON.stringify(rows, null, '\t')}\r\n\n`]) {
      const decoded = json('a int, s string', text)
      expect(decoded.rows).toEqual(rows)
      expect(decoded.ordinals).toEqual([0, 1, 2])
      expect(decoded.faults).toEqual([])
    }
  })

  test('an empty array has no records', () => {
    for (const text of ['[]', ' [ \n ] ']) expect(json('a int', text)).toMatchObject({ records: 0, faults: [] })
  })

  test('a fault names the line on which the record starts', () => {
    const { rows, faults } = json('a int', '[\n {"a":1},\n\n {"a":\n"x"},\n {"a":3}\n]')
    expect(rows).toEqual([{ a: 1 }, { a: 3 }])
    expect(faults).toMatchObject([{ line: 4, record: 1, column: 'a', value: '"x"' }])
    expect(decodeUtf8(faults[0]!.raw)).toBe('{"a":\n"x"}')
  })

  test('broken values are faults of their own, the others are read', () => {
    const { rows, faults, ordinals } = json('a int', '[{"a":1},{"a":},1,"x,]",null,[{"a":9}],{"a":[1}},{"a":2},nul,{"a":3}]')
    expect(rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
    expect(ordinals).toEqual([0, 7, 9])
    expect([...new Set(faults.map((f) => f.record))]).toEqual([1, 2, 3, 4, 5, 6, 8])
  })

  test.each([
    ['[{"a":1},]', 'a comma before the end of the array'],
    ['[,{"a":1}]', 'a comma without a value before it'],
    ['[{"a":1},,]', 'a comma without a value before it'],
    ['[{"a":1} {"a":1}]', "',' expected between values"],
    ['[{"a":1}] x', 'text after the end of the array'],
    ['[{"a":1}][{"a":2}]', 'text after the end of the array'],
    ['[{"a":1}', 'the input ends before the end of the array'],
    ['[{"a":1},', 'the input ends before the end of the array'],
    ['[', 'the input ends before the end of the array'],
  ])('%s: the array itself is at fault, its good records stay', (text, problem) => {
    const { rows, faults } = json('a int', text)
    expect(rows).toEqual(Array.from({ length: Math.min(2, text.split(']')[0]!.split('{').length - 1) }, () => ({ a: 1 })))
    expect(faults.map((f) => f.problem).join()).toContain(problem)
    expect(faults.every((f) => f.column === '' && f.raw.length === 0)).toBe(true)
  })

  test('a record cut by the end of the input is a fault', () => {
    const { rows, faults } = json('a int', '[{"a":1},{"a":2')
    expect(rows).toEqual([{ a: 1 }])
    expect(brief(faults).map((f) => f.problem)).toEqual([
      "malformed JSON: ',' or '}' expected",
      'malformed JSON: the input ends before the end of the array',
    ])
  })

  test('a record beyond the limit is one fault', () => {
    const { rows, faults } = json('s string', `[{"s":"a"},{"s":"${'x'.repeat(1000)}"},{"s":"b"}]`, { maxRecordBytes: 100 })
    expect(rows).toEqual([{ s: 'a' }, { s: 'b' }])
    expect(faults).toMatchObject([{ code: 'LIMIT_EXCEEDED', record: 1 }])
  })
})

describe('JSON values one after the other', () => {
  test('they need not keep to lines', () => {
    expect(json('a int', '{\n "a": 1\n}\n{"a":2}{"a":3}').rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
  })

  test('what is no object is a fault', () => {
    const { rows, faults } = json('a int', '{"a":1} , {"a":2} ] "x" 5')
    expect(rows).toEqual([{ a: 1 }, { a: 2 }])
    expect(faults.map((f) => f.record)).toEqual([1, 3, 4, 5])
  })
})
