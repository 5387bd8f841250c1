// What can be a table: every fault is found, and all of them together.
import { describe, expect, it } from 'vitest'
import { AlluviumError } from '../../src/errors.js'
import { checkTableSchema, type DataType, parseColumns, parseSchema, type StructType, unwritableTypes } from '../../src/schema/index.js'

function faultsOf(struct: StructType | string, partitionColumns: readonly string[] = [], options = {}): readonly string[] {
  try {
    checkTableSchema(typeof struct === 'string' ? parseColumns(struct) : struct, partitionColumns, options)
    return []
  } catch (error) {
    if (!(error instanceof AlluviumError) || error.code !== 'INVALID_OPTIONS') throw error
    const faults = error.facts.faults as string[]
    for (const fault of faults.slice(0, 10)) expect(error.message).toContain(fault)
    return faults
  }
}

describe('checkTableSchema', () => {
  it('passes what can be a table', () => {
    expect(
      faultsOf('id long not null, day date, tags array<string>, s struct<a int, n void>, v void, w variant, `größe.m²` int', ['day']),
    ).toEqual([])
  })

  it('finds names that are the same or differ in case only, nested too', () => {
    expect(faultsOf('a int, A int, s struct<b int, b int>, t array<struct<c int, C int>>')).toEqual([
      'A: the name differs from a in case only',
      's.b: the name is given twice',
      't.element.C: the name differs from t.element.c in case only',
    ])
  })

  it.each([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='])('forbids %j in names, unless columns are mapped', (char) => {
    const name = `a${char}b`
    expect(faultsOf(`\`${name}\` int, s array<struct<\`${name}\` int>>`)).toHaveLength(2)
    expect(faultsOf(`\`${name}\` int, s array<struct<\`${name}\` int>>`, [], { columnMapping: true })).toEqual([])
  })

  it('forbids names that are empty or no text', () => {
    const struct: StructType = {
      type: 'struct',
      fields: ['', '\ud800'].map((name) => ({ name, dataType: { type: 'long' }, nullable: true, metadata: {} })),
    }
    expect(faultsOf(struct)).toHaveLength(2)
  })

  it('wants a column, and a field in every struct', () => {
    expect(faultsOf({ type: 'struct', fields: [] })).toEqual(['a table needs a column'])
    expect(
      faultsOf(parseSchema('{"type":"struct","fields":[{"name":"s","type":{"type":"struct","fields":[]},"nullable":true,"metadata":{}}]}')),
    ).toEqual(['s: a struct needs a field'])
  })

  it('wants partition columns to exist, once, of a type that can partition, and not to be all columns', () => {
    expect(faultsOf('a int, b array<int>, s struct<x int>, v variant, c int', ['A', 'b', 's', 'v', 'nosuch', 'a', 'a'])).toEqual([
      'partition column A is no column (did you mean a?)',
      'partition column b: a column of type array<integer> cannot partition a table',
      'partition column s: a column of type struct<x:integer> cannot partition a table',
      'partition column v: a column of type variant cannot partition a table',
      'partition column nosuch is no column; columns are a, b, s, v, c',
      'partition column a is given twice',
    ])
    expect(faultsOf('a int, b int', ['b', 'a'])).toEqual(['at least one column must not be a partition column'])
  })

  it('forbids void where the protocol does', () => {
    expect(
      faultsOf('a array<void>, b map<string, struct<x int, y void>>, c struct<x void, y void>, d int, e struct<x int, y void>'),
    ).toEqual([
      'a: void cannot stand inside an array or a map',
      'b: void cannot stand inside an array or a map',
      'c: a struct cannot have void fields only',
    ])
    expect(faultsOf('a void, b void')).toEqual(['a table cannot have void columns only'])
  })

  it('forbids maps as keys of maps, and unknown types', () => {
    expect(faultsOf('a map<struct<x map<int,int>>, int>')).toEqual(['a: the key of a map cannot hold a map'])
    const interval = parseSchema('{"type":"struct","fields":[{"name":"i","type":"interval day to second","nullable":true,"metadata":{}}]}')
    expect(faultsOf(interval)).toEqual(['i: the type interval day to second is not known'])
  })

  it('lists the first ten faults in the message and all of them in the facts', () => {
    const many = Array.from({ length: 30 }, (_, i) => `\`c ${i}\` int`).join(', ')
    expect(faultsOf(many)).toHaveLength(30)
    expect(() => checkTableSchema(parseColumns(many))).toThrow(/and 20 more/)
  })

  it('refuses nesting beyond reason with LIMIT_EXCEEDED', () => {
    let type: DataType = { type: 'long' }
    for (let i = 0; i < 5000; i++) type = { type: 'array', elementType: type, containsNull: true }
    const struct: StructType = { type: 'struct', fields: [{ name: 'a', dataType: type, nullable: true, metadata: {} }] }
    expect(() => checkTableSchema(struct)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }))
  })
})

describe('unwritableTypes', () => {
  it('names columns that can be read but not written', () => {
    const schema = parseSchema(
      '{"type":"struct","fields":[{"name":"v","type":{"type":"array","elementType":"variant","containsNull":true},"nullable":true,"metadata":{}},' +
        '{"name":"i","type":"interval","nullable":true,"metadata":{}},{"name":"n","type":{"type":"array","elementType":"void","containsNull":true},"nullable":true,"metadata":{}}]}',
    )
    expect(unwritableTypes(schema)).toEqual([
      'column v has the type variant',
      'column i has the type interval',
      'n: void cannot stand inside an array or a map',
    ])
    expect(unwritableTypes(parseColumns('a int, n void'))).toEqual([])
  })
})
