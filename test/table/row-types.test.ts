// The types of rows, held by the compiler: `npm run typecheck` fails when one of these promises breaks.
import {
  array,
  col,
  createStreamWriter,
  createTable,
  date,
  decimal,
  long,
  memoryStorage,
  openTable,
  schema,
  schemaFromZod,
  string,
  struct,
  timestamp,
} from 'alluvium'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const events = schema({
  id: long().notNull(),
  player: string(),
  at: timestamp(),
  price: decimal(10, 2),
  day: date(),
  tags: array(string().notNull()),
  place: struct({ city: string().notNull() }),
})

test('a table made from a schema reads and takes rows of its types', async () => {
  const table = await createTable(memoryStorage(), { schema: events })
  const [row] = await table.scan().toArray()
  expectTypeOf(row!).toEqualTypeOf<{
    id: bigint
    player: string | null
    at: Date | null
    price: string | null
    day: string | null
    tags: string[] | null
    place: { city: string } | null
  }>()
  // A long takes a safe integer, nullable columns may be missing.
  await table.append([{ id: 1 }, { id: 2n, at: 5n, price: 3, day: new Date(0), tags: ['a'], place: { city: 'x' } }])
  expect(await table.scan().count()).toBe(2)
  // @ts-expect-error id is NOT NULL
  await expect(table.append([{ player: 'kim' }])).rejects.toMatchObject({ code: 'INVALID_ROW' })
  // @ts-expect-error player is text
  await expect(table.append([{ id: 1, player: 5 }])).rejects.toMatchObject({ code: 'INVALID_ROW' })
})

test('a stream writer takes the rows of its table', async () => {
  const table = await createTable(memoryStorage(), { schema: events })
  const writer = await createStreamWriter(table, { appId: 'x' })
  await writer.write([{ id: 1 }], { source: 's', partition: 0, firstOffset: 0, lastOffset: 0 })
  // @ts-expect-error id is NOT NULL
  await expect(writer.write([{}], { source: 's', partition: 0, firstOffset: 1, lastOffset: 1 })).rejects.toMatchObject({
    code: 'INVALID_ROW',
  })
  await writer.close()
})

test('a zod object stands in for a schema', async () => {
  const table = await createTable(memoryStorage(), {
    schema: schemaFromZod(z.object({ id: z.bigint(), name: z.string().nullable(), kind: z.enum(['a', 'b']) })),
  })
  await table.append([{ id: 1n, name: null, kind: 'a' }])
  const [row] = await table.scan().toArray()
  expectTypeOf(row!.id).toEqualTypeOf<bigint>()
  expectTypeOf(row!.name).toEqualTypeOf<string | null>()
  expect(row).toEqual({ id: 1n, name: null, kind: 'a' })
  // @ts-expect-error name may be null, but must be given
  await table.append([{ id: 2n, kind: 'b' }])
})

test('a table opened with a schema is typed, one opened without is unknown values', async () => {
  const store = memoryStorage()
  await (await createTable(store, { schema: events })).append([{ id: 1 }])
  const typed = await openTable(store, { schema: events })
  const untyped = await openTable(store)
  expectTypeOf((await typed.scan().toArray())[0]!.id).toEqualTypeOf<bigint>()
  expectTypeOf((await untyped.scan().toArray())[0]!).toEqualTypeOf<Record<string, unknown>>()
  await expect(openTable(store, { schema: schema({ id: string() }) })).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
})

test('filters are built from columns', () => {
  expect(() => col('score').gt(null as never)).toThrow(TypeError)
})
