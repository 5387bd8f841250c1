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
  readonly #root: Node = { names: [], nodes: [], column: -1 }
  readonly #columns: number
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #bytes: Uint8Array = new Uint8Array(0)
  #end = 0
  #seen = 0
  #recordsStart = -1
  #recordsEnd = -1

  constructor(columns: readonly StatsColumn[]) {
    this.#columns = columns.length
    this.#starts = new Int32Array(columns.length * SECTIONS)
    this.#ends = new Int32Array(columns.length * SECTIONS)
    columns.forEach((column, i) => {
      let node = this.#root
      for (const name of column.statsPath ?? column.path) node = childOf(node, encodeUtf8(name))
      node.column = i
    })
  }

  /** Scans `bytes[start, end)`. False: the text is no such object, and nothing was found. */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytes = bytes
    this.#end = end
    this.#seen = 0
    this.#recordsStart = -1
    this.#starts.fill(-1)
    const at = this.#object(this.#space(start), undefined, -1)
    if (at >= 0 && this.#space(at) === end) return true
    this.#recordsStart = -1
    this.#starts.fill(-1)
    return false
  }

  /** Where the value of a column begins, or -1 when there is none (or it is null). */
  start(column: number, section: number): number {
    return this.#starts[section * this.#columns + column] as number
  }

  end(column: number, section: number): number {
    return this.#ends[section * this.#columns + column] as number
  }

  /** `numRecords`, or -1. */
  numRecords(): number {
    return this.#recordsStart < 0 ? -1 : readCount(this.#bytes, this.#recordsStart, this.#recordsEnd)
  }

  /** `nullCount` of a column, or -1. */
  nullCount(column: number): number {
    return this.#count(column, NULL_COUNT)
  }

  nanCount(column: number): number {
    return this.#count(column, NAN_COUNT)
  }

  #count(column: number, section: number): number {
    const start = this.start(column, section)
    return start < 0 ? -1 : readCount(this.#bytes, start, this.end(column, section))
  }

  // An object of the text: the outermost (no node), or one inside a section. Answers the place after it, or -1.
  #object(start: number, node: Node | undefined, section: number): number {
    if (this.#byte(start) !== 0x7b) return -1
    let at = this.#space(start + 1)
    if (this.#byte(at) === 0x7d) return at + 1
    for (;;) {
      const nameEnd = this.#string(at)
      if (nameEnd < 0) return -1
      const colon = this.#space(nameEnd)
      if (this.#byte(colon) !== 0x3a) return -1
      const value = this.#space(colon + 1)
      at = node === undefined ? this.#member(at, nameEnd, value) : this.#inner(node, section, at, nameEnd, value)
      if (at < 0) return -1
      at = this.#space(at)
      const c = this.#byte(at)
      if (c === 0x7d) return at + 1
      if (c !== 0x2c) return -1
      at = this.#space(at + 1)
    }
  }

  #member(nameStart: number, nameEnd: number, value: number): number {
    const member = MEMBERS.findIndex((name) => this.#isName(name, nameStart, nameEnd))
    if (member < 0) return this.#skip(value)
    // Of a member that stands twice one would have to be chosen; such a text is not trusted.
    if ((this.#seen >> member) & 1) return -1
    this.#seen |= 1 << member
    if (member < SECTIONS) return this.#byte(value) === 0x7b ? this.#object(value, this.#root, member) : this.#skip(value)
    const end = this.#skip(value)
    this.#recordsStart = value
    this.#recordsEnd = end
    return end
  }

  #inner(node: Node, section: number, nameStart: number, nameEnd: number, value: number): number {
    const child = node.nodes.find((_, i) => this.#isName(node.names[i] as Uint8Array, nameStart, nameEnd))
    if (child === undefined) return this.#skip(value)
    const c = this.#byte(value)
    if (child.column < 0) return c === 0x7b ? this.#object(value, child, section) : this.#skip(value)
    const end = this.#skip(value)
    const slot = section * this.#columns + child.column
    if (this.#starts[slot] !== -1) return -1
    if (c === 0x7b || c === 0x5b || c === 0x6e) this.#starts[slot] = -2
    else {
      this.#starts[slot] = value
      this.#ends[slot] = end
    }
    return end
  }

  #isName(name: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes
    const length = end - start - 2
    if (length === name.length) {
      let i = 0
      while (i < length && bytes[start + 1 + i] === name[i]) i++
      if (i === length) return !name.includes(0x5c)
    }
    // An escape makes the text longer than the name.
    if (length <= name.length || bytes.subarray(start + 1, end - 1).indexOf(0x5c) < 0) return false
    const text = parseString(bytes, start, end)
    return text !== undefined && text === decodeUtf8(name)
  }

  // The place after the value at `at`, or -1.
  #skip(at: number): number {
    const c = this.#byte(at)
    if (c === 0x22) return this.#string(at)
    if (c === 0x7b || c === 0x5b) return this.#skipNested(at)
    const start = at
    while (at < this.#end && SCALAR[this.#bytes[at] as number] === 1) at++
    return at === start ? -1 : at
  }

  #skipNested(at: number): number {
    let depth = 0
    while (at < this.#end) {
      const c = this.#bytes[at] as number
      if (c === 0x22) {
        at = this.#string(at)
        if (at < 0) return -1
        continue
      }
      at++
      if (c === 0x7b || c === 0x5b) depth++
      else if ((c === 0x7d || c === 0x5d) && --depth === 0) return at
    }
    return -1
  }

  // The place after the closing quote of the string at `at`, or -1.
  #string(at: number): number {
    if (this.#byte(at) !== 0x22) return -1
    const bytes = this.#bytes
    const end = this.#end
    for (at++; at < end; at++) {
      const c = bytes[at]
      if (c === 0x22) return at + 1
      if (c === 0x5c) at++
    }
    return -1
  }

  #space(at: number): number {
    while (at < this.#end && SPACE[this.#bytes[at] as number] === 1) at++
    return at
  }

  #byte(at: number): number {
    return at < this.#end ? (this.#bytes[at] as number) : -1
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

const MEMBERS = ['minValues', 'maxValues', 'nullCount', 'nanCount', 'numRecords'].map(encodeUtf8)
const SPACE = byteSet(' \t\r\n')
const SCALAR = byteSet('+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')

function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const byte of encodeUtf8(characters)) set[byte] = 1
  return set
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
  if (end - start > 15) return -1
  let count = 0
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    count = count * 10 + digit
  }
  return count
}
