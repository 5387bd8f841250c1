// Schemas written in TypeScript: what they are at run time, and the row types that the compiler takes from them.
// The type tests fail in `npm run typecheck`, not here.
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  array,
  binary,
  boolean,
  byte,
  date,
  decimal,
  double,
  float,
  formatColumns,
  formatSchema,
  type InferRow,
  type InputOf,
  integer,
  long,
  map,
  parseSchema,
  type RowOf,
  schema,
  short,
  string,
  struct,
  type TableSchema,
  timestamp,
  timestampNtz,
  untypedSchema,
} from '../../src/schema/index.js'

const events = schema({
  id: long().notNull(),
  player: string(),
  tags: array(string().notNull()),
  at: timestamp().notNull(),
  place: struct({ x: double().notNull(), y: double() }),
  scores: map(string(), integer()),
})

describe('a schema', () => {
  it('has the columns in the order written, nullable unless said otherwise', () => {
    expect(formatColumns(events.struct)).toBe(
      'id long not null, player string, tags array<string not null>, at timestamp not null, place struct<x: double not null, y: double>, scores map<string, integer>',
    )
  })

  it('has every type', () => {
    const all = schema({
      a: long(),
      b: integer(),
      c: short(),
      d: byte(),
      e: float(),
      f: double(),
      g: string(),
      h: boolean(),
      i: binary(),
      j: date(),
      k: timestamp(),
      l: timestampNtz(),
      m: decimal(10, 2),
    })
    expect(formatColumns(all.struct)).toBe(
      'a long, b integer, c short, d byte, e float, f double, g string, h boolean, i binary, j date, k timestamp, l timestamp_ntz, m decimal(10,2)',
    )
    expect(parseSchema(formatSchema(all.struct))).toEqual(all.struct)
  })

  it('keeps comments through notNull, and leaves the column it came from alone', () => {
    const plain = long()
    const commented = plain.comment('the id').notNull()
    expect(schema({ plain, commented }).struct.fields.map((field) => [field.nullable, field.metadata.comment])).toEqual([
      [true, undefined],
      [false, 'the id'],
    ])
  })

  it('takes __proto__ as a name when it is written as one, and refuses a changed prototype', () => {
    expect(schema({ ['__proto__']: long() }).struct.fields[0]?.name).toBe('__proto__')
    expect(() => schema({ a: long(), __proto__: long() } as never)).toThrow(/\['__proto__'\]/)
  })

  it('refuses what is no column, and decimals that cannot be', () => {
    expect(() => schema({ a: 'long' as never })).toThrow(TypeError)
    expect(() => decimal(39, 0)).toThrow(RangeError)
    expect(() => decimal(5, 6)).toThrow(RangeError)
    expect(() => decimal(5, -1)).toThrow(RangeError)
  })
})

describe('row types', () => {
  it('of reading: the value or null, every key present', () => {
    expectTypeOf<RowOf<typeof events>>().toEqualTypeOf<{
      id: bigint
      player: string | null
      tags: string[] | null
      at: Date
      place: { x: number; y: number | null } | null
      scores: Map<string, number | null> | null
    }>()
    expectTypeOf<InferRow<typeof events>>().toEqualTypeOf<RowOf<typeof events>>()
  })

  it('of every scalar', () => {
    const all = schema({
      a: long().notNull(),
      b: integer().notNull(),
      f: double().notNull(),
      h: boolean().notNull(),
      i: binary().notNull(),
      j: date().notNull(),
      l: timestampNtz().notNull(),
      m: decimal(10, 2).notNull(),
      n: array(array(long())).notNull(),
    })
    expectTypeOf<RowOf<typeof all>>().toEqualTypeOf<{
      a: bigint
      b: number
      f: number
      h: boolean
      i: Uint8Array
      j: string
      l: string
      m: string
      n: ((bigint | null)[] | null)[]
    }>()
  })

  it('of writing: nullable keys may be missing, and the wider forms of a value are taken', () => {
    type Input = InputOf<typeof events>
    expectTypeOf<{ id: bigint; at: Date }>().toExtend<Input>()
    expectTypeOf<{ id: number; at: string }>().toExtend<Input>()
    expectTypeOf<{ id: 1; at: bigint; player: null; scores: { a: 1; b: null } }>().toExtend<Input>()
    expectTypeOf<{ id: 1; at: Date; scores: [string, number][]; tags: readonly string[] }>().toExtend<Input>()
    expectTypeOf<RowOf<typeof events>>().toExtend<Input>()
    expectTypeOf<{ at: Date }>().not.toExtend<Input>()
    expectTypeOf<{ id: null; at: Date }>().not.toExtend<Input>()
    expectTypeOf<{ id: string; at: Date }>().not.toExtend<Input>()
    expectTypeOf<{ id: 1; at: Date; tags: (string | null)[] }>().not.toExtend<Input>()
    expectTypeOf<{ id: 1; at: Date; place: { y: 1 } }>().not.toExtend<Input>()
  })

  it('pass through functions that only know the row type', () => {
    const rowOf = <Row>(given: TableSchema<Row>): Row => given['~row'] as Row
    expectTypeOf(rowOf(events)).toEqualTypeOf<RowOf<typeof events>>()
    const inputOf = <Row, Input>(_given: TableSchema<Row, Input>): Input => undefined as Input
    expectTypeOf(inputOf(events)).toEqualTypeOf<InputOf<typeof events>>()
    const narrow: TableSchema<RowOf<typeof events>> = events
    expect(narrow.struct).toBe(events.struct)
  })

  it('of a schema known at run time only are unknown values', () => {
    expectTypeOf<RowOf<ReturnType<typeof untypedSchema>>>().toEqualTypeOf<Record<string, unknown>>()
    expect(untypedSchema(events.struct).struct).toBe(events.struct)
  })
})
