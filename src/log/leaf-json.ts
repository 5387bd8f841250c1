// The few cells of a checkpoint's struct columns as JSON values, put together from their leaves: its protocol, metadata and the
// like are read without the Parquet codec, which takes longer to start than a small table to open. Rule: the same values that
// arrow-json.ts gives; whatever is not laid out as the protocol says is left to it.
import { decodeUtf8 } from '../bytes.js'
import { type JsonObject, type JsonValue, jsonObject } from '../json.js'
import type { LeafFile, LeafValues, SchemaNode } from '../parquet/index.js'

/**
 * Fetches columns of one row group; the answer gives, for each, the rows' values that are not null, in their order. Undefined,
 * or an undefined answer, where the codec must read them.
 */
export async function fetchStructs(
  file: LeafFile,
  group: number,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<(() => ReadonlyMap<string, readonly JsonObject[]> | undefined) | undefined> {
  const columns = names.map((name) => shapeOf(file, file.column([name])))
  if (!columns.every((column) => column?.kind === 'struct' && column.level === 1)) return undefined
  const leaves = (columns as readonly Shape[]).flatMap(leavesOf)
  const decode = await file.fetch(
    group,
    leaves.map((leaf) => ({ leaf })),
    signal,
  )
  return () => {
    const values = decode()
    if (!values.every((one) => one !== undefined)) return undefined
    const cursors = new Map(leaves.map((leaf, i) => [leaf, new Cursor(values[i] as LeafValues)]))
    try {
      return new Map(names.map((name, i) => [name, structsOf(columns[i] as StructShape, cursors)]))
    } catch (error) {
      if (error instanceof Misfit) return undefined
      throw error
    }
  }
}

interface LeafShape {
  readonly kind: 'leaf'
  readonly leaf: number
  readonly type: 'text' | 'integer' | 'boolean'
}
interface StructShape {
  readonly kind: 'struct'
  /** The definition level from which it is not null. */
  readonly level: number
  readonly members: readonly { readonly name: string; readonly shape: Shape }[]
}
interface ListShape {
  readonly kind: 'list' | 'map'
  readonly level: number
  /** The element of a list; key and value of a map. */
  readonly members: readonly Shape[]
}
type Shape = LeafShape | StructShape | ListShape

/** Leaves that do not belong together. */
class Misfit extends Error {}

const LIST_ENTRIES: ReadonlySet<string> = new Set(['list', 'bag'])
const MAP_ENTRIES: ReadonlySet<string> = new Set(['key_value', 'map', 'entries'])

// What a column is made of, where that is plain: leaves, structs, and lists and maps of three levels with leaves in them.
function shapeOf(file: LeafFile, node: SchemaNode | undefined, above = 0): Shape | undefined {
  if (node === undefined || node.repetition === 2) return undefined
  const level = above + node.repetition
  if (node.leaf >= 0) {
    const type = file.plainType(node)
    return type && { kind: 'leaf', leaf: node.leaf, type }
  }
  if (node.isCollection) return collectionShape(file, node, level)
  const members = node.children.map((child) => ({ name: child.name, shape: shapeOf(file, child, level) }))
  if (members.length === 0 || !members.every(({ shape }) => shape !== undefined)) return undefined
  return { kind: 'struct', level, members: members as StructShape['members'] }
}

function collectionShape(file: LeafFile, node: SchemaNode, level: number): ListShape | undefined {
  const [entries, ...others] = node.children
  if (entries === undefined || others.length > 0 || entries.repetition !== 2 || entries.leaf >= 0) return undefined
  const members = entries.children.map((child) => shapeOf(file, child, level + 1))
  if (!members.every((shape) => shape?.kind === 'leaf')) return undefined
  if (members.length === 1 && LIST_ENTRIES.has(entries.name)) return { kind: 'list', level, members: members as LeafShape[] }
  const isMap = members.length === 2 && entries.children[0]?.repetition === 0 && (members[0] as LeafShape).type === 'text'
  return isMap && MAP_ENTRIES.has(entries.name) ? { kind: 'map', level, members: members as LeafShape[] } : undefined
}

function leavesOf(shape: Shape): number[] {
  if (shape.kind === 'leaf') return [shape.leaf]
  return shape.members.flatMap((member) => leavesOf('shape' in member ? member.shape : member))
}

/** Walks a leaf slot by slot. */
class Cursor {
  /** Rows begun. */
  row = 0
  readonly #leaf: LeafValues
  #slot = 0
  #value = 0

  constructor(leaf: LeafValues) {
    this.#leaf = leaf
  }

  get isOver(): boolean {
    return this.#slot >= this.#leaf.slots
  }

  /** The definition level of the slot. */
  get level(): number {
    if (this.isOver) throw new Misfit()
    const { definitions, levels } = this.#leaf
    return definitions === undefined ? levels.definition : (definitions[this.#slot] as number)
  }

  /** Whether the slot goes on with the row of the one before. */
  get isRepeated(): boolean {
    return !this.isOver && this.#leaf.repetitions?.[this.#slot] === 1
  }

  /** Passes over a slot without a value. */
  pass(): void {
    if (!this.isRepeated) this.row++
    this.#slot++
  }

  next(type: LeafShape['type']): JsonValue {
    const has = this.level === this.#leaf.levels.definition
    this.pass()
    if (!has) return null
    const at = this.#value++
    if (type === 'text') {
      const { bytes, starts, lengths } = this.#leaf.texts as NonNullable<LeafValues['texts']>
      return decodeUtf8(bytes, starts[at] as number, (starts[at] as number) + (lengths[at] as number))
    }
    const words = this.#leaf.words as Int32Array
    const [low, high] = [(words[2 * at] as number) >>> 0, words[2 * at + 1] as number]
    if (type === 'boolean') return low === 1
    const number = high * 0x1_0000_0000 + low
    return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low)
  }

  /** Passes over slots up to the next that is at a level or beyond. */
  passBelow(level: number): void {
    while (!this.isOver && this.level < level) this.pass()
  }
}

type Cursors = ReadonlyMap<number, Cursor>

// A row without the struct takes one slot of each leaf; so does a list or map without entries.
function structsOf(shape: StructShape, cursors: Cursors): JsonObject[] {
  const own = leavesOf(shape).map((leaf) => cursors.get(leaf) as Cursor)
  const found: JsonObject[] = []
  for (;;) {
    for (const cursor of own) cursor.passBelow(shape.level)
    if (!own.every(({ row, isOver, isRepeated }) => row === own[0]?.row && isOver === own[0]?.isOver && !isRepeated)) throw new Misfit()
    if ((own[0] as Cursor).isOver) return found
    found.push(cellOf(shape, cursors) as JsonObject)
  }
}

function cellOf(shape: Shape, cursors: Cursors): JsonValue {
  if (shape.kind === 'leaf') return (cursors.get(shape.leaf) as Cursor).next(shape.type)
  const own = leavesOf(shape).map((leaf) => cursors.get(leaf) as Cursor)
  const first = own[0] as Cursor
  if (first.level < shape.level) return passOver(own, null)
  if (shape.kind === 'struct') {
    const object = jsonObject()
    for (const { name, shape: inner } of shape.members) {
      const value = cellOf(inner, cursors)
      if (value !== null) object[name] = value
    }
    return object
  }
  const isEmpty = first.level === shape.level
  if (shape.kind === 'list') {
    if (isEmpty) return passOver(own, [])
    const items: JsonValue[] = []
    do items.push(cellOf(shape.members[0] as Shape, cursors))
    while (first.isRepeated)
    return items
  }
  if (isEmpty) return passOver(own, jsonObject())
  const object = jsonObject()
  do object[cellOf(shape.members[0] as Shape, cursors) as string] = cellOf(shape.members[1] as Shape, cursors)
  while (first.isRepeated)
  return object
}

function passOver<T>(cursors: readonly Cursor[], value: T): T {
  for (const cursor of cursors) cursor.pass()
  return value
}
