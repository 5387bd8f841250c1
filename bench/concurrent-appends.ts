// Many processes that append to one table at once: on local disk, on an emulated S3 with 60 ms a request, and on a real HDFS, which
// test/servers/hdfs.sh starts (Java and Maven). Everybody must get every commit in, the versions must follow one another, and nobody may
// wait much longer than others. delta-rs does the same beside it on the first two, where ALLUVIUM_PEERS_PYTHON names a Python that has it.
//   node scripts/run.mjs bench/concurrent-appends.ts [--json] [--processes N] [--commits N] [--latency MS] [--only local|s3|hdfs]
//     [--no-peer] [--peer-commits N]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTable, long, openTable, schema } from 'alluvium'
import { type S3Emulator, startS3Emulator } from 'alluvium/testing'
import { webhdfsStorage } from 'alluvium/webhdfs'
import { python } from './peers.js'

const args = process.argv.slice(2)
const option = (name: string, fallback: string): string => (args.includes(name) ? (args[args.indexOf(name) + 1] ?? fallback) : fallback)
const PROCESSES = Number(option('--processes', '16'))
const COMMITS = Number(option('--commits', '100'))
const PEER_COMMITS = Number(option('--peer-commits', String(COMMITS)))
const LATENCY_MS = Number(option('--latency', '60'))
const rows = schema({ id: long() })

interface Writer {
  /** When each commit was acknowledged, and how long it took; milliseconds. */
  readonly doneMs: readonly number[]
  readonly tookMs: readonly number[]
  readonly failures: readonly string[]
}

/** One process: says that it is ready, waits for the start, appends one row at a time. */
async function writer(url: string, storage: never, who: number, commits: number): Promise<void> {
  const table = await openTable(url, { schema: rows, storage })
  console.log('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const found: { doneMs: number[]; tookMs: number[]; failures: string[] } = { doneMs: [], tookMs: [], failures: [] }
  for (let i = 0; i < commits; i++) {
    const startMs = Date.now()
    try {
      await table.append([{ id: BigInt(who * 1_000_000 + i) }])
      found.doneMs.push(Date.now())
      found.tookMs.push(Date.now() - startMs)
    } catch (error) {
      found.failures.push(String(error).slice(0, 200))
    }
  }
  await table.settled()
  console.log(JSON.stringify(found))
  process.exit(0)
}

const PEER = `
import json, sys, time
import pyarrow as pa
from deltalake import write_deltalake
uri, options, who, commits = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
done, took, failures = [], [], []
print("ready", flush=True); sys.stdin.readline()
for i in range(commits):
    start = time.time()
    try:
        write_deltalake(uri, pa.table({"id": pa.array([who * 1000000 + i], pa.int64())}), mode="append", storage_options=options or None)
        done.append(time.time() * 1000); took.append((time.time() - start) * 1000)
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}"[:200])
print(json.dumps({"doneMs": done, "tookMs": took, "failures": failures}), flush=True)
`

async function bench(): Promise<void> {
  const results: object[] = []
  const only = option('--only', '')
  if (only === '' || only === 'local') {
    const folder = mkdtempSync(join(tmpdir(), 'alluvium-concurrent-'))
    const versions = (table: string): number[] =>
      readdirSync(join(folder, table, '_delta_log')).flatMap((name) => (/^\d{20}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
    try {
      await createTable(join(folder, 'ours'), { schema: rows })
      results.push(await run('alluvium', 'local', join(folder, 'ours'), {}, () => versions('ours')))
      if (hasPeer()) {
        await createTable(join(folder, 'theirs'), { schema: rows })
        results.push(await run('deltalake', 'local', join(folder, 'theirs'), {}, () => versions('theirs')))
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  if (only === '' || only === 's3') {
    await using s3 = await startS3Emulator()
    const storage = { endpoint: s3.endpoint, region: s3.region, ...s3.credentials }
    for (const table of ['ours', 'theirs']) await createTable(`s3://tables/${table}`, { schema: rows, storage })
    // A tenth of it is chance, and LATENCY_MS the mean.
    s3.setLatency(LATENCY_MS * 0.95, LATENCY_MS / 10)
    results.push(await run('alluvium', `S3, ${LATENCY_MS} ms`, 's3://tables/ours', storage, () => s3Versions(s3, 'ours'), s3))
    const peerOptions = { AWS_ALLOW_HTTP: 'true', conditional_put: 'etag', ...s3.env }
    if (hasPeer())
      results.push(await run('deltalake', `S3, ${LATENCY_MS} ms`, 's3://tables/theirs', peerOptions, () => s3Versions(s3, 'theirs'), s3))
  }
  if (only === '' || only === 'hdfs') {
    const hdfs = join(process.env.ALLUVIUM_ROOT ?? '.', 'test/servers/hdfs.sh')
    const name = `bench-${process.pid}`
    try {
      const said = execFileSync(hdfs, ['start', 'plain', name], { encoding: 'utf8' })
      const url = `webhdfs://${/^namenode0=(.*)$/m.exec(said)?.[1]}/tables/ours`
      const storage = { user: 'bench' }
      await createTable(url, { schema: rows, storage })
      results.push(await run('alluvium', 'HDFS', url, storage, () => hdfsVersions(url, storage)))
    } finally {
      execFileSync(hdfs, ['remove', name])
    }
  }
  const goals = { failed: 0, contiguous: true, fairness: '>= 0.95' }
  const summary = { bench: 'concurrent-appends', processes: PROCESSES, commits: COMMITS, peerCommits: PEER_COMMITS, results, goals }
  console.log(args.includes('--json') ? JSON.stringify(summary) : summary)
}

function hasPeer(): boolean {
  return !args.includes('--no-peer') && existsSync(python)
}

function s3Versions(s3: S3Emulator, table: string): number[] {
  return s3.keys('tables', `${table}/_delta_log/`).flatMap((key) => (/\/\d{20}\.json$/.test(key) ? [Number(key.slice(-25, -5))] : []))
}

async function hdfsVersions(url: string, storage: { readonly user: string }): Promise<number[]> {
  const found: number[] = []
  for await (const page of webhdfsStorage(url, storage).list('_delta_log'))
    found.push(...page.flatMap(({ path }) => (/\/\d{20}\.json$/.test(path) ? [Number(path.slice(-25, -5))] : [])))
  return found
}

async function run(
  engine: 'alluvium' | 'deltalake',
  store: string,
  url: string,
  storage: object,
  versions: () => number[] | Promise<number[]>,
  s3?: S3Emulator,
): Promise<object> {
  s3?.clearLog()
  const children = Array.from({ length: PROCESSES }, (_, who) => start(engine, url, storage, who))
  const lines = children.map((child) => createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]())
  for (const each of lines) await each.next()
  const startMs = Date.now()
  for (const child of children) child.stdin?.write('go\n')
  const writers = await Promise.all(
    lines.map(async (each) => JSON.parse(((await each.next()).value as string | undefined) ?? 'null') as Writer),
  )
  const seconds = (Date.now() - startMs) / 1000
  const took = writers.flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const failures = writers.flatMap((each) => each.failures)
  const found = (await versions()).sort((a, b) => a - b)
  const firstDoneMs = Math.min(...writers.map(({ doneMs }) => doneMs.at(-1) ?? Infinity))
  return {
    ...{ engine, store, committed: took.length, failed: failures.length, firstFailure: failures[0] },
    contiguous: found.every((version, at) => version === at) && found.length === took.length + 1,
    // Of the time each writer spent on its commits; and, harder, of what each had done when the first was through.
    fairness: round(jain(writers.map(({ tookMs }) => tookMs.reduce((sum, ms) => sum + ms, 0)))),
    fairnessAtFirst: round(jain(writers.map(({ doneMs }) => doneMs.filter((ms) => ms <= firstDoneMs).length))),
    perSecond: round(took.length / seconds),
    // Until the first is through: afterwards they are fewer.
    perSecondOfAll: round(
      (writers.flatMap(({ doneMs }) => doneMs.filter((ms) => ms <= firstDoneMs)).length * 1000) / (firstDoneMs - startMs),
    ),
    p50Ms: Math.round(took[Math.floor(took.length / 2)] ?? 0),
    p99Ms: Math.round(took[Math.floor(took.length * 0.99)] ?? 0),
    ...(s3 === undefined ? {} : { requestsPerCommit: round(s3.log.length / took.length), storeMs: round(meanMs(s3)) }),
  }
}

function start(engine: 'alluvium' | 'deltalake', url: string, storage: object, who: number): ChildProcess {
  const words = [url, JSON.stringify(storage), String(who), String(engine === 'alluvium' ? COMMITS : PEER_COMMITS)]
  const stdio = ['pipe', 'pipe', 'ignore'] as ('pipe' | 'ignore')[]
  if (engine === 'deltalake') return spawn(python, ['-c', PEER, ...words], { stdio })
  return spawn(process.execPath, [process.argv[1] as string, '--writer', ...words], { stdio })
}

/** How long the store took for a request, as itself saw it. */
function meanMs({ log }: S3Emulator): number {
  const answered = log.filter((request) => Number.isFinite(request.answered))
  return answered.reduce((sum, { durationMs }) => sum + durationMs, 0) / answered.length
}

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
function jain(shares: readonly number[]): number {
  return shares.reduce((a, b) => a + b, 0) ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0))
}

function round(value: number): number {
  return Number(value.toFixed(3))
}

if (args[0] === '--writer') await writer(args[1] as string, JSON.parse(args[2] as string) as never, Number(args[3]), Number(args[4]))
else await bench()
