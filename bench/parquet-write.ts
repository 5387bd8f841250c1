// One million rows of ten columns to Parquet, with statistics: from Arrow batches, and from row objects.
//
//   npx esbuild bench/parquet-write.ts --bundle --packages=external --platform=node --format=esm --outfile=node_modules/.bench/parquet-write.mjs
//   node node_modules/.bench/parquet-write.mjs [rows.arrow or -] [rounds] [cases whose name contains this]
//
// With the Arrow file of the peers' benchmark the data are the same to the byte; without, they are made from a seed.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type RecordBatch, tableFromIPC } from 'apache-arrow'
import { BatchBuilder, batchBytes, rowsOf } from '../src/arrow/index.js'
import { createEncodeWorker, createParquetWriter, type ParquetWriterOptions, StatisticsCollector } from '../src/parquet/index.js'
import { parseColumns, type StructType } from '../src/schema/index.js'

const N = 1_000_000
const BATCH = 65_536
const SIZES = [8, 16, 32, 64, 128]
const schema: StructType = parseColumns(
  'id long, ts timestamp, user_id long, category string, amount double, score double, flag boolean, word string, token string, note string',
)

function seeded(): () => number {
  let state = 20261124
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function makeRows(n: number): object[] {
  const random = seeded()
  const words = Array.from({ length: 1000 }, () =>
    Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0'),
  )
  const hex = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return Array.from({ length: n }, (_, i) => ({
    id: i,
    ts: new Date(1_700_000_000_000 + i),
    user_id: Math.floor(random() * 100_000),
    category: `cat-${Math.floor(random() * 50)}`,
    amount: Math.round(random() * 100_000) / 100,
    score: random() < 0.05 ? null : random(),
    flag: random() < 0.5,
    word: words[Math.floor(random() * 1000)],
    token: hex() + hex(),
    note: `note ${i % 977} of ${words[i % 1000]}`,
  }))
}

function* batchesOf(rows: readonly object[]): Generator<RecordBatch> {
  const builder = new BatchBuilder(schema)
  for (let i = 0; i < rows.length; i += BATCH) {
    const faults = builder.appendRows(rows.slice(i, i + BATCH))
    if (faults.length > 0) throw new Error(JSON.stringify(faults[0]))
    yield builder.finish()
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'alluvium-bench-'))
const file = path.join(folder, 'out.parquet')

async function write(batches: Iterable<RecordBatch>, options: Partial<ParquetWriterOptions>, withStatistics: boolean): Promise<number> {
  const out = await fs.promises.open(file, 'w')
  const writer = createParquetWriter({ write: async (bytes) => void (await out.write(bytes)) }, { schema, codec: 'snappy', ...options })
  const statistics = new StatisticsCollector(schema)
  for (const batch of batches) {
    if (withStatistics) statistics.add(batch)
    await writer.write(batch)
  }
  const { sizeBytes } = await writer.finish()
  if (withStatistics) statistics.finish()
  await out.close()
  return sizeBytes
}

const from = process.argv[2]
const rounds = Number(process.argv[3] ?? 5)
const arrow = from === undefined || from === '-' ? [...batchesOf(makeRows(N))] : [...tableFromIPC(fs.readFileSync(from)).batches]
const bytes = arrow.reduce((sum, batch) => sum + batchBytes(batch), 0)
console.log(`${N} rows, ${(bytes / 2 ** 20).toFixed(1)} MiB of Arrow in ${arrow.length} batches`)

async function measure(name: string, work: () => Promise<number>): Promise<void> {
  if (!name.includes(process.argv[4] ?? '')) return
  const seconds: number[] = []
  const cpu: number[] = []
  let size = 0
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    const used = process.cpuUsage()
    size = await work()
    seconds.push((performance.now() - start) / 1000)
    const { user, system } = process.cpuUsage(used)
    cpu.push((user + system) / 1e6)
  }
  seconds.sort((a, b) => a - b)
  const median = seconds[seconds.length >> 1] as number
  const rss = Math.round(process.memoryUsage().rss / 2 ** 20)
  console.log(
    JSON.stringify({
      case: name,
      median_s: +median.toFixed(3),
      min_s: +(seconds[0] as number).toFixed(3),
      cpu_s: +Math.min(...cpu).toFixed(3),
      bytes: size,
      rss_mb: rss,
    }),
  )
}

// From Arrow first: a million row objects in the heap make every collection, and so every large buffer, dearer.
await measure('statistics only', async () => {
  const statistics = new StatisticsCollector(schema)
  for (const batch of arrow) statistics.add(batch)
  return statistics.finish().length
})
await measure('from Arrow, snappy', () => write(arrow, {}, true))
for (const codec of ['zstd', 'uncompressed'] as const) await measure(`from Arrow, ${codec}`, () => write(arrow, { codec }, false))
for (const dictionary of ['always', 'never'] as const) {
  await measure(`from Arrow, dictionary ${dictionary}`, () => write(arrow, { dictionary }, false))
}
for (const mb of SIZES) await measure(`from Arrow, row groups of ${mb} MiB`, () => write(arrow, { rowGroupBytes: mb * 2 ** 20 }, false))
const worker = createEncodeWorker()
const encodeRowGroup = worker?.encode
for (const mb of SIZES) {
  await measure(`from Arrow on a thread, row groups of ${mb} MiB`, () =>
    write(arrow, { encodeRowGroup, rowGroupBytes: mb * 2 ** 20 }, true),
  )
}
const rows = arrow.splice(0).flatMap((batch) => rowsOf(batch, schema) as object[])
await measure('rows -> Arrow only', async () => [...batchesOf(rows)].length)
await measure('from row objects, snappy', () => write(batchesOf(rows), {}, true))
for (const mb of SIZES) {
  await measure(`from row objects on a thread, row groups of ${mb} MiB`, () =>
    write(batchesOf(rows), { encodeRowGroup, rowGroupBytes: mb * 2 ** 20 }, true),
  )
}
await worker?.close()
fs.rmSync(folder, { recursive: true })
