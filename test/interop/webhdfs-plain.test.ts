// A real HDFS with one namenode: the storage contract, a table's whole life, and what a cluster can do to a writer.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { createStreamWriter, createTable, openTable, systemRuntime } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { storageContract } from '../../src/testing/index.js'
import { hdfsAbsent, hdfsForSuite } from './hdfs-servers.js'
import { absent, python } from './peers.js'
import { type Children, childrenOf } from './s3-processes.js'
import { columns, contractOf, crash, idsOf, type Line, outcomesOf } from './webhdfs-tables.js'

if (hdfsAbsent !== undefined) console.warn(`skipped: ${hdfsAbsent}`)

let children: Children
beforeAll(async () => {
  if (hdfsAbsent === undefined) children = await childrenOf('webhdfs-child.ts')
})
afterAll(() => children?.[Symbol.dispose]())

const user = 'tester'
/** A namenode that restarts on a busy machine takes its time. */
const patient = { user, retryMs: 120_000 }

describe.skipIf(hdfsAbsent !== undefined)('HDFS', () => {
  const cluster = hdfsForSuite('plain')

  for (const { name, run } of storageContract(contractOf(() => children, { user }))) {
    test(name, () => run(webhdfsStorage(cluster.current.freshUrl(), { user })))
  }

  test('a table is made by URL, appended to, streamed into, read, overwritten and travelled in', async () => {
    const url = `${cluster.current.freshUrl()}/a%20table%20%25%C3%A9`
    const storage = { user }
    const table = await createTable(url, { schema: columns, partitionBy: ['p'], storage })
    await table.append([
      { id: 'a', n: 1n, p: 'x y' },
      { id: 'b', n: 2n, p: 'x/y:%+é' },
    ])
    const writer = await createStreamWriter(table, { appId: 'stream', linger: { ms: 10 } })
    const ticket = await writer.write([{ id: 'c', n: 1n, p: 'x y' }], { source: 's', partition: 0, firstOffset: 0n, lastOffset: 0n })
    expect(await ticket.committed).toMatchObject({ version: 2 })
    await writer.close()
    await (await openTable(url, { storage })).overwrite([{ id: 'd', n: null, p: null }])

    const again = await openTable(url, { storage })
    expect(await idsOf(again)).toEqual(['d'])
    const at = async (version: number): Promise<number> => (await again.snapshot({ version })).scan().count()
    expect(await Promise.all([0, 1, 2, 3].map(at))).toEqual([0, 2, 3, 1])
    expect(await (await again.snapshot({ version: 2 })).scan({ where: "p = 'x/y:%+é'" }).count()).toBe(1)
    expect((await again.history()).map(({ info }) => info?.operation)).toEqual(['WRITE', 'STREAMING UPDATE', 'WRITE', 'CREATE TABLE'])
    await expect(createTable(url, { schema: columns, storage })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(openTable(cluster.current.freshUrl(), { storage })).rejects.toMatchObject({ code: 'NOT_A_TABLE' })
    const byHdfs = `hdfs://cluster/${url.split('/').slice(3).join('/')}`
    expect(await idsOf(await openTable(byHdfs, { storage: { user, namenodes: cluster.current.host } }))).toEqual(['d'])
  })

  // Of 100 each: bench/concurrent-appends.ts.
  test('16 processes that append 10 times at once all commit, each row once, in versions without a gap, in equal times', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: { user } })
    const running = Array.from({ length: 16 }, (_, n) => children.start('append-10', url, { user } as object, `writer${n}`))
    await Promise.all(running.map(({ ended }) => ended))
    const lines = running.flatMap((child) => child.lines as Line[])
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
    expect(await idsOf(await openTable(url, { storage: { user } }))).toEqual(lines.map(({ id }) => id).sort())
    const versions = lines.map(({ version }) => version as number).sort((a, b) => a - b)
    expect(versions).toEqual(Array.from({ length: 160 }, (_, n) => n + 1))
    const shares = running.map((child) => (child.lines as Line[]).reduce((sum, { tookMs = 0 }) => sum + tookMs, 0))
    const jain = shares.reduce((a, b) => a + b, 0) ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0))
    expect(jain).toBeGreaterThanOrEqual(0.9)
  })

  test('delta-rs reads what we wrote', { skip: absent !== undefined }, async () => {
    const storage = webhdfsStorage(cluster.current.freshUrl(), { user })
    const table = await createTable(storage, { schema: columns, partitionBy: ['p'] })
    for (const id of ['a', 'b', 'c']) await table.append([{ id, n: 7n, p: `${id}/%é` }])
    const folder = mkdtempSync(join(tmpdir(), 'alluvium-hdfs-'))
    try {
      for await (const page of storage.list('', { recursive: true })) {
        for (const { path } of page) {
          mkdirSync(join(folder, dirname(path)), { recursive: true })
          writeFileSync(join(folder, path), (await storage.read(path)) as Uint8Array)
        }
      }
      const theirs = await python<string[]>(
        `
from deltalake import DeltaTable, QueryBuilder
import pyarrow as pa
t = pa.table(QueryBuilder().register("t", DeltaTable(input)).execute("select id, n, p from t order by id"))
print(json.dumps([f'{row["id"]} {row["n"]} {row["p"]}' for row in t.to_pylist()]))`,
        folder,
      )
      expect(theirs).toEqual(['a 7 a/%é', 'b 7 b/%é', 'c 7 c/%é'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('a cluster killed in the middle of commits and started again loses no row and doubles none', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: { user } })
    const running = Array.from({ length: 3 }, (_, n) => children.start('append', url, patient as object, `writer${n}`))
    await crash(running, 1, async () => {
      await cluster.current.kill()
      await cluster.current.restart()
    })
    const lines = await outcomesOf(running, () => openTable(url, { storage: { user } }))
    // The cluster came back every time, so every outcome could be found out.
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
  })

  test('a namenode restarted in the middle of commits loses no row and doubles none', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: { user } })
    const running = Array.from({ length: 2 }, (_, n) => children.start('append', url, patient as object, `writer${n}`))
    await crash(running, 1, async () => void (await cluster.current.ctl('restart-namenode 0')))
    const lines = await outcomesOf(running, () => openTable(url, { storage: { user } }))
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
  })

  test('in safe mode a table is read and an append waits until it is over', async () => {
    const url = cluster.current.freshUrl()
    const table = await createTable(url, { schema: columns, storage: { user } })
    await table.append([{ id: 'a', n: 1n, p: null }])
    await cluster.current.ctl('safemode on')
    expect(await idsOf(await openTable(url, { storage: { user } }))).toEqual(['a'])
    const impatient = webhdfsStorage(url, { user, retryMs: 500 })
    await expect(impatient.create('x', new Uint8Array(3))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
    const appending = table.append([{ id: 'b', n: 1n, p: null }])
    await systemRuntime.sleep(1500)
    await cluster.current.ctl('safemode off')
    expect(await appending).toMatchObject({ version: 2 })
    expect(await idsOf(table)).toEqual(['a', 'b'])
  })

  test('without a datanode a write fails in time, and goes through once there is one', async () => {
    const url = cluster.current.freshUrl()
    const table = await createTable(url, { schema: columns, storage: { user } })
    await cluster.current.ctl('stop-datanode')
    const impatient = webhdfsStorage(url, { user, retryMs: 500, stallTimeoutMs: 3000 })
    await expect(impatient.create('x', new Uint8Array(3))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
    expect(await webhdfsStorage(url, { user }).stat('x')).toBeUndefined()
    const appending = table.append([{ id: 'a', n: 1n, p: null }])
    await systemRuntime.sleep(500)
    await cluster.current.ctl('start-datanode')
    expect(await appending).toMatchObject({ version: 1 })
    expect(await idsOf(table)).toEqual(['a'])
  })

  test('a full quota is STORAGE_FULL, and what is there stays', async () => {
    const url = cluster.current.freshUrl()
    const table = await createTable(url, { schema: columns, storage: { user } })
    await table.append([{ id: 'a', n: 1n, p: null }])
    const quota = (bytes: number): Promise<Response> => {
      const path = new URL(url.replace('webhdfs:', 'http:')).pathname
      const query = `op=SETQUOTA&namespacequota=9223372036854775807&storagespacequota=${bytes}&user.name=${userInfo().username}`
      return fetch(`http://${cluster.current.host}/webhdfs/v1${path}?${query}`, { method: 'PUT' })
    }
    expect((await quota(2000)).status).toBe(200)
    await expect(table.append([{ id: 'b', n: 1n, p: null }])).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    const writing = async (): Promise<unknown> => {
      const writer = await webhdfsStorage(url, { user }).write('large')
      await writer.write(new Uint8Array(5_000_000))
      return writer.close()
    }
    await expect(writing()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await idsOf(table)).toEqual(['a'])
  })

  test('a corrupt block is an error, not a short object', async () => {
    const url = cluster.current.freshUrl()
    const storage = webhdfsStorage(url, { user, retryMs: 500 })
    await storage.put('object', new Uint8Array(5000))
    await cluster.current.ctl(`corrupt ${new URL(url.replace('webhdfs:', 'http:')).pathname}/object`)
    await expect(storage.read('object')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await expect(storage.readRange('object', 10, 10)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  test('a folder of somebody else can be read, and writing it is PERMISSION_DENIED', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: { user } })
    const other = await openTable(url, { storage: { user: 'somebody' } })
    await expect(other.append([{ id: 'a', n: 1n, p: null }])).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(await idsOf(await openTable(url, { storage: { user } }))).toEqual([])
  })

  test('leftovers are hidden, and cleaned when they are a day old', async () => {
    const url = cluster.current.freshUrl()
    const dayMs = 24 * 3_600_000
    const storage = webhdfsStorage(url, { user })
    await storage.stage?.('_delta_log/00000000000000000000.json', new Uint8Array(10))
    await storage.put('kept', new Uint8Array(1))
    expect(await storage.cleanLeftovers(dayMs)).toBe(0)
    const tomorrow = webhdfsStorage(url, { user, runtime: { ...systemRuntime, now: () => Date.now() + 1.1 * dayMs } })
    expect(await tomorrow.cleanLeftovers(dayMs)).toBe(1)
    const left: string[] = []
    for await (const page of storage.list('', { recursive: true })) left.push(...page.map(({ path }) => path))
    expect(left).toEqual(['kept'])
  })
})
