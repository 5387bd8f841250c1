// The set of a deletion vector: exactly the positions that were written, in every kind of container, from every window.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../src/log/deletion-vectors/crc32.js'
import type { DeletedRows } from '../../../src/log/deletion-vectors/deleted-rows.js'
import { parseRoaring, VectorFault } from '../../../src/log/deletion-vectors/roaring.js'
import { decodeZ85 } from '../../../src/log/deletion-vectors/z85.js'
import { be32, type Choice, u16, u32, u64, vectorBytes, z85 } from './vector-bytes.js'

/** The positions of a window that the set deletes. */
function deletedIn(rows: DeletedRows, firstRow: number, length: number): number[] {
  const keep = new Uint8Array(length).fill(1)
  rows.clear(keep, firstRow)
  const found: number[] = []
  keep.forEach((byte, i) => {
    if (byte === 0) found.push(firstRow + i)
  })
  return found
}

describe('checksums and texts', () => {
  test('CRC-32 gives the check value of its definition', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })

  test('Z85 decodes the example of its specification', () => {
    expect(decodeZ85('HelloWorld')).toEqual(Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b))
    expect(decodeZ85('')).toEqual(new Uint8Array(0))
  })

  test('Z85 decodes what was encoded', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        (bytes) => decodeZ85(z85(bytes))?.subarray(0, bytes.length).toString() === bytes.toString(),
      ),
    )
  })

  test.each(['Hell', 'HelloW', 'Hel"o', 'Hel o', 'Helløo', '#####', '%nSc1', '\u0000\u0000\u0000\u0000\u0000', '😀😀0'])(
    '%j is no Z85',
    (text) => {
      expect(decodeZ85(text)).toBeUndefined()
    },
  )

  test('the greatest group is 32 bits of ones', () => {
    expect(decodeZ85('%nSc0')).toEqual(Uint8Array.of(255, 255, 255, 255))
  })
})

// Places where a container, a bitmap or a byte begins or ends, and a few others.
const EDGES = [
  0,
  1,
  7,
  8,
  63,
  64,
  4095,
  4096,
  65_535,
  65_536,
  65_537,
  131_071,
  131_072,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 65_536,
  3 * 2 ** 32 + 5,
  2 ** 37,
]
const place = fc.oneof(fc.constantFrom(...EDGES), fc.nat(200_000), fc.integer({ min: 2 ** 32 - 70_000, max: 2 ** 32 + 70_000 }))
/** Stretches of positions: single ones, dense ranges, every second one. */
const stretch = fc.record({
  start: place,
  length: fc.oneof(fc.constant(1), fc.nat(300), fc.nat(12_000)),
  step: fc.constantFrom(1, 1, 2, 3, 17),
})
const positions = fc.array(stretch, { maxLength: 6 }).map((stretches) => {
  const set = new Set<number>()
  for (const { start, length, step } of stretches) for (let i = 0; i < length; i++) set.add(start + i * step)
  return set
})
const choices = fc.func(fc.constantFrom<Choice>('plain', 'runs'))

describe('a set of rows', () => {
  test('deletes exactly its positions, whatever window is asked for', () => {
    fc.assert(
      fc.property(
        positions,
        choices,
        fc.array(fc.tuple(place, fc.nat(140_000)), { minLength: 1, maxLength: 4 }),
        (set, choose, windows) => {
          const rows = parseRoaring(vectorBytes(set, choose))
          expect(rows.cardinality).toBe(set.size)
          expect(rows.last).toBe(Math.max(-1, ...set))
          for (const [firstRow, length] of windows) {
            const expected = [...set].filter((position) => position >= firstRow && position < firstRow + length).sort((a, b) => a - b)
            expect(deletedIn(rows, firstRow, length)).toEqual(expected)
            if (expected.length > 0) expect(rows.mayTouch(firstRow, length)).toBe(true)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('lies anywhere in memory', () => {
    const bytes = vectorBytes([5, 70_000], () => 'runs')
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    expect(deletedIn(parseRoaring(shifted.subarray(3)), 0, 80_000)).toEqual([5, 70_000])
  })

  test('leaves rows alone that it does not mention, also those already marked', () => {
    const keep = Uint8Array.of(1, 0, 7, 1)
    parseRoaring(vectorBytes([3])).clear(keep, 0)
    expect(keep).toEqual(Uint8Array.of(1, 0, 7, 0))
  })

  test('of no rows touches nothing', () => {
    const rows = parseRoaring(vectorBytes([]))
    expect(rows).toMatchObject({ cardinality: 0, last: -1 })
    expect(rows.mayTouch(0, 2 ** 31)).toBe(false)
    expect(deletedIn(rows, 0, 10)).toEqual([])
  })

  test('keeps a full container, as runs and as bits', () => {
    const all = Array.from({ length: 65_536 }, (_, i) => 65_536 + i)
    for (const choose of [(): Choice => 'runs', (): Choice => 'plain']) {
      const rows = parseRoaring(vectorBytes(all, choose))
      expect(rows).toMatchObject({ cardinality: 65_536, last: 131_071 })
      expect(deletedIn(rows, 65_534, 65_540)).toEqual(all)
    }
  })

  test('in the format before the portable one is read in either byte order', () => {
    // PROTOCOL.md, "Deletion Vectors", JSON example 3: its rows are 3, 4, 7, 11, 18 and 29.
    const swapped = decodeZ85('wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L') as Uint8Array
    expect(deletedIn(parseRoaring(swapped), 0, 100)).toEqual([3, 4, 7, 11, 18, 29])
    const bitmap = vectorBytes([3, 65_540]).subarray(4 + 8 + 4)
    const native = Buffer.concat([u32(1681511376), u32(2), u32(bitmap.length), bitmap, u32(bitmap.length), bitmap])
    expect(deletedIn(parseRoaring(native), 0, 65_541)).toEqual([3, 65_540])
    expect(deletedIn(parseRoaring(native), 2 ** 32, 65_541)).toEqual([2 ** 32 + 3, 2 ** 32 + 65_540])
    expect(() => parseRoaring(Buffer.concat([u32(1681511376), u32(1), u32(bitmap.length + 1), bitmap, Buffer.of(0)]))).toThrow(VectorFault)
  })
})

describe('bytes that are no vector', () => {
  const sound = vectorBytes([1, 2, 3, 70_000, ...Array.from({ length: 5000 }, (_, i) => 200_000 + i), 2 ** 32], (container) =>
    container === 1 ? 'runs' : 'plain',
  )

  test('a cut at any place is a fault', () => {
    for (let length = 0; length < sound.length; length += length < 200 ? 1 : 97) {
      expect(() => parseRoaring(sound.subarray(0, length)), `cut to ${length} bytes`).toThrow(VectorFault)
    }
  })

  test('a byte more is a fault', () => {
    expect(() => parseRoaring(Buffer.concat([sound, Buffer.of(0)]))).toThrow(VectorFault)
  })

  test('a change of any byte is a fault, or a set that counts what it deletes', () => {
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(sound)
        bytes[at] = (bytes[at] as number) ^ change
        let rows: DeletedRows
        try {
          rows = parseRoaring(bytes)
        } catch (error) {
          return error instanceof VectorFault
        }
        const low = deletedIn(rows, 0, 2 ** 22).length
        return low <= rows.cardinality && (rows.last >= 2 ** 22 || low === rows.cardinality)
      }),
      { numRuns: 300 },
    )
  })

  const magic = u32(1681511377)
  const key = u32(0)
  test.each<[string, Buffer]>([
    ['another magic number', Buffer.concat([u32(1681511378), u64(0)])],
    ['more bitmaps than bytes', Buffer.concat([magic, u64(2 ** 40)])],
    ['2^63 bitmaps', Buffer.concat([magic, u32(0), u32(0x80000000)])],
    ['more containers than there are', Buffer.concat([magic, u64(1), key, u32(12346), u32(65_537), Buffer.alloc(100)])],
    ['4 billion containers', Buffer.concat([magic, u64(1), key, u32(12346), u32(0xffffffff), Buffer.alloc(100)])],
    ['containers beyond the end', Buffer.concat([magic, u64(1), key, u32((65_535 << 16) | 12347), Buffer.alloc(100)])],
    ['an unknown cookie', Buffer.concat([magic, u64(1), key, u32(12345), u32(0)])],
    ['a key beyond 2^53', Buffer.concat([magic, u64(1), u32(0x80000000), vectorBytes([1]).subarray(16)])],
    ['the same key twice', Buffer.concat([magic, u64(2), key, vectorBytes([1]).subarray(16), key, vectorBytes([2]).subarray(16)])],
    ['values that descend', Buffer.concat([magic, u64(1), key, u32(12346), u32(1), u16(0), u16(1), u32(16), u16(5), u16(4)])],
    ['a value twice', Buffer.concat([magic, u64(1), key, u32(12346), u32(1), u16(0), u16(1), u32(16), u16(5), u16(5)])],
    [
      'runs that overlap',
      Buffer.concat([magic, u64(1), key, u32(12347), Buffer.of(1), u16(0), u16(5), u16(2), u16(0), u16(2), u16(2), u16(2)]),
    ],
    [
      'a run beyond its container',
      Buffer.concat([magic, u64(1), key, u32(12347), Buffer.of(1), u16(0), u16(1), u16(1), u16(65_535), u16(1)]),
    ],
    ['no run for a value', Buffer.concat([magic, u64(1), key, u32(12347), Buffer.of(1), u16(0), u16(0), u16(0)])],
    ['bits that are too few', Buffer.concat([magic, u64(1), key, u32(12346), u32(1), u16(0), u16(4999), u32(16), Buffer.alloc(8192)])],
    ['big-endian numbers', Buffer.concat([be32(1681511377), u64(0)])],
  ])('%s', (_, bytes) => {
    expect(() => parseRoaring(bytes)).toThrow(VectorFault)
  })
})
