// optimize as a process: its documented JSON, its plan, its exit status.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, double, long, schema, string } from 'alluvium'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { alluvium, jsonLines } from './cli-process.js'

const folders: string[] = []
let table: string
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'alluvium-optimize-'))
  folders.push(folder)
  table = join(folder, 'events')
  const made = await createTable(table, { schema: schema({ id: long(), score: double(), p: string() }), partitionBy: ['p'] })
  for (const [n, p] of ['a', 'b', 'a', 'b', 'a'].entries()) await made.append([{ id: BigInt(n), score: n / 2, p }])
  await made.settled()
})
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 }))))

async function json(...words: string[]): Promise<Record<string, unknown>> {
  const ran = await alluvium([...words, '--json'])
  expect([ran.status, ran.stderr]).toEqual([0, ''])
  return jsonLines(ran.stdout)[0] as Record<string, unknown>
}
const ids = async (): Promise<unknown[]> =>
  jsonLines((await alluvium(['read', table, '--format', 'ndjson'])).stdout)
    .map((row) => row.id)
    .sort()

test('what it read, wrote and removed, by group; the second time nothing', async () => {
  const first = await json('optimize', table)
  expect(first).toMatchObject({
    dryRun: false,
    version: 6,
    versions: [6],
    filesRead: 5,
    filesWritten: 2,
    filesRemoved: 5,
    skipped: [],
    groups: [
      { partition: { p: 'a' }, mode: 're-encode', filesRead: 3, filesWritten: 1, rows: 3 },
      { partition: { p: 'b' }, mode: 're-encode', filesRead: 2, filesWritten: 1, rows: 2 },
    ],
  })
  for (const name of ['bytesRead', 'bytesWritten', 'bytesRemoved', 'seconds']) expect(typeof first[name]).toBe('number')
  expect(await ids()).toEqual([0, 1, 2, 3, 4])
  expect(await json('optimize', table)).toMatchObject({ filesRead: 0, versions: [], groups: [] })
  expect((await alluvium(['optimize', table])).stdout).toMatch(/^nothing to do/)
})

test('a dry run prints the plan and changes nothing', async () => {
  const plan = await json('optimize', table, '--dry-run', '--target-size', '64mb')
  expect(plan).toMatchObject({
    dryRun: true,
    version: 5,
    targetSize: 64 * 2 ** 20,
    filesInScope: 5,
    filesToRewrite: 5,
    versions: [],
    groups: [
      { partition: { p: 'a' }, files: 3, reason: 'small files' },
      { partition: { p: 'b' }, files: 2, reason: 'small files' },
    ],
  })
  expect((await alluvium(['optimize', table, '--dry-run'])).stdout).toContain('p=a: 3 files')
  expect(await json('describe', table)).toMatchObject({ version: 5, numFiles: 5 })
})

test('partitions are chosen by --where, and rows put in order by --zorder or --hilbert', async () => {
  expect(await json('optimize', table, '--where', "p = 'a'")).toMatchObject({ filesRemoved: 3 })
  expect(await json('optimize', table, '--zorder', 'id,score')).toMatchObject({ filesRemoved: 3, filesWritten: 2 })
  expect(await json('optimize', table, '--zorder', 'id,score')).toMatchObject({ versions: [] })
  expect(await json('optimize', table, '--hilbert', 'id')).toMatchObject({ filesRemoved: 2 })
  expect(await ids()).toEqual([0, 1, 2, 3, 4])
  const history = jsonLines((await alluvium(['history', table, '--limit', '1', '--json'])).stdout)[0]
  expect(history).toMatchObject({ operation: 'OPTIMIZE' })
})

test.each([
  [['--where', 'id > 1'], 2],
  [['--zorder', 'nobody'], 2],
  [['--zorder', 'id', '--hilbert', 'id'], 2],
  [['--full'], 2],
  [['--target-size', 'large'], 2],
  [['--min-files', '1'], 2],
] as const)('%j is a wrong use', async (words, status) => {
  const ran = await alluvium(['optimize', table, ...words, '--json'])
  expect([ran.status, jsonLines(ran.stderr)[0]?.code]).toEqual([status, 'INVALID_OPTIONS'])
})

test.each([
  ['it', ['--auto-compact'], true],
  ['the table', [], true],
  ['nobody', [], false],
] as const)('ingest puts small files together by itself where %s is told to: %j', async (who, words, does) => {
  if (who === 'the table') await alluvium(['properties', table, '--set', 'delta.autoOptimize.autoCompact=auto'])
  const lines = Array.from({ length: 120 }, (_, n) => `{"id":${n + 10},"score":0,"p":"c"}\n`).join('')
  await alluvium(['ingest', table, '-', '--format', 'ndjson', '--flush-rows', '1', ...words], { stdin: lines })
  expect((await ids()).length).toBe(125)
  const operations = jsonLines((await alluvium(['history', table, '--json'])).stdout).map(({ operation }) => operation)
  const { numFiles } = (await json('describe', table)) as { numFiles: number }
  expect(operations.includes('OPTIMIZE') || numFiles < 55).toBe(does)
})
