// The compact protocol: what is written is read, and no size in the bytes is believed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BINARY, I32, LIST, STRUCT, ThriftFault, ThriftReader, ThriftWriter } from '../../src/parquet/thrift.js'

describe('thrift', () => {
  test('integers, texts and booleans come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }),
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        (small, large, text, flag) => {
          const writer = new ThriftWriter()
          writer.beginStruct()
          writer.int32(1, small)
          writer.int64(2, large)
          writer.text(40, text)
          writer.bool(41, flag)
          writer.endStruct()
          const bytes = writer.finish()
          const [a, b, c, d] = new ThriftReader(bytes).fields()
          expect(new ThriftReader(bytes, a!.start).int32()).toBe(small)
          expect(new ThriftReader(bytes, b!.start).int64()).toBe(large === 0 ? 0 : large)
          expect([c!.id, new ThriftReader(bytes, c!.start).text()]).toEqual([40, text])
          expect([d!.id, d!.type]).toEqual([41, flag ? 1 : 2])
        },
      ),
    )
  })

  test('a copied struct equals its source whatever its fields are', () => {
    const writer = new ThriftWriter()
    writer.beginStruct()
    writer.int16(3, -5)
    writer.list(4, I32, 20)
    for (let i = 0; i < 20; i++) writer.rawValue(Uint8Array.of(i * 2))
    writer.beginStruct(7)
    writer.list(1, BINARY, 1)
    writer.textElement('x')
    writer.endStruct()
    writer.endStruct()
    const bytes = writer.finish()
    const copy = new ThriftWriter()
    copy.beginStruct()
    for (const field of new ThriftReader(bytes).fields()) copy.copy(bytes, field)
    copy.endStruct()
    expect(copy.finish()).toEqual(bytes)
  })

  test('a list longer than the bytes that remain is refused before anything is made of it', () => {
    const huge = Uint8Array.of(0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0)
    expect(() => new ThriftReader(huge).fields()).toThrow(ThriftFault)
    expect(() => new ThriftReader(huge).fields()).toThrow(/2147483647 elements/)
  })

  test('a binary longer than the bytes that remain is refused', () => {
    expect(() => new ThriftReader(Uint8Array.of(0x18, 0xff, 0xff, 0x7f, 0)).fields()).toThrow(/bytes announced/)
  })

  test('nesting is bounded', () => {
    const deep = new Uint8Array(100_000).fill(0x1c)
    expect(() => new ThriftReader(deep).fields()).toThrow(/too deeply/)
    const lists = new Uint8Array(100_000).fill(0x19)
    expect(() => new ThriftReader(lists).fields()).toThrow(/too deeply/)
  })

  test('a 64-bit integer that a number cannot hold is refused, not rounded', () => {
    const bytes = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)
    expect(() => new ThriftReader(bytes).int64()).toThrow(ThriftFault)
  })

  test('any bytes at all end in fields or a ThriftFault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          const reader = new ThriftReader(bytes)
          for (const field of reader.fields()) expect(field.end).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          expect(error).toBeInstanceOf(ThriftFault)
        }
      }),
      { numRuns: 2000 },
    )
    expect([LIST, STRUCT]).toEqual([9, 12])
  })
})
