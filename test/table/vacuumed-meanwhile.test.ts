// A writer that slept between writing a file and committing it, woken on a table that has another shape since.
import {
  type AddFile,
  createTable,
  isAlluviumError,
  long,
  memoryStorage,
  openTable,
  optimize,
  type Storage,
  schema,
  type Table,
  vacuum,
} from 'alluvium'
import { expect, test } from 'vitest'
import { commitAppend } from '../../src/table/append.js'
import { manualRuntime } from '../support/manual-runtime.js'

const HOUR_MS = 3_600_000

async function wakeAfter(hours: number, meanwhile: (other: Table<unknown, never>) => Promise<unknown>): Promise<unknown> {
  const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
  const storage = memoryStorage({ runtime })
  const properties = { 'delta.deletedFileRetentionDuration': 'interval 1 hours' }
  const sleeper = await createTable(storage, { schema: schema({ id: long() }), properties, runtime })
  const { view } = await sleeper.snapshot()
  for (const path of ['mine.parquet', 'nobody.parquet']) await storage.put(path, new Uint8Array(3))
  const file: AddFile = {
    kind: 'add',
    path: 'mine.parquet',
    partitionValues: {},
    size: 3,
    modificationTime: runtime.now(),
    dataChange: true,
  }
  await runtime.advance(hours * HOUR_MS)
  const other = (await openTable(storage, { runtime })) as unknown as Table<unknown, never>
  await other.setProperties({ note: 'another shape' })
  await meanwhile(other)
  const operation = { operation: 'WRITE', operationParameters: {} }
  return commitAppend(sleeper.context, view, { files: [file], txns: [] }, () => operation, {}).then(
    ({ version }) => version,
    (error: unknown) => isAlluviumError(error, 'COMMIT_CONFLICT') && error.facts.committed,
  )
}

test('does not commit its file past a vacuum that has deleted it', async () => {
  expect(await wakeAfter(3, (other) => vacuum(other))).toBe(false)
})

test('commits it on the new shape where no vacuum was, or none that takes files of that age', async () => {
  expect(await wakeAfter(3, async () => undefined)).toBe(2)
  expect(await wakeAfter(0, (other) => vacuum(other))).toBe(2)
})

test('a compaction that slept does not commit what a vacuum has deleted meanwhile (simulation, seed 469131)', async () => {
  const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
  const storage = memoryStorage({ runtime })
  const properties = { 'delta.deletedFileRetentionDuration': 'interval 1 hours' }
  const columns = schema({ p: long(), id: long() })
  const table = await createTable(storage, { schema: columns, partitionBy: ['p'], properties, runtime })
  for (let id = 0; id < 8; id++) await table.append([{ p: BigInt(id % 2), id: BigInt(id) }])
  let outputs = 0
  // Right after the second of two groups is written.
  const write: Storage['write'] = async (path, options) => {
    const writer = await storage.write(path, options)
    return {
      write: (bytes) => writer.write(bytes),
      abort: () => writer.abort(),
      close: async () => {
        const closed = await writer.close()
        if (++outputs === 2) {
          await runtime.advance(3 * HOUR_MS)
          const { paths } = await vacuum((await openTable(storage, { runtime })) as unknown as Table<unknown, never>)
          expect(paths).toHaveLength(2)
        }
        return closed
      },
    }
  }
  const sleeper = await openTable({ ...methodsOf(storage), write }, { runtime })
  const ended = await optimize(sleeper as unknown as Table<unknown, never>, { groupsPerCommit: 2 }).catch((error: unknown) => error)
  expect(ended).toMatchObject({ code: 'MISSING_FILE' })
  const { view } = await (await openTable(storage, { runtime })).snapshot()
  for (const row of view.files.liveRows()) expect(await storage.stat(view.files.path(row))).toBeDefined()
  expect(view.files.numFiles).toBe(8)
})

function methodsOf(storage: Storage): Storage {
  const { location, capabilities } = storage
  return {
    ...{ location, capabilities, read: storage.read.bind(storage), readRange: storage.readRange.bind(storage) },
    ...{ stat: storage.stat.bind(storage), list: storage.list.bind(storage), create: storage.create.bind(storage) },
    ...{ put: storage.put.bind(storage), delete: storage.delete.bind(storage), write: storage.write.bind(storage) },
  }
}

test('a file of a compaction is as old as its bytes, however long the compaction then slept (simulation, seed 570088)', async () => {
  const runtime = manualRuntime({ startMs: Date.UTC(2026, 0, 1) })
  const storage = memoryStorage({ runtime })
  const table = await createTable(storage, { schema: schema({ id: long() }), runtime })
  for (let id = 0; id < 3; id++) await table.append([{ id: BigInt(id) }])
  const write: Storage['write'] = async (path, options) => {
    const writer = await storage.write(path, options)
    const close = async () => {
      const closed = await writer.close()
      await runtime.advance(HOUR_MS)
      return closed
    }
    return { write: (bytes) => writer.write(bytes), abort: () => writer.abort(), close }
  }
  for (const splice of [true, false]) {
    const writtenMs = runtime.now()
    const sleeper = await openTable({ ...methodsOf(storage), write }, { runtime })
    await optimize(sleeper as unknown as Table<unknown, never>, { splice, minFiles: 2 })
    const { view } = await (await openTable(storage, { runtime })).snapshot()
    const [file] = [...view.files.liveRows()].map((row) => view.files.add(row))
    expect([view.files.numFiles, file?.modificationTime]).toEqual([1, writtenMs])
    await table.append([{ id: 9n }])
  }
})
