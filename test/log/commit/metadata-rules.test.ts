// The list of metadata that a commit adopts from a winner, entry by entry and with its neighbours: what is not on it is a conflict.
import { describe, expect, test } from 'vitest'
import type { Metadata } from '../../../src/log/actions.js'
import { metadataObstacle } from '../../../src/log/commit/metadata-change.js'

const schemaOf = (fields: string): string => `{"type":"struct","fields":[${fields}]}`
const field = (name: string, metadata = '{}', type = '"long"'): string =>
  `{"name":"${name}","type":${type},"nullable":true,"metadata":${metadata}}`
const table = (configuration: Record<string, string> = {}, more: Partial<Metadata> = {}): Metadata => ({
  kind: 'metaData',
  id: 'm',
  format: { provider: 'parquet', options: {} },
  schemaString: schemaOf(field('a')),
  partitionColumns: [],
  configuration,
  ...more,
})
const change = (before: Record<string, string>, after: Record<string, string>): string | undefined =>
  metadataObstacle(table(before), table(after))

describe('a property that a commit adopts', () => {
  test.each([
    ['delta.enableRowTracking', 'true'],
    ['delta.enableDeletionVectors', 'true'],
    ['delta.enableInCommitTimestamps', 'true'],
    ['delta.checkpointPolicy', 'v2'],
  ])('%s may become %s, from nothing or from another value, and nothing else', (key, value) => {
    expect(change({}, { [key]: value })).toBeUndefined()
    expect(change({ [key]: 'false' }, { [key]: value.toUpperCase() })).toBeUndefined()
    expect(change({}, { [key]: 'false' })).toBe(`${key.toLowerCase()} was set`)
    expect(change({ [key]: value }, { [key]: 'other' })).toBe(`${key.toLowerCase()} was changed`)
    expect(change({ [key]: value }, {})).toBe(`${key.toLowerCase()} was removed`)
  })

  test.each([
    'delta.rowTracking.materializedRowIdColumnName',
    'delta.rowTracking.materializedRowCommitVersionColumnName',
    'io.unitycatalog.tableId',
    'ucTableId',
  ])('%s may come, and then stays what it is', (key) => {
    expect(change({}, { [key]: 'x' })).toBeUndefined()
    expect(change({ [key]: 'x' }, { [key]: 'x' })).toBeUndefined()
    expect(change({ [key]: 'x' }, { [key]: 'y' })).toBe(`${key.toLowerCase()} was changed`)
  })

  test.each(['delta.columnMapping.maxColumnId', 'delta.inCommitTimestampEnablementVersion', 'delta.inCommitTimestampEnablementTimestamp'])(
    '%s may come and change as it likes',
    (key) => {
      expect(change({}, { [key]: '1' })).toBeUndefined()
      expect(change({ [key]: '1' }, { [key]: '2' })).toBeUndefined()
    },
  )

  test('is known in whatever letters, and so is one that is none', () => {
    expect(change({}, { 'DELTA.ENABLEROWTRACKING': 'TRUE' })).toBeUndefined()
    expect(change({ 'delta.appendOnly': 'true' }, { 'DELTA.appendonly': 'true' })).toBeUndefined()
    expect(change({ 'delta.appendOnly': 'true' }, { 'DELTA.appendonly': 'false' })).toBe('delta.appendonly was changed')
  })
})

describe('columns that are mapped from now on', () => {
  const mode = (text: string): Record<string, string> => ({ 'delta.columnMapping.mode': text })
  const named = (name: string, physical = name): string =>
    schemaOf(field(name, `{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"${physical}"}`))
  const starts = (before: Record<string, string>, after: Record<string, string>, schemaString: string): string | undefined =>
    metadataObstacle(table(before), table(after, { schemaString }))

  test('by name, where they were not mapped, keep the names that they have in files', () => {
    expect(starts({}, mode('name'), named('a'))).toBeUndefined()
    expect(starts(mode('none'), mode('NAME'), named('a'))).toBeUndefined()
    expect(starts(mode('NONE'), mode('name'), named('a'))).toBeUndefined()
    expect(starts({}, mode('name'), named('a', 'b'))).toBe('the schema changed')
    // A column that has no physical name would be looked for under none.
    expect(starts({}, mode('name'), schemaOf(field('a')))).toBe('the schema changed')
  })

  test('by id, or no longer, or otherwise, are a conflict', () => {
    expect(starts({}, mode('id'), named('a'))).toBe('delta.columnmapping.mode was set')
    expect(starts(mode('id'), mode('name'), named('a'))).toBe('delta.columnmapping.mode was changed')
    expect(metadataObstacle(table(mode('name'), { schemaString: named('a') }), table(mode('none')))).toBe(
      'delta.columnmapping.mode was changed',
    )
  })

  test('may not lose or gain anything else that is said of them', () => {
    const said = (more: string): string =>
      schemaOf(field('a', `{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"a"${more}}`))
    expect(starts({}, mode('name'), said(',"comment":"x"'))).toBe('the schema changed')
    // Where they are mapped already, their ids and names are part of them.
    const mapped = mode('name')
    const other = schemaOf(field('a', '{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"a"}'))
    expect(metadataObstacle(table(mapped, { schemaString: said('') }), table(mapped, { schemaString: other }))).toBe('the schema changed')
  })

  test('also in structs', () => {
    const nested = (physical: string): string => `{"type":"struct","fields":[${field('x', physical)}]}`
    const inner = '{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"x"}'
    const outer = '{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"a"}'
    const before = table({}, { schemaString: schemaOf(field('a', '{}', nested('{}'))) })
    const mapped = (metadata: string): Metadata => table(mode('name'), { schemaString: schemaOf(field('a', outer, nested(metadata))) })
    expect(metadataObstacle(before, mapped(inner))).toBeUndefined()
    expect(metadataObstacle(before, mapped('{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"y"}'))).toBe(
      'the schema changed',
    )
  })
})

describe('a schema', () => {
  const schemas = (before: string, after: string): string | undefined =>
    metadataObstacle(table({}, { schemaString: before }), table({}, { schemaString: after }))

  test('is the same in whatever order and spacing its texts are written', () => {
    expect(schemas('{"type":"struct","fields":[]}', '{ "fields" : [], "type":"struct" }')).toBeUndefined()
  })

  test.each([
    ['a field more', schemaOf(field('a')), schemaOf(`${field('a')},${field('b')}`)],
    ['a field less', schemaOf(`${field('a')},${field('b')}`), schemaOf(field('a'))],
    ['another type', schemaOf(field('a')), schemaOf(field('a', '{}', '"integer"'))],
    ['a type that is made of others', schemaOf(field('a')), schemaOf(field('a', '{}', '["long"]'))],
    ['a key more', schemaOf(field('a')), schemaOf(field('a').replace('}', '},"more":1').replace(/}$/, '}'))],
    ['another comment', schemaOf(field('a', '{"comment":"x"}')), schemaOf(field('a', '{"comment":"y"}'))],
    ['a comment less', schemaOf(field('a', '{"comment":"x"}')), schemaOf(field('a', '{}'))],
    ['a list that is longer', schemaOf(field('a', '{"x":[1]}')), schemaOf(field('a', '{"x":[1,2]}'))],
    ['a list that is an object', schemaOf(field('a', '{"x":[1]}')), schemaOf(field('a', '{"x":{"0":1}}'))],
    ['an object with another key', schemaOf(field('a', '{"x":{"p":1}}')), schemaOf(field('a', '{"x":{"q":1}}'))],
    ['a number beyond 2^53', schemaOf(field('a', '{"x":0.10000000000000000001}')), schemaOf(field('a', '{"x":0.10000000000000000002}'))],
    ['no object at all', '[1]', '{"0":1}'],
    ['no JSON before', '{', schemaOf(field('a'))],
    ['no JSON after', schemaOf(field('a')), '{'],
  ])('that has %s is another', (_, before, after) => {
    expect(schemas(before, after)).toBe('the schema changed')
  })

  test('that nobody can read did not change as long as it is the same text', () => {
    expect(schemas('{', '{')).toBeUndefined()
  })

  test('says the same with the same lists, objects and long numbers', () => {
    const metadata = '{"x":[1,{"y":0.10000000000000000001}],"z":{"p":null}}'
    expect(schemas(schemaOf(field('a', metadata)), `${schemaOf(field('a', metadata))} `)).toBeUndefined()
  })

  test('is the same where an identity column has counted on, and nothing else moved', () => {
    const at = (mark: number, step = 1): string =>
      schemaOf(field('a', `{"delta.identity.highWaterMark":${mark},"delta.identity.step":${step}}`))
    expect(schemas(at(1), at(9))).toBeUndefined()
    expect(schemas(schemaOf(field('a', '{"delta.identity.step":1}')), at(9))).toBeUndefined()
    expect(schemas(at(1), at(9, 2))).toBe('the schema changed')
  })
})

describe('what a table is', () => {
  test.each<[string, Partial<Metadata>]>([
    ['id', { id: 'other' }],
    ['name', { name: 'n' }],
    ['description', { description: 'd' }],
    ['createdTime', { createdTime: 7 }],
    ['format', { format: { provider: 'orc', options: {} } }],
    ['format', { format: { provider: 'parquet', options: { a: 'b' } } }],
    ['partitionColumns', { partitionColumns: ['a'] }],
    ['unknown', { unknown: Object.assign(Object.create(null), { more: 'x' }) } as Partial<Metadata>],
  ])('does not change under a commit: its %s', (what, more) => {
    expect(metadataObstacle(table(), table({}, more))).toBe(`the table's ${what} changed`)
    expect(metadataObstacle(table({}, more), table({}, more))).toBeUndefined()
  })
})
