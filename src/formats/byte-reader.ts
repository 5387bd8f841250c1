// Bytes in order, by the length wanted: from a file by ranges, or from chunks of any size.
import type { ByteSource } from '../parquet/index.js'

/** Reads on and on. Fewer bytes than wanted mean that the input ended. */
export interface ByteReader {
  read(length: number): Promise<Uint8Array>
}

/** Reads a file from its beginning. */
export function sourceReader(source: ByteSource, signal: AbortSignal | undefined): ByteReader {
  let at = 0
  return {
    read: async (length) => {
      const bytes = await source.read(at, Math.min(length, source.sizeBytes - at), signal)
      at += bytes.length
      return bytes
    },
  }
}

/** Reads chunks as they come. What is answered is a copy of its own. */
export function chunkReader(chunks: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  return {
    read: async (length) => {
      const parts: Uint8Array[] = []
      let got = 0
      while (got < length) {
        if (rest.length === 0) {
          const next = await iterator.next()
          if (next.done === true) break
          rest = next.value
        }
        const part = rest.subarray(0, length - got)
        parts.push(part.slice())
        got += part.length
        rest = rest.subarray(part.length)
      }
      const all = new Uint8Array(got)
      let at = 0
      for (const part of parts) {
        all.set(part, at)
        at += part.length
      }
      return all
    },
  }
}
