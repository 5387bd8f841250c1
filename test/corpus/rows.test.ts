// The rows of every real table of the corpus, at every version: equal to the expectation. Tables that may or must be
// refused end in the error the catalogue asks for; never in wrong rows, never in a vague error.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isAlluviumError, openTable } from 'alluvium'
import { afterAll, describe, expect, test } from 'vitest'
import { canonicalLines } from '../../src/arrow/index.js'
import { compareText } from '../../src/bytes.js'
import { type CatalogRow, corpusPresent, expectedOf, unpackCorpus } from './corpus.js'

const { folder, tables } = unpackCorpus()
const outcomes = new Map<string, string>()

async function rowsHash(row: CatalogRow, version: number | undefined): Promise<{ hash: string; count: number; version: number }> {
  const table = await openTable(join(folder, row.path))
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  const lines: string[] = []
  for await (const batch of snapshot.scan().batches()) for (const line of canonicalLines(batch, snapshot.schema)) lines.push(line)
  lines.sort(compareText)
  return { hash: createHash('sha256').update(lines.join('\n')).digest('hex'), count: lines.length, version: snapshot.version }
}

/** What became of a table: `equal`, a code, or the way in which it is wrong. */
async function judge(row: CatalogRow): Promise<string> {
  const expected = expectedOf(folder, row)
  const versions = (expected?.versions ?? []).filter((version) => version.rows_sha256 !== undefined)
  try {
    const latest = await rowsHash(row, undefined)
    if (expected === undefined) return 'read'
    if (latest.version !== expected.version) return `version ${latest.version} in place of ${expected.version}`
    if (latest.count !== expected.row_count) return `${latest.count} rows in place of ${expected.row_count}`
    if (expected.rows_sha256 !== undefined && latest.hash !== expected.rows_sha256) return 'other rows'
    for (const { version, rows_sha256, row_count } of versions) {
      const then = await rowsHash(row, version)
      if (then.count !== row_count || then.hash !== rows_sha256) return `other rows at version ${version}`
    }
    return 'equal'
  } catch (error) {
    if (isAlluviumError(error))
      return error.code === 'UNSUPPORTED_FEATURE' ? `UNSUPPORTED_FEATURE ${String(error.facts.features)}` : error.code
    return `untyped: ${error instanceof Error ? error.stack : String(error)}`
  }
}

describe.skipIf(!corpusPresent)('the rows of real tables', () => {
  test.each(tables.map((row) => [row.path, row.outcome, row] as const))('%s (%s)', async (path, outcome, row) => {
    const result = await judge(row)
    outcomes.set(`${outcome} ${path}`, result)
    const typed = /^[A-Z_]+( |$)/.test(result)
    switch (outcome) {
      case 'rows':
        expect(result).toBe('equal')
        break
      case 'rows-or-error':
        if (!typed) expect(result).toMatch(/^equal$|^read$/)
        break
      case 'log-only':
        expect(result).toMatch(/^MISSING_FILE$|^PATH_OUTSIDE_TABLE$/)
        break
      case 'refuse':
        expect(result).toMatch(/^UNSUPPORTED_FEATURE /)
        break
      default:
        expect(typed, result).toBe(true)
    }
  })

  afterAll(() => {
    const counts = new Map<string, number>()
    for (const [key, result] of outcomes) {
      const label = `${key.split(' ')[0]}: ${result}`
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    for (const [label, count] of [...counts].sort()) console.log(`${String(count).padStart(4)}  ${label}`)
  })
})
