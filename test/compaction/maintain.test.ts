// Maintenance of one table: what it does, in which order, and what it leaves alone.
import diagnostics from 'node:diagnostics_channel'
import { createTable, long, maintain, memoryStorage, openTable, type Storage, schema, string, type Table } from 'alluvium'
import { describe, expect, test } from 'vitest'
import type { MaintainPolicy, MaintainResult } from '../../src/compaction/index.js'
import { takeLease } from '../../src/compaction/lease.js'
import { isCheckpointOwed } from '../../src/compaction/maintain.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { type ManualRuntime, manualRuntime } from '../support/manual-runtime.js'

const DAY_MS = 86_400_000
const columns = schema({ id: long(), p: string() })

interface Rig {
  readonly storage: Storage
  readonly runtime: ManualRuntime
  readonly table: Table<{ id: bigint | null }, { id: bigint; p: string }>
  readonly ids: () => Promise<number[]>
}

async function rig(
  appends: number,
  options: { storage?: Storage; properties?: Record<string, string>; runtime?: ManualRuntime } = {},
): Promise<Rig> {
  const runtime = options.runtime ?? manualRuntime()
  const storage = options.storage ?? memoryStorage({ runtime })
  const table = await createTable(storage, {
    schema: columns,
    runtime,
    upkeep: 'none',
    ...(options.properties && { properties: options.properties }),
  })
  for (let n = 0; n < appends; n++) {
    await table.append([{ id: BigInt(n), p: `text ${n}` }])
    await runtime.advance(1000)
  }
  return {
    storage,
    runtime,
    table: table as never,
    ids: async () => (await (await openTable(storage)).scan().toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b),
  }
}

const states = ({ steps }: MaintainResult): Record<string, string> => Object.fromEntries(steps.map(({ step, state }) => [step, state]))

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** The calls of a store as functions that can be spread. */
function bound(storage: Storage): Storage {
  return {
    location: storage.location,
    capabilities: storage.capabilities,
    read: (...words) => storage.read(...words),
    readRange: (...words) => storage.readRange(...words),
    stat: (...words) => storage.stat(...words),
    list: (...words) => storage.list(...words),
    create: (...words) => storage.create(...words),
    put: (...words) => storage.put(...words),
    write: (...words) => storage.write(...words),
    delete: (...words) => storage.delete(...words),
  }
}

async function paths(storage: Storage): Promise<string[]> {
  const found: string[] = []
  for await (const page of storage.list('', { recursive: true })) found.push(...page.map(({ path }) => path))
  return found
}

describe('maintain', () => {
  test('of a table with small files leaves one file, a checkpoint, and every row', async () => {
    const { table, ids, storage } = await rig(12)
    const result = await maintain(table)
    expect(result).toMatchObject({
      state: 'done',
      before: { version: 12, files: 12 },
      after: { files: 1 },
      filesRead: 12,
      filesRemoved: 12,
      filesDeleted: 0,
    })
    expect(states(result)).toEqual({ optimize: 'done', checkpoint: 'done', cleanup: 'nothing', vacuum: 'nothing' })
    expect(result.versions).toEqual([13])
    expect(await paths(storage)).toContain('_delta_log/00000000000000000013.checkpoint.parquet')
    expect(await ids()).toEqual(range(12))
  })

  test('run again has nothing to do and writes nothing', async () => {
    const { table, storage } = await rig(12)
    await maintain(table)
    const before = (await paths(storage)).filter((path) => !path.includes('_alluvium'))
    const again = await maintain(table)
    expect(states(again)).toEqual({ optimize: 'nothing', checkpoint: 'nothing', cleanup: 'nothing', vacuum: 'nothing' })
    expect(again.versions).toEqual([])
    expect((await paths(storage)).filter((path) => !path.includes('_alluvium'))).toEqual(before)
  })

  test('deletes by the table’s own retentions what optimize replaced, and the log behind the checkpoint', async () => {
    const { table, ids, runtime, storage } = await rig(5)
    await maintain(table)
    await runtime.advance(8 * DAY_MS)
    const vacuumed = await maintain(table)
    expect(states(vacuumed)).toMatchObject({ vacuum: 'done', cleanup: 'nothing' })
    expect(vacuumed.filesDeleted).toBe(5)
    await runtime.advance(31 * DAY_MS)
    await table.append([{ id: 5n, p: 'x' }])
    const cleaned = await maintain(table)
    expect(states(cleaned)).toMatchObject({ cleanup: 'done' })
    expect(await paths(storage)).not.toContain('_delta_log/00000000000000000000.json')
    expect(await ids()).toEqual(range(6))
  })

  test('keeps the log of a table that says so, unless it is asked for', async () => {
    const { table, runtime } = await rig(5, { properties: { 'delta.enableExpiredLogCleanup': 'false' } })
    await maintain(table)
    await runtime.advance(40 * DAY_MS)
    await table.append([{ id: 5n, p: 'x' }])
    expect(states(await maintain(table)).cleanup).toBe('off')
    expect(states(await maintain(table, { cleanup: true })).cleanup).toBe('done')
  })

  test('leaves out the steps that are off', async () => {
    const { table } = await rig(3)
    const result = await maintain(table, { optimize: false, vacuum: false, cleanup: false })
    expect(states(result)).toEqual({ optimize: 'off', checkpoint: 'done', cleanup: 'off', vacuum: 'off' })
    expect(result.after.files).toBe(3)
  })

  test('is skipped while another is at it, and tells who', async () => {
    const { table, storage, runtime, ids } = await rig(3)
    const other = await takeLease(storage, runtime, { name: 'host-b, process 7' })
    const result = await maintain(table)
    expect(result).toMatchObject({ state: 'skipped', heldBy: { name: 'host-b, process 7', untilMs: runtime.now() + 60_000 }, steps: [] })
    if (other.kind === 'held') await other.release()
    expect((await maintain(table)).state).toBe('done')
    expect(await ids()).toEqual(range(3))
  })

  test('by two who both believe to hold the lease still leaves every row once', async () => {
    const { storage, ids } = await rig(8)
    const handles = await Promise.all([openTable(storage), openTable(storage)])
    const results = await Promise.all(handles.map((handle) => maintain(handle, { lease: false })))
    expect(results.map(({ state }) => state)).toContain('done')
    expect(await ids()).toEqual(range(8))
    expect((await (await openTable(storage)).snapshot()).numFiles).toBe(1)
  })

  test('goes on after a step that failed', async () => {
    const runtime = manualRuntime()
    const storage = faultyStorage(memoryStorage({ runtime }))
    const { table, ids } = await rig(4, { storage, runtime })
    storage.inject({ call: 'write', path: /\.parquet$/, fault: 'before', times: 1000, code: 'PERMISSION_DENIED' })
    const result = await maintain(table)
    expect(result.state).toBe('failed')
    expect(states(result)).toEqual({ optimize: 'failed', checkpoint: 'done', cleanup: 'nothing', vacuum: 'nothing' })
    expect(result.steps[0]?.error?.code).toBe('PERMISSION_DENIED')
    expect(await ids()).toEqual(range(4))
  })

  test('deletes nothing from a table in which a file is missing', async () => {
    const { table, storage, runtime } = await rig(4)
    await runtime.advance(8 * DAY_MS)
    const lost = (await paths(storage)).find((path) => path.endsWith('.parquet')) as string
    await storage.delete(lost)
    await storage.put('of-nobody.parquet', new Uint8Array(3))
    await runtime.advance(8 * DAY_MS)
    const result = await maintain(table)
    expect(states(result)).toMatchObject({ optimize: 'failed', cleanup: 'skipped', vacuum: 'skipped' })
    expect(result.steps[0]?.error?.code).toBe('MISSING_FILE')
    expect(result.steps[3]?.reason).toContain('MISSING_FILE')
    expect(await paths(storage)).toContain('of-nobody.parquet')
  })

  test('that is stopped says so, gives its lease back, and goes on another time', async () => {
    const { table, ids } = await rig(6)
    const stop = new AbortController()
    const result = await maintain(table, {
      signal: stop.signal,
      onEvent: ({ type }) => type === 'step.start' && stop.abort(new Error('interrupted')),
    })
    expect(result).toMatchObject({ state: 'stopped', reason: 'interrupted', after: { files: 6 } })
    expect(states(result)).toEqual({ optimize: 'skipped', checkpoint: 'skipped', cleanup: 'skipped', vacuum: 'skipped' })
    expect((await maintain(table)).after.files).toBe(1)
    expect(await ids()).toEqual(range(6))
  })

  test('that loses its lease stops', async () => {
    const { storage: inner, runtime, ids } = await rig(6)
    // As a process that slept through its term, just as it writes its first file: another has taken the lease meanwhile.
    const taken = JSON.stringify({ id: 'o', name: 'other', until: runtime.now() + 60_000 })
    const sleepy: Storage = {
      ...bound(inner),
      write: async (path, options) => {
        await inner.put('_delta_log/_alluvium/maintain-0000000002.lease', new TextEncoder().encode(taken))
        await runtime.advance(1000)
        return inner.write(path, options)
      },
    }
    const result = await maintain(await openTable(sleepy, { runtime, upkeep: 'none' }), { lease: { ttlMs: 3000 } })
    expect(result).toMatchObject({ state: 'stopped', reason: 'the lease was lost: another took it over', versions: [] })
    expect(await ids()).toEqual(range(6))
  })

  test('tells what happens, and publishes it', async () => {
    const { table } = await rig(3)
    const told: string[] = []
    const published: unknown[] = []
    const listen = (message: unknown): void => void published.push(message)
    diagnostics.subscribe('alluvium.maintain.step.end', listen)
    const policy: MaintainPolicy = {
      onEvent: (event) => {
        if (event.type !== 'step.progress') told.push('step' in event ? `${event.type} ${event.step}` : event.type)
        throw new Error('a listener that fails')
      },
    }
    await maintain(table, policy)
    diagnostics.unsubscribe('alluvium.maintain.step.end', listen)
    expect(told).toEqual([
      'table.start',
      'step.start optimize',
      'step.end',
      'step.start checkpoint',
      'step.end',
      'step.start cleanup',
      'step.end',
      'step.start vacuum',
      'step.end',
      'table.end',
    ])
    expect(published).toMatchObject([{ report: { step: 'optimize' } }, { report: { step: 'checkpoint' } }, {}, {}])
  })
})

describe('a checkpoint is owed', () => {
  const facts = { commits: 3, logBytes: 1000, checkpointBytes: 1_000_000, interval: 10 }
  test.each([
    ['where there is none yet', { ...facts, checkpointBytes: undefined }, true],
    ['not without a commit', { ...facts, checkpointBytes: undefined, commits: 0 }, false],
    ['after an interval of commits', { ...facts, commits: 10 }, true],
    ['when the log weighs a quarter of it', { ...facts, logBytes: 250_000 }, true],
    ['not for a few small commits beside a large one', facts, false],
  ])('%s', (_, given, owed) => {
    expect(isCheckpointOwed(given)).toBe(owed)
  })
})
