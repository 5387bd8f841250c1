// The contract suite against every store there is, and against stores that break a promise: the suite must notice each.
import { describe, expect, test } from 'vitest'
import { localStorage, localStorageOn } from '../../src/storage/local.js'
import { pooledFs } from '../../src/storage/local-fs.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { type ContractOptions, type ProcessRace, type RaceTally, storageContract } from '../../src/testing/index.js'
import { outputOf, startChild } from './child.js'
import { temporaryFolder } from './temporary-folder.js'

const processRace: ProcessRace = {
  workers: 8,
  names: 200,
  start: (storage, orders) =>
    Promise.all(
      orders.map(async (order): Promise<RaceTally> => {
        const { text, exit } = await outputOf(startChild('race', storage.location, JSON.stringify(order)))
        expect(exit).toBe(0)
        return JSON.parse(text)
      }),
    ),
}

function suite(name: string, options: ContractOptions, open: () => Storage): void {
  describe(name, () => {
    for (const { name, run } of storageContract(options)) test(name, () => run(open()), 60_000)
  })
}

suite('a memory store', { capabilities: { exclusiveCreate: true, durable: false } }, () => memoryStorage())
suite('a memory store of small pages', { capabilities: { exclusiveCreate: true, durable: false }, bigObjectBytes: 5000 }, () =>
  memoryStorage({ pageObjects: 3 }),
)
suite('a memory store without exclusive creates', { capabilities: { exclusiveCreate: false, durable: false } }, () =>
  memoryStorage({ exclusiveCreate: false }),
)
suite('a local store', { capabilities: { exclusiveCreate: true, durable: true }, stages: true, processRace }, () =>
  localStorage(`${temporaryFolder()}/table`),
)
suite('a local store without syncs', { capabilities: { exclusiveCreate: true, durable: false }, stages: true }, () =>
  localStorage(temporaryFolder(), { durability: 'none' }),
)
suite(
  'a local store that makes every call in the thread pool',
  { capabilities: { exclusiveCreate: true, durable: true }, stages: true },
  () => localStorageOn(pooledFs, temporaryFolder()),
)
