// How a local store puts objects in place: the order of its calls, and what is left when it stops between any two of them.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { isAlluviumError } from '../../src/errors.js'
import { type LocalStorage, localStorage, localStorageOn } from '../../src/storage/local.js'
import { type ScriptedFs, scriptedFs } from './scripted-fs.js'
import { temporaryFolder } from './temporary-folder.js'

const bytes = new TextEncoder().encode('{"commitInfo":{}}\n{"add":{}}\n')

interface Scene {
  readonly root: string
  readonly fs: ScriptedFs
  readonly storage: LocalStorage
}

/** A table folder with a log, seen once, so that what is logged afterwards is the pace of every further call. */
async function scene(durability: 'full' | 'none' = 'full'): Promise<Scene> {
  const root = temporaryFolder()
  const scripted = scriptedFs()
  const storage = localStorageOn(scripted, root, { durability })
  await storage.create('log/0', bytes)
  await (await storage.write('data')).close()
  scripted.log.length = 0
  return { root, fs: scripted, storage }
}

function at(log: readonly string[], entry: string): number {
  const index = log.indexOf(entry)
  expect(index, `${entry} in ${log.join(', ')}`).toBeGreaterThanOrEqual(0)
  return index
}

describe('an acknowledged create', () => {
  test('was synced before it got its name, and its folder after', async () => {
    const { fs: scripted, storage } = await scene()
    expect(await storage.create('log/1', bytes)).toBe('created')
    const { log } = scripted
    const order = ['open TEMP', 'write TEMP', 'fsync TEMP', 'link 1', 'fsync log/'].map((entry) => at(log, entry))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(at(log, 'unlink TEMP')).toBeGreaterThan(at(log, 'link 1'))
    expect(log.filter((entry) => entry.startsWith('fsync'))).toEqual(['fsync TEMP', 'fsync log/'])
    expect(scripted.openFiles).toBe(0)
  })

  test('in new folders has each of them synced into its parent', async () => {
    const { fs: scripted, storage } = await scene()
    expect(await storage.create('a/b/c', bytes)).toBe('created')
    const { log } = scripted
    const root = path.basename(storage.location)
    expect(at(log, `fsync ${root}/`)).toBeGreaterThan(at(log, 'mkdir a'))
    expect(at(log, 'fsync a/')).toBeGreaterThan(at(log, 'mkdir b'))
    expect(log.lastIndexOf('fsync b/')).toBeGreaterThan(at(log, 'link c'))
  })

  test('in a folder somebody else has just made has it synced into its parent all the same', async () => {
    const { root, fs: scripted, storage } = await scene()
    fs.mkdirSync(path.join(root, 'theirs'))
    await storage.create('theirs/1', bytes)
    expect(at(scripted.log, `fsync ${path.basename(root)}/`)).toBeLessThan(at(scripted.log, 'link 1'))
    scripted.log.length = 0
    await storage.create('theirs/2', bytes)
    expect(scripted.log).not.toContain(`fsync ${path.basename(root)}/`)
    fs.rmSync(path.join(root, 'theirs'), { recursive: true })
    fs.mkdirSync(path.join(root, 'theirs'))
    scripted.log.length = 0
    await storage.create('theirs/3', bytes)
    expect(scripted.log).toContain(`fsync ${path.basename(root)}/`)
  })

  test('costs a fixed number of calls', async () => {
    const { fs: scripted, storage } = await scene()
    await storage.create('log/1', bytes)
    const calls = [
      'lstat log',
      'lstat 1',
      'open TEMP',
      'write TEMP',
      'fsync TEMP',
      'close TEMP',
      'link 1',
      'unlink TEMP',
      'open log',
      'fsync log/',
      'close log/',
    ]
    expect(scripted.log).toEqual(calls)
  })

  test('is not synced where durability is given up', async () => {
    const { fs: scripted, storage } = await scene('none')
    await storage.create('log/1', bytes)
    await storage.put('hint', bytes)
    await (await storage.write('more')).close()
    expect(scripted.log.filter((entry) => entry.startsWith('fsync'))).toEqual([])
  })
})

test('a closed writer has its file and its folder synced before it answers', async () => {
  const { fs: scripted, storage } = await scene()
  const writer = await storage.write('log/data')
  await writer.write(bytes)
  expect(scripted.log.filter((entry) => entry.startsWith('fsync'))).toEqual([])
  await writer.close()
  expect(scripted.log.filter((entry) => entry.startsWith('fsync')).sort()).toEqual(['fsync data', 'fsync log/'])
  expect(at(scripted.log, 'fsync data')).toBeGreaterThan(at(scripted.log, 'write data'))
  expect(scripted.openFiles).toBe(0)
})

test('a put is synced before it takes the name, and its folder after', async () => {
  const { fs: scripted, storage } = await scene()
  await storage.put('log/_last_checkpoint', bytes)
  const order = ['write TEMP', 'fsync TEMP', 'rename _last_checkpoint', 'fsync log/'].map((entry) => at(scripted.log, entry))
  expect(order).toEqual([...order].sort((a, b) => a - b))
})

test('bytes the system takes a few at a time arrive whole', async () => {
  const { fs: scripted, storage } = await scene()
  scripted.writeAtMost = 7
  await storage.create('log/1', bytes)
  const writer = await storage.write('log/2')
  await writer.write(bytes)
  await writer.close()
  expect(await storage.read('log/1')).toEqual(bytes)
  expect(await storage.read('log/2')).toEqual(bytes)
})

describe('a process that dies at any call', () => {
  const tasks: [string, (storage: LocalStorage) => Promise<unknown>][] = [
    ['create', (storage) => storage.create('log/1', bytes)],
    ['create in new folders', (storage) => storage.create('log/deep/er/1', bytes)],
    ['stage and place', async (storage) => (await storage.stage('log/1', bytes)).place()],
    ['put', (storage) => storage.put('log/1', bytes)],
    ['put over an object', (storage) => storage.put('log/0', new Uint8Array(70_000))],
  ]
  for (const [name, task] of tasks) {
    test(`leaves nothing or the whole object: ${name}`, async () => {
      let acknowledged = 0
      for (let step = 0; acknowledged === 0; step++) {
        const { root, fs: scripted, storage } = await scene()
        scripted.crashAt = step
        await task(storage).then(
          () => acknowledged++,
          () => {},
        )
        const survivor = localStorage(root)
        const listed: string[] = []
        for await (const page of survivor.list('', { recursive: true })) listed.push(...page.map((object) => object.path))
        for (const object of listed) {
          const seen = await survivor.read(object)
          const whole = object === 'data' ? [0] : [bytes.length, object === 'log/0' && name.startsWith('put over') ? 70_000 : bytes.length]
          expect(whole, `${object} after a crash at call ${step}`).toContain(seen?.length)
        }
        expect(listed.length).toBeGreaterThanOrEqual(2)
        if (acknowledged > 0) expect(step).toBeGreaterThan(5)
        // Whatever was left does not stand in the way of the next attempt.
        expect(['created', 'exists']).toContain(await survivor.create('log/1', bytes))
        expect(await survivor.read('log/1')).toEqual(bytes)
      }
    })
  }
})

describe('when a link’s answer is lost', () => {
  test('and the repeated request meets its own link, the create is ours', async () => {
    const { root, fs: scripted, storage } = await scene()
    scripted.faults = [{ call: 'link', errno: 'EEXIST', after: true }]
    expect(await storage.create('log/1', bytes)).toBe('created')
    expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['0', '1'])
  })

  test('with any other error, the create is open', async () => {
    for (const errno of ['EIO', 'ETIMEDOUT', 'ESTALE']) {
      for (const after of [true, false]) {
        const { fs: scripted, storage } = await scene()
        scripted.faults = [{ call: 'link', errno, after }]
        await expect(storage.create('log/1', bytes)).rejects.toMatchObject({
          code: 'STORAGE_UNAVAILABLE',
          facts: { applied: 'unknown', errno, path: 'log/1' },
        })
      }
    }
  })

  test('and the name belongs to another, the create has lost', async () => {
    const { root, fs: scripted, storage } = await scene()
    fs.writeFileSync(path.join(root, 'log/1'), 'theirs')
    // The first look did not see it yet.
    const { lstat } = scripted
    let looks = 0
    scripted.lstat = (name) => (name.endsWith('/log/1') && looks++ === 0 ? undefined : lstat(name))
    expect(await storage.create('log/1', bytes)).toBe('exists')
    expect(fs.readFileSync(path.join(root, 'log/1'), 'utf8')).toBe('theirs')
    expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['0', '1'])
  })
})

test('a file system without hard links is refused, with the reason, and nothing is left', async () => {
  for (const errno of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']) {
    const { root, fs: scripted, storage } = await scene()
    scripted.faults = [{ call: 'link', errno }]
    const error = await storage.create('log/1', bytes).catch((each) => each)
    expect(isAlluviumError(error, 'STORAGE_UNSAFE')).toBe(true)
    expect(error.facts).toMatchObject({ applied: false, errno, path: 'log/1' })
    expect(error.message).toContain('hard links')
    expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['0'])
    // Data files and hints need no hard links.
    await storage.put('log/hint', bytes)
    await (await storage.write('log/data')).close()
  }
})

test('a folder that cannot be synced leaves the create open, and says how to accept that', async () => {
  const { fs: scripted, storage } = await scene()
  scripted.faults = [{ call: 'fsync', errno: 'EINVAL', name: /^log\/$/ }]
  const error = await storage.create('log/1', bytes).catch((each) => each)
  expect(error).toMatchObject({ code: 'STORAGE_UNSAFE', facts: { applied: 'unknown' } })
  expect(error.message).toContain("durability 'none'")
})

test('a lost create does not stage anything when it can see so at once', async () => {
  const { fs: scripted, storage } = await scene()
  expect(await storage.create('log/0', bytes)).toBe('exists')
  expect(scripted.log).toEqual(['lstat log', 'lstat 0'])
})

test('a temporary of a name as long as the file system allows is shortened', async () => {
  const { root, storage } = await scene()
  for (const name of ['x'.repeat(255), `é${'日'.repeat(84)}`]) {
    expect(await storage.create(`log/${name}`, bytes)).toBe('created')
    expect(fs.existsSync(path.join(root, 'log', name))).toBe(true)
  }
  await expect(storage.create(`log/${'x'.repeat(256)}`, bytes)).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    facts: { applied: false },
  })
})

test('a table removed while its store is open is made anew by the next write', async () => {
  const { root, storage } = await scene()
  fs.rmSync(root, { recursive: true })
  expect(await storage.read('log/0')).toBeUndefined()
  expect(await storage.create('log/0', bytes)).toBe('created')
  await (await storage.write('data')).close()
  fs.rmSync(root, { recursive: true })
  await (await storage.write('data')).close()
  expect(fs.readdirSync(root)).toEqual(['data'])
})

test('reading makes no folder', async () => {
  const root = path.join(temporaryFolder(), 'missing', 'table')
  const storage = localStorage(root)
  expect(await storage.read('log/0')).toBeUndefined()
  expect(await storage.stat('log/0')).toBeUndefined()
  await storage.delete('log/0')
  for await (const _ of storage.list('')) throw new Error('nothing is listed')
  expect(fs.existsSync(path.dirname(root))).toBe(false)
  expect(await storage.create('log/0', bytes)).toBe('created')
})
