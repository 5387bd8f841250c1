// Listings of a local folder that holds more than objects.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { localStorage, localStorageOn } from '../../src/storage/local.js'
import type { ObjectInfo, Storage } from '../../src/storage/storage.js'
import { scriptedFs } from './scripted-fs.js'
import { temporaryFolder } from './temporary-folder.js'

const UUID = '5f0c9d3e-8a47-4f43-9a60-0d9d1c2b7e11'

async function list(storage: Storage, folder: string, options?: { from?: string; recursive?: boolean }): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = []
  for await (const page of storage.list(folder, options)) all.push(...page)
  return all
}

test('temporaries are not listed, neither ours nor those of Hadoop’s writers', async () => {
  const root = temporaryFolder()
  const names = [
    'a.json',
    '.a.json.crc',
    '.hidden',
    `.a.json.${UUID}.tmp`,
    `.00000000000000000007.json.${UUID}.tmp`,
    `a.${UUID}.tmp`,
    '.x.tmp',
  ]
  for (const name of names) fs.writeFileSync(path.join(root, name), 'x')
  const listed = (await list(localStorage(root), '')).map((object) => object.path)
  expect(listed.sort()).toEqual(['.a.json.crc', '.hidden', '.x.tmp', `a.${UUID}.tmp`, 'a.json'])
})

test('a name that listings hide is not given to a caller', async () => {
  const storage = localStorage(temporaryFolder())
  const bytes = new Uint8Array(1)
  for (const name of [`.x.${UUID}.tmp`, `folder/.x.${UUID}.tmp`]) {
    await expect(storage.create(name, bytes)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    await expect(storage.put(name, bytes)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    await expect(storage.write(name)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
  }
})

test('old temporaries are cleaned, young ones and everything else are kept', async () => {
  const root = temporaryFolder()
  const storage = localStorage(root)
  await storage.create('log/0', new Uint8Array(3))
  const old = new Date(Date.now() - 25 * 3_600_000)
  const make = (name: string, when?: Date): void => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), 'x')
    if (when !== undefined) fs.utimesSync(path.join(root, name), when, when)
  }
  make(`log/.1.json.${UUID}.tmp`, old)
  make(`log/.2.json.${UUID}.tmp`)
  make(`deep/er/.3.${UUID}.tmp`, old)
  make('log/old.json', old)
  make('log/.old.tmp', old)
  expect(await storage.cleanLeftovers(24 * 3_600_000)).toBe(2)
  expect(await storage.cleanLeftovers(24 * 3_600_000)).toBe(0)
  expect(fs.readdirSync(path.join(root, 'log')).sort()).toEqual([`.2.json.${UUID}.tmp`, '.old.tmp', '0', 'old.json'])
  for (const age of [0, 3_599_999, -1, Number.NaN]) await expect(storage.cleanLeftovers(age)).rejects.toThrow(RangeError)
})

test('only files are objects: folders, pipes and sockets are not listed, read or waited for', async () => {
  const root = temporaryFolder()
  fs.mkdirSync(path.join(root, 'folder'))
  fs.writeFileSync(path.join(root, 'file'), 'x')
  execFileSync('mkfifo', [path.join(root, 'pipe')])
  const storage = localStorage(root)
  expect((await list(storage, '')).map((object) => object.path)).toEqual(['file'])
  expect((await list(storage, '', { recursive: true })).map((object) => object.path)).toEqual(['file'])
  expect(await storage.read('pipe')).toBeUndefined()
  expect(await storage.stat('pipe')).toBeUndefined()
  await expect(storage.create('pipe', new Uint8Array(1))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
})

test('names no path can express are left out', async () => {
  const root = temporaryFolder()
  fs.writeFileSync(path.join(root, 'good'), 'x')
  fs.writeFileSync(path.join(root, 'back\\slash'), 'x')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/invalid-`), Buffer.from([0xff, 0xfe])]), 'x')
  expect((await list(localStorage(root), '')).map((object) => object.path)).toEqual(['good'])
})

test('an object that goes away during a listing is left out', async () => {
  const root = temporaryFolder()
  const scripted = scriptedFs()
  const storage = localStorageOn(scripted, root)
  for (const name of ['a', 'b', 'c']) await storage.put(name, new Uint8Array(1))
  const { readdir } = scripted
  scripted.readdir = async (at) => {
    const names = await readdir(at)
    fs.unlinkSync(path.join(root, 'b'))
    return names
  }
  expect((await list(storage, '')).map((object) => object.path)).toEqual(['a', 'c'])
})

test('a listing from a key looks up nothing before that key', async () => {
  const root = temporaryFolder()
  const scripted = scriptedFs()
  const storage = localStorageOn(scripted, root, { durability: 'none' })
  fs.mkdirSync(path.join(root, 'log'))
  for (let i = 0; i < 3000; i++) fs.writeFileSync(path.join(root, 'log', `${String(i).padStart(20, '0')}.json`), 'x')
  scripted.log.length = 0
  const found = await list(storage, 'log', { from: 'log/00000000000000002990.json' })
  expect(found).toHaveLength(10)
  expect(scripted.log.filter((entry) => entry.startsWith('lstat')).length).toBeLessThan(20)
  expect(scripted.log.filter((entry) => entry.startsWith('readdir'))).toHaveLength(1)
})

test('a listing left early has looked up little more than its first page', async () => {
  const root = temporaryFolder()
  const scripted = scriptedFs()
  const storage = localStorageOn(scripted, root)
  for (let i = 0; i < 5000; i++) fs.writeFileSync(path.join(root, `${i}`), 'x')
  for await (const page of storage.list('')) {
    expect(page).toHaveLength(1000)
    break
  }
  expect(scripted.log.filter((entry) => entry.startsWith('lstat')).length).toBeLessThan(1200)
})

test('a signal that fires between pages ends a listing', async () => {
  const root = temporaryFolder()
  for (let i = 0; i < 2500; i++) fs.writeFileSync(path.join(root, `${i}`), 'x')
  const controller = new AbortController()
  const listing = async (): Promise<number> => {
    let pages = 0
    for await (const _ of localStorage(root).list('', { signal: controller.signal })) {
      pages++
      controller.abort()
    }
    return pages
  }
  await expect(listing()).rejects.toMatchObject({ code: 'ABORTED' })
})

test('a reader in a tight loop lets timers have their turn', async () => {
  const storage = localStorage(temporaryFolder())
  let fired = false
  setTimeout(() => {
    fired = true
  }, 1)
  let looks = 0
  while (!fired && looks < 1_000_000) {
    await storage.stat('not/yet')
    looks++
  }
  expect(fired).toBe(true)
})
