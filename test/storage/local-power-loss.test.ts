// The power goes at any moment: what a local store acknowledged is there afterwards, whole, and no commit names missing data.
import { describe, expect, test } from 'vitest'
import { type LocalStorage, localStorageOn } from '../../src/storage/local.js'
import type { Storage } from '../../src/storage/storage.js'
import { type CrashDisk, crashDisk } from './crash-disk.js'

const ROOT = '/mnt/disk/table'

/** What was promised so far, kept by the program below as the answers come. */
interface Promised {
  readonly data: Set<number>
  readonly commits: Set<number>
  hint: number
}

function content(kind: number, n: number): Uint8Array {
  const bytes = new Uint8Array(30 + ((n * 37 + kind * 11) % 200))
  for (let i = 0; i < bytes.length; i++) bytes[i] = 1 + ((n * 7 + kind + i) % 250)
  return bytes
}

const dataPath = (n: number): string => `part=${n % 3}/file-${n}`
const commitPath = (n: number): string => `_delta_log/${String(n).padStart(20, '0')}.json`

async function writeData(storage: LocalStorage, n: number, promised: Promised): Promise<void> {
  const writer = await storage.write(dataPath(n))
  await writer.write(content(1, n).subarray(0, 13))
  await writer.write(content(1, n).subarray(13))
  await writer.close()
  promised.data.add(n)
}

/** Appends, some at once, as a table does: the data first, then the commit that names it, now and then a hint. */
async function program(storage: LocalStorage, promised: Promised, staged: boolean): Promise<void> {
  const append = async (n: number): Promise<void> => {
    if (staged) {
      const [object] = await Promise.all([storage.stage(commitPath(n), content(2, n)), writeData(storage, n, promised)])
      expect(await object.place()).toBe('created')
    } else {
      await writeData(storage, n, promised)
      expect(await storage.create(commitPath(n), content(2, n))).toBe('created')
    }
    promised.commits.add(n)
  }
  for (let n = 0; n < 8; n += 2) {
    await Promise.all([append(n), append(n + 1)])
    expect(await storage.create(commitPath(n), content(2, 99))).toBe('exists')
    await storage.put('_delta_log/_last_checkpoint', content(3, n))
    promised.hint = n
  }
}

/** Looks at what is found after the power came back; answers every broken promise. */
async function inspect(storage: Storage, promised: Promised): Promise<string[]> {
  const broken: string[] = []
  for (let n = 0; n < 8; n++) {
    const data = await storage.read(dataPath(n))
    const commit = await storage.read(commitPath(n))
    if (promised.data.has(n) && !same(data, content(1, n))) broken.push(`acknowledged data ${n}`)
    if (promised.commits.has(n) && !same(commit, content(2, n))) broken.push(`acknowledged commit ${n}`)
    if (commit !== undefined && !same(commit, content(2, n))) broken.push(`commit ${n} is not whole`)
    if (commit !== undefined && !same(data, content(1, n))) broken.push(`the data of commit ${n}`)
  }
  const hint = await storage.read('_delta_log/_last_checkpoint')
  const known = [0, 2, 4, 6].filter((n) => n >= promised.hint).some((n) => same(hint, content(3, n)))
  if (!known && !(hint === undefined && promised.hint < 0)) broken.push('the hint')
  return broken
}

function same(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return actual !== undefined && Buffer.compare(actual, expected) === 0
}

interface Moment {
  readonly image: CrashDisk
  readonly promised: Promised
  readonly call: number
}

/** Runs the program on a fresh disk and takes images after every call. */
async function images(staged: boolean, durability: 'full' | 'none', perCall: number, random: () => number): Promise<Moment[]> {
  const disk = crashDisk()
  const promised: Promised = { data: new Set(), commits: new Set(), hint: -1 }
  const moments: Moment[] = []
  disk.onCall = () => {
    const now: Promised = { data: new Set(promised.data), commits: new Set(promised.commits), hint: promised.hint }
    for (let i = 0; i < perCall; i++) moments.push({ image: disk.crash(random), promised: now, call: disk.calls })
  }
  await program(localStorageOn(disk.fs, ROOT, { durability }), promised, staged)
  expect(promised.commits.size).toBe(8)
  return moments
}

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('after a power loss at any call', () => {
  for (const [name, staged] of [
    ['create', false],
    ['stage and place', true],
  ] as const) {
    test(`acknowledged data and commits are there whole, and no commit lacks its data: ${name}`, async () => {
      const moments = await images(staged, 'full', 8, randomFrom(staged ? 1 : 2))
      expect(moments.length).toBeGreaterThan(2000)
      for (const { image, promised, call } of moments) {
        const broken = await inspect(localStorageOn(image.fs, ROOT), promised)
        if (broken.length > 0) expect(broken, `after call ${call}`).toEqual([])
      }
    }, 60_000)
  }

  test('without syncs the same images do lose what was acknowledged, so the images can tell', async () => {
    const moments = await images(false, 'none', 2, randomFrom(3))
    let lost = 0
    for (const { image, promised } of moments) if ((await inspect(localStorageOn(image.fs, ROOT), promised)).length > 0) lost++
    expect(lost).toBeGreaterThan(100)
  })

  for (const [missing, skip] of [
    ['files', (kind: string) => kind === 'file'],
    ['folders', (kind: string) => kind === 'folder'],
  ] as const) {
    test(`a store that forgot to sync ${missing} would be caught`, async () => {
      const disk = crashDisk()
      const { fsync, fstat } = disk.fs
      disk.fs.fsync = async (fd) => {
        if (!skip((await fstat(fd)).kind)) await fsync(fd)
      }
      const promised: Promised = { data: new Set(), commits: new Set(), hint: -1 }
      await program(localStorageOn(disk.fs, ROOT), promised, false)
      const random = randomFrom(4)
      let lost = 0
      for (let i = 0; i < 50; i++) if ((await inspect(localStorageOn(disk.crash(random).fs, ROOT), promised)).length > 0) lost++
      expect(lost).toBeGreaterThan(25)
    })
  }
})
