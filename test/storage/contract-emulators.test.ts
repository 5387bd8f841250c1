// The storage contract over HTTP: S3 and WebHDFS stores on emulated servers of every kind, and once more while requests fail, are
// answered twice, cut off or lost. Whatever may be repeated is repeated, so that a caller sees the contract and nothing else.
import { systemRuntime } from 'alluvium'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import {
  type ContractOptions,
  type FaultName,
  type FaultPlan,
  type S3Emulator,
  type S3EmulatorOptions,
  seededFaults,
  startS3Emulator,
  startWebHdfsEmulator,
  storageContract,
  type WebHdfsEmulator,
  type WebHdfsEmulatorOptions,
} from '../../src/testing/index.js'

/** Waits a twentieth of the time it is told to: what is tested is that it waits and goes on, not for how long. */
const impatient = { ...systemRuntime, sleep: (ms: number, signal?: AbortSignal) => systemRuntime.sleep(ms / 20, signal) }

/** Two parts of a multipart upload, and pages of listings, are there once for each protocol. */
const WHOLE: Partial<ContractOptions> = { listObjects: 1050, bigObjectBytes: 6 * 2 ** 20, race: { creators: 16, names: 4 } }
const SMALL: Partial<ContractOptions> = { listObjects: 40, bigObjectBytes: 6 * 2 ** 20, race: { creators: 8, names: 2 } }
const EXCLUSIVE = { exclusiveCreate: true, durable: true } as const

/** Everything after which a request may simply be sent again. */
const REPEATABLE: readonly FaultName[] = [
  ...(['reset-before', 'reset-during', 'reset-after', '500-before', '500-after', '503-before', '503-after'] as const),
  ...(['slow', 'truncated', 'twice', 'short-listing'] as const),
]

/** For S3 a create cannot be repeated in doubt: those only meet what leaves none. Creates in doubt have tests of their own. */
const s3Faults: FaultPlan = (request) => {
  const faults: readonly FaultName[] = request.conditional ? ['409-before', 'slow'] : REPEATABLE
  return seededFaults({ seed: 5, rate: 0.1, faults })(request)
}

function onS3(name: string, options: S3EmulatorOptions, contract: Partial<ContractOptions> = SMALL, about = /./): void {
  describe(`S3: ${name}`, () => {
    let s3: S3Emulator
    beforeAll(async () => {
      s3 = await startS3Emulator({ ...options, slowMs: 8 })
    })
    afterAll(() => s3.stop())
    let cases = 0
    const open = (): Storage =>
      s3Storage(`s3://tables/case-${cases++}/table`, {
        ...{ endpoint: s3.endpoint, region: s3.region, ...s3.credentials, runtime: impatient },
        partBytes: 5 * 2 ** 20,
      })
    for (const { name, run } of storageContract({ capabilities: EXCLUSIVE, ...contract })) {
      if (about.test(name)) test(name, () => run(open()), 60_000)
    }
  })
}

function onHdfs(name: string, options: WebHdfsEmulatorOptions, contract: Partial<ContractOptions> = SMALL, about = /./): void {
  describe(`WebHDFS: ${name}`, () => {
    let hdfs: WebHdfsEmulator
    beforeAll(async () => {
      hdfs = await startWebHdfsEmulator({ ...options, slowMs: 8 })
      if (options.namenodes === 2) hdfs.setActive(1)
    })
    afterAll(() => hdfs.stop())
    let cases = 0
    const open = (): Storage =>
      webhdfsStorage(`${hdfs.url}/case-${cases++}/table`, { user: hdfs.user, namenodes: hdfs.addresses, runtime: impatient })
    const refusesName = (name: string): boolean => name.includes(':')
    for (const { name, run } of storageContract({ capabilities: EXCLUSIVE, stages: true, refusesName, ...contract })) {
      // HttpFS has no rename that replaces: for a moment there is nothing under the name.
      if ((options.flavour === 'httpfs' && name.startsWith('a reader during puts')) || !about.test(name)) continue
      test(name, () => run(open()), 60_000)
    }
  })
}

onS3('as AWS documents it', {}, WHOLE)
onS3('Ceph RGW', { flavour: 'ceph' }, SMALL, /create|big/)
onS3('Versity S3 Gateway, which does not encode listings', { flavour: 'versitygw' }, SMALL, /listing|name/)
onS3('CoreWeave, where losers of a race get 409', { flavour: 'coreweave' }, SMALL, /create/)
onS3('with every tenth request failing', { faults: s3Faults }, { ...SMALL, doubtsEqualBytes: true })
onHdfs('a namenode', {}, { ...WHOLE, listObjects: 300 })
onHdfs('a pair of which the second is active', { namenodes: 2, logicalName: 'cluster' }, SMALL, /create|read/)
onHdfs('HttpFS', { flavour: 'httpfs' }, SMALL, /create|rename|listing|replaces|place/)
onHdfs('a namenode with every tenth request failing', { faults: seededFaults({ seed: 6, rate: 0.1, faults: REPEATABLE }) })
onHdfs('HttpFS with every tenth request failing', { flavour: 'httpfs', faults: seededFaults({ seed: 7, rate: 0.1, faults: REPEATABLE }) })
