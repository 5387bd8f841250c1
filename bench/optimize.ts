// Small files made large: 1,000 of 1 MB, spliced and encoded anew, and 10,000 of 50 kB, whose row groups are too small to be spliced.
// Each run in a fresh process on a copy of the peers' table, from opening it to the commit. Peers (delta-rs, which writes zstd where the
// tables say nothing; ours stay snappy) take turns with us.
//   node scripts/run.mjs bench/optimize.ts [--json] [--rounds N]
// Goals: splicing at most 0.3 of delta-rs in time and in CPU; encoding anew at most 1.5; 300 MB for the whole process, 350 where rows are
// put in order along a curve (18 million rows, which delta-rs is not asked for here).
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { optimize } from '../src/compaction/index.js'
import { openTable } from '../src/table/index.js'
import { median, peerData, peersPresent, runPeer } from './peers.js'

const GOAL_MB = 300
const GOAL_CURVE_MB = 350
const TARGET_BYTES = 128 * 2 ** 20
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Case {
  readonly name: string
  readonly table: string
  readonly rows: number
  readonly splice: boolean
  readonly peer?: string
  readonly goal?: number
  readonly by?: readonly string[]
}

const CASES: readonly Case[] = [
  { name: '1,000 x 1 MB, spliced', table: 'small2-1000', rows: 18_000_000, splice: true, peer: '1,000 x 1 MB', goal: 0.3 },
  { name: '1,000 x 1 MB, encoded', table: 'small2-1000', rows: 18_000_000, splice: false, peer: '1,000 x 1 MB', goal: 1.5 },
  { name: '10,000 x 50 kB', table: 'small2-10000', rows: 6_500_000, splice: true, peer: '10,000 x 50 kB', goal: 1.5 },
  { name: '1,000 x 1 MB, curve', table: 'small2-1000', rows: 18_000_000, splice: true, by: ['user_id', 'at'] },
]

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly memoryMb: number
  readonly filesAfter: number
  readonly bytesAfter: number
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await compact(CASES[Number(inside)] as Case)))
else if (peersPresent) runAll()
else console.error('the tables of this benchmark are made by the scripts of the peers; set ALLUVIUM_PEERS to their folder')

async function compact({ table: name, rows, splice, by }: Case): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-optimize-'))
  try {
    // Hard links: nothing is written in place.
    execFileSync('cp', ['-rl', `${join(peerData, name)}/.`, folder])
    const cpu = process.cpuUsage()
    const start = performance.now()
    const table = await openTable(folder)
    await optimize(table, { targetSize: TARGET_BYTES, splice, ...(by === undefined ? {} : { cluster: { by } }) })
    const seconds = (performance.now() - start) / 1000
    const used = process.cpuUsage(cpu)
    const memoryMb = Math.round(process.resourceUsage().maxRSS / 1024)
    const { view } = await (await openTable(folder)).snapshot()
    await view.files.loadStats()
    const found = [...view.files.liveRows()].reduce((sum, row) => sum + Number(JSON.parse(view.files.stats(row) ?? '{}').numRecords), 0)
    if (found !== rows) throw new Error(`${rows} rows before, ${found} after`)
    const { numFiles: filesAfter, sizeBytes: bytesAfter } = view.files
    return { seconds, cpuSeconds: (used.user + used.system) / 1e6, memoryMb, filesAfter, bytesAfter }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runAll(): void {
  const engines: readonly { readonly key: string; readonly run: () => Run | undefined }[] = [
    ...[...new Set(CASES.flatMap(({ peer }) => peer ?? []))].map((peer) => ({ key: `deltalake ${peer}`, run: () => deltaRs(peer) })),
    ...CASES.map(({ name }, i) => ({ key: name, run: () => ours(i) })),
  ]
  const runs = new Map<string, Run[]>(engines.map(({ key }) => [key, []]))
  for (let round = 0; round < Number(option('--rounds') ?? 3); round++) {
    // The peers' scripts make the tables, so they come first in the first round.
    for (const { key, run } of round % 2 === 0 ? engines : [...engines].reverse()) {
      const one = run()
      if (one !== undefined) runs.get(key)?.push(one)
    }
  }
  for (const { key } of engines) {
    const ofCase = CASES.find(({ name }) => name === key)
    report(key, runs.get(key) ?? [], ofCase && (runs.get(`deltalake ${ofCase.peer}`) ?? []), ofCase)
  }
}

function ours(index: number): Run {
  return JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', String(index)], { encoding: 'utf8' })) as Run
}

function deltaRs(peer: string): Run | undefined {
  const run = runPeer('b09_compact.py', `deltalake/${peer}`)
  if (run === undefined) return undefined
  const { files_after: filesAfter, bytes_after: bytesAfter } = run.detail as { files_after: number; bytes_after: number }
  return { seconds: run.seconds, cpuSeconds: run.cpu_seconds, memoryMb: run.peak_rss_mb, filesAfter, bytesAfter }
}

function report(engine: string, all: readonly Run[], peer: readonly Run[] | undefined, ofCase: Case | undefined): void {
  if (all.length === 0) return
  const of = (pick: (run: Run) => number, list = all): number => median(list.map(pick))
  const ratio = (pick: (run: Run) => number): number | undefined =>
    peer === undefined || peer.length === 0 ? undefined : round(of(pick) / of(pick, peer))
  const line = {
    bench: 'optimize',
    engine,
    seconds: round(of((run) => run.seconds)),
    cpuSeconds: round(of((run) => run.cpuSeconds)),
    memoryMb: of((run) => run.memoryMb),
    filesAfter: of((run) => run.filesAfter),
    bytesAfter: of((run) => run.bytesAfter),
    timeRatio: ratio((run) => run.seconds),
    cpuRatio: ratio((run) => run.cpuSeconds),
    memoryRatio: ratio((run) => run.memoryMb),
    goal: ofCase?.goal,
    goalMb: ofCase?.by === undefined ? GOAL_MB : GOAL_CURVE_MB,
  }
  if (args.includes('--json')) {
    console.log(JSON.stringify(line))
    return
  }
  const ratios =
    line.timeRatio === undefined
      ? ofCase === undefined
        ? ''
        : ` (goal ${line.goalMb} MB)`
      : `; of delta-rs: time ${line.timeRatio}, CPU ${line.cpuRatio} (goal ${line.goal}), memory ${line.memoryRatio} (goal ${line.goalMb} MB)`
  console.log(
    `${engine.padEnd(26)} ${line.seconds} s, CPU ${line.cpuSeconds} s, ${line.memoryMb} MB, ${line.filesAfter} files of ${line.bytesAfter} bytes${ratios}`,
  )
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3
}
