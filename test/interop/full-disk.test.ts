// Disks that are full to the last byte, under the local store and under real servers: a write fails in plain words and leaves no half of
// a commit, what is there is read as before, and once there is room the same writer goes on.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTable, isAlluviumError, long, openTable, schema, string, systemRuntime, type Table } from 'alluvium'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hdfsAbsent, hdfsForSuite } from './hdfs-servers.js'
import { s3Absent, s3ServerForSuite } from './s3-servers.js'
import { type SmallDisk, smallDisk, smallDiskAbsent } from './small-disk.js'

for (const why of [smallDiskAbsent, hdfsAbsent, s3Absent]) if (why !== undefined) console.warn(`skipped: ${why}`)

const columns = schema({ id: long(), text: string() })
type Row = { id: bigint; text: string }

let letters = 1
/** Text that does not compress. */
function noise(length: number): string {
  const found: string[] = []
  for (let i = 0; i < length; i++) {
    letters = (letters * 1_103_515_245 + 12_345) % 2 ** 31
    found.push(String.fromCharCode(33 + (letters % 90)))
  }
  return found.join('')
}

/** Fills the disk under a table, has an append fail, makes room, goes on. */
async function expectSurvives(
  disk: SmallDisk,
  table: Table<Row>,
  reopen: () => Promise<Table>,
  expected: RegExp,
  words = /./,
): Promise<void> {
  await table.append([{ id: 1n, text: 'before' }])
  await table.settled()
  disk.fill()
  await systemRuntime.sleep(2500) // a namenode hears of it by the next heartbeats
  const error = await table.append([{ id: 2n, text: noise(200_000) }]).catch((thrown: unknown) => thrown)
  expect(isAlluviumError(error)).toBe(true)
  expect((error as { code: string }).code).toMatch(expected)
  expect((error as Error).message).toMatch(words)
  // Read as before, also by somebody who comes now.
  expect(await table.scan().count()).toBe(1)
  expect((await (await reopen()).snapshot()).version).toBe(1)
  disk.free()
  await systemRuntime.sleep(2500)
  expect(await table.append([{ id: 3n, text: 'after' }])).toMatchObject({ version: 2 })
  expect(await (await reopen()).scan().count()).toBe(2)
}

describe.skipIf(smallDiskAbsent !== undefined)('a local disk that is full', () => {
  let disk: SmallDisk
  beforeAll(() => {
    disk = smallDisk(4 * 2 ** 20)
  })
  afterAll(() => disk?.remove())

  test('an append is STORAGE_FULL, and the next goes through once there is room', async () => {
    const path = join(disk.folder, 'table')
    const table = (await createTable(path, { schema: columns })) as Table<Row>
    await expectSurvives(disk, table, () => openTable(path), /^STORAGE_FULL$/)
  })

  test('wherever in an append it happens, there is a whole commit or none, and no temporary stays', async () => {
    const path = join(disk.folder, 'steps')
    const table = (await createTable(path, { schema: columns })) as Table<Row>
    let committed = 0
    const seen = new Set<string>()
    for (let freeBytes = 0; freeBytes <= 72 * 1024; freeBytes += 4096) {
      disk.free()
      disk.fill(freeBytes)
      try {
        await table.append([{ id: BigInt(freeBytes), text: noise(20_000) }])
        committed++
        seen.add('committed')
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORAGE_FULL' })
        seen.add('full')
      }
      await table.settled()
      const again = await openTable(path)
      expect((await again.snapshot()).version).toBe(committed)
      expect(await again.scan().count()).toBe(committed)
    }
    expect(seen).toEqual(new Set(['committed', 'full']))
    disk.free()
    await table.append([{ id: 0n, text: 'after' }])
    await table.settled()
    const left = [...readdirSync(path), ...readdirSync(join(path, '_delta_log'))]
    expect(left.filter((name) => name.includes('.tmp'))).toEqual([])
    expect(left.filter((name) => name.startsWith('part-'))).toHaveLength(committed + 1)
  })
})

describe.skipIf(smallDiskAbsent !== undefined || hdfsAbsent !== undefined)('a datanode whose disk is full', () => {
  let disk: SmallDisk
  const cluster = hdfsForSuite('plain', () => {
    disk = smallDisk(32 * 2 ** 20)
    return [`dfs.datanode.data.dir=${disk.folder}`, 'dfs.blocksize=1048576', 'dfs.namenode.fs-limits.min-block-size=4096']
  })
  afterAll(() => disk?.remove())

  test('an append fails in plain words, and the next goes through once there is room', async () => {
    const url = cluster.current.freshUrl()
    const storage = { user: 'tester', retryMs: 1000 }
    // A namenode says in the same words that no datanode is up and that none has room.
    const table = (await createTable(url, { schema: columns, storage })) as Table<Row>
    await expectSurvives(disk, table, () => openTable(url, { storage }), /^STORAGE_UNAVAILABLE$/, /have room/)
  })
})

describe.skipIf(smallDiskAbsent !== undefined || s3Absent !== undefined)('an S3 server whose disk is full', () => {
  let disk: SmallDisk
  const server = s3ServerForSuite('versitygw', () => {
    disk = smallDisk(8 * 2 ** 20)
    return { data: disk.folder }
  })
  afterAll(() => disk?.remove())

  test('an append fails in plain words, and the next goes through once there is room', async () => {
    const url = server.current.freshUrl()
    const storage = { ...server.current.options, maxAttempts: 2 }
    const table = (await createTable(url, { schema: columns, storage })) as Table<Row>
    // The Versity gateway says no more than that it failed.
    await expectSurvives(disk, table, () => openTable(url, { storage }), /^STORAGE_(?:FULL|UNAVAILABLE)$/)
  })
})
