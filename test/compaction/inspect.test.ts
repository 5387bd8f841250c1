// The facts of an inspection: against what was done to the table, and against what the commands then do.
import { createTable, inspect, long, memoryStorage, optimize, type Storage, schema, string, vacuum } from 'alluvium'
import { describe, expect, test } from 'vitest'
import { formatCommit, parseCommit } from '../../src/log/commit-json.js'
import { commitPath } from '../../src/log/file-names.js'
import { manualRuntime } from '../support/manual-runtime.js'

const DAY_MS = 86_400_000
const columns = schema({ id: long(), p: string() })

async function rig(partitionBy: readonly string[] = []) {
  const runtime = manualRuntime()
  const storage = memoryStorage({ runtime })
  const table = await createTable(storage, { schema: columns, runtime, partitionBy })
  const append = async (id: number, p: string): Promise<void> => {
    await table.append([{ id: BigInt(id), p }])
    await runtime.advance(60_000)
  }
  return { runtime, storage, table, append }
}

async function everything(storage: Storage): Promise<string> {
  const all: string[] = []
  for await (const page of storage.list('', { recursive: true }))
    all.push(...page.map(({ path, sizeBytes, modifiedMs }) => `${path} ${sizeBytes} ${modifiedMs}`))
  return all.join('\n')
}

describe('an inspection', () => {
  test('changes nothing', async () => {
    const { storage, table, append } = await rig()
    for (let n = 0; n < 4; n++) await append(n, 'x')
    await table.settled()
    const before = await everything(storage)
    await inspect(table)
    expect(await everything(storage)).toBe(before)
  })

  test('counts files by size and partition, those with the most small files first', async () => {
    const { table, append } = await rig(['p'])
    for (const [n, p] of ['a', 'b', 'b', 'b', 'c', 'c'].entries()) await append(n, p)
    const { files, debt } = await inspect(table, { maxPartitions: 2 })
    expect(files).toMatchObject({ count: 6, partitionCount: 3, partitionColumns: ['p'] })
    expect(files.partitions.map(({ values, files: count, smallFiles }) => [values, count, smallFiles])).toEqual([
      [[['p', 'b']], 3, 3],
      [[['p', 'c']], 2, 2],
    ])
    expect(files.histogram.files.reduce((sum, count) => sum + count, 0)).toBe(6)
    expect(files.histogram.bytes.reduce((sum, bytes) => sum + bytes, 0)).toBe(files.bytes)
    for (const { histogram, files: count } of files.partitions) expect(histogram.reduce((sum, each) => sum + each, 0)).toBe(count)
    expect(debt).toMatchObject({ smallFiles: 6, smallBytes: files.bytes, plan: { groups: 2, files: 5 } })
  })

  test('tells apart a partition without a value from one whose value is a word for it', async () => {
    const { table, append } = await rig(['p'])
    await append(1, 'null')
    await table.append([{ id: 2n, p: null }])
    const { files } = await inspect(table)
    expect(files.partitions.map(({ values }) => values[0]?.[1]).sort()).toEqual(['null', null])
  })

  test('says what an optimize then does', async () => {
    const { table, append } = await rig()
    for (let n = 0; n < 5; n++) await append(n, 'x')
    const { debt, files } = await inspect(table)
    const done = await optimize(table as never)
    expect(debt.plan).toMatchObject({ files: done.filesRead, bytes: done.bytesRead, groups: done.filesWritten })
    expect(files.count).toBe(5)
    expect((await inspect(table)).debt.plan).toMatchObject({ groups: 0 })
  })

  test('says what a vacuum then deletes, what it will later and on which day, and what is too young', async () => {
    const { table, storage, runtime, append } = await rig()
    for (let n = 0; n < 3; n++) await append(n, 'x')
    const old = (await table.snapshot()).sizeBytes
    await optimize(table as never)
    await runtime.advance(6 * DAY_MS)
    const removedLater = (await table.snapshot()).sizeBytes
    await table.overwrite([{ id: 9n, p: 'y' }])
    await storage.put('young.parquet', new Uint8Array(77))
    const before = await inspect(table)
    expect(before.reclaim).toMatchObject({
      now: { files: 0 },
      later: { files: 4, bytes: old + removedLater },
      young: { files: 1, bytes: 77 },
    })
    expect(before.reclaim.byDay.map(({ files, bytes }) => [files, bytes])).toEqual([
      [3, old],
      [1, removedLater],
    ])
    expect((before.reclaim.byDay[1]?.dayMs ?? 0) - (before.reclaim.byDay[0]?.dayMs ?? 0)).toBe(6 * DAY_MS)
    await runtime.advance(2 * DAY_MS)
    const { reclaim } = await inspect(table)
    expect(reclaim).toMatchObject({ now: { files: 3, bytes: old }, later: { files: 1 }, young: { files: 1 } })
    const { paths, bytes } = await vacuum(table as never)
    expect([paths.length, bytes]).toEqual([3, old])
    expect((await inspect(table, { listFiles: false })).reclaim).toMatchObject({ now: undefined, young: undefined, later: { files: 1 } })
  })

  test('weighs the log by kind, and what opening the table reads', async () => {
    const { table, append, storage } = await rig()
    for (let n = 0; n < 4; n++) await append(n, 'x')
    await table.checkpoint()
    await append(4, 'x')
    await table.settled()
    const { log } = await inspect(table)
    const sizes = new Map<string, number>()
    for await (const page of storage.list('_delta_log')) for (const { path, sizeBytes } of page) sizes.set(path, sizeBytes)
    const commits = [...sizes].filter(([path]) => path.endsWith('.json'))
    expect(log.kinds.find(({ kind }) => kind === 'commits')).toEqual({
      kind: 'commits',
      files: 6,
      bytes: commits.reduce((sum, [, bytes]) => sum + bytes, 0),
    })
    expect(log.kinds.reduce((sum, { files }) => sum + files, 0)).toBe(sizes.size)
    expect(log.opening).toEqual({
      checkpointVersion: 4,
      checkpointBytes: sizes.get('_delta_log/00000000000000000004.checkpoint.parquet'),
      commits: 1,
      commitBytes: sizes.get(commitPath(5)),
    })
    expect(log.checkpoints).toMatchObject([{ version: 4, files: 1 }])
  })

  test('tells of operations, and how columns, properties and protocol changed', async () => {
    const { table, append, storage } = await rig()
    await append(1, 'x')
    await table.setProperties({ 'delta.appendOnly': 'true' })
    await table.setProperties({ owner: 'us' }, { unset: ['delta.appendOnly'] })
    // A column more, another type and one column less, as another engine would write it.
    const { view } = await table.snapshot()
    const fields = [
      { name: 'id', type: 'string', nullable: true, metadata: {} },
      { name: 'at', type: 'timestamp', nullable: false, metadata: {} },
    ]
    const metadata = { ...view.metadata, schemaString: JSON.stringify({ type: 'struct', fields }) }
    const protocol = { ...view.protocol, minWriterVersion: 3 }
    await storage.create(commitPath(4), formatCommit([metadata, protocol]))
    expect(parseCommit((await storage.read(commitPath(4))) as Uint8Array, { version: 4, path: 'x' }).length).toBe(2)
    const { history } = await inspect(table)
    expect(history.commits.map(({ operation }) => operation)).toEqual([
      undefined,
      'SET TBLPROPERTIES',
      'SET TBLPROPERTIES',
      'WRITE',
      'CREATE TABLE',
    ])
    expect(history.changes.map(({ version, changes }) => [version, changes])).toEqual([
      [
        4,
        [
          'column id was long, is string',
          'column at timestamp not null added',
          'column p string dropped',
          'protocol is now reader 1, writer 3',
        ],
      ],
      [3, ['property owner set to us', 'property delta.appendOnly unset']],
      [2, ['property delta.appendOnly set to true']],
      [0, ['created with 2 columns']],
    ])
  })

  test('looks at as many commits as it is told to, the newest', async () => {
    const { table, append } = await rig()
    for (let n = 0; n < 9; n++) await append(n, 'x')
    const { history } = await inspect(table, { maxCommits: 3 })
    expect(history.commitCount).toBe(10)
    expect(history.commits.map(({ version }) => version)).toEqual([9, 8, 7])
    expect(history.changes).toEqual([])
  })

  test('has the positions of streams exactly, the newest first', async () => {
    const { table, runtime } = await rig()
    await table.append([{ id: 1n, p: 'x' }], { txn: { appId: 'a', version: 9007199254740993n } })
    await runtime.advance(1000)
    await table.append([{ id: 2n, p: 'x' }], { txn: { appId: 'b', version: 1n } })
    const { positions, positionCount } = await inspect(table)
    expect(positionCount).toBe(2)
    expect(positions.map(({ appId, version }) => [appId, version])).toEqual([
      ['b', 1n],
      ['a', 9007199254740993n],
    ])
  })
})
