// The command `changes` and the adapter's operation of that name, run as programs.
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

let path: string

beforeAll(async () => {
  path = join(await scratchFolder(), 'table')
  const words = ['--columns', 'id long, name string', '--property', 'delta.enableChangeDataFeed=true']
  expect((await alluvium(['create', path, ...words])).status).toBe(0)
  for (const row of ['{"id":1,"name":"kim"}', '{"id":2}']) await alluvium(['ingest', path, '-'], { stdin: `${row}\n` })
})

describe('alluvium changes', () => {
  test('prints canonical rows with type and version and without the time', async () => {
    const ran = await alluvium(['changes', path, '--from', '0', '--format', 'canonical'])
    expect([ran.status, ran.stdout]).toEqual([
      0,
      '{"id":1,"name":"kim","_change_type":"insert","_commit_version":1}\n{"id":2,"name":null,"_change_type":"insert","_commit_version":2}\n',
    ])
  })

  test('prints NDJSON with the time, CSV and tables, of the columns and rows asked for', async () => {
    const [row, ...others] = jsonLines((await alluvium(['changes', path, '--from', '2', '--json'])).stdout)
    expect([row, others]).toEqual([
      { id: 2, name: null, _change_type: 'insert', _commit_version: 2, _commit_timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
      [],
    ])
    const words = ['changes', path, '--from', '0', '--to', '1', '--columns', '_commit_version,name']
    expect((await alluvium([...words, '--format', 'csv'])).stdout).toBe('_commit_version,name\n1,kim\n')
    expect((await alluvium([...words, '--where', "_change_type = 'delete'", '--format', 'ndjson'])).stdout).toBe('')
    expect((await alluvium(words)).stdout).toMatch(/_commit_version.*name/)
    expect((await alluvium(['changes', path, '--from', '1970-01-01T00:00:00Z', '--explain'])).stdout).toContain('versions 0 to 2')
  })

  test('ends with 2 without --from, and with 3 for versions that are not there and feeds that are off', async () => {
    expect((await alluvium(['changes', path])).status).toBe(2)
    expect((await alluvium(['changes', path, '--from', '-1'])).status).toBe(2)
    const beyond = await alluvium(['changes', path, '--from', '9', '--json'])
    expect([beyond.status, jsonLines(beyond.stderr)]).toEqual([3, [expect.objectContaining({ code: 'VERSION_NOT_FOUND', latest: 2 })]])
    const plain = join(await scratchFolder(), 'plain')
    await alluvium(['create', plain, '--columns', 'id long'])
    const off = await alluvium(['changes', plain, '--from', '0', '--json'])
    expect([off.status, jsonLines(off.stderr)]).toEqual([
      3,
      [expect.objectContaining({ code: 'UNSUPPORTED_FEATURE', features: ['changeDataFeed'], version: 0 })],
    ])
  })
})

test('the adapter answers changes in the same form', async () => {
  const requests = [
    { id: 1, op: 'changes', path, from: 1, to: 1 },
    { id: 2, op: 'changes', path, from: 2 },
    { id: 3, op: 'changes', path },
  ]
  const ran = await alluvium(['adapter'], { stdin: requests.map((request) => `${JSON.stringify(request)}\n`).join('') })
  const columns = ['id', 'name', '_change_type', '_commit_version'].map((name) => expect.objectContaining({ name }) as unknown)
  expect(jsonLines(ran.stdout)).toEqual([
    { id: 1, ok: true, version: 1, columns, rows: [{ id: 1, name: 'kim', _change_type: 'insert', _commit_version: 1 }] },
    { id: 2, ok: true, version: 2, columns, rows: [{ id: 2, name: null, _change_type: 'insert', _commit_version: 2 }] },
    { id: 3, ok: false, code: 'INVALID_OPTIONS', message: expect.any(String) },
  ])
})
