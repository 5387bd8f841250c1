// The fault-injecting wrapper: without faults it is the store it wraps; each fault leaves what it says it leaves.
import { describe, expect, test } from 'vitest'
import { localStorage } from '../../src/storage/local.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { storageContract } from '../../src/testing/index.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { temporaryFolder } from './temporary-folder.js'

const bytes = new TextEncoder().encode('object')

describe('without faults the wrapper keeps the storage contract', () => {
  const small = { listObjects: 100, bigObjectBytes: 100_000, race: { creators: 8, names: 4 } }
  for (const { name, run } of storageContract({ capabilities: { exclusiveCreate: true, durable: false }, ...small })) {
    test(`in memory: ${name}`, () => run(faultyStorage(memoryStorage())))
  }
  for (const { name, run } of storageContract({ capabilities: { exclusiveCreate: true, durable: true }, stages: true, ...small })) {
    test(`on disk: ${name}`, () => run(faultyStorage(localStorage(temporaryFolder()))))
  }
})

describe('a fault', () => {
  test('before the effect leaves nothing and says so', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'before' }] })
    await expect(storage.create('a', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
    expect(await storage.stat('a')).toBeUndefined()
    expect(await storage.create('a', bytes)).toBe('created')
  })

  test('with a lost request leaves nothing and does not say so', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'lost' }] })
    await expect(storage.create('a', bytes)).rejects.toMatchObject({ facts: { applied: 'unknown' } })
    expect(await storage.stat('a')).toBeUndefined()
  })

  test('after the effect leaves the object', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'after' }] })
    await expect(storage.create('a', bytes)).rejects.toMatchObject({ facts: { applied: 'unknown' } })
    expect(await storage.read('a')).toEqual(bytes)
    expect(await storage.create('a', bytes)).toBe('exists')
  })

  test('with a delayed effect lands when told, and not over a later object', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'delayed', times: 2 }] })
    await expect(storage.create('a', bytes)).rejects.toMatchObject({ facts: { applied: 'unknown' } })
    await expect(storage.create('b', bytes)).rejects.toMatchObject({ facts: { applied: 'unknown' } })
    expect(await storage.stat('a')).toBeUndefined()
    expect(await storage.create('b', new Uint8Array([1]))).toBe('created')
    expect(storage.outstanding).toBe(2)
    expect(await storage.land()).toBe(2)
    expect(await storage.read('a')).toEqual(bytes)
    expect(await storage.read('b')).toEqual(new Uint8Array([1]))
  })

  test('with a delayed effect lands by itself before a later call', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'delayed', landAfterCalls: 2 }] })
    await storage.create('a', bytes).catch(() => {})
    expect(await storage.stat('a')).toBeUndefined()
    expect(await storage.stat('other')).toBeUndefined()
    expect(await storage.stat('a')).toMatchObject({ sizeBytes: bytes.length })
  })

  test('of a store that retried by itself says exists for its own object', async () => {
    const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault: 'retried' }] })
    expect(await storage.create('a', bytes)).toBe('exists')
    expect(await storage.read('a')).toEqual(bytes)
  })

  test('that hangs ends with the signal, whether or not the object landed', async () => {
    for (const [fault, there] of [
      ['hang', false],
      ['hangAfter', true],
    ] as const) {
      const storage = faultyStorage(memoryStorage(), { rules: [{ call: 'create', fault }] })
      const controller = new AbortController()
      const creating = storage.create('a', bytes, { signal: controller.signal })
      setTimeout(() => controller.abort(), 5)
      await expect(creating).rejects.toMatchObject({ code: 'ABORTED', facts: { applied: 'unknown' } })
      expect((await storage.stat('a')) !== undefined).toBe(there)
    }
  })

  test('hits the calls its rule names, as often as it says', async () => {
    const storage = faultyStorage(memoryStorage(), {
      rules: [{ call: ['create', 'put'], path: /^log\//, skip: 1, times: 2, fault: 'before' }],
    })
    expect(await storage.create('data/a', bytes)).toBe('created')
    expect(await storage.create('log/0', bytes)).toBe('created')
    await expect(storage.put('log/hint', bytes)).rejects.toThrow()
    await expect(storage.create('log/1', bytes)).rejects.toThrow()
    expect(await storage.create('log/1', bytes)).toBe('created')
    expect(storage.count('create')).toBe(4)
    expect(storage.count('create', 'log/1')).toBe(2)
    expect(storage.calls.map(({ call, outcome }) => `${call} ${outcome}`)).toEqual([
      'create created',
      'create created',
      'put STORAGE_UNAVAILABLE',
      'create STORAGE_UNAVAILABLE',
      'create created',
    ])
  })

  test('of a writer leaves no object', async () => {
    for (const call of ['write', 'chunk', 'close'] as const) {
      const storage = faultyStorage(memoryStorage(), { rules: [{ call, fault: 'before' }] })
      const writing = async (): Promise<void> => {
        const writer = await storage.write('data')
        await writer.write(bytes)
        await writer.close()
      }
      await expect(writing()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
      expect(await storage.stat('data')).toBeUndefined()
    }
  })

  test('of a staged object applies to its placing', async () => {
    const storage = faultyStorage(localStorage(temporaryFolder()), { rules: [{ call: 'place', fault: 'after' }] })
    const staged = await storage.stage?.('a', bytes)
    await expect(staged?.place()).rejects.toMatchObject({ facts: { applied: 'unknown' } })
    expect(await storage.read('a')).toEqual(bytes)
  })
})

test('the same seed gives the same faults, another seed gives others', async () => {
  const run = async (seed: number): Promise<string[]> => {
    const storage = faultyStorage(memoryStorage(), { seeded: { seed, rate: 0.5 } })
    for (let i = 0; i < 60; i++) await storage.create(`log/${i % 20}`, bytes).catch(() => {})
    return storage.calls.map(({ fault, outcome }) => `${fault} ${outcome}`)
  }
  expect(await run(1)).toEqual(await run(1))
  expect(await run(1)).not.toEqual(await run(2))
  expect(new Set(await run(1)).size).toBeGreaterThan(4)
})
