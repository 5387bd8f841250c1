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

  constructor(start: FileCounts) {
    this.numFiles = start.numFiles
    this.numVectors = start.numVectors
    this.sizeHigh = start.sizeHigh
    this.sizeLow = start.sizeLow
  }

  /** One file more (`sign` 1) or less (-1). */
  count(sizeBytes: number, hasVector: boolean, sign: 1 | -1): void {
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
    const { numFiles, numVectors, sizeHigh, sizeLow } = this
    return { numFiles, numVectors, sizeHigh, sizeLow }
  }
}
