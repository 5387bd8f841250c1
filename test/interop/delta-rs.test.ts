// delta-rs and we, on the same tables: it reads what we wrote, we read what it wrote, and both write in turns.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, double, long, openTable, schema, string } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, python } from './peers.js'
import { ReaderProcess, sortLines } from './reader-process.js'
import { ourLines, type TableExpectation, tableNames, writeTables } from './tables.js'

if (absent !== undefined) console.warn(`skipped: ${absent}`)

const PRELUDE = `
from deltalake import DeltaTable, QueryBuilder, write_deltalake
import pyarrow as pa
dt = lambda: DeltaTable(input["path"])
def sql(text):
    return pa.table(QueryBuilder().register("t", dt()).execute(text)).to_pylist()
`

interface Row {
  readonly id: number
  readonly name: string | null
}

describe.skipIf(absent !== undefined)('delta-rs', () => {
  let folder: string
  let tables: Record<string, TableExpectation>
  let reader: ReaderProcess

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-delta-rs-'))
    tables = await writeTables(folder)
    reader = new ReaderProcess('deltalake')
  })
  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  describe('reads our tables', () => {
    test.each(tableNames)('%s: every version has the rows that were written, and we read the same', async (name) => {
      const { path, versions } = tables[name] as TableExpectation
      for (const [version, lines] of versions.entries()) {
        expect(await ourLines(path, version), `ours, version ${version}`).toEqual(lines)
        expect(await reader.rows(path, version), `theirs, version ${version}`).toEqual(lines)
      }
      expect(await reader.rows(path)).toEqual(versions.at(-1))
    })

    test('at the lowest protocol that their columns need', async () => {
      const protocols = await python<Record<string, unknown>>(
        `${PRELUDE}
def protocol(path):
    p = DeltaTable(path).protocol()
    return [p.min_reader_version, p.min_writer_version, p.reader_features or []]
print(json.dumps({name: protocol(path) for name, path in input.items()}))`,
        Object.fromEntries(Object.entries(tables).map(([name, { path }]) => [name, path])),
      )
      const plain = Object.keys(tables).filter((name) => name !== 'ntz')
      expect(protocols).toEqual({ ...Object.fromEntries(plain.map((name) => [name, [1, 2, []]])), ntz: [3, 7, ['timestampNtz']] })
    })

    test('knows the history and the positions of streams', async () => {
      const { path } = tables.stream as TableExpectation
      const facts = await python<{ operations: string[]; positions: (number | null)[] }>(
        `${PRELUDE}
print(json.dumps({"operations": [h["operation"] for h in dt().history()], "positions": [dt().transaction_version("ingest%2F1/clicks/" + str(p)) for p in range(4)]}))`,
        { path },
      )
      expect(facts.operations).toEqual(['STREAMING UPDATE', 'STREAMING UPDATE', 'STREAMING UPDATE', 'STREAMING UPDATE', 'CREATE TABLE'])
      expect(facts.positions).toEqual([199, 199, 199, null])
    })

    test('knows our statistics, finds by them what is there and reads nothing else', async () => {
      const path = join(folder, 'statistics')
      const table = await createTable(path, { schema: schema({ id: long(), name: string(), score: double() }) })
      // Ten files of disjoint ids from 2^53 on; names of one letter in each, one name too long for a whole bound.
      for (let file = 0; file < 10; file++) {
        const letter = String.fromCharCode(97 + file)
        const row = (i: number) => ({
          id: 2n ** 53n + BigInt(file * 100 + i),
          name: letter.repeat(i === 19 ? 100 : 3),
          score: i === 0 ? null : file + i / 100,
        })
        await table.append(Array.from({ length: 20 }, (_, i) => row(i)))
      }
      const facts = await python<Record<string, unknown>[]>(
        `${PRELUDE}
rows = pa.table(dt().get_add_actions(flatten=True)).to_pylist()
keys = ["num_records", "null_count.score", "min.id", "max.id", "min.name", "min.score", "max.score"]
print(json.dumps(sorted(([str(r[k]) for k in keys] for r in rows), key=lambda r: r[2])))`,
        { path },
      )
      expect(facts).toEqual(
        Array.from({ length: 10 }, (_, file) => {
          const first = 2n ** 53n + BigInt(file * 100)
          return ['20', '1', String(first), String(first + 19n), String.fromCharCode(97 + file).repeat(3), `${file}.01`, `${file}.19`]
        }),
      )
      // The number of rows of each question, or -1 where it failed.
      const counts = (...questions: readonly string[]): Promise<number[]> =>
        python(
          `${PRELUDE}
def count(where):
    try: return sql("select count(*) as n from t where " + where)[0]["n"]
    except Exception: return -1
print(json.dumps([count(where) for where in input["questions"]]))`,
          { path, questions },
        )
      const answers: readonly (readonly [question: string, rows: number])[] = [
        ['id = 9007199254741493', 1], // 2^53 + 501
        ['id = 9007199254741142', 0], // 2^53 + 150, between two files
        ["name = 'ccc'", 19],
        [`name = '${'j'.repeat(100)}'`, 1],
        ['score is null', 10],
        ['score > 8.185', 20],
      ]
      expect(await counts(...answers.map(([question]) => question))).toEqual(answers.map(([, rows]) => rows))
      // Without the files of the first five, only questions that need none of them have an answer.
      const { view } = await table.snapshot()
      for (const row of view.files.liveRows().subarray(0, 5)) rmSync(join(path, decodeURIComponent(view.files.path(row))))
      expect(await counts('id >= 9007199254741492', 'id < 9007199254741492')).toEqual([100, -1])
    })
  })

  describe('and we, in turns', () => {
    test('append to and overwrite one table: both read the same rows at every version, and a handle from before goes on', async () => {
      const path = join(folder, 'turns')
      const table = await createTable(path, { schema: schema({ id: long(), name: string() }), partitionBy: ['name'] })
      const write = (mode: string, rows: readonly Row[]): Promise<unknown> =>
        python(
          `${PRELUDE}
rows = input["rows"]
write_deltalake(input["path"], pa.table({"id": pa.array([r["id"] for r in rows], pa.int64()), "name": pa.array([r["name"] for r in rows], pa.string())}), mode=input["mode"])
print("0")`,
          { path, mode, rows },
        )
      const expected: string[][] = [[]]
      const has = (...rows: readonly Row[]): void => {
        expected.push(sortLines(rows.map((row) => JSON.stringify({ id: row.id, name: row.name }))))
      }
      const [r0, r1, r2, r3, r4, r5, r6, r7] = ([null, 'n/1 %', 'n/2 %', 'ü', null, "it's", 'n/2 %', 'x=y'] as const).map((name, id) => ({
        id,
        name,
      })) as [Row, Row, Row, Row, Row, Row, Row, Row]
      await table.append([r0, r1])
      has(r0, r1)
      await write('append', [r2, r3])
      has(r0, r1, r2, r3)
      await table.append([r4])
      has(r0, r1, r2, r3, r4)
      await write('overwrite', [r5, r1])
      has(r5, r1)
      await table.append([r6])
      has(r5, r1, r6)
      await table.overwrite([r7])
      has(r7)
      await write('append', [r0])
      has(r7, r0)
      for (const [version, lines] of expected.entries()) {
        expect(await ourLines(path, version), `ours, version ${version}`).toEqual(lines)
        expect(await reader.rows(path, version), `theirs, version ${version}`).toEqual(lines)
      }
      expect((await table.snapshot()).version).toBe(expected.length - 1)
    })

    test('race: every append of both is there', async () => {
      const path = join(folder, 'race')
      await createTable(path, { schema: schema({ id: long(), who: string() }) })
      const theirs = python(
        `${PRELUDE}
for i in range(25):
    write_deltalake(input["path"], pa.table({"id": pa.array([i], pa.int64()), "who": ["theirs"]}), mode="append")
print("0")`,
        { path },
      )
      const table = await openTable(path)
      for (let id = 0; id < 60; id++) {
        await table.append([{ id, who: 'ours' }])
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      await theirs
      const rows = [
        ...Array.from({ length: 60 }, (_, id) => ({ id, who: 'ours' })),
        ...Array.from({ length: 25 }, (_, id) => ({ id, who: 'theirs' })),
      ]
      const lines = sortLines(rows.map((row) => JSON.stringify(row)))
      expect(await ourLines(path)).toEqual(lines)
      expect(await reader.rows(path)).toEqual(lines)
      expect((await table.snapshot()).version).toBe(85)
    })
  })

  describe('writes tables, and we read them', () => {
    // Rows 0 to n-1 of every type that deltalake writes; the values follow from the row's number.
    const MAKE = `${PRELUDE}
import datetime, decimal
def rows(first, count):
    n = list(range(first, first + count))
    D = decimal.Decimal
    opt = lambda f: [None if i % 7 == 3 else f(i) for i in n]
    return pa.table({
        "n": pa.array(n, pa.int64()),
        "l": pa.array(opt(lambda i: 9007199254740993 + i), pa.int64()),
        "i": pa.array(opt(lambda i: -i), pa.int32()),
        "s": pa.array(opt(lambda i: i % 100), pa.int16()),
        "b": pa.array(opt(lambda i: i % 100), pa.int8()),
        "f": pa.array(opt(lambda i: i + 0.5), pa.float32()),
        "d": pa.array(opt(lambda i: i / 8), pa.float64()),
        "flag": pa.array(opt(lambda i: i % 2 == 0), pa.bool_()),
        "t": pa.array(opt(lambda i: "ü/%" + str(i)), pa.string()),
        "bin": pa.array(opt(lambda i: bytes([i % 256, 255])), pa.binary()),
        "day": pa.array(opt(lambda i: datetime.date(2026, 1, 1) + datetime.timedelta(days=i)), pa.date32()),
        "at": pa.array(opt(lambda i: 1767225600000000 + i), pa.timestamp("us", tz="UTC")),
        "amount": pa.array(opt(lambda i: D(i).scaleb(-10)), pa.decimal128(38, 10)),
        "tags": pa.array(opt(lambda i: ["x"] * (i % 3) + [None]), pa.list_(pa.string())),
        "counts": pa.array(opt(lambda i: [("k", i)]), pa.map_(pa.string(), pa.int64())),
        "st": pa.array(opt(lambda i: {"a": i, "b": None}), pa.struct([("a", pa.int32()), ("b", pa.string())])),
        "p": pa.array([["red", "a b/%c", None][i % 3] for i in n], pa.string()),
        "pd": pa.array([datetime.date(2026, 1, 1 + i % 2) for i in n], pa.date32()),
    })
`
    const row = (n: number): string => {
      const opt = <T>(value: T): T | null => (n % 7 === 3 ? null : value)
      const day = (add: number): string => new Date(Date.UTC(2026, 0, 1 + add)).toISOString().slice(0, 10)
      return JSON.stringify({
        n,
        l: opt(String(9007199254740993n + BigInt(n))),
        i: opt(n === 0 ? 0 : -n),
        s: opt(n % 100),
        b: opt(n % 100),
        f: opt(n + 0.5),
        d: opt(n / 8),
        flag: opt(n % 2 === 0),
        t: opt(`ü/%${n}`),
        bin: opt(Buffer.from([n % 256, 255]).toString('base64')),
        day: opt(day(n)),
        at: opt(`2026-01-01T00:00:00.${String(n).padStart(6, '0')}Z`),
        amount: opt(`0.${String(n).padStart(10, '0')}`),
        tags: opt([...Array.from({ length: n % 3 }, () => 'x'), null]),
        counts: opt([['k', n]]),
        st: opt({ a: n, b: null }),
        p: ['red', 'a b/%c', null][n % 3],
        pd: day(n % 2),
      })
    }
    const lines = (...ranges: readonly (readonly [first: number, count: number])[]): string[] =>
      sortLines(ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => row(first + i))))

    // Version by version what the table holds.
    const SCRIPT = `${MAKE}
part = input["partition"]
write_deltalake(input["path"], rows(0, 20), partition_by=part)
for first in (20, 30, 40):
    write_deltalake(input["path"], rows(first, 10), mode="append")
dt().delete("n >= 10 and n < 25")
dt().create_checkpoint()
write_deltalake(input["path"], rows(100, 5), mode="append")
dt().optimize.compact()
write_deltalake(input["path"], rows(200, 6), mode="overwrite")
dt().update(predicate="n = 203", updates={"t": "'changed'"})
write_deltalake(input["path"], rows(300, 2), mode="append")
dt().create_checkpoint()
dt().delete()
write_deltalake(input["path"], rows(400, 3), mode="append")
print(json.dumps(dt().version()))
`
    const changed = (line: string): string => line.replace('"t":"ü/%203"', '"t":"changed"')
    const overwritten = lines([200, 6])
    const updated = sortLines(overwritten.map(changed))
    const expected: readonly (readonly string[])[] = [
      lines([0, 20]),
      lines([0, 30]),
      lines([0, 40]),
      lines([0, 50]),
      lines([0, 10], [25, 25]),
      lines([0, 10], [25, 25], [100, 5]),
      lines([0, 10], [25, 25], [100, 5]),
      overwritten,
      updated,
      sortLines([...updated, ...lines([300, 2])]),
      [],
      lines([400, 3]),
    ]

    test.each([
      ['not partitioned', [] as string[]],
      ['partitioned by texts and dates', ['p', 'pd']],
    ])('%s: append, delete, checkpoint, compaction, overwrite, update; equal rows at every version', async (name, partition) => {
      const path = join(folder, `theirs-${partition.length}`)
      expect(await python<number>(SCRIPT, { path, partition }), name).toBe(expected.length - 1)
      for (const [version, rows] of expected.entries()) {
        expect(await ourLines(path, version), `ours, version ${version}`).toEqual(rows)
        expect(await reader.rows(path, version), `theirs, version ${version}`).toEqual(rows)
      }
      // And we go on from there: from a checkpoint of theirs.
      const table = await openTable(path)
      await table.append([{ n: 999, p: 'red', pd: '2026-01-01' }])
      expect(await reader.rows(path)).toEqual(await ourLines(path))
      expect((await ourLines(path)).length).toBe(4)
    })

    test('with zone-less times, at protocol 3 and 7', async () => {
      const path = join(folder, 'theirs-ntz')
      await python(
        `${PRELUDE}\nwrite_deltalake(input["path"], pa.table({"at": pa.array([0, 1, None, -1], pa.timestamp("us"))}))\nprint("0")`,
        { path },
      )
      const texts = ['"1970-01-01T00:00:00.000000"', '"1970-01-01T00:00:00.000001"', 'null', '"1969-12-31T23:59:59.999999"']
      expect(await ourLines(path)).toEqual(sortLines(texts.map((text) => `{"at":${text}}`)))
      await (await openTable(path)).append([{ at: '2026-01-31T00:00:00' }])
      expect(await reader.rows(path)).toEqual(sortLines([...texts, '"2026-01-31T00:00:00.000000"'].map((text) => `{"at":${text}}`)))
    })
  })
})
