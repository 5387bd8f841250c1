// A real pair of namenodes: the storage contract through a logical name, and failovers in the middle of commits.
import { createTable, openTable } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type WebHdfsOptions, webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { storageContract } from '../../src/testing/index.js'
import { hdfsAbsent, hdfsForSuite } from './hdfs-servers.js'
import { type Children, childrenOf } from './s3-processes.js'
import { columns, contractOf, crash, idsOf, outcomesOf } from './webhdfs-tables.js'

if (hdfsAbsent !== undefined) console.warn(`skipped: ${hdfsAbsent}`)

let children: Children
beforeAll(async () => {
  if (hdfsAbsent === undefined) children = await childrenOf('webhdfs-child.ts')
})
afterAll(() => children?.[Symbol.dispose]())

describe.skipIf(hdfsAbsent !== undefined)('HDFS with two namenodes', () => {
  const cluster = hdfsForSuite('ha')
  const options = (more: WebHdfsOptions = {}): WebHdfsOptions => ({
    user: 'tester',
    namenodes: cluster.current.namenodes,
    retryMs: 120_000,
    ...more,
  })

  // The standby is asked first, so that every new store has to find the other.
  const standbyFirst = (): WebHdfsOptions => options({ namenodes: [...cluster.current.namenodes].reverse() })
  for (const { name, run } of storageContract(contractOf(undefined, {}, false))) {
    test(name, () => run(webhdfsStorage(cluster.current.freshUrl(), standbyFirst())))
  }

  test('failovers in the middle of commits lose no row, double none, and fail no commit', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: options() })
    const running = Array.from({ length: 3 }, (_, n) => children.start('append', url, options() as object, `writer${n}`))
    await crash(running, 3, async () => void (await cluster.current.ctl('failover')))
    const lines = await outcomesOf(running, () => openTable(url, { storage: options() }))
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
  })

  test('an active namenode that stops in the middle of commits is left for the other, once that is active', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: options() })
    const running = Array.from({ length: 2 }, (_, n) => children.start('append', url, options() as object, `writer${n}`))
    await crash(running, 1, async () => {
      const status = await cluster.current.ctl('failover') // namenode 0 may have been either
      const active = /active (\d)/.exec(status)?.[1] as string
      await cluster.current.ctl(`stop-namenode ${active}`)
      await cluster.current.ctl('failover')
      await cluster.current.ctl(`start-namenode ${active}`)
    })
    const lines = await outcomesOf(running, () => openTable(url, { storage: options() }))
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
    expect((await idsOf(await openTable(url, { storage: options() }))).length).toBe(lines.length)
  })

  test('a cluster that accepts connections and never answers is given up in time', async () => {
    const storage = webhdfsStorage(cluster.current.freshUrl(), options({ stallTimeoutMs: 500, retryMs: 1000 }))
    await storage.put('a', new Uint8Array(3))
    await cluster.current.pause()
    try {
      await expect(storage.read('a')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { reason: 'timeout' } })
    } finally {
      await cluster.current.resume()
    }
    expect(await storage.read('a')).toEqual(new Uint8Array(3))
  })
})
