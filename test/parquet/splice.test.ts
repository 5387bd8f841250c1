// Splicing whole files: the rows and their order, the statistics, and everything that lies beside the rows, as other engines and
// the files themselves say.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callCodec, initParquet } from '../../src/parquet/engine.js'
import { parseFooter } from '../../src/parquet/footer.js'
import { type ByteSource, bytesSource, openForSplice, openParquet, spliceFiles, spliceObstacle } from '../../src/parquet/index.js'
import { pageHeader } from '../../src/parquet/pages.js'
import { placesOf } from '../../src/parquet/splice-open.js'
import { ThriftReader } from '../../src/parquet/thrift.js'
import { fieldsAt, int32At, int64At, rangesOf } from '../../src/parquet/thrift-values.js'
import { Duck, MemorySink, readRows, writeRows } from './files.js'

const duck = new Duck()

async function splice(files: readonly Uint8Array[]): Promise<Uint8Array> {
  const opened = await Promise.all(files.map((file, i) => openForSplice({ name: `${i}.parquet`, source: bytesSource(file) })))
  expect(spliceObstacle(opened)).toBeUndefined()
  const sink = new MemorySink()
  const spliced = await spliceFiles(opened, sink)
  const bytes = sink.bytes()
  expect(spliced.sizeBytes).toBe(bytes.length)
  expect(spliced.numRows).toBe(opened.reduce((sum, { numRows }) => sum + numRows, 0))
  return bytes
}

function footerOf(file: Uint8Array): ReturnType<typeof parseFooter> {
  const length = new DataView(file.buffer, file.byteOffset, file.length).getUint32(file.length - 8, true)
  return parseFooter(file.subarray(file.length - 8 - length, file.length - 8), 'test')
}

const COLUMNS = `id long not null, n integer, t short, b byte, f float, d double, s string, bin binary, yes boolean, day date, at timestamp,
  local timestamp_ntz, small decimal(7,2), middle decimal(18,4), large decimal(38,10), list array<string>, m map<string,long>, st struct<x:integer,y:array<struct<z:string>>>`

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 4 })
const row = fc.record({
  id: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  n: maybe(fc.integer()),
  t: maybe(fc.integer({ min: -32768, max: 32767 })),
  b: maybe(fc.integer({ min: -128, max: 127 })),
  f: maybe(fc.float({ noNaN: true })),
  d: maybe(fc.double({ noNaN: true })),
  s: maybe(fc.string({ unit: 'grapheme' })),
  bin: maybe(fc.uint8Array({ maxLength: 9 })),
  yes: maybe(fc.boolean()),
  day: maybe(fc.constantFrom('1969-12-31', '2024-02-29', '9999-12-31')),
  at: maybe(fc.bigInt(-(10n ** 15n), 10n ** 15n)),
  local: maybe(fc.constantFrom('2024-01-01T00:00:00.000001', '1900-05-06T07:08:09')),
  small: maybe(fc.constantFrom('1.25', '-99999.99')),
  middle: maybe(fc.constantFrom('12345678901234.5678', '-0.0001')),
  large: maybe(fc.constantFrom('1234567890123456789012345678.0123456789', '-1.5')),
  list: maybe(fc.array(maybe(fc.string({ maxLength: 4 })), { maxLength: 4 })),
  m: maybe(fc.array(fc.tuple(fc.constantFrom('k1', 'k2'), maybe(fc.bigInt(0n, 9n))), { maxLength: 1 })),
  st: maybe(
    fc.record({ x: maybe(fc.integer()), y: maybe(fc.array(fc.record({ z: maybe(fc.string({ maxLength: 3 })) }), { maxLength: 2 })) }),
  ),
})

describe('rows', () => {
  test('of all types come back from any files in their order, with their statistics', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 12 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('snappy', 'zstd', 'uncompressed', 'gzip', 'lz4_raw'),
        fc.integer({ min: 1, max: 8 }),
        async (files, codec, rowGroupRows) => {
          const written = await Promise.all(files.map((rows) => writeRows(COLUMNS, rows, { codec: codec as 'snappy', rowGroupRows })))
          const spliced = await splice(written)
          expect(await readRows(spliced)).toEqual((await Promise.all(written.map((file) => readRows(file)))).flat())
          const before = written.flatMap((file) => footerOf(file).rowGroups).filter(({ numRows }) => numRows > 0)
          const after = footerOf(spliced).rowGroups
          expect(after.map(({ numRows }) => numRows)).toEqual(before.map(({ numRows }) => numRows))
          const facts = (groups: typeof after): unknown[] =>
            groups.map(({ columns }) =>
              columns.map(({ minValue, maxValue, nullCount, encodings }) => ({ minValue, maxValue, nullCount, encodings })),
            )
          expect(facts(after)).toEqual(facts(before))
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)

  test('DuckDB finds them in a spliced file, and each of the pages it reads', async () => {
    const files = await Promise.all(
      [0, 1, 2].map((i) => writeRows(COLUMNS, [{ id: BigInt(i), s: `s${i}`, list: ['a', null], st: { x: i, y: [] } }, { id: 9n }])),
    )
    const spliced = await splice(files)
    const found = await duck.query('select id, s, list, st.x as x from read_parquet($file)', spliced)
    expect(found.map(({ id }) => id)).toEqual([0n, 9n, 1n, 9n, 2n, 9n])
    expect(found.map(({ x }) => x)).toEqual([0, null, 1, null, 2, null])
  })

  test('there are none in a file spliced of empty ones, and it is a file still', async () => {
    const spliced = await splice([await writeRows('a long', []), await writeRows('a long', [])])
    expect(await readRows(spliced)).toEqual([])
    expect(await duck.query('select count(*)::integer as n from read_parquet($file)', spliced)).toEqual([{ n: 0 }])
  })

  test('an empty file among others leaves no row group', async () => {
    const spliced = await splice([await writeRows('a long', []), await writeRows('a long', [{ a: 1n }]), await writeRows('a long', [])])
    expect(footerOf(spliced).rowGroups.length).toBe(1)
    expect(await readRows(spliced)).toEqual([{ a: 1 }])
  })

  test('a spliced file can be spliced again', async () => {
    const file = await writeRows('a long', [{ a: 1n }, { a: null }])
    expect(await readRows(await splice([await splice([file, file]), await splice([file])]))).toHaveLength(6)
  })
})

describe('files of DuckDB', () => {
  test.each([
    ['with dictionaries and bloom filters', ''],
    ['with pages of version 2', 'parquet_version v2'],
    ['with zstd', 'compression zstd'],
    ['with several row groups', 'row_group_size 2048'],
  ])('%s are spliced', async (_, options) => {
    const query = (from: number): string =>
      `select i as id, 'text ' || i % 7 as s, case when i % 3 = 0 then null else i / 7.0 end as d, [i, i + 1] as list, {'x': i} as st from range(${from}, ${from + 5000}) t(i)`
    const files = [await duck.copy(query(0), options), await duck.copy(query(5000), options)]
    const spliced = await splice(files)
    const [both] = await duck.query(
      'select count(*)::integer as n, sum(hash(t)::hugeint) as h from (select * from read_parquet($file)) t',
      spliced,
    )
    const parts = await Promise.all(
      files.map((file) =>
        duck.query('select count(*)::integer as n, sum(hash(t)::hugeint) as h from (select * from read_parquet($file)) t', file),
      ),
    )
    expect(both).toEqual({ n: 10_000, h: parts.reduce((sum, [part]) => sum + (part?.h as bigint), 0n) })
  })

  test('keep their bloom filters: a value that is in one row group only is excluded from the other', async () => {
    const files = await Promise.all(['even', 'odd'].map((word) => duck.copy(`select '${word}' || (i % 50) as s from range(10000) t(i)`)))
    const spliced = await splice(files)
    const probe = async (value: string): Promise<unknown[]> =>
      (await duck.query(`select bloom_filter_excludes from parquet_bloom_probe($file, 's', '${value}')`, spliced)).flatMap(Object.values)
    expect(await probe('even7')).toEqual([false, true])
    expect(await probe('odd7')).toEqual([true, false])
  })
})

describe('page indexes', () => {
  test('lead to the pages where they are now, and say of them what they said', async () => {
    const files = await Promise.all([indexed(0), indexed(1000)])
    const spliced = await splice(files)
    const footer = footerOf(spliced)
    const dataEnd = spliced.length - 8 - footer.bytes.length
    const before = files.flatMap((file) => {
      const one = footerOf(file)
      return one.rowGroups.flatMap((_, i) =>
        placesOf(one, i, file.length - 8 - one.bytes.length).map(({ columnIndex }) => ({ file, columnIndex })),
      )
    })
    let at = 0
    for (const [i, group] of footer.rowGroups.entries()) {
      for (const { body, offsetIndex, columnIndex } of placesOf(footer, i, dataEnd)) {
        if (offsetIndex === undefined || columnIndex === undefined) throw new Error('an index was lost')
        const pages = locations(spliced.subarray(offsetIndex.start, offsetIndex.end))
        expect(pages.length).toBeGreaterThan(1)
        let row = 0
        for (const { offset, size, firstRow } of pages) {
          const header = pageHeader(spliced, offset)
          expect(firstRow).toBe(row)
          expect(header.end).toBe(offset + size)
          expect(header.type === 0 || header.type === 3).toBe(true)
          expect(offset >= body.start && header.end <= body.end).toBe(true)
          row += header.numValues
        }
        expect(row).toBe(group.numRows)
        const source = before[at++]
        expect(spliced.subarray(columnIndex.start, columnIndex.end)).toEqual(
          source?.file.subarray(source.columnIndex?.start, source.columnIndex?.end),
        )
      }
    }
    expect(at).toBe(before.length)
  })

  test('are left behind where one of the files has none', async () => {
    const without = await indexed(0, 1)
    const spliced = await splice([await indexed(0), without])
    const footer = footerOf(spliced)
    const places = footer.rowGroups.flatMap((_, i) => placesOf(footer, i, spliced.length))
    expect(places.every(({ columnIndex }) => columnIndex === undefined)).toBe(true)
    expect(await readRows(spliced)).toHaveLength(2000)
  })

  // A file of two columns with statistics of every page; level 1 is without those.
  async function indexed(from: number, level = 2): Promise<Uint8Array> {
    const rows = Array.from({ length: 1000 }, (_, i) => ({ a: BigInt(from + i), s: `s${i}` }))
    const plain = await writeRows('a long, s string', rows)
    await initParquet()
    return callCodec((codec) =>
      codec.writeParquet(
        codec.readParquet(plain),
        new codec.WriterPropertiesBuilder()
          .setStatisticsEnabled(level)
          .setCreatedBy('alluvium version 1.0.0')
          .setDictionaryEnabled(false)
          .setDataPageSizeLimit(512)
          .setWriteBatchSize(50)
          .build(),
      ),
    ).slice()
  }

  function locations(bytes: Uint8Array): { offset: number; size: number; firstRow: number }[] {
    const [list] = new ThriftReader(bytes).fields()
    return rangesOf(bytes, list!).map(({ start, end }) => {
      const fields = fieldsAt(bytes, start, end)
      return { offset: int64At(bytes, fields.get(1))!, size: int32At(bytes, fields.get(2))!, firstRow: int64At(bytes, fields.get(3))! }
    })
  }
})

describe('the copying', () => {
  // A source that says how much of it is being read.
  function watched(bytes: Uint8Array, watch: { inFlight: number; most: number; requests: number }): ByteSource {
    return {
      sizeBytes: bytes.length,
      read: async (offset, length) => {
        watch.requests++
        watch.inFlight += length
        watch.most = Math.max(watch.most, watch.inFlight)
        await new Promise((resolve) => setTimeout(resolve, 1))
        watch.inFlight -= length
        return bytes.slice(offset, offset + length)
      },
    }
  }

  test('asks once for the body of a small file, and for several files at once', async () => {
    const file = await writeRows('a long, s string', [{ a: 1n, s: 'x' }])
    const watch = { inFlight: 0, most: 0, requests: 0 }
    const opened = await Promise.all(Array.from({ length: 40 }, (_, i) => openForSplice({ name: `${i}`, source: watched(file, watch) })))
    watch.requests = watch.most = 0
    await spliceFiles(opened, new MemorySink())
    expect(watch.requests).toBe(40)
    expect(watch.most).toBeGreaterThan(file.length)
  })

  test('never holds more than some pieces of large files', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ s: `${i}`.padStart(4000, 'x') }))
    const file = await writeRows('s string', rows, { codec: 'uncompressed', dictionary: 'never' })
    expect(file.length).toBeGreaterThan(7 * 2 ** 20)
    const watch = { inFlight: 0, most: 0, requests: 0 }
    const opened = await Promise.all(Array.from({ length: 8 }, (_, i) => openForSplice({ name: `${i}`, source: watched(file, watch) })))
    watch.most = 0
    await spliceFiles(opened, new MemorySink())
    expect(watch.most).toBeLessThan(24 * 2 ** 20)
  })

  test('stops when it is told to', async () => {
    const file = await writeRows('a long', [{ a: 1n }])
    const opened = await openForSplice({ name: 'x', source: bytesSource(file) })
    const signal = AbortSignal.abort()
    await expect(spliceFiles([opened], new MemorySink(), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('fails with the error of a source or of the sink, and leaves none unhandled', async () => {
    const file = await writeRows('a long', [{ a: 1n }])
    const good = await openForSplice({ name: 'x', source: bytesSource(file) })
    const bad = { ...good, source: { sizeBytes: file.length, read: () => Promise.reject(new Error('the disk is gone')) } }
    await expect(spliceFiles([good, bad, bad], new MemorySink())).rejects.toThrow('the disk is gone')
    await expect(spliceFiles([good, good], { write: () => Promise.reject(new Error('full')) })).rejects.toThrow('full')
  })

  test('key-value metadata is added to what the files have in common', async () => {
    const file = await writeRows('a long', [{ a: 1n }])
    const opened = await openForSplice({ name: 'x', source: bytesSource(file) })
    const sink = new MemorySink()
    await spliceFiles([opened], sink, { keyValueMetadata: new Map([['made by', 'a test']]) })
    const found = await duck.query(`select decode(key) as k, decode(value) as v from parquet_kv_metadata($file)`, sink.bytes())
    expect(found).toContainEqual({ k: 'made by', v: 'a test' })
    expect(await openParquet(bytesSource(sink.bytes()), { name: 'y' })).toMatchObject({ numRows: 1 })
  })
})
