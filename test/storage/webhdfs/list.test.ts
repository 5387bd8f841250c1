// Listings: a namenode's order is not ours, its pages are, and other servers do otherwise.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { webhdfsStorage } from '../../../src/storage/webhdfs/index.js'
import { compareSigned } from '../../../src/storage/webhdfs/list.js'
import { json, ScriptedHdfs, says } from './scripted-hdfs.js'

async function paths(hdfs: ScriptedHdfs, folder: string, options: { from?: string; recursive?: boolean } = {}): Promise<string[]> {
  const found: string[] = []
  for await (const page of webhdfsStorage(hdfs.url, { user: 'tester', retryMs: 500 }).list(folder, options))
    found.push(...page.map(({ path }) => path))
  return found
}

const byBytes = (names: readonly string[]): string[] => [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

test('names are ordered as a namenode orders them, by signed bytes: seen on Hadoop 3.4.2', () => {
  const seen = ['é', '中', '\u{e000}', '\u{1f600}', 'B', '_', 'a', 'aé', 'aa', 'b', 'z', '~']
  expect([...seen].reverse().sort(compareSigned)).toEqual(seen)
})

test('whatever the names, folders and pages, a listing is that of the bytes, from every key on', async () => {
  // Few letters, so that names share beginnings; some beyond ASCII and beyond the basic plane; '-' and '0' beside '/'.
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '-', '0', '~', 'é', '\u{e000}', '\u{1f600}'), minLength: 1, maxLength: 4 })
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(path, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(),
      async (all, pageObjects, pick) => {
        // A name is an object or a folder, never both.
        const objects = all.filter((each) => !all.some((other) => other.startsWith(`${each}/`)))
        const hdfs = await ScriptedHdfs.start()
        hdfs.pageObjects = pageObjects
        for (const each of objects) hdfs.put(`/t/f/${each}`, 'x')
        const sorted = byBytes(objects.map((each) => `f/${each}`))
        expect(await paths(hdfs, 'f', { recursive: true })).toEqual(sorted)
        expect(await paths(hdfs, 'f')).toEqual(sorted.filter((each) => !each.slice(2).includes('/')))
        const from = `f/${all[pick % all.length]}`
        const beyond = (each: string): boolean => Buffer.compare(Buffer.from(each), Buffer.from(from)) >= 0
        expect(await paths(hdfs, 'f', { recursive: true, from })).toEqual(sorted.filter(beyond))
        expect(await paths(hdfs, 'f', { from })).toEqual(sorted.filter((each) => beyond(each) && !each.slice(2).includes('/')))
        await hdfs.stop()
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)

describe('a log', () => {
  const version = (n: number): string => `_delta_log/${String(n).padStart(20, '0')}.json`

  test('is listed from a version on in one request, however long it is', async () => {
    const hdfs = await ScriptedHdfs.start()
    for (let n = 0; n < 2500; n++) hdfs.put(`/t/${version(n)}`, 'x')
    expect(await paths(hdfs, '_delta_log', { from: version(2490) })).toEqual(Array.from({ length: 10 }, (_, n) => version(2490 + n)))
    expect(hdfs.ops()).toEqual(['LISTSTATUS_BATCH'])
    expect(hdfs.seen[0]?.query.get('startAfter')).toBe(version(2490).slice('_delta_log/'.length, -1))
  })

  test('over HttpFS, which ignores startAfter, has each name once', async () => {
    const hdfs = await ScriptedHdfs.start('httpfs')
    for (let n = 0; n < 30; n++) hdfs.put(`/t/${version(n)}`, 'x')
    expect(await paths(hdfs, '_delta_log', { from: version(25) })).toEqual(Array.from({ length: 5 }, (_, n) => version(25 + n)))
  })

  test('of a server that sends the same page again and again ends', async () => {
    const hdfs = await ScriptedHdfs.start()
    hdfs.next(
      'LISTSTATUS_BATCH',
      (_, response) => {
        const FileStatus = ['a', 'b'].map((pathSuffix) => ({ pathSuffix, type: 'FILE', length: 1, modificationTime: 1 }))
        json(response, 200, { DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries: 5 } })
      },
      { times: 99 },
    )
    expect(await paths(hdfs, 'f')).toEqual(['f/a', 'f/b'])
    expect(hdfs.seen).toHaveLength(2)
  })
})

test('a server before Hadoop 2.8 lists all at once', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('LISTSTATUS_BATCH', says(400, 'IllegalArgumentException', 'Invalid value for webhdfs parameter "op"'))
  hdfs.next('LISTSTATUS', (_, response) =>
    json(response, 200, { FileStatuses: { FileStatus: [{ pathSuffix: 'a', type: 'FILE', length: 1, modificationTime: 7 }] } }),
  )
  expect(await paths(hdfs, 'f')).toEqual(['f/a'])
})

test('temporaries and names that lead elsewhere are not listed', async () => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.put('/t/f/.00000000000000000001.json.6a9b3f60-1111-4222-8333-123456789abc.tmp', 'x')
  hdfs.put('/t/f/a', 'x')
  expect(await paths(hdfs, 'f')).toEqual(['f/a'])
  hdfs.next('LISTSTATUS_BATCH', (_, response) => {
    const FileStatus = ['..', '../../etc/passwd', 'a/b', 'ok', 'x\\y', ''].map((pathSuffix) => ({
      pathSuffix,
      type: 'FILE',
      length: 1,
      modificationTime: 1,
    }))
    json(response, 200, { DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries: 0 } })
  })
  expect(await paths(hdfs, 'f')).toEqual(['f/ok'])
})

test.each([
  [{ FileStatuses: {} }],
  [{ DirectoryListing: { partialListing: { FileStatuses: { FileStatus: 'many' } }, remainingEntries: 0 } }],
  [
    {
      DirectoryListing: {
        partialListing: { FileStatuses: { FileStatus: [{ pathSuffix: 'a', type: 'FILE', length: -1, modificationTime: 1 }] } },
        remainingEntries: 0,
      },
    },
  ],
  [
    {
      DirectoryListing: {
        partialListing: { FileStatuses: { FileStatus: [{ pathSuffix: 'a', type: 'FILE', length: 1e300, modificationTime: 1 }] } },
        remainingEntries: 0,
      },
    },
  ],
  [[]],
])('a listing that makes no sense (%j) is refused, never empty', async (answer) => {
  const hdfs = await ScriptedHdfs.start()
  hdfs.next('LISTSTATUS_BATCH', (_, response) => json(response, 200, answer), { times: 99 })
  await expect(paths(hdfs, 'f')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
})
