// Statistics of a checkpoint read piece by piece, as the next checkpoint is written from them. What is expected is what was put into
// the file.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StatsPieces } from '../../src/log/stats-pieces.js'
import { bytesSource, openLeafFile } from '../../src/parquet/index.js'
import { writeRows } from '../parquet/files.js'

const COLUMNS = 'add struct<path:string,stats:string,stats_parsed:struct<numRecords:long>>'

type Given = [text: string | null, parsed: number | null]

async function piecesOf(given: readonly Given[], options: Parameters<typeof writeRows>[2], columns = COLUMNS) {
  const rows = given.map(([text, parsed], i) => ({
    add: {
      path: `f${i}`,
      ...(columns.includes('stats:') ? { stats: text } : {}),
      ...(columns.includes('parsed') ? { stats_parsed: parsed === null ? null : { numRecords: BigInt(parsed) } } : {}),
    },
  }))
  const file = await openLeafFile(bytesSource(await writeRows(columns, rows, options)), { name: 'one.parquet' })
  return (ordinals: Int32Array): StatsPieces => new StatsPieces(file, ordinals)
}

async function readAll(pieces: StatsPieces, length: number, cuts: readonly number[]): Promise<string[]> {
  const found: string[] = []
  for (let from = 0, n = 0; from < length; n++) {
    const to = Math.min(length, from + (cuts[n % cuts.length] as number))
    const { bytes, starts, lengths } = await pieces.read(from, to, undefined)
    expect(lengths.length).toBe(to - from)
    for (let i = 0; i < to - from; i++) {
      const start = starts[i] as number
      found.push(new TextDecoder().decode(bytes.subarray(start, start + (lengths[i] as number))))
    }
    from = to
  }
  return found
}

test('every row of a piece has its own statistics, whichever rows are asked for and however rows and pieces are cut', async () => {
  const text = fc.option(fc.constantFrom('{"numRecords":1}', '{"numRecords":22}', '{"numRecords":333,"nullCount":{}}', ''), { freq: 3 })
  const given = fc.array(fc.tuple(text, fc.option(fc.integer({ min: 1, max: 99 }))), { minLength: 1, maxLength: 60 })
  const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 })
  const file = fc.record({
    rowGroupRows: fc.integer({ min: 1, max: 25 }),
    codec: fc.constantFrom('snappy' as const, 'uncompressed' as const, 'zstd' as const),
    dictionary: fc.constantFrom('never' as const, 'always' as const),
  })
  await fc.assert(
    fc.asyncProperty(given, cuts, file, fc.infiniteStream(fc.boolean()), async (adds, sizes, options, picks) => {
      const ordinals = Int32Array.from(adds.keys()).filter(() => picks.next().value as boolean)
      const wanted = [...ordinals].map((ordinal) => {
        const [json, parsed] = adds[ordinal] as Given
        return json || (parsed === null ? '' : `{"numRecords":${parsed}}`)
      })
      const pieces = await piecesOf(adds, options)
      expect(await readAll(pieces(ordinals), ordinals.length, sizes)).toEqual(wanted)
    }),
    { numRuns: 150 },
  )
}, 60_000)

test.each([
  ['columns alone', 'add struct<path:string,stats_parsed:struct<numRecords:long>>', ['{"numRecords":7}', '', '{"numRecords":9}']],
  ['JSON texts alone', 'add struct<path:string,stats:string>', ['{"a":1}', '{"b":2}', '']],
  ['none at all', 'add struct<path:string>', ['', '', '']],
])('a file with %s gives what it has', async (_, columns, wanted) => {
  const given: Given[] = [
    ['{"a":1}', 7],
    ['{"b":2}', null],
    [null, 9],
  ]
  const pieces = await piecesOf(given, { rowGroupRows: 2 }, columns)
  expect(await readAll(pieces(Int32Array.of(0, 1, 2)), 3, [1])).toEqual(wanted)
  expect(await readAll(pieces(Int32Array.of(0, 2)), 2, [2])).toEqual([wanted[0], wanted[2]])
})

test('of the texts of a row group only those of a piece are kept', async () => {
  const given = Array.from({ length: 40_000 }, (_, i): Given => [`{"numRecords":${i},"padding":"${'x'.repeat(80)}"}`, null])
  const pieces = (await piecesOf(given, { codec: 'snappy', dictionary: 'never' }))(Int32Array.from(given.keys()))
  const sizes: number[] = []
  for (let from = 0; from < given.length; from += 1000) {
    const { bytes, starts, lengths } = await pieces.read(from, from + 1000, undefined)
    sizes.push(bytes.length)
    const at = starts[999] as number
    expect(new TextDecoder().decode(bytes.subarray(at, at + (lengths[999] as number)))).toBe((given[from + 999] as Given)[0])
  }
  // Twice the texts of a piece, for the room grows by doubling.
  expect(Math.max(...sizes)).toBeLessThan(2 * 1000 * 115)
})
