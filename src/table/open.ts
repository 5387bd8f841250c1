// The one place where a plain path becomes a store. Everything below takes the store.
import { AlluviumError } from '../errors.js'
import { localStorage } from '../storage/local.js'
import type { Storage } from '../storage/storage.js'
import { withAllowedRoots } from './allowed-paths.js'
import { type CreateOptions, createTableOn, type OpenOptions, openTableOn } from './create.js'
import type { Table } from './table.js'

/**
 * Makes a table at a path, a `file:` URL, or on a store of your own.
 *
 * @example
 * const events = await createTable('./events', {
 *   schema: schema({ id: long().notNull(), player: string(), at: timestamp(), score: double() }),
 *   partitionBy: ['player'],
 * })
 * @throws AlluviumError `ALREADY_EXISTS`, `SCHEMA_MISMATCH`, `INVALID_OPTIONS`, `STORAGE_UNSAFE`, `PERMISSION_DENIED`.
 */
export async function createTable<Row, Input>(target: string | Storage, options: CreateOptions<Row, Input>): Promise<Table<Row, Input>> {
  return createTableOn(storageFor(target), options)
}

/**
 * Opens the table at a path, a `file:` URL, or on a store of your own. With `schema`, rows are typed and the table
 * must have exactly these columns.
 *
 * @example
 * const events = await openTable('./events')
 * const asOf = await (await openTable('./events', { version: 3 })).snapshot({ version: 3 }) // whatever has become of the latest
 * const clone = await openTable('./clone', { allowedPaths: ['./events'] }) // a shallow clone names files of its source
 * @throws AlluviumError `NOT_A_TABLE`, `VERSION_NOT_FOUND`, `CORRUPT_LOG`, `UNSUPPORTED_FEATURE`, `SCHEMA_MISMATCH`, `PERMISSION_DENIED`.
 */
export async function openTable<Row = Record<string, unknown>, Input = Record<string, unknown>>(
  target: string | Storage,
  options: OpenOptions<Row, Input> = {},
): Promise<Table<Row, Input>> {
  const roots = (options.allowedPaths ?? []).map(storageFor)
  return openTableOn(withAllowedRoots(storageFor(target), roots), options)
}

/** The store behind a path or URL. Stores of other schemes are opened by their own sub-path and handed in. */
export function storageFor(target: string | Storage): Storage {
  if (typeof target !== 'string') return target
  if (target === '') throw new AlluviumError('INVALID_OPTIONS', 'the table path is empty')
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(target)?.[1]?.toLowerCase()
  if (scheme === undefined) return localStorage(target)
  if (scheme === 'file') return localStorage(pathOfFileUrl(target))
  throw new AlluviumError(
    'INVALID_OPTIONS',
    `cannot open ${scheme}:// tables: this build stores tables on local disk only (a path or a file:// URL)`,
    { scheme },
  )
}

function pathOfFileUrl(url: string): string {
  const parsed = new URL(url)
  if (parsed.host !== '' && parsed.host !== 'localhost') {
    throw new AlluviumError('INVALID_OPTIONS', `the file URL names the host ${parsed.host}; write file:///path`, { scheme: 'file' })
  }
  try {
    return decodeURIComponent(parsed.pathname)
  } catch {
    throw new AlluviumError('INVALID_OPTIONS', `the file URL ${url} has a malformed percent escape`, { scheme: 'file' })
  }
}
