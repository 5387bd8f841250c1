// npm run demo: a million game events from four sources into a local Delta table, exactly once, through a kill.
//
// A writer process streams the events; some are delivered twice, some late. It is killed in the middle with SIGKILL and
// started again: it asks the table how far each source had come and goes on. Then the table is read, and read as it was.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createStreamWriter, createTable, openTable } from 'alluvium'
import { gameEvent, gameEvents } from './game-events.js'

const EVENTS = Number(process.env.DEMO_EVENTS ?? 1_000_000)
const SEED = Number(process.env.DEMO_SEED ?? 7)
const SOURCES = 4
const PER_SOURCE = EVENTS / SOURCES
const BATCH = 1000
const REDELIVERED = 100

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The writer process: what a Kafka consumer would do, with the generator in Kafka's place. */
async function write(path: string): Promise<void> {
  const table = await openTable(path, { schema: gameEvents })
  await using writer = await createStreamWriter(table, {
    appId: 'demo',
    linger: { ms: 500, rows: 50_000 },
    onCommit: ({ version, numRows }) => console.log(JSON.stringify({ version, numRows })),
  })
  const next = Array.from({ length: SOURCES }, (_, source) => Number(writer.positionOf('game', source) ?? -1n) + 1)
  console.log(JSON.stringify({ resumedAt: next }))
  while (next.some((offset) => offset < PER_SOURCE)) {
    for (let source = 0; source < SOURCES; source++) {
      const from = next[source] as number
      if (from >= PER_SOURCE) continue
      // Every now and then the last records of the batch before come again.
      const first = from >= 10 * BATCH && (from / BATCH) % 7 === 0 ? from - REDELIVERED : from
      const last = Math.min(PER_SOURCE, from + BATCH) - 1
      const rows = Array.from({ length: last - first + 1 }, (_, i) => gameEvent(source, first + i, SOURCES, SEED))
      await writer.write(rows, { source: 'game', partition: source, firstOffset: first, lastOffset: last })
      next[source] = last + 1
    }
  }
  await writer.close()
  console.log(JSON.stringify({ metrics: writer.metrics }))
}

interface Progress {
  rows: number
  commits: number
  duplicates: number
  resumedAt?: number[]
}

/** Runs a writer process, killing it after `killAfterRows` committed rows if asked. */
async function runWriter(path: string, killAfterRows = Number.POSITIVE_INFINITY): Promise<Progress> {
  const child: ChildProcess = spawn(process.execPath, ['--enable-source-maps', process.argv[1] as string, 'write', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: process.env,
  })
  const progress: Progress = { rows: 0, commits: 0, duplicates: 0 }
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const message = JSON.parse(line) as { numRows?: number; resumedAt?: number[]; metrics?: { rowsDuplicate: number } }
    if (message.resumedAt !== undefined) progress.resumedAt = message.resumedAt
    if (message.metrics !== undefined) progress.duplicates = message.metrics.rowsDuplicate
    if (message.numRows !== undefined) {
      progress.rows += message.numRows
      progress.commits++
      if (progress.rows >= killAfterRows) child.kill('SIGKILL')
    }
  }
  const code = await ended
  if (code !== 0 && killAfterRows === Number.POSITIVE_INFINITY) throw new Error(`the writer process ended with status ${code}`)
  return progress
}

async function demo(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-demo-'))
  const path = join(folder, 'game_events')
  try {
    await createTable(path, { schema: gameEvents, name: 'game_events' })
    console.log(`A table at ${path}`)
    console.log(`Streaming ${EVENTS.toLocaleString('en')} events from ${SOURCES} sources (seed ${SEED}) …`)
    const started = performance.now()
    const first = await runWriter(path, EVENTS * 0.4)
    console.log(`  killed the writer with SIGKILL after ${first.rows.toLocaleString('en')} acknowledged rows in ${first.commits} commits`)
    await wait(100)
    const second = await runWriter(path)
    const seconds = (performance.now() - started) / 1000
    console.log(`  a new writer resumed at ${second.resumedAt?.join(', ')} and committed the rest in ${second.commits} commits`)
    console.log(`  ${second.duplicates.toLocaleString('en')} redelivered rows dropped by the second writer`)
    console.log(
      `  ${Math.round(EVENTS / seconds).toLocaleString('en')} events a second over all, the kill included (${seconds.toFixed(1)} s)`,
    )
    await check(path)
    await report(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Exactly once: every event id is there, and none twice. */
async function check(path: string): Promise<void> {
  const table = await openTable(path, { schema: gameEvents })
  const seen = new Uint8Array(EVENTS)
  let rows = 0
  for await (const batch of table.scan({ columns: ['event_id'] }).batches()) {
    for (const id of batch.getChildAt(0) as Iterable<bigint>) {
      rows++
      if (seen[Number(id)]++ !== 0) throw new Error(`event ${id} is in the table twice`)
    }
  }
  if (rows !== EVENTS) throw new Error(`${rows} rows in the table, ${EVENTS} events sent`)
  console.log(`Exactly once: ${rows.toLocaleString('en')} rows, every event id there, none twice`)
}

async function report(path: string): Promise<void> {
  const table = await openTable(path, { schema: gameEvents })
  const started = performance.now()
  const byCountry = new Map<string, { matches: number; score: number }>()
  const scan = table.scan({ columns: ['country', 'score'], where: "kind = 'match_end' AND country IS NOT NULL" })
  let rows = 0
  for await (const { country, score } of scan.rows()) {
    const sum = byCountry.get(country as string) ?? { matches: 0, score: 0 }
    sum.matches++
    sum.score += score ?? 0
    byCountry.set(country as string, sum)
    rows++
  }
  const ms = performance.now() - started
  console.log(`Average score by country, over ${rows.toLocaleString('en')} matches (read in ${Math.round(ms)} ms):`)
  for (const [country, { matches, score }] of [...byCountry]
    .sort((a, b) => b[1].score / b[1].matches - a[1].score / a[1].matches)
    .slice(0, 4)) {
    console.log(`  ${country}  ${(score / matches).toFixed(2)}  (${matches.toLocaleString('en')} matches)`)
  }
  const latest = await table.snapshot()
  const middle = await table.snapshot({ version: Math.floor(latest.version / 2) })
  console.log(
    `Time travel: version ${middle.version} had ${(await middle.scan({ columns: ['event_id'] }).count()).toLocaleString('en')} rows in ${middle.numFiles} files;`,
  )
  console.log(
    `  version ${latest.version} has ${EVENTS.toLocaleString('en')} in ${latest.numFiles} files, ${(latest.sizeBytes / 2 ** 20).toFixed(1)} MiB`,
  )
}

const [mode, path] = process.argv.slice(2)
await (mode === 'write' ? write(path as string) : demo())
