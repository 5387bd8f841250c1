// From a descriptor in the log to the rows it deletes: where the vector lies, its bytes, its checksum, its number of rows.
// Rule: every mismatch is an error. A vector that is only nearly right would bring back rows or lose them.
import { AlluviumError } from '../../errors.js'
import { encodeFilePath } from '../../schema/index.js'
import type { Storage } from '../../storage/storage.js'
import type { DeletionVectorDescriptor } from '../actions.js'
import { type DataHome, resolveDataPath } from '../data-path.js'
import { crc32 } from './crc32.js'
import type { DeletedRows } from './deleted-rows.js'
import { parseRoaring, VectorFault } from './roaring.js'
import { decodeZ85 } from './z85.js'

const FILE_VERSION = 1
/** A vector of every second row of 2^32 rows takes this much. */
const MAX_VECTOR_BYTES = 512 * 2 ** 20
const UUID_CHARACTERS = 20

/**
 * Reads the rows that a file's deletion vector removes (PROTOCOL.md, "Deletion Vectors").
 * @throws AlluviumError `CORRUPT_DATA` for a vector that is damaged or does not hold what its descriptor says,
 * `MISSING_FILE`, `UNSUPPORTED_FEATURE` for another kind of storage, `PATH_OUTSIDE_TABLE`, `LIMIT_EXCEEDED`, storage errors
 */
export async function loadDeletionVector(
  storage: Storage,
  descriptor: DeletionVectorDescriptor,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<DeletedRows> {
  const { sizeInBytes, cardinality } = descriptor
  const path = deletionVectorPath(descriptor, storage)
  const where = path ?? 'the log'
  if (sizeInBytes > MAX_VECTOR_BYTES) {
    throw new AlluviumError(
      'LIMIT_EXCEEDED',
      `the deletion vector in ${where} takes ${sizeInBytes} bytes; at most ${MAX_VECTOR_BYTES} are read`,
      {
        ...factsOf(path),
        sizeBytes: sizeInBytes,
      },
    )
  }
  const bytes = path === undefined ? inlineBytes(descriptor) : await fileBytes(storage, path, descriptor, options.signal)
  let rows: DeletedRows
  try {
    rows = parseRoaring(bytes)
  } catch (error) {
    if (error instanceof VectorFault) throw corrupt(path, error.message, error)
    throw error
  }
  if (rows.cardinality !== cardinality) throw corrupt(path, `it deletes ${rows.cardinality} rows, where the log says ${cardinality}`)
  return rows
}

/**
 * The file of a deletion vector as a path in the store (or below `home`), or undefined for a vector in the
 * log itself.
 * @throws AlluviumError `UNSUPPORTED_FEATURE`, `CORRUPT_DATA`, `PATH_OUTSIDE_TABLE`
 * @example deletionVectorPath({ storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', … })
 * // 'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
 */
export function deletionVectorPath(descriptor: DeletionVectorDescriptor, home?: string | DataHome): string | undefined {
  const { storageType, pathOrInlineDv } = descriptor
  switch (storageType) {
    case 'i':
      return undefined
    case 'p':
      return resolveDataPath(pathOrInlineDv, home)
    case 'u': {
      const prefix = pathOrInlineDv.slice(0, -UUID_CHARACTERS)
      const uuid = pathOrInlineDv.length < UUID_CHARACTERS ? undefined : decodeZ85(pathOrInlineDv.slice(-UUID_CHARACTERS))
      if (uuid === undefined)
        throw corrupt(undefined, `its descriptor ${JSON.stringify(pathOrInlineDv.slice(0, 100))} does not end with a UUID in Z85`)
      const name = `deletion_vector_${uuidText(uuid)}.bin`
      // The prefix is a folder's name as it stands, not a URL.
      return prefix === '' ? name : resolveDataPath(encodeFilePath(`${prefix}/${name}`))
    }
    default:
      throw new AlluviumError(
        'UNSUPPORTED_FEATURE',
        `the log has a deletion vector of the storage type ${JSON.stringify(storageType)}; u, p and i are known`,
        {
          features: [`deletionVectors storageType ${storageType}`],
        },
      )
  }
}

function inlineBytes({ pathOrInlineDv, sizeInBytes }: DeletionVectorDescriptor): Uint8Array {
  const bytes = decodeZ85(pathOrInlineDv)
  if (bytes === undefined) throw corrupt(undefined, 'its text is not Z85')
  // Padded to whole groups of four bytes.
  if (sizeInBytes > bytes.length || sizeInBytes <= bytes.length - 4) {
    throw corrupt(undefined, `its text holds ${bytes.length} bytes, where the log says ${sizeInBytes}`)
  }
  return bytes.subarray(0, sizeInBytes)
}

// A version byte begins the file; each vector is its size, its bytes, and their checksum.
async function fileBytes(
  storage: Storage,
  path: string,
  { offset, sizeInBytes }: DeletionVectorDescriptor,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  // A missing offset means 0, where the version byte stands: the vector begins after it.
  const begin = offset === undefined || offset === 0 ? 1 : offset
  const headerBytes = begin === 1 ? 5 : 4
  const wanted = headerBytes + sizeInBytes + 4
  const bytes = await storage.readRange(path, begin === 1 ? 0 : begin, wanted, { signal })
  if (bytes === undefined) {
    throw new AlluviumError(
      'MISSING_FILE',
      `the deletion vector ${path} is in the log of ${storage.location} but not in the store; without it deleted rows would come back`,
      { path },
    )
  }
  if (bytes.length < wanted) throw corrupt(path, `the file ends ${wanted - bytes.length} bytes early`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (begin === 1 && bytes[0] !== FILE_VERSION) throw corrupt(path, `the file is of version ${bytes[0]}; ${FILE_VERSION} is known`)
  const size = view.getUint32(headerBytes - 4)
  if (size !== sizeInBytes) throw corrupt(path, `it has ${size} bytes at offset ${begin}, where the log says ${sizeInBytes}`)
  const data = bytes.subarray(headerBytes, headerBytes + sizeInBytes)
  if (crc32(data) !== view.getUint32(headerBytes + sizeInBytes)) throw corrupt(path, 'its checksum does not fit its bytes')
  return data
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function factsOf(path: string | undefined): { path?: string } {
  return path === undefined ? {} : { path }
}

function corrupt(path: string | undefined, what: string, cause?: unknown): AlluviumError {
  return new AlluviumError(
    'CORRUPT_DATA',
    `the deletion vector ${path === undefined ? 'in the log' : path} is damaged: ${what}`,
    factsOf(path),
    { cause },
  )
}
