// The engines that people query tables with, on tables that we wrote: the reference implementation among them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createTable, double, long, openTable, schema, string } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, peersFolder, python } from './peers.js'
import { type ReaderName, ReaderProcess, sortLines } from './reader-process.js'
import { ourLines, schemaText, type TableExpectation, tableNames, writeTables } from './tables.js'

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

// What each engine does to a table of columns id, name and score; rows 100 and 101 are new, a null in each nullable column.
const APPENDS = {
  duckdb: `
import duckdb, duckdb_extension_delta, os
extension = os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "extensions", "v" + duckdb.__version__, "delta.duckdb_extension")
con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
con.execute(f"LOAD '{extension}'")
con.execute(f"ATTACH '{input['path']}' AS d (TYPE delta)")
con.execute("INSERT INTO d VALUES (100, 'ü/%', 1.5), (101, NULL, NULL)")`,
  // Its statistics are malformed: they may cost pruning, but no row.
  chdb: `
import os
from chdb import session
os.chdir("/")
session.Session().query(f"""INSERT INTO FUNCTION deltaLakeLocal('{input['path']}')
  SELECT * FROM values('id Int64, name Nullable(String), score Nullable(Float64)', (100, 'ü/%', 1.5), (101, NULL, NULL))
  SETTINGS allow_experimental_delta_lake_writes = 1""")`,
  spark: `
import contextlib
sys.path.insert(0, input["peers"])
with contextlib.redirect_stdout(sys.stderr):
    from spark import session
    spark = session()
    spark.createDataFrame([(100, "ü/%", 1.5), (101, None, None)], "id long, name string, score double").write.format("delta").mode("append").save(input["path"])
    spark.stop()`,
} as const

describe.skipIf(absent !== undefined)('a table of ours that another engine appends to', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(`${tmpdir()}/alluvium-appends-`)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(['duckdb', 'chdb', 'spark'] as const)(
    '%s: has its rows and ours, filters find them, and a handle from before goes on',
    async (engine) => {
      const path = `${folder}/${engine}`
      const table = await createTable(path, { schema: schema({ id: long().notNull(), name: string(), score: double() }) })
      await table.append([{ id: 1, name: 'one', score: 0.5 }])
      await python(`${APPENDS[engine]}\nprint("0")`, { path, peers: peersFolder })
      await table.append([{ id: 2, name: 'two', score: 2.5 }])
      const rows = [
        { id: 1, name: 'one', score: 0.5 },
        { id: 100, name: 'ü/%', score: 1.5 },
        { id: 101, name: null, score: null },
        { id: 2, name: 'two', score: 2.5 },
      ]
      expect(await ourLines(path)).toEqual(sortLines(rows.map((row) => JSON.stringify(row))))
      const matching = async (where: string): Promise<unknown[]> =>
        (await (await openTable(path)).scan({ where }).toArray()).map(({ id }) => Number(id)).sort()
      expect(await matching('score > 1')).toEqual([100, 2])
      expect(await matching('score IS NULL')).toEqual([101])
      expect(await matching("name = 'ü/%'")).toEqual([100])
      await using reader = new ReaderProcess('deltalake')
      expect(await reader.rows(path)).toEqual(await ourLines(path))
    },
  )
})
