// One column chunk as its pages store it, without the codec: levels and values as typed arrays, texts as places in the
// unpacked bytes. Made for the few wide, plain columns of checkpoints. Rule: whatever is not of the common kind is left
// to the codec (`undefined`), and what contradicts itself is an error.
import { corrupt, guarded } from './faults.js'
import { type ChunkInfo, PhysicalType } from './footer.js'
import {
  copyPage,
  findTexts,
  fitsKernel,
  type LoadedPage,
  loadPage,
  type TextsOut,
  unpackPage,
  viewPage,
  viewTexts,
} from './kernel/kernel.js'
import type { LeafLevels } from './leaf-levels.js'
import { type LeafTexts, type LeafValues, NumberedTexts, newTexts, placeTexts, type TextVisitor } from './leaf-texts.js'
import { type ChunkPages, DATA_PAGE, DATA_PAGE_V2, DICTIONARY_PAGE, type PageHeader, pageHeader } from './pages.js'
import { isOneRun, readLevels, readNumbers } from './runs.js'
import type { SchemaNode } from './schema-tree.js'
import { BOOLEAN_FALSE } from './thrift.js'
import { int32At } from './thrift-values.js'

const UNCOMPRESSED = 0
const SNAPPY = 1
const PLAIN = 0
const PLAIN_DICTIONARY = 2
const RLE = 3
const RLE_DICTIONARY = 8
// Levels alone can claim many values in few bytes; columns of more are left to the codec, which decodes by windows.
const MAX_SLOTS = 2 ** 24
const MAX_BYTES = 2 ** 30
// Bytes of a value by physical type; a boolean takes a bit.
const WORD_BYTES: ReadonlyMap<number, number> = new Map([
  [PhysicalType.BOOLEAN, 1 / 8],
  [PhysicalType.INT32, 4],
  [PhysicalType.INT64, 8],
])

/**
 * Decodes a chunk; undefined where it is to be left to the codec.
 * @throws AlluviumError `CORRUPT_DATA`
 */
export function leafValues(
  name: string,
  leaf: SchemaNode,
  levels: LeafLevels,
  chunk: ChunkInfo,
  bytes: Uint8Array,
  pages: ChunkPages,
  withHashes: boolean,
): LeafValues | undefined {
  const wordBytes = wordBytesOf(leaf)
  if (wordBytes === undefined || !isForUs(levels, chunk, pages)) return undefined
  const decoder = new LeafDecoder(name, leaf, levels, chunk, bytes, pages, wordBytes, withHashes)
  return guarded(name, () => decoder.run())
}

/**
 * Visits the texts of some slots (ascending) of a flat leaf, page by page, without keeping any; slots without a value are passed
 * over. False where others must, who may find that some were visited.
 * @throws AlluviumError `CORRUPT_DATA`
 */
export function visitTexts(
  name: string,
  leaf: SchemaNode,
  levels: LeafLevels,
  chunk: ChunkInfo,
  bytes: Uint8Array,
  pages: ChunkPages,
  slots: Int32Array,
  visit: TextVisitor,
): boolean {
  const isFlatText = leaf.physicalType === PhysicalType.BYTE_ARRAY && levels.repetition === 0
  if (!isFlatText || pages.dictionary !== undefined || !isForUs(levels, chunk, pages)) return false
  const decoder = new LeafDecoder(name, leaf, levels, chunk, bytes, pages, 0, false, { slots, visit })
  return guarded(name, () => decoder.run()) !== undefined
}

function wordBytesOf(leaf: SchemaNode): number | undefined {
  return leaf.physicalType === PhysicalType.BYTE_ARRAY ? 0 : WORD_BYTES.get(leaf.physicalType as number)
}

function isForUs(levels: LeafLevels, chunk: ChunkInfo, pages: ChunkPages): boolean {
  if (chunk.codec !== UNCOMPRESSED && chunk.codec !== SNAPPY) return false
  return pages.numValues <= MAX_SLOTS && pages.uncompressedSize <= MAX_BYTES && levels.definition <= 127 && levels.repetition <= 1
}

class LeafDecoder {
  readonly #name: string
  readonly #column: string
  readonly #levels: LeafLevels
  readonly #chunk: ChunkInfo
  readonly #bytes: Uint8Array
  readonly #pages: ChunkPages
  readonly #textBytes: Uint8Array | undefined
  readonly #most: number
  readonly #withHashes: boolean
  #texts: TextsOut | undefined
  // As long as all texts are of the dictionary.
  #numbers: Int32Array | undefined
  readonly #words: Int32Array | undefined
  readonly #wordBytes: number
  readonly #visited: { readonly slots: Int32Array; readonly visit: TextVisitor } | undefined
  #nextVisited = 0
  #bytesUsed = 0
  #definitions: Uint8Array | undefined
  #repetitions: Uint8Array | undefined
  #slots = 0
  #present = 0
  #dictionary: TextsOut | undefined
  #dictionaryWords: Int32Array | undefined
  #dictionaryEnd = 0

  constructor(
    name: string,
    leaf: SchemaNode,
    levels: LeafLevels,
    chunk: ChunkInfo,
    bytes: Uint8Array,
    pages: ChunkPages,
    wordBytes: number,
    withHashes: boolean,
    visited?: { readonly slots: Int32Array; readonly visit: TextVisitor },
  ) {
    this.#visited = visited
    this.#wordBytes = wordBytes
    this.#name = name
    this.#column = chunk.path.join('.') || leaf.name
    this.#levels = levels
    this.#chunk = chunk
    this.#bytes = bytes
    this.#pages = pages
    // Of what is known to be null nothing is stored.
    const most = Math.max(0, pages.numValues - Math.max(0, chunk.nullCount ?? 0))
    this.#most = most
    this.#withHashes = withHashes
    if (wordBytes > 0) this.#words = new Int32Array(most * 2)
    else if (visited === undefined) {
      this.#textBytes = new Uint8Array(pages.uncompressedSize)
      if (pages.dictionary !== undefined) this.#numbers = new Int32Array(most)
    }
  }

  run(): LeafValues | undefined {
    const { dataStart, end, dictionary } = this.#pages
    if (dictionary !== undefined && !this.#readDictionary(pageHeader(this.#bytes, 0))) return undefined
    for (let at = dataStart; at < end; ) {
      const page = pageHeader(this.#bytes, at)
      at = page.end
      if (page.type === DICTIONARY_PAGE) throw this.#fault('a misplaced dictionary page')
      if (page.type !== DATA_PAGE && page.type !== DATA_PAGE_V2) continue
      if (!this.#readPage(page)) return undefined
    }
    const present = this.#present
    return {
      slots: this.#slots,
      levels: this.#levels,
      definitions: this.#definitions,
      repetitions: this.#repetitions,
      present,
      texts: this.#textBytes === undefined ? undefined : this.#leafTexts(this.#textBytes.subarray(0, this.#bytesUsed), present),
      words: this.#words?.subarray(0, present * 2),
    }
  }

  #leafTexts(bytes: Uint8Array, present: number): LeafTexts {
    const dictionaryEnd = this.#dictionaryEnd
    if (this.#numbers !== undefined && this.#dictionary !== undefined)
      return new NumberedTexts(bytes, dictionaryEnd, this.#numbers.subarray(0, present), this.#dictionary)
    const { starts, lengths, hashes } = this.#placed()
    return {
      bytes,
      starts: starts.subarray(0, present),
      lengths: lengths.subarray(0, present),
      hashes: hashes?.subarray(0, present),
      dictionaryEnd,
    }
  }

  // The places of texts that do not all come from the dictionary.
  #placed(): TextsOut {
    if (this.#texts === undefined) {
      this.#texts = newTexts(this.#most, this.#withHashes)
      if (this.#numbers !== undefined && this.#dictionary !== undefined) placeTexts(this.#numbers, this.#dictionary, this.#texts)
      this.#numbers = undefined
    }
    return this.#texts
  }

  #readDictionary(header: PageHeader): boolean {
    const encoding = int32At(this.#bytes, header.own?.get(2))
    const count = header.numValues
    if (encoding !== PLAIN && encoding !== PLAIN_DICTIONARY) return false
    if (!fitsKernel(header.compressedSize, header.uncompressedSize, count)) return false
    const page = this.#load(header, header.bodyStart, header.uncompressedSize, count)
    if (this.#textBytes === undefined) {
      this.#dictionaryWords = new Int32Array(count * 2)
      this.#copyWords(page, 0, count, this.#dictionaryWords, 0)
      return true
    }
    this.#dictionary = newTexts(count, this.#withHashes)
    this.#findTexts(page, 0, count, this.#dictionary, 0)
    this.#dictionaryEnd = this.#bytesUsed
    return true
  }

  #readPage(header: PageHeader): boolean {
    const count = header.numValues
    if (this.#slots + count > this.#pages.numValues) throw this.#fault('more values than announced')
    if (!fitsKernel(header.compressedSize, header.uncompressedSize, count)) return false
    const before = this.#present
    const visited = this.#visited?.slots[this.#nextVisited]
    if (this.#visited !== undefined && (visited === undefined || visited >= this.#slots + count)) {
      this.#slots += count
      return true
    }
    const firstSlot = this.#slots
    const values = header.type === DATA_PAGE ? this.#openV1(header, count) : this.#openV2(header, count)
    if (values === undefined) return false
    const present = this.#present - before
    if (this.#present > this.#capacity()) return false // Its null count is wrong: the codec does not look at it.
    if (present === 0) return true
    if (this.#visited !== undefined) return header.encoding === PLAIN && this.#visitPage(values.page, values.from, present, firstSlot)
    if (header.encoding === PLAIN) {
      if (this.#textBytes === undefined) this.#copyWords(values.page, values.from, present, this.#words as Int32Array, before)
      else this.#findTexts(values.page, values.from, present, this.#placed(), before)
      return true
    }
    if (header.encoding !== PLAIN_DICTIONARY && header.encoding !== RLE_DICTIONARY) return false
    return this.#lookUp(values.page, values.from, before, present)
  }

  #capacity(): number {
    return this.#most
  }

  // Repetition levels, definition levels and values, all packed together; levels are preceded by their size.
  #openV1(header: PageHeader, count: number): { page: LoadedPage; from: number } | undefined {
    if (this.#levels.definition > 0 && (int32At(this.#bytes, header.own?.get(3)) ?? RLE) !== RLE) return undefined
    if (this.#levels.repetition > 0 && (int32At(this.#bytes, header.own?.get(4)) ?? RLE) !== RLE) return undefined
    const page = this.#load(header, header.bodyStart, header.uncompressedSize, count)
    const bytes = viewPage(page)
    let from = 0
    const section = (): number => {
      if (from + 4 > bytes.length) throw this.#fault('a page that ends in its levels')
      const size =
        (bytes[from] as number) |
        ((bytes[from + 1] as number) << 8) |
        ((bytes[from + 2] as number) << 16) |
        ((bytes[from + 3] as number) << 24)
      from += 4
      if (size < 0 || size > bytes.length - from) throw this.#fault('levels that lead out of their page')
      return size
    }
    let repetitionsAt = 0
    let repetitionsEnd = 0
    if (this.#levels.repetition > 0) {
      repetitionsEnd = section() + from
      repetitionsAt = from
      from = repetitionsEnd
    }
    let definitionsAt = 0
    let definitionsEnd = 0
    if (this.#levels.definition > 0) {
      definitionsEnd = section() + from
      definitionsAt = from
      from = definitionsEnd
    }
    this.#readSlots(bytes, count, repetitionsAt, repetitionsEnd, definitionsAt, definitionsEnd)
    return { page, from }
  }

  // Levels stand before the values, never packed.
  #openV2(header: PageHeader, count: number): { page: LoadedPage; from: number } | undefined {
    const definitionBytes = int32At(this.#bytes, header.own?.get(5)) ?? 0
    const repetitionBytes = int32At(this.#bytes, header.own?.get(6)) ?? 0
    const levelBytes = definitionBytes + repetitionBytes
    if (definitionBytes < 0 || repetitionBytes < 0 || levelBytes > header.compressedSize || levelBytes > header.uncompressedSize)
      throw this.#fault('levels that lead out of their page')
    const start = header.bodyStart
    const definitionsAt = start + repetitionBytes
    this.#readSlots(this.#bytes, count, start, definitionsAt, definitionsAt, definitionsAt + definitionBytes)
    const isPacked = header.own?.get(7)?.type !== BOOLEAN_FALSE
    const size = header.uncompressedSize - levelBytes
    return { page: this.#load(header, start + levelBytes, size, count, isPacked), from: 0 }
  }

  #load(header: PageHeader, start: number, size: number, count: number, isPacked = true): LoadedPage {
    const body = this.#bytes.subarray(start, header.end)
    if (this.#chunk.codec === UNCOMPRESSED || !isPacked || (size === 0 && body.length === 0)) {
      if (body.length !== size) throw this.#fault('a page of another size than announced')
      return loadPage(body, count)
    }
    const page = unpackPage(body, size, count)
    if (page === undefined) throw this.#fault('a page that does not unpack')
    return page
  }

  #readSlots(bytes: Uint8Array, count: number, repAt: number, repEnd: number, defAt: number, defEnd: number): void {
    const { definition, repetition } = this.#levels
    const first = this.#slots
    this.#slots += count
    if (repetition > 0 && !(this.#repetitions === undefined && isOneRun(bytes, repAt, repEnd, 0, count))) {
      this.#repetitions ??= new Uint8Array(this.#pages.numValues)
      if (!readLevels(bytes, repAt, repEnd, repetition, this.#repetitions, first, this.#slots)) throw this.#fault('damaged levels')
    }
    if (definition === 0 || (this.#definitions === undefined && isOneRun(bytes, defAt, defEnd, definition, count))) {
      this.#present += count
      return
    }
    this.#definitions ??= new Uint8Array(this.#pages.numValues).fill(definition, 0, first)
    if (!readLevels(bytes, defAt, defEnd, definition, this.#definitions, first, this.#slots)) throw this.#fault('damaged levels')
    let present = 0
    for (let i = first; i < this.#slots; i++) if (this.#definitions[i] === definition) present++
    this.#present += present
  }

  #findTexts(page: LoadedPage, from: number, count: number, out: TextsOut, outAt: number): void {
    const textBytes = this.#textBytes as Uint8Array
    const size = page.size - from
    if (this.#bytesUsed + size > textBytes.length) throw this.#fault('pages that unpack to more than announced')
    if (!findTexts(page, from, count, this.#bytesUsed - from, out, outAt)) throw this.#fault('texts that lead out of their page')
    copyPage(page, from, textBytes, this.#bytesUsed)
    this.#bytesUsed += size
  }

  #visitPage(page: LoadedPage, from: number, present: number, firstSlot: number): boolean {
    const { slots, visit } = this.#visited as { slots: Int32Array; visit: TextVisitor }
    const texts = viewTexts(page, from, present)
    if (texts === undefined) throw this.#fault('texts that lead out of their page')
    const { bytes, starts, lengths } = texts
    const definitions = this.#definitions
    const { definition } = this.#levels
    let slot = firstSlot
    let value = 0
    for (; this.#nextVisited < slots.length; this.#nextVisited++) {
      const wanted = slots[this.#nextVisited] as number
      if (wanted >= this.#slots) break
      if (definitions === undefined) value = wanted - firstSlot
      else for (; slot < wanted; slot++) if (definitions[slot] === definition) value++
      if (definitions !== undefined && definitions[wanted] !== definition) continue
      const start = starts[value] as number
      visit(this.#nextVisited, bytes, start, start + (lengths[value] as number))
    }
    return true
  }

  #copyWords(page: LoadedPage, from: number, count: number, out: Int32Array, outAt: number): void {
    const width = this.#wordBytes
    if (from + Math.ceil(count * width) > page.size) throw this.#fault('a page with fewer values than announced')
    const bytes = viewPage(page).subarray(from)
    if (width === 8) {
      new Uint8Array(out.buffer, out.byteOffset + outAt * 8, count * 8).set(bytes.subarray(0, count * 8))
      return
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < count; i++) {
      const value = width === 4 ? view.getInt32(i * 4, true) : ((bytes[i >> 3] as number) >> (i & 7)) & 1
      out[2 * (outAt + i)] = value
      out[2 * (outAt + i) + 1] = value >> 31
    }
  }

  #lookUp(page: LoadedPage, from: number, first: number, count: number): boolean {
    const entries = this.#dictionary?.starts.length ?? (this.#dictionaryWords?.length ?? -2) / 2
    if (entries < 0) throw this.#fault('a page of dictionary numbers without a dictionary')
    const bytes = viewPage(page)
    const width = bytes[from] as number
    if (from >= bytes.length) throw this.#fault('a page without its values')
    if (width > 24) return false
    // Numbers stay where they are as long as no text comes from elsewhere.
    const numbers = this.#numbers ?? new Int32Array(count)
    const at = numbers === this.#numbers ? first : 0
    if (width > 0 ? !readNumbers(bytes, from + 1, bytes.length, width, entries, numbers, at, at + count) : entries === 0)
      throw this.#fault('damaged dictionary numbers')
    if (width === 0) numbers.fill(0, at, at + count)
    const words = this.#words
    if (words !== undefined) {
      const values = this.#dictionaryWords as Int32Array
      for (let i = 0; i < count; i++) {
        const n = numbers[i] as number
        words[2 * (first + i)] = values[2 * n] as number
        words[2 * (first + i) + 1] = values[2 * n + 1] as number
      }
    } else if (numbers !== this.#numbers) placeTexts(numbers, this.#dictionary as TextsOut, this.#placed(), first)
    return true
  }

  #fault(what: string): Error {
    return corrupt(this.#name, `column ${this.#column} has ${what}`, { column: this.#column })
  }
}
