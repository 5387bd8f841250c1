// Bad input and bad days: each a typed error with its code, and the table as it was.
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTable, isAlluviumError, localStorage, long, memoryStorage, openTable, type Storage, schema, string } from 'alluvium'
import { afterEach, describe, expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/bytes.js'
import { type Fault, faultyStorage } from '../support/faulty-storage.js'

const events = schema({ id: long().notNull(), name: string() })
const rows = [{ id: 1, name: 'a' }]
const commitName = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) {
    await chmod(folder, 0o755).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
})
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'alluvium-bad-'))
  folders.push(path)
  return path
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'no error',
    (e: unknown) => e,
  )
  return isAlluviumError(error) ? error.code : `untyped: ${String(error)}`
}

async function contents(storage: Storage): Promise<string[]> {
  const paths: string[] = []
  for await (const page of storage.list('', { recursive: true })) for (const { path } of page) paths.push(path)
  return paths.sort()
}

describe('a log that is damaged', () => {
  async function tableWith(change: (storage: Storage) => Promise<void>): Promise<Storage> {
    const storage = memoryStorage()
    const table = await createTable(storage, { schema: events })
    for (let i = 0; i < 3; i++) await table.append(rows)
    await change(storage)
    return storage
  }
  const rewrite = (version: number, edit: (text: string) => string) => async (storage: Storage) => {
    const text = decodeUtf8((await storage.read(commitName(version))) as Uint8Array)
    await storage.put(commitName(version), encodeUtf8(edit(text)))
  }

  test.each([
    ['a commit that is cut in the middle', rewrite(2, (text) => text.slice(0, text.length - 20)), 'CORRUPT_LOG'],
    ['a commit of no bytes', rewrite(2, () => ''), 'CORRUPT_LOG'],
    ['a commit that is no JSON', rewrite(2, () => 'hello\n'), 'CORRUPT_LOG'],
    ['a gap between versions', (storage: Storage) => storage.delete(commitName(2)), 'CORRUPT_LOG'],
    ['a first version that is missing', (storage: Storage) => storage.delete(commitName(0)), 'CORRUPT_LOG'],
    [
      'a reader version from the future',
      rewrite(0, (text) => text.replace('"minReaderVersion":1', '"minReaderVersion":9')),
      'UNSUPPORTED_FEATURE',
    ],
    [
      'a reader feature nobody knows',
      rewrite(0, (text) =>
        text.replace(
          '"minReaderVersion":1,"minWriterVersion":2',
          '"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["sunshine"],"writerFeatures":["sunshine"]',
        ),
      ),
      'UNSUPPORTED_FEATURE',
    ],
    ['a schema that is none', rewrite(0, (text) => text.replace('\\"long\\"', '\\"lung\\"')), 'UNSUPPORTED_FEATURE'],
    [
      'a path that leads out of the table',
      rewrite(2, (text) => text.replace('"path":"', '"path":"%2e%2e/%252e%252e/')),
      'PATH_OUTSIDE_TABLE',
    ],
    ['an absolute path', rewrite(2, (text) => text.replace('"path":"', '"path":"/etc/')), 'PATH_OUTSIDE_TABLE'],
    [
      'a data file that is gone',
      async (storage: Storage) => storage.delete((await contents(storage)).find((path) => path.endsWith('.parquet')) as string),
      'MISSING_FILE',
    ],
    [
      'a data file that is something else',
      async (storage: Storage) =>
        storage.put((await contents(storage)).find((path) => path.endsWith('.parquet')) as string, new Uint8Array(5000)),
      'CORRUPT_DATA',
    ],
  ])('%s is told by its code, and reading changes nothing', async (_, change, code) => {
    const storage = await tableWith(change)
    const before = await contents(storage)
    expect(await codeOf(openTable(storage).then((table) => table.scan().toArray()))).toBe(code)
    expect(await contents(storage)).toEqual(before)
  })

  test('a writer feature nobody knows stops writing, not reading, and is named', async () => {
    const storage = await tableWith(
      rewrite(0, (text) => text.replace('"minWriterVersion":2', '"minWriterVersion":7,"writerFeatures":["sunshine"]')),
    )
    const table = await openTable(storage)
    expect(await table.scan().count()).toBe(3)
    const error = await table.append(rows as never).catch((e: unknown) => e)
    expect(isAlluviumError(error, 'UNSUPPORTED_FEATURE') && error.facts.features).toEqual(['sunshine'])
    expect((await table.snapshot()).version).toBe(3)
  })

  test('a check constraint stops writing, because it is not checked here', async () => {
    const storage = await tableWith(
      rewrite(0, (text) => text.replace('"configuration":{}', '"configuration":{"delta.constraints.positive":"id > 0"}')),
    )
    expect(await codeOf(openTable(storage).then((table) => table.append(rows as never)))).toBe('UNSUPPORTED_FEATURE')
  })
})

describe('a path that is no table', () => {
  test('is told apart: nothing there, a folder of other things, a file', async () => {
    const path = await folder()
    await mkdir(join(path, 'other'))
    await writeFile(join(path, 'other/data.parquet'), 'x')
    await writeFile(join(path, 'file'), 'x')
    expect(await codeOf(openTable(join(path, 'none')))).toBe('NOT_A_TABLE')
    expect(await codeOf(openTable(join(path, 'other')))).toBe('NOT_A_TABLE')
    expect(await codeOf(openTable(join(path, 'file')))).toBe('NOT_A_TABLE')
    expect(await codeOf(openTable(''))).toBe('INVALID_OPTIONS')
    expect(await codeOf(openTable('hdfs://namenode/table'))).toBe('INVALID_OPTIONS')
  })

  test('a table cannot be made inside a file', async () => {
    const path = await folder()
    await writeFile(join(path, 'file'), 'x')
    expect(await codeOf(createTable(join(path, 'file'), { schema: events }))).toBe('STORAGE_UNAVAILABLE')
    expect(await readdir(path)).toEqual(['file'])
  })
})

describe('a store that fails while writing', () => {
  type Call = 'write' | 'chunk' | 'close' | 'stage' | 'place' | 'create'
  const faults: readonly [string, Call | readonly Call[], string][] = [
    ['opening a data file', 'write', 'STORAGE_FULL'],
    ['writing a data file', 'chunk', 'STORAGE_FULL'],
    ['making a data file durable', 'close', 'STORAGE_FULL'],
    ['staging the commit', ['stage', 'create'], 'STORAGE_FULL'],
    ['placing the commit', 'place', 'STORAGE_FULL'],
    ['opening a data file', 'write', 'PERMISSION_DENIED'],
    ['making a data file durable', 'close', 'PERMISSION_DENIED'],
    ['placing the commit', 'place', 'PERMISSION_DENIED'],
  ]

  test.each(faults)('%s (%s: %s) is told by its code, and the table has no row more', async (_, call, code) => {
    const inner = localStorage(join(await folder(), 'table'))
    const made = await createTable(inner, { schema: events })
    await made.append(rows)
    const before = await contents(inner)
    const storage = faultyStorage(inner, { rules: [{ call, fault: 'before' as Fault, code: code as 'STORAGE_FULL', times: 1000 }] })
    const table = await openTable(storage)
    const error = await table.append(rows as never).catch((e: unknown) => e)
    expect(isAlluviumError(error) ? error.code : error).toBe(code)
    expect(await made.scan().count()).toBe(1)
    expect((await made.snapshot()).version).toBe(1)
    // Nothing of the failed append stays behind: it was surely not committed.
    expect(await contents(inner)).toEqual(before)
    await made.append(rows)
    expect(await made.scan().count()).toBe(2)
  })

  test('a store without exclusive creates is refused for commits, with the reason', async () => {
    const inner = memoryStorage()
    const unsafe: Storage = { ...inner, location: inner.location, capabilities: { ...inner.capabilities, exclusiveCreate: false } }
    for (const name of ['read', 'readRange', 'stat', 'list', 'create', 'put', 'write', 'delete'] as const) {
      Object.assign(unsafe, { [name]: (inner[name] as (...words: unknown[]) => unknown).bind(inner) })
    }
    const error = await createTable(unsafe, { schema: events }).catch((e: unknown) => e)
    expect(isAlluviumError(error, 'STORAGE_UNSAFE')).toBe(true)
    expect(await contents(inner)).toEqual([])
  })
})

test('an aborted append leaves the table as it was', async () => {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: events })
  const controller = new AbortController()
  async function* endless() {
    for (let id = 0; ; id++) {
      if (id === 20_000) controller.abort()
      yield { id, name: 'x' }
    }
  }
  expect(await codeOf(table.append(endless(), { signal: controller.signal }))).toBe('ABORTED')
  expect((await table.snapshot()).version).toBe(0)
  expect((await contents(storage)).filter((path) => path.endsWith('.parquet'))).toEqual([])
})

test('rows of an iterable that throws are not committed', async () => {
  const storage = memoryStorage()
  const table = await createTable(storage, { schema: events })
  function* broken() {
    yield { id: 1, name: 'x' }
    throw new RangeError('the source broke')
  }
  await expect(table.append(broken())).rejects.toThrow('the source broke')
  expect((await table.snapshot()).version).toBe(0)
  expect((await contents(storage)).filter((path) => path.endsWith('.parquet'))).toEqual([])
})
