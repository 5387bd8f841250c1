// What the program reads beyond plain tables: row ids, versions before a damaged one, files outside of the table's folder. The
// tables are those of the conformance suite; what is expected stands in its cases.
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSuite, scratchTable } from '../../spec/suite.js'
import { alluvium, jsonLines } from './cli-process.js'

const suite = loadSuite()
let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'alluvium-cli-spec-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const tableOf = (id: string): string => {
  const one = suite.cases.find((candidate) => candidate.id === id)
  if (one === undefined) throw new Error(`no case ${id}`)
  return scratchTable(suite, one, scratch)
}
const byId = (text: string) => jsonLines(text).sort((a, b) => Number(a.id) - Number(b.id))

describe('read', () => {
  test('--row-ids shows ids and versions of rows, and says where a table has none', async () => {
    const table = tableOf('row-ids-kept')
    const { stdout } = await alluvium(['read', table, '--row-ids', '--columns', 'id', '--where', '_row_id < 5', '--json'])
    expect(byId(stdout)).toEqual([
      { id: 1, _row_id: 0, _row_commit_version: 1 },
      { id: 2, _row_id: 1, _row_commit_version: 3 },
      { id: 3, _row_id: 2, _row_commit_version: 1 },
      { id: 5, _row_id: 4, _row_commit_version: 2 },
    ])
    const none = await alluvium(['read', tableOf('row-ids-absent'), '--row-ids', '--version', '1'])
    expect([none.status, none.stdout]).toEqual([3, ''])
    expect(none.stderr).toContain('delta.enableRowTracking')
  })

  test('--version and --timestamp read what came before a commit that is cut', async () => {
    const table = tableOf('older-than-torn')
    const newest = await alluvium(['read', table])
    expect([newest.status, newest.stdout]).toEqual([3, ''])
    expect(newest.stderr).toContain('00000000000000000008.json')
    const rows = [
      { id: 2, text: 'b' },
      { id: 3, text: 'c' },
    ]
    expect(byId((await alluvium(['read', table, '--version', '2', '--json'])).stdout)).toEqual(rows)
    expect(jsonLines((await alluvium(['describe', table, '--version', '2', '--json'])).stdout)[0]).toMatchObject({ version: 2 })
    const timed = tableOf('timestamp-of-commit-files')
    const torn = join(timed, '_delta_log', `${'9'.padStart(20, '0')}.json`)
    copyFileSync(join(table, '_delta_log', `${'8'.padStart(20, '0')}.json`), torn)
    const described = await alluvium(['describe', timed, '--timestamp', '2026-01-01T01:30:00Z', '--json'])
    expect([described.status, jsonLines(described.stdout)[0]?.version]).toEqual([0, 1])
  })

  test('--allow-path reads the source of a shallow clone, which is refused without it', async () => {
    const clone = tableOf('shallow-clone')
    const refused = await alluvium(['read', clone, '--json'])
    expect([refused.status, refused.stdout]).toEqual([3, ''])
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
    const read = await alluvium(['read', clone, '--allow-path', '/nowhere', '--allow-path', join(clone, '..', 'source'), '--json'])
    expect(byId(read.stdout)).toEqual([
      { id: 1, part: 'a b', text: 'one' },
      { id: 3, part: 'c', text: 'three' },
      { id: 4, part: 'c', text: 'four' },
    ])
  })
})

test('history tells of a table that cannot be read what was committed', async () => {
  const table = tableOf('older-than-unknown')
  expect((await alluvium(['read', table])).status).toBe(3)
  const versions = jsonLines((await alluvium(['history', table, '--json'])).stdout).map(({ version }) => version)
  expect(versions).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0])
})

test('files tells base row ids, describe the clustering columns and domain metadata', async () => {
  const files = jsonLines((await alluvium(['files', tableOf('row-ids-vectors'), '--json'])).stdout)
  expect(files.map(({ baseRowId, defaultRowCommitVersion }) => [baseRowId, defaultRowCommitVersion])).toEqual(
    expect.arrayContaining([
      [0, 1],
      [4, 3],
      [5, 4],
    ]),
  )
  cpSync(tableOf('feature-clustered'), join(scratch, 'clustered'), { recursive: true })
  const [facts] = jsonLines((await alluvium(['describe', join(scratch, 'clustered'), '--json'])).stdout)
  expect(facts).toMatchObject({ clusteringColumns: [['id']] })
  expect((facts as { domainMetadata: object }).domainMetadata).toHaveProperty(['delta.clustering'])
  expect((await alluvium(['describe', join(scratch, 'clustered')])).stdout).toMatch(/clustered by: +id\n/)
})
