// From a descriptor to rows: where vectors lie, and that one which is not exactly what the log says is refused.
import { describe, expect, test } from 'vitest'
import { type ErrorCode, isAlluviumError } from '../../../src/errors.js'
import type { DeletionVectorDescriptor } from '../../../src/log/actions.js'
import { deletionVectorPath, loadDeletionVector } from '../../../src/log/index.js'
import { memoryStorage } from '../../../src/storage/memory.js'
import { be32, vectorBytes, vectorFile, z85 } from './vector-bytes.js'

const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61'
const encodedUuid = '^-aqEH.-t@S}K{vb[*k^'
const file = `deletion_vector_${uuid}.bin`
const one = vectorBytes([3, 4, 7, 11, 18, 29])
const two = vectorBytes(Array.from({ length: 10_000 }, (_, i) => i * 3))
const both = vectorFile(one, two)

function descriptor(more: Partial<DeletionVectorDescriptor> = {}): DeletionVectorDescriptor {
  return { storageType: 'u', pathOrInlineDv: encodedUuid, offset: 1, sizeInBytes: one.length, cardinality: 6, ...more }
}

async function storeOf(files: Readonly<Record<string, Uint8Array>>): Promise<ReturnType<typeof memoryStorage>> {
  const storage = memoryStorage()
  for (const [path, bytes] of Object.entries(files)) await storage.put(path, bytes)
  return storage
}

async function codeOf(run: () => unknown): Promise<ErrorCode | string> {
  try {
    await run()
    return 'no error'
  } catch (error) {
    return isAlluviumError(error) ? error.code : `untyped: ${String(error)}`
  }
}

describe('the path of a vector', () => {
  // The examples of PROTOCOL.md, "Deletion Vectors".
  test('is made of its UUID, in a folder named by its prefix', () => {
    expect(deletionVectorPath(descriptor({ pathOrInlineDv: `ab${encodedUuid}` }))).toBe(`ab/${file}`)
    expect(deletionVectorPath(descriptor())).toBe(file)
    expect(deletionVectorPath(descriptor({ storageType: 'i' }))).toBeUndefined()
  })

  test('has its prefix as it stands, percent signs and spaces too', () => {
    expect(deletionVectorPath(descriptor({ pathOrInlineDv: `te st%25dv%${encodedUuid}` }))).toBe(`te st%25dv%/${file}`)
  })

  test.each(['../', '..', '/etc/', 'a/../../', '..\\', '%2e%2e/', '_delta_log/', 'C:\\', 'a/\u0000/', 'file:///tmp/'])(
    'never leads outside the table: the prefix %j',
    async (prefix) => {
      expect(await codeOf(() => deletionVectorPath(descriptor({ pathOrInlineDv: `${prefix}${encodedUuid}` })))).toBe('PATH_OUTSIDE_TABLE')
    },
  )

  test.each(['', 'abc', encodedUuid.slice(1), `"${encodedUuid.slice(1)}`, `#####${encodedUuid.slice(5)}`])(
    'needs a UUID: %j',
    async (text) => {
      expect(await codeOf(() => deletionVectorPath(descriptor({ pathOrInlineDv: text })))).toBe('CORRUPT_DATA')
    },
  )

  test('of another kind of storage is refused by its name', () => {
    expect(() => deletionVectorPath(descriptor({ storageType: 'r' }))).toThrow(/storage type "r"/)
  })
})

describe('loading a vector', () => {
  test('finds each of a file by its offset', async () => {
    const storage = await storeOf({ [file]: both.bytes })
    expect(await loadDeletionVector(storage, descriptor())).toMatchObject({ cardinality: 6, last: 29 })
    const second = descriptor({ offset: both.offsets[1] as number, sizeInBytes: two.length, cardinality: 10_000 })
    expect(await loadDeletionVector(storage, second)).toMatchObject({ cardinality: 10_000, last: 29_997 })
  })

  test('takes a missing offset, and an offset of 0, for the first vector', async () => {
    const storage = await storeOf({ [file]: both.bytes })
    const { offset: _, ...without } = descriptor()
    expect(await loadDeletionVector(storage, without)).toMatchObject({ cardinality: 6 })
    expect(await loadDeletionVector(storage, descriptor({ offset: 0 }))).toMatchObject({ cardinality: 6 })
  })

  test('reads one that stands in the log, without its padding', async () => {
    for (const positions of [[1], [1, 2], [1, 2, 3]]) {
      const bytes = vectorBytes(positions)
      const inline = { storageType: 'i', pathOrInlineDv: z85(bytes), sizeInBytes: bytes.length, cardinality: positions.length }
      expect(await loadDeletionVector(memoryStorage(), inline)).toMatchObject({ cardinality: positions.length, last: positions.length })
    }
  })

  test('reads one by a path with escapes', async () => {
    const storage = await storeOf({ [`a b/${file}`]: both.bytes })
    expect(await loadDeletionVector(storage, descriptor({ storageType: 'p', pathOrInlineDv: `a%20b/${file}` }))).toMatchObject({
      cardinality: 6,
    })
  })

  const bad = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(both.bytes)
    change(bytes)
    return bytes
  }
  const at = both.offsets[0] as number
  test.each<[string, Buffer, Partial<DeletionVectorDescriptor>, ErrorCode]>([
    ['a file of another version', bad((bytes) => bytes.writeUInt8(2, 0)), {}, 'CORRUPT_DATA'],
    ['another size before the vector', bad((bytes) => bytes.writeUInt32BE(one.length + 1, at)), {}, 'CORRUPT_DATA'],
    ['a bit of the vector flipped', bad((bytes) => bytes.writeUInt8((bytes[at + 30] as number) ^ 1, at + 30)), {}, 'CORRUPT_DATA'],
    ['another checksum', bad((bytes) => bytes.writeUInt32BE(0, at + 4 + one.length)), {}, 'CORRUPT_DATA'],
    ['a descriptor that counts other rows', both.bytes, { cardinality: 5 }, 'CORRUPT_DATA'],
    ['an offset into the middle', both.bytes, { offset: 2 }, 'CORRUPT_DATA'],
    ['an offset beyond the file', both.bytes, { offset: 1_000_000 }, 'CORRUPT_DATA'],
    ['a file that ends early', both.bytes.subarray(0, at + 20), {}, 'CORRUPT_DATA'],
    ['an empty file', Buffer.alloc(0), {}, 'CORRUPT_DATA'],
    ['no bytes at all', Buffer.concat([Buffer.of(1), be32(0), be32(0)]), { sizeInBytes: 0, cardinality: 0 }, 'CORRUPT_DATA'],
    ['a size that the file does not have', both.bytes, { sizeInBytes: 400 * 2 ** 20 }, 'CORRUPT_DATA'],
    ['a size beyond reason', both.bytes, { sizeInBytes: 2 ** 40 }, 'LIMIT_EXCEEDED'],
    ['inline text that is no Z85', both.bytes, { storageType: 'i', pathOrInlineDv: 'abc' }, 'CORRUPT_DATA'],
    [
      'inline text that is shorter than it says',
      both.bytes,
      { storageType: 'i', pathOrInlineDv: z85(one), sizeInBytes: one.length + 4 },
      'CORRUPT_DATA',
    ],
    [
      'inline text that is longer than it says',
      both.bytes,
      { storageType: 'i', pathOrInlineDv: z85(one), sizeInBytes: one.length - 4 },
      'CORRUPT_DATA',
    ],
    ['an absolute path', both.bytes, { storageType: 'p', pathOrInlineDv: `s3://bucket/${file}` }, 'PATH_OUTSIDE_TABLE'],
  ])('%s is refused', async (_, bytes, more, code) => {
    const storage = await storeOf({ [file]: bytes })
    expect(await codeOf(() => loadDeletionVector(storage, descriptor(more)))).toBe(code)
  })

  test('a file that is gone is MISSING_FILE', async () => {
    expect(await codeOf(() => loadDeletionVector(memoryStorage(), descriptor()))).toBe('MISSING_FILE')
  })
})
