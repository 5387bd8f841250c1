// The commands of upkeep, as processes: their documented JSON, and their exit status.
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alluvium, jsonLines } from './cli-process.js'

let folder: string
let table: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alluvium-upkeep-'))
  table = join(folder, 'events')
  await alluvium(['create', table, '--columns', 'id long, p string', '--partition-by', 'p'])
  for (const [n, p] of ['a', 'b', 'c'].entries())
    await alluvium(['ingest', table, '-', '--format', 'ndjson'], { stdin: `{"id":${n},"p":"${p}"}\n` })
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

async function json(...words: string[]): Promise<Record<string, unknown>> {
  const ran = await alluvium([...words, '--json'])
  expect([ran.status, ran.stderr]).toEqual([0, ''])
  return jsonLines(ran.stdout)[0] as Record<string, unknown>
}

const ids = async (path: string, ...more: string[]): Promise<unknown[]> =>
  jsonLines((await alluvium(['read', path, '--format', 'ndjson', ...more])).stdout)
    .map((row) => row.id)
    .sort()

test('checkpoint writes one, and tells when there is one already', async () => {
  expect(await json('checkpoint', table)).toMatchObject({ version: 3, kind: 'classic', written: true, numAddFiles: 3 })
  expect(await json('checkpoint', table)).toMatchObject({ version: 3, written: false })
  expect(await readdir(join(table, '_delta_log'))).toContain('00000000000000000003.checkpoint.parquet')
})

test('cleanup and vacuum tell what they did, and nothing is old enough', async () => {
  expect(await json('cleanup', table)).toMatchObject({ files: 0, keptFrom: null })
  expect(await json('vacuum', table, '--dry-run')).toMatchObject({ mode: 'full', dryRun: true, filesToDelete: 0, filesSeen: 3, paths: [] })
  const short = await alluvium(['vacuum', table, '--retention', '1h', '--json'])
  expect([short.status, jsonLines(short.stderr)[0]?.code]).toEqual([2, 'INVALID_OPTIONS'])
  expect(await json('vacuum', table, '--retention', '0h', '--force-retention')).toMatchObject({ filesDeleted: 0 })
})

test('vacuum goes by an inventory where it is given one, and refuses what is none', async () => {
  const csv = join(folder, 'files.csv')
  await writeFile(csv, 'path,length,isDir,modificationTime\np=a,0,true,0\nnobody.parquet,7,false,0\n')
  expect(await json('vacuum', table, '--inventory', csv, '--dry-run')).toMatchObject({
    mode: 'inventory',
    filesSeen: 1,
    paths: ['nobody.parquet'],
    bytesToDelete: 7,
  })
  await writeFile(csv, 'path,length,isDir,modificationTime\nnobody.parquet,seven,false,0\n')
  const refused = await alluvium(['vacuum', table, '--inventory', csv, '--json'])
  expect([refused.status, jsonLines(refused.stderr)[0]?.code]).toEqual([2, 'INVALID_OPTIONS'])
})

test('restore goes back, and forward again', async () => {
  expect(await json('restore', table, '--version', '2')).toMatchObject({
    version: 4,
    restoredVersion: 2,
    filesRemoved: 1,
    filesRestored: 0,
  })
  expect(await ids(table)).toEqual([0, 1])
  await json('restore', table, '--version', '3')
  expect(await ids(table)).toEqual([0, 1, 2])
  expect((await alluvium(['restore', table])).status).toBe(2)
})

test('a clone has the rows of its source, where that may be read', async () => {
  const clone = join(folder, 'clone')
  expect(await json('clone', table, clone)).toMatchObject({ version: 0, sourceVersion: 5, files: 3 })
  expect(await ids(clone, '--allow-path', table)).toEqual([0, 1, 2])
})

test('convert makes a table of what another’s folders hold', async () => {
  const plain = join(folder, 'plain')
  const { cp } = await import('node:fs/promises')
  await cp(table, plain, { recursive: true, filter: (path) => !path.includes('_delta_log') })
  expect(await json('convert', plain)).toMatchObject({ version: 0, files: 3, rows: 3, partitionColumns: ['p'] })
  expect(await ids(plain)).toEqual([0, 1, 2])
})

test('fsck ends with status 3 where something is wrong, and with 0 once that is mended', async () => {
  expect(await json('fsck', table)).toMatchObject({ findings: [] })
  const file = (await readdir(join(table, 'p=a')))[0] as string
  await rm(join(table, 'p=a', file))
  const ran = await alluvium(['fsck', table, '--json'])
  expect([ran.status, jsonLines(ran.stdout)[0]?.findings]).toEqual([3, [{ kind: 'missing-file', path: `p=a/${file}` }]])
  expect(await json('fsck', table, '--repair')).toMatchObject({ repairedVersion: 6 })
  expect(await ids(table)).toEqual([1, 2])
  expect((await stat(table)).isDirectory()).toBe(true)
})
