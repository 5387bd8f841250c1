// The checksum of `_last_checkpoint` (PROTOCOL.md, "JSON checksum"): the digest of a form of the JSON in which only its
// meaning counts. Pure.
import { compareBytes, encodeUtf8 } from '../../bytes.js'
import { JsonNumber, type JsonObject, type JsonValue } from '../../json.js'
import { md5 } from './md5.js'

/** The checksum of an object; its own member `checksum` does not count. */
export function jsonChecksum(json: JsonObject): string {
  return md5(encodeUtf8(canonicalJson(json)))
}

/** The canonical form: pairs of path and value, sorted by the bytes of their paths. */
export function canonicalJson(json: JsonObject): string {
  const pairs: { path: string; value: string }[] = []
  for (const [name, value] of Object.entries(json)) if (name !== 'checksum') collect(quoted(name), value, pairs)
  return pairs
    .map((pair) => ({ ...pair, bytes: encodeUtf8(pair.path) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ path, value }) => `${path}=${value}`)
    .join(',')
}

function collect(path: string, value: JsonValue, pairs: { path: string; value: string }[]): void {
  if (Array.isArray(value)) for (const [n, item] of value.entries()) collect(`${path}+${n}`, item, pairs)
  else if (typeof value === 'string') pairs.push({ path, value: quoted(value) })
  else if (value instanceof JsonNumber) pairs.push({ path, value: value.text })
  else if (typeof value !== 'object' || value === null) pairs.push({ path, value: String(value) })
  else for (const [name, member] of Object.entries(value)) collect(`${path}+${quoted(name)}`, member, pairs)
}

// Only letters, digits and -._~ stand for themselves.
function quoted(text: string): string {
  let encoded = ''
  for (const byte of encodeUtf8(text)) {
    const char = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return `"${encoded}"`
}
