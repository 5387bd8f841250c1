// The contract suite against the scripted servers: an HDFS, and an HttpFS, which answers differently.
import { describe, test } from 'vitest'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { type ContractOptions, storageContract } from '../../../src/testing/index.js'
import { ScriptedHdfs } from './scripted-hdfs.js'

const options: ContractOptions = {
  capabilities: { exclusiveCreate: true, durable: true },
  stages: true,
  refusesName: (name) => name.includes(':'),
  listObjects: 1200,
  bigObjectBytes: 3 * 2 ** 20 + 3,
}
/** A plain rename never replaces, so HttpFS has to delete first. */
const NOT_OVER_HTTPFS = ['a reader during puts sees an old or a new object, never a mixture']

for (const kind of ['namenode', 'httpfs'] as const) {
  describe(`WebHDFS on a scripted ${kind}`, () => {
    for (const { name, run } of storageContract(options)) {
      if (kind === 'httpfs' && NOT_OVER_HTTPFS.includes(name)) continue
      test(name, async () => {
        const hdfs = await ScriptedHdfs.start(kind)
        hdfs.pageObjects = 100
        await run(webhdfsStorage(hdfs.url, { user: 'tester' }))
      })
    }
  })
}
