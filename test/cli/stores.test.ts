// The program on stores by URL, against an S3 emulator: options and environment, the doctor, and errors as scripts see them.
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type S3Emulator, startS3Emulator } from '../../src/testing/index.js'
import { alluvium, jsonLines } from './cli-process.js'

const SECRET = 'canary-secret'

let s3: S3Emulator
let unsafe: S3Emulator
let folder: string
beforeAll(async () => {
  const credentials = { accessKeyId: 'AKIACANARY', secretAccessKey: SECRET }
  s3 = await startS3Emulator({ credentials })
  unsafe = await startS3Emulator({ credentials, flavour: 'unconditional' })
  folder = await mkdtemp(join(tmpdir(), 'alluvium-stores-'))
})
afterAll(async () => {
  await s3?.stop()
  await unsafe?.stop()
  await rm(folder, { recursive: true, force: true })
})

const storage = (server: S3Emulator, ...more: string[]): string[] =>
  [`endpoint=${server.endpoint}`, `region=${server.region}`, 'accessKeyId=AKIACANARY', `secretAccessKey=${SECRET}`, ...more].flatMap(
    (pair) => ['--storage', pair],
  )

describe('tables by URL', () => {
  test('create, ingest, read and describe take the options of a store, and stderr stays clean', async () => {
    const url = 's3://tables/scores'
    const made = await alluvium(['create', url, '--columns', 'id long not null, name string', ...storage(s3)])
    expect(made).toMatchObject({ status: 0, stderr: '' })
    const ingested = await alluvium(['ingest', url, '-', '--format', 'ndjson', '--json', ...storage(s3)], {
      stdin: '{"id":1,"name":"kim"}\n{"id":2,"name":"lee"}\n',
    })
    expect(ingested.stderr).toBe('')
    expect(jsonLines(ingested.stdout)).toMatchObject([{ rowsWritten: 2, lastVersion: 1 }])
    const read = await alluvium(['read', url, '--where', 'id > 1', '--format', 'ndjson', ...storage(s3)])
    expect(jsonLines(read.stdout)).toEqual([{ id: 2, name: 'lee' }])
    expect(jsonLines((await alluvium(['describe', url, '--json', ...storage(s3)])).stdout)).toMatchObject([{ version: 1, numFiles: 1 }])
  })

  test('all faults of options are one error of usage, without a value', async () => {
    const words = [
      'describe',
      's3://tables/scores',
      '--storage',
      `secretAcessKey=${SECRET}`,
      '--storage',
      `forcePathStyle=${SECRET}`,
      '--json',
    ]
    const { status, stderr } = await alluvium(words)
    expect(status).toBe(2)
    const error = JSON.parse(stderr) as { code: string; message: string }
    expect(error.code).toBe('INVALID_OPTIONS')
    expect(error.message).toContain('did you mean secretAccessKey?')
    expect(error.message).toContain('forcePathStyle must be true or false')
    expect(stderr).not.toContain(SECRET)
  })

  test.each<[string, string, readonly string[], number, string]>([
    ['a wrong secret', 's3://tables/scores', ['secretAccessKey=wrong-canary'], 1, 'PERMISSION_DENIED'],
    ['a missing bucket', 's3://nowhere/scores', [], 1, 'STORAGE_UNAVAILABLE'],
    ['a place without a table', 's3://tables/none', [], 3, 'NOT_A_TABLE'],
    ['a scheme that nobody knows', 'gopher://tables/none', [], 2, 'INVALID_OPTIONS'],
  ])('%s has its status and code, and tells no secret even with --debug', async (_, url, more, status, code) => {
    const ran = await alluvium(['describe', url, '--json', ...(url.startsWith('s3:') ? storage(s3, ...more) : [])])
    expect(ran.status).toBe(status)
    expect(JSON.parse(ran.stderr)).toMatchObject({ code })
    const debugged = await alluvium(['describe', url, '--debug', ...(url.startsWith('s3:') ? storage(s3, ...more) : [])])
    for (const text of [ran.stderr, ran.stdout, debugged.stderr, debugged.stdout]) expect(text).not.toMatch(/canary/i)
  })
})

describe('doctor', () => {
  test('passes a good store of each kind, says what it did, and leaves nothing behind', async () => {
    const local = await alluvium(['doctor', folder])
    expect(local).toMatchObject({ status: 0, stderr: '' })
    expect(local.stdout).toMatch(/^ok +reach .*no table/m)
    expect(readdirSync(folder)).toEqual([])
    const before = s3.keys('tables')
    const remote = await alluvium(['doctor', 's3://tables/scores', '--json', ...storage(s3)])
    expect(remote).toMatchObject({ status: 0, stderr: '' })
    const [found] = jsonLines(remote.stdout) as [{ ok: boolean; table: unknown; checks: { name: string; outcome: string }[] }]
    expect(found).toMatchObject({ ok: true, table: { version: 1, problem: null } })
    expect(found.checks.map(({ name }) => name)).toEqual([
      'reach',
      'create',
      'exclusive',
      'race',
      'read',
      'range',
      'list',
      'stream',
      'replace',
      'clock',
      'delete',
      'durable',
    ])
    expect(new Set(found.checks.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
    expect(s3.keys('tables')).toEqual(before)
  })

  test('finds a server that ignores If-None-Match, with status 1, and what a single writer may do', async () => {
    const ran = await alluvium(['doctor', 's3://tables/t', '--json', ...storage(unsafe)])
    expect(ran.status).toBe(1)
    expect(JSON.parse(ran.stderr)).toMatchObject({ code: 'STORAGE_UNSAFE' })
    expect(jsonLines(ran.stdout)).toMatchObject([{ ok: false }])
    expect((await alluvium(['create', 's3://tables/t', '--columns', 'id long', ...storage(unsafe)])).status).toBe(1)
    expect(unsafe.keys('tables')).toEqual([])
    const alone = storage(unsafe, 'singleWriter=true')
    expect((await alluvium(['doctor', 's3://tables/t', ...alone])).status).toBe(0)
    expect((await alluvium(['create', 's3://tables/t', '--columns', 'id long', ...alone])).status).toBe(0)
  })

  test('a store that cannot be reached fails one check, and the rest are skipped', async () => {
    const ran = await alluvium([
      'doctor',
      's3://tables/t',
      ...storage(s3),
      '--storage',
      'endpoint=http://127.0.0.1:1',
      '--storage',
      'maxAttempts=1',
    ])
    expect(ran.status).toBe(1)
    expect(ran.stdout).toMatch(/^FAILED +reach/m)
    expect(ran.stdout).toMatch(/^skipped +create/m)
    expect(ran.stderr.split('\n').filter((line) => line !== '')).toHaveLength(1)
  })
})
