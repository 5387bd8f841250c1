// A store that fails for good, a caller that aborts: what the commit says then, and what it answers later.
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../../src/errors.js'
import { type CommitResult, CommitStateUnknownError, mayDeleteDataFiles } from '../../../src/log/commit/index.js'
import type { Storage } from '../../../src/storage/storage.js'
import { logPath } from './ledger.js'
import { rawAdd, rawCommit } from './rig.js'
import { add, Scene } from './scene.js'

describe('a store that fails for good', () => {
  test('and surely did nothing is its own error at once, or after the time for what may pass', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    scene.counted.replace({ create: () => Promise.reject(new AlluviumError('STORAGE_FULL', 'no space', { applied: false })) })
    scene.counted.calls()
    expect(await scene.fails(base, [add('a')])).toMatchObject({ code: 'STORAGE_FULL', facts: { committed: false } })
    expect(scene.counted.calls()).toEqual({ create: 1 })
    scene.counted.replace({ create: () => Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'away', { applied: false })) })
    const startMs = scene.simulation.now()
    expect(await scene.fails(base, [add('a')], {}, { timeoutMs: 10_000 })).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      facts: { committed: false },
    })
    expect(scene.counted.calls().create).toBeGreaterThan(5)
    expect(scene.simulation.now() - startMs).toBeLessThan(15_000)
  })

  test('and may have done it leaves the commit unknown, within the limits, with everything needed to ask later', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    scene.counted.replace({ create: () => new Promise(() => {}) })
    const startMs = scene.simulation.now()
    const error = await scene.fails(base, [add('a')], {}, { timeoutMs: 20_000, callTimeoutMs: 5000, graceMs: 3000 })
    expect(error).toBeInstanceOf(CommitStateUnknownError)
    expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', facts: { version: 1, txnId: expect.stringMatching(/-/) } })
    expect(error.facts).not.toHaveProperty('committed')
    expect(mayDeleteDataFiles(error)).toBe(false)
    expect(scene.simulation.now() - startMs).toBeLessThan(30_000)
  })
})

describe('asking what became of it', () => {
  const inDoubt = async (): Promise<{ scene: Scene; error: CommitStateUnknownError; bytes: Uint8Array; create: Storage['create'] }> => {
    const scene = new Scene()
    const base = await scene.begin()
    let bytes = new Uint8Array()
    const create = scene.raw.create.bind(scene.raw)
    scene.counted.replace({
      create: (_, put) => {
        bytes = put.slice()
        return Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'reset', { applied: 'unknown' }))
      },
    })
    const error = (await scene.fails(base, [add('a')], {}, { timeoutMs: 1000 })) as CommitStateUnknownError
    scene.counted.replace({})
    scene.counted.calls()
    return { scene, error, bytes, create }
  }

  test('while the version is free answers unknown and changes nothing', async () => {
    const { scene, error } = await inDoubt()
    expect(await error.resolve()).toEqual({ kind: 'unknown', version: 1 })
    expect(scene.counted.calls()).toEqual({ read: 1 })
    expect(await scene.versions()).toBe(1)
  })

  test('after a late landing answers committed, whatever came after it', async () => {
    const { scene, error, bytes, create } = await inDoubt()
    await create(logPath(1), bytes)
    await rawCommit(scene.raw, 2, [{ remove: { path: 'a', dataChange: true } }])
    expect(await error.resolve()).toEqual({ kind: 'committed', version: 1 })
  })

  test('after somebody took the version answers not committed', async () => {
    const { scene, error } = await inDoubt()
    await rawCommit(scene.raw, 1, [rawAdd('r')])
    expect(await error.resolve()).toEqual({ kind: 'not-committed', version: 1 })
    expect(await error.resolve({ putAgain: true })).toEqual({ kind: 'not-committed', version: 1 })
  })

  test('with putAgain settles it: the same bytes at the same version', async () => {
    const { scene, error, bytes } = await inDoubt()
    expect(await error.resolve({ putAgain: true })).toEqual({ kind: 'committed', version: 1 })
    expect(await scene.raw.read(logPath(1))).toEqual(bytes)
    expect(await error.resolve()).toEqual({ kind: 'committed', version: 1 })
  })

  test('never puts into a log that was cleaned past the version', async () => {
    const { scene, error } = await inDoubt()
    await rawCommit(scene.raw, 50, [rawAdd('r')])
    await scene.raw.delete(logPath(0))
    expect(await error.resolve({ putAgain: true })).toEqual({ kind: 'unknown', version: 1 })
    expect(await scene.raw.read(logPath(1))).toBeUndefined()
  })

  test('while the store cannot be read answers unknown and why', async () => {
    const { scene, error } = await inDoubt()
    scene.counted.replace({ read: () => Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'away')) })
    expect(await error.resolve()).toMatchObject({ kind: 'unknown', version: 1, error: { code: 'STORAGE_UNAVAILABLE' } })
  })
})

describe('aborting', () => {
  test('before anything was put is ABORTED and touches nothing', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    scene.counted.calls()
    const reason = new Error('enough')
    const error = await scene.fails(base, [add('a')], {}, { signal: AbortSignal.abort(reason) })
    expect(error).toMatchObject({ code: 'ABORTED', cause: reason, facts: { committed: false } })
    expect(scene.counted.calls()).toEqual({})
  })

  const whileHanging = async (
    lands: 'never' | 'before-the-answer' | 'while-we-look',
  ): Promise<{ scene: Scene; outcome: CommitResult | AlluviumError; tookMs: number }> => {
    const scene = new Scene()
    const base = await scene.begin()
    const create = scene.raw.create.bind(scene.raw)
    scene.counted.replace({
      create: async (path, bytes) => {
        if (lands === 'before-the-answer') await create(path, bytes)
        if (lands === 'while-we-look') scene.simulation.setTimer(3000, () => void create(path, bytes))
        return new Promise(() => {})
      },
    })
    const controller = new AbortController()
    scene.simulation.setTimer(100, () => controller.abort())
    const startMs = scene.simulation.now()
    const outcome = await scene
      .commit(base, [add('a')], {}, { signal: controller.signal, graceMs: 2000 })
      .catch((error: AlluviumError) => error)
    return { scene, outcome, tookMs: scene.simulation.now() - startMs }
  }

  test('during a put that is there is success', async () => {
    const { outcome, tookMs } = await whileHanging('before-the-answer')
    expect(outcome).toMatchObject({ version: 1 })
    expect(tookMs).toBeLessThan(5000)
  })

  test('during a put that lands while we look is success', async () => {
    expect((await whileHanging('while-we-look')).outcome).toMatchObject({ version: 1 })
  })

  test('during a put of which nothing is seen is COMMIT_STATE_UNKNOWN, never ABORTED, and nothing more is put', async () => {
    const { scene, outcome, tookMs } = await whileHanging('never')
    expect(outcome).toBeInstanceOf(CommitStateUnknownError)
    expect(scene.counted.calls().create).toBe(1)
    expect(tookMs).toBeLessThan(10_000)
  })

  test('while waiting between puts that surely did nothing is ABORTED', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    scene.counted.replace({ create: () => Promise.reject(new AlluviumError('STORAGE_UNAVAILABLE', 'away', { applied: false })) })
    const controller = new AbortController()
    scene.simulation.setTimer(2500, () => controller.abort())
    expect(await scene.fails(base, [add('a')], {}, { signal: controller.signal })).toMatchObject({
      code: 'ABORTED',
      facts: { committed: false },
    })
  })

  test('after a lost race is ABORTED', async () => {
    const scene = new Scene()
    const base = await scene.begin()
    await rawCommit(scene.raw, 1, [rawAdd('r')])
    const controller = new AbortController()
    const error = await scene.fails(base, [add('a')], { onRebase: () => controller.abort() }, { signal: controller.signal })
    expect(error).toMatchObject({ code: 'ABORTED', facts: { committed: false } })
    expect(await scene.versions()).toBe(2)
  })
})
