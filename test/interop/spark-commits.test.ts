// Commits of ours and of Apache Spark on the same tables, in turns: in-commit timestamps, row ids, shared commits and
// transactions, each written by us, gone on with by Spark, and gone on with by us.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, long, openTable, schema, string } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, peersFolder, python } from './peers.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const SPARK = `
import contextlib, datetime
sys.path.insert(0, input["peers"])
with contextlib.redirect_stdout(sys.stderr):
    from spark import session
    spark = session()
def sql(text, name):
    return spark.sql(text.replace("<t>", "delta.\`" + input["folder"] + "/" + name + "\`"))
def frame(name):
    return spark.read.format("delta").load(input["folder"] + "/" + name)
def millis(value):
    return int(round(value.timestamp() * 1000))
answer = {}
`

// What Spark does once we have begun, and what it sees at the end.
const GO_ON = `${SPARK}
with contextlib.redirect_stdout(sys.stderr):
    for name in ["timestamps", "timestamps-later", "ids", "ids-later", "shared", "transaction"]:
        answer[name] = frame(name).count()
        sql("INSERT INTO <t> VALUES (100, 'spark')", name)
    sql("UPDATE <t> SET who = 'updated' WHERE id = 1", "ids")
    sql("DELETE FROM <t> WHERE id = 2", "timestamps")
    sql("ALTER TABLE <t> SET TBLPROPERTIES ('mine' = 'x')", "timestamps")
    spark.stop()
print(json.dumps(answer))`

const LOOK = `${SPARK}
with contextlib.redirect_stdout(sys.stderr):
    from delta.tables import DeltaTable
    for name in input["names"]:
        history = DeltaTable.forPath(spark, input["folder"] + "/" + name).history().collect()
        answer[name] = {
            "history": [[row["version"], millis(row["timestamp"]), row["operation"], (row["operationMetrics"] or {}).get("numOutputRows")] for row in history],
            "rows": sorted([row["id"], row["who"]] for row in frame(name).collect()),
        }
    for name in ["ids", "ids-later"]:
        rows = frame(name).select("id", "_metadata.row_id", "_metadata.row_commit_version").collect()
        answer[name]["ids"] = sorted([row["id"], row["row_id"], row["row_commit_version"]] for row in rows)
    for name in ["timestamps", "timestamps-later"]:
        at = {}
        for version, millisecond, _, _ in answer[name]["history"]:
            stamp = datetime.datetime.fromtimestamp(millisecond / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds")
            at[version] = spark.read.format("delta").option("timestampAsOf", stamp).load(input["folder"] + "/" + name).count()
        answer[name]["countAt"] = at
    spark.stop()
print(json.dumps(answer))`

interface Seen {
  readonly history: readonly [number, number, string, string | null][]
  readonly rows: readonly [number, string][]
  readonly ids?: readonly [number, number, number][]
  readonly countAt?: Readonly<Record<string, number>>
}

const columns = schema({ id: long(), who: string() })
const some = (from: number, count: number): { id: number; who: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, who: 'us' }))

describe.skipIf(absent !== undefined)('tables that we and Spark commit to in turns', () => {
  let folder: string
  let seen: Record<string, Seen>
  let counts: Record<string, number>
  const path = (name: string): string => join(folder, name)
  const commits = (name: string): Record<string, never>[][] =>
    readdirSync(join(path(name), '_delta_log'))
      .filter((file) => /^\d{20}\.json$/.test(file))
      .sort()
      .map((file) =>
        readFileSync(join(path(name), '_delta_log', file), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line)),
      )

  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/alluvium-spark-`)
    const begin = (name: string, properties: Record<string, string> = {}) => createTable(path(name), { schema: columns, properties })
    const timestamps = await begin('timestamps', { 'delta.enableInCommitTimestamps': 'true' })
    await timestamps.append(some(1, 2))
    await timestamps.append(some(3, 2))
    const later = await begin('timestamps-later')
    await later.append(some(1, 2))
    await later.setProperties({ 'delta.enableInCommitTimestamps': 'true' })
    await later.append(some(3, 2))
    const ids = await begin('ids', { 'delta.enableRowTracking': 'true' })
    await ids.append(some(1, 3))
    await ids.append(some(4, 1))
    const idsLater = await begin('ids-later')
    await idsLater.append(some(1, 2))
    await idsLater.setProperties({ 'delta.enableRowTracking': 'true' })
    await idsLater.append(some(3, 1))
    const shared = await begin('shared')
    await Promise.all(some(1, 20).map((row) => shared.append([row])))
    const transaction = await (await begin('transaction')).transaction({ appId: 'job' })
    await transaction.append(some(1, 4))
    await transaction.setPosition(1n).commit()
    const names = ['timestamps', 'timestamps-later', 'ids', 'ids-later', 'shared', 'transaction']
    counts = await python<Record<string, number>>(GO_ON, { folder, peers: peersFolder })
    for (const table of [timestamps, later, ids, idsLater, shared]) await table.append(some(200, 2))
    const removing = await (await openTable(path('transaction'))).transaction({ appId: 'job' })
    await removing.removeWhere('id = 100')
    await removing.append(some(200, 2))
    await removing.setPosition(2n).commit()
    seen = await python<Record<string, Seen>>(LOOK, { folder, peers: peersFolder, names })
  })
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  test('are read by Spark as we wrote them, and hold at the end what both wrote', () => {
    expect(counts).toEqual({ timestamps: 4, 'timestamps-later': 4, ids: 4, 'ids-later': 3, shared: 20, transaction: 4 })
    const rows = (name: string): readonly number[] => (seen[name] as Seen).rows.map(([id]) => id)
    expect(rows('timestamps')).toEqual([1, 3, 4, 100, 200, 201])
    expect(rows('timestamps-later')).toEqual([1, 2, 3, 4, 100, 200, 201])
    expect(rows('ids')).toEqual([1, 2, 3, 4, 100, 200, 201])
    expect(rows('ids-later')).toEqual([1, 2, 3, 100, 200, 201])
    expect(rows('shared')).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 100, 200, 201])
    expect(rows('transaction')).toEqual([1, 2, 3, 4, 200, 201])
  })

  test('in-commit timestamps rise over both writers, and both tell the same times', async () => {
    for (const name of ['timestamps', 'timestamps-later']) {
      const stamps = commits(name).map(
        (commit) => (commit[0] as { commitInfo?: { inCommitTimestamp?: number } }).commitInfo?.inCommitTimestamp,
      )
      const kept = stamps.filter((stamp) => stamp !== undefined)
      // Switched on in version 2 of the second table: from there on every commit has one.
      expect(kept).toHaveLength(name === 'timestamps' ? stamps.length : stamps.length - 2)
      for (let i = 1; i < kept.length; i++) expect(kept[i]).toBeGreaterThan(kept[i - 1] as number)
      const ours = await (await openTable(path(name))).history()
      const { history, countAt } = seen[name] as Seen
      expect(ours.map(({ version, timestampMs }) => [version, timestampMs])).toEqual(history.map(([version, millis]) => [version, millis]))
      for (const [version, millis] of history) {
        const snapshot = await (await openTable(path(name))).snapshot({ timestamp: millis })
        expect([version, await snapshot.scan().count()]).toEqual([version, countAt?.[String(version)]])
      }
    }
  })

  test('row ids are unique over both writers, and the same whoever reads them', async () => {
    for (const name of ['ids', 'ids-later']) {
      const { ids = [] } = seen[name] as Seen
      expect(new Set(ids.map(([, id]) => id)).size).toBe(ids.length)
      const ours = await (await (await openTable(path(name))).snapshot()).scan({ rowIds: true }).toArray()
      const mine = (ours as unknown as { id: bigint; _row_id: bigint; _row_commit_version: bigint }[])
        .map((row) => [row.id, row._row_id, row._row_commit_version].map(Number))
        .sort((a, b) => (a[0] as number) - (b[0] as number))
      expect(mine).toEqual(ids)
    }
    // Of the files that were there before row tracking began, and of those after.
    expect((seen['ids-later'] as Seen).ids?.slice(0, 3)).toEqual([
      [1, 0, 2],
      [2, 1, 2],
      [3, 2, 3],
    ])
  })

  test('a shared commit is one version in the history of Spark, with the rows of all', () => {
    const { history } = seen.shared as Seen
    const written = history.filter(([, , operation]) => operation === 'WRITE').map(([, , , rows]) => Number(rows))
    expect(written.reduce((sum, rows) => sum + rows, 0)).toBe(20 + 1 + 2)
    expect(Math.max(...written)).toBeGreaterThan(1)
  })
})
