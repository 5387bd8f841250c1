// How many files a version has and how large they are together, kept exact while files come and go: a plain sum of
// doubles would drift once it had passed 2^53 and come back.

/** Counts of live files. */
export interface FileCounts {
  readonly numFiles: number
  /** Live files that carry a deletion vector. */
  readonly numVectors: number
  /** The sum of the sizes is `sizeHigh * 2^32 + sizeLow`, with `sizeLow` below 2^32. */
  readonly sizeHigh: number
  readonly sizeLow: number
  /** Only where somebody has asked for it once. */
  readonly detail?: CountDetail | undefined
}

/** How sizes and deleted rows are spread over the live files (PROTOCOL.md, "File Size Histogram Schema" and the one after it). */
export interface CountDetail {
  /** Files by {@link sizeBin}. */
  readonly files: Float64Array
  /** Bytes of the files by {@link sizeBin}. */
  readonly bytes: Float64Array
  /** Rows that deletion vectors take out of the files. */
  readonly deletedRows: number
  /** Files with a deletion vector by {@link deletedBin}. */
  readonly deletedFiles: Float64Array
}

/** The bins of file sizes: each begins at its bound, which is 0 or a power of two from 8 KiB to 256 GiB. */
export const SIZE_BOUNDS: readonly number[] = [0, ...Array.from({ length: 26 }, (_, n) => 2 ** (13 + n))]
const DELETED_BINS = 10

/** The bin of a file's size. */
export function sizeBin(sizeBytes: number): number {
  let bin = SIZE_BOUNDS.length - 1
  while (bin > 0 && (SIZE_BOUNDS[bin] as number) > sizeBytes) bin--
  return bin
}

/** The bin of a number of deleted rows: none, then one for each number of digits up to 7, then two for the rest. */
export function deletedBin(rows: number): number {
  if (rows >= 2 ** 31 - 1) return 9
  if (rows >= 10_000_000) return 8
  return rows === 0 ? 0 : String(rows).length
}

export const NO_FILES: FileCounts = { numFiles: 0, numVectors: 0, sizeHigh: 0, sizeLow: 0 }

const HALF = 0x1_0000_0000

/** The sum of the sizes in bytes, rounded where it is beyond 2^53. */
export function totalBytes(counts: FileCounts): number {
  return counts.sizeHigh * HALF + counts.sizeLow
}

/** Counts under change. */
export class Tally implements FileCounts {
  numFiles: number
  numVectors: number
  sizeHigh: number
  sizeLow: number
  detail: CountDetail | undefined

  constructor(start: FileCounts) {
    this.detail = start.detail && copyDetail(start.detail)
    this.numFiles = start.numFiles
    this.numVectors = start.numVectors
    this.sizeHigh = start.sizeHigh
    this.sizeLow = start.sizeLow
  }

  /** One file more (`sign` 1) or less (-1); `deletedRows` is what its vector takes out. */
  count(sizeBytes: number, hasVector: boolean, sign: 1 | -1, deletedRows = 0): void {
    if (this.detail !== undefined) this.detail = counted(this.detail, sizeBytes, hasVector, sign, deletedRows)
    this.numFiles += sign
    if (hasVector) this.numVectors += sign
    const high = Math.floor(sizeBytes / HALF)
    const low = this.sizeLow + sign * (sizeBytes - high * HALF)
    const carry = low >= HALF ? 1 : low < 0 ? -1 : 0
    this.sizeLow = low - carry * HALF
    this.sizeHigh += sign * high + carry
  }

  /** The counts as they are now. */
  counts(): FileCounts {
    const { numFiles, numVectors, sizeHigh, sizeLow, detail } = this
    return { numFiles, numVectors, sizeHigh, sizeLow, ...(detail === undefined ? {} : { detail }) }
  }
}

export const NO_DETAIL: CountDetail = {
  files: new Float64Array(SIZE_BOUNDS.length),
  bytes: new Float64Array(SIZE_BOUNDS.length),
  deletedRows: 0,
  deletedFiles: new Float64Array(DELETED_BINS),
}

function copyDetail({ files, bytes, deletedRows, deletedFiles }: CountDetail): CountDetail {
  return { files: files.slice(), bytes: bytes.slice(), deletedRows, deletedFiles: deletedFiles.slice() }
}

// Changes the arrays, which belong to the tally.
function counted(detail: CountDetail, sizeBytes: number, hasVector: boolean, sign: 1 | -1, deletedRows: number): CountDetail {
  const bin = sizeBin(sizeBytes)
  detail.files[bin] = (detail.files[bin] as number) + sign
  detail.bytes[bin] = (detail.bytes[bin] as number) + sign * sizeBytes
  if (!hasVector) return detail
  const deleted = deletedBin(deletedRows)
  detail.deletedFiles[deleted] = (detail.deletedFiles[deleted] as number) + sign
  return { ...detail, deletedRows: detail.deletedRows + sign * deletedRows }
}
