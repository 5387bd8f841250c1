// What a compressed page really unpacks to, where the codec would not stop at what its header claims. A page that claims
// little and unpacks to gigabytes must not reach the codec: its memory cannot be bounded from outside.
// One rule: nothing is kept of what is unpacked here, and pages that cannot do harm are not looked at.
import { nodeModule } from '../runtime.js'

const GZIP = 2
const BROTLI = 4
const ZSTD = 6
/** More than this beyond its claim is taken for a bomb, less for a writer that counts otherwise. */
const TOLERATED_BYTES = 32 * 2 ** 20
const MAX_GZIP_RATIO = 1032
const ZSTD_MAGIC = 0xfd2fb528
const ZSTD_BLOCK_BYTES = 128 * 1024

interface Zlib {
  gunzipSync(bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): unknown
  brotliDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): unknown
}

/**
 * Whether the body of a page unpacks to far more than `claimedBytes`. Snappy and LZ4 cannot: the codec takes their claim at
 * its word. Gzip and Brotli are only looked into in Node, which can stop in the middle; elsewhere the answer is no.
 */
export function unpacksBeyond(codec: number, body: Uint8Array, claimedBytes: number): boolean {
  if (codec === ZSTD) return zstdBound(body) > claimedBytes + TOLERATED_BYTES
  if (codec !== GZIP && codec !== BROTLI) return false
  if (codec === GZIP && body.length * MAX_GZIP_RATIO <= claimedBytes + TOLERATED_BYTES) return false
  const zlib = nodeModule<Zlib>('zlib')
  if (zlib === undefined) return false
  const options = { maxOutputLength: claimedBytes + TOLERATED_BYTES, chunkSize: 2 ** 18 }
  try {
    if (codec === GZIP) zlib.gunzipSync(body, options)
    else zlib.brotliDecompressSync(body, options)
    return false
  } catch (error) {
    // Anything else that is wrong with the bytes is the codec's to say.
    return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
  }
}

/** The most that zstd frames can unpack to, from the headers of their blocks alone; what is malformed ends the count. */
export function zstdBound(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let bound = 0
  while (at + 4 <= bytes.length) {
    const magic = view.getUint32(at, true)
    if (magic >>> 4 === 0x184d2a5 && at + 8 <= bytes.length) at += 8 + view.getUint32(at + 4, true)
    else if (magic === ZSTD_MAGIC && at + 5 <= bytes.length) {
      const descriptor = bytes[at + 4] as number
      const single = (descriptor >> 5) & 1
      const sizeFlag = descriptor >> 6
      at += 5 + (1 - single) + ([0, 1, 2, 4][descriptor & 3] as number) + (sizeFlag === 0 ? single : 1 << sizeFlag)
      for (let last = 0; last === 0; ) {
        if (at + 3 > bytes.length) return bound
        const header = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
        last = header & 1
        const kind = (header >> 1) & 3
        const size = header >> 3
        // Raw bytes, one byte repeated, or compressed.
        bound += kind === 2 ? ZSTD_BLOCK_BYTES : size
        at += 3 + (kind === 1 ? 1 : size)
      }
      if (((descriptor >> 2) & 1) === 1) at += 4
    } else return bound
  }
  return bound
}
