// The contract suite judged: against a store that breaks one promise, some case must fail. A suite that passes them is worth nothing.
import { expect, test } from 'vitest'
import { memoryStorage } from '../../src/storage/memory.js'
import type { CallOptions, ObjectInfo, Storage } from '../../src/storage/storage.js'
import { storageContract } from '../../src/testing/index.js'

type Listing = CallOptions & { readonly from?: string; readonly recursive?: boolean }

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A memory store with some calls replaced. */
function with_(change: (inner: Storage) => Partial<Storage>): () => Storage {
  return () => {
    const inner = memoryStorage({ pageObjects: 100 })
    const plain: Storage = {
      location: inner.location,
      capabilities: inner.capabilities,
      read: (...args) => inner.read(...args),
      readRange: (...args) => inner.readRange(...args),
      stat: (...args) => inner.stat(...args),
      list: (...args) => inner.list(...args),
      create: (...args) => inner.create(...args),
      put: (...args) => inner.put(...args),
      write: (...args) => inner.write(...args),
      delete: (...args) => inner.delete(...args),
    }
    return Object.assign(plain, change(inner))
  }
}

async function all(pages: AsyncIterable<readonly ObjectInfo[]>): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = []
  for await (const page of pages) objects.push(...page)
  return objects
}

/** Changes what a listing gives out. */
function listing(change: (objects: ObjectInfo[], folder: string, options: Listing) => ObjectInfo[]): () => Storage {
  return with_((inner) => ({
    async *list(folder: string, options: Listing = {}) {
      const objects = change(await all(inner.list(folder, options)), folder, options)
      if (objects.length > 0) yield objects
    },
  }))
}

const BROKEN: Record<string, () => Storage> = {
  'create looks first and puts then': with_((inner) => ({
    async create(path, bytes, options) {
      const there = await inner.stat(path, options)
      await turn()
      if (there !== undefined) return 'exists'
      await inner.put(path, bytes, options)
      return 'created'
    },
  })),
  'create overwrites': with_((inner) => ({
    async create(path, bytes, options) {
      await inner.put(path, bytes, options)
      return 'created'
    },
  })),
  'create says exists for its own object': with_((inner) => ({
    async create(path, bytes, options) {
      await inner.create(path, bytes, options)
      return 'exists'
    },
  })),
  'create shows a part first': with_((inner) => ({
    async create(path, bytes, options) {
      if ((await inner.create(path, bytes.subarray(0, bytes.length >> 1), options)) === 'exists') return 'exists'
      await turn()
      await inner.put(path, bytes)
      return 'created'
    },
  })),
  'create answers before the object is there': with_((inner) => ({
    async create(path, bytes, options) {
      if ((await inner.stat(path, options)) !== undefined) return 'exists'
      const copy = bytes.slice()
      setImmediate(() => inner.create(path, copy).catch(() => {}))
      return 'created'
    },
  })),
  'create keeps the caller’s array': with_((inner) => {
    const kept = new Map<string, Uint8Array>()
    return {
      create: async (path, bytes, options) => {
        const outcome = await inner.create(path, bytes, options)
        if (outcome === 'created') kept.set(path, bytes)
        return outcome
      },
      read: async (path, options) =>
        (await inner.stat(path, options)) === undefined ? undefined : (kept.get(path) ?? inner.read(path, options)),
    }
  }),
  'an aborted create lands later': with_((inner) => ({
    async create(path, bytes, options) {
      const copy = bytes.slice()
      await turn()
      if (options?.signal?.aborted) await inner.create(path, copy)
      return inner.create(path, bytes, options)
    },
  })),
  'put is not whole': with_((inner) => ({
    async put(path, bytes, options) {
      await inner.put(path, bytes.subarray(0, bytes.length >> 1), options)
      await turn()
      await inner.put(path, bytes, options)
    },
  })),
  'put leaves the tail of the old object': with_((inner) => ({
    async put(path, bytes, options) {
      const old = (await inner.read(path, options)) ?? new Uint8Array(0)
      const mixed = new Uint8Array(Math.max(old.length, bytes.length))
      mixed.set(old)
      mixed.set(bytes)
      await inner.put(path, mixed, options)
    },
  })),
  'read throws for a missing object': with_((inner) => ({
    async read(path, options) {
      const bytes = await inner.read(path, options)
      if (bytes === undefined) throw new Error('no such object')
      return bytes
    },
  })),
  'read of a missing object is empty': with_((inner) => ({
    read: async (path, options) => (await inner.read(path, options)) ?? new Uint8Array(0),
  })),
  'readRange takes an end for a length': with_((inner) => ({
    readRange: (path, offset, length, options) => inner.readRange(path, offset, Math.max(0, length - offset), options),
  })),
  'readRange takes any numbers': with_((inner) => ({
    readRange: async (path, offset, length, options) => (await inner.read(path, options))?.slice(offset, offset + length),
  })),
  'delete of a missing object throws': with_((inner) => ({
    async delete(path, options) {
      if ((await inner.stat(path, options)) === undefined) throw new Error('no such object')
      await inner.delete(path, options)
    },
  })),
  'delete of a folder’s name deletes what is in it': with_((inner) => ({
    async delete(path, options) {
      await inner.delete(path, options)
      for (const object of await all(inner.list(path, { recursive: true }))) await inner.delete(object.path)
    },
  })),
  'escapes in paths are decoded': with_((inner) => {
    const decode = (path: string): string => {
      try {
        return decodeURIComponent(path)
      } catch {
        return path
      }
    }
    return {
      put: (path, bytes, options) => inner.put(decode(path), bytes, options),
      read: (path, options) => inner.read(decode(path), options),
      stat: (path, options) => inner.stat(decode(path), options),
    }
  }),
  'paths are not checked': with_((inner) => ({
    stat: async (path, options) => (path.includes('..') ? undefined : inner.stat(path, options)),
  })),
  'signals are ignored': with_((inner) => ({ read: (path) => inner.read(path) })),
  'a listing ignores its signal': with_((inner) => ({
    list: (folder: string, options: Listing = {}) => inner.list(folder, { ...options, signal: undefined }),
  })),
  'a listing is sorted by UTF-16 units': listing((objects) => objects.sort((a, b) => (a.path < b.path ? -1 : 1))),
  'a listing is sorted without regard to case': listing((objects) =>
    objects.sort((a, b) => (a.path.toLowerCase() < b.path.toLowerCase() ? -1 : 1)),
  ),
  'a listing leaves out its start': listing((objects, _, { from }) => objects.filter((object) => object.path !== from)),
  'a listing ignores its start': with_((inner) => ({
    list: (folder: string, options: Listing = {}) => inner.list(folder, { signal: options.signal, recursive: options.recursive === true }),
  })),
  'a listing ends after a thousand': listing((objects) => objects.slice(0, 1000)),
  'a listing repeats the object at a page’s edge': listing((objects) =>
    objects.length > 1000 ? [...objects.slice(0, 1001), ...objects.slice(1000)] : objects,
  ),
  'a listing is always recursive': with_((inner) => ({
    list: (folder: string, options: Listing = {}) => inner.list(folder, { ...options, recursive: true }),
  })),
  'a listing is never recursive': with_((inner) => ({
    list: (folder: string, options: Listing = {}) => inner.list(folder, { ...options, recursive: false }),
  })),
  'a recursive listing sorts folder by folder': listing((objects) =>
    objects.sort((a, b) => {
      const [x, y] = [a.path.split('/'), b.path.split('/')]
      for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return (x[i] as string) < (y[i] as string) ? -1 : 1
      return x.length - y.length
    }),
  ),
  'a listing takes a folder for a prefix': with_((inner) => ({
    async *list(folder: string, options: Listing = {}) {
      const objects = (await all(inner.list('', { recursive: true, signal: options.signal }))).filter((object) =>
        object.path.startsWith(folder),
      )
      const kept = objects.filter(
        ({ path }) =>
          (options.from === undefined || path >= options.from) && (options.recursive || !path.slice(folder.length + 1).includes('/')),
      )
      if (kept.length > 0) yield kept
    },
  })),
  'a listing gives wrong sizes': listing((objects) => objects.map((object) => ({ ...object, sizeBytes: 0 }))),
  'a listing lags behind': with_((inner) => {
    let seen: ObjectInfo[] = []
    return {
      async *list(folder: string, options: Listing = {}) {
        const now = await all(inner.list(folder, options))
        const old = seen.filter((object) => now.some((each) => each.path === object.path))
        seen = now
        if (old.length > 0) yield old
      },
    }
  }),
  'a writer keeps chunks instead of copying them': with_((inner) => ({
    async write(path, options) {
      const writer = await inner.write(path, options)
      const chunks: Uint8Array[] = []
      return {
        write: async (chunk) => {
          chunks.push(chunk)
        },
        close: async () => {
          for (const chunk of chunks) await writer.write(chunk)
          return writer.close()
        },
        abort: () => writer.abort(),
      }
    },
  })),
  'a writer leaves what was written when aborted': with_((inner) => ({
    async write(path, options) {
      const writer = await inner.write(path, options)
      return {
        write: (chunk) => writer.write(chunk),
        close: () => writer.close(),
        abort: async () => void (await writer.close().catch(() => {})),
      }
    },
  })),
  'a writer overwrites': with_((inner) => ({
    async write(path, options) {
      const writer = await inner.write(`${path}.part`, options)
      return {
        write: (chunk) => writer.write(chunk),
        close: async () => {
          const closed = await writer.close()
          await inner.put(path, (await inner.read(`${path}.part`)) as Uint8Array)
          await inner.delete(`${path}.part`)
          return closed
        },
        abort: () => writer.abort(),
      }
    },
  })),
  'a modification time is in seconds and fractions': with_((inner) => ({
    async stat(path, options) {
      const info = await inner.stat(path, options)
      return info && { ...info, modifiedMs: info.modifiedMs / 1000 + 0.0001 }
    },
  })),
  'capabilities are not those declared': with_(() => ({ capabilities: { exclusiveCreate: true, durable: true } })),
  'stage is there though not declared': with_(() => ({ stage: async () => ({ place: async () => 'created', discard: async () => {} }) })),
  'create works where exclusive creates were denied': with_(() => ({})),
}

for (const [fault, open] of Object.entries(BROKEN)) {
  test(`the suite notices that ${fault}`, async () => {
    const exclusiveCreate = fault !== 'create works where exclusive creates were denied'
    const failed: string[] = []
    for (const { name, run } of storageContract({
      capabilities: { exclusiveCreate, durable: false },
      listObjects: 1200,
      bigObjectBytes: 50_000,
    })) {
      await run(open()).catch(() => failed.push(name))
    }
    expect(failed).not.toEqual([])
    expect(failed.length).toBeLessThan(20)
  })
}

test('the suite is content with the plain store', async () => {
  for (const { run } of storageContract({
    capabilities: { exclusiveCreate: true, durable: false },
    listObjects: 1200,
    bigObjectBytes: 50_000,
  })) {
    await run(with_(() => ({}))())
  }
})

test('the names of the cases are unique', () => {
  const names = storageContract({ capabilities: { exclusiveCreate: true, durable: true }, stages: true }).map((each) => each.name)
  expect(new Set(names).size).toBe(names.length)
})
