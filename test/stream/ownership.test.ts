// Partitions change hands while commits are under way: nothing is doubled, nothing is lost, no receipt lies.
import {
  createStreamWriter,
  createTable,
  long,
  memoryStorage,
  openTable,
  type Storage,
  type StreamWriterOptions,
  schema,
  string,
} from 'alluvium'
import { describe, expect, test } from 'vitest'
import { manualRuntime } from '../support/manual-runtime.js'

const clicks = schema({ id: long().notNull(), page: string() })
const rowsAt = (first: number, count: number) => Array.from({ length: count }, (_, i) => ({ id: BigInt(first + i), page: `p${first + i}` }))
const at = (first: number, count: number, partition = 0) => ({
  source: 'clicks',
  partition,
  firstOffset: first,
  lastOffset: first + count - 1,
})
const manual = (appId = 'app'): StreamWriterOptions => ({ appId, linger: { ms: 3_600_000 } })
const zero = [{ source: 'clicks', partition: 0 }]
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

async function ids(storage: Storage): Promise<number[]> {
  const table = await openTable(storage)
  return (await table.scan({ columns: ['id'] }).toArray()).map((row) => Number(row.id)).sort((a, b) => a - b)
}

/** A store whose calls of one name wait at a gate while it is shut. */
function gated(
  inner: Storage,
  calls: readonly (keyof Storage)[],
): { storage: Storage; shut(): void; open(): void; readonly waiting: number } {
  let gate: Promise<void> | undefined
  let release = (): void => {}
  const state = { waiting: 0 }
  const storage = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'stage') return undefined
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!calls.includes(name as keyof Storage)) return value.bind(target)
      return async (...args: unknown[]) => {
        state.waiting++
        await gate
        state.waiting--
        return value.apply(target, args)
      }
    },
  })
  return {
    storage,
    shut: () => {
      gate = new Promise((resolve) => {
        release = resolve
      })
    },
    open: () => {
      gate = undefined
      release()
    },
    get waiting() {
      return state.waiting
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1000) throw new Error('never came true')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a partition taken over while a commit of it is in flight', () => {
  test('resumes after that commit, and its rows come once', async () => {
    const gate = gated(memoryStorage(), ['create'])
    const table = await createTable(gate.storage, { schema: clicks })
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 10), at(0, 10))
    gate.shut()
    const flushed = writer.flush()
    await until(() => gate.waiting === 1)
    const assigned = writer.assign(zero)
    gate.open()
    expect(await assigned).toEqual([{ source: 'clicks', partition: 0, offset: 9n }])
    await flushed
    expect(await writer.write(rowsAt(0, 12), at(0, 12))).toMatchObject({ rowsDuplicate: 10, rowsAccepted: 2 })
    await writer.close()
    expect(await ids(gate.storage)).toEqual(range(12))
  })

  test('a commit that wants to begin while the table is looked at waits for the look', async () => {
    const runtime = manualRuntime()
    const gate = gated(memoryStorage(), ['read'])
    const table = await createTable(gate.storage, { schema: clicks, runtime })
    const writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 1000 } })
    await writer.write(rowsAt(0, 10), at(0, 10))
    await writer.flush()
    const dropped = await writer.write(rowsAt(10, 10), at(10, 10))
    const other = await writer.write(rowsAt(100, 5), at(0, 5, 1))
    gate.shut()
    const assigned = writer.assign(zero)
    await until(() => gate.waiting > 0)
    await runtime.advance(1000) // the timer wants a commit with rows 10 to 19
    gate.open()
    expect(await assigned).toEqual([{ source: 'clicks', partition: 0, offset: 9n }])
    await expect(dropped.committed).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await other.committed).toEqual({ version: 2 })
    await writer.write(rowsAt(10, 10), at(10, 10))
    await writer.close()
    expect(await ids(gate.storage)).toEqual([...range(20), 100, 101, 102, 103, 104])
  })
})

describe('a partition given up', () => {
  test('takes nothing more until it is taken over: a batch from before would leave a hole', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    await using writer = await createStreamWriter(table, manual())
    const ticket = await writer.write(rowsAt(0, 10), at(0, 10))
    await writer.revoke(zero)
    await expect(ticket.committed).rejects.toMatchObject({ code: 'FENCED' })
    await expect(writer.write(rowsAt(10, 10), at(10, 10))).rejects.toMatchObject({
      code: 'FENCED',
      facts: { source: 'clicks', partition: 0 },
    })
    await writer.write(rowsAt(50, 1), at(0, 1, 1))
    await writer.assign(zero)
    await writer.write(rowsAt(0, 20), at(0, 20))
    await writer.close()
    expect(await ids(storage)).toEqual([...range(20), 50])
  })

  test('while its commit is in flight keeps its position from going back', async () => {
    const gate = gated(memoryStorage(), ['create'])
    const table = await createTable(gate.storage, { schema: clicks })
    const writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 5), at(0, 5))
    await writer.flush()
    const carried = await writer.write(rowsAt(5, 5), at(5, 5))
    gate.shut()
    const flushed = writer.flush()
    await until(() => gate.waiting === 1)
    const buffered = await writer.write(rowsAt(10, 5), at(10, 5))
    await writer.revoke(zero)
    await expect(buffered.committed).rejects.toMatchObject({ code: 'FENCED' })
    gate.open()
    await flushed
    expect(await carried.committed).toEqual({ version: 2 })
    await writer.close()
    const snapshot = await (await openTable(gate.storage)).snapshot()
    expect(snapshot.version).toBe(2)
    expect(snapshot.positions.get('app/clicks/0')).toBe(9n)
    expect(await ids(gate.storage)).toEqual(range(10))
  })

  test('and taken over in one breath, as rebalances do, loses nothing that is written after', async () => {
    const gate = gated(memoryStorage(), ['create'])
    const table = await createTable(gate.storage, { schema: clicks })
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 10), at(0, 10))
    gate.shut()
    const revoked = writer.revoke(zero, { drainMs: 60_000 })
    const assigned = writer.assign(zero)
    await until(() => gate.waiting === 1)
    gate.open()
    await revoked
    expect(await assigned).toEqual([{ source: 'clicks', partition: 0, offset: 9n }])
    await writer.write(rowsAt(10, 10), at(10, 10))
    await writer.close()
    expect(await ids(gate.storage)).toEqual(range(20))
  })
})

describe('a foreign advance', () => {
  test('that was seen while another partition was taken over is still fenced', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    await using writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 10), at(0, 10))
    {
      await using other = await createStreamWriter(await openTable(storage), manual())
      await other.write(rowsAt(0, 15), at(0, 15))
    }
    await writer.assign([{ source: 'clicks', partition: 1 }])
    await expect(writer.flush()).rejects.toMatchObject({ code: 'FENCED', facts: { partition: 0, theirs: 14n } })
    expect(await ids(storage)).toEqual(range(15))
  })

  test('leaves no data file behind that no version knows', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    const zombie = await createStreamWriter(table, manual())
    await zombie.write(rowsAt(0, 5), at(0, 5))
    {
      await using owner = await createStreamWriter(await openTable(storage), manual())
      await owner.write(rowsAt(0, 10), at(0, 10))
    }
    await expect(zombie.flush()).rejects.toMatchObject({ code: 'FENCED' })
    const files: string[] = []
    for await (const page of storage.list('', { recursive: true }))
      for (const { path } of page) if (path.endsWith('.parquet')) files.push(path)
    expect(files).toHaveLength(1)
  })
})

describe('time', () => {
  test('that runs out during a commit starts the next one, with no further write', async () => {
    const runtime = manualRuntime()
    const gate = gated(memoryStorage(), ['create'])
    const table = await createTable(gate.storage, { schema: clicks, runtime })
    const writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 1000 } })
    await writer.write(rowsAt(0, 5), at(0, 5))
    gate.shut()
    await runtime.advance(1000)
    const late = await writer.write(rowsAt(5, 5), at(5, 5))
    await runtime.advance(1000)
    expect(gate.waiting).toBe(1)
    gate.open()
    expect(await late.committed).toEqual({ version: 2 })
    await writer.close()
    expect(await ids(gate.storage)).toEqual(range(10))
  })
})

describe('the end', () => {
  test('refuses what comes while it is under way instead of dropping it', async () => {
    const gate = gated(memoryStorage(), ['create'])
    const table = await createTable(gate.storage, { schema: clicks })
    const writer = await createStreamWriter(table, manual())
    await writer.write(rowsAt(0, 5), at(0, 5))
    gate.shut()
    const closed = writer.close()
    await until(() => gate.waiting === 1)
    await expect(writer.write(rowsAt(5, 5), at(5, 5))).rejects.toThrow(TypeError)
    gate.open()
    await closed
    expect(await ids(gate.storage)).toEqual(range(5))
  })
})

describe('room', () => {
  test('is given in the order of the calls: a later write never overtakes an earlier one of its partition', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    const writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 3_600_000 }, bufferBytes: 2000 })
    // Not awaited one by one, against the advice: still nothing may be taken for a duplicate.
    const tickets = await Promise.all(range(50).map((n) => writer.write(rowsAt(n * 10, 10), at(n * 10, 10))))
    expect(tickets.map((ticket) => ticket.rowsAccepted)).toEqual(range(50).map(() => 10))
    await writer.close()
    expect(await ids(storage)).toEqual(range(500))
  })

  test('that is asked for much more than there is is bounded by one write more than the budget', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    await using writer = await createStreamWriter(table, { appId: 'app', linger: { ms: 3_600_000 }, bufferBytes: 50_000 })
    let most = 0
    for (const n of range(60)) {
      await writer.write(rowsAt(n * 100, 100), at(n * 100, 100))
      most = Math.max(most, writer.metrics.bufferedBytes)
    }
    expect(most).toBeLessThan(60_000)
  })
})

describe('a column added by somebody else', () => {
  test('does not stop the stream, and its rows may carry it from the next commit on', async () => {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: clicks })
    const writer = await createStreamWriter<Record<string, unknown>, Record<string, unknown>>(await openTable(storage), manual())
    await writer.write(rowsAt(0, 5), at(0, 5))
    const { view } = await table.snapshot()
    const wider = schema({ id: long().notNull(), page: string(), country: string() })
    const { formatSchema } = await import('alluvium')
    const transaction = await table.begin()
    await transaction
      .setMetadata({ ...view.metadata, schemaString: formatSchema(wider.struct) })
      .commit({ operation: 'ADD COLUMNS', operationParameters: {} })
    await writer.flush()
    await writer.write(
      rowsAt(5, 5).map((row) => ({ ...row, country: 'CR' })),
      at(5, 5),
    )
    await writer.close()
    const rows = await (await openTable(storage)).scan().toArray()
    const countries = rows.sort((a, b) => Number(a.id) - Number(b.id)).map((row) => row.country)
    expect(countries).toEqual([null, null, null, null, null, 'CR', 'CR', 'CR', 'CR', 'CR'])
  })
})
