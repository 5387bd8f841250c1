// The one place where a path or URL becomes a store. Everything below takes the store.
import { AlluviumError } from '../errors.js'
import { identifyStore } from '../log/commit/index.js'
import type { Runtime } from '../runtime.js'
import { openStorage, type StorageOptions, schemeOf } from '../storage/open.js'
import type { Storage } from '../storage/storage.js'
import { withAllowedRoots } from './allowed-paths.js'
import { type CreateOptions, createTableOn, type OpenOptions, openTableOn } from './create.js'
import type { Table } from './table.js'

/** For tables that are named by a path or URL. */
export interface WithStorageOptions {
  /** Options of the store behind the URL: endpoint, region, credentials, … What is left out it looks for in the environment. */
  readonly storage?: StorageOptions
}

/**
 * Makes a table at a path, at a URL (`s3:`, `webhdfs:`, `file:`), or on a store of your own.
 *
 * @example
 * const events = await createTable('./events', {
 *   schema: schema({ id: long().notNull(), player: string(), at: timestamp(), score: double() }),
 *   partitionBy: ['player'],
 * })
 * @throws AlluviumError `ALREADY_EXISTS`, `SCHEMA_MISMATCH`, `INVALID_OPTIONS`, `STORAGE_UNSAFE`, `PERMISSION_DENIED`.
 */
export async function createTable<Row, Input>(
  target: string | Storage,
  options: CreateOptions<Row, Input> & WithStorageOptions,
): Promise<Table<Row, Input>> {
  return createTableOn(await storageFor(target, options.storage, options.runtime), options)
}

/**
 * Opens the table at a path, at a URL (`s3:`, `webhdfs:`, `file:`), or on a store of your own. With `schema`, rows are typed and the table
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
  options: OpenOptions<Row, Input> & WithStorageOptions = {},
): Promise<Table<Row, Input>> {
  const { storage: storageOptions, allowedPaths = [], runtime } = options
  const isSameKind = (path: string | Storage): boolean =>
    typeof path === 'string' && typeof target === 'string' && schemeOf(path) === schemeOf(target)
  const roots = await Promise.all(allowedPaths.map((path) => storageFor(path, isSameKind(path) ? storageOptions : undefined, runtime)))
  return openTableOn(withAllowedRoots(await storageFor(target, storageOptions, runtime), roots), options)
}

/**
 * The store behind a path or URL, with the options it takes; a store stays what it is.
 * @throws AlluviumError `INVALID_OPTIONS` with all faults
 */
export async function storageFor(target: string | Storage, options?: StorageOptions, runtime?: Runtime): Promise<Storage> {
  if (typeof target === 'string') {
    const storage = await openStorage(target, options, runtime)
    const identity = identityOf(storage, options)
    if (identity !== undefined) identifyStore(storage, identity)
    return storage
  }
  if (options === undefined || Object.values(options).every((value) => value === undefined)) return target
  throw new AlluviumError('INVALID_OPTIONS', 'storage options go with a path or URL; a store that is handed in has its own')
}

// One place, opened in one way: handles that were opened apart share commits. Options that are no plain values (a function that
// gives credentials) may stand for different rights, so nothing is said of those.
function identityOf(storage: Storage, options: StorageOptions = {}): string | undefined {
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return isPlain(given) ? `${storage.location} ${JSON.stringify(given)}` : undefined
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain)
  if (typeof value === 'object' && value !== null)
    return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain)
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}
