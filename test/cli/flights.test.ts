// Real flight records through the command line, killed on the way and run again: each record is in the table once, says
// DuckDB, reading the live files against the records themselves.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

const FLIGHTS = resolve(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-200k.json')
const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js')
const RECORDS = 200_000
const CHUNK_BYTES = 64 * 1024

test('flights from stdin, killed twice on the way, are in the table once each', async () => {
  const table = join(await scratchFolder(), 'flights')
  const words = ['ingest', table, '-', '--create', '--app-id', 'flights', '--flush-rows', '15000', '--json']
  const input = readFileSync(FLIGHTS)

  await killedAfterCommits(words, table, input, 2)
  const first = await rowsWritten(table)
  expect(first).toBeGreaterThanOrEqual(20_000)
  expect(first).toBeLessThan(RECORDS)
  await killedAfterCommits(words, table, input, (await commits(table)) + 2)
  const second = await rowsWritten(table)
  expect(second).toBeGreaterThan(first)
  expect(second).toBeLessThan(RECORDS)

  const last = await alluvium(words, { stdin: input })
  expect(last).toMatchObject({ status: 0 })
  expect(jsonLines(last.stdout)).toMatchObject([{ rowsRead: RECORDS, rowsWritten: RECORDS - second, rowsDuplicate: second }])
  await sameAsTheRecords(table)

  // Once more, with nothing left to do: not even an empty version.
  const versions = await commits(table)
  const again = await alluvium(words, { stdin: input })
  expect(jsonLines(again.stdout)).toMatchObject([{ rowsWritten: 0, rowsDuplicate: RECORDS }])
  expect(await commits(table)).toBe(versions)
}, 180_000)

/** Versions after the one that made the table. */
async function commits(table: string): Promise<number> {
  const names = await readdir(join(table, '_delta_log')).catch(() => [])
  return Math.max(0, names.filter((name) => /^\d{20}\.json$/.test(name)).length - 1)
}

async function rowsWritten(table: string): Promise<number> {
  const files = jsonLines((await alluvium(['files', table, '--json'])).stdout)
  return files.reduce((sum, { stats }) => sum + (stats as { numRecords: number }).numRecords, 0)
}

// Feeds the input and kills the program once the log has so many commits, while input is still coming.
async function killedAfterCommits(words: readonly string[], table: string, input: Uint8Array, wanted: number): Promise<void> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<NodeJS.Signals | null>((done) => child.once('exit', (_, signal) => done(signal)))
  for (let at = 0; at + CHUNK_BYTES < input.length && (await commits(table)) < wanted; at += CHUNK_BYTES) {
    if (child.exitCode !== null) throw new Error(`ingest ended by itself: ${said}`)
    if (!child.stdin.write(input.subarray(at, at + CHUNK_BYTES))) await new Promise((drained) => child.stdin.once('drain', drained))
  }
  // Whatever was fed is not the end of the input, so the program waits for more until it is killed.
  for (let waited = 0; (await commits(table)) < wanted; waited++) {
    if (waited > 1000) throw new Error(`no ${wanted} commits came: ${said}`)
    await new Promise((next) => setTimeout(next, 20))
  }
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
}

async function sameAsTheRecords(table: string): Promise<void> {
  const files = jsonLines((await alluvium(['files', table, '--json'])).stdout).map(({ path }) =>
    join(table, decodeURIComponent(path as string)),
  )
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`
  const query = async (sql: string): Promise<unknown> => (await connection.runAndReadAll(sql)).getRowObjectsJson()
  await connection.run(`CREATE VIEW ours AS SELECT delay, distance, "time" FROM read_parquet([${files.map(quote).join(', ')}])`)
  await connection.run(`CREATE VIEW records AS SELECT delay, distance, "time" FROM read_json(${quote(FLIGHTS)}, format = 'array')`)
  const sums = (view: string): string =>
    `SELECT count(*) AS n, sum(delay)::BIGINT AS delay, sum(distance)::BIGINT AS distance, sum(("time" * 1e6)::BIGINT)::BIGINT AS micros, count(delay) AS known FROM ${view}`
  expect(await query(sums('ours'))).toEqual(await query(sums('records')))
  expect(await query('SELECT count(*)::INTEGER AS n FROM ours')).toEqual([{ n: RECORDS }])
  // Records are not unique by themselves, so how often each comes must agree.
  const often = (view: string): string => `SELECT delay, distance, "time", count(*) AS times FROM ${view} GROUP BY ALL`
  for (const [one, other] of [
    ['ours', 'records'],
    ['records', 'ours'],
  ] as const) {
    expect(await query(`SELECT count(*)::INTEGER AS n FROM (${often(one)} EXCEPT ${often(other)})`)).toEqual([{ n: 0 }])
  }
  connection.closeSync()
  database.closeSync()
}
