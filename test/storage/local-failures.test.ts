// A local store on a disk that fails: full, forbidden, broken. Each failure has its code, says what is known, leaves nothing.
import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { AlluviumError, type ErrorCode } from '../../src/errors.js'
import { localStorage, localStorageOn } from '../../src/storage/local.js'
import { outputOf, startChild } from './child.js'
import { type FsCall, scriptedFs } from './scripted-fs.js'
import { temporaryFolder } from './temporary-folder.js'

const bytes = new TextEncoder().encode('object')

async function failing(
  call: FsCall,
  errno: string,
): Promise<{ root: string; fs: ReturnType<typeof scriptedFs>; storage: ReturnType<typeof localStorage> }> {
  const root = temporaryFolder()
  const scripted = scriptedFs()
  const storage = localStorageOn(scripted, root)
  await storage.create('log/0', bytes)
  scripted.faults = [{ call, errno, name: /tmp$|^1$|^data$/ }]
  return { root, fs: scripted, storage }
}

const CODES: [string, ErrorCode][] = [
  ['ENOSPC', 'STORAGE_FULL'],
  ['EDQUOT', 'STORAGE_FULL'],
  ['EFBIG', 'STORAGE_FULL'],
  ['EACCES', 'PERMISSION_DENIED'],
  ['EPERM', 'PERMISSION_DENIED'],
  ['EROFS', 'PERMISSION_DENIED'],
  ['EIO', 'STORAGE_UNAVAILABLE'],
  ['EMFILE', 'STORAGE_UNAVAILABLE'],
  ['ENODEV', 'STORAGE_UNAVAILABLE'],
]

describe('a failing create', () => {
  for (const [errno, code] of CODES) {
    for (const call of ['open', 'write', 'fsync'] as const) {
      test(`is ${code} for ${errno} at ${call}, and leaves nothing`, async () => {
        const { root, fs: scripted, storage } = await failing(call, errno)
        const error = await storage.create('log/1', bytes).catch((each) => each)
        expect(error).toBeInstanceOf(AlluviumError)
        expect(error).toMatchObject({ code, facts: { path: 'log/1', location: root, errno, applied: false } })
        expect(error.message).toContain('log/1')
        expect(error.message).toContain(root)
        expect(error.cause).toMatchObject({ code: errno })
        expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['0'])
        expect(scripted.openFiles).toBe(0)
        scripted.faults = []
        expect(await storage.create('log/1', bytes)).toBe('created')
      })
    }
  }

  test('for a full disk at the link leaves nothing', async () => {
    for (const errno of ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS']) {
      const { root, storage } = await failing('link', errno)
      await expect(storage.create('log/1', bytes)).rejects.toMatchObject({ facts: { applied: false, errno } })
      expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['0'])
    }
  })

  test('at the sync of the folder is open, for the object is in place', async () => {
    const { fs: scripted, storage } = await failing('fsync', 'EIO')
    scripted.faults = [{ call: 'fsync', errno: 'EIO', name: /^log\/$/ }]
    await expect(storage.create('log/1', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: 'unknown' } })
    await expect(storage.put('log/2', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: 'unknown' } })
    expect(await storage.read('log/1')).toEqual(bytes)
  })
})

describe('a failing writer', () => {
  for (const [errno, code] of CODES) {
    test(`is ${code} for ${errno}, and leaves nothing`, async () => {
      for (const call of ['open', 'write', 'fsync'] as const) {
        const { root, fs: scripted, storage } = await failing(call, errno)
        const writing = async (): Promise<void> => {
          const writer = await storage.write('data')
          await writer.write(new Uint8Array(1_000_000))
          await writer.write(bytes)
          await writer.close()
        }
        await expect(writing()).rejects.toMatchObject({ code, facts: { path: 'data', errno } })
        expect(fs.readdirSync(root)).toEqual(['log'])
        expect(scripted.openFiles).toBe(0)
      }
    })
  }

  test('gives the same failure to every later call, and its abort is quiet', async () => {
    const { storage } = await failing('write', 'ENOSPC')
    const writer = await storage.write('data')
    await expect(writer.write(new Uint8Array(1_000_000))).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    await expect(writer.write(bytes)).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    await expect(writer.close()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    await writer.abort()
  })

  test('holds its caller back while the disk is slow', async () => {
    const { fs: scripted, storage } = await failing('mkdir', 'NEVER')
    let release = (): void => {}
    const { write } = scripted
    scripted.write = async (fd, chunk) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return write(fd, chunk)
    }
    const writer = await storage.write('data')
    let accepted = 0
    const feeding = (async () => {
      for (let i = 0; i < 40; i++) {
        await writer.write(new Uint8Array(50_000))
        accepted += 50_000
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(accepted).toBeLessThanOrEqual(256 * 1024)
    scripted.write = write
    release()
    await feeding
    expect((await writer.close()).sizeBytes).toBe(2_000_000)
  })
})

describe('a failing read', () => {
  test('has a code, a path and the reason, and is never taken for a missing object', async () => {
    for (const [call, use] of [
      ['open', 'read'],
      ['read', 'read'],
      ['fstat', 'read'],
      ['lstat', 'stat'],
      ['lstat', 'delete'],
    ] as const) {
      for (const [errno, code] of [
        ['EACCES', 'PERMISSION_DENIED'],
        ['EIO', 'STORAGE_UNAVAILABLE'],
      ] as const) {
        const { fs: scripted, storage } = await failing('mkdir', 'NEVER')
        await storage.create('log/1', bytes)
        scripted.faults = [{ call, errno, name: /^1$/ }]
        await expect(storage[use]('log/1')).rejects.toMatchObject({ code, facts: { path: 'log/1', errno } })
        expect(scripted.openFiles).toBe(0)
      }
    }
  })

  test('of a folder that may not be listed is PERMISSION_DENIED', async () => {
    const { fs: scripted, storage } = await failing('mkdir', 'NEVER')
    scripted.faults = [{ call: 'readdir', errno: 'EACCES' }]
    const listing = async (): Promise<void> => {
      for await (const _ of storage.list('log'));
    }
    await expect(listing()).rejects.toMatchObject({ code: 'PERMISSION_DENIED', facts: { path: 'log' } })
  })
})

test('a file where a folder is needed refuses writes and holds no objects', async () => {
  const root = temporaryFolder()
  fs.writeFileSync(path.join(root, 'file'), 'x')
  const storage = localStorage(root)
  for (const target of ['file/object', 'file/deep/object']) {
    await expect(storage.create(target, bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
    await expect(storage.put(target, bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await expect(storage.write(target)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect(await storage.read(target)).toBeUndefined()
  }
  const onFile = localStorage(path.join(root, 'file'))
  await expect(onFile.create('object', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
  expect(await onFile.read('object')).toBeUndefined()
  for await (const _ of onFile.list('')) throw new Error('nothing is listed')
  expect(fs.readFileSync(path.join(root, 'file'), 'utf8')).toBe('x')
})

test('a folder under the name of an object is in its way, and is left alone', async () => {
  const root = temporaryFolder()
  const storage = localStorage(root)
  await storage.create('name/inner', bytes)
  await expect(storage.create('name', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: false } })
  await expect(storage.put('name', bytes)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await expect(storage.write('name')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  expect(fs.readdirSync(root)).toEqual(['name'])
})

test.skipIf(process.platform === 'win32')(
  'files that reach the largest size the system allows are STORAGE_FULL, and nothing is left of them',
  async () => {
    const root = temporaryFolder()
    // 64 blocks of 512 or 1024 bytes, less than what is written; the system really stops the write in its middle.
    const { text, exit } = await outputOf(startChild('fill', root, '1000000', { shell: 'ulimit -f 64' }))
    expect(exit).toBe(0)
    expect(JSON.parse(text)).toEqual([
      ['create', ['STORAGE_FULL', 'EFBIG', false]],
      ['put', ['STORAGE_FULL', 'EFBIG', false]],
      ['write', ['STORAGE_FULL', 'EFBIG', null]],
      ['small', 'done'],
    ])
    expect(fs.readdirSync(path.join(root, 'log'))).toEqual(['small'])
    expect(fs.readdirSync(path.join(root, 'data'))).toEqual([])
  },
)

test.skipIf(process.platform === 'win32')('a folder without permission is PERMISSION_DENIED, and nothing is made in it', async () => {
  const root = temporaryFolder()
  fs.mkdirSync(path.join(root, 'log'))
  fs.mkdirSync(path.join(root, 'data'))
  for (const folder of [root, path.join(root, 'log'), path.join(root, 'data')]) fs.chmodSync(folder, 0o555)
  // The administrator may write anywhere, so the child is somebody else then.
  const { text, exit } = await outputOf(startChild('fill', root, '1000', process.getuid?.() === 0 ? { user: 65_534 } : {}))
  expect(exit).toBe(0)
  expect(JSON.parse(text)).toEqual([
    ['create', ['PERMISSION_DENIED', 'EACCES', false]],
    ['put', ['PERMISSION_DENIED', 'EACCES', false]],
    ['write', ['PERMISSION_DENIED', 'EACCES', null]],
    ['small', ['PERMISSION_DENIED', 'EACCES', false]],
  ])
  expect(fs.readdirSync(root, { recursive: true })).toHaveLength(2)
  for (const folder of [root, path.join(root, 'log'), path.join(root, 'data')]) fs.chmodSync(folder, 0o755)
})

test('options that are none are refused', () => {
  expect(() => localStorage('')).toThrow(TypeError)
  expect(() => localStorage('a\0b')).toThrow(TypeError)
  expect(() => localStorage(undefined as unknown as string)).toThrow(TypeError)
  expect(() => localStorage('/tmp/x', { durability: 'some' as 'full' })).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
})

/** Waits until a child has acknowledged so many objects. */
function linesFrom(child: ChildProcess, count: number): Promise<void> {
  let seen = 0
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: string) => {
      seen += chunk.split('\n').length - 1
      if (seen >= count) resolve()
    })
  })
}

test('processes killed while they create leave every acknowledged object whole, and no part of any other', async () => {
  const root = temporaryFolder()
  const acknowledged = new Map<string, [number, number]>()
  for (let round = 0; round < 4; round++) {
    const children = [0, 1, 2].map((worker) => startChild('create-until-killed', root, `${round}-${worker}`))
    const outputs = children.map(outputOf)
    await Promise.all(children.map((child) => linesFrom(child, 5 + round * 7)))
    for (const child of children) child.kill('SIGKILL')
    for (const { text } of await Promise.all(outputs)) {
      const lines = text.split('\n').slice(0, -1)
      for (const line of lines) {
        const [name, size, value] = line.split(' ') as [string, string, string]
        acknowledged.set(name, [Number(size), Number(value)])
      }
    }
  }
  expect(acknowledged.size).toBeGreaterThan(150)
  const storage = localStorage(root)
  const seen = new Set<string>()
  for await (const page of storage.list('objects')) {
    for (const { path: object } of page) {
      const name = object.slice('objects/'.length)
      const i = Number(name.split('-').at(-1))
      const content = (await storage.read(object)) as Uint8Array
      expect([content.length, content.every((byte) => byte === i % 251)]).toEqual([20_000 + i, true])
      seen.add(name)
    }
  }
  for (const name of acknowledged.keys()) expect(seen.has(name)).toBe(true)
}, 60_000)
