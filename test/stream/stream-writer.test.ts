// The streaming append: each position once, in the same commit as its rows, in bounded memory.
import {
  createStreamWriter,
  createTable,
  isAlluviumError,
  long,
  memoryStorage,
  openTable,
  type StreamWriterOptions,
  schema,
  string,
  type Table,
} from 'alluvium'
import { describe, expect, test } from 'vitest'
import { manualRuntime } from '../support/manual-runtime.js'

const clicks = schema({ id: long().notNull(), page: string() })
type Clicks = Awaited<ReturnType<typeof createClicks>>
const createClicks = (storage = memoryStorage(), runtime?: ReturnType<typeof manualRuntime>) =>
  createTable(storage, { schema: clicks, ...(runtime === undefined ? {} : { runtime }) })

const rowsAt = (first: number, count: number, base = 0) =>
  Array.from({ length: count }, (_, i) => ({ id: BigInt(base + first + i), page: `p${first + i}` }))
const at = (first: number, count: number, partition: number | string = 0) => ({
  source: 'clicks',
  partition,
  firstOffset: first,
  lastOffset: first + count - 1,
})
// Far away timers: these tests flush by hand.
const manual = (appId = 'app'): StreamWriterOptions => ({ appId, linger: { ms: 3_600_000 } })

async function ids(table: Clicks): Promise<number[]> {
  const rows = await table.scan({ columns: ['id'] }).toArray()
  return rows.map((row) => Number(row.id)).sort((a, b) => a - b)
}
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('positions', () => {
  test('are in the same commit as their rows, and a new writer resumes from them', async () => {
    const table = await createClicks()
    {
      await using writer = await createStreamWriter(table, manual())
      expect(writer.positionOf('clicks', 0)).toBeUndefined()
      const ticket = await writer.write(rowsAt(0, 10), at(0, 10))
      expect(ticket).toMatchObject({ rowsAccepted: 10, rowsDuplicate: 0 })
      await writer.flush()
      expect(await ticket.committed).toEqual({ version: 1 })
      expect(writer.positionOf('clicks', 0)).toBe(9n)
    }
    const snapshot = await table.snapshot()
    expect(snapshot.version).toBe(1)
    expect([...snapshot.positions]).toEqual([['app/clicks/0', 9n]])
    await using again = await createStreamWriter(table, manual())
    expect(again.positions()).toEqual([{ source: 'clicks', partition: 0, offset: 9n }])
  })

  test('of other applications and of names with slashes stay apart', async () => {
    const table = await createClicks()
    for (const [app, source] of [
      ['a/b', 'c'],
      ['a', 'b/c'],
      ['a%2Fb', 'c'],
    ] as const) {
      await using writer = await createStreamWriter(table, manual(app))
      expect(writer.positions()).toEqual([])
      await writer.write(rowsAt(0, 1), { source, partition: 'd/e', firstOffset: 0, lastOffset: 0 })
    }
    expect((await table.snapshot()).positions.size).toBe(3)
    await using writer = await createStreamWriter(table, manual('a'))
    expect(writer.positions()).toEqual([{ source: 'b/c', partition: 'd/e', offset: 0n }])
  })

  test('of several partitions go into one commit', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    for (let partition = 0; partition < 5; partition++) await writer.write(rowsAt(0, 3, partition * 3), at(0, 3, partition))
    await writer.flush()
    expect((await table.snapshot()).version).toBe(1)
    expect(writer.positions().map(({ partition, offset }) => [partition, offset])).toEqual(range(5).map((p) => [p, 2n]))
    expect(await ids(table)).toEqual(range(15))
  })

  test('beyond 2^53 are exact', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    const first = 2n ** 63n - 3n
    await writer.write(rowsAt(0, 2), { source: 'clicks', partition: 0, firstOffset: String(first), lastOffset: first + 1n })
    await writer.flush()
    expect((await openTable(table.context.storage).then((t) => t.snapshot())).positions.get('app/clicks/0')).toBe(first + 1n)
  })

  test('without an application id are not kept, and rows are appended all the same', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, { linger: { ms: 3_600_000 } })
    await writer.write(rowsAt(0, 3), at(0, 3))
    expect(await writer.write(rowsAt(0, 3), at(0, 3))).toMatchObject({ rowsDuplicate: 3 })
    await writer.close()
    expect((await table.snapshot()).positions.size).toBe(0)
    expect(await ids(table)).toEqual(range(3))
  })

  test.each([
    ['last before first', { firstOffset: 5, lastOffset: 4 }],
    ['negative', { firstOffset: -1, lastOffset: 0 }],
    ['not a whole number', { firstOffset: 0.5, lastOffset: 3 }],
    ['more rows than offsets', { firstOffset: 0, lastOffset: 0 }],
    ['offsets that go backwards', { offsets: [3, 2] }],
    ['offsets that repeat', { offsets: [3, 3] }],
    ['offsets outside the range', { offsets: [3, 4], firstOffset: 4, lastOffset: 9 }],
    ['beyond 64 bits', { firstOffset: 0, lastOffset: '9223372036854775808' }],
    ['nothing', {}],
  ])('that are wrong (%s) are refused and nothing is taken', async (_, position) => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    await expect(writer.write(rowsAt(0, 2), { source: 'clicks', partition: 0, ...position })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    })
    await writer.close()
    expect((await table.snapshot()).version).toBe(0)
  })
})

describe('redelivery', () => {
  test('is dropped and counted, whole or in part, buffered or committed', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 10), at(0, 10))
    expect(await writer.write(rowsAt(5, 10), at(5, 10))).toMatchObject({ rowsAccepted: 5, rowsDuplicate: 5 })
    await writer.flush()
    const again = await writer.write(rowsAt(0, 15), at(0, 15))
    expect(again).toMatchObject({ rowsAccepted: 0, rowsDuplicate: 15 })
    expect(await again.committed).toEqual({ version: 1 })
    expect(await writer.write(rowsAt(14, 2), at(14, 2))).toMatchObject({ rowsAccepted: 1, rowsDuplicate: 1 })
    await writer.close()
    expect(writer.metrics).toMatchObject({ rowsAccepted: 16, rowsDuplicate: 21, rowsCommitted: 16, commits: 2 })
    expect(await ids(table)).toEqual(range(16))
  })

  test('after a restart is dropped as well', async () => {
    const table = await createClicks()
    {
      await using writer = await createStreamWriter(table, manual())
      await writer.write(rowsAt(0, 10), at(0, 10))
    }
    await using writer = await createStreamWriter(await openTable(table.context.storage), manual())
    await writer.write(rowsAt(3, 10), at(3, 10))
    await writer.close()
    expect(await ids(table)).toEqual(range(13))
  })

  test('with gaps is told by the offset of each row; without them a half-known range is refused', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 3), { source: 'clicks', partition: 0, offsets: ['0', '10', '20'] })
    expect(await writer.write(rowsAt(1, 4), { source: 'clicks', partition: 0, offsets: [10n, 20n, 30n, 40n] })).toMatchObject({
      rowsDuplicate: 2,
    })
    await expect(writer.write(rowsAt(4, 2), { source: 'clicks', partition: 0, firstOffset: 40, lastOffset: 60 })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    })
    await writer.write(rowsAt(5, 1), { source: 'clicks', partition: 0, firstOffset: 41, lastOffset: 60 })
    await writer.close()
    expect(await ids(table)).toEqual(range(6))
    expect(writer.positionOf('clicks', 0)).toBe(60n)
  })

  test('of rows in a commit under way waits for that commit', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 3), at(0, 3))
    const flushed = writer.flush()
    const again = await writer.write(rowsAt(0, 3), at(0, 3))
    expect(again.rowsDuplicate).toBe(3)
    expect(await again.committed).toEqual({ version: 1 })
    await flushed
  })
})

describe('commits', () => {
  test('are never empty: not by time, not by redelivery, not at the end', async () => {
    const runtime = manualRuntime()
    const table = await createClicks(memoryStorage(), runtime)
    const writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 1000 } })
    await runtime.advance(10_000)
    await writer.write(rowsAt(0, 2), at(0, 2))
    await runtime.advance(10_000)
    await writer.write(rowsAt(0, 2), at(0, 2))
    await runtime.advance(10_000)
    await writer.flush()
    await writer.close()
    expect((await table.snapshot()).version).toBe(1)
  })

  test('come by time, counted from the first row, with no further write', async () => {
    const runtime = manualRuntime()
    const table = await createClicks(memoryStorage(), runtime)
    const writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 1000 } })
    const ticket = await writer.write(rowsAt(0, 2), at(0, 2))
    await runtime.advance(600)
    await writer.write(rowsAt(2, 1), at(2, 1))
    expect((await table.snapshot()).version).toBe(0)
    await runtime.advance(400)
    expect(await ticket.committed).toEqual({ version: 1 })
    expect(await ids(table)).toEqual(range(3))
    await writer.close()
    expect(runtime.waiting).toBe(0)
  })

  test('come by rows and by bytes', async () => {
    const table = await createClicks()
    await using byRows = await createStreamWriter(table, { appId: 'rows', linger: { ms: 3_600_000, rows: 100 } })
    const ticket = await byRows.write(rowsAt(0, 100), at(0, 100))
    expect(await ticket.committed).toEqual({ version: 1 })
    await using byBytes = await createStreamWriter(table, { appId: 'bytes', linger: { ms: 3_600_000, bytes: 10_000 } })
    const big = Array.from({ length: 10 }, (_, i) => ({ id: BigInt(i), page: 'x'.repeat(2000) }))
    expect(await (await byBytes.write(big, at(0, 10))).committed).toEqual({ version: 2 })
  })

  test('record a position that advanced without rows with the next rows, or at the end', async () => {
    const table = await createClicks()
    const writer = await createStreamWriter(table, manual())
    await writer.write([], at(0, 50))
    await writer.flush()
    expect((await table.snapshot()).version).toBe(0)
    await writer.close()
    expect((await table.snapshot()).positions.get('app/clicks/0')).toBe(49n)
  })

  test('say what they are: a streaming update with counted metrics', async () => {
    const table = await createClicks()
    const seen: number[] = []
    await using writer = await createStreamWriter(table, { ...manual(), onCommit: ({ numRows }) => seen.push(numRows) })
    await writer.write(rowsAt(0, 4), at(0, 4))
    await writer.flush()
    const [entry] = await table.history({ limit: 1 })
    expect(entry?.info).toMatchObject({ operation: 'STREAMING UPDATE', operationMetrics: { numOutputRows: '4', numAddedFiles: '1' } })
    expect(seen).toEqual([4])
  })
})

describe('bad rows', () => {
  test('are refused with every fault, whole writes at a time; rows before and after are committed', async () => {
    const table = await createClicks()
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 2), at(0, 2))
    const bad = [{ id: 2n, page: 'ok' }, { id: null, page: 5 }, { id: 'x' }]
    const error = await writer.write(bad as never, at(2, 3)).catch((e: unknown) => e)
    expect(isAlluviumError(error, 'INVALID_ROW')).toBe(true)
    expect((error as { facts: { faultCount: number } }).facts.faultCount).toBe(3)
    await writer.write([{ id: 2n, page: 'ok' }], { source: 'clicks', partition: 0, firstOffset: 2, lastOffset: 4 })
    await writer.close()
    expect(await ids(table)).toEqual(range(3))
  })
})

describe('two owners', () => {
  test('of one partition: whoever is behind is fenced, and nothing of its commit is in the table', async () => {
    const table = await createClicks()
    const zombie = await createStreamWriter(table, manual())
    await using owner = await createStreamWriter(await openTable(table.context.storage), manual())
    await owner.write(rowsAt(0, 10), at(0, 10))
    await owner.flush()
    const ticket = await zombie.write(rowsAt(0, 5), at(0, 5))
    await expect(zombie.flush()).rejects.toMatchObject({ code: 'FENCED', facts: { source: 'clicks', partition: 0, theirs: 9n } })
    await expect(ticket.committed).rejects.toMatchObject({ code: 'FENCED' })
    await expect(zombie.write(rowsAt(5, 1), at(5, 1))).rejects.toMatchObject({ code: 'FENCED' })
    expect(await ids(table)).toEqual(range(10))
  })

  test('of different partitions do not disturb each other', async () => {
    const table = await createClicks()
    const writers = await Promise.all(range(4).map(async () => createStreamWriter(await openTable(table.context.storage), manual())))
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        writers.map(async (writer, partition) => {
          await writer.write(rowsAt(round * 10, 10, partition * 1000), at(round * 10, 10, partition))
          await writer.flush()
        }),
      )
    }
    await Promise.all(writers.map((writer) => writer.close()))
    // Commits of one process may share a version: never more versions than commits.
    expect((await table.snapshot()).version).toBeLessThanOrEqual(20)
    expect((await ids(table)).length).toBe(200)
  })

  test('a partition that comes back is taken up where the table stands', async () => {
    const table = await createClicks()
    await using first = await createStreamWriter(table, manual())
    await using second = await createStreamWriter(await openTable(table.context.storage), manual())
    await first.write(rowsAt(0, 5), at(0, 5))
    await first.flush()
    await first.write(rowsAt(5, 5), at(5, 5)) // buffered, then revoked: dropped
    await first.revoke([{ source: 'clicks', partition: 0 }])
    expect(await second.assign([{ source: 'clicks', partition: 0 }])).toEqual([{ source: 'clicks', partition: 0, offset: 4n }])
    await second.write(rowsAt(5, 10), at(5, 10))
    await second.revoke([{ source: 'clicks', partition: 0 }], { drainMs: 5000 })
    expect(await first.assign([{ source: 'clicks', partition: 0 }])).toEqual([{ source: 'clicks', partition: 0, offset: 14n }])
    await first.write(rowsAt(15, 5), at(15, 5))
    await first.close()
    expect(await ids(table)).toEqual(range(20))
  })
})

describe('the end', () => {
  test('abort drops what is not committed', async () => {
    const table = await createClicks()
    const writer = await createStreamWriter(table, manual())
    const ticket = await writer.write(rowsAt(0, 5), at(0, 5))
    await writer.abort()
    await expect(ticket.committed).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(writer.write(rowsAt(5, 1), at(5, 1))).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await table.snapshot()).version).toBe(0)
  })

  test('close can be called twice, and nothing may be written after it', async () => {
    const table = await createClicks()
    const writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 1), at(0, 1))
    await Promise.all([writer.close(), writer.close()])
    await writer.close()
    await expect(writer.write(rowsAt(1, 1), at(1, 1))).rejects.toThrow(TypeError)
    expect(await ids(table)).toEqual([0])
  })

  test('options are checked all together', async () => {
    const table: Table<never, never> = (await createClicks()) as never
    const error = await createStreamWriter(table, { appId: '', linger: { ms: -1, typo: 3 }, bufferBytes: 0 } as never).catch(
      (e: unknown) => e,
    )
    expect(isAlluviumError(error, 'INVALID_OPTIONS')).toBe(true)
    expect((error as { facts: { faults: string[] } }).facts.faults).toHaveLength(4)
  })
})
