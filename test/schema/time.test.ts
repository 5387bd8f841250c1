// Dates and times as text. Expected values come from the Gregorian calendar: JavaScript's Date where it reaches, Java's java.time beyond.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  daysFromCivil,
  formatDateDays,
  formatTimestampMicros,
  formatTimestampNtzMicros,
  formatTimestampNtzPartition,
  parseDateDays,
  parseDateDaysBytes,
  parseTimestampMicros,
  parseTimestampMicrosAssumingUtc,
  parseTimestampMicrosBytes,
  parseTimestampMicrosBytesExact,
  parseTimestampNtzMicros,
  parseTimestampNtzMicrosBytes,
} from '../../src/schema/index.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const DAY_MS = 86_400_000

describe('dates', () => {
  it('agree with Date wherever Date reaches, in both directions', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const text = new Date(days * DAY_MS).toISOString().split('T')[0] as string
        expect(formatDateDays(days)).toBe(text)
        expect(parseDateDays(text)).toBe(days)
      }),
    )
  })

  it('reach over all 32 bits, as java.time prints them', () => {
    const vectors: [number, string][] = [
      [2 ** 31 - 1, '+5881580-07-11'],
      [-(2 ** 31), '-5877641-06-23'],
      [-719528, '0000-01-01'],
      [-719529, '-000001-12-31'],
      [2932896, '9999-12-31'],
      [2932897, '+010000-01-01'],
      [-141438, '1582-10-04'],
      [0, '1970-01-01'],
      [-1, '1969-12-31'],
      [19782, '2024-02-29'],
    ]
    for (const [days, text] of vectors) {
      expect(formatDateDays(days)).toBe(text)
      expect(parseDateDays(text)).toBe(days)
    }
  })

  it('take years beyond 9999 as other writers spell them', () => {
    expect(parseDateDays('+10000-01-01')).toBe(2932897)
    expect(parseDateDays('10000-01-01')).toBe(2932897)
    expect(parseDateDays('-0001-12-31')).toBe(-719529)
  })

  it.each([
    '',
    '2024',
    '2024-02',
    '2024-02-30',
    '2023-02-29',
    '1900-02-29',
    '2024-00-01',
    '2024-13-01',
    '2024-01-00',
    '2024-01-32',
    '2024-1-1',
    '24-01-01',
    '2024/01/01',
    '2024-01-01 ',
    ' 2024-01-01',
    '2024-01-01T00:00:00Z',
    '+5881580-07-12',
    '-5877641-06-22',
    '-0000-01-01',
    '12345678-01-01',
    '2024-01-0１',
    `2024-01-01${'0'.repeat(100)}`,
  ])('%j is no date', (text) => {
    expect(parseDateDays(text)).toBeUndefined()
    expect(parseDateDaysBytes(bytes(text), 0, bytes(text).length)).toBeNaN()
  })

  it('know the leap years', () => {
    for (const year of ['2000', '2400', '0000', '2024', '-0004']) expect(parseDateDays(`${year}-02-29`)).toBeDefined()
    for (const year of ['1900', '2100', '0100', '2023', '-0001', '-0100']) expect(parseDateDays(`${year}-02-29`)).toBeUndefined()
  })

  it('count days of any month as the calendar does', () => {
    expect(daysFromCivil(2000, 3, 1) - daysFromCivil(2000, 2, 28)).toBe(2)
    expect(daysFromCivil(1900, 3, 1) - daysFromCivil(1900, 2, 28)).toBe(1)
    expect(daysFromCivil(0, 3, 1) - daysFromCivil(0, 2, 28)).toBe(2)
  })
})

describe('timestamps', () => {
  it('agree with Date to the millisecond wherever Date reaches', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
        fc.integer({ min: 0, max: 999 }),
        (ms, extra) => {
          const micros = BigInt(ms) * 1000n + BigInt(extra)
          const text = new Date(ms).toISOString().replace('Z', `${String(extra).padStart(3, '0')}Z`)
          expect(formatTimestampMicros(micros)).toBe(text)
          expect(parseTimestampMicros(text)).toBe(micros)
          expect(parseTimestampNtzMicros(text.slice(0, -1))).toBe(micros)
          expect(parseTimestampMicrosBytesExact(bytes(text), 0, text.length)).toBe(micros)
        },
      ),
    )
  })

  it('come back from their text over all 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (micros) => {
        expect(parseTimestampMicros(formatTimestampMicros(micros))).toBe(micros)
        expect(parseTimestampNtzMicros(formatTimestampNtzMicros(micros))).toBe(micros)
        expect(parseTimestampNtzMicros(formatTimestampNtzPartition(micros))).toBe(micros)
      }),
    )
  })

  it('reach over all 64 bits, as java.time prints them', () => {
    expect(formatTimestampMicros(2n ** 63n - 1n)).toBe('+294247-01-10T04:00:54.775807Z')
    expect(formatTimestampMicros(-(2n ** 63n))).toBe('-290308-12-21T19:59:05.224192Z')
    expect(parseTimestampMicros('+294247-01-10T04:00:54.775808Z')).toBeUndefined()
    expect(parseTimestampMicros('-290308-12-21T19:59:05.224191Z')).toBeUndefined()
  })

  it.each([
    ['1970-01-01T00:00:00Z', 0n],
    ['1970-01-01 00:00:00Z', 0n],
    ['1970-01-01t00:00:00z', 0n],
    ['1970-01-01T00:00Z', 0n],
    ['1970-01-01T00:00:00.1Z', 100_000n],
    ['1970-01-01T00:00:00.000001Z', 1n],
    ['1970-01-01T00:00:00.123456000Z', 123_456n],
    ['1970-01-01T02:00:00+02:00', 0n],
    ['1970-01-01T02:00:00+0200', 0n],
    ['1970-01-01T02:00:00+02', 0n],
    ['1969-12-31T18:30:00-05:30', 0n],
    ['1969-12-31T23:59:59.999999Z', -1n],
    ['2024-02-29T12:34:56.789012+05:45', 1_709_189_396_789_012n],
    ['1684-08-01T00:00:00Z', -104_246n * 86_400_000_000n],
  ])('%s is read to the microsecond', (text, micros) => {
    expect(parseTimestampMicros(text)).toBe(micros)
    expect(parseTimestampMicrosBytesExact(bytes(`[${text}]`), 1, text.length + 1)).toBe(micros)
    expect(parseTimestampMicrosBytes(bytes(`[${text}]`), 1, text.length + 1)).toBe(Number(micros))
  })

  it.each([
    '',
    'Z',
    '1970-01-01Z',
    '1970-01-01T00Z',
    '1970-01-01T24:00:00Z',
    '1970-01-01T23:60:00Z',
    '1970-01-01T23:59:60Z',
    '1970-01-01T00:00:00.Z',
    '1970-01-01T00:00:00.1234567Z',
    '1970-01-01T00:00:00ZZ',
    '1970-01-01T00:00:00 Z',
    '1970-01-01T00:00:00+2',
    '1970-01-01T00:00:00+02:60',
    '1970-01-01T00:00:00+19:00',
    '1970-01-01T00:00:00+02-00',
    '1970-01-01T00:00:00+02:000',
    '1970-01-01T0:00:00Z',
    '1970-01-01T00:00:0Z',
    '1970-01-01_00:00:00Z',
    '1970-02-30T00:00:00Z',
    '0',
    '1709210096789',
    `1970-01-01T00:00:00.${'0'.repeat(100)}Z`,
  ])('%j is no timestamp, with a zone or without', (text) => {
    expect(parseTimestampMicros(text)).toBeUndefined()
    expect(parseTimestampNtzMicros(text)).toBeUndefined()
    expect(parseTimestampMicrosBytes(bytes(text), 0, text.length)).toBeNaN()
  })

  it('must name their zone, and those of no zone must not', () => {
    expect(parseTimestampMicros('2024-01-01T00:00:00')).toBeUndefined()
    expect(parseTimestampNtzMicros('2024-01-01T00:00:00Z')).toBeUndefined()
    expect(parseTimestampNtzMicros('2024-01-01T00:00:00+00:00')).toBeUndefined()
    expect(parseTimestampNtzMicrosBytes(bytes('2024-01-01T00:00:00Z'), 0, 20)).toBeNaN()
  })

  it('of old partition values are UTC where they name no zone', () => {
    expect(parseTimestampMicrosAssumingUtc('1970-01-01 00:00:01')).toBe(1_000_000n)
    expect(parseTimestampMicrosAssumingUtc('1970-01-01T02:00:01+02:00')).toBe(1_000_000n)
    expect(parseTimestampMicrosAssumingUtc('1970-01-02')).toBe(86_400_000_000n)
    expect(parseTimestampMicrosAssumingUtc('tomorrow')).toBeUndefined()
  })

  it('beyond 2^53 microseconds are never answered as a double', () => {
    const text = '2300-01-01T00:00:00.000001Z'
    expect(parseTimestampMicrosBytes(bytes(text), 0, text.length)).toBeNaN()
    expect(parseTimestampMicrosBytesExact(bytes(text), 0, text.length)).toBe(BigInt(Date.UTC(2300, 0, 1)) * 1000n + 1n)
    expect(parseTimestampMicros('0000-01-01T00:00:00Z')).toBe(-719_528n * 86_400_000_000n)
  })

  it('are read within their bounds only', () => {
    const text = bytes('1970-01-01T00:00:00.123456Z')
    expect(parseTimestampNtzMicrosBytes(text, 0, 19)).toBe(0)
    expect(parseTimestampNtzMicrosBytes(text, 0, 22)).toBe(120_000)
    expect(parseTimestampNtzMicrosBytes(text, 0, 18)).toBeNaN()
    expect(parseDateDaysBytes(text, 0, 10)).toBe(0)
    expect(parseDateDaysBytes(text, 0, 9)).toBeNaN()
  })

  it('never make the scanner fail, whatever the text', () => {
    const piece = fc.constantFrom('1', '0', '9', '-', '+', ':', '.', 'T', 'Z', ' ', 'é')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('')
        const micros = parseTimestampMicros(text)
        if (micros !== undefined) expect(parseTimestampMicros(formatTimestampMicros(micros))).toBe(micros)
        parseTimestampMicrosBytes(bytes(text), 0, bytes(text).length)
      }),
    )
  })

  it('of partitions have a fraction only where there is one', () => {
    expect(formatTimestampNtzPartition(0n)).toBe('1970-01-01 00:00:00')
    expect(formatTimestampNtzPartition(123_456n)).toBe('1970-01-01 00:00:00.123456')
  })

  it('take numbers as well as bigints', () => {
    expect(formatTimestampMicros(-1)).toBe('1969-12-31T23:59:59.999999Z')
  })
})
