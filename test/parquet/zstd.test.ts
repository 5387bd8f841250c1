// Zstandard frames (RFC 8878), made by hand.
import { describe, expect, test } from 'vitest'
import { concatBytes, encodeUtf8 } from '../../src/bytes.js'
import { unzstd } from '../../src/parquet/index.js'

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]

/** A block's header: whether it is the last, its kind (0 raw, 1 one byte repeated), its size. */
function block(last: boolean, kind: number, size: number): number[] {
  const word = (last ? 1 : 0) | (kind << 1) | (size << 3)
  return [word & 255, (word >> 8) & 255, word >> 16]
}

/** A frame that says how long its content is (below 256 bytes), with these blocks. */
function frame(contentSize: number, ...parts: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...MAGIC, 0x20, contentSize, ...parts.flat()])
}

/** A frame that does not, for a window of 1 MiB. */
function openFrame(...parts: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...MAGIC, 0x00, 0x50, ...parts.flat()])
}

const hello = [...encodeUtf8('hello')]

describe('a zstd frame', () => {
  test('is what its blocks hold, whether or not it says how much that is', () => {
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
    expect(text(unzstd(frame(5, block(true, 0, 5), hello), 5))).toBe('hello')
    expect(text(unzstd(openFrame(block(true, 0, 5), hello), 5))).toBe('hello')
    expect(text(unzstd(frame(9, block(false, 0, 5), hello, block(true, 1, 4), [0x21]), 9))).toBe('hello!!!!')
    const long = unzstd(openFrame(...Array.from({ length: 9 }, () => [...block(false, 1, 100_000), 7]), [...block(true, 1, 1), 8]), 900_001)
    expect(long?.length).toBe(900_001)
    expect(long?.subarray(0, 900_000).every((byte) => byte === 7)).toBe(true)
    expect(long?.[900_000]).toBe(8)
  })

  test('that cannot hold what it should is refused before memory is taken', () => {
    const tiny = frame(5, block(true, 0, 5), hello)
    for (const size of [6, 2 ** 31, 2 ** 52, -1, Number.NaN]) expect(() => unzstd(tiny, size)).toThrow(/cannot hold/)
    expect(() => unzstd(new Uint8Array(0), 1)).toThrow(/cannot hold/)
    expect(() => unzstd(encodeUtf8('no frame at all'), 1)).toThrow(/cannot hold/)
  })

  test('that holds more or less than it should, or is cut, is never taken for its content', () => {
    const given = frame(5, block(true, 0, 5), hello)
    const answer = (bytes: Uint8Array, size: number): string => {
      try {
        const content = unzstd(bytes, size)
        return content === undefined ? 'not here' : `${content.length} bytes`
      } catch {
        return 'refused'
      }
    }
    expect(['not here', 'refused']).toContain(answer(given, 4))
    for (let length = 0; length < given.length; length++) expect(['not here', 'refused']).toContain(answer(given.subarray(0, length), 5))
    expect(['not here', 'refused']).toContain(answer(concatBytes([given.subarray(0, 6), Uint8Array.of(0xff, 0xff, 0xff)]), 5))
  })
})
