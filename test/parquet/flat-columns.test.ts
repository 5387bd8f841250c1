// Flat columns by the column kernel: every array is the one that the codec makes of the same chunk, whoever wrote it.
import type { Data, RecordBatch } from 'apache-arrow'
import { tableFromIPC } from 'apache-arrow'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { isAlluviumError } from '../../src/errors.js'
import { chunksOf, decodeGroup } from '../../src/parquet/decode.js'
import { callCodec, initParquet } from '../../src/parquet/engine.js'
import { columnTask } from '../../src/parquet/flat-columns.js'
import type { ChunkInfo } from '../../src/parquet/footer.js'
import { bytesSource, openParquet } from '../../src/parquet/index.js'
import { decodeColumn } from '../../src/parquet/kernel/column.js'
import { openFooter, project } from '../../src/parquet/open.js'
import type { FetchedChunk } from '../../src/parquet/read-ahead.js'
import { groupBatches } from '../../src/parquet/row-group.js'
import { buildSlice, selectLeaves } from '../../src/parquet/slice.js'
import { Duck, readRows, writeRows } from './files.js'

const duck = new Duck()
beforeAll(() => initParquet())

interface Compared {
  /** Column chunks, and those of them that the kernel decodes. */
  readonly chunks: number
  readonly byKernel: number
}

// Reads a file in both ways and holds the batches against each other.
async function compare(bytes: Uint8Array, batchRows: number): Promise<Compared> {
  const opened = await openFooter(bytesSource(bytes), 'test.parquet', undefined)
  const selected = selectLeaves(opened.footer, undefined)
  const projection = await project(opened.footer, 'test.parquet', selected)
  const slice = buildSlice(opened.footer, selected, undefined, projection.hint())
  const { schema } = tableFromIPC(callCodec((codec) => codec.readSchema(slice).intoIPCStream()))
  expect(projection.schema.fields.map(describeField)).toEqual(schema.fields.map(describeField))
  let chunkCount = 0
  let byKernel = 0
  for (const group of opened.footer.rowGroups) {
    const chunks: FetchedChunk[] = []
    for (const { leaf, chunk, range } of chunksOf('test.parquet', opened, group, selected)) {
      const body = bytes.subarray(range.start, range.end)
      chunks.push({ leaf, chunk, bytes: body })
      const column = projection.flat.get(leaf.leaf)
      const task = column && columnTask(column, chunk, group.numRows, batchRows)
      chunkCount++
      if (task !== undefined && decodeColumn(body, task) !== undefined) byKernel++
    }
    const reading = { name: 'test.parquet', footer: opened.footer, projection, batchRows }
    const own: RecordBatch[] = []
    for await (const batch of groupBatches(reading, group.numRows, chunks)) own.push(batch)
    const codec = [...decodeGroup('test.parquet', opened.footer, projection, group.numRows, chunks, batchRows)]
    expect(own.map((batch) => batch.numRows)).toEqual(codec.map((batch) => batch.numRows))
    for (const [i, batch] of own.entries()) expectSame(batch.data, (codec[i] as RecordBatch).data, '')
  }
  return { chunks: chunkCount, byKernel }
}

function describeField(field: { name: string; type: unknown; nullable: boolean; metadata: Map<string, string> }): unknown {
  return [field.name, String(field.type), field.nullable, [...field.metadata]]
}

// What lies in slots without a value is nobody's business.
function expectSame(own: Data, codec: Data, path: string): void {
  expect([path, String(own.type), own.length, own.nullCount]).toEqual([path, String(codec.type), codec.length, codec.nullCount])
  const valid = Array.from({ length: own.length }, (_, i) => own.getValid(i))
  expect(valid).toEqual(Array.from({ length: codec.length }, (_, i) => codec.getValid(i)))
  for (const [i, child] of own.children.entries()) expectSame(child, codec.children[i] as Data, `${path}.${i}`)
  if (own.children.length > 0) return
  expect([...cells(own, valid)]).toEqual([...cells(codec, valid)])
}

function* cells(data: Data, valid: readonly boolean[]): Generator<string | number | null> {
  const { buffer, byteOffset, byteLength } = data.values as Uint8Array
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  const isBits = String(data.type) === 'Bool'
  const width = valid.length === 0 ? 0 : byteLength / valid.length
  for (const [i, has] of valid.entries()) {
    if (!has) yield null
    else if (isBits) yield ((bytes[i >> 3] as number) >> (i & 7)) & 1
    else if (data.valueOffsets === undefined) yield bytes.toString('hex', i * width, (i + 1) * width)
    else yield bytes.toString('hex', data.valueOffsets[i], data.valueOffsets[i + 1])
  }
}

const EVERY_TYPE = `
  select i as id, (i % 7)::tinyint as tiny, (i * 31 % 60000 - 30000)::smallint as small, (i * 7919)::integer as int,
    case when i % 5 = 0 then null else i * 1000000007 end as long, case when i % 97 < 40 then null else (i % 13)::bigint end as few,
    (i / 3.0)::float as real, sin(i) as double, i % 3 = 0 as flag, case when i % 4 = 1 then null else i % 11 = 0 end as maybe,
    'text ' || i as text, case when i % 3 = 0 then null else 'né ' || (i % 9) end as word, repeat('x', (i % 600)::int) as long_text,
    encode('b' || (i % 50)) as bytes, date '1969-01-01' + (i % 9000)::int as day, timestamp '1960-01-01' + to_microseconds(i * 12345678912) as ntz,
    timestamptz '2020-01-01 00:00:00+00' + to_seconds(i) as at, (i % 1000 / 10.0)::decimal(4, 1) as d4,
    (i * 1234567 / 100.0 - 5000000)::decimal(15, 2) as d15, case when i % 2 = 0 then null else (i - 2500)::decimal(38, 6) * 1000003 end as d38,
    null::integer as nothing, case when i < 4990 then null else 'last' end as late
  from range(5000) t(i)`

describe('a flat column', () => {
  test.each([
    ['snappy', 'row_group_size 2048'],
    ['zstd', 'row_group_size 2048'],
    ['lz4_raw', 'row_group_size 2048'],
    ['uncompressed', 'row_group_size 2048'],
    ['snappy', `row_group_size 2048, dictionary_size_limit 1`],
    ['zstd', `row_group_size 5000, dictionary_size_limit 1, compression_level 19`],
  ])('of DuckDB, %s (%s), is the same by the kernel and by the codec, for every type', async (codec, options) => {
    const bytes = await duck.copy(EVERY_TYPE, `codec ${codec}, ${options}`)
    for (const batchRows of [65_536, 1000, 13]) {
      const { chunks, byKernel } = await compare(bytes, batchRows)
      expect(byKernel).toBe(chunks)
    }
  })

  test.each(['snappy', 'zstd', 'lz4_raw', 'uncompressed'] as const)('of our writer, %s, is the same by both', async (codec) => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({
      b: (i % 256) - 128,
      s: i % 3 === 0 ? null : i - 1500,
      d: `${i % 100}.25`,
      p: i % 50 === 0 ? null : `${BigInt(i) * 10n ** 30n}.125`,
      t: i % 2 === 0 ? 'even' : `odd ${i}`,
      x: new Uint8Array(i % 20).fill(i),
      f: i % 10 === 0,
    }))
    const bytes = await writeRows('b byte, s short, d decimal(9,2), p decimal(38,3), t string, x binary, f boolean', rows, { codec })
    const { chunks, byKernel } = await compare(bytes, 1024)
    expect(byKernel).toBe(chunks)
  })

  test('beside nested ones and those of other codecs and encodings, rows stay together', async () => {
    const nested = `select i as id, {'a': i, 'b': 't' || i} as s, [i, i + 1] as l, 'x' || i as t from range(4000) r(i)`
    for (const options of ['codec snappy, row_group_size 2048', 'codec gzip, row_group_size 2048', 'codec zstd, parquet_version v2']) {
      const bytes = await duck.copy(nested, options)
      const { chunks, byKernel } = await compare(bytes, 500)
      expect(byKernel).toBeLessThan(chunks)
      const rows = await readRows(bytes)
      expect(rows.map((row) => Number(row.id))).toEqual(Array.from({ length: 4000 }, (_, i) => i))
      const fit = ({ s, l, t }: Record<string, unknown>, i: number): boolean => {
        const { a, b } = s as { a: unknown; b: unknown }
        return Number(a) === i && b === `t${i}` && (l as unknown[]).map(Number).join() === `${i},${i + 1}` && t === `x${i}`
      }
      expect(rows.every(fit)).toBe(true)
    }
  })

  test('of any optional values is the same by both', async () => {
    const text = fc.oneof(fc.constantFrom('', 'a', 'repeated repeated repeated', 'é'), fc.string({ unit: 'grapheme', maxLength: 60 }))
    const row = fc.record({
      n: fc.option(fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 3n))),
      i: fc.option(fc.oneof(fc.integer(), fc.integer({ min: 0, max: 3 }))),
      t: fc.option(text),
      f: fc.option(fc.boolean()),
      x: fc.double({ noDefaultInfinity: true }),
    })
    const codec = fc.constantFrom('snappy' as const, 'zstd' as const, 'uncompressed' as const, 'lz4_raw' as const)
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 3 }), codec, async (some, times, use) => {
        const rows = Array.from({ length: times }, () => some).flat()
        const bytes = await writeRows('n long, i integer, t string, f boolean, x double not null', rows, { codec: use, rowGroupRows: 200 })
        const { chunks, byKernel } = await compare(bytes, 64)
        expect(byKernel).toBe(chunks)
      }),
      { numRuns: 60 },
    )
  })
})

describe('zstd', () => {
  // Texts of every kind of block: random, repeated, of few letters, with long and short matches.
  const TEXTS: Readonly<Record<string, string>> = {
    'random letters': `select md5(i::varchar) || md5((i * 7)::varchar) as t from range(20000) r(i)`,
    'few letters': `select translate(md5(i::varchar), '0123456789abcdef', 'aaaaaaaabbbbccde') as t from range(20000) r(i)`,
    'one letter': `select repeat('z', 100) || (i % 2) as t from range(20000) r(i)`,
    'long matches': `select repeat(md5((i % 10)::varchar), 40) || i as t from range(5000) r(i)`,
    words: `select 'the quick ' || (i % 77) || ' brown fox jumps over ' || (i * i % 1009) || ' lazy dogs' as t from range(20000) r(i)`,
    'all bytes': `select unhex(md5(i::varchar) || sha256(i::varchar)) as t from range(20000) r(i)`,
    numbers: `select (i * i * i) as t from range(50000) r(i)`,
    'small steps': `select i * 3 as t from range(50000) r(i)`,
  }
  const cases = Object.keys(TEXTS).flatMap((name) => [1, 3, 12, 22].map((level) => [name, level] as const))
  test.each(cases)('of %s at level %i unpacks to what the codec unpacks', async (name, level) => {
    const bytes = await duck.copy(TEXTS[name] as string, `codec zstd, compression_level ${level}, dictionary_size_limit 1`)
    const { chunks, byKernel } = await compare(bytes, 65_536)
    expect(byKernel).toBe(chunks)
  })
})

describe('a damaged chunk', () => {
  test('ends in an error of ours, or in batches, whatever byte is changed', async () => {
    const query = `select i as id, 'text ' || (i % 100) as word, 'other ' || i as text, i % 3 = 0 as flag from range(3000) r(i)`
    const files = await Promise.all(['snappy', 'zstd', 'lz4_raw', 'uncompressed'].map((codec) => duck.copy(query, `codec ${codec}`)))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, place, change) => {
        const bytes = file.slice()
        const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true) + 8
        const at = 4 + (place % (bytes.length - footer - 4))
        bytes[at] = (bytes[at] as number) ^ change
        try {
          await readRows(bytes)
        } catch (error) {
          expect(isAlluviumError(error, 'CORRUPT_DATA', 'LIMIT_EXCEEDED', 'UNSUPPORTED_FEATURE')).toBe(true)
        }
      }),
      { numRuns: 1500 },
    )
  }, 60_000)

  test('with texts that are no UTF-8 is refused, be they in a dictionary or not', async () => {
    for (const [query, limit] of [
      [`select 'AAAA' as t from range(100)`, 100_000],
      [`select 'AAAA' || i as t from range(100) r(i)`, 1],
    ] as const) {
      const bytes = await duck.copy(query, `codec uncompressed, dictionary_size_limit ${limit}`)
      expect((await readRows(bytes)).length).toBe(100)
      bytes[Buffer.from(bytes).indexOf('AAAA') + 1] = 0xff
      await expect(readRows(bytes)).rejects.toSatisfy((error) => isAlluviumError(error, 'CORRUPT_DATA'))
    }
  })
})

describe('a large row group', () => {
  const ROWS = 3_000_000
  const query = `select i as id, i % 7 as a, i % 11 as b, case when i % 3 = 0 then null else i % 5 end as c, i % 13 as d, i % 17 as e, 'w' || (i % 3) as word from range(${ROWS}) r(i)`

  async function* batchesOf(bytes: Uint8Array): AsyncGenerator<RecordBatch> {
    const file = await openParquet(bytesSource(bytes), { name: 'test.parquet' })
    expect(file.rowGroups.length).toBe(1)
    yield* file.read()
  }

  test('is decoded a batch at a time, to the rows that it has', async () => {
    const bytes = await duck.copy(query, `codec snappy, row_group_size ${ROWS}`)
    let row = 0
    let nulls = 0
    for await (const batch of batchesOf(bytes)) {
      const [id, , , c, , e, word] = batch.data.children as Data[]
      const [ids, es] = [id?.values as BigInt64Array, e?.values as BigInt64Array]
      for (let i = 0; i < batch.numRows; i += 997) {
        const at = row + i
        if (ids[i] !== BigInt(at) || es[i] !== BigInt(at % 17)) throw new Error(`row ${at}`)
        expect(c?.getValid(i)).toBe(at % 3 !== 0)
        const text = Buffer.from(word?.values as Uint8Array).toString('utf8', word?.valueOffsets[i], word?.valueOffsets[i + 1])
        expect(text).toBe(`w${at % 3}`)
      }
      nulls += c?.nullCount ?? 0
      row += batch.numRows
    }
    expect([row, nulls]).toEqual([ROWS, ROWS / 3])
  }, 60_000)

  test('that is damaged at its end gives the rows before, then an error', async () => {
    const bytes = await duck.copy(query, `codec uncompressed, row_group_size ${ROWS}, dictionary_size_limit 1`)
    const opened = await openFooter(bytesSource(bytes), 'test.parquet', undefined)
    const word = opened.footer.rowGroups[0]?.columns.at(-1) as ChunkInfo
    // The length of the last text.
    bytes.fill(0xff, word.offset + word.compressedSize - 6, word.offset + word.compressedSize)
    let rows = 0
    const read = async (): Promise<void> => {
      for await (const batch of batchesOf(bytes)) rows += batch.numRows
    }
    await expect(read()).rejects.toSatisfy((error) => isAlluviumError(error, 'CORRUPT_DATA'))
    expect(rows).toBeGreaterThan(ROWS / 2)
    expect(rows).toBeLessThan(ROWS)
  }, 60_000)
})
