// The self-test of stores: it passes a good one, leaves nothing behind, and notices each promise that is broken.
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { localStorage } from '../../src/storage/local.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { checkStorage, type StorageCheck } from '../../src/storage/self-test.js'
import type { Storage } from '../../src/storage/storage.js'
import { temporaryFolder } from './temporary-folder.js'

const outcomes = (checks: readonly StorageCheck[]): Record<string, string> =>
  Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]))

/** A good store with some of its calls replaced. */
function broken(how: (inner: Storage) => Partial<Storage>): Storage {
  const inner = memoryStorage()
  const whole: Storage = {
    location: inner.location,
    capabilities: { exclusiveCreate: true, durable: true },
    read: (...args) => inner.read(...args),
    readRange: (...args) => inner.readRange(...args),
    stat: (...args) => inner.stat(...args),
    list: (...args) => inner.list(...args),
    create: (...args) => inner.create(...args),
    put: (...args) => inner.put(...args),
    write: (...args) => inner.write(...args),
    delete: (...args) => inner.delete(...args),
  }
  return { ...whole, ...how(inner) }
}

describe('checkStorage', () => {
  test('a local store passes every check and holds nothing afterwards', async () => {
    const folder = temporaryFolder()
    const checks = await checkStorage(localStorage(folder))
    expect(new Set(Object.values(outcomes(checks)))).toEqual(new Set(['ok']))
    expect(checks).toHaveLength(12)
    expect(readdirSync(folder)).toEqual([])
  })

  test('objects of others are neither touched nor counted', async () => {
    const storage = memoryStorage()
    for (const path of ['_a', '_alluvium', '_z', 'part-0.parquet', '_delta_log/x']) await storage.put(path, new Uint8Array(3))
    const checks = await checkStorage(storage)
    expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    const names: string[] = []
    for await (const page of storage.list('', { recursive: true })) names.push(...page.map(({ path }) => path))
    expect(names).toEqual(['_a', '_alluvium', '_delta_log/x', '_z', 'part-0.parquet'])
  })

  test('a store that is not durable is told so, and is no failure', async () => {
    expect(outcomes(await checkStorage(memoryStorage())).durable).toBe('warning')
  })

  test('a store without put-if-absent fails create, and what needs it is skipped', async () => {
    const checks = await checkStorage(memoryStorage({ exclusiveCreate: false }))
    expect(outcomes(checks)).toMatchObject({
      reach: 'ok',
      create: 'failed',
      exclusive: 'skipped',
      race: 'skipped',
      stream: 'ok',
      delete: 'ok',
    })
    expect(checks.find(({ name }) => name === 'create')?.error?.code).toBe('STORAGE_UNSAFE')
  })

  test('a create that overwrites is noticed', async () => {
    const storage = broken((inner) => ({
      create: async (path, bytes) => {
        await inner.put(path, bytes)
        return 'created'
      },
    }))
    const checks = await checkStorage(storage)
    expect(outcomes(checks)).toMatchObject({ exclusive: 'failed', race: 'skipped', delete: 'ok' })
    expect(checks.find(({ name }) => name === 'exclusive')?.error?.code).toBe('STORAGE_UNSAFE')
  })

  test('a create that looks first and puts later is noticed by the race', async () => {
    const storage = broken((inner) => ({
      create: async (path, bytes) => {
        if ((await inner.stat(path)) !== undefined) return 'exists'
        await new Promise((resolve) => setTimeout(resolve, 5))
        await inner.put(path, bytes)
        return 'created'
      },
    }))
    expect(outcomes(await checkStorage(storage))).toMatchObject({ exclusive: 'ok', race: 'failed' })
  })

  test.each<[string, StorageCheck['name'], (inner: Storage) => Partial<Storage>]>([
    ['a read that lags behind', 'read', () => ({ read: async () => undefined })],
    ['a range from elsewhere', 'range', (inner) => ({ readRange: (path, _, length) => inner.readRange(path, 0, length) })],
    [
      'a listing that lags behind',
      'list',
      () => ({
        list: async function* () {
          yield* []
        },
      }),
    ],
    ['a delete that does nothing', 'delete', () => ({ delete: async () => {} })],
    ['a put that keeps the old object', 'replace', (inner) => ({ put: async (path, bytes) => void (await inner.create(path, bytes)) })],
  ])('%s is noticed', async (_, name, how) => {
    expect(outcomes(await checkStorage(broken(how)))[name]).toBe('failed')
  })

  test('a clock that is an hour off is a warning that says how far', async () => {
    const storage = broken((inner) => ({
      stat: async (path) => {
        const info = await inner.stat(path)
        return info && { ...info, modifiedMs: info.modifiedMs - 3_600_000 }
      },
    }))
    const check = (await checkStorage(storage)).find(({ name }) => name === 'clock')
    expect(check?.outcome).toBe('warning')
    expect(check?.detail).toMatch(/3600 s behind/)
  })

  test('a signal that fires ends it', async () => {
    await expect(checkStorage(memoryStorage(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
