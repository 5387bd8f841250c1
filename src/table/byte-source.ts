// A Parquet byte source over one object of a store. A short answer is an error: a reader never works on less than it asked for.
import { AlluviumError } from '../errors.js'
import type { ByteSource } from '../parquet/index.js'
import type { Storage } from '../storage/storage.js'

/**
 * Opens `path` for ranged reads. `sizeBytes` comes from the log; the object itself is asked only for ranges.
 * @throws AlluviumError `MISSING_FILE` when the object is gone, `CORRUPT_DATA` when it is shorter than the log says.
 */
export function storageByteSource(storage: Storage, path: string, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length, signal) => {
      const bytes = await storage.readRange(path, offset, length, { signal })
      if (bytes === undefined) throw missingFile(storage, path)
      if (bytes.length !== length) {
        throw new AlluviumError(
          'CORRUPT_DATA',
          `${path} in ${storage.location} ends before byte ${offset + length}, though the log says it has ${sizeBytes}; it was cut short or replaced`,
          { path, offset, wanted: length, got: bytes.length },
        )
      }
      return bytes
    },
  }
}

/** The error for a data file that the log names and the store lacks. */
export function missingFile(storage: Storage, path: string): AlluviumError {
  return new AlluviumError(
    'MISSING_FILE',
    `the data file ${path} is in the log of ${storage.location} but not in the store; it was deleted by other means than the table, or vacuumed after this version`,
    { path },
  )
}
