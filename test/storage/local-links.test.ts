// Symbolic links below a table's folder: followed where they stay inside, refused by every call where they lead out.
import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type LocalStorage, localStorage, localStorageOn } from '../../src/storage/local.js'
import { pooledFs } from '../../src/storage/local-fs.js'
import { temporaryFolder } from './temporary-folder.js'

const bytes = new TextEncoder().encode('new bytes')
let base: string
let root: string
let outside: string

beforeEach(() => {
  base = temporaryFolder()
  root = path.join(base, 'table')
  outside = path.join(base, 'table-evil')
  fs.mkdirSync(path.join(root, 'inside'), { recursive: true })
  fs.mkdirSync(outside)
  fs.writeFileSync(path.join(root, 'inside/file'), 'inside')
  fs.writeFileSync(path.join(outside, 'secret'), 'secret')
})

async function paths(storage: LocalStorage, folder: string, recursive = false): Promise<string[]> {
  const all: string[] = []
  for await (const page of storage.list(folder, { recursive })) all.push(...page.map((object) => object.path))
  return all
}

async function expectRefused(storage: LocalStorage, target: string, options: { deleteToo?: boolean } = {}): Promise<void> {
  const calls: [string, () => Promise<unknown>][] = [
    ['read', () => storage.read(target)],
    ['readRange', () => storage.readRange(target, 0, 3)],
    ['stat', () => storage.stat(target)],
    ['create', () => storage.create(target, bytes)],
    ['stage', async () => (await storage.stage(target, bytes)).place()],
    ['put', () => storage.put(target, bytes)],
    ['write', () => storage.write(target)],
    ...(options.deleteToo === false ? [] : [['delete', () => storage.delete(target)] as [string, () => Promise<unknown>]]),
  ]
  for (const [name, call] of calls) {
    await expect(call(), `${name} of ${target}`).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE', facts: { path: expect.any(String) } })
  }
  expect(fs.readdirSync(outside)).toEqual(['secret'])
  expect(fs.readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret')
}

for (const [kind, open] of [
  ['with quick calls', () => localStorage(root)],
  ['with pooled calls', () => localStorageOn(pooledFs, root)],
] as const) {
  describe(kind, () => {
    test('a link to a file outside is refused by every call', async () => {
      fs.symlinkSync(path.join(outside, 'secret'), path.join(root, 'absolute'))
      fs.symlinkSync('../table-evil/secret', path.join(root, 'relative'))
      fs.symlinkSync('relative', path.join(root, 'chain'))
      const storage = open()
      for (const name of ['absolute', 'relative', 'chain']) await expectRefused(storage, name)
    })

    test('a link to a folder outside is refused by every call below it, also deep below', async () => {
      fs.mkdirSync(path.join(root, 'a/b'), { recursive: true })
      fs.symlinkSync(outside, path.join(root, 'folder'))
      fs.symlinkSync(outside, path.join(root, 'a/b/folder'))
      fs.symlinkSync('..', path.join(root, 'up'))
      const storage = open()
      for (const target of [
        'folder/secret',
        'folder/new',
        'folder/deep/new',
        'a/b/folder/secret',
        'up/table-evil/secret',
        'up/table-evil/new',
      ]) {
        await expectRefused(storage, target)
      }
      for (const folder of ['folder', 'a/b/folder', 'up', 'up/table-evil']) {
        await expect(paths(storage, folder)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
      }
    })

    test('a link put in place later is noticed by the same store', async () => {
      const storage = open()
      await storage.put('later/file', bytes)
      expect(await storage.read('later/file')).toEqual(bytes)
      fs.rmSync(path.join(root, 'later'), { recursive: true })
      fs.symlinkSync(outside, path.join(root, 'later'))
      await expectRefused(storage, 'later/secret')
      await expect(paths(storage, 'later')).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
    })

    test('a name that leads outside is listed as itself, and nothing outside is looked up', async () => {
      fs.writeFileSync(path.join(outside, 'secret'), 'x'.repeat(12_345))
      fs.symlinkSync(path.join(outside, 'secret'), path.join(root, 'inside/out'))
      const storage = open()
      expect(await paths(storage, 'inside')).toEqual(['inside/file', 'inside/out'])
      for await (const page of storage.list('inside')) {
        expect(page.find((object) => object.path === 'inside/out')?.sizeBytes).not.toBe(12_345)
      }
    })

    test('a recursive listing does not go through a link to a folder, in or out', async () => {
      fs.symlinkSync(outside, path.join(root, 'folder'))
      await expect(paths(open(), '', true)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
      fs.unlinkSync(path.join(root, 'folder'))
      fs.symlinkSync('.', path.join(root, 'loop'))
      await expect(paths(open(), '', true)).rejects.toMatchObject({ code: 'PATH_OUTSIDE_TABLE' })
    })

    test('a link that stays inside is followed', async () => {
      fs.symlinkSync('inside/file', path.join(root, 'file-link'))
      fs.symlinkSync('inside', path.join(root, 'folder-link'))
      const storage = open()
      expect(await storage.read('file-link')).toEqual(new TextEncoder().encode('inside'))
      expect(await storage.stat('file-link')).toMatchObject({ path: 'file-link', sizeBytes: 6 })
      expect(await storage.readRange('folder-link/file', 2, 2)).toEqual(new TextEncoder().encode('si'))
      expect(await paths(storage, 'folder-link')).toEqual(['folder-link/file'])
      expect(await paths(storage, '')).toEqual(['file-link'])
      expect(await storage.create('file-link', bytes)).toBe('exists')
      await expect(storage.write('file-link')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
      expect(await storage.create('folder-link/new', bytes)).toBe('created')
      expect(await storage.create('folder-link/deep/er/new', bytes)).toBe('created')
      expect(fs.readFileSync(path.join(root, 'inside/deep/er/new'), 'utf8')).toBe('new bytes')
      fs.symlinkSync('..', path.join(root, 'inside/deep/root'))
      expect(await storage.read('folder-link/deep/root/deep/er/new')).toEqual(bytes)
      fs.rmSync(path.join(root, 'inside/deep'), { recursive: true })
      expect(fs.readFileSync(path.join(root, 'inside/new'), 'utf8')).toBe('new bytes')
      await storage.put('file-link', bytes)
      expect(fs.readFileSync(path.join(root, 'inside/file'), 'utf8')).toBe('inside')
      await storage.delete('folder-link/new')
      expect(fs.readdirSync(path.join(root, 'inside'))).toEqual(['file'])
    })

    test('a link that leads nowhere holds no object, and its name is not given away', async () => {
      fs.symlinkSync('nowhere', path.join(root, 'broken'))
      fs.symlinkSync('circle', path.join(root, 'circle'))
      const storage = open()
      for (const name of ['broken', 'circle']) {
        expect(await storage.read(name)).toBeUndefined()
        expect(await storage.stat(name)).toBeUndefined()
        await expect(storage.create(name, bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
        await expect(storage.create(`${name}/below`, bytes)).rejects.toMatchObject({ facts: { applied: false } })
        expect(await paths(storage, name)).toEqual([])
      }
      expect(fs.existsSync(path.join(root, 'nowhere'))).toBe(false)
      expect(await paths(storage, '')).toEqual(['broken', 'circle'])
      await storage.delete('broken')
      expect(await paths(storage, '')).toEqual(['circle'])
    })

    test('the root itself may be a link', async () => {
      const link = path.join(base, 'link')
      fs.symlinkSync(root, link)
      const storage = localStorage(link)
      expect(await storage.read('inside/file')).toEqual(new TextEncoder().encode('inside'))
      expect(await storage.create('inside/new', bytes)).toBe('created')
      expect(await paths(storage, '', true)).toEqual(['inside/file', 'inside/new'])
      fs.symlinkSync(path.join(outside, 'secret'), path.join(root, 'out'))
      await expectRefused(storage, 'out')
    })

    test('a neighbour whose name begins like the root’s is outside', async () => {
      fs.symlinkSync('../table-evil', path.join(root, 'neighbour'))
      await expectRefused(open(), 'neighbour/secret')
    })
  })
}
