import { gunzipSync } from 'node:zlib'
import {
  type Data,
  Dictionary,
  Field,
  Float32,
  Int32,
  makeData,
  makeVector,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchBuilder } from '../../src/arrow/index.js'
import { type ColumnarOptions, type DecodedBatch, openInput } from '../../src/formats/index.js'
import { bytesSource, createParquetWriter } from '../../src/parquet/index.js'
import { formatColumns, parseColumns } from '../../src/schema/index.js'
import { collect } from './decode-all.js'
import { FEATHER_LZ4_GZIP_BASE64 } from './feather-lz4.js'
import { FEATHER_ZSTD_GZIP_BASE64 } from './feather-zstd.js'

async function parquetOf(columns: string, rows: readonly object[], rowGroupRows = 1_000_000): Promise<Uint8Array> {
  const schema = parseColumns(columns)
  const chunks: Uint8Array[] = []
  const writer = createParquetWriter({ write: async (bytes) => void chunks.push(bytes.slice()) }, { schema, codec: 'snappy', rowGroupRows })
  for (let i = 0; i < rows.length; i += rowGroupRows) {
    const builder = new BatchBuilder(schema)
    expect(builder.appendRows(rows.slice(i, i + rowGroupRows))).toEqual([])
    await writer.write(builder.finish())
  }
  await writer.finish()
  return Buffer.concat(chunks)
}

async function readAll(format: 'parquet' | 'arrow', bytes: Uint8Array, columns: string, options: ColumnarOptions = {}) {
  const target = parseColumns(columns)
  const input = await openInput(format, bytesSource(bytes), { name: 'in' })
  const batches: DecodedBatch[] = []
  for await (const batch of input.read(target, options)) batches.push(batch)
  return {
    ...collect(batches, target),
    inputSchema: formatColumns(input.schema),
    numRecords: input.numRecords,
    sizes: batches.map((b) => b.records),
  }
}

const ROWS = Array.from({ length: 100 }, (_, i) => ({ id: BigInt(i), name: i % 7 === 0 ? null : `n${i}` }))

describe('Parquet input', () => {
  test('rows come in order with their ordinals, in batches of the size wanted', async () => {
    const bytes = await parquetOf('id long, name string', ROWS, 30)
    const all = await readAll('parquet', bytes, 'id long not null, name string, extra double', { rowsPerBatch: 16 })
    expect(all.rows).toEqual(ROWS.map((row) => ({ ...row, extra: null })))
    expect(all.ordinals).toEqual(ROWS.map((_, i) => i))
    expect(all.numRecords).toBe(100)
    expect(all.inputSchema).toBe('id long, name string')
    expect(Math.max(...all.sizes)).toBe(16)
  })

  test('an input taken up at any row goes on there', async () => {
    const bytes = await parquetOf(
      'id long',
      ROWS.map(({ id }) => ({ id })),
      30,
    )
    for (const skipTo of [0, 1, 29, 30, 31, 60, 99, 100, 1000]) {
      const all = await readAll('parquet', bytes, 'id long', { skipTo, rowsPerBatch: 16 })
      expect(all.ordinals).toEqual(ROWS.map((_, i) => i).slice(skipTo))
      expect(all.rows.map((row) => row.id)).toEqual(ROWS.map((row) => row.id).slice(skipTo))
    }
  })

  test('a value that does not fit costs its row and no other', async () => {
    const bytes = await parquetOf('id long, name string', ROWS)
    const all = await readAll('parquet', bytes, 'id long, name string not null')
    const bad = ROWS.flatMap((row, i) => (row.name === null ? [i] : []))
    expect(all.faults.map((fault) => [fault.record, fault.column])).toEqual(bad.map((i) => [i, 'name']))
    expect(all.ordinals).toEqual(ROWS.map((_, i) => i).filter((i) => !bad.includes(i)))
    expect(all.rows.every((row) => row.name === `n${row.id}`)).toBe(true)
  })

  test('a file in which no row fits is all faults', async () => {
    const bytes = await parquetOf('a int', [{ a: null }, { a: null }])
    expect(await readAll('parquet', bytes, 'a int not null')).toMatchObject({ rows: [], records: 2 })
  })

  test('columns that do not fit are one error; unknown ones can be skipped', async () => {
    const bytes = await parquetOf('id long, name string', ROWS)
    await expect(readAll('parquet', bytes, 'id string')).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    expect((await readAll('parquet', bytes, 'id long', { ignoreUnknown: true })).rows).toHaveLength(100)
  })

  test('what is no Parquet file is an error', async () => {
    await expect(openInput('parquet', bytesSource(new Uint8Array(100)), { name: 'x' })).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
    await expect(openInput('parquet', (async function* () {})(), { name: 'x' })).rejects.toThrow(TypeError)
  })
})

describe('Arrow input', () => {
  const table = new Table({
    id: vectorFromArray([1, 2, null, 4], new Int32()),
    at: vectorFromArray([0, 1000, -1, null], new TimestampMillisecond('UTC')),
    s: vectorFromArray(['a', 'b', 'a', null], new Dictionary(new Utf8(), new Int32())),
    f: vectorFromArray([0.5, 1, 2, 3], new Float32()),
  })
  const rows = [
    { id: 1n, at: 0n, s: 'a', f: 0.5 },
    { id: 2n, at: 1_000_000n, s: 'b', f: 1 },
    { id: null, at: -1000n, s: 'a', f: 2 },
    { id: 4n, at: null, s: null, f: 3 },
  ]
  const COLUMNS = 'id long, at timestamp, s string, f double'

  test.each(['file', 'stream'] as const)('a %s is widened to the schema', async (kind) => {
    const bytes = tableToIPC(table, kind)
    const all = await readAll('arrow', bytes, COLUMNS)
    expect(all.rows).toEqual(rows)
    expect(all.inputSchema).toBe('id integer, at timestamp, s string, f float')
    expect((await readAll('arrow', bytes, COLUMNS, { skipTo: 3 })).rows).toEqual(rows.slice(3))
    expect((await readAll('arrow', bytes, COLUMNS, { rowsPerBatch: 1 })).sizes).toEqual([1, 1, 1, 1])
  })

  test.each([
    ['lz4', FEATHER_LZ4_GZIP_BASE64],
    ['zstd', FEATHER_ZSTD_GZIP_BASE64],
  ])('a Feather file of pyarrow, compressed with %s, is read', async (_, file) => {
    const bytes = gunzipSync(Buffer.from(file, 'base64'))
    const all = await readAll('arrow', bytes, 'id long, s string, d double')
    expect(all.rows).toEqual(
      Array.from({ length: 300 }, (_, i) => ({ id: BigInt(i), s: i % 7 === 0 ? null : 'abc'.repeat(i % 5), d: (i % 3) / 2 })),
    )
  })

  test('a buffer that claims more or less than its zstd frame holds is an error', async () => {
    const good = new Uint8Array(gunzipSync(Buffer.from(FEATHER_ZSTD_GZIP_BASE64, 'base64')))
    const magic = [0x28, 0xb5, 0x2f, 0xfd]
    const frames = [...good.keys()].filter((at) => magic.every((byte, i) => good[at + i] === byte))
    expect(frames.length).toBeGreaterThan(3)
    for (const at of frames) {
      for (const change of [-8n, 1n, 2n ** 40n, -(2n ** 40n)]) {
        const bytes = good.slice()
        const view = new DataView(bytes.buffer)
        view.setBigInt64(at - 8, view.getBigInt64(at - 8, true) + change, true)
        const error: unknown = await readAll('arrow', bytes, 'id long, s string, d double').catch((e: unknown) => e)
        expect(['CORRUPT_DATA', 'UNSUPPORTED_FEATURE']).toContain((error as { code?: string }).code)
      }
    }
  })

  test('a stream may come in chunks of any size', async () => {
    const bytes = tableToIPC(table, 'stream')
    for (const size of [1, 7, 1000]) {
      const chunks = (async function* () {
        for (let i = 0; i < bytes.length; i += size) yield bytes.slice(i, i + size)
      })()
      const input = await openInput('arrow', chunks, { name: 'in' })
      const batches: DecodedBatch[] = []
      for await (const batch of input.read(parseColumns(COLUMNS))) batches.push(batch)
      expect(collect(batches, parseColumns(COLUMNS)).rows).toEqual(rows)
    }
  })

  test('bytes that are no Arrow are an error, and so is a file or stream that is cut', async () => {
    for (const kind of ['file', 'stream'] as const) {
      const bytes = tableToIPC(table, kind)
      for (const cut of [8, 20, 100, bytes.length >> 1]) {
        await expect(readAll('arrow', bytes.slice(0, cut), COLUMNS)).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
      }
    }
    await expect(readAll('arrow', new TextEncoder().encode('id,at\n1,2\n'), COLUMNS)).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
  })

  // apache-arrow alone follows lengths in damaged metadata for ever.
  test('changed bytes never give anything but rows, faults or a typed error', async () => {
    const survive = async (bytes: Uint8Array) => {
      try {
        await readAll('arrow', bytes, COLUMNS)
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^(CORRUPT_DATA|SCHEMA_MISMATCH|UNSUPPORTED_FEATURE|LIMIT_EXCEEDED)$/)
      }
    }
    for (const kind of ['file', 'stream'] as const) {
      const bytes = tableToIPC(table, kind)
      for (let i = 0; i < bytes.length; i += 3) {
        const changed = bytes.slice()
        changed[i] = (changed[i] as number) ^ (1 << (i % 8))
        await survive(changed)
      }
      const edit = fc.tuple(
        fc.nat(bytes.length - 1),
        fc.oneof(fc.constantFrom([0, 0, 0, 0], [255, 255, 255, 127], [255, 255, 255, 255]), fc.array(fc.nat(255), { maxLength: 4 })),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
          const changed = bytes.slice()
          for (const [at, values] of edits) changed.set(values.slice(0, bytes.length - at), at)
          await survive(changed)
        }),
        { numRuns: 250 },
      )
    }
  }, 60_000)

  const batchOf = (data: Data) => {
    const schema = new Schema([new Field('c', data.type, true)])
    return new Table([
      new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: data.length, nullCount: 0, children: [data] })),
    ])
  }

  test('text that is no UTF-8 and cells that begin within a character are errors', async () => {
    const text = (bytes: number[], offsets: number[]) =>
      tableToIPC(
        batchOf(
          makeData({
            type: new Utf8(),
            length: offsets.length - 1,
            nullCount: 0,
            valueOffsets: Int32Array.from(offsets),
            data: Uint8Array.from(bytes),
          }),
        ),
        'stream',
      )
    expect((await readAll('arrow', text([0xc3, 0xa9, 0x41], [0, 2, 3]), 'c string')).rows).toEqual([{ c: 'é' }, { c: 'A' }])
    await expect(readAll('arrow', text([0xc3, 0xa9, 0x41], [0, 1, 3]), 'c string')).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
    await expect(readAll('arrow', text([0xff, 0x41, 0x41], [0, 2, 3]), 'c string')).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
  })

  test('offsets that lead outside of the values are an error', async () => {
    const sound = Int32Array.of(0, 1001, 2002)
    const column = makeData({ type: new Utf8(), length: 2, nullCount: 0, valueOffsets: sound, data: new Uint8Array(2002).fill(65) })
    for (const offsets of [
      [0, 1001, 9999],
      [0, 2002, 1001],
      [-1, 1001, 2002],
    ]) {
      const bytes = Buffer.from(tableToIPC(batchOf(column), 'stream'))
      const at = bytes.indexOf(Buffer.from(sound.buffer))
      expect(at).toBeGreaterThan(0)
      bytes.set(Buffer.from(Int32Array.from(offsets).buffer), at)
      await expect(readAll('arrow', bytes, 'c string')).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
    }
  })

  test('a type that would have to be narrowed is an error, a value that does not fit a wider one a fault', async () => {
    const longs = tableToIPC(new Table({ c: makeVector(new BigInt64Array([1n, 2n, 3n])) }), 'stream')
    await expect(readAll('arrow', longs, 'c integer')).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    const unsigned = tableToIPC(new Table({ c: makeVector(new BigUint64Array([1n, 2n ** 63n, 3n])) }), 'stream')
    const all = await readAll('arrow', unsigned, 'c long')
    expect(all.rows).toEqual([{ c: 1n }, { c: 3n }])
    expect(all.faults.map((fault) => fault.record)).toEqual([1])
  })
})
