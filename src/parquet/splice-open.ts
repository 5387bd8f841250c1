// A file that is to be spliced: what its footer says, looked at before a byte is copied. Rule: every place that the footer
// names lies in the file, before the footer and apart from every other; a footer that says otherwise is damage, and what is
// sound but not understood is an obstacle.
import { corrupt, guarded } from './faults.js'
import { type ChunkInfo, CODEC_NAMES, type Footer, type RowGroupInfo } from './footer.js'
import { footerOf, readFooter } from './open.js'
import type { ByteSource, Range } from './source.js'
import { LIST, STRUCT, type ThriftField } from './thrift.js'
import { fieldsAt, int32At, int64At, rangesOf, textAt } from './thrift-values.js'

/** A file by name. */
export interface SpliceInput {
  /** The file's name in messages. */
  readonly name: string
  readonly source: ByteSource
  /** Bytes that the footer likely takes: what the first request asks for. Default: a share of the file. */
  readonly sizeHint?: number
}

/** One row group, as far as it matters for splicing. */
export interface SpliceRowGroup {
  readonly numRows: number
  /** Bytes in the file. */
  readonly compressedBytes: number
  /** Bytes of its pages before compression. */
  readonly uncompressedBytes: number
}

/** A file whose footer was read and found sound. It holds no resource besides the footer's bytes. */
export interface OpenedForSplice {
  readonly name: string
  readonly source: ByteSource
  readonly sizeBytes: number
  readonly numRows: number
  readonly rowGroups: readonly SpliceRowGroup[]
  /** Who wrote the file, as it says itself. */
  readonly createdBy: string | undefined
  /** Equal for files of equal schemas, in every detail that a footer holds; different ones differ, as good as always. */
  readonly schemaFingerprint: string
  /** Why this file cannot be spliced with any other; undefined where nothing speaks against it. */
  readonly obstacle: string | undefined
  /** The footer as it is in the file. */
  readonly footerBytes: Uint8Array
  /** Where the footer begins. */
  readonly dataEnd: number
  /** Compression codecs of the leaves, by number, in all row groups; where they differ that is an obstacle. */
  readonly codecs: readonly number[]
}

/** Where the parts of a column chunk lie that a splice may carry along. */
export interface ChunkPlace {
  readonly body: Range
  readonly bloomFilter: Range | undefined
  readonly columnIndex: Range | undefined
  readonly offsetIndex: Range | undefined
}

const MIN_GUESS_BYTES = 8 * 1024
const MAX_GUESS_BYTES = 64 * 1024
// Of a file this share is asked for first: footers are rarely larger, and small files are read whole later anyway.
const GUESS_SHARE = 1 / 16

/**
 * Reads and checks the footer of a file.
 * @throws AlluviumError `CORRUPT_DATA` where it contradicts itself or the file, `LIMIT_EXCEEDED`, `UNSUPPORTED_FEATURE` for an encrypted footer.
 */
export async function openForSplice(input: SpliceInput, options: { readonly signal?: AbortSignal } = {}): Promise<OpenedForSplice> {
  const { name, source, sizeHint } = input
  const guess = sizeHint ?? Math.max(MIN_GUESS_BYTES, Math.min(MAX_GUESS_BYTES, source.sizeBytes * GUESS_SHARE))
  const { bytes, dataEnd } = await readFooter(source, name, Math.max(12, Math.ceil(guess)), options.signal)
  // A copy: the bytes that came with the footer are let go.
  const footerBytes = bytes.slice()
  const footer = footerOf(footerBytes, name)
  return guarded(name, () => factsOf(name, source, footer, dataEnd))
}

function factsOf(name: string, source: ByteSource, footer: Footer, dataEnd: number): OpenedForSplice {
  const rowGroups = footer.rowGroups.map((group) => groupFacts(group))
  const unknown = footer.fields.find(({ id }) => id < 1 || id > 9)
  let obstacle = footer.isEncrypted ? 'it is encrypted' : unknown && `its footer has a field (${unknown.id}) that is not known`
  if (footer.leaves.length === 0) obstacle ??= 'its schema has no columns'
  const codecs: number[] = []
  const places: Range[] = []
  for (const [i, group] of footer.rowGroups.entries()) {
    obstacle ??= groupObstacle(footer, i, codecs)
    // Without the facts of a chunk there are no places to check; nothing is copied then either.
    if (group.columns.some(({ isEncrypted, filePath }) => isEncrypted || filePath !== undefined)) continue
    checkChunks(name, footer, group, dataEnd)
    if (group.numRows > 0) for (const { body } of placesOf(footer, i, dataEnd)) places.push(body)
  }
  checkApart(name, places)
  return {
    name,
    source,
    sizeBytes: source.sizeBytes,
    numRows: footer.numRows,
    rowGroups,
    createdBy: footer.createdBy,
    schemaFingerprint: fingerprint(schemaBytes(footer)),
    obstacle,
    footerBytes: footer.bytes,
    dataEnd,
    codecs,
  }
}

function groupFacts(group: RowGroupInfo): SpliceRowGroup {
  const columns = group.columns.filter(({ isEncrypted }) => !isEncrypted)
  return {
    numRows: group.numRows,
    compressedBytes: columns.reduce((sum, { compressedSize }) => sum + compressedSize, 0),
    uncompressedBytes:
      group.totalByteSize > 0 ? group.totalByteSize : columns.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
  }
}

/** A footer's bytes with its outermost fields. */
export type FooterFields = Pick<Footer, 'bytes' | 'fields'>

/** The schema and the orders of its columns, as bytes. */
export function schemaBytes({ bytes, fields }: FooterFields): Uint8Array[] {
  return [2, 7].map((id) => {
    const field = fields.find((one) => one.id === id)
    return field === undefined ? new Uint8Array() : bytes.subarray(field.start, field.end)
  })
}

/** The key-value metadata of a footer; undefined where it is not understood. */
export function keyValues({ bytes, fields }: FooterFields): Map<string, string | undefined> | undefined {
  const found = new Map<string, string | undefined>()
  const list = fields.find(({ id }) => id === 5)
  if (list === undefined) return found
  if (list.type !== LIST) return undefined
  for (const range of rangesOf(bytes, list)) {
    const pair = fieldsAt(bytes, range.start, range.end)
    const key = textAt(bytes, pair.get(1))
    if (key === undefined || found.has(key) || pair.size > 2) return undefined
    found.set(key, pair.has(2) ? textAt(bytes, pair.get(2)) : undefined)
  }
  return found
}

/** Where the chunks of a row group and what belongs to them lie. What is no sound place is left out, besides the chunks themselves. */
export function placesOf(footer: Footer, group: number, dataEnd: number): ChunkPlace[] {
  const { bytes } = footer
  const { columns } = footer.rowGroups[group] as RowGroupInfo
  return chunkFields(footer, group).map(({ chunk, meta }, i) => {
    const { offset, compressedSize } = columns[i] as ChunkInfo
    const place = (at: number | undefined, length: number | undefined): Range | undefined =>
      at === undefined || length === undefined || at < 4 || length < 1 || at + length > dataEnd
        ? undefined
        : { start: at, end: at + length }
    return {
      body: { start: offset, end: offset + compressedSize },
      bloomFilter: place(int64At(bytes, meta.get(14)), int32At(bytes, meta.get(15))),
      offsetIndex: place(int64At(bytes, chunk.get(4)), int32At(bytes, chunk.get(5))),
      columnIndex: place(int64At(bytes, chunk.get(6)), int32At(bytes, chunk.get(7))),
    }
  })
}

/** The structs of the chunks of a row group, field by field. */
export function chunkFields(
  { bytes, rowGroupRanges }: Footer,
  group: number,
): { readonly chunk: Map<number, ThriftField>; readonly meta: Map<number, ThriftField> }[] {
  const range = rowGroupRanges[group] as ThriftField
  const columns = fieldsAt(bytes, range.start, range.end).get(1) as ThriftField
  return rangesOf(bytes, columns).map(({ start, end }) => {
    const chunk = fieldsAt(bytes, start, end)
    const meta = chunk.get(3)
    return { chunk, meta: meta?.type === STRUCT ? fieldsAt(bytes, meta.start, meta.end) : new Map() }
  })
}

// What of a row group is sound, or may be, and not to be carried over. Collects the codecs.
function groupObstacle(footer: Footer, at: number, codecs: number[]): string | undefined {
  const { bytes, rowGroupRanges, rowGroups } = footer
  const range = rowGroupRanges[at] as ThriftField
  const beyond = (fields: Map<number, ThriftField>, last: number): boolean => [...fields.keys()].some((id) => id < 1 || id > last)
  if (beyond(fieldsAt(bytes, range.start, range.end), 7)) return `row group ${at} has a field that is not known`
  for (const [i, { chunk, meta }] of chunkFields(footer, at).entries()) {
    const facts = rowGroups[at]?.columns[i] as ChunkInfo
    const column = facts.path.join('.')
    if (facts.isEncrypted) return `a column of row group ${at} is encrypted`
    if (facts.filePath !== undefined) return `column ${column} lies in another file`
    if (beyond(chunk, 9) || beyond(meta, 17)) return `column ${column} has a field that is not known`
    if (CODEC_NAMES[facts.codec] === undefined) return `column ${column} has a codec (${facts.codec}) that is not known`
    codecs[i] ??= facts.codec
    if (codecs[i] !== facts.codec) return `column ${column} has several codecs`
    if (rowGroups[at]?.numRows === 0) continue
    if (facts.compressedSize === 0) return `column ${column} has no bytes in row group ${at}`
    const [data, ...others] = [9, 10, 11].map((id) => int64At(bytes, meta.get(id)) ?? 0)
    const isInside = (offset: number | undefined): boolean =>
      offset !== undefined && offset >= facts.offset && offset < facts.offset + facts.compressedSize
    if (!isInside(data) || others.some((offset) => offset > 0 && !isInside(offset)))
      return `a page of column ${column} lies outside its chunk`
  }
  return undefined
}

function checkChunks(name: string, footer: Footer, group: RowGroupInfo, dataEnd: number): void {
  for (const [i, leaf] of footer.leaves.entries()) {
    const chunk = group.columns[i] as ChunkInfo
    const column = chunk.path.join('.')
    if (chunk.physicalType !== leaf.physicalType) throw corrupt(name, `column ${column} changes its physical type`, { column })
    if (chunk.path.at(-1) !== leaf.name) throw corrupt(name, `column ${column} stands where the schema has ${leaf.name}`, { column })
    if (!leaf.isRepeated && chunk.numValues !== group.numRows) {
      throw corrupt(name, `column ${column} has ${chunk.numValues} values in a row group of ${group.numRows} rows`, { column })
    }
    const end = chunk.offset + chunk.compressedSize
    if (group.numRows > 0 && (chunk.offset < 4 || end > dataEnd)) {
      throw corrupt(name, `column ${column} claims bytes ${chunk.offset} to ${end} of ${dataEnd}`, { column })
    }
  }
}

function checkApart(name: string, places: Range[]): void {
  places.sort((a, b) => a.start - b.start || a.end - b.end)
  for (let i = 1; i < places.length; i++) {
    const before = places[i - 1] as Range
    const { start, end } = places[i] as Range
    if (start < before.end) throw corrupt(name, `column chunks share the bytes ${start} to ${Math.min(end, before.end)}`)
  }
}

// Two sums over the bytes with different multipliers; equality that matters is decided by the bytes themselves.
function fingerprint(parts: readonly Uint8Array[]): string {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const byte = part[i] as number
      low = Math.imul(low ^ byte, 0x01000193)
      high = Math.imul(high ^ byte, 0x85ebca6b) ^ (high >>> 13)
    }
    low = Math.imul(low ^ part.length, 0x01000193)
  }
  return `${(low >>> 0).toString(16).padStart(8, '0')}${(high >>> 0).toString(16).padStart(8, '0')}`
}

/** Whether two byte strings are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
