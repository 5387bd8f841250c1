// A checkpoint of one million files, and the next one after 1 % of new files, each run in a fresh process on a copy of the peers'
// table; opening is not counted. Classic, and with sidecars that are used again. Peers (delta-rs) take turns with us.
//   node scripts/run.mjs bench/checkpoint.ts [--json] [--rounds N]
// Goals: the first at most 1.2 of delta-rs; the next, with sidecars, at most 0.05 of the bytes and 0.1 of the time of our first;
// 200 MB more memory than the process had before, in any of the checkpoints of one process: the two that are timed and two more.
// Memory is the peak of resident memory during each checkpoint (Linux; elsewhere that of the process so far), less what was resident
// before the first; the files that are added in between are in it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatCommit } from '../src/log/commit-json.js'
import { commitPath, loadLog, refreshLog, writeCheckpoint } from '../src/log/index.js'
import { systemRuntime } from '../src/runtime.js'
import { localStorage } from '../src/storage/local.js'
import { median, peerData, peersPresent, runPeer } from './peers.js'

const TABLE = join(peerData, 'checkpoint-1000000-tail')
const GOAL_FIRST = 1.2
const GOAL_NEXT_BYTES = 0.05
const GOAL_NEXT_TIME = 0.1
const GOAL_EXTRA_MB = 200
// Beyond the two that are timed, for what a process gathers.
const MORE_CHECKPOINTS = 2
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Run {
  readonly firstSeconds: number
  readonly firstBytes: number
  readonly nextSeconds: number
  readonly nextBytes: number
  readonly cpuSeconds: number
  /** Of each checkpoint in turn. */
  readonly memoryMb: readonly number[]
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await checkpointTwice(inside === 'sidecars')))
else if (peersPresent) runAll()
else console.error('the table of this benchmark is made by the scripts of the peers; set ALLUVIUM_PEERS to their folder')

async function checkpointTwice(sidecars: boolean): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-checkpoint-'))
  try {
    // Hard links: nothing is written in place.
    execFileSync('cp', ['-rl', `${TABLE}/.`, folder])
    const storage = localStorage(folder)
    let view = await loadLog(storage)
    const add = async (bytes: Uint8Array): Promise<void> => {
      writeFileSync(join(folder, commitPath(view.version + 1)), bytes)
      view = await refreshLog(view, storage)
    }
    if (sidecars) {
      const features = { readerFeatures: ['v2Checkpoint'], writerFeatures: ['v2Checkpoint'] }
      const configuration = { ...view.metadata.configuration, 'delta.checkpointPolicy': 'v2' }
      await add(
        formatCommit([
          { kind: 'protocol', minReaderVersion: 3, minWriterVersion: 7, ...features },
          { ...view.metadata, configuration },
        ]),
      )
    }
    const before = process.memoryUsage.rss()
    const memoryMb: number[] = []
    const checkpoint = async (): Promise<{ seconds: number; bytes: number }> => {
      forgetPeak()
      const done = await timed(() => writeCheckpoint({ storage, runtime: systemRuntime }, view))
      memoryMb.push(Math.round((peakBytes() - before) / 2 ** 20))
      return done
    }
    const cpu = process.cpuUsage()
    const first = await checkpoint()
    const used = process.cpuUsage(cpu)
    const count = Math.round(view.files.numFiles / 100)
    await add(moreFiles('new', count))
    const next = await checkpoint()
    for (let n = 0; n < MORE_CHECKPOINTS; n++) {
      await add(moreFiles(`new${n}`, count))
      await checkpoint()
    }
    const again = await loadLog(storage)
    if (again.files.numFiles !== view.files.numFiles || again.files.sizeBytes !== view.files.sizeBytes)
      throw new Error('the checkpoint lost files')
    if (bytesOf(folder) < first.bytes) throw new Error('the checkpoint is not there')
    const cpuSeconds = (used.user + used.system) / 1e6
    return { firstSeconds: first.seconds, firstBytes: first.bytes, nextSeconds: next.seconds, nextBytes: next.bytes, cpuSeconds, memoryMb }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function moreFiles(name: string, count: number): Uint8Array {
  return formatCommit(
    Array.from({ length: count }, (_, n) => ({
      kind: 'add',
      path: `p=p00/part-${name}-${n}-99b31951-bf84-acff-9b39-6bf243a65f1c.c000.snappy.parquet`,
      partitionValues: { p: 'p00' },
      size: 900_000 + n,
      modificationTime: 1_700_000_000_000 + n,
      dataChange: true,
      stats: `{"numRecords":1000,"minValues":{"id":${n},"value":3.25,"name":"name-${n}"},"maxValues":{"id":${n + 999},"value":4.75,"name":"name-${n + 999}"},"nullCount":{"id":0,"value":3,"name":0}}`,
    })),
  )
}

function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5')
}

function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

function bytesOf(folder: string): number {
  const log = join(folder, '_delta_log')
  return (readdirSync(log, { recursive: true }) as string[]).reduce((sum, name) => sum + statSync(join(log, name)).size, 0)
}

async function timed(work: () => ReturnType<typeof writeCheckpoint>): Promise<{ seconds: number; bytes: number }> {
  const start = performance.now()
  const { bytesWritten, written } = await work()
  if (!written) throw new Error('there was a checkpoint already')
  return { seconds: (performance.now() - start) / 1000, bytes: bytesWritten }
}

function runAll(): void {
  const engines: [string, () => Run | undefined][] = [
    ['deltalake', deltaRs],
    ['classic', () => ours('classic')],
    ['sidecars', () => ours('sidecars')],
  ]
  const runs = new Map<string, Run[]>(engines.map(([name]) => [name, []]))
  for (let round = 0; round < Number(option('--rounds') ?? 5); round++) {
    // The peers' scripts make the table, so they come first in the first round.
    for (const [name, run] of round % 2 === 0 ? engines : [...engines].reverse()) {
      const one = run()
      if (one !== undefined) runs.get(name)?.push(one)
    }
  }
  const peer = runs.get('deltalake') as readonly Run[]
  for (const [engine, all] of runs) if (all.length > 0) report(engine, all, peer)
}

function ours(kind: string): Run {
  return JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', kind], { encoding: 'utf8' })) as Run
}

function deltaRs(): Run | undefined {
  const run = runPeer('b10_checkpoint.py', 'deltalake/first, then after 1 %')
  if (run === undefined) return undefined
  const detail = run.detail as { second_seconds: number; first_bytes: number; second_bytes: number }
  const { second_seconds: nextSeconds, first_bytes: firstBytes, second_bytes: nextBytes } = detail
  return { firstSeconds: run.seconds, firstBytes, nextSeconds, nextBytes, cpuSeconds: run.cpu_seconds, memoryMb: [run.peak_rss_mb] }
}

function report(engine: string, all: readonly Run[], peer: readonly Run[]): void {
  const of = (pick: (run: Run) => number, list = all): number => median(list.map(pick))
  const line = {
    bench: 'checkpoint',
    engine,
    firstSeconds: round(of((run) => run.firstSeconds)),
    cpuSeconds: round(of((run) => run.cpuSeconds)),
    ratio:
      peer.length === 0 || engine === 'deltalake' ? undefined : round(of((run) => run.firstSeconds) / of((run) => run.firstSeconds, peer)),
    goalRatio: GOAL_FIRST,
    firstBytes: of((run) => run.firstBytes),
    nextSeconds: round(of((run) => run.nextSeconds)),
    nextTimeShare: round(of((run) => run.nextSeconds / run.firstSeconds)),
    nextBytesShare: round(of((run) => run.nextBytes / run.firstBytes)),
    memoryMb: (all[0] as Run).memoryMb.map((_, n) => of((run) => run.memoryMb[n] as number)),
    mostMemoryMb: Math.max(...all.flatMap((run) => run.memoryMb)),
  }
  if (args.includes('--json')) {
    console.log(JSON.stringify(line))
    return
  }
  const goals = engine === 'sidecars' ? ` (goals ${GOAL_NEXT_TIME} and ${GOAL_NEXT_BYTES})` : ''
  const ratio = line.ratio === undefined ? '' : `, ${line.ratio} of delta-rs (goal ${GOAL_FIRST})`
  console.log(
    `${engine.padEnd(10)} first ${line.firstSeconds} s, CPU ${line.cpuSeconds} s, ${line.firstBytes} bytes${ratio}; next ${line.nextTimeShare} of the time, ${line.nextBytesShare} of the bytes${goals}; ${line.memoryMb.join(', ')} MB${engine === 'deltalake' ? ' in all' : ` more memory in checkpoints one after another, at most ${line.mostMemoryMb} (goal ${GOAL_EXTRA_MB})`}`,
  )
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
