// Batches as one Arrow IPC stream, written into memory that the caller provides: the codec copies it anyway, and fresh
// large buffers for every row group would make the garbage collector work for nothing.
import { type RecordBatch, RecordBatchStreamWriter, type Schema } from 'apache-arrow'

/** The IPC stream of batches of one schema; `allocate` is called once, with the size of the whole. */
export function ipcStream(schema: Schema, batches: readonly RecordBatch[], allocate: (sizeBytes: number) => Uint8Array): Uint8Array {
  const writer = new ChunkCollector()
  writer.reset(undefined, schema)
  for (const batch of batches) writer.write(batch)
  writer.finish()
  let size = 0
  for (const chunk of writer.chunks) size += chunk.byteLength
  const stream = allocate(size).subarray(0, size)
  let at = 0
  for (const chunk of writer.chunks) {
    stream.set(chunk, at)
    at += chunk.byteLength
  }
  return stream
}

const MAX_SCRATCH_BYTES = 160 * 2 ** 20
let scratch = new Uint8Array(0)

/** Memory for one synchronous use: the next call hands out the same. */
export function scratchMemory(sizeBytes: number): Uint8Array {
  if (sizeBytes > MAX_SCRATCH_BYTES) return new Uint8Array(sizeBytes)
  if (scratch.length < sizeBytes) scratch = new Uint8Array(Math.min(MAX_SCRATCH_BYTES, Math.ceil(sizeBytes * 1.25)))
  return scratch
}

// Keeps the pieces of the stream, which are views of the batches themselves, instead of joining them.
class ChunkCollector extends RecordBatchStreamWriter {
  readonly chunks: Uint8Array[] = []

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) this.chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    return this
  }
}
