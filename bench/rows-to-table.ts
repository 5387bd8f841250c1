// One million rows of ten columns into a table by one append, from row objects and from Arrow: data file, statistics and
// commit included, on local disk without syncing (as delta-rs). Peers: delta-rs from dicts and from Arrow, in the same run.
//   node scripts/run.mjs bench/rows-to-table.ts [--json] [--rounds N]
// Each run is a process of its own; the rows are the peers' own where their Arrow file is there.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createTable, localStorage } from 'alluvium'
import { type RecordBatch, tableFromIPC, tableToIPC } from 'apache-arrow'
import { BatchBuilder, fromArrowSchema, rowsOf } from '../src/arrow/index.js'
import { parseColumns, type StructType } from '../src/schema/index.js'
import { median, peerData, runPeer } from './peers.js'

const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const ROWS = 1_000_000

function arrowFile(): string {
  const theirs = path.join(peerData, 'rows-1m/rows.arrow')
  if (fs.existsSync(theirs)) return theirs
  const own = path.join(os.tmpdir(), 'alluvium-bench-rows.arrow')
  if (!fs.existsSync(own)) fs.writeFileSync(own, tableToIPC(makeRows(), 'file'))
  return own
}

function makeRows() {
  const schema = parseColumns(
    'id long, ts timestamp, user_id long, category string, amount double, score double, flag boolean, word string, token string, note string',
  )
  const builder = new BatchBuilder(schema)
  const words = ['red', 'green', 'blue', 'black', 'white']
  builder.appendRows(
    Array.from({ length: ROWS }, (_, i) => ({
      id: i,
      ts: 1_700_000_000_000_000n + BigInt(i),
      user_id: (i * 7919) % 100_000,
      category: words[i % 5],
      amount: i % 20 === 0 ? null : (i * 31) % 1000,
      score: i / 7,
      flag: i % 3 === 0,
      word: words[(i * 3) % 5],
      token: `token-${(i * 104729) % 1_000_003}`,
      note: `note ${i} of many`,
    })),
  )
  return tableFromIPC(tableToIPC(new (class extends Array<RecordBatch> {})(builder.finish()) as never))
}

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakRssMb: number
  readonly parquetBytes: number
}

async function once(source: 'rows' | 'arrow'): Promise<Run> {
  const arrow = tableFromIPC(fs.readFileSync(arrowFile()))
  const schema: StructType = fromArrowSchema(arrow.schema)
  const rows = source === 'rows' ? arrow.batches.flatMap((batch) => rowsOf(batch, schema, { timestamps: 'micros' }) as object[]) : undefined
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'alluvium-rows-'))
  const table = await createTable(localStorage(folder, { durability: 'none' }), { schema })
  const cpu = process.cpuUsage()
  const started = performance.now()
  const result = await table.append((rows ?? arrow) as never)
  const seconds = (performance.now() - started) / 1000
  const used = process.cpuUsage(cpu)
  if (result.numRows !== ROWS) throw new Error(`${result.numRows} rows appended`)
  fs.rmSync(folder, { recursive: true, force: true })
  return {
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    parquetBytes: result.sizeBytes,
  }
}

function inProcess(source: string): Run {
  const ran = spawnSync(process.execPath, ['--max-old-space-size=6000', process.argv[1] as string, '--inside', source], {
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Run
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await once(inside as 'rows' | 'arrow')))
else {
  runPeer('b08_write.py', 'deltalake/from Arrow') // makes the rows
  const seconds: Record<string, number[]> = { rows: [], arrow: [], dicts: [], peerArrow: [] }
  let last: Record<string, Run> = {}
  for (let round = 0; round < Number(option('--rounds') ?? 5); round++) {
    last = { rows: inProcess('rows'), arrow: inProcess('arrow') }
    seconds.rows?.push((last.rows as Run).seconds)
    seconds.arrow?.push((last.arrow as Run).seconds)
    const dicts = runPeer('b08_write.py', 'deltalake/from dicts')
    const peerArrow = runPeer('b08_write.py', 'deltalake/from Arrow')
    if (dicts !== undefined) seconds.dicts?.push(dicts.seconds)
    if (peerArrow !== undefined) seconds.peerArrow?.push(peerArrow.seconds)
  }
  const of = (name: string): number | null =>
    (seconds[name] as number[]).length === 0 ? null : Number(median(seconds[name] as number[]).toFixed(3))
  const ratio = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : Number((a / b).toFixed(2)))
  const result = {
    bench: 'rows-to-table',
    rows: ROWS,
    fromRowsSeconds: of('rows'),
    fromArrowSeconds: of('arrow'),
    deltalakeFromDictsSeconds: of('dicts'),
    deltalakeFromArrowSeconds: of('peerArrow'),
    rowsRatio: ratio(of('rows'), of('dicts')),
    arrowRatio: ratio(of('arrow'), of('peerArrow')),
    last,
    goals: { rowsRatio: '<= 0.6', arrowRatio: '<= 1.5' },
  }
  console.log(args.includes('--json') ? JSON.stringify(result) : result)
}
