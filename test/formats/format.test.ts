import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { detectDelimiter, detectFormat } from '../../src/formats/index.js'

test.each([
  ['events.ndjson', '', 'ndjson'],
  ['EVENTS.JSONL', '', 'ndjson'],
  ['events.csv', 'a,b', 'csv'],
  ['events.tsv', '[x]\t{y}', 'csv'],
  ['-', '[{"a":1}]', 'json'],
  ['-', '\ufeff \n[', 'json'],
  ['-', '{"a":1}\n{"a":2}', 'ndjson'],
  ['-', '{"a":"}{"', 'ndjson'],
  ['x.json', '{"a":1}\n', 'ndjson'],
  ['x.json', '{\n "a": 1\n}', 'json'],
  ['x.json', '{"a":"\\"{",\n"b":1}', 'json'],
  ['x.ndjson', '[{"a":1}]', 'json'],
  ['x.json', '', 'json'],
  ['x.csv', 'PAR1', 'parquet'],
  ['x', 'ARROW1\0\0', 'arrow'],
  ['x.arrow', '', 'arrow'],
  ['x.feather', '', 'arrow'],
  ['x.parquet', '', 'parquet'],
  ['-', 'a,b\n1,2', undefined],
  ['events', '', undefined],
])('%s with %j is %s', (name, text, format) => {
  expect(detectFormat(name, encodeUtf8(text))).toBe(format)
})

test('an Arrow stream is known by its continuation mark', () => {
  expect(detectFormat('-', Uint8Array.of(255, 255, 255, 255, 16, 0, 0, 0))).toBe('arrow')
})

test('a name ending in tsv suggests tabs', () => {
  expect(detectDelimiter('a.tsv')).toBe('\t')
  expect(detectDelimiter('a.csv')).toBe(',')
})
