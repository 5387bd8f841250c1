// Parquet's hybrid of run lengths and bit-packed groups, in which levels and dictionary numbers are written. Every run is
// checked against the bytes that are there and the values that are wanted.

/** Levels are small: they are read by the byte. False where the bytes end too early or a level is greater than `max`. */
export function readLevels(bytes: Uint8Array, at: number, end: number, max: number, out: Uint8Array, from: number, to: number): boolean {
  const width = 32 - Math.clz32(max)
  const cursor = { at }
  for (let i = from; i < to; ) {
    const head = readVarint(bytes, cursor, end)
    if (head < 0) return false
    if ((head & 1) === 0) {
      const level = bytes[cursor.at] as number
      const length = head >>> 1
      if (cursor.at++ >= end || level > max || length === 0) return false
      out.fill(level, i, Math.min(to, i + length))
      i += length
      continue
    }
    const groups = head >>> 1
    if (groups === 0 || (cursor.at + groups * width > end && cursor.at + Math.ceil(((to - i) * width) / 8) > end)) return false
    const stop = Math.min(to, i + groups * 8)
    const start = cursor.at * 8
    for (let n = i; n < stop; n++) {
      const bit = start + (n - i) * width
      const pair = (bytes[bit >> 3] as number) | ((bytes[(bit >> 3) + 1] ?? 0) << 8)
      const level = (pair >> (bit & 7)) & ((1 << width) - 1)
      if (level > max) return false
      out[n] = level
    }
    cursor.at += groups * width
    i += groups * 8
  }
  return true
}

/** Whether all `count` levels are `level`, told by a single run. */
export function isOneRun(bytes: Uint8Array, at: number, end: number, level: number, count: number): boolean {
  const cursor = { at }
  const head = readVarint(bytes, cursor, end)
  return head >= 0 && (head & 1) === 0 && head >>> 1 >= count && cursor.at < end && bytes[cursor.at] === level
}

/** Dictionary numbers of at most 24 bits, below `limit`. False where the bytes end too early or a number is too great. */
export function readNumbers(
  bytes: Uint8Array,
  at: number,
  end: number,
  width: number,
  limit: number,
  out: Int32Array,
  from: number,
  to: number,
): boolean {
  const cursor = { at }
  const mask = 2 ** width - 1
  for (let i = from; i < to; ) {
    const head = readVarint(bytes, cursor, end)
    if (head < 0) return false
    const stop = Math.min(to, i + (head & 1 ? (head >>> 1) * 8 : head >>> 1))
    if (stop === i) return false
    if ((head & 1) === 0) {
      const size = (width + 7) >> 3
      if (cursor.at + size > end) return false
      let value = 0
      for (let k = 0; k < size; k++) value |= (bytes[cursor.at++] as number) << (8 * k)
      if (value >= limit) return false
      out.fill(value, i, stop)
    } else {
      if (cursor.at + Math.ceil(((stop - i) * width) / 8) > end) return false
      let held = 0
      let bits = 0
      let next = cursor.at
      for (let n = i; n < stop; n++) {
        while (bits < width) {
          held |= (bytes[next++] as number) << bits
          bits += 8
        }
        const value = held & mask
        held >>>= width
        bits -= width
        if (value >= limit) return false
        out[n] = value
      }
      cursor.at += (head >>> 1) * width
    }
    i = stop
  }
  return true
}

function readVarint(bytes: Uint8Array, cursor: { at: number }, end: number): number {
  let value = 0
  for (let unit = 1; unit <= 2 ** 28; unit *= 128) {
    if (cursor.at >= end) return -1
    const byte = bytes[cursor.at++] as number
    value += (byte & 0x7f) * unit
    if (byte < 0x80) return value < 2 ** 31 ? value : -1
  }
  return -1
}
