// The change data feed of every real table of the corpus that has one, over each stretch of versions in which it is on.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlluviumError, openTable } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { canonicalLines } from '../../src/arrow/index.js'
import { compareText } from '../../src/bytes.js'
import type { StructType } from '../../src/schema/index.js'
import { type CatalogRow, corpusPresent, unpackCorpus } from './corpus.js'

interface ExpectedChanges {
  readonly change_count: number
  readonly changes_sha256: string
}

const { folder, tables } = unpackCorpus()

/**
 * Tables whose expectation is no reading of their changes: version 0 adds fake/path/1 and version 1 has the change data
 * file fake/path/2, both with the feed on, and neither file exists. By PROTOCOL.md ("Add CDC File") their rows are
 * changes, so the answer can only be that they are missing.
 */
const WITHOUT_FILES = new Set(['kernel-rs/table-with-cdf'])

function expectedChanges(row: CatalogRow): ExpectedChanges | undefined {
  if (row.expected_file === null || !existsSync(join(folder, row.expected_file))) return undefined
  return (JSON.parse(readFileSync(join(folder, row.expected_file), 'utf8')) as { cdf?: ExpectedChanges }).cdf
}

/** Stretches of versions in which the feed is on, found in the plain JSON of the log. */
async function stretches(row: CatalogRow): Promise<[number, number][]> {
  const versions = readdirSync(join(folder, row.path, '_delta_log'))
    .filter((name) => /^\d{20}\.json$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b)
  const found: [number, number][] = []
  for (const version of versions) {
    const snapshot = await (await openTable(join(folder, row.path))).snapshot({ version })
    if (snapshot.properties['delta.enableChangeDataFeed'] !== 'true') continue
    const last = found.at(-1)
    if (last?.[1] === version - 1) last[1] = version
    else found.push([version, version])
  }
  return found
}

async function linesOf(row: CatalogRow, from: number, to: number): Promise<string[]> {
  const changes = (await openTable(join(folder, row.path))).changes({ from, to })
  const { output } = await changes.plan()
  const struct: StructType = { type: 'struct', fields: output.fields.filter((field) => field.name !== '_commit_timestamp') }
  const lines: string[] = []
  for await (const batch of changes.batches()) lines.push(...canonicalLines(batch, struct))
  return lines
}

describe.skipIf(!corpusPresent)('the changes of real tables', () => {
  const withChanges = tables.filter((row) => expectedChanges(row) !== undefined)

  test('are there to be compared', () => {
    expect(withChanges.length).toBeGreaterThanOrEqual(14)
  })

  test.each(withChanges.map((row) => [row.path, row] as const))('of %s are equal', async (path, row) => {
    const { change_count, changes_sha256 } = expectedChanges(row) as ExpectedChanges
    const ranges = await stretches(row)
    if (WITHOUT_FILES.has(path)) {
      const error: unknown = await linesOf(row, ...(ranges[0] as [number, number])).catch((e: unknown) => e)
      expect(isAlluviumError(error, 'MISSING_FILE'), String(error)).toBe(true)
      ranges.shift()
    }
    const lines = (await Promise.all(ranges.map(([from, to]) => linesOf(row, from, to)))).flat().sort(compareText)
    expect(lines.length).toBe(change_count)
    expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(changes_sha256)
  })

  test.each(withChanges.map((row) => [row.path, row] as const))('of %s read version by version are the same', async (path, row) => {
    if (WITHOUT_FILES.has(path)) return
    for (const [from, to] of await stretches(row)) {
      const whole = (await linesOf(row, from, to)).sort(compareText)
      const parts: string[] = []
      for (let version = from; version <= to; version++) parts.push(...(await linesOf(row, version, version)))
      expect(parts.sort(compareText)).toEqual(whole)
    }
  })
})
