// Whether a column is worth a dictionary, from a sample of its values. A dictionary on distinct values costs half of
// the encoding time and gives nothing; one on repeated values saves most of the bytes.
import { type Data, DataType, type RecordBatch } from 'apache-arrow'

/** Values sampled from the first batch, from each of the next few, and from every later one: a row group of many batches costs little more. */
const FIRST_SAMPLES = 2048
const NEXT_SAMPLES = 512
const LATER_SAMPLES = 128
const NEXT_BATCHES = 4
// Twice this and writers give a dictionary up in the middle of a chunk; near it, looking values up costs more than it saves.
const MAX_DICTIONARY_BYTES = 512 * 1024
// The estimated size with a dictionary must be below this share of the size without.
const WORTHWHILE = 0.7

/** What is decided: per top-level column, and for nested columns together, since the codec takes no nested paths. */
export interface Dictionaries {
  readonly dictionary: boolean
  readonly dictionaryOf: readonly (readonly [name: string, enabled: boolean])[]
}

/** Looks at the batches of one row group as they come, then decides. */
export class DictionaryChooser {
  #columns: Column[] | undefined
  #batches = 0

  /** Samples a batch. All batches have the same columns. */
  add(batch: RecordBatch): void {
    this.#columns ??= batch.schema.fields.map(({ name }, i) => ({ name, nested: isNested(batch.data.children[i]), leaves: [] }))
    const seen = this.#batches++
    const samples = seen === 0 ? FIRST_SAMPLES : seen < NEXT_BATCHES ? NEXT_SAMPLES : LATER_SAMPLES
    this.#columns.forEach(({ leaves }, i) => {
      sample(batch.data.children[i] as Data, leaves, 0, samples)
    })
  }

  finish(): Dictionaries {
    const dictionaryOf: [string, boolean][] = []
    let plain = 0
    let encoded = 0
    for (const { name, nested, leaves } of this.#columns ?? []) {
      const sizes = leaves.map((leaf) => leaf.estimate())
      if (!nested) dictionaryOf.push([name, sizes.some((size) => size.encoded < size.plain * WORTHWHILE)])
      else {
        for (const size of sizes) {
          plain += size.plain
          encoded += Math.min(size.encoded, size.plain)
        }
      }
    }
    return { dictionary: encoded < plain * WORTHWHILE, dictionaryOf }
  }
}

interface Column {
  readonly name: string
  readonly nested: boolean
  readonly leaves: Leaf[]
}

function isNested(data: Data | undefined): boolean {
  return data !== undefined && data.children.length > 0
}

// Samples the leaves of a column, from the place `at` on in the list of leaves; answers the place after them.
function sample(data: Data, leaves: Leaf[], at: number, samples: number): number {
  if (data.children.length === 0) {
    const leaf = (leaves[at] ??= new Leaf())
    if (!DataType.isBool(data.type) && !DataType.isNull(data.type)) leaf.add(data, samples)
    return at + 1
  }
  let next = at
  for (const child of data.children) next = sample(child, leaves, next, samples)
  return next
}

/** The sample of one leaf column. */
class Leaf {
  readonly #seen = new Set<number>()
  #rows = 0
  #samples = 0
  #bytes = 0

  add(data: Data, samples: number): void {
    this.#rows += data.length
    const { type, length, nullCount } = data
    const stride = Math.max(1, Math.floor(length / samples))
    const texts = DataType.isUtf8(type) || DataType.isBinary(type)
    const values = bytesOf(data.values)
    const offsets = data.valueOffsets as Int32Array
    const width = length === 0 ? 1 : Math.max(1, Math.floor(values.length / length))
    for (let row = 0; row < length; row += stride) {
      if (nullCount > 0 && !data.getValid(row)) continue
      const start = texts ? (offsets[row] as number) : row * width
      const end = texts ? (offsets[row + 1] as number) : start + width
      this.#seen.add(hashBytes(values, start, end))
      this.#bytes += texts ? 4 + end - start : Math.max(4, width)
      this.#samples++
    }
  }

  /** Bytes without and with a dictionary, as far as the sample tells. */
  estimate(): { plain: number; encoded: number } {
    const rows = this.#rows
    if (this.#samples === 0) return { plain: 0, encoded: 0 }
    const width = this.#bytes / this.#samples
    const distinct = Math.min(rows, estimateDistinct(this.#seen.size, this.#samples))
    const plain = rows * width
    if (distinct * width > MAX_DICTIONARY_BYTES) return { plain, encoded: plain * 1.1 }
    return { plain, encoded: distinct * width + (rows * Math.max(1, Math.ceil(Math.log2(distinct + 1)))) / 8 }
  }
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

function bytesOf(values: Data['values']): Uint8Array {
  const { buffer, byteOffset, byteLength } = values as { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }
  return new Uint8Array(buffer, byteOffset, byteLength)
}

// A signed 32-bit hash: the engine keeps those without an allocation each.
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start)
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash
}
