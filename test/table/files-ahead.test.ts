// Reading ahead in a scan: the same rows in the same order, no more bytes than the budget, and nothing left running.
import { createTable, long, memoryStorage, openTable, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { AlluviumError } from '../../src/errors.js'

const FILES = 6
const ROWS = 3000
const rows = schema({ id: long(), text: string() })

/** A table of files of several row groups each, over a store that says which data was asked for. */
async function tableOf(): Promise<{
  storage: Storage
  asked: { path: string; offset: number; length: number; signal: AbortSignal | undefined }[]
}> {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: rows })
  for (let file = 0; file < FILES; file++) {
    await table.append(
      Array.from({ length: ROWS }, (_, i) => ({ id: file * ROWS + i, text: `${Math.imul(file * ROWS + i, 0x9e3779b1)}`.repeat(20) })),
      { rowGroupBytes: 65_536 },
    )
  }
  const asked: { path: string; offset: number; length: number; signal: AbortSignal | undefined }[] = []
  const { readRange } = storage
  storage.readRange = (path, offset, length, options) => {
    if (!path.startsWith('_delta_log')) asked.push({ path, offset, length, signal: options?.signal })
    return readRange.call(storage, path, offset, length, options)
  }
  return { storage, asked }
}

async function openedTable(storage: Storage): Promise<Table> {
  return (await openTable(storage)) as unknown as Table
}

// The end of a file, where its footer is, is asked for first.
const isFooter = ({ length }: { length: number }): boolean => length === 65_536

describe('a scan that reads ahead', () => {
  test('gives the rows in the order of the files, whatever may be in flight', async () => {
    const { storage } = await tableOf()
    const table = await openedTable(storage)
    for (const bytesInFlight of [undefined, 0, 1, 100_000, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      const ids: number[] = []
      for await (const row of table.scan({ columns: ['id', 'text'], ...(bytesInFlight === undefined ? {} : { bytesInFlight }) }).rows())
        ids.push(Number(row.id))
      expect(ids).toEqual(Array.from({ length: FILES * ROWS }, (_, i) => i))
    }
  }, 60_000)

  test('asks for no more than the budget beyond what it needs now', async () => {
    const { storage, asked } = await tableOf()
    const table = await openedTable(storage)
    for (const bytesInFlight of [0, 90_000, 300_000]) {
      asked.length = 0
      const batches = table.scan({ bytesInFlight }).batches()[Symbol.asyncIterator]()
      await batches.next()
      // Everything that may be fetched ahead has been asked for once nothing happens any more.
      await new Promise((resolve) => setTimeout(resolve, 20))
      const data = asked.filter((one) => !isFooter(one))
      const first = data[0]?.length as number
      expect(data.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(first + bytesInFlight)
      expect(data.length).toBe(bytesInFlight === 0 ? 1 : data.length)
      if (bytesInFlight === 300_000) expect(data.length).toBeGreaterThan(1)
      expect(new Set(asked.map(({ path }) => path)).size).toBe(bytesInFlight === 0 ? 1 : 5)
      await batches.return?.(undefined)
    }
  }, 60_000)

  test('with a limit asks for one file when its rows are enough', async () => {
    const { storage, asked } = await tableOf()
    expect(await (await openedTable(storage)).scan({ limit: 10 }).toArray()).toHaveLength(10)
    expect(new Set(asked.map(({ path }) => path)).size).toBe(1)
    expect(asked.filter((one) => !isFooter(one))).toHaveLength(1)
  }, 60_000)

  test.each(['leaves early', 'is aborted'])(
    'that %s stops what it has asked for',
    async (how) => {
      const { storage, asked } = await tableOf()
      const table = await openedTable(storage)
      // The files after the first never answer.
      const { readRange } = storage
      let firstPath: string | undefined
      const waiting: AbortSignal[] = []
      storage.readRange = (path, offset, length, options) => {
        if (path.startsWith('_delta_log')) return readRange.call(storage, path, offset, length, options)
        firstPath ??= path
        if (path === firstPath) return readRange.call(storage, path, offset, length, options)
        const signal = options?.signal as AbortSignal
        waiting.push(signal)
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new AlluviumError('ABORTED', 'stopped', {})))
        })
      }
      const unhandled: unknown[] = []
      const note = (reason: unknown): void => void unhandled.push(reason)
      process.on('unhandledRejection', note)
      const abort = new AbortController()
      let count = 0
      const scan = async (): Promise<void> => {
        for await (const batch of table.scan({ signal: abort.signal }).batches()) {
          count += batch.numRows
          if (how === 'leaves early') break
          if (count === ROWS) setTimeout(() => abort.abort(new Error('enough')), 5)
        }
      }
      if (how === 'leaves early') await scan()
      else await expect(scan()).rejects.toMatchObject({ code: 'ABORTED' })
      await new Promise((resolve) => setTimeout(resolve, 20))
      process.off('unhandledRejection', note)
      expect(waiting.length).toBeGreaterThan(0)
      expect(waiting.every((signal) => signal.aborted)).toBe(true)
      expect(unhandled).toEqual([])
      expect(asked.length).toBeGreaterThan(0)
    },
    60_000,
  )

  test('refuses a budget that is no amount of bytes', async () => {
    const { storage } = await tableOf()
    const table = await openedTable(storage)
    for (const bytesInFlight of [-1, 0.5, Number.NaN])
      await expect(table.scan({ bytesInFlight }).toArray()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  }, 60_000)
})
