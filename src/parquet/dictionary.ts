// Whether a column is worth a dictionary, from a sample of its values. A dictionary on distinct values costs half of
// the encoding time and gives nothing; one on repeated values saves most of the bytes.
import { type Data, DataType, type RecordBatch } from 'apache-arrow'

const SAMPLES = 4096
// Beyond this many bytes writers give a dictionary up in the middle of a chunk.
const MAX_DICTIONARY_BYTES = 1024 * 1024
// The estimated size with a dictionary must be below this share of the size without.
const WORTHWHILE = 0.7

/** Decides per top-level column; nested columns decide together, since the codec takes no nested paths. */
export function chooseDictionaries(batches: readonly RecordBatch[]): { dictionary: boolean; dictionaryOf: [string, boolean][] } {
  const dictionaryOf: [string, boolean][] = []
  const nested = { plain: 0, encoded: 0 }
  const numColumns = batches[0]?.numCols ?? 0
  for (let i = 0; i < numColumns; i++) {
    const column = batches.map((batch) => batch.data.children[i] as Data)
    const name = batches[0]?.schema.fields[i]?.name ?? ''
    if ((column[0]?.children.length ?? 0) === 0) {
      const size = estimate(column)
      dictionaryOf.push([name, size.encoded < size.plain * WORTHWHILE])
    } else {
      addNested(column, nested)
    }
  }
  return { dictionary: nested.encoded < nested.plain * WORTHWHILE, dictionaryOf }
}

function addNested(column: readonly Data[], total: { plain: number; encoded: number }): void {
  const children = column[0]?.children.length ?? 0
  if (children === 0) {
    const size = estimate(column)
    total.plain += size.plain
    total.encoded += Math.min(size.encoded, size.plain)
    return
  }
  for (let i = 0; i < children; i++)
    addNested(
      column.map((data) => data.children[i] as Data),
      total,
    )
}

/** Bytes of a leaf column without and with a dictionary, as far as a sample tells. */
function estimate(column: readonly Data[]): { plain: number; encoded: number } {
  let rows = 0
  for (const data of column) rows += data.length
  const first = column[0]
  if (first === undefined || rows === 0 || DataType.isBool(first.type) || DataType.isNull(first.type)) return { plain: 0, encoded: 0 }
  const seen = new Set<number>()
  const stride = Math.max(1, Math.floor(rows / SAMPLES))
  let samples = 0
  let bytes = 0
  let next = 0
  for (const data of column) {
    const hash = hasher(data)
    for (; next < data.length; next += stride) {
      if (!data.getValid(next)) continue
      seen.add(hash.of(next))
      bytes += hash.width(next)
      samples++
    }
    next -= data.length
  }
  if (samples === 0) return { plain: 0, encoded: 0 }
  const width = bytes / samples
  const distinct = Math.min(rows, estimateDistinct(seen.size, samples))
  const plain = rows * width
  if (distinct * width > MAX_DICTIONARY_BYTES) return { plain, encoded: plain * 1.1 }
  return { plain, encoded: distinct * width + (rows * Math.max(1, Math.ceil(Math.log2(distinct + 1)))) / 8 }
}

// Drawing n times from D equally frequent values shows D(1 - e^(-n/D)) of them; solved for D by bisection.
function estimateDistinct(seen: number, samples: number): number {
  if (seen >= samples * 0.98) return Number.POSITIVE_INFINITY
  let low = seen
  let high = samples * 64
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (middle * (1 - Math.exp(-samples / middle)) < seen) low = middle
    else high = middle
  }
  return high
}

interface Hasher {
  of(row: number): number
  width(row: number): number
}

function hasher(data: Data): Hasher {
  const { type } = data
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const values = data.values as Uint8Array
    const offsets = data.valueOffsets as Int32Array
    return {
      of: (row) => hashBytes(values, offsets[row] as number, offsets[row + 1] as number),
      width: (row) => 4 + (offsets[row + 1] as number) - (offsets[row] as number),
    }
  }
  const values = data.values as { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const width = data.length === 0 ? 1 : Math.max(1, Math.floor(bytes.length / data.length))
  const wide = Math.max(4, width)
  return { of: (row) => hashBytes(bytes, row * width, (row + 1) * width), width: () => wide }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start)
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash >>> 0
}
