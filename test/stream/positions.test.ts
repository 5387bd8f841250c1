// Positions of sources: no two triples share an application id, and what a position says of its rows is checked before any is taken.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPosition, parsePositionAppId, positionAppId, type SourcePosition } from '../../src/stream/positions.js'

const refusal = (position: SourcePosition, rows: number): { code?: string; message?: string; facts?: unknown } => {
  try {
    checkPosition(position, rows)
  } catch (error) {
    return error as { code: string; message: string; facts: unknown }
  }
  return {}
}
const from = (firstOffset: SourcePosition['firstOffset'], lastOffset: SourcePosition['lastOffset'], more: object = {}): SourcePosition =>
  ({ source: 't', partition: 0, firstOffset, lastOffset, ...more }) as SourcePosition

describe('the application id of a partition', () => {
  test('is its three parts, with slashes and percent signs written otherwise', () => {
    expect(positionAppId('app', 'topic', 3)).toBe('app/topic/3')
    expect(positionAppId('a/b', 'c%d', 'e/%2F')).toBe('a%2Fb/c%25d/e%2F%252F')
  })

  test('is read back as what it was made of, by its own application only', () => {
    const part = fc.stringMatching(/^[ab%/25F0-9]{0,6}$/)
    fc.assert(
      fc.property(part, part, part, part, (appId, source, partition, other) => {
        const id = positionAppId(appId, source, partition)
        const read = parsePositionAppId(id, appId)
        expect(read?.source).toBe(source)
        expect(String(read?.partition)).toBe(partition)
        if (other !== appId) expect(parsePositionAppId(id, other)).toBeUndefined()
      }),
    )
  })

  test('gives numbers back as numbers, and texts that only look like them as texts', () => {
    const partitionOf = (text: string): unknown => parsePositionAppId(`a/t/${text}`, 'a')?.partition
    expect(['0', '7', '1234567890'].map(partitionOf)).toEqual([0, 7, 1234567890])
    expect(['00', '07', '12345678901', '1a', 'a1', '-1', ''].map(partitionOf)).toEqual(['00', '07', '12345678901', '1a', 'a1', '-1', ''])
  })

  test('of other forms belongs to nobody', () => {
    for (const id of ['', 'a', 'a/t', 'a/t/0/1', 'b/t/0']) expect(parsePositionAppId(id, 'a')).toBeUndefined()
  })
})

describe('a position', () => {
  test('takes offsets as Kafka clients hand them over', () => {
    for (const [first, last] of [
      [3n, 5n],
      [3, 5],
      ['3', '5'],
    ] as const) {
      expect(checkPosition(from(first, last), 2)).toMatchObject({ firstOffset: 3n, lastOffset: 5n, offsetOf: undefined })
    }
    expect(checkPosition(from(0, '9223372036854775807'), 1).lastOffset).toBe(2n ** 63n - 1n)
    expect(checkPosition(from(0n, 0n), 1)).toMatchObject({ firstOffset: 0n, lastOffset: 0n })
  })

  test.each([
    [-1, -1],
    [-1n, 0n],
    [0.5, 1],
    [2 ** 53, 2 ** 53],
    [0, 2n ** 63n],
    ['', '1'],
    ['1x', '2'],
    ['x1', '2'],
    ['-1', '2'],
    ['0', '12345678901234567890'],
    [0, {}],
  ])('refuses %s to %s, which are no offsets', (first, last) => {
    expect(refusal(from(first as bigint, last as bigint), 0)).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^position of t, partition 0: (first|last)Offset must be a whole number from 0 to 2\^63-1, not /),
      facts: { source: 't', partition: 0 },
    })
  })

  test('says in its refusal what was given, shortened', () => {
    expect(refusal(from('9'.repeat(500), 1), 0).message).toBe(
      `position of t, partition 0: firstOffset must be a whole number from 0 to 2^63-1, not "${'9'.repeat(59)}`,
    )
  })

  test('needs a source', () => {
    for (const source of ['', undefined, 7]) {
      expect(refusal({ ...from(0, 0), source } as unknown as SourcePosition, 0).message).toMatch(
        /position.source must be a text that is not empty/,
      )
    }
  })

  test('needs both ends, or the offset of each row', () => {
    const missing = /a position needs firstOffset and lastOffset, or offsets for each row/
    expect(refusal({ source: 't', partition: 0 }, 1).message).toMatch(missing)
    expect(refusal({ source: 't', partition: 0, firstOffset: 1 }, 1).message).toMatch(missing)
    expect(refusal({ source: 't', partition: 0, lastOffset: 1 }, 1).message).toMatch(missing)
    expect(refusal({ source: 't', partition: 0, offsets: [] }, 0).message).toMatch(missing)
    expect(checkPosition({ source: 't', partition: 0, offsets: [4, 6, 9n] }, 3)).toMatchObject({ firstOffset: 4n, lastOffset: 9n })
    expect(checkPosition({ source: 't', partition: 0, firstOffset: 2, offsets: [4, 9] }, 2)).toMatchObject({
      firstOffset: 2n,
      lastOffset: 9n,
    })
  })

  test('never goes backwards', () => {
    expect(refusal(from(5, 4), 0).message).toMatch(/offsets go backwards: firstOffset 5 is after lastOffset 4/)
    expect(refusal(from(0, 9, { offsets: [3, 2] }), 2).message).toMatch(/offsets go backwards: 2 comes after 3/)
    expect(refusal(from(0, 9, { offsets: [1, 3, 3] }), 3).message).toMatch(/offsets go backwards: 3 comes after 3/)
  })

  test('has its rows inside of its ends, and one offset for each', () => {
    expect(refusal(from(3, 5, { offsets: [2, 4] }), 2).message).toMatch(/the offsets of the rows lie outside 3 to 5/)
    expect(refusal(from(3, 5, { offsets: [4, 6] }), 2).message).toMatch(/the offsets of the rows lie outside 3 to 5/)
    expect(checkPosition(from(3, 5, { offsets: [3, 5] }), 2)).toMatchObject({ firstOffset: 3n, lastOffset: 5n })
    expect(checkPosition(from(3, 5, { offsets: [] }), 0)).toMatchObject({ firstOffset: 3n, lastOffset: 5n })
    expect(refusal(from(3, 5, { offsets: [3] }), 2).message).toMatch(/1 offsets for 2 rows/)
    expect(refusal(from(3, 5, { offsets: [3, 4] }), 1).message).toMatch(/2 offsets for 1 rows/)
    expect(refusal(from(3, 5, { offsets: ['x'] }), 1).message).toMatch(/offsets must be a whole number/)
  })

  test('covers at least as many offsets as it has rows', () => {
    expect(refusal(from(3, 5), 4).message).toMatch(/4 rows cannot come from the 3 offsets 3 to 5/)
    expect(checkPosition(from(3, 5), 3).offsetOf?.(2)).toBe(5n)
  })

  test('knows the offset of a row where it was given, or where rows cover their range one by one, and else does not guess', () => {
    expect([0, 1].map((row) => checkPosition(from(0, 9, { offsets: [2, '7'] }), 2).offsetOf?.(row))).toEqual([2n, 7n])
    expect([0, 1, 2].map((row) => checkPosition(from(7, 9), 3).offsetOf?.(row))).toEqual([7n, 8n, 9n])
    expect(checkPosition(from(7, 9), 2).offsetOf).toBeUndefined()
    expect(checkPosition({ source: 't', partition: 0, offsets: BigInt64Array.of(5n, 6n) }, 2).offsetOf?.(1)).toBe(6n)
  })
})
