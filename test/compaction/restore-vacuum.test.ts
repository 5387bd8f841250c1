// Restoring beside a vacuum: what it may be deleting is not brought back.
import { expect, test } from 'vitest'
import { restore } from '../../src/compaction/index.js'
import { commit } from '../../src/log/commit/index.js'
import { long, schema } from '../../src/schema/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { createTable } from '../../src/table/index.js'
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
  return { runtime, table, announce }
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
