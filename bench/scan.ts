// Full scans to Arrow, and of two columns, each run in a fresh process: the flights of vega-datasets (3 M rows, 5 columns)
// and ten million events that our own writer has written. pyarrow reads the same files with one thread, batch by batch,
// and delta-kernel-rs scans the same tables where it is installed.
//   node scripts/run.mjs bench/scan.ts [--json] [--rounds N] [--only flights|events] [--rows N] [--threads N]
// Goal: at most 1.5 of pyarrow's time. The events are kept in the temporary folder for the next run.
//
// Reached (two cores, Node 20): events 0.55 (0.87 s), two columns of them 0.78; flights 1.28 (0.13 s). Two columns of flights take
// 2.6 times as long, 0.09 s to 0.03 s: that is what opening a table and compiling code cost in a fresh process; once warm, all of
// flights takes less than pyarrow's first reading. Threads gain little with two cores, of which reading and collecting use one and a
// half already: events in 0.96 s instead of 1.04 with two threads.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Data, type DataType, makeData, RecordBatch, Struct } from 'apache-arrow'
import { fromArrowSchema, toArrowSchema } from '../src/arrow/index.js'
import { bytesSource, openParquet } from '../src/parquet/index.js'
import { formatSchema, parseColumns } from '../src/schema/index.js'
import { createTable, openTable } from '../src/table/index.js'
import { median } from './peers.js'

const GOAL = 1.5
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const THREADS = Number(option('--threads') ?? 0)
const EVENT_ROWS = Number(option('--rows') ?? 10_000_000)
const cache = process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers')
const python = process.env.ALLUVIUM_PEERS_PYTHON ?? join(cache, 'venv/bin/python')
const kernel = join(cache, 'rust-target/release/kernel-scan')

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly rows: number
  readonly peakMb: number
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await scanOnce(inside, option('--columns')?.split(','))))
else await runAll()

async function scanOnce(folder: string, columns: string[] | undefined): Promise<Run> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const table = await openTable(folder)
  let rows = 0
  const scan = table.scan({ ...(columns === undefined ? {} : { columns }), threads: THREADS })
  for await (const batch of scan.batches()) rows += batch.numRows
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6, rows, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }
}

async function runAll(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'alluvium-scan-'))
  try {
    for (const name of ['flights', 'events'].filter((one) => option('--only') === undefined || option('--only') === one)) {
      const folder = name === 'flights' ? await flights(join(scratch, name)) : await events()
      const schema = (await openTable(folder)).schema
      const two = name === 'flights' ? schema.fields.slice(0, 2).map((field) => field.name) : ['id', 'user']
      for (const columns of [undefined, two]) compare(name, folder, columns)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function compare(table: string, folder: string, columns: readonly string[] | undefined): void {
  const sides: [string, () => Run][] = [['alluvium', () => ours(folder, columns)]]
  if (existsSync(python)) sides.push(['pyarrow', () => pyarrow(folder, columns)])
  if (existsSync(kernel) && columns === undefined) sides.push(['delta_kernel', () => kernelScan(folder)])
  const runs = new Map<string, Run[]>(sides.map(([name]) => [name, []]))
  for (let round = 0; round < Number(option('--rounds') ?? 5); round++)
    for (const [name, run] of round % 2 === 0 ? sides : [...sides].reverse()) runs.get(name)?.push(run())
  const own = runs.get('alluvium') as Run[]
  for (const [engine, all] of runs) {
    if (all.some((run) => run.rows !== own[0]?.rows)) throw new Error(`${engine} finds other rows than we do`)
    const of = (pick: (run: Run) => number, list = all): number => median(list.map(pick))
    const line = {
      bench: 'scan',
      table,
      columns: columns?.length ?? 'all',
      engine,
      rows: own[0]?.rows,
      seconds: round(of((run) => run.seconds)),
      cpuSeconds: round(of((run) => run.cpuSeconds)),
      ratio: round(of((run) => run.seconds, own) / of((run) => run.seconds)),
      cpuRatio: round(of((run) => run.cpuSeconds, own) / of((run) => run.cpuSeconds)),
      peakMb: of((run) => run.peakMb),
      ...(engine === 'pyarrow' ? { goalRatio: GOAL } : {}),
    }
    if (args.includes('--json')) console.log(JSON.stringify(line))
    else
      console.log(
        `${table.padEnd(8)} ${String(line.columns).padEnd(4)} ${engine.padEnd(13)} ${line.seconds} s, CPU ${line.cpuSeconds} s, peak ${line.peakMb} MB` +
          (engine === 'alluvium'
            ? ''
            : `; we take ${line.ratio} of its time, ${line.cpuRatio} of its CPU${engine === 'pyarrow' ? ` (goal ${GOAL})` : ''}`),
      )
  }
}

function ours(folder: string, columns: readonly string[] | undefined): Run {
  const more = ['--threads', String(THREADS), ...(columns === undefined ? [] : ['--columns', columns.join(',')])]
  return JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', folder, ...more], { encoding: 'utf8' })) as Run
}

function pyarrow(folder: string, columns: readonly string[] | undefined): Run {
  const script = `
import glob, json, resource, sys, time
import pyarrow as pa, pyarrow.parquet as pq
pa.set_cpu_count(1)
pa.set_io_thread_count(1)
columns = sys.argv[2].split(",") if len(sys.argv) > 2 else None
usage = lambda: (lambda u: u.ru_utime + u.ru_stime)(resource.getrusage(resource.RUSAGE_SELF))
cpu, start, rows = usage(), time.perf_counter(), 0
for path in sorted(glob.glob(sys.argv[1] + "/*.parquet")):
    for batch in pq.ParquetFile(path).iter_batches(batch_size=65536, columns=columns, use_threads=False):
        rows += batch.num_rows
print(json.dumps({"seconds": time.perf_counter() - start, "cpuSeconds": usage() - cpu, "rows": rows, "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))`
  return JSON.parse(
    execFileSync(python, ['-c', script, folder, ...(columns === undefined ? [] : [columns.join(',')])], { encoding: 'utf8' }),
  ) as Run
}

function kernelScan(folder: string): Run {
  const script = `import json, resource, subprocess, sys
out = json.loads(subprocess.run(sys.argv[1:], capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": out["seconds"], "cpuSeconds": u.ru_utime + u.ru_stime, "rows": out["detail"]["rows"], "peakMb": out["peak_rss_mb"]}))`
  return JSON.parse(execFileSync('python3', ['-c', script, kernel, folder], { encoding: 'utf8' })) as Run
}

// The file as it came, with a log beside it.
async function flights(folder: string): Promise<string> {
  mkdirSync(join(folder, '_delta_log'), { recursive: true })
  const file = join(process.env.ALLUVIUM_ROOT ?? '.', 'node_modules/vega-datasets/data/flights-3m.parquet')
  copyFileSync(file, join(folder, 'flights-3m.parquet'))
  const { readFileSync } = await import('node:fs')
  const parquet = await openParquet(bytesSource(new Uint8Array(readFileSync(file))), { name: file })
  const schema = fromArrowSchema(parquet.arrowSchema)
  const features = JSON.stringify(schema).includes('timestamp_ntz') ? ['timestampNtz'] : []
  const protocol =
    features.length > 0
      ? { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: features, writerFeatures: features }
      : { minReaderVersion: 1, minWriterVersion: 2 }
  const lines = [
    { protocol },
    {
      metaData: {
        id: 'flights',
        format: { provider: 'parquet', options: {} },
        schemaString: formatSchema(schema),
        partitionColumns: [],
        configuration: {},
      },
    },
    { add: { path: 'flights-3m.parquet', partitionValues: {}, size: statSync(file).size, modificationTime: 1, dataChange: true } },
  ]
  writeFileSync(join(folder, '_delta_log/00000000000000000000.json'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  return folder
}

async function events(): Promise<string> {
  const target = join(tmpdir(), 'alluvium-bench', `events-${EVENT_ROWS}`)
  if (existsSync(target) && readdirSync(target).length > 1) return target
  mkdirSync(join(tmpdir(), 'alluvium-bench'), { recursive: true })
  const making = `${target}-${process.pid}`
  const schema = parseColumns(
    'id long not null, at timestamp, user string, kind string, amount double, score double, page string, flag boolean',
  )
  const table = await createTable(making, { schema })
  await table.append(eventBatches(schema) as never)
  renameSync(making, target)
  return target
}

// Batches straight from typed arrays: the events themselves are not what is measured.
function* eventBatches(schema: ReturnType<typeof parseColumns>): Generator<RecordBatch> {
  const arrow = toArrowSchema(schema)
  const rowsPerBatch = 100_000
  let seed = 12345
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  for (let first = 0; first < EVENT_ROWS; first += rowsPerBatch) {
    const length = Math.min(rowsPerBatch, EVENT_ROWS - first)
    const children = arrow.fields.map(({ name, type }): Data => {
      if (name === 'id') return arrowData({ type, length, data: BigInt64Array.from({ length }, (_, i) => BigInt(first + i)) })
      if (name === 'at')
        return arrowData({
          type,
          length,
          data: BigInt64Array.from({ length }, (_, i) => 1_700_000_000_000_000n + BigInt((first + i) * 1000 + Math.floor(random() * 1000))),
        })
      if (name === 'amount')
        return arrowData({ type, length, data: Float64Array.from({ length }, () => Math.round(random() * 100_000) / 100) })
      if (name === 'score') return arrowData({ type, length, data: Float64Array.from({ length }, random) })
      if (name === 'flag')
        return arrowData({
          type,
          length,
          data: Uint8Array.from({ length: ((length + 63) >> 6) << 3 }, () => Math.floor(random() * 256)),
        })
      const text = (i: number): string =>
        name === 'user'
          ? `user-${Math.floor(random() * 100_000)}`
          : name === 'kind'
            ? `kind-${Math.floor(random() * 20)}`
            : `/page/${first + i}/${Math.floor(random() * 1e9).toString(36)}`
      return texts(
        type as never,
        Array.from({ length }, (_, i) => text(i)),
      )
    })
    yield new RecordBatch(arrow, makeData({ type: new Struct(arrow.fields), length, nullCount: 0, children }))
  }
}

function texts(type: DataType, values: readonly string[]): Data {
  const valueOffsets = new Int32Array(values.length + 1)
  for (const [i, value] of values.entries()) valueOffsets[i + 1] = (valueOffsets[i] as number) + value.length
  const data = new TextEncoder().encode(values.join(''))
  return arrowData({ type, length: values.length, nullCount: 0, valueOffsets, data })
}

function arrowData(parts: {
  type: DataType
  length: number
  data: ArrayLike<unknown>
  nullCount?: number
  valueOffsets?: Int32Array
}): Data {
  return makeData(parts as unknown as Parameters<typeof makeData>[0]) as Data
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
