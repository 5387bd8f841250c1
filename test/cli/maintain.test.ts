// maintain as a process: its JSON, its logs, its exit status, its lease, and how it stops.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTable, long, openStorage, openTable, schema, string } from 'alluvium'
import { startS3Emulator } from 'alluvium/testing'
import { beforeAll, expect, test } from 'vitest'
import { takeLease } from '../../src/compaction/lease.js'
import { systemRuntime } from '../../src/runtime.js'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

let folder: string
beforeAll(async () => {
  folder = await scratchFolder()
})

async function smallFiles(name: string, appends: number): Promise<string> {
  const path = join(folder, name)
  const table = await createTable(path, { schema: schema({ id: long(), p: string() }) })
  for (let n = 0; n < appends; n++) await table.append([{ id: BigInt(n), p: 'x' }])
  await table.settled()
  return path
}

const ids = async (path: string): Promise<number[]> =>
  (await (await openTable(path)).scan().toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)

test('says in one object what was read, written and removed, and in its log what happened, the summary last', async () => {
  const path = await smallFiles('one', 4)
  const ran = await alluvium(['maintain', path, '--json'])
  expect(ran.status).toBe(0)
  const [result, ...more] = jsonLines(ran.stdout)
  expect(more).toEqual([])
  expect(result).toMatchObject({
    done: 1,
    failed: 0,
    before: { files: 4 },
    after: { files: 1 },
    filesRead: 4,
    filesRemoved: 4,
    versions: [5],
  })
  expect(result?.tables).toMatchObject([
    {
      table: path,
      state: 'done',
      steps: [{ step: 'optimize', groups: [{ filesRead: 4 }] }, { step: 'checkpoint', state: 'done' }, {}, {}],
    },
  ])
  const log = jsonLines(ran.stderr)
  expect(log.map(({ event, step }) => [event, step].filter(Boolean).join(' '))).toEqual([
    'table.start',
    'step.start optimize',
    'step.end optimize',
    'step.start checkpoint',
    'step.end checkpoint',
    'step.start cleanup',
    'step.end cleanup',
    'step.start vacuum',
    'step.end vacuum',
    'table.end',
    'summary',
  ])
  for (const line of log) expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(await ids(path)).toEqual([0, 1, 2, 3])
})

test('goes through many tables: one that fails keeps none from its turn, and gives the exit status', async () => {
  const first = await smallFiles('many-a', 3)
  const last = await smallFiles('many-b', 3)
  const missing = join(folder, 'many-none')
  const prom = join(folder, 'many.prom')
  const ran = await alluvium(['maintain', first, missing, last, '--metrics-file', prom])
  expect(ran.status).toBe(3)
  expect(ran.stdout).toMatch(/3 files of .* are now 1 file of/)
  expect(ran.stderr.split('\n').filter((line) => line.startsWith('alluvium:'))).toEqual([
    expect.stringContaining(`1 of 3 tables could not be maintained; ${missing}`),
  ])
  expect((await (await openTable(last)).snapshot()).numFiles).toBe(1)
  const metrics = readFileSync(prom, 'utf8')
  expect(metrics).toContain(`alluvium_table_files{table="${first}"} 1\n`)
  expect(metrics).toContain(`alluvium_maintain_state{table="${missing}",state="failed"} 1\n`)
})

test('takes its tables and settings from a config', async () => {
  const path = await smallFiles('configured/events', 3)
  await smallFiles('configured/users', 2)
  const config = join(folder, 'maintain.json')
  writeFileSync(
    config,
    JSON.stringify({ defaults: { steps: { vacuum: false } }, tables: ['configured/*', { url: path, steps: { optimize: false } }] }),
  )
  const [result] = jsonLines((await alluvium(['maintain', '--config', config, '--json'])).stdout)
  const tables = result?.tables as { table: string; after: { files: number }; steps: { state: string }[] }[]
  expect(
    tables.map(({ table, after, steps }) => [table.slice(folder.length + 1), after.files, steps.map(({ state }) => state).join()]),
  ).toEqual([
    ['configured/events', 3, 'off,done,nothing,off'],
    ['configured/users', 1, 'done,done,nothing,off'],
  ])
})

test('of a wrong config or line is wrong usage', async () => {
  const config = join(folder, 'wrong.json')
  writeFileSync(config, JSON.stringify({ tables: ['x'], every: 'often', storage: { secretAccessKey: 'hunter2' } }))
  const ran = await alluvium(['maintain', '--config', config])
  expect(ran.status).toBe(2)
  expect(ran.stderr).toContain('every: must be a duration')
  expect(ran.stderr).toContain('storage: there is no such setting')
  expect(ran.stderr).not.toContain('hunter2')
  for (const words of [
    [],
    ['x', '--every', '10m', '--cron', '* * * * *'],
    ['x', '--steps', 'vacum'],
    ['x', '--cron', 'never'],
    ['x', '--every', '1ms'],
  ])
    expect((await alluvium(['maintain', ...words])).status, words.join(' ')).toBe(2)
})

test('skips a table that another is at, tells who until when, and that is no failure', async () => {
  const path = await smallFiles('leased', 3)
  const lease = await takeLease(await openStorage(path), systemRuntime, { name: 'host-b, process 7' })
  const ran = await alluvium(['maintain', path, '--json'])
  expect(ran.status).toBe(0)
  expect(jsonLines(ran.stdout)[0]).toMatchObject({
    skipped: 1,
    tables: [{ state: 'skipped', heldBy: { name: 'host-b, process 7', until: expect.stringMatching(/Z$/) } }],
  })
  expect((await alluvium(['maintain', path])).stdout).toContain('skipped, is being maintained by host-b, process 7 until')
  if (lease.kind === 'held') await lease.release()
  expect(jsonLines((await alluvium(['maintain', path, '--json'])).stdout)[0]).toMatchObject({ done: 1, after: { files: 1 } })
})

interface Running {
  readonly lines: Record<string, unknown>[]
  readonly ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
  /** Waits for a line of the log. */
  seen(event: string): Promise<void>
}

function start(words: readonly string[]): Running {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: Record<string, unknown>[] = []
  let rest = ''
  let wake = (): void => undefined
  child.stderr.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() as string
    // The last line of a run that ends with an error is for people, unless --json was asked for.
    lines.push(...parts.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>))
    wake()
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  void ended.then(() => wake())
  let isOver = false
  void ended.then(() => (isOver = true))
  return {
    lines,
    ended,
    kill: (signal) => void child.kill(signal),
    seen: async (event) => {
      while (!lines.some((line) => line.event === event)) {
        if (isOver) throw new Error(`ended without ${event}: ${JSON.stringify(lines)}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

test('that is asked to stop gives its lease back, tells the summary, and ends with 130', async () => {
  const path = await smallFiles('stopped', 40)
  const run = start(['maintain', path, '--json', '--target-size', '600b'])
  await run.seen('step.start')
  run.kill('SIGTERM')
  expect(await run.ended).toBe(130)
  expect(run.lines.at(-1)).toMatchObject({ code: 'ABORTED' })
  expect(run.lines.at(-2)).toMatchObject({ event: 'summary', stopped: 1 })
  const log = join(path, '_delta_log/_alluvium')
  const [last, ...more] = readdirSync(log)
  expect(more).toEqual([])
  expect(JSON.parse(readFileSync(join(log, last as string), 'utf8'))).toMatchObject({ released: true })
  expect(await ids(path)).toEqual(Array.from({ length: 40 }, (_, n) => n))
})

test('on a schedule runs again and again, finds tables that have come since, and stops when asked to', async () => {
  await smallFiles('lake/a', 2)
  const config = join(folder, 'lake.json')
  writeFileSync(config, JSON.stringify({ tables: ['lake/*'], every: '1s' }))
  const run = start(['maintain', '--config', config])
  await run.seen('wait')
  await smallFiles('lake/b', 2)
  const counts = (): unknown[] => run.lines.filter(({ event }) => event === 'summary').map(({ done }) => done)
  while (counts().at(-1) !== 2) await new Promise((resolve) => setTimeout(resolve, 50))
  run.kill('SIGINT')
  expect(await run.ended).toBe(130)
  expect(counts()[0]).toBe(1)
})

test('that was killed leaves a lease which the next run knows to be a dead one’s', async () => {
  const path = await smallFiles('killed', 30)
  const run = start(['maintain', path, '--target-size', '600b'])
  await run.seen('step.start')
  run.kill('SIGKILL')
  await run.ended
  const [result] = jsonLines((await alluvium(['maintain', path, '--json'])).stdout)
  // Elsewhere than on Linux nobody can tell, and the lease has to end.
  if (process.platform === 'linux') expect(result).toMatchObject({ done: 1, skipped: 0 })
  expect(await ids(path)).toEqual(Array.from({ length: 30 }, (_, n) => n))
})

test('prints the schema of its config', async () => {
  const ran = await alluvium(['maintain', '--print-schema'])
  expect([ran.status, ran.stderr]).toEqual([0, ''])
  expect(JSON.parse(ran.stdout)).toEqual(JSON.parse(readFileSync(new URL('../../docs/maintain.schema.json', import.meta.url), 'utf8')))
})

test('of a table in a store takes its secrets from the environment, and shows them nowhere', async () => {
  await using emulator = await startS3Emulator({ credentials: { accessKeyId: 'AKIACANARY', secretAccessKey: 'hunter2-secret' } })
  const storage = { endpoint: emulator.endpoint, region: emulator.region, ...emulator.credentials }
  const table = await createTable('s3://tables/lake/events', { schema: schema({ id: long() }), storage })
  for (let n = 0; n < 3; n++) await table.append([{ id: BigInt(n) }])
  await table.settled()
  const config = join(folder, 's3.json')
  const options = {
    endpoint: emulator.endpoint,
    region: emulator.region,
    accessKeyId: { env: 'LAKE_KEY' },
    secretAccessKey: { env: 'LAKE_SECRET' },
  }
  writeFileSync(config, JSON.stringify({ defaults: { storage: options }, tables: ['s3://tables/*/events'] }))
  const prom = join(folder, 's3.prom')
  process.env.LAKE_KEY = 'AKIACANARY'
  process.env.LAKE_SECRET = 'hunter2-secret'
  const ran = await alluvium(['maintain', '--config', config, '--json', '--metrics-file', prom])
  delete process.env.LAKE_KEY
  delete process.env.LAKE_SECRET
  expect(jsonLines(ran.stdout)[0]).toMatchObject({ done: 1, before: { files: 3 }, after: { files: 1 } })
  expect(readFileSync(prom, 'utf8')).toContain('alluvium_table_files{table="s3://tables/lake/events"} 1\n')
  for (const text of [ran.stdout, ran.stderr, readFileSync(prom, 'utf8')]) expect(text).not.toMatch(/CANARY|hunter2/)
  const missing = await alluvium(['maintain', '--config', config])
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('LAKE_SECRET')])
})
