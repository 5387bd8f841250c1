import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/bytes.js'
import { decodeLz4Frame } from '../../src/formats/lz4.js'

const frame = (...blocks: number[][]): Uint8Array =>
  Uint8Array.from([
    0x04,
    0x22,
    0x4d,
    0x18,
    0x60,
    0x40,
    0x82,
    ...blocks.flatMap((b) => [b.length & 255, b.length >> 8, 0, 0, ...b]),
    0,
    0,
    0,
    0,
  ])
const text = (s: string): number[] => [...encodeUtf8(s)]

test('plain bytes and copies make up the content, copies that run into themselves and into earlier blocks too', () => {
  // 'ab', then 10 bytes from 2 before; then in a block of its own 4 bytes from 12 before and 'z'.
  const bytes = frame([0x26, ...text('ab'), 2, 0, 0x00], [0x00, 12, 0, 0x10, ...text('z')])
  expect(new TextDecoder().decode(decodeLz4Frame(bytes))).toBe(`${'ab'.repeat(6)}ababz`)
})

test('lengths of 15 and more go on in further bytes', () => {
  const bytes = frame([0xf0, 255, 30, ...text('x'.repeat(300))])
  expect(decodeLz4Frame(bytes)).toHaveLength(300)
})

test('a block may be stored as it is', () => {
  const bytes = Uint8Array.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 3, 0, 0, 0x80, 1, 2, 3, 0, 0, 0, 0])
  expect([...decodeLz4Frame(bytes)]).toEqual([1, 2, 3])
})

test.each([
  ['a distance before the beginning', frame([0x10, 65, 2, 0])],
  ['a distance of 0', frame([0x10, 65, 0, 0])],
  ['more plain bytes than there are', frame([0x50, 65])],
  ['a cut distance', frame([0x10, 65, 1])],
  ['a cut length', frame([0xf0, 255])],
  ['a cut frame', frame([0x10, 65]).subarray(0, 10)],
  ['no frame', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
])('%s is an error', (_name, bytes) => {
  expect(() => decodeLz4Frame(bytes)).toThrow('its LZ4 data is damaged')
})

test('any bytes in a block end in content or that error', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 60 }), (block) => {
      try {
        decodeLz4Frame(frame(block))
      } catch (error) {
        expect((error as Error).message).toContain('its LZ4 data is damaged')
      }
    }),
    { numRuns: 2000 },
  )
})
