// The engines that people query tables with, on tables that we wrote: the reference implementation among them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent } from './peers.js'
import { type ReaderName, ReaderProcess } from './reader-process.js'
import { schemaText, type TableExpectation, tableNames, writeTables } from './tables.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

// ClickHouse has no null for an array, a map or a struct.
const beyond: Partial<Record<ReaderName, readonly string[]>> = { chdb: ['nested'] }

describe.skipIf(absent !== undefined)('our tables', () => {
  let folder: string
  let tables: Record<string, TableExpectation>

  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/alluvium-engines-`)
    tables = await writeTables(folder)
  })
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  describe.each(['duckdb', 'polars', 'chdb', 'spark'] as const)('by %s', (engine) => {
    let reader: ReaderProcess
    beforeAll(() => {
      reader = new ReaderProcess(engine)
    })
    afterAll(() => reader?.[Symbol.asyncDispose]())

    test.each(tableNames.filter((name) => beyond[engine]?.includes(name) !== true))(
      '%s: the rows that were written, now and a version ago',
      async (name) => {
        const { path, versions } = tables[name] as TableExpectation
        const schema = await schemaText(path)
        expect(await reader.rows(path, null, schema)).toEqual(versions.at(-1))
        expect(await reader.rows(path, versions.length - 2, schema)).toEqual(versions.at(-2))
      },
    )
  })
})
