// Batches as one Arrow IPC stream in memory that the codec's side provides: a copy on the way would be one too many, and
// fresh large buffers for every row group would make the garbage collector work for nothing.
import { type RecordBatch, RecordBatchStreamWriter, type Schema } from 'apache-arrow'

/** Memory for streams, and for what they become. */
export interface StreamMemory {
  /** At least so many bytes, with whatever is in them. */
  take(sizeBytes: number): Uint8Array
  /** Takes memory back that nobody reads any more; a view of it will do. What was not taken here is left alone. */
  give(memory: Uint8Array): void
}

/** Memory from the engine, for the garbage collector to take back. */
export const ordinaryMemory: StreamMemory = { take: (sizeBytes) => new Uint8Array(sizeBytes), give: () => undefined }

/** The stream of one row group, which grows a batch at a time. */
export class StreamBuilder {
  readonly #writer = new ChunkCollector()
  readonly #memory: StreamMemory
  #target: Uint8Array | undefined
  #written = 0

  constructor(schema: Schema, memory: StreamMemory) {
    this.#memory = memory
    this.#writer.reset(undefined, schema)
  }

  /** Adds a batch, which is read later: by `own`, or by `finish`. */
  add(batch: RecordBatch): void {
    this.#writer.write(batch)
  }

  /** Copies what was added, so that the batches may change. `expectedBytes` is the likely size of the whole stream. */
  own(expectedBytes: number): void {
    this.#copy(expectedBytes)
  }

  /** The whole stream. Give it back to the memory once it is used. */
  finish(): Uint8Array {
    this.#writer.finish()
    this.#copy(0)
    return (this.#target as Uint8Array).subarray(0, this.#written)
  }

  #copy(expectedBytes: number): void {
    const { chunks } = this.#writer
    let end = this.#written
    for (const chunk of chunks) end += chunk.byteLength
    const target = this.#room(end, expectedBytes)
    for (const chunk of chunks) {
      target.set(chunk, this.#written)
      this.#written += chunk.byteLength
    }
    chunks.length = 0
  }

  #room(sizeBytes: number, expectedBytes: number): Uint8Array {
    const before = this.#target
    if (before !== undefined && before.length >= sizeBytes) return before
    const target = this.#memory.take(Math.max(sizeBytes, expectedBytes, before === undefined ? 0 : before.length * 2))
    if (before !== undefined) {
      target.set(before.subarray(0, this.#written))
      this.#memory.give(before)
    }
    this.#target = target
    return target
  }
}

// Keeps the pieces of the stream, which are views of the batches themselves, instead of joining them.
class ChunkCollector extends RecordBatchStreamWriter {
  readonly chunks: Uint8Array[] = []

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) this.chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    return this
  }
}
