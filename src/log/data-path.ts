// From a path in the log to a path in the store. A log is input: whatever it says, nothing outside the table's folder
// is ever named, and nothing in the log's own folder. Applies to reading and to deleting alike.
import { AlluviumError } from '../errors.js'
import { decodeFilePath, encodeFilePath } from '../schema/index.js'
import { LOG_FOLDER } from './file-names.js'

// `scheme:` at the start; a colon after any other character (`at=10:00/…`) is part of a name.
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
const MAX_DECODINGS = 8

/** Where the files of a table may lie. A store is one. */
export interface DataHome {
  /** The table's own folder. */
  readonly location: string
  /** Other folders whose files the caller has allowed to be read, told as `location` is. */
  readonly foreignRoots?: readonly string[]
}

/**
 * The store's path of a data file named in the log: its URI escapes taken off once. An absolute path, plain or with a
 * scheme, counts where it leads into the table's own folder, by its text alone; into another allowed folder it stays
 * absolute, in the form of that folder's `location`.
 * @param home the folder, as the store tells it, or the store itself; without it every absolute path is refused
 * @throws AlluviumError `PATH_OUTSIDE_TABLE` for other absolute paths, other schemes and everything that would lead out of
 *   the table's folder, also after further decoding; `CORRUPT_LOG` for escapes that are no text
 * @example resolveDataPath('day=2024-02-29/a%20b.parquet') // 'day=2024-02-29/a b.parquet'
 * @example resolveDataPath('file:///data/t/a.parquet', '/data/t') // 'a.parquet'
 * @example resolveDataPath('file:/data/s/a.parquet', { location: '/data/t', foreignRoots: ['/data/s'] }) // '/data/s/a.parquet'
 */
export function resolveDataPath(logPath: string, home?: string | DataHome): string {
  if (!SCHEME.test(logPath) && !/^[/\\]/.test(logPath)) return pathInside(logPath)
  const { location = '', foreignRoots = [] } = typeof home === 'string' ? { location: home } : (home ?? {})
  const inner = partBelow(location, logPath)
  if (inner !== undefined) return pathInside(encodeFilePath(inner))
  for (const root of foreignRoots) {
    const foreign = partBelow(root, logPath)
    if (foreign !== undefined) return `${root.replace(/\/+$/, '')}/${pathInside(encodeFilePath(foreign))}`
  }
  const allowed = foreignRoots.length === 0 ? '' : ` (allowed besides: ${foreignRoots.join(', ')})`
  throw outside(
    logPath,
    `is absolute and leads out of the table${allowed}; if the file is to be read, allow its folder when opening the table`,
  )
}

function pathInside(logPath: string): string {
  const path = decodeFilePath(logPath)
  if (leadsOutside(logPath) || leadsOutside(path)) throw outside(logPath, 'leads out of the table')
  let form = withoutPartitionValues(path)
  for (let n = 0; n < MAX_DECODINGS; n++) {
    const next = decodeLoosely(form)
    if (next === form) break
    form = next
    if (leadsOutside(form)) throw outside(logPath, 'leads out of the table')
  }
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.length === 0) throw outside(logPath, 'names no file')
  // Some file systems tell no case apart.
  if (parts[0]?.toLowerCase() === LOG_FOLDER) throw outside(logPath, 'points into the log')
  return parts.join('/')
}

// What a decoded absolute path has after the folder, both in one form: the scheme in lower case, `file:` without its
// empty host, the older names of S3 as s3.
function partBelow(location: string, logPath: string): string | undefined {
  const path = absoluteForm(decodeFilePath(logPath))
  for (const form of formsOf(location)) {
    const folder = `${absoluteForm(form).replace(/\/+$/, '')}/`
    if (folder.length > 1 && path.startsWith(folder)) return path.slice(folder.length)
  }
  return undefined
}

// A folder on disk is told by its name as it stands, and so are some URLs; in others names are escaped.
function formsOf(location: string): readonly string[] {
  if (!/^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(location) || !location.includes('%')) return [location]
  try {
    return [location, decodeFilePath(location)]
  } catch {
    return [location]
  }
}

function absoluteForm(text: string): string {
  const match = SCHEME.exec(text)
  if (match === null) return text
  const [scheme] = match
  const rest = text.slice(scheme.length)
  // A letter and a colon is a drive of Windows.
  if (scheme.length === 2) return `/${text.replaceAll('\\', '/')}`
  if (scheme.toLowerCase() === 'file:') return rest.replace(/^\/\/(localhost)?(?=\/)/, '')
  return `${scheme.toLowerCase().replace(/^s3[an]:/, 's3:')}${rest}`
}

// In the name of a partition's folder, `column=value`, the value has escapes of its own (Hive's) and may be any text: the
// value `../..` is the one honest folder `p=..%2F..`, and is taken for nothing else.
function withoutPartitionValues(path: string): string {
  return path
    .split('/')
    .map((part) => part.slice(0, part.indexOf('=') + 1) || part)
    .join('/')
}

function leadsOutside(path: string): boolean {
  if (/^[/\\]/.test(path) || /^[A-Za-z]:[/\\]/.test(path) || path.includes('\0')) return true
  return path.split(/[/\\]/).includes('..')
}

// One more decoding, for the check alone: bytes that are no UTF-8 stand for nothing dangerous.
function decodeLoosely(path: string): string {
  return path.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function outside(path: string, why: string): AlluviumError {
  return new AlluviumError('PATH_OUTSIDE_TABLE', `the log names ${JSON.stringify(path)}, which ${why}`, { path })
}
