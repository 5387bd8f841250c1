// Texts interned by their UTF-8 bytes: equal bytes get equal ids, an id never changes. Texts come out as strings only
// once each, whatever the number of rows that carry them. Also home of the byte hash of the log's columns.
import { decodeUtf8, encodeUtf8 } from '../bytes.js'

/** A 32-bit hash of `bytes[start, end)`. Mixing follows MurmurHash3 (public domain algorithm), four bytes a step. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed | 0
  let at = start
  for (const last = end - 3; at < last; at += 4) {
    const k =
      (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
    hash = step(hash, k)
  }
  let rest = 0
  for (let shift = 0; at < end; at++, shift += 8) rest |= (bytes[at] as number) << shift
  return finish(step(hash, rest) ^ (end - start))
}

/** {@link hashBytes} over a view of the bytes, faster. */
export function hashView(view: DataView, start: number, end: number, seed: number): number {
  let hash = seed | 0
  let at = start
  for (const last = end - 3; at < last; at += 4) hash = step(hash, view.getInt32(at, true))
  let rest = 0
  for (let shift = 0; at < end; at++, shift += 8) rest |= view.getUint8(at) << shift
  return finish(step(hash, rest) ^ (end - start))
}

function finish(mixed: number): number {
  const hash = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  const again = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return again ^ (again >>> 16)
}

function step(hash: number, k: number): number {
  const mixed = Math.imul(k, 0xcc9e2d51)
  const h = hash ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

/** Whether two byte ranges of equal length hold the same bytes. */
export function sameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

/** Slots looked at for one text. Honest texts hardly ever meet so many others in a row. */
const MAX_PROBES = 64

/** Ids for byte strings. Id 0 stands for "no value at all" and reads as null. */
export class ByteDictionary {
  /** The texts by id; several ids may be null (no value, and an explicit null). */
  readonly values: (string | null)[] = [null]
  private bytes: Uint8Array = new Uint8Array(256)
  private starts: Int32Array = new Int32Array(16)
  private slots: Int32Array = new Int32Array(16)
  private nullId = 0
  private lastId = 0
  // Texts that found no place among the slots: texts made to collide would otherwise cost their number squared.
  private readonly crowded: Map<string, number> = new Map()
  // Which id came after which the last time: values of neighbouring files repeat, or take turns.
  private followers: Int32Array = new Int32Array(16)
  // Whether every text here stands in JSON as its own bytes.
  private plain = true

  /**
   * The id of the text that starts at `at` and is followed by a quote, if it is the one that is to be expected; else 0.
   * For readers of JSON, who need not look for the quote then: the text ends after {@link lengthOf} bytes.
   */
  expected(source: Uint8Array, at: number): number {
    const id = this.followers[this.lastId] as number
    if (id === 0 || !this.plain) return 0
    const from = this.starts[id] as number
    const length = (this.starts[id + 1] as number) - from
    // Reading beyond the end gives undefined, which equals no byte.
    if (source[at + length] !== 0x22 || !sameBytes(this.bytes, from, source, at, length)) return 0
    this.lastId = id
    return id
  }

  /** Bytes of a text. */
  lengthOf(id: number): number {
    return (this.starts[id + 1] as number) - (this.starts[id] as number)
  }

  /** Where a text begins in {@link texts}. */
  startOf(id: number): number {
    return this.starts[id] as number
  }

  /** The bytes of all texts: a view that must not be written to, until the next text comes. */
  get texts(): Uint8Array {
    return this.bytes
  }

  /** The id of `source[start, end)`, given at its first sight. */
  intern(source: Uint8Array, start: number, end: number): number {
    let slot = hashBytes(source, start, end, 0) & (this.slots.length - 1)
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const id = this.slots[slot] as number
      if (id === 0) break
      if (this.equals(id, source, start, end)) return this.follow(id)
      slot = (slot + 1) & (this.slots.length - 1)
    }
    const crowded = this.crowded.size === 0 ? undefined : this.crowded.get(decodeUtf8(source, start, end))
    return this.follow(crowded ?? this.insert(source, start, end))
  }

  /** {@link intern} for values in the order of their files: what followed the last value before is looked at first. */
  internNext(source: Uint8Array, start: number, end: number): number {
    const id = this.followers[this.lastId] as number
    if (id === 0 || !this.equals(id, source, start, end)) return this.intern(source, start, end)
    this.lastId = id
    return id
  }

  internText(text: string): number {
    const bytes = encodeUtf8(text)
    return this.intern(bytes, 0, bytes.length)
  }

  /** The id of an explicit null. */
  internNull(): number {
    if (this.nullId === 0) this.nullId = this.append(null, 0)
    return this.nullId
  }

  private follow(id: number): number {
    this.followers[this.lastId] = id
    this.lastId = id
    return id
  }

  private equals(id: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.starts[id] as number
    const length = end - start
    if ((this.starts[id + 1] as number) - from !== length || id === this.nullId) return false
    return sameBytes(this.bytes, from, source, start, length)
  }

  private insert(source: Uint8Array, start: number, end: number): number {
    const from = this.starts[this.values.length] as number
    const length = end - start
    if (from + length > this.bytes.length) this.bytes = enlarged(this.bytes, from + length)
    for (let i = 0; i < length; i++) this.bytes[from + i] = source[start + i] as number
    // Wherever it comes from: a checkpoint has texts that JSON would escape.
    this.plain &&= isPlain(this.bytes.subarray(from, from + length))
    const id = this.append(decodeUtf8(source, start, end), length)
    if (this.values.length * 2 > this.slots.length) this.rehash()
    else this.place(id)
    return id
  }

  private append(value: string | null, length: number): number {
    const id = this.values.length
    this.values.push(value)
    if (id + 2 > this.starts.length) {
      const starts = new Int32Array(this.starts.length * 2)
      starts.set(this.starts)
      this.starts = starts
      const followers = new Int32Array(starts.length)
      followers.set(this.followers)
      this.followers = followers
    }
    this.starts[id + 1] = (this.starts[id] as number) + length
    return id
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 4)
    for (let id = 1; id < this.values.length; id++) if (id !== this.nullId) this.place(id)
  }

  private place(id: number): void {
    let slot = hashBytes(this.bytes, this.starts[id] as number, this.starts[id + 1] as number, 0) & (this.slots.length - 1)
    let probes = 0
    while (this.slots[slot] !== 0 && ++probes < MAX_PROBES) slot = (slot + 1) & (this.slots.length - 1)
    if (this.slots[slot] === 0) this.slots[slot] = id
    else this.crowded.set(this.values[id] as string, id)
  }
}

/** Whether bytes stand for themselves in a JSON string. */
export function isPlain(bytes: Uint8Array): boolean {
  return bytes.every((c) => c >= 0x20 && c !== 0x22 && c !== 0x5c)
}

function enlarged(bytes: Uint8Array, needed: number): Uint8Array {
  const larger = new Uint8Array(Math.max(bytes.length * 2, needed))
  larger.set(bytes)
  return larger
}
