// The oracle of logs: JSON.parse, plain objects and a Map, by the protocol's text. It shares nothing with the library.
// One rule: slow and short; whatever can be said in one line is said in one line.

/** The state of a table as a text that compares, or `undefined` where the log cannot be read. */
export interface NaiveState {
  readonly files: Map<string, Record<string, unknown>>
  readonly txns: Map<string, string>
  readonly domains: Map<string, string>
  protocol?: unknown
  metadata?: unknown
  sidecars: number
}

export function naiveState(): NaiveState {
  return { files: new Map(), txns: new Map(), domains: new Map(), sidecars: 0 }
}

/** A number that JSON.parse would change: its text. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Json = Map<string, unknown>

/** The actions of a file of lines as `[name, members]`, or `undefined` where any line is not in order. */
export function naiveActions(bytes: Uint8Array): [string, Json][] | undefined {
  if (bytes.length === 0) return undefined
  const actions: [string, Json][] = []
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    let rest = line.replace(/^[ \t\r]+/, '')
    while (rest !== '') {
      const end = valueEnd(rest)
      const value = end < 0 ? undefined : parse(rest.slice(0, end))
      if (!(value instanceof Map)) return undefined
      for (const [name, member] of value) {
        if (member === null) continue
        const fields = FIELDS[Object.hasOwn(FIELDS, name) ? name : '']
        if (fields === undefined) continue
        if (!(member instanceof Map)) return undefined
        const checked = checkedMembers(member, fields)
        if (checked === undefined) return undefined
        actions.push([name, checked])
      }
      rest = rest.slice(end).replace(/^[ \t\r]+/, '')
      if (rest !== '' && rest[0] !== '{') {
        // Words after an action have been accepted for years; anything like JSON, or zeros, has not.
        if (/[{}[\]":,\\\0]/.test(rest)) return undefined
        break
      }
    }
  }
  return actions
}

/** Applies actions in their order. */
export function naiveApply(state: NaiveState, actions: readonly [string, Json][]): void {
  for (const [name, members] of actions) {
    if (name === 'add') state.files.set(keyOf(members), addOf(members))
    else if (name === 'remove') state.files.delete(keyOf(members))
    else if (name === 'txn') state.txns.set(String(members.get('appId')), `${members.get('version')}/${members.get('lastUpdated')}`)
    else if (name === 'protocol') state.protocol = textOf([...members].filter(([key]) => Object.hasOwn(FIELDS.protocol as object, key)))
    else if (name === 'metaData')
      state.metadata = textOf([
        members.get('id'),
        members.get('schemaString') ?? '',
        members.get('partitionColumns') ?? [],
        sorted(members.get('configuration')),
      ])
    else if (name === 'sidecar') state.sidecars++
    else if (name === 'domainMetadata') {
      const domain = String(members.get('domain'))
      if (members.get('removed') === true) state.domains.delete(domain)
      else state.domains.set(domain, String(members.get('configuration') ?? ''))
    }
  }
}

/** Everything in one text, in one order. */
export function naiveText(state: NaiveState): string {
  const by = (a: [string, unknown], b: [string, unknown]): number => (a[0] < b[0] ? -1 : 1)
  return textOf([[...state.files].sort(by), [...state.txns].sort(by), [...state.domains].sort(by), state.protocol, state.metadata])
}

/** JSON in which Maps are lists of pairs and bigints are digits. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member) => (member instanceof Map ? [...member] : typeof member === 'bigint' ? `${member}n` : member))
}

function keyOf(members: Json): string {
  const vector = members.get('deletionVector') as Json | null | undefined
  const id = vector == null ? null : [`${vector.get('storageType')}${vector.get('pathOrInlineDv')}`, vector.get('offset') ?? null]
  return JSON.stringify([members.get('path'), id])
}

function addOf(members: Json): Record<string, unknown> {
  const vector = members.get('deletionVector') as Json | undefined
  return {
    size: members.get('size'),
    time: members.get('modificationTime') ?? 0,
    values: sorted(members.get('partitionValues')),
    stats: typeof members.get('stats') === 'string' && members.get('stats') !== '' ? members.get('stats') : null,
    vector: vector == null ? null : [vector.get('sizeInBytes'), vector.get('cardinality')],
    tags: sorted(members.get('tags')),
  }
}

/** The entries of a map in order, nulls left out: they read like absent ones. */
function sorted(map: unknown): [string, unknown][] {
  return [...((map as Json | null | undefined) ?? [])].filter(([, value]) => value !== null).sort((a, b) => (a[0] < b[0] ? -1 : 1))
}

type Check = (value: unknown) => unknown
const BAD = Symbol('bad')
const NEEDED = new Set<Check>()
const need = (check: Check): Check => {
  const needed: Check = (value) => check(value)
  NEEDED.add(needed)
  return needed
}
const text: Check = (value) => (typeof value === 'string' ? value : BAD)
const flag: Check = (value) => (typeof value === 'boolean' ? value : BAD)
const long: Check = (value) => (value instanceof NumberText ? (integerOf(value.text) ?? BAD) : BAD)
const count: Check = (value) => {
  const number = long(value)
  return typeof number === 'bigint' && number >= 0n && number < 2n ** 53n ? Number(number) : BAD
}
const time: Check = (value) => {
  const number = long(value)
  return typeof number === 'bigint' ? Number(number) : BAD
}
const exact: Check = (value) => {
  const number = long(value)
  return typeof number === 'bigint' ? `${number}` : BAD
}
const path: Check = (value) =>
  typeof value === 'string' && value !== '' && (value as unknown as { isWellFormed(): boolean }).isWellFormed() ? value : BAD
const texts: Check = (value) => (Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : BAD)
const map: Check = (value) => {
  if (!(value instanceof Map)) return BAD
  const result = new Map<string, unknown>()
  for (const [key, member] of value) {
    if (member !== null && typeof member === 'object' && !(member instanceof NumberText)) return BAD
    result.set(key, member instanceof NumberText ? shortest(member.text) : member === null ? null : String(member))
  }
  return result
}
const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    value instanceof Map ? (checkedMembers(value, fields) ?? BAD) : BAD
const VECTOR = { storageType: need(text), pathOrInlineDv: need(text), offset: count, sizeInBytes: need(count), cardinality: need(count) }

const FIELDS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  add: {
    path: need(path),
    partitionValues: need(map),
    size: need(count),
    modificationTime: time,
    dataChange: flag,
    tags: map,
    deletionVector: object(VECTOR),
    baseRowId: long,
    defaultRowCommitVersion: long,
    clusteringProvider: text,
  },
  remove: {
    path: need(path),
    deletionTimestamp: time,
    dataChange: flag,
    extendedFileMetadata: flag,
    partitionValues: map,
    size: count,
    tags: map,
    deletionVector: object(VECTOR),
    baseRowId: long,
    defaultRowCommitVersion: long,
  },
  cdc: { path: need(path), partitionValues: map, size: need(count), dataChange: flag, tags: map },
  metaData: {
    id: need(text),
    name: text,
    description: text,
    format: object({ provider: text, options: map }),
    schemaString: text,
    partitionColumns: texts,
    configuration: map,
    createdTime: time,
  },
  protocol: { minReaderVersion: need(count), minWriterVersion: need(count), readerFeatures: texts, writerFeatures: texts },
  txn: { appId: need(text), version: need(exact), lastUpdated: time },
  domainMetadata: { domain: need(text), configuration: text, removed: flag },
  sidecar: { path: need(path), sizeInBytes: need(count), modificationTime: time, tags: map },
  checkpointMetadata: { version: need(count), tags: map },
  commitInfo: {},
}

// The members with their values checked; members nobody knows stay as they are.
function checkedMembers(members: Json, fields: Readonly<Record<string, Check>>): Json | undefined {
  const result = new Map(members)
  for (const [name, check] of Object.entries(fields)) {
    const given = members.get(name)
    if (given === null || given === undefined) {
      if (NEEDED.has(check)) return undefined
      result.delete(name)
      continue
    }
    const value = check(given)
    if (value === BAD) return undefined
    result.set(name, value)
  }
  return result
}
/** The integer that a JSON number is: plain digits of 64 bits, or another spelling of one that a double holds. */
function integerOf(text: string): bigint | undefined {
  if (/^-?\d+$/.test(text)) {
    if (text.length > 25) return undefined
    const value = BigInt(text)
    return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined
  }
  const { digits, exponent, negative } = decimalOf(text)
  if (digits === '') return 0n
  if (exponent < 0 || digits.length + exponent > 16) return undefined
  const value = BigInt(digits) * 10n ** BigInt(exponent)
  return value < 2n ** 53n ? (negative ? -value : value) : undefined
}

/** Digits without zeros at either end, times ten to the exponent. */
function decimalOf(text: string): { digits: string; exponent: number; negative: boolean } {
  const [mantissa, exponent = '0'] = text
    .toLowerCase()
    .replace('-', (sign, at: number) => (at === 0 ? '' : sign))
    .split('e') as [string, string?]
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
  const all = (whole + fraction).replace(/^0+/, '')
  const digits = all.replace(/0+$/, '')
  return { digits, exponent: Number(exponent) - fraction.length + (all.length - digits.length), negative: text.startsWith('-') }
}

// How a number reads where a text is wanted: as JavaScript prints it, unless that would change it.
function shortest(text: string): string {
  if (/^-?\d+$/.test(text)) return text === '-0' ? '0' : text
  const number = Number(text)
  if (!Number.isFinite(number)) return text
  const [a, b] = [decimalOf(text), decimalOf(String(number))]
  const same = a.digits === b.digits && (a.digits === '' || a.exponent === b.exponent)
  return same ? String(number) : text
}

// Where the value at the start of a text (bytes as Latin 1) ends, or -1: brackets and quotes are enough to tell.
function valueEnd(text: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const c = text[at] as string
    if (c === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
      if (at >= text.length) return -1
    } else if (c === '{' || c === '[') {
      if (++depth > 512) return -1
    } else if (c === '}' || c === ']') depth--
    else if (depth === 0) {
      const scalar = /^[^ \t\r{}[\]",:]+/.exec(text.slice(at))
      return scalar === null ? -1 : at + scalar[0].length
    }
    if (depth <= 0) return at + 1
  }
  return -1
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

// JSON.parse says whether it is JSON; a second parse, with numbers as texts, says what it is.
function parse(latin1: string): unknown {
  try {
    const text = utf8.decode(Buffer.from(latin1, 'latin1'))
    JSON.parse(text)
    return plain(JSON.parse(text.replace(TOKEN, (token) => (token[0] === '"' ? `"s${token.slice(1)}` : `"n${token}"`))))
  } catch {
    return undefined
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return value[0] === 's' ? value.slice(1) : new NumberText(value.slice(1))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, member]) => [key.slice(1), plain(member)]))
}
