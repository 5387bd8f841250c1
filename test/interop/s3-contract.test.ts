// The storage contract on three real S3 servers: MinIO, the Versity gateway over plain files, and Ceph RGW, which ignores the
// condition of a multipart completion. Processes race on the first two.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import { forgetProbes } from '../../src/storage/s3/probe.js'
import { checkStorage } from '../../src/storage/self-test.js'
import { type ContractOptions, type ProcessRace, type RaceTally, storageContract } from '../../src/testing/index.js'
import { absent } from './peers.js'
import { type Children, childrenOf } from './s3-processes.js'
import { type S3ServerName, s3Absent, s3ServerForSuite } from './s3-servers.js'

if (s3Absent !== undefined) console.warn(`skipped: ${s3Absent}`)

let children: Children
beforeAll(async () => {
  if (s3Absent === undefined) children = await childrenOf('s3-child.ts')
})
afterAll(() => children?.[Symbol.dispose]())

// A whole cluster that only the peers' script can start.
const SERVERS: readonly S3ServerName[] = absent === undefined ? ['minio', 'versitygw', 'ceph'] : ['minio', 'versitygw']

describe.skipIf(s3Absent !== undefined).each<S3ServerName>(SERVERS)('%s', (name) => {
  const server = s3ServerForSuite(name)

  const processRace: ProcessRace = {
    workers: 4,
    names: 100,
    start: (storage, orders) =>
      Promise.all(
        orders.map(async (order): Promise<RaceTally> => {
          const child = children.start('race', storage.location, server.current.options, JSON.stringify(order))
          await child.ended
          return child.lines[0] as RaceTally
        }),
      ),
  }
  const options: ContractOptions = {
    capabilities: { exclusiveCreate: true, durable: true },
    ...(name === 'ceph' ? {} : { processRace }),
  }
  for (const { name: promise, run } of storageContract(options)) {
    test(promise, () => run(s3Storage(server.current.freshUrl(), server.current.options)))
  }

  test('an upload of parts under a name in use is refused, also where the server would overwrite', async () => {
    const storage = s3Storage(server.current.freshUrl(), { ...server.current.options, partBytes: 5 * 2 ** 20 })
    await storage.put('object', new Uint8Array([1]))
    const writer = await storage.write('object')
    await expect(writer.write(new Uint8Array(11 * 2 ** 20))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await storage.read('object')).toEqual(new Uint8Array([1]))
  })

  test('deleteAll deletes thousands of objects, and missing ones are fine', async () => {
    const storage = s3Storage(server.current.freshUrl(), server.current.options)
    const paths = Array.from({ length: 1200 }, (_, n) => `folder/${n} <&>`)
    for (let at = 0; at < paths.length; at += 40)
      await Promise.all(paths.slice(at, at + 40).map((path) => storage.put(path, new Uint8Array(1))))
    await storage.deleteAll?.([...paths, 'never/there'])
    for await (const page of storage.list('', { recursive: true })) expect(page).toEqual([])
  })

  test('passes every check of the doctor, and holds nothing afterwards', async () => {
    forgetProbes()
    const storage = s3Storage(server.current.freshUrl(), server.current.options)
    const checks = await checkStorage(storage)
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    for await (const page of storage.list('', { recursive: true })) expect(page).toEqual([])
  })

  test('wrong credentials, a missing bucket and a closed port are told apart, and name no secret', async () => {
    const failing = async (url: string, more: object): Promise<Record<string, unknown>> => {
      const error = await s3Storage(url, { ...server.current.options, maxAttempts: 2, ...more })
        .read('object')
        .catch((each) => each)
      expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toContain('canary')
      return { code: error.code, lasting: error.facts.lasting }
    }
    const denied = { code: 'PERMISSION_DENIED', lasting: true }
    expect(await failing(server.current.freshUrl(), { secretAccessKey: 'canary-secret' })).toEqual(denied)
    expect(await failing(server.current.freshUrl(), { accessKeyId: 'canaryid' })).toEqual(denied)
    expect(await failing('s3://no-such-bucket-here/x', {})).toEqual({ code: 'STORAGE_UNAVAILABLE', lasting: true })
    expect(await failing(server.current.freshUrl(), { endpoint: 'http://127.0.0.1:9' })).toEqual({
      code: 'STORAGE_UNAVAILABLE',
      lasting: undefined,
    })
  })
})
