// Bytes asked of the store for two columns of a table of 200, written by our own writer: against the column chunks that
// hold them and the footers. No clock is involved: the figure is the same on every machine.
//   node scripts/run.mjs bench/scan-bytes.ts [--json] [--rows N]
// Goal: at most 1.1 times the chunks and footers, whichever two columns are chosen.
import { type DataType, makeData, RecordBatch, Struct } from 'apache-arrow'
import { toArrowSchema } from '../src/arrow/index.js'
import { bytesSource, openParquet } from '../src/parquet/index.js'
import { parseColumns } from '../src/schema/index.js'
import { memoryStorage } from '../src/storage/memory.js'
import { createTable, openTable } from '../src/table/index.js'

const GOAL = 1.1
const COLUMNS = 200
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const rowCount = Number(option('--rows') ?? 200_000)

const storage = memoryStorage()
const schema = parseColumns(Array.from({ length: COLUMNS }, (_, i) => `c${i} ${i % 2 === 0 ? 'double' : 'long'}`).join(', '))
const table = await createTable(storage, { schema })
await table.append(batches() as never)

let requests = 0
let asked = 0
const { readRange } = storage
storage.readRange = async (path, offset, length, options) => {
  const bytes = await readRange.call(storage, path, offset, length, options)
  if (!path.startsWith('_delta_log')) {
    requests++
    asked += bytes?.length ?? 0
  }
  return bytes
}

const opened = await openTable(storage)
const { files } = (await opened.snapshot()).view
for (const columns of [['c0', 'c1'], ['c10', 'c12'], ['c20', 'c180'], ['c3'], ['c197', 'c199']]) {
  let needed = 0
  let footers = 0
  for (const row of files.liveRows()) {
    const bytes = (await storage.read(files.path(row))) as Uint8Array
    footers += new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 8, true) + 8
    const parquet = await openParquet(bytesSource(bytes), { name: files.path(row) })
    for (const { columns: chunks } of parquet.rowGroups)
      for (const chunk of chunks) if (columns.includes(chunk.path[0] as string)) needed += chunk.compressedSize
  }
  requests = asked = 0
  let rows = 0
  for await (const batch of opened.scan({ columns }).batches()) rows += batch.numRows
  if (rows !== rowCount) throw new Error(`${rows} rows of ${rowCount}`)
  const line = {
    bench: 'scan-bytes',
    columns: columns.join(','),
    files: files.numFiles,
    requests,
    askedBytes: asked,
    chunkBytes: needed,
    footerBytes: footers,
    ratio: Math.round((asked / (needed + footers)) * 1e4) / 1e4,
    goalRatio: GOAL,
  }
  if (args.includes('--json')) console.log(JSON.stringify(line))
  else
    console.log(
      `${line.columns.padEnd(9)} ${requests} requests for ${asked} bytes, of chunks ${needed} and footers ${footers}: ${line.ratio} (goal ${GOAL})`,
    )
}

function* batches(): Generator<RecordBatch> {
  const arrow = toArrowSchema(schema)
  let seed = 1
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  const length = Math.min(20_000, rowCount)
  for (let first = 0; first < rowCount; first += length) {
    const size = Math.min(length, rowCount - first)
    const children = arrow.fields.map(({ type }: { type: DataType }, i) => {
      const data =
        i % 2 === 0
          ? Float64Array.from({ length: size }, random)
          : BigInt64Array.from({ length: size }, () => BigInt(Math.floor(random() * 1e6)))
      return makeData({ type, length: size, nullCount: 0, data } as unknown as Parameters<typeof makeData>[0])
    })
    yield new RecordBatch(arrow, makeData({ type: new Struct(arrow.fields), length: size, nullCount: 0, children }))
  }
}
