// A real HttpFS server, which ignores rename options and pages: the storage contract, commits of several processes, tokens.
import { createTable, openTable } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { storageContract } from '../../src/testing/index.js'
import { hdfsAbsent, hdfsForSuite } from './hdfs-servers.js'
import { type Children, childrenOf } from './s3-processes.js'
import { columns, contractOf, idsOf, type Line } from './webhdfs-tables.js'

if (hdfsAbsent !== undefined) console.warn(`skipped: ${hdfsAbsent}`)

/** A plain rename never replaces, so over HttpFS a put deletes first (docs/decisions/0010-webhdfs-client.md). */
const NOT_HERE = ['a reader during puts sees an old or a new object, never a mixture']

let children: Children
beforeAll(async () => {
  if (hdfsAbsent === undefined) children = await childrenOf('webhdfs-child.ts')
})
afterAll(() => children?.[Symbol.dispose]())

describe.skipIf(hdfsAbsent !== undefined)('HttpFS', () => {
  const cluster = hdfsForSuite('httpfs')
  const user = 'tester'

  for (const { name, run } of storageContract(contractOf(undefined, {}, false))) {
    if (NOT_HERE.includes(name)) continue
    test(name, () => run(webhdfsStorage(cluster.current.freshUrl(), { user })))
  }

  test('processes that append at once all commit, each row once, in versions without a gap', async () => {
    const url = cluster.current.freshUrl()
    await createTable(url, { schema: columns, storage: { user } })
    const running = Array.from({ length: 4 }, (_, n) => children.start('append-4', url, { user } as object, `writer${n}`))
    await Promise.all(running.map(({ ended }) => ended))
    const lines = running.flatMap((child) => child.lines as Line[])
    expect(lines.filter(({ outcome }) => outcome !== 'acked')).toEqual([])
    expect(await idsOf(await openTable(url, { storage: { user } }))).toEqual(lines.map(({ id }) => id).sort())
    const versions = lines.map(({ version }) => version as number).sort((a, b) => a - b)
    expect(versions).toEqual(Array.from({ length: 16 }, (_, n) => n + 1))
  })

  test('a delegation token is a user; cancelled, it is PERMISSION_DENIED and named nowhere', async () => {
    const rest = `http://${cluster.current.host}/webhdfs/v1/`
    const given = (await (await fetch(`${rest}?op=GETDELEGATIONTOKEN&user.name=alice`)).json()) as { Token: { urlString: string } }
    const delegationToken = given.Token.urlString
    const url = cluster.current.freshUrl()
    const table = await createTable(url, { schema: columns, storage: { delegationToken } })
    await table.append([{ id: 'a', n: 1n, p: null }])
    expect(await idsOf(await openTable(url, { storage: { user: 'alice' } }))).toEqual(['a'])
    await expect((await openTable(url, { storage: { user: 'bob' } })).append([{ id: 'b', n: 1n, p: null }])).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    await fetch(`${rest}?op=CANCELDELEGATIONTOKEN&user.name=alice&token=${encodeURIComponent(delegationToken)}`, { method: 'PUT' })
    const error = await openTable(url, { storage: { delegationToken } }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain(delegationToken)
  })
})
