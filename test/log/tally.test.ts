import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deletedBin, NO_DETAIL, NO_FILES, SIZE_BOUNDS, sizeBin, Tally, totalBytes } from '../../src/log/tally.js'

test('the size of a version stays exact while files of any size come and go', () => {
  const sizes = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.boolean(), fc.boolean()), { maxLength: 60 }), (files) => {
      const tally = new Tally(NO_FILES)
      for (const [size, vector] of files) tally.count(size, vector, 1)
      const left = files.filter(([, , stays]) => stays)
      for (const [size, vector, stays] of files) if (!stays) tally.count(size, vector, -1)
      const counts = new Tally(tally.counts()).counts()
      expect(BigInt(counts.sizeHigh) * 2n ** 32n + BigInt(counts.sizeLow)).toBe(left.reduce((sum, [size]) => sum + BigInt(size), 0n))
      expect(counts.sizeLow).toBeLessThan(2 ** 32)
      expect(counts.sizeLow).toBeGreaterThanOrEqual(0)
      expect(totalBytes(counts)).toBe(Number(left.reduce((sum, [size]) => sum + BigInt(size), 0n)))
      expect(counts).toMatchObject({ numFiles: left.length, numVectors: left.filter(([, vector]) => vector).length })
    }),
  )
})

test('sizes fall into the bins of the protocol: from 0, and from each power of two from 8 KiB to 256 GiB', () => {
  expect(SIZE_BOUNDS.slice(0, 3)).toEqual([0, 8192, 16_384])
  expect(SIZE_BOUNDS.at(-1)).toBe(256 * 2 ** 30)
  expect([0, 1, 8191, 8192, 16_383, 16_384].map(sizeBin)).toEqual([0, 0, 0, 1, 1, 2])
  expect([256 * 2 ** 30 - 1, 256 * 2 ** 30, Number.MAX_SAFE_INTEGER].map(sizeBin)).toEqual([25, 26, 26])
})

test('deleted rows fall into the bins of the protocol: none, by their digits up to seven, from ten million, from 2^31 - 1', () => {
  expect([0, 1, 9, 10, 99, 100, 9_999_999].map(deletedBin)).toEqual([0, 1, 1, 2, 2, 3, 7])
  expect([10_000_000, 2 ** 31 - 2, 2 ** 31 - 1, 2 ** 40].map(deletedBin)).toEqual([8, 8, 9, 9])
})

test('how sizes and deleted rows are spread is counted where somebody has asked, and no earlier count changes with it', () => {
  const start = { ...NO_FILES, detail: NO_DETAIL }
  const tally = new Tally(start)
  tally.count(10, false, 1)
  tally.count(9000, true, 1, 12)
  tally.count(8192, true, 1, 3)
  const before = tally.counts()
  const later = new Tally(before)
  later.count(9000, true, -1, 12)
  const { detail } = later.counts()
  expect([...(detail?.files ?? [])].slice(0, 3)).toEqual([1, 1, 0])
  expect([...(detail?.bytes ?? [])].slice(0, 3)).toEqual([10, 8192, 0])
  expect([...(detail?.deletedFiles ?? [])]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  expect(detail?.deletedRows).toBe(3)
  expect([...(before.detail?.files ?? [])].slice(0, 3)).toEqual([1, 2, 0])
  expect([...(before.detail?.bytes ?? [])].slice(0, 3)).toEqual([10, 17_192, 0])
  expect([...(before.detail?.deletedFiles ?? [])].slice(0, 4)).toEqual([0, 1, 1, 0])
  expect(before.detail?.deletedRows).toBe(15)
  expect([...NO_DETAIL.files, ...NO_DETAIL.bytes, ...NO_DETAIL.deletedFiles].every((count) => count === 0)).toBe(true)
})

test('nobody pays for what nobody has asked', () => {
  const tally = new Tally(NO_FILES)
  tally.count(10, true, 1, 5)
  expect(tally.counts()).toEqual({ numFiles: 1, numVectors: 1, sizeHigh: 0, sizeLow: 10 })
})
