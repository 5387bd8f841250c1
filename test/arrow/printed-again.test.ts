// What `read` prints, `ingest` takes: NDJSON and CSV lines of any batch read back as the same rows, exactly.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchBuilder, csvHeader, csvLines, ndjsonLines, rowsOf } from '../../src/arrow/index.js'
import { encodeUtf8 } from '../../src/bytes.js'
import { createDecoder } from '../../src/formats/index.js'
import { anySample, type Sample, show } from './rows-arbitrary.js'

function printedAgain(format: 'ndjson' | 'csv', { struct, rows }: Sample): string[] {
  const builder = new BatchBuilder(struct)
  expect(builder.appendRows(rows)).toEqual([])
  const batch = builder.finish()
  const text = format === 'csv' ? csvHeader(struct) + csvLines(batch, struct) : ndjsonLines(batch, struct)
  const decoder = createDecoder(format, struct)
  const decoded = [...decoder.push(encodeUtf8(text)), ...decoder.end()]
  expect(decoded.flatMap((part) => part.faults)).toEqual([])
  return decoded.flatMap((part) => rowsOf(part.batch, struct, { timestamps: 'micros' }).map(show))
}

test('NDJSON reads back as the same rows', () => {
  fc.assert(
    fc.property(anySample(20), (sample) => {
      expect(printedAgain('ndjson', sample)).toEqual(sample.expected.map(show))
    }),
    { numRuns: 120 },
  )
})

test('CSV reads back as the same rows', () => {
  fc.assert(
    fc.property(anySample(20), (sample) => {
      expect(printedAgain('csv', sample)).toEqual(sample.expected.map(show))
    }),
    { numRuns: 120 },
  )
})
