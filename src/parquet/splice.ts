// "Splice": several Parquet files made one without decoding a page. Row groups are copied as they are, bloom filters and page
// indexes with them; only the footer is new. Rule: the new footer is read back and must say of every chunk what the files said.
import { concatBytes } from '../bytes.js'
import { AlluviumError } from '../errors.js'
import { guarded } from './faults.js'
import { type ChunkInfo, parseFooter, type RowGroupInfo } from './footer.js'
import { copyRanges } from './splice-copy.js'
import { SplicedFile } from './splice-file.js'
import { sameSchema, writeFooter, writeGroup } from './splice-footer.js'
import { type OpenedForSplice, sameBytes } from './splice-open.js'
import { commonKeyValues, spliceObstacle, writerOf } from './splice-rules.js'
import { type ByteSink, CREATED_BY } from './writer.js'

export { type OpenedForSplice, openForSplice, type SpliceInput, type SpliceRowGroup } from './splice-open.js'
export { rowGroupsTooSmall, type SmallRowGroups, type SpliceRules, spliceObstacle } from './splice-rules.js'

/** How files are spliced. */
export interface SpliceOptions {
  readonly signal?: AbortSignal | undefined
  /** What the file says of its writer where the files do not agree in theirs. Default: this library. */
  readonly createdBy?: string
  /** Added to the key-value metadata that the files have in common. */
  readonly keyValueMetadata?: ReadonlyMap<string, string>
}

/** A file that was made. */
export interface Spliced {
  readonly sizeBytes: number
  readonly numRows: number
  readonly numRowGroups: number
}

const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)
// Page indexes are held until the end of the file. Files that have more go without.
const MAX_INDEX_BYTES = 32 * 2 ** 20

/**
 * Writes one file with the row groups of all files, in order. The sink is not closed.
 * @throws AlluviumError `INVALID_OPTIONS` where {@link spliceObstacle} has something against it, `CORRUPT_DATA` where a file ends
 * early or the footer that was made does not say what the files said; the sources' and the sink's own errors
 *
 * @example
 * const opened = await Promise.all(inputs.map((input) => openForSplice(input)))
 * if (spliceObstacle(opened) === undefined) await spliceFiles(opened, sink)
 */
export async function spliceFiles(inputs: readonly OpenedForSplice[], sink: ByteSink, options: SpliceOptions = {}): Promise<Spliced> {
  const obstacle = spliceObstacle(inputs)
  if (obstacle !== undefined) throw new AlluviumError('INVALID_OPTIONS', `the files cannot be spliced: ${obstacle}. Encode them anew.`)
  const { signal, createdBy = CREATED_BY, keyValueMetadata } = options
  const files = inputs.map((input) => guarded(input.name, () => new SplicedFile(input)))
  chooseIndexes(files)
  await sink.write(MAGIC)
  let at = MAGIC.length
  for (const file of files) at = file.place(at)
  await copyRanges(
    files.map((file) => file.job()),
    sink,
    signal,
  )
  const indexes = moveIndexes(files, at)
  if (indexes.length > 0) await sink.write(indexes)
  at += indexes.length
  const numRowGroups = files.reduce((sum, { groups }) => sum + groups.length, 0)
  const keyValues = new Map([...commonKeyValues(inputs), ...(keyValueMetadata ?? [])])
  const numRows = inputs.reduce((sum, input) => sum + input.numRows, 0)
  const first = (files[0] as SplicedFile).footer
  const footer = writeFooter({ first, numRows, createdBy: writerOf(inputs, createdBy), keyValues }, numRowGroups, (writer) => {
    let ordinal = 0
    for (const file of files) for (const group of file.groups) writeGroup(writer, file.footer, group.index, file.targets(group), ordinal++)
  })
  verify(footer, files, at)
  await sink.write(footer)
  return { sizeBytes: at + footer.length, numRows, numRowGroups }
}

// Indexes are of use where every chunk has them.
function chooseIndexes(files: readonly SplicedFile[]): void {
  const bytes = files.reduce((sum, file) => sum + file.indexBytes, 0)
  const wanted = bytes <= MAX_INDEX_BYTES && files.every((file) => file.hasOffsetIndexes)
  const withColumns = wanted && files.every((file) => file.hasColumnIndexes)
  for (const file of files) file.keepIndexes(wanted, withColumns)
}

// The indexes of all files as they stand from `at` on, those of the columns first; nothing where one of them is not sound.
function moveIndexes(files: readonly SplicedFile[], at: number): Uint8Array {
  const moved = files.map((file) => file.movedIndexes())
  if (moved.some((indexes) => indexes === undefined)) {
    for (const file of files) file.keepIndexes(false, false)
    return new Uint8Array()
  }
  const parts: Uint8Array[] = []
  let end = at
  for (const kind of ['column', 'offset'] as const) {
    for (const [i, file] of files.entries()) {
      for (const bytes of moved[i]?.[kind] ?? []) {
        parts.push(bytes)
        file.placeIndex(kind, end, bytes.length)
        end += bytes.length
      }
    }
  }
  return concatBytes(parts)
}

// Says the new footer the same of every chunk, at a place that was written?
function verify(written: Uint8Array, files: readonly SplicedFile[], dataEnd: number): void {
  const wrong = (what: string): Error => new Error(`a spliced file is wrong: ${what}`)
  const footer = guarded('a spliced file', () => parseFooter(written.subarray(0, written.length - 8), 'a spliced file'))
  if (!sameSchema(footer, (files[0] as SplicedFile).footer)) throw wrong('its schema')
  let at = 0
  let end = MAGIC.length
  for (const file of files) {
    for (const { index } of file.groups) {
      const before = file.footer.rowGroups[index] as RowGroupInfo
      const after = footer.rowGroups[at++]
      if (after === undefined || after.numRows !== before.numRows || after.totalByteSize !== before.totalByteSize)
        throw wrong(`row group ${at - 1}`)
      for (const [i, chunk] of before.columns.entries()) {
        const moved = after.columns[i] as ChunkInfo
        if (!sameChunk(chunk, moved) || moved.offset !== file.target(chunk.offset)) throw wrong(`column ${i} of row group ${at - 1}`)
        end = Math.max(end, moved.offset + moved.compressedSize)
      }
    }
  }
  if (at !== footer.rowGroups.length || end > dataEnd) throw wrong('its extent')
}

function sameChunk(a: ChunkInfo, b: ChunkInfo): boolean {
  const same = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
    one === other || (one !== undefined && other !== undefined && sameBytes(one, other))
  return (
    a.physicalType === b.physicalType &&
    a.codec === b.codec &&
    a.numValues === b.numValues &&
    a.compressedSize === b.compressedSize &&
    a.uncompressedSize === b.uncompressedSize &&
    a.nullCount === b.nullCount &&
    a.path.length === b.path.length &&
    a.path.every((name, i) => name === b.path[i]) &&
    same(a.minValue, b.minValue) &&
    same(a.maxValue, b.maxValue)
  )
}
