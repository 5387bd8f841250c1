// A store that is asked for too much says for how long it wants to be left alone. Virtual time.
import { expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { commit, fileSystemCommitter } from '../../../src/log/commit/index.js'
import { loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { newTable } from './rig.js'
import { add } from './scene.js'
import { Simulation } from './simulation.js'

test.each([
  [7000, 7000],
  [3_600_000, 30_000],
])('a commit whose put was answered with a pause of %i ms looks and puts again after %i ms', async (askedMs, waitedMs) => {
  const simulation = new Simulation(1)
  const raw = memoryStorage({ runtime: simulation })
  await newTable(raw)
  const asked: number[] = []
  const storage: Storage = {
    ...{ location: raw.location, capabilities: raw.capabilities, list: raw.list.bind(raw), write: raw.write.bind(raw) },
    ...{ readRange: raw.readRange.bind(raw), stat: raw.stat.bind(raw), put: raw.put.bind(raw), delete: raw.delete.bind(raw) },
    read: async (path) => {
      asked.push(simulation.monotonicMs())
      return raw.read(path)
    },
    create: async (path, bytes) => {
      asked.push(simulation.monotonicMs())
      if (asked.length === 1) throw new AlluviumError('STORAGE_UNAVAILABLE', 'slow down', { applied: false, retryAfterMs: askedMs })
      return raw.create(path, bytes)
    },
  }
  const base = await loadLog(raw, { runtime: simulation })
  await simulation.run(async () => {
    const request = { base, actions: [add('a')], operation: 'WRITE', operationParameters: {}, readSet: { appIds: [] } }
    await commit({ storage, runtime: simulation, committer: fileSystemCommitter(storage) }, request)
  })
  const [first, second] = asked as [number, number]
  expect(second - first).toBeGreaterThanOrEqual(waitedMs)
  expect(second - first).toBeLessThan(waitedMs + 3000)
})
