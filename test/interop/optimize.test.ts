// What optimize leaves behind, read by other engines: the rows of before, whichever way the files were rewritten.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTable, double, long, type OptimizeOptions, openTable, optimize, schema, string, type Table } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, peersFolder, python } from './peers.js'
import { ReaderProcess } from './reader-process.js'
import { ourLines, schemaText } from './tables.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const columns = schema({ id: long().notNull(), score: double(), name: string(), p: string() })
const rows = (from: number, count: number, more = ''): object[] =>
  Array.from({ length: count }, (_, i) => ({
    id: BigInt(from + i),
    score: (from + i) % 7 === 0 ? null : (from + i) / 3,
    name: (from + i) % 5 === 0 ? null : more === '' ? `ü ${(from + i) % 89}` : `ü ${from + i} ${more}`,
    p: ['a/b', 'c d', null][(from + i) % 3] as string | null,
  }))

interface Case {
  readonly create?: object
  readonly appends: number
  readonly size: number
  readonly options?: OptimizeOptions
  /** Added to texts, so that few rows make a row group that is worth copying. */
  readonly more?: string
  /** Engines that read such tables not at all. */
  readonly beyond?: readonly string[]
}

const CASES: Readonly<Record<string, Case>> = {
  spliced: { appends: 3, size: 3000, more: 'x'.repeat(400) },
  encoded: { appends: 20, size: 50 },
  partitioned: { create: { partitionBy: ['p'] }, appends: 6, size: 30 },
  hilbert: { appends: 4, size: 2000, options: { cluster: { by: ['id', 'score'] }, targetSize: 30_000 } },
  zorder: { appends: 4, size: 2000, options: { cluster: { by: ['name', 'score'], curve: 'zorder' }, targetSize: 30_000 } },
  mapped: { create: { properties: { 'delta.columnMapping.mode': 'name' } }, appends: 6, size: 30 },
  // DuckDB finds no values of partitions whose columns are mapped, optimized or not.
  'mapped-partitioned': {
    create: { properties: { 'delta.columnMapping.mode': 'name' }, partitionBy: ['p'] },
    appends: 6,
    size: 30,
    beyond: ['duckdb'],
  },
  tracked: { create: { properties: { 'delta.enableRowTracking': 'true' } }, appends: 5, size: 20 },
}
// Written by Spark: rows deleted by vectors.
const SPARK_TABLES: Readonly<Record<string, string>> = {
  vectors: 'spark/deletion-vectors',
  'vectors-by-partition': 'spark/deletion-vectors-partitioned',
}

describe.skipIf(absent !== undefined)('tables that were optimized', () => {
  let folder: string
  const before = new Map<string, string[]>()
  const names = [...Object.keys(CASES), ...Object.keys(SPARK_TABLES)]

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-optimized-'))
    for (const [name, { create = {}, appends, size, options = {}, more }] of Object.entries(CASES)) {
      const path = join(folder, name)
      const table = (await createTable(path, { schema: columns, ...create })) as unknown as Table<unknown, object>
      for (let i = 0; i < appends; i++) await table.append(rows(i * size, size, more))
      before.set(name, await ourLines(path))
      const { groups } = await optimize(table, options)
      expect(groups.length).toBeGreaterThan(0)
      if (name === 'spliced') expect(groups.map(({ mode }) => mode)).toEqual(['splice'])
    }
    for (const [name, source] of Object.entries(SPARK_TABLES)) {
      const path = join(folder, name)
      cpSync(fileURLToPath(new URL(`../../spec/tables/${source}`, import.meta.url)), path, { recursive: true })
      before.set(name, await ourLines(path))
      await optimize(await openTable(path), { minDeletedShare: 0 })
    }
  }, 120_000)
  afterAll(() => {
    if (folder !== undefined && existsSync(folder)) rmSync(folder, { recursive: true, force: true })
  })

  test('are the same to us', async () => {
    for (const name of names) expect(await ourLines(join(folder, name)), name).toEqual(before.get(name))
  })

  describe.each(['deltalake', 'duckdb', 'chdb', 'spark'] as const)('by %s', (engine) => {
    let reader: ReaderProcess
    beforeAll(() => {
      reader = new ReaderProcess(engine)
    })
    afterAll(() => reader?.[Symbol.asyncDispose]())

    test.each(names.filter((name) => CASES[name]?.beyond?.includes(engine) !== true))('%s: the rows of before', async (name) => {
      const path = join(folder, name)
      expect(await reader.rows(path, null, await schemaText(path))).toEqual(before.get(name))
    })
  })

  test('have the ids that Spark gave to rows, and it goes on from there', async () => {
    const answer = await python<{ readonly before: unknown; readonly after: unknown }>(
      `
import contextlib
sys.path.insert(0, input["peers"])
with contextlib.redirect_stdout(sys.stderr):
    from spark import session
    spark = session()
    path = input["path"]
    spark.sql(f"CREATE TABLE delta.\`{path}\` (id BIGINT, name STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')")
    for i in range(4):
        spark.sql(f"INSERT INTO delta.\`{path}\` VALUES ({i}, 'a'), ({i + 10}, 'b')")
    spark.sql(f"UPDATE delta.\`{path}\` SET name = 'c' WHERE id = 2")
    def ids():
        rows = spark.read.format("delta").load(path).select("id", "name", "_metadata.row_id", "_metadata.row_commit_version").collect()
        return sorted([row["id"], row["name"], row["row_id"], row["row_commit_version"]] for row in rows)
    before = ids()
    import subprocess
    subprocess.run(input["optimize"], check=True, stdout=sys.stderr)
    after = ids()
    spark.stop()
print(json.dumps({"before": before, "after": after}))`,
      {
        peers: peersFolder,
        path: join(folder, 'by-spark'),
        optimize: [process.execPath, mainProgram(), 'optimize', join(folder, 'by-spark')],
      },
    )
    expect(answer.after).toEqual(answer.before)
    expect((await (await openTable(join(folder, 'by-spark'))).snapshot()).numFiles).toBe(1)
  })
})

function mainProgram(): string {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  if (!existsSync(main)) execFileSync('npm', ['run', 'build'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
  return main
}
