// Sizes, counts and times for people.
import { expect, test } from 'vitest'
import { humanBytes, humanCount, humanDuration, humanTime, plural } from '../../src/cli/human.js'

test('sizes have three digits and units of 1024', () => {
  expect([0, 1, 999, 1000, 1024, 1536, 10 * 1024, 128 * 2 ** 20, 1.5 * 2 ** 40, 5000 * 2 ** 50].map(humanBytes)).toEqual([
    '0 B',
    '1 B',
    '999 B',
    '0.98 KB',
    '1 KB',
    '1.5 KB',
    '10 KB',
    '128 MB',
    '1.5 TB',
    '5000 PB',
  ])
})

test('counts have commas, and words agree with them', () => {
  expect([0, 12, 1234, 1234567].map(humanCount)).toEqual(['0', '12', '1,234', '1,234,567'])
  expect([plural(1, 'file'), plural(0, 'file'), plural(2, 'entry', 'entries')]).toEqual(['1 file', '0 files', '2 entries'])
})

test('times are UTC, and what no calendar has is a number', () => {
  expect(humanTime(Date.UTC(2026, 0, 31, 12, 5, 9))).toBe('2026-01-31 12:05')
  expect(humanTime(Date.UTC(2026, 0, 31, 12, 5, 9), true)).toBe('2026-01-31 12:05:09')
  expect([humanTime(9e15), humanTime(Number.NaN)]).toEqual(['9000000000000000', 'NaN'])
})

test('durations have the largest unit that fits', () => {
  expect([5, 1000, 90_000, 3_600_000, 86_400_000, 7 * 86_400_000].map(humanDuration)).toEqual([
    '5 ms',
    '1 s',
    '1.5 min',
    '1 h',
    '1 day',
    '7 days',
  ])
})
