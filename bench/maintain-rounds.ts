// Six rounds of ingest in small commits with `maintain` between: does reading stay as fast as after the first? Once with the same
// rows in every round (what was there before is replaced, so only log and tombstones grow), once with rows that are added (time by
// row). Beside it, the same without maintenance. A scan is a cold open and every row;
// each round's end is read as that version, from the table as it is after the last. Times are of the processor, the least of many: files
// are in memory, and what else the machine does is not counted. Goal: the last at most 1.1 of the first.
//
// Reached (two cores, Node 20): 0.67 to 0.87 with the same rows, 0.54 to 1.08 with rows added; without maintenance a scan takes twice to three times as long.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, double, long, maintain, openTable, schema, string } from 'alluvium'

const ROUNDS = 6
const COMMITS = Number(process.env.ALLUVIUM_COMMITS ?? 80)
const ROWS = Number(process.env.ALLUVIUM_ROWS ?? 5000)
const SCANS = 15
const json = process.argv.includes('--json')

const columns = schema({ id: long().notNull(), name: string(), score: double() })

function rowsOf(commit: number): { id: bigint; name: string; score: number }[] {
  return Array.from({ length: ROWS }, (_, n) => ({ id: BigInt(commit * ROWS + n), name: `player ${(n * 7919) % 1000}`, score: n / 3 }))
}

async function scanOnce(path: string, version: number, least: number): Promise<number> {
  const start = process.cpuUsage()
  let rows = 0
  const snapshot = await (await openTable(path, { version })).snapshot({ version })
  for await (const batch of snapshot.scan().batches()) rows += batch.numRows
  if (rows < least) throw new Error(`${rows} rows are too few`)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

// All rounds in turn, again and again, so that what else the machine does meets each alike; the least counts.
async function scans(path: string, versions: readonly number[]): Promise<number[]> {
  const best = versions.map(() => Number.POSITIVE_INFINITY)
  for (let n = 0; n < SCANS; n++)
    for (const [at, version] of versions.entries()) best[at] = Math.min(best[at] as number, await scanOnce(path, version, COMMITS * ROWS))
  return best
}

async function rounds(replace: boolean, maintained: boolean): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-rounds-'))
  try {
    const path = join(folder, 'table')
    const table = await createTable(path, { schema: columns, ...(maintained ? {} : { upkeep: 'none' as const }) })
    const versions: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (let commit = 0; commit < COMMITS; commit++) {
        if (replace && commit === 0) await table.overwrite(rowsOf(0))
        else await table.append(rowsOf(replace ? commit : round * COMMITS + commit))
      }
      await table.settled()
      if (maintained) {
        const { state } = await maintain(await openTable(path))
        if (state !== 'done') throw new Error(`maintain ended ${state}`)
      }
      versions.push((await table.snapshot()).version)
    }
    return (await scans(path, versions)).map((time, at) => time / (replace ? 1 : at + 1))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const results: Record<string, unknown>[] = []
for (const replace of [true, false]) {
  for (const maintained of [true, false]) {
    const times = (await rounds(replace, maintained)).map((time) => Math.round(time * 10) / 10)
    const ratio = Math.round(((times.at(-1) as number) / (times[0] as number)) * 100) / 100
    results.push({ rows: replace ? 'the same' : 'added, time by round', maintained, cpuMs: times, lastToFirst: ratio })
    if (!json)
      console.log(
        `${replace ? 'the same rows in every round' : 'rows added, time by round    '}  ${maintained ? 'maintained    ' : 'not maintained'}  ${times.join(' ')} ms  last/first ${ratio}`,
      )
  }
}
if (json) console.log(JSON.stringify({ name: 'maintain-rounds', commits: COMMITS, rowsPerCommit: ROWS, results }))
