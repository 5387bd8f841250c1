// Where the batches of a file lie in it. Rule: positions are physical, the same whatever row groups were skipped.
import type { RowGroupInfo } from '../parquet/index.js'

/** Follows batches that come in the order of `groups` and never span two of them. */
export class RowPositions {
  readonly #groups: readonly RowGroupInfo[]
  #group = 0
  #row = 0

  /** @param groups the row groups that are read, in the order in which they are */
  constructor(groups: readonly RowGroupInfo[]) {
    this.#groups = groups.filter((group) => group.numRows > 0)
  }

  /** The position in the file of the next batch's first row. */
  next(numRows: number): number {
    const group = this.#groups[this.#group]
    if (group === undefined || this.#row + numRows > group.numRows) {
      throw new RangeError(`a batch of ${numRows} rows that is not in the row groups read`)
    }
    const position = group.firstRow + this.#row
    this.#row += numRows
    if (this.#row === group.numRows) {
      this.#group++
      this.#row = 0
    }
    return position
  }
}
