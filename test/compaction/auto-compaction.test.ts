// What follows the commits of a stream: small files are put together once there are many, and the stream does not notice.
import {
  autoCompaction,
  createStreamWriter,
  createTable,
  long,
  memoryStorage,
  type OptimizeResult,
  openTable,
  schema,
  type Table,
} from 'alluvium'
import { describe, expect, test } from 'vitest'

const columns = schema({ id: long() })
const far = { linger: { ms: 3_600_000 } }
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function ids(table: Table<unknown, never>): Promise<number[]> {
  const rows = (await table.scan().toArray()) as { id: bigint }[]
  return rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
}

describe('after its commits a stream', () => {
  test('puts small files together once there are enough', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: columns })
    const results: OptimizeResult[] = []
    {
      await using writer = await createStreamWriter(table, {
        ...far,
        afterCommit: autoCompaction({ minFiles: 5, onResult: (result) => results.push(result) }),
      })
      for (let id = 0; id < 12; id++) {
        await writer.write([{ id: BigInt(id) }], { source: 's', partition: 0, firstOffset: id, lastOffset: id })
        await writer.flush()
      }
    }
    const opened = (await openTable(storage)) as unknown as Table<unknown, never>
    expect(await ids(opened)).toEqual(upTo(12))
    expect(results.length).toBeGreaterThan(0)
    for (const { filesRemoved, filesWritten } of results) expect([filesRemoved >= 5, filesWritten]).toEqual([true, 1])
    expect((await opened.snapshot()).numFiles).toBeLessThan(12)
    const entry = (await opened.history()).find(({ info }) => info?.operation === 'OPTIMIZE')
    expect(entry?.info?.operationParameters).toMatchObject({ auto: 'true' })
  })

  test('does one thing at a time, waits for it with no write, and for its end when it is closed', async () => {
    const table = await createTable(memoryStorage(), { schema: columns })
    let running = 0
    let turns = 0
    let files = 0
    let finish: () => void = () => {}
    const writer = await createStreamWriter(table, {
      ...far,
      afterCommit: async (_, commit) => {
        expect(++running).toBe(1)
        turns++
        files += commit.numFiles
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        running--
      },
    })
    for (let id = 0; id < 6; id++) {
      await writer.write([{ id: BigInt(id) }], { source: 's', partition: 0, firstOffset: id, lastOffset: id })
      await writer.flush()
    }
    // Six commits went through while the first turn has not ended.
    expect([writer.metrics.commits, turns]).toEqual([6, 1])
    let closed = false
    const closing = writer.close().then(() => {
      closed = true
    })
    while (!closed) {
      finish()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await closing
    // One more turn answers for the five that came meanwhile.
    expect([turns, files]).toEqual([2, 6])
  })

  test('goes on when that fails', async () => {
    const table = await createTable(memoryStorage(), { schema: columns })
    const errors: unknown[] = []
    await using writer = await createStreamWriter(table, {
      ...far,
      afterCommit: () => Promise.reject(new Error('no')),
      onAfterCommitError: (error) => {
        errors.push(error)
        throw new Error('nor this')
      },
    })
    for (let id = 0; id < 3; id++) {
      await writer.write([{ id: BigInt(id) }], { source: 's', partition: 0, firstOffset: id, lastOffset: id })
      await writer.flush()
    }
    await writer.close()
    expect(writer.metrics.rowsCommitted).toBe(3)
    expect(errors.length).toBeGreaterThan(0)
  })

  test('stops it when it is aborted', async () => {
    const table = await createTable(memoryStorage(), { schema: columns })
    let stopped = false
    const writer = await createStreamWriter(table, {
      ...far,
      afterCommit: (_, __, signal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            stopped = true
            resolve()
          })
        }),
    })
    await writer.write([{ id: 1n }], { source: 's', partition: 0, firstOffset: 0, lastOffset: 0 })
    await writer.flush()
    await writer.abort()
    expect(stopped).toBe(true)
  })
})
