// Zstandard frames for others than Parquet: as the one page of a column of bits, which is how the column kernel takes bytes.
// Frames with checksums or in several parts are not the kernel's; Node's own decoder reads them where it has one (from 22.15 on).

import { concatBytes } from '../bytes.js'
import { nodeModule } from '../runtime.js'
import { decodeColumn } from './kernel/column.js'
import { ThriftWriter } from './thrift.js'
import { zstdBound } from './unpacked.js'

/** Parquet's number of the codec. */
const ZSTD = 6
/** The kernel's number of a column of bits. */
const BITS = 0
const MAX_BYTES = 2 ** 27

interface Zlib {
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array
}

/**
 * What a frame holds. Memory is bounded by `sizeBytes`, and that by what the frame can hold at most.
 * @param sizeBytes of the content, as known from elsewhere
 * @throws Error where the frame does not hold exactly that; `undefined` is answered for frames that nobody here can read
 */
export function unzstd(frame: Uint8Array, sizeBytes: number): Uint8Array | undefined {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > zstdBound(frame)) {
    throw new Error(`a zstd frame of ${frame.length} bytes cannot hold ${sizeBytes}`)
  }
  if (sizeBytes === 0) return new Uint8Array(0)
  return inKernel(frame, sizeBytes) ?? inNode(frame, sizeBytes)
}

function inKernel(frame: Uint8Array, sizeBytes: number): Uint8Array | undefined {
  if (sizeBytes > MAX_BYTES) return undefined
  const header = new ThriftWriter()
  header.beginStruct()
  header.int32(1, 0)
  header.int32(2, sizeBytes)
  header.int32(3, frame.length)
  header.beginStruct(5)
  header.int32(1, sizeBytes * 8)
  for (const [id, encoding] of [
    [2, 0],
    [3, 3],
    [4, 3],
  ] as const) {
    header.int32(id, encoding)
  }
  header.endStruct()
  header.endStruct()
  const numRows = sizeBytes * 8
  const column = { codec: ZSTD, kind: BITS, width: 0, typeLength: 0, maxLevel: 0, numRows, batchRows: numRows, maxBytes: 0 }
  return decodeColumn(concatBytes([header.finish(), frame]), column)?.[0]?.values.subarray(0, sizeBytes)
}

function inNode(frame: Uint8Array, sizeBytes: number): Uint8Array | undefined {
  const zlib = nodeModule<Zlib>('zlib')
  if (zlib?.zstdDecompressSync === undefined) return undefined
  const content = zlib.zstdDecompressSync(frame, { maxOutputLength: sizeBytes })
  if (content.length !== sizeBytes) throw new Error(`a zstd frame that should hold ${sizeBytes} bytes holds ${content.length}`)
  return new Uint8Array(content.buffer, content.byteOffset, content.length)
}
