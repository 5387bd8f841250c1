// "Slice file": a small Parquet file made in memory out of some column chunks of one row group, for the codec's
// synchronous reader. It gives column projection, files of any size and plain errors, with all I/O ours.

import type { ChunkInfo, Footer } from './footer.js'
import type { ChunkPages } from './pages.js'
import type { SchemaNode } from './schema-tree.js'
import { BINARY, I32, STRUCT, ThriftWriter } from './thrift.js'
import { fieldsAt } from './thrift-values.js'

/** One chunk of a slice: its facts and the bytes of its pages. */
export interface SliceChunk {
  readonly leaf: SchemaNode
  readonly chunk: ChunkInfo
  readonly pages: ChunkPages
  readonly bytes: Uint8Array
}

const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Names a column from the root: a top-level name, or a path of names into structs. */
export type ColumnPath = string | readonly string[]

/**
 * The leaves that the named columns cover, as indexes in ascending order. Names the file does not have select nothing.
 * A path may lead into structs; at a list or map it takes the whole of it.
 */
export function selectLeaves(footer: Footer, columns: readonly ColumnPath[] | undefined): Set<number> {
  const selected = new Set<number>()
  if (columns === undefined) {
    for (const leaf of footer.leaves) selected.add(leaf.leaf)
    return selected
  }
  // By name, as there may be many of both.
  const paths = new Map<string, (readonly string[])[]>()
  for (const column of columns) {
    const path = typeof column === 'string' ? [column] : column
    const name = path[0] as string
    const same = paths.get(name)
    if (path.length === 0 || footer.root.isCollection) descend(footer.root, [], 0, selected)
    else if (same === undefined) paths.set(name, [path])
    else same.push(path)
  }
  for (const child of footer.root.children) for (const path of paths.get(child.name) ?? []) descend(child, path, 1, selected)
  return selected
}

function descend(node: SchemaNode, path: readonly string[], depth: number, selected: Set<number>): void {
  const isWhole = depth === path.length || node.isCollection || (node.repetition === 2 && depth > 0) || node.leaf >= 0
  if (isWhole) {
    if (node.leaf >= 0) selected.add(node.leaf)
    for (const child of node.children) descend(child, path, path.length, selected)
    return
  }
  for (const child of node.children) {
    if (child.name === path[depth]) descend(child, path, depth + 1, selected)
  }
}

/**
 * The slice file. Without chunks it has no row group: enough to learn the Arrow schema of a projection.
 * `arrowSchema` is the base64 text of an Arrow schema that steers how columns are read (INT96 as microseconds).
 */
export function buildSlice(
  footer: Footer,
  selected: ReadonlySet<number>,
  group: { numRows: number; chunks: readonly SliceChunk[] } | undefined,
  arrowSchema: string | undefined,
): Uint8Array {
  const writer = new ThriftWriter()
  let bodyBytes = 0
  for (const chunk of group?.chunks ?? []) bodyBytes += chunk.pages.end
  writer.beginStruct()
  writer.int32(1, footer.version)
  writeSchema(writer, footer, selected)
  writer.int64(3, group?.numRows ?? 0)
  writer.list(4, STRUCT, group === undefined ? 0 : 1)
  if (group !== undefined) writeGroup(writer, group.numRows, group.chunks)
  if (arrowSchema !== undefined) {
    writer.list(5, STRUCT, 1)
    writer.beginStruct()
    writer.text(1, 'ARROW:schema')
    writer.text(2, arrowSchema)
    writer.endStruct()
  }
  writer.endStruct()
  const file = assemble(writer.finish(), bodyBytes)
  let at = 4
  for (const { bytes, pages } of group?.chunks ?? []) {
    file.set(bytes.subarray(0, pages.end), at)
    at += pages.end
  }
  return file
}

/**
 * A file of one required column that holds the values of a dictionary page as its data page: reading it tells how long
 * the entries are, before any row repeats them.
 */
export function buildDictionarySlice(source: SliceChunk): Uint8Array | undefined {
  const dictionary = source.pages.dictionary
  if (dictionary === undefined) return undefined
  const body = source.bytes.subarray(dictionary.start, dictionary.end)
  const header = new ThriftWriter()
  header.beginStruct()
  header.int32(1, 0)
  header.int32(2, dictionary.uncompressedSize)
  header.int32(3, body.length)
  header.beginStruct(5)
  header.int32(1, dictionary.numValues)
  for (const [id, encoding] of [
    [2, 0],
    [3, 3],
    [4, 3],
  ] as const) {
    header.int32(id, encoding)
  }
  header.endStruct()
  header.endStruct()
  const head = header.finish()
  const writer = new ThriftWriter()
  writer.beginStruct()
  writer.int32(1, 1)
  writer.list(2, STRUCT, 2)
  writer.beginStruct()
  writer.text(4, 'root')
  writer.int32(5, 1)
  writer.endStruct()
  writer.beginStruct()
  writer.int32(1, source.chunk.physicalType)
  if (source.leaf.typeLength !== undefined) writer.int32(2, source.leaf.typeLength)
  writer.int32(3, 0)
  writer.text(4, 'entry')
  writer.endStruct()
  writer.int64(3, dictionary.numValues)
  writer.list(4, STRUCT, 1)
  const size = head.length + body.length
  const chunk: ChunkInfo = { ...source.chunk, path: ['entry'], encodings: [0, 3], numValues: dictionary.numValues }
  writer.beginStruct()
  writer.list(1, STRUCT, 1)
  writeChunk(writer, chunk, { at: 4, dictionaryBytes: 0, size, uncompressedSize: dictionary.uncompressedSize + head.length })
  writer.int64(2, size)
  writer.int64(3, dictionary.numValues)
  writer.endStruct()
  writer.endStruct()
  const file = assemble(writer.finish(), size)
  file.set(head, 4)
  file.set(body, 4 + head.length)
  return file
}

function assemble(footer: Uint8Array, bodyBytes: number): Uint8Array {
  const file = new Uint8Array(4 + bodyBytes + footer.length + 8)
  file.set(MAGIC, 0)
  file.set(footer, 4 + bodyBytes)
  new DataView(file.buffer).setUint32(file.length - 8, footer.length, true)
  file.set(MAGIC, file.length - 4)
  return file
}

function writeSchema(writer: ThriftWriter, footer: Footer, selected: ReadonlySet<number>): void {
  const kept: { node: SchemaNode; children: number }[] = []
  const visit = (node: SchemaNode, isRoot: boolean): boolean => {
    const at = kept.length
    kept.push({ node, children: 0 })
    let children = 0
    for (const child of node.children) if (visit(child, false)) children++
    const keep = isRoot || (node.leaf >= 0 ? selected.has(node.leaf) : children > 0)
    if (keep) kept[at] = { node, children }
    else kept.length = at
    return keep
  }
  visit(footer.root, true)
  writer.list(2, STRUCT, kept.length)
  for (const { node, children } of kept) {
    const fields = [...fieldsAt(footer.bytes, node.start, node.end).values()].sort((a, b) => a.id - b.id)
    writer.beginStruct()
    let written = false
    for (const field of fields) {
      if (field.id === 5) continue
      if (!written && field.id > 5 && children > 0) {
        writer.int32(5, children)
        written = true
      }
      writer.copy(footer.bytes, field)
    }
    if (!written && children > 0) writer.int32(5, children)
    writer.endStruct()
  }
}

function writeGroup(writer: ThriftWriter, numRows: number, chunks: readonly SliceChunk[]): void {
  writer.beginStruct()
  writer.list(1, STRUCT, chunks.length)
  let at = 4
  let total = 0
  for (const { chunk, pages } of chunks) {
    const dictionaryBytes = pages.dictionary === undefined ? 0 : pages.dataStart
    writeChunk(writer, chunk, { at, dictionaryBytes, size: pages.end, uncompressedSize: chunk.uncompressedSize })
    at += pages.end
    total += chunk.uncompressedSize
  }
  writer.int64(2, total)
  writer.int64(3, numRows)
  writer.endStruct()
}

function writeChunk(
  writer: ThriftWriter,
  chunk: ChunkInfo,
  place: { at: number; dictionaryBytes: number; size: number; uncompressedSize: number },
): void {
  writer.beginStruct()
  writer.int64(2, place.at)
  writer.beginStruct(3)
  writer.int32(1, chunk.physicalType)
  writer.list(2, I32, chunk.encodings.length)
  for (const encoding of chunk.encodings) writer.rawValue(Uint8Array.of(encoding * 2))
  writer.list(3, BINARY, chunk.path.length)
  for (const name of chunk.path) writer.textElement(name)
  writer.int32(4, chunk.codec)
  writer.int64(5, chunk.numValues)
  writer.int64(6, place.uncompressedSize)
  writer.int64(7, place.size)
  writer.int64(9, place.at + place.dictionaryBytes)
  if (place.dictionaryBytes > 0) writer.int64(11, place.at)
  writer.endStruct()
  writer.endStruct()
}
