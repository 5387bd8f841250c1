// Damaged deletion vectors, in files and in the log: rows are deleted exactly as a naive reader of the format says, or the
// vector is refused. The checksum is made right again more often than not, so that the damage gets to what is behind it.
import { crc32 } from 'node:zlib'
import { loadDeletionVector } from '../../src/log/index.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { be32, vectorBytes, z85 } from '../log/deletion-vectors/vector-bytes.js'
import { answerOf, type Kind, type Verdict } from './kind.js'
import { damageBytes } from './mutate.js'
import type { Random } from './random.js'

const CODES = ['CORRUPT_DATA', 'LIMIT_EXCEEDED', 'MISSING_FILE']

const MANY = 1_000_000
const TOO_MANY = 'too many'

export const vectorKind: Kind = { name: 'vectors', share: 15, prepare: async () => undefined, run }

async function run(random: Random): Promise<Verdict> {
  const sound = new Uint8Array(
    vectorBytes(randomPositions(random), (container) => (random.oneIn(2) || container % 3 === 1 ? 'runs' : 'plain')),
  )
  let bytes: Uint8Array = sound
  const times = random.oneIn(8) ? 0 : 1 + random.below(3)
  for (let i = 0; i < times; i++)
    bytes = random.oneIn(2) ? damageNumber(bytes, random) : damageBytes(bytes, random, 0, Math.min(bytes.length, 64))
  const naive = naivePositions(bytes)
  if (naive === 'too many') return answeredAnyhow(bytes, random)
  // What the log says is right by the naive reader, or sometimes not.
  const cardinality = (naive?.length ?? random.below(100)) + (random.oneIn(10) ? 1 : 0)
  const storage = memoryStorage()
  let isChecked = true
  let descriptor: Parameters<typeof loadDeletionVector>[1]
  if (random.oneIn(2)) descriptor = { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality }
  else {
    const checksum = random.oneIn(10) ? random.below(2 ** 31) : crc32(bytes)
    isChecked = checksum === crc32(bytes)
    await storage.put('v.bin', new Uint8Array(Buffer.concat([Buffer.of(1), be32(bytes.length), bytes, be32(checksum)])))
    descriptor = { storageType: 'p', pathOrInlineDv: 'v.bin', offset: 1, sizeInBytes: bytes.length, cardinality }
  }
  const answer = await answerOf(CODES, () => loadDeletionVector(storage, descriptor))
  if (!('value' in answer)) {
    if (times === 0 && cardinality === naive?.length && isChecked) throw new Error(`a sound vector was refused: ${answer.message}`)
    return 'refused'
  }
  if (naive === undefined || naive.length !== cardinality)
    throw new Error(`a vector was read that the naive reader refuses (${naive?.length} positions)`)
  if (!isChecked) throw new Error('a vector was read whose checksum is wrong')
  compare(answer.value, naive)
  return 'read'
}

// Too many rows for the naive reader; the library must answer all the same.
async function answeredAnyhow(bytes: Uint8Array, random: Random): Promise<Verdict> {
  const descriptor = { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: random.below(2 ** 31) }
  const answer = await answerOf(CODES, () => loadDeletionVector(memoryStorage(), descriptor))
  return 'value' in answer ? 'read' : 'refused'
}

function compare(deleted: Awaited<ReturnType<typeof loadDeletionVector>>, positions: readonly number[]): void {
  if (deleted.cardinality !== positions.length) throw new Error(`${deleted.cardinality} rows, the naive reader finds ${positions.length}`)
  if (deleted.last !== (positions.at(-1) ?? -1))
    throw new Error(`the last row is ${deleted.last}, for the naive reader ${positions.at(-1)}`)
  const windows = new Set(positions.map((position) => Math.floor(position / 4096)))
  for (const window of [...windows].slice(0, 50)) {
    const keep = new Uint8Array(4096).fill(1)
    deleted.clear(keep, window * 4096)
    const expected = new Uint8Array(4096).fill(1)
    for (const position of positions) if (Math.floor(position / 4096) === window) expected[position % 4096] = 0
    if (Buffer.compare(keep, expected) !== 0) throw new Error(`rows from ${window * 4096} on differ from the naive reader's`)
  }
}

function randomPositions(random: Random): Set<number> {
  const positions = new Set<number>()
  const spots = 1 + random.below(4)
  for (let i = 0; i < spots; i++) {
    const base = random.pick([0, 65_536, 65_536 * 3, 2 ** 32, 2 ** 32 * 5 + 65_536 * 2])
    const count = random.pick([1, 5, 40, 4096, 4097])
    const stride = random.pick([1, 1, 3, 7])
    for (let k = 0; k < count; k++) positions.add(base + random.below(3) + k * stride)
  }
  return positions
}

// A 16, 32 or 64-bit number somewhere in the headers, made odd.
function damageNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const result = bytes.slice()
  const width = random.pick([2, 4, 8])
  const at = random.below(Math.max(1, Math.min(result.length - width, 80)))
  const value = random.pick([0, 1, 2, 255, 256, 4096, 4097, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 12_346, 12_347, 2 ** 21])
  for (let i = 0; i < width && at + i < result.length; i++) result[at + i] = i < 4 ? (value >>> (i * 8)) & 255 : 0
  return result
}

/** Positions in order by the text of the format, `undefined` where it is not kept to. */
function naivePositions(bytes: Uint8Array): number[] | 'too many' | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const take = (width: 1 | 2 | 4): number => {
    const value = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true)
    at += width
    return value
  }
  const positions: number[] = []
  const bitmap = (high: number): void => {
    const cookie = take(4)
    let count: number
    let runs: (i: number) => boolean = () => false
    if ((cookie & 0xffff) === 12_347) {
      count = (cookie >>> 16) + 1
      const flags = Array.from({ length: (count + 7) >> 3 }, () => take(1))
      runs = (i) => (((flags[i >> 3] as number) >> (i & 7)) & 1) === 1
    } else if (cookie === 12_346) count = take(4)
    else throw new Error('cookie')
    if (count > 65_536) throw new Error('containers')
    const heads = Array.from({ length: count }, () => [take(2), take(2) + 1] as const)
    if (cookie === 12_346 || count >= 4) at += count * 4
    for (const [i, [key, cardinality]] of heads.entries()) {
      const base = high * 2 ** 32 + key * 65_536
      const found: number[] = []
      if (runs(i)) {
        for (let run = take(2); run > 0; run--) {
          const start = take(2)
          const length = take(2)
          for (let value = start; value <= start + length; value++) found.push(value)
          if (found.length > cardinality) throw new Error('cardinality')
        }
      } else if (cardinality <= 4096) for (let k = 0; k < cardinality; k++) found.push(take(2))
      else
        for (let word = 0; word < 2048; word++)
          for (let bits = take(4), bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) found.push(word * 32 + bit)
      if (found.length !== cardinality || found.some((value) => value > 65_535)) throw new Error('cardinality')
      for (const value of found) positions.push(base + value)
      if (positions.length > MANY) throw new RangeError(TOO_MANY)
    }
  }
  try {
    const magic = take(4)
    if (magic === 1_681_511_377) {
      const buckets = take(4) + take(4) * 2 ** 32
      if (buckets > bytes.length) return undefined
      for (let i = 0; i < buckets; i++) bitmap(take(4))
    } else if (magic === 1_681_511_376) {
      const buckets = take(4)
      if (buckets > bytes.length) return undefined
      for (let i = 0; i < buckets; i++) {
        const size = take(4)
        const end = at + size
        bitmap(i)
        if (at > end) return undefined
        at = end
      }
    } else return undefined
    return positions.every((position, i) => i === 0 || position > (positions[i - 1] as number)) ? positions : undefined
  } catch (error) {
    return (error as Error).message === TOO_MANY ? 'too many' : undefined
  }
}
