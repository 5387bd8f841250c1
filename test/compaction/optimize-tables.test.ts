// Optimize over the tables of other engines that the conformance suite keeps: the same rows afterwards, under every way of
// rewriting, and nothing to do the second time; or a refusal by name with nothing changed.
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAlluviumError, type OptimizeOptions, type OptimizeResult, openTable, optimize } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalLines } from '../../src/arrow/index.js'
import { compareText } from '../../src/bytes.js'

const source = fileURLToPath(new URL('../../spec/tables', import.meta.url))
const names = ['spark', 'delta-rs', 'by-hand', 'derived'].flatMap((engine) =>
  readdirSync(join(source, engine)).map((name) => `${engine}/${name}`),
)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alluvium-optimize-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function lines(path: string): Promise<string[]> {
  const snapshot = await (await openTable(path)).snapshot()
  const found: string[] = []
  for await (const batch of snapshot.scan().batches()) found.push(...canonicalLines(batch, snapshot.schema))
  return found.sort(compareText)
}

// Tables that this library reads; the others say why not, and are the business of other tests.
async function readable(path: string): Promise<string[] | undefined> {
  try {
    return await lines(path)
  } catch {
    return undefined
  }
}

const files = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(path, name)).isFile())
    .sort()

type Way = readonly [string, OptimizeOptions]
const WAYS: readonly Way[] = [
  ['spliced where possible', { minDeletedShare: 0 }],
  ['encoded anew', { minDeletedShare: 0, splice: false }],
]

describe.each(WAYS)('a table of another engine, %s', (_, options) => {
  const refused = new Set<string>()
  const results = new Map<string, OptimizeResult>()

  test.each(names)('%s: the same rows', async (name) => {
    const path = join(folder, name)
    rmSync(path, { recursive: true, force: true })
    cpSync(join(source, name), path, { recursive: true })
    const before = await readable(path)
    if (before === undefined) return
    const there = files(path)
    try {
      results.set(name, await optimize(await openTable(path), options))
    } catch (error) {
      if (!isAlluviumError(error)) throw error
      expect(['UNSUPPORTED_FEATURE', 'CORRUPT_CHECKPOINT', 'CORRUPT_DATA']).toContain(error.code)
      refused.add(name)
      expect(files(path)).toEqual(there)
    }
    expect(await lines(path)).toEqual(before)
    if (refused.has(name)) return
    expect((await optimize(await openTable(path), options)).groups).toEqual([])
  })

  test('those that are refused need what this library does not write', () => {
    expect([...refused].sort()).toMatchInlineSnapshot(`
      [
        "by-hand/features-nobody-reads",
        "by-hand/unknown-writer-feature",
        "spark/clustered",
        "spark/constraints",
        "spark/defaults",
        "spark/generated",
        "spark/iceberg-compat",
        "spark/identity",
        "spark/variant",
        "spark/variant-shredded",
      ]
    `)
  })

  test('many were rewritten', () => {
    expect([...results.values()].filter(({ groups }) => groups.length > 0).length).toBeGreaterThan(30)
  })
})
