// What the file-system committer asks of its store, and what it makes of answers that fail, come late or never.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { type Committer, type CommitterCall, fileSystemCommitter, type Proposal } from '../../../src/log/commit/committer.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import type { PlaceCallOptions, StagedObject, Storage } from '../../../src/storage/storage.js'
import { type ManualRuntime, manualRuntime } from '../../support/manual-runtime.js'
import { logPath } from './ledger.js'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const commitOf = (txnId: string): Uint8Array => bytesOf(`{"commitInfo":{"operation":"WRITE","txnId":"${txnId}"}}\n`)
const call: CommitterCall = { signal: new AbortController().signal }
const own = (version: number): Proposal => ({ version, txnId: 'mine', bytes: commitOf('mine') })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Scene {
  readonly runtime: ManualRuntime
  readonly storage: Storage
  readonly committer: Committer
}

/** A table whose newest version is 3, which is known. */
async function scene(replaced: Partial<Storage> = {}): Promise<Scene> {
  const runtime = manualRuntime()
  const storage = memoryStorage({ runtime })
  await storage.create(logPath(3), commitOf('before'))
  Object.assign(storage, replaced)
  const committer = fileSystemCommitter(storage, runtime)
  committer.knows?.(3, runtime.monotonicMs())
  return { runtime, storage, committer }
}

test('a store has one committer', () => {
  const storage = memoryStorage()
  expect(fileSystemCommitter(storage)).toBe(fileSystemCommitter(storage))
  expect(fileSystemCommitter(memoryStorage())).not.toBe(fileSystemCommitter(storage))
})

test('a store without exclusive create is refused in words that name it', () => {
  const storage = memoryStorage({ exclusiveCreate: false })
  expect(() => fileSystemCommitter(storage)).toThrow(
    expect.objectContaining({
      code: 'STORAGE_UNSAFE',
      message: expect.stringContaining(`${storage.location} cannot create a file only if it is absent`),
      facts: { location: storage.location, capability: 'exclusiveCreate' },
    }),
  )
})

test('there is nothing to publish', async () => {
  const { committer, storage } = await scene({ create: () => Promise.reject(new Error('nothing is created')) })
  await expect(committer.publish(3, call)).resolves.toBeUndefined()
  expect(await storage.read(logPath(3))).toEqual(commitOf('before'))
})

describe('a put', () => {
  test('hands the store the file, the bytes, the signal, and a way to ask whether it is wanted still', async () => {
    const asked: { path: string; bytes: Uint8Array; options: PlaceCallOptions | undefined }[] = []
    const { committer, runtime } = await scene({
      create: async (path, bytes, options) => {
        asked.push({ path, bytes, options })
        return 'exists'
      },
    })
    expect(await committer.propose(own(4), call)).toEqual({ kind: 'exists' })
    const [{ path, bytes, options }] = asked as [(typeof asked)[number]]
    expect([path, bytes, options?.signal]).toEqual([logPath(4), commitOf('mine'), call.signal])
    await runtime.advance(60_000)
    expect(options?.isStillWanted?.()).toBe(true)
    await runtime.advance(1)
    expect(options?.isStillWanted?.()).toBe(false)
  })

  test('of the first version of all is wanted as long as it is known lately that there is no table', async () => {
    const wanted: unknown[] = []
    const { committer, runtime } = await scene({
      create: async (_, __, options) => {
        wanted.push(options?.isStillWanted?.())
        await runtime.advance(60_001)
        wanted.push(options?.isStillWanted?.())
        return 'exists'
      },
    })
    committer.knows?.(-1, runtime.monotonicMs())
    expect(await committer.propose(own(0), call)).toEqual({ kind: 'exists' })
    expect(wanted).toEqual([true, false])
  })

  test('that fails says what failed and where, and keeps the cause', async () => {
    const cause = new TypeError('fetch failed')
    const { committer, storage } = await scene({ create: () => Promise.reject(cause) })
    const outcome = await committer.propose(own(4), call)
    expect(outcome).toMatchObject({ kind: 'unclear', error: { code: 'STORAGE_UNAVAILABLE', cause } })
    expect('error' in outcome && outcome.error.message).toBe(`creating ${logPath(4)} in ${storage.location} failed: fetch failed`)
  })

  test('that fails with anything at all is told', async () => {
    const { committer } = await scene({ create: () => Promise.reject('no') })
    const outcome = await committer.propose(own(4), call)
    expect('error' in outcome && outcome.error.message).toMatch(/ failed: no$/)
  })

  test('that fails with an error of ours is that error', async () => {
    const error = new AlluviumError('STORAGE_FULL', 'full', { applied: false })
    const { committer } = await scene({ create: () => Promise.reject(error) })
    const outcome = await committer.propose(own(4), call)
    expect(outcome.kind).toBe('refused')
    expect('error' in outcome && outcome.error).toBe(error)
  })

  test('whose time is over before it begins is unclear, however the store answers', async () => {
    const { committer } = await scene({ create: () => new Promise(() => {}) })
    const reason = new Error('time is over')
    const outcome = await committer.propose(own(4), { signal: AbortSignal.abort(reason) })
    expect(outcome).toMatchObject({ kind: 'unclear', error: { code: 'STORAGE_UNAVAILABLE', cause: reason } })
    expect('error' in outcome && outcome.error.message).toBe('the store did not answer in time')
  })

  test('that is created lets the next one follow without a question; one that is not lets none', async () => {
    let lists = 0
    const { committer, storage } = await scene()
    const { list } = storage
    storage.list = (...args) => {
      lists++
      return list.apply(storage, args)
    }
    expect(await committer.propose(own(4), call)).toEqual({ kind: 'created' })
    expect(await committer.propose(own(5), call)).toEqual({ kind: 'created' })
    expect(lists).toBe(0)
    expect(await committer.propose(own(5), call)).toEqual({ kind: 'exists' })
    await storage.create(logPath(6), commitOf('theirs'))
    // Of 6 nobody has said that it is the newest: that a put found it taken does not.
    expect(await committer.propose(own(6), call)).toEqual({ kind: 'exists' })
    expect(lists).toBe(0)
    expect(await committer.propose(own(7), call)).toEqual({ kind: 'created' })
    expect(lists).toBe(1)
  })

  test('follows what was read after the newest, whoever made it', async () => {
    let lists = 0
    const { committer, storage } = await scene()
    await storage.create(logPath(4), commitOf('theirs'))
    await storage.create(logPath(5), commitOf('mine'))
    const { list } = storage
    storage.list = (...args) => {
      lists++
      return list.apply(storage, args)
    }
    expect(await committer.findOut(4, { txnId: 'mine' }, call)).toMatchObject({ kind: 'other' })
    expect(await committer.findOut(5, { txnId: 'mine' }, call)).toMatchObject({ kind: 'ours' })
    expect(await committer.findOut(6, { txnId: 'mine' }, call)).toEqual({ kind: 'absent' })
    expect(await committer.propose(own(6), call)).toEqual({ kind: 'created' })
    expect(lists).toBe(0)
  })
})

describe('a staged commit', () => {
  function staging(): { replaced: Partial<Storage>; done: string[] } {
    const done: string[] = []
    return {
      done,
      replaced: {
        stage: async (path, bytes, options) => {
          done.push(`staged ${path} ${bytes.length} ${options?.signal === call.signal}`)
          return {
            place: async (place) => {
              done.push(`placed ${place?.signal === call.signal} ${place?.isStillWanted?.()}`)
              return 'created'
            },
            discard: async () => {
              done.push('dropped')
            },
          }
        },
      },
    }
  }

  test('is placed by the store, once it is wanted, and not dropped then', async () => {
    const { replaced, done } = staging()
    const { committer } = await scene(replaced)
    const staged = await committer.stage?.(own(4), call)
    expect(done).toEqual([`staged ${logPath(4)} ${commitOf('mine').length} true`])
    expect(await staged?.place(call)).toEqual({ kind: 'created' })
    expect(done.slice(1)).toEqual(['placed true true'])
  })

  test('is dropped where it is not wanted', async () => {
    const { replaced, done } = staging()
    const { committer } = await scene(replaced)
    await (await committer.stage?.(own(4), call))?.discard()
    expect(done.slice(1)).toEqual(['dropped'])
  })

  test('is none where the store cannot stage, or fails to', async () => {
    expect(await (await scene({ stage: undefined as never })).committer.stage?.(own(4), call)).toBeUndefined()
    const { committer } = await scene({ stage: () => Promise.reject(new Error('no')) })
    expect(await committer.stage?.(own(4), call)).toBeUndefined()
  })

  test('that comes too late is dropped when it comes', async () => {
    let arrive: (staged: StagedObject) => void = () => {}
    const { committer } = await scene({
      stage: () =>
        new Promise((resolve) => {
          arrive = resolve
        }),
    })
    const controller = new AbortController()
    const staging = committer.stage?.(own(4), { signal: controller.signal })
    controller.abort()
    expect(await staging).toBeUndefined()
    let dropped = 0
    arrive({
      place: async () => 'created',
      discard: async () => {
        dropped++
      },
    })
    await turn()
    expect(dropped).toBe(1)
  })
})

describe('a look', () => {
  test('that fails says what failed and where', async () => {
    const { committer, storage } = await scene({ read: () => Promise.reject(new Error('away')) })
    const found = await committer.findOut(4, { txnId: 'mine' }, call)
    expect(found).toMatchObject({ kind: 'unreadable', error: { code: 'STORAGE_UNAVAILABLE' } })
    expect('error' in found && found.error.message).toBe(`reading ${logPath(4)} in ${storage.location} failed: away`)
  })

  test('at a piece of our own bytes says how much of them there is; at as many bytes or more it is somebody else’s commit', async () => {
    const bytes = bytesOf('{"commitInfo":{"x":"a text that is long enough"}}\n')
    const look = async (content: Uint8Array): Promise<unknown> => {
      const { committer, storage } = await scene()
      await storage.create(logPath(4), content)
      const found = await committer.findOut(4, { txnId: 'mine', bytes }, call)
      return found.kind === 'unreadable' ? [found.error.code, found.error.message, found.error.facts] : found
    }
    const { storage } = await scene()
    expect(await look(bytes.subarray(0, 1))).toEqual([
      'CORRUPT_LOG',
      `${logPath(4)} in ${storage.location} is incomplete (1 bytes)`,
      { path: logPath(4), version: 4 },
    ])
    expect(await look(bytes.subarray(0, bytes.length - 1))).toMatchObject(['CORRUPT_LOG', expect.anything(), expect.anything()])
    expect(await look(bytes)).toEqual({ kind: 'other', bytes })
    const longer = bytesOf(`${new TextDecoder().decode(bytes)}{"txn":{}}\n`)
    expect(await look(longer)).toEqual({ kind: 'other', bytes: longer })
    const different = bytes.slice(0, 10)
    different[9] = 0x20
    expect(await look(different)).toEqual({ kind: 'other', bytes: different })
  })

  test('ends when its time is over, and leaves no listener on the signal', async () => {
    const { committer } = await scene({ read: () => new Promise(() => {}) })
    const controller = new AbortController()
    const looking = committer.findOut(4, { txnId: 'mine' }, { signal: controller.signal })
    controller.abort(new Error('over'))
    expect(await looking).toMatchObject({
      kind: 'unreadable',
      error: { code: 'STORAGE_UNAVAILABLE', message: 'the store did not answer in time' },
    })
    const heard: string[] = []
    const signal = {
      aborted: false,
      addEventListener: (name: string) => heard.push(`+ ${name}`),
      removeEventListener: (name: string) => heard.push(`- ${name}`),
    } as unknown as AbortSignal
    const asked: unknown[] = []
    const quick = await scene({
      read: async (_, options) => {
        asked.push(options?.signal)
        return undefined
      },
    })
    expect(await quick.committer.findOut(4, { txnId: 'mine' }, { signal })).toEqual({ kind: 'absent' })
    await turn()
    expect(asked).toEqual([signal])
    expect(heard).toEqual(['+ abort', '- abort'])
  })
})

describe('whether a version is held', () => {
  const listed = async (names: readonly string[]): Promise<unknown> => {
    const { committer, storage } = await scene()
    for (const name of names) await storage.create(`_delta_log/${name}`, commitOf('x'))
    return committer.holds(3, call)
  }

  test('is asked of the names from it on', async () => {
    const asked: unknown[] = []
    const { committer, storage } = await scene()
    const { list } = storage
    storage.list = (folder, options) => {
      asked.push([folder, options?.from, options?.signal === call.signal])
      return list.call(storage, folder, options)
    }
    expect(await committer.holds(3, call)).toEqual({ kind: 'held', isFollowed: false })
    expect(asked).toEqual([['_delta_log', logPath(3), true]])
  })

  test('is not shown by names that are no versions', async () => {
    expect(await listed(['00000000000000000004.crc', '_last_checkpoint', 'notes.txt', '00000000000000000009.json.tmp'])).toEqual({
      kind: 'held',
      isFollowed: false,
    })
  })

  test('is not shown by its own checkpoint', async () => {
    expect(await listed(['00000000000000000003.checkpoint.parquet'])).toEqual({ kind: 'held', isFollowed: false })
  })

  test('is denied where nothing is left of it but its checkpoint', async () => {
    const { committer, storage } = await scene()
    await storage.create('_delta_log/00000000000000000003.checkpoint.parquet', commitOf('x'))
    await storage.delete(logPath(3))
    expect(await committer.holds(3, call)).toEqual({ kind: 'gone', isCleaned: false })
    await storage.create(logPath(4), commitOf('theirs'))
    expect(await committer.holds(3, call)).toEqual({ kind: 'gone', isCleaned: false })
  })

  test('is denied by commits after a gap, which a log compaction does not explain and a checkpoint does', async () => {
    const compacted = '00000000000000000005.00000000000000000006.compacted.json'
    expect(await listed([compacted])).toEqual({ kind: 'gone', isCleaned: false })
    expect(await listed([compacted, '00000000000000000007.checkpoint.parquet'])).toEqual({ kind: 'gone', isCleaned: true })
    expect(await listed(['00000000000000000004.checkpoint.parquet'])).toEqual({ kind: 'gone', isCleaned: true })
  })

  test('cannot be said where the store cannot', async () => {
    const { committer, storage } = await scene({
      list: () => {
        throw new Error('away')
      },
    })
    const held = await committer.holds(3, call)
    expect(held).toMatchObject({ kind: 'unreadable', error: { code: 'STORAGE_UNAVAILABLE' } })
    expect('error' in held && held.error.message).toBe(`looking for ${logPath(3)} in ${storage.location} failed: away`)
  })
})
