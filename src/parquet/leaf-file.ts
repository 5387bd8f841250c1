// A Parquet file by its column chunks: for readers of few, wide, plain columns, who want places in bytes and no Arrow.
// Opening it reads the footer and does not start the codec.
import { DataType } from 'apache-arrow'
import { throwIfAborted } from '../errors.js'
import { chunksOf } from './decode.js'
import { flatColumn } from './flat-columns.js'
import type { RowGroupInfo } from './footer.js'
import { type LeafLevels, leafLevels } from './leaf-levels.js'
import type { LeafValues, TextVisitor } from './leaf-texts.js'
import { leafValues, visitTexts } from './leaf-values.js'
import { type Opened, openFooter } from './open.js'
import { scanPages } from './pages.js'
import { type ParquetFile, parquetOf } from './reader.js'
import type { SchemaNode } from './schema-tree.js'
import { type ByteSource, readRanges } from './source.js'

/** A leaf to read. */
export interface LeafWanted {
  readonly leaf: number
  /** Texts come with their MurmurHash3. */
  readonly withHashes?: boolean
}

/** An open file. It holds no resource besides memory. */
export class LeafFile {
  readonly numRows: number
  readonly rowGroups: readonly RowGroupInfo[]
  readonly name: string
  readonly #opened: Opened
  readonly #levels: readonly LeafLevels[]
  #parquet: Promise<ParquetFile> | undefined

  constructor(name: string, opened: Opened) {
    this.name = name
    this.#opened = opened
    this.numRows = opened.footer.numRows
    this.rowGroups = opened.footer.rowGroups
    this.#levels = leafLevels(opened.footer.root)
  }

  /** The leaf of a path through structs, or -1. */
  leaf(path: readonly string[]): number {
    return this.#node(path)?.leaf ?? -1
  }

  /** Whether there is a column of this path, of whatever kind. */
  hasColumn(path: readonly string[]): boolean {
    return this.#node(path) !== undefined
  }

  /** The leaves of a map of plain keys and values, by their place, as writers name them differently. */
  mapLeaves(path: readonly string[]): { readonly key: number; readonly value: number } | undefined {
    const entries = this.#node(path)?.children
    const [key, value] = entries?.length === 1 && entries[0]?.repetition === 2 ? entries[0].children : []
    return key !== undefined && value !== undefined && key.leaf >= 0 && value.leaf >= 0 ? { key: key.leaf, value: value.leaf } : undefined
  }

  /** The column of a path with all that is in it; undefined where there is none. */
  column(path: readonly string[]): SchemaNode | undefined {
    return this.#node(path)
  }

  /** What a leaf holds, where that is UTF-8, signed integers of 32 or 64 bits, or booleans, and nothing else is said of it. */
  plainType(leaf: SchemaNode): 'text' | 'integer' | 'boolean' | undefined {
    const type = flatColumn(this.#opened.footer.bytes, leaf)?.field.type
    if (DataType.isUtf8(type)) return 'text'
    if (DataType.isBool(type)) return 'boolean'
    return DataType.isInt(type) && type.bitWidth >= 32 ? 'integer' : undefined
  }

  /** Whether the footer says that nothing under this path has a value in a row group. False where it does not say. */
  isAllNull(group: number, path: readonly string[]): boolean {
    const node = this.#node(path)
    const columns = this.rowGroups[group]?.columns
    const allNull = (one: SchemaNode): boolean => {
      const chunk = columns?.[one.leaf]
      return one.leaf < 0 ? one.children.every(allNull) : chunk?.nullCount !== undefined && chunk.nullCount === chunk.numValues
    }
    return node === undefined || allNull(node)
  }

  /**
   * Fetches column chunks; the answer decodes them, each undefined where only {@link parquet} can.
   * @throws AlluviumError `CORRUPT_DATA`, `UNSUPPORTED_FEATURE`, `LIMIT_EXCEEDED`, errors of the source
   */
  async fetch(group: number, leaves: readonly LeafWanted[], signal?: AbortSignal): Promise<() => (LeafValues | undefined)[]> {
    const { footer, source } = this.#opened
    const info = this.rowGroups[group] as RowGroupInfo
    const wanted = chunksOf(this.name, this.#opened, info, new Set(leaves.map(({ leaf }) => leaf)))
    const ranges = wanted.map(({ range }) => range)
    const bytes = await readRanges(source, this.name, ranges, signal)
    throwIfAborted(signal, `reading ${this.name}`)
    return () =>
      leaves.map(({ leaf, withHashes = false }) => {
        const at = wanted.findIndex((one) => one.leaf.leaf === leaf)
        const { chunk } = wanted[at] as (typeof wanted)[number]
        const node = footer.leaves[leaf] as SchemaNode
        const body = bytes[at] as Uint8Array
        const pages = scanPages(this.name, node, chunk, body, info.numRows)
        return leafValues(this.name, node, this.#levels[leaf] as LeafLevels, chunk, body, pages, withHashes)
      })
  }

  /**
   * Fetches a column chunk of texts; the answer visits those of some rows of the row group (ascending, counted in it). False where
   * it has to be read otherwise, which may show after some were visited.
   * @throws AlluviumError as {@link fetch}
   */
  async fetchVisited(group: number, leaf: number, signal?: AbortSignal): Promise<(rows: Int32Array, visit: TextVisitor) => boolean> {
    const { footer, source } = this.#opened
    const info = this.rowGroups[group] as RowGroupInfo
    const [wanted] = chunksOf(this.name, this.#opened, info, new Set([leaf]))
    if (wanted === undefined) return () => false
    const { chunk, range } = wanted
    const [bytes] = (await readRanges(source, this.name, [range], signal)) as [Uint8Array]
    throwIfAborted(signal, `reading ${this.name}`)
    const node = footer.leaves[leaf] as SchemaNode
    return (rows, visit) => {
      const pages = scanPages(this.name, node, chunk, bytes, info.numRows)
      return visitTexts(this.name, node, this.#levels[leaf] as LeafLevels, chunk, bytes, pages, rows, visit)
    }
  }

  /** The same file for reads through the codec. */
  parquet(): Promise<ParquetFile> {
    this.#parquet ??= parquetOf(this.#opened, this.name)
    return this.#parquet
  }

  #node(path: readonly string[]): SchemaNode | undefined {
    let node: SchemaNode | undefined = this.#opened.footer.root
    for (const name of path) node = node?.children.find((child) => child.name === name)
    return node
  }
}

/** Opens a file for {@link LeafFile}. @throws AlluviumError as `openParquet` */
export async function openLeafFile(source: ByteSource, options: { name: string; signal?: AbortSignal | undefined }): Promise<LeafFile> {
  return new LeafFile(options.name, await openFooter(source, options.name, options.signal))
}
