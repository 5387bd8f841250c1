// Six rounds of ingest with upkeep between: does reading stay as fast as it was after the first? Each round appends half a million
// rows in two hundred commits, then maintains the table (optimize, checkpoint, cleanup, vacuum); the time of a whole scan
// is taken as the least of some, in a fresh process, and held against the rows there are.
//   node scripts/run.mjs bench/maintained-rounds.ts [--json] [--rounds N] [--commits N]
// Goal: a row of the last round's scan costs at most 1.1 of a row of the first's.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maintain } from '../src/compaction/index.js'
import { double, long, schema, string } from '../src/schema/index.js'
import { createTable, openTable } from '../src/table/index.js'

const GOAL = 1.1
const SCANS = 5
const ROWS_PER_COMMIT = 2500
const args = process.argv.slice(2)
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)

interface Scanned {
  readonly seconds: number
  readonly rows: number
}

const columns = schema({ id: long(), word: string(), note: string(), amount: double() })
const inside = option('--inside')
if (inside !== undefined) console.log(JSON.stringify(await scan(inside)))
else await runAll(Number(option('--rounds') ?? 6), Number(option('--commits') ?? 200))

async function runAll(rounds: number, commits: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-rounds-'))
  try {
    const properties = { 'delta.logRetentionDuration': 'interval 0 seconds', 'delta.deletedFileRetentionDuration': 'interval 0 seconds' }
    await createTable(folder, { schema: columns, properties })
    const perRow: number[] = []
    for (let round = 0; round < rounds; round++) {
      await ingest(folder, round * commits, commits)
      const before = scanApart(folder)
      await upkeep(folder)
      const after = scanApart(folder)
      if (after.rows !== (round + 1) * commits * ROWS_PER_COMMIT || before.rows !== after.rows)
        throw new Error(`${after.rows} rows in round ${round}`)
      perRow.push(after.seconds / after.rows)
      report(folder, round, before, after, (perRow.at(-1) as number) / (perRow[0] as number))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ingest(folder: string, first: number, commits: number): Promise<void> {
  const table = await openTable<unknown, { id: bigint; word: string; note: string; amount: number }>(folder)
  for (let commit = first; commit < first + commits; commit++) {
    const rows = Array.from({ length: ROWS_PER_COMMIT }, (_, i) => {
      const id = commit * ROWS_PER_COMMIT + i
      return { id: BigInt(id), word: `w${(id * 7919) % 1000}`, note: `note ${id} of ${id % 977}`, amount: id / 7 }
    })
    await table.append(rows)
  }
  await table.settled()
}

async function upkeep(folder: string): Promise<void> {
  const table = await openTable(folder)
  const vacuum = { retentionMs: 0, forceRetention: true }
  const { state, steps } = await maintain(table, { optimize: true, checkpoint: 'always', cleanup: true, vacuum, lease: false })
  await table.settled()
  if (state === 'failed') throw new Error(`upkeep failed: ${JSON.stringify(steps)}`)
}

function scanApart(folder: string): Scanned {
  return JSON.parse(execFileSync(process.execPath, [process.argv[1] as string, '--inside', folder], { encoding: 'utf8' })) as Scanned
}

// From opening the table to the last row, the least of some scans: what else the machine does only adds to it.
async function scan(folder: string): Promise<Scanned> {
  let seconds = Number.POSITIVE_INFINITY
  let rows = 0
  for (let i = 0; i < SCANS; i++) {
    const start = performance.now()
    rows = 0
    for await (const batch of (await openTable(folder)).scan().batches()) rows += batch.numRows
    seconds = Math.min(seconds, (performance.now() - start) / 1000)
  }
  return { seconds, rows }
}

function report(folder: string, round: number, before: Scanned, after: Scanned, ratio: number): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.parquet')).length
  const line = {
    bench: 'maintained-rounds',
    round: round + 1,
    rows: after.rows,
    secondsBefore: rounded(before.seconds),
    secondsAfter: rounded(after.seconds),
    filesThere: files,
    logFiles: readdirSync(join(folder, '_delta_log')).length,
    perRowOfFirst: rounded(ratio),
    goal: GOAL,
  }
  console.log(
    args.includes('--json')
      ? JSON.stringify(line)
      : `round ${line.round}: ${line.rows} rows, scan ${line.secondsBefore} s before upkeep and ${line.secondsAfter} s after; ${files} files, ${line.logFiles} in the log; ${line.perRowOfFirst} of the first per row (goal ${GOAL})`,
  )
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
