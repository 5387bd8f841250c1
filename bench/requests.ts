// What operations ask of a store: requests and dependent round trips, counted by the store, so that no machine matters. Opening and
// refreshing a long log on S3; appends with default settings, to a table of that age and to a new one, on S3 and over WebHDFS. delta-rs
// does the same on S3, where ALLUVIUM_PEERS_PYTHON names a Python that has it.
//   node scripts/run.mjs bench/requests.ts [--json] [--versions N] [--behind N]
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import { createTable, long, openTable, schema, type Table } from 'alluvium'
import { dependentRoundTrips, type Emulator, type LoggedRequest, startS3Emulator, startWebHdfsEmulator } from 'alluvium/testing'
import { putVersions } from '../test/table/long-log.js'
import { python } from './peers.js'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const VERSIONS = option('--versions', 100_000)
const BEHIND = option('--behind', 10)
const APPENDS = 200
/** Each lists the whole log again. */
const PEER_APPENDS = 20

interface Counted {
  readonly requests: number
  readonly roundTrips: number
}

await using s3 = await startS3Emulator({ latencyMs: 10 })
const log = { versions: VERSIONS, checkpoint: VERSIONS - BEHIND, liveFiles: 3000 }
for (const table of ['ours', 'theirs']) await putVersions(s3, 'tables', table, log)
const storage = { endpoint: s3.endpoint, region: s3.region, ...s3.credentials }
const columns = schema({ id: long() })

function counted(requests: readonly LoggedRequest[] = s3.log): Counted {
  return { requests: requests.length, roundTrips: dependentRoundTrips(requests) }
}

async function count(work: () => Promise<unknown>): Promise<Counted> {
  s3.clearLog()
  await work()
  return counted()
}

const isData = ({ path }: LoggedRequest): boolean => path.includes('.parquet') && !path.includes('_delta_log')

/** What a request of an append is for. */
function purpose({ path, kind }: LoggedRequest): string {
  if (/\d{20}\.json/.test(path))
    return kind === 'PutObject' || kind === 'CREATE' || kind === 'RENAME' || path.includes('.tmp') ? 'commit' : 'looks'
  if (/\.crc/.test(path)) return 'checksum'
  return /checkpoint|^tables$|^LIST/.test(path) || kind.startsWith('LIST') || kind.startsWith('List') ? 'checkpoints and cleaning' : 'other'
}

interface Appends {
  readonly perAppend: number
  readonly by: Record<string, number>
}

/** Requests beyond the data files, of one append on average and by what they are for. */
function beyondData(log: readonly LoggedRequest[], appends: number): Appends {
  const by: Record<string, number> = {}
  const beyond = log.filter((request) => !isData(request))
  for (const request of beyond) by[purpose(request)] = (by[purpose(request)] ?? 0) + 1 / appends
  return { perAppend: beyond.length / appends, by: Object.fromEntries(Object.entries(by).map(([name, n]) => [name, Number(n.toFixed(3))])) }
}

async function appends(store: Emulator, table: Table<{ id: bigint }>): Promise<Appends> {
  // The first one of a process tries whether the store honours conditions.
  await table.append([{ id: 0n }])
  await table.settled()
  store.clearLog()
  for (let i = 0; i < APPENDS; i++) await table.append([{ id: BigInt(i) }])
  await table.settled()
  return beyondData(store.log, APPENDS)
}

s3.clearLog()
const table = (await openTable('s3://tables/ours', { storage, schema: columns })) as Table<{ id: bigint }>
const open = counted()
const refresh = await count(() => table.snapshot())
s3.setLatency(0)
await using hdfs = await startWebHdfsEmulator()
const created = (url: string, options: object): Promise<Table<{ id: bigint }>> =>
  createTable(url, { schema: columns, storage: options }) as Promise<Table<{ id: bigint }>>
const requestsPerAppendBeyondData = {
  'S3, old table': await appends(s3, table),
  'S3, new table': await appends(s3, await created('s3://tables/ours-new', storage)),
  // HTTP requests: an operation of HDFS is up to four of them.
  'WebHDFS, new table, HTTP': await appends(hdfs, await created(`${hdfs.url}/tables/ours-new`, { user: hdfs.user })),
}
s3.setLatency(10)
const ours = { open, refreshWithoutNews: refresh, requestsPerAppendBeyondData }

const PEER = `
import sys, pyarrow as pa, deltalake
from deltalake import DeltaTable, write_deltalake
options = {"AWS_ALLOW_HTTP": "true", "conditional_put": "etag"}
uri = "s3://tables/theirs"
one = pa.table({"id": pa.array([1], pa.int64())})
def step(name):
    print(name, flush=True)
    sys.stdin.readline()
step(deltalake.__version__)
table = DeltaTable(uri, storage_options=options)
step("open")
table.update_incremental()
step("refresh")
write_deltalake(table, one, mode="append")
step("first append")
for i in range(${PEER_APPENDS}):
    write_deltalake(table, one, mode="append")
step("appends")
`

/** The peer stops after each step, so that each can be counted. */
async function runPeer(): Promise<object> {
  const child = spawn(python, ['-c', PEER], { env: { ...process.env, ...s3.env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const found: Record<string, unknown> = {}
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'open') found.open = counted()
    else if (line === 'refresh') found.refreshWithoutNews = counted()
    else if (line === 'appends') found.requestsPerAppendBeyondData = { 'S3, old table': beyondData(s3.log, PEER_APPENDS) }
    else if (line !== 'first append') found.version = line
    s3.clearLog()
    child.stdin.write('\n')
  }
  return found
}

const peer = existsSync(python) ? await runPeer() : 'skipped: no Python with deltalake'
const result = {
  bench: 'requests',
  versions: VERSIONS,
  behindCheckpoint: BEHIND,
  alluvium: ours,
  deltalake: peer,
  goals: { 'open.roundTrips': '<= 3', requestsPerAppendBeyondData: '<= 2.1 on S3', 'refreshWithoutNews.requests': 1 },
}
console.log(args.includes('--json') ? JSON.stringify(result) : inspect(result, { depth: 6 }))
