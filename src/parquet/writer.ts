// Writing a Parquet file in bounded memory: batches are collected up to a row group, encoded, and sent to the sink;
// one footer at the end names all row groups. One rule: what was written is in order and complete, or the writer failed.
import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../arrow/index.js'
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/index.js'
import { VERSION } from '../version.js'
import type { ChunkStatistics } from './chunk-statistics.js'
import { DictionaryChooser } from './dictionary.js'
import { type EncodeProperties, type EncodeRowGroup, encodeInThread, type WriteCodec } from './encode.js'
import { CodecFault } from './engine.js'
import { guarded } from './faults.js'
import { assertWritable, fileSchema, layOut } from './file-schema.js'
import { type Footer, parseFooter } from './footer.js'
import { ordinaryMemory, StreamBuilder, type StreamMemory } from './ipc.js'
import { isShared } from './shared-memory.js'
import { encodeSmallFile, knownLayout, learnLayout, SMALL_BYTES, SMALL_ROWS } from './small-file.js'
import type { StatisticsCollector } from './statistics.js'
import { bodyRange, FooterStitcher } from './stitch.js'

/** Where the bytes of a file go, in order. */
export interface ByteSink {
  /** Resolves when the bytes may change again. */
  write(bytes: Uint8Array): Promise<void>
}

/** How a file is written. */
export interface ParquetWriterOptions {
  readonly schema: StructType
  readonly codec: WriteCodec
  /** Arrow bytes that make a row group; default 16 MiB. The process grows by about six times this while one is encoded. */
  readonly rowGroupBytes?: number
  /** Rows that make a row group; default 1,048,576. */
  readonly rowGroupRows?: number
  /** `auto` (default) looks at the values of every row group. */
  readonly dictionary?: 'auto' | 'always' | 'never'
  /** Encodes row groups elsewhere (a worker): one is encoded while the next is collected. Default: in this thread. */
  readonly encodeRowGroup?: EncodeRowGroup | undefined
  /** With `encodeRowGroup`: row groups that may be encoded at once; default 1. Each costs memory of its size. */
  readonly encodeAhead?: number
  /** Memory for the streams that `encodeRowGroup` gets, such as the encoder shares with its thread. Default: ordinary memory. */
  readonly memory?: StreamMemory | undefined
  /** Counts the rows as they are written; the bounds in the footer are taken from it, which spares the codec to look for them. */
  readonly statistics?: StatisticsCollector | undefined
}

/** A Parquet file being written. After a failed call the file is worthless and every later call fails likewise. */
export interface ParquetWriter {
  /** Takes a batch; resolves when there is room for the next. It must not be changed afterwards, unless it is only lent for the call. */
  write(batch: RecordBatch, options?: { readonly lent?: boolean }): Promise<void>
  /** Arrow bytes collected and not yet encoded. */
  readonly bufferedBytes: number
  /** Bytes given to the sink. */
  readonly writtenBytes: number
  /** Rows taken. */
  readonly numRows: number
  /** Writes the rest and the footer. The file is complete when this resolves; the sink is not closed. */
  finish(): Promise<{ sizeBytes: number; numRows: number }>
}

// Measured on ten mixed columns: half of this takes the same time, twice this 1 % fewer bytes at most and half as much memory again.
const DEFAULT_ROW_GROUP_BYTES = 16 * 2 ** 20
const DEFAULT_ROW_GROUP_ROWS = 1024 * 1024
// A batch is not cut for a row group that would be larger by no more than this share.
const TOLERANCE = 1 / 8
// While an encoder elsewhere has no work yet, the first row groups of a file may be this small a share of a whole one.
const FIRST_SHARE = 1 / 4
// Bytes that a stream has besides the values, about: its schema, and the headers and padding of batches.
const STREAM_OVERHEAD_BYTES = 256 * 1024
// Encoded bytes in shared memory are handed on in pieces of this size, copied: not every sink takes shared memory.
const PIECE_BYTES = 1024 * 1024
/** What files written here say of their writer. */
export const CREATED_BY: string = `alluvium version ${VERSION}`
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/**
 * Starts a Parquet file as Delta and Spark expect it (types, names, nullability, field ids).
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for a type that cannot be written, `SCHEMA_MISMATCH` for a schema without columns.
 *
 * @example
 * const writer = createParquetWriter(sink, { schema, codec: 'snappy' })
 * for (const batch of batches) await writer.write(batch)
 * const { sizeBytes, numRows } = await writer.finish()
 */
export function createParquetWriter(sink: ByteSink, options: ParquetWriterOptions): ParquetWriter {
  for (const name of ['rowGroupBytes', 'rowGroupRows'] as const) {
    const value = options[name]
    if (value !== undefined && !(value >= 1)) throw new RangeError(`${name} must be at least 1, not ${value}`)
  }
  assertWritable(options.schema)
  return new StitchWriter(sink, options)
}

class StitchWriter implements ParquetWriter {
  bufferedBytes = 0
  writtenBytes = 0
  numRows = 0
  private readonly sink: ByteSink
  private readonly schema: ReturnType<typeof fileSchema>
  private readonly options: ParquetWriterOptions
  private readonly rowGroupBytes: number
  private readonly rowGroupRows: number
  private readonly memory: StreamMemory
  // The only batch so far, while the file may still be a small one.
  private only: RecordBatch | undefined
  private group: Group | undefined
  private bufferedRows = 0
  private stitcher: FooterStitcher | undefined
  // Row groups that are being encoded, then appended in order.
  private inFlight: Promise<void> = Promise.resolve()
  private encoding: Promise<void>[] = []
  private flushed = 0
  private failure: { error: unknown } | undefined
  private finished = false
  private piece: Uint8Array | undefined

  constructor(sink: ByteSink, options: ParquetWriterOptions) {
    this.sink = sink
    this.options = options
    this.schema = fileSchema(options.schema)
    this.memory = options.memory ?? ordinaryMemory
    this.rowGroupBytes = options.rowGroupBytes ?? DEFAULT_ROW_GROUP_BYTES
    this.rowGroupRows = Math.floor(options.rowGroupRows ?? DEFAULT_ROW_GROUP_ROWS)
  }

  async write(batch: RecordBatch, { lent = false }: { readonly lent?: boolean } = {}): Promise<void> {
    this.assertOpen()
    let rest = layOut(batch, this.schema)
    this.numRows += batch.numRows
    if (!lent && this.isSmall(rest)) {
      this.only = rest
      this.options.statistics?.add(rest)
      this.bufferedRows = rest.numRows
      this.bufferedBytes = batchBytes(rest)
      return
    }
    this.leaveSmall()
    while (rest.numRows > 0) {
      const fits = Math.min(this.rowGroupRows - this.bufferedRows, this.rowsThatFit(rest))
      const part = rest.numRows > fits ? rest.slice(0, fits) : rest
      rest = rest.slice(part.numRows)
      this.group ??= this.begin()
      this.group.stream.add(part)
      this.group.dictionaries?.add(part)
      this.options.statistics?.add(part)
      if (lent) this.group.stream.own(this.rowGroupBytes * (1 + TOLERANCE) + Math.min(STREAM_OVERHEAD_BYTES, this.rowGroupBytes / 4))
      this.bufferedRows += part.numRows
      this.bufferedBytes += batchBytes(part)
      if (this.bufferedRows >= this.rowGroupRows || this.bufferedBytes >= this.rowGroupBytes || this.hasIdleEncoder) await this.flush()
    }
  }

  // Whether a batch, as all there is, would make a small file.
  private isSmall(batch: RecordBatch): boolean {
    const { numRows } = batch
    if (this.numRows !== numRows || numRows === 0 || numRows > SMALL_ROWS || numRows >= this.rowGroupRows) return false
    const { codec, dictionary, statistics } = this.options
    // Bounds are ours here or nobody's.
    if (statistics === undefined) return false
    if ((codec !== 'snappy' && codec !== 'uncompressed') || dictionary === 'always' || knownLayout(this.schema) === 'nested') return false
    return batchBytes(batch) < Math.min(SMALL_BYTES, this.rowGroupBytes)
  }

  // More rows came: what was held back for a small file begins a row group.
  private leaveSmall(): void {
    const { only } = this
    if (only === undefined) return
    this.only = undefined
    this.group = this.begin()
    this.group.stream.add(only)
    this.group.dictionaries?.add(only)
  }

  // Whether what is buffered would begin to be encoded at once, where otherwise the beginning of a file is waited for.
  private get hasIdleEncoder(): boolean {
    const { encodeRowGroup, encodeAhead = 1 } = this.options
    return encodeRowGroup !== undefined && this.flushed < encodeAhead && this.bufferedBytes >= this.rowGroupBytes * FIRST_SHARE
  }

  // Rows of a batch that fill the row group, taking them as equally large. Whole bytes of bits, for Arrow shifts those that are not
  // one by one.
  private rowsThatFit(batch: RecordBatch): number {
    const bytes = batchBytes(batch)
    const room = this.rowGroupBytes - this.bufferedBytes
    if (bytes <= room + this.rowGroupBytes * TOLERANCE) return batch.numRows
    return Math.max(1, Math.ceil((room * batch.numRows) / bytes / 8)) * 8
  }

  private begin(): Group {
    const { dictionary = 'auto' } = this.options
    return {
      stream: new StreamBuilder(this.schema, this.memory),
      dictionaries: dictionary === 'auto' ? new DictionaryChooser() : undefined,
    }
  }

  async finish(): Promise<{ sizeBytes: number; numRows: number }> {
    this.assertOpen()
    this.finished = true
    if (this.only !== undefined && (await this.finishSmall(this.only))) return { sizeBytes: this.writtenBytes, numRows: this.numRows }
    this.leaveSmall()
    if (this.bufferedRows > 0 || this.numRows === 0) await this.flush()
    await this.settle()
    const stitcher = this.stitcher as FooterStitcher
    if (stitcher.numRows !== this.numRows) throw new Error(`${this.numRows} rows taken, ${stitcher.numRows} written`)
    await this.append(stitcher.finish())
    return { sizeBytes: this.writtenBytes, numRows: this.numRows }
  }

  private async finishSmall(batch: RecordBatch): Promise<boolean> {
    const layout = knownLayout(this.schema) ?? (await learnLayout(this.schema))
    if (layout === 'nested') return false
    const { codec, statistics } = this.options
    const options = { codec: codec as 'snappy', createdBy: CREATED_BY, statistics: statistics?.endRowGroup() }
    await this.append(encodeSmallFile(batch, layout, options))
    return true
  }

  private assertOpen(): void {
    if (this.failure !== undefined) throw this.failure.error
    if (this.finished) throw new TypeError('the Parquet writer is finished already')
  }

  // Encodes what is collected. With an encoder elsewhere this only starts it, once there is room for one more.
  private async flush(): Promise<void> {
    const { stream, dictionaries } = this.group ?? this.begin()
    const { dictionary, codec, statistics } = this.options
    const chosen = dictionaries?.finish() ?? { dictionary: dictionary === 'always', dictionaryOf: [] }
    const chunks = statistics?.endRowGroup()
    const withoutStatistics = [...(chunks?.keys() ?? [])]
    const properties: EncodeProperties = { codec, createdBy: CREATED_BY, ...chosen, withoutStatistics }
    this.group = undefined
    this.flushed++
    this.bufferedRows = 0
    this.bufferedBytes = 0
    const { encodeRowGroup, encodeAhead = 1 } = this.options
    while (this.encoding.length >= encodeAhead) await this.encoding.shift()
    if (this.failure !== undefined) throw this.failure.error
    const encoded = this.encode(stream.finish(), properties)
    encoded.catch(() => undefined) // seen when its turn to be appended comes
    this.inFlight = this.inFlight
      .then(() => (this.failure === undefined ? this.stitch(encoded, chunks) : undefined))
      .catch((error: unknown) => {
        this.failure ??= { error: error instanceof CodecFault ? encodeError(error) : error }
      })
    this.encoding.push(this.inFlight)
    if (encodeRowGroup === undefined) await this.settle()
  }

  private async encode(stream: Uint8Array, properties: EncodeProperties): Promise<Uint8Array> {
    const file = await (this.options.encodeRowGroup ?? encodeInThread)(stream, properties)
    if (file.buffer !== stream.buffer) this.memory.give(stream)
    return file
  }

  private async settle(): Promise<void> {
    await this.inFlight
    if (this.failure !== undefined) throw this.failure.error
  }

  private async stitch(encoding: Promise<Uint8Array>, chunks: ReadonlyMap<string, ChunkStatistics> | undefined): Promise<void> {
    const encoded = await encoding
    try {
      await this.appendGroup(encoded, chunks)
    } finally {
      this.memory.give(encoded)
    }
  }

  private async appendGroup(encoded: Uint8Array, chunks: ReadonlyMap<string, ChunkStatistics> | undefined): Promise<void> {
    const footer = footerOf(encoded)
    if (this.stitcher === undefined) {
      this.stitcher = new FooterStitcher(footer, { createdBy: CREATED_BY })
      await this.append(MAGIC)
    }
    if (footer.numRows === 0) return
    const body = bodyRange(footer)
    this.stitcher.add(footer, this.writtenBytes - body.start, chunks)
    await this.append(encoded.subarray(body.start, body.end))
  }

  private async append(bytes: Uint8Array): Promise<void> {
    if (!isShared(bytes)) await this.sink.write(bytes)
    else {
      this.piece ??= new Uint8Array(PIECE_BYTES)
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const length = Math.min(PIECE_BYTES, bytes.length - at)
        this.piece.set(bytes.subarray(at, at + length))
        await this.sink.write(this.piece.subarray(0, length))
      }
    }
    this.writtenBytes += bytes.length
  }
}

interface Group {
  readonly stream: StreamBuilder
  readonly dictionaries: DictionaryChooser | undefined
}

function footerOf(file: Uint8Array): Footer {
  const length = new DataView(file.buffer, file.byteOffset, file.length).getUint32(file.length - 8, true)
  // A copy: the footer is needed to the end, the file's memory is used again.
  const bytes = file.slice(file.length - 8 - length, file.length - 8)
  return guarded('an encoded row group', () => parseFooter(bytes, 'an encoded row group'))
}

function encodeError(fault: CodecFault): AlluviumError {
  const what = fault.outOfMemory ? 'the codec ran out of memory; choose a smaller rowGroupBytes' : fault.message
  return new AlluviumError(
    fault.outOfMemory ? 'LIMIT_EXCEEDED' : 'SCHEMA_MISMATCH',
    `cannot encode a row group: ${what}`,
    {},
    { cause: fault },
  )
}
