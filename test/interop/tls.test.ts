// TLS to real servers, by an authority of our own: who is trusted is talked to; everybody else is refused at once and in plain words.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, long, openTable, schema, systemRuntime } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { storageContract } from '../../src/testing/index.js'
import { type Gateway, startGateway } from '../servers/gateway.js'
import { hdfsAbsent, hdfsForSuite } from './hdfs-servers.js'
import { repository } from './peers.js'
import { type S3ServerName, s3Absent, s3ServerForSuite } from './s3-servers.js'
import { contractOf } from './webhdfs-tables.js'

for (const why of [hdfsAbsent, s3Absent]) if (why !== undefined) console.warn(`skipped: ${why}`)

let certificates: string
beforeAll(() => {
  certificates = mkdtempSync(join(tmpdir(), 'alluvium-tls-'))
  execFileSync(join(repository, 'test/servers/certificates.sh'), [certificates])
})
afterAll(() => rmSync(certificates, { recursive: true, force: true }))

const columns = schema({ id: long() })

/** A table's life in short. */
async function expectTable(url: string, storage: object): Promise<void> {
  const table = await createTable(url, { schema: columns, storage })
  await table.append([{ id: 1n }, { id: 2n }])
  await table.overwrite([{ id: 3n }])
  await table.settled()
  const again = await openTable(url, { storage })
  expect(await again.scan().count()).toBe(1)
  expect(await (await again.snapshot({ version: 1 })).scan().count()).toBe(2)
}

/** Whatever is asked fails at once, in words that speak of the certificate; nothing that is written may be there. */
async function expectRefused(storage: Storage, reason: RegExp): Promise<void> {
  const startMs = systemRuntime.monotonicMs()
  for (const ask of [() => storage.read('x'), () => storage.create('x', new Uint8Array(3))]) {
    const error = await ask().then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { lasting: true } })
    expect(`${error.message} ${error.facts.reason}`).toMatch(reason)
    if (error.facts.applied !== undefined) expect(error.facts.applied).toBe(false)
  }
  expect(systemRuntime.monotonicMs() - startMs).toBeLessThan(15_000)
}

const UNTRUSTED = /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER|SELF_SIGNED/
const OTHER_NAME = /ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH/

describe.skipIf(s3Absent !== undefined).each<S3ServerName>(['minio', 'versitygw'])('S3 over https: %s', (name) => {
  const server = s3ServerForSuite(name, () => ({ tls: certificates }))
  const options = (): object => ({ ...server.current.options, ca: join(certificates, 'ca.pem') })

  test('a table lives there', () => expectTable(server.current.freshUrl(), options()))

  test('a server of an authority that is not trusted is refused', async () => {
    await expectRefused(s3Storage(server.current.freshUrl(), server.current.options), UNTRUSTED)
    await expectRefused(s3Storage(server.current.freshUrl(), { ...options(), ca: join(certificates, 'other-ca.pem') }), UNTRUSTED)
  })

  test('a server under a name that its certificate does not have is refused', async () => {
    const endpoint = server.current.endpoint.replace('127.0.0.1', 'localhost')
    await expectRefused(s3Storage(server.current.freshUrl(), { ...options(), endpoint }), OTHER_NAME)
  })
})

describe.skipIf(hdfsAbsent !== undefined)('HDFS over https', () => {
  const cluster = hdfsForSuite('tls')
  const user = 'tester'
  const ca = (): string => cluster.current.facts.ca as string

  test('a table lives there', () => expectTable(cluster.current.freshUrl(), { user, ca: ca() }))

  test('a cluster of an authority that is not trusted is refused', async () => {
    await expectRefused(webhdfsStorage(cluster.current.freshUrl(), { user }), UNTRUSTED)
    await expectRefused(webhdfsStorage(cluster.current.freshUrl(), { user, ca: cluster.current.facts.otherCa as string }), UNTRUSTED)
  })

  test('a namenode under a name that its certificate does not have is refused', async () => {
    const url = cluster.current.freshUrl().replace('127.0.0.1', 'localhost')
    await expectRefused(webhdfsStorage(url, { user, ca: ca() }), OTHER_NAME)
  })

  test('a URL without TLS says that nobody answers as a namenode does', async () => {
    const storage = webhdfsStorage(cluster.current.freshUrl().replace('swebhdfs', 'webhdfs'), { user, retryMs: 200 })
    await expect(storage.read('x')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})

describe.skipIf(hdfsAbsent !== undefined)('HDFS behind a gateway as Knox is one', () => {
  const cluster = hdfsForSuite('plain')
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await startGateway({ namenode: cluster.current.host, tls: certificates, users: { alice: 'canary-pass:word é' } })
  })
  afterAll(() => gateway?.stop())
  let places = 0
  const freshUrl = (): string => `swebhdfs://${gateway.host}/gateway/default/webhdfs/v1/tables/${places++}`
  const options = (): object => ({ user: 'alice', password: 'canary-pass:word é', ca: join(certificates, 'ca.pem') })

  for (const { name, run } of storageContract(contractOf(undefined, {}, false))) {
    test(name, () => run(webhdfsStorage(freshUrl(), options())))
  }

  test('a table lives there, and all of its data goes through the gateway, as the user who has the password', async () => {
    const [url, before] = [freshUrl(), gateway.data]
    await expectTable(url, options())
    expect(gateway.data - before).toBeGreaterThan(6)
    expect(gateway.refused).toBe(0)
    const direct = `webhdfs://${cluster.current.host}/tables/${url.split('/').at(-1)}`
    expect(await (await openTable(direct, { storage: { user: 'alice' } })).scan().count()).toBe(1)
    const bob = await openTable(direct, { storage: { user: 'bob' } })
    await expect(bob.append([{ id: 4n }])).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  test('a wrong password is PERMISSION_DENIED and named nowhere', async () => {
    const error = await webhdfsStorage(freshUrl(), { ...options(), password: 'canary-wrong' })
      .create('x', new Uint8Array(3))
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', facts: { applied: false } })
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toMatch(/canary|Y2FuYXJ5/)
  })
})
