// Cold open of a log of 300,000 adds in JSON commits, each run in a fresh process: until the path, size and partition
// value of every live file can be read. Peers (delta-rs, delta-kernel-rs) take turns with us where they are installed.
//   node scripts/run.mjs bench/open-json-log.ts [--json] [--rounds N] [--table FOLDER]
// ALLUVIUM_BENCH_DATA is a folder with the kernel's own benchmark table (300k-add-files-100-col-partitioned.tar.zst);
// without it a log of the same shape is made. ALLUVIUM_PEERS_DIR holds the peers (a Python in venv/, binaries in rust-target/).
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadLog } from '../src/log/index.js'
import { localStorage } from '../src/storage/local.js'

const FILES = 300_000
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly files: number
  readonly totalBytes: number
  readonly bytesPerFile?: number
}

const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await openOnce(inside)))
else runAll()

async function openOnce(folder: string): Promise<Run> {
  const storage = localStorage(folder)
  const before = process.memoryUsage()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const { files } = await loadLog(storage)
  const rows = files.liveRows()
  const columns = files.partitionColumns.map((name) => files.partition(name))
  let totalBytes = 0
  let pathBytes = 0
  let values = 0
  for (const row of rows) {
    totalBytes += files.size(row)
    pathBytes += files.pathBytes(row).length
    for (const column of columns) if (column.values[column.ids(row)] !== null) values++
  }
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  if (values !== rows.length) throw new Error(`${values} partition values in ${rows.length} files`)
  ;(globalThis as { gc?: () => void }).gc?.()
  const after = process.memoryUsage()
  let statsBytes = 0
  for (const row of rows) statsBytes += files.stats(row)?.length ?? 0
  const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
  const bytesPerFile = Math.round((grown - pathBytes - statsBytes) / rows.length)
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6, files: rows.length, totalBytes, bytesPerFile }
}

function runAll(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'alluvium-open-'))
  try {
    const table = resolve(option('--table') ?? tableIn(scratch))
    const peers = [ours(table), ...deltaRs(table), ...kernelRs(table)]
    const runs = new Map<string, Run[]>(peers.map(([name]) => [name, []]))
    for (let round = 0; round < Number(option('--rounds') ?? 5); round++) {
      for (const [name, run] of round % 2 === 0 ? peers : [...peers].reverse()) runs.get(name)?.push(run())
    }
    report(runs)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function report(runs: ReadonlyMap<string, readonly Run[]>): void {
  const own = runs.get('alluvium') as readonly Run[]
  for (const [name, all] of runs) {
    const sample = all[0] as Run
    if (sample.files !== own[0]?.files || sample.totalBytes !== own[0]?.totalBytes) throw new Error(`${name} finds other files than we do`)
    const seconds = median(all.map((run) => run.seconds))
    const line = {
      bench: 'open-json-log',
      engine: name,
      files: sample.files,
      seconds: round(seconds),
      best: round(Math.min(...all.map((run) => run.seconds))),
      cpuSeconds: round(median(all.map((run) => run.cpuSeconds))),
      ratio: round(median(own.map((run) => run.seconds)) / seconds),
      cpuRatio: round(median(own.map((run) => run.cpuSeconds)) / median(all.map((run) => run.cpuSeconds))),
      ...(sample.bytesPerFile === undefined ? {} : { bytesPerFile: median(all.map((run) => run.bytesPerFile as number)) }),
    }
    if (args.includes('--json')) console.log(JSON.stringify(line))
    else
      console.log(
        `${name.padEnd(16)} ${line.seconds.toFixed(3)} s (best ${line.best.toFixed(3)}), CPU ${line.cpuSeconds.toFixed(3)} s; we take ${line.ratio} of its time, ${line.cpuRatio} of its CPU${line.bytesPerFile === undefined ? '' : `; ${line.bytesPerFile} bytes a file beyond paths and statistics`}`,
      )
  }
}

type Peer = readonly [string, () => Run]

function ours(table: string): Peer {
  return [
    'alluvium',
    () =>
      JSON.parse(
        execFileSync(process.execPath, ['--expose-gc', process.argv[1] as string, '--inside', table], { encoding: 'utf8' }),
      ) as Run,
  ]
}

function deltaRs(table: string): Peer[] {
  const python = join(peersFolder(), 'venv/bin/python')
  if (!existsSync(python)) return []
  const script = `
import json, resource, sys, time
from deltalake import DeltaTable
usage = lambda: (lambda u: u.ru_utime + u.ru_stime)(resource.getrusage(resource.RUSAGE_SELF))
cpu, start = usage(), time.perf_counter()
adds = DeltaTable(sys.argv[1]).get_add_actions(flatten=False)
seconds, used = time.perf_counter() - start, usage() - cpu
sizes = adds.column("size_bytes") if "size_bytes" not in dir(adds) else adds["size_bytes"]
print(json.dumps({"seconds": seconds, "cpuSeconds": used, "files": adds.num_rows, "totalBytes": sum(sizes.to_pylist())}))`
  return [['delta-rs', () => JSON.parse(execFileSync(python, ['-c', script, table], { encoding: 'utf8' })) as Run]]
}

// The kernel's binary measures itself; its processor time is that of the whole process.
function kernelRs(table: string): Peer[] {
  const binary = join(peersFolder(), 'rust-target/release/kernel-open')
  if (!existsSync(binary)) return []
  const script = `import json, resource, subprocess, sys
out = json.loads(subprocess.run(sys.argv[1:], capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": out["seconds"], "cpuSeconds": u.ru_utime + u.ru_stime, "files": out["detail"]["files"], "totalBytes": out["detail"]["total_bytes"]}))`
  return [['delta-kernel-rs', () => JSON.parse(execFileSync('python3', ['-c', script, binary, table], { encoding: 'utf8' })) as Run]]
}

function peersFolder(): string {
  return process.env.ALLUVIUM_PEERS_DIR ?? join(homedir(), '.cache/alluvium-peers')
}

function tableIn(scratch: string): string {
  const archive = join(process.env.ALLUVIUM_BENCH_DATA ?? resolve('../shared/bench-data'), '300k-add-files-100-col-partitioned.tar.zst')
  if (existsSync(archive)) {
    execFileSync('tar', ['--zstd', '-xf', archive, '-C', scratch])
    return join(scratch, '300k-add-files-100-col-partitioned')
  }
  return madeTable(join(scratch, 'made'))
}

function madeTable(folder: string): string {
  mkdirSync(join(folder, '_delta_log'), { recursive: true })
  const schema = { type: 'struct', fields: ['id', 'partition_col'].map((name) => ({ name, type: 'string', nullable: true, metadata: {} })) }
  const metadata = {
    id: '5fba94ed-9794-4965-ba6e-6ee3c0d22af9',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(schema),
    partitionColumns: ['partition_col'],
    configuration: {},
  }
  const commit = (version: number, lines: readonly string[]): void =>
    writeFileSync(join(folder, '_delta_log', `${String(version).padStart(20, '0')}.json`), `${lines.join('\n')}\n`)
  commit(0, [JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }), JSON.stringify({ metaData: metadata })])
  const add = (n: number): string =>
    JSON.stringify({
      add: {
        path: `part_${n % 100}/file_${n}.parquet`,
        partitionValues: { partition_col: `part_${n % 100}` },
        size: 1024 * (n + 1),
        modificationTime: 1234567890 + n,
        dataChange: true,
      },
    })
  const third = FILES / 3
  for (let version = 1; version <= 3; version++)
    commit(
      version,
      Array.from({ length: third }, (_, i) => add((version - 1) * third + i)),
    )
  return folder
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
