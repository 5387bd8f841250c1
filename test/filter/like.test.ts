// LIKE means what a slow table of reachable positions says it means, and no pattern makes it slow.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindFilter, col } from '../../src/filter/index.js'
import { batchOf, struct } from './batches.js'
import { like } from './oracle.js'

const SCHEMA = struct({ c: { type: 'string' } })

function matches(pattern: string, texts: readonly string[]): boolean[] {
  const batch = batchOf(
    SCHEMA,
    texts.map((c) => ({ c })),
  )
  return [...bindFilter(col('c').like(pattern), SCHEMA).evaluate(batch)].map((bit) => bit === 1)
}

describe('LIKE', () => {
  it.each([
    ['', [''], ['a']],
    ['a', ['a'], ['', 'aa', 'A']],
    ['a%', ['a', 'ab', 'a%'], ['', 'ba']],
    ['%a', ['a', 'ba', 'aa'], ['', 'ab']],
    ['%a%', ['a', 'bab'], ['', 'b']],
    ['a%a', ['aa', 'aba'], ['a', 'ab']],
    ['_', ['a', 'ä', '\u{1f600}'], ['', 'ab']],
    ['__', ['ab', '\u{1f600}\u{1f600}'], ['a', '\u{1f600}']],
    ['%_', ['a', 'ab'], ['']],
    ['_%_', ['ab', '\u{1f600}a'], ['a', '']],
    ['%ab%ab', ['abab', 'abxab'], ['ab', 'aba']],
    ['50\\%', ['50%'], ['50x', '50\\%']],
    ['\\_\\\\', ['_\\'], ['a\\']],
    ['%\n%', ['a\nb'], ['ab']],
    ['.*', ['.*'], ['ab', '']],
    ['%%%', ['', 'a'], []],
    ['%aab%', ['aaab', 'xaaaabx'], ['abab']],
    ['%ababac%', ['abababac'], ['ababab']],
  ])('%j', (pattern, yes, no) => {
    expect(matches(pattern, [...yes, ...no])).toEqual([...yes.map(() => true), ...no.map(() => false)])
  })

  it('agrees with a table of reachable positions for random patterns and texts', () => {
    const part = fc.constantFrom('a', 'b', 'aa', 'ab', 'ä', '\u{1f600}')
    const pattern = fc.array(fc.oneof(part, fc.constantFrom('%', '_', '\\%', '\\\\')), { maxLength: 9 }).map((parts) => parts.join(''))
    const text = fc.array(fc.oneof(part, fc.constantFrom('%', '\\')), { maxLength: 9 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1 }), (p, texts) => {
        expect(matches(p, texts)).toEqual(texts.map((t) => like([...t], p)))
      }),
      { numRuns: 3000 },
    )
  })

  it('does not backtrack: hostile patterns end', () => {
    const text = 'a'.repeat(200_000)
    expect(matches(`${'%a'.repeat(2000)}%b`, [text])).toEqual([false])
    expect(matches(`${'%a'.repeat(2000)}%`, [text])).toEqual([true])
    expect(matches(`%${'a'.repeat(4000)}b%`, [text])).toEqual([false])
    expect(matches(`${'%_'.repeat(2000)}%b`, [text])).toEqual([false])
    expect(matches(`%${'_a'.repeat(100)}b%`, [text])).toEqual([false])
  })

  it('limits the length of a pattern', () => {
    expect(() => matches('a'.repeat(4097), [''])).toThrow(/at most 4096/)
  })
})
