// Looking at types: comparing, finding, and which columns get statistics.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fieldAt,
  findField,
  findFieldAnyCase,
  formatPath,
  leafPaths,
  parseColumns,
  parsePath,
  parseSchema,
  parseType,
  sameType,
  statsColumns,
  statsLeaves,
  walkFields,
} from '../../src/schema/index.js'
import { anyName, anyStruct } from './types-arbitrary.js'

describe('sameType', () => {
  it('is equality without metadata, for every schema', () => {
    fc.assert(
      fc.property(anyStruct, anyStruct, (a, b) => {
        const bare = (value: unknown): string => JSON.stringify(value, (key, part) => (key === 'metadata' ? undefined : part))
        expect(sameType(a, a)).toBe(true)
        expect(sameType(a, b)).toBe(bare(a) === bare(b))
      }),
    )
  })

  it('sees nullability unless told not to', () => {
    expect(sameType(parseType('array<long>'), parseType('array<long not null>'))).toBe(false)
    expect(sameType(parseType('array<long>'), parseType('array<long not null>'), { nullability: false })).toBe(true)
    expect(sameType(parseColumns('a long'), parseColumns('a long not null'))).toBe(false)
    expect(sameType(parseColumns('a map<int,int>'), parseColumns('a map<int,int not null> not null'), { nullability: false })).toBe(true)
  })

  it('sees names, order, parameters and kinds', () => {
    expect(sameType(parseColumns('a long, b long'), parseColumns('b long, a long'))).toBe(false)
    expect(sameType(parseColumns('a long'), parseColumns('A long'))).toBe(false)
    expect(sameType(parseType('decimal(10,2)'), parseType('decimal(10,3)'))).toBe(false)
    expect(sameType({ type: 'unknown', json: 'interval' }, { type: 'unknown', json: 'interval day' })).toBe(false)
    expect(sameType({ type: 'unknown', json: 'interval' }, { type: 'unknown', json: 'interval' })).toBe(true)
  })
})

describe('finding', () => {
  const struct = parseColumns('a long, S struct<b int, `x.y` struct<c date>>, __proto__ int, arr array<struct<q int>>')

  it('finds exact names, and names in another case only where asked', () => {
    expect(findField(struct, 's')).toBeUndefined()
    expect(findFieldAnyCase(struct, 's')?.name).toBe('S')
    expect(findField(struct, '__proto__')?.dataType.type).toBe('integer')
    expect(findField(struct, 'constructor')).toBeUndefined()
  })

  it('follows a path through structs only', () => {
    expect(fieldAt(struct, ['S', 'x.y', 'c'])?.dataType.type).toBe('date')
    expect(fieldAt(struct, ['arr', 'element', 'q'])).toBeUndefined()
    expect(fieldAt(struct, ['a', 'b'])).toBeUndefined()
    expect(fieldAt(struct, [])).toBeUndefined()
  })

  it('walks every field, parents first', () => {
    const seen: string[] = []
    walkFields(parseColumns('s struct<a array<struct<b int>>>, m map<struct<k int>, struct<v int>>'), (path) => seen.push(path.join('/')))
    expect(seen).toEqual(['s', 's/a', 's/a/element/b', 'm', 'm/key/k', 'm/value/v'])
  })
})

describe('paths as texts', () => {
  it('read back to the same names', () => {
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 1, maxLength: 4 }), (path) => {
        expect(parsePath(formatPath(path))).toEqual(path)
      }),
    )
  })

  it('are refused when they are none', () => {
    for (const text of ['', '.', 'a.', '.a', 'a..b', '`a']) expect(parsePath(text)).toBeUndefined()
  })
})

describe('columns with statistics', () => {
  it('are leaves in schema order: arrays, maps and booleans count as one each', () => {
    expect(leafPaths(parseColumns('a int, s struct<b array<struct<c int>>, d struct<e boolean>>, m map<int,int>'))).toEqual([
      ['a'],
      ['s', 'b'],
      ['s', 'd', 'e'],
      ['m'],
    ])
  })

  it('are the first 32 leaves by default, partition columns not counted', () => {
    const inner = Array.from({ length: 20 }, (_, i) => `f${i} int`).join(', ')
    const struct = parseColumns(`p date, s struct<${inner}>, t struct<${inner}>`)
    const columns = statsColumns(struct, ['p'], {})
    expect(columns).toHaveLength(32)
    expect(columns[0]).toBe('s.f0')
    expect(columns[31]).toBe('t.f11')
  })

  it('are as many as the table says', () => {
    const struct = parseColumns('a int, b int, c int')
    expect(statsColumns(struct, [], { 'delta.dataSkippingNumIndexedCols': '2' })).toEqual(['a', 'b'])
    expect(statsColumns(struct, [], { 'delta.dataSkippingNumIndexedCols': '0' })).toEqual([])
    expect(statsColumns(struct, ['a'], { 'delta.dataSkippingNumIndexedCols': '-1' })).toEqual(['b', 'c'])
    expect(() => statsColumns(struct, [], { 'delta.dataSkippingNumIndexedCols': '-2' })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }),
    )
  })

  it('are those the table names, a struct standing for all its leaves', () => {
    const struct = parseColumns('p int, a int, s struct<b int, t struct<c int, d int>>, `x.y` int')
    const properties = { 'delta.dataSkippingStatsColumns': 's.t, `x.y`, p, gone', 'delta.dataSkippingNumIndexedCols': '1' }
    expect(statsColumns(struct, ['p'], properties)).toEqual(['s.t.c', 's.t.d', '`x.y`'])
    expect(statsLeaves(struct, ['p'], properties).map((leaf) => leaf.path)).toEqual([['s', 't', 'c'], ['s', 't', 'd'], ['x.y']])
  })

  it('count unknown types too, so that positions are those of other writers', () => {
    const struct = parseSchema(
      '{"type":"struct","fields":[{"name":"i","type":"interval","nullable":true,"metadata":{}},{"name":"a","type":"long","nullable":true,"metadata":{}}]}',
    )
    expect(statsColumns(struct, [], { 'delta.dataSkippingNumIndexedCols': '1' })).toEqual(['i'])
  })
})
