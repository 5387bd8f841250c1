// Rows that are encoded before their commit is due: they come once, and what is dropped meanwhile is in no version and no file.
import { createStreamWriter, createTable, long, memoryStorage, openTable, type Storage, schema, string } from 'alluvium'
import { expect, test } from 'vitest'
import { manualRuntime } from '../support/manual-runtime.js'

const pages = schema({ id: long().notNull(), text: string() })
/** About 100 kB each, so that a hundred of them are far beyond what is encoded ahead. */
const rowsAt = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: BigInt(first + i), text: `${first + i}`.padEnd(100_000, 'x') }))
const at = (first: number, count: number, partition = 0) => ({
  source: 'pages',
  partition,
  firstOffset: first,
  lastOffset: first + count - 1,
})
const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

async function idsAndFiles(storage: Storage): Promise<{ ids: number[]; live: number; stored: number }> {
  const snapshot = await (await openTable(storage)).snapshot()
  const rows = await snapshot.scan().toArray()
  for (const { id, text } of rows) expect(text).toBe(`${id}`.padEnd(100_000, 'x'))
  let stored = 0
  for await (const page of storage.list('', { recursive: true })) stored += page.filter(({ path }) => path.endsWith('.parquet')).length
  return { ids: rows.map((row) => Number(row.id)).sort((a, b) => a - b), live: snapshot.view.files.numFiles, stored }
}

/** A store that counts the data files begun, and whose commits wait while `gate` is set. */
function watched(inner: Storage) {
  const state = { begun: 0, gate: undefined as Promise<void> | undefined, failWrites: false }
  const storage = new Proxy(inner, {
    get: (target, name) => {
      const value = Reflect.get(target, name)
      if (name === 'stage') return undefined
      if (name === 'write') {
        return async (...args: Parameters<Storage['write']>) => {
          state.begun++
          if (state.failWrites) throw new Error('no space')
          return target.write(...args)
        }
      }
      if (name === 'create') {
        return async (...args: Parameters<Storage['create']>) => {
          await state.gate
          return target.create(...args)
        }
      }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { storage, state }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 5000) throw new Error('never came true')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function flying(options: { appId?: string } = { appId: 'app' }) {
  const { storage, state } = watched(memoryStorage())
  const runtime = manualRuntime()
  const table = await createTable(storage, { schema: pages, runtime })
  const writer = await createStreamWriter(table, { ...options, linger: { ms: 3_600_000 }, encodeOnThread: false })
  let open = (): void => {}
  await writer.write(rowsAt(0, 1), at(0, 1))
  state.gate = new Promise((resolve) => {
    open = resolve
  })
  const flight = writer.flush()
  await until(() => state.begun === 1)
  return { storage, state, runtime, table, writer, flight, open }
}

test('rows of the next commit are written while the one before is on its way, and come once', async () => {
  const { storage, state, writer, flight, open } = await flying()
  const tickets = [await writer.write(rowsAt(1, 60), at(1, 60)), await writer.write(rowsAt(1000, 60), at(1000, 60, 1))]
  await until(() => state.begun === 2)
  tickets.push(await writer.write(rowsAt(61, 5), at(61, 5)))
  open()
  await flight
  await writer.close()
  expect(await Promise.all(tickets.map(({ committed }) => committed))).toEqual([{ version: 2 }, { version: 2 }, { version: 2 }])
  expect(await idsAndFiles(storage)).toEqual({ ids: [...range(0, 66), ...range(1000, 60)], live: 2, stored: 2 })
  expect(state.begun).toBe(2)
})

test('rows of a partition given up meanwhile are in no version, and the others come once', async () => {
  const { storage, state, writer, flight, open } = await flying()
  const kept = await writer.write(rowsAt(1, 60), at(1, 60))
  const dropped = await writer.write(rowsAt(1000, 60), at(1000, 60, 1))
  await until(() => state.begun === 2)
  await writer.revoke([{ source: 'pages', partition: 1 }])
  await expect(dropped.committed).rejects.toMatchObject({ code: 'FENCED' })
  open()
  await flight
  await writer.close()
  expect(await kept.committed).toEqual({ version: 2 })
  expect(await idsAndFiles(storage)).toEqual({ ids: range(0, 61), live: 2, stored: 2 })
  expect(writer.positionOf('pages', 1)).toBeUndefined()
})

test('an aborted writer leaves no file behind of rows that no commit carries', async () => {
  const { storage, state, writer, flight, open } = await flying()
  const dropped = await writer.write(rowsAt(1, 60), at(1, 60))
  await until(() => state.begun === 2)
  open()
  await Promise.all([writer.abort(), flight.catch(() => undefined)])
  await expect(dropped.committed).rejects.toMatchObject({ code: 'ABORTED' })
  expect(await idsAndFiles(storage)).toEqual({ ids: [0], live: 1, stored: 1 })
})

test('files begun on metadata that changed meanwhile are written anew', async () => {
  const { storage, state, table, writer, flight, open } = await flying()
  await writer.write(rowsAt(1, 60), at(1, 60))
  await until(() => state.begun === 2)
  open()
  await flight
  // Another writer changes the table's properties: files begun on the old metadata are not what the new one says.
  await (await openTable(storage, { runtime: manualRuntime() })).setProperties({ 'delta.dataSkippingNumIndexedCols': '1' })
  await writer.assign([{ source: 'pages', partition: 9 }])
  await writer.close()
  const { ids, live, stored } = await idsAndFiles(storage)
  expect([ids, live, stored]).toEqual([range(0, 61), 2, 2])
  const view = (await table.snapshot()).view
  const stats = [...view.files.liveRows()].map(
    (row) => JSON.parse(view.files.stats(row) ?? '{}') as { maxValues: object; numRecords: number },
  )
  expect(stats.find(({ numRecords }) => numRecords === 60)?.maxValues).toEqual({ id: 60 })
})

test('files begun so long ago that a vacuum may have taken them are written anew, though a newer version is seen first', async () => {
  for (const [hours, filesBegun] of [
    [24, 2],
    [240, 3],
  ] as const) {
    const { storage, state, runtime, writer, flight, open } = await flying()
    const ticket = await writer.write(rowsAt(1, 60), at(1, 60))
    await until(() => state.begun === 2)
    open()
    await flight
    runtime.doze(hours * 3_600_000)
    await writer.assign([{ source: 'pages', partition: 9 }])
    await writer.close()
    expect(await ticket.committed).toEqual({ version: 2 })
    expect(await idsAndFiles(storage)).toEqual({ ids: range(0, 61), live: 2, stored: 2 })
    expect(state.begun).toBe(filesBegun)
  }
})

test('a store that fails while rows are written ahead fails their commit and the writer', async () => {
  const { storage, state, writer, flight, open } = await flying()
  state.failWrites = true
  const lost = await writer.write(rowsAt(1, 60), at(1, 60))
  await until(() => state.begun === 2)
  open()
  await flight
  await expect(writer.flush()).rejects.toThrow('no space')
  await expect(lost.committed).rejects.toThrow('no space')
  await expect(writer.write(rowsAt(61, 1), at(61, 1))).rejects.toThrow('no space')
  await writer.abort()
  expect(await idsAndFiles(storage)).toEqual({ ids: [0], live: 1, stored: 1 })
})
