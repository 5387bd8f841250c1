// The bytes of one deletion vector to a set of rows (PROTOCOL.md, "Deletion Vector Format", and the Roaring format
// specification). Rule: every count is checked against the bytes that are there before anything is made of it, and every
// container against itself, so that a set that comes out has exactly the positions it says.
import { BITS, CONTAINER_ROWS, type ContainerKind, DeletedRows, RUNS, VALUES } from './deleted-rows.js'

/** The bytes are no deletion vector; the message says why, without saying where they came from. */
export class VectorFault extends Error {}

const PORTABLE_MAGIC = 1681511377
/** The format before the portable one, which the protocol's inline example is in: bitmaps by number, each with its size. */
const NATIVE_MAGIC = 1681511376
const COOKIE_WITHOUT_RUNS = 12346
const COOKIE_WITH_RUNS = 12347
// A bitmap with runs has the offsets of its containers only from this many on.
const MIN_CONTAINERS_WITH_OFFSETS = 4
const MAX_VALUES = 4096
const BITS_BYTES = CONTAINER_ROWS / 8
const TWO_32 = 4_294_967_296
// Positions are exact up to 2^53, which no file reaches.
const MAX_KEY = 2 ** 21
// Containers of a file of 2^38 rows; more than this is no vector of any file.
const MAX_CONTAINERS = 2 ** 22

/** The set of rows in `bytes`, magic number first. @throws VectorFault */
export function parseRoaring(bytes: Uint8Array): DeletedRows {
  const reader = new Reader(bytes)
  const magic = reader.uint32()
  if (magic === PORTABLE_MAGIC) reader.portable()
  else if (magic === NATIVE_MAGIC) reader.native(true)
  else if (reader.isSwapped(NATIVE_MAGIC)) reader.native(false)
  else throw new VectorFault(`it begins with the number ${magic} and not with the magic number ${PORTABLE_MAGIC}`)
  return reader.finish()
}

class Reader {
  private readonly view: DataView
  private readonly length: number
  private at = 0
  private readonly first: number[] = []
  private readonly kind: ContainerKind[] = []
  private readonly start: number[] = []
  private readonly count: number[] = []
  private cardinality = 0

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.length = bytes.length
  }

  uint32(littleEndian = true): number {
    this.need(4)
    const value = this.view.getUint32(this.at, littleEndian)
    this.at += 4
    return value
  }

  isSwapped(magic: number): boolean {
    return this.view.getUint32(0) === magic
  }

  portable(): void {
    const buckets = this.uint32() + this.uint32() * TWO_32
    // A bucket has a key, and a bitmap of at least 8 bytes.
    if (buckets > (this.length - this.at) / 12) throw new VectorFault(`${buckets} bitmaps cannot lie in ${this.length} bytes`)
    let previous = -1
    for (let bucket = 0; bucket < buckets; bucket++) {
      const key = this.uint32()
      if (key <= previous) throw new VectorFault(`the keys of its bitmaps do not ascend (${previous}, then ${key})`)
      previous = key
      this.bitmap(key)
    }
  }

  native(littleEndian: boolean): void {
    const buckets = this.uint32(littleEndian)
    if (buckets > (this.length - this.at) / 12) throw new VectorFault(`${buckets} bitmaps cannot lie in ${this.length} bytes`)
    for (let key = 0; key < buckets; key++) {
      const size = this.uint32(littleEndian)
      this.need(size)
      const end = this.at + size
      this.bitmap(key)
      if (this.at !== end) throw new VectorFault(`bitmap ${key} takes ${this.at - end + size} bytes in place of ${size}`)
    }
  }

  finish(): DeletedRows {
    if (this.at !== this.length) throw new VectorFault(`its bitmaps end at byte ${this.at} of ${this.length}`)
    const containers = {
      first: Float64Array.from(this.first),
      kind: Uint8Array.from(this.kind),
      at: Int32Array.from(this.start),
      count: Int32Array.from(this.count),
    }
    return new DeletedRows(this.view, containers, this.cardinality)
  }

  private bitmap(key: number): void {
    if (key >= MAX_KEY) throw new VectorFault(`it holds row positions beyond 2^53 (bitmap ${key})`)
    const cookie = this.uint32()
    const withRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS
    if (!withRuns && cookie !== COOKIE_WITHOUT_RUNS) throw new VectorFault(`a bitmap begins with the unknown cookie ${cookie}`)
    const containers = withRuns ? (cookie >>> 16) + 1 : this.uint32()
    if (containers > CONTAINER_ROWS) throw new VectorFault(`a bitmap has ${containers} containers`)
    if (this.first.length + containers > MAX_CONTAINERS) throw new VectorFault(`it has more than ${MAX_CONTAINERS} containers`)
    const flagsAt = this.at
    if (withRuns) this.skip((containers + 7) >> 3)
    const headerAt = this.at
    this.skip(containers * 4)
    // The offsets repeat what the sizes of the containers say.
    if (!withRuns || containers >= MIN_CONTAINERS_WITH_OFFSETS) this.skip(containers * 4)
    let previous = -1
    for (let i = 0; i < containers; i++) {
      const high = this.view.getUint16(headerAt + i * 4, true)
      if (high <= previous) throw new VectorFault(`the keys of its containers do not ascend (${previous}, then ${high})`)
      previous = high
      const isRuns = withRuns && ((this.view.getUint8(flagsAt + (i >> 3)) >> (i & 7)) & 1) === 1
      const count = this.view.getUint16(headerAt + i * 4 + 2, true) + 1
      this.first.push(key * TWO_32 + high * CONTAINER_ROWS)
      if (isRuns) this.runs(count)
      else if (count <= MAX_VALUES) this.values(count)
      else this.bits(count)
    }
  }

  private values(count: number): void {
    const at = this.at
    this.container(VALUES, count, count * 2, count)
    for (let i = 1; i < count; i++) {
      const [before, value] = [this.view.getUint16(at + i * 2 - 2, true), this.view.getUint16(at + i * 2, true)]
      if (value <= before) throw new VectorFault(`the values of a container do not ascend (${before}, then ${value})`)
    }
  }

  private bits(count: number): void {
    const at = this.at
    this.container(BITS, count, BITS_BYTES, count)
    let found = 0
    for (let i = 0; i < BITS_BYTES; i += 4) found += bitCount(this.view.getUint32(at + i, true))
    if (found !== count) throw new VectorFault(`a container has ${found} positions in place of ${count}`)
  }

  private runs(count: number): void {
    this.need(2)
    const runs = this.view.getUint16(this.at, true)
    this.at += 2
    const at = this.at
    this.container(RUNS, runs, runs * 4, count)
    let found = 0
    let previousEnd = -1
    for (let i = 0; i < runs; i++) {
      const start = this.view.getUint16(at + i * 4, true)
      const end = start + this.view.getUint16(at + i * 4 + 2, true)
      if (start <= previousEnd || end >= CONTAINER_ROWS)
        throw new VectorFault(`the runs of a container overlap or leave it (${start} to ${end})`)
      found += end - start + 1
      previousEnd = end
    }
    if (found !== count) throw new VectorFault(`a container has ${found} positions in place of ${count}`)
  }

  private container(kind: ContainerKind, count: number, sizeBytes: number, cardinality: number): void {
    this.kind.push(kind)
    this.start.push(this.at)
    this.count.push(count)
    this.cardinality += cardinality
    this.skip(sizeBytes)
  }

  private skip(bytes: number): void {
    this.need(bytes)
    this.at += bytes
  }

  private need(bytes: number): void {
    if (bytes > this.length - this.at)
      throw new VectorFault(`it ends at byte ${this.length}, where ${bytes} more bytes are due at ${this.at}`)
  }
}

function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
