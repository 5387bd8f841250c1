// Finds the statistics of a few columns in the JSON text of a file's statistics, without parsing the rest
// (PROTOCOL.md, "Per-file Statistics"). Rule: a text that is odd in any way yields nothing, so that the file is kept.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'
import type { DataType } from '../schema/index.js'

/** A column whose statistics are wanted. */
export interface StatsColumn {
  /** In the schema's own names: what `Bounds.get` is asked for. */
  readonly path: readonly string[]
  readonly type: DataType
  /** In the names of the statistics (physical names under column mapping), where they differ. */
  readonly statsPath?: readonly string[]
}

/** What is recorded of each column; `nanCount` is no part of the protocol (see `ColumnBounds.maxCoversNaN`). */
export const MIN = 0
export const MAX = 1
export const NULL_COUNT = 2
export const NAN_COUNT = 3
const SECTIONS = 4

interface Node {
  readonly names: Uint8Array[]
  readonly nodes: Node[]
  /** The column that ends here, or -1. */
  column: number
}

/** Scans one text after another; what was found is readable until the next scan. */
export class StatsScanner {
  private readonly root: Node = { names: [], nodes: [], column: -1 }
  private readonly columnCount: number
  private readonly starts: Int32Array
  private readonly ends: Int32Array
  private bytes: Uint8Array = new Uint8Array(0)
  private seen = 0
  private recordsStart = -1
  private recordsEnd = -1

  constructor(columns: readonly StatsColumn[]) {
    this.columnCount = columns.length
    this.starts = new Int32Array(columns.length * SECTIONS)
    this.ends = new Int32Array(columns.length * SECTIONS)
    columns.forEach((column, i) => {
      let node = this.root
      for (const name of column.statsPath ?? column.path) node = childOf(node, encodeUtf8(name))
      node.column = i
    })
  }

  /** Scans `bytes[start, end)`. False: the text is no such object, and nothing was found. */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes
    this.clear()
    const at = this.walk(skipSpace(bytes, start, end), end, MEMBERS, -1)
    if (at >= 0 && skipSpace(bytes, at, end) === end) return true
    this.clear()
    return false
  }

  /** Where the value of a column begins; negative when there is none, or none that is a scalar. */
  start(column: number, section: number): number {
    return this.starts[section * this.columnCount + column] as number
  }

  end(column: number, section: number): number {
    return this.ends[section * this.columnCount + column] as number
  }

  /** `numRecords`, or -1. */
  numRecords(): number {
    return this.recordsStart < 0 ? -1 : readCount(this.bytes, this.recordsStart, this.recordsEnd)
  }

  /** `nullCount` of a column, or -1. */
  nullCount(column: number): number {
    return this.count(column, NULL_COUNT)
  }

  nanCount(column: number): number {
    return this.count(column, NAN_COUNT)
  }

  private count(column: number, section: number): number {
    const start = this.start(column, section)
    return start < 0 ? -1 : readCount(this.bytes, start, this.end(column, section))
  }

  private clear(): void {
    this.seen = 0
    this.recordsStart = -1
    this.starts.fill(ABSENT)
  }

  // The object at `at`: the outermost (section -1), or one on the way to wanted columns. Answers the place after it, or -1.
  private walk(at: number, end: number, node: Node, section: number): number {
    const { bytes } = this
    if (at >= end || bytes[at] !== 0x7b) return -1
    at = skipSpace(bytes, at + 1, end)
    if (at < end && bytes[at] === 0x7d) return at + 1
    while (at < end && bytes[at] === 0x22) {
      const nameStart = at + 1
      const nameEnd = stringEnd(bytes, nameStart, end)
      if (nameEnd < 0) return -1
      at = skipSpace(bytes, nameEnd + 1, end)
      if (at >= end || bytes[at] !== 0x3a) return -1
      at = skipSpace(bytes, at + 1, end)
      const child = findChild(node, bytes, nameStart, nameEnd)
      at =
        child < 0
          ? skipValue(bytes, at, end)
          : section < 0
            ? this.member(child, at, end)
            : this.inner(node.nodes[child] as Node, section, at, end)
      if (at < 0) return -1
      at = skipSpace(bytes, at, end)
      if (at >= end) return -1
      if (bytes[at] === 0x7d) return at + 1
      if (bytes[at] !== 0x2c) return -1
      at = skipSpace(bytes, at + 1, end)
    }
    return -1
  }

  private member(member: number, at: number, end: number): number {
    // Of a member that stands twice one would have to be chosen; such a text is not trusted.
    if ((this.seen >> member) & 1) return -1
    this.seen |= 1 << member
    if (member < SECTIONS) return this.bytes[at] === 0x7b ? this.walk(at, end, this.root, member) : skipValue(this.bytes, at, end)
    this.recordsStart = at
    this.recordsEnd = skipValue(this.bytes, at, end)
    return this.recordsEnd
  }

  private inner(node: Node, section: number, at: number, end: number): number {
    const c = this.bytes[at]
    if (node.column < 0) return c === 0x7b ? this.walk(at, end, node, section) : skipValue(this.bytes, at, end)
    const slot = section * this.columnCount + node.column
    if (this.starts[slot] !== ABSENT) return -1
    const valueEnd = skipValue(this.bytes, at, end)
    const isScalar = c !== 0x7b && c !== 0x5b && c !== 0x6e
    this.starts[slot] = isScalar ? at : NO_SCALAR
    this.ends[slot] = valueEnd
    return valueEnd
  }
}

/** The text of the JSON string `bytes[start, end)`, quotes included, or undefined where it is malformed. */
export function parseString(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return JSON.parse(decodeUtf8(bytes, start, end)) as string
  } catch {
    return undefined
  }
}

const ABSENT = -1
const NO_SCALAR = -2
const SPACE = 0x20
const SCALAR = byteSet('+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
const MEMBERS: Node = {
  names: ['minValues', 'maxValues', 'nullCount', 'nanCount', 'numRecords'].map(encodeUtf8),
  nodes: [],
  column: -1,
}

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const byte of encodeUtf8(characters)) set[byte] = 1
  return set
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] as number) <= SPACE && isSpace(bytes[at] as number)) at++
  return at
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09
}

// The place of the quote that closes the string whose inside begins at `at`, or -1.
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const c = bytes[at] as number
    if (c === 0x22) return at
    if (c === 0x5c) at++
  }
  return -1
}

// The place after the value at `at`, or -1.
function skipValue(bytes: Uint8Array, at: number, end: number): number {
  const c = at < end ? (bytes[at] as number) : 0
  if (c === 0x22) {
    const close = stringEnd(bytes, at + 1, end)
    return close < 0 ? -1 : close + 1
  }
  if (c === 0x7b || c === 0x5b) return skipNested(bytes, at, end)
  const start = at
  while (at < end && SCALAR[bytes[at] as number] === 1) at++
  return at === start ? -1 : at
}

function skipNested(bytes: Uint8Array, at: number, end: number): number {
  let depth = 0
  for (; at < end; at++) {
    const c = bytes[at] as number
    if (c === 0x22) {
      at = stringEnd(bytes, at + 1, end)
      if (at < 0) return -1
    } else if (c === 0x7b || c === 0x5b) depth++
    else if ((c === 0x7d || c === 0x5d) && --depth === 0) return at + 1
  }
  return -1
}

// The number of the child with this name, or -1.
function findChild({ names }: Node, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as Uint8Array
    if (name.length !== length || name[0] !== bytes[start]) continue
    let j = 1
    while (j < length && name[j] === bytes[start + j]) j++
    // Bytes that are the same but hold an escape spell another name.
    if (j >= length && !name.includes(0x5c)) return i
  }
  for (let at = start; at < end; at++) if (bytes[at] === 0x5c) return findEscaped(names, parseString(bytes, start - 1, end + 1))
  return -1
}

function findEscaped(names: readonly Uint8Array[], text: string | undefined): number {
  return text === undefined ? -1 : names.findIndex((name) => decodeUtf8(name) === text)
}

function childOf(node: Node, name: Uint8Array): Node {
  const at = node.names.findIndex((other) => other.length === name.length && other.every((byte, i) => byte === name[i]))
  if (at >= 0) return node.nodes[at] as Node
  const child: Node = { names: [], nodes: [], column: -1 }
  node.names.push(name)
  node.nodes.push(child)
  return child
}

function readCount(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15 || (bytes[start] === 0x30 && end - start > 1)) return -1
  let count = 0
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    count = count * 10 + digit
  }
  return count
}
