// Puts many rows into the open-addressing index of the file table at once. One by one they would touch memory all over the
// index; sorted by the part of it where they belong, they stay within the processor's caches. Rule: rows of one key are put in
// in their order, as they would be one by one.
import { CHUNK_BITS, CHUNK_MASK, type RowChunk } from './row-chunk.js'

/** Parts of the index, as a power of two. */
const PART_BITS = 8

/** The index as it is filled. */
export interface KeySlots {
  /** Row numbers plus one; 0 is a free slot. A power of two long, with room for every row. */
  readonly slots: Int32Array
  readonly chunks: readonly RowChunk[]
  readonly maxProbes: number
  /** A row that meets one of its own hash, or no free slot: the slot that it was put into, or -1. */
  meet(row: number): number
}

/** Rows `[first, end)`, which the index does not know; it is empty if `isEmpty`. Answers how many were put in without meeting another. */
export function indexRows({ slots, chunks, maxProbes, meet }: KeySlots, first: number, end: number, isEmpty: boolean): number {
  const mask = slots.length - 1
  const shift = Math.max(0, 31 - Math.clz32(slots.length) - PART_BITS)
  const { rows, keys } = sorted(chunks, first, end, mask, shift)
  // Hashes beside the slots, so that other rows need not be looked up.
  const known = new Int32Array(isEmpty ? slots.length : 0)
  const hashAt = (slot: number, other: number): number =>
    isEmpty ? (known[slot] as number) : ((chunks[other >>> CHUNK_BITS] as RowChunk).hash[other & CHUNK_MASK] as number)
  let fresh = 0
  for (let n = 0; n < rows.length; n++) {
    const key = keys[n] as number
    let slot = key & mask
    let other = (slots[slot] as number) - 1
    for (let probes = 1; other >= 0 && probes < maxProbes && hashAt(slot, other) !== key; probes++) {
      slot = (slot + 1) & mask
      other = (slots[slot] as number) - 1
    }
    if (other < 0) {
      slots[slot] = (rows[n] as number) + 1
      fresh++
    } else slot = meet(rows[n] as number)
    if (isEmpty && slot >= 0) known[slot] = key
  }
  return fresh
}

// The rows by the part of the index where they begin to look, and their hashes; in their order within a part.
function sorted(
  chunks: readonly RowChunk[],
  first: number,
  end: number,
  mask: number,
  shift: number,
): { rows: Int32Array; keys: Int32Array } {
  const places = new Int32Array((mask >>> shift) + 2)
  eachPart(chunks, first, end, (hash, from, to) => {
    for (let i = from; i < to; i++) places[(((hash[i] as number) & mask) >>> shift) + 1]!++
  })
  for (let part = 1; part < places.length; part++) places[part] = (places[part] as number) + (places[part - 1] as number)
  const rows = new Int32Array(end - first)
  const keys = new Int32Array(end - first)
  eachPart(chunks, first, end, (hash, from, to, base) => {
    for (let i = from; i < to; i++) {
      const key = hash[i] as number
      const part = (key & mask) >>> shift
      const place = places[part] as number
      places[part] = place + 1
      rows[place] = base + i
      keys[place] = key
    }
  })
  return { rows, keys }
}

function eachPart(
  chunks: readonly RowChunk[],
  first: number,
  end: number,
  visit: (hash: Int32Array, from: number, to: number, base: number) => void,
): void {
  for (let row = first; row < end; ) {
    const base = row & ~CHUNK_MASK
    const to = Math.min(end - base, CHUNK_MASK + 1)
    visit((chunks[row >>> CHUNK_BITS] as RowChunk).hash, row & CHUNK_MASK, to, base)
    row = base + to
  }
}
