// Every real table of the corpus that can be written, optimized: the rows that the catalogue expects, at the new version and at those
// before; nothing to do the second time.
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlluviumError, openTable, optimize } from 'alluvium'
import { afterAll, describe, expect, test } from 'vitest'
import { canonicalLines } from '../../src/arrow/index.js'
import { compareText } from '../../src/bytes.js'
import { corpusPresent, expectedOf, unpackCorpus } from './corpus.js'

const { folder, tables } = unpackCorpus()
const copies = mkdtempSync(join(tmpdir(), 'alluvium-corpus-optimize-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))
const outcomes = new Map<string, number>()

const LARGEST_FILES = 500

async function hashOf(path: string, version?: number): Promise<{ hash: string; count: number }> {
  const table = await openTable(path)
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  const lines: string[] = []
  for await (const batch of snapshot.scan().batches()) for (const line of canonicalLines(batch, snapshot.schema)) lines.push(line)
  lines.sort(compareText)
  return { hash: createHash('sha256').update(lines.join('\n')).digest('hex'), count: lines.length }
}

const judged = tables.filter((row) => row.outcome === 'rows' && row.active_files <= LARGEST_FILES)

describe.skipIf(!corpusPresent)('real tables, optimized', () => {
  test.each(judged.map((row) => [row.path, row] as const))('%s', async (path, row) => {
    const expected = expectedOf(folder, row)
    const copy = join(copies, String(judged.indexOf(row)))
    cpSync(join(folder, path), copy, { recursive: true })
    try {
      const result = await optimize(await openTable(copy), { minDeletedShare: 0 })
      const done = result.groups.length > 0 ? (result.groups[0]?.mode ?? '') : 'nothing to do'
      outcomes.set(done, (outcomes.get(done) ?? 0) + 1)
      expect((await optimize(await openTable(copy), { minDeletedShare: 0 })).groups).toEqual([])
    } catch (error) {
      // What cannot be written is refused by name, and stays as it was.
      if (!isAlluviumError(error, 'UNSUPPORTED_FEATURE', 'CORRUPT_CHECKPOINT')) throw error
      outcomes.set(error.code, (outcomes.get(error.code) ?? 0) + 1)
    }
    const now = await hashOf(copy)
    if (expected?.rows_sha256 !== undefined) expect(now).toEqual({ hash: expected.rows_sha256, count: expected.row_count })
    rmSync(copy, { recursive: true, force: true })
  })

  afterAll(() => {
    for (const [outcome, count] of [...outcomes].sort()) console.log(`${String(count).padStart(4)}  ${outcome}`)
  })
})
