// Deletion vectors written by the letter of the format, to be read by the library: an encoder of its own, with every kind
// of container by choice.
import { crc32 } from 'node:zlib'

/** How a container is kept: by the size of its content, as ranges, or (from 4,097 values on there is no choice) as it must. */
export type Choice = 'plain' | 'runs'

const PORTABLE_MAGIC = 1681511377

/** The bytes of a vector, magic number first. Positions in any order, each once. */
export function vectorBytes(positions: Iterable<number>, choose: (container: number) => Choice = () => 'plain'): Buffer {
  const buckets = new Map<number, Map<number, number[]>>()
  for (const position of [...positions].sort((a, b) => a - b)) {
    const key = Math.floor(position / 2 ** 32)
    const low = position % 2 ** 32
    const bucket = buckets.get(key) ?? new Map<number, number[]>()
    buckets.set(key, bucket)
    const container = Math.floor(low / 65_536)
    const values = bucket.get(container) ?? []
    bucket.set(container, values)
    values.push(low % 65_536)
  }
  const parts = [u32(PORTABLE_MAGIC), u64(buckets.size)]
  for (const [key, bucket] of buckets) parts.push(u32(key), roaringBytes(bucket, choose))
  return Buffer.concat(parts)
}

/** A 32-bit bitmap in the Roaring interchange format. */
export function roaringBytes(containers: ReadonlyMap<number, readonly number[]>, choose: (container: number) => Choice): Buffer {
  const all = [...containers].map(([key, values]) => ({ key, values, runs: choose(key) === 'runs' }))
  const withRuns = all.some((container) => container.runs)
  const head: Buffer[] = []
  if (withRuns) {
    const flags = Buffer.alloc((all.length + 7) >> 3)
    all.forEach((container, i) => {
      if (container.runs) flags[i >> 3] = (flags[i >> 3] as number) | (1 << (i & 7))
    })
    head.push(u32(((all.length - 1) << 16) | 12347), flags)
  } else head.push(u32(12346), u32(all.length))
  for (const { key, values } of all) head.push(u16(key), u16(values.length - 1))
  const bodies = all.map(({ values, runs }) =>
    runs ? runBytes(values) : values.length <= 4096 ? Buffer.concat(values.map(u16)) : bitBytes(values),
  )
  if (!withRuns || all.length >= 4) {
    let at = Buffer.concat(head).length + all.length * 4
    for (const body of bodies) {
      head.push(u32(at))
      at += body.length
    }
  }
  return Buffer.concat([...head, ...bodies])
}

/** A file of vectors; answers the offset of each. */
export function vectorFile(...vectors: readonly Buffer[]): { bytes: Buffer; offsets: number[] } {
  const parts: Buffer[] = [Buffer.of(1)]
  const offsets: number[] = []
  for (const vector of vectors) {
    offsets.push(Buffer.concat(parts).length)
    parts.push(be32(vector.length), vector, be32(crc32(vector)))
  }
  return { bytes: Buffer.concat(parts), offsets }
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** The Z85 text of bytes, padded with zeros to whole groups. */
export function z85(bytes: Uint8Array): string {
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  let text = ''
  for (let at = 0; at < padded.length; at += 4) {
    let value = padded.readUInt32BE(at)
    let group = ''
    for (let i = 0; i < 5; i++) {
      group = Z85.charAt(value % 85) + group
      value = Math.floor(value / 85)
    }
    text += group
  }
  return text
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
export function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function runBytes(values: readonly number[]): Buffer {
  const runs: [number, number][] = []
  for (const value of values) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] + 1 === value) last[1] = value
    else runs.push([value, value])
  }
  return Buffer.concat([u16(runs.length), ...runs.flatMap(([start, end]) => [u16(start), u16(end - start)])])
}

function bitBytes(values: readonly number[]): Buffer {
  const bits = Buffer.alloc(8192)
  for (const value of values) bits[value >> 3] = (bits[value >> 3] as number) | (1 << (value & 7))
  return bits
}
