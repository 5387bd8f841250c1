// Damaged Parquet files, read as files and through a table with a filter: a typed error, or rows of the right shape. Values
// themselves may be wrong, because pages have no checksums.

import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { formatSchema, parseColumns } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { openTable } from '../../src/table/open.js'
import { handFile, int32s, int64s, writeRows } from '../hostile/parquet-bytes.js'
import { addOf, commitBytes, commitPath, metaData, PROTOCOL } from '../hostile/table-builder.js'
import { answerOf, type Kind, type Verdict } from './kind.js'
import { damageBytes } from './mutate.js'
import { damageParquet } from './parquet-damage.js'
import type { Random } from './random.js'

const CODES = ['CORRUPT_DATA', 'LIMIT_EXCEEDED', 'UNSUPPORTED_FEATURE']
const TABLE_CODES = [...CODES, 'SCHEMA_MISMATCH', 'INVALID_OPTIONS']
/** What is decoded in bounded pieces is as good as read after so many rows. */
const ENOUGH_ROWS = 100_000

export const parquetKinds: readonly Kind[] = [
  { name: 'parquet', share: 16, prepare, run: file },
  { name: 'parquet-tables', share: 11, prepare, run: table },
]

interface Sample {
  readonly columns: string
  readonly bytes: Uint8Array
  readonly rows: number
}
const samples: Sample[] = []

async function prepare(): Promise<void> {
  if (samples.length > 0) return
  const flat = Array.from({ length: 60 }, (_, i) => ({
    id: BigInt(i),
    s: `word ${i % 5}`,
    d: i / 7,
    t: i % 2 === 0,
    x: i % 3 === 0 ? null : `distinct ${i}`,
  }))
  const nested = Array.from({ length: 40 }, (_, i) => ({
    id: i,
    l: i % 4 === 0 ? null : [i, null],
    m: new Map([[`k${i}`, [`v${i}`]]]),
    st: { a: i, b: { c: '1.5' } },
  }))
  const times = Array.from({ length: 40 }, (_, i) => ({
    id: i,
    at: BigInt(i) * 1_000_000_007n,
    n: '2024-01-01T00:00:00',
    day: '2024-02-29',
    dec: `${i}.25`,
    big: `${i}000000000000000000000.5`,
    b: new Uint8Array([i]),
  }))
  const made: [string, readonly object[], object][] = [
    ['id long, s string, d double, t boolean, x string', flat, { codec: 'snappy', rowGroupRows: 25 }],
    ['id long, s string, d double, t boolean, x string', flat, { codec: 'uncompressed' }],
    ['id int, l array<int>, m map<string,array<string>>, st struct<a:int,b:struct<c:decimal(9,2)>>', nested, { codec: 'zstd' }],
    ['id int, l array<int>, m map<string,array<string>>, st struct<a:int,b:struct<c:decimal(9,2)>>', nested, { codec: 'uncompressed' }],
    ['id int, at timestamp, n timestamp_ntz, day date, dec decimal(9,2), big decimal(38,1), b binary', times, { codec: 'gzip' }],
    ['id int, at timestamp, n timestamp_ntz, day date, dec decimal(9,2), big decimal(38,1), b binary', times, { codec: 'lz4_raw' }],
  ]
  for (const [columns, rows, options] of made) samples.push({ columns, bytes: await writeRows(columns, rows, options), rows: rows.length })
  samples.push({
    columns: 'id long',
    rows: 3,
    bytes: handFile({ physicalType: 2, numRows: 3, pages: [{ numValues: 3, body: int64s(1n, 2n, 3n) }] }),
  })
  const dictionary = [
    { type: 2, numValues: 2, body: int32s(7, 8) },
    { numValues: 3, encoding: 8, body: Uint8Array.of(1, 3, 0b010) },
  ]
  samples.push({ columns: 'id int', rows: 3, bytes: handFile({ physicalType: 1, numRows: 3, pages: dictionary }) })
}

function damaged(random: Random): { sample: Sample; bytes: Uint8Array } {
  const sample = random.pick(samples)
  if (random.oneIn(30)) return { sample, bytes: sample.bytes }
  return { sample, bytes: random.oneIn(5) ? damageBytes(sample.bytes, random) : damageParquet(sample.bytes, random) }
}

async function file(random: Random): Promise<Verdict> {
  const { sample, bytes } = damaged(random)
  const columns = random.oneIn(3) ? { columns: ['id', 'st', 's'] } : {}
  const batchRows = random.oneIn(3) ? { batchRows: 1 + random.below(30) } : {}
  const answer = await answerOf(CODES, async () => {
    const opened = await openParquet(bytesSource(bytes), { name: 'damaged.parquet' })
    let rows = 0
    for (const group of opened.rowGroups) if (opened.rowGroups.length < 100) group.columns
    for await (const batch of opened.read({ ...columns, ...batchRows })) {
      rows += batch.numRows
      if (batch.numRows === 0 || rows > opened.numRows) throw new Error(`${rows} rows of ${opened.numRows}`)
      for (const child of batch.data.children)
        if (child.length !== batch.numRows) throw new Error(`a column has ${child.length} of ${batch.numRows} rows`)
      if (rows > ENOUGH_ROWS) return rows
    }
    if (rows !== opened.numRows) throw new Error(`${rows} rows of ${opened.numRows}`)
    return rows
  })
  return verdict(answer, sample, bytes)
}

async function table(random: Random): Promise<Verdict> {
  const { sample, bytes } = damaged(random)
  const storage = memoryStorage()
  await storage.put(
    commitPath(0),
    commitBytes([PROTOCOL, metaData(formatSchema(parseColumns(sample.columns))), addOf('x.parquet', bytes.length)]),
  )
  await storage.put('x.parquet', bytes)
  const where = random.oneIn(2) ? {} : { where: random.pick(['id >= 2', 'id = 1 or id is null', 'id < 5 and id != 3']) }
  const answer = await answerOf(TABLE_CODES, async () => {
    const opened = await openTable(storage)
    const rows = await opened.scan({ ...where, limit: ENOUGH_ROWS }).toArray({ timestamps: 'micros' })
    if (random.oneIn(4)) await opened.scan().count()
    return 'where' in where ? sample.rows : rows.length
  })
  return verdict(answer, sample, bytes)
}

function verdict(answer: { value: number } | { message: string }, sample: Sample, bytes: Uint8Array): Verdict {
  const isSound = bytes === sample.bytes
  if ('value' in answer) {
    if (isSound && answer.value !== sample.rows) throw new Error(`${answer.value} rows of a sound file of ${sample.rows}`)
    return 'read'
  }
  if (isSound) throw new Error(`a sound file was refused: ${answer.message}`)
  return 'refused'
}
