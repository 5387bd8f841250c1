// The contract of listings: complete, sorted by UTF-8 bytes, from a key on, in pages.
import { compareBytes } from '../bytes.js'
import type { Storage } from '../storage/storage.js'
import { check, checkEqual, checkRefused } from './check.js'
import { type ContractCase, type ContractOptions, during, listAll, listPaths, patternBytes, textBytes, writeObject } from './contract.js'

/** Cases about listings. */
export function listCases(options: ContractOptions): ContractCase[] {
  const count = options.listObjects ?? 2500
  return [
    { name: 'a missing folder and an empty store list nothing', run: listsNothing },
    { name: 'a listing has the objects directly in a folder, with their sizes and times', run: direct },
    { name: 'a folder is not mixed up with names that begin like it', run: lookAlikes },
    { name: 'a listing is sorted by UTF-8 bytes, also beyond the basic plane', run: sorted(options) },
    { name: 'a listing starts at a key, inclusive, whether or not the key exists', run: fromKey },
    { name: 'a recursive listing has everything below a folder, in one order', run: recursive },
    { name: 'a listing of many objects is complete, sorted and free of repeats', run: (storage) => many(storage, count) },
    { name: 'a listing has every object finished before it began, whatever is written meanwhile', run: whileWriting },
    { name: 'a listing can be left early and begun again', run: leftEarly },
    { name: 'a start outside the listed folder is refused', run: fromElsewhere },
  ]
}

async function listsNothing(storage: Storage): Promise<void> {
  checkEqual(await listPaths(storage, ''), [], 'an empty store')
  checkEqual(await listPaths(storage, 'missing'), [], 'a missing folder')
  checkEqual(await listPaths(storage, 'missing/deep', { recursive: true, from: 'missing/deep/x' }), [], 'a missing deep folder')
  await storage.put('object', textBytes('x'))
  checkEqual(await listPaths(storage, 'object'), [], 'an object is no folder')
}

async function direct(storage: Storage): Promise<void> {
  await storage.create('log/b', patternBytes(20, 1)).catch(() => storage.put('log/b', patternBytes(20, 1)))
  await storage.put('log/a', patternBytes(10, 1))
  await writeObject(storage, 'log/c', patternBytes(30, 1))
  await storage.put('log/inner/d', patternBytes(40, 1))
  await storage.put('elsewhere', patternBytes(50, 1))
  const objects = await listAll(storage, 'log')
  checkEqual(
    objects.map(({ path, sizeBytes }) => [path, sizeBytes]),
    [
      ['log/a', 10],
      ['log/b', 20],
      ['log/c', 30],
    ],
    'the objects of a folder',
  )
  for (const object of objects)
    checkEqual(object.modifiedMs, (await storage.stat(object.path))?.modifiedMs, 'list and stat agree on the time')
  checkEqual(await listPaths(storage, ''), ['elsewhere'], 'the objects of the root')
}

async function lookAlikes(storage: Storage): Promise<void> {
  for (const path of ['log', 'log-2/a', 'log.a', 'log0/a', 'lo/g', 'logs/a', 'the/log/a']) await storage.put(path, textBytes('x'))
  checkEqual(await listPaths(storage, 'lo'), ['lo/g'], 'a folder whose name others begin with')
  checkEqual(await listPaths(storage, 'log'), [], 'a folder that is none')
  checkEqual(await listPaths(storage, 'log', { recursive: true }), [], 'a folder that is none, recursively')
  checkEqual(await listPaths(storage, ''), ['log', 'log.a'], 'the root')
}

function sorted(options: ContractOptions): (storage: Storage) => Promise<void> {
  return async (storage) => {
    const all = [
      'a',
      'B',
      '_',
      '-',
      '0',
      '00',
      '9',
      'a.',
      'a-b',
      'a b',
      'aa',
      'é',
      'z',
      'ß',
      '中',
      '\u{e000}',
      '\u{ffee}',
      '\u{1f600}',
      '\u{10000}',
      'a\u{1f600}',
      'a\u{fb01}',
    ]
    const names = all.filter((name) => options.refusesName?.(name) !== true)
    for (const name of names) await storage.put(`folder/${name}`, textBytes(name))
    const expected = byBytes(names.map((name) => `folder/${name}`))
    checkEqual(await listPaths(storage, 'folder'), expected, 'the order of a listing')
    checkEqual(await listPaths(storage, 'folder', { recursive: true }), expected, 'the order of a recursive listing')
    for (const from of expected) {
      checkEqual(await listPaths(storage, 'folder', { from }), expected.slice(expected.indexOf(from)), `the listing from '${from}'`)
    }
  }
}

async function fromKey(storage: Storage): Promise<void> {
  const version = (n: number): string => `_delta_log/${String(n).padStart(20, '0')}.json`
  for (const n of [0, 1, 2, 5, 10, 11]) await storage.put(version(n), textBytes('x'))
  await storage.put('_delta_log/_last_checkpoint', textBytes('x'))
  const after = (n: number): string[] => [...[0, 1, 2, 5, 10, 11].filter((each) => each >= n).map(version), '_delta_log/_last_checkpoint']
  for (const n of [0, 1, 2, 3, 5, 6, 10, 11, 12]) {
    checkEqual(await listPaths(storage, '_delta_log', { from: version(n) }), after(n), `the listing from version ${n}`)
  }
  checkEqual(await listPaths(storage, '_delta_log', { from: '_delta_log/a' }), [], 'a listing from beyond the last object')
  checkEqual(await listPaths(storage, '_delta_log', { from: '_delta_log/!' }), after(0), 'a listing from before the first object')
}

async function recursive(storage: Storage): Promise<void> {
  // '-' and '.' sort before '/', '0' after it: a folder's objects stand between its look-alikes.
  const paths = ['t/a', 't/a-b', 't/a.x/y', 't/a0', 't/b/1', 't/b/c/2', 't/b/c/3', 't/b/c-d/4', 't/b-c', 't/b0/5', 't/z']
  for (const path of [...paths, 'u/other', 't-2']) await storage.put(path, textBytes(path))
  const expected = byBytes(paths)
  checkEqual(await listPaths(storage, 't', { recursive: true }), expected, 'everything below a folder')
  checkEqual(await listPaths(storage, '', { recursive: true }), byBytes([...paths, 'u/other', 't-2']), 'everything below the root')
  for (const from of [...expected, 't/b/', 't/b/c', 't/b/c/9', 't/b~'].filter((each) => !each.endsWith('/'))) {
    const rest = expected.filter((path) => compareBytes(textBytes(path), textBytes(from)) >= 0)
    checkEqual(await listPaths(storage, 't', { recursive: true, from }), rest, `everything from '${from}' on`)
  }
  checkEqual(
    await listPaths(storage, 't'),
    byBytes(paths.filter((path) => !path.slice(2).includes('/'))),
    'only the objects directly in it',
  )
}

async function many(storage: Storage, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `many/${String((i * 7919) % count).padStart(7, '0')}`)
  for (let at = 0; at < count; at += 50) await Promise.all(names.slice(at, at + 50).map((name) => storage.put(name, textBytes(name))))
  const expected = [...names].sort()
  checkEqual(await listPaths(storage, 'many'), expected, `a listing of ${count} objects`)
  checkEqual(await listPaths(storage, 'many', { recursive: true }), expected, `a recursive listing of ${count} objects`)
  const from = expected[count >>> 1] as string
  checkEqual(await listPaths(storage, 'many', { from }), expected.slice(count >>> 1), 'the second half of it')
}

async function whileWriting(storage: Storage): Promise<void> {
  const before = Array.from({ length: 300 }, (_, i) => `busy/${String(i * 10).padStart(6, '0')}`)
  for (let at = 0; at < before.length; at += 50)
    await Promise.all(before.slice(at, at + 50).map((path) => storage.put(path, textBytes(path))))
  const writing = async (round: number): Promise<void> => {
    const path = `busy/${String((round * 13) % 3000).padStart(6, '0')}-late`
    await storage.put(path, textBytes(path))
    if (round % 3 === 0) await storage.delete(path)
  }
  const listing = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      const seen = await listPaths(storage, 'busy')
      checkEqual(seen, byBytes([...new Set(seen)]), 'a listing during writes is sorted and free of repeats')
      checkEqual(
        seen.filter((path) => !path.endsWith('-late')),
        before,
        'a listing during writes has all that was there before',
      )
    }
  }
  await during(listing, writing)
  await storage.put('busy/last', textBytes('x'))
  check((await listPaths(storage, 'busy')).includes('busy/last'), 'a listing has an object whose put has just resolved')
}

async function leftEarly(storage: Storage): Promise<void> {
  for (let i = 0; i < 20; i++) await storage.put(`folder/${i}`, textBytes('x'))
  for await (const page of storage.list('folder')) {
    check(page.length > 0, 'a first page has objects')
    break
  }
  checkEqual((await listPaths(storage, 'folder')).length, 20, 'a listing begun after one left early')
}

async function fromElsewhere(storage: Storage): Promise<void> {
  await storage.put('folder/a', textBytes('x'))
  for (const from of ['a', 'folder', 'folder2/a', 'elsewhere/a']) {
    await checkRefused(() => listPaths(storage, 'folder', { from }), ['INVALID_OPTIONS'], `a listing of 'folder' from '${from}'`)
  }
}

function byBytes(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => compareBytes(textBytes(a), textBytes(b)))
}
