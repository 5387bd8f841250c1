import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NO_FILES, Tally, totalBytes } from '../../src/log/tally.js'

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
      expect(totalBytes(counts)).toBe(Number(left.reduce((sum, [size]) => sum + BigInt(size), 0n)))
      expect(counts).toMatchObject({ numFiles: left.length, numVectors: left.filter(([, vector]) => vector).length })
    }),
  )
})
