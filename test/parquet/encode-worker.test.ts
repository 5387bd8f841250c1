// The encoder on its own thread: the same bytes as in this thread, errors as errors, and no thread left behind.
import { expect, test } from 'vitest'
import { BatchBuilder } from '../../src/arrow/index.js'
import { createEncodeWorker, createParquetWriter, createRowGroupEncoder, encodeInThread } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import { batchOfRows, MemorySink, readRows, writeBatches } from './files.js'

const schema = parseColumns('i long, s string, l array<string>')
const batch = batchOfRows(
  schema,
  Array.from({ length: 5000 }, (_, i) => ({ i, s: `s${i % 10}`, l: [`x${i}`] })),
)

test('a thread writes the same bytes as this one', async () => {
  await using worker = createEncodeWorker()
  for (const codec of ['snappy', 'zstd', 'gzip', 'uncompressed', 'lz4_raw'] as const) {
    const options = { codec, rowGroupRows: 1200 }
    expect(await writeBatches(schema, [batch, batch], { ...options, encodeRowGroup: worker!.encode })).toEqual(
      await writeBatches(schema, [batch, batch], options),
    )
  }
})

test('one thread serves many writers at once', async () => {
  await using worker = createEncodeWorker()
  const files = await Promise.all(
    Array.from({ length: 6 }, () => writeBatches(schema, [batch], { rowGroupRows: 700, encodeRowGroup: worker!.encode })),
  )
  for (const bytes of files) expect((await readRows(bytes)).map((row) => row.i)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
})

test('a row group that the codec refuses is an error of its writer only', async () => {
  await using worker = createEncodeWorker()
  const properties = { codec: 'snappy' as const, createdBy: 'x', dictionary: true, dictionaryOf: [] }
  await expect(worker!.encode(Uint8Array.of(1, 2, 3), properties)).rejects.toThrow()
  expect(await readRows(await writeBatches(schema, [batch], { encodeRowGroup: worker!.encode }))).toHaveLength(5000)
})

test('closing fails what is under way, and everything after', async () => {
  const worker = createEncodeWorker()!
  const writer = createParquetWriter(new MemorySink(), { schema, codec: 'zstd', rowGroupRows: 5000, encodeRowGroup: worker.encode })
  await writer.write(batch)
  await worker.close()
  await expect(writer.finish()).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(worker.encode(new Uint8Array(1), { codec: 'snappy', createdBy: '', dictionary: true, dictionaryOf: [] })).rejects.toThrow(
    TypeError,
  )
})

test('memory that row groups use one after another carries nothing over', async () => {
  const encoder = createRowGroupEncoder({ threads: 2, threadFromBytes: 1 })
  try {
    // Groups of very different sizes and contents, so that whatever stayed behind of one would show in another.
    const batches = Array.from({ length: 40 }, (_, g) =>
      batchOfRows(
        schema,
        Array.from({ length: 1 + ((g * 977) % 3000) }, (_, i) => ({
          i: g * 10_000 + i,
          s: `${g}`.repeat(1 + (i % 40)),
          l: [`${i}`, null],
        })),
      ),
    )
    const options = { rowGroupRows: 1500, rowGroupBytes: 60_000 }
    const { encode: encodeRowGroup, memory, concurrency: encodeAhead } = encoder
    const files = await Promise.all(
      [0, 20].map((from) => writeBatches(schema, batches.slice(from, from + 20), { ...options, encodeRowGroup, memory, encodeAhead })),
    )
    for (const [k, file] of files.entries()) {
      const here = { ...options, encodeRowGroup: encodeInThread, encodeAhead }
      const expected = await writeBatches(schema, batches.slice(k * 20, k * 20 + 20), here)
      expect(Buffer.compare(file, expected)).toBe(0)
    }
  } finally {
    await encoder.close()
  }
})

test('a batch that is only lent may change as soon as its write resolves', async () => {
  const encoder = createRowGroupEncoder({ threads: 2, threadFromBytes: 1 })
  try {
    const { encode: encodeRowGroup, memory, concurrency: encodeAhead } = encoder
    for (const elsewhere of [{}, { encodeRowGroup, memory, encodeAhead }]) {
      const sink = new MemorySink()
      const writer = createParquetWriter(sink, { schema, codec: 'snappy', rowGroupBytes: 100_000, ...elsewhere })
      const builder = new BatchBuilder(schema)
      for (let k = 0; k < 30; k++) {
        builder.appendRows(
          Array.from({ length: 500 }, (_, i) => ({ i: k * 500 + i, s: i % 7 === 0 ? null : `s${k * 500 + i}`, l: [`${k}`] })),
        )
        await writer.write(builder.finish({ lent: true }), { lent: true })
      }
      await writer.finish()
      const rows = await readRows(sink.bytes())
      expect(rows.map((row) => row.i)).toEqual(Array.from({ length: 15_000 }, (_, i) => i))
      expect(rows.map((row) => row.s)).toEqual(Array.from({ length: 15_000 }, (_, i) => ((i % 500) % 7 === 0 ? null : `s${i}`)))
    }
  } finally {
    await encoder.close()
  }
})
