// The two layers of escaping between a partition value and `add.path` (PROTOCOL.md, "Add File and Remove File",
// "Partition Value Serialization"): value -> Hive directory name -> URI. One rule: each layer is put on once and
// taken off once, and '+' is only a plus.
import { decodeUtf8Strict, encodeUtf8 } from '../bytes.js'
import { AlluviumError } from '../errors.js'

/** The directory name's stand-in for null, as Hive and Spark write it. It never stands in `partitionValues`. */
export const NULL_PARTITION_DIRECTORY = '__HIVE_DEFAULT_PARTITION__'

// Directory names longer than file systems take (255 bytes) are cut: readers never take values from them.
const MAX_DIRECTORY_BYTES = 200

/**
 * The directory of a partition, `region=US%2FEast/day=2024-02-29`, before the URI layer. `''` without columns.
 * The texts are those of `partitionValues`, in the order of the columns. Readers take no value from it: a long value
 * is cut so that every file system takes the name.
 */
export function partitionDirectory(columns: readonly string[], texts: readonly (string | null)[]): string {
  if (columns.length !== texts.length) throw new RangeError(`${texts.length} values for ${columns.length} partition columns`)
  return columns
    .map((column, i) => {
      const text = texts[i] as string | null
      const value = text === null || text === '' ? NULL_PARTITION_DIRECTORY : escapePartitionName(text)
      return cut(`${escapePartitionName(column)}=${value}`)
    })
    .join('/')
}

/** Escapes a column name or a value for a directory name, as Hive does: `US/East` to `US%2FEast`. Other scripts stay as they are. */
export function escapePartitionName(text: string): string {
  return text.replace(HIVE_ESCAPED, percent)
}

/** Takes {@link escapePartitionName} off again. */
export function unescapePartitionName(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/**
 * The URI form of a path relative to the table, as it stands in `add.path`: `region=US%2FEast/a b` to
 * `region=US%252FEast/a%20b`. Letters of other scripts stay as they are.
 */
export function encodeFilePath(path: string): string {
  return URI_ESCAPED.test(path) ? path.replace(URI_ESCAPED_ALL, percent) : path
}

/**
 * The path behind an `add.path`: percent escapes taken off once, as UTF-8. A `%` that starts no escape stays (some writers left
 * it bare).
 * @throws AlluviumError `CORRUPT_LOG` when the bytes are not UTF-8 text.
 */
export function decodeFilePath(logPath: string): string {
  if (!logPath.includes('%')) return logPath
  return logPath.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    const bytes = new Uint8Array(escapes.length / 3)
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(escapes.slice(i * 3 + 1, i * 3 + 3), 16)
    // A byte order mark is a character of the name here, and a decoder would drop it.
    const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    const text = decodeUtf8Strict(bytes.subarray(mark))
    if (text === undefined) {
      throw new AlluviumError('CORRUPT_LOG', `the path '${logPath}' holds percent escapes that are not UTF-8`, { path: logPath })
    }
    return mark === 0 ? text : `\ufeff${text}`
  })
}

// Control characters, DEL and " # % ' * / : = ? \ { [ ] ^
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
const HIVE_ESCAPED = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^]/g

// What RFC 2396 does not allow in a path, and ? # which would end it. Beyond ASCII only controls and spaces, as in
// java.net.URI, which made most of the paths that exist.
const URI_CLASS = '[\\u0000-\\u0020\\u007f"#%<>?\\[\\\\\\]^`{|}\\u0080-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const URI_ESCAPED = new RegExp(URI_CLASS)
const URI_ESCAPED_ALL = new RegExp(URI_CLASS, 'g')

function percent(char: string): string {
  let escaped = ''
  for (const byte of encodeUtf8(char)) escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return escaped
}

function cut(name: string): string {
  if (name.length * 3 <= MAX_DIRECTORY_BYTES || encodeUtf8(name).length <= MAX_DIRECTORY_BYTES) return name
  let kept = ''
  let bytes = 0
  // Whole escapes and whole code points only.
  for (const [unit] of name.matchAll(/%[0-9A-F]{2}|[\s\S]/gu)) {
    bytes += encodeUtf8(unit).length
    if (bytes > MAX_DIRECTORY_BYTES) break
    kept += unit
  }
  return kept
}
