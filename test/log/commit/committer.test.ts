// The file-system committer: outcomes are values, our own commit is known by its txnId, calls end with their signal.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { type Committer, fileSystemCommitter, txnIdOf } from '../../../src/log/commit/committer.js'
import { systemRuntime } from '../../../src/runtime.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { Storage } from '../../../src/storage/storage.js'
import { manualRuntime } from '../../support/manual-runtime.js'
import { logPath } from './ledger.js'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const commitOf = (txnId: string): Uint8Array => bytesOf(`{"commitInfo":{"operation":"WRITE","txnId":"${txnId}"}}\n{"add":{"path":"f"}}\n`)
const call = { signal: new AbortController().signal }
const failing = (create: Storage['create'], read?: Storage['read']): Committer => {
  const committer = fileSystemCommitter(
    Object.assign(Object.create(memoryStorage()) as Storage, {
      location: 'memory:',
      capabilities: { exclusiveCreate: true, durable: false },
      create,
      ...(read && { read }),
    }),
  )
  committer.knows?.(-1, systemRuntime.monotonicMs())
  return committer
}

test('a store without exclusive create is refused', () => {
  expect(() => fileSystemCommitter(memoryStorage({ exclusiveCreate: false }))).toThrowError(
    expect.objectContaining({ code: 'STORAGE_UNSAFE' }),
  )
})

describe('proposing', () => {
  test('the first proposal of a version makes its file, the next finds it taken and changes nothing', async () => {
    const storage = memoryStorage()
    const committer = fileSystemCommitter(storage)
    await storage.create(logPath(3), commitOf('before'))
    expect(await committer.propose({ version: 4, txnId: 'a', bytes: commitOf('a') }, call)).toEqual({ kind: 'created' })
    expect(await committer.propose({ version: 4, txnId: 'b', bytes: commitOf('b') }, call)).toEqual({ kind: 'exists' })
    expect(await storage.read(logPath(4))).toEqual(commitOf('a'))
  })

  test('who slept for longer than a log is kept does not put a version that was cleaned away, staged or not', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const committer = fileSystemCommitter(storage, runtime)
    await storage.create(logPath(3), commitOf('before'))
    expect(await committer.holds(3, call)).toEqual({ kind: 'held', isFollowed: false })
    const own = { version: 4, txnId: 'a', bytes: commitOf('a') }
    await runtime.advance(61_000)
    for (const version of [4, 5, 6]) await storage.create(logPath(version), commitOf(`v${version}`))
    for (const version of [3, 4]) await storage.delete(logPath(version))
    expect(await committer.propose(own, call)).toMatchObject({
      kind: 'refused',
      error: { code: 'COMMIT_CONFLICT', facts: { rule: 'log-cleaned' } },
    })
    expect(await storage.stat(logPath(4))).toBeUndefined()
  })

  test('who sleeps within a put, between the steps of the store, does not put what was cleaned away meanwhile', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const committer = fileSystemCommitter(storage, runtime)
    await storage.create(logPath(3), commitOf('before'))
    expect(await committer.holds(3, call)).toEqual({ kind: 'held', isFollowed: false })
    const create = storage.create.bind(storage)
    storage.create = async (path, bytes, options) => {
      // Its bytes are written; before they get their name the process is stopped.
      await runtime.advance(61_000)
      return create(path, bytes, options)
    }
    const own = { version: 4, txnId: 'a', bytes: commitOf('a') }
    expect(await committer.propose(own, call)).toMatchObject({ kind: 'refused', error: { code: 'ABORTED' } })
    expect(await storage.stat(logPath(4))).toBeUndefined()
  })

  test('who slept between looking for a table and making one makes none where there is one whose log was cleaned', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const committer = fileSystemCommitter(storage, runtime)
    committer.knows?.(-1, runtime.monotonicMs())
    await runtime.advance(61_000)
    await storage.create(logPath(7), commitOf('other'))
    const own = { version: 0, txnId: 'a', bytes: commitOf('a') }
    expect(await committer.propose(own, call)).toMatchObject({ kind: 'refused', error: { code: 'ALREADY_EXISTS' } })
    expect(await storage.stat(logPath(0))).toBeUndefined()
    await storage.delete(logPath(7))
    expect(await committer.propose(own, call)).toEqual({ kind: 'created' })
  })

  test('what was staged and is not tried is dropped', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const done: string[] = []
    storage.stage = async () => ({
      place: async () => {
        done.push('placed')
        return 'created'
      },
      discard: async () => {
        done.push('dropped')
      },
    })
    const committer = fileSystemCommitter(storage, runtime)
    await storage.create(logPath(3), commitOf('before'))
    const staged = await committer.stage?.({ version: 4, txnId: 'a', bytes: commitOf('a') }, call)
    for (const version of [4, 5]) await storage.create(logPath(version), commitOf(`v${version}`))
    expect(await staged?.place(call)).toEqual({ kind: 'exists' })
    expect(done).toEqual(['dropped'])
  })

  test('a version that is found taken by who asks for the one before is not put: the request could land after it was cleaned away', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const committer = fileSystemCommitter(storage, runtime)
    for (const version of [3, 4]) await storage.create(logPath(version), commitOf(`v${version}`))
    let puts = 0
    const create = storage.create.bind(storage)
    storage.create = (...args) => {
      puts++
      return create(...args)
    }
    for (let n = 0; n < 2; n++)
      expect(await committer.propose({ version: 4, txnId: 'a', bytes: commitOf('a') }, call)).toEqual({ kind: 'exists' })
    expect(puts).toBe(0)
  })

  test('an old version that was just read is nothing to build on: it may be cleaned away the next moment', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const committer = fileSystemCommitter(storage, runtime)
    for (const version of [3, 4, 5]) await storage.create(logPath(version), commitOf(`v${version}`))
    for (const version of [3, 4]) expect(await committer.findOut(version, { txnId: 'a' }, call)).toMatchObject({ kind: 'other' })
    for (const version of [4, 5]) await storage.delete(logPath(version))
    await storage.create(logPath(6), commitOf('v6'))
    expect(await committer.propose({ version: 5, txnId: 'a', bytes: commitOf('a') }, call)).toMatchObject({ kind: 'refused' })
  })

  test('asks for the version before only where it has not heard of it lately', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const lists: string[] = []
    const list = storage.list.bind(storage)
    storage.list = (folder, options) => {
      lists.push(folder)
      return list(folder, options)
    }
    const committer = fileSystemCommitter(storage, runtime)
    await storage.create(logPath(3), commitOf('before'))
    committer.knows?.(3, runtime.monotonicMs())
    for (const version of [4, 5])
      expect((await committer.propose({ version, txnId: 'a', bytes: commitOf('a') }, call)).kind).toBe('created')
    expect(lists).toEqual([])
    await runtime.advance(61_000)
    expect((await committer.propose({ version: 6, txnId: 'a', bytes: commitOf('a') }, call)).kind).toBe('created')
    expect(lists).toHaveLength(1)
  })

  test.each<[string, unknown, string]>([
    ['surely did nothing', new AlluviumError('STORAGE_FULL', 'full', { applied: false }), 'refused'],
    ['may have done it', new AlluviumError('STORAGE_UNAVAILABLE', 'reset', { applied: 'unknown' }), 'unclear'],
    ['does not say', new AlluviumError('STORAGE_UNAVAILABLE', 'reset'), 'unclear'],
    ['is no error of ours', new TypeError('fetch failed'), 'unclear'],
  ])('a failure that %s: %#', async (_, error, kind) => {
    const outcome = await failing(() => Promise.reject(error)).propose({ version: 0, txnId: 'a', bytes: commitOf('a') }, call)
    expect(outcome.kind).toBe(kind)
    expect('error' in outcome && outcome.error).toBeInstanceOf(AlluviumError)
  })

  test('a store that never answers is unclear as soon as the signal fires', async () => {
    const controller = new AbortController()
    const outcome = failing(() => new Promise(() => {})).propose(
      { version: 0, txnId: 'a', bytes: commitOf('a') },
      { signal: controller.signal },
    )
    controller.abort(new Error('time is over'))
    expect((await outcome).kind).toBe('unclear')
  })
})

describe('finding out', () => {
  const find = async (content: Uint8Array | undefined, txnId: string, own?: Uint8Array): Promise<string> => {
    const storage = memoryStorage()
    if (content !== undefined) await storage.create(logPath(2), content)
    return (await fileSystemCommitter(storage).findOut(2, { txnId, ...(own && { bytes: own }) }, call)).kind
  }

  test('for who has no txnId a commit whose txnId is empty is somebody else’s', async () => {
    expect(await find(commitOf(''), '')).toBe('other')
  })

  test('a commit with our txnId is ours, any other is not, a missing one is absent', async () => {
    expect(await find(commitOf('mine'), 'mine')).toBe('ours')
    expect(await find(commitOf('theirs'), 'mine')).toBe('other')
    expect(await find(undefined, 'mine')).toBe('absent')
  })

  test('the words of our txnId in somebody else’s commit do not make it ours', async () => {
    expect(await find(bytesOf('{"commitInfo":{"userMetadata":"txnId mine","txnId":"theirs"}}\n'), 'mine')).toBe('other')
    expect(await find(bytesOf('{"add":{"path":"f","tags":{"txnId":"mine"}}}\n{"commitInfo":{"txnId":"mine"}}\n'), 'mine')).toBe('other')
  })

  test('a piece of our own bytes is nobody’s yet; an equally short or empty file is somebody else’s', async () => {
    const own = commitOf('mine')
    expect(await find(own.slice(0, 9), 'mine', own)).toBe('unreadable')
    expect(await find(new Uint8Array(), 'mine', own)).toBe('other')
    expect(await find(bytesOf('{"commitInfo":{"x'), 'mine', own)).toBe('other')
  })

  test('a read that fails is a value too', async () => {
    const committer = failing(
      () => Promise.reject(new Error()),
      () => Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'away')),
    )
    expect(await committer.findOut(2, { txnId: 'mine' }, call)).toMatchObject({
      kind: 'unreadable',
      error: { code: 'STORAGE_UNAVAILABLE' },
    })
  })
})

test('a version is held while its commit file is there', async () => {
  const storage = memoryStorage()
  const committer = fileSystemCommitter(storage)
  await storage.create(logPath(3), commitOf('a'))
  expect(await committer.holds(3, call)).toEqual({ kind: 'held', isFollowed: false })
  expect(await committer.holds(2, call)).toEqual({ kind: 'gone', isCleaned: false })
})

test('a version whose successor was cleaned away already is not held, in whatever order a cleaner works', async () => {
  const storage = memoryStorage({ pageObjects: 1 })
  const committer = fileSystemCommitter(storage)
  for (const version of [3, 5, 6]) await storage.create(logPath(version), commitOf(`v${version}`))
  expect(await committer.holds(3, call)).toEqual({ kind: 'gone', isCleaned: false })
  expect(await committer.holds(5, call)).toEqual({ kind: 'held', isFollowed: true })
  expect(await committer.holds(6, call)).toEqual({ kind: 'held', isFollowed: false })
  await storage.create(logPath(3).replace('3.json', '4.crc'), commitOf('v4'))
  expect(await committer.holds(3, call)).toEqual({ kind: 'gone', isCleaned: false })
})

test.each([
  ['a classic one', '00000000000000000004.checkpoint.parquet'],
  ['one of several parts', '00000000000000000006.checkpoint.0000000001.0000000002.parquet'],
  ['one with sidecars', '00000000000000000006.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'],
])('of what is gone a later checkpoint says that it was cleaned away: %s', async (_, name) => {
  const storage = memoryStorage({ pageObjects: 1 })
  const committer = fileSystemCommitter(storage)
  for (const version of [3, 6, 7]) await storage.create(logPath(version), commitOf(`v${version}`))
  await storage.create(`_delta_log/${name}`, commitOf('checkpoint'))
  expect(await committer.holds(3, call)).toEqual({ kind: 'gone', isCleaned: true })
  expect(await committer.holds(2, call)).toEqual({ kind: 'gone', isCleaned: true })
  expect(await committer.holds(6, call)).toEqual({ kind: 'held', isFollowed: true })
  expect(await committer.holds(7, call)).toEqual({ kind: 'held', isFollowed: false })
})

test('a version whose successor has a checkpoint and a commit is followed, though the checkpoint is listed first', async () => {
  const storage = memoryStorage({ pageObjects: 1 })
  const committer = fileSystemCommitter(storage)
  for (const version of [3, 4, 5]) await storage.create(logPath(version), commitOf(`v${version}`))
  await storage.create('_delta_log/00000000000000000004.checkpoint.parquet', commitOf('checkpoint'))
  expect(await committer.holds(3, call)).toEqual({ kind: 'held', isFollowed: true })
})

test.each<[string, string | undefined]>([
  ['{"commitInfo":{"txnId":"t"}}', 't'],
  ['{"commitInfo":{"txnId":"t"}}\n{"add":{}}', 't'],
  ['{"commitInfo":{"txnId":7}}\n', undefined],
  ['{"commitInfo":null}\n', undefined],
  ['{"commitInfo":{}}\n', undefined],
  ['not json\n', undefined],
  ['', undefined],
  ['"text"', undefined],
])('the txnId of %j is %j', (text, txnId) => {
  expect(txnIdOf(bytesOf(text))).toBe(txnId)
})
