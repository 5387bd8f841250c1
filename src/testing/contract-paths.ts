// The contract of paths: hostile ones are refused by every call, awkward ones come back as they are; and of signals.
import type { Storage } from '../storage/storage.js'
import { check, checkBytesEqual, checkEqual, checkMisuse, checkRefused } from './check.js'
import { type ContractCase, type ContractOptions, listPaths, textBytes, writeObject } from './contract.js'

/** Paths that name nothing inside a root. Every call of every store refuses them with `PATH_OUTSIDE_TABLE`. */
export const HOSTILE_PATHS: readonly string[] = [
  '',
  '.',
  '..',
  '/',
  '//',
  '/etc/passwd',
  '../secret',
  '../../secret',
  'a/..',
  'a/../..',
  'a/../../secret',
  'a/../b',
  './a',
  'a/.',
  'a/./b',
  'a//b',
  '//a',
  'a/',
  'a/b/',
  '..\\secret',
  'a\\b',
  'C:\\secret',
  '\\\\server\\share',
  'a\0b',
  '\0',
  'a/b\0.json',
  'a\ud800b',
  '\udc00',
]

/** Names that are odd but real: a store holds them as they are, or refuses them as declared. */
export const AWKWARD_NAMES: readonly string[] = [
  'with space',
  ' leading and trailing ',
  '%41',
  '%2e%2e',
  '%2F',
  '%',
  '%25',
  '{x}',
  '[x]*?',
  'a+b',
  'a=b',
  'a&b;c',
  '#fragment',
  '?query=1',
  "it's",
  '"quoted"',
  '<xml>&amp;',
  'a:b',
  's3:',
  '~',
  '$HOME',
  '`x`',
  '|',
  '...',
  '..a',
  'a..',
  '.hidden',
  '-dash',
  '@at',
  'tab\there',
  'line\nbreak',
  'é',
  'Ünïcödé',
  '日本語',
  'עברית',
  '\u{1f600}',
  '\u{10ffff}',
  '\u{feff}bom',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'CON',
  `long-${'x'.repeat(180)}`,
  'a.json.tmp',
  '.a.json.crc',
]

/** Cases about paths and signals. */
export function pathCases(options: ContractOptions): ContractCase[] {
  return [
    { name: 'a path that leads out of the root, or is no path, is refused by every call', run: (storage) => hostile(storage, options) },
    { name: 'a path that is no text is a TypeError', run: notText },
    { name: 'an awkward name comes back as it is, as an object and as a folder', run: (storage) => awkward(storage, options) },
    { name: 'names that differ only in escapes or case of escapes are different objects', run: (storage) => notDecoded(storage, options) },
    { name: 'a signal that fired before stops every call with ABORTED, and nothing is changed', run: (storage) => fired(storage, options) },
  ]
}

/** Every call that takes an object's path. */
function callsOn(storage: Storage, path: string, signal?: AbortSignal): [string, () => Promise<unknown>][] {
  const bytes = textBytes('x')
  const options = signal === undefined ? undefined : { signal }
  const { stage } = storage
  return [
    ['read', () => storage.read(path, options)],
    ['readRange', () => storage.readRange(path, 0, 1, options)],
    ['stat', () => storage.stat(path, options)],
    ['create', () => storage.create(path, bytes, options)],
    ['put', () => storage.put(path, bytes, options)],
    ['write', () => storage.write(path, options)],
    ['delete', () => storage.delete(path, options)],
    ...(stage === undefined ? [] : [['stage', () => stage.call(storage, path, bytes, options)] as [string, () => Promise<unknown>]]),
  ]
}

async function hostile(storage: Storage, options: ContractOptions): Promise<void> {
  await storage.put('a/b', textBytes('inside'))
  for (const path of HOSTILE_PATHS) {
    for (const [name, call] of callsOn(storage, path)) {
      const codes =
        name === 'create' && !options.capabilities.exclusiveCreate
          ? (['PATH_OUTSIDE_TABLE', 'STORAGE_UNSAFE', 'INVALID_OPTIONS'] as const)
          : (['PATH_OUTSIDE_TABLE'] as const)
      const error = await checkRefused(call, codes, `${name} of ${JSON.stringify(path)}`)
      if (name === 'create') checkEqual(error.facts.applied, false, `create of ${JSON.stringify(path)} says that nothing was put in place`)
    }
    if (path !== '') await checkRefused(() => listPaths(storage, path), ['PATH_OUTSIDE_TABLE'], `list of ${JSON.stringify(path)}`)
    await checkRefused(() => listPaths(storage, '', { from: path }), ['PATH_OUTSIDE_TABLE'], `list from ${JSON.stringify(path)}`)
  }
  checkEqual(await listPaths(storage, '', { recursive: true }), ['a/b'], 'refused calls change nothing')
}

async function notText(storage: Storage): Promise<void> {
  for (const value of [undefined, null, 5, {}, ['a']]) {
    for (const [name, call] of callsOn(storage, value as unknown as string))
      await checkMisuse(call, TypeError, `${name} of ${String(value)}`)
  }
}

async function awkward(storage: Storage, options: ContractOptions): Promise<void> {
  const held: string[] = []
  for (const name of AWKWARD_NAMES) {
    if (options.refusesName?.(name) === true) {
      await checkRefused(() => storage.put(`names/${name}`, textBytes(name)), ['PATH_OUTSIDE_TABLE', 'INVALID_OPTIONS'], `put of '${name}'`)
      continue
    }
    held.push(name)
    await storage.put(`names/${name}`, textBytes(name))
    await writeObject(storage, `in/${name}/${name}`, textBytes(`in ${name}`))
  }
  for (const name of held) {
    checkBytesEqual(await storage.read(`names/${name}`), textBytes(name), `the object '${name}'`)
    checkEqual((await storage.stat(`names/${name}`))?.path, `names/${name}`, `the path of '${name}'`)
    checkEqual(await listPaths(storage, `in/${name}`), [`in/${name}/${name}`], `the folder '${name}'`)
    checkBytesEqual(await storage.readRange(`in/${name}/${name}`, 0, 2), textBytes('in'), `a range of '${name}' in '${name}'`)
  }
  const seen = await listPaths(storage, 'names')
  checkEqual([...seen].sort(), held.map((name) => `names/${name}`).sort(), 'the listing of awkward names')
  for (const name of held) await storage.delete(`names/${name}`)
  checkEqual(await listPaths(storage, 'names'), [], 'awkward names can be deleted')
}

async function notDecoded(storage: Storage, options: ContractOptions): Promise<void> {
  const names = ['A', '%41', '%2541', 'a b', 'a%20b', 'a+b', 'x%2fy', 'x%2Fy', 'x/y', '%2e%2e/up'].filter(
    (name) => options.refusesName?.(name) !== true,
  )
  for (const name of names) await storage.put(`n/${name}`, textBytes(name))
  for (const name of names) checkBytesEqual(await storage.read(`n/${name}`), textBytes(name), `the object '${name}'`)
  await storage.delete('n/%41')
  check((await storage.stat('n/A')) !== undefined, "deleting '%41' leaves 'A'")
  checkEqual((await listPaths(storage, '', { recursive: true })).length, names.length - 1, 'each name is an object of its own')
}

async function fired(storage: Storage, options: ContractOptions): Promise<void> {
  await storage.put('there', textBytes('kept'))
  const signal = AbortSignal.abort(new Error('the reason'))
  for (const path of ['there', 'fresh']) {
    for (const [name, call] of callsOn(storage, path, signal)) {
      if (name === 'create' && !options.capabilities.exclusiveCreate) continue
      const error = await checkRefused(call, ['ABORTED'], `${name} of '${path}' with a signal that fired`)
      checkEqual(error.cause === signal.reason, true, `${name}: the error's cause is the signal's reason`)
      if (name === 'create') checkEqual(error.facts.applied, false, 'a create that never began says applied: false')
    }
  }
  const listing = async (): Promise<void> => {
    for await (const _ of storage.list('', { signal })) check(false, 'no page is given out')
  }
  await checkRefused(listing, ['ABORTED'], 'list with a signal that fired')
  checkEqual(await listPaths(storage, ''), ['there'], 'aborted calls make nothing')
  checkBytesEqual(await storage.read('there'), textBytes('kept'), 'aborted calls change nothing')
}
