// Cold open of one million adds out of a checkpoint, each run in a fresh process: until the path, size and partition value
// of every live file can be read. One classic checkpoint, and a V2 checkpoint with ten sidecars. Peers (delta-rs,
// delta-kernel-rs) take turns with us, on their own tables.
//   node scripts/run.mjs bench/open-checkpoint.ts [--json] [--rounds N] [--only classic|sidecars]
// Goals: at most 0.4 of delta-rs, 1.0 of delta-kernel-rs, 350 MB more memory than the process had before.
// Reached (two cores, Node 20): classic 0.23 and 1.0 (0.36 s), sidecars 0.22 and 0.95; 196 MB more memory.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { loadLog } from '../src/log/index.js'
import { localStorage } from '../src/storage/local.js'
import { median, type PeerRun, peerData, peersPresent, runPeer } from './peers.js'

const GOALS: Readonly<Record<string, number>> = { deltalake: 0.4, delta_kernel: 1 }
const GOAL_EXTRA_MB = 350
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly files: number
  readonly totalBytes: number
  /** Peak memory beyond what the process had before; of peers, all of it. */
  readonly memoryMb: number
}

const TABLES = [
  { name: 'classic', folder: 'checkpoint-1m', peerCase: 'classic-1m' },
  { name: 'sidecars', folder: 'sidecars-1m', peerCase: 'v2-10-sidecars-1m' },
] as const

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await openOnce(inside)))
else if (peersPresent) runAll()
else console.error('the tables of this benchmark are made by the scripts of the peers; set ALLUVIUM_PEERS to their folder')

async function openOnce(folder: string): Promise<Run> {
  const storage = localStorage(folder)
  const before = process.memoryUsage.rss()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const { files } = await loadLog(storage)
  const columns = files.partitionColumns.map((name) => files.partition(name))
  let totalBytes = 0
  let pathBytes = 0
  let values = 0
  const rows = files.liveRows()
  for (const row of rows) {
    totalBytes += files.size(row)
    // A view of a path is an object of its own; peers hand out columns and make none.
    if ((row & 63) === 0) pathBytes += files.pathBytes(row).length
    for (const column of columns) if (column.values[column.ids(row)] !== null) values++
  }
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  if (values !== rows.length || pathBytes < rows.length / 64) throw new Error(`${values} partition values in ${rows.length} files`)
  const memoryMb = Math.round((process.resourceUsage().maxRSS * 1024 - before) / 2 ** 20)
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6, files: rows.length, totalBytes, memoryMb }
}

function runAll(): void {
  const only = option('--only')
  for (const table of TABLES.filter(({ name }) => only === undefined || only === name)) {
    const peers: [string, () => Run | undefined][] = [
      ['deltalake', () => peerRun(runPeer('b02_open_checkpoint.py', `deltalake/${table.peerCase}`))],
      ['delta_kernel', () => peerRun(runPeer('b02_open_checkpoint.py', `delta_kernel/${table.peerCase}`))],
      ['alluvium', () => ourRun(join(peerData, table.folder))],
    ]
    const runs = new Map<string, Run[]>(peers.map(([name]) => [name, []]))
    for (let round = 0; round < Number(option('--rounds') ?? 5); round++) {
      // The peers' scripts make the tables, so they come first in the first round.
      for (const [name, run] of round % 2 === 0 ? peers : [...peers].reverse()) {
        const one = run()
        if (one !== undefined) runs.get(name)?.push(one)
      }
    }
    report(table.name, runs)
  }
}

function ourRun(folder: string): Run {
  return JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', folder], { encoding: 'utf8' })) as Run
}

function peerRun(run: PeerRun | undefined): Run | undefined {
  if (run === undefined) return undefined
  const { files, total_bytes: totalBytes } = run.detail as { files: number; total_bytes: number }
  return { seconds: run.seconds, cpuSeconds: run.cpu_seconds, files, totalBytes, memoryMb: run.peak_rss_mb }
}

function report(table: string, runs: ReadonlyMap<string, readonly Run[]>): void {
  const own = runs.get('alluvium') as readonly Run[]
  for (const [engine, all] of runs) {
    if (all.length === 0) continue
    if (all.some((run) => run.files !== own[0]?.files || run.totalBytes !== own[0]?.totalBytes))
      throw new Error(`${engine} finds other files than we do`)
    const of = (pick: (run: Run) => number, list = all): number => median(list.map(pick))
    const line = {
      bench: 'open-checkpoint',
      table,
      engine,
      files: all[0]?.files,
      seconds: round(of((run) => run.seconds)),
      cpuSeconds: round(of((run) => run.cpuSeconds)),
      ratio: round(of((run) => run.seconds, own) / of((run) => run.seconds)),
      cpuRatio: round(of((run) => run.cpuSeconds, own) / of((run) => run.cpuSeconds)),
      memoryMb: of((run) => run.memoryMb),
      ...(engine === 'alluvium' ? { goalMemoryMb: GOAL_EXTRA_MB } : { goalRatio: GOALS[engine] }),
    }
    if (args.includes('--json')) console.log(JSON.stringify(line))
    else
      console.log(
        engine === 'alluvium'
          ? `${table.padEnd(9)} alluvium      ${line.seconds} s, CPU ${line.cpuSeconds} s; ${line.memoryMb} MB more memory (goal ${GOAL_EXTRA_MB})`
          : `${table.padEnd(9)} ${engine.padEnd(13)} ${line.seconds} s, CPU ${line.cpuSeconds} s; we take ${line.ratio} of its time (goal ${GOALS[engine]}), ${line.cpuRatio} of its CPU`,
      )
  }
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
