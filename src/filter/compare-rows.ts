// One leaf of a filter over one column of a batch. Rule: one loop a layout over typed arrays; no bigint, string or object
// is made for a row.
import type { Data } from 'apache-arrow'
import { type BoundCompare, type BoundIn, type BoundLike, TRUE } from './bound.js'
import { type ByteRows, byteRows, type Layout, layoutOf } from './column-data.js'
import type { Domain, Key } from './domain.js'

/** The leaves that look at values of one column. */
export type ValueLeaf = BoundCompare | BoundIn | BoundLike

/**
 * Writes the truth of every row; rows that are null get anything, to be marked afterwards.
 * @throws TypeError when the data is not laid out as the column's type is: the batch was not conformed.
 */
export function compareRows(leaf: ValueLeaf, data: Data, out: Uint8Array): void {
  const layout = layoutOf(data.type)
  if (layout === 'null') return
  checkLayout(leaf, data, layout)
  if (leaf.kind === 'like') matchBytes(leaf, byteRows(data) as ByteRows, out)
  else if (leaf.kind === 'compare') compareOne(leaf, data, layout, out)
  else findAny(leaf, data, layout, out)
}

const LAYOUTS: Readonly<Record<Domain, readonly Layout[]>> = {
  int: ['number', 'int64'],
  long: ['number', 'int64'],
  double: ['number'],
  decimal: ['decimal'],
  text: ['bytes'],
  binary: ['bytes'],
  boolean: ['boolean'],
}

function checkLayout(leaf: ValueLeaf, data: Data, layout: Layout): void {
  const { type, domain, path } = leaf.column
  const scaleFits = type.type !== 'decimal' || (data.type as { scale?: number }).scale === type.scale
  if (domain !== undefined && LAYOUTS[domain].includes(layout) && scaleFits) return
  throw new TypeError(
    `column ${path.join('.')} of the batch is ${data.type}, not ${type.type}: conform the batch to the table's schema before filtering`,
  )
}

function compareOne(leaf: BoundCompare, data: Data, layout: Layout, out: Uint8Array): void {
  switch (layout) {
    case 'number':
      compareNumbers(leaf, data.values as Float64Array, out)
      break
    case 'int64':
      compareInt64(leaf, halves(data.values as unknown as BigInt64Array), out)
      break
    case 'decimal':
      compareDecimal(leaf, data.values as unknown as Uint32Array, out)
      break
    case 'boolean':
      compareBooleans(leaf, data.values as Uint8Array, data.offset, out)
      break
    default:
      compareBytesRows(leaf, byteRows(data) as ByteRows, out)
      break
  }
}

function compareNumbers({ key, below, at, above }: BoundCompare, values: ArrayLike<number>, out: Uint8Array): void {
  const k = Number(key)
  const n = out.length
  if (Number.isNaN(k)) {
    for (let i = 0; i < n; i++) out[i] = Number.isNaN(values[i]) ? at : below
    return
  }
  // A NaN is neither below nor at, so it falls to above, where NaN belongs.
  for (let i = 0; i < n; i++) {
    const v = values[i] as number
    out[i] = v < k ? below : v === k ? at : above
  }
}

/** A 64-bit column as pairs of words, low word first. */
function halves(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
}

function highWord(key: Key): number {
  return Number(BigInt.asIntN(32, BigInt(key as bigint) >> 32n))
}

function lowWord(key: Key): number {
  return Number(BigInt.asUintN(32, BigInt(key as bigint)))
}

function compareInt64({ key, below, at, above }: BoundCompare, words: Int32Array, out: Uint8Array): void {
  const high = highWord(key)
  const low = lowWord(key)
  const n = out.length
  for (let i = 0; i < n; i++) {
    const h = words[2 * i + 1] as number
    if (h !== high) out[i] = h < high ? below : above
    else {
      const l = (words[2 * i] as number) >>> 0
      out[i] = l < low ? below : l === low ? at : above
    }
  }
}

function compareDecimal({ key, below, at, above }: BoundCompare, words: Uint32Array, out: Uint8Array): void {
  const [k0, k1, k2, k3] = decimalWords(key)
  const n = out.length
  for (let i = 0; i < n; i++) {
    const w = 4 * i
    const w3 = (words[w + 3] as number) | 0
    if (w3 !== k3) out[i] = w3 < k3 ? below : above
    else if (words[w + 2] !== k2) out[i] = (words[w + 2] as number) < k2 ? below : above
    else if (words[w + 1] !== k1) out[i] = (words[w + 1] as number) < k1 ? below : above
    else out[i] = (words[w] as number) < k0 ? below : words[w] === k0 ? at : above
  }
}

/** The words of a 128-bit integer, lowest first; the last one signed. */
function decimalWords(key: Key): [number, number, number, number] {
  const value = BigInt(key as bigint)
  return [lowWord(value), lowWord(value >> 32n), lowWord(value >> 64n), highWord(value >> 64n)]
}

function compareBooleans({ key, below, at, above }: BoundCompare, bits: Uint8Array, offset: number, out: Uint8Array): void {
  const whenFalse = key === 0 ? at : below
  const whenTrue = key === 0 ? above : at
  for (let i = 0; i < out.length; i++) {
    const bit = offset + i
    out[i] = ((bits[bit >> 3] as number) >> (bit & 7)) & 1 ? whenTrue : whenFalse
  }
}

function compareBytesRows(leaf: BoundCompare, { bytes, starts }: ByteRows, out: Uint8Array): void {
  const { below, at, above } = leaf
  const key = leaf.key as Uint8Array
  const length = key.length
  const orderMatters = below !== above
  for (let i = 0; i < out.length; i++) {
    const start = starts[i] as number
    const size = (starts[i + 1] as number) - start
    if (!orderMatters && size !== length) {
      out[i] = below
      continue
    }
    const shorter = Math.min(size, length)
    let j = 0
    while (j < shorter && bytes[start + j] === key[j]) j++
    if (j < shorter) out[i] = (bytes[start + j] as number) < (key[j] as number) ? below : above
    else out[i] = size < length ? below : size === length ? at : above
  }
}

function matchBytes({ pattern }: BoundLike, { bytes, starts }: ByteRows, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) out[i] = pattern.matches(bytes, starts[i] as number, starts[i + 1] as number) ? 2 : 0
}

function findAny(leaf: BoundIn, data: Data, layout: Layout, out: Uint8Array): void {
  switch (layout) {
    case 'number':
      findNumbers(leaf, data.values as Float64Array, out)
      break
    case 'int64':
      findInt64(leaf, halves(data.values as unknown as BigInt64Array), out)
      break
    case 'bytes':
      findBytes(leaf, byteRows(data) as ByteRows, out)
      break
    default: {
      // Booleans have two values, and long lists of decimals are rare: a pass for each key.
      out.fill(leaf.miss)
      const pass = new Uint8Array(out.length)
      for (const key of leaf.keys) {
        compareOne({ kind: 'compare', column: leaf.column, key, below: 0, at: TRUE, above: 0 }, data, layout, pass)
        for (let i = 0; i < out.length; i++) if (pass[i] === TRUE) out[i] = TRUE
      }
    }
  }
}

function findNumbers({ keys, miss }: BoundIn, values: ArrayLike<number>, out: Uint8Array): void {
  // A Set finds NaN and takes -0 for 0, as filters do.
  const set = new Set(keys.map(Number))
  for (let i = 0; i < out.length; i++) out[i] = set.has(values[i] as number) ? TRUE : miss
}

function findInt64({ keys, miss }: BoundIn, words: Int32Array, out: Uint8Array): void {
  const byHigh = new Map<number, Set<number>>()
  for (const key of keys) {
    const high = highWord(key)
    const lows = byHigh.get(high)
    if (lows === undefined) byHigh.set(high, new Set([lowWord(key)]))
    else lows.add(lowWord(key))
  }
  for (let i = 0; i < out.length; i++) {
    const lows = byHigh.get(words[2 * i + 1] as number)
    out[i] = lows?.has((words[2 * i] as number) >>> 0) ? TRUE : miss
  }
}

function findBytes({ keys, miss }: BoundIn, { bytes, starts }: ByteRows, out: Uint8Array): void {
  const byHash = new Map<number, Uint8Array[]>()
  for (const key of keys as readonly Uint8Array[]) {
    const hash = hashBytes(key, 0, key.length)
    const bucket = byHash.get(hash)
    if (bucket === undefined) byHash.set(hash, [key])
    else bucket.push(key)
  }
  for (let i = 0; i < out.length; i++) {
    const start = starts[i] as number
    const end = starts[i + 1] as number
    const bucket = byHash.get(hashBytes(bytes, start, end))
    out[i] = bucket?.some((key) => isAt(key, bytes, start, end)) ? TRUE : miss
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash
}

function isAt(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
