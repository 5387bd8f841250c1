// A filter over a batch means what it means over each row by itself.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindFilter, type Expression, formatExpression, parseFilter } from '../../src/filter/index.js'
import type { DataType } from '../../src/schema/index.js'
import { expression, rows, SCHEMA } from './arbitraries.js'
import { batchOf, type Cell, type Layouts, struct } from './batches.js'
import { truthOf } from './oracle.js'

const LAYOUTS = fc.record({
  padding: fc.constantFrom(0, 1, 7, 8, 13),
  strings: fc.constantFrom('utf8' as const, 'large' as const, 'view' as const, 'dictionary' as const),
})

function select(where: string, type: DataType, values: readonly Cell[], layouts: Layouts = {}): Cell[] {
  const schema = struct({ c: type })
  const batch = batchOf(
    schema,
    values.map((c) => ({ c })),
    layouts,
  )
  const mask = bindFilter(parseFilter(where), schema).evaluate(batch)
  return values.filter((_, i) => mask[i] === 1)
}

describe('evaluation', () => {
  it('agrees with a row-by-row reading of random filters over random batches of every layout', () => {
    fc.assert(
      fc.property(rows(), expression(), LAYOUTS, (data, filter, layouts) => {
        const truths = bindFilter(filter, SCHEMA).truth(batchOf(SCHEMA, data, layouts))
        const expected = data.map((row) => {
          const truth = truthOf(filter, row, SCHEMA)
          return truth === null ? 1 : truth ? 2 : 0
        })
        expect([...truths], formatExpression(filter)).toEqual(expected)
      }),
      { numRuns: 1500 },
    )
  })

  it('keeps rows where the filter is true, not those where it is unknown', () => {
    expect(select('c > 1', { type: 'integer' }, [0, 2, null])).toEqual([2])
    expect(select('NOT c > 1', { type: 'integer' }, [0, 2, null])).toEqual([0])
    expect(select('c > 1 OR c IS NULL', { type: 'integer' }, [0, 2, null])).toEqual([2, null])
  })

  it('follows the truth tables of three-valued logic', () => {
    const schema = struct({ p: { type: 'boolean' }, q: { type: 'boolean' } })
    const values = [true, false, null]
    const pairs = values.flatMap((p) => values.map((q) => ({ p, q })))
    const table = (where: string): (boolean | null)[] =>
      [...bindFilter(parseFilter(where), schema).truth(batchOf(schema, pairs))].map((truth) => (truth === 1 ? null : truth === 2))
    // In the order TT TF TN FT FF FN NT NF NN, as SQL:1999 prints them.
    expect(table('p AND q')).toEqual([true, false, null, false, false, false, null, false, null])
    expect(table('p OR q')).toEqual([true, true, true, true, false, null, true, null, null])
    expect(table('NOT p')).toEqual([false, false, false, true, true, true, null, null, null])
    expect(table('p = q')).toEqual([true, false, null, false, true, null, null, null, null])
    expect(table('p IN (q_or_null)'.replace('q_or_null', 'true, null'))).toEqual([true, true, true, null, null, null, null, null, null])
    expect(table('p NOT IN (true, null)')).toEqual([false, false, false, null, null, null, null, null, null])
    expect(table('p IS NULL AND q IS NOT NULL')).toEqual([false, false, false, false, false, false, true, true, false])
  })

  it('compares longs exactly beyond 2^53 and with fractions', () => {
    const longs = [9007199254740992n, 9007199254740993n, 9007199254740994n, 1n, 2n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const pick = (where: string): Cell[] => select(where, { type: 'long' }, longs)
    expect(pick('c > 9007199254740993')).toEqual([9007199254740994n, 2n ** 63n - 1n])
    expect(pick('c = 9007199254740993')).toEqual([9007199254740993n])
    expect(pick('c < 1.5 AND c > 0')).toEqual([1n])
    expect(pick('c <= 1.5 AND c >= 0.5')).toEqual([1n])
    expect(pick('c = 1.0')).toEqual([1n])
    expect(pick('c = 1.5')).toEqual([])
    expect(pick('c != 1.5').length).toBe(longs.length)
    expect(pick('c > -1.5 AND c < -0.5')).toEqual([-1n])
    expect(pick('c > 9223372036854775807')).toEqual([])
    expect(pick('c < 9223372036854775808').length).toBe(longs.length)
    expect(pick('c >= 1e30')).toEqual([])
    expect(pick('c IN (1.5, 2, 9007199254740993.0)')).toEqual([9007199254740993n, 2n])
  })

  it('compares decimals exactly, whatever the scale of the literal', () => {
    const type: DataType = { type: 'decimal', precision: 38, scale: 2 }
    const values = [100n, 101n, 10n ** 37n + 1n, 10n ** 37n, -(10n ** 37n), -100n]
    expect(select('c = 1', type, values)).toEqual([100n])
    expect(select('c > 1.005 AND c < 2', type, values)).toEqual([101n])
    expect(select(`c = ${'1'.padEnd(36, '0')}.01`, type, values)).toEqual([10n ** 37n + 1n])
    expect(select(`c > ${'1'.padEnd(36, '0')}`, type, values)).toEqual([10n ** 37n + 1n])
    expect(select('c < -1', type, values)).toEqual([-(10n ** 37n)])
    expect(select("c = '1.01'", type, values)).toEqual([101n])
  })

  it('takes NaN as the greatest value, equal to itself, and -0 as 0', () => {
    const values = [Number.NaN, 1, Number.POSITIVE_INFINITY, -0, null]
    expect(select('c > 1e308', { type: 'double' }, values)).toEqual([Number.NaN, Number.POSITIVE_INFINITY])
    expect(select("c = DOUBLE 'NaN'", { type: 'double' }, values)).toEqual([Number.NaN])
    expect(select("c < DOUBLE 'NaN'", { type: 'double' }, values)).toEqual([1, Number.POSITIVE_INFINITY, -0])
    expect(select('c = 0', { type: 'double' }, values)).toEqual([-0])
    expect(select('c IN (0, 7)', { type: 'float' }, values)).toEqual([-0])
    expect(select('c < 1e400 AND c > 1', { type: 'double' }, values)).toEqual([])
    expect(select('c > 1e400', { type: 'double' }, values)).toEqual([Number.NaN, Number.POSITIVE_INFINITY])
  })

  it('orders strings by their UTF-8 bytes, beyond U+FFFF too', () => {
    // As UTF-16 code units the emoji (D83D…) would come before U+FF5E.
    expect(select("c > '\uff5e'", { type: 'string' }, ['\u{1f600}', '\uff5e', 'z'])).toEqual(['\u{1f600}'])
    expect(select("c < 'ab'", { type: 'string' }, ['a', 'ab', 'aa', 'abc', ''])).toEqual(['a', 'aa', ''])
  })

  it('compares dates and timestamps with their literals, and timestamps without a zone as UTC', () => {
    expect(select("c >= DATE '1970-01-02'", { type: 'date' }, [0, 1, 2])).toEqual([1, 2])
    expect(select("c > TIMESTAMP '1970-01-01 12:00:00'", { type: 'date' }, [0, 1])).toEqual([1])
    expect(select("c = TIMESTAMP '1970-01-01 12:00:00'", { type: 'date' }, [0, 1])).toEqual([])
    const micros = [0n, 1n, 3_600_000_000n]
    expect(select("c > TIMESTAMP '1970-01-01T00:00:00.000001Z'", { type: 'timestamp' }, micros)).toEqual([3_600_000_000n])
    expect(select("c = TIMESTAMP '1970-01-01T03:00:00+02:00'", { type: 'timestamp' }, micros)).toEqual([3_600_000_000n])
    expect(select("c = TIMESTAMP '1970-01-01 01:00:00'", { type: 'timestamp' }, micros)).toEqual([3_600_000_000n])
    expect(select("c = DATE '1970-01-01'", { type: 'timestamp' }, micros)).toEqual([0n])
    expect(select("c = TIMESTAMP '1970-01-01 01:00:00'", { type: 'timestamp_ntz' }, micros)).toEqual([3_600_000_000n])
    expect(select("c = '1970-01-01T01:00:00Z'", { type: 'timestamp' }, micros)).toEqual([3_600_000_000n])
  })

  it('takes a member of a null struct as null, whatever its buffer holds', () => {
    const schema = struct({ st: struct({ n: { type: 'integer' } }) })
    const batch = batchOf(schema, [{ st: null }, { st: { n: 1 } }, { st: { n: null } }], { padding: 3 })
    expect([...bindFilter(parseFilter('st.n = 1'), schema).truth(batch)]).toEqual([1, 2, 1])
    expect([...bindFilter(parseFilter('st.n IS NULL'), schema).truth(batch)]).toEqual([2, 0, 2])
    expect([...bindFilter(parseFilter('st IS NULL'), schema).truth(batch)]).toEqual([2, 0, 0])
  })

  it('reads columns named __proto__ and with dots in their names', () => {
    const schema = {
      ...struct({}),
      fields: ['__proto__', 'a.b'].map((name) => ({ name, dataType: { type: 'integer' as const }, nullable: true, metadata: {} })),
    }
    const row = Object.defineProperty({ 'a.b': 2 }, '__proto__', { value: 1, enumerable: true }) as never
    const batch = batchOf(schema, [row])
    expect([...bindFilter(parseFilter('__proto__ = 1 AND `a.b` = 2'), schema).evaluate(batch)]).toEqual([1])
  })

  it('answers an empty batch and long lists', () => {
    expect(select('c = 1', { type: 'integer' }, [])).toEqual([])
    const many = Array.from({ length: 5000 }, (_, i) => `v${i}`)
    expect(select(`c IN (${many.map((text) => `'${text}'`).join(', ')})`, { type: 'string' }, ['v4999', 'v5000', null])).toEqual(['v4999'])
  })

  it('refuses a batch that is not laid out as the schema says', () => {
    const filter = (where: string, type: DataType) => bindFilter(parseFilter(where), struct({ c: type }))
    const ints = batchOf(struct({ c: { type: 'integer' } }), [{ c: 1 }])
    expect(() => filter("c = 'a'", { type: 'string' }).evaluate(ints)).toThrow(TypeError)
    expect(() => filter('c = 1', { type: 'decimal', precision: 5, scale: 0 }).evaluate(ints)).toThrow(/conform the batch/)
    expect(() => bindFilter(parseFilter('d = 1'), struct({ d: { type: 'long' } })).evaluate(ints)).toThrow(/no column d/)
  })

  it('takes literals on either side and literals alone', () => {
    expect(select('5 > c', { type: 'integer' }, [4, 5, 6])).toEqual([4])
    expect(select('1 = 1', { type: 'integer' }, [4])).toEqual([4])
    expect(select('1 = 1.0 AND 9007199254740993 > 9007199254740992', { type: 'integer' }, [4])).toEqual([4])
    expect(select("'a' = 'b' OR false", { type: 'integer' }, [4])).toEqual([])
    expect(select('NULL IS NULL AND NOT (1 IS NULL)', { type: 'integer' }, [4])).toEqual([4])
    expect(select('c = NULL', { type: 'integer' }, [4, null])).toEqual([])
  })

  it('filters with a bare boolean column', () => {
    const values = [true, false, null]
    expect(select('c', { type: 'boolean' }, values)).toEqual([true])
    expect(select('NOT c', { type: 'boolean' }, values)).toEqual([false])
    const whole: Expression = { kind: 'column', path: ['c'] }
    expect([
      ...bindFilter(whole, struct({ c: { type: 'boolean' } })).evaluate(batchOf(struct({ c: { type: 'boolean' } }), [{ c: true }])),
    ]).toEqual([1])
  })
})
