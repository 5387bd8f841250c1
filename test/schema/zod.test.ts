// zod objects as schemas, at run time and for the compiler.
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { formatColumns, type InputOf, type RowOf, schemaFromZod } from '../../src/schema/index.js'

const columns = (object: z.ZodObject): string => formatColumns(schemaFromZod(object).struct)
const fails = (message: RegExp) => expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) })

describe('schemaFromZod', () => {
  it('maps the scalars', () => {
    expect(
      columns(
        z.object({
          a: z.string(),
          b: z.number(),
          c: z.int32(),
          d: z.bigint(),
          e: z.boolean(),
          f: z.date(),
          g: z.enum(['x', 'y']),
          h: z.literal('x'),
          i: z.float32(),
          j: z.int64(),
          k: z.iso.date(),
          l: z.iso.datetime(),
          m: z.uuid(),
          n: z.number().int().min(0).max(100),
          o: z.float64(),
          p: z.templateLiteral(['a', z.string()]),
        }),
      ),
    ).toBe(
      'a string not null, b double not null, c integer not null, d long not null, e boolean not null, f timestamp not null, g string not null, h string not null, ' +
        'i float not null, j long not null, k date not null, l string not null, m string not null, n integer not null, o double not null, p string not null',
    )
  })

  it('makes optional and nullable members nullable', () => {
    expect(
      columns(
        z.object({
          a: z.string().optional(),
          b: z.string().nullable(),
          c: z.string().nullish(),
          d: z.literal(['x', null]),
          e: z.string().readonly(),
        }),
      ),
    ).toBe('a string, b string, c string, d string, e string not null')
  })

  it('maps arrays, records, maps and objects', () => {
    expect(
      columns(
        z.object({
          a: z.array(z.string().nullable()),
          b: z.record(z.string(), z.number()),
          c: z.map(z.bigint(), z.date().nullable()),
          d: z.object({ x: z.number().optional(), y: z.array(z.object({ z: z.int32() })) }),
        }),
      ),
    ).toBe(
      'a array<string> not null, b map<string, double not null> not null, c map<long, timestamp> not null, ' +
        'd struct<x: double, y: array<struct<z: integer not null> not null> not null> not null',
    )
  })

  it('takes other Delta types by name, where the value in JavaScript is the same', () => {
    expect(
      columns(
        z.object({
          price: z.string().meta({ delta: 'decimal(10,2)' }),
          count: z.int().meta({ delta: 'short' }),
          bytes: z.instanceof(Uint8Array).meta({ delta: 'binary' }),
          local: z.string().meta({ delta: 'timestamp_ntz' }).nullable(),
        }),
      ),
    ).toBe('price decimal(10,2) not null, count short not null, bytes binary not null, local timestamp_ntz')
    expect(() => columns(z.object({ a: z.number().meta({ delta: 'long' }) }))).toThrow(fails(/a: number and long have different values/))
    expect(() => columns(z.object({ a: z.string().meta({ delta: 'nosuch' }) }))).toThrow(fails(/'nosuch' is no type/))
  })

  it('names every place without a Delta type, together', () => {
    const object = z.object({
      a: z.union([z.string(), z.number()]),
      b: z.object({ c: z.array(z.any()) }),
      d: z.string().transform((text) => text.length),
      e: z.string().default('x'),
      f: z.coerce.number(),
      g: z.tuple([z.string()]),
      h: z.literal(['x', 1]),
      i: z.record(z.enum(['k']), z.string()),
      j: z.instanceof(Uint8Array),
      k: z.lazy(() => z.string()),
      l: z.uint64(),
      m: z.undefined(),
    })
    expect(() => schemaFromZod(object)).toThrow(
      fails(
        /^this zod object.*a: .*union.*b\.c\.element: .*any.*d: .*pipe.*e: .*default.*f: .*coerce.*g: .*tuple.*h: .*several kinds.*i: .*z\.string\(\).*j: .*meta.*k: .*lazy.*l: .*unsigned.*m: .*undefined/,
      ),
    )
  })

  it('refuses an integer of unknown size with the three ways out, because a long is read as bigint', () => {
    for (const type of [z.int(), z.number().int(), z.uint32(), z.int().min(0)]) {
      expect(() => columns(z.object({ n: type }))).toThrow(fails(/n: .*z\.int32\(\), z\.bigint\(\) .*z\.number\(\)/))
    }
  })

  it('refuses objects that take members without a column', () => {
    expect(() => columns(z.looseObject({ a: z.string() }))).toThrow(fails(/the object: members beyond/))
    expect(() => columns(z.object({ a: z.string() }).catchall(z.string()))).toThrow(fails(/members beyond/))
    expect(columns(z.strictObject({ a: z.string() }))).toBe('a string not null')
  })

  it('refuses a type that holds itself', () => {
    const node = z.object({
      get next() {
        return z.array(node)
      },
    })
    expect(() => schemaFromZod(node)).toThrow(fails(/next\.element: a type that holds itself/))
  })

  it('takes zod/mini', () => {
    const object = mini.object({
      a: mini.string(),
      n: mini.number().check(mini.int(), mini.gte(0), mini.lte(9)),
      b: mini.nullable(mini.bigint()),
    })
    expect(formatColumns(schemaFromZod(object).struct)).toBe('a string not null, n integer not null, b long')
  })
})

describe('row types', () => {
  const events = schemaFromZod(
    z.object({
      id: z.bigint(),
      player: z.string().nullable(),
      at: z.date().optional(),
      tags: z.array(z.string()),
      counts: z.record(z.string(), z.number().nullable()),
      place: z.object({ x: z.number(), y: z.number().nullish() }).optional(),
    }),
  )

  it('of reading have null for what is missing, and a Map for a record', () => {
    expectTypeOf<RowOf<typeof events>>().toEqualTypeOf<{
      id: bigint
      player: string | null
      at: Date | null
      tags: string[]
      counts: Map<string, number | null>
      place: { x: number; y: number | null } | null
    }>()
  })

  it('of writing are those of zod', () => {
    expectTypeOf<InputOf<typeof events>>().toEqualTypeOf<{
      id: bigint
      player: string | null
      at?: Date | undefined
      tags: string[]
      counts: Record<string, number | null>
      place?: { x: number; y?: number | null | undefined } | undefined
    }>()
  })
})
