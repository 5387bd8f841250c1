import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { createDecoder } from '../../src/formats/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { decodeAll } from './decode-all.js'

const COLUMNS =
  'l long, i int, d double, f float, p decimal(10,2), s string, b boolean, x binary, y date, t timestamp, n timestamp_ntz, a array<long>, m map<string,long>, o struct<k:string,l:array<struct<z:long>>>'

describe('hostile input', () => {
  test.each([
    ['arrays in an unknown key', `{"u":${'['.repeat(100_000)}`],
    ['closed arrays in an unknown key', `{"u":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['objects in an unknown key', `{"u":${'{"k":'.repeat(100_000)}`],
    ['objects where a number belongs', `{"l":${'{"k":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['arrays where the record belongs', '['.repeat(100_000)],
  ])('a depth bomb of %s is a fault', (_name, line) => {
    for (const ignoreUnknown of [false, true]) {
      const { rows, faults } = decodeAll('ndjson', COLUMNS, `${line}\n{"l":1}`, { ignoreUnknown })
      expect(rows).toHaveLength(1)
      expect(faults.length).toBeGreaterThan(0)
    }
    const { faults } = decodeAll('json', COLUMNS, `[${line}`)
    expect(faults.length).toBeGreaterThan(0)
  })

  test('a key of a megabyte is a fault with a short text', () => {
    const { rows, faults } = decodeAll('ndjson', COLUMNS, `{"${'k'.repeat(1 << 20)}":1}\n{"l":1}`)
    expect(rows).toHaveLength(1)
    expect(faults[0]!.column.length).toBeLessThan(100)
  })

  test.each([
    '1e400',
    '-1e400',
    '0123',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '--1',
    '0x10',
    'NaN',
    'Infinity',
    '-Infinity',
    '1_000',
    '１',
    '1 2',
    '01.5',
    '- 1',
    '1e9999999999999999999',
  ])('the number %s is a fault in every column of numbers', (text) => {
    for (const column of ['l', 'i', 'd', 'f', 'p']) {
      const { rows, faults } = decodeAll('ndjson', COLUMNS, `{"${column}":${text}}\n{"l":1}`)
      expect(rows).toHaveLength(1)
      expect(faults.length).toBeGreaterThan(0)
    }
  })

  test('a number of a megabyte is decided quickly, whatever its digits', () => {
    const zeros = '0'.repeat(1 << 20)
    for (const text of [`1${zeros}`, `1${zeros}1`, `0.${zeros}1`, `1e${zeros}1`, `${zeros}`, `1.${zeros}`, `1${zeros}e-1048576`]) {
      for (const column of ['l', 'i', 'p']) decodeAll('ndjson', COLUMNS, `{"${column}":${text}}\n{"${column}":"${text}"}`)
      decodeAll('ndjson', COLUMNS, `{"t":${text}}`, { timestampUnit: 's' })
      decodeAll('csv', 'p decimal(10,2)', `p\n${text}`)
    }
  }, 10_000)

  test('a million bad elements are a bounded number of faults', () => {
    const { faults } = decodeAll('ndjson', COLUMNS, `{"a":[${'"x",'.repeat(1_000_000)}1]}`)
    expect(faults.length).toBe(101)
    expect(faults.at(-1)!.problem).toBe('and 999900 more faults in this record')
    expect(new Set(faults.map((f) => f.raw)).size).toBe(1)
  })

  test.each(['{}', 'null', '{"s":null}'])('a few bytes (%s) that would become thousands of cells each are bounded', (text) => {
    const wide = Array.from({ length: 1000 }, (_, i) => `c${i}: long`).join(',')
    const line = `{"w":[${`${text},`.repeat(20_000)}{}]}`
    const { rows, faults } = decodeAll('ndjson', `w array<struct<s: struct<${wide}>>>`, `${line}\n{"w":[{}]}`)
    expect(rows).toHaveLength(1)
    expect(faults).toMatchObject([{ code: 'LIMIT_EXCEEDED', line: 1 }])
  })

  test.each([
    ['columns', (wide: string) => wide.replaceAll(':', ''), '{}'],
    ['members', (wide: string) => `s struct<${wide}>`, '{}'],
    ['members of elements', (wide: string) => `a array<struct<${wide}>>`, '{"a":[{}]}'],
  ])('empty objects of thousands of %s end batches early', (_name, columns, line) => {
    const wide = Array.from({ length: 1000 }, (_, i) => `c${i}: long`).join(',')
    const decoder = createDecoder('ndjson', parseColumns(columns(wide)))
    const batches = [...decoder.push(encodeUtf8(`${line}\n`.repeat(20_000))), ...decoder.end()]
    expect(Math.max(...batches.map((b) => b.records))).toBeLessThan(17_000)
  })

  test('ever new unknown keys do not fill memory', () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `{"k${i}":1,"l":${i}}`).join('\n')
    expect(decodeAll('ndjson', COLUMNS, lines, { ignoreUnknown: true }).rows).toHaveLength(5000)
  })

  test('random bytes end in faults or rows, never in an exception', () => {
    const structural = fc.constantFrom(...'{}[]",:\\\n \r0123456789.eE+-ntfu\u0000é'.split('').map((c) => encodeUtf8(c)))
    const words = fc.constantFrom(
      ...[
        '{"l":',
        '{"a":[',
        '"m":{"k":',
        '"o":{"l":[{"z":',
        'null',
        'true',
        '"',
        '\\ud83d',
        '1e400',
        '"2024-01-01T00:00:00Z"',
        'l,a,m\n',
        '"x""y"',
      ].map(encodeUtf8),
    )
    const any = fc.uint8Array({ maxLength: 4 })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(structural, words, any), { maxLength: 40 }),
        fc.constantFrom('ndjson' as const, 'json' as const, 'csv' as const),
        fc.boolean(),
        (parts, format, ignoreUnknown) => {
          const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
          const input = format === 'csv' ? Uint8Array.from([...encodeUtf8('l,a,m,s\n'), ...bytes]) : bytes
          decodeAll(format, COLUMNS, input, { ignoreUnknown, jsonAsText: ignoreUnknown })
        },
      ),
      { numRuns: 1500 },
    )
  })
})
