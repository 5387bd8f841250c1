// What operations ask of an S3 store: requests and dependent round trips, counted by the store, so that no machine matters. delta-rs does
// the same on the same table, where ALLUVIUM_PEERS_PYTHON names a Python that has it.
//   node scripts/run.mjs bench/requests.ts [--json] [--versions N] [--behind N]
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { long, openTable, schema } from 'alluvium'
import { dependentRoundTrips, type LoggedRequest, startS3Emulator } from 'alluvium/testing'
import { putVersions } from '../test/table/long-log.js'
import { python } from './peers.js'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const VERSIONS = option('--versions', 100_000)
const BEHIND = option('--behind', 10)
const APPENDS = 100
/** Each lists the whole log again. */
const PEER_APPENDS = 10

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

const isData = ({ method, path }: LoggedRequest): boolean => method === 'PUT' && path.endsWith('.parquet') && !path.includes('_delta_log')

s3.clearLog()
const table = await openTable('s3://tables/ours', { storage, schema: columns })
const open = counted()
const refresh = await count(() => table.snapshot())
await table.append([{ id: 0n }])
await table.settled()
s3.clearLog()
for (let i = 0; i < APPENDS; i++) await table.append([{ id: BigInt(i) }])
await table.settled()
const beyondData = s3.log.filter((request) => !isData(request)).length / APPENDS
const ours = { open, refreshWithoutNews: refresh, requestsPerAppendBeyondData: beyondData }

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
    else if (line === 'appends') found.requestsPerAppendBeyondData = s3.log.filter((request) => !isData(request)).length / PEER_APPENDS
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
  goals: { 'open.roundTrips': '<= 3', requestsPerAppendBeyondData: '<= 2.1', 'refreshWithoutNews.requests': 1 },
}
console.log(args.includes('--json') ? JSON.stringify(result) : result)
