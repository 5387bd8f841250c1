// NDJSON messages of 0.9 kB through the decoder and the streaming append into a local table: exactly once, durable.
//   node scripts/run.mjs bench/stream-ingest.ts [--json] [--rounds N]            against delta-rs, a commit each 20,000 messages
//   node scripts/run.mjs bench/stream-ingest.ts --seconds 600 [--json]           a long run with 1 s commits, for memory
// Each of our runs is a process of its own, as the peers' are. The messages are the peers' own where they are there.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createStreamWriter, createTable, openTable, parseColumns } from 'alluvium'
import { createDecoder } from '../src/formats/index.js'
import { median, peerData, runPeer } from './peers.js'

const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const COLUMNS =
  'id long, ts long, user string, kind string, amount double, ok boolean, ip string, agent string, path string, tags string, body string'
const MESSAGES = 200_000
const CHUNK_BYTES = 1 << 20

function messagesFile(): string {
  const theirs = path.join(peerData, 'messages-200k-b/messages.ndjson')
  if (fs.existsSync(theirs)) return theirs
  const own = path.join(os.tmpdir(), 'alluvium-bench-messages.ndjson')
  if (!fs.existsSync(own)) fs.writeFileSync(own, makeMessages())
  return own
}

function makeMessages(): string {
  let state = 20261124
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const hex = (): string =>
    random(2 ** 32)
      .toString(16)
      .padStart(8, '0')
  const many = (count: number, make: () => string): string[] => Array.from({ length: count }, make)
  const lines: string[] = []
  for (let i = 0; i < MESSAGES; i++) {
    lines.push(
      JSON.stringify({
        id: i,
        ts: 1_700_000_000_000 + i,
        user: `user-${random(100_000)}`,
        kind: `kind-${random(20)}`,
        amount: random(100_000) / 100,
        ok: random(10) < 9,
        ip: `10.${random(256)}.${random(256)}.${random(256)}`,
        agent: `agent/${random(100)}.${random(10)} (x; y) `.repeat(3),
        path: `/${many(16, hex).join('/')}`,
        tags: many(52, () => `t${random(500)}`).join(','),
        body: many(32, hex).join(''),
      }),
    )
  }
  return `${lines.join('\n')}\n`
}

interface Ingested {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakRssMb: number
  readonly bytes: number
  readonly messages: number
  readonly commits: number
  readonly rssMbByMinute?: number[]
}

/** Streams the file (again and again until `forSeconds`) into a fresh table. */
async function ingest(file: string, linger: { ms: number; rows?: number }, forSeconds: number): Promise<Ingested> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'alluvium-ingest-'))
  const schema = parseColumns(COLUMNS)
  const table = await createTable(path.join(folder, 'table'), { schema })
  const cpu = process.cpuUsage()
  const started = performance.now()
  const elapsed = (): number => (performance.now() - started) / 1000
  const rssMbByMinute: number[] = []
  let commits = 0
  let bytes = 0
  let record = 0
  let isOver = false
  const writer = await createStreamWriter(table, {
    appId: 'bench',
    linger,
    onCommit: () => {
      commits++
      if (elapsed() / 60 >= rssMbByMinute.length) rssMbByMinute.push(Math.round(process.memoryUsage.rss() / 2 ** 20))
    },
  })
  const chunk = new Uint8Array(CHUNK_BYTES)
  do {
    const decoder = createDecoder('ndjson', schema, { rowsPerBatch: 20_000 })
    const before = record
    const fd = fs.openSync(file, 'r')
    const take = async (batches: ReturnType<typeof decoder.push>): Promise<void> => {
      for (const { batch, firstRecord, records, faults } of batches) {
        if (faults.length > 0) throw new Error(`a bad message: ${JSON.stringify(faults[0])}`)
        await writer.write(batch, {
          source: 'file',
          partition: 0,
          firstOffset: before + firstRecord,
          lastOffset: before + firstRecord + records - 1,
        })
        record = before + firstRecord + records
      }
    }
    for (;;) {
      const read = fs.readSync(fd, chunk)
      if (read === 0) break
      bytes += read
      await take(decoder.push(chunk.subarray(0, read)))
      isOver = forSeconds > 0 && elapsed() > forSeconds
      if (isOver) break
    }
    // Where time ran out, the last record is cut off.
    if (!isOver) await take(decoder.end())
    fs.closeSync(fd)
    // A long run must not fill the disk: data files of old commits are not needed for what it measures.
    if (forSeconds > 0)
      for (const name of fs.readdirSync(path.join(folder, 'table')))
        if (name.endsWith('.parquet')) fs.truncateSync(path.join(folder, 'table', name))
  } while (forSeconds > 0 && !isOver)
  await writer.close()
  const seconds = elapsed()
  const used = process.cpuUsage(cpu)
  if (forSeconds === 0) {
    const rows = await (await openTable(path.join(folder, 'table'))).scan({ columns: ['id'] }).count()
    if (rows !== record) throw new Error(`${rows} rows in the table, ${record} messages sent`)
  }
  fs.rmSync(folder, { recursive: true, force: true })
  return {
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    bytes,
    messages: record,
    commits,
    ...(forSeconds > 0 ? { rssMbByMinute } : {}),
  }
}

function ours(file: string): Ingested {
  const ran = spawnSync(process.execPath, [process.argv[1] as string, '--inside', file], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Ingested
}

const inside = option('--inside')
const seconds = Number(option('--seconds') ?? 0)
if (inside !== undefined) console.log(JSON.stringify(await ingest(inside, { ms: 1000, rows: 20_000 }, 0)))
else if (seconds > 0) {
  const long = await ingest(messagesFile(), { ms: 1000 }, seconds)
  const result = {
    bench: 'stream-ingest-long',
    megabytesPerSecond: Number((long.bytes / long.seconds / 1e6).toFixed(1)),
    ...long,
    goals: { peakRssMb: '<= 500, flat' },
  }
  console.log(args.includes('--json') ? JSON.stringify(result) : result)
} else compare(Number(option('--rounds') ?? 5))

function compare(rounds: number): void {
  runPeer('b07_ingest.py', 'deltalake/pyarrow.json reader') // makes the messages
  const file = messagesFile()
  const rates = { ours: [] as number[], dicts: [] as number[], pyarrow: [] as number[] }
  let last: Ingested | undefined
  for (let round = 0; round < rounds; round++) {
    last = ours(file)
    rates.ours.push(last.bytes / last.seconds / 1e6)
    const bytes = last.bytes
    for (const [name, peerCase] of [
      ['dicts', 'json.loads, dicts'],
      ['pyarrow', 'pyarrow.json reader'],
    ] as const) {
      const peer = runPeer('b07_ingest.py', `deltalake/${peerCase}`)
      if (peer !== undefined) rates[name].push(bytes / peer.seconds / 1e6)
    }
  }
  const rate = (values: readonly number[]): number | null => (values.length === 0 ? null : Number(median(values).toFixed(1)))
  const ratio = (to: readonly number[]): number | null => (to.length === 0 ? null : Number((median(rates.ours) / median(to)).toFixed(2)))
  const result = {
    bench: 'stream-ingest',
    rounds,
    oursMBps: rate(rates.ours),
    deltalakeFromDictsMBps: rate(rates.dicts),
    deltalakeFromPyarrowJsonMBps: rate(rates.pyarrow),
    ratioToDicts: ratio(rates.dicts),
    ratioToPyarrowJson: ratio(rates.pyarrow),
    messagesPerSecond: last === undefined ? null : Math.round(last.messages / last.seconds),
    cpuSeconds: last?.cpuSeconds,
    peakRssMb: last?.peakRssMb,
    goals: { ratioToDicts: '>= 1.0', ratioToPyarrowJson: 'goal >= 1.0', peakRssMb: '<= 500' },
  }
  console.log(args.includes('--json') ? JSON.stringify(result) : result)
}
