// The contract of decoders of text formats, and what they share: chunks of any size into whole records. One rule: what
// a decoder answers depends on the bytes of the input, never on where a chunk ends.

import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/types.js'
import type { CellOptions } from './cell.js'
import { createObjectReader } from './create-cell.js'
import { alignedBytes, JsonScanner } from './json-scanner.js'
import type { ObjectReader } from './object-reader.js'
import { type BatchLimits, type DecodedBatch, RecordBatches } from './record-batches.js'

/** Turns a text input into batches. Not to be used on after an error was thrown. */
export interface Decoder {
  /** Ordinal of the next record: all before it are in batches already answered, under way, or skipped. */
  readonly nextRecord: number
  /**
   * Goes over all records before `ordinal` without reading them: an input that was consumed up to there is taken up
   * again. Call it before the first `push`. Faults of skipped records are not reported.
   */
  skipTo(ordinal: number): void
  /** Takes the next bytes of the input and answers the batches that are full. The chunk may be reused afterwards. */
  push(chunk: Uint8Array): DecodedBatch[]
  /** Answers the batch under way although it is not full. A record cut by the end of the last chunk stays under way. */
  flush(): DecodedBatch[]
  /** Takes note that the input is complete and answers all that is left. */
  end(): DecodedBatch[]
}

export interface DecoderOptions extends BatchLimits {
  /** Skip keys and header columns that the schema does not have, instead of refusing them. */
  readonly ignoreUnknown?: boolean
  /** A larger record is a fault of code `LIMIT_EXCEEDED`. Bytes, with the line end; default 16 MiB, at most 512 MiB. */
  readonly maxRecordBytes?: number
  /** What bare numbers in `timestamp` columns count, since 1970 in UTC; without it they are faults. */
  readonly timestampUnit?: 's' | 'ms' | 'us'
  /** `string` columns take JSON values that are no strings as their JSON text, instead of refusing them. */
  readonly jsonAsText?: boolean
  /** CSV: what separates fields, one ASCII character; default a comma. */
  readonly delimiter?: string
}

const DEFAULT_RECORD_BYTES = 16 * 1024 * 1024
const MAX_RECORD_BYTES = 512 * 1024 * 1024
/** Of a record beyond the limit so many bytes are kept for its fault. */
const RAW_BYTES_KEPT = 65_536
const BYTE_ORDER_MARK: Uint8Array = Uint8Array.of(0xef, 0xbb, 0xbf)

/** Frames records out of chunks. A format says where records end and what they mean. */
export abstract class TextFormatDecoder implements Decoder {
  protected readonly batches: RecordBatches
  protected readonly scan: JsonScanner
  protected readonly rows: ObjectReader
  protected readonly maxRecordBytes: number
  /** Records before this ordinal are not read. */
  protected skipUntil = 0
  private markBytes = 0
  private markDone = false
  private carry: Uint8Array = new Uint8Array(0)
  private carryLength = 0
  /** Bytes of the record under way; more than `carryLength` once it is beyond the limit. */
  private carriedBytes = 0
  private ended = false

  constructor(schema: StructType, options: DecoderOptions, newlineIsSpace: boolean) {
    this.batches = new RecordBatches(schema, options)
    this.scan = new JsonScanner(this.batches.faults, newlineIsSpace)
    this.rows = createObjectReader(this.batches.builder.columns, '', cellOptions(options))
    this.batches.use(this.rows)
    this.maxRecordBytes = options.maxRecordBytes ?? DEFAULT_RECORD_BYTES
    if (!(Number.isInteger(this.maxRecordBytes) && this.maxRecordBytes >= 1 && this.maxRecordBytes <= MAX_RECORD_BYTES)) {
      throw new AlluviumError('INVALID_OPTIONS', `maxRecordBytes must be a whole number from 1 to ${MAX_RECORD_BYTES}`, {
        option: 'maxRecordBytes',
      })
    }
  }

  get nextRecord(): number {
    return this.batches.ordinal
  }

  skipTo(ordinal: number): void {
    if (!Number.isSafeInteger(ordinal) || ordinal < 0) throw new RangeError(`skipTo wants the ordinal of a record, not ${ordinal}`)
    if (this.markDone || this.markBytes > 0) throw new TypeError('skipTo must be called before the first push')
    this.skipUntil = ordinal
  }

  push(chunk: Uint8Array): DecodedBatch[] {
    if (this.ended) throw new TypeError('push after end')
    const { bytes, start } = alignedBytes(chunk)
    let pos = this.markDone ? start : this.passMark(bytes, start)
    if (this.carriedBytes > 0) {
      const end = this.recordEnd(bytes, pos, bytes.length)
      this.keep(bytes, pos, end < 0 ? bytes.length : end)
      if (end < 0) return this.batches.take()
      this.readCarried()
      pos = end
    }
    pos = this.readRun(bytes, pos, bytes.length)
    this.keep(bytes, pos, bytes.length)
    return this.batches.take()
  }

  flush(): DecodedBatch[] {
    this.batches.flush()
    return this.batches.take()
  }

  end(): DecodedBatch[] {
    if (this.ended) throw new TypeError('end was called already')
    if (!this.markDone) this.keep(BYTE_ORDER_MARK, 0, this.markBytes)
    this.ended = true
    this.readLast(this.carriedBytes > 0)
    return this.flush()
  }

  /**
   * Index after the end of the record that `bytes[start, end)` begins or goes on with, its line end included, or -1 where
   * it does not end there. Keeps in mind what it saw: the next call goes on after `end`.
   */
  protected abstract recordEnd(bytes: Uint8Array, start: number, end: number): number
  /** Reads the whole records of `bytes[start, end)`; answers the start of the one that does not end there. */
  protected abstract readRun(bytes: Uint8Array, start: number, end: number): number
  /** Reads one whole record. */
  protected abstract readRecord(bytes: Uint8Array, start: number, end: number): void
  /** Line of the record under way, from 1. */
  protected abstract get line(): number
  /** The input is complete; `pending` says that a record has not ended, which {@link readCarried} reads. */
  protected abstract readLast(pending: boolean): void

  /** Reads the record under way as it is. */
  protected readCarried(): void {
    const size = this.carriedBytes
    const stored = this.carryLength
    this.carriedBytes = 0
    this.carryLength = 0
    this.readChecked(this.carry, 0, stored, size)
  }

  /** Counts the bytes under way, which are no record. */
  protected dropCarried(): void {
    this.batches.count(this.carriedBytes)
    this.carriedBytes = 0
    this.carryLength = 0
  }

  /** Reads the record `bytes[start, end)`, skips it, or lists that it is too large. */
  protected readChecked(bytes: Uint8Array, start: number, end: number, size: number = end - start): void {
    if (this.batches.ordinal < this.skipUntil) {
      this.batches.skip(1)
      return
    }
    if (size <= this.maxRecordBytes) this.readRecord(bytes, start, end)
    else this.tooLarge(bytes, start, end, size)
  }

  /** Lists a record of `size` bytes as too large, and nothing else about it; what it appended is dropped. */
  protected tooLarge(bytes: Uint8Array, start: number, end: number, size: number): void {
    this.batches.faults.take()
    this.batches.faults.add('', '', `a record of ${size} bytes, more than ${this.maxRecordBytes}`, 'LIMIT_EXCEEDED')
    this.batches.bad(size, this.line, bytes.subarray(start, Math.min(end, start + RAW_BYTES_KEPT)), true)
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    this.carriedBytes += end - start
    const kept = this.carriedBytes > this.maxRecordBytes ? Math.min(this.carriedBytes, RAW_BYTES_KEPT) : this.carriedBytes
    if (kept <= this.carryLength) return
    if (kept > this.carry.length) {
      const grown = new Uint8Array(Math.max(kept, this.carry.length * 2, 4096))
      grown.set(this.carry.subarray(0, this.carryLength))
      this.carry = grown
    }
    this.carry.set(bytes.subarray(start, start + kept - this.carryLength), this.carryLength)
    this.carryLength = kept
  }

  // Goes over a byte order mark, however it is cut. What only began like one is input.
  private passMark(bytes: Uint8Array, start: number): number {
    let pos = start
    while (pos < bytes.length && this.markBytes < 3) {
      if (bytes[pos] !== BYTE_ORDER_MARK[this.markBytes]) {
        this.markDone = true
        this.keep(BYTE_ORDER_MARK, 0, this.markBytes)
        return pos
      }
      pos++
      this.markBytes++
    }
    if (this.markBytes === 3) {
      this.markDone = true
      this.batches.count(3)
    }
    return pos
  }
}

/** `bytes[start, end)` without its line end. */
export function withoutLineEnd(bytes: Uint8Array, start: number, end: number): number {
  let stop = end
  if (stop > start && bytes[stop - 1] === 0x0a) stop--
  if (stop > start && bytes[stop - 1] === 0x0d) stop--
  return stop
}

function cellOptions(options: DecoderOptions): CellOptions {
  const { timestampUnit } = options
  if (timestampUnit !== undefined && !['s', 'ms', 'us'].includes(timestampUnit)) {
    throw new AlluviumError('INVALID_OPTIONS', `timestampUnit must be s, ms or us, not ${String(timestampUnit)}`, {
      option: 'timestampUnit',
    })
  }
  return { ignoreUnknown: options.ignoreUnknown === true, timestampUnit, jsonAsText: options.jsonAsText === true }
}
