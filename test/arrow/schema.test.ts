// Schemas with which batches are made in linear time mean what those of apache-arrow mean.
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Table, tableFromIPC, tableToIPC, Utf8 } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { asLinear, placesOf, schemaOf } from '../../src/arrow/index.js'

const field = (name: string, nullable = false, tag?: string): Field =>
  new Field(name, new Int32(), nullable, tag === undefined ? undefined : new Map([['tag', tag]]))
const shown = (schema: Schema): unknown =>
  schema.fields.map(({ name, type, nullable, metadata }) => [name, String(type), nullable, [...metadata]])

describe('a linear schema', () => {
  test.each<[string, readonly unknown[]]>([
    ['its own fields', [[field('a'), field('b', false, 'x')]]],
    ['fields made nullable', [[field('a', true), field('b', true)]]],
    ['fields with metadata', [[field('a', false, 'new'), field('b', false, 'new')]]],
    ['other fields', [[field('b', true), field('c')]]],
    ['a schema', [new Schema([field('b'), field('a')], new Map([['k', 'v']]))]],
    ['fields one by one', [field('a', true), field('b')]],
  ])('merges %s as a plain one does', (_, args) => {
    const fields = [field('a'), field('b', false, 'x')]
    const plain = new Schema(fields, new Map([['own', '1']]))
    const apply = (schema: Schema): Schema => Reflect.apply(schema.assign, schema, [...args]) as Schema
    const linear = apply(schemaOf(fields, new Map([['own', '1']])))
    expect(shown(linear)).toEqual(shown(apply(plain)))
    expect([...linear.metadata]).toEqual([...apply(plain).metadata])
  })

  test('keeps two columns of one name apart', () => {
    const fields = [new Field('a', new Int32()), new Field('a', new Utf8())]
    const schema = schemaOf(fields)
    expect(shown(Reflect.apply(schema.assign, schema, [[...fields]]) as Schema)).toEqual(shown(schema))
  })

  test('is written and read as any other', () => {
    const schema = schemaOf([field('a', true)])
    const children = [makeData({ type: new Int32(), data: Int32Array.of(1, 2) })]
    const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 2, children }))
    expect(batch.schema).toBeInstanceOf(Schema)
    const read = tableFromIPC(tableToIPC(new Table([batch])))
    expect(read.toArray().map((row) => row?.a as number)).toEqual([1, 2])
    expect(shown(asLinear(read.schema))).toEqual(shown(schema))
  })
})

test('the place of a name is that of its first column', () => {
  expect([...placesOf([{ name: 'a' }, { name: 'b' }, { name: 'a' }, { name: '__proto__' }])]).toEqual([
    ['a', 0],
    ['b', 1],
    ['__proto__', 3],
  ])
})
