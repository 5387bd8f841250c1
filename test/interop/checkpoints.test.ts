// Checkpoints of ours, read by the engines that people query tables with. The commits before a checkpoint are gone, so that it
// is truly what is read; what the rows are was written down before, or said by Spark of the table before.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, date, double, long, openTable, schema, string, type Table } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, peersFolder, python } from './peers.js'
import { type ReaderName, ReaderProcess, sortLines } from './reader-process.js'
import { ourLines, schemaText } from './tables.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const columns = schema({ id: long().notNull(), part: string(), day: date(), score: double() })
const V2 = { 'delta.checkpointPolicy': 'v2' }
const STRUCT = { 'delta.checkpoint.writeStatsAsStruct': 'true' }
const STRUCT_ONLY = { ...STRUCT, 'delta.checkpoint.writeStatsAsJson': 'false' }
const MAPPED = { 'delta.columnMapping.mode': 'name' }

/** By name: the table's properties, its partition columns, and at which versions it gets checkpoints. */
const KINDS: Readonly<Record<string, readonly [Readonly<Record<string, string>>, readonly string[], readonly number[]]>> = {
  classic: [{}, [], [4]],
  partitioned: [{}, ['part', 'day'], [4]],
  mapped: [MAPPED, ['part'], [4]],
  'struct statistics': [STRUCT, ['day'], [4]],
  'struct statistics only': [STRUCT_ONLY, ['part'], [4]],
  'mapped, struct statistics': [{ ...MAPPED, ...STRUCT }, ['part'], [4]],
  'v2 under the classic name': [V2, ['part'], [4]],
  'v2 with sidecars used again': [V2, ['part'], [1, 2, 3, 4]],
  'v2, mapped, struct statistics': [{ ...V2, ...MAPPED, ...STRUCT }, ['part', 'day'], [2, 4]],
}

// DuckDB looks for the values of partition columns under their logical names, whatever the log is read from.
const beyond: Partial<Record<ReaderName, (name: string) => boolean>> = { duckdb: (name) => name.includes('mapped') }

const ROWS = [
  { id: 1n, part: 'ä/b %', day: '2026-01-31', score: 1.5 },
  { id: 2n, part: null, day: null, score: null },
  { id: 3n, part: 'x=y', day: '1969-12-31', score: -0.25 },
  { id: 9007199254740993n, part: 'plain', day: '2026-02-28', score: 1e300 },
] as const

async function grow(table: Table<unknown, (typeof ROWS)[number]>, at: readonly number[]): Promise<void> {
  const checkpoint = async (version: number): Promise<void> => void (at.includes(version) && (await table.checkpoint()))
  await table.append([ROWS[0]])
  await checkpoint(1)
  await table.append([ROWS[1], ROWS[2]], { txn: { appId: 'app', version: 3n } })
  await checkpoint(2)
  await table.overwrite([ROWS[1]])
  await checkpoint(3)
  await table.append([ROWS[0], ROWS[3]])
  await checkpoint(4)
  await table.settled()
}

/** Leaves of the log what a cleaner would: the last checkpoint, its own commit, and what it names. */
function forget(path: string, version: number): void {
  const log = join(path, '_delta_log')
  for (const name of readdirSync(log)) if (/^\d{20}\./.test(name) && Number(name.slice(0, 20)) < version) rmSync(join(log, name))
}

describe.skipIf(absent !== undefined)('our checkpoints', () => {
  let folder: string
  const lines = new Map<string, string[]>()
  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/alluvium-checkpoints-`)
    for (const [name, [properties, partitionBy, at]] of Object.entries(KINDS)) {
      const path = join(folder, name.replaceAll(/[ ,]/g, '-'))
      const table = await createTable(path, { schema: columns, properties, partitionBy })
      await grow(table as unknown as Table<unknown, (typeof ROWS)[number]>, at)
      lines.set(name, await ourLines(path))
      forget(path, 4)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const pathOf = (name: string): string => join(folder, name.replaceAll(/[ ,]/g, '-'))

  test.each(Object.keys(KINDS))('%s: what we read is what was written', async (name) => {
    expect(lines.get(name)).toEqual(
      sortLines([
        '{"id":1,"part":"ä/b %","day":"2026-01-31","score":1.5}',
        '{"id":2,"part":null,"day":null,"score":null}',
        '{"id":"9007199254740993","part":"plain","day":"2026-02-28","score":1e+300}',
      ]),
    )
    expect(await ourLines(pathOf(name))).toEqual(lines.get(name))
  })

  describe.each(['deltalake', 'duckdb', 'chdb', 'spark'] as const)('by %s', (engine) => {
    let reader: ReaderProcess
    beforeAll(() => {
      reader = new ReaderProcess(engine)
    })
    afterAll(() => reader?.[Symbol.asyncDispose]())

    test.each(Object.keys(KINDS).filter((name) => beyond[engine]?.(name) !== true))(
      '%s: the rows, from the checkpoint alone',
      async (name) => {
        expect(await reader.rows(pathOf(name), null, await schemaText(pathOf(name)))).toEqual(lines.get(name))
      },
    )
  })
})

const SPARK = `
import contextlib
sys.path.insert(0, input["peers"])
with contextlib.redirect_stdout(sys.stderr):
    from spark import session
    spark = session()
    path = input["path"]
    if input["step"] == "make":
        spark.sql(f"""CREATE TABLE delta.\`{path}\` (id LONG, p STRING, name STRING) USING delta PARTITIONED BY (p)
          TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.columnMapping.mode' = 'name', {input["properties"]})""")
        for n in range(3):
            spark.range(n * 100, n * 100 + 100, 1, 1).selectExpr("id", "cast(id % 2 as string) p", "concat('n', id) name").write.format("delta").mode("append").save(path)
        spark.sql(f"DELETE FROM delta.\`{path}\` WHERE id % 7 = 0")
        spark.sql(f"DELETE FROM delta.\`{path}\` WHERE id BETWEEN 200 AND 300 AND p = '1'")
    else:
        spark.sql(f"DELETE FROM delta.\`{path}\` WHERE id % 5 = 1")
        spark.range(1000, 1010, 1, 1).selectExpr("id", "'2' p", "'more' name").write.format("delta").mode("append").save(path)
        spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path).checkpoint()
    rows = spark.read.format("delta").load(path).orderBy("id").collect()
    spark.stop()
print(json.dumps([[r.id, r.p, r.name] for r in rows]))`

describe.skipIf(absent !== undefined).each([
  ['classic', "'delta.checkpointPolicy' = 'classic'"],
  ['v2', "'delta.checkpointPolicy' = 'v2'"],
])('a table of Spark with deletion vectors and mapped columns, with a %s checkpoint of ours', (_, properties) => {
  test('is the same to Spark, which goes on from it', async () => {
    const folder = mkdtempSync(`${tmpdir()}/alluvium-spark-`)
    try {
      const path = join(folder, 'table')
      const made = await python<[number, string, string][]>(SPARK, {
        path,
        properties,
        step: 'make',
        peers: peersFolder,
      })
      const table = await openTable(path)
      const { written, version } = await table.checkpoint()
      expect(written).toBe(true)
      forget(path, version)
      const rows = async (): Promise<unknown[]> =>
        (await (await openTable(path)).scan().toArray())
          .map((row) => [Number(row.id), row.p, row.name])
          .sort((a, b) => (a[0] as number) - (b[0] as number))
      expect(await rows()).toEqual(made)
      const after = await python<[number, string, string][]>(SPARK, {
        path,
        properties,
        step: 'go on',
        peers: peersFolder,
      })
      expect(after).toEqual(made.filter(([id]) => id % 5 !== 1).concat(Array.from({ length: 10 }, (_, n) => [1000 + n, '2', 'more'])))
      expect(await rows()).toEqual(after)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
