// The input formats, and which of them a file is. One rule: bytes that say what they are count more than a name.
import { decodeUtf8 } from '../bytes.js'

/** `json` is an array of objects, or objects one after the other on any lines; `arrow` is an IPC file or stream. */
export type InputFormat = 'ndjson' | 'json' | 'csv' | 'parquet' | 'arrow'

const EXTENSIONS: ReadonlyMap<string, InputFormat> = new Map([
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['jsonlines', 'ndjson'],
  ['json', 'json'],
  ['csv', 'csv'],
  ['tsv', 'csv'],
  ['parquet', 'parquet'],
  ['arrow', 'arrow'],
  ['arrows', 'arrow'],
  ['feather', 'arrow'],
  ['ipc', 'arrow'],
])

/**
 * The format of an input, from its first bytes (some hundred are best) and, where these do not tell, its name's extension.
 * Undefined where neither does.
 *
 * @example detectFormat('events.json', encodeUtf8('[{"id":1}')) // 'json'
 * @example detectFormat('events.json', encodeUtf8('{"id":1}\n{"id":2}')) // 'ndjson'
 */
export function detectFormat(fileName: string, firstBytes: Uint8Array): InputFormat | undefined {
  if (startsWith(firstBytes, 'PAR1')) return 'parquet'
  if (startsWith(firstBytes, 'ARROW1')) return 'arrow'
  const byName = EXTENSIONS.get(/\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? '')
  if (byName === 'parquet' || byName === 'arrow' || byName === 'csv') return byName
  // The first message of an Arrow stream: a continuation mark, then its length.
  if (startsWith(firstBytes, '\xff\xff\xff\xff')) return 'arrow'
  const text = decodeUtf8(firstBytes)
    .replace(/^\ufeff/, '')
    .trimStart()
  if (text.startsWith('[')) return 'json'
  if (text.startsWith('{')) return keepsToLines(text) ? 'ndjson' : 'json'
  return byName
}

/** The delimiter that a name suggests for CSV. */
export function detectDelimiter(fileName: string): string {
  return /\.tsv$/i.test(fileName) ? '\t' : ','
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}

// Whether the first line closes what it opens. A line longer than the sample does, as far as one can see.
function keepsToLines(text: string): boolean {
  const end = text.indexOf('\n')
  if (end < 0) return true
  let depth = 0
  let inString = false
  for (let i = 0; i < end; i++) {
    const c = text[i]
    if (inString) {
      if (c === '\\') i++
      else if (c === '"') inString = false
    } else if (c === '"') inString = true
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
  }
  return depth === 0
}
