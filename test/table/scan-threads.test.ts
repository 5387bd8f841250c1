// Scans on threads: the batches of a scan without any, in their order; and nothing left running, whatever ends the reading.
import { createRequire } from 'node:module'
import { createTable, isAlluviumError, memoryStorage, openTable, type ScanOptions, type Storage, type Table } from 'alluvium'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canonicalLines } from '../../src/arrow/index.js'
import { encodeUtf8 } from '../../src/bytes.js'
import { parseColumns, type StructType } from '../../src/schema/index.js'
import { vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'

type WorkerClass = typeof import('node:worker_threads').Worker
const workerThreads = createRequire(import.meta.url)('node:worker_threads') as { Worker: WorkerClass }
const RealWorker = workerThreads.Worker

// Every thread that is started, those that have ended, and what is done to their code.
let started = 0
let running = 0
let alter: (code: string) => string = (code) => code

beforeEach(() => {
  started = running = 0
  alter = (code) => code
  workerThreads.Worker = class extends RealWorker {
    constructor(code: string | URL, options?: ConstructorParameters<WorkerClass>[1]) {
      super(alter(String(code)), options)
      started++
      running++
      this.on('exit', () => running--)
    }
  }
})
afterEach(() => {
  workerThreads.Worker = RealWorker
})

const ROWS = 6000
const COLUMNS =
  'id long not null, part string, text string, n double, flag boolean, d decimal(20,3), day date, at timestamp, list array<long>, s struct<a:int,b:string>, m map<string,long>'

function row(i: number): object {
  return {
    id: i,
    part: `p${i % 3}`,
    text: i % 5 === 0 ? null : `text ${i % 700} ${'x'.repeat(i % 40)}`,
    n: i % 7 === 0 ? null : i / 3,
    flag: i % 2 === 0,
    d: `${i}.125`,
    day: '2026-01-31',
    at: BigInt(i) * 1_000_003n,
    list: i % 11 === 0 ? null : [i, null, i + 1],
    s: i % 13 === 0 ? null : { a: i, b: `b${i}` },
    m: new Map([[`k${i % 4}`, i]]),
  }
}

/** A partitioned table of flat and nested columns, of several files with several row groups each. */
async function tableOf(): Promise<Storage> {
  const storage = memoryStorage()
  const table = (await createTable(storage, {
    schema: parseColumns(COLUMNS),
    partitionBy: ['part'],
    properties: { 'delta.enableDeletionVectors': 'true' },
  })) as unknown as Table
  for (let first = 0; first < ROWS; first += ROWS / 2)
    await table.append(Array.from({ length: ROWS / 2 }, (_, i) => row(first + i)) as never, { rowGroupBytes: 40_000 })
  return storage
}

async function linesOf(storage: Storage, options: ScanOptions): Promise<string[]> {
  const scan = (await (await openTable(storage)).snapshot()).scan(options)
  const { output } = (await scan.plan()) as { output: StructType }
  const lines: string[] = []
  for await (const batch of scan.batches()) lines.push(...canonicalLines(batch, output))
  return lines
}

/** Rewrites the bytes of every data file. */
async function damage(storage: Storage, change: (bytes: Uint8Array) => void): Promise<void> {
  for await (const page of storage.list('', { recursive: true }))
    for (const { path } of page) {
      if (path.startsWith('_delta_log')) continue
      const bytes = ((await storage.read(path)) as Uint8Array).slice()
      change(bytes)
      await storage.put(path, bytes)
    }
}

describe('a scan on threads', () => {
  test.each<[string, ScanOptions]>([
    ['everything', {}],
    ['flat columns', { columns: ['text', 'id', 'flag', 'd'] }],
    ['nested columns', { columns: ['m', 's', 'list'] }],
    ['a filter', { where: `n > 700.5 and text like 'text 1%'`, columns: ['id', 's'] }],
    ['a partition', { where: `part = 'p1'` }],
    ['a limit', { limit: 1234 }],
    ['a limit within a filter', { where: 'flag', limit: 17, columns: ['id'] }],
    ['small batches', { batchRows: 100 }],
    ['nothing ahead', { bytesInFlight: 0 }],
    ['a little ahead', { bytesInFlight: 150_000 }],
    ['no column at all', { columns: [] }],
  ])(
    'gives what one without them gives: %s',
    async (_, options) => {
      const storage = await tableOf()
      const plain = await linesOf(storage, options)
      expect(started).toBe(0)
      expect(plain.length).toBeGreaterThan(0)
      for (const threads of [0, 1, 4]) expect(await linesOf(storage, { ...options, threads })).toEqual(plain)
      expect(running).toBe(0)
    },
    60_000,
  )

  test('starts no more threads than asked for, and none where there is nothing to decode', async () => {
    const storage = await tableOf()
    await linesOf(storage, { threads: 3 })
    expect(started).toBeGreaterThan(1)
    expect(started).toBeLessThanOrEqual(3)
    started = 0
    await linesOf(storage, { threads: 3, columns: [] })
    await linesOf(storage, { threads: 3, where: `part = 'none'` })
    expect(started).toBe(0)
  }, 60_000)

  test('leaves out what a deletion vector deletes, by positions in the file', async () => {
    const storage = memoryStorage()
    const table = (await createTable(storage, {
      schema: parseColumns('id long'),
      properties: { 'delta.enableDeletionVectors': 'true' },
    })) as unknown as Table
    await table.append(Array.from({ length: 5000 }, (_, id) => ({ id })) as never, { rowGroupBytes: 8192 })
    const text = new TextDecoder().decode((await storage.read(`_delta_log/${'1'.padStart(20, '0')}.json`)) as Uint8Array)
    const { add } = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { add?: { path: string } })
      .find((line) => line.add !== undefined) as { add: { path: string } }
    const deleted = [0, 1, 1023, 1024, 2500, 4999]
    const bytes = vectorBytes(deleted)
    const vector = { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: deleted.length }
    const lines = [
      { commitInfo: { operation: 'DELETE' } },
      { remove: { path: add.path, deletionTimestamp: 1, dataChange: true } },
      { add: { ...add, deletionVector: vector } },
    ]
    await storage.put(`_delta_log/${'2'.padStart(20, '0')}.json`, encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
    const left = Array.from({ length: 5000 }, (_, id) => id).filter((id) => !deleted.includes(id))
    for (const threads of [0, 1, 4]) {
      const ids: number[] = []
      for await (const one of (await openTable(storage)).scan({ threads }).rows()) ids.push(Number(one.id))
      expect(ids).toEqual(left)
      const some: number[] = []
      for await (const one of (await openTable(storage)).scan({ threads, where: 'id >= 1020 and id < 1030' }).rows())
        some.push(Number(one.id))
      expect(some).toEqual([1020, 1021, 1022, 1025, 1026, 1027, 1028, 1029])
    }
  }, 60_000)

  test('is refused where the number is none', async () => {
    const storage = await tableOf()
    for (const threads of [-1, 0.5, 65, Number.NaN])
      await expect(linesOf(storage, { threads })).rejects.toSatisfy((error) => isAlluviumError(error, 'INVALID_OPTIONS'))
  })
})

describe('the threads of a scan end', () => {
  test('when the reader stops early', async () => {
    const storage = await tableOf()
    for await (const _ of (await openTable(storage)).scan({ threads: 2 }).batches()) break
    expect(started).toBeGreaterThan(0)
    expect(running).toBe(0)
  })

  test('when the caller aborts, and the scan says so', async () => {
    const storage = await tableOf()
    const controller = new AbortController()
    const read = async (): Promise<void> => {
      for await (const _ of (await openTable(storage)).scan({ threads: 2, signal: controller.signal }).batches()) controller.abort()
    }
    await expect(read()).rejects.toSatisfy((error) => isAlluviumError(error, 'ABORTED'))
    expect(running).toBe(0)
  })

  test('when a file is damaged, which is an error of its own; other readings go on', async () => {
    const sound = await tableOf()
    const damaged = await tableOf()
    await damage(damaged, (bytes) => bytes.fill(0xff, 4, 3000))
    const all = linesOf(sound, { threads: 2 })
    await expect(linesOf(damaged, { threads: 2 })).rejects.toSatisfy((error) => isAlluviumError(error, 'CORRUPT_DATA'))
    expect(await all).toEqual(await linesOf(sound, {}))
    expect(running).toBe(0)
  }, 60_000)
})

describe('a thread that fails', () => {
  test('at the start leaves the work to this one', async () => {
    const storage = await tableOf()
    alter = () => `throw new Error('no thread today')`
    expect(await linesOf(storage, { threads: 2 })).toEqual(await linesOf(storage, {}))
    expect(running).toBe(0)
  }, 60_000)

  test('in the middle of its work leaves the work to this one', async () => {
    const storage = await tableOf()
    alter = (code) => code.replace('const transfer = []', 'if (id % 5 === 4) process.exit(3)\n  const transfer = []')
    expect(await linesOf(storage, { threads: 2 })).toEqual(await linesOf(storage, {}))
    expect(started).toBeGreaterThan(2)
    expect(running).toBe(0)
  }, 60_000)

  test('by a trap of the kernel leaves the column to this one', async () => {
    const storage = await tableOf()
    alter = (code) =>
      code.replace('const at = wasm.begin(bytes.length)', `if (bytes.length % 2) throw new WebAssembly.RuntimeError('unreachable')\n  $&`)
    expect(await linesOf(storage, { threads: 2 })).toEqual(await linesOf(storage, {}))
    expect(running).toBe(0)
  }, 60_000)

  test('by a trap of the codec is an error of the file, and is replaced', async () => {
    const storage = await tableOf()
    alter = (code) => code.replace('const ipc = codec', `throw new WebAssembly.RuntimeError('unreachable')\n      $&`)
    await expect(linesOf(storage, { threads: 1, columns: ['list'] })).rejects.toSatisfy((error) => isAlluviumError(error, 'CORRUPT_DATA'))
    alter = (code) => code
    expect(await linesOf(storage, { threads: 1, columns: ['list'] })).toEqual(await linesOf(storage, { columns: ['list'] }))
    expect(running).toBe(0)
  }, 60_000)
})
