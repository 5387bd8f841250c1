// Reading files of others (DuckDB here): all of them, some columns, some row groups, in batches of any size, and only
// the bytes that are needed.
import { describe, expect, test } from 'vitest'
import { type ByteSource, bytesSource, openParquet } from '../../src/parquet/index.js'
import { Duck, readRows, writeRows } from './files.js'

const duck = new Duck()

const EVERYTHING = `select i::bigint id, (i % 100)::tinyint b, i::smallint s, i::integer n, (i / 4)::float f, (i / 8)::double d,
  case when i % 3 = 0 then null else 'é' || i end t, i % 2 = 0 flag, ('\\x0' || (i % 10))::blob bin, date '1970-01-01' + i::integer dt,
  make_timestamptz(i * 1000001) ts, make_timestamp(i * 1000001) ntz, (i / 100)::decimal(5,2) d5, (i / 10000)::decimal(18,4) d18,
  (i / 100)::decimal(38,2) d38, case when i % 5 = 0 then null else [i, null, i + 1] end l, map {'k' || i: i} m,
  {'a': i, 'b': {'c': case when i % 7 = 0 then null else 'x' || i end}} st
  from range(3000) r(i)`

/** Remembers which ranges were asked for. */
function recording(bytes: Uint8Array): ByteSource & { ranges: [number, number][] } {
  const ranges: [number, number][] = []
  const inner = bytesSource(bytes)
  return {
    sizeBytes: bytes.length,
    ranges,
    read: (offset, length) => {
      ranges.push([offset, length])
      return inner.read(offset, length)
    },
  }
}

describe('reading', () => {
  test.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw', 'brotli'])('every type of a %s file comes as it is', async (codec) => {
    const bytes = await duck.copy(EVERYTHING, `codec ${codec}, row_group_size 1000`)
    const rows = await readRows(bytes)
    expect(rows).toHaveLength(3000)
    expect(rows[2004]).toEqual({
      id: 2004,
      b: 4,
      s: 2004,
      n: 2004,
      f: 501,
      d: 250.5,
      t: null,
      flag: true,
      bin: 'BA==',
      dt: '1975-06-28',
      ts: '1970-01-01T00:33:24.002004Z',
      ntz: '1970-01-01T00:33:24.002004',
      d5: '20.04',
      d18: '0.2004',
      d38: '20.04',
      l: [2004, null, 2005],
      m: [['k2004', 2004]],
      st: { a: 2004, b: { c: 'x2004' } },
    })
    expect(rows[2005]).toMatchObject({ t: 'é2005', l: null, flag: false })
    expect(rows[2002]).toMatchObject({ st: { a: 2002, b: { c: null } } })
    expect(rows.map((row) => row.id)).toEqual(Array.from({ length: 3000 }, (_, i) => i))
  })

  test('only the chunks of the wanted columns are fetched', async () => {
    const bytes = await duck.copy(
      `select i a, hash(i)::varchar || repeat('x', 200) wide, i * 2 c from range(100000) r(i)`,
      'codec uncompressed',
    )
    const source = recording(bytes)
    const file = await openParquet(source, { name: 'f' })
    let sum = 0
    for await (const batch of file.read({ columns: ['c', 'a'] })) {
      expect(batch.schema.fields.map((field) => field.name)).toEqual(['a', 'c'])
      sum += batch.numRows
    }
    expect(sum).toBe(100_000)
    const fetched = source.ranges.reduce((total, [, length]) => total + length, 0)
    expect(bytes.length).toBeGreaterThan(20_000_000)
    expect(fetched).toBeLessThan(4_000_000)
  })

  test('a small file takes one read in all', async () => {
    const source = recording(await duck.copy('select i from range(100) r(i)'))
    const file = await openParquet(source, { name: 'f' })
    for await (const batch of file.read()) expect(batch.numRows).toBe(100)
    expect(source.ranges).toHaveLength(1)
  })

  test('a path takes one member of a struct, and a path into a list or map the whole of it', async () => {
    const bytes = await duck.copy(`select {'p': i, 'q': {'r': 'x' || i, 's': i * 2}} st, [{'u': i, 'v': i}] l from range(3) r(i)`)
    expect(await readRows(bytes, { columns: [['st', 'q', 's']] })).toEqual([0, 2, 4].map((s) => ({ st: { q: { s } } })))
    expect(await readRows(bytes, { columns: [['st', 'q']] })).toEqual([0, 1, 2].map((i) => ({ st: { q: { r: `x${i}`, s: i * 2 } } })))
    expect(await readRows(bytes, { columns: [['l', 'element', 'u']] })).toEqual([0, 1, 2].map((i) => ({ l: [{ u: i, v: i }] })))
  })

  test('names that the file lacks select nothing, and rows without columns still count', async () => {
    const bytes = await duck.copy('select i from range(2500) r(i)', 'row_group_size 2048')
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    const counts: number[] = []
    for await (const batch of file.read({ columns: ['absent'], batchRows: 1000 })) {
      expect(batch.numCols).toBe(0)
      counts.push(batch.numRows)
    }
    expect(counts).toEqual([1000, 1000, 48, 452])
  })

  test('row groups come in the order asked for', async () => {
    const bytes = await writeRows(
      'i long',
      Array.from({ length: 10 }, (_, i) => ({ i })),
      { rowGroupRows: 3 },
    )
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    expect(file.rowGroups.map((group) => [group.firstRow, group.numRows])).toEqual([
      [0, 3],
      [3, 3],
      [6, 3],
      [9, 1],
    ])
    expect((await readRows(bytes, { rowGroups: [3, 1] })).map((row) => row.i)).toEqual([9, 3, 4, 5])
    await expect(readRows(bytes, { rowGroups: [4] })).rejects.toThrow(RangeError)
  })

  test('batches have at most the rows asked for and lose none', async () => {
    const bytes = await duck.copy('select i, [i, i] l from range(5000) r(i)', 'row_group_size 4096')
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    const sizes: number[] = []
    for await (const batch of file.read({ batchRows: 1500 })) sizes.push(batch.numRows)
    expect(sizes).toEqual([1500, 1500, 1096, 904])
    expect((await readRows(bytes, { batchRows: 7 })).map((row) => row.i)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
    await expect(readRows(bytes, { batchRows: 0 })).rejects.toThrow(RangeError)
  })

  test('chunk facts carry the raw bounds and null counts of the file', async () => {
    const bytes = await duck.copy(`select case when i = 5 then null else i::integer end n from range(10) r(i)`)
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    const chunk = file.rowGroups[0]!.columns[0]!
    expect(chunk.path).toEqual(['n'])
    expect([...chunk.minValue!]).toEqual([0, 0, 0, 0])
    expect([...chunk.maxValue!]).toEqual([9, 0, 0, 0])
    expect(chunk.nullCount).toBe(1)
  })

  test('a column named __proto__ is a column', async () => {
    const bytes = await duck.copy(`select 1 as "__proto__", 2 as "constructor"`)
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    expect(file.arrowSchema.fields.map((field) => field.name)).toEqual(['__proto__', 'constructor'])
    for await (const batch of file.read({ columns: ['__proto__'] })) expect(batch.data.children[0]!.values[0]).toBe(1)
  })

  test('a column whose name has dots is not a path', async () => {
    const bytes = await duck.copy(`select 1 as "a.b", {'b': 2} as a`)
    expect(await readRows(bytes, { columns: ['a.b'] })).toEqual([{ 'a.b': 1 }])
    expect(await readRows(bytes, { columns: [['a', 'b']] })).toEqual([{ a: { b: 2 } }])
  })

  test('a row group that would unpack to much is read in pieces, and the pieces fit together', async () => {
    // 20,000 texts of 16 kB are 320 MB; ten of them in a dictionary make the file small.
    const bytes = await duck.copy(
      `select i, repeat('x', 16000) || (i % 10) big, case when i % 3 = 0 then [] else [i, null, i] end l, {'a': i, 'b': 'y' || i} st from range(20000) r(i)`,
      'codec zstd, row_group_size 20480',
    )
    expect(bytes.length).toBeLessThan(1_000_000)
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    expect(file.rowGroups).toHaveLength(1)
    let seen = 0
    for await (const batch of file.read({ batchRows: 100_000 })) {
      const rows = batch.toArray() as unknown as { i: bigint; big: string; l: { length: number }; st: { a: bigint; b: string } }[]
      for (const at of [0, batch.numRows - 1]) {
        const row = rows[at]!
        const i = seen + at
        expect([Number(row.i), row.big.slice(-2), row.l.length, Number(row.st.a), row.st.b]).toEqual([
          i,
          `x${i % 10}`,
          i % 3 === 0 ? 0 : 3,
          i,
          `y${i}`,
        ])
      }
      expect(batch.numRows).toBeLessThan(20_000)
      seen += batch.numRows
    }
    expect(seen).toBe(20_000)
  })

  test('a file without rows, and one without row groups, are read as nothing', async () => {
    const empty = await duck.copy('select i from range(0) r(i)')
    expect(await readRows(empty)).toEqual([])
    const none = await writeRows('i long, s string', [])
    const file = await openParquet(bytesSource(none), { name: 'f' })
    expect([file.numRows, file.rowGroups.length, file.arrowSchema.fields.length]).toEqual([0, 0, 2])
    expect(await readRows(none)).toEqual([])
  })

  test('an aborted signal stops the read with ABORTED', async () => {
    const bytes = await writeRows(
      'i long',
      Array.from({ length: 100 }, (_, i) => ({ i })),
      { rowGroupRows: 10 },
    )
    const controller = new AbortController()
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    let batches = 0
    const reading = (async () => {
      for await (const batch of file.read({ signal: controller.signal })) {
        batches += batch.numRows > 0 ? 1 : 0
        controller.abort()
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' })
    expect(batches).toBe(1)
    await expect(openParquet(bytesSource(bytes), { name: 'f', signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('errors of the source reach the reader as they are, and nobody else', async () => {
    const bytes = await writeRows(
      's string',
      Array.from({ length: 5000 }, (_, i) => ({ s: `${i}`.repeat(20) })),
      { rowGroupRows: 1000, codec: 'uncompressed' },
    )
    let reads = 0
    const failing: ByteSource = {
      sizeBytes: bytes.length,
      read: async (offset, length) => {
        if (++reads > 2) throw new Error('the disk is gone')
        return bytes.subarray(offset, offset + length)
      },
    }
    const file = await openParquet(failing, { name: 'f' })
    await expect(
      (async () => {
        for await (const _ of file.read());
      })(),
    ).rejects.toThrow('the disk is gone')
    // A consumer that stops early leaves a read ahead behind; its failure must not surface anywhere.
    reads = 0
    for await (const _ of file.read()) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  })

  test('a source that ends early is CORRUPT_DATA, not fewer rows', async () => {
    const bytes = await duck.copy(`select hash(i)::varchar s from range(20000) r(i)`)
    const short: ByteSource = {
      sizeBytes: bytes.length,
      read: async (offset, length) => bytes.subarray(offset, offset + length - (offset < 1000 ? 1 : 0)),
    }
    const file = await openParquet(short, { name: 'cut.parquet' })
    await expect(
      (async () => {
        for await (const _ of file.read());
      })(),
    ).rejects.toMatchObject({ code: 'CORRUPT_DATA', facts: { path: 'cut.parquet' } })
  })
})
