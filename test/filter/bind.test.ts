// Names and types are settled before anything runs, and every mistake is told with its place.
import { describe, expect, it } from 'vitest'
import { isAlluviumError } from '../../src/errors.js'
import { bindFilter, col, type Expression, formatExpression, not, parseFilter, splitByColumns } from '../../src/filter/index.js'
import type { StructType } from '../../src/schema/index.js'
import { batchOf, struct } from './batches.js'

const SCHEMA: StructType = struct({
  id: { type: 'long' },
  n: { type: 'integer' },
  name: { type: 'string' },
  Mixed: { type: 'string' },
  score: { type: 'double' },
  price: { type: 'decimal', precision: 10, scale: 2 },
  ok: { type: 'boolean' },
  bytes: { type: 'binary' },
  day: { type: 'date' },
  at: { type: 'timestamp' },
  ntz: { type: 'timestamp_ntz' },
  nothing: { type: 'void' },
  tags: { type: 'array', elementType: { type: 'string' }, containsNull: true },
  st: struct({ Inner: { type: 'integer' } }),
  'a.b': { type: 'integer' },
})

function problem(where: string | Expression, schema: StructType = SCHEMA): { message: string; position: unknown; column: unknown } {
  try {
    bindFilter(typeof where === 'string' ? parseFilter(where) : where, schema)
  } catch (error) {
    if (!isAlluviumError(error, 'INVALID_OPTIONS')) throw error
    return { message: error.message, position: error.facts.position, column: error.facts.column }
  }
  throw new Error(`${typeof where === 'string' ? where : formatExpression(where)} binds`)
}

describe('binding', () => {
  it('finds columns exactly first, then by case where only one fits, and reports the schema’s names', () => {
    expect(bindFilter(parseFilter("MIXED = 'a' AND ST.inner = 1 AND Id = 2"), SCHEMA).columns).toEqual(['Mixed', 'st', 'id'])
    const twins = struct({ a: { type: 'integer' }, A: { type: 'string' }, aA: { type: 'integer' }, Aa: { type: 'integer' } })
    expect(bindFilter(parseFilter("A = 'text'"), twins).columns).toEqual(['A'])
    expect(problem('AA = 1', twins).message).toContain('no column AA')
  })

  it('names the columns there are, and the way to write a dot in a name', () => {
    const unknown = problem('nope = 1')
    expect(unknown.message).toContain('no column nope')
    expect(unknown.message).toContain('id, n, name')
    expect(unknown).toMatchObject({ position: 0, column: 'nope' })
    expect(problem('a.b = 1').message).toContain('write `a.b`')
    expect(problem('st.x = 1').message).toContain('st has no column x; it has Inner')
    expect(problem('id.x = 1').message).toContain('id is long and has no member x')
  })

  it.each([
    ["id = 'abc'", 'id is long', 'write a number'],
    ["id > '5'", 'id is long', 'write 5 without quotes'],
    ['name = 5', 'name is string', "write '5' in single quotes"],
    ['name > true', 'name is string', 'single quotes'],
    ['ok = 1', 'ok is boolean', 'true or false'],
    ["score = 'x'", 'score is double', 'write a number'],
    ["price = 'x'", 'price is decimal(10,2)', 'write a number'],
    ["day = 'soon'", 'day is date', "DATE '2024-01-31'"],
    ["day = DATE '2024-02-30'", 'day is date', "DATE '2024-01-31'"],
    ['day > 20240101', 'day is date', 'DATE'],
    ["at > 'yesterday'", 'at is timestamp', 'TIMESTAMP'],
    ['at > 1700000000000', 'at is timestamp', 'TIMESTAMP'],
    ["ntz > TIMESTAMP '2024-01-01T00:00:00Z'", 'ntz is timestamp_ntz', 'no zone'],
    ["bytes = 'text'", 'bytes is binary', "X'00ff'"],
    ["tags = 'a'", 'tags is array<string>', 'IS NULL'],
    ['st = 1', 'st is struct', 'IS NULL'],
    ["id IN (1, 'b')", 'id is long', 'write a number'],
    ["id BETWEEN 1 AND 'b'", 'id is long', 'write a number'],
    ["id LIKE '1%'", 'id is long', 'LIKE applies to strings'],
    ['id', 'id is long', 'no condition'],
    ['NOT name', 'name is string', 'no condition'],
    ['id = name', 'id is long and column name is string', 'cannot be compared'],
    ['day = at', 'day is date and column at is timestamp', 'cannot be compared'],
    ["1 = 'a'", 'literals', 'cannot be compared'],
    ["name LIKE 'a\\b'", 'LIKE pattern', "before '%', '_' or '\\'"],
    ["name LIKE 'a\\'", 'LIKE pattern', "before '%', '_' or '\\'"],
  ])('refuses %s', (where, what, todo) => {
    const { message } = problem(where)
    expect(message).toContain(what)
    expect(message).toContain(todo)
  })

  it('points at the literal that does not fit', () => {
    expect(problem("n = 1 AND id = 'abc'").position).toBe(15)
    expect(problem(col('id').eq('abc')).position).toBeUndefined()
    expect(problem(col('id').eq('abc')).message).toContain("id = 'abc'")
  })

  it('keeps messages short whatever the filter holds', () => {
    expect(problem(`id = '${'x'.repeat(100_000)}'`).message.length).toBeLessThan(500)
    expect(problem(`id IN ('${'x'.repeat(100_000)}')`).message.length).toBeLessThan(500)
    expect(problem(`name LIKE '${'%a'.repeat(100_000)}'`).message.length).toBeLessThan(500)
  })

  it('asks only for null where values have no order', () => {
    for (const where of ['tags IS NULL', 'st IS NOT NULL', 'nothing IS NULL'])
      expect(() => bindFilter(parseFilter(where), SCHEMA)).not.toThrow()
  })

  it('takes a void column as null', () => {
    const schema = struct({ nothing: { type: 'void' }, n: { type: 'integer' } })
    const batch = batchOf(schema, [{ nothing: null, n: 1 }])
    const truth = (where: string) => [...bindFilter(parseFilter(where), schema).truth(batch)]
    expect(truth('nothing IS NULL')).toEqual([2])
    expect(truth('nothing = 5')).toEqual([1])
    expect(truth("nothing LIKE 'a' OR nothing IN (1) OR nothing = n")).toEqual([1])
  })

  it('bounds the depth of filters that were built and not parsed', () => {
    let deep: Expression = col('ok')
    for (let i = 0; i < 100_000; i++) deep = { kind: 'not', operand: deep }
    expect(problem(deep).message).toContain('nested deeper')
    expect(() => bindFilter(not(not(col('ok'))), SCHEMA)).not.toThrow()
  })

  it('refuses plain data that is no filter', () => {
    expect(() => bindFilter({ kind: 'nonsense' } as never, SCHEMA)).toThrow(TypeError)
  })
})

describe('splitting', () => {
  it('separates the conditions on partition columns from the others', () => {
    const filter = parseFilter(
      "Day = DATE '2024-01-01' AND id = 1 AND (day IS NULL OR day > DATE '2024-01-01') AND (day IS NULL OR id = 2)",
    )
    const { only, rest } = splitByColumns(filter, ['day'])
    expect(only && formatExpression(only)).toBe("Day = DATE '2024-01-01' AND (day IS NULL OR day > DATE '2024-01-01')")
    expect(rest && formatExpression(rest)).toBe('id = 1 AND (day IS NULL OR id = 2)')
    const bound = bindFilter(filter, SCHEMA).partitionOnly(['day'])
    expect(bound.only?.columns).toEqual(['day'])
    expect([...(bound.rest?.columns ?? [])].sort()).toEqual(['day', 'id'])
  })

  it('leaves a side undefined when nothing falls on it', () => {
    expect(splitByColumns(parseFilter('id = 1'), ['day'])).toEqual({ only: undefined, rest: parseFilter('id = 1') })
    expect(bindFilter(parseFilter("day = DATE '2024-01-01'"), SCHEMA).partitionOnly(['day']).rest).toBeUndefined()
  })
})
