// The power goes at any moment of a table's life on the real file system. `npm run power-loss` is the same with many more images.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { localStorageOn } from '../../src/storage/local.js'
import { imageOf } from './image.js'
import { assertComplete, losePower } from './power-loss-run.js'
import { type Event, recordingFs, type SyncDefect } from './recording-fs.js'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'alluvium-power-')))
  folders.push(folder)
  return folder
}

describe('after a power loss', () => {
  test('every acknowledged commit is there with its data, no version reads otherwise, and writers go on', async () => {
    const { images, damaged, broken } = await losePower({ images: 80, seed: 7, folder: newFolder() })
    expect(broken).toEqual([])
    expect(images).toBe(80)
    expect(damaged).toBeGreaterThan(60) // the images do lose what was not synced
  }, 120_000)

  const defects: readonly SyncDefect[] = ['no file sync', 'no folder sync', 'file sync after the name']
  for (const defect of defects) {
    test(`a store with ${defect} would be found out`, async () => {
      const { broken } = await losePower({ images: 400, seed: 7, folder: newFolder(), defect, stopAtFirst: true })
      expect(broken).toHaveLength(1)
    }, 120_000)
  }
})

describe('the record of a disk', () => {
  test('misses nothing that reached the disk', async () => {
    const base = newFolder()
    const root = path.join(base, 'table')
    const { fs: recorded, events } = recordingFs(root)
    const storage = localStorageOn(recorded, root)
    await storage.create('a/b/one', new Uint8Array([1]))
    await storage.put('a/two', new Uint8Array(100_000).fill(2))
    await storage.put('a/two', new Uint8Array([3]))
    await storage.delete('a/b/one')
    assertComplete(events, base)
    fs.writeFileSync(path.join(root, 'a', 'beside'), 'x')
    expect(() => assertComplete(events, base)).toThrow('beside')
    fs.rmSync(path.join(root, 'a', 'beside'))
    fs.writeFileSync(path.join(root, 'a', 'two'), 'y')
    expect(() => assertComplete(events, base)).toThrow('other bytes')
  })
})

describe('an image of a disk', () => {
  const bytes = new Uint8Array(10_000).fill(7)
  const written: Event[] = [
    { kind: 'create', path: '/d/new', inode: 1 },
    { kind: 'write', inode: 1, bytes },
  ]
  const renamed: Event[] = [...written, { kind: 'sync', inode: 1, since: 2 }, { kind: 'rename', from: '/d/new', to: '/d/final' }]

  // Every image that a thousand draws find, as one text each.
  function images(events: readonly Event[], names: 'posix' | 'journal', show: (image: ReturnType<typeof imageOf>) => string): Set<string> {
    let state = 1
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    return new Set(Array.from({ length: 1000 }, () => show(imageOf(events, events.length, names, random))))
  }
  const namesOf = (image: ReturnType<typeof imageOf>): string => [...image.keys()].join(' ')

  test('has a file that was renamed under both names, one, or none; where names are journaled under one, once it has any', () => {
    expect(images(renamed, 'posix', namesOf)).toEqual(new Set(['', '/d/new', '/d/final', '/d/final /d/new']))
    expect(images(renamed, 'journal', namesOf)).toEqual(new Set(['/d/new', '/d/final']))
  })

  test('keeps names that their folder was synced after, and no others surely', () => {
    const synced: Event[] = [...renamed, { kind: 'sync', folder: '/d', since: 4 }]
    expect(images(synced, 'posix', namesOf)).toEqual(new Set(['/d/final']))
    // The sync began before the rename.
    const early: Event[] = [...renamed, { kind: 'sync', folder: '/d', since: 3 }]
    expect(images(early, 'posix', namesOf)).toEqual(new Set(['', '/d/new', '/d/final', '/d/final /d/new']))
  })

  test('has bytes without a sync at any length, as zeros, and torn at sectors; with a sync, whole', () => {
    const kinds = images(written, 'posix', (image) => {
      const found = image.get('/d/new')
      if (found === undefined) return 'missing'
      const zeros = found.filter((byte) => byte === 0).length
      return `${found.length === 10_000 ? 'full' : found.length === 0 ? 'empty' : 'short'} ${zeros === 0 ? 'whole' : zeros === found.length ? 'zeros' : 'torn'}`
    })
    expect(kinds).toEqual(
      new Set(['missing', 'full whole', 'full zeros', 'full torn', 'short whole', 'short zeros', 'short torn', 'empty whole']),
    )
    const whole = images(renamed, 'journal', (image) =>
      String([...image.values()].every((each) => each?.length === 10_000 && each.every((byte) => byte === 7))),
    )
    expect(whole).toEqual(new Set(['true']))
  })

  test('has nothing in a folder that is not there itself', () => {
    const events: Event[] = [
      { kind: 'mkdir', path: '/d/sub', inode: 9 },
      { kind: 'create', path: '/d/sub/file', inode: 1 },
      { kind: 'sync', folder: '/d/sub', since: 2 },
    ]
    expect(images(events, 'posix', namesOf)).toEqual(new Set(['', '/d/sub /d/sub/file']))
    expect(images(events, 'journal', namesOf)).toEqual(new Set(['/d/sub /d/sub/file']))
  })
})
