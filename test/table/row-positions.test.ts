// Positions of batches are those in the file, whichever row groups are read.
import { describe, expect, test } from 'vitest'
import type { RowGroupInfo } from '../../src/parquet/index.js'
import { RowPositions } from '../../src/table/row-positions.js'

const group = (firstRow: number, numRows: number): RowGroupInfo => ({ firstRow, numRows }) as RowGroupInfo

describe('the position of a batch', () => {
  test('goes on within a row group and from one to the next', () => {
    const positions = new RowPositions([group(0, 5), group(5, 3)])
    expect([2, 3, 1, 2].map((rows) => positions.next(rows))).toEqual([0, 2, 5, 6])
  })

  test('leaps over row groups that are left out, and over empty ones', () => {
    const positions = new RowPositions([group(100, 10), group(110, 0), group(2 ** 40, 4)])
    expect([10, 4].map((rows) => positions.next(rows))).toEqual([100, 2 ** 40])
  })

  test('follows row groups in the order in which they are read', () => {
    const positions = new RowPositions([group(50, 2), group(10, 2)])
    expect([1, 1, 2].map((rows) => positions.next(rows))).toEqual([50, 51, 10])
  })

  test('of a batch that spans two row groups, or is beyond the last, does not exist', () => {
    expect(() => new RowPositions([group(0, 5), group(5, 3)]).next(6)).toThrow(RangeError)
    const positions = new RowPositions([group(0, 1)])
    positions.next(1)
    expect(() => positions.next(1)).toThrow(RangeError)
  })
})
