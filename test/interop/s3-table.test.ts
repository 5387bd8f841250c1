// A table's whole life on real S3 servers: made by URL, streamed into, read, travelled in, shared by processes and by delta-rs,
// and the server killed in the middle of commits.
import { createStreamWriter, createTable, isAlluviumError, long, openTable, schema, string, type Table } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startS3Emulator } from '../../src/testing/emulators/s3.js'
import { absent, python } from './peers.js'
import { type Children, childrenOf } from './s3-processes.js'
import { type S3ServerName, s3Absent, s3ServerForSuite } from './s3-servers.js'

if (s3Absent !== undefined) console.warn(`skipped: ${s3Absent}`)

interface Line {
  readonly id: string
  readonly outcome: 'acked' | 'failed' | 'unknown'
  readonly version?: number
}

const columns = schema({ id: string().notNull(), n: long() })

async function ids(table: Table): Promise<string[]> {
  const found: string[] = []
  for await (const row of table.scan().rows()) found.push(row.id as string)
  return found.sort()
}

let children: Children
beforeAll(async () => {
  if (s3Absent === undefined) children = await childrenOf('s3-child.ts')
})
afterAll(() => children?.[Symbol.dispose]())

describe.skipIf(s3Absent !== undefined).each<S3ServerName>(['minio', 'versitygw'])('%s', (name) => {
  const server = s3ServerForSuite(name)

  test('a table is made by URL, appended to, streamed into, read, overwritten and travelled in', async () => {
    const url = server.current.freshUrl()
    const storage = server.current.options
    const table = await createTable(url, { schema: columns, partitionBy: ['n'], storage })
    await table.append([
      { id: 'a', n: 1n },
      { id: 'b', n: 2n },
    ])
    const writer = await createStreamWriter(table, { appId: 'stream', linger: { ms: 10 } })
    const ticket = await writer.write([{ id: 'c', n: 1n }], { source: 's', partition: 0, firstOffset: 0n, lastOffset: 0n })
    expect(await ticket.committed).toMatchObject({ version: 2 })
    await writer.close()
    await (await openTable(url, { storage })).overwrite([{ id: 'd', n: null }])

    const again = await openTable(url, { storage })
    expect(await ids(again)).toEqual(['d'])
    const atVersion = async (version: number): Promise<number> => (await again.snapshot({ version })).scan().count()
    expect(await Promise.all([0, 1, 2, 3].map(atVersion))).toEqual([0, 2, 3, 1])
    expect(await again.scan({ where: 'n = 1' }).count()).toBe(0)
    expect(await (await again.snapshot({ version: 2 })).scan({ where: 'n = 1' }).count()).toBe(2)
    expect((await again.history()).map(({ info }) => info?.operation)).toEqual(['WRITE', 'STREAMING UPDATE', 'WRITE', 'CREATE TABLE'])
    await expect(createTable(url, { schema: columns, storage })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(openTable(server.current.freshUrl(), { storage })).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
  })

  test('processes that append at once all commit, each row once, in versions without a gap', async () => {
    const url = server.current.freshUrl()
    const { options } = server.current
    await createTable(url, { schema: columns, storage: options })
    const running = Array.from({ length: 4 }, (_, n) => children.start('append-15', url, options, `writer${n}`))
    await Promise.all(running.map(({ ended }) => ended))
    const lines = running.flatMap((child) => child.lines as Line[])
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
    const table = await openTable(url, { storage: options })
    expect(await ids(table)).toEqual(lines.map(({ id }) => id).sort())
    expect(lines.map(({ version }) => version).sort((a, b) => (a as number) - (b as number))).toEqual(
      Array.from({ length: 60 }, (_, n) => n + 1),
    )
  })

  test('a server killed in the middle of commits and started again loses no row and doubles none', async () => {
    const url = server.current.freshUrl()
    const { options } = server.current
    await createTable(url, { schema: columns, storage: options })
    const running = Array.from({ length: 3 }, (_, n) => children.start('append', url, options, `writer${n}`))
    const acked = (): number => running.flatMap((child) => child.lines as Line[]).filter(({ outcome }) => outcome === 'acked').length
    for (let crash = 0; crash < 3; crash++) {
      const before = acked()
      await expect.poll(acked, { timeout: 60_000 }).toBeGreaterThan(before + 5)
      await server.current.kill()
      await new Promise((resolve) => setTimeout(resolve, 300))
      await server.current.restart()
    }
    const before = acked()
    await expect.poll(acked, { timeout: 60_000 }).toBeGreaterThan(before + 3)
    for (const child of running) child.stop()
    await Promise.all(running.map(({ ended }) => ended))

    const lines = running.flatMap((child) => child.lines as Line[])
    const found = await ids(await openTable(url, { storage: options }))
    expect(new Set(found).size, 'no row is there twice').toBe(found.length)
    const there = new Set(found)
    expect(
      lines.filter(({ id, outcome }) => outcome === 'acked' && !there.has(id)),
      'acknowledged rows that are missing',
    ).toEqual([])
    expect(
      lines.filter(({ id, outcome }) => outcome === 'failed' && there.has(id)),
      'rows that were called failed',
    ).toEqual([])
    expect(
      found.filter((id) => !lines.some((line) => line.id === id)),
      'rows that nobody wrote',
    ).toEqual([])
    // The server came back every time, so every outcome could be found out.
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
  })

  test.skipIf(absent !== undefined)(
    'delta-rs reads what we wrote, we read what it wrote, and both write at once without losing a row',
    async () => {
      const url = server.current.freshUrl()
      const { options, env } = server.current
      const table = await createTable(url, { schema: columns, storage: options })
      await table.append([{ id: 'ours', n: 1n }])
      const ours = Array.from({ length: 10 }, (_, n) => `ours-${n}`)
      const appending = (async () => {
        for (const id of ours) await table.append([{ id, n: null }])
      })()
      const seen = await python<{ before: string[]; created: string[] }>(
        `
import os, time
from deltalake import DeltaTable, QueryBuilder, write_deltalake
import pyarrow as pa
os.environ.update(input["env"])
def rows(url):
    return sorted(row["id"] for row in pa.table(QueryBuilder().register("t", DeltaTable(url)).execute("select id from t")).to_pylist())
before = rows(input["url"])
one = lambda id: pa.table({"id": pa.array([id], pa.string()), "n": pa.array([7], pa.int64())}, schema=pa.schema([pa.field("id", pa.string(), False), ("n", pa.int64())]))
created = []
for n in range(10):
    for attempt in range(20):
        try:
            write_deltalake(input["url"], one(f"theirs-{n}"), mode="append")
            created.append(f"theirs-{n}")
            break
        except Exception as error:
            if attempt == 19: raise
            time.sleep(0.05)
print(json.dumps({"before": before, "created": created}))`,
        { url, env },
      )
      await appending
      expect(seen.before).toContain('ours')
      expect(await ids(await openTable(url, { storage: options }))).toEqual(['ours', ...ours, ...seen.created].sort())
    },
  )

  test.skipIf(absent !== undefined)('we read and append to a table that delta-rs made', async () => {
    const url = server.current.freshUrl()
    const { options, env } = server.current
    await python(
      `
import os
from deltalake import write_deltalake
import pyarrow as pa
os.environ.update(input["env"])
write_deltalake(input["url"], pa.table({"id": ["a", "b"], "n": pa.array([1, 2], pa.int64()), "p": ["x y", "x/y"]}), partition_by=["p"])
print(1)`,
      { url, env },
    )
    const table = await openTable(url, { storage: options })
    expect(await ids(table)).toEqual(['a', 'b'])
    expect(await table.scan({ where: "p = 'x/y'" }).count()).toBe(1)
    await table.append([{ id: 'c', n: 3n, p: 'x%2Fy' }])
    const theirs = await python<string[]>(
      `
import os
from deltalake import DeltaTable, QueryBuilder
import pyarrow as pa
os.environ.update(input["env"])
t = pa.table(QueryBuilder().register("t", DeltaTable(input["url"])).execute("select id, p from t order by id"))
print(json.dumps([row["id"] + " " + row["p"] for row in t.to_pylist()]))`,
      { url, env },
    )
    expect(theirs).toEqual(['a x y', 'b x/y', 'c x%2Fy'])
  })
})

describe('a server that takes If-None-Match and ignores it', () => {
  test('is refused for commits and can be read; a declared single writer may write', async () => {
    await using unsafe = await startS3Emulator({ flavour: 'unconditional' })
    const storage = { endpoint: unsafe.endpoint, region: unsafe.region, ...unsafe.credentials }
    const refused = await createTable('s3://tables/t', { schema: columns, storage }).catch((error) => error)
    expect(isAlluviumError(refused, 'STORAGE_UNSAFE')).toBe(true)
    await expect.poll(() => unsafe.keys('tables')).toEqual([])
    const alone = await createTable('s3://tables/t', { schema: columns, storage: { ...storage, singleWriter: true } })
    await alone.append([{ id: 'a', n: 1n }])
    const reader = await openTable('s3://tables/t', { storage })
    expect(await ids(reader)).toEqual(['a'])
    const error = await reader.append([{ id: 'b', n: 1n }]).catch((each) => each)
    expect(isAlluviumError(error, 'STORAGE_UNSAFE')).toBe(true)
    expect(await ids(reader)).toEqual(['a'])
    expect(unsafe.keys('tables', 't/').filter((key) => key.endsWith('.parquet'))).toHaveLength(1)
  })
})
