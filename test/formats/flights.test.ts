// Real input: the flight records of vega-datasets.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { rowsOf } from '../../src/arrow/index.js'
import { createDecoder, inferSchema, openInput } from '../../src/formats/index.js'
import { bytesSource } from '../../src/parquet/index.js'
import { formatColumns } from '../../src/schema/index.js'

const data = fileURLToPath(new URL('../../node_modules/vega-datasets/data', import.meta.url))

test('all of flights-200k.json comes out as JSON.parse reads it', () => {
  const bytes = readFileSync(join(data, 'flights-200k.json'))
  const expected = JSON.parse(bytes.toString()) as { delay: number; distance: number; time: number }[]
  const { schema } = inferSchema('json', bytes.subarray(0, 65_536))
  expect(schema.fields.map((field) => field.name)).toEqual(Object.keys(expected[0] as object))
  const decoder = createDecoder('json', schema)
  let at = 0
  for (let from = 0; from <= bytes.length; from += 10_007) {
    const chunk = bytes.subarray(from, from + 10_007)
    for (const { batch, faults } of [...decoder.push(chunk), ...(from + 10_007 > bytes.length ? decoder.end() : [])]) {
      expect(faults).toEqual([])
      for (const row of rowsOf(batch, schema)) {
        const want = expected[at++] as (typeof expected)[0]
        if (Number(row.delay) !== want.delay || Number(row.distance) !== want.distance || Number(row.time) !== want.time)
          expect(row).toEqual(want)
      }
    }
  }
  expect(at).toBe(expected.length)
  expect(at).toBe(200_000)
})

test('flights-3m.parquet and flights-200k.arrow are read by their own schemas', async () => {
  const parquet = await openInput('parquet', bytesSource(readFileSync(join(data, 'flights-3m.parquet'))), { name: 'flights-3m.parquet' })
  const arrow = await openInput('arrow', bytesSource(readFileSync(join(data, 'flights-200k.arrow'))), { name: 'flights-200k.arrow' })
  let rows = 0
  for await (const { records, faults } of parquet.read(parquet.schema)) {
    expect(faults).toEqual([])
    rows += records
  }
  expect(rows).toBe(parquet.numRecords)
  expect(rows).toBeGreaterThanOrEqual(3_000_000)
  expect(formatColumns(parquet.schema)).toContain('origin string')
  let sum = 0
  for await (const { batch } of arrow.read(arrow.schema)) for (const row of rowsOf(batch, arrow.schema)) sum += Number(row.delay)
  const expected = JSON.parse(readFileSync(join(data, 'flights-200k.json'), 'utf8')) as { delay: number }[]
  expect(sum).toBe(expected.reduce((total, row) => total + row.delay, 0))
})
