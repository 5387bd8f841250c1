// Writers of many processes at one table, in virtual time: nobody fails, and nobody is kept waiting for others' sake.
import { describe, expect, test } from 'vitest'
import { commit, fileSystemCommitter } from '../../../src/log/commit/index.js'
import { loadLog } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { counting } from './counting.js'
import { newTable } from './rig.js'
import { add } from './scene.js'
import { Simulation } from './simulation.js'

/** How long a store takes: half of it before the effect. */
interface Latency {
  readonly putMs: number
  readonly readMs: number
  /** Each call takes up to so much of it longer. A tenth where nothing is said. */
  readonly jitter?: number
  /** What a writer does between commits: its data file, and its own work. */
  readonly betweenMs: number
}

interface Raced {
  readonly fairness: number
  /** Counted when the first writer was done. */
  readonly fairnessAtFirst: number
  readonly attempts: number
  readonly perSecond: number
  /** Until the first writer was done: afterwards they are fewer. */
  readonly perSecondOfAll: number
  readonly failures: number
}

const jain = (shares: readonly number[]): number =>
  shares.reduce((a, b) => a + b, 0) ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0))

async function race(seed: number, writers: number, commits: number, latency: Latency): Promise<Raced> {
  const simulation = new Simulation(seed)
  const raw = memoryStorage({ runtime: simulation })
  await newTable(raw)
  const slow = async <T>(ms: number, call: () => Promise<T>): Promise<T> => {
    const half = (ms * (1 + simulation.random() * (latency.jitter ?? 0.1))) / 2
    await simulation.sleep(half)
    const answer = await call()
    await simulation.sleep(half)
    return answer
  }
  const storage: Storage = {
    ...{ location: raw.location, capabilities: raw.capabilities, list: raw.list.bind(raw), write: raw.write.bind(raw) },
    read: (path) => slow(latency.readMs, () => raw.read(path)),
    readRange: (path, offset, length) => slow(latency.readMs, () => raw.readRange(path, offset, length)),
    stat: (path) => slow(latency.readMs, () => raw.stat(path)),
    create: (path, bytes) => slow(latency.putMs, () => raw.create(path, bytes)),
    put: (path, bytes) => slow(latency.putMs, () => raw.put(path, bytes)),
    delete: (path) => raw.delete(path),
  }
  const done = new Array<number>(writers).fill(0)
  const ms = new Array<number>(writers).fill(0)
  let atFirst: number[] | undefined
  let firstEndMs: number | undefined
  let attempts = 0
  let failures = 0
  const startMs = simulation.now()
  const write = async (writer: number): Promise<void> => {
    // A store of its own, as another process has it: those of one process share what they know of rivals.
    const own = { ...storage }
    const context = { storage: own, runtime: simulation, committer: fileSystemCommitter(own) }
    let base = await loadLog(raw, { runtime: simulation })
    for (let i = 0; i < commits; i++) {
      await simulation.sleep(latency.betweenMs * (0.9 + simulation.random() / 5))
      const began = simulation.now()
      try {
        const request = { base, actions: [add(`${writer}-${i}`)], operation: 'WRITE', operationParameters: {}, readSet: { appIds: [] } }
        const result = await commit(context, request)
        base = result.view
        attempts += result.attempts
        done[writer] = (done[writer] ?? 0) + 1
      } catch {
        failures++
      }
      ms[writer] = (ms[writer] ?? 0) + simulation.now() - began
    }
    atFirst ??= [...done]
    firstEndMs ??= simulation.now()
  }
  await simulation.run(() => Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))))
  return {
    fairness: jain(ms),
    fairnessAtFirst: jain(atFirst ?? done),
    attempts: attempts / (writers * commits),
    perSecond: (writers * commits * 1000) / (simulation.now() - startMs),
    perSecondOfAll: ((atFirst ?? done).reduce((sum, commits) => sum + commits, 0) * 1000) / ((firstEndMs ?? simulation.now()) - startMs),
    failures,
  }
}

const PROFILES: readonly (readonly [string, Latency])[] = [
  ['an S3 store 60 ms away', { putMs: 60, readMs: 60, betweenMs: 60 }],
  ['an S3 store 60 ms away, with the next commit always ready', { putMs: 60, readMs: 60, betweenMs: 5 }],
  ['a local disk', { putMs: 6, readMs: 0.3, betweenMs: 6 }],
  ['a local disk, with the next commit always ready', { putMs: 6, readMs: 0.3, betweenMs: 0.2 }],
]

describe.each([4, 16])('%i writers', (writers) => {
  test.each(PROFILES)('on %s: nobody fails, and nobody waits much longer than others', async (_, latency) => {
    const runs: Raced[] = []
    for (const seed of [1, 2]) runs.push(await race(seed, writers, writers > 4 ? 20 : 40, latency))
    const mean = (of: (run: Raced) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length
    expect(runs.map((run) => run.failures)).toEqual([0, 0])
    expect(mean((run) => run.fairness)).toBeGreaterThanOrEqual(0.95)
    // Stricter: how many commits each has when the first has all of its own. A writer that wins every time gives 0.25 or 0.06.
    expect(mean((run) => run.fairnessAtFirst)).toBeGreaterThanOrEqual(0.75)
    // Fairness is not bought with silence: nearly half of what the store could take, one put after another.
    expect(mean((run) => run.perSecond)).toBeGreaterThan(450 / latency.putMs)
  })
})

test('16 writers at a store that takes 60 ms commit nine tenths of what one put after another could', async () => {
  for (const seed of [1, 2, 3]) {
    const raced = await race(seed, 16, 40, { putMs: 60, readMs: 60, betweenMs: 60, jitter: 0 })
    expect(raced.perSecondOfAll).toBeGreaterThan(0.9 * (1000 / 60))
    expect([raced.failures, raced.fairness > 0.99]).toEqual([0, true])
  }
})

test('a writer without rivals looks for some now and then, ever more rarely', async () => {
  const simulation = new Simulation(1)
  const raw = memoryStorage({ runtime: simulation })
  await newTable(raw)
  const create: Storage['create'] = async (path, bytes) => {
    await simulation.sleep(60)
    return raw.create(path, bytes)
  }
  const { storage, calls, replace } = counting(raw)
  replace({ create })
  const context = { storage, runtime: simulation, committer: fileSystemCommitter(storage) }
  let base = await loadLog(raw, { runtime: simulation })
  await simulation.run(async () => {
    for (let i = 0; i < 300; i++) {
      const request = { base, actions: [add(`f${i}`)], operation: 'WRITE', operationParameters: {}, readSet: { appIds: [] } }
      base = (await commit(context, request)).view
    }
  })
  // Before the 3rd, and when 8, 32, 128 and 128 more met nobody.
  expect(calls()).toEqual({ create: 300, read: 5 })
})
