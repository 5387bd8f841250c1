// Restoring beside a vacuum: what it may be deleting is not brought back.
import { expect, test } from 'vitest'
import { restore, vacuum } from '../../src/compaction/index.js'
import { commit } from '../../src/log/commit/index.js'
import { commitPath } from '../../src/log/index.js'
import { long, schema } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import type { Storage } from '../../src/storage/storage.js'
import { createTable, openTable, type Table } from '../../src/table/index.js'
import { manualRuntime } from '../support/manual-runtime.js'

const DAY_MS = 86_400_000
const WEEK = { specifiedRetentionMillis: String(7 * DAY_MS) }

async function scene() {
  const runtime = manualRuntime()
  const storage = memoryStorage({ runtime })
  const table = await createTable(storage, { schema: schema({ id: long() }), runtime, upkeep: 'none' })
  await table.append([{ id: 1n }])
  await table.overwrite([{ id: 2n }])
  const announce = async (operation: string, operationParameters: Record<string, string>) => {
    const { view } = await table.snapshot()
    await commit(table.context, { base: view, actions: [], operation, operationParameters, readSet: { appIds: [] } })
  }
  return { runtime, storage, table, announce }
}

test('a version is not restored while a vacuum is under way that may be deleting its files', async () => {
  const { runtime, table, announce } = await scene()
  await runtime.advance(10 * DAY_MS)
  await announce('VACUUM START', WEEK)
  await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'vacuum', version: 3 } })
  await announce('VACUUM END', { status: 'FAILED' })
  await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' })
  await announce('VACUUM START', WEEK)
  await announce('VACUUM END', { status: 'COMPLETED' })
  expect(await restore(table, { version: 1 })).toMatchObject({ filesRestored: 1 })
})

test('a version within the retention is restored beside a vacuum', async () => {
  const { runtime, table, announce } = await scene()
  await runtime.advance(DAY_MS)
  await announce('VACUUM START', WEEK)
  expect(await restore(table, { version: 1 })).toMatchObject({ filesRestored: 1 })
})

test('a vacuum that never came to its end is not waited for longer than a day', async () => {
  const { runtime, table, announce } = await scene()
  await runtime.advance(10 * DAY_MS)
  await announce('VACUUM START', WEEK)
  await runtime.advance(1.5 * DAY_MS)
  expect(await restore(table, { version: 1 })).toMatchObject({ filesRestored: 1 })
})

test('of two vacuums side by side one that ended does not stand for the other', async () => {
  const { runtime, table, announce } = await scene()
  await runtime.advance(10 * DAY_MS)
  for (const _ of ['theirs', 'ours']) await announce('VACUUM START', WEEK)
  await announce('VACUUM END', { status: 'COMPLETED' })
  await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'vacuum' } })
  await announce('VACUUM END', { status: 'COMPLETED' })
  expect(await restore(table, { version: 1 })).toMatchObject({ filesRestored: 1 })
})

test('a vacuum is found however many commits came since it began', async () => {
  const { runtime, table, announce } = await scene()
  await runtime.advance(10 * DAY_MS)
  await announce('VACUUM START', WEEK)
  for (let i = 0; i < 100; i++) await announce('WRITE', {})
  await expect(restore(table, { version: 1 })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT', facts: { rule: 'vacuum', version: 3 } })
})

test('a vacuum that slept before it deleted looks again at what a restore brought back, and announces itself anew (seed 907832)', async () => {
  const { runtime, storage, table } = await scene()
  const { files } = (await table.snapshot({ version: 1 })).view
  const kept = files.path(files.liveRows()[0] as number)
  await storage.put('orphan.parquet', new Uint8Array(8))
  await runtime.advance(10 * DAY_MS)
  let hasSlept = false
  const sleepy = new Proxy(storage, {
    get: (target, key) => {
      const own = Reflect.get(target, key, target) as unknown
      if (key !== 'create') return typeof own === 'function' ? own.bind(target) : own
      return async (...args: Parameters<Storage['create']>) => {
        const outcome = await target.create(...args)
        if (args[0] === commitPath(3)) {
          hasSlept = true
          runtime.doze(2 * DAY_MS)
          expect(await restore(table, { version: 1 })).toMatchObject({ filesRestored: 1 })
        }
        return outcome
      }
    },
  })
  const done = await vacuum((await openTable(sleepy, { runtime, upkeep: 'none' })) as unknown as Table<unknown, never>)
  expect([hasSlept, done.paths]).toEqual([true, ['orphan.parquet']])
  expect(await storage.stat(kept)).toBeDefined()
  const operations = (await table.history()).map(({ version, info }) => [version, info?.operation])
  expect(operations.slice(0, 5).reverse()).toEqual([
    [3, 'VACUUM START'],
    [4, 'RESTORE'],
    [5, 'VACUUM END'],
    [6, 'VACUUM START'],
    [7, 'VACUUM END'],
  ])
})
