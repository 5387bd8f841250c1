// Reading a Parquet file: all columns, two of them, with and without making rows; and what opening costs.
//
//   npx esbuild bench/parquet-read.ts --bundle --packages=external --platform=node --format=esm --outfile=node_modules/.bench/parquet-read.mjs
//   node node_modules/.bench/parquet-read.mjs [file.parquet] [rounds]
//
// Without a file the flights of vega-datasets are read (3 M rows, 5 columns).
import fs from 'node:fs'
import { fromArrowSchema, rowsOf } from '../src/arrow/index.js'
import { type ByteSource, openParquet, type ReadOptions } from '../src/parquet/index.js'

const file = process.argv[2] ?? 'node_modules/vega-datasets/data/flights-3m.parquet'
const rounds = Number(process.argv[3] ?? 5)
const handle = await fs.promises.open(file)
const { size } = await handle.stat()
const source: ByteSource = {
  sizeBytes: size,
  read: async (offset, length) => {
    const bytes = new Uint8Array(length)
    const { bytesRead } = await handle.read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  },
}

async function read(options: ReadOptions, makeRows = false): Promise<number> {
  const parquet = await openParquet(source, { name: file })
  let rows = 0
  for await (const batch of parquet.read(options)) {
    rows += makeRows ? rowsOf(batch, fromArrowSchema(batch.schema)).length : batch.numRows
  }
  return rows
}

async function measure(name: string, work: () => Promise<number>): Promise<void> {
  const seconds: number[] = []
  const cpu: number[] = []
  let rows = 0
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    const used = process.cpuUsage()
    rows = await work()
    seconds.push((performance.now() - start) / 1000)
    const { user, system } = process.cpuUsage(used)
    cpu.push((user + system) / 1e6)
  }
  seconds.sort((a, b) => a - b)
  const round = (value: number): number => Number(value.toFixed(4))
  const line = {
    case: name,
    rows,
    median_s: round(seconds[seconds.length >> 1] as number),
    min_s: round(seconds[0] as number),
    cpu_s: round(Math.min(...cpu)),
  }
  console.log(JSON.stringify({ ...line, rss_mb: Math.round(process.memoryUsage().rss / 2 ** 20) }))
}

const { arrowSchema } = await openParquet(source, { name: file })
const [first, second] = arrowSchema.fields.map((field) => field.name) as [string, string]
await measure('open', async () => (await openParquet(source, { name: file })).numRows)
await measure('count', () => read({ columns: [] }))
await measure('two columns', () => read({ columns: [first, second] }))
await measure('all columns', () => read({}))
await measure('all columns, one row group', () => read({ rowGroups: [0] }))
await measure('all columns as rows, one row group', () => read({ rowGroups: [0] }, true))
await handle.close()
