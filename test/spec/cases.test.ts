// The conformance suite on our own engine, in this process, through the code that answers `alluvium adapter`.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Engine } from '../../spec/engine.js'
import { runCase } from '../../spec/run-case.js'
import { loadSuite, scratchTable, specFolder } from '../../spec/suite.js'
import { answerRequest } from '../../src/cli/adapter/answer.js'

const suite = loadSuite()

const ours: Engine = {
  greeting: { engine: 'alluvium', version: 'of this tree', codes: true },
  ask: async (request) => JSON.parse(await answerRequest(JSON.stringify({ id: 1, ...request }), AbortSignal.timeout(30_000))) as Answer,
  close: async () => undefined,
}

describe('the suite', () => {
  test('has cases of every kind, each with its table in the catalogue and its invariants written down', () => {
    expect(suite.cases.length).toBeGreaterThanOrEqual(80)
    const invariants = readFileSync(join(specFolder, 'invariants.md'), 'utf8')
    for (const { id, table, invariants: held } of suite.cases) {
      if (table !== undefined) expect(suite.catalogue, id).toHaveProperty([table])
      for (const invariant of held) expect(invariants, id).toMatch(new RegExp(`^\\| ${invariant} +\\|`, 'm'))
    }
  })

  test('keeps no table that no case reads, and none that the catalogue does not have', () => {
    const read = new Set(suite.cases.map((one) => one.table))
    for (const [name, { without }] of Object.entries(suite.catalogue)) {
      expect(read, name).toContain(name)
      expect(existsSync(join(specFolder, 'tables', name)) || (without ?? []).length > 0, name).toBe(true)
    }
    for (const engine of readdirSync(join(specFolder, 'tables'), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
      for (const name of readdirSync(join(specFolder, 'tables', engine.name)))
        expect(suite.catalogue).toHaveProperty([`${engine.name}/${name}`])
    }
  })

  test('names only cases that there are as known gaps', () => {
    const ids = suite.cases.map((one) => one.id)
    for (const id of suite.gaps.keys()) expect(ids).toContain(id)
  })
})

describe('the judge', () => {
  const engine = (answer: Answer): Engine => ({ ...ours, ask: async () => answer })
  const one = (expect: object) =>
    ({ id: 'x', title: 'x', section: 'x', invariants: [], steps: [{ op: 'read', expect }] }) as unknown as Parameters<typeof runCase>[0]
  const verdict = async (expectation: object, answer: Answer) => (await runCase(one(expectation), engine(answer), '/nowhere')).verdict

  test('sees a row missing, doubled or changed, and takes any order of rows and columns', async () => {
    const rows = [
      { a: 1, b: null },
      { a: 2, b: [1] },
    ]
    expect(
      await verdict(
        { rows },
        {
          ok: true,
          rows: [
            { b: [1], a: 2 },
            { b: null, a: 1 },
          ],
        },
      ),
    ).toBe('pass')
    expect(await verdict({ rows }, { ok: true, rows: rows.slice(1) })).toBe('fail')
    expect(await verdict({ rows }, { ok: true, rows: [...rows, rows[0]] })).toBe('fail')
    expect(
      await verdict(
        { rows },
        {
          ok: true,
          rows: [
            { a: 1, b: null },
            { a: 2, b: ['1'] },
          ],
        },
      ),
    ).toBe('fail')
    expect(await verdict({ rows }, { ok: true, rows: [{ a: 1 }, { a: 2, b: [1] }] })).toBe('fail')
  })

  test('tells a refusal from rows, the right code from another, and what an engine does not have', async () => {
    const error = { codes: ['CORRUPT_LOG'], names: ['version 3'] }
    expect(await verdict({ error }, { ok: true, rows: [] })).toBe('fail')
    expect(await verdict({ error }, { ok: false, code: 'CORRUPT_LOG', message: 'version 3 is missing' })).toBe('pass')
    expect(await verdict({ error }, { ok: false, code: 'CORRUPT_LOG', message: 'something is missing' })).toBe('fail')
    expect(await verdict({ error }, { ok: false, code: 'MISSING_FILE', message: 'version 3' })).toBe('fail')
    expect(await verdict({ rows: [] }, { ok: false, code: 'MISSING_FILE', message: '' })).toBe('refused')
    expect(await verdict({ rows: [] }, { ok: false, code: 'UNSUPPORTED', message: '' })).toBe('skipped')
    expect(await verdict({ rowsOrError: [] }, { ok: false, code: 'MISSING_FILE', message: '' })).toBe('pass')
    expect(await verdict({ rowsOrError: [] }, { ok: true, rows: [{}] })).toBe('fail')
  })
})

describe('our engine', () => {
  let scratch: string
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'alluvium-spec-'))
  })
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  test.each(suite.cases.map((one) => [one.id, one.title, one] as const))('%s: %s', async (_, __, one) => {
    const { verdict, note } = await runCase(one, ours, scratchTable(suite, one, scratch))
    const gap = suite.gaps.get(one.id)
    if (gap === undefined) expect(`${verdict} ${verdict === 'pass' ? '' : note}`.trim()).toBe('pass')
    else
      console.warn(
        verdict === 'pass'
          ? `known gap closed, take it out of spec/known-gaps.json: ${one.id}`
          : `KNOWN GAP ${one.id}: ${gap} (${verdict}: ${note})`,
      )
  })
})
