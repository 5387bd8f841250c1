// Struct columns put together from their leaves: the values that the codec gives, or nothing at all.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cellJson, columnOf } from '../../src/log/arrow-json.js'
import { fetchStructs } from '../../src/log/leaf-json.js'
import { bytesSource, openLeafFile } from '../../src/parquet/index.js'
import { Duck, writeRows } from '../parquet/files.js'

const duck = new Duck()

interface Both {
  /** By row group; undefined where it was left to the codec. */
  readonly own: (readonly unknown[] | undefined)[]
  readonly codec: unknown[][]
}

async function read(bytes: Uint8Array, name: string): Promise<Both> {
  const file = await openLeafFile(bytesSource(bytes), { name: 'test.parquet' })
  const own: (readonly unknown[] | undefined)[] = []
  const codec: unknown[][] = []
  for (let group = 0; group < file.rowGroups.length; group++) {
    own.push((await fetchStructs(file, group, [name], undefined))?.()?.get(name))
    const values: unknown[] = []
    for await (const batch of (await file.parquet()).read({ columns: [name], rowGroups: [group] })) {
      const data = columnOf(batch, name)
      for (let row = 0; row < batch.numRows; row++) {
        const value = data === undefined ? null : cellJson(data, row)
        if (value !== null) values.push(value)
      }
    }
    codec.push(values)
  }
  return { own, codec }
}

describe('a struct column from its leaves', () => {
  const COLUMNS =
    's struct<t:string,i:int,l:long,b:boolean,u:struct<v:string,w:struct<x:int>>,a:array<string>,n:array<int>,m:map<string,string>,k:map<string,boolean>>, other long'
  const text = fc.string({ unit: 'grapheme', maxLength: 8 })
  const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString'))
  const entries = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> =>
    fc.uniqueArray(fc.tuple(key, value), { maxLength: 3, selector: ([name]) => name }).map((list) => new Map(list))
  const struct = fc.record({
    t: fc.option(text),
    i: fc.option(fc.integer()),
    l: fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    b: fc.option(fc.boolean()),
    u: fc.option(fc.record({ v: fc.option(text), w: fc.option(fc.record({ x: fc.option(fc.integer()) })) })),
    a: fc.option(fc.array(fc.option(text), { maxLength: 3 })),
    n: fc.option(fc.array(fc.option(fc.integer()), { maxLength: 3 })),
    m: fc.option(entries(fc.option(text))),
    k: fc.option(entries(fc.option(fc.boolean()))),
  })
  const row = fc.record({ s: fc.option(struct, { freq: 2 }), other: fc.constant(1n) })

  test('is what the codec gives, whatever is null or empty in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), fc.constantFrom(7, 1000), async (rows, rowGroupRows) => {
        const { own, codec } = await read(await writeRows(COLUMNS, rows, { rowGroupRows }), 's')
        expect(own).toEqual(codec)
        // That the two agree on nothing would be no wonder.
        expect(codec.flat().length).toBe(rows.filter(({ s }) => s !== null).length)
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  test('is what the codec gives of other writers, in other encodings', async () => {
    const query = `select case when i % 3 = 0 then {'t': 'text ' || (i % 5), 'i': i::int, 'l': i::bigint * 10000000000, 'b': i % 2 = 0,
        'a': case when i % 4 = 0 then null else ['x', null, 'y' || i] end, 'm': map(['k', 'n' || i], ['v', null])} end as s from range(500) r(i)`
    for (const options of ['codec snappy', 'codec uncompressed, row_group_size 2048', 'codec snappy, dictionary_size_limit 1']) {
      const { own, codec } = await read(await duck.copy(query, options), 's')
      expect(own).toEqual(codec)
      expect(codec.flat().length).toBe(167)
    }
  })

  test('is left to the codec where it holds something else', async () => {
    for (const value of [
      `{'d': 1.5::double}`,
      `{'x': 1::tinyint}`,
      `{'l': [[1]]}`,
      `{'l': [{'a': 1}]}`,
      `{'t': timestamp '2026-01-31'}`,
      `{'y': 'a'::blob}`,
    ]) {
      const { own } = await read(await duck.copy(`select ${value} as s`, 'codec snappy'), 's')
      expect(own).toEqual([undefined])
    }
    const { own } = await read(await duck.copy(`select {'a': 1} as s`, 'codec gzip'), 's')
    expect(own).toEqual([undefined])
    expect((await read(await duck.copy(`select 1 as s`, 'codec snappy'), 's')).own).toEqual([undefined])
  })
})
