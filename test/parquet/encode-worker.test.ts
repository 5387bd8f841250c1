// The encoder on its own thread: the same bytes as in this thread, errors as errors, and no thread left behind.
import { expect, test } from 'vitest'
import { createEncodeWorker, createParquetWriter } from '../../src/parquet/index.js'
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
