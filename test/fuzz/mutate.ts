// Damage: to bytes of any kind, and to lines of JSON with some understanding of what they are.
import { concatBytes } from '../../src/bytes.js'
import type { Random } from './random.js'

const ODD_BYTES = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xed, 0xef, 0xff]

/** One small damage to bytes. */
export function damageBytes(bytes: Uint8Array, random: Random, from = 0, to: number = bytes.length): Uint8Array {
  if (bytes.length === 0) return random.bytes(random.below(20))
  const at = Math.min(bytes.length - 1, from + random.below(Math.max(1, to - from)))
  const few = 1 + random.below(16)
  const result = bytes.slice()
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      result[at] = (result[at] as number) ^ (1 << random.below(8))
      return result
    case 3:
      result[at] = random.below(256)
      return result
    case 4:
    case 5:
      result[at] = random.pick(ODD_BYTES)
      return result
    case 6:
      return concatBytes([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + few))])
    case 7:
      return concatBytes([bytes.subarray(0, at), random.bytes(few), bytes.subarray(at)])
    case 8:
      return concatBytes([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - few), at), bytes.subarray(at)])
    default:
      if (random.oneIn(6)) return result.fill(0, at)
      return random.oneIn(4) ? bytes.slice(0, at) : result.fill(random.pick(ODD_BYTES), at, at + few)
  }
}

const DEEP = `${'['.repeat(600)}${']'.repeat(600)}`
const VALUES = [
  'null', 'true', 'false', '0', '-0', '1', '-1', '1.0', '1e3', '1.5', '1e400', '-1e-400', '01', '+1', '9007199254740991', '9007199254740992',
  '9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '100000000000000000000',
  '""', '"x"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"../x"', '"%2e%2e/x"', '"é"', '"a\\tb"', '"\\x"', '"a\nb"', '[]', '{}', '[1,"x"]', '["a"]',
  '{"a":"b"}', '{"a":null}', '{"a":5}', '{"__proto__":"x"}', '{"a":{"b":[]}}', '{"a":1.50}', '{"a":true}', 'NaN', 'undefined', '', `${'['.repeat(50)}${']'.repeat(50)}`,
  '['.repeat(2000),
  DEEP,
] // biome-ignore format: a list of tokens
const MEMBERS = [
  `"zzz":${DEEP}`,
  '"path":"x.parquet"', '"size":5', '"size":null', '"partitionValues":{}', '"partitionValues":{"p":"1"}', '"stats":"{}"', '"stats":5', '"stats":null', '"tags":{"a":"b"}', '"dataChange":false',
  '"modificationTime":7', '"modificationTime":null', '"deletionVector":null', '"deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":4,"cardinality":1}', '"__proto__":{"path":"y"}',
  '"zzz":{"a":[1,2,{"b":null}]}', '"\\u0070ath":"z.parquet"', '"path":"a\\u0062c"', '"version":3', '"appId":"b"', '"removed":true', '"clusteringProvider":"x"', '"baseRowId":9007199254740993',
] // biome-ignore format: a list of members
const LINES = [
  `{"zzz":${DEEP}}`,
  '', ' ', '\r', '{}', '{"add":null}', '{"zzz":{"add":{}}}', '{"commitInfo":{}}', '{"commitInfo":{"a":[{}]}}', '{"txn":{"appId":"z","version":1}}', '[]', '{"add":{}}', '{"remove":{"path":"x.parquet"}}',
  '{"cdc":{"path":"c","partitionValues":{},"size":1,"dataChange":false}}', '{"checkpointMetadata":{"version":1}}', '{"domainMetadata":{"domain":"d","configuration":"","removed":true}}', 'junk', '{"a":1} junk', '{"a":1}{"b":2}',
] // biome-ignore format: a list of lines
const KEYS = [
  'add',
  'remove',
  'path',
  'size',
  'partitionValues',
  'stats',
  'modificationTime',
  'dataChange',
  'deletionVector',
  'txn',
  'version',
  'appId',
  'metaData',
  'protocol',
  'tags',
  'x',
  '__proto__',
  'sidecar',
  'commitInfo',
]

/** One damage to lines of JSON. */
export function damageLines(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.oneIn(3)) return damageBytes(bytes, random)
  const text = Buffer.from(bytes).toString('latin1')
  const lines = text.split('\n')
  const n = random.below(lines.length)
  const line = lines[n] as string
  const other = random.below(lines.length)
  const back = (): Uint8Array => new Uint8Array(Buffer.from(lines.join('\n'), 'latin1'))
  switch (random.below(9)) {
    case 0:
      lines.splice(n, 1)
      return back()
    case 1:
      lines.splice(other, 0, line)
      return back()
    case 2:
      lines[n] = lines[other] as string
      lines[other] = line
      return back()
    case 3:
      lines.splice(n, 2, line + random.pick(['', ' ', '\t', ',']) + (lines[n + 1] ?? ''))
      return back()
    case 4:
      lines.splice(n, 0, latin1(random.pick(LINES)))
      return back()
    case 5:
      lines[n] = replaced(line, /[{,](?="[^"]*":)/g, random, (match) => `${match}${latin1(random.pick(MEMBERS))},`)
      return back()
    case 6:
      lines[n] = replaced(line, /"[A-Za-z_]+"(?=:)/g, random, () => `"${random.pick(KEYS)}"`)
      return back()
    case 7:
      lines[n] = replaced(line, /(?<=:)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|\{\}|\[\])/g, random, () =>
        latin1(random.pick(VALUES)),
      )
      return back()
    default:
      lines[n] = replaced(line, /[{}[\],:"]/g, random, (match) =>
        random.pick(['', match + match, ' ', `${match} `, ` ${match}`, `${match}\0`]),
      )
      return back()
  }
}

// Texts of this file as the bytes they have in UTF-8.
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function replaced(line: string, pattern: RegExp, random: Random, by: (match: string) => string): string {
  const matches = [...line.matchAll(pattern)]
  const match = matches.length === 0 ? undefined : random.pick(matches)
  if (match === undefined) return line
  return line.slice(0, match.index) + by(match[0]) + line.slice(match.index + match[0].length)
}
