// Patterns of tables: `*` is any part of a folder's name, `**` any folders. Rule: only folders that hold a `_delta_log` are found,
// nothing inside of a table is looked at, and hidden folders are passed over.
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { throwIfAborted } from '../../errors.js'
import { LOG_FOLDER } from '../../log/index.js'
import { openStorage, schemeOf } from '../../storage/open.js'
import type { Storage } from '../../storage/storage.js'

/** Whether a path or URL is a pattern. */
export function isPattern(url: string): boolean {
  return url.includes('*')
}

/** The tables that a pattern stands for, sorted. @throws AlluviumError storage errors */
export async function findTables(pattern: string, storage: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string[]> {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => part.includes('*'))
  const base = parts.slice(0, first).join('/')
  const folders = await foldersBelow(base === '' ? '/' : base, storage, signal)
  const found = new Set<string>()
  await walk(folders, '', parts.slice(first), found, signal)
  return [...found].sort().map((path) => `${base}/${path}`)
}

/** Names of the folders directly inside one; '' is the base. */
interface Folders {
  inside(path: string): Promise<string[]>
  isTable(path: string): Promise<boolean>
}

async function walk(folders: Folders, path: string, parts: readonly string[], found: Set<string>, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal, 'looking for tables')
  const [part, ...rest] = parts
  if (path !== '' && (await folders.isTable(path))) {
    if (part === undefined || parts.every((each) => each === '**')) found.add(path)
    return
  }
  if (part === undefined) return
  if (part === '**') await walk(folders, path, rest, found, signal)
  const matcher = part === '**' ? /^[^._]/ : matcherOf(part)
  for (const name of await folders.inside(path)) {
    if (!matcher.test(name)) continue
    await walk(folders, path === '' ? name : `${path}/${name}`, part === '**' ? parts : rest, found, signal)
  }
}

// As shells have it, a star does not stand for a leading dot; nor for an underscore, by which tables hide what is not data.
function matcherOf(part: string): RegExp {
  const text = part
    .split('*')
    .map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*')
  return new RegExp(part.startsWith('*') ? `^(?![._])${text}$` : `^${text}$`, 's')
}

async function foldersBelow(base: string, options: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Folders> {
  const scheme = schemeOf(base)
  if (scheme === undefined) return localFolders(base)
  if (scheme === 'file') return localFolders(fileURLToPath(base))
  return storeFolders(await openStorage(base, options), signal)
}

function localFolders(base: string): Folders {
  const inside = async (path: string): Promise<string[]> => {
    try {
      const entries = await readdir(`${base}/${path}`, { withFileTypes: true })
      return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }
  return { inside, isTable: async (path) => (await inside(path)).includes(LOG_FOLDER) }
}

// A store lists objects, not folders: the first object of a folder tells of it, and the next look begins behind the folder.
function storeFolders(storage: Storage, signal: AbortSignal): Folders {
  const firstFrom = async (path: string, from: string | undefined): Promise<string | undefined> => {
    for await (const page of storage.list(path, { recursive: true, signal, ...(from === undefined ? {} : { from }) })) return page[0]?.path
    return undefined
  }
  return {
    inside: async (path) => {
      const prefix = path === '' ? '' : `${path}/`
      const names: string[] = []
      let from: string | undefined
      for (;;) {
        throwIfAborted(signal, 'looking for tables')
        const found = await firstFrom(path, from)
        if (found === undefined) return names
        const [name, ...rest] = found.slice(prefix.length).split('/')
        if (rest.length > 0) names.push(name as string)
        // '0' follows '/': behind everything in the folder. An object that lies here is passed by itself.
        from = rest.length > 0 ? `${prefix}${name}0` : `${found}!`
      }
    },
    isTable: async (path) => (await firstFrom(`${path}/${LOG_FOLDER}`, undefined)) !== undefined,
  }
}
