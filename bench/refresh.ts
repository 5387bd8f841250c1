// Refresh of an open table after one commit of one file, and with nothing new: one million files against ten thousand.
// Each case runs in a fresh process; the first refresh is told apart from the ones after it. Peers take turns with us
// where they are installed, on their own tables of the same sizes.
//   node scripts/run.mjs bench/refresh.ts [--json] [--rounds N]
// ALLUVIUM_PEERS_DIR holds the peers (a Python in venv/, binaries in rust-target/) and their tables (bench-data/).
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadLog, refreshLog } from '../src/log/index.js'
import { localStorage } from '../src/storage/local.js'

const SIZES = [10_000, 1_000_000]
const REFRESHES = 40
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Run {
  readonly files: number
  /** Milliseconds. */
  readonly firstMs: number
  readonly medianMs?: number
  readonly bestMs?: number
  readonly nothingNewMs: number
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await refreshOnce(inside)))
else runAll()

async function refreshOnce(source: string): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-refresh-'))
  try {
    cpSync(source, folder, { recursive: true })
    const log = join(folder, '_delta_log')
    const commits = readdirSync(log)
      .filter((name) => /^\d{20}\.json$/.test(name))
      .sort()
    const last = commits.at(-1) as string
    const text = readFileSync(join(log, last), 'utf8')
    rmSync(join(log, last))
    const storage = localStorage(folder)
    let view = await loadLog(storage)
    const opened = view.files.numFiles
    const nothing: number[] = []
    for (let n = 0; n < 5; n++) nothing.push(await timed(async () => void (await refreshLog(view, storage))))
    const times: number[] = []
    for (let n = 0; n < REFRESHES; n++) {
      const name = `${String(Number(last.slice(0, 20)) + n).padStart(20, '0')}.json`
      writeFileSync(join(log, name), n === 0 ? text : text.replaceAll('"path":"', `"path":"${n}-`))
      times.push(await timed(async () => void (view = await refreshLog(view, storage))))
    }
    if (view.files.numFiles !== opened + REFRESHES) throw new Error(`${view.files.numFiles} files after ${REFRESHES} commits to ${opened}`)
    return {
      files: opened,
      firstMs: times[0] as number,
      medianMs: median(times.slice(1)),
      bestMs: Math.min(...times),
      nothingNewMs: Math.min(...nothing),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

type Case = readonly [engine: string, files: number, run: () => Run]

function runAll(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'alluvium-refresh-tables-'))
  try {
    const cases: Case[] = SIZES.flatMap((files) => casesFor(files, scratch))
    const runs = new Map(cases.map((one) => [one, [] as Run[]]))
    for (let round = 0; round < Number(option('--rounds') ?? 3); round++) {
      for (const one of round % 2 === 0 ? cases : [...cases].reverse()) runs.get(one)?.push(one[2]())
    }
    for (const [[engine, files], all] of runs) report(engine, files, all)
    // The best of many: what the refresh itself takes, whatever else the machine does.
    const bestOf = (files: number): number =>
      Math.min(
        ...[...runs]
          .filter(([one]) => one[0] === 'alluvium' && one[1] === files)
          .flatMap(([, all]) => all.map((run) => run.bestMs as number)),
      )
    const flat = bestOf(SIZES[1] as number) / bestOf(SIZES[0] as number)
    console.log(
      args.includes('--json')
        ? JSON.stringify({ bench: 'refresh', million: SIZES[1], against: SIZES[0], ratio: round(flat) })
        : `one million files take ${round(flat)} times as long as ten thousand (best of each)`,
    )
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function casesFor(files: number, scratch: string): Case[] {
  const theirs = join(peersFolder(), `bench-data/checkpoint-${files}-tail`)
  const table = existsSync(theirs) ? theirs : madeTable(join(scratch, String(files)), files)
  const run = (): Run =>
    JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', table], { encoding: 'utf8' })) as Run
  return [['alluvium', files, run], ...(existsSync(theirs) ? [...deltaRs(theirs, files), ...kernelRs(theirs, files)] : [])]
}

function deltaRs(table: string, files: number): Case[] {
  const python = join(peersFolder(), 'venv/bin/python')
  if (!existsSync(python)) return []
  const script = `
import json, shutil, sys, tempfile, time
from pathlib import Path
from deltalake import DeltaTable
root = Path(tempfile.mkdtemp()) / "t"
shutil.copytree(sys.argv[1], root)
last = sorted(root.glob("_delta_log/" + "[0-9]" * 20 + ".json"))[-1]
text = last.read_text()
last.unlink()
table = DeltaTable(str(root))
files = table.get_add_actions(flatten=False).num_rows
def timed(f):
    start = time.perf_counter(); f(); return (time.perf_counter() - start) * 1000
nothing = min(timed(table.update_incremental) for _ in range(5))
last.write_text(text)
print(json.dumps({"files": files, "firstMs": timed(table.update_incremental), "nothingNewMs": nothing}))
shutil.rmtree(root.parent)`
  return [['delta-rs', files, () => JSON.parse(execFileSync(python, ['-c', script, table], { encoding: 'utf8' })) as Run]]
}

function kernelRs(table: string, files: number): Case[] {
  const binary = join(peersFolder(), 'rust-target/release/kernel-refresh')
  if (!existsSync(binary)) return []
  return [
    [
      'delta-kernel-rs',
      files,
      () => {
        const out = JSON.parse(execFileSync(binary, [table], { encoding: 'utf8' }).trim().split('\n').at(-1) as string) as {
          seconds: number
          detail: { base_files: number; nothing_new_seconds: number }
        }
        return { files: out.detail.base_files, firstMs: out.seconds * 1000, nothingNewMs: out.detail.nothing_new_seconds * 1000 }
      },
    ],
  ]
}

function report(engine: string, files: number, all: readonly Run[]): void {
  const first = round(median(all.map((run) => run.firstMs)))
  const later = all[0]?.medianMs === undefined ? undefined : round(median(all.map((run) => run.medianMs as number)))
  const best = all[0]?.bestMs === undefined ? undefined : round(Math.min(...all.map((run) => run.bestMs as number)))
  const nothing = round(median(all.map((run) => run.nothingNewMs)))
  if (args.includes('--json'))
    console.log(JSON.stringify({ bench: 'refresh', engine, files, firstMs: first, medianMs: later, bestMs: best, nothingNewMs: nothing }))
  else
    console.log(
      `${engine.padEnd(16)} ${String(files).padStart(9)} files: first ${first} ms${later === undefined ? '' : `, then ${later} ms (best ${best})`}; nothing new ${nothing} ms`,
    )
}

function peersFolder(): string {
  return process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers')
}

// Ten commits of a tenth of the files each, and one of a single file.
function madeTable(folder: string, files: number): string {
  mkdirSync(join(folder, '_delta_log'), { recursive: true })
  const write = (version: number, lines: readonly string[]): void =>
    writeFileSync(join(folder, '_delta_log', `${String(version).padStart(20, '0')}.json`), `${lines.join('\n')}\n`)
  const metadata = {
    id: '5fba94ed-9794-4965-ba6e-6ee3c0d22af9',
    format: { provider: 'parquet', options: {} },
    schemaString: '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}',
    partitionColumns: [],
    configuration: {},
  }
  const add = (n: number): string =>
    JSON.stringify({
      add: {
        path: `part-${String(n).padStart(8, '0')}-c000.snappy.parquet`,
        partitionValues: {},
        size: 1000 + n,
        modificationTime: 1700000000000 + n,
        dataChange: true,
        stats: `{"numRecords":1000,"minValues":{"id":${n}},"maxValues":{"id":${n + 1}},"nullCount":{"id":0}}`,
      },
    })
  write(0, [JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }), JSON.stringify({ metaData: metadata })])
  for (let version = 1; version <= 10; version++)
    write(
      version,
      Array.from({ length: files / 10 }, (_, i) => add(((version - 1) * files) / 10 + i)),
    )
  write(11, [add(files)])
  return folder
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3
}
