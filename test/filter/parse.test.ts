// The text form: what it reads, what it refuses and where, and that printing it loses nothing.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAlluviumError } from '../../src/errors.js'
import { and, col, type Expression, formatExpression, not, type Or, or, parseColumnName, parseFilter } from '../../src/filter/index.js'
import { expression } from './arbitraries.js'

function withoutPlaces(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, member) => (key === 'at' ? undefined : member)))
}

function fault(sql: string): { message: string; position: unknown } {
  try {
    parseFilter(sql)
  } catch (error) {
    if (!isAlluviumError(error, 'INVALID_OPTIONS')) throw error
    return { message: error.message, position: error.facts.position }
  }
  throw new Error(`no fault in ${sql}`)
}

describe('parsing', () => {
  it.each([
    ['a = 1', 'a = 1'],
    ['a == 1', 'a = 1'],
    ['a <> 1 and b != 2', 'a != 1 AND b != 2'],
    ['A<1 oR b>=2', 'A < 1 OR b >= 2'],
    ['a is null', 'a IS NULL'],
    ['a IS not NULL', 'a IS NOT NULL'],
    ["a in ('x', 'it''s', null)", "a IN ('x', 'it''s', null)"],
    ['a NOT IN (1, -2.50, +3, .5, 1e3)', 'a NOT IN (1, -2.50, 3, .5, 1e3)'],
    ['a BETWEEN 1 AND 2 AND b', 'a BETWEEN 1 AND 2 AND b'],
    ["a not like '50\\%_%'", "a NOT LIKE '50\\%_%'"],
    ['not (a = 1 or b = 2) and c', 'NOT (a = 1 OR b = 2) AND c'],
    ['NOT NOT a', 'NOT NOT a'],
    ['((a)) = ((1))', 'a = 1'],
    ["d > date '2024-01-31'", "d > DATE '2024-01-31'"],
    ["t > TimeStamp '2024-01-31 08:00:00'", "t > TIMESTAMP '2024-01-31 08:00:00'"],
    ['date > 1 AND timestamp < 2 AND x = 3', 'date > 1 AND timestamp < 2 AND x = 3'],
    ["b = x'00fF'", "b = X'00fF'"],
    ["d = double 'NaN'", "d = DOUBLE 'NaN'"],
    ['`odd ``name` = 1', '`odd ``name` = 1'],
    ['`and` = 1 AND s.and = 2', '`and` = 1 AND s.and = 2'],
    ['s.`a.b`.c = 1', 's.`a.b`.c = 1'],
    ['größe = 1 AND 列 = 2', 'größe = 1 AND 列 = 2'],
    ['true AND NULL', 'true AND null'],
    ['a = 123456789012345678901234567890.000000000000000000001', 'a = 123456789012345678901234567890.000000000000000000001'],
    ['  a\n\t= 1  ', 'a = 1'],
    ['a = b', 'a = b'],
  ])('reads %s', (sql, printed) => {
    expect(formatExpression(parseFilter(sql))).toBe(printed)
    expect(withoutPlaces(parseFilter(printed))).toEqual(withoutPlaces(parseFilter(sql)))
  })

  it('binds AND tighter than OR and NOT tighter than AND', () => {
    const parsed = withoutPlaces(parseFilter('a OR NOT b AND c'))
    const column = (name: string) => ({ kind: 'column', path: [name] })
    expect(parsed).toEqual({
      kind: 'or',
      operands: [column('a'), { kind: 'and', operands: [{ kind: 'not', operand: column('b') }, column('c')] }],
    })
  })

  it('prints what it parses back to the same filter, for any filter', () => {
    fc.assert(
      fc.property(expression(), (filter) => {
        expect(withoutPlaces(parseFilter(formatExpression(filter)))).toEqual(withoutPlaces(filter))
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps any text and any column name through printing and parsing', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1, maxLength: 3 }), (value, path) => {
        const filter = col(path).eq(value)
        expect(withoutPlaces(parseFilter(formatExpression(filter)))).toEqual(filter)
      }),
    )
  })

  it.each([
    ['', 0, 'a column or a literal', 'the end of the filter'],
    ['a =', 3, 'a column or a literal', 'the end of the filter'],
    ['a = 1 b', 6, 'AND, OR or the end', '"b"'],
    ['a = 1)', 5, 'AND, OR or the end', '")"'],
    ['(a = 1', 6, "')'", 'the end of the filter'],
    ['a IS 5', 5, 'NULL or NOT NULL', '"5"'],
    ['a NOT 5', 6, 'IN, BETWEEN or LIKE', '"5"'],
    ['a IN 5', 5, "'(' after IN", '"5"'],
    ['a IN (1, b)', 9, 'a literal', '"b"'],
    ['a IN (1 2)', 8, "',' or ')'", '"2"'],
    ['a BETWEEN 1 OR 2', 12, 'AND and the upper end', '"OR"'],
    ['a LIKE 5', 7, 'a pattern in single quotes', '"5"'],
    ["'text'", 6, 'a comparison', 'the end of the filter'],
    ['a = - b', 6, 'a number after', '"b"'],
    ['AND a', 0, 'a column', '"AND"'],
    ['a. = 1', 3, "a name after '.'", '"="'],
  ])('says what was expected and where: %s', (sql, position, expected, found) => {
    const { message, position: place } = fault(sql)
    expect(place).toBe(position)
    expect(message).toContain(expected)
    expect(message).toContain(`found ${found}`)
  })

  it('points at the place with a caret, also on a later line', () => {
    const lines = fault('a = 1 AND\n  b = = 2').message.split('\n')
    expect(lines[1]).toBe('    b = = 2')
    expect(lines[2]).toBe(`${' '.repeat(8)}^`)
    expect((lines[1] as string)[(lines[2] as string).indexOf('^')]).toBe('=')
  })

  it.each([
    ["a = 'open", 4, 'closing quote'],
    ['`open', 0, 'closing backtick'],
    ['a = "x"', 4, 'single quotes'],
    ['a = 1abc', 5, 'runs into a word'],
    ['a = 1 # b', 6, 'has no meaning here'],
    ["d = DOUBLE '5'", 11, 'without quotes'],
    ["b = X'0g'", 5, 'hexadecimal'],
    ['a = 1; DROP', 5, 'has no meaning here'],
  ])('refuses %s', (sql, position, problem) => {
    const { message, position: place } = fault(sql)
    expect(place).toBe(position)
    expect(message).toContain(problem)
  })

  it('bounds nesting, however it is made', () => {
    const deep = (depth: number) => `${'('.repeat(depth)}a = 1${')'.repeat(depth)}`
    expect(formatExpression(parseFilter(deep(150)))).toBe('a = 1')
    expect(fault(deep(100_000)).message).toContain('nested deeper')
    expect(fault(`${'NOT '.repeat(100_000)}a`).message).toContain('nested deeper')
    expect(fault(`a = ${'('.repeat(100_000)}1`).message).toContain('nested deeper')
  })

  it('takes long flat filters and keeps the message of their faults short', () => {
    const long = Array.from({ length: 20_000 }, (_, i) => `a = ${i}`).join(' OR ')
    expect((parseFilter(long) as Or).operands.length).toBe(20_000)
    const { message } = fault(`${long} OR OR ${long}`)
    expect(message.length).toBeLessThan(400)
    expect(message).toContain('…')
  })

  it('takes only strings', () => {
    expect(() => parseFilter(undefined as never)).toThrow(TypeError)
  })

  it('reads column names with dots and backticks', () => {
    expect(parseColumnName('a.b')).toEqual(['a', 'b'])
    expect(parseColumnName('`a.b`.`c d`')).toEqual(['a.b', 'c d'])
    expect(parseColumnName('null')).toEqual(['null'])
    expect(() => parseColumnName('a b')).toThrow(/end of the name/)
    expect(() => parseColumnName('')).toThrow(/a column name/)
  })
})

describe('the builder', () => {
  it('makes the filter that the text form makes', () => {
    const pairs: [Expression, string][] = [
      [col('a').eq(5), 'a = 5'],
      [col('a').ne(5n), 'a != 5'],
      [col('a').lt(-0.5), 'a < -0.5'],
      [col('a').le(1e300), 'a <= 1e+300'],
      [col('a').gt('x'), "a > 'x'"],
      [col('a').ge(col('b')), 'a >= b'],
      [col('a').in([1, null, 3n]), 'a IN (1, null, 3)'],
      [col('a').between(1, 2), 'a BETWEEN 1 AND 2'],
      [col('a').like('x%'), "a LIKE 'x%'"],
      [col('a').isNull(), 'a IS NULL'],
      [col('a').isNotNull(), 'a IS NOT NULL'],
      [not(col('a').eq(true)), 'NOT (a = true)'],
      [and(col('a').eq(1), or(col('b').eq(2), col('c'))), 'a = 1 AND (b = 2 OR c)'],
      [col('at').gt(new Date(0)), "at > TIMESTAMP '1970-01-01T00:00:00.000Z'"],
      [col('b').eq(new Uint8Array([0, 255])), "b = X'00ff'"],
      [col('d').lt(Number.POSITIVE_INFINITY), "d < DOUBLE 'Infinity'"],
      [col('s.n').eq(Number.NaN), "s.n = DOUBLE 'NaN'"],
      [col(['a.b']).eq(1), '`a.b` = 1'],
    ]
    for (const [built, text] of pairs) {
      expect(formatExpression(built)).toBe(text)
      expect(withoutPlaces(parseFilter(text))).toEqual(built)
    }
  })

  it('makes plain data that JSON carries', () => {
    const filter = and(col('a'), not(col('b').gt(5n)))
    expect(JSON.parse(JSON.stringify(filter))).toEqual(filter)
  })

  it('joins nothing to its neutral value, one operand to itself, and does not grow deep in a loop', () => {
    expect(formatExpression(and())).toBe('true')
    expect(formatExpression(or())).toBe('false')
    expect(formatExpression(and(col('a').eq(1)))).toBe('a = 1')
    expect(formatExpression(col('a').in([]))).toBe('false')
    let all: Expression = col('a').eq(0)
    for (let i = 1; i < 1000; i++) all = or(all, col('a').eq(i))
    expect((all as Or).operands.length).toBe(1000)
  })

  it('refuses values that no column has', () => {
    expect(() => col('a').eq(null as never)).toThrow(/isNull/)
    expect(() => col('a').eq(undefined as never)).toThrow(TypeError)
    expect(() => col('a').eq({} as never)).toThrow(TypeError)
    expect(() => col('a').eq(new Date(Number.NaN))).toThrow(TypeError)
    expect(() => col('a').like(5 as never)).toThrow(TypeError)
    expect(() => col([])).toThrow(TypeError)
    expect(() => col('a b')).toThrow(/column name|end of the name/)
  })
})
